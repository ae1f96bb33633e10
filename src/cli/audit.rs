//! `audit`: the offline check, taking a bundle away, vouching for one, watching, and the public report made from one.

#[cfg(feature = "client")]
mod export;
mod listed;
#[cfg(feature = "client")]
mod own;
mod pack;
#[cfg(feature = "server")]
mod replay;
mod report;
#[cfg(feature = "client")]
mod sign;
#[cfg(feature = "client")]
mod status;
#[cfg(feature = "client")]
mod watch;

#[cfg(all(feature = "client", feature = "server"))]
pub(super) use replay::replay_folder;

use super::{
    moment::moment,
    output::{Failure, Out, chain},
};
use crate::{
    audit::{self, AuditError, Inputs, Summary},
    wire::genesis::Card,
};
use clap::{Args, Subcommand};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

/// Checking what a broker did.
#[derive(Subcommand)]
#[command(
    after_help = "Examples:\n  amana audit verify audit/\n  amana audit export --out audit --identity auditor-1.txt\n  \
                  amana audit report audit/ --out draft --draft"
)]
pub(super) enum Command {
    /// Check an exported bundle, or an evidence pack, without trusting the broker that wrote it.
    #[command(
        after_help = "Examples:\n  amana audit verify audit/\n  amana audit verify audit/ --card 'broker.example#3f…'\n  \
                      amana audit verify pack.tar --card 'broker.example#3f…'"
    )]
    Verify(Verify),
    /// Make a transparency report from an exported bundle that holds: bands, no ids, nothing young.
    Report(Box<report::Arguments>),
    /// Check an exported bundle, and decide again whatever was decided in it.
    #[cfg(feature = "server")]
    Replay(replay::Arguments),
    /// Take a bundle away from the broker, as an auditor.
    #[cfg(feature = "client")]
    Export(export::Arguments),
    /// Fetch every entry of the log that concerns you, opened and proved.
    #[cfg(feature = "client")]
    Own(own::Arguments),
    /// Show what everybody is shown of both logs, and who cosigned it.
    #[cfg(feature = "client")]
    Status(status::Arguments),
    /// Say, signed and logged, that an exported bundle holds, as an auditor.
    #[cfg(feature = "client")]
    Sign(sign::Arguments),
    /// Follow a broker and fail loudly when it rolls back, forks, hides or stands still, as an auditor.
    #[cfg(feature = "client")]
    Watch(Box<watch::Arguments>),
}

/// What to check.
#[derive(Args)]
pub(super) struct Verify {
    /// Folder of the bundle; or an evidence pack, as FILE.tar or unpacked into a folder.
    folder: PathBuf,
    /// The bootstrap card; without it the bundle or pack is checked against the genesis it brings along itself.
    #[arg(long)]
    card: Option<Card>,
    /// A signed listing that a party was given (`audit own`): whether it leaves out an entry that concerns them.
    #[arg(long, value_name = "FILE")]
    listing: Option<PathBuf>,
}

pub(super) fn run(command: &Command, out: &Out) -> Result<(), Failure> {
    match command {
        Command::Verify(arguments) => verify(arguments, out),
        Command::Report(arguments) => report::run(arguments, out),
        #[cfg(feature = "server")]
        Command::Replay(arguments) => replay::run(arguments, out),
        #[cfg(feature = "client")]
        Command::Export(arguments) => export::run(arguments, out),
        #[cfg(feature = "client")]
        Command::Own(arguments) => own::run(arguments, out),
        #[cfg(feature = "client")]
        Command::Status(arguments) => status::run(arguments, out),
        #[cfg(feature = "client")]
        Command::Sign(arguments) => sign::run(arguments, out),
        #[cfg(feature = "client")]
        Command::Watch(arguments) => watch::run(arguments, out),
    }
}

fn verify(arguments: &Verify, out: &Out) -> Result<(), Failure> {
    if pack::is_one(&arguments.folder) {
        return pack::run(&arguments.folder, arguments.card.as_ref(), out);
    }
    let summary = match &arguments.listing {
        Some(listing) => listed::verify(&arguments.folder, arguments.card.as_ref(), listing)?,
        None => verify_folder(&arguments.folder, arguments.card.as_ref())?,
    };
    out.show(text(&summary, arguments.card.as_ref()), &json(&summary));
    Ok(())
}

/// Checks a bundle on disk.
pub(super) fn verify_folder(folder: &Path, card: Option<&Card>) -> Result<Summary, Failure> {
    audit::verify(inputs(folder)?, card).map_err(|error| refusal(&error))
}

fn refusal(error: &AuditError) -> Failure {
    Failure::does_not_hold(format!("the bundle does NOT hold: {}", chain(error)))
}

type Lines = BufReader<File>;

/// The files of a bundle.
fn inputs(folder: &Path) -> Result<Inputs<Lines, Lines, Lines>, Failure> {
    let path = |name: &str| folder.join(name);
    let words = |name: &str, e: std::io::Error| Failure::refused(format!("{}: {e}", path(name).display()));
    let read = |name: &str| fs::read_to_string(path(name)).map_err(|e| words(name, e));
    let open = |name: &str| File::open(path(name)).map(BufReader::new).map_err(|e| words(name, e));
    Ok(Inputs {
        genesis: read("genesis.note")?,
        register_checkpoint: read("checkpoint.register")?,
        case_checkpoint: path("checkpoint.case").exists().then(|| read("checkpoint.case")).transpose()?,
        register: open("register.jsonl")?,
        case: open("case.jsonl")?,
        facts: open("facts.jsonl")?,
    })
}

fn json(summary: &Summary) -> serde_json::Value {
    serde_json::json!({
        "holds": true,
        "card": summary.card,
        "register_size": summary.register_size,
        "case_size": summary.case_size,
        "facts": summary.facts,
        "signatures": summary.signatures,
        "events": summary.events,
        "witnessed": summary.witnessed && summary.cosigned.is_some(),
        "cosigned": summary.cosigned.map(|(size, at)| serde_json::json!({ "case_size": size, "at": at })),
        "shredded_bodies": summary.shredded_bodies,
        "lost_bodies": summary.lost_bodies,
    })
}

/// The result in words.
pub(super) fn text(summary: &Summary, card: Option<&Card>) -> String {
    let mut text = format!(
        "The bundle holds.\n  register {} entries, case log {} entries, {} statements verified\n  \
         {} facts folded from the log, equal to the broker's own\n",
        summary.register_size, summary.case_size, summary.signatures, summary.facts
    );
    for (event, count) in &summary.events {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {count:>5}  {event}");
    }
    if summary.shredded_bodies > 0 {
        let _ = writeln!(
            text,
            "WITHOUT THEIR BODIES: {} case entries. Auditors vouched for them, and the log says that they were shredded as \
             not kept for ever. No fact depends on them; what they said, nobody can check any more.",
            summary.shredded_bodies
        );
    }
    if summary.lost_bodies > 0 {
        let _ = writeln!(
            text,
            "LOST: {} case entries. The broker went on from an older copy of its data, and administrators and council \
             confirmed it. What happened in them nobody can check: releases among them would be here under no grant.",
            summary.lost_bodies
        );
    }
    text.push_str("Every release stands under a valid, unrevoked grant, within its window, purposes, key and count.\n");
    if card.is_none() {
        let _ = writeln!(text, "Compare this card with the one you were given: {}", summary.card);
    }
    if summary.witnessed && summary.cosigned.is_none() {
        text.push_str(
            "Witnesses are named, and they have not cosigned the case log: this proves what THIS copy of it says, not that \
             everybody is shown the same one.",
        );
    }
    if let Some((size, at)) = summary.cosigned {
        let _ = writeln!(
            text,
            "Enough witnesses cosigned the first {size} entries of the case log, last {}: everybody was shown those.",
            moment(at)
        );
    }
    if !summary.witnessed {
        text.push_str(
            "No witness: this proves what THIS copy of the log says, not that everybody is shown the same one.",
        );
    }
    text
}
