//! `report download`: one's own report back, as the encrypted file it was.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        pace::PaceArguments,
        progress::Progress,
    },
    model::ids::ReportId,
};
use clap::Args;
use std::path::PathBuf;

/// Fetch a report back as the encrypted file it was. That you fetched it is logged.
///
/// A cut costs nothing: what has come is kept in OUT.partial, and the same command goes on from there.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana report download 3f… --out case.age\n  age -d -i identity.txt case.age | tar x"
)]
pub(super) struct Arguments {
    /// The report.
    report: ReportId,
    /// The file to make.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    pace: PaceArguments,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let reports = sitting.desk.reports()?;
        let found = reports.iter().find(|report| report.id == arguments.report);
        let total = found.map_or(0, |report| report.report.payload_bytes);
        let progress = Progress::begin("downloading", total, out);
        let pace = arguments.pace.pace();
        let fetched = sitting
            .desk
            .download_with(arguments.report, &arguments.out, &pace, &mut |step| progress.fetched(&step, out));
        fetched.map_err(|error| Failure::from(error).and("The same command goes on from what has come."))?;
        drop(progress);
        if sitting.desk.restore(arguments.report, &arguments.out)? {
            out.note("Title, persons and their consent are on this device again; grants are checked against them.");
        }
        out.show(
            format!(
                "Fetched into {}: the file you sealed, byte for byte.\nIt opens with your identity or your \
                 recovery key.",
                arguments.out.display()
            ),
            &serde_json::json!({ "report": arguments.report, "file": arguments.out }),
        );
        Ok(())
    })
}
