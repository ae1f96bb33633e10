//! `POST /v1/revocations`: stopping is easy. No token, and a reserve of connections of its own.

use super::{json::Body, problem::Failure};
use crate::{
    broker::Broker,
    wire::api::{Revoked, SubmitStatement},
};
use axum::{Json, extract::State};
use std::sync::Arc;

/// The one path that is served when the broker is full.
pub(super) const PATH: &str = "/v1/revocations";

/// Ends a grant. The answer comes after the commit and after every running stream under it is reset.
pub(super) async fn revoke(
    State(broker): State<Arc<Broker>>,
    Body(body): Body<SubmitStatement>,
) -> Result<Json<Revoked>, Failure> {
    Ok(Json(broker.revoke(&body.statement).await?))
}
