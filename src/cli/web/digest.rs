//! `web digest`: what this program would serve.

use super::built;
use crate::cli::output::{Failure, Out};
use clap::Args;

/// Print the digest of the page built into this program: the SHA-256 of the list of its files.
///
/// Whoever builds the same source with the same tools finds the same digest.
#[derive(Args)]
#[command(after_help = "Example:\n  amana web digest")]
pub(super) struct Arguments {}

pub(super) fn run(Arguments {}: &Arguments, out: &Out) -> Result<(), Failure> {
    let digest = built().map_err(Failure::refused)?;
    out.show(digest, &serde_json::json!({ "assets": digest }));
    Ok(())
}
