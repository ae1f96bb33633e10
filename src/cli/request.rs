//! `request`: asking an advocate for a report.

mod create;
mod list;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Ask an advocate for a report, or read what was asked.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request create REFERENCE --purpose commission-of-inquiry \\\n    --legal-basis 'Resolution 12/34' --deadline 30\n  amana request list"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Ask for a report whose reference you were given.
    Create(create::Arguments),
    /// List requests: sent by your institution, or received for your reports.
    List(list::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Create(verb) => create::run(verb, &arguments.access, out),
        Verb::List(verb) => list::run(verb, &arguments.access, out),
    }
}
