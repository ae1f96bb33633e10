//! Writing a planned report as an archive.
//!
//! Streams in constant memory and hashes every file again on the way: what is sealed is what was planned, or
//! nothing is. After an error the output must be thrown away; it is cut off and will not unpack.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::framing::{self, BLOCK_BYTES, END_BYTES, INDEX, MANIFEST, Member, PADDING};
use super::item::{Digest, Item};
use super::limits::CHUNK_BYTES;
use super::plan::Plan;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Length of the archive, equal to [`Plan::total_bytes`].
    pub bytes: u64,
}

/// Why no archive was written. What was written so far must be thrown away.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file is no longer what the plan says; plan anew.
    #[error("{} changed while the report was being sealed; nothing was sealed", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output takes no more.
    #[error("the report cannot be written")]
    Write(#[source] io::Error),
}

/// Writes the archive of `plan`: `manifest.json`, `index.csv`, the files, `.padding`, two zero blocks.
///
/// Its length is exactly [`Plan::total_bytes`]. `progress` is told the bytes written since its last call.
///
/// # Errors
/// A file changed or cannot be read, or `out` takes no more.
pub fn write(plan: &Plan, out: &mut impl Write, progress: &mut dyn FnMut(u64)) -> Result<Packed, PackError> {
    let mut archive = Archive { out, written: 0, progress };
    archive.text(MANIFEST, plan.manifest_json())?;
    archive.text(INDEX, plan.index_csv())?;
    for (item, source) in plan.files() {
        archive.file(item, source)?;
    }
    archive.padding(plan.total_bytes())?;
    archive.out.flush().map_err(PackError::Write)?;
    Ok(Packed { bytes: archive.written })
}

struct Archive<'a, W> {
    out: &'a mut W,
    written: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<W: Write> Archive<'_, W> {
    /// A member held in memory.
    fn text(&mut self, name: &str, content: &[u8]) -> Result<(), PackError> {
        let bytes = len(content);
        self.put(&framing::heading(&Member { name: name.to_owned(), bytes, mtime: 0 }))?;
        self.put(content)?;
        self.zeros(framing::fill(bytes))
    }

    /// A file, which must still be what the plan says.
    fn file(&mut self, item: &Item, source: &Path) -> Result<(), PackError> {
        let changed = || PackError::Changed { path: source.to_owned() };
        let unreadable = |why| PackError::Read { path: source.to_owned(), source: why };
        let mut file = match File::open(source) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(changed()),
            opened => opened.map_err(unreadable)?,
        };
        self.put(&framing::heading(&Member {
            name: item.member.clone(),
            bytes: item.bytes,
            mtime: item.mtime.ustar_seconds(),
        }))?;
        let mut hasher = Sha256::new();
        let mut chunk = Zeroizing::new(vec![0; CHUNK_BYTES]);
        let mut left = item.bytes;
        loop {
            let read = match file.read(&mut chunk) {
                Ok(read) => read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(unreadable(why)),
            };
            let part = chunk.get(..read).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            // Longer than planned: stop before a byte too many is written.
            left = left.checked_sub(len(part)).ok_or_else(changed)?;
            hasher.update(part);
            self.put(part)?;
        }
        if left != 0 || Digest(hasher.finalize().into()) != item.sha256 {
            return Err(changed());
        }
        self.zeros(framing::fill(item.bytes))
    }

    /// Zeros up to `total`, as a member, and the end of the archive.
    fn padding(&mut self, total: u64) -> Result<(), PackError> {
        let frame = len(&[0; BLOCK_BYTES + END_BYTES]);
        let mut left = total.saturating_sub(self.written).saturating_sub(frame);
        self.put(&framing::heading(&Member { name: PADDING.to_owned(), bytes: left, mtime: 0 }))?;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            self.zeros(step)?;
            left = left.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        self.zeros(END_BYTES)
    }

    fn zeros(&mut self, count: usize) -> Result<(), PackError> {
        static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];
        self.put(ZEROS.get(..count).unwrap_or(&ZEROS))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.out.write_all(bytes).map_err(PackError::Write)?;
        self.written += len(bytes);
        (self.progress)(len(bytes));
        Ok(())
    }
}

/// The length of a slice as archives count it.
fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
