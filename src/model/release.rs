//! Releases: the request that asks for one delivery, and the acknowledgement that answers it.

use super::{
    ids::{Digest, GrantId, Nonce, ReleaseId},
    purpose::Purpose,
    statement::Text,
};
use serde::{Deserialize, Serialize};

/// The body of a `release-request`, signed by an officer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The grant asked under; equals `subject`.
    pub grant: GrantId,
    /// What for; one of the grant's purposes.
    pub purpose: Purpose,
    /// Makes this release distinct; the same statement again is the same release.
    pub nonce: Nonce,
    /// The officer has read the grant's conditions; equals the grant.
    pub conditions_noted: GrantId,
}

/// The body of an `acknowledgement`, signed by the officer who collected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The grant; equals `subject`.
    pub grant: GrantId,
    /// The release answered.
    pub release: ReleaseId,
    /// What was found.
    pub outcome: Outcome,
}

/// What a recipient found on opening.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// Header and payload received and opened; the key commitment matches.
    Opened {
        /// SHA-256 of the payload as received.
        payload_sha256: Digest,
        /// The commitment as recomputed.
        key_commitment: Digest,
    },
    /// Something was wrong.
    Defect {
        /// What, in words.
        description: Text,
    },
}
