//! Who somebody is: one seed, the two keys that come of it, and the file that keeps it.
//!
//! A 32-byte seed gives an age identity and an Ed25519 signing key, each through its own HKDF label; neither key is ever
//! converted into the other. [`file`](mod@file) keeps the seed in a passphrase-encrypted age file that stock `age` opens;
//! [`recovery`] is a second, independent seed written down as 24 words.
//!
//! Nothing here shows, copies or serialises a seed except into that file and those words, draws randomness of its own, or
//! speaks to a network. Start at [`Identity::generate`].

use std::fmt;
use std::str::FromStr;

use age::x25519;
use age_core::primitives::{bech32_decode, bech32_encode, hkdf};
use age_core::secrecy::ExposeSecret as _;
use ed25519_dalek::SigningKey;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::fingerprint;
use super::report::name::is_misleading;
use crate::model::ambient::Entropy;
use crate::model::ids::{AgeRecipient, KeyId, PartyId, PublicKey};

pub mod file;
pub mod passphrase;
pub mod recovery;

mod new_file;
mod words;

pub use file::{IdentityError, ScryptWork, needs_passphrase, read_encrypted, read_plain};
pub(in crate::client) use new_file::{NewFile, NewFileError, partial_path, private_file, sync_folder};
pub use recovery::{RecoveryKey, RecoveryWordsError};
pub(in crate::client) use words::{words_of, words_typed};

/// Somebody's keys, with the label they gave them. Cannot be shown, copied or serialised.
pub struct Identity {
    label: Label,
    keys: Keys,
}

impl Identity {
    /// A new identity from 32 random bytes.
    pub fn generate(label: Label, entropy: &dyn Entropy) -> Self {
        Self::from_seed(label, Seed::generate(entropy))
    }

    /// The identity that `seed` always gives.
    pub fn from_seed(label: Label, seed: Seed) -> Self {
        Self { label, keys: Keys::derive(seed) }
    }

    /// The same identity once more, for a program in which one person sits at several desks. Each copy wipes itself.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let mut seed = *self.keys.seed.as_bytes();
        Self { label: self.label.clone(), keys: Keys::derive(Seed::from_bytes(&mut seed)) }
    }

    /// What its owner calls it. Stays on the device.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// The key that signs statements.
    pub fn signing_key(&self) -> &SigningKey {
        &self.keys.signing
    }

    /// The public half of [`Self::signing_key`].
    pub fn public_key(&self) -> PublicKey {
        self.keys.public_key()
    }

    /// The `kid` of statements signed with this key.
    pub fn key_id(&self) -> KeyId {
        self.public_key().thumbprint()
    }

    /// The party that enrolled with this identity. After a rotation the party keeps the id of its *first* key: then this
    /// is not the party's id and the stored one counts.
    pub fn party_id(&self) -> PartyId {
        self.key_id().first_of_party()
    }

    /// The key that opens what is sealed to [`Self::recipient`].
    pub fn age_identity(&self) -> &x25519::Identity {
        &self.keys.age
    }

    /// The age recipient others seal to.
    pub fn recipient(&self) -> AgeRecipient {
        self.keys.recipient()
    }

    /// Eight words to compare by voice; see [`fingerprint::words`].
    pub fn fingerprint(&self) -> String {
        fingerprint::words(&self.public_key(), &self.recipient())
    }
}

/// 32 secret bytes from which both keys are derived. Wiped when dropped; cannot be shown, copied or serialised.
///
/// Boxed, so that moving it leaves no copy behind.
pub struct Seed(Box<Zeroizing<[u8; SEED_BYTES]>>);

impl Seed {
    /// 32 bytes from `entropy`.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut seed = Self::zeroed();
        entropy.fill(seed.0.as_mut_slice());
        seed
    }

    /// Takes over the 32 bytes of a stored seed and wipes where they came from.
    pub fn from_bytes(bytes: &mut [u8; SEED_BYTES]) -> Self {
        let mut seed = Self::zeroed();
        seed.0.copy_from_slice(bytes);
        bytes.zeroize();
        seed
    }

    fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; SEED_BYTES])))
    }

    fn as_bytes(&self) -> &[u8; SEED_BYTES] {
        &self.0
    }
}

/// What an identity is called on the device of its owner: 1 to [`MAX_LABEL_CHARS`] characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(
    // INVARIANT: one line without control or direction characters, not blank at either end: it is a line of the identity file.
    String,
);

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = BadLabel;

    fn from_str(text: &str) -> Result<Self, BadLabel> {
        let fits = (1..=MAX_LABEL_CHARS).contains(&text.chars().count());
        if fits && text.trim() == text && !text.chars().any(is_misleading) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadLabel)
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_assert!(!self.0.contains('\n'));
        f.write_str(&self.0)
    }
}

/// A label is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a label is 1 to {MAX_LABEL_CHARS} characters on one line, without spaces at its ends or invisible characters")]
pub struct BadLabel;

/// Makes `age` take a recipient that so far was checked for form only.
///
/// Refuses what is not the canonical text of a usable key: a wrong checksum, set spare bits, and the points of low order,
/// for which every sender computes the same secret and `age` stops the whole program.
///
/// # Errors
/// [`UnusableRecipient`], when nobody should seal to it.
pub fn to_age(recipient: &AgeRecipient) -> Result<x25519::Recipient, UnusableRecipient> {
    let parsed: x25519::Recipient = recipient.as_str().parse().map_err(|_| UnusableRecipient)?;
    let mut point = bech32_decode(recipient.as_str(), |_| (), |_| Ok(()), |_, bytes| Ok(bytes.collect::<Vec<u8>>()))
        .map_err(|()| UnusableRecipient)?;
    if parsed.to_string() != recipient.as_str() {
        return Err(UnusableRecipient);
    }
    // RFC 7748 ignores the highest bit of a coordinate.
    if let Some(highest) = point.last_mut() {
        *highest &= 0x7f;
    }
    let low_order = LOW_ORDER_POINTS.iter().any(|low| hex::encode(&point) == *low);
    if low_order { Err(UnusableRecipient) } else { Ok(parsed) }
}

/// An `age1…` text is no key one can seal to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not a usable age recipient; ask its owner to send it again")]
pub struct UnusableRecipient;

/// A seed and both keys derived from it.
struct Keys {
    seed: Seed,
    signing: SigningKey,
    age: x25519::Identity,
}

impl Keys {
    /// HKDF-SHA256 (RFC 5869) with the seed as input, salt `amana/seed/v1`, 32 bytes under each info.
    fn derive(seed: Seed) -> Self {
        let derived = |info: &[u8]| Zeroizing::new(hkdf(SEED_SALT, info, seed.as_bytes()));
        let signing = SigningKey::from_bytes(&derived(SIGNING_INFO));
        let age = age_identity(&derived(AGE_INFO));
        Self { seed, signing, age }
    }

    fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.signing.verifying_key().to_bytes())
    }

    #[expect(clippy::expect_used, reason = "age writes its recipients in the one form that is read")]
    fn recipient(&self) -> AgeRecipient {
        self.age.to_public().to_string().parse().expect("age writes its recipients in the one form that is read")
    }

    /// The line `AGE-SECRET-KEY-1…`.
    fn secret_line(&self) -> Zeroizing<String> {
        Zeroizing::new(self.age.to_string().expose_secret().to_owned())
    }
}

/// The age identity of 32 secret bytes (C2SP `age.md`, "X25519 recipient type"). `age` takes one only as Bech32 text.
#[expect(clippy::expect_used, reason = "the prefix is a constant and 32 bytes are an identity; vectors are tested")]
fn age_identity(secret: &[u8; 32]) -> x25519::Identity {
    let text = bech32_decode(EMPTY_SECRET_KEY, |_| (), |_| Ok(()), |prefix, _| Ok(bech32_encode(prefix, secret)));
    let text = Zeroizing::new(text.expect("the prefix is valid Bech32"));
    let upper = Zeroizing::new(text.to_uppercase());
    upper.parse().expect("32 bytes under the right prefix are an identity")
}

/// The size of a seed.
pub const SEED_BYTES: usize = 32;
/// Characters of a label: enough for a case's working name, short enough for one line of a list.
pub const MAX_LABEL_CHARS: usize = 64;

const SEED_SALT: &[u8] = b"amana/seed/v1";
const AGE_INFO: &[u8] = b"age-x25519/v1";
const SIGNING_INFO: &[u8] = b"ed25519-sign/v1";

/// Bech32 (BIP 173) of no bytes under the prefix of age identities; it carries the prefix to the encoder of `age`.
const EMPTY_SECRET_KEY: &str = "AGE-SECRET-KEY-1X8YL4H";

/// The coordinates of Curve25519 whose order divides eight (RFC 7748, section 6.1, and D. J. Bernstein, "A state-of-the-art
/// Diffie-Hellman function", on contributory behaviour), little-endian, highest bit clear.
const LOW_ORDER_POINTS: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use age::Recipient as _;

    use super::*;

    fn recipient(point: &[u8]) -> String {
        let prefix = x25519::Identity::generate().to_public().to_string();
        bech32_decode(&prefix, |_| (), |_| Ok(()), |prefix, _| Ok(bech32_encode(prefix, point))).unwrap()
    }

    #[test]
    fn age_itself_stops_at_every_point_of_low_order_and_we_refuse_before() {
        for point in LOW_ORDER_POINTS {
            let mut bytes = hex::decode(point).unwrap();
            for high_bit in [0, 0x80] {
                bytes[31] |= high_bit;
                let text = recipient(&bytes);
                let stock: x25519::Recipient = text.parse().unwrap();
                let key = age_core::format::FileKey::new(Box::new([0; 16]));
                assert!(catch_unwind(AssertUnwindSafe(|| stock.wrap_file_key(&key))).is_err(), "{point}");
                assert_eq!(to_age(&text.parse().unwrap()), Err(UnusableRecipient), "{point}");
            }
        }
    }

    #[test]
    fn recipient_of_another_spelling_is_refused() {
        let good = x25519::Identity::generate().to_public().to_string();
        assert!(to_age(&good.parse().unwrap()).is_ok());
        let mut wrong = good.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'q' { 'p' } else { 'q' });
        assert!(to_age(&wrong.parse().unwrap()).is_err());
    }

    #[test]
    fn bech32_of_our_secrets_is_that_of_age() {
        let stock = x25519::Identity::generate().to_string().expose_secret().to_owned();
        let secret = bech32_decode(&stock, |_| (), |_| Ok(()), |_, bytes| Ok(bytes.collect::<Vec<u8>>())).unwrap();
        let ours = age_identity(&secret.try_into().unwrap());
        assert_eq!(ours.to_string().expose_secret(), stock);
    }

    #[test]
    fn label_is_one_plain_line() {
        for good in ["case 12", "حالة ١٢", "a"] {
            assert_eq!(good.parse::<Label>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a ", "a\nAGE-SECRET-KEY-1", "a\u{202e}b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Label>(), Err(BadLabel), "{bad:?}");
        }
    }
}
