//! Bytes as words of the English BIP39 list, eleven bits a word, and back.
//!
//! Fingerprints, recovery words and passphrases share it. Only the list comes from the `bip39` crate: its mnemonic type
//! keeps a copy of the secret that is not wiped. Start at [`words_of`].

use bip39::Language;

/// The words of `bytes`, first bits first; spare bits at the end, fewer than eleven, are dropped.
pub(in crate::client) fn words_of(bytes: &[u8]) -> impl Iterator<Item = &'static str> + '_ {
    let whole = bytes.len() * 8 / BITS_PER_WORD;
    (0..whole).map(move |word| {
        let bits = word * BITS_PER_WORD..(word + 1) * BITS_PER_WORD;
        word_at(bits.fold(0, |index, bit| index << 1 | u16::from(bit_at(bytes, bit))))
    })
}

/// The word with the number `index`, of which the lowest eleven bits count.
pub(super) fn word_at(index: u16) -> &'static str {
    #[expect(clippy::indexing_slicing, reason = "eleven bits number exactly the 2048 words of the list")]
    Language::English.word_list()[usize::from(index & WORD_MASK)]
}

/// The number of `word`, in lower case; `None` when the list has no such word.
pub(super) fn index_of(word: &str) -> Option<u16> {
    Language::English.find_word(word)
}

/// What a person typed, taken apart at spaces, hyphens and commas.
pub(in crate::client) fn words_typed(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | ','))
        .filter(|w| !w.is_empty())
}

fn bit_at(bytes: &[u8], bit: usize) -> bool {
    bytes.get(bit / 8).is_some_and(|byte| byte >> (7 - bit % 8) & 1 == 1)
}

const BITS_PER_WORD: usize = 11;
const WORD_MASK: u16 = (1 << BITS_PER_WORD) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_the_number_it_is_found_by() {
        for index in 0..=WORD_MASK {
            assert_eq!(index_of(word_at(index)), Some(index));
        }
        assert_eq!(word_at(WORD_MASK + 1), word_at(0));
        assert_eq!(index_of("amana"), None);
    }

    #[test]
    fn spare_bits_make_no_word() {
        assert_eq!(words_of(&[0]).count(), 0);
        assert_eq!(words_of(&[0; 11]).collect::<Vec<_>>(), ["abandon"; 8]);
        assert_eq!(words_of(&[0, 0b0010_0000]).collect::<Vec<_>>(), ["ability"]);
    }
}
