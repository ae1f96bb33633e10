//! `/healthz` and `/readyz`.

use super::problem::Failure;
use crate::{
    broker::Broker,
    wire::problem::{Problem, ProblemType},
};
use axum::{extract::State, http::StatusCode};
use std::sync::Arc;

/// The process runs.
pub(super) async fn alive() -> StatusCode {
    StatusCode::OK
}

/// Reads and the writer work, and more than revocation is possible.
pub(super) async fn ready(State(broker): State<Arc<Broker>>) -> Result<StatusCode, Failure> {
    broker.ready().await?;
    match broker.revoke_only() {
        None => Ok(StatusCode::OK),
        Some(why) => Err(Problem::new(ProblemType::RevokeOnly).with_detail(why).into()),
    }
}
