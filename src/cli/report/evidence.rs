//! `report evidence`: what the log says about one report, for a court, to be checked offline by strangers.

use crate::{
    audit::pack::{self, Before, Pack},
    cli::{
        home::{Access, write_private_new},
        output::{Failure, Out},
    },
    client::evidence::BeforeSealing,
    model::ids::ReportId,
};
use clap::Args;
use std::{fmt::Write as _, path::PathBuf};

/// Make an evidence pack: who sealed, permitted, collected, acknowledged and withdrew, with every proof.
///
/// One archive about one report, from which a stranger can see years later, offline, what happened to it and that the
/// broker's log says so. It says nothing about your other reports. It is not for publication: whoever has it sees
/// which institutions you trusted, for what, and what they signed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  amana report evidence 3f… --out pack.tar --yes
  amana report evidence 3f… --out pack.tar --with-manifest case.age --yes
  amana audit verify pack.tar --card 'broker.example#3f…'

Without --yes it says what the pack would reveal, and makes nothing. There is no form for the public: a proof opens its
entry whole, and an entry left out shows in the log's own listing.")]
pub(super) struct Arguments {
    /// The report.
    report: ReportId,
    /// The archive to make.
    #[arg(long, value_name = "FILE.tar")]
    out: PathBuf,
    /// Add the hand-overs before sealing, from the sealed file (as uploaded or downloaded), opened with your identity.
    #[arg(long, value_name = "FILE.age", conflicts_with = "without_digests")]
    with_manifest: Option<PathBuf>,
    /// Leave out the digests of the sealed files: with them, whoever holds a file can see that it is in the report.
    #[arg(long)]
    without_digests: bool,
    /// You have read what the pack reveals, and want it made.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let file = arguments.out.display();
    if arguments.out.symlink_metadata().is_ok() {
        return Err(Failure::refused(format!("{file} is there already; name a file that is not, with --out")));
    }
    access.at_desk(|sitting| {
        let before = sitting.desk.before_sealing(arguments.report, &source(arguments))?;
        if !arguments.yes {
            return Err(Failure::refused(format!(
                "{}\n\nNothing was made. If this is what you want, add --yes.",
                revealed(&before)
            )));
        }
        let made = sitting.desk.evidence(arguments.report, before)?;
        let tar = made.to_tar().map_err(|e| Failure::refused(format!("{file}: {e}")))?;
        write_private_new(&arguments.out, &tar)?;
        say(arguments, &made, &sitting.desk.genesis().card().to_string(), out)
    })
}

fn source(arguments: &Arguments) -> BeforeSealing {
    match &arguments.with_manifest {
        Some(sealed) => BeforeSealing::SealedFile(sealed.clone()),
        None if arguments.without_digests => BeforeSealing::Nothing,
        None => BeforeSealing::Digests,
    }
}

/// What whoever holds the pack will learn.
fn revealed(before: &Before) -> String {
    let mut text = "This pack will reveal, to everybody who gets to see it:\n  \
        - the report's id, its digest, its padded length, its tier, and when you sealed and uploaded it\n  \
        - your public key and your recovery key's public half: packs and reports under one key can be joined\n  \
        - every permission about this report, with institution, purposes, terms and times, also those withdrawn\n  \
        - every request, refusal, collection and proof of delivery, with the officers' keys and their words\n"
        .to_owned();
    // Writing to a string cannot fail.
    if !before.items().is_empty() {
        let _ = writeln!(
            text,
            "  - the digests of {} sealed file(s), and how they were received: whoever holds such a file can recognise it",
            before.items().len()
        );
    }
    for row in before.rows() {
        let _ = writeln!(
            text,
            "  - hand-over {}: {}, item {}, from {} to {}, {}, {}",
            row.seq, row.utc, row.item, row.from, row.to, row.how, row.seal_or_medium
        );
    }
    if !before.rows().is_empty() {
        text.push_str("Hand-overs are given as you wrote them. If a person's name stands among them, do not go on.\n");
    }
    text.push_str(
        "It will not reveal: the content, file names, places and reasons of hand-overs, persons and their consent, your \
         other reports.",
    );
    text
}

fn say(arguments: &Arguments, made: &Pack, card: &str, out: &Out) -> Result<(), Failure> {
    let checked = pack::check(made, None).map_err(|e| Failure::from_error(&e))?;
    let custody = &checked.custody;
    let open = custody.after.iter().filter(|act| !act.witnessed).count();
    let witnessed = match (open, custody.witnessed.quorum) {
        (_, 0) => "This broker has no witnesses: that everybody is shown the same log rests on its word.".to_owned(),
        (0, _) => "Every entry in it is witnessed.".to_owned(),
        (open, _) => format!(
            "{open} of its entries are not witnessed yet. They will be at the broker's next publication, usually within ten \
             minutes; make the pack again then."
        ),
    };
    let before = match &custody.before {
        Before::SealedReport { .. } => "",
        Before::StaysSealed { .. } => {
            "\nThe hand-overs before sealing stay sealed; --with-manifest FILE.age adds them."
        }
    };
    let file = arguments.out.display();
    out.show(
        format!(
            "Made {file}: {} entries about the report, each with its proof.\n{witnessed}{before}\n\n\
             Next: amana audit verify {file} --card '{card}'\n\
             Give the card to its readers by another way than the pack.",
            custody.after.len()
        ),
        &serde_json::json!({
            "file": arguments.out, "report": arguments.report, "entries": custody.after.len(), "not_witnessed": open,
            "card": card,
        }),
    );
    Ok(())
}
