//! `institution list`: from the verified register.

use crate::cli::{
    home::Access,
    output::{Failure, Out},
    words,
};
use crate::model::rows::InstitutionRow;
use clap::Args;

/// List the institutions the register knows.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution list")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let institutions = sitting.desk.mirror().institutions();
        let lines: Vec<String> = institutions
            .iter()
            .map(|(id, row)| {
                format!("{id}  {}\n    {}{}", words::institution(&row.record), words::standing(row), more(row))
            })
            .collect();
        let rows: Vec<_> =
            institutions.iter().map(|(id, row)| serde_json::json!({ "id": id, "institution": row })).collect();
        out.show(if lines.is_empty() { "No institutions yet.".to_owned() } else { lines.join("\n") }, &rows);
        Ok(())
    })
}

/// What else one wants to know before choosing: terms, due diligence, an end.
fn more(row: &InstitutionRow) -> String {
    let terms = match row.terms {
        Some(terms) => format!("terms published, answers within {} day(s)", terms.response_days),
        None => "no terms published".to_owned(),
    };
    let due_diligence = match row.due_diligence_until {
        Some(until) => format!("due diligence until {}", words::moment(until)),
        None => "due diligence not vouched for".to_owned(),
    };
    let end = row.closed.map_or_else(String::new, |closed| format!("; ends {}", words::moment(closed.at)));
    format!("; {terms}; {due_diligence}{end}")
}
