//! Words for people: moments, lengths of time, terms and states. The glossary's codes stay in JSON.

pub(super) use super::moment::moment;
use super::output::Failure;
use crate::model::{
    grant::{EndCause, GrantState},
    institution::InstitutionRecord,
    purpose::{Purpose, Taxonomy},
    rows::InstitutionRow,
    statement::Text,
    time::Duration,
};

/// Days as a length of time, with a bound that keeps them in the calendar.
pub(super) fn days(days: u64) -> Result<Duration, Failure> {
    if days <= MOST_DAYS {
        Ok(Duration::from_days(days))
    } else {
        Err(Failure::usage(format!("{days} days are more than {MOST_DAYS}")))
    }
}

/// Hours as a length of time.
pub(super) fn hours(hours: u64) -> Result<Duration, Failure> {
    if hours <= MOST_DAYS * 24 {
        Ok(Duration::from_seconds(hours * 3600))
    } else {
        Err(Failure::usage(format!("{hours} hours are more than {} ", MOST_DAYS * 24)))
    }
}

/// A length of time, roughly.
pub(super) fn length(duration: Duration) -> String {
    let seconds = duration.as_seconds();
    match seconds {
        0 => "none".to_owned(),
        s if s % 86_400 == 0 => format!("{} day(s)", s / 86_400),
        s if s % 3600 == 0 => format!("{} hour(s)", s / 3600),
        s => format!("{s} seconds"),
    }
}

/// A term by the word it has on the wire, with spaces.
pub(super) fn term(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|v| v.as_str().map(|s| s.replace('-', " "))).unwrap_or_default()
}

/// Reads a term by the word it has on the wire; clap names the argument.
pub(super) fn read_term<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    let value = serde_json::Value::String(word.to_owned());
    serde_json::from_value(value).map_err(|error| {
        let words = error.to_string();
        words
            .replace("unknown variant", "there is no")
            .replace("expected one of", "choose from")
            .replace("expected", "say")
    })
}

/// Reads a text for people.
pub(super) fn read_text(text: &str) -> Result<Text, String> {
    text.parse().map_err(|e: crate::model::ids::Malformed| e.to_string())
}

/// Where a grant stands.
pub(super) const fn state(state: &GrantState) -> &'static str {
    match state {
        GrantState::HeaderPending {} => "waiting for your second yes",
        GrantState::HeaderReceived {} => "open",
        GrantState::Ended { cause: EndCause::Revoked, .. } => "withdrawn, copies being destroyed",
        GrantState::Shredded { cause: EndCause::Revoked, .. } => "withdrawn, every copy at the broker destroyed",
        GrantState::Ended { cause: EndCause::HeaderLost, .. }
        | GrantState::Shredded { cause: EndCause::HeaderLost, .. } => {
            "lost: the broker went on from a backup. If it is still your wish, give it anew"
        }
        GrantState::Ended { .. } => "ended, copies being destroyed",
        GrantState::Shredded { .. } => "ended, every copy at the broker destroyed",
    }
}

/// An institution's name with its class.
pub(super) fn institution(record: &InstitutionRecord) -> String {
    format!("{} ({}, {})", record.name, record.class.as_str(), record.jurisdiction)
}

/// Where an institution stands.
pub(super) fn standing(row: &InstitutionRow) -> String {
    match (row.suspended_at, row.admitted_at) {
        (Some(since), _) => format!("suspended since {}", moment(since)),
        (None, Some(since)) => format!("admitted since {}", moment(since)),
        (None, None) => "not admitted".to_owned(),
    }
}

/// Refuses a purpose the taxonomy does not list.
pub(super) fn known_purposes(purposes: &[Purpose], taxonomy: &Taxonomy) -> Result<(), Failure> {
    let Some(unknown) = taxonomy.first_unknown(purposes) else { return Ok(()) };
    let ids: Vec<&str> = taxonomy.leaves().map(|(id, _)| id.as_str()).collect();
    Err(Failure::usage(format!("there is no purpose {unknown}; choose from: {}", ids.join(", "))))
}

/// The purposes this program knows.
pub(super) fn taxonomy() -> Result<Taxonomy, Failure> {
    let bundle = crate::model::bundle::Bundle::shipped();
    let text = bundle.file("taxonomy.json").ok_or_else(|| Failure::refused("this program has no purpose taxonomy"))?;
    crate::wire::taxonomy::parse(text).map_err(|e| Failure::from_error(&e))
}

/// A hundred years: beyond this a number of days is a mistake.
const MOST_DAYS: u64 = 36_525;
