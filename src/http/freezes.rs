//! `POST /v1/freezes`: stopping everything of an advocate is easy. No token, and the reserve of what stops.

use super::{json::Body, problem::Failure};
use crate::{
    broker::Broker,
    wire::api::{Stopped, SubmitStatement},
};
use axum::{Json, extract::State};
use std::sync::Arc;

/// Served when the broker is full, as revocations are.
pub(super) const PATH: &str = "/v1/freezes";

/// Freezes. The answer comes after the commit and after every running stream of the advocate's reports is reset.
pub(super) async fn freeze(
    State(broker): State<Arc<Broker>>,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Stopped>, Failure> {
    Ok(Json(broker.freeze(&body.statement).await?))
}
