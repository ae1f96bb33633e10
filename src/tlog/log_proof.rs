//! Proof files (`.tlog-proof`): everything needed to see, offline, that a leaf is in a log.
//!
//! A receipt is such a file. Its `extra` part travels along unauthenticated: only what hashes to
//! the proven leaf may be believed. Start with [`LogProof::verify`].
//!
//! Source: c2sp.org/tlog-proof, "Format".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::Hash;
use super::key::NoteVerifier;
use super::note::{Note, NoteError};
use super::proof::{InclusionProof, ProofError, verify_inclusion};

/// Most hashes of an inclusion proof: the height of the largest tree.
pub const MAX_PROOF_HASHES: usize = 63;

/// Longest proof file, in bytes: a checkpoint note of at most 1 MiB, and as much again for the
/// extra part, which in a receipt holds one leaf.
pub const MAX_LOG_PROOF_BYTES: usize = 2 << 20;

/// An inclusion proof, the checkpoint it leads to, and what comes along with it.
///
/// INVARIANT: at most 63 hashes; `checkpoint` is a well-formed signed note whose text is a
/// checkpoint; the whole is at most 2 MiB. So what `to_text` writes, `parse` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    extra: Vec<u8>,
    proof: InclusionProof,
    checkpoint: String,
}

impl LogProof {
    /// Puts a proof together; `extra` may be empty, `checkpoint` is a signed note.
    ///
    /// # Errors
    /// [`LogProofError`] if the proof or the whole is too long or the checkpoint malformed.
    /// Nothing is verified.
    pub fn new(extra: Vec<u8>, proof: InclusionProof, checkpoint: String) -> Result<Self, LogProofError> {
        if proof.hashes.len() > MAX_PROOF_HASHES {
            return Err(LogProofError::TooManyHashes);
        }
        Checkpoint::parse(Note::parse(&checkpoint)?.text())?;
        let log_proof = Self { extra, proof, checkpoint };
        check_size(&log_proof.to_text())?;
        Ok(log_proof)
    }

    /// Reads a proof file; nothing is verified yet.
    ///
    /// # Errors
    /// [`LogProofError`] unless the text is exactly what [`LogProof::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, LogProofError> {
        check_size(text)?;
        // Neither index nor hash lines are empty, so the first empty line ends them.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(LogProofError::Malformed)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(LogProofError::Malformed);
        }
        let extra = lines.next_if(|line| line.starts_with(EXTRA));
        let extra = extra.map_or(Ok(Vec::new()), read_extra)?;
        let index = lines.next().ok_or(LogProofError::Malformed)?;
        let index = read_index(index)?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(LogProofError::TooManyHashes);
            }
            hashes.push(line.parse().map_err(|_| LogProofError::Malformed)?);
        }
        let proof = InclusionProof { index, hashes };
        let log_proof = Self::new(extra, proof, checkpoint.to_owned())?;
        if log_proof.to_text() != text {
            return Err(LogProofError::Malformed);
        }
        Ok(log_proof)
    }

    /// The proof file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        if !self.extra.is_empty() {
            text.push_str(EXTRA);
            STANDARD.encode_string(&self.extra, &mut text);
            text.push('\n');
        }
        text.push_str(INDEX);
        text.push_str(&self.proof.index.to_string());
        text.push('\n');
        for hash in &self.proof.hashes {
            text.push_str(&hash.to_string());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Checks that `log` signed the checkpoint and that `leaf` is in its tree at the proof's
    /// index; returns the checkpoint.
    ///
    /// # Errors
    /// [`LogProofError::Checkpoint`], [`LogProofError::Proof`].
    pub fn verify(&self, leaf: &Hash, log: &NoteVerifier) -> Result<Checkpoint, LogProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, log)?;
        verify_inclusion(leaf, &self.proof, checkpoint.size(), checkpoint.root())?;
        Ok(checkpoint)
    }

    /// The accompanying bytes, which no one vouches for; empty if the file has none.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// The inclusion proof.
    pub fn proof(&self) -> &InclusionProof {
        &self.proof
    }

    /// The signed checkpoint note, verbatim.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }
}

/// Why a proof file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// Longer than [`MAX_LOG_PROOF_BYTES`].
    #[error("a proof file of {size_bytes} bytes is longer than 2 MiB")]
    TooLarge {
        /// Length of the whole file.
        size_bytes: usize,
    },
    /// More than [`MAX_PROOF_HASHES`] hashes.
    #[error("an inclusion proof has at most 63 hashes")]
    TooManyHashes,
    /// Not the format, or not its one spelling.
    #[error("not a c2sp.org/tlog-proof@v1 file")]
    Malformed,
    /// The note that should be the checkpoint is malformed.
    #[error("the proof file's checkpoint is not a signed note")]
    Note(#[from] NoteError),
    /// The checkpoint is malformed, of another log, or not signed by this one.
    #[error("the proof file's checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not lead from the leaf to the checkpoint.
    #[error("the leaf is not proven to be in the log")]
    Proof(#[from] ProofError),
}

fn check_size(text: &str) -> Result<(), LogProofError> {
    let size_bytes = text.len();
    if size_bytes > MAX_LOG_PROOF_BYTES {
        return Err(LogProofError::TooLarge { size_bytes });
    }
    Ok(())
}

fn read_extra(line: &str) -> Result<Vec<u8>, LogProofError> {
    line.strip_prefix(EXTRA).and_then(|text| STANDARD.decode(text).ok()).ok_or(LogProofError::Malformed)
}

fn read_index(line: &str) -> Result<u64, LogProofError> {
    line.strip_prefix(INDEX).and_then(|text| text.parse().ok()).ok_or(LogProofError::Malformed)
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";
