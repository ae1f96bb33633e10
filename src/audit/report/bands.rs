//! Bands: how a count is published, and what a reader can know from it.

use crate::model::limits;
use serde::{Serialize, Serializer};
use std::fmt;

/// What is published instead of a count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Band {
    /// Nothing happened.
    Zero,
    /// At least one, and fewer than [`limits::SMALL_COUNT`].
    Withheld,
    /// From the first number to the second, both included.
    Range(u64, u64),
    /// Nothing is said: with this number a withheld one could be worked out.
    NotGiven,
}

impl Band {
    /// The band of a count: 0, withheld, 5–9, then from 1, 2 and 5 times each power of ten to the next of them.
    pub fn of(count: u64) -> Self {
        if count == 0 {
            return Self::Zero;
        }
        if count < limits::SMALL_COUNT {
            return Self::Withheld;
        }
        let mut from = limits::SMALL_COUNT;
        loop {
            let Some(next) = after(from) else { return Self::Range(from, u64::MAX) };
            if count < next {
                return Self::Range(from, next - 1);
            }
            from = next;
        }
    }

    /// Least and greatest count it can stand for.
    pub const fn range(self) -> (u64, u64) {
        match self {
            Self::Zero => (0, 0),
            Self::Withheld => (1, limits::SMALL_COUNT - 1),
            Self::Range(least, most) => (least, most),
            Self::NotGiven => (0, u64::MAX),
        }
    }

    /// How many bands lie below: the length of a bar, since the count itself is not told.
    pub fn rank(self) -> u32 {
        let Self::Range(least, _) = self else { return u32::from(self == Self::Withheld) };
        let (mut rank, mut from) = (2, limits::SMALL_COUNT);
        while from < least {
            let (_, most) = Self::of(from).range();
            from = most.saturating_add(1);
            rank += 1;
        }
        rank
    }
}

/// Where the band after the one that begins at `from` begins; none when numbers end before.
fn after(from: u64) -> Option<u64> {
    let leading = from.to_string().starts_with('2');
    if leading { (from / 2).checked_mul(5) } else { from.checked_mul(2) }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("0"),
            Self::Withheld => f.write_str("withheld"),
            Self::Range(least, u64::MAX) => write!(f, "{least} or more"),
            Self::Range(least, most) => write!(f, "{least}\u{2013}{most}"),
            Self::NotGiven => f.write_str("not given"),
        }
    }
}

impl Serialize for Band {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_promised_and_every_count_has_one() {
        let words = |count| Band::of(count).to_string();
        assert_eq!(
            [0, 1, 4, 5, 9, 10, 19, 20].map(words),
            ["0", "withheld", "withheld", "5–9", "5–9", "10–19", "10–19", "20–49"]
        );
        assert_eq!(
            [49, 50, 99, 100, 199, 200, 499, 500].map(words),
            ["20–49", "50–99", "50–99", "100–199", "100–199", "200–499", "200–499", "500–999"]
        );
        for count in (0..3000).chain([u64::MAX - 1, u64::MAX]) {
            let (least, most) = Band::of(count).range();
            assert!((least..=most).contains(&count), "{count}: {least} to {most}");
        }
    }

    #[test]
    fn a_higher_band_has_a_longer_bar() {
        let ranks = [0, 1, 5, 10, 20, 50, 100, 200].map(|count| Band::of(count).rank());
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
