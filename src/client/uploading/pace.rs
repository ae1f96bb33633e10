//! How fast and how patiently an upload goes, and what a person is told of it.

use crate::{
    client::{
        desk::{Desk, DeskError},
        remote::RemoteError,
    },
    model::ambient::{Clock, random},
};
use std::{
    io::{self, Read},
    num::NonZeroU64,
    sync::Arc,
    thread,
    time::Duration,
};

/// The first part: small enough to tell soon what the link can do.
const FIRST_PART_BYTES: u64 = 1 << 20;
/// Smaller parts cost more in answers than they save.
const LEAST_PART_BYTES: u64 = 64 << 10;
/// Larger parts are no faster.
const MOST_PART_BYTES: u64 = 64 << 20;
/// How long a part should take: the next "safe at the broker" is never far away.
const PART_TAKES: Duration = Duration::from_secs(5);
/// First wait after a trouble.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Bytes sent between two looks at the clock when the rate is limited.
const SLICE_BYTES: usize = 8 << 10;

/// How an upload goes about it.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Most bytes a second; as fast as the link if none.
    pub limit: Option<NonZeroU64>,
    /// How long to go on trying without a single further byte safe; zero means that the first trouble ends it.
    pub patience: Duration,
    /// Most bytes in one part, for tests and measurements.
    pub part_bytes: Option<NonZeroU64>,
}

/// What happens to an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// So many more bytes of the sealed file were compared with the report statement.
    Checked(u64),
    /// So many bytes in all are safe at the broker.
    Safe(u64),
    /// The connection failed or the broker is busy; the next attempt comes after a wait.
    Waiting {
        /// What happened, in words.
        why: String,
        /// How long.
        wait: Duration,
    },
}

/// How long the parts are: they grow while the link carries them quickly and shrink when it breaks.
#[derive(Debug)]
pub(super) struct PartSize {
    bytes: u64,
    most: u64,
}

impl PartSize {
    pub(super) fn new(pace: &Pace) -> Self {
        let most = pace.part_bytes.map_or(MOST_PART_BYTES, NonZeroU64::get);
        // With a limit it is known what the link can do: a first part that takes minutes would be given up.
        let first = pace.limit.map_or(FIRST_PART_BYTES, |limit| {
            limit.get().saturating_mul(PART_TAKES.as_secs()).clamp(LEAST_PART_BYTES, FIRST_PART_BYTES)
        });
        Self { bytes: first.min(most), most }
    }
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// A part of `sent` bytes arrived in `took`: the next is as long as fits the time a part should take, at most doubled.
    pub(super) fn arrived(&mut self, sent: u64, took: Duration) {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let fits = sent.saturating_mul(PART_TAKES.as_secs() * 1000) / millis;
        self.set(fits.min(self.bytes.saturating_mul(2)));
    }
    /// The link broke.
    pub(super) fn broke(&mut self) {
        self.set(self.bytes / 2);
    }
    fn set(&mut self, bytes: u64) {
        self.bytes = bytes.clamp(LEAST_PART_BYTES.min(self.most), self.most);
    }
}

/// How long to wait next, until patience is over.
pub(in crate::client) struct Patience {
    left: Duration,
    all: Duration,
    next: Duration,
}

impl Patience {
    pub(in crate::client) fn new(pace: &Pace) -> Self {
        Self { left: pace.patience, all: pace.patience, next: FIRST_WAIT }
    }
    /// Something arrived.
    pub(in crate::client) fn renew(&mut self) {
        (self.left, self.next) = (self.all, FIRST_WAIT);
    }
    /// Waits before the next attempt, and says so first; an error that waiting does not mend is handed back.
    pub(in crate::client) fn after(
        &mut self,
        desk: &Desk,
        error: RemoteError,
        told: &mut dyn FnMut(String, Duration),
    ) -> Result<(), DeskError> {
        if !error.passes() {
            return Err(error.into());
        }
        let [chance] = random(&*desk.entropy);
        let Some(wait) = self.wait(chance) else { return Err(error.into()) };
        let asked = error.problem().and_then(|problem| problem.retry_after).map(Duration::from_secs);
        // A broker may ask for more time, but not for more than there is patience for.
        let wait = match asked {
            Some(asked) if asked > wait => match self.left.checked_sub(asked.saturating_sub(wait)) {
                Some(left) => {
                    self.left = left;
                    asked
                }
                None => return Err(error.into()),
            },
            _ => wait,
        };
        told(error.to_string(), wait);
        thread::sleep(wait);
        Ok(())
    }
    /// The next wait; `None` when it is time to give up. `chance` spreads devices that lost the same broker.
    fn wait(&mut self, chance: u8) -> Option<Duration> {
        if self.left.is_zero() {
            return None;
        }
        let spread = self.next.mul_f64(0.5 + f64::from(chance) / 512.0).min(self.left);
        self.left = self.left.saturating_sub(spread);
        self.next = (self.next * 2).min(LONGEST_WAIT);
        Some(spread)
    }
}

/// A reader that brings no more than so many bytes a second.
pub(in crate::client) struct Limited<R> {
    inner: R,
    limit: Option<NonZeroU64>,
    clock: Arc<dyn Clock>,
    began: Duration,
    sent: u64,
}

impl<R> Limited<R> {
    pub(in crate::client) fn new(inner: R, pace: &Pace, clock: Arc<dyn Clock>) -> Self {
        let began = clock.stopwatch();
        Self { inner, limit: pace.limit, clock, began, sent: 0 }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(limit) = self.limit else { return self.inner.read(buffer) };
        let due = Duration::from_millis(self.sent.saturating_mul(1000) / limit);
        thread::sleep((self.began + due).saturating_sub(self.clock.stopwatch()));
        // The first slice of every part is free of the clock: a small one keeps a slow limit, and never stalls for long.
        let quarter = usize::try_from(limit.get() / 4).unwrap_or(SLICE_BYTES).max(1);
        let slice = buffer.len().min(SLICE_BYTES).min(quarter);
        let read = self.inner.read(buffer.get_mut(..slice).unwrap_or_default())?;
        self.sent += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_on_a_quick_link_and_shrink_when_it_breaks() {
        let mut size = PartSize::new(&Pace::default());
        let first = size.bytes();
        size.arrived(first, Duration::from_millis(10));
        assert_eq!(size.bytes(), 2 * first);
        size.broke();
        size.broke();
        assert_eq!(size.bytes(), first / 2);
        // 8,000 bytes a second: what fits five seconds, and no less than a part is worth.
        size.arrived(80_000, Duration::from_secs(10));
        assert_eq!(size.bytes(), LEAST_PART_BYTES);
        for _ in 0..40 {
            size.arrived(size.bytes(), Duration::from_millis(1));
        }
        assert_eq!(size.bytes(), MOST_PART_BYTES);
    }

    #[test]
    fn patience_ends_and_is_renewed_by_progress() {
        let pace = Pace { patience: Duration::from_secs(10), ..Pace::default() };
        let mut patience = Patience::new(&pace);
        let mut waited = Duration::ZERO;
        while let Some(wait) = patience.wait(255) {
            waited += wait;
        }
        assert_eq!(waited, Duration::from_secs(10));
        patience.renew();
        assert!(patience.wait(0).is_some());
        assert_eq!(Patience::new(&Pace::default()).wait(0), None);
    }
}
