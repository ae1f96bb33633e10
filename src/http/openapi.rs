//! `GET /v1/openapi.json`: the interface as an OpenAPI 3.1 document, for other people's programs.
//!
//! Schemas are derived from the types that are sent, problems come from their registry, and who may call what comes
//! from the route table; only the sentences and the list of an operation's answers stand here, a file a subject. The
//! document holds nothing about this broker: the same version answers the same bytes everywhere.

mod operation;
mod owners;
mod public;
mod recipients;
mod uploads;

use super::routes::ROUTES;
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use operation::{Operation, Schemas};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Read by [`answer`] only; what it says never changes while the process runs.
static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document.
pub(super) async fn answer() -> Response {
    let mut response = TEXT.as_str().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The whole interface, one operation a route. A route nobody described is left out, which a test notices.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let described: Vec<Operation> =
        [public::operations, owners::operations, recipients::operations, uploads::operations]
            .into_iter()
            .flat_map(|operations| operations(&mut schemas))
            .collect();
    let mut paths = Map::new();
    for route in ROUTES {
        let Some(operation) = described.iter().find(|operation| operation.is(route)) else { continue };
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(route.method.to_lowercase(), operation.written(route.access, &mut schemas));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Amana",
            "summary": "Share sealed reports under signed, revocable consent.",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/", "description": "The broker that serves this document." }],
        "paths": paths,
        "components": { "schemas": schemas.written(), "securitySchemes": security_schemes() },
    })
}

const ABOUT: &str = "Statements are signed on the caller's own device: the broker checks them, logs them and answers \
    with a receipt. The exact bytes of statements, receipts and logs are described in docs/protocol.md; the kinds of \
    problem in docs/status-codes.md. What is not the caller's is not there: it is answered 404, like a path that does \
    not exist.";

fn security_schemes() -> Value {
    let token = "OAuth 2.0 client credentials (RFC 6749, section 4.4). The client signs in with a JWT assertion made \
        with its registered Ed25519 key (private_key_jwt, RFC 7523) and a DPoP proof. The token is opaque, lives ten \
        minutes at most, and is bound to the key of the proof: it is sent as `Authorization: DPoP TOKEN`, never as a \
        bearer token.";
    let proof = "A fresh DPoP proof for each request (RFC 9449): a JWT with `htm`, `htu`, `iat`, `jti`, `ath` and the \
        `nonce` the broker gave in its last DPoP-Nonce header. A request without a current nonce is answered 401 with \
        the one to use.";
    json!({
        "token": {
            "type": "oauth2",
            "description": token,
            "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } },
        },
        "proof": { "type": "apiKey", "in": "header", "name": "DPoP", "description": proof },
    })
}
