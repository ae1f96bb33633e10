//! Opening a report's archive: strictly, in constant memory, into a new folder of its own.
//!
//! An archive comes from somebody else and may be hostile. A member is written only if the manifest announces
//! it at exactly this place; nothing is ever written outside the new folder, nothing is executable, and after
//! any error the folder is gone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub use super::framing::HeaderFault;
use super::framing::{self, BLOCK_BYTES, END_BYTES, INDEX, MANIFEST, Member, PADDING};
use super::item::{Digest, Item};
use super::limits::{MAX_FILES, MAX_INDEX_BYTES, MAX_MANIFEST_BYTES};
use super::manifest::{Manifest, ManifestError};

mod incoming;
use incoming::{Incoming, all_zero};

/// An opened report.
#[derive(Debug)]
pub struct Unpacked {
    /// Its manifest, validated.
    pub manifest: Manifest,
    /// The new folder, with `manifest.json`, `index.csv` and `files/`.
    pub folder: PathBuf,
    /// Number of files, each with the announced length and hash.
    pub files: usize,
}

/// Why an archive is refused. Nothing of it is left on disk.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The folder is there already; nothing in it was touched.
    #[error("{} is there already; name a new folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The archive cannot be read.
    #[error("the report cannot be read")]
    Read(#[source] io::Error),
    /// The archive ends too early.
    #[error("the report is cut off within {member}")]
    CutOff {
        /// Where it ends.
        member: String,
    },
    /// A member has a header that reports do not have.
    #[error("{member} is refused: {fault}")]
    Header {
        /// Its name, with unprintable characters escaped.
        member: String,
        /// What is wrong.
        fault: HeaderFault,
    },
    /// A member name climbs, is absolute, or is not plain ASCII.
    #[error("{member} is refused: its name is unsafe")]
    UnsafeName {
        /// Its name, with unprintable characters escaped.
        member: String,
    },
    /// The first members are not manifest and index.
    #[error("{member} stands where {wanted} must stand")]
    OutOfPlace {
        /// The member found.
        member: String,
        /// The member that must stand there.
        wanted: String,
    },
    /// The manifest is refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest lists more files than a report may hold.
    #[error("the report lists more than {MAX_FILES} files")]
    TooManyFiles,
    /// `index.csv` says something else than the manifest.
    #[error("index.csv does not agree with manifest.json")]
    Index,
    /// The same name a second time; upper and lower case count as the same.
    #[error("{member} stands twice")]
    Duplicate {
        /// The second of them.
        member: String,
    },
    /// The manifest does not announce this member.
    #[error("{member} is not in the manifest")]
    NotInManifest {
        /// The member.
        member: String,
    },
    /// The manifest announces a member that is not there, or not in its place.
    #[error("{member} is in the manifest but missing")]
    Missing {
        /// The member.
        member: String,
    },
    /// Larger than it may be.
    #[error("{member} is larger than {most} bytes")]
    TooLarge {
        /// The member.
        member: String,
        /// The bound.
        most: u64,
    },
    /// The member has another length than the manifest says.
    #[error("{member} has {found} bytes; the manifest says {wanted}")]
    Size {
        /// The member.
        member: String,
        /// Bytes in the archive.
        found: u64,
        /// Bytes in the manifest.
        wanted: u64,
    },
    /// The member's content is not what the manifest says.
    #[error("{member} does not have the SHA-256 the manifest says")]
    Hash {
        /// The member.
        member: String,
    },
    /// Bytes that must be zero are not.
    #[error("there is something other than zeros in the padding of {member}")]
    NotZero {
        /// The member.
        member: String,
    },
    /// Something follows `.padding`.
    #[error("something follows .padding: {member}")]
    Trailing {
        /// What follows.
        member: String,
    },
}

/// Unpacks an archive into the new folder `into` (0700, files 0600 under their member names).
///
/// `progress` is told the bytes read since its last call. The whole input is read.
///
/// # Errors
/// Everything that is not exactly a report; then `into` does not exist.
pub fn unpack(input: &mut impl Read, into: &Path, progress: &mut dyn FnMut(u64)) -> Result<Unpacked, UnpackError> {
    make_folder(into)?;
    let unpacked = Incoming::new(input, progress).unpack(into);
    if unpacked.is_err() {
        // The refusal is what matters; a folder that cannot be removed is still private to its owner.
        drop(fs::remove_dir_all(into));
    }
    unpacked
}

/// Reads and validates only the manifest, the first member. Nothing after it has been checked.
///
/// # Errors
/// The archive does not begin with a valid manifest.
pub fn read_manifest(input: &mut impl Read) -> Result<Manifest, UnpackError> {
    Ok(Incoming::new(input, &mut |_| {}).manifest()?.0)
}

impl Incoming<'_> {
    fn unpack(&mut self, into: &Path) -> Result<Unpacked, UnpackError> {
        let (manifest, manifest_json) = self.manifest()?;
        put(&into.join(MANIFEST), &manifest_json)?;
        let index = self.text(INDEX, MAX_INDEX_BYTES)?;
        if manifest.index().ok().as_deref() != Some(index.as_slice()) {
            return Err(UnpackError::Index);
        }
        put(&into.join(INDEX), &index)?;
        make_folder(&into.join("files"))?;
        for item in &manifest.items {
            let found = self.expect_item(item, &manifest)?;
            self.item(item, &found, into)?;
        }
        self.padding(&manifest)?;
        Ok(Unpacked { files: manifest.items.len(), manifest, folder: into.to_owned() })
    }

    fn manifest(&mut self) -> Result<(Manifest, Zeroizing<Vec<u8>>), UnpackError> {
        let json = self.text(MANIFEST, MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::from_json(&json)?;
        if manifest.items.len() > MAX_FILES {
            return Err(UnpackError::TooManyFiles);
        }
        Ok((manifest, json))
    }

    /// The next member, which must be called `wanted` and is held in memory.
    fn text(&mut self, wanted: &str, most: u64) -> Result<Zeroizing<Vec<u8>>, UnpackError> {
        let member = self.next(wanted)?.ok_or_else(|| UnpackError::CutOff { member: wanted.to_owned() })?;
        if member.name != wanted {
            return Err(UnpackError::OutOfPlace { member: member.name, wanted: wanted.to_owned() });
        }
        if member.bytes > most {
            return Err(UnpackError::TooLarge { member: member.name, most });
        }
        let mut content = Zeroizing::new(Vec::new());
        self.content(&member, &mut |part| {
            content.extend_from_slice(part);
            Ok(())
        })?;
        Ok(content)
    }

    /// The next member, which must be the one the manifest lists at this place.
    fn expect_item(&mut self, item: &Item, manifest: &Manifest) -> Result<Member, UnpackError> {
        let missing = || UnpackError::Missing { member: item.member.clone() };
        let member = self.next(&item.member)?.ok_or_else(missing)?;
        if member.name == item.member {
            return Ok(member);
        }
        let announced = manifest.items.iter().any(|other| other.member == member.name);
        if announced || member.name == PADDING {
            Err(missing())
        } else {
            Err(UnpackError::NotInManifest { member: member.name })
        }
    }

    fn item(&mut self, item: &Item, found: &Member, into: &Path) -> Result<(), UnpackError> {
        if found.bytes != item.bytes {
            let member = item.member.clone();
            return Err(UnpackError::Size { member, found: found.bytes, wanted: item.bytes });
        }
        let path = into.join(&item.member);
        let failed = |source| UnpackError::Write { path: path.clone(), source };
        let mut file = new_file(&path)?;
        let mut hasher = Sha256::new();
        self.content(found, &mut |part| {
            hasher.update(part);
            file.write_all(part).map_err(failed)
        })?;
        if Digest(hasher.finalize().into()) != item.sha256 {
            return Err(UnpackError::Hash { member: item.member.clone() });
        }
        // The date also stands in the manifest: a file system that cannot hold it takes nothing away.
        drop(file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(found.mtime)));
        file.flush().map_err(failed)
    }

    /// `.padding`, two zero blocks, and nothing else.
    fn padding(&mut self, manifest: &Manifest) -> Result<(), UnpackError> {
        let member = self.next(PADDING)?.ok_or_else(|| UnpackError::Missing { member: PADDING.to_owned() })?;
        if member.name != PADDING {
            debug_assert!(manifest.items.iter().all(|item| item.member != member.name), "seen before");
            return Err(UnpackError::NotInManifest { member: member.name });
        }
        self.content(&member, &mut |part| all_zero(part, PADDING))?;
        let mut block = [0; BLOCK_BYTES];
        for _ in 0..END_BYTES / BLOCK_BYTES {
            self.fill(&mut block, "the end mark")?;
            if all_zero(&block, PADDING).is_err() {
                return Err(UnpackError::Trailing { member: framing::printed_name(&block).to_string() });
            }
        }
        match self.read_some(&mut block)? {
            0 => Ok(()),
            _ => Err(UnpackError::Trailing { member: "bytes after the end mark".to_owned() }),
        }
    }
}

fn put(path: &Path, content: &[u8]) -> Result<(), UnpackError> {
    new_file(path)?.write_all(content).map_err(|source| UnpackError::Write { path: path.to_owned(), source })
}

/// A folder that was not there before, open to its owner only.
fn make_folder(path: &Path) -> Result<(), UnpackError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => UnpackError::Exists { path: path.to_owned() },
        _ => UnpackError::Write { path: path.to_owned(), source },
    })
}

/// A file that was not there before, open to its owner only and not executable.
fn new_file(path: &Path) -> Result<File, UnpackError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| UnpackError::Write { path: path.to_owned(), source })
}
