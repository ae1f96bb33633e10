//! `roster approve`: somebody else, who is shown what they agree to.

use super::{confirm, diff::diff};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
    },
    model::{ids::Digest, rows::Proposal},
};
use clap::Args;

/// Approve a change of the roster that somebody else proposed (administrator, or member of the council).
#[derive(Args)]
#[command(after_help = "Example:\n  amana roster approve 3f… --identity council-1.txt")]
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
        let id = arguments.proposal;
        let Some(Proposal::Roster(change)) = sitting.desk.mirror().proposal(id).map(|row| row.proposal) else {
            return Err(Failure::refused(format!(
                "the register holds no proposed roster {id}; look at the digest you were given. What concerns institutions is \
                 approved with `amana institution approve`"
            )));
        };
        let before = sitting.desk.roster_in_force()?;
        if change.number != before.number.saturating_add(1) {
            return Err(Failure::refused(format!(
                "roster {} is in force: a proposal for number {} can never come into force",
                before.number, change.number
            )));
        }
        confirm(&diff(&before.roster, &change.roster), change.number, arguments.yes, out)?;
        let accepted = sitting.desk.approve(id)?;
        let effective = sitting.desk.mirror().proposal(id).is_some_and(|row| row.effective);
        out.show(
            format!(
                "Approved. {}\n  statement  {}\n  register   entry {}, proved to this device",
                if effective { "The roster is in force." } else { "Others still have to approve it." },
                accepted.id,
                accepted.index
            ),
            &serde_json::json!({ "statement": accepted.id, "index": accepted.index, "effective": effective }),
        );
        Ok(())
    })
}
