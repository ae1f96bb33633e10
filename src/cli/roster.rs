//! `roster`: who holds which office, who witnesses, which keys sign the logs, and how that changes.

mod approve;
mod diff;
mod propose;
mod show;

use super::{
    home::{self, Access},
    output::{Failure, Out},
};
use clap::{Args, Subcommand};
pub(super) use show::described;
use std::io::{IsTerminal as _, stdin};

/// Show and change who holds which office, who witnesses, and which keys sign the logs.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana roster show\n  amana roster propose --remove broker.example/auditor-1 \\\n    --add-auditor broker.example/auditor-2=11qYAYKx… --identity administrator-1.txt\n  amana roster approve 3f… --identity council-1.txt"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the roster in force.
    Show(show::Arguments),
    /// Propose a change (administrator, or member of the council).
    Propose(Box<propose::Arguments>),
    /// Approve a change that somebody else proposed (administrator, or member of the council).
    Approve(approve::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Show(verb) => show::run(verb, access, out),
        Verb::Propose(verb) => propose::run(verb, access, out),
        Verb::Approve(verb) => approve::run(verb, access, out),
    }
}

/// Shows what would change, and goes on only when somebody has said so.
fn confirm(changes: &[String], number: u64, yes: bool, out: &Out) -> Result<(), Failure> {
    out.note(format!("Roster {number} would differ from the one in force:\n  {}", changes.join("\n  ")));
    has_to_be_said(yes, out)
}

/// Offices are neither handed over nor confirmed by a script that nobody reads.
pub(super) fn has_to_be_said(yes: bool, out: &Out) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !out.is_for_people() || !stdin().is_terminal() {
        return Err(Failure::refused("nothing was signed: look at what this would do, and say --yes"));
    }
    home::decide("Sign this?", "sign", "not now", out)
}
