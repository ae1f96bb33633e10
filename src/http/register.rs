//! What anybody may read: genesis, the register, the case log's checkpoint; and where anybody may show evidence.

use super::{caller::SignedIn, json::Body, problem::Failure};
use crate::{
    broker::Broker,
    wire::{
        api::{CaseHead, RegisterPage},
        problem::{Problem, ProblemType},
    },
};
use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The signed genesis.
pub(super) async fn genesis(State(broker): State<Arc<Broker>>) -> Response {
    let mut response = broker.genesis().note().to_owned().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Where to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    from: u64,
}

/// The register from an index on.
pub(super) async fn page(
    State(broker): State<Arc<Broker>>,
    query: Result<Query<From>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<RegisterPage>, Failure> {
    let Ok(Query(From { from })) = query else { return Err(malformed().into()) };
    Ok(Json(broker.register(from)?))
}

/// The case log's newest checkpoint, and proof that it extends an earlier one. Not for everybody: how the log grows
/// between two publications tells when something happens.
pub(super) async fn case_head(
    State(broker): State<Arc<Broker>>,
    SignedIn(_): SignedIn,
    query: Result<Query<From>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<CaseHead>, Failure> {
    let Ok(Query(From { from })) = query else { return Err(malformed().into()) };
    Ok(Json(broker.case_head(from)?))
}

fn malformed() -> Problem {
    Problem::new(ProblemType::Malformed).with_detail("the query takes `from`, a number")
}

/// A checkpoint somebody holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    /// The signed note.
    checkpoint: String,
}

/// Whether it is an earlier state of our log.
#[derive(Serialize, ToSchema)]
pub(super) struct Judged {
    /// It is.
    consistent: bool,
}

/// Takes a checkpoint signed by this broker that is not an earlier state of its log.
pub(super) async fn evidence(
    State(broker): State<Arc<Broker>>,
    Body(body): Body<Evidence>,
) -> Result<Json<Judged>, Failure> {
    Ok(Json(Judged { consistent: broker.take_evidence(&body.checkpoint)? }))
}
