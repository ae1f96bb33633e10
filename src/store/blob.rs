//! Payloads as local files, and uploads on their way to becoming one.
//!
//! A payload appears under its name only whole: same length and SHA-256 as its statement. Crash order: bytes → fsync →
//! rename → fsync of both folders → digests of its chunks → the entry. A crash before the entry leaves a file that nobody
//! can reach; it is recorded when the upload is next asked about, or by the sweeper. Reading back is in [`payload`].

mod disk;
pub mod listing;
mod part;
pub mod payload;
pub mod sums;
mod upload;

pub use part::{Part, Undo};
pub use upload::{Hashed, UploadRecord};

use super::{
    StoreError,
    faults::{Faults, Sound},
    room::{self, Room},
};
use crate::model::{
    ids::{Digest, ReportId},
    report::Report,
};
use disk::Disk;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes read at once when a payload is hashed.
const READ_BYTES: usize = 1 << 20;

/// The folders of payloads and of uploads.
#[derive(Clone, Debug)]
pub struct Blobs {
    payloads: PathBuf,
    uploads: PathBuf,
    disk: Disk,
}

/// Why bytes were not taken, or an upload was not published.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// More bytes than stated.
    #[error("the upload is longer than the {expected} bytes announced for it")]
    TooLong {
        /// Announced length.
        expected: u64,
    },
    /// Another length than stated.
    #[error("the upload has {received} bytes, the report statement names {expected}")]
    Length {
        /// Arrived.
        received: u64,
        /// Stated.
        expected: u64,
    },
    /// Other bytes than stated.
    #[error("the upload's SHA-256 is not the one in the report statement")]
    Digest,
    /// No room.
    #[error("the storage is full")]
    Full,
    /// The file system failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blobs {
    /// Opens or makes both folders in a data folder.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        Self::open_with(data, Arc::new(Sound))
    }

    /// As [`Blobs::open`], with points to break at.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open_with(data: &Path, faults: Arc<dyn Faults>) -> Result<Self, StoreError> {
        let (payloads, uploads) = (data.join("payloads"), data.join("uploads"));
        for folder in [&payloads, &uploads] {
            let mut private = fs::DirBuilder::new();
            private.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
            private.create(folder).map_err(|e| file_error("cannot make a folder", folder, e))?;
        }
        Ok(Self { payloads, uploads, disk: Disk::new(faults) })
    }

    /// Path of a stored payload.
    pub fn path(&self, report: ReportId) -> PathBuf {
        self.payloads.join(report.to_string())
    }

    /// Whether a file stands under a report's name.
    pub fn has_payload(&self, report: ReportId) -> bool {
        // What cannot be looked at counts as there: nothing is put over it.
        self.path(report).try_exists().unwrap_or(true)
    }

    /// Opens a stored payload; its length must be the stated one.
    ///
    /// # Errors
    /// When it is missing or has another length.
    pub fn read(&self, id: ReportId, report: &Report) -> Result<File, StoreError> {
        let path = self.path(id);
        let opened = self.disk.look("payload.read", || File::open(&path));
        let file = opened.map_err(|e| file_error("cannot read a payload", &path, e))?;
        let length = file.metadata().map_err(|e| file_error("cannot read a payload", &path, e))?.len();
        if length == report.payload_bytes { Ok(file) } else { Err(StoreError::Form("a payload has the wrong length")) }
    }

    /// Writes, syncs and removes a small file: readiness.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn try_folder(&self) -> Result<(), StoreError> {
        room::try_folder(&self.payloads)
    }

    /// Room on the volume of payloads.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn room(&self) -> Result<Room, StoreError> {
        Room::of(&self.payloads)
    }

    /// Whether a file stands under a report's name that holds exactly the stated bytes: published, but perhaps not
    /// recorded yet. Reads it whole; what is found there is durable.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn holds(&self, id: ReportId, report: &Report) -> Result<bool, StoreError> {
        let path = self.path(id);
        let failed = |e| file_error("cannot read a payload", &path, e);
        match self.disk.look("payload.look", || File::open(&path)) {
            Ok(file) if digest_of(&file).map_err(failed)? == (report.payload_bytes, report.payload_sha256) => {
                // It was renamed; whether its name is durable nobody knows.
                self.disk.sync_folder("payload.durable", &self.payloads).map_err(failed)?;
                self.disk.sync_folder("payload.durable", &self.uploads).map_err(failed)?;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(file_error("cannot read a payload", &path, error)),
        }
    }
}

/// Length and SHA-256 of a file, read from its beginning.
fn digest_of(mut file: &File) -> io::Result<(u64, Digest)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut length = 0;
    io::Seek::rewind(&mut file)?;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
        hasher.update(bytes);
        length += read as u64;
    }
    Ok((length, Digest::from_bytes(hasher.finalize().into())))
}

fn file_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { what, path: path.display().to_string(), source }
}

fn upload_error(what: &'static str, path: &Path, source: io::Error) -> UploadError {
    if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return UploadError::Full;
    }
    UploadError::Store(file_error(what, path, source))
}
