//! Identifiers and public values, one type each, parsed once.
//!
//! Digests are 64 lower-case hexadecimal characters on the wire; keys, thumbprints and nonces are unpadded base64url.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A value was not written in the one accepted form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {form}")]
pub struct Malformed {
    /// Name of the type that was expected.
    pub what: &'static str,
    /// The form it takes.
    pub form: &'static str,
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal, $form:literal, $encode:expr, $decode:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps raw bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$encode(&self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                let malformed = Malformed { what: stringify!($name), form: $form };
                let bytes: Option<Vec<u8>> = $decode(text);
                let bytes = bytes.and_then(|b| <[u8; $len]>::try_from(b).ok()).ok_or_else(|| malformed.clone())?;
                // Only the canonical spelling is accepted, so that equal values have equal bytes everywhere.
                if $encode(&bytes) == text { Ok(Self(bytes)) } else { Err(malformed) }
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

/// As `hex::encode`, which collects character by character: ids are written more often than anything else.
fn hex_encode(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len() * 2];
    match hex::encode_to_slice(bytes, &mut text) {
        Ok(()) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => hex::encode(bytes),
    }
}
fn hex_decode(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}
fn b64_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
fn b64_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        fixed_bytes!($(#[$doc])* $name, 32, "64 lower-case hexadecimal characters", hex_encode, hex_decode);
        impl From<Digest> for $name {
            fn from(digest: Digest) -> Self {
                Self(*digest.as_bytes())
            }
        }
        impl From<$name> for Digest {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    };
}

fixed_bytes!(
    /// A SHA-256 digest (FIPS 180-4).
    Digest, 32, "64 lower-case hexadecimal characters", hex_encode, hex_decode
);
digest_id!(
    /// A report: the digest of its report statement.
    ReportId
);
digest_id!(
    /// A grant: the digest of its statement.
    GrantId
);
digest_id!(
    /// A release: the digest of the release-request it answers.
    ReleaseId
);
digest_id!(
    /// An access request: the digest of its statement.
    RequestId
);
fixed_bytes!(
    /// RFC 7638 thumbprint of an Ed25519 signing key: the `kid` of a statement.
    KeyId, 32, "43 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// A party: the thumbprint of its *first* signing key; it survives rotation.
    PartyId, 32, "43 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// An Ed25519 public key (RFC 8032), 32 bytes.
    PublicKey, 32, "43 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// A statement's `jti`: 128 random bits, unique for ever per issuer.
    Jti, 16, "22 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// What makes one release distinct from another of the same officer: 128 random bits.
    Nonce, 16, "22 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// An upload on its way: 128 random bits.
    UploadId, 16, "22 characters of unpadded base64url", b64_encode, b64_decode
);
fixed_bytes!(
    /// Ed25519 signature (RFC 8032), 64 bytes.
    SignatureBytes, 64, "86 characters of unpadded base64url", b64_encode, b64_decode
);

impl PublicKey {
    /// The RFC 7638 thumbprint: SHA-256 over the canonical JWK of an OKP key (RFC 8037, appendix A.3).
    pub fn thumbprint(&self) -> KeyId {
        use sha2::{Digest as _, Sha256};
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{self}"}}"#);
        KeyId(Sha256::digest(jwk.as_bytes()).into())
    }
}

impl KeyId {
    /// The party whose first key this is.
    pub const fn first_of_party(self) -> PartyId {
        PartyId(self.0)
    }
}

impl Digest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::{Digest as _, Sha256};
        Self(Sha256::digest(bytes).into())
    }
}

/// An age X25519 recipient (`age1…`), checked for form only; whether it is current is a fact of the register.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct AgeRecipient(String);

impl AgeRecipient {
    /// The Bech32 text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl FromStr for AgeRecipient {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let data = text.strip_prefix("age1").unwrap_or("");
        let bech32 = |c: char| "qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(c);
        if data.len() == 58 && data.chars().all(bech32) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed { what: "AgeRecipient", form: "an X25519 age recipient, age1 and 58 more characters" })
        }
    }
}
impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for AgeRecipient {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_equals_rfc_8037_appendix_a_3() {
        let key: PublicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".parse().unwrap();
        assert_eq!(key.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let digest = Digest::of(b"x").to_string();
        assert!(digest.parse::<Digest>().is_ok());
        assert!(digest.to_uppercase().parse::<Digest>().is_err());
        let jti = Jti::from_bytes([7; 16]).to_string();
        assert!(jti.parse::<Jti>().is_ok());
        assert!(format!("{jti}==").parse::<Jti>().is_err());
        // The last character carries four unused bits; another spelling of them is another text.
        let mut other = jti;
        let last = other.pop().unwrap();
        other.push(char::from(u8::try_from(last).unwrap() + 1));
        assert!(other.parse::<Jti>().is_err());
    }
}
