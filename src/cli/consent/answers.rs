//! Answers from the command line, checked against the lists of purposes and classes of recipients.

use crate::{
    cli::{home, output::Failure, words},
    client::{
        consent::{self, Answers, file},
        report::{Answer, ContactRule, Status},
    },
    model::{
        limits,
        purpose::{RecipientClass, Taxonomy},
    },
};
use clap::Args;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What a person answered.
#[derive(Args)]
pub(super) struct AnswerArguments {
    /// What the person is in the report, such as victim, witness or child; may be given several times.
    #[arg(long = "role", value_name = "ROLE", value_parser = read_words)]
    roles: Vec<String>,
    /// Whether there is consent: given, refused or not-obtainable.
    #[arg(long, value_parser = words::read_term::<Status>)]
    status: Option<Status>,
    /// A purpose and how recognisable the person may be for it: no, statistics, anonymous-summary, redacted, initials,
    /// identified-to-recipient, identified-to-state, public, or ask…; may be given several times.
    #[arg(long = "use", value_name = "PURPOSE=LEVEL", value_parser = read_answer)]
    uses: Vec<(String, Answer)>,
    /// A class of recipients and the same, or yes for no further limit: un-mechanism, international-court,
    /// national-prosecutor, state-concerned, ngo, media; may be given several times.
    #[arg(long = "recipient", value_name = "CLASS=LEVEL", value_parser = read_answer)]
    recipients: Vec<(String, Answer)>,
    /// Who answered: self, a guardian, the family.
    #[arg(long, value_parser = read_words)]
    by: Option<String>,
    /// How it was recorded; oral counts.
    #[arg(long, value_parser = read_words)]
    form: Option<String>,
    /// Language it was explained in.
    #[arg(long, value_parser = read_words)]
    language: Option<String>,
    /// Why there is no consent, or why the person could not be asked.
    #[arg(long, value_parser = read_words)]
    why: Option<String>,
    /// What the person said about being named, in words.
    #[arg(long, value_name = "WORDS", value_parser = read_words)]
    identity_words: Option<String>,
    /// Contact with the person: direct, through-provider-only or none.
    #[arg(long, value_parser = words::read_term::<ContactRule>)]
    contact: Option<ContactRule>,
}

impl AnswerArguments {
    /// The answers, with the day of the next review if one was given.
    pub(super) fn answers(&self, review_by: Option<Date>, taxonomy: &Taxonomy) -> Result<Answers, Failure> {
        let uses = once(&self.uses)?;
        for (purpose, answer) in &uses {
            file::known(purpose, taxonomy).map_err(|why| Failure::usage(why.to_string()))?;
            if *answer == Answer::Yes {
                return Err(Failure::usage(format!(
                    "{purpose}=yes does not say how recognisable the person may be; write a level, such as redacted"
                )));
            }
        }
        let recipients = once(&self.recipients)?;
        for class in recipients.keys() {
            words::read_term::<RecipientClass>(class).map_err(Failure::usage)?;
        }
        Ok(Answers {
            roles: self.roles.clone(),
            status: self.status,
            uses,
            recipients,
            review_by,
            by: self.by.clone(),
            form: self.form.clone(),
            language: self.language.clone(),
            why: self.why.clone(),
            identity: self.identity_words.clone(),
            contact: self.contact,
        })
    }
}

/// Two answers to one question are none.
fn once(answers: &[(String, Answer)]) -> Result<BTreeMap<String, Answer>, Failure> {
    let mut map = BTreeMap::new();
    for (about, answer) in answers {
        if map.insert(about.clone(), answer.clone()).is_some() {
            return Err(Failure::usage(format!("{about} was answered twice")));
        }
    }
    Ok(map)
}

fn read_answer(text: &str) -> Result<(String, Answer), String> {
    let (about, answer) =
        text.split_once('=').ok_or("write it as NAME=LEVEL, such as commission-of-inquiry=redacted")?;
    let answer = answer.parse::<Answer>().map_err(|why| why.to_string())?;
    Ok((about.to_owned(), answer))
}

/// Reads a calendar day.
pub(super) fn read_day(text: &str) -> Result<Date, String> {
    text.parse::<Date>()
        .ok()
        .filter(|day| day.to_string() == text)
        .ok_or_else(|| format!("{text:?} is no day of the calendar; write it as 2027-03-24"))
}

/// Reads words for people, within the bound of every such text.
pub(in crate::cli) fn read_words(text: &str) -> Result<String, String> {
    words::read_text(text).map(|text| text.as_str().to_owned())
}

/// Reads a person's code.
pub(super) fn read_code(text: &str) -> Result<String, String> {
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    if text.is_empty() || text.len() > limits::CODE_BYTES || text.contains("..") || !text.chars().all(plain) {
        return Err(format!("{text:?} is not the code of one person, such as W-02"));
    }
    Ok(text.to_owned())
}

/// The calendar day it is in UTC.
pub(super) fn today() -> Result<Date, Failure> {
    Ok(consent::date_of(home::now())?)
}
