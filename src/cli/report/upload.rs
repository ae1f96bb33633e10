//! `report upload`: declare if needed, then the ciphertext, as often and as long as it takes.

use super::pending::Pending;
use crate::{
    cli::{
        home::{Access, Sitting},
        output::{Failure, Out},
        pace::PaceArguments,
        progress::Progress,
    },
    client::{
        desk::DeskError,
        remote::RemoteError,
        reporting::report_of,
        seal::SealedFile,
        uploading::{Pace, UploadStep},
    },
    model::ids::{Digest, ReportId},
    wire::problem::ProblemType,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Declare a sealed file and upload it. A cut costs nothing: what has arrived is kept, and the same command goes on from
/// there, after minutes or days, also from another machine that has FILE.age and FILE.age.amana-report.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana report upload case.age\n  amana report upload --limit-rate 8k --give-up-after 12h case.age"
)]
pub(super) struct Arguments {
    /// The sealed file.
    file: PathBuf,
    #[command(flatten)]
    pace: PaceArguments,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| send(sitting, &arguments.file, &arguments.pace.pace(), out))
}

/// Declares and uploads a sealed file, going on where an earlier attempt stopped.
pub(super) fn send(sitting: &mut Sitting, place: &Path, pace: &Pace, out: &Out) -> Result<(), Failure> {
    let file = SealedFile::open(place).map_err(|e| Failure::from_error(&e))?;
    let pending = Pending::read(place, sitting.desk.identity())?;
    let early = pending.as_ref().and_then(|pending| pending.upload);
    let report = match pending {
        Some(pending) => declare(sitting, place, pending)?,
        None => declared(sitting, &file)?,
    };
    let mut safe = 0;
    let progress = Progress::upload(file.payload_bytes(), out);
    let mut step = |step: UploadStep| {
        safe = step.safe().unwrap_or(safe);
        progress.step(&step, out);
    };
    let sent = sitting.desk.upload_with(report, place, early, pace, &mut step);
    drop(progress);
    sent.map_err(|error| stopped(error, safe, file.payload_bytes(), place))?;
    Pending::done(place);
    let (header, payload) = (file.header().as_bytes().len(), file.payload_bytes());
    out.show(
        format!(
            "Uploaded.\n  report  {report}\n\nLeft this device: a signed statement, {header} bytes that only your own keys \
             can use, and {payload} bytes of ciphertext.\nNo title, file name, name of a person or content left it. Nobody \
             can read the report until you grant it.\n\nNext: amana report show {report}"
        ),
        &serde_json::json!({ "report": report, "header_bytes": header, "payload_bytes": payload }),
    );
    Ok(())
}

fn stopped(error: DeskError, safe: u64, all: u64, place: &Path) -> Failure {
    Failure::from(error).and(format!(
        "The report is declared, and {safe} of {all} bytes are safe at the broker. To go on from there give the same \
         command again: amana report upload {}",
        place.display()
    ))
}

/// Signs the declaration, keeps it, and only then sends it: a lost answer must not make a second declaration. What was
/// sealed is kept beside the file until everything has arrived, so that another machine can go on.
fn declare(sitting: &mut Sitting, file: &Path, mut pending: Pending) -> Result<ReportId, Failure> {
    for first in [true, false] {
        let text = match pending.declaration.clone().filter(|_| first) {
            Some(text) => text,
            None => sitting.desk.sign(pending.report(), None, None)?,
        };
        pending.declaration = Some(text.clone());
        pending.write(file, sitting.desk.identity())?;
        match sitting.desk.send_declaration(pending.sealed(), &text) {
            Ok(accepted) => {
                sitting.keep()?;
                return Ok(accepted.id.into());
            }
            // It was signed too long ago and never arrived: sign it anew.
            Err(DeskError::Remote(RemoteError::Problem(problem)))
                if first && problem.is(ProblemType::StatementRefused) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::refused("the broker refuses the declaration; look at this device's clock"))
}

/// The report this device has declared for this file.
fn declared(sitting: &Sitting, file: &SealedFile) -> Result<ReportId, Failure> {
    let header = Digest::from_bytes(file.header().digest());
    let same = |statement: &str| report_of(statement).is_ok_and(|report| report.owner_header == header);
    let found = sitting.desk.memory().reports.iter().find(|(_, own)| same(&own.statement));
    found.and_then(|(id, _)| id.parse().ok()).ok_or_else(|| {
        Failure::refused(
            "this device did not seal that file with this identity, or the .amana-report file beside it is gone; seal the \
             files again",
        )
    })
}
