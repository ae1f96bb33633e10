//! `consent due`: whom to ask again, and which grants wait for it.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::consent::{self, given},
};
use clap::Args;

/// List whose consent has to be gone through again, and which grants release nothing until then. Needs no network.
#[derive(Args)]
#[command(after_help = "Examples:\n  amana consent due\n  amana consent due --within 90")]
pub(super) struct Arguments {
    /// How many days ahead to look.
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    within: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let within = words::days(arguments.within)?;
    let kept = access.unlock()?.kept()?;
    let memory = kept.memory();
    let due = consent::due(memory, &given(memory, None), home::now(), within)?;
    let when = |passed: bool| if passed { "overdue since" } else { "by" };
    let mut lines = Vec::new();
    for person in &due.persons {
        let reports: Vec<String> = person.reports.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "{}  {} {}\n    in {}",
            person.code,
            when(person.passed),
            person.review_by,
            reports.join("\n       ")
        ));
    }
    for grant in &due.grants {
        let stops = if grant.passed { "releases nothing since" } else { "releases nothing from" };
        lines.push(format!("grant {}\n    {stops} {}", grant.grant, words::moment(grant.review_by)));
    }
    if lines.is_empty() {
        lines.push(format!("Nobody has to be asked again within {} day(s).", arguments.within));
    } else {
        lines.push("When it was gone through: amana consent review CODE --review-by DAY".to_owned());
    }
    out.show(lines.join("\n"), &due);
    Ok(())
}
