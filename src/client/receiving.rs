//! Bytes on their way to this device: kept in `NAME.partial` and gone on with by `Range` after a cut.
//!
//! The broker decides about every range anew; what it refuses, ends the download, and nothing half is left behind. The
//! file gets its name only when the payload's digest is the one in the report statement, so a partial file that was
//! damaged, or belongs to another header, can cost time and nothing else.

use super::{
    desk::{Desk, DeskError},
    identity::{partial_path, private_file, sync_folder},
    remote::RemoteError,
    uploading::{Limited, Pace, Patience},
};
use crate::model::{ids::Digest, report::Report};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Bytes read from the link at once.
const READ_BYTES: usize = 128 << 10;

/// What happens to a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchStep {
    /// So many bytes of the payload are on this device.
    Here(u64),
    /// The connection failed or the broker is busy; the next attempt comes after a wait.
    Waiting {
        /// What happened, in words.
        why: String,
        /// How long.
        wait: Duration,
    },
}

/// Told what happens to a download, as it happens.
pub type FetchSteps<'a> = &'a mut dyn FnMut(FetchStep);

/// What is fetched.
pub(in crate::client) struct Wanted<'a> {
    /// Where the broker has it.
    pub path: String,
    /// How the file begins: a header that came another way and is checked.
    pub header: &'a [u8],
    /// Which byte of the broker's answer is the payload's first.
    pub payload_at: u64,
    /// What the payload must be.
    pub stated: &'a Report,
}

impl Desk {
    /// Fetches `wanted` into the new file `out`, going on where an earlier attempt stopped.
    pub(in crate::client) fn receive(
        &self,
        wanted: &Wanted<'_>,
        out: &Path,
        pace: &Pace,
        steps: FetchSteps<'_>,
    ) -> Result<(), DeskError> {
        let mut kept = Kept::open(out, wanted)?;
        let mut patience = Patience::new(pace);
        steps(FetchStep::Here(kept.payload));
        while kept.payload < wanted.stated.payload_bytes {
            let before = kept.payload;
            let outcome = self.receive_range(wanted, &mut kept, pace, steps);
            let came = kept.payload > before;
            if came {
                patience.renew();
            }
            match outcome {
                Ok(()) => {}
                // An answer that took too long as a whole, but was coming: the rest is asked for at once.
                Err(Broke::Slow) if came => {}
                Err(Broke::Slow) => {
                    let silent = RemoteError::Unreachable("nothing came for minutes".to_owned());
                    patience.after(self, silent, &mut |why, wait| steps(FetchStep::Waiting { why, wait }))?;
                }
                Err(Broke::Here(error)) => return Err(error),
                // The broker says no, and does not merely ask for time: what it would not give now is not kept either.
                Err(Broke::There(error)) if error.problem().is_some() && !error.passes() => {
                    kept.discard();
                    return Err(error.into());
                }
                Err(Broke::There(error)) => {
                    patience.after(self, error, &mut |why, wait| steps(FetchStep::Waiting { why, wait }))?;
                }
            }
        }
        kept.publish(wanted.stated.payload_sha256)
    }

    /// One answer, as far as it comes.
    fn receive_range(
        &self,
        wanted: &Wanted<'_>,
        kept: &mut Kept,
        pace: &Pace,
        steps: FetchSteps<'_>,
    ) -> Result<(), Broke> {
        let from = wanted.payload_at + kept.payload;
        let headers = [("range", format!("bytes={from}-"))];
        let response = self.remote.stream(&wanted.path, &headers, self.signed_in())?;
        let range = response.headers().get("content-range").and_then(|value| value.to_str().ok());
        let total = wanted.payload_at + wanted.stated.payload_bytes;
        if range != Some(&format!("bytes {from}-{}/{total}", total - 1)) {
            return Err(RemoteError::Answer("not the range that was asked for".to_owned()).into());
        }
        let body = response.into_body().into_reader().take(wanted.stated.payload_bytes - kept.payload);
        let mut body = Limited::new(body, pace, self.clock.clone());
        let mut buffer = vec![0; READ_BYTES];
        while kept.payload < wanted.stated.payload_bytes {
            let read = body.read(&mut buffer).map_err(|error| broke(&error))?;
            match buffer.get(..read) {
                Some(bytes) if !bytes.is_empty() => kept.take(bytes)?,
                _ => return Err(RemoteError::Unreachable("the connection ended early".to_owned()).into()),
            }
            steps(FetchStep::Here(kept.payload));
        }
        Ok(())
    }
}

/// Removes what an earlier attempt left, when nothing more will come.
pub fn forget_partial(out: &Path) {
    drop(fs::remove_file(partial_path(out)));
}

/// Why an answer did not come whole.
enum Broke {
    /// This device.
    Here(DeskError),
    /// The broker, or the link to it.
    There(RemoteError),
    /// The whole answer took longer than one answer may.
    Slow,
}

impl From<DeskError> for Broke {
    fn from(error: DeskError) -> Self {
        Self::Here(error)
    }
}
impl From<RemoteError> for Broke {
    fn from(error: RemoteError) -> Self {
        Self::There(error)
    }
}

fn broke(error: &io::Error) -> Broke {
    match error.kind() {
        io::ErrorKind::TimedOut => Broke::Slow,
        _ => Broke::There(RemoteError::Unreachable(error.to_string())),
    }
}

/// What is here so far.
struct Kept {
    // INVARIANT: `file` is locked by us and holds the header and `payload` bytes, of which `hasher` has taken all.
    file: File,
    partial: PathBuf,
    place: PathBuf,
    hasher: Sha256,
    payload: u64,
}

impl Kept {
    fn open(place: &Path, wanted: &Wanted<'_>) -> Result<Self, DeskError> {
        if fs::symlink_metadata(place).is_ok() {
            return Err(DeskError::refused(format!("{} is there already; choose another name", place.display())));
        }
        let partial = partial_path(place);
        let failed = |e: io::Error| DeskError::refused(format!("{}: {e}", partial.display()));
        if let Some(file) = leftover(&partial).map_err(failed)? {
            if file.try_lock().is_err() {
                let words = "another command is fetching into it, or an earlier one has not ended yet";
                return Err(DeskError::refused(format!("{}: {words}", partial.display())));
            }
            let mut kept =
                Self { file, partial: partial.clone(), place: place.to_owned(), hasher: Sha256::new(), payload: 0 };
            if kept.continues(wanted).map_err(failed)? {
                return Ok(kept);
            }
        }
        drop(fs::remove_file(&partial));
        let mut file = private_file(&partial).map_err(failed)?;
        file.try_lock().map_err(|e| failed(e.into()))?;
        file.write_all(wanted.header).map_err(failed)?;
        Ok(Self { file, partial, place: place.to_owned(), hasher: Sha256::new(), payload: 0 })
    }

    /// Whether the leftover begins with this header and is no longer than it can be; then it is hashed anew.
    fn continues(&mut self, wanted: &Wanted<'_>) -> io::Result<bool> {
        let header_bytes = wanted.header.len() as u64;
        let length = self.file.metadata()?.len();
        if length < header_bytes || length > header_bytes + wanted.stated.payload_bytes {
            return Ok(false);
        }
        let mut header = vec![0; wanted.header.len()];
        self.file.read_exact(&mut header)?;
        if header != wanted.header {
            return Ok(false);
        }
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = self.file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(true) };
            self.hasher.update(bytes);
            self.payload += read as u64;
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), DeskError> {
        let failed = |e: io::Error| DeskError::refused(format!("{}: {e}", self.partial.display()));
        self.file.write_all(bytes).map_err(failed)?;
        self.hasher.update(bytes);
        self.payload += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file its name if the payload is the stated one.
    fn publish(self, stated: Digest) -> Result<(), DeskError> {
        if self.hasher.clone().finalize().as_slice() != stated.as_bytes() {
            self.discard();
            return Err(DeskError::refused("the payload is not the one in the report statement; nothing was kept"));
        }
        let failed = |e: io::Error| DeskError::refused(format!("{}: {e}", self.place.display()));
        self.file.sync_all().map_err(failed)?;
        // Renaming replaces: claim the name first.
        drop(private_file(&self.place).map_err(failed)?);
        if let Err(error) = fs::rename(&self.partial, &self.place) {
            drop(fs::remove_file(&self.place));
            return Err(failed(error));
        }
        sync_folder(&self.place).map_err(failed)
    }

    fn discard(&self) {
        drop(fs::remove_file(&self.partial));
    }
}

/// What an earlier attempt left, if it is a file that only its owner could read and write.
fn leftover(partial: &Path) -> io::Result<Option<File>> {
    let private = match fs::symlink_metadata(partial) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => is_private(&found?),
    };
    if private { OpenOptions::new().read(true).append(true).open(partial).map(Some) } else { Ok(None) }
}

#[cfg(unix)]
fn is_private(found: &fs::Metadata) -> bool {
    found.is_file() && std::os::unix::fs::PermissionsExt::mode(&found.permissions()).trailing_zeros() >= 6
}
#[cfg(not(unix))]
fn is_private(found: &fs::Metadata) -> bool {
    found.is_file()
}

/// Steps of a download as the bytes that came since the last.
pub(in crate::client) fn told_as_progress(progress: &mut dyn FnMut(u64)) -> impl FnMut(FetchStep) + '_ {
    let mut told = 0;
    move |step| {
        if let FetchStep::Here(here) = step {
            progress(here.saturating_sub(told));
            told = here;
        }
    }
}
