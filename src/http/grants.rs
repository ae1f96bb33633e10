//! `/v1/grants` and `/v1/requests`.

use super::{
    after::After,
    caller::SignedIn,
    json::{Body, Id},
    problem::Failure,
};
use crate::{
    broker::Broker,
    model::ids::GrantId,
    wire::api::{Accepted, Foreseen, GrantSummary, Listing, RequestSummary, SubmitDraft, SubmitGrant, SubmitHeader},
};
use axum::{Json, extract::State};
use std::sync::Arc;

/// Grants given, or made to the caller's institution.
pub(super) async fn list(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    After(after): After,
) -> Result<Json<Listing<GrantSummary>>, Failure> {
    Ok(Json(broker.grants(&caller, after.as_deref())?))
}

/// Access requests received, or sent by the caller's institution.
pub(super) async fn requests(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    After(after): After,
) -> Result<Json<Listing<RequestSummary>>, Failure> {
    Ok(Json(broker.requests(&caller, after.as_deref())?))
}

/// Accepts a grant, with or without its header.
pub(super) async fn give(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitGrant>,
) -> Result<Json<Accepted>, Failure> {
    let header = body.header.map(|bytes| bytes.0);
    Ok(Json(broker.give_grant(&body.statement, header, &caller).await?))
}

/// Says what would happen to a grant that nobody has signed yet.
pub(super) async fn preview(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitDraft>,
) -> Result<Json<Foreseen>, Failure> {
    Ok(Json(broker.foresee(&body.grant, &caller)?))
}

/// Accepts the header of a pending grant.
pub(super) async fn complete(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(grant): Id<GrantId>,
    Body(body): Body<SubmitHeader>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.complete_grant(grant, body.header.0, &caller).await?))
}
