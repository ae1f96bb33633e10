//! Signed notes: text, an empty line, signature lines.
//!
//! [`Note::parse`] checks form only. The text means nothing until [`Note::verify`] has named a
//! known key that signed it; whoever wants a checkpoint goes through
//! [`Checkpoint::open`](super::Checkpoint::open), which does both. A note keeps no slack: what was
//! parsed prints as the same bytes.
//!
//! Source: c2sp.org/signed-note, "Format" and "Signatures".

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyName, NoteSigner, NoteVerifier};

/// Longest note read or made, in bytes: parsing must not be a way to fill memory.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// Most signature lines of a note: each known one costs a verification. The specification asks
/// for at least 16.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// Signs `text`, which ends with a newline, with every signer in turn.
///
/// # Errors
/// [`NoteError`] if the text cannot be a note's text, there is no signer, or two have the same
/// name and key id.
pub fn sign_note(text: &str, signers: &[&dyn NoteSigner]) -> Result<String, NoteError> {
    // Without its newline a text could end in what then reads as a signature line.
    if signers.is_empty() || !text.ends_with('\n') {
        return Err(NoteError::NoSignatures);
    }
    let signatures = signers.iter().map(|signer| NoteSignature {
        name: signer.name().clone(),
        key_id: signer.key_id(),
        signature: signer.sign(text.as_bytes()),
    });
    let note = Note { text: text.to_owned(), signatures: signatures.collect() };
    let mut keys = BTreeSet::new();
    if let Some(twice) = note.signatures.iter().find(|line| !keys.insert(line.key())) {
        return Err(twice.error_duplicate());
    }
    // Notes we make obey the same rules as notes we receive.
    let printed = note.to_string();
    let read = Note::parse(&printed)?;
    debug_assert_eq!(read, note, "a note is read as it was signed");
    Ok(printed)
}

/// A well-formed note, signed by whoever: nothing is verified yet.
///
/// INVARIANT: `text` ends with a newline and has no other control characters below U+0020; there
/// are 1 to 100 signatures; the whole is at most 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note's form.
    ///
    /// # Errors
    /// [`NoteError`] naming the rule of the format that is broken.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            let size_bytes = note.len();
            return Err(NoteError::TooLarge { size_bytes });
        }
        if note.contains(|c| c < ' ' && c != '\n') {
            return Err(NoteError::ControlCharacter);
        }
        // The text may have empty lines; the last one ends it.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Unterminated)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(line.parse()?);
        }
        let text = format!("{text}\n");
        Ok(Self { text, signatures })
    }

    /// The signed text with its last newline; to be believed only after [`Note::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, known or not, in order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Those of the `known` keys that signed this text, in the order of the lines; at least one.
    ///
    /// Lines of unknown keys are ignored, even if they share a name or a key id with a known one.
    ///
    /// # Errors
    /// [`NoteError::WrongSignature`] if a known key's line does not verify,
    /// [`NoteError::DuplicateSignature`] if a known key has two lines,
    /// [`NoteError::AmbiguousKey`] if two known keys share name and key id,
    /// [`NoteError::NotSigned`] if no known key signed.
    pub fn verify<'k>(&self, known: &'k [NoteVerifier]) -> Result<Vec<&'k NoteVerifier>, NoteError> {
        let mut signed_by: Vec<&NoteVerifier> = Vec::new();
        for line in &self.signatures {
            let mut matching = known.iter().filter(|verifier| line.is_by(verifier));
            let Some(verifier) = matching.next() else {
                continue;
            };
            if matching.next().is_some() {
                return Err(line.error_ambiguous());
            }
            if signed_by.iter().any(|earlier| line.is_by(earlier)) {
                return Err(line.error_duplicate());
            }
            if !verifier.accepts(self.text.as_bytes(), &line.signature) {
                return Err(line.error_wrong());
            }
            signed_by.push(verifier);
        }
        if signed_by.is_empty() {
            return Err(NoteError::NotSigned);
        }
        Ok(signed_by)
    }

    /// The same note with one more signature line (`— name base64`, without newline), as a witness
    /// returns it. The line is not verified here.
    ///
    /// # Errors
    /// [`NoteError`] if the line is malformed, its key has a line already, or the note would grow
    /// past its limits.
    pub fn with_signature(mut self, line: &str) -> Result<Self, NoteError> {
        let line: NoteSignature = line.parse()?;
        if self.signatures.len() >= MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        if self.signatures.iter().any(|have| have.key() == line.key()) {
            return Err(line.error_duplicate());
        }
        self.signatures.push(line);
        let size_bytes = self.to_string().len();
        if size_bytes > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { size_bytes });
        }
        Ok(self)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// One signature line: `— name base64(key id ‖ signature)`; `Display` writes it without newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    key_id: u32,
    signature: Vec<u8>,
}

impl NoteSignature {
    /// A line as a signer of another type than [`NoteSigner`] makes it; `signature` is not empty.
    pub(super) fn new(name: KeyName, key_id: u32, signature: Vec<u8>) -> Self {
        debug_assert!(!signature.is_empty(), "an empty signature could not be read back");
        Self { name, key_id, signature }
    }

    /// Name of the key that claims to have signed.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key that claims to have signed.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The signature without the key id; at least one byte, its meaning is the key type's.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn key(&self) -> (&KeyName, u32) {
        (&self.name, self.key_id)
    }

    fn is_by(&self, verifier: &NoteVerifier) -> bool {
        self.key() == (verifier.name(), verifier.key_id())
    }

    fn error_duplicate(&self) -> NoteError {
        let name = self.name.clone();
        NoteError::DuplicateSignature { name }
    }

    fn error_ambiguous(&self) -> NoteError {
        let name = self.name.clone();
        NoteError::AmbiguousKey { name }
    }

    fn error_wrong(&self) -> NoteError {
        let name = self.name.clone();
        NoteError::WrongSignature { name }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature);
        write!(f, "{LINE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        let read = || {
            let (name, bytes) = line.strip_prefix(LINE_START)?.split_once(' ')?;
            // Canonical padded base64 only, so that a line prints as it was read.
            let bytes = STANDARD.decode(bytes).ok()?;
            let (key_id, signature) = bytes.split_first_chunk::<4>()?;
            (!signature.is_empty()).then_some(())?;
            Some(Self { name: name.parse().ok()?, key_id: u32::from_be_bytes(*key_id), signature: signature.to_vec() })
        };
        read().ok_or(NoteError::MalformedSignature)
    }
}

/// Why something is not a note, or not one to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("a note of {size_bytes} bytes is longer than 1 MiB")]
    TooLarge {
        /// Length of the whole note.
        size_bytes: usize,
    },
    /// A control character other than newline.
    #[error("a note has no control characters but newlines")]
    ControlCharacter,
    /// No empty line with signature lines after it, or a text that does not end with a newline.
    #[error("a note is text ending with a newline, an empty line and signature lines")]
    NoSignatures,
    /// The last line does not end with a newline.
    #[error("a note ends with a newline")]
    Unterminated,
    /// A line after the last empty line is not `— name base64`.
    #[error("a signature line is not of the form \"\u{2014} name base64\"")]
    MalformedSignature,
    /// More than [`MAX_NOTE_SIGNATURES`] lines.
    #[error("a note has at most 100 signatures")]
    TooManySignatures,
    /// One key has two lines.
    #[error("{name} signed twice with the same key")]
    DuplicateSignature {
        /// Name of the key.
        name: KeyName,
    },
    /// Two configured keys have the same name and key id.
    #[error("two known keys of {name} share a key id")]
    AmbiguousKey {
        /// Name of both keys.
        name: KeyName,
    },
    /// A known key's line is not its signature over this text.
    #[error("the signature by {name} is wrong")]
    WrongSignature {
        /// Name of the key.
        name: KeyName,
    },
    /// None of the known keys signed.
    #[error("no known key signed the note")]
    NotSigned,
}

/// Em dash and space.
const LINE_START: &str = "\u{2014} ";
