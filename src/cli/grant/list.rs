//! `grant list`: either side.

use super::name_of;
use crate::cli::{
    consent::remind,
    home::Access,
    output::{Failure, Out},
    words,
};
use clap::Args;

/// List grants: given by you, or made to your institution.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant list")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let grants = sitting.desk.grants()?;
        let line = |grant: &crate::wire::api::GrantSummary| {
            format!(
                "{}  {}\n    to {}, collected {} of {}, until {}",
                grant.id,
                words::state(&grant.state),
                name_of(&sitting.desk, grant),
                grant.releases_used,
                grant.max_releases,
                words::moment(grant.collect.until)
            )
        };
        let lines: Vec<String> = grants.iter().map(line).collect();
        out.show(if lines.is_empty() { "No grants.".to_owned() } else { lines.join("\n") }, &grants);
        remind(sitting.desk.memory(), out)
    })
}
