//! Compact JWS (RFC 7515): one strict reader and writer for statements and OAuth tokens.
//!
//! The signatures go through `jsonwebtoken` with our own provider: Ed25519 by `verify_strict` and nothing else, so that
//! no algorithm can be chosen by the sender. Header members are checked here, because the library enforces none.

use crate::model::ids::{KeyId, PublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{Error as SignatureError, Signer, Verifier},
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::OnceLock;

/// A compact JWS was not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than its kind may be.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Not three parts.
    #[error("it is not three base64url parts separated by dots")]
    Parts,
    /// Not canonical, unpadded base64url.
    #[error("its {0} is not canonical unpadded base64url")]
    Base64(&'static str),
    /// The JSON is not what its kind says: unknown, missing, repeated or ill-typed member.
    #[error("its {part} is not as documented: {reason}")]
    Json {
        /// Which part.
        part: &'static str,
        /// The parser's reason. It may repeat what was sent, so it is for the sender alone and never for the log.
        reason: String,
    },
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// Signing failed.
    #[error("signing failed")]
    Signing,
}

/// The three decoded parts of a compact JWS whose signature has not been checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compact {
    text: String,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Compact {
    /// Splits and decodes.
    ///
    /// # Errors
    /// [`JwsError`] on anything but three canonical base64url parts within `max_bytes`.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Self, JwsError> {
        if text.len() > max_bytes {
            return Err(JwsError::TooLong(max_bytes));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::Parts);
        };
        Ok(Self {
            header: decode(header, "header")?,
            payload: decode(payload, "payload")?,
            signature: decode(signature, "signature")?,
            text: text.to_owned(),
        })
    }

    /// The header's JSON as `T`, whose derive refuses unknown and repeated members.
    pub fn header<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        from_json(&self.header, "header")
    }
    /// The payload's JSON as `T`.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        from_json(&self.payload, "payload")
    }
    /// As [`Compact::header`], written in the one documented way; see [`Compact::exact_payload`].
    pub fn exact_header<T: DeserializeOwned + Serialize>(&self) -> Result<T, JwsError> {
        from_exact_json(&self.header, "header")
    }
    /// As [`Compact::payload`], and the JSON is what this program would write, but for the order of members.
    ///
    /// Serde reads a struct from a list and a unit variant from an object, and takes null for absent. Two verifiers
    /// must not differ over what was signed.
    ///
    /// # Errors
    /// [`JwsError::Json`].
    pub fn exact_payload<T: DeserializeOwned + Serialize>(&self) -> Result<T, JwsError> {
        from_exact_json(&self.payload, "payload")
    }
    /// The text as it came.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The decoded signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
    /// What was signed: header and payload as they stand.
    pub fn signing_input(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(input, _)| input)
    }

    /// Checks an Ed25519 signature (strict).
    ///
    /// # Errors
    /// [`JwsError::Signature`].
    pub fn verify_ed25519(&self, key: &PublicKey) -> Result<(), JwsError> {
        install_provider();
        let key = DecodingKey::from_ed_der(key.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(&self.signature);
        match jsonwebtoken::crypto::verify(&signature, self.signing_input().as_bytes(), &key, Algorithm::EdDSA) {
            Ok(true) => Ok(()),
            _ => Err(JwsError::Signature),
        }
    }
}

/// Signs `payload` under a header with exactly `alg`, `typ` and `kid`, in this order.
///
/// # Errors
/// When `payload` cannot be written as JSON.
pub fn sign(typ: &str, payload: &impl Serialize, key: &SigningKey) -> Result<String, JwsError> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'static str,
        typ: &'a str,
        kid: KeyId,
    }
    let kid = PublicKey::from_bytes(key.verifying_key().to_bytes()).thumbprint();
    sign_with_header(&Header { alg: "EdDSA", typ, kid }, payload, key)
}

/// Signs under a header given whole. For OAuth's own token types.
///
/// # Errors
/// When header or payload cannot be written as JSON.
pub fn sign_with_header(
    header: &impl Serialize,
    payload: &impl Serialize,
    key: &SigningKey,
) -> Result<String, JwsError> {
    install_provider();
    let part = |json: Result<Vec<u8>, serde_json::Error>| json.map(|b| URL_SAFE_NO_PAD.encode(b));
    let header = part(serde_json::to_vec(header)).map_err(|_| JwsError::Signing)?;
    let payload = part(serde_json::to_vec(payload)).map_err(|_| JwsError::Signing)?;
    let input = format!("{header}.{payload}");
    let seed = zeroize::Zeroizing::new(key.to_bytes());
    let signature =
        jsonwebtoken::crypto::sign(input.as_bytes(), &EncodingKey::from_ed_der(seed.as_ref()), Algorithm::EdDSA)
            .map_err(|_| JwsError::Signing)?;
    Ok(format!("{input}.{signature}"))
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, JwsError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Base64(name))?;
    // The decoder refuses non-zero trailing bits; comparing makes that independent of its configuration.
    if URL_SAFE_NO_PAD.encode(&bytes) == part { Ok(bytes) } else { Err(JwsError::Base64(name)) }
}

fn from_exact_json<T: DeserializeOwned + Serialize>(bytes: &[u8], part: &'static str) -> Result<T, JwsError> {
    let read: T = from_json(bytes, part)?;
    let given: serde_json::Value = from_json(bytes, part)?;
    if serde_json::to_value(&read).is_ok_and(|written| written == given) {
        Ok(read)
    } else {
        let reason = "write objects as objects, words as words, and leave out what is absent or empty".to_owned();
        Err(JwsError::Json { part, reason })
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], part: &'static str) -> Result<T, JwsError> {
    let refuse = |reason| JwsError::Json { part, reason };
    // Serde skips what nobody asks for without looking at its bytes, and reads a struct from a list as well. RFC 7515,
    // section 5.2, says UTF-8; section 4 and RFC 7519, section 3, say object.
    let text = std::str::from_utf8(bytes).map_err(|error| refuse(error.to_string()))?;
    let read = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
    if text.trim_ascii_start().starts_with('{') { Ok(read) } else { Err(refuse("it is no object".to_owned())) }
}

struct Ed25519Signer(SigningKey);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}
impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(VerifyingKey);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.0.verify_strict(message, &Signature::from_slice(signature)?)
    }
}
impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        only_eddsa(*algorithm)?;
        let seed = <[u8; 32]>::try_from(key.as_bytes()).map_err(|_| Error::from(ErrorKind::InvalidKeyFormat))?;
        Ok(Box::new(Ed25519Signer(SigningKey::from_bytes(&seed))))
    },
    verifier_factory: |algorithm, key| {
        only_eddsa(*algorithm)?;
        let raw = <[u8; 32]>::try_from(key.try_get_as_bytes()?).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        let key = VerifyingKey::from_bytes(&raw).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Box::new(Ed25519Verifier(key)))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn only_eddsa(algorithm: Algorithm) -> Result<(), Error> {
    if algorithm == Algorithm::EdDSA { Ok(()) } else { Err(ErrorKind::UnsupportedAlgorithm.into()) }
}

/// The provider is process-wide; it is installed at first use, once.
fn install_provider() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // Whoever installed another one first has broken the build: every verification then fails closed.
        let _ = PROVIDER.install_default();
    });
}
