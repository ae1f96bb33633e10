//! `release open`: the report, if it is the one the advocate signed. Needs no network unless it acknowledges.

use super::{acknowledge, beside};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        progress::Progress,
        unit::UnitIdentity,
    },
    client::{fetched::open_collected, relations::checked, reporting::report_of},
};
use clap::Args;
use std::path::PathBuf;

/// Open a collected report and check that it is what the advocate signed. The conditions are written beside the files.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana release open report.age --unit-identity unit.age --into case-12\n  amana release open report.age --unit-identity unit.age --into case-12 --acknowledge"
)]
pub(super) struct Arguments {
    /// The collected report.
    file: PathBuf,
    #[command(flatten)]
    unit: UnitIdentity,
    /// The folder to make.
    #[arg(long)]
    into: PathBuf,
    /// Acknowledge right away, as the officer who collected it.
    #[arg(long)]
    acknowledge: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let collected = beside::read_collected(&arguments.file)?;
    let unit = match arguments.unit.unlock(access)? {
        Some(unit) => unit,
        None => access.unlock()?.identity,
    };
    let progress = Progress::begin("opening", report_of(&collected.report_statement)?.payload_bytes, out);
    let opened = open_collected(&collected, &arguments.file, &unit, &arguments.into, &mut |bytes| progress.add(bytes));
    drop(progress);
    let (opened, outcome) = opened.map_err(|e| {
        Failure::from(e).and(format!(
            "Nothing was written. A defect of the report is reported with: amana release acknowledge {} --defect TEXT",
            arguments.file.display()
        ))
    })?;
    beside::write_outcome(&arguments.file, &outcome)?;
    let acknowledged =
        if arguments.acknowledge { Some(acknowledge::send(access, &collected, &outcome)?) } else { None };
    let next = match acknowledged {
        Some(id) => format!("Acknowledged: {id}"),
        None => format!("Next: amana release acknowledge {}", arguments.file.display()),
    };
    let earlier = checked(&opened.manifest.relations, &report_of(&collected.report_statement)?);
    let related: String =
        earlier.iter().flat_map(|one| ["\nAn earlier report: it ".to_owned(), one.to_string()]).collect();
    out.show(
        format!(
            "Opened {} file(s) into {}.{related}\nIt is the content the advocate signed, and the only one. Read CONDITIONS.txt before you use \
             it; what the files say is alleged.\n\n{next}",
            opened.files,
            opened.folder.display()
        ),
        &serde_json::json!({
            "folder": opened.folder, "files": opened.files, "payload_sha256": opened.payload_sha256,
            "key_commitment": opened.key_commitment, "acknowledgement": acknowledged, "earlier": earlier,
        }),
    );
    Ok(())
}
