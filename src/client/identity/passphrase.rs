//! A passphrase nobody has to invent.

use zeroize::Zeroizing;

use super::words::word_at;
use crate::model::ambient::{Entropy, random};

/// Six words of the BIP39 list joined by `-`: 66 bits, beyond guessing behind [`super::ScryptWork::STANDARD`].
///
/// Every word is drawn from eleven bits of its own and the list has 2048 = 2¹¹ words, so each is equally likely.
pub fn generate(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut passphrase = Zeroizing::new(String::with_capacity(LONGEST_BYTES));
    for position in 0..WORDS {
        if position > 0 {
            passphrase.push('-');
        }
        passphrase.push_str(word_at(u16::from_be_bytes(random(entropy))));
    }
    debug_assert!(passphrase.len() <= LONGEST_BYTES, "a grown string leaves a copy behind");
    passphrase
}

const WORDS: usize = 6;
/// Eight letters at most in a word, and the hyphens.
const LONGEST_BYTES: usize = WORDS * 8 + WORDS - 1;
