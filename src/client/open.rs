//! Opening: from a sealed file to a folder, or to a reason why not.
//!
//! The file is read once. It is unpacked into `FOLDER.partial` while another thread hashes it, and gets its name when
//! everything matched what the report statement says. That the file key is the one the statement commits to is checked
//! before anything is unpacked: a payload can be built to show different people different contents.
//!
//! Nothing here may leave plaintext behind after a refusal, or write into a folder that was there. Start at [`open`].

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{panic, thread};

use age::{DecryptError, Decryptor, x25519};
use sha2::{Digest as _, Sha256};

use super::identity::{partial_path, sync_folder};
use super::report::{Manifest, UnpackError, Unpacked, unpack};
use super::rewrap::{self, PAYLOAD_NONCE_BYTES, RewrapError};
use super::seal::{QUEUED_BUFFERS, header_bytes};
use crate::model::ids::Digest;
use crate::wire::header::{Header, HeaderError, ReadHeaderError, read_header};

mod error;
mod manifest;

pub use error::OpenError;
pub use manifest::manifest_of;

/// What the signed report statement says about the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// SHA-256 of the payload: everything after the header.
    pub payload_sha256: Digest,
    /// Length of the payload.
    pub payload_bytes: u64,
    /// The commitment to the file key; see [`rewrap::key_commitment`].
    pub key_commitment: Digest,
}

/// An opened report, with what an acknowledgement states about it.
#[derive(Debug)]
pub struct Opened {
    /// Its manifest, validated.
    pub manifest: Manifest,
    /// The new folder, with `manifest.json`, `index.csv` and `files/`.
    pub folder: PathBuf,
    /// Number of files, each with the announced length and hash.
    pub files: usize,
    /// SHA-256 of the payload as read, equal to the stated one.
    pub payload_sha256: Digest,
    /// The commitment computed from the file key, equal to the stated one.
    pub key_commitment: Digest,
}

/// Opens the sealed file `report_age` with `identity` into the new folder `into`, if it is what `stated` says.
///
/// Memory does not grow with the report. `progress` is told the bytes unpacked since its last call.
///
/// # Errors
/// Whatever is wrong, `into` does not exist afterwards.
pub fn open(
    report_age: &Path,
    identity: &x25519::Identity,
    stated: &Stated,
    into: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Opened, OpenError> {
    if fs::symlink_metadata(into).is_ok() {
        return Err(OpenError::Exists { path: into.to_owned() });
    }
    let mut sealed = SealedReport::open(report_age, stated)?;
    sealed.check_commitment(identity, stated)?;
    let partial = partial_path(into);
    let unpacked = sealed.unpack(identity, stated, &partial, progress)?;
    if let Err(error) = publish(&partial, into) {
        drop(fs::remove_dir_all(&partial));
        return Err(error);
    }
    Ok(Opened {
        manifest: unpacked.manifest,
        folder: into.to_owned(),
        files: unpacked.files,
        payload_sha256: stated.payload_sha256,
        key_commitment: stated.key_commitment,
    })
}

/// A sealed file of the stated length, read as far as its payload nonce.
struct SealedReport {
    path: PathBuf,
    header: Header,
    nonce: [u8; PAYLOAD_NONCE_BYTES],
    file: BufReader<File>,
}

impl SealedReport {
    fn open(path: &Path, stated: &Stated) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let header = read_header(&mut file).map_err(|error| match error {
            ReadHeaderError::Io(source) => failed(source),
            ReadHeaderError::Header(HeaderError::NotAge) => OpenError::NotAge,
            ReadHeaderError::Header(why) => OpenError::Header(why),
        })?;
        let found = file_bytes.saturating_sub(header_bytes(&header));
        match (found, stated.payload_bytes) {
            (found, stated) if found < stated => return Err(OpenError::Shorter { found, stated }),
            (found, stated) if found > stated => return Err(OpenError::Longer { found, stated }),
            _ => {}
        }
        let mut nonce = [0; PAYLOAD_NONCE_BYTES];
        file.read_exact(&mut nonce).map_err(failed)?;
        Ok(Self { path: path.to_owned(), header, nonce, file })
    }

    fn check_commitment(&self, identity: &x25519::Identity, stated: &Stated) -> Result<(), OpenError> {
        let file_key = rewrap::unwrap_file_key(&self.header, identity).map_err(|error| match error {
            RewrapError::NotForThisIdentity => OpenError::NotForThisIdentity,
            RewrapError::Mac => OpenError::HeaderAltered,
            other => OpenError::Identity(other),
        })?;
        rewrap::check_commitment(&file_key, &self.nonce, stated.key_commitment.as_bytes())
            .map_err(|_| OpenError::CommitmentMismatch)
    }

    /// Decrypts with stock `age` and unpacks into `partial`, which is gone again unless the payload was the stated one.
    fn unpack(
        &mut self,
        identity: &x25519::Identity,
        stated: &Stated,
        partial: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Unpacked, OpenError> {
        let (unpacked, found) = thread::scope(|scope| {
            let (send, receive) = sync_channel(QUEUED_BUFFERS);
            let hasher = scope.spawn(move || hash_all(&receive));
            let unpacked = self.unpack_through(send, identity, partial, progress);
            match hasher.join() {
                Ok(found) => (unpacked, found),
                Err(bug) => panic::resume_unwind(bug),
            }
        });
        // What was read to its end and is not the stated payload is just that, whatever else came of it.
        match unpacked {
            Ok(unpacked) if found == stated.payload_sha256 => Ok(unpacked),
            Ok(_) => {
                drop(fs::remove_dir_all(partial));
                Err(OpenError::Changed { found })
            }
            Err(Unopened::Content(_)) if found != stated.payload_sha256 => Err(OpenError::Changed { found }),
            Err(Unopened::AtHome(error) | Unopened::Content(error)) => Err(error),
        }
    }

    /// Unpacks while every byte of the payload goes to `hasher`.
    fn unpack_through(
        &mut self,
        hasher: SyncSender<Vec<u8>>,
        identity: &x25519::Identity,
        partial: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Unpacked, Unopened> {
        let mut payload = Tee { inner: &mut self.file, hasher, failed: None };
        payload.send(&self.nonce);
        let head = Cursor::new([self.header.as_bytes(), &self.nonce].concat());
        let opened = Decryptor::new(head.chain(&mut payload))
            .and_then(|decryptor| decryptor.decrypt(std::iter::once(identity as _)));
        let unpacked = match opened {
            Ok(mut plaintext) => unpack(&mut plaintext, partial, progress).map_err(|error| unopened(error, partial)),
            // Header and key were checked; `age` can only fail like this if it disagrees with us.
            Err(error) => Err(Unopened::Content(OpenError::Undecryptable(into_io(error)))),
        };
        if !matches!(unpacked, Err(Unopened::AtHome(_))) {
            drop(io::copy(&mut payload, &mut io::sink()));
        }
        match payload.failed {
            // Not a fault of the content: the disk could not be read to the end.
            Some(source) => {
                if unpacked.is_ok() {
                    drop(fs::remove_dir_all(partial));
                }
                Err(Unopened::AtHome(OpenError::Read { path: self.path.clone(), source }))
            }
            None => unpacked,
        }
    }
}

/// Why nothing was unpacked: for a reason on this device, or one in the file.
enum Unopened {
    AtHome(OpenError),
    Content(OpenError),
}

fn unopened(error: UnpackError, partial: &Path) -> Unopened {
    match error {
        UnpackError::Exists { path } if path == partial => Unopened::AtHome(OpenError::Leftover { path }),
        UnpackError::Exists { path } => Unopened::AtHome(OpenError::Exists { path }),
        UnpackError::Write { path, source } => Unopened::AtHome(OpenError::Write { path, source }),
        UnpackError::Read(source) => Unopened::Content(OpenError::Undecryptable(source)),
        other => Unopened::Content(OpenError::Unpack(other)),
    }
}

fn into_io(error: DecryptError) -> io::Error {
    match error {
        DecryptError::Io(source) => source,
        other => io::Error::other(other),
    }
}

/// Reads the sealed file and sends a copy of everything to the hashing thread.
struct Tee<'a> {
    inner: &'a mut BufReader<File>,
    hasher: SyncSender<Vec<u8>>,
    /// Why the file could not be read on.
    failed: Option<io::Error>,
}

impl Tee<'_> {
    fn send(&self, bytes: &[u8]) {
        // The hashing thread ends only after this sender; if it panicked, joining it says so.
        drop(self.hasher.send(bytes.to_vec()));
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.failed = Some(error);
                return Err(kind.into());
            }
            read => read?,
        };
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => self.send(bytes),
            _ => {}
        }
        Ok(read)
    }
}

fn hash_all(buffers: &Receiver<Vec<u8>>) -> Digest {
    let mut hash = Sha256::new();
    for buffer in buffers {
        hash.update(&buffer);
    }
    Digest::from_bytes(hash.finalize().into())
}

/// Gives the finished folder its name, replacing nothing.
fn publish(partial: &Path, into: &Path) -> Result<(), OpenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => OpenError::Exists { path: into.to_owned() },
        _ => OpenError::Write { path: into.to_owned(), source },
    };
    // POSIX renames a folder over an empty one, so an empty one claims the name. Elsewhere renaming replaces no folder.
    if cfg!(unix) {
        fs::create_dir(into).map_err(failed)?;
    }
    if let Err(source) = fs::rename(partial, into) {
        if cfg!(unix) {
            drop(fs::remove_dir(into));
        }
        return Err(failed(source));
    }
    sync_folder(into).map_err(failed)
}
