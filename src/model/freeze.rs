//! Freezing: everything of an advocate stops but what stops. Needs one signature and no signing in.
//!
//! A guardian file is a freeze that was signed beforehand and left with somebody trusted, against arrest or seizure. It is
//! used once, because a statement is accepted once, and it stays good when keys are rotated.

use super::{
    ids::{Digest, PartyId},
    limits,
    rows::Row,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The body of a `freeze`, by its owner's key or recovery key, or by an administrator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Who is frozen.
    pub party: PartyId,
    /// Who may lift it. An administrator's is lifted by administrators whatever this says.
    pub lift: Lift,
}

/// Who may lift an owner's freeze.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Lift {
    /// The recovery key.
    Recovery {},
    /// The recovery key, and somebody else who agrees: words can be beaten out of one person.
    RecoveryAndGuardian {
        /// An advocate of this broker.
        guardian: PartyId,
    },
}

/// The body of a `thaw`: by the recovery key, or by an administrator for administrators' freezes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thaw {
    /// Who is frozen.
    pub party: PartyId,
    /// Digest of the freeze that is lifted; equals `subject`.
    pub freeze: Digest,
}

/// Whose freeze it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FrozenBy {
    /// The owner's, or a guardian file of theirs.
    Owner {
        /// Who may lift it.
        lift: Lift,
    },
    /// The administrators'.
    Administrators {
        /// First second it no longer holds, unless a second administrator agrees.
        lapses: Option<Timestamp>,
    },
}

impl FrozenBy {
    /// Kinds that do not take each other's place.
    const fn kind(&self) -> u8 {
        match self {
            Self::Owner { lift: Lift::Recovery {} } => 0,
            Self::Owner { lift: Lift::RecoveryAndGuardian { .. } } => 1,
            Self::Administrators { .. } => 2,
        }
    }
    /// Whether the same people lift both, and neither lasts where the other lapses.
    fn is_lifted_as(&self, other: Self) -> bool {
        match (self, other) {
            (Self::Owner { lift }, Self::Owner { lift: other }) => *lift == other,
            (Self::Administrators { lapses }, Self::Administrators { .. }) => lapses.is_some(),
            _ => false,
        }
    }
}

/// A freeze in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeInForce {
    /// The statement.
    pub freeze: Digest,
    /// Since when.
    pub at: Timestamp,
    /// Whose it is.
    pub by: FrozenBy,
}

/// The freezes of one party. Key: its [`PartyId`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenRow {
    /// In their order.
    pub freezes: Vec<FreezeInForce>,
    /// When the party was last frozen, until it no longer was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub over: Option<Stood>,
}

/// A stretch of time in which a party was frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stood {
    /// First second.
    pub from: Timestamp,
    /// First second after.
    pub until: Timestamp,
}
impl Row for FrozenRow {
    const KIND: &'static str = "frozen";
}

impl FrozenRow {
    /// Whether any freeze holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.freezes.iter().any(|freeze| freeze.holds_at(now))
    }
    /// One of them.
    pub fn of(&self, freeze: Digest) -> Option<&FreezeInForce> {
        self.freezes.iter().find(|held| held.freeze == freeze)
    }
    /// Adds one. Of each kind there are so many at most; then the newest takes the place of one that the same people lift, so
    /// that nobody can keep out, or push out, a freeze that others lift by filling the row.
    pub fn add(&mut self, freeze: FreezeInForce) {
        self.over = self.over_at(freeze.at);
        self.freezes.retain(|held| held.holds_at(freeze.at));
        let alike = |held: &FreezeInForce| held.by.kind() == freeze.by.kind();
        if self.freezes.iter().filter(|held| alike(held)).count() < limits::FREEZES {
            self.freezes.push(freeze);
        } else if let Some(same) = self.freezes.iter_mut().rev().find(|held| held.by.is_lifted_as(freeze.by)) {
            // What it kept from being destroyed stays kept.
            *same = FreezeInForce { at: same.at, ..freeze };
        } else if !matches!(freeze.by, FrozenBy::Administrators { .. }) && self.freezes.len() < limits::FREEZES_MOST {
            self.freezes.push(freeze);
        }
    }
    /// It holds no longer.
    pub fn lift(&mut self, freeze: Digest, now: Timestamp) {
        if let Some(lifted) = self.of(freeze) {
            let stood = Stood { from: lifted.at, until: now };
            self.over = Some(Stood::joined(self.over_at(now), stood));
        }
        self.freezes.retain(|held| held.freeze != freeze && held.holds_at(now));
    }
    /// From when on what is due to be destroyed at `due` may be; `None` while a freeze keeps it.
    ///
    /// Whoever comes out of a freeze has as long to call it off as they had at first. A freeze from after that moment keeps
    /// nothing: it may be gone already, and has to be said to be.
    pub fn destroyed_from(&self, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let from = match self.over_at(now) {
            Some(over) if over.from < due => due.max(over.until.plus(limits::ERASE_AFTER)),
            _ => due,
        };
        let keeps = |freeze: &FreezeInForce| freeze.holds_at(now) && freeze.at < from;
        if self.freezes.iter().any(keeps) { None } else { Some(from) }
    }
    /// What is over, those included that have lapsed and are still written here.
    fn over_at(&self, now: Timestamp) -> Option<Stood> {
        self.freezes.iter().fold(self.over, |over, freeze| match freeze.by {
            FrozenBy::Administrators { lapses: Some(until) } if until <= now => {
                Some(Stood::joined(over, Stood { from: freeze.at, until }))
            }
            _ => over,
        })
    }
}

impl Stood {
    /// The later stretch, and the earlier one too where it ended so shortly before that nothing was destroyed in between.
    fn joined(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(earlier) if later.from < earlier.until.plus(limits::ERASE_AFTER) => {
                Self { from: earlier.from.min(later.from), until: earlier.until.max(later.until) }
            }
            _ => later,
        }
    }
}

impl FreezeInForce {
    /// Whether this one holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        match self.by {
            FrozenBy::Administrators { lapses: Some(lapses) } => now < lapses,
            FrozenBy::Owner { .. } | FrozenBy::Administrators { lapses: None } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_freeze_lapses_exactly_then_and_an_owners_does_not() {
        let [at, lapses] = [10, 20].map(Timestamp::from_seconds);
        let freeze = |by| FreezeInForce { freeze: Digest::of(b"f"), at, by };
        let theirs = FrozenRow { freezes: vec![freeze(FrozenBy::Administrators { lapses: Some(lapses) })], over: None };
        assert!(theirs.holds_at(Timestamp::from_seconds(19)));
        assert!(!theirs.holds_at(lapses));
        let own = FrozenRow { freezes: vec![freeze(FrozenBy::Owner { lift: Lift::Recovery {} })], over: None };
        assert!(own.holds_at(Timestamp::FAR_FUTURE));
    }

    #[test]
    fn freeze_that_is_harder_to_lift_finds_room_however_many_there_are() {
        let mut row = FrozenRow::default();
        let freeze = |n, by| FreezeInForce { freeze: Digest::of(&[n]), at: Timestamp::from_seconds(1), by };
        for n in 0..100_u8 {
            row.add(freeze(n, FrozenBy::Owner { lift: Lift::Recovery {} }));
            row.add(freeze(n, FrozenBy::Administrators { lapses: None }));
        }
        assert_eq!(row.freezes.len(), 2 * limits::FREEZES);
        let guardian = PartyId::from_bytes([1; 32]);
        row.add(freeze(200, FrozenBy::Owner { lift: Lift::RecoveryAndGuardian { guardian } }));
        assert!(row.of(Digest::of(&[200])).is_some());
    }

    #[test]
    fn freeze_that_others_lift_is_neither_kept_out_nor_pushed_out() {
        let mut row = FrozenRow::default();
        let [accomplice, guardian] = [1, 2].map(|n| PartyId::from_bytes([n; 32]));
        let freeze = |n, guardian| {
            let by = FrozenBy::Owner { lift: Lift::RecoveryAndGuardian { guardian } };
            FreezeInForce { freeze: Digest::of(&[n]), at: Timestamp::from_seconds(1), by }
        };
        for n in 0..20_u8 {
            row.add(freeze(n, accomplice));
        }
        row.add(freeze(100, guardian));
        for n in 20..40_u8 {
            row.add(freeze(n, accomplice));
        }
        assert!(row.of(Digest::of(&[100])).is_some());
        assert_eq!(row.freezes.len(), limits::FREEZES + 1);

        let mut row = FrozenRow::default();
        let theirs = |n, lapses| {
            let by = FrozenBy::Administrators { lapses };
            FreezeInForce { freeze: Digest::of(&[n]), at: Timestamp::from_seconds(1), by }
        };
        row.add(theirs(0, None));
        for n in 1..20_u8 {
            row.add(theirs(n, Some(Timestamp::from_seconds(9))));
        }
        assert!(row.of(Digest::of(&[0])).is_some(), "two agreed that it lasts");
        assert_eq!(row.freezes.len(), limits::FREEZES);
    }

    #[test]
    fn what_a_freeze_kept_can_be_called_off_as_long_as_at_first() {
        let at = |days| Timestamp::from_seconds(0).plus(crate::model::time::Duration::from_days(days));
        let own =
            |n, at| FreezeInForce { freeze: Digest::of(&[n]), at, by: FrozenBy::Owner { lift: Lift::Recovery {} } };
        let mut row = FrozenRow::default();
        assert_eq!(row.destroyed_from(at(14), at(14)), Some(at(14)));
        row.add(own(1, at(10)));
        assert_eq!(row.destroyed_from(at(14), at(300)), None);
        assert_eq!(row.destroyed_from(at(9), at(300)), Some(at(9)), "it was due, and may be gone");
        row.lift(Digest::of(&[1]), at(300));
        assert_eq!(row.destroyed_from(at(14), at(300)), Some(at(314)));
        row.add(own(2, at(310)));
        assert_eq!(row.destroyed_from(at(14), at(320)), None);
        row.lift(Digest::of(&[2]), at(320));
        assert_eq!(row.destroyed_from(at(14), at(320)), Some(at(334)));
        // What was destroyed stays so, whatever is frozen later.
        row.add(own(3, at(334)));
        assert_eq!(row.destroyed_from(at(14), at(335)), Some(at(334)));
        row.lift(Digest::of(&[3]), at(400));
        assert!(row.destroyed_from(at(14), at(400)).is_some_and(|from| from <= at(334)));
        // Freezes that take each other's place are one freeze, from its first second.
        let mut row = FrozenRow::default();
        for n in 0..=u8::try_from(2 * limits::FREEZES).unwrap() {
            row.add(own(n, at(10 + u64::from(n))));
        }
        assert_eq!(row.destroyed_from(at(11), at(40)), None);
        for n in 0..u8::try_from(limits::FREEZES - 1).unwrap() {
            row.lift(Digest::of(&[n]), at(40));
        }
        assert_eq!((row.freezes.len(), row.freezes[0].at), (1, at(10 + limits::FREEZES as u64 - 1)));
        let lapsing = FrozenBy::Administrators { lapses: Some(at(24)) };
        let theirs = FrozenRow {
            freezes: vec![FreezeInForce { freeze: Digest::of(&[4]), at: at(10), by: lapsing }],
            over: None,
        };
        assert_eq!(theirs.destroyed_from(at(14), at(23)), None);
        assert_eq!(theirs.destroyed_from(at(14), at(24)), Some(at(38)));
    }
}
