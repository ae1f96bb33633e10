//! Persons' consent and the advocate's grant: a grant wider than what the persons agreed to is never signed.
//!
//! Consent lives on after sealing. [`Change`] is what a person said later, [`record()`] keeps it, [`working()`] is the
//! register with all of it, [`proposals`] says what a withdrawal implies, [`due()`] who has to be asked again. Nothing of
//! this leaves the device, and nothing here changes the register that was sealed.

mod answer;
mod due;
pub mod file;
mod given;
mod proposal;
mod recording;
mod working;

pub use answer::{Answers, Change, Said, Withdrawal, unanswered};
pub use due::{Due, DueGrant, DuePerson, REMIND_WITHIN, due, reminder};
pub use given::{Given, given};
pub use proposal::{Exceeded, Instead, Proposal, Whose, proposals};
pub use recording::{NotRecorded, Recorded, Telling, after, day_said, record, taken_back};
pub use working::{not_taken_over, working};

use super::{
    desk::DeskError,
    memory::Memory,
    report::{self, ConsentRefusal, Proposed},
    reporting::report_of,
};
use crate::model::{
    ids::ReportId,
    purpose::{Identification, Purpose, RecipientClass},
    time::Timestamp,
};
use jiff::{civil::Date, tz::TimeZone};

/// What a grant would allow whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The report.
    pub report: ReportId,
    /// What for.
    pub purposes: &'a [Purpose],
    /// What kind of body receives it.
    pub class: RecipientClass,
    /// How far persons may be identified.
    pub identification: Identification,
}

/// Checks a grant against the working register of an own report.
///
/// Returns the first second at which a person's consent has to be reviewed, if any has a date.
///
/// # Errors
/// The device does not know the report; every person whose consent is narrower, by code, in words.
pub fn allows(memory: &Memory, asked: &Asked<'_>, now: Timestamp) -> Result<Option<Timestamp>, DeskError> {
    let own = memory.report(asked.report).ok_or_else(|| {
        DeskError::refused(format!("this device knows no report {} of yours; see `amana report list`", asked.report))
    })?;
    if own.consent.is_none() && report_of(&own.statement).is_ok_and(|stated| stated.consent_commitment.is_some()) {
        return Err(DeskError::refused(
            "persons' consent is recorded in this report, and this device does not have it yet. Fetch the report back \
             first (amana report download); then consent is checked as before",
        ));
    }
    // Without a register nobody's consent is recorded; the person at the desk answers for it.
    let Some(register) = working(memory, asked.report) else { return Ok(None) };
    let purposes: Vec<&str> = asked.purposes.iter().map(Purpose::as_str).collect();
    let ask = Proposed {
        purposes: &purposes,
        recipient_class: asked.class.as_str(),
        identification: level(asked.identification),
        today: date_of(now)?,
    };
    match report::check(&register, &own.items, &ask) {
        Ok(review_by) => review_by.0.map(start_of).transpose(),
        Err(refusals) => Err(DeskError::refused(words(&refusals))),
    }
}

fn words(refusals: &[ConsentRefusal]) -> String {
    let mut text = "the grant is wider than what the persons in the report agreed to; it was not signed:".to_owned();
    for refusal in refusals {
        text.push_str("\n  - ");
        text.push_str(&refusal.code);
        text.push_str(": ");
        text.push_str(&refusal.why.to_string());
    }
    text.push_str("\nSpeak with them first, seal a redacted report, or grant more narrowly.");
    text
}

/// The calendar day of a moment, in UTC.
///
/// # Errors
/// When it lies outside the calendar.
pub fn date_of(moment: Timestamp) -> Result<Date, DeskError> {
    let seconds = i64::try_from(moment.as_seconds()).unwrap_or(i64::MAX);
    let stamp = jiff::Timestamp::from_second(seconds).map_err(|_| DeskError::refused("the date is out of range"))?;
    Ok(stamp.to_zoned(TimeZone::UTC).date())
}

fn start_of(date: Date) -> Result<Timestamp, DeskError> {
    let bad = || DeskError::refused("a review date is out of range");
    let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| bad())?;
    u64::try_from(zoned.timestamp().as_second()).map(Timestamp::from_seconds).map_err(|_| bad())
}

const fn level(identification: Identification) -> report::IdentificationLevel {
    use report::IdentificationLevel as Level;
    match identification {
        Identification::None => Level::None,
        Identification::Statistics => Level::Statistics,
        Identification::AnonymousSummary => Level::AnonymousSummary,
        Identification::Redacted => Level::Redacted,
        Identification::Initials => Level::Initials,
        Identification::IdentifiedToRecipient => Level::IdentifiedToRecipient,
        Identification::IdentifiedToState => Level::IdentifiedToState,
        Identification::Public => Level::Public,
    }
}
