//! Reports: what the broker may know of a sealed report, and the way from declared to stored.

use super::{
    ids::{AgeRecipient, Digest, PartyId, ReportId},
    limits,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The body of a `report` statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// SHA-256 of the payload (16-byte nonce and STREAM chunks, without the header).
    pub payload_sha256: Digest,
    /// Length of the payload in bytes; a Padmé bucket plus age's own overhead.
    pub payload_bytes: u64,
    /// HKDF-SHA256 of the file key with the payload nonce as salt: one report, one content.
    pub key_commitment: Digest,
    /// SHA-256 of the owner header.
    pub owner_header: Digest,
    /// The owner's age recipient, for messages to the owner.
    pub owner_recipient: AgeRecipient,
    /// Sensitivity, 1 to 4.
    pub tier: Tier,
    /// What it is.
    pub kind: ReportKind,
    /// Salted commitment to the report it relates to, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predecessor_commitment: Option<Digest>,
    /// Salted commitment to the consent register sealed inside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consent_commitment: Option<Digest>,
    /// Others who own it too: a grant takes effect when enough of all owners agree, and any one of them ends it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub co_owners: Option<CoOwners>,
}

/// Who owns a report beside the one who sealed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CoOwners {
    /// The others; advocates of this broker.
    pub parties: Vec<PartyId>,
    /// How many of all owners have to agree, the one who signs the grant counted.
    pub threshold: u32,
}

impl CoOwners {
    /// Whether they can be meant: at least one other, none twice, and a number that can be reached and asks for more than
    /// one.
    pub fn is_well_formed(&self, owner: PartyId) -> bool {
        let distinct: std::collections::BTreeSet<_> = self.parties.iter().chain([&owner]).collect();
        let all = self.parties.len().saturating_add(1);
        let enough = usize::try_from(self.threshold).unwrap_or(usize::MAX);
        !self.parties.is_empty()
            && self.parties.len() <= limits::CO_OWNERS
            && distinct.len() == all
            && (2..=all).contains(&enough)
    }
}

/// The body of a `withdrawal`, signed by a report's owner: nothing is released of it any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The report; equals `subject`.
    pub report: ReportId,
    /// What happens to what the broker stores of it.
    pub then: AfterWithdrawal,
}

/// What happens to what the broker stores of a withdrawn report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterWithdrawal {
    /// It stays for its owner. Said again later, it stops an erasing that still waits.
    Keep,
    /// It is erased 14 days after the recovery key agreed.
    Erase,
}

/// Sensitivity of a report: 1 low to 4 highest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Tier(u8);

impl TryFrom<u8> for Tier {
    type Error = &'static str;
    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if (1..=4).contains(&value) { Ok(Self(value)) } else { Err("tier must be 1, 2, 3 or 4") }
    }
}
impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        tier.0
    }
}

/// What a report is in relation to the material.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// As documented.
    Original,
    /// With identifying parts removed.
    Redaction,
    /// In another language.
    Translation,
}

/// Where a report stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReportState {
    /// Statement and owner header are here; the payload is not yet.
    Declared {},
    /// Payload stored: its length and SHA-256 match the statement.
    Stored {},
    /// Withdrawn: nothing is released of it, and nothing granted.
    Withdrawn {
        /// Whether the payload was there.
        stored: bool,
        /// Whether it is to be erased.
        erasing: Erasing,
    },
    /// Withdrawn, and payload and owner header are erased.
    Erased {},
}

impl ReportState {
    /// The payload arrived whole.
    ///
    /// # Errors
    /// When it had arrived before.
    pub fn payload_stored(self) -> Result<Self, AlreadyStored> {
        match self {
            Self::Declared {} => Ok(Self::Stored {}),
            Self::Stored {} | Self::Withdrawn { .. } | Self::Erased {} => Err(AlreadyStored),
        }
    }

    /// Whether its owner can fetch it back: it is stored, withdrawn or not.
    pub const fn is_kept(&self) -> bool {
        matches!(self, Self::Stored {} | Self::Withdrawn { stored: true, .. })
    }
    /// Whether it is to be erased.
    pub const fn erasing(&self) -> Erasing {
        match self {
            Self::Withdrawn { erasing, .. } => *erasing,
            Self::Declared {} | Self::Stored {} | Self::Erased {} => Erasing::NotAsked {},
        }
    }
    /// Whether it was withdrawn.
    pub const fn is_withdrawn(&self) -> bool {
        matches!(self, Self::Withdrawn { .. } | Self::Erased {})
    }
    /// It is withdrawn, or withdrawn again: then an erasing that waited before is called off.
    #[must_use]
    pub fn withdrawn(self, erasing: Erasing) -> Self {
        match self {
            Self::Declared {} => Self::Withdrawn { stored: false, erasing },
            Self::Stored {} => Self::Withdrawn { stored: true, erasing },
            Self::Withdrawn { stored, .. } => Self::Withdrawn { stored, erasing },
            Self::Erased {} => Self::Erased {},
        }
    }
}

/// Whether a withdrawn report is to be erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Erasing {
    /// It stays for its owner.
    NotAsked {},
    /// Its owner asked for it; the recovery key has not agreed yet.
    Asked {
        /// The withdrawal that asked.
        by: Digest,
    },
    /// The recovery key agreed.
    Due {
        /// First second at which it is erased.
        at: Timestamp,
    },
}

/// A payload arrives once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is already stored")]
pub struct AlreadyStored;

impl Report {
    /// Whether sizes are within bounds; the rest is checked by types.
    pub fn is_well_formed(&self) -> bool {
        (33..=limits::PAYLOAD_BYTES).contains(&self.payload_bytes)
    }
}
