//! Persons' consent and the advocate's grant: a grant wider than what the persons agreed to is never signed.

use super::{
    desk::DeskError,
    memory::OwnReport,
    report::{self, ConsentRefusal, Proposed},
};
use crate::model::{
    purpose::{Identification, Purpose, RecipientClass},
    time::Timestamp,
};
use jiff::{civil::Date, tz::TimeZone};

/// Checks a grant against the consent register sealed in the report.
///
/// Returns the first second at which a person's consent has to be reviewed, if any has a date.
///
/// # Errors
/// Every person whose consent is narrower, by code, in words.
pub fn allows(
    own: &OwnReport,
    purposes: &[Purpose],
    class: RecipientClass,
    identification: Identification,
    now: Timestamp,
) -> Result<Option<Timestamp>, DeskError> {
    // Without a register nobody's consent is recorded; the person at the desk answers for it.
    let Some(register) = &own.consent else { return Ok(None) };
    let purposes: Vec<&str> = purposes.iter().map(Purpose::as_str).collect();
    let ask = Proposed {
        purposes: &purposes,
        recipient_class: class.as_str(),
        identification: level(identification),
        today: date_of(now)?,
    };
    match report::check(register, &own.items, &ask) {
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
