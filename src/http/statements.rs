//! `POST /v1/parties` and `POST /v1/statements`: statements that bring no header and release nothing.

use super::{caller::SignedIn, json::Body, problem::Failure};
use crate::{
    broker::{Broker, Shown},
    wire::{
        api::{Accepted, SubmitStatement},
        work,
    },
};
use axum::{Json, extract::State, http::HeaderMap};
use std::sync::Arc;

/// Enrols a party; where it is needed, the invitation comes in `Amana-Invitation`, a proof of work in `Amana-Work`.
pub(super) async fn enrol(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Accepted>, Failure> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let shown = Shown { invitation: value("amana-invitation"), work: value(work::HEADER) };
    Ok(Json(broker.enrol(&body.statement, shown).await?))
}

/// Accepts any other statement without a header.
pub(super) async fn submit(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.submit(&body.statement, &caller).await?))
}
