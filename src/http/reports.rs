//! `/v1/reports`: declaring, publishing what was uploaded, listing and fetching back one's own.

use super::{
    after::After,
    caller::{SignedIn, SignedInAlsoFrozen},
    download,
    json::{Body, Id},
    problem::Failure,
};
use crate::{
    broker::Broker,
    model::ids::ReportId,
    wire::api::{Accepted, Listing, OwnerHeader, PublishUpload, ReportSummary, SubmitReport},
};
use axum::{Json, extract::State, http::HeaderMap, response::Response};
use std::sync::Arc;

/// The caller's reports.
pub(super) async fn list(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    After(after): After,
) -> Result<Json<Listing<ReportSummary>>, Failure> {
    Ok(Json(broker.reports(&caller, after.as_deref())?))
}

/// Declares a report with its owner header.
pub(super) async fn declare(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitReport>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.declare_report(&body.statement, body.owner_header.0, &caller).await?))
}

/// Makes an upload the payload of a report; proves that it is stored, also when it was before.
pub(super) async fn publish(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(report): Id<ReportId>,
    Body(body): Body<PublishUpload>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.publish_upload(report, body.upload, &caller).await?))
}

/// The owner's own header. Whoever is frozen is let in: the refusal is an entry of the log.
pub(super) async fn owner_header(
    State(broker): State<Arc<Broker>>,
    SignedInAlsoFrozen(caller): SignedInAlsoFrozen,
    Id(report): Id<ReportId>,
) -> Result<Json<OwnerHeader>, Failure> {
    Ok(Json(broker.owner_header(report, &caller).await?))
}

/// Takes the same file key wrapped anew, for the owner's keys of today or for whoever is to own the report.
pub(super) async fn replace_owner_header(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(report): Id<ReportId>,
    Body(body): Body<SubmitReport>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.replace_owner_header(report, &body.statement, body.owner_header.0, &caller).await?))
}

/// The owner's own payload.
pub(super) async fn own_payload(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(report): Id<ReportId>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let payload = broker.own_payload(report, &caller).await?;
    Ok(download::stream(download::Source { header: Vec::new(), payload }, &headers, || download::Go::On))
}
