//! `release list`: what was collected, what is open, and what is owed for it.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{accounting::terms_of, desk::Desk},
    wire::api::GrantSummary,
};
use clap::Args;

/// List what your institution may collect and has collected, with what it owes for it.
#[derive(Args)]
#[command(after_help = "Example:\n  amana release list --as officer")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let desk = &sitting.desk;
        let grants = desk.grants()?;
        let lines: Result<Vec<String>, Failure> = grants.iter().map(|grant| text(desk, grant)).collect();
        let lines = lines?;
        let row = |grant: &GrantSummary| {
            serde_json::json!({
                "grant": grant.id, "release": grant.exercised, "awaiting": grant.awaiting, "state": grant.state,
                "releases_used": grant.releases_used, "max_releases": grant.max_releases, "answer": grant.answer,
                "became": grant.became, "officer_approvals": grant.officer_approvals, "replaced_by": grant.replaced_by,
            })
        };
        let rows: Vec<_> = grants.iter().map(row).collect();
        let none = || "Nothing was granted to your institution.".to_owned();
        out.show(if lines.is_empty() { none() } else { lines.join("\n") }, &rows);
        Ok(())
    })
}

fn text(desk: &Desk, grant: &GrantSummary) -> Result<String, Failure> {
    let terms = terms_of(grant)?;
    let mut text = format!(
        "{}  {}\n    collected {} of {}, possible from {} until {}",
        grant.id,
        words::state(&grant.state),
        grant.releases_used,
        grant.max_releases,
        words::moment(grant.releasable_from),
        words::moment(grant.collect.until)
    );
    let mut line = |words: String| {
        text.push_str("\n    ");
        text.push_str(&words);
    };
    if terms.officer_approvals > 0 && words::runs(&grant.state) {
        line(format!("{} of {} other officer(s) agree", grant.officer_approvals.len(), terms.officer_approvals));
    }
    if let Some(release) = grant.awaiting {
        line(format!("release {release} waits for your acknowledgement; nothing more is released before it"));
    } else if let Some(release) = grant.exercised {
        line(format!("last release {release}"));
    }
    if let Some(said) = &grant.became {
        line(format!("said on {}: your institution {}", words::moment(said.at), words::became(&said.became)));
    }
    if let Some(owed) = words::owed(grant.answer, desk.now()) {
        line(owed);
    }
    if let Some(later) = grant.replaced_by {
        line(format!("what is owed is owed under {later}"));
    }
    Ok(text)
}
