//! One connection, from its first byte to the end of its socket.
//!
//! A connection that carried bytes of a grant, or that is cut, is reset with `SO_LINGER` 0, so that not even bytes
//! already in the kernel's buffers go out.

use super::{
    pace::{Meter, Metered},
    rates::Peer,
    respond::{Desk, Line, respond},
    seats::{Seat, Service},
};
use crate::{broker::Connection, model::limits};
use axum::body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::Future,
    os::fd::{AsFd as _, OwnedFd},
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

/// How a connection's service ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// It ended by itself; a client that goes away is nothing to log.
    Finished,
    /// Nothing ran on it, and it is closed.
    Idle,
    /// What ran on it is broken off.
    Cut,
    /// What ran on it is broken off because the service ends.
    OutOfTime,
}

/// Serves one connection.
pub(super) async fn serve(stream: TcpStream, peer: Peer, seat: Arc<Seat>, desk: Arc<Desk>) {
    drop(stream.set_nodelay(true));
    // The kernel takes little beyond what is on its way: a reader's pace can be seen, and a cut throws more away.
    #[cfg(target_os = "linux")]
    drop(socket2::SockRef::from(&stream).set_tcp_notsent_lowat(limits::UNSENT_BYTES));
    // A second handle on the socket: what is set on it holds for the one hyper owns.
    let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
    let connection = Connection::default();
    let gone = Gone(connection.clone());
    let line = Line { connection: connection.clone(), peer, seat: seat.clone(), unread: Arc::default() };
    let mut end = conversation(stream, desk, &line).await;
    if end == End::Finished {
        end = after(&handle, &line).await;
    }
    if end == End::OutOfTime {
        seat.was_cut();
    }
    // A connection that carried bytes of a grant is never closed in a way that lets the kernel deliver what is left.
    if matches!(end, End::Cut | End::OutOfTime) || connection.is_reset() || connection.carries() {
        reset_on_close(&handle);
    }
    drop(handle);
    drop(gone);
    // Only now the seat is free: its number counts sockets.
    drop((line, seat));
}

/// Requests and answers.
async fn conversation(stream: TcpStream, desk: Arc<Desk>, line: &Line) -> End {
    let meter = Arc::new(Meter::default());
    let answering = line.clone();
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = respond(desk.clone(), answering.clone(), request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(limits::HEAD_SECONDS));
    http.max_buf_size(limits::CONNECTION_BUFFER_BYTES);
    let mut http = pin!(http.serve_connection(TokioIo::new(Metered::new(stream, meter.clone())), answer));
    let mut too_slow = pin!(meter.too_slow());
    let mut ending = false;
    let is_idle = || line.seat.is_waiting() && !meter.is_blocked();
    loop {
        tokio::select! {
            () = line.connection.reset_asked() => return End::Cut,
            () = line.seat.given_up() => return if is_idle() { End::Idle } else { End::Cut },
            () = reached(&line.seat, Service::Over) => return End::OutOfTime,
            () = reached(&line.seat, Service::Ending), if !ending => {
                if is_idle() {
                    return End::Idle;
                }
                ending = true;
                http.as_mut().graceful_shutdown();
            }
            () = &mut too_slow => return End::Cut,
            // A release that broke off, for a damaged payload, is cut: its reader would wait for bytes that never come.
            served = &mut http => {
                return if served.is_err() && line.connection.carries() { End::Cut } else { End::Finished };
            }
        }
    }
}

/// What is waited for when both sides have said all: that the reader takes the end of what was released, or that the
/// sender of a request nobody read hears the refusal. Until a released byte is taken it may lie in the kernel's
/// buffers, where a reset still destroys it and a close would deliver it.
async fn after(handle: &OwnedFd, line: &Line) -> End {
    let (seconds, end) = if line.connection.carries() {
        line.seat.is_taken_from();
        (limits::TAKEN_SECONDS, End::Cut)
    } else if line.unread.load(Ordering::SeqCst) {
        (limits::REFUSAL_SECONDS, End::Finished)
    } else {
        return End::Finished;
    };
    tokio::select! {
        () = line.connection.reset_asked() => End::Cut,
        () = line.seat.given_up() => End::Cut,
        () = reached(&line.seat, Service::Over) => End::OutOfTime,
        () = ended(handle) => End::Finished,
        () = tokio::time::sleep(Duration::from_secs(seconds)) => end,
    }
}

async fn reached(seat: &Seat, stage: Service) {
    if seat.service().wait_for(|now| *now >= stage).await.is_err() {
        // The table of seats outlives every seat; without it there is nothing to wait for.
        std::future::pending::<()>().await;
    }
}

/// Waits until the client has closed. Nothing that comes after the last request is heard.
fn ended(handle: &OwnedFd) -> impl Future<Output = ()> {
    let duplicate = handle.try_clone();
    async move {
        let Ok(stream) = duplicate.map(std::net::TcpStream::from).and_then(TcpStream::from_std) else { return };
        let mut stream = stream;
        let mut ignored = [0; 1024];
        while let Ok(1..) = stream.read(&mut ignored).await {}
    }
}

/// After this, closing sends a reset and throws away whatever the kernel still holds.
fn reset_on_close(handle: &OwnedFd) {
    if let Err(error) = socket2::SockRef::from(handle).set_linger(Some(Duration::ZERO)) {
        tracing::error!(%error, "a socket could not be set to reset");
    }
}

/// Says that a connection's socket is gone, also when its task broke: a revocation waits for it.
struct Gone(Connection);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.closed();
    }
}
