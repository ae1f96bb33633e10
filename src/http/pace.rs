//! How fast the other side brings or takes bytes, and when that is too slow.
//!
//! Only seconds in which the broker waited for the other side count: a slow disk here is nobody's slowness there. What a
//! request brings is watched at its body; what a reader takes is watched at the socket, because hyper asks a response
//! body for more only when it could write what it had.

use crate::model::limits;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Interval, MissedTickBehavior},
};

const SECOND: Duration = Duration::from_secs(1);

/// Seconds and bytes of one transfer.
#[derive(Default, Debug)]
pub(super) struct Pace {
    /// Seconds since the last byte.
    quiet: u64,
    /// Seconds and bytes of the window that runs.
    seconds: u64,
    bytes: u64,
}

/// The other side is slower than the least that is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("slower than the least this broker waits for")]
pub(super) struct TooSlow;

impl Pace {
    /// Bytes moved.
    fn moved(&mut self, bytes: u64) {
        if bytes > 0 {
            self.quiet = 0;
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    /// Another second passed in which the other side was waited for.
    fn waited(&mut self) -> Result<(), TooSlow> {
        self.quiet += 1;
        self.seconds += 1;
        if self.quiet >= limits::BODY_IDLE_SECONDS {
            return Err(TooSlow);
        }
        if self.seconds >= limits::PACE_WINDOW_SECONDS {
            let least = limits::LEAST_BYTES_PER_SECOND * limits::PACE_WINDOW_SECONDS;
            let enough = self.bytes >= least;
            (self.seconds, self.bytes) = (0, 0);
            return if enough { Ok(()) } else { Err(TooSlow) };
        }
        Ok(())
    }
}

fn every_second() -> Interval {
    let mut seconds = tokio::time::interval(SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is not now but in a second.
    seconds.reset();
    seconds
}

/// How long a body's sender has been silent, for whoever holds no body any more.
#[derive(Clone, Default)]
pub(super) struct Silence(Arc<AtomicU64>);

impl Silence {
    /// Whether patience with the sender was over, or a handler's own, which ends in the same second.
    pub(super) fn is_too_long(&self) -> bool {
        self.0.load(Ordering::SeqCst).saturating_add(1) >= limits::BODY_IDLE_SECONDS
    }
}

/// A request body that ends with [`TooSlow`] when its sender is.
pub(super) struct Paced {
    body: Body,
    pace: Pace,
    seconds: Interval,
    silence: Silence,
}

impl Paced {
    /// Watches `body`, and tells `silence` of it.
    pub(super) fn new(body: Body, silence: Silence) -> Self {
        Self { body, pace: Pace::default(), seconds: every_second(), silence }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let bytes = frame.as_ref().and_then(|f| f.as_ref().ok()).and_then(Frame::data_ref).map_or(0, Bytes::len);
            self.pace.moved(bytes as u64);
            self.silence.0.store(self.pace.quiet, Ordering::SeqCst);
            return Poll::Ready(frame);
        }
        while self.seconds.poll_tick(context).is_ready() {
            let waited = self.pace.waited();
            self.silence.0.store(self.pace.quiet, Ordering::SeqCst);
            if let Err(error) = waited {
                // Also of one who brings a little: it is too little.
                self.silence.0.store(u64::MAX, Ordering::SeqCst);
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a socket has taken, and whether it takes more at the moment.
#[derive(Default)]
pub(super) struct Meter {
    written: AtomicU64,
    blocked: AtomicBool,
}

impl Meter {
    /// Whether bytes wait here that the reader does not take.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::SeqCst)
    }

    /// Ends when the reader takes nothing, or less than the least.
    pub(super) async fn too_slow(&self) {
        let (mut seconds, mut pace, mut before) = (every_second(), Pace::default(), 0);
        loop {
            seconds.tick().await;
            let written = self.written.load(Ordering::SeqCst);
            pace.moved(written.saturating_sub(before));
            before = written;
            if !self.is_blocked() {
                pace.quiet = 0;
            } else if pace.waited().is_err() {
                return;
            }
        }
    }

    fn note(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Pending => self.blocked.store(true, Ordering::SeqCst),
            Poll::Ready(Ok(bytes)) => {
                self.written.fetch_add(*bytes as u64, Ordering::SeqCst);
                self.blocked.store(false, Ordering::SeqCst);
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

/// A socket that counts what is written.
pub(super) struct Metered {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Metered {
    pub(super) fn new(stream: TcpStream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.meter.note(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.meter.note(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, TooSlow};
    use crate::model::limits;

    /// Runs seconds in which `brings` says how many bytes each brought; tells the second that was too slow.
    fn run(seconds: u64, brings: impl Fn(u64) -> u64) -> Option<u64> {
        let mut pace = Pace::default();
        (0..seconds).find(|second| {
            pace.moved(brings(*second));
            pace.waited() == Err(TooSlow)
        })
    }

    #[test]
    fn a_line_of_64_kbit_that_drops_for_25_seconds_now_and_then_passes() {
        assert_eq!(run(7200, |second| if second % 60 < 25 { 0 } else { 8000 }), None);
    }

    #[test]
    fn a_byte_every_ten_seconds_does_not() {
        assert_eq!(run(7200, |second| u64::from(second % 10 == 0)), Some(limits::PACE_WINDOW_SECONDS - 1));
    }

    #[test]
    fn the_least_passes_and_a_byte_less_does_not() {
        let least = limits::LEAST_BYTES_PER_SECOND;
        assert_eq!(run(7200, |_| least), None);
        assert_eq!(run(7200, |_| least - 1), Some(limits::PACE_WINDOW_SECONDS - 1));
    }

    #[test]
    fn nothing_at_all_is_too_slow_sooner() {
        assert_eq!(run(7200, |_| 0), Some(limits::BODY_IDLE_SECONDS - 1));
        assert_eq!(run(7200, |second| if second < 100 { 8000 } else { 0 }), Some(98 + limits::BODY_IDLE_SECONDS));
    }
}
