//! `audit export`: taking a bundle away, as an auditor.

use crate::cli::{
    home::Access,
    output::{Failure, Out},
};
use clap::Args;
use std::path::PathBuf;

/// Take a bundle away from the broker, as an auditor.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana audit export --out audit --identity auditor-1.txt\n  amana audit verify audit"
)]
pub(in crate::cli) struct Arguments {
    /// The folder to make.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    arguments.access.at_desk(|sitting| {
        sitting.desk.export_audit(&arguments.out)?;
        let folder = arguments.out.display();
        out.show(
            format!(
                "Exported into {folder}. It opens every entry: keep it as carefully as the log.\n\n\
                 Next: amana audit verify {folder} --card '{}'",
                sitting.desk.genesis().card()
            ),
            &serde_json::json!({ "folder": arguments.out, "card": sitting.desk.genesis().card().to_string() }),
        );
        Ok(())
    })
}
