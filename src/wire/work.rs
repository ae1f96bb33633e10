//! Proof of work for registration: costly to make, bound to one statement, and checked without remembering anything.
//!
//! ```text
//! SHA-256("amana/registration-work/v1\0" ‖ genesis digest ‖ digest of the party statement ‖ nonce)
//! ```
//!
//! must begin with at least as many zero bits as the broker asks for. The nonce comes in `Amana-Work`, 1 to 16 bytes in
//! unpadded base64url. The statement's digest covers its signature and its `jti`, and a key registers once: so a proof
//! is good for one registration at one broker. The nonce comes last, so that whoever searches hashes the rest once.

use crate::model::{ids::Digest, limits};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// Name of the header.
pub const HEADER: &str = "amana-work";
const LABEL: &[u8] = b"amana/registration-work/v1\0";

/// How many leading zero bits are asked for: 8 to 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bits(u8);

impl Bits {
    /// The usual number.
    pub const USUAL: Self = Self(limits::WORK_BITS);
    /// The number.
    pub const fn count(self) -> u8 {
        self.0
    }
    /// About how many nonces have to be tried.
    pub const fn tries(self) -> u64 {
        1 << self.0
    }
}

/// More or fewer bits than may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proof of work has {} to {} bits", limits::WORK_BITS_LEAST, limits::WORK_BITS_MOST)]
pub struct NoSuchBits;

impl TryFrom<u8> for Bits {
    type Error = NoSuchBits;
    fn try_from(bits: u8) -> Result<Self, NoSuchBits> {
        match bits {
            limits::WORK_BITS_LEAST..=limits::WORK_BITS_MOST => Ok(Self(bits)),
            _ => Err(NoSuchBits),
        }
    }
}

/// What somebody found by trying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkNonce(Vec<u8>);

/// A nonce is not in its documented form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is 1 to {} bytes in canonical unpadded base64url", limits::WORK_NONCE_BYTES)]
pub struct BadNonce;

impl WorkNonce {
    /// The nonce that stands for a number: as a search counts them.
    pub fn of(number: u64) -> Self {
        Self(number.to_be_bytes().to_vec())
    }
}

impl FromStr for WorkNonce {
    type Err = BadNonce;
    fn from_str(text: &str) -> Result<Self, BadNonce> {
        // Before decoding: a header may be long.
        if text.len() > limits::WORK_NONCE_BYTES.div_ceil(3) * 4 {
            return Err(BadNonce);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadNonce)?;
        if (1..=limits::WORK_NONCE_BYTES).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadNonce) }
    }
}

impl fmt::Display for WorkNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// The work one statement needs at one broker.
#[derive(Clone)]
pub struct Task {
    hashed: Sha256,
    bits: Bits,
}

impl Task {
    /// For a statement.
    pub fn new(genesis: Digest, statement: Digest, bits: Bits) -> Self {
        let hashed = Sha256::new().chain_update(LABEL).chain_update(genesis.as_bytes());
        Self { hashed: hashed.chain_update(statement.as_bytes()), bits }
    }

    /// Whether a nonce does it.
    pub fn is_done_by(&self, nonce: &WorkNonce) -> bool {
        let hash = self.hashed.clone().chain_update(&nonce.0).finalize();
        leading_zero_bits(&hash) >= u32::from(self.bits.0)
    }
}

fn leading_zero_bits(hash: &[u8]) -> u32 {
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let rest = hash.get(zeros).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(zeros).unwrap_or(u32::MAX).saturating_mul(8).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: &[u8]) -> Digest {
        Digest::of(of)
    }
    fn hash(genesis: Digest, statement: Digest, nonce: &WorkNonce) -> Vec<u8> {
        let parts: [&[u8]; 4] =
            [b"amana/registration-work/v1\0", genesis.as_bytes(), statement.as_bytes(), nonce.0.as_slice()];
        Sha256::digest(parts.concat()).to_vec()
    }

    #[test]
    fn exactly_the_documented_bytes_are_hashed_and_one_bit_short_is_refused() {
        let (genesis, statement) = (digest(b"g"), digest(b"s"));
        let mut seen = [false; 2];
        for number in 0..20_000 {
            let nonce = WorkNonce::of(number);
            let zeros = hash(genesis, statement, &nonce).iter().fold((0, true), |(count, running), byte| {
                let more = if running { byte.leading_zeros() } else { 0 };
                (count + more, running && *byte == 0)
            });
            let done = Task::new(genesis, statement, Bits(10)).is_done_by(&nonce);
            assert_eq!(done, zeros.0 >= 10, "{number}");
            seen[0] |= zeros.0 == 9;
            seen[1] |= zeros.0 == 10;
        }
        assert_eq!(seen, [true, true], "both sides of the limit were met");
    }

    #[test]
    fn work_for_another_statement_or_broker_is_none() {
        let (genesis, statement) = (digest(b"g"), digest(b"s"));
        let task = Task::new(genesis, statement, Bits(12));
        let nonce = (0..1_000_000).map(WorkNonce::of).find(|nonce| task.is_done_by(nonce)).unwrap();
        assert!(!Task::new(genesis, digest(b"t"), Bits(12)).is_done_by(&nonce));
        assert!(!Task::new(digest(b"h"), statement, Bits(12)).is_done_by(&nonce));
    }

    #[test]
    fn nonce_is_read_in_its_one_spelling() {
        let read = |text: &str| text.parse::<WorkNonce>();
        assert_eq!(read("AAAAAAAAAAAAAAAAAAAAAA"), Ok(WorkNonce(vec![0; 16])));
        assert_eq!(read("AA"), Ok(WorkNonce(vec![0])));
        for bad in ["", "A", "AB", "AA==", "A A", "AAAAAAAAAAAAAAAAAAAAAAA", "+/8", &"A".repeat(4000)] {
            assert_eq!(read(bad), Err(BadNonce), "{bad:?}");
        }
        assert_eq!(WorkNonce::of(7).to_string().parse(), Ok(WorkNonce::of(7)));
    }

    #[test]
    fn bits_have_bounds() {
        let allowed: Vec<u8> = (0..=255).filter(|bits| Bits::try_from(*bits).is_ok()).collect();
        assert_eq!(allowed, (8..=32).collect::<Vec<u8>>());
    }
}
