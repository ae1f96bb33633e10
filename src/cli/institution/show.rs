//! `institution show`: record, standing, units, and the words to compare.

use super::known;
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    model::{ids::PartyId, purpose::Purpose, rows::InstitutionRow, time::Timestamp},
};
use clap::Args;
use std::fmt::Write as _;

/// Show one institution with its units, keys and eight words.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution show kPrK…")]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let (desk, id) = (&sitting.desk, arguments.institution);
        let row = known(desk, id)?;
        let mut text = text(id, &row);
        let mut units = Vec::new();
        for (statement, key) in desk.mirror().current_recipient_keys(id) {
            let fingerprint = desk.institution_fingerprint(id, &key.recipient)?;
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n  unit {}\n    recipient  {}\n    since      {}\n    words      {fingerprint}",
                key.unit,
                key.recipient,
                words::moment(key.since)
            );
            units.push(serde_json::json!({
                "unit": key.unit, "recipient": key.recipient, "since": key.since, "statement": statement, "words": fingerprint,
            }));
        }
        text.push_str("\n\nWords prove which keys these are, not who holds them: ask the institution over another channel.");
        out.show(text, &serde_json::json!({ "id": id, "institution": row, "units": units }));
        Ok(())
    })
}

fn text(id: PartyId, row: &InstitutionRow) -> String {
    let until = |date: Option<Timestamp>| {
        date.map_or_else(|| "not vouched for".to_owned(), |d| format!("until {}", words::moment(d)))
    };
    let mandate: Vec<&str> = row.record.mandate.iter().map(Purpose::as_str).collect();
    format!(
        "{}\n  id             {id}\n  standing       {}\n  mandate        {} until {}\n  due diligence  {}\n  mandate seen   {}",
        words::institution(&row.record),
        words::standing(row),
        mandate.join(", "),
        words::moment(row.record.mandate_until),
        until(row.due_diligence_until),
        until(row.mandate_attested_until),
    )
}
