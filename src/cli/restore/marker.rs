//! The marker of a restored folder: `data/restored.json`.
//!
//! A log that goes on from a backup forks from everything that was answered after it. So a restored folder does not go on
//! by itself: `serve` refuses it until somebody says that it may.

use crate::wire::backup::Restored;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Where the marker of a data folder is.
pub(in crate::cli) fn path(data: &Path) -> PathBuf {
    data.join("restored.json")
}

/// The marker, if the folder bears one.
///
/// # Errors
/// When there is one that cannot be read: the folder is marked all the same.
pub(in crate::cli) fn read(data: &Path) -> io::Result<Option<Restored>> {
    match fs::read(path(data)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes it, durably.
///
/// # Errors
/// When the file system refuses.
pub(in crate::cli) fn remove(data: &Path) -> io::Result<()> {
    fs::remove_file(path(data))?;
    File::open(data)?.sync_all()
}
