//! `release acknowledge`: what the officer found, signed.

use super::beside;
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::fetched::Collected,
    model::{ids::Digest, release::Outcome, statement::Text},
};
use clap::Args;
use std::path::PathBuf;

/// Confirm that it was received and opened, or report a defect. Without it nothing more is released to you.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana release acknowledge report.age\n  amana release acknowledge report.age --defect 'the payload cannot be decrypted'"
)]
pub(super) struct Arguments {
    /// The collected report.
    file: PathBuf,
    /// What was wrong with it.
    #[arg(long, value_name = "TEXT", value_parser = words::read_text)]
    defect: Option<Text>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let collected = beside::read_collected(&arguments.file)?;
    let outcome = match (&arguments.defect, beside::read_outcome(&arguments.file)?) {
        (Some(description), _) => Outcome::Defect { description: description.clone() },
        (None, Some(outcome)) => outcome,
        (None, None) => {
            return Err(Failure::refused(format!(
                "{} has not been opened here yet; open it first, or say what is wrong with --defect",
                arguments.file.display()
            )));
        }
    };
    let id = send(access, &collected, &outcome)?;
    out.show(
        format!("Acknowledged.\n  statement  {id}"),
        &serde_json::json!({ "acknowledgement": id, "release": collected.release, "outcome": outcome }),
    );
    Ok(())
}

/// Signs and sends it.
pub(super) fn send(access: &Access, collected: &Collected, outcome: &Outcome) -> Result<Digest, Failure> {
    access.at_desk(|sitting| Ok(sitting.desk.acknowledge(collected, outcome.clone())?.id))
}
