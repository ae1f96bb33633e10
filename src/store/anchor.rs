//! The rollback anchor: how long both logs were when somebody was last answered, kept where no backup of the data goes.
//!
//! A database that was put back to an earlier state looks whole. Only something outside it can know better. The anchor is
//! a small file beside the log keys, written after each commit that appended and before anybody is answered; a database
//! that ends before it, or holds another tree at its size, is not gone on from.
//!
//! Two slots of [`SLOT_BYTES`] are written in turn, each in place and synced, so that a write that is torn leaves the one
//! before it. Both are allocated when the file is made: a full disk does not keep an anchor from moving. A slot is
//! `label ‖ u64be(sequence) ‖ genesis digest ‖ u64be(size) ‖ root of the register ‖ u64be(size) ‖ root of the case log ‖
//! SHA-256 of all that`. The digest tells a torn slot from a whole one, no more: whoever writes here has the log keys.

use super::Heads;
use crate::{
    model::{event::Log, ids::Digest},
    wire::statement::SeenTree,
};
use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Begins every slot.
const LABEL: &[u8; 16] = b"amana/anchor/v1\0";
/// Distance of the two slots: no disk tears a write beyond the block it writes.
pub const SLOT_BYTES: u64 = 4096;
/// What is written of a slot at once.
pub const RECORD_BYTES: usize = UNSUMMED + 32;
const UNSUMMED: usize = 16 + 8 + 32 + 2 * (8 + 32);

/// What to make of a log with entries and no anchor beside its keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IfMissing {
    /// Refuse: it may be an older copy, and nobody here would know.
    #[default]
    Refuse,
    /// Somebody answers for it: the anchor begins where the database ends.
    TakeTheDatabasesWord,
}

/// Where the anchor is, and what a missing one means.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file: outside the data folder.
    pub path: PathBuf,
    /// What a missing one means.
    pub if_missing: IfMissing,
    /// What others know of the logs.
    pub known: Vec<Known>,
}

/// A tree that one of the logs had, by the log's own signature.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which log.
    pub log: Log,
    /// Its size and root then.
    pub tree: SeenTree,
    /// Where this is known from, in words.
    pub by: String,
}

/// Why a database is not gone on from, or its anchor not kept.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The log was longer.
    #[error(
        "this database is older than the log: its {} has {found} entries, and {anchored} were committed before \
         ({by}). It was restored or rolled back; a broker that went on from it would fork the log. Bring the \
         newer data folder. If it is lost for good, do not start on this one: gather what auditors and mirrors hold of \
         the log", word(*.log)
    )]
    Ahead {
        /// Which log.
        log: Log,
        /// Its size in the database.
        found: u64,
        /// Its size by who knows more.
        anchored: u64,
        /// Who knows more: the anchor, or a checkpoint somebody kept.
        by: String,
    },
    /// The log was another one.
    #[error(
        "this database holds another log than the one that was committed: its {} had another root at {size} entries \
         ({by}). Somebody went on from an older copy, and the log has forked. Keep both copies for the \
         auditors, and bring the data folder of the other log", word(*.log)
    )]
    Other {
        /// Which log.
        log: Log,
        /// The size at which the other root is known.
        size: u64,
        /// Who knows it: the anchor, or a checkpoint somebody kept.
        by: String,
    },
    /// Nobody here knows how long the log was.
    #[error(
        "the anchor {0} is missing or broken in both its slots, and the log has entries: nothing here can tell whether \
         this database is the newest. Bring the file back from where the keys were last used. If it is lost, and you \
         know that this is the newest data folder, start once with --accept-missing-anchor"
    )]
    Missing(String),
    /// It belongs to another broker.
    #[error("the anchor {0} belongs to another genesis: these are not the keys' own anchor, or another broker's keys")]
    OtherGenesis(String),
    /// Another broker moves it.
    #[error("another broker runs with these keys: it holds the anchor {0}. Two brokers with one key fork the log")]
    InUse(String),
    /// The file system.
    #[error("the anchor {path} cannot be {what}: the broker needs a file beside its keys that it may write")]
    File {
        /// What was attempted.
        what: &'static str,
        /// The anchor.
        path: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// What a whole slot says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchored {
    sequence: u64,
    /// The broker it belongs to.
    pub genesis: Digest,
    /// Both trees.
    pub heads: Heads,
}

/// Reads an anchor without holding it; `None` when it is missing, or broken in both slots.
///
/// # Errors
/// [`AnchorError::File`].
pub fn read(path: &Path) -> Result<Option<Anchored>, AnchorError> {
    match File::open(path) {
        Ok(file) => newest(&file).map_err(|e| failed("read", path, e)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Whether a database may be gone on from: `found` are its trees, `root_at` the root it had at an earlier size.
///
/// # Errors
/// [`AnchorError::Ahead`], [`AnchorError::Other`], or what reading the roots answers.
pub fn compare<E: From<AnchorError>>(
    anchored: &Heads,
    found: &Heads,
    path: &Path,
    root_at: impl Fn(Log, u64) -> Result<Option<Digest>, E>,
) -> Result<(), E> {
    let by = format!("anchor {}", path.display());
    for (log, tree) in [(Log::Register, anchored.register), (Log::Case, anchored.case)] {
        goes_on_from(&Known { log, tree, by: by.clone() }, found, &root_at)?;
    }
    Ok(())
}

/// As [`compare`], with one tree.
///
/// # Errors
/// As [`compare`].
pub fn goes_on_from<E: From<AnchorError>>(
    known: &Known,
    found: &Heads,
    root_at: impl Fn(Log, u64) -> Result<Option<Digest>, E>,
) -> Result<(), E> {
    let Known { log, tree, by } = known.clone();
    let found = match log {
        Log::Register => found.register.size,
        Log::Case => found.case.size,
    };
    if tree.size > found {
        return Err(AnchorError::Ahead { log, found, anchored: tree.size, by }.into());
    }
    if root_at(log, tree.size)? != Some(tree.root) {
        return Err(AnchorError::Other { log, size: tree.size, by }.into());
    }
    Ok(())
}

/// The anchor of a running broker: nobody else may move it.
pub struct Anchor {
    path: PathBuf,
    /// Locked as long as this lives.
    file: File,
    last: Anchored,
}

impl Anchor {
    /// Takes hold of an anchor; `None` when it is missing, or broken in both slots.
    ///
    /// # Errors
    /// [`AnchorError::InUse`], [`AnchorError::File`].
    pub fn open(path: &Path) -> Result<Option<Self>, AnchorError> {
        let file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("opened", path, error)),
        };
        hold(&file, path)?;
        let found = newest(&file).map_err(|e| failed("read", path, e))?;
        Ok(found.map(|last| Self { path: path.to_owned(), file, last }))
    }

    /// Makes an anchor, or makes a broken one anew.
    ///
    /// # Errors
    /// [`AnchorError::InUse`], [`AnchorError::File`].
    pub fn make(path: &Path, genesis: Digest, heads: Heads) -> Result<Self, AnchorError> {
        let words = |error| failed("made", path, error);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(words)?;
        hold(&file, path)?;
        let last = Anchored { sequence: 1, genesis, heads };
        for sequence in [0, 1] {
            // Whole blocks, so that no later write needs room.
            let mut block = encode(&Anchored { sequence, ..last }).to_vec();
            block.resize(usize::try_from(SLOT_BYTES).unwrap_or(RECORD_BYTES), 0);
            file.write_all_at(&block, offset(sequence)).map_err(words)?;
        }
        file.sync_all().map_err(words)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(words)?;
        Ok(Self { path: path.to_owned(), file, last })
    }

    /// The broker it belongs to.
    pub fn genesis(&self) -> Digest {
        self.last.genesis
    }
    /// Both trees as last kept.
    pub fn heads(&self) -> Heads {
        self.last.heads
    }

    /// Keeps both trees as they are now, durably.
    ///
    /// # Errors
    /// [`AnchorError::File`]; the slot before this one is untouched then.
    pub fn keep(&mut self, heads: Heads) -> Result<(), AnchorError> {
        let next = Anchored { sequence: self.last.sequence.saturating_add(1), heads, ..self.last };
        let write = || {
            self.file.write_all_at(&encode(&next), offset(next.sequence))?;
            self.file.sync_data()
        };
        // After a failure the same slot is written again: the other one is the only one known to be whole.
        write().map_err(|e| failed("written", &self.path, e))?;
        self.last = next;
        Ok(())
    }
}

fn hold(file: &File, path: &Path) -> Result<(), AnchorError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(AnchorError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(failed("locked", path, error)),
    }
}

fn offset(sequence: u64) -> u64 {
    (sequence % 2) * SLOT_BYTES
}

fn newest(file: &File) -> io::Result<Option<Anchored>> {
    let mut whole = Vec::new();
    for slot in [0, 1] {
        let mut record = [0; RECORD_BYTES];
        match file.read_exact_at(&mut record, offset(slot)) {
            Ok(()) => whole.extend(decode(&record).filter(|found| offset(found.sequence) == offset(slot))),
            // A file cut short has lost this slot.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(whole.into_iter().max_by_key(|found| found.sequence))
}

fn encode(anchored: &Anchored) -> [u8; RECORD_BYTES] {
    let tree = |tree: &SeenTree| [tree.size.to_be_bytes().as_slice(), tree.root.as_bytes()].concat();
    let Heads { register, case } = &anchored.heads;
    let mut bytes = LABEL.to_vec();
    bytes.extend(anchored.sequence.to_be_bytes());
    bytes.extend(anchored.genesis.as_bytes());
    bytes.extend([tree(register), tree(case)].concat());
    let sum = Digest::of(&bytes);
    bytes.extend(sum.as_bytes());
    let mut record = [0; RECORD_BYTES];
    for (to, from) in record.iter_mut().zip(bytes) {
        *to = from;
    }
    record
}

fn decode(record: &[u8; RECORD_BYTES]) -> Option<Anchored> {
    let (body, sum) = record.split_at_checked(UNSUMMED)?;
    if Digest::of(body).as_bytes().as_slice() != sum {
        return None;
    }
    let mut rest = body.strip_prefix(LABEL.as_slice())?;
    let sequence = number(&mut rest)?;
    let genesis = digest(&mut rest)?;
    let mut tree = || Some(SeenTree { size: number(&mut rest)?, root: digest(&mut rest)? });
    let heads = Heads { register: tree()?, case: tree()? };
    Some(Anchored { sequence, genesis, heads })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (first, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*first))
}

fn digest(rest: &mut &[u8]) -> Option<Digest> {
    let (first, after) = rest.split_first_chunk::<32>()?;
    *rest = after;
    Some(Digest::from_bytes(*first))
}

const fn word(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case log",
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> AnchorError {
    AnchorError::File { what, path: path.display().to_string(), source }
}
