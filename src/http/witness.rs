//! A witness over HTTP: one request to cosign, one address to read by. Not a part of a broker.
//!
//! Answers are those of c2sp.org/tlog-witness, with words in plain text where it leaves the body open. No address of a
//! caller is looked at: a request is good by its signature, and bounds are on numbers and times.

use crate::{
    broker::{
        witness::{Answer, REQUEST_BYTES, Witness},
        witnesses::SIZE_TYPE,
    },
    model::limits,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt as _;

/// A listening witness.
pub struct WitnessServer {
    listener: TcpListener,
    router: Router,
}

impl WitnessServer {
    /// Binds; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is in use or not ours.
    pub async fn bind(address: SocketAddr, witness: Arc<Witness>) -> Result<Self, std::io::Error> {
        Ok(Self { listener: TcpListener::bind(address).await?, router: router(witness) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> Result<SocketAddr, std::io::Error> {
        self.listener.local_addr()
    }

    /// Accepts until `stop` is done; then running requests finish, or are cut at the deadline.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(limits::WITNESS_CONNECTIONS));
        let (ending, ended) = watch::channel(());
        let mut stop = pin!(stop);
        loop {
            // The place first: who finds none waits in the kernel's queue.
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, self.listener.accept().await)
            };
            tokio::select! {
                () = &mut stop => break,
                (place, accepted) = next => match (place, accepted) {
                    (Ok(place), Ok((stream, _))) => {
                        tokio::spawn(serve(stream, self.router.clone(), ended.clone(), place));
                    }
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
        drop(self.listener);
        drop(ending);
        let all = u32::try_from(limits::WITNESS_CONNECTIONS).unwrap_or(u32::MAX);
        let finished = tokio::time::timeout(Duration::from_secs(limits::SHUTDOWN_SECONDS), places.acquire_many(all));
        tracing::info!(cut = finished.await.is_err(), "stopped");
    }
}

async fn serve(stream: TcpStream, router: Router, mut ending: watch::Receiver<()>, place: OwnedSemaphorePermit) {
    drop(stream.set_nodelay(true));
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(limits::HEAD_SECONDS));
    http.max_buf_size(limits::CONNECTION_BUFFER_BYTES);
    let mut http = pin!(http.serve_connection(TokioIo::new(stream), answer));
    let life = Duration::from_secs(limits::WITNESS_CONNECTION_SECONDS);
    let served = async {
        tokio::select! {
            _ = &mut http => return,
            // Nothing is ever sent: it is the end of the sender that is waited for.
            _ = ending.changed() => http.as_mut().graceful_shutdown(),
        }
        let _ = http.await;
    };
    // A line that breaks off is the client's to notice, and a request may be sent again.
    let _ = tokio::time::timeout(life, served).await;
    drop(place);
}

fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{log}/checkpoint", get(checkpoint))
        .route("/healthz", get(async || "ok\n"))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .layer(middleware::from_fn(in_time))
        .with_state(witness)
}

/// A request that does not arrive holds its place no longer than this.
async fn in_time(request: Request, next: Next) -> Response {
    let time = Duration::from_secs(limits::WITNESS_REQUEST_SECONDS);
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response(),
    }
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: String) -> Response {
    let answer = witness.add_checkpoint(&body).await;
    let later = |words: &'static str| {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_SECONDS))],
            words,
        )
            .into_response()
    };
    match answer {
        Answer::Cosigned(line) => (StatusCode::OK, format!("{line}\n")).into_response(),
        Answer::Malformed(words) => (StatusCode::BAD_REQUEST, format!("{words}\n")).into_response(),
        Answer::BadSignature => {
            (StatusCode::FORBIDDEN, "no key of this log that the witness knows signed the checkpoint\n").into_response()
        }
        Answer::NotConfigured => (StatusCode::NOT_FOUND, "the witness does not know this log\n").into_response(),
        Answer::Conflict(size) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, SIZE_TYPE)], format!("{size}\n")).into_response()
        }
        Answer::Inconsistent => {
            let words = "the proof does not show that this tree begins with the one cosigned last\n";
            (StatusCode::UNPROCESSABLE_ENTITY, words).into_response()
        }
        Answer::Busy => later("too many requests at once\n"),
        Answer::ClockBehind => later("the witness's clock is behind\n"),
        Answer::Failed => later("the witness could not store the checkpoint; nothing was cosigned\n"),
    }
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(log): Path<String>) -> Response {
    let note = witness.checkpoint(&log);
    let Some(note) = note else {
        return (StatusCode::NOT_FOUND, "nothing of this log was cosigned\n").into_response();
    };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, note.to_string()).into_response()
}
