//! Words for people: moments, lengths of time, terms and states. The glossary's codes stay in JSON.

pub(super) use super::moment::moment;
use super::output::Failure;
use crate::model::{
    answer::{Answer, Became, Owes},
    grant::{EndCause, GrantState},
    institution::InstitutionRecord,
    purpose::{Purpose, Taxonomy},
    request::{RefusalReason, RequestKind},
    rows::InstitutionRow,
    statement::Text,
    time::{Duration, Timestamp},
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

/// Reads a moment: RFC 3339, or a date, which begins at midnight in UTC.
pub(super) fn read_moment(text: &str) -> Result<Timestamp, String> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| midnight(text.parse().ok()?));
    moment.and_then(stamp).ok_or_else(|| format!("{text:?} is no moment; write 2030-01-31 or 2030-01-31T12:00:00Z"))
}

/// Reads the last day on which something holds: the first second after it, in UTC; or a moment, RFC 3339.
pub(super) fn read_last_day(text: &str) -> Result<Timestamp, String> {
    let after = |text: &str| midnight(text.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?);
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| after(text));
    moment.and_then(stamp).ok_or_else(|| format!("{text:?} is no day; write 2030-01-31"))
}

/// So many calendar months after a moment, in UTC: the day of the month stays, or is the last one there is.
pub(super) fn months_after(moment: Timestamp, months: u16) -> Result<Timestamp, Failure> {
    let late = || Failure::usage(format!("{months} months are more than the calendar has"));
    let seconds = i64::try_from(moment.as_seconds()).map_err(|_| late())?;
    let then = jiff::Timestamp::from_second(seconds).map_err(|_| late())?.to_zoned(jiff::tz::TimeZone::UTC);
    let then = then.checked_add(jiff::Span::new().months(i32::from(months))).map_err(|_| late())?;
    stamp(then.timestamp()).ok_or_else(late)
}

fn midnight(date: jiff::civil::Date) -> Option<jiff::Timestamp> {
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn stamp(moment: jiff::Timestamp) -> Option<Timestamp> {
    u64::try_from(moment.as_second()).ok().map(Timestamp::from_seconds)
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
        GrantState::Ended { cause: EndCause::Replaced, .. }
        | GrantState::Shredded { cause: EndCause::Replaced, .. } => "another grant took its place",
        GrantState::Ended { cause: EndCause::ReportWithdrawn, .. }
        | GrantState::Shredded { cause: EndCause::ReportWithdrawn, .. } => "ended: the report was withdrawn",
        GrantState::Ended { .. } => "ended, copies being destroyed",
        GrantState::Shredded { .. } => "ended, every copy at the broker destroyed",
    }
}

/// Whether a grant can still be collected, now or later.
pub(super) const fn runs(state: &GrantState) -> bool {
    matches!(state, GrantState::HeaderPending {} | GrantState::HeaderReceived {})
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

/// What a request asks.
pub(super) const fn asked(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Access => "to collect the report",
        RequestKind::LiftLeadOnly => "to use as evidence what was given as a lead",
        RequestKind::Onward => "to pass it on; to whom, the message says",
        RequestKind::DiscloseToParties => "to show it to both sides of proceedings",
        RequestKind::Publish => "to publish it, or a part of it",
        RequestKind::ContactSource => "to get in touch with a person in it",
        RequestKind::KeepLonger => "to keep it longer",
        RequestKind::Clarify => "to have something explained",
    }
}

/// Why a request is refused.
pub(super) const fn reason(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::NotSaid => "no reason given",
        RefusalReason::NoConsent => "a person in it does not agree, or was not asked",
        RefusalReason::Danger => "it would endanger somebody",
        RefusalReason::TooWide => "more is asked than is needed",
        RefusalReason::NotFit => "it does not serve the purpose",
    }
}

/// What an institution says became of what it collected.
pub(super) fn became(became: &Became) -> String {
    match became {
        Became::Received {} => "received it, and nothing else yet".to_owned(),
        Became::UsedInternally {} => "used it in its own work".to_owned(),
        Became::DisclosedToParties {} => "showed it to both sides of proceedings".to_owned(),
        Became::InTheRecord {} => "says it is part of a court's or commission's record".to_owned(),
        Became::Published {} => "published it".to_owned(),
        Became::ArchivedRestricted {} => "keeps it in an archive with restricted access".to_owned(),
        Became::Returned {} => "handed it back and says it kept no copy".to_owned(),
        Became::Erased {} => "says it erased it".to_owned(),
        Became::CannotSay { until } => format!("cannot say before {}", moment(*until)),
        Became::CannotErase { reason, review } => {
            format!("says it cannot erase it: {reason}; it looks at that again by {}", moment(*review))
        }
    }
}

/// Whether an answer is owed, at `now`; nothing where none is.
pub(super) fn owed(answer: Answer, now: Timestamp) -> Option<String> {
    let Answer::Owed { due, because } = answer else { return None };
    let why = match because {
        Owes::Withdrawn => "it was withdrawn",
        Owes::Keeping => "the time to keep it is limited",
    };
    let by = moment(due);
    Some(if due <= now {
        format!("OVERDUE since {by}: an answer on what became of it ({why})")
    } else {
        format!("due by {by}: an answer on what became of it ({why})")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        stamp(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn months_keep_the_day_or_take_the_last_one_and_the_time_of_day() {
        for (from, months, then) in [
            ("2027-01-31T09:30:00Z", 1, "2027-02-28T09:30:00Z"),
            ("2028-01-31T09:30:00Z", 1, "2028-02-29T09:30:00Z"),
            ("2028-02-29T00:00:00Z", 12, "2029-02-28T00:00:00Z"),
            ("2027-03-31T00:00:00Z", 6, "2027-09-30T00:00:00Z"),
            ("2027-10-31T23:59:59Z", 4, "2028-02-29T23:59:59Z"),
        ] {
            assert_eq!(months_after(at(from), months).unwrap(), at(then), "{from} and {months} months");
        }
        assert!(months_after(Timestamp::FAR_FUTURE, 1).is_err());
    }

    #[test]
    fn last_day_counts_whole_and_a_date_begins_at_midnight_in_utc() {
        assert_eq!(read_last_day("2027-02-28").unwrap(), at("2027-03-01T00:00:00Z"));
        assert_eq!(read_moment("2027-02-28").unwrap(), at("2027-02-28T00:00:00Z"));
        // Elsewhere the day is another one; what is written with an offset is meant so.
        assert_eq!(read_moment("2027-02-28T00:00:00+05:30").unwrap(), at("2027-02-27T18:30:00Z"));
        for wrong in ["2027-02-29", "soon", "2027-13-01", "-0001-01-01", ""] {
            assert!(read_last_day(wrong).is_err() && read_moment(wrong).is_err(), "{wrong}");
        }
    }
}
