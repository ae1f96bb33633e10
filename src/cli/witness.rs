//! `witness`: cosigning other people's logs, so that nobody can be shown another log than everybody else.

mod key;
mod new;
mod serve;
mod show;

use super::output::{Failure, Out};
use clap::Subcommand;

/// Run a witness: cosign a broker's logs as long as they only grow.
#[derive(Subcommand)]
#[command(
    after_help = "Examples:\n  amana witness new --dir witness --name witness.example\n  amana witness serve --dir witness --listen 127.0.0.1:8090 \\\n    --log broker.example/register+… --log broker.example/case+…\n  amana witness show --dir witness"
)]
pub(super) enum Command {
    /// Make a witness's key and folder, and print what brokers name it by.
    New(new::Arguments),
    /// Run a witness.
    Serve(serve::Arguments),
    /// Print what brokers name a witness by.
    Show(show::Arguments),
}

pub(super) fn run(command: &Command, out: &Out) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => new::run(arguments, out),
        Command::Serve(arguments) => serve::run(arguments, out),
        Command::Show(arguments) => show::run(arguments, out),
    }
}
