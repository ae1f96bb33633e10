//! An entry as far as it can be read by itself, without those before it.

use super::finding::EntryFault;
use crate::{
    tlog::{Hash, leaf_hash},
    wire::{
        api::{CaseLine, CaseRecord},
        entry::{AuditorPart, EntryError, OpenedLeaf, Salt, Shared, auditor_commitment},
        statement::Unverified,
    },
};

/// What a register entry or the opened part of a case entry says. What is wrong with its parts is told when they are
/// looked at: an entry that comes too early is that first.
pub(super) struct Entry {
    pub(super) shared: Shared,
    pub(super) statement: Result<Option<Unverified>, EntryError>,
    /// Absent in the register, and where only the shared part was handed out.
    pub(super) auditor: Option<Auditor>,
}

/// The auditor's part, word for word and as read.
pub(super) struct Auditor {
    pub(super) text: String,
    pub(super) part: Result<AuditorPart, EntryError>,
}

impl From<Shared> for Entry {
    fn from(shared: Shared) -> Self {
        Self { statement: shared.statement(), shared, auditor: None }
    }
}

/// The hash of the leaf that an opened case entry makes.
///
/// # Errors
/// [`EntryError`] when its parts have no form to be hashed in.
pub fn case_leaf(line: &CaseLine) -> Result<Hash, EntryError> {
    let salt = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map(Salt::from_random).map_err(|_| EntryError::Framing);
    let auditor_commitment = auditor_commitment(&salt(&line.auditor_salt.0)?, &line.auditor);
    let opened = OpenedLeaf { salt: salt(&line.salt.0)?, shared: line.shared.clone(), auditor_commitment };
    Ok(leaf_hash(&opened.leaf_data()?))
}

/// A line of the case log.
pub(super) enum Record {
    /// An entry whose leaf opens, with the leaf's hash.
    Opened(Box<Entry>, Hash),
    /// What is left of one.
    Closed(Vec<u8>),
}

impl Record {
    /// Opens a line: whether its leaf is in the signed tree is decided by the root, once every entry is read.
    pub(super) fn of(record: CaseRecord) -> Result<Self, EntryFault> {
        match record {
            CaseRecord::Opened(line) => Self::opened(&line),
            CaseRecord::Closed(line) => Ok(Self::Closed(line.closed.0)),
        }
    }

    /// As [`Record::of`], of an entry with its body.
    pub(super) fn opened(line: &CaseLine) -> Result<Self, EntryFault> {
        let leaf = case_leaf(line)?;
        let shared = Shared::parse(&line.shared)?;
        let part = serde_json::from_str(&line.auditor).map_err(|e| EntryError::Json(e.to_string()));
        let auditor = Some(Auditor { text: line.auditor.clone(), part });
        Ok(Self::Opened(Box::new(Entry { auditor, ..Entry::from(shared) }), leaf))
    }
}
