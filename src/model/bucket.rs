//! Token buckets: how often something may happen, remembered in memory for a bounded number of keys.
//!
//! Nothing here reads a clock: the caller brings monotonic time, so that setting the wall clock neither empties nor
//! fills a bucket. A bucket that is full again is the same as none, and is forgotten first.

use super::time::Duration;
use std::{collections::HashMap, hash::Hash};

/// How often something may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Times an hour in the long run; nought counts as one.
    pub per_hour: u32,
    /// Times at once; nought counts as one.
    pub burst: u32,
}

/// Units one token is made of: with as many as seconds in an hour, every rate an hour is a whole number a second.
const UNITS: u64 = 3600;

impl Rate {
    fn per_second(self) -> u64 {
        u64::from(self.per_hour.max(1))
    }
    fn capacity(self) -> u64 {
        u64::from(self.burst.max(1)) * UNITS
    }
}

/// It happened too often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooOften {
    /// Seconds until it may happen once more, at least 1.
    pub retry_after_seconds: u64,
}

/// What is left for one key.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    // INVARIANT: at most the rate's capacity.
    units: u64,
    at: Duration,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: Rate, now: Duration) -> Self {
        Self { units: rate.capacity(), at: now }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// [`TooOften`] when there is none; then nothing is taken.
    pub fn take(&mut self, rate: Rate, now: Duration) -> Result<(), TooOften> {
        self.refill(rate, now);
        match self.units.checked_sub(UNITS) {
            Some(left) => {
                self.units = left;
                Ok(())
            }
            None => Err(TooOften { retry_after_seconds: (UNITS - self.units).div_ceil(rate.per_second()).max(1) }),
        }
    }

    fn refill(&mut self, rate: Rate, now: Duration) {
        let passed = now.as_seconds().saturating_sub(self.at.as_seconds());
        self.units = self.units.saturating_add(passed.saturating_mul(rate.per_second())).min(rate.capacity());
        self.at = self.at.max(now);
    }

    fn is_full(mut self, rate: Rate, now: Duration) -> bool {
        self.refill(rate, now);
        self.units == rate.capacity()
    }
}

/// Buckets by key. A full table sends new keys to one bucket they share: it neither grows nor lets them through.
pub struct Buckets<K> {
    rate: Rate,
    most: usize,
    held: HashMap<K, Bucket>,
    shared: Option<Bucket>,
    tidied: Option<Duration>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// None yet; at most `most` keys are told apart.
    pub fn new(rate: Rate, most: usize) -> Self {
        Self { rate, most, held: HashMap::new(), shared: None, tidied: None }
    }

    /// Takes one token of a key's.
    ///
    /// # Errors
    /// [`TooOften`].
    pub fn take(&mut self, key: K, now: Duration) -> Result<(), TooOften> {
        let rate = self.rate;
        if self.held.len() >= self.most && !self.held.contains_key(&key) {
            self.tidy(now);
        }
        if self.held.len() < self.most || self.held.contains_key(&key) {
            self.held.entry(key).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
        } else {
            self.shared.get_or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        // A table of its own, so that nothing of the old one stays behind in memory that is still held.
        self.held = HashMap::new();
        self.shared = None;
    }

    /// Forgets buckets that are full again; at most once a second, since it looks at all of them.
    fn tidy(&mut self, now: Duration) {
        if self.tidied != Some(now) {
            self.tidied = Some(now);
            let rate = self.rate;
            self.held.retain(|_, bucket| !bucket.is_full(rate, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_hour: 360, burst: 2 };

    fn at(seconds: u64) -> Duration {
        Duration::from_seconds(seconds)
    }

    #[test]
    fn burst_is_taken_and_no_more() {
        let mut bucket = Bucket::full(RATE, at(5));
        assert_eq!(bucket.take(RATE, at(5)), Ok(()));
        assert_eq!(bucket.take(RATE, at(5)), Ok(()));
        assert_eq!(bucket.take(RATE, at(5)), Err(TooOften { retry_after_seconds: 10 }));
    }

    #[test]
    fn token_is_back_exactly_when_it_was_said_to_be() {
        let mut bucket = Bucket::full(RATE, at(0));
        (0..2).for_each(|_| bucket.take(RATE, at(0)).unwrap());
        assert_eq!(bucket.take(RATE, at(3)), Err(TooOften { retry_after_seconds: 7 }));
        assert_eq!(bucket.take(RATE, at(9)), Err(TooOften { retry_after_seconds: 1 }));
        assert_eq!(bucket.take(RATE, at(10)), Ok(()));
        assert!(bucket.take(RATE, at(10)).is_err());
    }

    #[test]
    fn long_rest_fills_up_to_the_burst_and_not_beyond() {
        let mut bucket = Bucket::full(RATE, at(0));
        (0..2).for_each(|_| bucket.take(RATE, at(0)).unwrap());
        (0..2).for_each(|_| bucket.take(RATE, at(1_000_000)).unwrap());
        assert!(bucket.take(RATE, at(1_000_000)).is_err());
    }

    #[test]
    fn time_that_runs_backwards_gives_nothing() {
        let mut bucket = Bucket::full(RATE, at(100));
        (0..2).for_each(|_| bucket.take(RATE, at(100)).unwrap());
        assert!(bucket.take(RATE, at(0)).is_err());
        assert!(bucket.take(RATE, at(109)).is_err(), "going back and forth is no waiting");
    }

    #[test]
    fn full_table_shares_one_bucket_and_does_not_grow() {
        let mut buckets = Buckets::new(RATE, 3);
        for key in 0..3 {
            buckets.take(key, at(0)).unwrap();
        }
        assert_eq!(buckets.take(3, at(0)), Ok(()));
        assert_eq!(buckets.take(4, at(0)), Ok(()));
        assert!(buckets.take(5, at(0)).is_err(), "strangers share what is left");
        assert_eq!(buckets.take(0, at(0)), Ok(()), "who is known keeps their own");
        assert_eq!(buckets.held.len(), 3);
    }

    #[test]
    fn keys_that_rested_make_room() {
        let mut buckets = Buckets::new(RATE, 2);
        buckets.take(0, at(0)).unwrap();
        buckets.take(1, at(8)).unwrap();
        buckets.take(2, at(10)).unwrap();
        assert!(!buckets.held.contains_key(&0) && buckets.held.contains_key(&1) && buckets.held.contains_key(&2));
    }

    #[test]
    fn cleared_table_remembers_nobody() {
        let mut buckets = Buckets::new(RATE, 2);
        (0..2).for_each(|_| buckets.take(0, at(0)).unwrap());
        assert!(buckets.take(0, at(0)).is_err());
        buckets.clear();
        assert_eq!(buckets.take(0, at(0)), Ok(()));
    }
}
