//! Time as whole seconds, and the two clocks of a decision.
//!
//! Nothing here reads a clock. RFC 3339 text belongs to manifests and human output.

use super::limits;
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Timestamp(u64);

/// A length of time in whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Duration(u64);

macro_rules! below_two_to_53 {
    ($name:ident) => {
        impl TryFrom<u64> for $name {
            type Error = &'static str;
            fn try_from(seconds: u64) -> Result<Self, Self::Error> {
                if seconds <= MAX_SECONDS { Ok(Self(seconds)) } else { Err("integers must be below 2^53") }
            }
        }
        impl From<$name> for u64 {
            fn from(value: $name) -> u64 {
                value.0
            }
        }
    };
}
below_two_to_53!(Timestamp);
below_two_to_53!(Duration);

impl Timestamp {
    /// The end of time: later than every window.
    pub const FAR_FUTURE: Self = Self(MAX_SECONDS);

    /// From seconds since the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }
    /// Seconds since the epoch.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }
    /// This moment and `duration` later; stops at the far future rather than wrapping.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0).min(MAX_SECONDS))
    }
    /// `self - earlier` in seconds, negative when `self` is earlier.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        let wide = i128::from(self.0) - i128::from(earlier.0);
        i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Integers in statements stay below 2⁵³ so that every JSON reader agrees on them.
pub const MAX_SECONDS: u64 = (1 << 53) - 1;

impl Duration {
    /// From seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }
    /// From days of 86,400 seconds.
    pub const fn from_days(days: u64) -> Self {
        Self(days * 86_400)
    }
    /// In seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }
}

/// What "now" means to a decision: one reading for what must not have passed, one for what must have.
///
/// Without witnesses `passed` is the wall clock; `not_passed` never runs behind the last log entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// For expiry: the later of wall clock and last entry.
    pub not_passed: Timestamp,
    /// For waiting times: the wall clock, or the newest cosignature.
    pub passed: Timestamp,
}

impl Clocks {
    /// Whether what was decided by these clocks may be entered at `now`: neither reading lies ahead, and what must not
    /// have passed was judged by a reading no older than [`limits::DECIDED_WITHIN`].
    ///
    /// Nothing bounds `passed` from below: it may lag behind the log for as long as a wall clock that was set back does,
    /// and the earlier it is, the less is released.
    pub fn suit_an_entry_at(self, now: Timestamp) -> bool {
        self.passed <= self.not_passed && self.not_passed <= now && now <= self.not_passed.plus(limits::DECIDED_WITHIN)
    }
}

/// A half-open window `[from, until)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First second inside.
    pub from: Timestamp,
    /// First second after.
    pub until: Timestamp,
}

impl Window {
    /// Whether both clocks are inside: begun on `passed`, not ended on `not_passed`.
    pub fn is_open(&self, clocks: Clocks) -> bool {
        clocks.passed >= self.from && clocks.not_passed < self.until
    }
    /// Whether it holds at least one second.
    pub fn is_proper(&self) -> bool {
        self.from < self.until && self.until.0 <= MAX_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_ends_exactly_on_its_last_second() {
        let window = Window { from: Timestamp(10), until: Timestamp(20) };
        let at = |s| Clocks { not_passed: Timestamp(s), passed: Timestamp(s) };
        assert!(!window.is_open(at(9)));
        assert!(window.is_open(at(10)));
        assert!(window.is_open(at(19)));
        assert!(!window.is_open(at(20)));
    }

    #[test]
    fn decision_is_entered_neither_before_its_clocks_nor_long_after() {
        let within = limits::DECIDED_WITHIN.as_seconds();
        let clocks = |passed, not_passed| Clocks { not_passed: Timestamp(not_passed), passed: Timestamp(passed) };
        let suit = |clocks: Clocks, now| clocks.suit_an_entry_at(Timestamp(now));
        assert!(suit(clocks(1000, 1000), 1000));
        assert!(suit(clocks(1000, 1000), 1000 + within));
        assert!(!suit(clocks(1000, 1000), 1001 + within));
        assert!(!suit(clocks(1000, 1000), 999));
        assert!(suit(clocks(10, 1000), 1000), "a wall clock that was set back");
        assert!(!suit(clocks(1001, 1000), 1000), "nothing has passed that is still to come");
    }
}
