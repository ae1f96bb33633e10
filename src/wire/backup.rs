//! What stands in a backup besides its files, as JSON: `manifest.json`, its first member, and the marker that a folder
//! restored from one bears until somebody answers for it.
//!
//! A backup is a tar file of, in this order: `manifest.json`, `genesis.note`, `amana.db`, and `payloads/ID` for each
//! payload the manifest lists.

use super::statement::SeenTree;
use crate::model::{
    ids::{Digest, ReportId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Names the format; another text is another format.
pub const FORMAT: &str = "amana-backup-v1";

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// When the snapshot was taken, by the clock of the machine that took it.
    pub made_at: Timestamp,
    /// Digest of the genesis it belongs to.
    pub genesis: Digest,
    /// The register at that moment.
    pub register: SeenTree,
    /// The case log at that moment.
    pub case: SeenTree,
    /// The database.
    pub database: Content,
    /// Payloads of the reports stored at that moment.
    pub payloads: Vec<Payload>,
    /// Stored reports whose payload was damaged or missing, and was left out because somebody said so.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<ReportId>,
}

/// A file by what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: Digest,
}

/// A payload in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Its report.
    pub report: ReportId,
    /// Length.
    pub bytes: u64,
    /// SHA-256, as the report statement names it.
    pub sha256: Digest,
}

/// `data/restored.json`: this folder is an earlier state of a log, and nobody has said yet that it may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: Timestamp,
    /// The register then.
    pub register: SeenTree,
    /// The case log then.
    pub case: SeenTree,
}
