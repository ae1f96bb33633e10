//! `consent show`: what persons agreed to, as it counts today.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{
        consent::{self, file},
        memory::Memory,
        report::{Answer, Person},
    },
    model::ids::ReportId,
};
use clap::Args;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

/// Show what persons agreed to, as it counts today: in a register, in one report, or in all of yours. Needs no network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana consent show\n  amana consent show 3f…\n  amana consent show --file case/consent/consent_register.json"
)]
pub(super) struct Arguments {
    /// The report [default: all].
    report: Option<ReportId>,
    /// A register that is not sealed yet.
    #[arg(long, value_name = "REGISTER.JSON", conflicts_with = "report")]
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    if let Some(path) = &arguments.file {
        let register = file::read(path)?;
        out.show(persons(&register.persons), &register);
        return Ok(());
    }
    let kept = access.unlock()?.kept()?;
    let memory = kept.memory();
    let reports: Vec<ReportId> = match arguments.report {
        Some(report) => vec![report],
        None => memory.reports.keys().filter_map(|id| id.parse().ok()).collect(),
    };
    let (mut texts, mut rows) = (Vec::new(), Vec::new());
    for report in reports {
        let (text, row) = one(memory, report)?;
        texts.push(text);
        rows.push(row);
    }
    if texts.is_empty() {
        texts.push("No report was sealed on this device.".to_owned());
    }
    match (arguments.report, rows.pop()) {
        (Some(_), Some(row)) => out.show(texts.join("\n\n"), &row),
        (_, last) => {
            rows.extend(last);
            out.show(texts.join("\n\n"), &rows);
        }
    }
    Ok(())
}

fn one(memory: &Memory, report: ReportId) -> Result<(String, serde_json::Value), Failure> {
    let own = memory.report(report).ok_or_else(|| {
        Failure::refused(format!("this device knows no report {report} of yours; see `amana report list`"))
    })?;
    let working = consent::working(memory, report);
    let codes = |code: &str| working.iter().flat_map(|register| &register.persons).any(|person| person.code == code);
    let changes: Vec<_> =
        memory.consent_changes.iter().filter(|change| change.is_about(report) && codes(&change.code)).collect();
    let mut text = format!("{}  {report}", own.title.as_deref().unwrap_or("(no title)"));
    match &working {
        None => text.push_str("\n  nobody's consent is recorded; you answer for it"),
        Some(register) => {
            text.push('\n');
            text.push_str(&persons(&register.persons));
        }
    }
    for change in &changes {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  later: {} on {}{}",
            change.code,
            change.date,
            consent::taken_back(&change.said)
                .map_or_else(|| " answered anew".to_owned(), |what| format!(" took back {what}"))
        );
    }
    if !changes.is_empty() {
        text.push_str("\n  The register sealed inside shows the answers before these.");
    }
    let value = serde_json::json!({
        "report": report, "title": own.title, "sealed": own.consent, "working": working, "changes": changes,
    });
    Ok((text, value))
}

fn persons(persons: &[Person]) -> String {
    if persons.is_empty() {
        return "  nobody is recorded".to_owned();
    }
    persons.iter().map(person).collect::<Vec<_>>().join("\n")
}

/// One person, in a few lines.
pub(super) fn person(person: &Person) -> String {
    let mut text = format!("  {}  {}  {}", person.code, words::term(&person.status), person.roles.join(", "));
    let mut line = |name: &str, what: Option<String>| {
        if let Some(what) = what.filter(|what| !what.is_empty()) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n    {name:<11}{what}");
        }
    };
    line("answered", person.date.map(|date| date.to_string()));
    line("by", person.by.clone());
    line("review by", person.valid_review_by.map(|date| date.to_string()));
    line("uses", Some(answers(&person.uses)));
    line("recipients", Some(answers(&person.recipients)));
    line("contact", person.contact.map(|rule| words::term(&rule)));
    text
}

fn answers(answers: &BTreeMap<String, Answer>) -> String {
    answers.iter().map(|(about, answer)| format!("{about}: {answer}")).collect::<Vec<_>>().join(", ")
}
