//! Digests of a payload's chunks, kept beside it as `NAME.sums`.
//!
//! The report statement names the SHA-256 of the whole payload; a stream cannot wait for that. With a digest for every
//! [`SUM_CHUNK_BYTES`] each chunk is checked before it is sent, also for a range. The file is nothing but the digests,
//! 16 bytes each (XXH3-128), in order. It guards against disks, not against people: whoever can write payloads can write it too,
//! and the recipient's own check against the signed statement stands behind it.
//!
//! Start at [`Sums::of_file`] or, while bytes pass by, [`SumsBuilder`].

use crate::model::limits::SUM_CHUNK_BYTES;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};
use twox_hash::XxHash3_128;

/// Bytes of one digest.
pub const SUM_BYTES: usize = 16;
/// Extension of the file of digests.
pub const SUMS: &str = "sums";

/// The digests of a payload's chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(Vec<[u8; SUM_BYTES]>);

/// The digest of one chunk: XXH3-128, which finds damage at the speed of memory.
pub fn sum_of(chunk: &[u8]) -> [u8; SUM_BYTES] {
    XxHash3_128::oneshot(chunk).to_be_bytes()
}

/// Computes [`Sums`] while the bytes pass by.
#[derive(Clone, Default)]
pub struct SumsBuilder {
    // INVARIANT: `filling` holds fewer bytes than a chunk, and they are in no digest yet.
    done: Vec<[u8; SUM_BYTES]>,
    filling: Vec<u8>,
}

impl SumsBuilder {
    /// Takes the next bytes, in whatever portions they come.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            debug_assert!(self.filling.len() < SUM_CHUNK_BYTES);
            let room = SUM_CHUNK_BYTES.saturating_sub(self.filling.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            bytes = later;
            if now.len() == SUM_CHUNK_BYTES {
                // A whole chunk at once needs no copy.
                self.done.push(sum_of(now));
                continue;
            }
            self.filling.extend_from_slice(now);
            if self.filling.len() == SUM_CHUNK_BYTES {
                self.close();
            }
        }
    }

    /// The digests of everything taken.
    pub fn finish(mut self) -> Sums {
        if !self.filling.is_empty() {
            self.close();
        }
        Sums(self.done)
    }

    fn close(&mut self) {
        self.done.push(sum_of(&self.filling));
        self.filling.clear();
    }
}

impl Sums {
    /// Reads a whole file. Says nothing about whether the file is what its statement names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut sums, mut buffer) = (SumsBuilder::default(), vec![0; SUM_CHUNK_BYTES]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(sums.finish()),
                read => sums.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    }

    /// Reads digests that [`Self::write`] wrote; `None` when there are none, or not as many as a payload of
    /// `payload_bytes` has chunks.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(path: &Path, payload_bytes: u64) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() != length_for(payload_bytes) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(length_for(payload_bytes)).read_to_end(&mut bytes)?;
        let (digests, rest) = bytes.as_chunks::<SUM_BYTES>();
        Ok(rest.is_empty().then(|| Self(digests.to_vec())))
    }

    /// Writes the digests durably; what was there before is replaced whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(self.0.as_flattened())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Whether `bytes` are the chunk of that index.
    pub fn check(&self, index: usize, bytes: &[u8]) -> bool {
        self.0.get(index).is_some_and(|sum| *sum == sum_of(bytes))
    }

    /// How many chunks there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no chunk at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where the digests of a payload are.
pub fn sums_path(payload: &Path) -> PathBuf {
    payload.with_extension(SUMS)
}

/// Length of the file of digests for a payload of this length.
pub fn length_for(payload_bytes: u64) -> u64 {
    payload_bytes.div_ceil(SUM_CHUNK_BYTES as u64).saturating_mul(SUM_BYTES as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_portions_and_survive_the_disk() {
        let bytes: Vec<u8> = (0..=250).cycle().take(SUM_CHUNK_BYTES * 2 + 77).collect();
        let folder = tempfile::tempdir().unwrap();
        let (payload, kept) = (folder.path().join("p"), folder.path().join("p.sums"));
        fs::write(&payload, &bytes).unwrap();
        let whole = Sums::of_file(&payload).unwrap();
        let mut builder = SumsBuilder::default();
        bytes.chunks(1000).for_each(|portion| builder.update(portion));
        assert_eq!(builder.finish(), whole);
        assert_eq!(whole.len(), 3);
        whole.write(&kept).unwrap();
        assert_eq!(Sums::read(&kept, bytes.len() as u64).unwrap(), Some(whole));
    }

    #[test]
    fn chunk_of_another_index_or_with_a_flipped_bit_is_not_the_chunk() {
        let bytes: Vec<u8> = (0..=250).cycle().take(SUM_CHUNK_BYTES + 5).collect();
        let mut builder = SumsBuilder::default();
        builder.update(&bytes);
        let sums = builder.finish();
        let (first, last) = bytes.split_at(SUM_CHUNK_BYTES);
        assert!(sums.check(0, first) && sums.check(1, last));
        assert!(!sums.check(1, first) && !sums.check(2, last) && !sums.check(1, &last[..4]));
        let mut flipped = first.to_vec();
        flipped[9] ^= 1;
        assert!(!sums.check(0, &flipped));
    }

    #[test]
    fn sums_of_the_wrong_length_count_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("p.sums");
        assert_eq!(Sums::read(&kept, 5).unwrap(), None);
        fs::write(&kept, [0; 15]).unwrap();
        assert_eq!(Sums::read(&kept, 5).unwrap(), None);
        fs::write(&kept, [0; 32]).unwrap();
        assert_eq!(Sums::read(&kept, 5).unwrap(), None);
    }
}
