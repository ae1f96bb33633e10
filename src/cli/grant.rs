//! `grant`: giving consent to a release, looking after it, and withdrawing it.

mod approve;
mod complete;
mod consent_receipt;
mod create;
mod list;
mod narrow;
mod preview;
mod receipt;
mod revoke;
mod show;
mod terms;

use super::{
    home::Access,
    output::{Failure, Out},
};
use crate::{client::desk::Desk, model::ids::GrantId, wire::api::GrantSummary};
use clap::{Args, Subcommand};

/// Grant reports to institutions, look after grants, withdraw them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana grant preview REPORT --to INSTITUTION --purpose commission-of-inquiry\n  amana grant create REPORT --to INSTITUTION --purpose commission-of-inquiry --confirm-fingerprint 'eight words …'\n  amana grant revoke GRANT"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Say in plain words what a grant would mean. Nothing is signed.
    Preview(preview::Arguments),
    /// Check persons' consent, sign a grant and send it.
    Create(create::Arguments),
    /// Agree with a grant, as another owner of the report.
    Approve(approve::Arguments),
    /// Replace a grant by one that allows less.
    Narrow(Box<narrow::Arguments>),
    /// The second yes: send what a grant was waiting for.
    Complete(complete::Arguments),
    /// List grants: given by you, or made to your institution.
    List(list::Arguments),
    /// Show one grant with its conditions.
    Show(show::Arguments),
    /// Withdraw a grant. Works at once and without signing in.
    Revoke(revoke::Arguments),
    /// Write the proof of delivery of a grant to a file, and check it. Needs no network.
    Receipt(receipt::Arguments),
    /// Write a receipt of what a grant agreed to: for people as a page, for programs as JSON-LD. Needs no network.
    ConsentReceipt(consent_receipt::Arguments),
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    match &arguments.verb {
        Verb::Preview(verb) => preview::run(verb, access, out),
        Verb::Create(verb) => create::run(verb, access, out),
        Verb::Approve(verb) => approve::run(verb, access, out),
        Verb::Narrow(verb) => narrow::run(verb, access, out),
        Verb::Complete(verb) => complete::run(verb, access, out),
        Verb::List(verb) => list::run(verb, access, out),
        Verb::Show(verb) => show::run(verb, access, out),
        Verb::Revoke(verb) => revoke::run(verb, access, out),
        Verb::Receipt(verb) => receipt::run(verb, access, out),
        Verb::ConsentReceipt(verb) => consent_receipt::run(verb, access, out),
    }
}

/// One grant as the broker lists it.
fn listed(desk: &Desk, id: GrantId) -> Result<GrantSummary, Failure> {
    let found = desk.grants()?.into_iter().find(|grant| grant.id == id);
    found.ok_or_else(|| Failure::refused(format!("the broker lists no grant {id} for you; see `amana grant list`")))
}

/// What an institution calls itself, as the register has it.
fn name_of(desk: &Desk, grant: &GrantSummary) -> String {
    let row = desk.mirror().institution(grant.institution);
    row.map_or_else(|| grant.institution.to_string(), |row| row.record.name.to_string())
}
