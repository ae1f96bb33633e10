//! The identity of a unit, which opens what was sealed to it and signs nothing.

use super::{home::Access, output::Failure};
use crate::client::identity::Identity;
use clap::Args;
use std::path::PathBuf;

/// With whose identity sealed things are opened.
#[derive(Args)]
pub(super) struct UnitIdentity {
    /// Identity of the unit it was sealed to; by default your own.
    #[arg(long, value_name = "FILE")]
    unit_identity: Option<PathBuf>,
    /// File holding the passphrase of that identity, when it is another than your own.
    #[arg(long, value_name = "FILE", requires = "unit_identity")]
    unit_passphrase_file: Option<PathBuf>,
}

impl UnitIdentity {
    /// The unit's identity, if one was named.
    pub(super) fn unlock(&self, access: &Access) -> Result<Option<Identity>, Failure> {
        let Some(path) = &self.unit_identity else { return Ok(None) };
        let passphrase_file = self.unit_passphrase_file.clone().or_else(|| access.passphrase_file.clone());
        Access { passphrase_file, ..access.clone() }.unlock_file(path).map(Some)
    }
}
