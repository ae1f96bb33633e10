//! `release`: officers agree, collect, open, acknowledge, and say what became of it.

mod acknowledge;
mod approve;
mod beside;
mod fetch;
mod list;
mod open;
mod status;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Collect a granted report, open it, acknowledge it, and say what became of it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana release fetch GRANT --purpose commission-of-inquiry --out report.age\n  amana release open report.age --unit-identity unit.age --into case-12\n  amana release acknowledge report.age\n  amana release approve GRANT --as second-officer\n  amana release status GRANT --became in-the-record"
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
    /// Agree, as another officer than the one who collects, that a report is collected.
    Approve(approve::Arguments),
    /// Say what became of what was collected.
    Status(status::Arguments),
    /// List what may be collected and was collected, with what is owed for it.
    List(list::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Fetch(verb) => fetch::run(verb, access, out),
        Verb::Open(verb) => open::run(verb, access, out),
        Verb::Acknowledge(verb) => acknowledge::run(verb, access, out),
        Verb::Approve(verb) => approve::run(verb, access, out),
        Verb::Status(verb) => status::run(verb, access, out),
        Verb::List(verb) => list::run(verb, access, out),
    }
}
