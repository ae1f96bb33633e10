//! `release approve`: four eyes. Another officer than the one who collects agrees, having read the terms.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::{desk::Desk, fetched::conditions_text},
    model::{grant::Grant, ids::GrantId},
    wire::api::GrantSummary,
};
use clap::Args;

/// Agree, as another officer than the one who collects, that a report is collected. The terms are shown first.
#[derive(Args)]
#[command(after_help = "Example:\n  amana release approve 3f… --as second-officer")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let desk = &mut sitting.desk;
        let (summary, terms) = desk.listed_grant(arguments.grant)?;
        desk.acts_for_institution()?;
        if summary.officer_approvals.contains(&desk.identity().key_id()) {
            return Err(Failure::refused("you agreed to this grant before; it counts once. Another officer has to agree"));
        }
        out.note(text(desk, &summary, &terms));
        if !arguments.yes {
            home::decide("\nAgree that it is collected under these terms?", "agree", "not now", out)?;
        }
        let accepted = desk.agree_to_collect(arguments.grant)?;
        let agreeing = summary.officer_approvals.len().saturating_add(1);
        out.show(
            format!(
                "Agreed.\n  statement  {}\n  agreeing   {agreeing} officer(s), the grant asks for {} beside the one who collects",
                accepted.id, terms.officer_approvals
            ),
            &serde_json::json!({
                "approval": accepted.id, "index": accepted.index, "grant": summary.id, "agreeing": agreeing,
                "asked_for": terms.officer_approvals,
            }),
        );
        Ok(())
    })
}

fn text(desk: &Desk, summary: &GrantSummary, terms: &Grant) -> String {
    let row = desk.mirror().institution(summary.institution);
    let to = row.map_or_else(|| summary.institution.to_string(), |row| words::institution(&row.record));
    format!(
        "{}\n  {}\n  to         {to}\n  report     {}\n  collected  {} of {} time(s); possible from {} until {}\n  agreeing   {} \
         officer(s), the grant asks for {} beside the one who collects\n\n{}",
        summary.id,
        words::state(&summary.state),
        summary.report,
        summary.releases_used,
        summary.max_releases,
        words::moment(summary.releasable_from),
        words::moment(summary.collect.until),
        summary.officer_approvals.len(),
        terms.officer_approvals,
        conditions_text(terms).trim_end(),
    )
}
