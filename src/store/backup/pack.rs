//! Writing a backup.

use super::{BackupError, DATABASE, GENESIS, MANIFEST, PAYLOADS};
use crate::{
    model::{ids::Digest, limits::SUM_CHUNK_BYTES},
    store::StoreError,
    wire::backup::{Content, Manifest, Payload},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// Where the parts of a backup are.
pub struct Source<'a> {
    /// What it will hold.
    pub manifest: &'a Manifest,
    /// The signed genesis.
    pub genesis: &'a str,
    /// The copied database.
    pub database: &'a Path,
    /// The folder of payloads.
    pub payloads: &'a Path,
}

/// Writes a backup; `progress` is told the bytes of each portion. Hands back where it was written to.
///
/// # Errors
/// [`BackupError::Damaged`] for a payload that is not what its statement names: what was written so far is no backup.
pub fn pack<W: Write>(out: W, source: &Source<'_>, progress: &mut dyn FnMut(u64)) -> Result<W, BackupError> {
    let mut tar = tar::Builder::new(out);
    let manifest = serde_json::to_vec(source.manifest).map_err(|e| BackupError::Form(e.to_string()))?;
    for (name, bytes) in [(MANIFEST, manifest.as_slice()), (GENESIS, source.genesis.as_bytes())] {
        let mut hashing = Hashing::of(bytes, progress);
        append(&mut tar, source.manifest, name, bytes.len() as u64, &mut hashing)?;
    }
    let database = File::open(source.database).map_err(BackupError::Read)?;
    let expected = source.manifest.database;
    if add(&mut tar, source.manifest, DATABASE, database, expected.bytes, progress)? != Some(expected) {
        return Err(BackupError::Database);
    }
    for payload in &source.manifest.payloads {
        let damaged = || BackupError::Damaged(payload.report);
        let file = File::open(source.payloads.join(payload.report.to_string())).map_err(|_| damaged())?;
        let name = format!("{PAYLOADS}/{}", payload.report);
        let expected = Content { bytes: payload.bytes, sha256: payload.sha256 };
        if add(&mut tar, source.manifest, &name, file, payload.bytes, progress)? != Some(expected) {
            return Err(damaged());
        }
    }
    let written = |source| BackupError::Write { what: "the backup".to_owned(), source };
    let mut out = tar.into_inner().map_err(written)?;
    out.flush().map_err(written)?;
    Ok(out)
}

/// Whether a payload is what its statement names.
pub fn whole(folder: &Path, payload: &Payload, progress: &mut dyn FnMut(u64)) -> bool {
    let Ok(mut file) = File::open(folder.join(payload.report.to_string())) else { return false };
    let found = content(&mut file, progress);
    found.is_ok_and(|found| found == Content { bytes: payload.bytes, sha256: payload.sha256 })
}

impl Content {
    /// Reads a file for its length and SHA-256.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        let read = || content(&mut File::open(path)?, &mut |_| {});
        read().map_err(|e| StoreError::File { what: "cannot read", path: path.display().to_string(), source: e })
    }
}

fn content(file: &mut File, progress: &mut dyn FnMut(u64)) -> io::Result<Content> {
    let mut hashing = Hashing::of(file, progress);
    let mut buffer = vec![0; SUM_CHUNK_BYTES];
    while hashing.read(&mut buffer)? > 0 {}
    Ok(hashing.content())
}

/// Adds a file; `None` when it is not as long as it should be.
fn add<W: Write>(
    tar: &mut tar::Builder<W>,
    manifest: &Manifest,
    name: &str,
    file: File,
    bytes: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Content>, BackupError> {
    if file.metadata().map_err(BackupError::Read)?.len() != bytes {
        return Ok(None);
    }
    let mut hashing = Hashing::of(file.take(bytes), progress);
    append(tar, manifest, name, bytes, &mut hashing)?;
    Ok(Some(hashing.content()))
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    manifest: &Manifest,
    name: &str,
    bytes: u64,
    content: impl Read,
) -> Result<(), BackupError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(manifest.made_at.as_seconds());
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, name, content).map_err(|source| BackupError::Write { what: name.to_owned(), source })
}

/// Hashes what is read through it.
struct Hashing<'p, R> {
    from: R,
    hasher: Sha256,
    read: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl<'p, R: Read> Hashing<'p, R> {
    fn of(from: R, progress: &'p mut dyn FnMut(u64)) -> Self {
        Self { from, hasher: Sha256::new(), read: 0, progress }
    }
    fn content(self) -> Content {
        Content { bytes: self.read, sha256: Digest::from_bytes(self.hasher.finalize().into()) }
    }
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.read += read as u64;
        (self.progress)(read as u64);
        Ok(read)
    }
}
