//! Whether a folder takes what is written to it, and how much room there is.

use super::StoreError;
use crate::model::limits;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Name of the file that is written and removed again.
pub(super) const PROBE: &str = "probe";

/// Free and whole size of the volume a folder lies on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// What this user may still write.
    pub free_bytes: u64,
    /// The whole volume.
    pub volume_bytes: u64,
}

impl Room {
    /// Asks the system.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn of(folder: &Path) -> Result<Self, StoreError> {
        let file = |source: io::Error| file_error("cannot ask for the room of", folder, source);
        let told = rustix::fs::statvfs(folder).map_err(|e| file(e.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Ok(Self { free_bytes: bytes(told.f_bavail), volume_bytes: bytes(told.f_blocks) })
    }

    /// Whether it is so little that the broker should take nothing new.
    pub fn is_low(self) -> bool {
        self.free_bytes < limits::LOW_SPACE_BYTES.min(self.volume_bytes / 100)
    }
}

/// Writes, syncs and removes a small file.
///
/// # Errors
/// What the file system answers.
pub fn try_folder(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(PROBE);
    let written = write(&path);
    // Also after a failure: an empty file is no harm, but it is not ours to leave.
    let removed = fs::remove_file(&path);
    written.and(removed).map_err(|source| file_error("cannot write, sync and remove a file in", folder, source))
}

fn write(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(&[0; 512])?;
    file.sync_all()
}

fn file_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { what, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::Room;
    use crate::model::limits::LOW_SPACE_BYTES;

    #[test]
    fn room_is_low_below_the_limit_or_a_hundredth_of_a_small_volume() {
        for (free_bytes, volume_bytes, low) in [
            (LOW_SPACE_BYTES - 1, 1 << 40, true),
            (LOW_SPACE_BYTES, 1 << 40, false),
            (99, 10_000, true),
            (100, 10_000, false),
        ] {
            assert_eq!(Room { free_bytes, volume_bytes }.is_low(), low, "{free_bytes} of {volume_bytes}");
        }
    }
}
