//! `institution approve`: somebody else, who is shown what they approve.

use super::{admit, known, resume, told};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        roster, words,
    },
    client::desk::Desk,
    model::{
        epoch::{LostRange, Resumption, RollForward},
        ids::Digest,
        institution::SuspensionAct,
        statement::Body,
    },
    wire::entry::Shared,
};
use clap::Args;

/// Approve what another administrator proposed: an admission, the lifting of a suspension, or that the broker goes on after
/// a roll-forward, which enough of the council have to approve as well.
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
        out.note(format!("Proposed: {}", proposed.does));
        if let Some(roster) = &proposed.roster {
            out.note(format!("This is the roster that is confirmed with it.\n{roster}"));
            roster::has_to_be_said(arguments.yes, out)?;
        } else if !arguments.yes {
            home::decide("Approve this?", "approve", "not now", out)?;
        }
        let accepted = sitting.desk.approve(arguments.proposal)?;
        told(out, &format!("Approved: {}", proposed.does), &accepted);
        Ok(())
    })
}

/// What somebody is asked to approve.
struct Proposed {
    does: String,
    /// Where a roster is confirmed along with it.
    roster: Option<String>,
}

/// What the proposal would do, from the verified register.
fn proposed(desk: &Desk, digest: Digest) -> Result<Proposed, Failure> {
    let entries = desk.mirror().entries().iter().filter_map(|entry| Shared::parse(entry).ok()?.statement().ok()?);
    let found = entries.into_iter().find(|statement| statement.digest() == digest);
    let alone = |does| Proposed { does, roster: None };
    let nothing =
        || Failure::refused(format!("the register holds no proposal {digest}; look at the digest you were given"));
    match found.ok_or_else(nothing)?.into_unverified_body() {
        Body::Admission(admission) => {
            let row = known(desk, admission.institution)?;
            if row.record_statement() != admission.record {
                return admit::under_another_record(desk, admission.institution, admission.record).map(alone);
            }
            Ok(alone(format!("admit {}, {}", words::institution(&row.record), admission.institution)))
        }
        Body::Suspension(lift) if lift.act == SuspensionAct::Lift => {
            let row = known(desk, lift.institution)?;
            Ok(alone(format!("let releases to {} on again: {}", words::institution(&row.record), lift.reason)))
        }
        Body::WebRelease(release) => Ok(alone(format!(
            "vouch for version {} of the page, whose list of files is {}; build it yourself and compare",
            release.version, release.assets
        ))),
        Body::Resumption(resumption) => going_on(desk, &resumption),
        _ => Err(nothing()),
    }
}

/// The loss, and the roster that is confirmed with it.
fn going_on(desk: &Desk, resumption: &Resumption) -> Result<Proposed, Failure> {
    let row = desk.roster_in_force()?;
    if resumption.roster != row.number {
        return Err(Failure::refused(format!(
            "this proposal confirms roster {}, and roster {} is in force: it can never take effect. Propose it anew (amana \
             institution resume)",
            resumption.roster, row.number
        )));
    }
    let lost = LostRange { from: resumption.from, until: resumption.until };
    let forward = RollForward { entry: resumption.entry, lost, confirmed: false };
    Ok(Proposed { does: resume::going_on(&forward, &row), roster: Some(roster::described(&row)) })
}
