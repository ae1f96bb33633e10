//! The two-faced report: one age payload, two headers, two contents; and the commitment that refuses it.
//!
//! ChaCha20-Poly1305 does not commit to its key. A Poly1305 tag is a polynomial in the ciphertext's blocks over the field of
//! 2^130-5, so for two keys and one free block a linear equation makes both tags equal. A payload of one chunk then opens
//! under two file keys, and the owner of both could show two institutions two reports under one payload digest. The first
//! test shows that stock `age` opens both; the others that a published commitment lets at most one of them through.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::io::Read as _;

use age_core::primitives::hkdf;
use amana::client::rewrap::{self, FileKey, RewrapError};

#[test]
fn stock_age_opens_one_payload_to_two_contents() {
    let forged = two_faced();
    let seen_by_a = open_with_stock_age(&forged.payload, forged.file_key_a);
    let seen_by_b = open_with_stock_age(&forged.payload, forged.file_key_b);
    assert_eq!(seen_by_a, forged.content_a);
    assert_eq!(seen_by_b, forged.content_b);
    assert_ne!(seen_by_a, seen_by_b);
    assert!(seen_by_a.starts_with(MESSAGE_A));
    assert!(seen_by_b[MESSAGE_A.len()..].starts_with(MESSAGE_B));
}

#[test]
fn published_commitment_refuses_the_other_face() {
    let forged = two_faced();
    let nonce = payload_nonce(&forged.payload);
    let (key_a, key_b) = (file_key(forged.file_key_a), file_key(forged.file_key_b));
    let (published_a, published_b) = (rewrap::key_commitment(&key_a, &nonce), rewrap::key_commitment(&key_b, &nonce));

    rewrap::check_commitment(&key_a, &nonce, &published_a).unwrap();
    rewrap::check_commitment(&key_b, &nonce, &published_b).unwrap();
    for (key, published) in [(&key_a, &published_b), (&key_b, &published_a)] {
        let refused = rewrap::check_commitment(key, &nonce, published).unwrap_err();
        assert!(matches!(refused, RewrapError::CommitmentMismatch));
    }
}

#[test]
fn commitment_is_as_documented() {
    // Written out with RFC 5869's two steps, each an HMAC-SHA256 (RFC 2104), so that it does not lean on an HKDF library.
    use hmac::{Hmac, Mac as _};
    let forged = two_faced();
    let nonce = payload_nonce(&forged.payload);
    let hmac = |key: &[u8], message: &[u8]| -> [u8; 32] {
        Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().into()
    };
    let extracted = hmac(&nonce, &forged.file_key_a);
    let expected = hmac(&extracted, b"amana/file-key-commitment/v1\x01");
    assert_eq!(rewrap::key_commitment(&file_key(forged.file_key_a), &nonce), expected);
}

#[test]
fn commitment_depends_on_the_payload_nonce() {
    let key = file_key([7; 16]);
    assert_ne!(rewrap::key_commitment(&key, &[0; 16]), rewrap::key_commitment(&key, &[1; 16]));
}

/// An age payload that opens under two file keys.
pub struct TwoFaced {
    /// Nonce and one STREAM chunk.
    pub payload: Vec<u8>,
    /// The key that shows `content_a`.
    pub file_key_a: [u8; 16],
    /// The key that shows `content_b`.
    pub file_key_b: [u8; 16],
    /// Begins with a sentence; noise follows.
    pub content_a: Vec<u8>,
    /// Noise, then another sentence, then noise.
    pub content_b: Vec<u8>,
}

/// Makes a payload that opens under two file keys; always the same one.
///
/// The chunk is `MESSAGE_A` as A encrypts it, `MESSAGE_B` as B does, and a block that solves the equation. Not every nonce has
/// a solution (the block must be below 2^128, about one field element in four), so nonces are tried in turn.
pub fn two_faced() -> TwoFaced {
    let (file_key_a, file_key_b) = (*b"file key, face A", *b"file key, face B");
    for attempt in 0_u8..=u8::MAX {
        let nonce = [attempt; 16];
        let (a, b) = (Chunk::new(&file_key_a, &nonce), Chunk::new(&file_key_b, &nonce));
        let mut ciphertext = a.crypt(&[MESSAGE_A, &[0; MESSAGE_B.len()]].concat());
        let for_b = b.crypt(&[&[0; MESSAGE_A.len()], MESSAGE_B].concat());
        ciphertext[MESSAGE_A.len()..].copy_from_slice(&for_b[MESSAGE_A.len()..]);
        if let Some(block) = colliding_block(&a, &b, &ciphertext) {
            ciphertext.extend(block.to_le_bytes());
            let payload = [&nonce[..], &ciphertext, &a.tag(&ciphertext).to_le_bytes()].concat();
            let (content_a, content_b) = (a.crypt(&ciphertext), b.crypt(&ciphertext));
            return TwoFaced { payload, file_key_a, file_key_b, content_a, content_b };
        }
    }
    unreachable!("256 attempts of about even odds failed")
}

/// Finds the last block with which `prefix` has the same tag under both keys.
///
/// With the free block x (2^128 added, as Poly1305 does) before the block of lengths, a tag is
/// `((p + x·r²) mod 2^130-5 + s) mod 2^128`, p being the polynomial for x = 0. Equal tags need
/// `x·(rA² - rB²) = pB - pA + sB - sA + m·2^128` for a small m, since a field element may pass 2^128 up to three times.
fn colliding_block(a: &Chunk, b: &Chunk, prefix: &[u8]) -> Option<u128> {
    let with_zero_block = [prefix, &[0; 16]].concat();
    let slope = a.r.times(a.r).minus(b.r.times(b.r));
    let distance = b.polynomial(&with_zero_block).minus(a.polynomial(&with_zero_block));
    let distance = distance.plus(Field::from(b.s)).minus(Field::from(a.s));
    let two_128 = Field { high: 1, low: 0 };
    let mut target = distance.minus(two_128.times(Field::from(4)));
    for _ in -4..=4 {
        let x = target.times(slope.inverse());
        if x.high == 0 {
            let ciphertext = [prefix, &x.low.to_le_bytes()].concat();
            if a.tag(&ciphertext) == b.tag(&ciphertext) {
                return Some(x.low);
            }
        }
        target = target.plus(two_128);
    }
    None
}

/// ChaCha20-Poly1305 (RFC 8439) for the single, last chunk of an age payload.
struct Chunk {
    key: [u8; 32],
    r: Field,
    s: u128,
}

impl Chunk {
    /// Payload key = HKDF(file key, salt = payload nonce, info "payload"); the one-time key is `ChaCha20` block 0.
    fn new(file_key: &[u8; 16], nonce: &[u8; 16]) -> Self {
        let key = hkdf(nonce, b"payload", file_key);
        let one_time = chacha20_block(&key, 0);
        let half = |at: usize| u128::from_le_bytes(one_time[at..at + 16].try_into().unwrap());
        Self { key, r: Field::from(half(0) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff), s: half(16) }
    }

    /// Encrypts or decrypts: text and key stream, from block 1 on, combined by XOR.
    fn crypt(&self, text: &[u8]) -> Vec<u8> {
        let stream = (1..).flat_map(|counter| chacha20_block(&self.key, counter));
        text.iter().zip(stream).map(|(text, stream)| text ^ stream).collect()
    }

    /// Poly1305 of whole ciphertext blocks and their length, before `s` is added.
    fn polynomial(&self, ciphertext: &[u8]) -> Field {
        assert_eq!(ciphertext.len() % 16, 0);
        let lengths = (u128::try_from(ciphertext.len()).unwrap() << 64).to_le_bytes();
        ciphertext.chunks_exact(16).chain([&lengths[..]]).fold(Field::from(0), |sum, block| {
            let low = u128::from_le_bytes(block.try_into().unwrap());
            sum.plus(Field { high: 1, low }).times(self.r)
        })
    }

    fn tag(&self, ciphertext: &[u8]) -> u128 {
        self.polynomial(ciphertext).low.wrapping_add(self.s)
    }
}

/// A `ChaCha20` block (RFC 8439, 2.3) with the nonce of an age payload's only chunk: an 11-byte counter of zero, then 1.
fn chacha20_block(key: &[u8; 32], counter: u32) -> [u8; 64] {
    let mut start = [0_u32; 16];
    start[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    for (word, bytes) in start[4..12].iter_mut().zip(key.chunks_exact(4)) {
        *word = u32::from_le_bytes(bytes.try_into().unwrap());
    }
    start[12] = counter;
    start[15] = u32::from_le_bytes([0, 0, 0, 1]);

    let mut state = start;
    for _ in 0..10 {
        for column in 0..4 {
            quarter_round(&mut state, [column, column + 4, column + 8, column + 12]);
        }
        for column in 0..4 {
            let diagonal = |row: usize| row * 4 + (column + row) % 4;
            quarter_round(&mut state, [diagonal(0), diagonal(1), diagonal(2), diagonal(3)]);
        }
    }
    let mut block = [0; 64];
    for (bytes, (word, first)) in block.chunks_exact_mut(4).zip(state.into_iter().zip(start)) {
        bytes.copy_from_slice(&word.wrapping_add(first).to_le_bytes());
    }
    block
}

fn quarter_round(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (sum, add, mix, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[sum] = state[sum].wrapping_add(state[add]);
        state[mix] = (state[mix] ^ state[sum]).rotate_left(turn);
    }
}

/// A number modulo 2^130-5, always reduced: `high`·2^128 + `low`. Slow and plain; there is nothing secret here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Field {
    high: u128,
    low: u128,
}

impl Field {
    const MODULUS: Self = Self { high: 3, low: u128::MAX - 4 };

    fn from(low: u128) -> Self {
        Self { high: 0, low }
    }

    fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        let sum = Self { high: self.high + other.high + u128::from(carry), low };
        if sum >= Self::MODULUS { sum.less(Self::MODULUS) } else { sum }
    }

    fn minus(self, other: Self) -> Self {
        if self >= other { self.less(other) } else { self.plus(Self::MODULUS.less(other)) }
    }

    /// Ordinary subtraction of something not greater.
    fn less(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    fn bit(self, index: u32) -> bool {
        let word = if index < 128 { self.low } else { self.high };
        word >> (index % 128) & 1 == 1
    }

    /// Doubling and adding, from the highest bit.
    fn times(self, other: Self) -> Self {
        (0..130).rev().fold(Self::from(0), |product, index| {
            let doubled = product.plus(product);
            if other.bit(index) { doubled.plus(self) } else { doubled }
        })
    }

    /// Fermat: the power to modulus - 2.
    fn inverse(self) -> Self {
        let exponent = Self::MODULUS.less(Self::from(2));
        (0..130).rev().fold(Self::from(1), |power, index| {
            let squared = power.times(power);
            if exponent.bit(index) { squared.times(self) } else { squared }
        })
    }
}

fn file_key(bytes: [u8; 16]) -> FileKey {
    FileKey::new(Box::new(bytes))
}

fn payload_nonce(payload: &[u8]) -> [u8; 16] {
    *payload.first_chunk().unwrap()
}

/// Gives `file_key` a header for a fresh recipient and opens header and payload with nothing but `age`.
fn open_with_stock_age(payload: &[u8], key: [u8; 16]) -> Vec<u8> {
    let identity = age::x25519::Identity::generate();
    let header = rewrap::wrap_file_key(&file_key(key), &[&identity.to_public()]).unwrap();
    let file = [header.as_bytes(), payload].concat();
    let decryptor = age::Decryptor::new(&file[..]).unwrap();
    let mut content = Vec::new();
    let identities = std::iter::once(&identity as &dyn age::Identity);
    decryptor.decrypt(identities).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// Whole blocks of 16 bytes each, so that the free block stands alone.
const MESSAGE_A: &[u8] = b"The convoy was stopped by soldiers of the army. ";
const MESSAGE_B: &[u8] = b"The convoy was stopped by men of the militia.   ";
