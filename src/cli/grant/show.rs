//! `grant show`: one grant, its state and its conditions.

use super::{listed, name_of};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::fetched::{conditions_text, grant_of},
    model::ids::GrantId,
};
use clap::Args;

/// Show one grant with its conditions.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant show 3f…")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let summary = listed(&sitting.desk, arguments.grant)?;
        let terms = grant_of(&summary.statement)?;
        let awaiting = match summary.awaiting {
            Some(release) => format!("\n  the institution has not confirmed yet that it could open it (release {release})"),
            None => String::new(),
        };
        out.show(
            format!(
                "{}\n  {}\n  report     {}\n  to         {}\n  collected  {} of {} time(s); possible from {} until {}{awaiting}\n\n{}",
                summary.id,
                words::state(&summary.state),
                summary.report,
                name_of(&sitting.desk, &summary),
                summary.releases_used,
                summary.max_releases,
                words::moment(summary.releasable_from),
                words::moment(summary.collect.until),
                conditions_text(&terms).trim_end(),
            ),
            &serde_json::json!({ "grant": summary, "terms": terms }),
        );
        Ok(())
    })
}
