//! `release`: an officer collects, opens and acknowledges.

mod acknowledge;
mod beside;
mod fetch;
mod open;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Collect a granted report, open it, acknowledge it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana release fetch GRANT --purpose commission-of-inquiry --out report.age\n  amana release open report.age --unit-identity unit.age --into case-12\n  amana release acknowledge report.age"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Collect a report under a grant. The release is logged before anything is delivered.
    Fetch(fetch::Arguments),
    /// Open a collected report and check that it is what the advocate signed.
    Open(open::Arguments),
    /// Confirm that it was received and opened, or report a defect.
    Acknowledge(acknowledge::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Fetch(verb) => fetch::run(verb, access, out),
        Verb::Open(verb) => open::run(verb, access, out),
        Verb::Acknowledge(verb) => acknowledge::run(verb, access, out),
    }
}
