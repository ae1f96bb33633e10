//! `audit own`: every entry of the log that concerns oneself, opened and proved, and the log's word that these are all.

use crate::{
    cli::{
        founding::write_private,
        home::Access,
        moment::moment,
        output::{Failure, Out},
    },
    client::disclosed::{OwnEntries, OwnEntry},
    wire::entry::Happening,
};
use clap::Args;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Fetch every entry of the log that concerns you, opened and proved, with signed listings that say that these are all.
///
/// An entry that is missing makes the listing evidence: an auditor finds it with `audit verify --listing FILE`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana audit own --identity advocate.txt\n  amana audit own --identity advocate.txt --out mine"
)]
pub(in crate::cli) struct Arguments {
    /// A folder to make, for listings and proofs (C2SP tlog-proof).
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    arguments.access.at_desk(|sitting| {
        let own = sitting.desk.own_entries()?;
        if let Some(folder) = &arguments.out {
            write(folder, &own).map_err(Failure::refused)?;
        }
        let rows: Vec<serde_json::Value> = own.entries.iter().map(json).collect();
        out.show(
            text(&own, sitting.desk.has_witnesses(), arguments.out.as_deref()),
            &serde_json::json!({ "entries": rows, "case_size": own.size, "folder": arguments.out }),
        );
        Ok(())
    })
}

fn write(folder: &Path, own: &OwnEntries) -> Result<(), String> {
    fs::create_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let put = |name: String, text: &str| write_private(&folder.join(name), text.as_bytes());
    for (number, listing) in (1..).zip(&own.listings) {
        put(format!("listing-{number:04}"), listing)?;
    }
    own.entries.iter().try_for_each(|entry| put(format!("entry-{:08}.tlog-proof", entry.index), &entry.proof))
}

fn text(own: &OwnEntries, has_witnesses: bool, folder: Option<&Path>) -> String {
    let mut text = String::new();
    for entry in &own.entries {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>8}  {}  {}", entry.index, moment(entry.shared.at), word(&entry.shared.event));
    }
    let _ = write!(
        text,
        "{} entries concern you, each proved; the log signed that these are all among its {} entries.\n{}",
        own.entries.len(),
        own.size,
        if has_witnesses {
            "How much of it witnesses cosigned: amana audit status"
        } else {
            "No witness: others may have been shown another log."
        }
    );
    if let Some(folder) = folder {
        let _ = write!(text, "\nListings and proofs: {}", folder.display());
    }
    text
}

/// What happened, by the word it has in the log.
fn word(event: &Happening) -> String {
    match serde_json::to_value(event) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(members)) => members.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn json(entry: &OwnEntry) -> serde_json::Value {
    serde_json::json!({
        "index": entry.index, "at": entry.shared.at, "event": entry.shared.event,
        "statement": entry.shared.statement,
    })
}
