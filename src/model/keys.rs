//! Keys of a party change, the party stays: rotation, recovery, new owner headers, and handing a report over.

use super::{
    ids::{AgeRecipient, Digest, PartyId, PublicKey, ReportId},
    party::RecoveryKeys,
};
use serde::{Deserialize, Serialize};

/// What a party is: its keys stand in the log its enrolment stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartyKind {
    /// In the case log.
    Advocate,
    /// In the register.
    Institution,
}

/// Keys that take the place of a party's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKeys {
    /// The new signing key.
    pub signing_key: PublicKey,
    /// The recipient of the same seed.
    pub recipient: AgeRecipient,
    /// Another recovery key; absent: the old one stays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery: Option<RecoveryKeys>,
}

/// The body of a `rotation`, signed by the key in force. It takes effect when the recovery key approves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// What the party is.
    pub of: PartyKind,
    /// What takes the place of its keys.
    pub keys: NewKeys,
}

/// The body of a `recovery`, signed by the recovery key: the key in force is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// What the party is.
    pub of: PartyKind,
    /// What takes the place of its keys.
    pub keys: NewKeys,
}

/// The body of an `owner-header`, signed by the recovery key of a report's owner: the same file key, wrapped for the owner's keys of today. The
/// payload stays where it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerHeaderChange {
    /// The report; equals `subject`.
    pub report: ReportId,
    /// SHA-256 of the header that comes along.
    pub owner_header: Digest,
    /// The owner's recipient of today.
    pub owner_recipient: AgeRecipient,
}

/// The body of a `handover`, signed by the recovery key of a report's owner: another advocate becomes its owner when they approve.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The report; equals `subject`.
    pub report: ReportId,
    /// Who becomes its owner.
    pub to: PartyId,
    /// SHA-256 of the header that comes along, wrapped for them.
    pub owner_header: Digest,
    /// Their recipient of today.
    pub owner_recipient: AgeRecipient,
}
