//! `institution list`: from the verified register.

use crate::cli::{
    home::Access,
    output::{Failure, Out},
    words,
};
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
            .map(|(id, row)| format!("{id}  {}\n    {}", words::institution(&row.record), words::standing(row)))
            .collect();
        let rows: Vec<_> =
            institutions.iter().map(|(id, row)| serde_json::json!({ "id": id, "institution": row })).collect();
        out.show(if lines.is_empty() { "No institutions yet.".to_owned() } else { lines.join("\n") }, &rows);
        Ok(())
    })
}
