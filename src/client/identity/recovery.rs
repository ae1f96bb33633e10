//! The recovery key: an independent seed, written down as 24 words.
//!
//! It signs what a lost or stolen device must not be able to (rotation, thaw, erasing withdrawal, handing over, wrapping owner headers
//! anew), and every owner header has a stanza for it. The words are shown once and never stored. Start at [`RecoveryKey::generate`].

use age::x25519;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::words::{index_of, words_of, words_typed};
use super::{Keys, SEED_BYTES, Seed};
use crate::model::ambient::Entropy;
use crate::model::party::RecoveryKeys;

/// The keys behind the 24 words. Cannot be shown other than by [`RecoveryKey::words`], copied or serialised.
pub struct RecoveryKey(Keys);

impl RecoveryKey {
    /// A new recovery key, from a seed of its own.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Keys::derive(Seed::generate(entropy)))
    }

    /// The recovery key of a known seed.
    pub fn from_seed(seed: Seed) -> Self {
        Self(Keys::derive(seed))
    }

    /// The 24 words, to be shown once and written on paper (BIP39, 256 bits and 8 bits of checksum).
    pub fn words(&self) -> Zeroizing<String> {
        let checked = with_checksum(self.0.seed.as_bytes());
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_BYTES));
        for word in words_of(checked.as_slice()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        debug_assert!(text.len() <= LONGEST_BYTES, "a grown string leaves a copy behind");
        text
    }

    /// Reads the 24 words as a person typed them: upper or lower case, separated by spaces, hyphens, commas or lines.
    ///
    /// # Errors
    /// Which word is not in the list, or that the words do not belong together.
    pub fn from_words(typed: &str) -> Result<Self, RecoveryWordsError> {
        let found = words_typed(typed).count();
        if found != WORDS {
            return Err(RecoveryWordsError::Count { found });
        }
        let mut indices = Zeroizing::new([0_u16; WORDS]);
        for (position, (word, place)) in (1..).zip(words_typed(typed).zip(indices.iter_mut())) {
            let word = Zeroizing::new(word.to_lowercase());
            *place = index_of(&word).ok_or(RecoveryWordsError::UnknownWord { position })?;
        }
        let checked = joined(&indices);
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        seed.iter_mut().zip(checked.iter()).for_each(|(seed, byte)| *seed = *byte);
        if with_checksum(&seed) != checked {
            return Err(RecoveryWordsError::Checksum);
        }
        Ok(Self(Keys::derive(Seed::from_bytes(&mut seed))))
    }

    /// The public halves, as enrolment registers them.
    pub fn public_keys(&self) -> RecoveryKeys {
        RecoveryKeys { signing_key: self.0.public_key(), recipient: self.0.recipient() }
    }

    /// The key that signs rotation, thaw and erasing withdrawal.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0.signing
    }

    /// The key that opens owner headers when the device is gone.
    pub fn age_identity(&self) -> &x25519::Identity {
        &self.0.age
    }
}

/// Why words are not a recovery key. Never quotes a word: it may be nearly right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecoveryWordsError {
    /// Another number of words.
    #[error("a recovery key has {WORDS} words; these are {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A word is misspelt.
    #[error("word {position} is not in the word list; look at its spelling")]
    UnknownWord {
        /// Counted from 1.
        position: usize,
    },
    /// Every word is in the list, but together they are no key.
    #[error("every word is in the word list, but one is wrong or two are exchanged; compare them with your paper")]
    Checksum,
}

/// BIP39, "Generating the mnemonic": the first eight bits of the seed's SHA-256 follow it.
fn with_checksum(seed: &[u8; SEED_BYTES]) -> Zeroizing<[u8; CHECKED_BYTES]> {
    let hash = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(seed)));
    let mut checked = Zeroizing::new([0; CHECKED_BYTES]);
    checked.iter_mut().zip(seed.iter().chain(hash.iter())).for_each(|(place, byte)| *place = *byte);
    checked
}

/// The bits of 24 word numbers in a row: 33 bytes.
fn joined(indices: &[u16; WORDS]) -> Zeroizing<[u8; CHECKED_BYTES]> {
    let mut joined = Zeroizing::new([0; CHECKED_BYTES]);
    let bits = indices.iter().flat_map(|index| (0..11).rev().map(move |bit| index >> bit & 1 == 1));
    for (place, bit) in bits.enumerate() {
        if let Some(byte) = joined.get_mut(place / 8) {
            *byte |= u8::from(bit) << (7 - place % 8);
        }
    }
    joined
}

/// Words of a recovery key.
pub const WORDS: usize = 24;
const CHECKED_BYTES: usize = SEED_BYTES + 1;
/// Eight letters at most in a word, and the spaces.
const LONGEST_BYTES: usize = WORDS * 8 + WORDS - 1;
