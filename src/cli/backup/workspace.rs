//! The private folder in which the copy of the database lies while a backup is made.

use crate::cli::output::Failure;
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Its name: the same every time, so that the next backup removes what a killed one left.
const NAME: &str = "amana-backup.tmp";

/// A private folder; removed when dropped.
pub(super) struct Workspace {
    folder: PathBuf,
    /// Held as long as the backup runs: another one waits its turn elsewhere.
    _lock: File,
}

impl Workspace {
    /// Makes the folder; what a killed backup left in it is removed first.
    pub(super) fn make(parent: &Path) -> Result<Self, Failure> {
        let folder = parent.join(NAME);
        let words = |e: io::Error| Failure::refused(format!("{}: {e}", folder.display()));
        let lock = parent.join("amana-backup.lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock).map_err(|e| {
            Failure::refused(format!("{}: {e}. Say with --dir where the broker's folder is", lock.display()))
        })?;
        if lock.try_lock().is_err() {
            return Err(Failure::refused(format!("another backup runs in {}", parent.display())));
        }
        super::remove(&folder).map_err(words)?;
        DirBuilder::new().mode(0o700).create(&folder).map_err(words)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where the copy of the database goes.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("amana.db")
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // The next backup tries again; the copy is sealed as the database is.
        drop(fs::remove_dir_all(&self.folder));
    }
}
