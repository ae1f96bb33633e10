//! The accept loop: ours, because a revocation has to reach the socket.
//!
//! Request heads have a deadline; connections are counted, and the last of them serve revocations only; a connection
//! that is to be cut is reset with `SO_LINGER` 0, so that not even bytes already in the kernel's buffers go out.

use super::{revocations, routes};
use crate::{
    broker::{Broker, Connection},
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
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    future::Future,
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

/// A listening broker.
pub struct Server {
    listener: TcpListener,
    broker: Arc<Broker>,
}

/// The server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ServeError {
    address: SocketAddr,
    source: std::io::Error,
}

impl Server {
    /// Binds; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is in use or not ours.
    pub async fn bind(address: SocketAddr, broker: Arc<Broker>) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError { address, source })?;
        Ok(Self { listener, broker })
    }

    /// From a socket that is already bound.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn on(socket: std::net::TcpListener, broker: Arc<Broker>) -> Result<Self, std::io::Error> {
        socket.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(socket)?, broker })
    }

    /// Accepts until `stop` is done, then waits a bounded time for what is running.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let router = routes::router(self.broker.clone());
        let sweeper = tokio::spawn(self.broker.clone().sweep_forever());
        let scrubber = tokio::spawn(self.broker.clone().scrub_forever());
        let open = Arc::new(AtomicUsize::new(0));
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => accept(stream, &router, &open),
                // Out of file descriptors: waiting a moment lets others finish.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        drop(self.listener);
        wait_for(&open).await;
        sweeper.abort();
        scrubber.abort();
    }
}

async fn wait_for(open: &AtomicUsize) {
    for _ in 0..limits::SHUTDOWN_SECONDS * 20 {
        if open.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How much of the service a connection gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Whole,
    OnlyRevocation,
}

fn accept(stream: TcpStream, router: &Router, open: &Arc<AtomicUsize>) {
    let count = open.fetch_add(1, Ordering::SeqCst);
    if count >= limits::CONNECTIONS {
        open.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let crowded = count >= limits::CONNECTIONS - limits::RESERVED_CONNECTIONS;
    let service = if crowded { Service::OnlyRevocation } else { Service::Whole };
    let (router, open) = (router.clone(), open.clone());
    tokio::spawn(async move {
        serve_connection(stream, router, service).await;
        open.fetch_sub(1, Ordering::SeqCst);
    });
}

async fn serve_connection(stream: TcpStream, router: Router, service: Service) {
    drop(stream.set_nodelay(true));
    // A second handle on the socket: what is set on it holds for the one hyper owns.
    let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
    let connection = Connection::default();
    let gone = Gone(connection.clone());
    let extension = connection.clone();
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        respond(request.map(Body::new), router.clone(), extension.clone(), service)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(limits::HEAD_SECONDS));
    let serving = http.serve_connection(TokioIo::new(stream), answer);
    tokio::select! {
        () = connection.reset_asked() => {}
        () = async {
            // However it ended, it ended; a client that goes away is nothing to log. An answer that broke off, for a
            // damaged payload, is cut at once: its reader would wait for bytes that never come.
            let whole = serving.await.is_ok();
            if whole && connection.carries() {
                taken(&handle).await;
            }
        } => {}
    }
    // A connection that carried bytes of a grant is never closed in a way that lets the kernel deliver what is left.
    if connection.is_reset() || connection.carries() {
        reset_on_close(&handle);
    }
    drop(handle);
    drop(gone);
}

/// Says that a connection's socket is gone, also when its task broke: a revocation waits for it.
struct Gone(Connection);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// Waits until the client has read everything and closed. Until then bytes of a grant may lie in the kernel's buffers,
/// where a reset still destroys them and a close would deliver them.
async fn taken(handle: &OwnedFd) {
    let Ok(duplicate) = handle.try_clone() else { return };
    let Ok(mut stream) = TcpStream::from_std(std::net::TcpStream::from(duplicate)) else { return };
    let mut ignored = [0; 1024];
    // Nothing that comes after the last request is heard; the end or an error is what is waited for.
    let ended = async { while let Ok(1..) = stream.read(&mut ignored).await {} };
    drop(tokio::time::timeout(Duration::from_secs(limits::TAKEN_SECONDS), ended).await);
}

/// After this, closing sends a reset and throws away whatever the kernel still holds.
fn reset_on_close(handle: &OwnedFd) {
    if let Err(error) = socket2::SockRef::from(handle).set_linger(Some(Duration::ZERO)) {
        tracing::error!(%error, "a socket could not be set to reset");
    }
}

async fn respond(
    mut request: Request,
    router: Router,
    connection: Connection,
    service: Service,
) -> Result<Response, std::convert::Infallible> {
    if service == Service::OnlyRevocation && request.uri().path() != revocations::PATH {
        return Ok(crowded());
    }
    request.extensions_mut().insert(connection);
    match with_whole_small_body(request).await {
        Ok(request) => router.oneshot(request).await,
        Err(refusal) => Ok(refusal),
    }
}

/// Reads every body but a payload before anything is answered, so that a refusal does not close the connection under
/// a client that is still writing: it would see a broken pipe instead of the nonce it has to use.
async fn with_whole_small_body(request: Request) -> Result<Request, Response> {
    if request.method() == axum::http::Method::PUT && request.uri().path().ends_with("/payload") {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    if http_body::Body::size_hint(&body).lower() > limits::JSON_BODY_BYTES as u64 {
        return Err(not_read(Problem::new(ProblemType::TooLarge)));
    }
    let idle = Duration::from_secs(limits::BODY_IDLE_SECONDS);
    match tokio::time::timeout(idle, Limited::new(body, limits::JSON_BODY_BYTES).collect()).await {
        Ok(Ok(whole)) => Ok(Request::from_parts(parts, Body::from(whole.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(not_read(Problem::new(ProblemType::TooLarge))),
        _ => Err(not_read(Problem::new(ProblemType::Malformed).with_detail("the request was cut"))),
    }
}

/// The rest of the request is still on its way, so the connection cannot serve another.
fn not_read(problem: Problem) -> Response {
    let mut response = super::problem::Failure::from(problem).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn crowded() -> Response {
    let problem = Problem::new(ProblemType::Busy).with_detail("too many connections; try again in a moment");
    let mut response = super::problem::Failure::from(problem).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
