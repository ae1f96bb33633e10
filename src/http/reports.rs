//! `/v1/reports`: declaring, uploading, listing and fetching back one's own.

use super::{
    caller::SignedIn,
    download,
    json::{Body, Id},
    problem::Failure,
};
use crate::{
    broker::Broker,
    model::{ids::ReportId, limits},
    wire::{
        api::{Accepted, Listing, OwnerHeader, ReportSummary, SubmitReport},
        problem::{Problem, ProblemType},
    },
};
use axum::{
    Json,
    body::Body as RawBody,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use std::{sync::Arc, time::Duration};

/// The caller's reports.
pub(super) async fn list(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<Listing<ReportSummary>>, Failure> {
    Ok(Json(broker.reports(&caller)?))
}

/// Declares a report with its owner header.
pub(super) async fn declare(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<SubmitReport>,
) -> Result<Json<Accepted>, Failure> {
    Ok(Json(broker.declare_report(&body.statement, body.owner_header.0, &caller).await?))
}

/// Takes the payload in one streaming request; answers 204 when it is already stored.
pub(super) async fn upload(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(report): Id<ReportId>,
    body: RawBody,
) -> Result<Response, Failure> {
    let Some(mut upload) = broker.begin_upload(report, &caller)? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let mut body = body;
    let idle = Duration::from_secs(limits::BODY_IDLE_SECONDS);
    loop {
        let cut = || Problem::new(ProblemType::Malformed).with_detail("the upload was cut; nothing was published");
        let frame = match tokio::time::timeout(idle, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => return Err(cut().into()),
        };
        if let Ok(bytes) = frame.into_data() {
            // Hashing and writing a frame take the time of a disk's cache; the worker steps aside for it.
            tokio::task::block_in_place(|| upload.write(&bytes))?;
        }
    }
    Ok(Json(broker.finish_upload(upload).await?).into_response())
}

/// The owner's own header.
pub(super) async fn owner_header(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(report): Id<ReportId>,
) -> Result<Json<OwnerHeader>, Failure> {
    Ok(Json(broker.owner_header(report, &caller).await?))
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
