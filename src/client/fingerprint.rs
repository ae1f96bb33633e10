//! Eight words that two people can compare over the telephone.
//!
//! They stand for both public keys of a party. No name or other free text goes in: what somebody calls himself must not
//! change what his keys look like. Must never be shown as proof of *who* somebody is, only of *which keys* he has.
//! Start at [`words`].

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::identity::{words_of, words_typed};
use crate::model::ids::{AgeRecipient, PublicKey};

/// The fingerprint of a party's two public keys: eight words of the BIP39 list, separated by spaces.
///
/// The first 88 bits, eleven a word, without checksum, of
/// `SHA-256("amana/fingerprint/v1\0" ‖ u32be(32) ‖ signing key ‖ u32be(62) ‖ the recipient's text)`.
pub fn words(signing: &PublicKey, recipient: &AgeRecipient) -> String {
    let mut hash = Sha256::new_with_prefix(LABEL);
    for part in [signing.as_bytes().as_slice(), recipient.as_str().as_bytes()] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        debug_assert!(length < u32::MAX, "keys are short");
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    words_of(&digest).take(WORDS).collect::<Vec<_>>().join(" ")
}

/// Compares what a person typed with the fingerprint of the keys at hand, forgiving case, spaces and hyphens.
///
/// # Errors
/// How the two differ. Whoever sees this must not go on: the keys are not those the other person read out.
pub fn matches(expected: &str, typed: &str) -> Result<(), Mismatch> {
    let found = words_typed(typed).count();
    if found != WORDS || words_typed(expected).count() != WORDS {
        return Err(Mismatch::Count { found });
    }
    let differs = |(expected, typed): (&str, &str)| expected.to_lowercase() != typed.to_lowercase();
    match words_typed(expected).zip(words_typed(typed)).position(differs) {
        None => Ok(()),
        Some(index) => Err(Mismatch::Word { position: index + 1 }),
    }
}

/// How a typed fingerprint differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// Not eight words.
    #[error("a fingerprint has {WORDS} words; these are {found}")]
    Count {
        /// How many were typed.
        found: usize,
    },
    /// A word is another.
    #[error(
        "word {position} of the fingerprint differs; ask the other person to read it again, and stop if it still does"
    )]
    Word {
        /// The first that differs, counted from 1.
        position: usize,
    },
}

/// Words of a fingerprint: 88 bits, beyond searching for keys that look the same.
pub const WORDS: usize = 8;

const LABEL: &[u8] = b"amana/fingerprint/v1\0";
