//! `grant show`: one grant, its state and its conditions.

use super::{listed, name_of};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{accounting::terms_of, desk::Desk, fetched::conditions_text},
    model::{grant::Grant, ids::GrantId},
    wire::api::GrantSummary,
};
use clap::Args;
use std::fmt::Write as _;

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
        let terms = terms_of(&summary)?;
        let awaiting = match summary.awaiting {
            Some(release) => format!("\n  the institution has not confirmed yet that it could open it (release {release})"),
            None => String::new(),
        };
        out.show(
            format!(
                "{}\n  {}\n  report     {}\n  to         {}\n  collected  {} of {} time(s); possible from {} until {}{awaiting}{}\n\n{}",
                summary.id,
                words::state(&summary.state),
                summary.report,
                name_of(&sitting.desk, &summary),
                summary.releases_used,
                summary.max_releases,
                words::moment(summary.releasable_from),
                words::moment(summary.collect.until),
                said(&sitting.desk, &summary, &terms),
                conditions_text(&terms).trim_end(),
            ),
            &serde_json::json!({ "grant": summary, "terms": terms }),
        );
        Ok(())
    })
}

/// Who agreed, what the institution said became of it, and what it owes.
fn said(desk: &Desk, summary: &GrantSummary, terms: &Grant) -> String {
    let mut text = String::new();
    let mut line = |what: &str, words: String| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {what:<11}{words}");
    };
    if !summary.owner_approvals.is_empty() || (summary.effective_at.is_none() && words::runs(&summary.state)) {
        let standing = match summary.effective_at {
            Some(at) => format!("enough owners agree since {}", words::moment(at)),
            None => "other owners of the report have to agree first".to_owned(),
        };
        line("owners", format!("{} beside the one who gave it; {standing}", summary.owner_approvals.len()));
    }
    let asks = terms.officer_approvals > 0 || !summary.officer_approvals.is_empty();
    if asks && words::runs(&summary.state) {
        let (agree, needed) = (summary.officer_approvals.len(), terms.officer_approvals);
        line("officers", format!("{agree} agree, {needed} have to, beside the one who collects"));
    }
    if let Some(said) = &summary.became {
        let on = words::moment(said.at);
        line("said", format!("on {on}: {} {}", name_of(desk, summary), words::became(&said.became)));
    }
    if let Some(owed) = words::owed(summary.answer, desk.now()) {
        line("owed", owed);
    }
    if let Some(later) = summary.replaced_by {
        line("replaced", format!("by {later}; what is owed is owed under that one"));
    }
    text
}
