//! `witness show`: the public key of a witness's folder.

use super::key;
use crate::cli::output::{Failure, Out};
use clap::Args;
use std::path::PathBuf;

/// Print what brokers name a witness by.
#[derive(Args)]
#[command(after_help = "Example:\n  amana witness show --dir witness")]
pub(in crate::cli) struct Arguments {
    /// Folder of the witness.
    #[arg(long)]
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let signer = key::read(&arguments.dir)?;
    let vkey = signer.verifier().to_string();
    out.show(&vkey, &serde_json::json!({ "witness": vkey, "name": signer.verifier().name().as_str() }));
    Ok(())
}
