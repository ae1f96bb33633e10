//! `/.well-known/`: what a stock OAuth client needs to know (RFC 8414), and the keys (RFC 7517).

use super::problem::{self, Failure};
use crate::{
    broker::Broker,
    model::ids::{KeyId, PublicKey},
};
use axum::{
    Json,
    extract::State,
    http::HeaderName,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Authorization server metadata (RFC 8414, section 2).
#[derive(Serialize, ToSchema)]
pub(super) struct Metadata {
    /// The broker's public address.
    issuer: String,
    /// Where to sign in.
    token_endpoint: String,
    /// Where the log keys are.
    jwks_uri: String,
    /// `client_credentials` alone.
    grant_types_supported: Vec<&'static str>,
    /// None: there is no authorization endpoint.
    response_types_supported: Vec<&'static str>,
    /// `private_key_jwt` alone.
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// How assertions may be signed.
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// How DPoP proofs may be signed.
    dpop_signing_alg_values_supported: Vec<&'static str>,
}

/// Answers the metadata, and a nonce for the first proof: who asks for it need not be turned away once to learn one.
pub(super) async fn metadata(State(broker): State<Arc<Broker>>) -> Response {
    let url = broker.public_url();
    let metadata = Json(Metadata {
        issuer: url.to_owned(),
        token_endpoint: format!("{url}/oauth/token"),
        jwks_uri: format!("{url}/.well-known/jwks.json"),
        grant_types_supported: vec!["client_credentials"],
        response_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: vec!["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: vec!["EdDSA", "Ed25519"],
        dpop_signing_alg_values_supported: vec!["EdDSA", "Ed25519", "ES256"],
    });
    let mut response = metadata.into_response();
    problem::insert(&mut response, HeaderName::from_static("dpop-nonce"), &broker.nonce());
    response
}

/// The keys that sign checkpoints. Tokens are opaque and signed by none.
#[derive(Serialize, ToSchema)]
pub(super) struct KeySet {
    /// One a log.
    keys: Vec<Jwk>,
}

/// A log's key (RFC 8037).
#[derive(Serialize, ToSchema)]
struct Jwk {
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// The public key.
    x: PublicKey,
    /// Its thumbprint.
    kid: KeyId,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// Whose checkpoints it signs: `register` or `case`.
    amana_log: &'static str,
}

/// Answers the log keys in force.
pub(super) async fn jwks(State(broker): State<Arc<Broker>>) -> Result<Json<KeySet>, Failure> {
    let keys = broker.roster()?.roster.log_keys;
    let jwk = |key: &PublicKey, log| Jwk {
        kty: "OKP",
        crv: "Ed25519",
        x: *key,
        kid: key.thumbprint(),
        usage: "sig",
        amana_log: log,
    };
    Ok(Json(KeySet { keys: vec![jwk(&keys.register, "register"), jwk(&keys.case, "case")] }))
}
