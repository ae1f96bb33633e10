//! `institution show`: record, standing, terms, what accreditors found, units, and the words to compare.

use super::{known, renew, terms};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{desk::Desk, published::Published},
    model::{
        ids::PartyId,
        institution::{Attestation, AttestationKind, Checklist, RecordChange, Terms},
        purpose::Purpose,
        rows::InstitutionRow,
        time::Timestamp,
    },
};
use clap::Args;
use std::fmt::Write as _;

/// Show one institution with its terms, what was found on examining it, its units, keys and eight words.
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
        let said = Said::of(desk, id, &row);
        let mut text = text(desk, id, &row, &said);
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
        let value = serde_json::json!({
            "id": id, "institution": row, "units": units,
            "terms": said.terms.as_ref().map(|found| &found.body),
            "found": said.found.as_ref().map(|found| serde_json::json!({
                "statement": found.statement, "at": found.at, "by": found.by, "attestation": found.body,
            })),
            "waiting_record": said.waiting.as_ref().map(|found| serde_json::json!({
                "statement": found.statement, "at": found.at, "record": found.body.record,
            })),
        });
        out.show(text, &value);
        Ok(())
    })
}

/// What the register has in statements beside the row.
struct Said {
    terms: Option<Published<Terms>>,
    found: Option<Published<Attestation>>,
    waiting: Option<Published<RecordChange>>,
}

impl Said {
    fn of(desk: &Desk, id: PartyId, row: &InstitutionRow) -> Self {
        let mirror = desk.mirror();
        Self {
            terms: row.terms.and_then(|terms| mirror.terms(terms.statement)),
            found: mirror.last_attestation(id, AttestationKind::DueDiligence),
            waiting: mirror.waiting_record(id),
        }
    }
}

fn text(desk: &Desk, id: PartyId, row: &InstitutionRow, said: &Said) -> String {
    let until = |date: Option<Timestamp>| {
        date.map_or_else(|| "not vouched for".to_owned(), |d| format!("until {}", words::moment(d)))
    };
    let mandate: Vec<&str> = row.record.mandate.iter().map(Purpose::as_str).collect();
    let mut text = format!(
        "{}\n  id             {id}\n  standing       {}\n  mandate        {} until {}\n  due diligence  {}\n  mandate seen   {}",
        words::institution(&row.record),
        words::standing(row),
        mandate.join(", "),
        words::moment(row.mandate_until()),
        until(row.due_diligence_until),
        until(row.mandate_attested_until),
    );
    if let Some(closed) = row.closed {
        let successor = closed.successor.and_then(|id| Some((id, desk.mirror().institution(id)?)));
        let successor =
            successor.map_or_else(String::new, |(id, row)| format!("; goes on as {}, {id}", row.record.name));
        let _ = write!(text, "\n  ends           {}{successor}", words::moment(closed.at));
    }
    if let Some(found) = &said.found {
        text.push_str(&checklist(found));
    }
    match &said.terms {
        Some(found) => {
            let _ = write!(text, "\n  terms {}\n{}", found.statement, indented(&terms::lines(&found.body)));
        }
        None => text.push_str("\n  terms          none published"),
    }
    if let Some(waiting) = &said.waiting {
        let changes = renew::changes(&row.record, &waiting.body.record).join("\n");
        let _ = write!(
            text,
            "\n  a record waits for its admission since {}: {}\n{}",
            words::moment(waiting.at),
            waiting.statement,
            indented(&changes)
        );
    }
    text
}

/// Who found what, question by question.
fn checklist(found: &Published<Attestation>) -> String {
    let mut text = format!("\n  examined       {} by {}", words::moment(found.at), found.by);
    for (question, finding) in found.body.checklist.iter().flat_map(Checklist::findings) {
        let _ = write!(text, "\n    {question:<22}{}", words::term(&finding));
    }
    text
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
