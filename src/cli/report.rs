//! `report`: sealing on this device, uploading, listing, fetching back, proving.

mod download;
mod evidence;
mod handover;
mod list;
mod pending;
mod relation;
mod seal;
mod show;
mod upload;
mod withdraw;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Seal reports on this device, upload them, list them, fetch them back.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana report seal --tier 2 --out case.age statement.odt photos/\n  amana report upload case.age\n  amana report list"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Seal files into one encrypted file. Nothing leaves the device.
    Seal(Box<seal::Arguments>),
    /// Declare a sealed file and upload it.
    Upload(upload::Arguments),
    /// List your reports at the broker.
    List(list::Arguments),
    /// Show one report, with the reference to hand to an institution.
    Show(show::Arguments),
    /// Fetch a report back as the encrypted file it was.
    Download(download::Arguments),
    /// Make an evidence pack about one report, for a court.
    Evidence(evidence::Arguments),
    /// Withdraw a report: nobody can collect it any more.
    Withdraw(withdraw::Arguments),
    /// Offer a report to another advocate, who becomes its owner by agreeing.
    HandOver(handover::Arguments),
    /// Agree to own a report that was offered to you.
    TakeOver(handover::Taking),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Seal(arguments) => seal::run(arguments, access, out),
        Verb::Upload(arguments) => upload::run(arguments, access, out),
        Verb::List(arguments) => list::run(arguments, access, out),
        Verb::Show(arguments) => show::run(arguments, access, out),
        Verb::Download(arguments) => download::run(arguments, access, out),
        Verb::Evidence(arguments) => evidence::run(arguments, access, out),
        Verb::Withdraw(arguments) => withdraw::run(arguments, access, out),
        Verb::HandOver(arguments) => handover::offer(arguments, access, out),
        Verb::TakeOver(arguments) => handover::take(arguments, access, out),
    }
}
