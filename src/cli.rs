//! The command line: noun, verb. One file a subcommand; the only place that makes clocks, chance and sockets.
//!
//! Exit codes: 0 done · 1 refused or failed · 2 wrong usage · 3 what was checked does not hold.

#[cfg(any(feature = "client", feature = "server"))]
pub mod ambient;
mod audit;
#[cfg(all(feature = "client", feature = "server"))]
pub mod demo;
#[cfg(feature = "server")]
mod doctor;
#[cfg(feature = "server")]
pub mod embedded;
#[cfg(all(feature = "client", feature = "server"))]
pub mod founding;
mod inspect;
mod output;
#[cfg(feature = "server")]
mod serve;

use clap::{Parser, Subcommand};
use output::{Failure, Out};
use std::{ffi::OsString, process::ExitCode};

/// Share sealed reports under signed, revocable consent; every release is logged before it happens.
#[derive(Parser)]
#[command(name = "amana", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    /// Print machine-readable JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play the whole story on this machine: seal, grant, release, open, withdraw, audit.
    #[cfg(all(feature = "client", feature = "server"))]
    Demo(demo::Arguments),
    /// Run a broker.
    #[cfg(feature = "server")]
    Serve(serve::Arguments),
    /// Check a running broker.
    #[cfg(feature = "server")]
    Doctor(doctor::Arguments),
    /// Explain the header of an age file.
    Inspect(inspect::Arguments),
    /// Check an audit bundle offline, or export one.
    #[command(subcommand)]
    Audit(audit::Command),
}

/// Parses and runs.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no failures; clap knows which is which.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let out = Out::new(parsed.json);
    match dispatch(parsed.command, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => out.fail(&failure),
    }
}

fn dispatch(command: Command, out: &Out) -> Result<(), Failure> {
    match command {
        #[cfg(all(feature = "client", feature = "server"))]
        Command::Demo(arguments) => demo::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::Serve(arguments) => serve::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::Doctor(arguments) => doctor::run(&arguments, out),
        Command::Inspect(arguments) => inspect::run(&arguments, out),
        Command::Audit(command) => audit::run(&command, out),
    }
}
