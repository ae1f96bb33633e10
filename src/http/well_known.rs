//! `/.well-known/`: what a stock OAuth client needs to know (RFC 8414), and the keys (RFC 7517).

use crate::broker::Broker;
use axum::{Json, extract::State};
use serde_json::{Value, json};
use std::sync::Arc;

/// Authorization server metadata.
pub(super) async fn metadata(State(broker): State<Arc<Broker>>) -> Json<Value> {
    let url = broker.public_url();
    Json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/oauth/token"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "Ed25519"],
        "dpop_signing_alg_values_supported": ["EdDSA", "Ed25519", "ES256"],
    }))
}

/// The keys that sign checkpoints. Tokens are opaque and signed by none.
pub(super) async fn jwks(State(broker): State<Arc<Broker>>) -> Json<Value> {
    let keys = &broker.genesis().genesis().log_keys;
    let jwk = |key: &crate::model::ids::PublicKey, purpose: &str| json!({ "kty": "OKP", "crv": "Ed25519", "x": key, "kid": key.thumbprint(), "use": "sig", "amana_log": purpose });
    Json(json!({ "keys": [jwk(&keys.register, "register"), jwk(&keys.case, "case")] }))
}
