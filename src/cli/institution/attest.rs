//! `institution attest`: an accreditor vouches, for a time, and says what was found.

use super::{known, told};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::institution::Examined,
    model::{
        ids::PartyId,
        institution::{AttestationKind, Checklist, Finding},
    },
};
use clap::Args;

/// Vouch for what was examined (accreditor).
///
/// Due diligence is answered question by question: each of purpose-limits, processors-and-cloud, ai, retention,
/// onward-rules, incident-notice and remedy is named once, with --met, --with-conditions or --not-met. One that is not
/// met vouches for nothing, and ends what was vouched for before.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution attest kPrK… --kind due-diligence --days 365 --identity accreditor-1.txt \\\n    --met purpose-limits,ai,retention,onward-rules,incident-notice,remedy --with-conditions processors-and-cloud\n  amana institution attest kPrK… --kind mandate --days 365 --identity accreditor-1.txt"
)]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
    /// What was examined: due-diligence (protection of sources, remedy, onward rules) or mandate.
    #[arg(long, value_parser = words::read_term::<AttestationKind>)]
    kind: AttestationKind,
    /// For how many days it holds.
    #[arg(long)]
    days: u64,
    /// Questions of the checklist answered as they should be; `all` stands for every one.
    #[arg(long, value_name = "QUESTION", value_delimiter = ',')]
    met: Vec<String>,
    /// Questions answered under conditions the institution accepted.
    #[arg(long, value_name = "QUESTION", value_delimiter = ',')]
    with_conditions: Vec<String>,
    /// Questions not answered as they should be.
    #[arg(long, value_name = "QUESTION", value_delimiter = ',')]
    not_met: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let until = home::now().plus(words::days(arguments.days)?);
    let examined = examined(arguments)?;
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, arguments.institution)?;
        let accepted = sitting.desk.attest(arguments.institution, examined, until)?;
        let kind = words::term(&arguments.kind);
        let vouches = !matches!(examined, Examined::DueDiligence(found) if !found.is_met());
        let text = if vouches {
            format!("Vouched for {kind} of {} until {}.", row.record.name, words::moment(until))
        } else {
            format!("Stated what was found: {} is not vouched for, and nothing is released to it.", row.record.name)
        };
        told(out, &text, &accepted);
        Ok(())
    })
}

fn examined(arguments: &Arguments) -> Result<Examined, Failure> {
    let answers = [
        (&arguments.met, Finding::Met),
        (&arguments.with_conditions, Finding::MetWithConditions),
        (&arguments.not_met, Finding::NotMet),
    ];
    let named = answers.iter().flat_map(|(questions, finding)| questions.iter().map(|name| (name.as_str(), *finding)));
    let named: Vec<(&str, Finding)> = named.collect();
    match (arguments.kind, named.as_slice()) {
        (AttestationKind::Mandate, []) => Ok(Examined::Mandate),
        (AttestationKind::Mandate, _) => Err(Failure::usage("a mandate is attested without the checklist")),
        (AttestationKind::DueDiligence, [("all", finding)]) => Ok(Examined::DueDiligence(Checklist::all(*finding))),
        (AttestationKind::DueDiligence, named) => checklist(named).map(Examined::DueDiligence),
    }
}

/// Every question once.
fn checklist(named: &[(&str, Finding)]) -> Result<Checklist, Failure> {
    let questions = Checklist::all(Finding::Met).findings();
    if let Some((unknown, _)) = named.iter().find(|(name, _)| questions.iter().all(|(question, _)| question != name)) {
        return Err(Failure::usage(format!(
            "{unknown:?} is no question of the checklist; they are: {}",
            list(&questions)
        )));
    }
    let answer = |question: &str| {
        let mut answers = named.iter().filter(|(name, _)| *name == question).map(|(_, finding)| *finding);
        match (answers.next(), answers.next()) {
            (Some(finding), None) => Ok(finding),
            (None, _) => Err(Failure::usage(format!(
                "{question} was not answered: name it with --met, --with-conditions or --not-met"
            ))),
            (Some(_), Some(_)) => Err(Failure::usage(format!("{question} was answered twice"))),
        }
    };
    Ok(Checklist {
        purpose_limits: answer("purpose-limits")?,
        processors_and_cloud: answer("processors-and-cloud")?,
        ai: answer("ai")?,
        retention: answer("retention")?,
        onward_rules: answer("onward-rules")?,
        incident_notice: answer("incident-notice")?,
        remedy: answer("remedy")?,
    })
}

fn list(questions: &[(&'static str, Finding)]) -> String {
    questions.iter().map(|(question, _)| *question).collect::<Vec<_>>().join(", ")
}
