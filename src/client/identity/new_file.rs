//! Files that appear whole or not at all, belong to their owner only, and replace nothing.
//!
//! What is written stands in `NAME.partial` beside its place until it is complete and on the disk. An interrupted program
//! leaves that file, under a name that says so. Start at [`NewFile::create`].

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file still being written. Dropped without [`NewFile::publish`], it vanishes.
pub(in crate::client) struct NewFile {
    // INVARIANT: until published, `partial` was created by us and is removed by us.
    partial: PathBuf,
    place: PathBuf,
    file: File,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Partial,
    Published,
}

impl NewFile {
    /// Begins the file that will be at `place`, readable and writable by its owner only (0600).
    pub(in crate::client) fn create(place: &Path) -> Result<Self, NewFileError> {
        if fs::symlink_metadata(place).is_ok() {
            return Err(NewFileError::Exists { path: place.to_owned() });
        }
        let partial = partial_path(place);
        let file = private_file(&partial).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => NewFileError::Leftover { path: partial.clone() },
            _ => NewFileError::Write { path: partial.clone(), source },
        })?;
        Ok(Self { partial, place: place.to_owned(), file, state: State::Partial })
    }

    /// Where to write.
    pub(in crate::client) fn file(&mut self) -> &mut File {
        debug_assert!(self.state == State::Partial);
        &mut self.file
    }

    /// The name it has until then.
    pub(in crate::client) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Puts the finished file in its place, on the disk, replacing nothing.
    pub(in crate::client) fn publish(mut self) -> Result<(), NewFileError> {
        let failed = |source| NewFileError::Write { path: self.place.clone(), source };
        self.file.sync_all().map_err(failed)?;
        // Renaming replaces: claim the name first. Hard links would need no claim, but memory sticks have none.
        private_file(&self.place).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => NewFileError::Exists { path: self.place.clone() },
            _ => failed(source),
        })?;
        if let Err(source) = fs::rename(&self.partial, &self.place) {
            drop(fs::remove_file(&self.place));
            return Err(failed(source));
        }
        self.state = State::Published;
        sync_folder(&self.place).map_err(|source| NewFileError::Write { path: self.place.clone(), source })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.state == State::Partial {
            // The error that brought us here is what matters; the rest has a name that says what it is.
            drop(fs::remove_file(&self.partial));
        }
    }
}

/// Why a file was not written.
#[derive(Debug, Error)]
pub enum NewFileError {
    /// There is something at that place; it was not touched.
    #[error("{} is there already; choose another name", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// The unfinished file of an earlier attempt is there.
    #[error("{} is left from an interrupted attempt, or one is still running; remove it and try again", path.display())]
    Leftover {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where something stands until it is complete: `NAME.partial`, in the same folder.
pub(in crate::client) fn partial_path(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Makes a rename in the folder of `place` survive a power cut, where the system can.
pub(in crate::client) fn sync_folder(place: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A file that was not there before, open to its owner only.
pub(in crate::client) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
