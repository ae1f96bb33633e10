//! What has arrived of an upload, open for more.

use super::{UploadError, disk::Disk, upload_error};
use std::{fs::File, path::PathBuf};

/// An open part file. Bytes written are durable after [`Part::sync`].
pub struct Part {
    file: File,
    path: PathBuf,
    // INVARIANT: the length of `file`, which is opened for appending.
    arrived: u64,
    // What a sync of this handle has found durable; none yet says nothing about what came before.
    durable: Option<u64>,
    disk: Disk,
}

/// Where to go back to when a part turns out damaged.
#[derive(Clone, Copy, Debug)]
pub struct Undo {
    pub(super) counted: u64,
}

impl Part {
    pub(super) fn new(file: File, path: PathBuf, arrived: u64, disk: Disk) -> Self {
        Self { file, path, arrived, durable: None, disk }
    }

    /// How many bytes there are.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Takes the next bytes. After an error as many as the file took are there.
    ///
    /// # Errors
    /// [`UploadError::Full`], or what the file system answers.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        match self.disk.write("part.write", &self.file, bytes) {
            Ok(()) => {
                self.arrived += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                if let Ok(metadata) = self.file.metadata() {
                    self.arrived = metadata.len();
                }
                Err(upload_error("cannot write an upload", &self.path, error))
            }
        }
    }

    /// Makes what arrived durable.
    ///
    /// # Errors
    /// What the file system answers. What came since the last sync is then given up: a later sync may succeed although
    /// the bytes were thrown away, and what is called safe must be.
    pub fn sync(&mut self) -> Result<(), UploadError> {
        match self.disk.sync("part.sync", &self.file) {
            Ok(()) => {
                self.durable = Some(self.arrived);
                Ok(())
            }
            Err(error) => {
                if let Some(durable) = self.durable
                    && self.file.set_len(durable).is_ok()
                {
                    self.arrived = durable;
                }
                Err(upload_error("cannot make an upload durable", &self.path, error))
            }
        }
    }

    /// Takes back what came after `undo`.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn undo(&mut self, undo: Undo) -> Result<(), UploadError> {
        self.cut_to(undo.counted)
    }

    pub(super) fn cut_to(&mut self, length: u64) -> Result<(), UploadError> {
        if length < self.arrived {
            let cut = self.disk.truncate("part.undo", &self.file, length);
            cut.map_err(|e| upload_error("cannot take back a damaged part", &self.path, e))?;
            self.arrived = length;
        }
        self.sync()
    }
}
