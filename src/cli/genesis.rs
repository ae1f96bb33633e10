//! `genesis`: founding a broker, and looking at its trust root.

mod new;
mod show;

use super::output::{Failure, Out};
use clap::Subcommand;

/// Found a broker, or look at a trust root.
#[derive(Subcommand)]
#[command(
    after_help = "Examples:\n  amana genesis new --dir broker --origin broker.example\n  amana genesis show broker/genesis.note"
)]
pub(super) enum Command {
    /// Make the keys of a new broker and of every office, and the genesis signed by all of them.
    New(new::Arguments),
    /// Check a genesis and show its bootstrap card, QR code and offices.
    Show(show::Arguments),
}

pub(super) fn run(command: &Command, out: &Out) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => new::run(arguments, out),
        Command::Show(arguments) => show::run(arguments, out),
    }
}
