//! Names and keys of those who sign notes.
//!
//! A signature line names its key by name and key id; both together must match a configured key,
//! and the key id alone proves nothing. Private keys enter as values and never leave: the signer
//! has no `Debug`, no `Clone` and no way to read the key. Start with [`NoteVerifier`].
//!
//! A further type of key needs a type byte here and a verifier type of its own that reads and
//! writes itself by `KeyText`; notes carry its signatures as they are.
//!
//! Source: c2sp.org/signed-note, "Signatures" and "Ed25519 signatures"; the text form of a
//! verifier key is that of Go's `golang.org/x/mod/sumdb/note`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Signature type byte of plain Ed25519 notes.
pub const ALG_ED25519: u8 = 0x01;

/// Signature type byte of timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature).
pub const ALG_COSIGNATURE_V1: u8 = 0x04;

/// Name of a key in a note, usually a URL without scheme (`example.org/register`).
///
/// INVARIANT: not empty; no Unicode whitespace, no control character, no plus sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.contains(forbidden) {
            return Err(KeyError::Name);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a key name or a verifier key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or contains whitespace, a control character or a plus sign.
    #[error("a key name is not empty and has no spaces, control characters or plus signs")]
    Name,
    /// Not `name+8 hexadecimal digits+base64`, in its one spelling.
    #[error("not a verifier key of the form name+id+base64")]
    Form,
    /// The key id is not the one that name and key have.
    #[error("the key id does not belong to this name and key")]
    KeyId,
    /// The type byte is that of another kind of key.
    #[error("the key is not of the type needed here: 0x01 signs notes, 0x04 cosigns")]
    Algorithm,
    /// The bytes are not an Ed25519 public key, or one of the weak ones under which a signature
    /// says nothing.
    #[error("not a usable Ed25519 public key")]
    PublicKey,
}

/// Key id: first 4 bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key), big-endian.
///
/// A hint for finding the key, not a fingerprint: anyone can make a second key with the same id.
pub fn key_id(name: &KeyName, algorithm: u8, public_key: &[u8]) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name.as_str());
    hasher.update([b'\n', algorithm]);
    hasher.update(public_key);
    let digest: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}

/// The text of any public key: `name+key id in 8 hexadecimal digits+base64(type byte ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyText {
    name: KeyName,
    algorithm: u8,
    material: Vec<u8>,
}

impl KeyText {
    /// The text of this key.
    pub(super) fn new(name: &KeyName, algorithm: u8, material: &[u8]) -> Self {
        Self { name: name.clone(), algorithm, material: material.to_vec() }
    }

    /// Reads the text of an Ed25519 key of type `algorithm` and makes its verifier, whose text must be the one read:
    /// there is one spelling.
    pub(super) fn read_ed25519<V: fmt::Display>(
        text: &str,
        algorithm: u8,
        make: impl FnOnce(KeyName, VerifyingKey) -> Result<V, KeyError>,
    ) -> Result<V, KeyError> {
        // The base64 part may itself contain plus signs: split at the first two only.
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, bytes) = rest.split_once('+').ok_or(KeyError::Form)?;
        let name: KeyName = name.parse()?;
        let bytes = STANDARD.decode(bytes).map_err(|_| KeyError::Form)?;
        let (found, material) = bytes.split_first().ok_or(KeyError::Form)?;
        if *found != algorithm {
            return Err(KeyError::Algorithm);
        }
        let key = VerifyingKey::try_from(material).map_err(|_| KeyError::PublicKey)?;
        let right_id = key_id(&name, algorithm, material);
        let verifier = make(name, key)?;
        if u32::from_str_radix(id, 16) != Ok(right_id) {
            return Err(KeyError::KeyId);
        }
        if verifier.to_string() == text { Ok(verifier) } else { Err(KeyError::Form) }
    }
}

impl fmt::Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = key_id(&self.name, self.algorithm, &self.material);
        let mut bytes = vec![self.algorithm];
        bytes.extend_from_slice(&self.material);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(bytes))
    }
}

/// Strict Ed25519: RFC 8032 with canonical encodings and no small-order points.
pub(super) fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).and_then(|signature| key.verify_strict(message, &signature)).is_ok()
}

/// A known key: what a reader of notes is configured with.
///
/// As text: `name+key id in 8 hexadecimal digits+base64(0x01 ‖ public key)`; `Display` writes it,
/// `FromStr` reads exactly what `Display` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: KeyName,
    key: VerifyingKey,
    key_id: u32,
}

impl NoteVerifier {
    /// Knows this Ed25519 key by this name.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`] if the key is weak (of small order).
    pub fn new(name: KeyName, key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() {
            return Err(KeyError::PublicKey);
        }
        let key_id = key_id(&name, ALG_ED25519, key.as_bytes());
        Ok(Self { name, key, key_id })
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key id in signature lines.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Whether `signature` is this key's over `text`.
    pub(super) fn accepts(&self, text: &[u8], signature: &[u8]) -> bool {
        verifies(&self.key, text, signature)
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KeyText::new(&self.name, ALG_ED25519, self.key.as_bytes()).fmt(f)
    }
}

impl FromStr for NoteVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        KeyText::read_ed25519(text, ALG_ED25519, Self::new)
    }
}

/// Something that signs notes: a key in memory, or one that a device holds.
pub trait NoteSigner {
    /// The key's name.
    fn name(&self) -> &KeyName;

    /// The key id in signature lines.
    fn key_id(&self) -> u32;

    /// The signature over the note's text, without the key id.
    fn sign(&self, text: &[u8]) -> Vec<u8>;
}

/// An Ed25519 key in memory that signs notes; wiped when dropped.
pub struct Ed25519NoteSigner {
    verifier: NoteVerifier,
    key: SigningKey,
}

impl Ed25519NoteSigner {
    /// Signs with this key by this name.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`] if the public key is weak, which no seed is known to yield.
    pub fn new(name: KeyName, key: SigningKey) -> Result<Self, KeyError> {
        let verifier = NoteVerifier::new(name, key.verifying_key())?;
        Ok(Self { verifier, key })
    }

    /// What readers of this signer's notes are configured with.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }
}

impl NoteSigner for Ed25519NoteSigner {
    fn name(&self) -> &KeyName {
        self.verifier.name()
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.key.sign(text).to_vec()
    }
}
