//! `identity`: one's own keys.

mod enrol;
mod guardian;
mod new;
mod recover;
mod rotate;
mod show;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Make, show, rehearse and enrol your keys.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity new --label case-12\n  amana identity enrol --broker https://broker.example --card 'broker.example#3f…'\n  amana identity show"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make an identity under a passphrase, and its recovery key.
    New(new::Arguments),
    /// Show what others may know of an identity: id, recipient, eight words.
    Show(show::Arguments),
    /// Go on with the 24 words when keys are lost, or rehearse it.
    Recover(recover::Arguments),
    /// Replace your keys. Reports are not uploaded again.
    Rotate(rotate::Arguments),
    /// Make a file with which somebody you trust can stop everything of yours, once.
    Guardian(guardian::Arguments),
    /// Enrol with a broker as an advocate. No name is asked for.
    Enrol(enrol::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::New(arguments) => new::run(arguments, access, out),
        Verb::Show(arguments) => show::run(arguments, access, out),
        Verb::Recover(arguments) => recover::run(arguments, access, out),
        Verb::Rotate(arguments) => rotate::run(arguments, access, out),
        Verb::Guardian(arguments) => guardian::run(arguments, access, out),
        Verb::Enrol(arguments) => enrol::run(arguments, access, out),
    }
}
