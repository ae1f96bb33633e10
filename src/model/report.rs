//! Reports: what the broker may know of a sealed report, and the way from declared to stored.

use super::{
    ids::{AgeRecipient, Digest},
    limits,
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
}

impl ReportState {
    /// The payload arrived whole.
    ///
    /// # Errors
    /// When it had arrived before.
    pub fn payload_stored(self) -> Result<Self, AlreadyStored> {
        match self {
            Self::Declared {} => Ok(Self::Stored {}),
            Self::Stored {} => Err(AlreadyStored),
        }
    }
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
