//! `institution terms`: what an institution does with information, said once and in public.

use super::{known, told};
use crate::{
    cli::{
        home::{Access, Sitting},
        output::{Failure, Out},
        words,
    },
    client::published::Published,
    model::{
        ids::{Digest, PartyId},
        institution::{OverridingDuty, Retention, Terms},
        limits,
        statement::Text,
    },
};
use clap::{Args, Subcommand};

/// Publish what this institution does with information, or read what one has published.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution terms publish --as root --retention months:24 --duty disclosure-to-the-defence \\\n    --language en --language fr --response-days 30 --cannot-promise 'We cannot keep a court from ordering it handed out.'\n  amana institution terms show kPrK…"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Publish terms (institution's root key). Grants still to come name them; those given keep to the ones they name.
    Publish(Publish),
    /// Show the terms in force, or earlier ones that a grant names.
    Show(Show),
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  amana institution terms publish --as root --retention months:24 --language en --response-days 30"
)]
struct Publish {
    /// How long what was given is kept where a grant names no time: months:N, until-mandate-ends or archived.
    #[arg(long, value_parser = read_retention)]
    retention: Retention,
    /// A duty that goes before what was agreed on: disclosure-to-the-defence, archives, court-orders or
    /// reporting-to-its-parent; may be given several times.
    #[arg(long = "duty", value_name = "DUTY", value_delimiter = ',', value_parser = words::read_term::<OverridingDuty>)]
    duties: Vec<OverridingDuty>,
    /// A language answers come in, such as en or fr (BCP 47); may be given several times.
    #[arg(long = "language", value_name = "TAG", required = true, value_delimiter = ',', value_parser = words::read_text)]
    languages: Vec<Text>,
    /// In how many days answers come.
    #[arg(long, value_name = "DAYS")]
    response_days: u16,
    /// What cannot be promised, in words; may be given several times.
    #[arg(long, value_name = "TEXT", value_parser = words::read_text)]
    cannot_promise: Vec<Text>,
}

#[derive(Args)]
#[command(after_help = "Example:\n  amana institution terms show kPrK…")]
struct Show {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
    /// Earlier terms, by the digest a grant names.
    #[arg(long, value_name = "DIGEST")]
    statement: Option<Digest>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| match &arguments.verb {
        Verb::Publish(verb) => publish(verb, sitting, out),
        Verb::Show(verb) => show(verb, sitting, out),
    })
}

fn publish(arguments: &Publish, sitting: &mut Sitting, out: &Out) -> Result<(), Failure> {
    let terms = Terms {
        institution: sitting.desk.party_id(),
        retention: arguments.retention,
        overriding_duties: arguments.duties.clone(),
        languages: arguments.languages.clone(),
        response_days: arguments.response_days,
        cannot_promise: arguments.cannot_promise.clone(),
    };
    if let Some(what) = terms.malformed() {
        return Err(Failure::usage(malformed(what)));
    }
    let accepted = sitting.desk.publish_terms(&terms)?;
    told(out, &format!("Published.\n{}\nGrants from now on name these terms.", lines(&terms)), &accepted);
    Ok(())
}

fn show(arguments: &Show, sitting: &mut Sitting, out: &Out) -> Result<(), Failure> {
    let (desk, id) = (&sitting.desk, arguments.institution);
    let row = known(desk, id)?;
    let in_force = row.terms.map(|terms| terms.statement);
    let Some(statement) = arguments.statement.or(in_force) else {
        let none =
            format!("{} has published no terms. What it does with information is what a grant says.", row.record.name);
        out.show(none, &serde_json::json!({ "institution": id, "terms": null }));
        return Ok(());
    };
    let found = desk.mirror().terms(statement).filter(|found| found.body.institution == id);
    let Published { at, body, .. } = found.ok_or_else(|| {
        Failure::refused(format!("{} never published terms {statement}; look at the digest", row.record.name))
    })?;
    let still = if in_force == Some(statement) { "in force" } else { "earlier; grants that name them keep to them" };
    out.show(
        format!(
            "{}\n  terms      {statement}\n  published  {}, {still}\n{}",
            row.record.name,
            words::moment(at),
            lines(&body)
        ),
        &serde_json::json!({
            "institution": id, "statement": statement, "at": at, "in_force": in_force == Some(statement), "terms": body,
        }),
    );
    Ok(())
}

/// The terms, a line each.
pub(super) fn lines(terms: &Terms) -> String {
    let texts = |texts: &[Text]| texts.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
    let duties: Vec<String> = terms.overriding_duties.iter().map(words::term).collect();
    let mut text = format!(
        "  keeps      {}\n  duties     {}\n  languages  {}\n  answers    within {} day(s)",
        retention(terms.retention),
        if duties.is_empty() { "none that go before what was agreed on".to_owned() } else { duties.join(", ") },
        texts(&terms.languages),
        terms.response_days,
    );
    for line in &terms.cannot_promise {
        text.push_str("\n  cannot promise: ");
        text.push_str(line.as_str());
    }
    text
}

fn retention(retention: Retention) -> String {
    match retention {
        Retention::Months(months) => format!("{months} month(s) after it was collected, where a grant names no time"),
        Retention::UntilMandateEnds {} => "until its mandate ends, where a grant names no time".to_owned(),
        Retention::Archived {} => "for good, in an archive, where a grant names no time".to_owned(),
    }
}

fn read_retention(text: &str) -> Result<Retention, String> {
    match (text, text.strip_prefix("months:").map(str::parse)) {
        (_, Some(Ok(months))) if months > 0 => Ok(Retention::Months(months)),
        ("until-mandate-ends", None) => Ok(Retention::UntilMandateEnds {}),
        ("archived", None) => Ok(Retention::Archived {}),
        _ => Err("say months:24, until-mandate-ends or archived".to_owned()),
    }
}

fn malformed(what: &str) -> String {
    match what {
        "response-days" => format!("--response-days is between 1 and {}", limits::RESPONSE_DAYS),
        "duties-repeated" => "name each --duty once".to_owned(),
        "languages-count" => format!("name between 1 and {} languages", limits::TERMS_LINES),
        "cannot-promise-count" => format!("say at most {} things with --cannot-promise", limits::TERMS_LINES),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_reads_as_months_or_a_word() {
        assert_eq!(read_retention("months:24"), Ok(Retention::Months(24)));
        assert_eq!(read_retention("archived"), Ok(Retention::Archived {}));
        assert_eq!(read_retention("until-mandate-ends"), Ok(Retention::UntilMandateEnds {}));
        for wrong in ["months:0", "months:", "months:70000", "24", "months", "for ever", ""] {
            assert!(read_retention(wrong).is_err(), "{wrong}");
        }
    }
}
