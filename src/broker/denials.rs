//! Denials to an officer who asks again and again: so many an hour are entries, the others become one.
//!
//! The counts of the running hour are in memory and die with the process; a graceful stop writes them first.

use super::{Broker, BrokerError};
use crate::{
    model::{
        event::DenialCount,
        ids::KeyId,
        limits,
        time::{Duration, Timestamp},
    },
    store::OwnRecord,
};
use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How a denial is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recording {
    /// By an entry of its own.
    Entry,
    /// It has been counted.
    Counted,
}

/// Which hours are entered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hours {
    Over,
    All,
}

/// Denials of the running hour, by officer.
pub(super) struct Denials {
    entries_an_hour: u32,
    counting: Mutex<Counting>,
}

#[derive(Default)]
struct Counting {
    hours: HashMap<KeyId, Hour>,
    /// Counts whose hour is over and that are not entries yet.
    waiting: Vec<DenialCount>,
}

/// An officer's hour. It begins with the first denial.
struct Hour {
    from: Timestamp,
    /// The same moment by monotonic time: setting the wall clock makes no hour longer.
    began: Duration,
    entries: u32,
    counted: u64,
}

/// One reading of both clocks.
#[derive(Clone, Copy)]
struct Now {
    wall: Timestamp,
    monotonic: Duration,
}

impl Hour {
    fn is_over(&self, now: Now) -> bool {
        now.monotonic.as_seconds() >= self.began.as_seconds().saturating_add(limits::DENIALS_WITHIN.as_seconds())
    }

    /// What is to be entered of it, if anything.
    fn count(&self, key: KeyId, now: Now) -> Option<DenialCount> {
        let end = self.from.plus(limits::DENIALS_WITHIN);
        let first_after = self.from.plus(Duration::from_seconds(1));
        let until = if self.is_over(now) { end } else { now.wall.max(first_after).min(end) };
        (self.counted > 0).then_some(DenialCount { key, from: self.from, until, count: self.counted })
    }
}

impl Denials {
    pub(super) fn new(entries_an_hour: u32) -> Self {
        Self { entries_an_hour, counting: Mutex::default() }
    }

    fn counting(&self) -> MutexGuard<'_, Counting> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides about one more denial, and counts it if it is to be counted.
    fn one_more(&self, key: KeyId, now: Now) -> Recording {
        let mut counting = self.counting();
        if counting.waiting.len() >= limits::DENIALS_COUNTED {
            return Recording::Entry;
        }
        if counting.hours.get(&key).is_some_and(|hour| hour.is_over(now)) {
            let over = counting.hours.remove(&key).and_then(|hour| hour.count(key, now));
            counting.waiting.extend(over);
        }
        if counting.hours.len() >= limits::DENIALS_COUNTED && !counting.hours.contains_key(&key) {
            return Recording::Entry;
        }
        let fresh = Hour { from: now.wall, began: now.monotonic, entries: 0, counted: 0 };
        let hour = counting.hours.entry(key).or_insert(fresh);
        if hour.entries < self.entries_an_hour {
            hour.entries += 1;
            return Recording::Entry;
        }
        hour.counted = hour.counted.saturating_add(1);
        Recording::Counted
    }

    /// Takes out what is to be entered now, and forgets hours in which nothing was counted.
    fn take(&self, which: Hours, now: Now) -> Vec<DenialCount> {
        let mut counting = self.counting();
        let mut taken = mem::take(&mut counting.waiting);
        counting.hours.retain(|key, hour| {
            let stays = which == Hours::Over && !hour.is_over(now);
            if !stays {
                taken.extend(hour.count(*key, now));
            }
            stays
        });
        taken
    }

    fn put_back(&self, counts: impl IntoIterator<Item = DenialCount>) {
        self.counting().waiting.extend(counts);
    }
}

impl Broker {
    /// How one more denial to `key` is to be recorded.
    ///
    /// # Errors
    /// When nothing may be recorded.
    pub(super) fn record_denial(&self, key: KeyId) -> Result<Recording, BrokerError> {
        match self.store.revoke_only() {
            Some(why) => Err(BrokerError::RevokeOnly(why)),
            None => Ok(self.denials.one_more(key, self.two_clocks())),
        }
    }

    /// Enters every count, also of the running hour: what a broker does before it stops.
    ///
    /// # Errors
    /// The first count that could not be entered; it stays in memory, and the others are entered.
    pub async fn settle(&self) -> Result<(), BrokerError> {
        self.enter_counts(Hours::All).await
    }

    /// Enters the counts whose hour is over.
    pub(super) async fn settle_hours(&self) -> Result<(), BrokerError> {
        self.enter_counts(Hours::Over).await
    }

    async fn enter_counts(&self, which: Hours) -> Result<(), BrokerError> {
        let mut first_error = None;
        for count in self.denials.take(which, self.two_clocks()) {
            if let Err(error) = self.store.record(OwnRecord::DenialsCounted(count)).await {
                self.denials.put_back([count]);
                first_error.get_or_insert(error.into());
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    fn two_clocks(&self) -> Now {
        Now { wall: self.clock.wall(), monotonic: self.clock.monotonic() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now { wall: Timestamp::from_seconds(1_000_000 + seconds), monotonic: Duration::from_seconds(seconds) }
    }
    fn key(n: u64) -> KeyId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        KeyId::from_bytes(bytes)
    }
    fn counted(count: u64, from: u64, until: u64) -> DenialCount {
        DenialCount { key: key(1), from: at(from).wall, until: at(until).wall, count }
    }

    #[test]
    fn so_many_are_entries_and_the_rest_is_counted_once_the_hour_is_over() {
        let denials = Denials::new(2);
        let asked: Vec<Recording> = (0..5).map(|s| denials.one_more(key(1), at(s))).collect();
        let expected = [[Recording::Entry; 3], [Recording::Counted; 3]].concat();
        assert_eq!(asked, expected[1..]);
        assert_eq!(denials.take(Hours::Over, at(3599)), []);
        assert_eq!(denials.take(Hours::Over, at(3600)), [counted(3, 0, 3600)]);
        assert_eq!(denials.take(Hours::Over, at(7200)), [], "once");
    }

    #[test]
    fn next_hour_begins_anew_and_loses_nothing_of_the_one_before() {
        let denials = Denials::new(1);
        let asked = (0..3).map(|s| denials.one_more(key(1), at(s)));
        assert_eq!(asked.filter(|recording| *recording == Recording::Counted).count(), 2);
        assert_eq!(denials.one_more(key(1), at(3600)), Recording::Entry);
        assert_eq!(denials.one_more(key(1), at(3601)), Recording::Counted);
        assert_eq!(denials.take(Hours::Over, at(3601)), [counted(2, 0, 3600)]);
        assert_eq!(denials.take(Hours::Over, at(7200)), [counted(1, 3600, 7200)]);
    }

    #[test]
    fn stopping_takes_the_running_hour_up_to_now() {
        let denials = Denials::new(0);
        denials.one_more(key(1), at(0));
        assert_eq!(denials.take(Hours::All, at(0)), [counted(1, 0, 1)], "an entry's time is never empty");
        denials.one_more(key(1), at(10));
        assert_eq!(denials.take(Hours::All, at(70)), [counted(1, 10, 70)]);
    }

    #[test]
    fn what_could_not_be_entered_waits() {
        let denials = Denials::new(0);
        denials.one_more(key(1), at(0));
        let taken = denials.take(Hours::Over, at(3600));
        denials.put_back(taken.clone());
        assert_eq!(denials.take(Hours::Over, at(3605)), taken);
    }

    #[test]
    fn wall_clock_that_is_set_back_makes_no_hour_longer() {
        let denials = Denials::new(0);
        denials.one_more(key(1), at(0));
        let back = Now { wall: Timestamp::from_seconds(5), monotonic: Duration::from_seconds(3600) };
        assert_eq!(denials.take(Hours::Over, back), [counted(1, 0, 3600)]);
    }

    #[test]
    fn keys_beyond_the_bound_are_entered_one_by_one() {
        let denials = Denials::new(0);
        for n in 0..limits::DENIALS_COUNTED as u64 {
            assert_eq!(denials.one_more(key(n), at(0)), Recording::Counted);
        }
        let one_more = key(limits::DENIALS_COUNTED as u64);
        assert_eq!(denials.one_more(one_more, at(0)), Recording::Entry);
        assert_eq!(denials.one_more(key(0), at(0)), Recording::Counted);
        assert_eq!(denials.counting().hours.len(), limits::DENIALS_COUNTED);
        denials.take(Hours::Over, at(3600));
        assert_eq!(denials.one_more(one_more, at(3600)), Recording::Counted);
    }
}
