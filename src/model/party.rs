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
    /// Admits institutions; named in the roster.
    Administrator {},
    /// Signs attestations; named in the roster.
    Accreditor {},
    /// Reads everything; named in the roster.
    Auditor {},
    /// Decides on policy bundles and, with the administrators, on the roster; named in it.
    Council {},
    /// A party's recovery key: rotates, recovers, thaws, and agrees to erasing.
    Recovery {},
    /// Was a party's key until another took its place. It can still freeze: guardian files stay good.
    Superseded {},
    /// Held an office once. Signs nothing and reads nothing, and no other office may take the key; the same one may take
    /// it back, because nobody has to trust the key with anything they had not trusted it with before.
    Retired {
        /// The office it held.
        from: OfficeName,
    },
}

/// The offices of the house.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfficeName {
    /// Admit and suspend institutions.
    Administrators,
    /// Sign attestations.
    Accreditors,
    /// Read everything.
    Auditors,
    /// Decide on policy bundles.
    Council,
}

impl OfficeName {
    /// Every office.
    pub const ALL: [Self; 4] = [Self::Administrators, Self::Accreditors, Self::Auditors, Self::Council];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrators => "administrators",
            Self::Accreditors => "accreditors",
            Self::Auditors => "auditors",
            Self::Council => "council",
        }
    }
    /// What a key that holds it acts as.
    pub const fn holder(self) -> Holder {
        match self {
            Self::Administrators => Holder::Administrator {},
            Self::Accreditors => Holder::Accreditor {},
            Self::Auditors => Holder::Auditor {},
            Self::Council => Holder::Council {},
        }
    }
}

impl std::fmt::Display for OfficeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
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
            Self::Recovery {} => "recovery",
            Self::Superseded {} => "superseded",
            Self::Retired { .. } => "retired",
        }
    }
    /// The office it holds or held.
    pub const fn office(&self) -> Option<OfficeName> {
        match self {
            Self::Advocate {}
            | Self::InstitutionRoot {}
            | Self::Officer(_)
            | Self::Recovery {}
            | Self::Superseded {} => None,
            Self::Administrator {} => Some(OfficeName::Administrators),
            Self::Accreditor {} => Some(OfficeName::Accreditors),
            Self::Auditor {} => Some(OfficeName::Auditors),
            Self::Council {} => Some(OfficeName::Council),
            Self::Retired { from } => Some(*from),
        }
    }
}
