//! `institution admit`: a proposal; one administrator alone cannot admit.

use super::known;
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    model::ids::PartyId,
};
use clap::Args;

/// Propose the admission of an institution (administrator). It takes effect when another administrator approves.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution admit kPrK… --identity administrator-1.txt")]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, arguments.institution)?;
        let accepted = sitting.desk.admit(arguments.institution)?;
        out.show(
            format!(
                "Proposed: admit {}.\n  proposal  {id}\n\nIt takes effect when another administrator has examined the same \
                 record and approves:\n  amana institution approve {id}",
                words::institution(&row.record),
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}
