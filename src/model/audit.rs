//! What an auditor says to have checked.

use super::ids::Digest;
use serde::{Deserialize, Serialize};

/// The body of an `audited` statement: both logs up to these states hold, by the auditor's own check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audited {
    /// The register.
    pub register: AuditedTree,
    /// The case log.
    pub case: AuditedTree,
}

/// A state of one log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedTree {
    /// Number of entries.
    pub size: u64,
    /// Root over them (RFC 6962), as hexadecimal.
    pub root: Digest,
}
