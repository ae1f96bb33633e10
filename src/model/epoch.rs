//! Rolling forward: a broker whose newest data are lost goes on from an older copy and from the leaves that others kept.

use super::{
    event::{EntryRef, Log},
    rows::{InstitutionRow, Row},
};
use serde::{Deserialize, Serialize};

/// Case entries whose bodies were lost: `[from, until)`. Their leaves stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostRange {
    /// First of them.
    pub from: u64,
    /// First after them.
    pub until: u64,
}

impl LostRange {
    /// Whether an index lies inside.
    pub const fn contains(&self, index: u64) -> bool {
        self.from <= index && index < self.until
    }
}

/// The body of a `resumption` statement, signed by an administrator: the broker may go on after this roll-forward, and under
/// this roster. Needs k of n of administrators and council.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// Index of the `rolled-forward` entry in the register.
    pub entry: u64,
    /// First case entry that was lost.
    pub from: u64,
    /// First after them.
    pub until: u64,
    /// Number of the roster in force, which is confirmed along with it.
    pub roster: u64,
}

/// One roll-forward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollForward {
    /// Index of its entry in the register.
    pub entry: u64,
    /// What was lost.
    pub lost: LostRange,
    /// Whether enough administrators and enough of the council have looked at it.
    pub confirmed: bool,
}

/// Every roll-forward there was. Key: [`super::rows::ONLY`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRow {
    /// In their order.
    pub forwards: Vec<RollForward>,
}
impl Row for EpochRow {
    const KIND: &'static str = "epoch";
}

impl EpochRow {
    /// Whether one of them waits for its confirmation.
    pub fn unconfirmed(&self) -> bool {
        self.forwards.iter().any(|forward| !forward.confirmed)
    }
    /// Whether what a case entry gave is over: something that ended it may be among what was lost.
    pub fn ends(&self, given_in: EntryRef) -> bool {
        given_in.log == Log::Case && self.forwards.iter().any(|forward| given_in.index < forward.lost.until)
    }
    /// Whether an institution is admitted, and was so after the last of them.
    pub fn admits(&self, institution: &InstitutionRow) -> bool {
        let since = self.forwards.iter().map(|forward| forward.entry).max();
        institution.admitted_at.is_some() && since.is_none_or(|since| institution.admitted_in > Some(since))
    }
    /// Whether somebody who had verified so many register entries knew of all of them. A grant signed before may be one that
    /// was withdrawn in what was lost, brought again by whoever kept it.
    pub fn known_at(&self, register_size: Option<u64>) -> bool {
        self.forwards.iter().all(|forward| register_size > Some(forward.entry))
    }
    /// The confirmed roll-forward that lost an entry.
    pub fn explains(&self, index: u64) -> bool {
        self.forwards.iter().any(|forward| forward.confirmed && forward.lost.contains(index))
    }
}
