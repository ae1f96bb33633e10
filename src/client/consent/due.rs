//! Whose consent has to be gone through again soon, or should have been by now.

use super::{Given, start_of, working};
use crate::{
    client::{
        desk::DeskError,
        memory::Memory,
        report::{Status, strict},
    },
    model::{
        ids::{GrantId, PartyId, ReportId},
        time::{Duration, Timestamp},
    },
};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead every listing reminds: time to reach a person who has no telephone.
pub const REMIND_WITHIN: Duration = Duration::from_days(30);

/// What is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Persons, the earliest first.
    pub persons: Vec<DuePerson>,
    /// Open grants that release nothing from some day on, the earliest first.
    pub grants: Vec<DueGrant>,
}

/// A person to be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuePerson {
    /// The person's code.
    pub code: String,
    /// The day: from its first second in UTC the consent covers nothing.
    #[serde(serialize_with = "strict::text::serialize")]
    pub review_by: Date,
    /// Whether that day has come.
    pub passed: bool,
    /// The own reports they are in.
    pub reports: BTreeSet<ReportId>,
}

/// A grant that waits for a person to be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DueGrant {
    /// The grant.
    pub grant: GrantId,
    /// Its report.
    pub report: ReportId,
    /// Who holds it.
    pub institution: PartyId,
    /// First second at which it releases nothing any more.
    pub review_by: Timestamp,
    /// Whether that has come.
    pub passed: bool,
}

/// Everything due within a time from now.
///
/// # Errors
/// A review date is out of range.
pub fn due(memory: &Memory, given: &[Given], now: Timestamp, within: Duration) -> Result<Due, DeskError> {
    let until = now.plus(within);
    let mut persons: BTreeMap<(Date, String), DuePerson> = BTreeMap::new();
    let mut dated = BTreeSet::new();
    for id in memory.reports.keys() {
        let Ok(report) = id.parse::<ReportId>() else { continue };
        for person in working(memory, report).into_iter().flat_map(|register| register.persons) {
            let counts = matches!(person.status, Status::Given | Status::NotObtainable);
            let Some(review_by) = person.valid_review_by.filter(|_| counts) else { continue };
            dated.insert(report);
            let first_second = start_of(review_by)?;
            if first_second <= until {
                let (code, passed) = (person.code, first_second <= now);
                let entry = DuePerson { code: code.clone(), review_by, passed, reports: BTreeSet::new() };
                persons.entry((review_by, code)).or_insert(entry).reports.insert(report);
            }
        }
    }
    // Without a date of its own a grant is reviewed when its window ends, which reminds of nobody.
    let waiting = given.iter().filter(|grant| grant.is_open(now) && dated.contains(&grant.terms.report));
    let mut grants: Vec<DueGrant> = waiting
        .filter(|grant| grant.terms.consent_review_by <= until)
        .map(|grant| DueGrant {
            grant: grant.id,
            report: grant.terms.report,
            institution: grant.terms.institution,
            review_by: grant.terms.consent_review_by,
            passed: grant.terms.consent_review_by <= now,
        })
        .collect();
    grants.sort_by_key(|grant| grant.review_by);
    Ok(Due { persons: persons.into_values().collect(), grants })
}

/// One line for listings, when somebody has to be asked again soon.
///
/// # Errors
/// As [`due`].
pub fn reminder(memory: &Memory, now: Timestamp) -> Result<Option<String>, DeskError> {
    let due = due(memory, &[], now, REMIND_WITHIN)?;
    let Some(first) = due.persons.first() else { return Ok(None) };
    let (when, more) = (if first.passed { "since" } else { "by" }, due.persons.len() - 1);
    let others = if more == 0 { String::new() } else { format!(", and {more} more") };
    Ok(Some(format!(
        "Consent to go through again: {} {when} {}{others}. See: amana consent due",
        first.code, first.review_by
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{
            consent::unanswered,
            memory::OwnReport,
            report::{ConsentRegister, Person},
        },
        model::ids::Digest,
    };
    use jiff::civil::date;

    fn id(byte: u8) -> ReportId {
        Digest::from_bytes([byte; 32]).into()
    }

    fn remembering(reports: &[&[(&str, Status, Date)]]) -> Memory {
        let mut memory = Memory::default();
        for (byte, persons) in (1_u8..).zip(reports) {
            let persons = persons
                .iter()
                .map(|(code, status, day)| Person { valid_review_by: Some(*day), ..unanswered(code, *status) });
            let consent = Some(ConsentRegister { v: 1, note: None, persons: persons.collect() });
            memory.reports.insert(id(byte).to_string(), OwnReport { consent, ..OwnReport::of_nothing() });
        }
        memory
    }

    fn codes(memory: &Memory, now: Timestamp, days: u64) -> Vec<(String, bool)> {
        let due = due(memory, &[], now, Duration::from_days(days)).unwrap();
        due.persons.into_iter().map(|person| (person.code, person.passed)).collect()
    }

    #[test]
    fn review_day_begins_with_its_first_second_in_utc_whatever_the_length_of_the_month() {
        for (day, days_before) in [(date(2028, 3, 1), 1), (date(2027, 3, 1), 1), (date(2027, 1, 1), 31)] {
            let memory = remembering(&[&[("W-1", Status::Given, day)]]);
            let first = start_of(day).unwrap().as_seconds();
            let at = |seconds: u64| Timestamp::from_seconds(seconds);
            assert_eq!(codes(&memory, at(first), 0), [("W-1".to_owned(), true)], "{day}");
            assert_eq!(codes(&memory, at(first - 1), 0), [], "{day}");
            let before = first - days_before * 86_400;
            assert_eq!(codes(&memory, at(before), days_before), [("W-1".to_owned(), false)], "{day}");
            assert_eq!(codes(&memory, at(before - 1), days_before), [], "{day}");
        }
        // 2028 is a leap year: the day before the first of March is the 29th.
        let leap = start_of(date(2028, 3, 1)).unwrap().as_seconds() - start_of(date(2028, 2, 28)).unwrap().as_seconds();
        assert_eq!(leap, 2 * 86_400);
    }

    #[test]
    fn nobody_is_reminded_of_who_has_withdrawn_or_refused() {
        let day = date(2026, 6, 1);
        let memory = remembering(&[&[
            ("W-1", Status::Withdrawn, day),
            ("W-2", Status::Refused, day),
            ("V-4", Status::NotObtainable, day),
        ]]);
        assert_eq!(codes(&memory, start_of(day).unwrap(), 0), [("V-4".to_owned(), true)]);
    }

    #[test]
    fn one_person_in_two_reports_is_one_line_and_the_earliest_is_named_first() {
        let (soon, later) = (date(2026, 6, 1), date(2026, 6, 20));
        let one = ("W-1", Status::Given, later);
        let memory = remembering(&[&[one, ("W-2", Status::Given, soon)], &[one]]);
        let now = start_of(date(2026, 5, 31)).unwrap();
        let found = due(&memory, &[], now, REMIND_WITHIN).unwrap().persons;
        assert_eq!(
            found.iter().map(|p| (p.code.as_str(), p.reports.len())).collect::<Vec<_>>(),
            [("W-2", 1), ("W-1", 2)]
        );
        let words = reminder(&memory, now).unwrap().unwrap();
        assert!(words.contains("W-2 by 2026-06-01, and 1 more"), "{words}");
        assert_eq!(reminder(&memory, start_of(date(2026, 1, 1)).unwrap()).unwrap(), None);
    }
}
