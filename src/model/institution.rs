//! Institutions: their record, keys, officers, admission, attestation and suspension.

use super::{
    ids::{AgeRecipient, Digest, PartyId, PublicKey},
    purpose::{Purpose, RecipientClass},
    statement::Text,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The public record an institution enrols with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstitutionRecord {
    /// Its name as it calls itself.
    pub name: Text,
    /// Under whose law it stands.
    pub jurisdiction: Text,
    /// What persons' consent calls bodies of its kind.
    pub class: RecipientClass,
    /// What its mandate lets it do.
    pub mandate: Vec<Purpose>,
    /// First second the mandate no longer holds.
    pub mandate_until: Timestamp,
}

/// The body of an `officer` statement, signed by the institution's root key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerAppointment {
    /// The institution.
    pub institution: PartyId,
    /// The officer's signing key.
    pub signing_key: PublicKey,
    /// The unit the officer works in.
    pub unit: Text,
    /// First second the appointment no longer holds.
    pub until: Timestamp,
}

/// The body of a `recipient-key` statement, signed by the institution's root key. A later one for the same unit
/// supersedes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientKey {
    /// The institution.
    pub institution: PartyId,
    /// The unit that opens with it.
    pub unit: Text,
    /// What headers are wrapped to.
    pub recipient: AgeRecipient,
}

/// The body of an `admission` statement, signed by an administrator; needs k of n.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// The institution.
    pub institution: PartyId,
    /// Digest of the `party` statement with the record that was examined.
    pub record: Digest,
}

/// The body of an `attestation` statement, signed by an accreditor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The institution.
    pub institution: PartyId,
    /// What was examined.
    pub kind: AttestationKind,
    /// First second it no longer holds.
    pub until: Timestamp,
}

/// What an accreditor examined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationKind {
    /// The legal mandate.
    Mandate,
    /// Human-rights due diligence: protection of sources, remedy, onward rules.
    DueDiligence,
}

/// The body of a `suspension` statement, signed by an administrator. Suspending needs one signature, lifting k of n.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// The institution.
    pub institution: PartyId,
    /// Which way.
    pub act: SuspensionAct,
    /// Why, in words.
    pub reason: Text,
}

/// Stopping or starting again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuspensionAct {
    /// No release from the entry on.
    Suspend,
    /// Releases again once enough administrators agree.
    Lift,
}

/// The body of an `approval`: agreement with one statement that needs several signatures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Digest of the statement agreed with.
    pub approves: Digest,
}
