//! Who a request is from: a DPoP-bound token and a fresh proof (RFC 9449).

use super::problem;
use crate::broker::{Broker, Caller, Challenge, Connection, TokenError};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// Whoever is signed in and whose things do not stand still.
pub(super) struct SignedIn(pub(super) Caller);

/// Whoever is signed in, frozen or not.
pub(super) struct SignedInAlsoFrozen(pub(super) Caller);

impl FromRequestParts<Arc<Broker>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Response> {
        let SignedInAlsoFrozen(caller) = SignedInAlsoFrozen::from_request_parts(parts, broker).await?;
        broker.goes_on(&caller).map_err(|error| problem::Failure::from(error).into_response())?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<Broker>> for SignedInAlsoFrozen {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Response> {
        let refuse = |error| problem::unauthenticated(error, &broker.nonce());
        let token = single(parts, "authorization")
            .and_then(|value| value.strip_prefix("DPoP "))
            .ok_or_else(|| refuse(TokenError::Token))?;
        let challenge =
            Challenge { proof: single(parts, "dpop"), method: parts.method.as_str(), path: parts.uri.path() };
        broker.authenticate(token, &challenge).map(Self).map_err(refuse)
    }
}

/// A header that must occur once; twice is as good as not at all.
pub(super) fn single<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    single_header(&parts.headers, name)
}

/// As [`single`].
pub(super) fn single_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The connection a request came on.
pub(super) struct On(pub(super) Connection);

impl FromRequestParts<Arc<Broker>> for On {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Broker>) -> Result<Self, Self::Rejection> {
        // The accept loop puts one into every request.
        Ok(Self(parts.extensions.get::<Connection>().cloned().unwrap_or_default()))
    }
}
