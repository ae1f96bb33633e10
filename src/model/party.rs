//! Parties: who takes part, with which keys, in which role.

use super::{
    ids::{AgeRecipient, PublicKey},
    institution::InstitutionRecord,
};
use serde::{Deserialize, Serialize};

/// The body of a `party` statement: enrolment with the first keys.
///
/// An advocate enrols without a name. An institution's root key signs its record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyEnrolment {
    /// The first signing key; its thumbprint is the party id and must equal `iss` and `kid`.
    pub signing_key: PublicKey,
    /// The age recipient derived from the same seed.
    pub recipient: AgeRecipient,
    /// The recovery key, from an independent seed.
    pub recovery: RecoveryKeys,
    /// What the party is.
    pub role: EnrolmentRole,
}

/// Public halves of a recovery key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryKeys {
    /// Signs rotation, thaw and erasing withdrawal.
    pub signing_key: PublicKey,
    /// A second stanza of every owner header is wrapped to it.
    pub recipient: AgeRecipient,
}

/// What an enrolling party is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EnrolmentRole {
    /// Owns reports and grants them.
    Advocate {},
    /// Receives information; its record is public.
    Institution(InstitutionRecord),
}

/// What a registered signing key may act as. A key has exactly one holder for ever.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Holder {
    /// An advocate.
    Advocate {},
    /// The root key of an institution.
    InstitutionRoot {},
    /// An officer of an institution.
    Officer(super::institution::OfficerAppointment),
    /// Admits institutions; named in genesis.
    Administrator {},
    /// Signs attestations; named in genesis.
    Accreditor {},
    /// Reads everything; named in genesis.
    Auditor {},
    /// Decides on policy bundles; named in genesis.
    Council {},
}

impl Holder {
    /// The word for it in facts, policies and problems.
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Advocate {} => "advocate",
            Self::InstitutionRoot {} => "institution-root",
            Self::Officer(_) => "officer",
            Self::Administrator {} => "administrator",
            Self::Accreditor {} => "accreditor",
            Self::Auditor {} => "auditor",
            Self::Council {} => "council",
        }
    }
}
