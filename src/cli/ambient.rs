//! The real clock and the real chance. Nothing outside `cli` makes them.

use crate::model::{
    ambient::{Clock, Entropy},
    time::{Duration, Timestamp},
};
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// The machine's clocks.
pub struct SystemClock {
    started: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
impl SystemClock {
    /// Starts the monotonic clock.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { started: Instant::now() })
    }
    fn wall_seconds() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_seconds(Self::wall_seconds())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_seconds(self.started.elapsed().as_secs())
    }
    fn stopwatch(&self) -> std::time::Duration {
        self.started.elapsed()
    }
}

/// The operating system's random numbers.
pub struct SystemEntropy;

impl SystemEntropy {
    /// A handle.
    pub fn new() -> Arc<Self> {
        Arc::new(Self)
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::RngCore as _;
        rand::rngs::OsRng.fill_bytes(bytes);
    }
}
