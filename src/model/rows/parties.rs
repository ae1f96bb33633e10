//! Who there is: keys, advocates, institutions, and what institutions owe.

use super::Row;
use crate::model::{
    ids::{AgeRecipient, Digest, KeyId, PartyId, PublicKey},
    institution::{InstitutionRecord, RecordChange},
    party::{Holder, PartyEnrolment},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A signing key. Key: its [`KeyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// The public key.
    pub public: PublicKey,
    /// The party it signs for.
    pub party: PartyId,
    /// What it may act as.
    pub holder: Holder,
}
row!(KeyRow, "key");

impl KeyRow {
    /// The institution an officer acts for.
    pub fn institution(&self) -> Option<PartyId> {
        match &self.holder {
            Holder::Officer(appointment) => Some(appointment.institution),
            _ => None,
        }
    }
    /// Whether it is an officer's of this institution, in office at `now`.
    pub fn is_officer_of(&self, institution: PartyId, now: Timestamp) -> bool {
        let Holder::Officer(office) = &self.holder else { return false };
        office.institution == institution && now < office.until
    }
}

/// An enrolled party. Key: its [`PartyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRow {
    /// Digest of the `party` statement.
    pub statement: Digest,
    /// What it said, with the keys of today.
    pub enrolment: PartyEnrolment,
    /// Statements that put other keys in the place of its first ones, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys_by: Vec<Digest>,
}
row!(PartyRow, "party");

impl PartyRow {
    /// The key it signs with today.
    pub fn current(&self) -> KeyId {
        self.enrolment.signing_key.thumbprint()
    }
}

/// An institution. Key: its [`PartyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstitutionRow {
    /// Digest of its `party` statement.
    pub statement: Digest,
    /// Its record.
    pub record: InstitutionRecord,
    /// Since when it is admitted.
    pub admitted_at: Option<Timestamp>,
    /// The register entry that admitted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admitted_in: Option<u64>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// The statement that suspended it.
    pub suspended_by: Option<Digest>,
    /// Until when an accreditor vouches for its due diligence.
    pub due_diligence_until: Option<Timestamp>,
    /// Until when an accreditor vouches for its mandate.
    pub mandate_attested_until: Option<Timestamp>,
    /// Digest of the statement that brought the record in force, where it is not the one it enrolled with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_by: Option<Digest>,
    /// Its terms in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<TermsInForce>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<Closed>,
}
row!(InstitutionRow, "institution");

/// An institution's terms in force, as far as a decision depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsInForce {
    /// Digest of the statement.
    pub statement: Digest,
    /// Days it takes to answer.
    pub response_days: u16,
}

/// The end of an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// First second it receives nothing any more.
    pub at: Timestamp,
    /// Who goes on with its work.
    pub successor: Option<PartyId>,
}

impl InstitutionRow {
    /// First second its mandate does not hold any more.
    pub fn mandate_until(&self) -> Timestamp {
        self.closed.map_or(self.record.mandate_until, |closed| closed.at.min(self.record.mandate_until))
    }
    /// The statement an admission has to name.
    pub fn record_statement(&self) -> Digest {
        self.record_by.unwrap_or(self.statement)
    }
}

/// A record that waits for its admission. Key: digest of its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRow {
    /// What it would be.
    pub change: RecordChange,
}
row!(RecordRow, "record");

/// What an institution owes, over all grants: how many answers become overdue when. Key: the institution's [`PartyId`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwedRow {
    /// Sorted by time. Answers are due by the end of a day, so this is at most a row a day.
    pub due: Vec<(Timestamp, u32)>,
}
row!(OwedRow, "owed");

impl OwedRow {
    /// One answer more, or one less, is due then.
    pub fn change(&mut self, before: Option<Timestamp>, after: Option<Timestamp>) {
        let mut counts: std::collections::BTreeMap<Timestamp, u32> = self.due.iter().copied().collect();
        if let Some(count) = before.and_then(|due| counts.get_mut(&due)) {
            *count = count.saturating_sub(1);
        }
        if let Some(due) = after {
            let count = counts.entry(due).or_default();
            *count = count.saturating_add(1);
        }
        self.due = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    }
    /// How many are overdue at `now`.
    pub fn overdue(&self, now: Timestamp) -> i64 {
        self.due.iter().filter(|(due, _)| *due <= now).map(|(_, count)| i64::from(*count)).sum()
    }
    /// When the next one becomes overdue, or became so first.
    pub fn first(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }
}

/// A published recipient key. Key: digest of its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientKeyRow {
    /// The institution.
    pub institution: PartyId,
    /// The unit, as written.
    pub unit: String,
    /// What headers are wrapped to.
    pub recipient: AgeRecipient,
    /// Since when it is published.
    pub since: Timestamp,
    /// When witnesses first cosigned a register that holds it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cosigned_at: Option<Timestamp>,
    /// The statement that replaced it.
    pub superseded_by: Option<Digest>,
}
row!(RecipientKeyRow, "recipient-key");

/// The current recipient key of a unit. Key: institution, a slash, unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRow {
    /// Digest of the current `recipient-key` statement.
    pub current: Digest,
}
row!(UnitRow, "unit");

/// A recovery key: it is its party's for ever. Key: its [`KeyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryRow {
    /// Whose.
    pub party: PartyId,
}
row!(RecoveryRow, "recovery");
