//! `release fetch`: one release, also when the answer is lost: the signed request is kept before it is sent, and sent
//! again unchanged until its report is on the disk.

use super::beside;
use crate::{
    cli::{
        home::{Access, Sitting},
        output::{Failure, Out},
        pace::PaceArguments,
        progress::Progress,
    },
    client::{desk::DeskError, receiving::forget_partial, remote::RemoteError, reporting::report_of},
    model::{
        ids::{Digest, GrantId},
        purpose::Purpose,
        statement::{Body, Kind},
    },
    wire::{api::Released, problem::ProblemType, statement::Unverified},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Collect a report under a grant. The release is logged before anything is delivered.
///
/// If the connection breaks, give the same command again: it is the same release, and what has come is kept in
/// OUT.partial and gone on with. Every part is decided about anew: after a withdrawal nothing more comes.
#[derive(Args)]
#[command(after_help = "Example:\n  amana release fetch 3f… --purpose commission-of-inquiry --out report.age")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// What for: one of the grant's purposes.
    #[arg(long)]
    purpose: Purpose,
    /// The file to make; what is needed to check and acknowledge it goes to FILE.release.json.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    pace: PaceArguments,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    for path in [arguments.out.clone(), beside::collected_path(&arguments.out)] {
        if path.exists() {
            return Err(Failure::refused(format!("{} is there already; choose another --out", path.display())));
        }
    }
    access.at_desk(|sitting| {
        let released = request(sitting, arguments)?;
        let total = report_of(&released.report_statement)?.payload_bytes;
        let progress = Progress::begin("collecting", total, out);
        let collected = sitting
            .desk
            .collect_with(&released, &arguments.out, &arguments.pace.pace(), &mut |step| progress.fetched(&step, out))
            .map_err(|error| Failure::from(error).and("The release is recorded; the same command collects it again."))?;
        drop(progress);
        let beside = beside::write_collected(&arguments.out, &collected)?;
        sitting.desk.memory_mut().release_requests.remove(&arguments.grant.to_string());
        let file = arguments.out.display();
        out.show(
            format!(
                "Collected into {file}.\n  release  {}\n  beside   {}\nThe release was in the log before the first byte left. \
                 Read the conditions before you use it.\n\nNext: amana release open {file} --into FOLDER",
                collected.release,
                beside.display()
            ),
            &serde_json::json!({
                "release": collected.release, "grant": collected.grant, "file": arguments.out, "beside": beside,
                "again": released.again,
            }),
        );
        Ok(())
    })
}

/// Sends the request kept from before, or a new one.
fn request(sitting: &mut Sitting, arguments: &Arguments) -> Result<Released, Failure> {
    let (grant, purpose, out) = (arguments.grant, &arguments.purpose, &arguments.out);
    let kept = sitting.desk.memory().release_requests.get(&grant.to_string()).cloned();
    if let Some(text) = kept.filter(|text| asks_for(text, purpose)) {
        match sitting.desk.send_release_request(grant, &text) {
            // It never arrived, and is too old or another came first: ask anew below.
            Err(error) if successor(&error).is_some() || is(&error, ProblemType::StatementRefused) => {}
            outcome => return answered(outcome, out),
        }
    }
    let mut prev = sitting.desk.memory().chains.get(&grant.to_string()).copied();
    for _ in 0..2 {
        let text = sitting.desk.sign_release_request(grant, purpose.clone(), prev)?;
        sitting.desk.memory_mut().release_requests.insert(grant.to_string(), text.clone());
        sitting.keep()?;
        match sitting.desk.send_release_request(grant, &text) {
            Err(error) => match successor(&error) {
                Some(current) if Some(current) != prev => prev = Some(current),
                _ => return answered(Err(error), out),
            },
            outcome => return answered(outcome, out),
        }
    }
    Err(Failure::refused("another device of yours keeps asking under this grant; try again"))
}

/// After a denial nothing more will come under this grant, and half a report is nobody's to keep.
fn answered(outcome: Result<Released, DeskError>, out: &Path) -> Result<Released, Failure> {
    if outcome.as_ref().is_err_and(|error| is(error, ProblemType::Denied)) {
        forget_partial(out);
    }
    Ok(outcome?)
}

/// What a statement has to follow, when the broker says that it followed something else.
fn successor(error: &DeskError) -> Option<Digest> {
    match error {
        DeskError::Remote(RemoteError::Problem(problem)) if problem.is(ProblemType::OutOfOrder) => problem.current,
        _ => None,
    }
}

fn is(error: &DeskError, kind: ProblemType) -> bool {
    matches!(error, DeskError::Remote(RemoteError::Problem(problem)) if problem.is(kind))
}

fn asks_for(text: &str, purpose: &Purpose) -> bool {
    let parsed = Unverified::parse_kind(text, Kind::ReleaseRequest).map(Unverified::into_unverified_body);
    matches!(parsed, Ok(Body::ReleaseRequest(request)) if request.purpose == *purpose)
}
