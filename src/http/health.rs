//! `/healthz` and `/readyz`.

use super::problem::Failure;
use crate::broker::Broker;
use axum::{extract::State, http::StatusCode};
use std::sync::Arc;

/// The process runs.
pub(super) async fn alive() -> StatusCode {
    StatusCode::OK
}

/// Reads, durable writes and the payload folder work, there is room, and more than revocation is possible.
pub(super) async fn ready(State(broker): State<Arc<Broker>>) -> Result<StatusCode, Failure> {
    broker.ready().await.map_err(|problem| Failure::from(*problem))?;
    Ok(StatusCode::OK)
}
