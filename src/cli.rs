//! The command line: noun, verb. One file a subcommand; the only place that makes clocks, chance and sockets.
//!
//! | exit code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | refused or failed; the words say why and what to do |
//! | 2 | wrong usage, or something is missing from the command line |
//! | 3 | what was checked does not hold: a card, a proof, a bundle, a malformed file |
//! | 4 | nobody answered: whether it happened is not known, and the same command may be given again |
//!
//! With `--json` every command prints one JSON value, failures too: `{"error": …, "code": …}`.

#[cfg(any(feature = "client", feature = "server"))]
pub mod ambient;
mod audit;
#[cfg(feature = "server")]
mod backup;
#[cfg(feature = "client")]
mod card;
mod completions;
#[cfg(feature = "client")]
mod consent;
#[cfg(feature = "server")]
pub mod courier;
#[cfg(all(feature = "client", feature = "server"))]
pub mod demo;
#[cfg(feature = "server")]
mod doctor;
#[cfg(feature = "server")]
pub mod embedded;
#[cfg(feature = "client")]
pub mod founding;
#[cfg(feature = "client")]
mod freeze;
#[cfg(feature = "client")]
mod genesis;
#[cfg(feature = "client")]
mod grant;
#[cfg(feature = "client")]
mod home;
#[cfg(feature = "client")]
mod identity;
#[cfg(feature = "client")]
mod inbox;
mod inspect;
#[cfg(feature = "client")]
mod institution;
#[cfg(feature = "server")]
mod known;
#[cfg(feature = "server")]
mod log_key;
mod man;
mod moment;
#[cfg(feature = "server")]
mod on_disk;
#[cfg(feature = "server")]
mod openapi;
mod output;
#[cfg(feature = "client")]
mod pace;
#[cfg(feature = "server")]
mod policy;
#[cfg(any(feature = "client", feature = "server"))]
mod progress;
#[cfg(feature = "client")]
mod recovery;
#[cfg(feature = "client")]
mod release;
#[cfg(feature = "client")]
mod report;
#[cfg(feature = "client")]
mod request;
#[cfg(feature = "server")]
mod restore;
#[cfg(feature = "server")]
mod roll_forward;
#[cfg(feature = "client")]
mod roster;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "client")]
mod thaw;
#[cfg(feature = "client")]
mod unit;
#[cfg(feature = "client")]
mod web;
#[cfg(feature = "server")]
mod witness;
#[cfg(feature = "client")]
mod words;

use clap::{CommandFactory as _, Parser, Subcommand};
use output::{Failure, Out};
use std::{ffi::OsString, process::ExitCode};

/// Share sealed reports under signed, revocable consent; every release is logged before it happens.
#[derive(Parser)]
#[command(name = "amana", version, propagate_version = true, arg_required_else_help = true, after_help = HELP)]
struct Arguments {
    /// Print machine-readable JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "Exit codes:\n  \
    0 done   1 refused or failed   2 wrong usage   3 what was checked does not hold\n  \
    4 nobody answered; the same command may be given again\n\n\
    Examples:\n  amana inspect report.age\n  amana audit verify audit/";

#[derive(Subcommand)]
enum Command {
    /// Play the whole story on this machine: seal, grant, release, open, withdraw, audit.
    #[cfg(all(feature = "client", feature = "server"))]
    Demo(demo::Arguments),
    /// Run a broker.
    #[cfg(feature = "server")]
    Serve(serve::Arguments),
    /// Check a running broker, or the folder of one.
    #[cfg(feature = "server")]
    Doctor(doctor::Arguments),
    /// Back up a broker's folder, also while it runs.
    #[cfg(feature = "server")]
    Backup(backup::Arguments),
    /// Make a broker's folder from a backup.
    #[cfg(feature = "server")]
    Restore(restore::Arguments),
    /// Go on from an older copy of a broker's data and from what a mirror kept of its logs.
    #[cfg(feature = "server")]
    RollForward(roll_forward::Arguments),
    /// Found a broker, or look at a trust root.
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Genesis(genesis::Command),
    /// Make, show, rehearse and enrol your keys.
    #[cfg(feature = "client")]
    Identity(identity::Arguments),
    /// Seal reports on this device, upload them, list them, fetch them back.
    #[cfg(feature = "client")]
    Report(report::Arguments),
    /// What you, or your institution, have to do something about, most urgent first.
    #[cfg(feature = "client")]
    Inbox(inbox::Arguments),
    /// Ask an advocate for a report, read what was asked, refuse it or ask back.
    #[cfg(feature = "client")]
    Request(request::Arguments),
    /// Grant reports to institutions, look after grants, withdraw them.
    #[cfg(feature = "client")]
    Grant(Box<grant::Arguments>),
    /// Keep the consent of the persons in reports: add, look up, review, withdraw.
    #[cfg(feature = "client")]
    Consent(Box<consent::Arguments>),
    /// Stop everything of an advocate, at once.
    #[cfg(feature = "client")]
    Freeze(freeze::Arguments),
    /// Lift a freeze.
    #[cfg(feature = "client")]
    Thaw(thaw::Arguments),
    /// Collect a granted report, open it, acknowledge it, and say what became of it.
    #[cfg(feature = "client")]
    Release(release::Arguments),
    /// Enrol, admit, vouch for, suspend and look up institutions; their terms, calls, records and ends.
    #[cfg(feature = "client")]
    Institution(institution::Arguments),
    /// Show and change who holds which office, who witnesses, and which keys sign the logs.
    #[cfg(feature = "client")]
    Roster(roster::Arguments),
    /// Prepare the replacement of the key that signs a log.
    #[cfg(feature = "server")]
    #[command(subcommand)]
    LogKey(log_key::Command),
    /// Check, test and explain the rules every release must pass.
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Policy(policy::Command),
    /// Run a witness: cosign a broker's logs as long as they only grow.
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Witness(witness::Command),
    /// Check the page a broker serves, and vouch for a version of it.
    #[cfg(feature = "client")]
    Web(web::Arguments),
    /// Explain the header of an age file.
    Inspect(inspect::Arguments),
    /// Check an audit bundle offline, or export one.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print completions for a shell.
    Completions(completions::Arguments),
    /// Write the manual pages, one a command.
    Man(man::Arguments),
    /// Print the OpenAPI document of the HTTP interface.
    #[cfg(feature = "server")]
    Openapi(openapi::Arguments),
}

/// Everything that can be typed, for help, completions, manual pages and tests.
pub fn command() -> clap::Command {
    Arguments::command()
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
        #[cfg(feature = "server")]
        Command::Backup(arguments) => backup::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::RollForward(arguments) => roll_forward::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::Restore(arguments) => restore::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Genesis(command) => genesis::run(&command, out),
        #[cfg(feature = "client")]
        Command::Identity(arguments) => identity::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Report(arguments) => report::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Inbox(arguments) => inbox::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Request(arguments) => request::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Grant(arguments) => grant::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Consent(arguments) => consent::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Release(arguments) => release::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Freeze(arguments) => freeze::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Thaw(arguments) => thaw::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Institution(arguments) => institution::run(&arguments, out),
        #[cfg(feature = "client")]
        Command::Roster(arguments) => roster::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::LogKey(command) => log_key::run(&command, out),
        #[cfg(feature = "server")]
        Command::Policy(command) => policy::run(&command, out),
        #[cfg(feature = "server")]
        Command::Witness(command) => witness::run(&command, out),
        #[cfg(feature = "client")]
        Command::Web(arguments) => web::run(&arguments, out),
        Command::Inspect(arguments) => inspect::run(&arguments, out),
        Command::Audit(command) => audit::run(&command, out),
        Command::Completions(arguments) => completions::run(&arguments, out),
        Command::Man(arguments) => man::run(&arguments, out),
        #[cfg(feature = "server")]
        Command::Openapi(arguments) => openapi::run(&arguments, out),
    }
}
