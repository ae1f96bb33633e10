//! What a witness keeps: its key, for each log the checkpoint it cosigned last, and evidence against logs.
//!
//! A witness that forgets what it cosigned would cosign a fork without noticing. So a checkpoint is durable before
//! [`Witnessed::keep`] returns (new file → fsync → rename → fsync of the folder), a marker of every log ever cosigned
//! lies in another folder, and a log that has a marker and no checkpoint is never begun again: see
//! [`WitnessedError::Lost`]. What cannot be noticed here is a folder put back from an older copy as a whole;
//! `docs/operations.md` says what to do then.
//!
//! ```text
//! DIR/witness.key                        the private key, for its owner alone
//! DIR/lock                               held while a witness runs
//! DIR/logs/SHA256(ORIGIN)                the checkpoint cosigned last, with our cosignature
//! DIR/served/SHA256(ORIGIN)              marker: the origin of a log cosigned once
//! DIR/evidence/SHA256(ORIGIN)/KIND-…/    request, as it was refused, and checkpoint, as we cosigned it last
//! ```

use crate::{
    model::{ids::Digest, limits},
    tlog::Suspicion,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A witness's folder, held by this process alone.
#[derive(Debug)]
pub struct Witnessed {
    dir: PathBuf,
    /// Held as long as anybody may write: two witnesses on one folder could cosign two forks.
    _lock: File,
}

/// Why a witness's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessedError {
    /// Something is there already.
    #[error("{} is there already: a witness's key is made once, in a folder of its own", .0.display())]
    Exists(PathBuf),
    /// Another process has it.
    #[error("{} is in use by another witness; two on one folder could cosign two forks", .0.display())]
    InUse(PathBuf),
    /// A key without the folders that were made with it.
    #[error(
        "{} is missing, and the key is there: without the record of what it cosigned a witness would cosign a fork \
         unnoticed. Bring the record back; if it is lost for good, make a new witness with another key in another folder \
         (amana witness new) and have it named in place of this one", .0.display()
    )]
    NoRecord(PathBuf),
    /// A log was cosigned, and its last checkpoint is gone.
    #[error(
        "this witness cosigned {origin} before, and the checkpoint is missing from {}: a fork could not be noticed. Bring \
         the file back; if it is lost for good, make a new witness with another key in another folder (amana witness \
         new)", path.display()
    )]
    Lost {
        /// The log.
        origin: String,
        /// Where its checkpoint should lie.
        path: PathBuf,
    },
    /// A file or folder.
    #[error("cannot {act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Whether evidence was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It is on disk.
    Kept,
    /// The same checkpoint is there already.
    Known,
    /// There is as much of this kind as is kept.
    Full,
}

/// The name a log has in the folder and in the monitoring address: SHA-256 of its origin, in hexadecimal digits.
pub fn log_id(origin: &str) -> String {
    Digest::of(origin.as_bytes()).to_string()
}

impl Witnessed {
    /// Makes a witness's folder around a new private key.
    ///
    /// # Errors
    /// [`WitnessedError::Exists`] if there is anything in the way.
    pub fn create(dir: &Path, key: &str) -> Result<(), WitnessedError> {
        make_folder(dir)?;
        for name in [KEY, LOGS, SERVED, EVIDENCE] {
            let path = dir.join(name);
            if path.try_exists().map_err(failed("look at", &path))? {
                return Err(WitnessedError::Exists(path));
            }
        }
        for name in [LOGS, SERVED, EVIDENCE] {
            make_folder(&dir.join(name))?;
        }
        // Last: a folder without a key is no witness, and a key without its folders is one that forgot.
        write_new(&dir.join(KEY), key.as_bytes())?;
        sync_folder(dir)
    }

    /// The private key's text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(dir: &Path) -> Result<Zeroizing<String>, WitnessedError> {
        let path = dir.join(KEY);
        fs::read_to_string(&path).map(Zeroizing::new).map_err(failed("read the witness's key from", &path))
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// [`WitnessedError::InUse`], [`WitnessedError::NoRecord`].
    pub fn open(dir: &Path) -> Result<Self, WitnessedError> {
        for name in [LOGS, SERVED, EVIDENCE] {
            let path = dir.join(name);
            if !path.is_dir() {
                return Err(WitnessedError::NoRecord(path));
            }
        }
        let path = dir.join(LOCK);
        let lock = options().write(true).create(true).truncate(false).open(&path).map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WitnessedError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }

    /// The checkpoint cosigned last, as [`Witnessed::keep`] was given it; nothing if this log was never cosigned.
    ///
    /// # Errors
    /// [`WitnessedError::Lost`] if it was, and the checkpoint is gone.
    pub fn last(&self, origin: &str) -> Result<Option<String>, WitnessedError> {
        let path = self.checkpoint(origin);
        match fs::read_to_string(&path) {
            Ok(note) => {
                // A crash may have come between the two.
                self.mark(origin)?;
                Ok(Some(note))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let marker = self.marker(origin);
                if marker.try_exists().map_err(failed("look at", &marker))? {
                    return Err(WitnessedError::Lost { origin: origin.to_owned(), path });
                }
                Ok(None)
            }
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// Keeps the checkpoint that is about to be answered for; durable when this returns.
    ///
    /// The caller lets one write at a time for each origin. After an error it is not known which of the two
    /// checkpoints is kept: read it again.
    ///
    /// # Errors
    /// When it is not known to be durable.
    pub fn keep(&self, origin: &str, note: &str) -> Result<(), WitnessedError> {
        let path = self.checkpoint(origin);
        let new = path.with_extension("new");
        remove_if_there(&new)?;
        write_new(&new, note.as_bytes())?;
        fs::rename(&new, &path).map_err(failed("rename a new checkpoint to", &path))?;
        sync_folder(&self.dir.join(LOGS))?;
        self.mark(origin)
    }

    /// Keeps what a log signed against itself: the request that was refused, and the checkpoint it contradicts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_evidence(
        &self,
        origin: &str,
        suspicion: Suspicion,
        request: &Refused<'_>,
    ) -> Result<Evidence, WitnessedError> {
        let (kind, most) = match suspicion {
            Suspicion::Fork => ("fork", limits::EVIDENCE_FORKS),
            Suspicion::Unproven => ("unproven", limits::EVIDENCE_UNPROVEN),
            Suspicion::Shrunk => ("shrunk", limits::EVIDENCE_SHRUNK),
        };
        let folder = self.dir.join(EVIDENCE).join(log_id(origin));
        // By what was signed, so that the same checkpoint sent again is not kept again.
        let place = folder.join(format!("{kind}-{}", Digest::of(request.signed_text.as_bytes())));
        if place.try_exists().map_err(failed("look at", &place))? {
            return Ok(Evidence::Known);
        }
        make_folder(&folder)?;
        if count(&folder, kind)? >= most {
            return Ok(Evidence::Full);
        }
        let new = folder.join("new");
        if new.try_exists().map_err(failed("look at", &new))? {
            fs::remove_dir_all(&new).map_err(failed("remove", &new))?;
        }
        make_folder(&new)?;
        write_new(&new.join("request"), request.request.as_bytes())?;
        write_new(&new.join("checkpoint"), request.last.as_bytes())?;
        sync_folder(&new)?;
        fs::rename(&new, &place).map_err(failed("rename new evidence to", &place))?;
        sync_folder(&folder)?;
        sync_folder(&self.dir.join(EVIDENCE))?;
        Ok(Evidence::Kept)
    }

    fn checkpoint(&self, origin: &str) -> PathBuf {
        self.dir.join(LOGS).join(log_id(origin))
    }

    fn marker(&self, origin: &str) -> PathBuf {
        self.dir.join(SERVED).join(log_id(origin))
    }

    fn mark(&self, origin: &str) -> Result<(), WitnessedError> {
        let marker = self.marker(origin);
        if marker.try_exists().map_err(failed("look at", &marker))? {
            return Ok(());
        }
        write_new(&marker, format!("{origin}\n").as_bytes())?;
        sync_folder(&self.dir.join(SERVED))
    }
}

/// What was refused, and why that is a contradiction.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The request, verbatim.
    pub request: &'a str,
    /// The text in it that the log signed.
    pub signed_text: &'a str,
    /// The checkpoint we cosigned last.
    pub last: &'a str,
}

const KEY: &str = "witness.key";
const LOCK: &str = "lock";
const LOGS: &str = "logs";
const SERVED: &str = "served";
const EVIDENCE: &str = "evidence";

fn failed(act: &'static str, path: &Path) -> impl Fn(io::Error) -> WitnessedError {
    let path = path.to_owned();
    move |source| WitnessedError::File { act, path: path.clone(), source }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WitnessedError> {
    let mut file = options().write(true).create_new(true).open(path).map_err(failed("make", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

fn remove_if_there(path: &Path) -> Result<(), WitnessedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn make_folder(path: &Path) -> Result<(), WitnessedError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make the folder", path))
}

fn sync_folder(path: &Path) -> Result<(), WitnessedError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("write the folder", path))
}

fn count(folder: &Path, kind: &str) -> Result<usize, WitnessedError> {
    let entries = fs::read_dir(folder).map_err(failed("list", folder))?;
    let is_of_kind = |name: &str| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('-'));
    let mut count = 0;
    for entry in entries {
        let name = entry.map_err(failed("list", folder))?.file_name();
        count += usize::from(name.to_str().is_some_and(is_of_kind));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("witness");
        Witnessed::create(&dir, "key").unwrap();
        (temporary, dir)
    }

    #[test]
    fn what_was_kept_is_there_after_reopening() {
        let (_temporary, dir) = folder();
        let held = Witnessed::open(&dir).unwrap();
        assert_eq!(held.last("log").unwrap(), None);
        held.keep("log", "first").unwrap();
        held.keep("log", "second").unwrap();
        assert!(matches!(Witnessed::open(&dir), Err(WitnessedError::InUse(_))));
        drop(held);
        let held = Witnessed::open(&dir).unwrap();
        assert_eq!(held.last("log").unwrap().as_deref(), Some("second"));
        assert_eq!(held.last("other").unwrap(), None);
    }

    #[test]
    fn lost_checkpoint_is_noticed() {
        let (_temporary, dir) = folder();
        let held = Witnessed::open(&dir).unwrap();
        held.keep("log", "first").unwrap();
        fs::remove_file(held.checkpoint("log")).unwrap();
        assert!(matches!(held.last("log"), Err(WitnessedError::Lost { .. })));
    }

    #[test]
    fn lost_folder_is_noticed() {
        for name in [LOGS, SERVED] {
            let (_temporary, dir) = folder();
            fs::remove_dir_all(dir.join(name)).unwrap();
            assert!(matches!(Witnessed::open(&dir), Err(WitnessedError::NoRecord(_))));
        }
    }

    #[test]
    fn crash_between_checkpoint_and_marker_heals() {
        let (_temporary, dir) = folder();
        let held = Witnessed::open(&dir).unwrap();
        held.keep("log", "first").unwrap();
        fs::remove_file(held.marker("log")).unwrap();
        assert!(held.last("log").unwrap().is_some());
        assert!(held.marker("log").exists());
    }

    #[test]
    fn key_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_temporary, dir) = folder();
        assert!(matches!(Witnessed::create(&dir, "other"), Err(WitnessedError::Exists(_))));
        assert_eq!(Witnessed::key(&dir).unwrap().as_str(), "key");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir.join(KEY)), mode(&dir)), (0o600, 0o700));
    }

    #[test]
    fn evidence_is_kept_once_and_each_kind_has_its_bound() {
        let (_temporary, dir) = folder();
        let held = Witnessed::open(&dir).unwrap();
        let keep = |kind, n: usize| {
            let (request, signed_text) = (format!("request {n}"), format!("text {n}"));
            let refused = Refused { request: &request, signed_text: &signed_text, last: "last" };
            held.keep_evidence("log", kind, &refused).unwrap()
        };
        for n in 0..limits::EVIDENCE_SHRUNK {
            assert_eq!(keep(Suspicion::Shrunk, n), Evidence::Kept);
            assert_eq!(keep(Suspicion::Shrunk, n), Evidence::Known);
        }
        assert_eq!(keep(Suspicion::Shrunk, 1000), Evidence::Full);
        assert_eq!(keep(Suspicion::Fork, 1000), Evidence::Kept);
        let place = dir.join(EVIDENCE).join(log_id("log")).join(format!("fork-{}", Digest::of(b"text 1000")));
        assert_eq!(fs::read_to_string(place.join("request")).unwrap(), "request 1000");
        assert_eq!(fs::read_to_string(place.join("checkpoint")).unwrap(), "last");
    }
}
