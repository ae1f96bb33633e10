//! Checkpoints: which tree a log vouches for.
//!
//! A checkpoint is the text of a signed note whose first line, the origin, names the log; here it
//! must equal the name of the log's key. [`Checkpoint::open`] is the way in for anything received;
//! [`Checkpoint::parse`] reads text that nobody vouches for.
//!
//! This module signs what it is given. That a log never signs two trees of which neither contains
//! the other is the writer's duty, kept in the transaction that stores the new head.
//!
//! Source: c2sp.org/tlog-checkpoint, "Note text".

use super::hash::{EMPTY_ROOT, Hash};
use super::key::{KeyName, NoteSigner, NoteVerifier};
use super::note::{Note, NoteError, sign_note};
use super::tile::MAX_TREE_SIZE;

/// Origin, size and root of a tree.
///
/// INVARIANT: the origin is one non-empty line, so is each extension line; the size is at most
/// 2^63; at size 0 the root is [`EMPTY_ROOT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint of our own, without extension lines, which no monitor could audit.
    ///
    /// # Errors
    /// [`CheckpointError::WrongEmptyRoot`], [`CheckpointError::TooLarge`].
    pub fn new(origin: &KeyName, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        check_tree(size, &root)?;
        Ok(Self { origin: origin.as_str().to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads a signed checkpoint and checks that the log itself signed it.
    ///
    /// Other signature lines are ignored here; witnesses are judged on the [`Note`].
    ///
    /// # Errors
    /// [`CheckpointError::Note`] if the note is malformed or the log's signature missing or wrong;
    /// [`CheckpointError::Malformed`] if the text is no checkpoint;
    /// [`CheckpointError::WrongOrigin`] if it is another log's.
    pub fn open(note: &str, log: &NoteVerifier) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        note.verify(std::slice::from_ref(log))?;
        let checkpoint = Self::parse(note.text())?;
        checkpoint.check_origin(log.name())?;
        Ok(checkpoint)
    }

    /// Reads a checkpoint's text, which is nobody's word yet.
    ///
    /// # Errors
    /// [`CheckpointError`] unless the text is exactly what [`Checkpoint::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let lines = text.strip_suffix('\n').ok_or(malformed.clone())?;
        if lines.contains(|c| c < ' ' && c != '\n') {
            return Err(malformed);
        }
        let lines: Vec<&str> = lines.split('\n').collect();
        let [origin, size_text, root, extensions @ ..] = lines.as_slice() else {
            return Err(malformed);
        };
        let size: u64 = size_text.parse().map_err(|_| malformed.clone())?;
        let root: Hash = root.parse().map_err(|_| malformed.clone())?;
        if size.to_string() != *size_text || lines.iter().any(|line| line.is_empty()) {
            return Err(malformed);
        }
        check_tree(size, &root)?;
        Ok(Self {
            origin: (*origin).to_owned(),
            size,
            root,
            extensions: extensions.iter().map(|&line| line.to_owned()).collect(),
        })
    }

    /// The text that is signed: origin, size, root and extension lines, each with a newline.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`CheckpointError::WrongOrigin`] if the signer is not the log,
    /// [`CheckpointError::Extended`] if there are extension lines, which we do not vouch for,
    /// [`CheckpointError::Note`] if the origin makes the note too long.
    pub fn signed(&self, signer: &dyn NoteSigner) -> Result<String, CheckpointError> {
        self.signed_by_all(&[signer])
    }

    /// As [`Checkpoint::signed`], under several keys of the log: one that replaced another, and the one it replaced.
    ///
    /// # Errors
    /// As [`Checkpoint::signed`].
    pub fn signed_by_all(&self, signers: &[&dyn NoteSigner]) -> Result<String, CheckpointError> {
        for signer in signers {
            self.check_origin(signer.name())?;
        }
        if !self.extensions.is_empty() {
            return Err(CheckpointError::Extended);
        }
        Ok(sign_note(&self.to_text(), signers)?)
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines after the root, opaque; ours have none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    fn check_origin(&self, name: &KeyName) -> Result<(), CheckpointError> {
        if self.origin == name.as_str() {
            return Ok(());
        }
        Err(CheckpointError::WrongOrigin { expected: name.clone(), found: self.origin.clone() })
    }
}

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it does not hold.
    #[error("the checkpoint's note does not hold")]
    Note(#[from] NoteError),
    /// Not origin, decimal size and base64 root, each on a line, then non-empty lines.
    #[error("not a checkpoint: origin, size and root, a line each")]
    Malformed,
    /// The origin is not the name of the key.
    #[error("the checkpoint is of {found}, not of {expected}")]
    WrongOrigin {
        /// Name of the log's key.
        expected: KeyName,
        /// Origin in the text.
        found: String,
    },
    /// Size 0 with a root other than the empty tree's.
    #[error("a tree of size 0 has the empty root")]
    WrongEmptyRoot,
    /// More than 2^63 leaves.
    #[error("a tree cannot have more than 2^63 leaves")]
    TooLarge,
    /// Extension lines in a checkpoint to be signed.
    #[error("checkpoints with extension lines are not signed")]
    Extended,
}

fn check_tree(size: u64, root: &Hash) -> Result<(), CheckpointError> {
    if size > MAX_TREE_SIZE {
        return Err(CheckpointError::TooLarge);
    }
    if size == 0 && *root != EMPTY_ROOT {
        return Err(CheckpointError::WrongEmptyRoot);
    }
    Ok(())
}
