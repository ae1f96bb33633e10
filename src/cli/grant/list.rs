//! `grant list`: either side.

use super::name_of;
use crate::cli::{
    consent::remind,
    home::Access,
    output::{Failure, Out},
    words,
};
use crate::{model::time::Timestamp, wire::api::GrantSummary};
use clap::Args;

/// List grants: given by you, or made to your institution.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant list")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let grants = sitting.desk.grants()?;
        let line = |grant: &GrantSummary| {
            format!(
                "{}  {}\n    to {}, collected {} of {}, until {}{}",
                grant.id,
                words::state(&grant.state),
                name_of(&sitting.desk, grant),
                grant.releases_used,
                grant.max_releases,
                words::moment(grant.collect.until),
                more(grant, sitting.desk.now())
            )
        };
        let lines: Vec<String> = grants.iter().map(line).collect();
        out.show(if lines.is_empty() { "No grants.".to_owned() } else { lines.join("\n") }, &grants);
        remind(sitting.desk.memory(), out)
    })
}

/// What it waits for, what the institution said, and what it owes.
fn more(grant: &GrantSummary, now: Timestamp) -> String {
    let waits = (grant.effective_at.is_none() && words::runs(&grant.state))
        .then(|| "other owners have to agree first".to_owned());
    let said = grant.became.as_ref().map(|said| format!("the institution {}", words::became(&said.became)));
    let lines = waits.into_iter().chain(said).chain(words::owed(grant.answer, now));
    lines.flat_map(|line| ["\n    ".to_owned(), line]).collect()
}
