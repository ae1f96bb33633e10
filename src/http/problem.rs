//! Problems as responses. A 5xx says nothing but its request id; the log says the rest under the same id.

use crate::{
    broker::{BrokerError, TokenError},
    model::limits,
    wire::{
        api::OauthProblem,
        problem::{Problem, ProblemType},
    },
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A problem on its way out.
pub(super) struct Failure(Box<Problem>);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        let mut problem = error.problem();
        if let Some(text) = error.log_text() {
            let id = request_id();
            tracing::error!(request_id = %id, error = text, "a request failed");
            problem.request_id = Some(id);
        }
        problem.into()
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Broker(error) => error.into(),
            other => Problem::new(ProblemType::Unauthenticated).with_detail(words(&other)).into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let busy = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(limits::RETRY_AFTER_SECONDS);
        if let Some(seconds) = self.0.retry_after.or(busy) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A number that names one request in the log; it says nothing about the caller.
fn request_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("r{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How a caller who is not signed in is told (RFC 9449, sections 7 and 9).
pub(super) fn unauthenticated(error: TokenError, nonce: &str) -> Response {
    let code = match &error {
        TokenError::UseNonce(_) => "use_dpop_nonce",
        TokenError::Proof(_) => "invalid_dpop_proof",
        _ => "invalid_token",
    };
    let mut response = Failure::from(error).into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = format!("DPoP error=\"{code}\", algs=\"EdDSA Ed25519 ES256\"");
        insert(&mut response, header::WWW_AUTHENTICATE, &challenge);
        insert(&mut response, header::HeaderName::from_static("dpop-nonce"), nonce);
    }
    response
}

/// How the token endpoint tells it (RFC 6749, section 5.2; RFC 9449, section 8).
pub(super) fn token_problem(error: TokenError, nonce: &str) -> Response {
    let (status, code) = match &error {
        TokenError::UseNonce(_) => (StatusCode::BAD_REQUEST, "use_dpop_nonce"),
        TokenError::Proof(_) => (StatusCode::BAD_REQUEST, "invalid_dpop_proof"),
        TokenError::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        TokenError::Client(_) | TokenError::Token => (StatusCode::UNAUTHORIZED, "invalid_client"),
        TokenError::Broker(_) => return Failure::from(error).into_response(),
    };
    let body = OauthProblem { error: code.to_owned(), error_description: words(&error) };
    let mut response = (status, Json(body)).into_response();
    insert(&mut response, header::HeaderName::from_static("dpop-nonce"), nonce);
    response
}

fn words(error: &TokenError) -> String {
    match error {
        TokenError::UseNonce(_) => "repeat the request with the nonce in the DPoP-Nonce header".to_owned(),
        TokenError::Proof(text) => (*text).to_owned(),
        TokenError::Client(text) => text.clone(),
        TokenError::GrantType => "grant_type must be client_credentials".to_owned(),
        TokenError::Token => "the token is unknown, expired or bound to another key; sign in again".to_owned(),
        TokenError::Broker(_) => "something broke at the broker".to_owned(),
    }
}

/// Sets a header whose value is plain ASCII by construction.
pub(super) fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Whatever is not in the table.
pub(super) async fn not_found() -> Response {
    Failure::from(BrokerError::NotFound).into_response()
}

/// Nothing answered here is for a cache.
pub(super) async fn private(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
