//! `GET /v1/audit/bundle`: everything an auditor needs to verify offline, as lines of JSON from one snapshot; and
//! `GET /v1/disclosure`: what concerns the caller.

use super::{caller::SignedIn, problem::Failure};
use crate::{
    broker::{Broker, BrokerError, ExportedFacts},
    model::ids::ReportId,
    wire::{
        api::Disclosure,
        problem::{Problem, ProblemType},
    },
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body::Frame;
use serde::Deserialize;
use std::{io, ops::ControlFlow, sync::Arc};
use tokio::sync::mpsc;

/// Streams the bundle; memory stays constant however long the logs are.
pub(super) async fn bundle(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    query: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Failure> {
    let Ok(Query(Part { register, case, facts })) = query else {
        return Err(malformed("the query takes `register` and `case`, numbers, and `facts`, `all` or `none`").into());
    };
    let facts = match facts {
        Facts::All => ExportedFacts::All,
        Facts::None => ExportedFacts::None,
    };
    let disclosing = broker.disclose(&caller, (register, case), facts).await?;
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, io::Error>>(64);
    tokio::task::spawn_blocking(move || {
        let sent = broker.audit_bundle(&disclosing, &mut |line| {
            let Ok(mut text) = serde_json::to_vec(&line) else { return ControlFlow::Break(()) };
            text.push(b'\n');
            match sender.blocking_send(Ok(Frame::data(text.into()))) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        if let Err(error) = sent {
            tracing::error!(error = error.log_text(), "an audit bundle broke off");
            // A stream that ends without its last line is refused by the reader.
            drop(sender.blocking_send(Err(io::Error::other("the bundle broke off"))));
        }
    });
    let mut response = Body::new(Lines { receiver }).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// What of the bundle is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    register: u64,
    #[serde(default)]
    case: u64,
    #[serde(default)]
    facts: Facts,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Facts {
    #[default]
    All,
    None,
}

/// Where to begin, and about which report.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    from: u64,
    report: Option<ReportId>,
}

/// The entries that concern the caller.
pub(super) async fn disclosure(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Json<Disclosure>, Failure> {
    let Ok(Query(From { from, report })) = query else {
        return Err(malformed("the query takes `from`, a number, and `report`, a report's id").into());
    };
    let asked = tokio::task::spawn_blocking(move || broker.disclosure(&caller, from, report));
    Ok(Json(asked.await.map_err(|e| BrokerError::Internal(e.to_string()))??))
}

fn malformed(words: &str) -> Problem {
    Problem::new(ProblemType::Malformed).with_detail(words)
}

struct Lines {
    receiver: mpsc::Receiver<Result<Frame<Bytes>, io::Error>>,
}

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.receiver.poll_recv(context)
    }
}
