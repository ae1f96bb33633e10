//! Backups as tar streams: writing one from a snapshot, and reading one strictly.
//!
//! Nothing here encrypts: what comes out is meant for a sealed file or a pipe into `age`. Grant headers and keys are never
//! in it. Start at [`pack`] and [`unpack`]; the format stands in [`crate::wire::backup`].

mod pack;
mod unpack;

pub use pack::{Source, pack, whole};
pub use unpack::unpack;

use super::StoreError;
use crate::model::ids::ReportId;
use std::io;

/// Members, in their order; payloads follow as `payloads/ID`.
const MANIFEST: &str = "manifest.json";
const GENESIS: &str = "genesis.note";
const DATABASE: &str = "amana.db";
const PAYLOADS: &str = "payloads";

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A payload is not what its statement names.
    #[error("the payload of report {0} is damaged or missing")]
    Damaged(ReportId),
    /// The snapshot's database changed under our hands.
    #[error("the copy of the database is not what was just written; look at the disk")]
    Database,
    /// The backup is not what a backup is.
    #[error("this is no whole backup: {0}")]
    Form(String),
    /// Reading it failed: cut off, damaged, or the system refused.
    #[error("the backup cannot be read to its end")]
    Read(#[source] io::Error),
    /// Writing failed.
    #[error("cannot write {what}")]
    Write {
        /// What was written.
        what: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
