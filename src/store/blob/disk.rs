//! The few things done to files here, one method each: what a crash can fall between.

use crate::store::faults::{Faults, When};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

/// The file system, with a point to break at before and after each call.
#[derive(Clone)]
pub(super) struct Disk(Arc<dyn Faults>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub(super) fn new(faults: Arc<dyn Faults>) -> Self {
        Self(faults)
    }

    /// Does something that is one step to whoever looks at what a crash left.
    pub(super) fn step<T>(&self, call: &'static str, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.0.pass(call, When::Before)?;
        let done = act()?;
        self.0.pass(call, When::After)?;
        Ok(done)
    }

    /// Reads, or looks at something.
    pub(super) fn look<T>(&self, call: &'static str, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.step(call, act)
    }
    /// Makes a new, private, empty file.
    pub(super) fn create(&self, call: &'static str, path: &Path) -> io::Result<File> {
        self.step(call, || private(OpenOptions::new().read(true).write(true).create_new(true)).open(path))
    }
    /// Appends at the file's position.
    pub(super) fn write(&self, call: &'static str, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        self.step(call, || file.write_all(bytes))
    }
    /// Makes a file's bytes durable.
    pub(super) fn sync(&self, call: &'static str, file: &File) -> io::Result<()> {
        self.step(call, || file.sync_data())
    }
    /// Cuts a file.
    pub(super) fn truncate(&self, call: &'static str, file: &File, length: u64) -> io::Result<()> {
        self.step(call, || file.set_len(length))
    }
    /// Moves a file; durable after [`Disk::sync_folder`].
    pub(super) fn rename(&self, call: &'static str, from: &Path, to: &Path) -> io::Result<()> {
        self.step(call, || fs::rename(from, to))
    }
    /// Makes names in a folder durable.
    pub(super) fn sync_folder(&self, call: &'static str, folder: &Path) -> io::Result<()> {
        self.step(call, || File::open(folder)?.sync_all())
    }
    /// Removes a file; one that is not there is removed.
    pub(super) fn remove(&self, call: &'static str, path: &Path) -> io::Result<()> {
        self.step(call, || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }
    /// Puts a small file in place of the one before, whole or not at all, durably.
    pub(super) fn replace(&self, call: &'static str, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let fresh = path.with_extension("new");
        self.step(call, || {
            let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&fresh)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        })?;
        match path.parent() {
            Some(folder) => self.sync_folder(call, folder),
            None => Ok(()),
        }
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}
#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
