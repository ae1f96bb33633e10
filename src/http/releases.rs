//! `/v1/grants/{id}/releases` and `/v1/releases/{id}/report.age`: the only answers that carry bytes of somebody
//! else's report. Each closes its connection, so that a connection carries bytes of one grant.

use super::{
    caller::{On, SignedIn},
    download,
    json::{Body, Id},
    problem::Failure,
};
use crate::{
    broker::{Broker, Caller, Connection, Lease},
    model::{
        ids::{GrantId, ReleaseId},
        limits,
    },
    wire::api::SubmitStatement,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};

/// Releases a header.
pub(super) async fn release(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    On(connection): On,
    Id(grant): Id<GrantId>,
    Body(body): Body<SubmitStatement>,
) -> Response {
    let released = broker.release(grant, &body.statement, &caller, &connection).await;
    closing(released.map(Json).map_err(Failure::from))
}

/// Streams header and payload as one age file; Range works, and is decided anew.
pub(super) async fn download(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    On(connection): On,
    Id(release): Id<ReleaseId>,
    headers: HeaderMap,
) -> Response {
    closing(age_file(&broker, release, &caller, connection, &headers).await)
}

async fn age_file(
    broker: &Arc<Broker>,
    release: ReleaseId,
    caller: &Caller,
    connection: Connection,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let download = broker.download(release, caller, &connection).await?;
    let lease = download.lease();
    let go = {
        let (lease, connection) = (lease.clone(), connection.clone());
        move || {
            if lease.is_over() {
                connection.reset();
                download::Go::Stop
            } else {
                download::Go::On
            }
        }
    };
    tokio::spawn(renew(lease, connection));
    let source = download::Source { header: download.header, payload: download.payload };
    Ok(download::stream(source, headers, go))
}

/// Looks at a stream's time every second for as long as its connection lives: a reader who stalls must not keep what
/// the broker has already written until the time is over and take it then.
async fn renew(lease: Lease, connection: Connection) {
    let mut tick = tokio::time::interval(Duration::from_secs(limits::STREAM_LEASE_SECONDS));
    loop {
        tokio::select! {
            () = connection.gone() => return,
            _ = tick.tick() => {}
        }
        if lease.is_over() {
            connection.reset();
            return;
        }
    }
}

/// Also a refusal closes: its connection may be registered as a stream, and the next request on it could be the
/// revocation that resets it.
fn closing(answer: Result<impl IntoResponse, Failure>) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
