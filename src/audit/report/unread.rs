//! Entries of the case log whose bodies are gone: what a report cannot have counted.

use super::period::Period;
use crate::model::{
    epoch::EpochRow,
    event::{Log, Recorded},
    time::Timestamp,
};

/// Entries without bodies, between two that have theirs.
struct Gap {
    from: u64,
    until: u64,
    /// Times of the entries beside it; its own lie between them.
    after: Timestamp,
    before: Timestamp,
}

/// What is not there to be counted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Gone {
    /// Bodies shredded.
    pub shredded: u64,
    /// Bodies lost.
    pub lost: u64,
}

/// Notes gaps while the case log is read.
#[derive(Default)]
pub struct Unread {
    next: u64,
    last_at: Timestamp,
    gaps: Vec<Gap>,
}

impl Unread {
    /// An entry that has its body.
    pub fn saw(&mut self, recorded: Recorded) {
        if recorded.entry.log == Log::Case {
            self.gap_until(recorded.entry.index, recorded.at);
            self.next = recorded.entry.index.saturating_add(1);
            self.last_at = recorded.at;
        }
    }

    /// The log ends here.
    pub fn ended(&mut self, size: u64) {
        self.gap_until(size, Timestamp::FAR_FUTURE);
    }

    fn gap_until(&mut self, until: u64, before: Timestamp) {
        if until > self.next {
            self.gaps.push(Gap { from: self.next, until, after: self.last_at, before });
        }
    }

    /// Bodies that are gone and may be of this time.
    pub fn within(&self, period: Period, epoch: &EpochRow) -> Gone {
        let of_period = |gap: &&Gap| gap.after < period.end() && gap.before >= period.begin();
        let entries = self.gaps.iter().filter(of_period).flat_map(|gap| gap.from..gap.until);
        entries.fold(Gone::default(), |gone, index| {
            if epoch.explains(index) {
                Gone { lost: gone.lost + 1, ..gone }
            } else {
                Gone { shredded: gone.shredded + 1, ..gone }
            }
        })
    }
}
