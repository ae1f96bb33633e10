//! What a witness is asked, and what it answers: the pure part of the witness protocol.
//!
//! [`AddCheckpoint`] is the request; [`judge`] says whether a witness that last cosigned
//! [`Last`] may cosign it. Nothing here signs, stores or reads a clock. A witness calls `judge` and
//! stores the new tree under one lock: judged side by side, two requests could both be right.
//!
//! Source: c2sp.org/tlog-witness, "add-checkpoint". Where its versions differ on another root at the
//! same size (409 or 422), it is a proof that does not hold: 422.

use std::cmp::Ordering;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::{EMPTY_ROOT, Hash};
use super::key::NoteVerifier;
use super::note::{Note, NoteError};
use super::proof::{ProofError, verify_consistency};

/// Most hashes of a consistency proof in a request: no tree of up to 2^63 leaves needs more.
pub const MAX_CONSISTENCY_HASHES: usize = 63;

/// Longest request, in bytes: the proof, and a checkpoint with room for a dozen large cosignatures.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = 64 * 1024;

/// A request to cosign: what the log believes was cosigned last, a consistency proof, a checkpoint.
///
/// INVARIANT: the note's text is a checkpoint, of at least `old` leaves; there are at most 63
/// hashes; the text of the whole is at most [`MAX_ADD_CHECKPOINT_BYTES`] long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

impl AddCheckpoint {
    /// A request of our own.
    ///
    /// # Errors
    /// [`AddCheckpointError`] if it breaks a rule of the format.
    pub fn new(old: u64, proof: Vec<Hash>, note: Note) -> Result<Self, AddCheckpointError> {
        let request = Self::checked(old, proof, note)?;
        let size_bytes = request.to_text().len();
        if size_bytes > MAX_ADD_CHECKPOINT_BYTES {
            return Err(AddCheckpointError::TooLarge { size_bytes });
        }
        Ok(request)
    }

    /// Reads a request; its signatures and its proof are nobody's word yet.
    ///
    /// # Errors
    /// [`AddCheckpointError`] unless the text is exactly what [`AddCheckpoint::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, AddCheckpointError> {
        if text.len() > MAX_ADD_CHECKPOINT_BYTES {
            let size_bytes = text.len();
            return Err(AddCheckpointError::TooLarge { size_bytes });
        }
        let (head, note) = text.split_once("\n\n").ok_or(AddCheckpointError::Form)?;
        let mut lines = head.split('\n');
        let old_text = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(AddCheckpointError::OldSize)?;
        let old: u64 = old_text.parse().map_err(|_| AddCheckpointError::OldSize)?;
        if old.to_string() != old_text {
            return Err(AddCheckpointError::OldSize);
        }
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_CONSISTENCY_HASHES {
                return Err(AddCheckpointError::LongProof);
            }
            proof.push(line.parse().map_err(|_| AddCheckpointError::Hash)?);
        }
        Self::checked(old, proof, Note::parse(note)?)
    }

    /// The body of the request.
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&hash.to_string());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note.to_string());
        text
    }

    /// Size that the log believes was cosigned last.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The consistency proof from there.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint with its signatures, nobody's word before [`judge`].
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The tree to be cosigned, nobody's word before [`judge`].
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn checked(old: u64, proof: Vec<Hash>, note: Note) -> Result<Self, AddCheckpointError> {
        if proof.len() > MAX_CONSISTENCY_HASHES {
            return Err(AddCheckpointError::LongProof);
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        if old > checkpoint.size() {
            return Err(AddCheckpointError::Shrinks { old, size: checkpoint.size() });
        }
        Ok(Self { old, proof, note, checkpoint })
    }
}

/// Why something is no request to cosign; all of them are answered with 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// Longer than [`MAX_ADD_CHECKPOINT_BYTES`].
    #[error("a request of {size_bytes} bytes is longer than 64 KiB")]
    TooLarge {
        /// Length of the whole.
        size_bytes: usize,
    },
    /// No empty line before the checkpoint.
    #[error("a request is an old size, a proof, an empty line and a checkpoint")]
    Form,
    /// The first line is not `old` and a decimal number in its one spelling.
    #[error("the first line is not \"old\" and a size")]
    OldSize,
    /// A line of the proof is not the base64 of a hash.
    #[error("a line of the proof is not the base64 of a hash")]
    Hash,
    /// More than [`MAX_CONSISTENCY_HASHES`] hashes.
    #[error("a proof has at most 63 hashes")]
    LongProof,
    /// What follows is no note.
    #[error("what follows the proof is no signed note")]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("the note is no checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The old size is larger than the new one.
    #[error("the old size, {old}, is larger than the checkpoint's, {size}")]
    Shrinks {
        /// Size before.
        old: u64,
        /// Size of the checkpoint.
        size: u64,
    },
}

/// The tree of a log that a witness last cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Number of leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Last {
    /// Of a log that was never cosigned: the empty tree, which begins every tree.
    pub const NONE: Self = Self { size: 0, root: EMPTY_ROOT };
}

/// What a witness answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may cosign, once the new tree is stored durably: 200.
    Cosign,
    /// It knows no log of this origin: 404.
    NotConfigured,
    /// No known key of the log signed: 403.
    BadSignature,
    /// The request starts from another size than the one last cosigned: 409, with that size.
    Conflict {
        /// The size last cosigned.
        size: u64,
        /// What the checkpoint, which the log signed, says about the log.
        suspicion: Option<Suspicion>,
    },
    /// The proof does not hold: 422.
    Inconsistent {
        /// Why not.
        error: ProofError,
        /// What the checkpoint, which the log signed, says about the log.
        suspicion: Option<Suspicion>,
    },
}

impl Verdict {
    /// What is kept as evidence, if anything.
    pub fn suspicion(&self) -> Option<Suspicion> {
        match self {
            Self::Cosign | Self::NotConfigured | Self::BadSignature => None,
            Self::Conflict { suspicion, .. } | Self::Inconsistent { suspicion, .. } => *suspicion,
        }
    }
}

/// What a signed checkpoint, beside the one last cosigned, says about the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Two roots at one size, both signed by the log: that is a fork, and nobody else can have made it.
    Fork,
    /// A larger tree, and a proof that does not hold. A fork, or somebody sent a good checkpoint with a bad proof.
    Unproven,
    /// A smaller tree. A log that went back, or somebody sent an old checkpoint again.
    Shrunk,
}

/// Whether a witness that knows these keys of logs and last cosigned `last` of this origin may cosign.
///
/// A key is of a log if its name is the log's origin; several keys of one origin are alternatives.
pub fn judge(request: &AddCheckpoint, logs: &[NoteVerifier], last: &Last) -> Verdict {
    let checkpoint = request.checkpoint();
    let mut keys = logs.iter().filter(|key| key.name().as_str() == checkpoint.origin()).peekable();
    if keys.peek().is_none() {
        return Verdict::NotConfigured;
    }
    if !keys.any(|key| request.note().verify(std::slice::from_ref(key)).is_ok()) {
        return Verdict::BadSignature;
    }
    let (size, root) = (checkpoint.size(), checkpoint.root());
    let against_the_log = against_the_log(checkpoint, last);
    if request.old() != last.size {
        // A proof from elsewhere says nothing, so a larger tree raises no suspicion.
        let suspicion = against_the_log.filter(|suspicion| *suspicion != Suspicion::Unproven);
        return Verdict::Conflict { size: last.size, suspicion };
    }
    match verify_consistency(last.size, &last.root, size, root, request.proof()) {
        Ok(()) => Verdict::Cosign,
        Err(error) => Verdict::Inconsistent { error, suspicion: against_the_log },
    }
}

/// What a refused checkpoint says about the log that signed it; none if it is the very tree last cosigned.
fn against_the_log(checkpoint: &Checkpoint, last: &Last) -> Option<Suspicion> {
    match checkpoint.size().cmp(&last.size) {
        Ordering::Less => Some(Suspicion::Shrunk),
        Ordering::Greater => Some(Suspicion::Unproven),
        Ordering::Equal => (*checkpoint.root() != last.root).then_some(Suspicion::Fork),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::{Ed25519NoteSigner, MemoryTiles, NoteSigner as _, consistency_proof, leaf_hash, sign_note};
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    fn signer(name: &str, seed: u8) -> Ed25519NoteSigner {
        Ed25519NoteSigner::new(name.parse().unwrap(), SigningKey::from_bytes(&[seed; 32])).unwrap()
    }

    /// A log of `size` leaves; `kind` makes another log of it.
    fn tree(size: u64, kind: u8) -> MemoryTiles {
        let mut tree = MemoryTiles::new();
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&[kind, n.to_be_bytes()[7]])).collect();
        tree.append_leaves(&leaves);
        tree
    }

    fn last(size: u64, kind: u8) -> Last {
        Last { size, root: crate::tlog::root_at(&tree(size, kind), size).unwrap() }
    }

    fn request(old: u64, size: u64, kind: u8) -> AddCheckpoint {
        let log = signer("log.example", 1);
        let note = Checkpoint::new(log.name(), size, last(size, kind).root).unwrap().signed(&log).unwrap();
        let proof = consistency_proof(&tree(size, kind), old, size).unwrap();
        AddCheckpoint::new(old, proof, Note::parse(&note).unwrap()).unwrap()
    }

    fn logs() -> Vec<NoteVerifier> {
        vec![signer("other.example", 2).verifier().clone(), signer("log.example", 1).verifier().clone()]
    }

    #[test]
    fn growing_and_resting_log_is_cosigned() {
        for (old, size) in [(0, 0), (0, 1), (0, 9), (1, 1), (1, 2), (5, 9), (8, 9), (9, 9)] {
            let known = last(old, 0);
            assert_eq!(judge(&request(old, size, 0), &logs(), &known), Verdict::Cosign, "{old} to {size}");
        }
    }

    #[test]
    fn fork_at_the_same_size_is_told_from_every_old_size() {
        let at_size = judge(&request(9, 9, 1), &logs(), &last(9, 0));
        let Verdict::Inconsistent { suspicion: Some(Suspicion::Fork), .. } = at_size else { panic!("{at_size:?}") };
        let from_less = judge(&request(4, 9, 1), &logs(), &last(9, 0));
        assert_eq!(from_less, Verdict::Conflict { size: 9, suspicion: Some(Suspicion::Fork) });
    }

    #[test]
    fn fork_that_grew_does_not_prove_itself() {
        let verdict = judge(&request(9, 12, 1), &logs(), &last(9, 0));
        let Verdict::Inconsistent { suspicion: Some(Suspicion::Unproven), .. } = verdict else { panic!("{verdict:?}") };
    }

    #[test]
    fn smaller_tree_conflicts_and_is_suspicious() {
        let verdict = judge(&request(4, 5, 0), &logs(), &last(9, 0));
        assert_eq!(verdict, Verdict::Conflict { size: 9, suspicion: Some(Suspicion::Shrunk) });
    }

    #[test]
    fn log_that_does_not_know_our_size_is_told_it_without_suspicion() {
        let verdict = judge(&request(0, 12, 0), &logs(), &last(9, 0));
        assert_eq!(verdict, Verdict::Conflict { size: 9, suspicion: None });
        let late = judge(&request(4, 9, 0), &logs(), &last(9, 0));
        assert_eq!(late, Verdict::Conflict { size: 9, suspicion: None });
    }

    #[test]
    fn needless_hash_at_the_same_tree_is_refused_without_suspicion() {
        let good = request(9, 9, 0);
        let padded = AddCheckpoint::new(9, vec![leaf_hash(b"")], good.note().clone()).unwrap();
        let verdict = judge(&padded, &logs(), &last(9, 0));
        assert!(matches!(verdict, Verdict::Inconsistent { suspicion: None, .. }), "{verdict:?}");
    }

    #[test]
    fn unknown_origin_and_foreign_signature_are_told_apart() {
        assert_eq!(judge(&request(0, 3, 0), &[], &Last::NONE), Verdict::NotConfigured);
        let impostor = vec![signer("log.example", 7).verifier().clone()];
        assert_eq!(judge(&request(0, 3, 0), &impostor, &Last::NONE), Verdict::BadSignature);
        let rotated = [impostor, logs()].concat();
        assert_eq!(judge(&request(0, 3, 0), &rotated, &Last::NONE), Verdict::Cosign);
        // A known log may not speak for another origin.
        let text = request(0, 3, 0).checkpoint().to_text();
        let foreign = Note::parse(&sign_note(&text, &[&signer("other.example", 2)]).unwrap()).unwrap();
        let foreign = AddCheckpoint::new(0, Vec::new(), foreign).unwrap();
        assert_eq!(judge(&foreign, &logs(), &Last::NONE), Verdict::BadSignature);
    }

    #[test]
    fn request_has_one_spelling() {
        let text = request(5, 9, 0).to_text();
        assert_eq!(AddCheckpoint::parse(&text).unwrap().to_text(), text);
        let refused = |from: &str, to: &str| AddCheckpoint::parse(&text.replacen(from, to, 1)).unwrap_err();
        for spelling in
            ["old 05\n", "old +5\n", "old  5\n", "Old 5\n", "old 5 \n", "old 5\r\n", "old -5\n", "old\n", "5\n"]
        {
            assert_eq!(refused("old 5\n", spelling), AddCheckpointError::OldSize, "{spelling:?}");
        }
        assert_eq!(refused("old 5\n", "old 10\n"), AddCheckpointError::Shrinks { old: 10, size: 9 });
        assert_eq!(refused("=\n", "\n"), AddCheckpointError::Hash);
        assert!(matches!(refused("\n9\n", "\n09\n"), AddCheckpointError::Checkpoint(_)));
        assert!(matches!(refused("\n\n", "\n"), AddCheckpointError::Note(_) | AddCheckpointError::Hash));
        assert_eq!(AddCheckpoint::parse("old 5"), Err(AddCheckpointError::Form));
        assert!(AddCheckpoint::parse(&format!("{text}\n")).is_err());
    }

    #[test]
    fn proof_and_request_are_bounded() {
        let note = request(5, 9, 0).note().clone();
        let hashes = |count| vec![leaf_hash(b""); count];
        let longest = AddCheckpoint::new(5, hashes(63), note.clone()).unwrap().to_text();
        assert!(AddCheckpoint::parse(&longest).is_ok());
        assert_eq!(AddCheckpoint::new(5, hashes(64), note), Err(AddCheckpointError::LongProof));
        let one_more = longest.replacen("old 5\n", &format!("old 5\n{}\n", leaf_hash(b"")), 1);
        assert_eq!(AddCheckpoint::parse(&one_more), Err(AddCheckpointError::LongProof));
        let large = "x".repeat(MAX_ADD_CHECKPOINT_BYTES + 1);
        assert!(matches!(AddCheckpoint::parse(&large), Err(AddCheckpointError::TooLarge { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn reading_a_request_never_panics(text in "(old )?[0-9]{0,3}\n([A-Za-z0-9+/=]{0,44}\n){0,3}\n.{0,20}\n") {
            if let Ok(request) = AddCheckpoint::parse(&text) {
                prop_assert_eq!(request.to_text(), text);
            }
        }

        /// Whatever a witness was sent in whatever order: what it cosigned are beginnings of one tree.
        #[test]
        fn cosigned_trees_are_beginnings_of_one_another(
            asked in proptest::collection::vec((0_u64..12, 0_u64..12, 0_u8..2), 1..30),
        ) {
            let mut known = Last::NONE;
            let mut kind_cosigned = None;
            for (old, size, kind) in asked {
                let request = request(old.min(size), size, kind);
                if judge(&request, &logs(), &known) == Verdict::Cosign {
                    prop_assert!(size >= known.size);
                    if size > 0 {
                        prop_assert_eq!(*kind_cosigned.get_or_insert(kind), kind);
                    }
                    known = Last { size, root: *request.checkpoint().root() };
                }
            }
        }
    }
}
