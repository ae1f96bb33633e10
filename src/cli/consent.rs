//! `consent`: what the persons in reports agreed to, from the first talk to the last. Nothing of it leaves the device.

mod add;
pub(super) mod answers;
mod due;
mod propose;
mod review;
mod set;
mod show;
mod told;
mod withdraw;

use super::{
    home::{self, Access},
    output::{Failure, Out},
};
use crate::client::{consent, memory::Memory};
use clap::{Args, Subcommand};

/// Keep the consent of the persons in reports: add, look up, review, withdraw.
///
/// With --file it works on a register that is not sealed yet. Without, on what this device remembers of sealed reports:
/// there a later answer is recorded beside the sealed register, which stays as it is inside the report.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana consent add --file case/consent/consent_register.json W-02 --role witness --status given --by self --use commission-of-inquiry=redacted --recipient un-mechanism=yes --review-by 2027-03-24\n  amana consent withdraw W-02\n  amana consent due"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show what persons agreed to: in a register, in one report, or in all of yours.
    Show(show::Arguments),
    /// Add a person to a register that is not sealed yet.
    Add(add::Arguments),
    /// Record other answers of a person.
    Set(set::Arguments),
    /// Record that a person's consent was gone through again, with the day of the next review.
    Review(review::Arguments),
    /// Record that a person takes consent back, and see which grants that withdraws.
    Withdraw(withdraw::Arguments),
    /// See which grants are wider than consent by now, and withdraw them.
    Propose(propose::Arguments),
    /// List whose consent has to be gone through again. Needs no network.
    Due(due::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Show(verb) => show::run(verb, access, out),
        Verb::Add(verb) => add::run(verb, out),
        Verb::Set(verb) => set::run(verb, access, out),
        Verb::Review(verb) => review::run(verb, access, out),
        Verb::Withdraw(verb) => withdraw::run(verb, access, out),
        Verb::Propose(verb) => propose::run(verb, access, out),
        Verb::Due(verb) => due::run(verb, access, out),
    }
}

/// One line for people, where somebody has to be asked again soon.
pub(super) fn remind(memory: &Memory, out: &Out) -> Result<(), Failure> {
    if let Some(reminder) = consent::reminder(memory, home::now())? {
        out.note(reminder);
    }
    Ok(())
}
