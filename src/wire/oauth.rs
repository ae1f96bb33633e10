//! OAuth 2.0 tokens on the wire: client assertions (RFC 7523) and DPoP proofs (RFC 9449).
//!
//! Client and broker share this file, so that what one makes the other reads. Stock clients work unmodified: members
//! we do not use are ignored here, unlike in statements.

use super::jws::{Compact, JwsError, sign_with_header};
use crate::model::{
    ids::{Digest, KeyId, PublicKey},
    limits,
    time::Timestamp,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

/// The only client authentication method.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest assertion or proof accepted, in bytes.
const TOKEN_BYTES: usize = 8 * 1024;

/// An assertion or a proof is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// Form or signature.
    #[error("{0}")]
    Jws(#[from] JwsError),
    /// A rule of its RFC.
    #[error("{0}")]
    Rule(&'static str),
}

/// Claims of a client assertion.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assertion {
    /// The client; equals `sub`.
    pub iss: KeyId,
    /// The client.
    pub sub: KeyId,
    /// The issuer, as one string.
    pub aud: String,
    /// Used once.
    pub jti: String,
    /// When it was made.
    pub iat: Timestamp,
    /// First second it is too late.
    pub exp: Timestamp,
}

#[derive(Deserialize)]
struct AssertionHeader {
    alg: String,
}

/// An assertion whose signature has not been checked.
#[derive(Debug)]
pub struct UnverifiedAssertion {
    jws: Compact,
    claims: Assertion,
}

impl UnverifiedAssertion {
    /// Parses; the claims are worth nothing yet.
    pub fn parse(text: &str) -> Result<Self, OauthError> {
        let jws = Compact::parse(text, TOKEN_BYTES)?;
        let header: AssertionHeader = jws.header()?;
        if header.alg != "EdDSA" && header.alg != "Ed25519" {
            return Err(OauthError::Rule("the assertion's alg must be EdDSA"));
        }
        let claims = jws.payload()?;
        Ok(Self { jws, claims })
    }
    /// The client it says it is from.
    pub fn client(&self) -> KeyId {
        self.claims.sub
    }
    /// Applies the client's key, the issuer and the time. The `jti` is still to be spent.
    pub fn verify(self, key: &PublicKey, issuer: &str, now: Timestamp) -> Result<Assertion, OauthError> {
        self.jws.verify_ed25519(key)?;
        let claims = self.claims;
        if claims.iss != claims.sub || key.thumbprint() != claims.sub {
            return Err(OauthError::Rule("iss and sub must both be the client's key id"));
        }
        if claims.aud != issuer {
            return Err(OauthError::Rule("aud must be the issuer, as one string"));
        }
        if claims.jti.is_empty() || claims.jti.len() > 128 {
            return Err(OauthError::Rule("jti must have 1 to 128 characters"));
        }
        if claims.iat > now.plus(limits::CLOCK_AHEAD) || now >= claims.exp {
            return Err(OauthError::Rule("the assertion has expired or lies in the future; check your clock"));
        }
        if claims.exp > claims.iat.plus(limits::ASSERTION_LIFE) {
            return Err(OauthError::Rule("the assertion must expire within 5 minutes of iat"));
        }
        Ok(claims)
    }
}

/// Makes a client assertion.
pub fn sign_assertion(assertion: &Assertion, key: &SigningKey) -> Result<String, OauthError> {
    #[derive(Serialize)]
    struct Header {
        alg: &'static str,
        kid: KeyId,
    }
    Ok(sign_with_header(&Header { alg: "EdDSA", kid: assertion.sub }, assertion, key)?)
}

/// A public key inside a DPoP proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProofKey {
    /// `OKP` or `EC`.
    pub kty: String,
    /// `Ed25519` or `P-256`.
    pub crv: String,
    /// Coordinate, base64url.
    pub x: String,
    /// Second coordinate of an EC key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub y: Option<String>,
}

impl ProofKey {
    /// An Ed25519 key.
    pub fn ed25519(key: &PublicKey) -> Self {
        Self { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x: key.to_string(), y: None }
    }
    /// RFC 7638 thumbprint: what a token is bound to.
    pub fn thumbprint(&self) -> Digest {
        let Self { kty, crv, x, y } = self;
        let jwk = match y {
            Some(y) => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#),
            None => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}"}}"#),
        };
        Digest::of(jwk.as_bytes())
    }
    fn verify(&self, alg: &str, jws: &Compact) -> Result<(), OauthError> {
        let canonical = |s: &str| URL_SAFE_NO_PAD.decode(s).is_ok_and(|b| URL_SAFE_NO_PAD.encode(b) == s);
        if !canonical(&self.x) || self.y.as_deref().is_some_and(|y| !canonical(y)) {
            return Err(OauthError::Rule("the proof's jwk is not canonical"));
        }
        match (alg, self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("EdDSA" | "Ed25519", "OKP", "Ed25519", None) => {
                let key: PublicKey = self.x.parse().map_err(|_| OauthError::Rule("the proof's jwk is no key"))?;
                Ok(jws.verify_ed25519(&key)?)
            }
            ("ES256", "EC", "P-256", Some(y)) => verify_p256(&self.x, y, jws),
            _ => Err(OauthError::Rule("the proof must be signed with EdDSA (Ed25519) or ES256 (P-256)")),
        }
    }
}

#[cfg(feature = "server")]
fn verify_p256(x: &str, y: &str, jws: &Compact) -> Result<(), OauthError> {
    use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
    let bad = || OauthError::Rule("the proof's signature does not verify");
    let coordinate = |s: &str| URL_SAFE_NO_PAD.decode(s).ok().filter(|b| b.len() == 32).ok_or_else(bad);
    let point = [&[0x04][..], &coordinate(x)?, &coordinate(y)?].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| bad())?;
    let signature = Signature::from_slice(jws.signature()).map_err(|_| bad())?;
    key.verify(jws.signing_input().as_bytes(), &signature).map_err(|_| bad())
}

#[cfg(not(feature = "server"))]
fn verify_p256(_x: &str, _y: &str, _jws: &Compact) -> Result<(), OauthError> {
    Err(OauthError::Rule("this build reads no ES256 proofs"))
}

/// Claims of a DPoP proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProofClaims {
    /// Used once.
    pub jti: String,
    /// The request's method.
    pub htm: String,
    /// The request's address without query.
    pub htu: String,
    /// When it was made.
    pub iat: Timestamp,
    /// The server's nonce.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nonce: Option<String>,
    /// SHA-256 of the access token, base64url.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ath: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ProofHeader {
    typ: String,
    alg: String,
    jwk: ProofKey,
}

/// RFC 9449, section 4.3, check 7: whoever shows a private key has no key any more.
#[derive(Deserialize)]
struct PrivateMembers {
    jwk: PrivateKey,
}

#[derive(Deserialize)]
struct PrivateKey {
    #[serde(default)]
    d: Option<serde::de::IgnoredAny>,
}

/// A DPoP proof whose signature verified under the key it carries.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Thumbprint of its key.
    pub key: Digest,
    /// Its claims.
    pub claims: ProofClaims,
}

/// Reads a proof and checks it against the key inside. Nonce, replay and token binding are the broker's to check.
///
/// # Errors
/// [`OauthError`].
pub fn read_proof(text: &str) -> Result<Proof, OauthError> {
    let jws = Compact::parse(text, TOKEN_BYTES)?;
    let header: ProofHeader = jws.header()?;
    if jws.header::<PrivateMembers>()?.jwk.d.is_some() {
        return Err(OauthError::Rule("the proof's jwk must not hold a private key"));
    }
    if header.typ != "dpop+jwt" {
        return Err(OauthError::Rule("the proof's typ must be dpop+jwt"));
    }
    header.jwk.verify(&header.alg, &jws)?;
    Ok(Proof { key: header.jwk.thumbprint(), claims: jws.payload()? })
}

/// Makes a DPoP proof.
pub fn sign_proof(claims: &ProofClaims, key: &SigningKey) -> Result<String, OauthError> {
    let public = PublicKey::from_bytes(key.verifying_key().to_bytes());
    let header = ProofHeader { typ: "dpop+jwt".to_owned(), alg: "EdDSA".to_owned(), jwk: ProofKey::ed25519(&public) };
    Ok(sign_with_header(&header, claims, key)?)
}

/// `ath`: base64url of the access token's SHA-256.
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes())
}
