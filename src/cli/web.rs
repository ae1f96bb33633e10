//! `web`: the page for people without a command line, and whether it is the one it should be.

#[cfg(feature = "server")]
mod digest;
mod propose;
mod verify;

use super::{
    home::Access,
    output::{Failure, Out},
};
use clap::{Args, Subcommand};

/// Check the page a broker serves, and vouch for a version of it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana web verify https://broker.example --card broker.example#3f…\n  amana web digest\n  amana web propose --identity administrator-1.txt"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check that a broker serves a page that administrators vouch for, file by file.
    Verify(verify::Arguments),
    /// Print the digest of the page built into this program.
    #[cfg(feature = "server")]
    Digest(digest::Arguments),
    /// Propose to vouch for a version of the page (administrator); others approve with `amana institution approve`.
    Propose(propose::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    match &arguments.verb {
        Verb::Verify(verb) => verify::run(verb, &arguments.access, out),
        #[cfg(feature = "server")]
        Verb::Digest(verb) => digest::run(verb, out),
        Verb::Propose(verb) => propose::run(verb, &arguments.access, out),
    }
}

/// The digest of the page in this program, if there is one.
fn built() -> Result<crate::model::ids::Digest, String> {
    #[cfg(feature = "server")]
    return crate::http::page_digest().ok_or_else(|| {
        format!("this program was built without the page: {}", crate::http::page_missing().unwrap_or("nobody said why"))
    });
    #[cfg(not(feature = "server"))]
    Err("this program was built without a server, and so without the page".to_owned())
}
