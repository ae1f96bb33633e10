//! `/v1/grants/{id}/releases` and `/v1/releases/{id}/report.age`: the only answers that carry bytes of somebody
//! else's report. Each closes its connection, so that a connection carries bytes of one grant.

use super::{
    caller::{On, SignedIn},
    download,
    json::{Body, Id},
    problem::Failure,
};
use crate::{
    broker::{Broker, BrokerError},
    model::ids::{GrantId, ReleaseId},
    wire::api::SubmitStatement,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// Releases a header.
pub(super) async fn release(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    On(connection): On,
    Id(grant): Id<GrantId>,
    Body(body): Body<SubmitStatement>,
) -> Result<Response, Failure> {
    let released = broker.release(grant, &body.statement, &caller, &connection).await?;
    Ok(closing(Json(released).into_response()))
}

/// Streams header and payload as one age file; Range works, and is decided anew.
pub(super) async fn download(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    On(connection): On,
    Id(release): Id<ReleaseId>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let download = broker.download(release, &caller, &connection).await?;
    let lease = download.lease();
    let go = move || {
        if lease.is_over() {
            connection.reset();
            download::Go::Stop
        } else {
            download::Go::On
        }
    };
    let source =
        download::Source { header: download.header, payload: download.payload, payload_bytes: download.payload_bytes };
    let streamed = download::stream(source, &headers, go).await;
    Ok(closing(streamed.map_err(|e| BrokerError::Internal(e.to_string()))?))
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
