//! What an institution owes after it collected: an honest answer on what became of the information.
//!
//! An answer is owed when a grant that was exercised is withdrawn, when the time to keep is over, and when the review date
//! of an earlier "cannot" comes. Only an overdue answer blocks; a reasoned "cannot" is an answer.

use super::{
    ids::{GrantId, ReleaseId},
    limits,
    statement::Text,
    time::{Duration, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The body of a `status` statement, signed by an officer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The grant; equals `subject`.
    pub grant: GrantId,
    /// The release it speaks of.
    pub release: ReleaseId,
    /// What became of what was collected.
    pub became: Became,
}

/// What became of what was collected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Became {
    /// It was received, and nothing else yet.
    Received {},
    /// Used in the institution's own work.
    UsedInternally {},
    /// Shown to the parties of proceedings.
    DisclosedToParties {},
    /// Part of a court's or commission's record.
    InTheRecord {},
    /// Published.
    Published {},
    /// In an archive with restricted access.
    ArchivedRestricted {},
    /// Handed back, no copy kept.
    Returned {},
    /// Erased.
    Erased {},
    /// It cannot be said before this time.
    CannotSay {
        /// First second by which it can.
        until: Timestamp,
    },
    /// It cannot be erased.
    CannotErase {
        /// Why.
        reason: Text,
        /// First second by which that is looked at again.
        review: Timestamp,
    },
}

impl Became {
    /// The word for it, as it stands in statements.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Received {} => "received",
            Self::UsedInternally {} => "used-internally",
            Self::DisclosedToParties {} => "disclosed-to-parties",
            Self::InTheRecord {} => "in-the-record",
            Self::Published {} => "published",
            Self::ArchivedRestricted {} => "archived-restricted",
            Self::Returned {} => "returned",
            Self::Erased {} => "erased",
            Self::CannotSay { .. } => "cannot-say",
            Self::CannotErase { .. } => "cannot-erase",
        }
    }

    /// When more has to be said, if it puts something off.
    pub const fn puts_off(&self) -> Option<Timestamp> {
        match self {
            Self::CannotSay { until } => Some(*until),
            Self::CannotErase { review, .. } => Some(*review),
            _ => None,
        }
    }

    /// Whether it says what became of the information: "received" does not.
    const fn answers(&self, owed: Owes) -> bool {
        match (self, owed) {
            // What may not be kept any more has to be gone, or lie where duties of its own keep it.
            (Self::Received {}, _) | (Self::UsedInternally {} | Self::DisclosedToParties {}, Owes::Keeping) => false,
            _ => true,
        }
    }
}

/// Why an answer is owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Owes {
    /// The grant was withdrawn, or the report was.
    Withdrawn,
    /// The time to keep it is over.
    Keeping,
}

/// Whether the institution owes an answer under one grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// Nothing is owed: nothing was collected, or everything was said.
    #[default]
    NotOwed,
    /// An answer is owed.
    Owed {
        /// First second at which it is overdue.
        due: Timestamp,
        /// Why.
        because: Owes,
    },
}

impl Answer {
    /// First second at which it is overdue.
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::NotOwed => None,
            Self::Owed { due, .. } => Some(*due),
        }
    }

    /// What was collected may be kept until `keep_until`: the day after, and time to say so.
    #[must_use]
    pub fn kept_until(keep_until: Timestamp) -> Self {
        Self::Owed { due: end_of_day(keep_until.plus(limits::ANSWER_LEAST)), because: Owes::Keeping }
    }

    /// It was withdrawn at `at`; the owner asks for an answer by `asked`, and the institution's terms give it `response`.
    /// An answer that is owed already is not put off.
    #[must_use]
    pub fn withdrawn(self, at: Timestamp, asked: Timestamp, response: Option<Duration>) -> Self {
        let least = at.plus(response.unwrap_or_default().max(limits::ANSWER_LEAST));
        let due = end_of_day(asked.max(least).min(at.plus(limits::ANSWER_MOST)));
        match self {
            Self::Owed { due: before, because: Owes::Withdrawn } => {
                Self::Owed { due: before.min(due), because: Owes::Withdrawn }
            }
            Self::Owed { .. } | Self::NotOwed => Self::Owed { due, because: Owes::Withdrawn },
        }
    }

    /// What is still owed after the institution said what became of it.
    #[must_use]
    pub fn after(self, became: &Became) -> Self {
        match (self, became.puts_off()) {
            (Self::Owed { because, .. }, Some(until)) => Self::Owed { due: end_of_day(until), because },
            (Self::Owed { because, .. }, None) if became.answers(because) => Self::NotOwed,
            (owed, _) => owed,
        }
    }
}

/// First second of the day after `moment`, in UTC: what is due on a day is due by the end of it.
pub fn end_of_day(moment: Timestamp) -> Timestamp {
    const DAY: u64 = 86_400;
    Timestamp::from_seconds((moment.as_seconds() / DAY).saturating_add(1).saturating_mul(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn answer_is_due_by_the_end_of_a_day_and_never_at_once() {
        let at_once = Answer::NotOwed.withdrawn(NOW, NOW, None).due().unwrap();
        assert_eq!(at_once.as_seconds() % 86_400, 0);
        assert!(at_once > NOW.plus(limits::ANSWER_LEAST));
        assert!(at_once <= NOW.plus(limits::ANSWER_LEAST).plus(Duration::from_days(1)));
        let late = Answer::NotOwed.withdrawn(NOW, Timestamp::FAR_FUTURE, None).due().unwrap();
        assert!(late <= NOW.plus(limits::ANSWER_MOST).plus(Duration::from_days(1)));
        let given = Answer::NotOwed.withdrawn(NOW, NOW, Some(Duration::from_days(60))).due().unwrap();
        assert!(given > NOW.plus(Duration::from_days(60)));
    }

    #[test]
    fn second_withdrawal_puts_nothing_off() {
        let first = Answer::NotOwed.withdrawn(NOW, NOW, None);
        assert_eq!(first.withdrawn(NOW.plus(Duration::from_days(5)), Timestamp::FAR_FUTURE, None), first);
    }

    #[test]
    fn received_is_no_answer_and_cannot_is_one() {
        let owed = Answer::NotOwed.withdrawn(NOW, NOW, None);
        assert_eq!(owed.after(&Became::Received {}), owed);
        assert_eq!(owed.after(&Became::Erased {}), Answer::NotOwed);
        assert_eq!(owed.after(&Became::UsedInternally {}), Answer::NotOwed);
        let review = NOW.plus(Duration::from_days(90));
        let cannot = Became::CannotErase { reason: "part of the record".parse().unwrap(), review };
        assert_eq!(owed.after(&cannot).due(), Some(end_of_day(review)));
    }

    #[test]
    fn what_may_not_be_kept_is_not_answered_by_having_been_used() {
        let owed = Answer::kept_until(NOW);
        assert_eq!(owed.after(&Became::UsedInternally {}), owed);
        assert_eq!(owed.after(&Became::Returned {}), Answer::NotOwed);
    }

    #[test]
    fn day_ends_exactly_at_midnight() {
        let midnight = Timestamp::from_seconds(86_400 * 20_000);
        assert_eq!(end_of_day(midnight), midnight.plus(Duration::from_days(1)));
        assert_eq!(end_of_day(Timestamp::from_seconds(midnight.as_seconds() - 1)), midnight);
    }
}
