//! Reading payloads back: a chunk comes out only if it is what was stored, and a payload that is not what its
//! statement names is moved aside as `NAME.damaged`, where nobody is served from it.
//!
//! Start at [`Blobs::payload`] for serving and [`Blobs::verifying`] for reading a payload whole.

use super::{
    Blobs, file_error,
    sums::{SUM_BYTES, Sums, SumsBuilder, length_for, sum_of, sums_path},
};
use crate::{
    model::{
        ids::{Digest, ReportId},
        limits::SUM_CHUNK_BYTES,
        report::Report,
    },
    store::StoreError,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Extension of a payload that is not what its statement names.
pub const DAMAGED: &str = "damaged";

/// A stored payload, read chunk by chunk.
pub struct Payload {
    // INVARIANT: no byte of `file` leaves without its chunk having the digest in `sums`.
    file: File,
    sums: File,
    bytes: u64,
}

/// A chunk did not come out.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// It is not what was stored.
    #[error("a chunk of the payload is not what was stored")]
    Damaged,
    /// The file system failed.
    #[error("a payload cannot be read")]
    Read(#[from] io::Error),
}

impl Payload {
    /// Length of the payload.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The chunk of an index, checked; [`SUM_CHUNK_BYTES`] long but for the last.
    ///
    /// # Errors
    /// [`ChunkError::Damaged`] when its digest is another one; nothing of it is returned then.
    pub fn chunk(&self, index: u64) -> Result<Vec<u8>, ChunkError> {
        let start = index.saturating_mul(SUM_CHUNK_BYTES as u64);
        let left = usize::try_from(self.bytes.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut chunk = vec![0; left.min(SUM_CHUNK_BYTES)];
        let mut sum = [0; SUM_BYTES];
        // A file that became shorter ends early: that is damage, not a failure to read.
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ChunkError::Damaged,
            _ => ChunkError::Read(error),
        };
        self.file.read_exact_at(&mut chunk, start).map_err(cut)?;
        self.sums.read_exact_at(&mut sum, index.saturating_mul(SUM_BYTES as u64)).map_err(cut)?;
        if sum_of(&chunk) == sum { Ok(chunk) } else { Err(ChunkError::Damaged) }
    }
}

/// A payload that is being read whole, step by step, to compare it with its statement.
pub struct Verifying {
    file: File,
    path: PathBuf,
    whole: Sha256,
    sums: SumsBuilder,
    read: u64,
    expected: u64,
    sha256: Digest,
}

/// What reading a payload whole showed.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what its statement names.
    Holds(Sums),
    /// It is not.
    Damaged,
    /// Another file stands under its name by now: nothing is known of that one.
    Replaced,
}

impl Verifying {
    /// Begins with a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn begin(path: &Path, report: &Report) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            path: path.to_owned(),
            whole: Sha256::new(),
            sums: SumsBuilder::default(),
            read: 0,
            expected: report.payload_bytes,
            sha256: report.payload_sha256,
        })
    }

    /// Reads on, at most `most` bytes; tells how many there were, 0 at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn step(&mut self, most: u64) -> io::Result<u64> {
        let mut buffer = vec![0; SUM_CHUNK_BYTES];
        let mut taken = 0;
        while taken < most {
            let read = self.file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            self.whole.update(bytes);
            self.sums.update(bytes);
            taken += read as u64;
        }
        self.read = self.read.saturating_add(taken);
        Ok(taken)
    }

    /// Reads the rest and compares.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn verdict(mut self) -> io::Result<Verdict> {
        while self.step(u64::MAX)? > 0 {}
        let holds = self.read == self.expected && self.whole.finalize().as_slice() == self.sha256.as_bytes();
        Ok(if holds { Verdict::Holds(self.sums.finish()) } else { Verdict::Damaged })
    }

    /// As [`Self::verdict`], and keeps the digests of a payload that holds.
    ///
    /// # Errors
    /// When the file cannot be read or its digests not be written.
    pub fn settle(self) -> io::Result<Verdict> {
        let (path, expected) = (sums_path(&self.path), self.expected);
        let (payload, read) = (self.path.clone(), self.file.try_clone()?);
        let verdict = self.verdict()?;
        // Somebody may have put a good file in its place while the damaged one was read.
        if verdict == Verdict::Damaged && !is_same(&read, &payload)? {
            return Ok(Verdict::Replaced);
        }
        if let Verdict::Holds(sums) = &verdict
            && Sums::read(&path, expected)?.as_ref() != Some(sums)
        {
            sums.write(&path)?;
        }
        Ok(verdict)
    }
}

fn is_same(read: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (read, stands) = (read.metadata()?, fs::metadata(path)?);
    Ok((read.dev(), read.ino(), read.len()) == (stands.dev(), stands.ino(), stands.len()))
}

impl Blobs {
    /// Opens a stored payload for serving; `None` when its digests are missing: read it whole first.
    ///
    /// # Errors
    /// When it is missing or has another length.
    pub fn payload(&self, id: ReportId, report: &Report) -> Result<Option<Payload>, StoreError> {
        let file = self.read(id, report)?;
        let path = sums_path(&self.path(id));
        let failed = |error| file_error("cannot read the digests of a payload", &path, error);
        let sums = match File::open(&path) {
            Ok(sums) => sums,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let whole = sums.metadata().map_err(failed)?.len() == length_for(report.payload_bytes);
        Ok(whole.then_some(Payload { file, sums, bytes: report.payload_bytes }))
    }

    /// Begins to read a stored payload whole.
    ///
    /// # Errors
    /// When it is missing.
    pub fn verifying(&self, id: ReportId, report: &Report) -> Result<Verifying, StoreError> {
        let path = self.path(id);
        Verifying::begin(&path, report).map_err(|e| file_error("cannot read a payload", &path, e))
    }

    /// Moves a payload that is not what its statement names aside, so that nobody is served from it, now or after a
    /// restart. It is kept: parts of it may be all there is.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_aside(&self, id: ReportId) -> Result<(), StoreError> {
        let path = self.path(id);
        let failed = |error| file_error("cannot move a damaged payload aside", &path, error);
        fs::rename(&path, damaged_path(&path)).map_err(failed)?;
        drop(fs::remove_file(sums_path(&path)));
        File::open(&self.payloads).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Where a payload stands that is not what its statement names.
pub(super) fn damaged_path(payload: &Path) -> PathBuf {
    payload.with_extension(DAMAGED)
}
