//! `grant preview`: who, what, why and who will learn what, until when, under which conditions. Nothing is fetched that
//! is logged, nothing is signed.

use super::terms::TermsArguments;
use crate::{
    cli::{
        consent::remind,
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{
        consent::{self, Asked},
        desk::Desk,
        granting::{Terms, YOUNG},
        relations::{self, may_be_granted},
        reporting::report_of,
    },
    model::{
        ids::{AgeRecipient, ReportId},
        purpose::Taxonomy,
        report::Tier,
        rows::InstitutionRow,
        time::Timestamp,
    },
    wire::{api::Foreseen, problem::ReasonText},
};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;

/// Say in plain words what a grant would mean. Nothing is signed.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant preview 3f… --to kPrK… --purpose commission-of-inquiry --days 14")]
pub(super) struct Arguments {
    #[command(flatten)]
    terms: TermsArguments,
    /// Do not ask the broker what its rules say: it would learn what you think of granting.
    #[arg(long)]
    offline: bool,
}

/// What the broker would say.
enum Said {
    Foreseen(Foreseen),
    /// This device itself would not sign it.
    Refused(String),
}

fn foreseen(desk: &mut Desk, terms: &Terms) -> Said {
    match desk.foresee(terms) {
        Ok(foreseen) => Said::Foreseen(foreseen),
        Err(error) => Said::Refused(error.to_string()),
    }
}

impl Said {
    fn text(&self) -> String {
        let lines = |foreseen: &Foreseen| -> String {
            let line = |condition: &ReasonText| format!("\n  - {} {}", condition.reason, condition.advice);
            foreseen.conditions.iter().map(line).collect()
        };
        match self {
            Self::Refused(why) => format!("WHAT THE RULES SAY\n  It would not be given: {why}"),
            Self::Foreseen(Foreseen { refused: Some(why), .. }) => {
                format!("WHAT THE RULES SAY\n  The broker would refuse it: {why}")
            }
            Self::Foreseen(foreseen) if foreseen.conditions.is_empty() => {
                "WHAT THE RULES SAY\n  Given now, it could be collected at once.".to_owned()
            }
            Self::Foreseen(foreseen) => format!(
                "WHAT THE RULES SAY\n  Given now, it would be taken. Before it can be collected:{}",
                lines(foreseen)
            ),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Refused(why) => serde_json::json!({ "refused_here": why }),
            Self::Foreseen(foreseen) => serde_json::json!(foreseen),
        }
    }
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let taxonomy = words::taxonomy()?;
    let terms = arguments.terms.terms(&taxonomy)?;
    access.at_desk(|sitting| {
        let (mut texts, mut rows) = (Vec::new(), Vec::new());
        for terms in &terms {
            let preview = Preview::of(&sitting.desk, terms)?;
            let foreseen = if arguments.offline { None } else { Some(foreseen(&mut sitting.desk, terms)) };
            let said = foreseen.as_ref().map(|said| format!("\n\n{}", said.text())).unwrap_or_default();
            texts.push(format!("{}{said}", preview.text(terms, &taxonomy)));
            let mut row = preview.json(terms, &taxonomy);
            if let (Some(row), Some(foreseen)) = (row.as_object_mut(), &foreseen) {
                row.insert("foreseen".to_owned(), foreseen.json());
            }
            rows.push(row);
        }
        match rows.as_slice() {
            [only] => out.show(texts.concat(), only),
            _ => out.show(texts.join("\n\n———\n\n"), &rows),
        }
        remind(sitting.desk.memory(), out)
    })
}

/// Everything a grant would mean.
pub(super) struct Preview {
    institution: InstitutionRow,
    unit: String,
    recipient: AgeRecipient,
    fingerprint: String,
    key_since: Timestamp,
    young: bool,
    title: Option<String>,
    /// Sensitivity of the report.
    pub(super) tier: Tier,
    consent: Consent,
    /// Whether it is judged by answers the register sealed inside does not show.
    recorded_later: bool,
    /// The newest report that corrects or replaces it.
    newer: Option<ReportId>,
    /// Why another version of it has to be granted.
    other_version: Option<String>,
}

/// What the persons' consent says about it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "consent")]
enum Consent {
    /// It covers the grant, to be reviewed by then.
    Covers { review_by: Option<Timestamp> },
    /// There is no register.
    NotRecorded,
    /// It does not cover it.
    Narrower { refused: String },
}

impl Preview {
    /// Looks up everything the grant depends on.
    pub(super) fn of(desk: &Desk, terms: &Terms) -> Result<Self, Failure> {
        let unknown = || {
            Failure::refused(format!(
                "the register knows no institution {}; see `amana institution list`",
                terms.institution
            ))
        };
        let institution = desk.mirror().institution(terms.institution).ok_or_else(unknown)?;
        let own = desk.memory().report(terms.report).ok_or_else(|| {
            Failure::refused(format!("this device sealed no report {}; see `amana report list`", terms.report))
        })?;
        let (_, key) = desk.recipient_key(terms)?;
        let fingerprint = desk.institution_fingerprint(terms.institution, &key.recipient)?;
        let consent = consent_of(desk, terms, &institution);
        Ok(Self {
            institution,
            unit: key.unit,
            recipient: key.recipient,
            fingerprint,
            key_since: key.since,
            young: desk.now() < key.since.plus(YOUNG),
            title: own.title.clone(),
            tier: report_of(&own.statement)?.tier,
            consent,
            recorded_later: consent::working(desk.memory(), terms.report) != own.consent,
            newer: relations::newer(desk.memory(), terms.report),
            other_version: may_be_granted(desk.memory(), terms.report, terms.version).err().map(|e| e.to_string()),
        })
    }

    /// In plain words.
    pub(super) fn text(&self, terms: &Terms, taxonomy: &Taxonomy) -> String {
        let mut text = format!(
            "WHO\n  {}\n  {}\n  unit {}, {}\n  words      {}\n  {}\n\nWHAT\n  {}\n  report {}, tier {}{}\n\nWHY, AND WHO WILL LEARN WHAT",
            words::institution(&self.institution.record),
            terms.institution,
            self.unit,
            words::standing(&self.institution),
            self.fingerprint,
            self.key_words(),
            self.title.as_deref().unwrap_or("(no title)"),
            terms.report,
            u8::from(self.tier),
            self.version_words(),
        );
        for purpose in &terms.purposes {
            if let Some(leaf) = taxonomy.leaf(purpose) {
                // Writing to a string cannot fail.
                let _ = write!(
                    text,
                    "\n  {}\n    learns     {}\n    public     {}\n    undo       {}",
                    leaf.title, leaf.who_learns, leaf.publicity, leaf.undo
                );
            }
        }
        let later = if self.recorded_later { LATER } else { "" };
        let _ = write!(text, "\n\n{}\n\n{}{later}\n\n{AFTER}", conditions(terms), self.consent_words());
        text
    }

    /// What has to be known about other versions of the report, as lines below it.
    fn version_words(&self) -> String {
        let newer =
            self.newer.map(|newer| format!("\n  This version was corrected or replaced; the newer one is {newer}"));
        let other = self.other_version.as_ref().map(|why| format!("\n  This will be refused: {why}"));
        newer.into_iter().chain(other).collect()
    }

    fn key_words(&self) -> String {
        let since = words::moment(self.key_since);
        if self.young {
            format!(
                "key        published {since}, less than a day ago: nobody may have noticed a false one yet. Ask the \
                 institution\n             for its words over another channel and give them with --confirm-fingerprint"
            )
        } else {
            format!("key        published {since}")
        }
    }

    fn consent_words(&self) -> String {
        match &self.consent {
            Consent::Covers { review_by: Some(date) } => {
                format!(
                    "CONSENT\n  The persons in the report agreed to this; to be reviewed by {}.",
                    words::moment(*date)
                )
            }
            Consent::Covers { review_by: None } => "CONSENT\n  The persons in the report agreed to this.".to_owned(),
            Consent::NotRecorded => {
                "CONSENT\n  Nobody's consent is recorded in this report. You answer for it.".to_owned()
            }
            Consent::Narrower { refused } => format!("CONSENT\n  This will be refused: {refused}"),
        }
    }

    /// For programs.
    pub(super) fn json(&self, terms: &Terms, taxonomy: &Taxonomy) -> serde_json::Value {
        let purposes: Vec<_> = terms
            .purposes
            .iter()
            .map(|purpose| serde_json::json!({ "id": purpose, "means": taxonomy.leaf(purpose) }))
            .collect();
        serde_json::json!({
            "institution": terms.institution, "record": self.institution.record, "admitted_at": self.institution.admitted_at,
            "suspended_at": self.institution.suspended_at, "unit": self.unit, "recipient": self.recipient,
            "words": self.fingerprint, "key_since": self.key_since, "key_is_young": self.young,
            "report": terms.report, "title": self.title, "tier": self.tier, "purposes": purposes,
            "use_mode": terms.use_mode, "identification": terms.identification, "collect": terms.collect,
            "keep_until": terms.keep_until, "max_releases": terms.max_releases, "cooling_off_seconds": terms.cooling_off,
            "officers": terms.officers, "officer_approvals": terms.officer_approvals,
            "embargo_until": terms.embargo_until, "replaces": terms.replaces, "conditions": terms.conditions,
            "answers": terms.answers, "consent": self.consent,
            "consent_recorded_later": self.recorded_later, "newer": self.newer, "other_version": self.other_version,
        })
    }
}

/// Who else has to agree, and what it takes the place of.
fn agreement(terms: &Terms) -> String {
    let mut text = String::new();
    if terms.officer_approvals > 0 {
        let _ = write!(text, "\n  agree      {} more officer(s) of theirs, each time", terms.officer_approvals);
    }
    if let Some(until) = terms.embargo_until {
        let _ = write!(text, "\n  embargo    not before {}", words::moment(until));
    }
    if let Some(older) = terms.replaces {
        let _ = write!(text, "\n  replaces   {older}, which ends with it");
    }
    text
}

fn conditions(terms: &Terms) -> String {
    let keep = terms.keep_until.map_or_else(|| "as its terms say".to_owned(), words::moment);
    let officers = if terms.officers.is_empty() {
        "every officer".to_owned()
    } else {
        format!("{} named officer(s)", terms.officers.len())
    };
    format!(
        "UNTIL WHEN\n  collected  until {}, at most {} time(s), by {officers}\n  waits      {} in which you can take it back \
         before anybody collects\n  kept       until {keep}{}\n\nCONDITIONS\n  use        {}\n  persons    at most {}\n  \
         passing on {}\n  contact    {}\n  publishing {}\n  services   {}",
        words::moment(terms.collect.until),
        terms.max_releases,
        words::length(terms.cooling_off),
        agreement(terms),
        words::term(&terms.use_mode),
        words::term(&terms.identification),
        words::term(&terms.conditions.onward),
        words::term(&terms.conditions.contact),
        words::term(&terms.conditions.publication),
        words::term(&terms.conditions.external_processing),
    )
}

fn consent_of(desk: &Desk, terms: &Terms, institution: &InstitutionRow) -> Consent {
    if consent::working(desk.memory(), terms.report).is_none() {
        return Consent::NotRecorded;
    }
    let (purposes, class) = (terms.purposes.as_slice(), institution.record.class);
    let asked = Asked { report: terms.report, purposes, class, identification: terms.identification };
    match consent::allows(desk.memory(), &asked, desk.now()) {
        Ok(review_by) => Consent::Covers { review_by },
        Err(error) => Consent::Narrower { refused: error.to_string() },
    }
}

/// What a grant under later answers stands on.
const LATER: &str = "\n  This is by answers recorded on this device after sealing. Whoever opens the report reads the earlier\n  ones; \
     that the persons answered anew is your word.";

/// What people have to know before they agree.
const AFTER: &str = "After it is opened, withdrawing stops new use where possible; it does not erase.\n\
     A recipient who opened it can keep a copy, and a court may have to.";
