//! Payloads as local files. A payload appears under its name only whole: same length and SHA-256 as its statement.
//!
//! Crash order: bytes → fsync → rename → fsync of the folder → digests of its chunks → the entry. A crash before the
//! entry leaves a file nobody can reach; the next upload of the same report replaces it. Each attempt writes a file of
//! its own, so that two of the same report under way at once cannot write into each other; what attempts left is removed
//! at open. Reading back is in [`payload`].

pub mod listing;
pub mod payload;
pub mod sums;

use self::sums::{SumsBuilder, sums_path};
use super::StoreError;
use crate::model::{
    ids::{Digest, ReportId},
    report::Report,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Extension of a payload that is not published.
const PART: &str = "part";

/// A folder of payloads.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
    attempts: Arc<AtomicU64>,
}

/// A payload on its way in.
pub struct Incoming {
    file: File,
    part: PathBuf,
    finished: PathBuf,
    hasher: Sha256,
    received: u64,
    expected: u64,
    sha256: Digest,
    sums: SumsBuilder,
}

/// Why an upload was not published.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// More bytes than stated.
    #[error("the payload is longer than the {expected} bytes the report statement names")]
    TooLong {
        /// Stated length.
        expected: u64,
    },
    /// Fewer bytes than stated.
    #[error("the payload ended after {received} of {expected} bytes")]
    TooShort {
        /// Arrived.
        received: u64,
        /// Stated.
        expected: u64,
    },
    /// Other bytes than stated.
    #[error("the payload's SHA-256 is not the one in the report statement")]
    Digest,
    /// No room.
    #[error("the storage is full")]
    Full,
    /// The file system failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blobs {
    /// Opens or makes the folder.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|e| file_error("cannot make the folder for payloads", folder, e))?;
        remove_parts(folder).map_err(|e| file_error("cannot clear the folder for payloads", folder, e))?;
        Ok(Self { folder: folder.to_owned(), attempts: Arc::default() })
    }

    /// Path of a stored payload.
    pub fn path(&self, report: ReportId) -> PathBuf {
        self.folder.join(report.to_string())
    }

    /// Begins an upload.
    pub fn begin(&self, id: ReportId, report: &Report) -> Result<Incoming, UploadError> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!("{id}.{attempt}.{PART}"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        private(&mut options);
        let file = options.open(&part).map_err(|e| io("cannot begin the upload", &part, e))?;
        Ok(Incoming {
            file,
            part,
            finished: self.path(id),
            hasher: Sha256::new(),
            received: 0,
            expected: report.payload_bytes,
            sha256: report.payload_sha256,
            sums: SumsBuilder::default(),
        })
    }

    /// Opens a stored payload; its length must be the stated one.
    ///
    /// # Errors
    /// When it is missing or has another length.
    pub fn read(&self, id: ReportId, report: &Report) -> Result<File, StoreError> {
        let path = self.path(id);
        let file = File::open(&path).map_err(|e| file_error("cannot read a payload", &path, e))?;
        let length = file.metadata().map_err(|e| file_error("cannot read a payload", &path, e))?.len();
        if length == report.payload_bytes { Ok(file) } else { Err(StoreError::Form("a payload has the wrong length")) }
    }
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`UploadError::TooLong`] as soon as there are more than stated; [`UploadError::Full`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        if self.received > self.expected {
            return Err(UploadError::TooLong { expected: self.expected });
        }
        self.hasher.update(bytes);
        self.sums.update(bytes);
        self.file.write_all(bytes).map_err(|e| io("cannot write the upload", &self.part, e))
    }

    /// Publishes the payload if it is the stated one, durably.
    ///
    /// # Errors
    /// [`UploadError`]; nothing is published then.
    pub fn publish(mut self) -> Result<(), UploadError> {
        if self.received != self.expected {
            return Err(UploadError::TooShort { received: self.received, expected: self.expected });
        }
        if std::mem::take(&mut self.hasher).finalize().as_slice() != self.sha256.as_bytes() {
            return Err(UploadError::Digest);
        }
        self.file.sync_all().map_err(|e| io("cannot make the upload durable", &self.part, e))?;
        fs::rename(&self.part, &self.finished).map_err(|e| io("cannot publish the upload", &self.part, e))?;
        if let Some(folder) = self.finished.parent() {
            let opened = File::open(folder).map_err(|e| io("cannot open the folder", folder, e))?;
            opened.sync_all().map_err(|e| io("cannot make the folder durable", folder, e))?;
        }
        let sums = sums_path(&self.finished);
        std::mem::take(&mut self.sums).finish().write(&sums).map_err(|e| io("cannot keep the digests", &sums, e))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After publishing there is nothing under this name; before, nothing good can follow.
        drop(fs::remove_file(&self.part));
    }
}

/// Removes what uploads left that a stop of the broker cut off.
fn remove_parts(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == PART) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}
#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

fn file_error(what: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { what, path: path.display().to_string(), source }
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> UploadError {
    if matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        return UploadError::Full;
    }
    UploadError::Store(file_error(what, path, source))
}
