//! `grant approve`: another owner of the report agrees with a grant.

use super::{listed, name_of};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
    },
    client::fetched::{conditions_text, grant_of},
    model::{ids::GrantId, institution::CaseMatter},
};
use clap::Args;

/// Agree, as another owner of the report, with a grant that was given. It takes effect when enough of its owners agree.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant approve 3f…")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let summary = listed(&sitting.desk, arguments.grant)?;
        let terms = grant_of(&summary.statement)?;
        out.note(format!("To {}.\n{}", name_of(&sitting.desk, &summary), conditions_text(&terms).trim_end()));
        if !arguments.yes {
            home::decide("Agree with this grant?", "agree", "not now", out)?;
        }
        sitting.desk.agree(arguments.grant.into(), CaseMatter::Grant)?;
        let now = listed(&sitting.desk, arguments.grant)?;
        let in_force = now.effective_at.is_some();
        let text = if in_force { "Agreed. The grant is in force." } else { "Agreed. More owners have to agree yet." };
        out.show(text, &serde_json::json!({ "grant": arguments.grant, "in_force": in_force }));
        Ok(())
    })
}
