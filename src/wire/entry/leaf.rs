//! Leaves of the case log: what they commit to, and with what.

use super::EntryError;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// First byte of a case leaf: version of the commitment.
const LEAF_VERSION: u8 = 0x01;
const ENTRY_LABEL: &[u8] = b"amana/log-entry/v1\0";
const AUDITOR_LABEL: &[u8] = b"amana/log-auditor/v1\0";

/// 32 random bytes that keep a commitment from being guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// From random bytes; never derived from anything.
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The two salts of a case entry.
#[derive(Clone, Copy)]
pub struct Salts {
    /// Of the leaf.
    pub leaf: Salt,
    /// Of the auditor part.
    pub auditor: Salt,
}

/// What a party is given of a case entry: enough to check it stands in the log, nothing of the auditor's part.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedLeaf {
    /// Salt of the leaf.
    pub salt: Salt,
    /// The shared part, verbatim.
    pub shared: String,
    /// Commitment to the auditor part.
    pub auditor_commitment: [u8; 32],
}

impl OpenedLeaf {
    /// `u32be(len) ‖ shared ‖ commitment`.
    fn body(&self) -> Result<Vec<u8>, EntryError> {
        let length = u32::try_from(self.shared.len()).map_err(|_| EntryError::TooLarge)?;
        Ok([&length.to_be_bytes(), self.shared.as_bytes(), &self.auditor_commitment].concat())
    }
    /// The 33 bytes that are the leaf's data.
    pub fn leaf_data(&self) -> Result<[u8; 33], EntryError> {
        let tag = mac(&self.salt, ENTRY_LABEL, &self.body()?);
        let mut data = [LEAF_VERSION; 33];
        for (place, byte) in data.iter_mut().skip(1).zip(tag) {
            *place = byte;
        }
        Ok(data)
    }
    /// What is left of it without its body.
    pub fn closed(&self) -> Result<ClosedLeaf, EntryError> {
        self.leaf_data().map(ClosedLeaf)
    }
    /// `salt ‖ body`: the `extra` of a case receipt.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        Ok([self.salt.as_bytes().as_slice(), &self.body()?].concat())
    }
    /// Reads what [`OpenedLeaf::encode`] wrote; nothing may follow.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let (salt, rest) = bytes.split_first_chunk::<32>().ok_or(EntryError::Framing)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(EntryError::Framing)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| EntryError::Framing)?;
        let (shared, commitment) = rest.split_at_checked(length).ok_or(EntryError::Framing)?;
        let auditor_commitment = <[u8; 32]>::try_from(commitment).map_err(|_| EntryError::Framing)?;
        let shared = String::from_utf8(shared.to_vec()).map_err(|_| EntryError::Framing)?;
        Ok(Self { salt: Salt(*salt), shared, auditor_commitment })
    }
}

/// Commitment to an auditor part.
pub fn auditor_commitment(salt: &Salt, auditor_part: &str) -> [u8; 32] {
    mac(salt, AUDITOR_LABEL, auditor_part.as_bytes())
}

fn mac(salt: &Salt, label: &[u8], message: &[u8]) -> [u8; 32] {
    // A 32-byte key is shorter than SHA-256's block, so HMAC takes it as it is.
    let mut mac = <Hmac<Sha256> as Mac>::new(&(*salt.as_bytes()).into_block());
    mac.update(label);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 takes a 64-byte block as its key; shorter keys are padded with zeros (RFC 2104).
trait IntoBlock {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>>;
}
impl IntoBlock for [u8; 32] {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>> {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (place, byte) in block.iter_mut().zip(self) {
            *place = byte;
        }
        block
    }
}

/// What is left of a case entry that nobody can open here: the data of its leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClosedLeaf([u8; 33]);

impl ClosedLeaf {
    /// Reads a leaf of the case log.
    ///
    /// # Errors
    /// [`EntryError::Framing`] when it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let leaf = <[u8; 33]>::try_from(bytes).map_err(|_| EntryError::Framing)?;
        if leaf.first() == Some(&LEAF_VERSION) { Ok(Self(leaf)) } else { Err(EntryError::Framing) }
    }
    /// The leaf data.
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }
}
