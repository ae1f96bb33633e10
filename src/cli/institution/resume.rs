//! `institution resume`: after a roll-forward, releases go on when enough administrators have looked at it.

use crate::cli::{
    home::Access,
    output::{Failure, Out},
};
use clap::Args;

/// Propose that releases go on after a roll-forward (administrator). It takes effect when another administrator approves.
///
/// Before: ask the operator what was lost, and compare what suspensions, withdrawals and records you remember with what
/// the register says now. Institutions have to be admitted anew all the same, and grants given anew.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution resume --identity administrator-1.txt")]
pub(super) struct Arguments {}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let Arguments {} = arguments;
    access.at_desk(|sitting| {
        let epoch = sitting.desk.mirror().epoch();
        let waiting = epoch.forwards.iter().find(|forward| !forward.confirmed);
        let forward = waiting.ok_or_else(|| Failure::refused("no roll-forward waits for a confirmation"))?;
        let accepted = sitting.desk.resume(forward)?;
        out.show(
            format!(
                "Proposed: let releases go on although case entries {} to {} are lost.\n  proposal  {id}\n\nIt takes effect \
                 when another administrator approves:\n  amana institution approve {id}",
                forward.lost.from,
                forward.lost.until,
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}
