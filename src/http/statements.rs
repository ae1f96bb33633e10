//! `POST /v1/parties` and `POST /v1/statements`: statements that bring no header and release nothing.

use super::{caller::SignedIn, json::Body, problem::Failure};
use crate::{
    broker::Broker,
    wire::api::{Accepted, SubmitStatement},
};
use axum::{Json, extract::State, http::HeaderMap};
use std::sync::Arc;

/// Enrols a party; the invitation, if one is needed, comes in `Amana-Invitation`.
pub(super) async fn enrol(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Accepted>, Failure> {
    let invitation = headers.get("amana-invitation").and_then(|value| value.to_str().ok());
    Ok(Json(broker.enrol(&body.statement, invitation).await?))
}

/// Accepts any other statement without a header.
pub(super) async fn submit(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.submit(&body.statement, &caller).await?))
}
