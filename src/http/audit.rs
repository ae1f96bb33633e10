//! `GET /v1/audit/bundle`: everything an auditor needs to verify offline, as lines of JSON from one snapshot.

use super::{caller::SignedIn, problem::Failure};
use crate::broker::Broker;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body::Frame;
use std::{io, ops::ControlFlow, sync::Arc};
use tokio::sync::mpsc;

/// Streams the bundle; memory stays constant however long the logs are.
pub(super) async fn bundle(State(broker): State<Arc<Broker>>, SignedIn(caller): SignedIn) -> Result<Response, Failure> {
    broker.may_audit(&caller)?;
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, io::Error>>(64);
    tokio::task::spawn_blocking(move || {
        let sent = broker.audit_bundle(&caller, &mut |line| {
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
