//! `institution suspend` and `institution lift`: stopping takes one signature, starting again several.

use super::{known, told};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    model::{ids::PartyId, institution::SuspensionAct, statement::Text},
};
use clap::Args;

/// Stop releases to an institution, or propose to let them on again (administrator).
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution suspend kPrK… --reason 'a source was named' --identity administrator-1.txt\n  amana institution lift kPrK… --reason 'examined again' --identity administrator-1.txt"
)]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
    /// Why; it stands in the public register.
    #[arg(long, value_parser = words::read_text)]
    reason: Text,
}

/// Stops releases at once.
pub(super) fn suspend(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, arguments.institution)?;
        let accepted = sitting.desk.suspend(arguments.institution, SuspensionAct::Suspend, arguments.reason.clone())?;
        told(out, &format!("Suspended: nothing is released to {} any more.", row.record.name), &accepted);
        Ok(())
    })
}

/// Proposes to let releases on again.
pub(super) fn lift(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, arguments.institution)?;
        let accepted = sitting.desk.suspend(arguments.institution, SuspensionAct::Lift, arguments.reason.clone())?;
        out.show(
            format!(
                "Proposed: let releases to {} on again.\n  proposal  {id}\n\nIt takes effect when another administrator \
                 approves:\n  amana institution approve {id}",
                row.record.name,
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}
