//! `institution approve`: a second administrator, who is shown what they approve.

use super::{known, told};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::desk::Desk,
    model::{ids::Digest, institution::SuspensionAct, statement::Body},
    wire::entry::Shared,
};
use clap::Args;

/// Approve what another administrator proposed: an admission, the lifting of a suspension, or that releases go on.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution approve 3f… --identity administrator-2.txt")]
pub(super) struct Arguments {
    /// Digest of the proposal.
    #[arg(value_name = "PROPOSAL_DIGEST")]
    proposal: Digest,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let proposed = proposed(&sitting.desk, arguments.proposal)?;
        out.note(format!("Proposed: {proposed}"));
        if !arguments.yes {
            home::decide("Approve this?", "approve", "not now", out)?;
        }
        let accepted = sitting.desk.approve(arguments.proposal)?;
        told(out, &format!("Approved: {proposed}"), &accepted);
        Ok(())
    })
}

/// What the proposal would do, from the verified register.
fn proposed(desk: &Desk, digest: Digest) -> Result<String, Failure> {
    let entries = desk.mirror().entries().iter().filter_map(|entry| Shared::parse(entry).ok()?.statement().ok()?);
    let found = entries.into_iter().find(|statement| statement.digest() == digest);
    let nothing =
        || Failure::refused(format!("the register holds no proposal {digest}; look at the digest you were given"));
    match found.ok_or_else(nothing)?.into_unverified_body() {
        Body::Admission(admission) => {
            let row = known(desk, admission.institution)?;
            Ok(format!("admit {}, {}", words::institution(&row.record), admission.institution))
        }
        Body::Suspension(lift) if lift.act == SuspensionAct::Lift => {
            let row = known(desk, lift.institution)?;
            Ok(format!("let releases to {} on again: {}", words::institution(&row.record), lift.reason))
        }
        Body::Resumption(resumption) => Ok(format!(
            "let releases go on although case entries {} to {} are lost (register entry {})",
            resumption.from, resumption.until, resumption.entry
        )),
        _ => Err(nothing()),
    }
}
