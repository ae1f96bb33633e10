//! What every program takes from its surroundings: time and chance. Only `cli` makes the real ones.

use super::time::{Clocks, Duration, Timestamp};

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment; never steps.
    fn monotonic(&self) -> Duration;

    /// As [`Clock::monotonic`], as finely as the machine tells: for speeds and waits, never for decisions.
    fn stopwatch(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.monotonic().as_seconds())
    }

    /// Both clocks of a decision, given the time of the last entry. Without witnesses, waiting times use the wall.
    fn clocks(&self, last_entry: Timestamp) -> Clocks {
        let wall = self.wall();
        Clocks { not_passed: wall.max(last_entry), passed: wall }
    }
}

/// A source of random bytes fit for keys and salts.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// `N` random bytes from a source behind a pointer.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
