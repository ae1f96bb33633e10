//! `POST /oauth/token`: client credentials with `private_key_jwt` and DPoP.

use super::{caller::single, problem};
use crate::{
    broker::{Broker, Challenge, TokenError},
    wire::oauth::ASSERTION_TYPE,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use std::{collections::BTreeMap, sync::Arc};

/// Longest token request, in bytes: one assertion and some words.
const FORM_BYTES: usize = 16 * 1024;

/// What the form holds. Read by hand below, because a repeated parameter has to be noticed.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes the form to others; nothing makes one")]
pub(super) struct TokenForm {
    /// `client_credentials`.
    grant_type: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: String,
    /// A JWT signed with the client's registered key.
    client_assertion: String,
    /// The client's key id; when it is there, it must be the assertion's subject.
    client_id: Option<String>,
}

/// Issues a token.
pub(super) async fn issue(State(broker): State<Arc<Broker>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match axum::body::to_bytes(body, FORM_BYTES).await {
        Ok(form) => {
            let challenge =
                Challenge { proof: single(&parts, "dpop"), method: parts.method.as_str(), path: parts.uri.path() };
            answer(&broker, &form, &challenge).await
        }
        Err(_) => Err(TokenError::Client("the request is too large".to_owned())),
    };
    let nonce = broker.nonce();
    match outcome {
        Ok(response) => {
            let mut response = response.into_response();
            if let Ok(value) = HeaderValue::from_str(&nonce) {
                response.headers_mut().insert(HeaderName::from_static("dpop-nonce"), value);
            }
            response
        }
        Err(error) => problem::token_problem(error, &nonce),
    }
}

async fn answer(
    broker: &Broker,
    form: &[u8],
    challenge: &Challenge<'_>,
) -> Result<Json<crate::wire::api::Token>, TokenError> {
    let mut fields = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(form) {
        if fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(TokenError::Client("a parameter is repeated".to_owned()));
        }
    }
    let field = |name: &str| fields.get(name).map(String::as_str);
    if field("grant_type") != Some("client_credentials") {
        return Err(TokenError::GrantType);
    }
    if field("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(TokenError::Client(format!("client_assertion_type must be {ASSERTION_TYPE}")));
    }
    let assertion =
        field("client_assertion").ok_or_else(|| TokenError::Client("client_assertion is missing".to_owned()))?;
    Ok(Json(broker.issue_token(field("client_id"), assertion, challenge).await?))
}
