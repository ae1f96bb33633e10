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
    /// Adds one. Of each kind there are so many at most; then the newest takes the place of the last one of its kind, so
    /// that nobody can keep out a freeze that is harder to lift by filling the row with others.
    pub fn add(&mut self, freeze: FreezeInForce) {
        self.freezes.retain(|held| held.holds_at(freeze.at));
        let alike = |held: &FreezeInForce| held.by.kind() == freeze.by.kind();
        if self.freezes.iter().filter(|held| alike(held)).count() < limits::FREEZES {
            self.freezes.push(freeze);
        } else if let Some(last) = self.freezes.iter_mut().rev().find(|held| alike(held)) {
            *last = freeze;
        }
    }
}

impl FreezeInForce {
    fn holds_at(&self, now: Timestamp) -> bool {
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
        let theirs = FrozenRow { freezes: vec![freeze(FrozenBy::Administrators { lapses: Some(lapses) })] };
        assert!(theirs.holds_at(Timestamp::from_seconds(19)));
        assert!(!theirs.holds_at(lapses));
        let own = FrozenRow { freezes: vec![freeze(FrozenBy::Owner { lift: Lift::Recovery {} })] };
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
}
