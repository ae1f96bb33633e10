//! `institution`: what institutions, administrators and accreditors state, and what the register says of them.

mod admit;
mod approve;
mod attest;
mod call;
mod close;
mod enrol;
mod key;
mod list;
mod officer;
mod renew;
mod resume;
mod show;
mod suspend;
mod terms;

use super::{
    home::Access,
    output::{Failure, Out},
};
use crate::{
    client::desk::Desk,
    model::{ids::PartyId, rows::InstitutionRow},
    wire::api::Accepted,
};
use clap::{Args, Subcommand};

/// Enrol, admit, vouch for, suspend and look up institutions; their terms, calls, records and ends.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution list\n  amana institution show kPrK…\n  amana institution calls\n  amana institution admit kPrK… --identity administrator-1.txt\n  amana institution approve 3f… --identity administrator-2.txt"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Enrol an institution under its root key. Its record is public.
    Enrol(enrol::Arguments),
    /// List the institutions the register knows.
    List(list::Arguments),
    /// Show one institution with its units, keys and eight words.
    Show(show::Arguments),
    /// Appoint an officer (institution's root key).
    Officer(officer::Arguments),
    /// Publish the recipient key of a unit (institution's root key).
    Key(key::Arguments),
    /// Propose the admission of an institution (administrator).
    Admit(admit::Arguments),
    /// Approve what an administrator proposed (another administrator; after a roll-forward also the council).
    Approve(approve::Arguments),
    /// Propose that the broker goes on after data were lost and the log was rolled forward (administrator).
    Resume(resume::Arguments),
    /// Bring another public record, such as a renewed mandate; it waits until it is admitted (institution's root key).
    Renew(renew::Arguments),
    /// Say when this institution ends, and who goes on with its work (institution's root key).
    Close(close::Arguments),
    /// Publish what this institution does with information, or read what one has published.
    Terms(terms::Arguments),
    /// Ask for information, publicly (institution's root key).
    Call(call::Arguments),
    /// List the calls for information that run.
    Calls(call::Listing),
    /// Vouch for what was examined (accreditor).
    Attest(attest::Arguments),
    /// Stop releases to an institution at once (one administrator).
    Suspend(suspend::Arguments),
    /// Propose to let releases to an institution on again; another administrator has to approve.
    Lift(suspend::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Enrol(verb) => enrol::run(verb, access, out),
        Verb::List(verb) => list::run(verb, access, out),
        Verb::Show(verb) => show::run(verb, access, out),
        Verb::Officer(verb) => officer::run(verb, access, out),
        Verb::Key(verb) => key::run(verb, access, out),
        Verb::Admit(verb) => admit::run(verb, access, out),
        Verb::Approve(verb) => approve::run(verb, access, out),
        Verb::Resume(verb) => resume::run(verb, access, out),
        Verb::Renew(verb) => renew::run(verb, access, out),
        Verb::Close(verb) => close::run(verb, access, out),
        Verb::Terms(verb) => terms::run(verb, access, out),
        Verb::Call(verb) => call::run(verb, access, out),
        Verb::Calls(verb) => call::list(verb, access, out),
        Verb::Attest(verb) => attest::run(verb, access, out),
        Verb::Suspend(verb) => suspend::suspend(verb, access, out),
        Verb::Lift(verb) => suspend::lift(verb, access, out),
    }
}

/// An institution of the verified register.
fn known(desk: &Desk, id: PartyId) -> Result<InstitutionRow, Failure> {
    desk.mirror().institution(id).ok_or_else(|| {
        Failure::refused(format!("the register knows no institution {id}; see `amana institution list`"))
    })
}

/// Says that a statement stands in the register.
fn told(out: &Out, text: &str, accepted: &Accepted) {
    out.show(
        format!("{text}\n  statement  {}\n  register   entry {}, proved to this device", accepted.id, accepted.index),
        &serde_json::json!({ "statement": accepted.id, "index": accepted.index }),
    );
}
