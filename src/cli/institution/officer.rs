//! `institution officer`: an appointment by the root key.

use super::told;
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    model::{ids::PublicKey, statement::Text},
};
use clap::Args;

/// Appoint an officer (institution's root key).
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution officer --as root --key 11qY… --unit 'evidence unit' --days 365")]
pub(super) struct Arguments {
    /// The officer's public key, as `amana identity show` prints it.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "PUBLIC_KEY", allow_hyphen_values = true)]
    key: PublicKey,
    /// The unit the officer works in.
    #[arg(long, value_parser = words::read_text)]
    unit: Text,
    /// For how many days.
    #[arg(long)]
    days: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let until = home::now().plus(words::days(arguments.days)?);
    access.at_desk(|sitting| {
        let accepted = sitting.desk.appoint(arguments.key, arguments.unit.clone(), until)?;
        told(out, &format!("Appointed until {}.", words::moment(until)), &accepted);
        Ok(())
    })
}
