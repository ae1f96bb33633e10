//! The accept loop: ours, because a revocation has to reach the socket, and because no number of open connections may
//! keep one out.
//!
//! `seats` decides who gives way when all are taken, `connection` serves one, `respond` answers one request with a
//! permit of `capacity`, `pace` watches how fast bytes move.

use super::{capacity::Capacity, connection, rates::Peer, respond::Desk, routes, seats::Seats};
use crate::{broker::Broker, model::limits};
use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};

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
        let unusable = |source| ServeError { address, source };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        widen(&listener).map_err(unusable)?;
        Ok(Self { listener, broker })
    }

    /// From a socket that is already bound.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn on(socket: std::net::TcpListener, broker: Arc<Broker>) -> Result<Self, std::io::Error> {
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket)?;
        widen(&listener)?;
        Ok(Self { listener, broker })
    }

    /// Accepts until `stop` is done. Then idle connections are closed at once, running requests finish until the
    /// deadline, and what is left is cut.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let desk = Arc::new(Desk { router: routes::router(self.broker.clone()), capacity: Capacity::new() });
        let sweeper = tokio::spawn(self.broker.clone().sweep_forever());
        let uploads = tokio::spawn(self.broker.clone().sweep_uploads_forever());
        let scrubber = tokio::spawn(self.broker.clone().scrub_forever());
        let publisher = tokio::spawn(self.broker.clone().publish_forever());
        let seats = Seats::new(limits::CONNECTIONS);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => welcome(stream, Peer(address.ip()), &seats, &desk).await,
                Err(error) => {
                    // Out of file descriptors, most likely: who has waited longest makes room, in a moment.
                    tracing::warn!(%error, "a connection could not be accepted");
                    seats.make_room();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        drop(self.listener);
        let cut = seats.end(Duration::from_secs(limits::SHUTDOWN_SECONDS)).await;
        tracing::info!(cut, "stopped; this many requests were cut because they took longer than shutdown waits");
        sweeper.abort();
        uploads.abort();
        scrubber.abort();
        publisher.abort();
        if let Err(error) = self.broker.settle().await {
            tracing::warn!(error = error.log_text(), "counted denials are lost");
        }
    }
}

/// A connection that finds the kernel's queue full is tried again by its client's kernel after a whole second: a
/// revocation would wait for that. Listening again only changes the length of the queue.
fn widen(listener: &TcpListener) -> Result<(), std::io::Error> {
    socket2::SockRef::from(listener).listen(limits::BACKLOG)
}

async fn welcome(stream: TcpStream, peer: Peer, seats: &Arc<Seats>, desk: &Arc<Desk>) {
    if let Some(seat) = seats.admit().await {
        tokio::spawn(connection::serve(stream, peer, seat, desk.clone()));
    }
}
