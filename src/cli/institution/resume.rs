//! `institution resume`: after a roll-forward, a broker goes on when enough of those who hold office have looked at it.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        roster,
    },
    model::{epoch::RollForward, rows::RosterRow},
};
use clap::Args;

/// Propose that the broker goes on after a roll-forward, under the roster in force (administrator). It takes effect when
/// enough other administrators and enough of the council approve.
///
/// Before: ask the operator what was lost, and compare what suspensions, withdrawals and records you remember with what
/// the register says now, and the roster with the people you know. Institutions have to be admitted anew all the same, and
/// grants given anew.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution resume --identity administrator-1.txt")]
pub(super) struct Arguments {
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let epoch = sitting.desk.mirror().epoch();
        let waiting = epoch.forwards.iter().find(|forward| !forward.confirmed);
        let forward = waiting.ok_or_else(|| Failure::refused("no roll-forward waits for a confirmation"))?;
        let row = sitting.desk.roster_in_force()?;
        out.note(format!("This would {}:\n\n{}", going_on(forward, &row), roster::described(&row)));
        roster::has_to_be_said(arguments.yes, out)?;
        let accepted = sitting.desk.resume(forward, row.number)?;
        let roles = &row.roster.roles;
        out.show(
            format!(
                "Proposed.\n  proposal  {id}\n\nIt takes effect when {} administrators and {} of the council have signed it, \
                 you among them:\n  amana institution approve {id}",
                roles.administrators.threshold,
                roles.council.threshold,
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index, "roster": row.number }),
        );
        Ok(())
    })
}

/// What whoever signs confirms: the loss, and the roster.
pub(super) fn going_on(forward: &RollForward, row: &RosterRow) -> String {
    format!(
        "let the broker go on although case entries {} to {} are lost (register entry {}), under roster {}",
        forward.lost.from, forward.lost.until, forward.entry, row.number
    )
}
