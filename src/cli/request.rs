//! `request`: asking an advocate for a report, and what they answer short of granting.

mod ask;
mod create;
mod list;
mod notice;
mod refuse;
mod reply;
mod show;
mod shown;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Ask an advocate for a report, read what was asked, refuse it or ask back.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request create REFERENCE --purpose commission-of-inquiry \\\n    --legal-basis 'Resolution 12/34' --deadline 30\n  amana request list\n  amana request show REQUEST --unit-identity unit.age\n  amana request refuse REQUEST --reason danger\n  amana request ask REQUEST --message 'Who will hear the recording?'"
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
    /// List requests: sent by your institution, or received for your reports; and what owners let your institution know.
    List(list::Arguments),
    /// Show one request with its answers and messages, or one notice.
    Show(show::Arguments),
    /// Refuse a request, or some of what it asks for.
    Refuse(refuse::Arguments),
    /// Ask back before you answer. It can still be granted or refused.
    Ask(ask::Arguments),
    /// Let an institution know that there is something to ask for.
    Notice(notice::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Create(verb) => create::run(verb, access, out),
        Verb::List(verb) => list::run(verb, access, out),
        Verb::Show(verb) => show::run(verb, access, out),
        Verb::Refuse(verb) => refuse::run(verb, access, out),
        Verb::Ask(verb) => ask::run(verb, access, out),
        Verb::Notice(verb) => notice::run(verb, access, out),
    }
}
