//! From one request to its answer: its class, its body, its permit.

use super::{
    capacity::{Capacity, Class, Held},
    pace::{Paced, Silence},
    problem::Failure,
    rates::Peer,
    seats::Seat,
};
use crate::{
    broker::Connection,
    model::limits,
    wire::problem::{Problem, ProblemType},
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tower::ServiceExt as _;

/// What every connection needs to answer.
pub(super) struct Desk {
    pub(super) router: Router,
    pub(super) capacity: Capacity,
}

/// What one connection brings to each of its requests.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) peer: Peer,
    pub(super) seat: Arc<Seat>,
    /// Set when a request was answered without being read: the rest of it is still on its way.
    pub(super) unread: Arc<AtomicBool>,
}

/// Answers one request.
pub(super) async fn respond(desk: Arc<Desk>, line: Line, request: Request) -> Response {
    let class = Class::of(request.method(), request.uri().path());
    let silence = Silence::default();
    let request = request.map(|body| Body::new(Paced::new(body, silence.clone())));
    let (answer, permit) = match received(class, &line.seat, request).await {
        Err(problem) => (refused_unread(problem, &line), None),
        Ok(mut request) => match desk.capacity.take(class) {
            None if class == Class::Upload => (refused_unread(full(class), &line), None),
            None => (Failure::from(full(class)).into_response(), None),
            Some(permit) => {
                line.seat.works();
                request.extensions_mut().insert(line.connection.clone());
                request.extensions_mut().insert(line.peer);
                (answered(&desk.router, request).await, Some(permit))
            }
        },
    };
    // Whatever a handler made of a body that broke off: why it did is what the caller has to know.
    let cut = silence.is_too_long() && !answer.status().is_success();
    let answer = if cut { refused_unread(too_slow(), &line) } else { answer };
    answer.map(|body| Body::new(Held::new(body, line.seat, permit)))
}

async fn answered(router: &Router, request: Request) -> Response {
    match router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// Reads every body but a payload before anything is answered, so that a refusal does not close the connection under
/// a client that is still writing: it would see a broken pipe instead of the nonce it has to use. And a request that
/// is only half there holds no permit.
async fn received(class: Class, seat: &Seat, request: Request) -> Result<Request, Problem> {
    if class == Class::Upload || http_body::Body::is_end_stream(request.body()) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    if http_body::Body::size_hint(&body).lower() > limits::JSON_BODY_BYTES as u64 {
        return Err(Problem::new(ProblemType::TooLarge));
    }
    let whole = Limited::new(body, limits::JSON_BODY_BYTES).collect();
    let mut whole = pin!(tokio::time::timeout(Duration::from_secs(limits::SMALL_BODY_SECONDS), whole));
    // What came along with the head, as an honest revocation does, stands in no queue with what is half sent.
    let outcome = match poll_fn(|context| Poll::Ready(whole.as_mut().poll(context))).await {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            let _receiving = seat.receives().await;
            whole.await
        }
    };
    match outcome {
        Ok(Ok(whole)) => Ok(Request::from_parts(parts, Body::from(whole.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(ProblemType::TooLarge)),
        Ok(Err(_)) => Err(Problem::new(ProblemType::Malformed).with_detail("the request was cut")),
        Err(_) => Err(too_slow()),
    }
}

/// The rest of the request is still on its way, so the connection cannot serve another.
fn refused_unread(problem: Problem, line: &Line) -> Response {
    line.unread.store(true, Ordering::SeqCst);
    let mut response = Failure::from(problem).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn too_slow() -> Problem {
    Problem::new(ProblemType::TooSlow)
        .with_detail("the request's body came more slowly than the least this broker waits for")
}

fn full(class: Class) -> Problem {
    let what = match class {
        Class::Stop => "too many revocations and freezes at once",
        Class::Upload => "too many uploads at once",
        Class::Download => "too many downloads at once",
        Class::Audit => "too many audit bundles at once",
        Class::Waiting => "too many inboxes wait at once",
        Class::Ordinary => "too many requests at once",
    };
    Problem::new(ProblemType::Busy).with_detail(format!("{what}; try again in a moment"))
}
