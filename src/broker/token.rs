//! Signing in: OAuth 2.0 client credentials with `private_key_jwt`, tokens bound by DPoP.
//!
//! Tokens are opaque, live ten minutes at most, in memory only, and die with the process. A proof is used once; its
//! nonce comes from a key that is fresh at every start, so that proofs made before a restart are worthless.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        ambient::{Entropy, random},
        ids::{Digest, KeyId},
        limits,
        party::Holder,
        time::Timestamp,
    },
    wire::{
        api::Token,
        oauth::{self, Proof, UnverifiedAssertion},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use subtle::ConstantTimeEq as _;

/// Seconds one nonce stays current; the one before is accepted as well.
const NONCE_SECONDS: u64 = 60;

/// Why a caller is not signed in.
#[derive(Debug)]
pub enum TokenError {
    /// A DPoP proof with the server's nonce is needed: try again with this one.
    UseNonce(String),
    /// The proof is not acceptable.
    Proof(&'static str),
    /// The client assertion or the request is not acceptable.
    Client(String),
    /// Another grant type than client credentials.
    GrantType,
    /// Token unknown, expired or bound to another key.
    Token,
    /// Something else went wrong.
    Broker(BrokerError),
}

impl<E: Into<BrokerError>> From<E> for TokenError {
    fn from(error: E) -> Self {
        Self::Broker(error.into())
    }
}

/// What a request shows to be let in.
pub struct Challenge<'a> {
    /// The DPoP header.
    pub proof: Option<&'a str>,
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
}

struct Session {
    key: KeyId,
    bound_to: Digest,
    until: Timestamp,
}

pub(super) struct Sessions {
    tokens: Mutex<HashMap<Digest, Session>>,
    proofs: Mutex<HashMap<(Digest, String), Timestamp>>,
    nonce_key: [u8; 32],
}

impl Sessions {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        Self { tokens: Mutex::default(), proofs: Mutex::default(), nonce_key: random(entropy) }
    }

    fn nonce_of(&self, slot: u64) -> String {
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (place, byte) in key.iter_mut().zip(self.nonce_key) {
            *place = byte;
        }
        let mut mac = <Hmac<Sha256> as Mac>::new(&key);
        mac.update(b"amana/dpop-nonce/v1\0");
        mac.update(&slot.to_be_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn nonce(&self, now: Timestamp) -> String {
        self.nonce_of(now.as_seconds() / NONCE_SECONDS)
    }

    fn knows(&self, nonce: &str, now: Timestamp) -> bool {
        let slot = now.as_seconds() / NONCE_SECONDS;
        [slot, slot.saturating_sub(1)]
            .iter()
            .any(|slot| bool::from(nonce.as_bytes().ct_eq(self.nonce_of(*slot).as_bytes())))
    }

    /// Remembers a proof; `false` when it was seen before or the memory is full.
    fn spend_proof(&self, proof: &Proof, now: Timestamp) -> bool {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        if proofs.len() >= limits::DPOP_PROOFS {
            proofs.retain(|_, until| *until > now);
        }
        if proofs.len() >= limits::DPOP_PROOFS {
            return false;
        }
        let until = now.plus(limits::DPOP_PROOF_LIFE).plus(limits::DPOP_PROOF_LIFE);
        match proofs.insert((proof.key, proof.claims.jti.clone()), until) {
            Some(before) => before <= now,
            None => true,
        }
    }
}

impl Broker {
    /// Issues a token.
    ///
    /// # Errors
    /// [`TokenError`]; the first request of a client is answered with [`TokenError::UseNonce`].
    pub async fn issue_token(
        &self,
        client_id: Option<&str>,
        assertion: &str,
        challenge: &Challenge<'_>,
    ) -> Result<Token, TokenError> {
        let now = self.clock.wall();
        let proof = self.check_proof(challenge, None, now)?;
        let client = |error: oauth::OauthError| TokenError::Client(error.to_string());
        let assertion = UnverifiedAssertion::parse(assertion).map_err(client)?;
        let unknown = || TokenError::Client("the client is not registered here".to_owned());
        // A key that was replaced signs in no more: what it may still do needs no token.
        let row = self.key_row(assertion.client())?.filter(|row| row.holder != (Holder::Superseded {}));
        let key = row.ok_or_else(unknown)?.public;
        let assertion = assertion.verify(&key, &self.public_url, now).map_err(client)?;
        if client_id.is_some_and(|id| id != assertion.sub.to_string()) {
            return Err(TokenError::Client("client_id is not the assertion's subject".to_owned()));
        }
        // Only now that the client is known: a stranger's proofs must not fill the memory.
        self.spend_proof(&proof, now)?;
        let until = assertion.exp.plus(limits::CLOCK_AHEAD);
        if !self.store.spend_assertion(assertion.sub, assertion.jti, until).await? {
            return Err(TokenError::Client("this assertion was used before; make a new one".to_owned()));
        }
        self.remember(assertion.sub, proof.key, now)
    }

    fn remember(&self, key: KeyId, bound_to: Digest, now: Timestamp) -> Result<Token, TokenError> {
        let token = URL_SAFE_NO_PAD.encode(random::<32>(&*self.entropy));
        let session = Session { key, bound_to, until: now.plus(limits::TOKEN_LIFE) };
        let mut tokens = self.sessions.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= limits::TOKENS {
            tokens.retain(|_, session| session.until > now);
        }
        if tokens.len() >= limits::TOKENS {
            return Err(TokenError::Broker(BrokerError::Busy));
        }
        tokens.insert(Digest::of(token.as_bytes()), session);
        let expires_in = limits::TOKEN_LIFE.as_seconds();
        Ok(Token { access_token: token, token_type: "DPoP".to_owned(), expires_in })
    }

    /// Who a request is from.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn authenticate(&self, token: &str, challenge: &Challenge<'_>) -> Result<Caller, TokenError> {
        let now = self.clock.wall();
        let proof = self.check_proof(challenge, Some(token), now)?;
        let key = {
            let tokens = self.sessions.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            let session = tokens.get(&Digest::of(token.as_bytes())).ok_or(TokenError::Token)?;
            if session.until <= now || session.bound_to != proof.key {
                return Err(TokenError::Token);
            }
            session.key
        };
        self.spend_proof(&proof, now)?;
        let row = self.key_row(key)?.filter(|row| row.holder != (Holder::Superseded {})).ok_or(TokenError::Token)?;
        Ok(Caller { key, party: row.party, holder: row.holder })
    }

    /// The key a live token was issued to. Nothing is proved by it: the token's holder still owes a proof.
    pub fn key_of_token(&self, token: &str) -> Option<KeyId> {
        let tokens = self.sessions.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let session = tokens.get(&Digest::of(token.as_bytes()))?;
        (session.until > self.clock.wall()).then_some(session.key)
    }

    /// The nonce a client should use next.
    pub fn nonce(&self) -> String {
        self.sessions.nonce(self.clock.wall())
    }

    fn check_proof(&self, challenge: &Challenge<'_>, token: Option<&str>, now: Timestamp) -> Result<Proof, TokenError> {
        let text = challenge.proof.ok_or_else(|| TokenError::UseNonce(self.sessions.nonce(now)))?;
        let proof = oauth::read_proof(text).map_err(|_| TokenError::Proof("the DPoP proof does not verify"))?;
        let claims = &proof.claims;
        let Some(nonce) = &claims.nonce else {
            return Err(TokenError::UseNonce(self.sessions.nonce(now)));
        };
        if !self.sessions.knows(nonce, now) {
            return Err(TokenError::UseNonce(self.sessions.nonce(now)));
        }
        if claims.htm != challenge.method || claims.htu != format!("{}{}", self.public_url, challenge.path) {
            return Err(TokenError::Proof("htm and htu are not this request's method and address"));
        }
        let fresh = claims.iat.plus(limits::DPOP_PROOF_LIFE) > now && claims.iat <= now.plus(limits::DPOP_PROOF_LIFE);
        if !fresh {
            return Err(TokenError::Proof("iat is too far from the broker's clock; check yours"));
        }
        if claims.jti.is_empty() || claims.jti.len() > 128 {
            return Err(TokenError::Proof("jti must have 1 to 128 characters"));
        }
        if claims.ath != token.map(oauth::token_hash) {
            return Err(TokenError::Proof("ath is not the hash of the access token"));
        }
        Ok(proof)
    }

    fn spend_proof(&self, proof: &Proof, now: Timestamp) -> Result<(), TokenError> {
        if self.sessions.spend_proof(proof, now) {
            Ok(())
        } else {
            Err(TokenError::Proof("this proof was used before; make a new one"))
        }
    }
}
