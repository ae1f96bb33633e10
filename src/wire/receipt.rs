//! Receipts: the opened leaf of an entry, its inclusion proof and a signed checkpoint, as a C2SP tlog-proof file.

use super::{
    entry::{EntryError, Happening, OpenedLeaf, Shared},
    statement::SeenTree,
    trust::{Retired, Trust},
};
use crate::{
    model::{
        event::{EntryRef, Log},
        ids::Digest,
    },
    tlog::{self, LogProof, NoteVerifier},
};

/// A receipt does not prove what it should.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Not a tlog-proof, or its proof does not hold.
    #[error("the receipt's proof does not verify")]
    Proof(#[from] tlog::LogProofError),
    /// The opened leaf is broken.
    #[error("the receipt's entry is not readable")]
    Entry(#[from] EntryError),
    /// It proves another statement.
    #[error("the receipt is for another statement")]
    OtherStatement,
    /// It proves that something else happened.
    #[error("the receipt says that something else happened than the answer does")]
    OtherEvent,
    /// It proves something that had happened before it was asked for.
    #[error("the receipt is of an entry that was there before: what was just done has none")]
    Earlier,
}

/// A verified receipt.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Where the entry stands.
    pub entry: EntryRef,
    /// The entry's shared part.
    pub shared: Shared,
    /// The tree its checkpoint signs.
    pub tree: SeenTree,
}

/// Checks a receipt against whose signatures count: signature, origin, inclusion, and that it opens an entry of this log.
///
/// # Errors
/// [`ReceiptError`].
pub fn verify(text: &str, log: Log, trust: &Trust) -> Result<Receipt, ReceiptError> {
    verify_under(text, log, trust.log(log))
}

fn verify_under(text: &str, log: Log, key: &NoteVerifier) -> Result<Receipt, ReceiptError> {
    let proof = LogProof::parse(text)?;
    let (leaf, shared) = match log {
        Log::Register => {
            let shared = String::from_utf8(proof.extra().to_vec()).map_err(|_| EntryError::Framing)?;
            (tlog::leaf_hash(shared.as_bytes()), shared)
        }
        Log::Case => {
            let opened = OpenedLeaf::parse(proof.extra())?;
            (tlog::leaf_hash(&opened.leaf_data()?), opened.shared)
        }
    };
    let checkpoint = proof.verify(&leaf, key)?;
    Ok(Receipt {
        entry: EntryRef { log, index: proof.proof().index },
        shared: Shared::parse(&shared)?,
        tree: SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) },
    })
}

/// As [`verify_statement`], for a receipt that was kept: also one under a key that signed the log once, if both the tree
/// and the entry are of that time. Whoever got hold of such a key can still date a forgery back; what is fetched now has
/// to be under the key in force.
///
/// # Errors
/// [`ReceiptError`]; that of the key in force, when no earlier one fits.
pub fn verify_kept(
    text: &str,
    log: Log,
    trust: &Trust,
    happened: &Happening,
    statement: &str,
) -> Result<(Receipt, SignedBy), ReceiptError> {
    let current = verify(text, log, trust).map(|receipt| (receipt, SignedBy::KeyInForce));
    let then = || trust.earlier().iter().find_map(|earlier| under_earlier(text, log, earlier));
    let (receipt, signed_by) = current.or_else(|error| then().ok_or(error))?;
    if receipt.shared.event != *happened {
        return Err(ReceiptError::OtherEvent);
    }
    if receipt.shared.statement.as_deref() == Some(statement) {
        Ok((receipt, signed_by))
    } else {
        Err(ReceiptError::OtherStatement)
    }
}

fn under_earlier(text: &str, log: Log, earlier: &Retired) -> Option<(Receipt, SignedBy)> {
    let receipt = verify_under(text, log, earlier.log(log)).ok()?;
    let until = earlier.register_until();
    let then = match log {
        Log::Register => receipt.tree.size <= until,
        // A case entry says how much of the register it saw.
        Log::Case => receipt.shared.register_size.is_some_and(|seen| seen <= until),
    };
    then.then_some((receipt, SignedBy::KeyOfItsTime { register_until: until }))
}

/// Whose signature a kept receipt bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The log's key of today.
    KeyInForce,
    /// A key that was replaced since.
    KeyOfItsTime {
        /// By which register entry.
        register_until: u64,
    },
}

/// As [`verify`], and that the entry says `happened`.
///
/// # Errors
/// [`ReceiptError`].
pub fn verify_event(text: &str, log: Log, trust: &Trust, happened: &Happening) -> Result<Receipt, ReceiptError> {
    let receipt = verify(text, log, trust)?;
    if receipt.shared.event == *happened { Ok(receipt) } else { Err(ReceiptError::OtherEvent) }
}

/// As [`verify_event`], and that the entry holds exactly this statement.
///
/// # Errors
/// [`ReceiptError`].
pub fn verify_statement(
    text: &str,
    log: Log,
    trust: &Trust,
    happened: &Happening,
    statement: &str,
) -> Result<Receipt, ReceiptError> {
    let receipt = verify_event(text, log, trust, happened)?;
    if receipt.shared.statement.as_deref() == Some(statement) { Ok(receipt) } else { Err(ReceiptError::OtherStatement) }
}
