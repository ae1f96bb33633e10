//! `report upload`: declare if needed, then the ciphertext. Repeating it after a cut sends it again from the start.

use super::pending::Pending;
use crate::{
    cli::{
        home::{Access, Sitting},
        output::{Failure, Out},
        progress::Progress,
    },
    client::{desk::DeskError, remote::RemoteError, reporting::report_of, seal::SealedFile},
    model::ids::{Digest, ReportId},
    wire::problem::ProblemType,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Declare a sealed file and upload it.
#[derive(Args)]
#[command(after_help = "Example:\n  amana report upload case.age")]
pub(super) struct Arguments {
    /// The sealed file.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let file = SealedFile::open(&arguments.file).map_err(|e| Failure::from_error(&e))?;
        let report = match Pending::read(&arguments.file, sitting.desk.identity())? {
            Some(pending) => declare(sitting, &arguments.file, pending)?,
            None => declared(sitting, &file)?,
        };
        let progress = Progress::begin("uploading", file.payload_bytes(), out);
        sitting.desk.upload(report, &arguments.file, &mut |bytes| progress.add(bytes)).map_err(|error| {
            Failure::from(error).and("The report is declared; give the same command again to upload it.")
        })?;
        drop(progress);
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
    })
}

/// Signs the declaration, keeps it, and only then sends it: a lost answer must not make a second declaration.
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
                Pending::done(file);
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
