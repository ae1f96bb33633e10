//! Recording what a person said: in a register that is not sealed yet, or on the device for reports that are.
//!
//! A withdrawal is never made difficult: no bound and no doubt about which report keeps it out. What could widen is
//! recorded only for the reports named, because one code may stand for different people in different cases.

use super::{Change, Said, Withdrawal, date_of, unanswered, working, working::shows};
use crate::{
    client::{
        desk::DeskError,
        memory::Memory,
        report::{Person, Status},
    },
    model::{ids::ReportId, limits, time::Timestamp},
};
use jiff::{Span, civil::Date};
use std::collections::BTreeSet;

/// What a person said, about to be recorded on the device.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The person's code.
    pub code: String,
    /// What they said.
    pub said: Said,
    /// The day they said it; none given: today, or the day of their last answer where that is later.
    pub date: Option<Date>,
    /// The reports it is about; none named: see [`record`].
    pub reports: BTreeSet<ReportId>,
}

/// What came of recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The own reports with this person it is about.
    pub reports: Vec<ReportId>,
    /// The day it was recorded for.
    pub date: Date,
    /// Whether it changed any answer; saying a thing twice does not.
    pub changed: bool,
}

/// Why something a person said cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// Nothing was said on a day that has not come.
    #[error("{date} has not come yet; give the day of the talk with --date")]
    NotYet {
        /// The day given.
        date: Date,
    },
    /// The person is known to have answered later.
    #[error(
        "{code} answered on {last}, which is after {date}; give the day of this talk with --date, or with --report the \
         reports it is about"
    )]
    BeforeLast {
        /// The person.
        code: String,
        /// The day given.
        date: Date,
        /// The day of the answer that is known.
        last: Date,
    },
    /// A person who said no does not agree by a new date alone.
    #[error("{code} has withdrawn or refused; if they agree now, record that with --status given and each answer")]
    SaidNo {
        /// The person.
        code: String,
    },
    /// A withdrawal has a verb of its own, which says what follows from it.
    #[error("record that {code} takes consent back with: amana consent withdraw {code}")]
    IsAWithdrawal {
        /// The person.
        code: String,
    },
    /// The next review lies behind.
    #[error("the consent would be overdue at once: {review_by} is not after today and the day of the talk")]
    ReviewNotAhead {
        /// The review date given.
        review_by: Date,
    },
    /// The next review lies so far ahead that it is a slip of the pen.
    #[error("{review_by} is more than ten years ahead; give a nearer day")]
    ReviewTooFar {
        /// The review date given.
        review_by: Date,
    },
    /// The entry would be no entry.
    #[error("nothing is recorded of {code} yet; say with --status whether there is consent")]
    NoStatus {
        /// The person.
        code: String,
    },
}

/// The entry of a person after what they said, or why it cannot be recorded.
///
/// # Errors
/// [`NotRecorded`].
pub fn after(code: &str, before: Option<&Person>, said: &Said, date: Date, today: Date) -> Result<Person, NotRecorded> {
    is_possible(code, before, said, date, today)?;
    match before {
        None => said.first_entry(code, date).ok_or_else(|| NotRecorded::NoStatus { code: code.to_owned() }),
        Some(before) => {
            let mut person = before.clone();
            said.apply(&mut person, date);
            Ok(person)
        }
    }
}

fn is_possible(code: &str, before: Option<&Person>, said: &Said, date: Date, today: Date) -> Result<(), NotRecorded> {
    let code = || code.to_owned();
    if let Some(last) = before.and_then(|person| person.date).filter(|last| *last > date) {
        return Err(NotRecorded::BeforeLast { code: code(), date, last });
    }
    let Said::Answered(answers) = said else { return Ok(()) };
    if answers.status == Some(Status::Withdrawn) && before.is_some() {
        return Err(NotRecorded::IsAWithdrawal { code: code() });
    }
    let said_no = before.is_some_and(|person| matches!(person.status, Status::Withdrawn | Status::Refused));
    if said_no && answers.status.is_none() {
        return Err(NotRecorded::SaidNo { code: code() });
    }
    match answers.review_by {
        Some(review_by) if review_by <= today || review_by <= date => Err(NotRecorded::ReviewNotAhead { review_by }),
        Some(review_by) if review_by > today.saturating_add(Span::new().years(limits::CONSENT_REVIEW_YEARS)) => {
            Err(NotRecorded::ReviewTooFar { review_by })
        }
        _ => Ok(()),
    }
}

/// The day something was said: the one given, or today. Nobody's withdrawal fails because a last answer was dated by the
/// calendar of a place where it is tomorrow already.
///
/// # Errors
/// [`NotRecorded::NotYet`] where a day was given that has not come anywhere.
pub fn day_said(given: Option<Date>, last: Option<Date>, today: Date) -> Result<Date, NotRecorded> {
    match given {
        Some(date) if date > today.saturating_add(Span::new().days(1)) => Err(NotRecorded::NotYet { date }),
        Some(date) => Ok(date),
        None => Ok(last.map_or(today, |last| last.max(today))),
    }
}

/// Records on the device what a person said. A withdrawal without reports named is about every report the person is or
/// will be in; an answer without reports named is about the only one they are in.
///
/// # Errors
/// No own report has the person; an answer could be about several; [`NotRecorded`].
pub fn record(memory: &mut Memory, telling: Telling, now: Timestamp) -> Result<Recorded, DeskError> {
    let Telling { code, said, date, mut reports } = telling;
    let today = date_of(now)?;
    let found = reports_with(memory, &code, &reports)?;
    let refused = |why: NotRecorded| DeskError::refused(why.to_string());
    let last = found.iter().filter_map(|report| entry_of(memory, *report, &code)?.date).max();
    let date = day_said(date, last, today).map_err(refused)?;
    if let Said::Answered(_) = said {
        if found.len() > 1 && reports.is_empty() {
            return Err(ambiguous(&code, &found));
        }
        if memory.consent_changes.len() >= limits::CONSENT_CHANGES {
            return Err(DeskError::refused(
                "this device holds as many later answers as it takes; seal the reports anew with current registers",
            ));
        }
        reports = found.iter().copied().collect();
    }
    let mut changed = false;
    for report in &found {
        let before = entry_of(memory, *report, &code);
        let possible = after(&code, before.as_ref(), &said, date, today);
        let person = match (possible, &said) {
            // A file shows them and nobody recorded an answer: there is nothing yet that could be taken back in part.
            (Err(NotRecorded::NoStatus { .. }), Said::Withdrawn(_)) => unanswered(&code, Status::Refused),
            (possible, _) => possible.map_err(refused)?,
        };
        changed |= before != Some(person);
    }
    // A withdrawal is also about reports sealed later, so it is kept where it changes nothing in those there are.
    let last = memory.consent_changes.iter().rfind(|change| change.code == code);
    let said_before = last.is_some_and(|last| last.said == said && last.reports == reports);
    if changed || (matches!(said, Said::Withdrawn(_)) && !said_before) {
        let at = next_moment(memory, now);
        memory.consent_changes.insert(Change { at, code, said, date, reports });
    }
    Ok(Recorded { reports: found, date, changed })
}

/// What a person in an own report says today.
fn entry_of(memory: &Memory, report: ReportId, code: &str) -> Option<Person> {
    working(memory, report)?.persons.into_iter().find(|person| person.code == code)
}

/// The own reports that register or show a person; those asked for must be among them.
fn reports_with(memory: &Memory, code: &str, wanted: &BTreeSet<ReportId>) -> Result<Vec<ReportId>, DeskError> {
    let mut found = Vec::new();
    for (id, own) in &memory.reports {
        let Ok(report) = id.parse::<ReportId>() else { continue };
        if entry_of(memory, report, code).is_some() || shows(&own.items, code) {
            found.push(report);
        }
    }
    if let Some(missing) = wanted.iter().find(|report| !found.contains(report)) {
        return Err(DeskError::refused(format!("the report {missing} on this device does not have the person {code}")));
    }
    if found.is_empty() {
        return Err(DeskError::refused(format!(
            "no report sealed on this device has a person {code}; see `amana consent show`, or name a register with --file"
        )));
    }
    Ok(if wanted.is_empty() { found } else { wanted.iter().copied().collect() })
}

fn ambiguous(code: &str, found: &[ReportId]) -> DeskError {
    let ids: Vec<String> = found.iter().map(ReportId::to_string).collect();
    DeskError::refused(format!(
        "{code} stands in several reports, and codes of different cases may be different persons. Say with --report which \
         of them this answer is about:\n  {}",
        ids.join("\n  ")
    ))
}

/// Later than every change there is, also where the clock was set back.
fn next_moment(memory: &Memory, now: Timestamp) -> Timestamp {
    let last = memory.consent_changes.last().map_or(0, |change| change.at.as_seconds());
    now.max(Timestamp::from_seconds(last.saturating_add(1)))
}

/// Whether anything is taken back by what was said, in words.
pub fn taken_back(said: &Said) -> Option<String> {
    let Said::Withdrawn(withdrawal) = said else { return None };
    Some(match withdrawal {
        Withdrawal::Everything {} => "everything".to_owned(),
        Withdrawal::Identity {} => "to be named".to_owned(),
        Withdrawal::Of { uses, recipients } => {
            uses.iter().chain(recipients).map(String::as_str).collect::<Vec<_>>().join(", ")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{
            consent::Answers,
            memory::OwnReport,
            report::{Answer, ConsentRegister},
        },
        model::ids::Digest,
    };
    use jiff::civil::date;

    const TODAY: Date = date(2026, 6, 15);

    fn now() -> Timestamp {
        crate::client::consent::start_of(TODAY).unwrap()
    }

    fn id(byte: u8) -> ReportId {
        Digest::from_bytes([byte; 32]).into()
    }

    fn remembering(registers: &[&[&str]]) -> Memory {
        let mut memory = Memory::default();
        for (byte, codes) in (1_u8..).zip(registers) {
            let persons =
                codes.iter().map(|code| Person { date: Some(date(2026, 3, 1)), ..unanswered(code, Status::Given) });
            let consent = Some(ConsentRegister { v: 1, note: None, persons: persons.collect() });
            memory.reports.insert(id(byte).to_string(), OwnReport { consent, ..OwnReport::of_nothing() });
        }
        memory
    }

    fn withdrawal(code: &str, day: Date) -> Telling {
        let said = Said::Withdrawn(Withdrawal::Everything {});
        Telling { code: code.to_owned(), said, date: Some(day), reports: BTreeSet::new() }
    }

    fn answer(code: &str, answers: Answers) -> Telling {
        Telling { said: Said::Answered(answers), ..withdrawal(code, TODAY) }
    }

    fn review(day: Date) -> Answers {
        Answers { review_by: Some(day), ..Answers::default() }
    }

    #[test]
    fn withdrawal_is_recorded_for_every_report_and_a_second_one_changes_nothing() {
        let mut memory = remembering(&[&["W-1"], &["W-1", "W-2"], &["W-2"]]);
        let recorded = record(&mut memory, withdrawal("W-1", TODAY), now()).unwrap();
        assert_eq!(recorded, Recorded { reports: vec![id(1), id(2)], date: TODAY, changed: true });
        let again = record(&mut memory, withdrawal("W-1", TODAY), now()).unwrap();
        assert!(!again.changed);
        assert_eq!(memory.consent_changes.len(), 1);
    }

    #[test]
    fn answer_that_could_be_about_several_reports_names_them_first() {
        let mut memory = remembering(&[&["W-1"], &["W-1"]]);
        let refused = record(&mut memory, answer("W-1", review(date(2027, 1, 1))), now()).unwrap_err().to_string();
        assert!(refused.contains(&id(2).to_string()), "{refused}");
        let named = Telling { reports: BTreeSet::from([id(2)]), ..answer("W-1", review(date(2027, 1, 1))) };
        record(&mut memory, named, now()).unwrap();
        let review_by = |report| working(&memory, report).unwrap().persons[0].valid_review_by;
        assert_eq!((review_by(id(1)), review_by(id(2))), (None, Some(date(2027, 1, 1))));
    }

    #[test]
    fn nobody_is_recorded_who_is_in_no_report() {
        let mut memory = remembering(&[&["W-1"]]);
        assert!(record(&mut memory, withdrawal("W-9", TODAY), now()).is_err());
        let elsewhere = Telling { reports: BTreeSet::from([id(7)]), ..withdrawal("W-1", TODAY) };
        assert!(record(&mut memory, elsewhere, now()).is_err());
        assert!(memory.consent_changes.is_empty());
    }

    #[test]
    fn the_day_of_a_talk_is_neither_before_the_last_nor_to_come() {
        let day = |day| record(&mut remembering(&[&["W-1"]]), withdrawal("W-1", day), now()).is_ok();
        assert_eq!([day(date(2026, 2, 28)), day(date(2026, 3, 1))], [false, true]);
        // Where the sun rises first it is tomorrow.
        assert_eq!([day(date(2026, 6, 16)), day(date(2026, 6, 17))], [true, false]);
    }

    #[test]
    fn withdrawal_without_a_day_is_not_refused_for_an_answer_dated_where_it_is_tomorrow() {
        let mut memory = remembering(&[&["W-1"]]);
        let tomorrow = date(2026, 6, 16);
        record(&mut memory, Telling { date: Some(tomorrow), ..answer("W-1", review(date(2027, 1, 1))) }, now())
            .unwrap();
        assert!(record(&mut memory, withdrawal("W-1", TODAY), now()).is_err());
        let recorded = record(&mut memory, Telling { date: None, ..withdrawal("W-1", TODAY) }, now()).unwrap();
        assert_eq!((recorded.date, recorded.changed), (tomorrow, true));
        assert_eq!(day_said(None, Some(date(2026, 3, 1)), TODAY), Ok(TODAY));
    }

    #[test]
    fn next_review_lies_ahead_and_not_beyond_ten_years() {
        let told = |date, day| Telling { date: Some(date), ..answer("W-1", review(day)) };
        let by = |day| record(&mut remembering(&[&["W-1"]]), told(date(2026, 6, 1), day), now()).is_ok();
        assert_eq!([by(TODAY), by(date(2026, 6, 16))], [false, true]);
        assert_eq!([by(date(2036, 6, 15)), by(date(2036, 6, 16))], [true, false]);
        // Where it is tomorrow already, the review lies after tomorrow.
        let tomorrow = |day| record(&mut remembering(&[&["W-1"]]), told(date(2026, 6, 16), day), now()).is_ok();
        assert_eq!([tomorrow(date(2026, 6, 16)), tomorrow(date(2026, 6, 17))], [false, true]);
    }

    #[test]
    fn person_who_withdrew_does_not_agree_by_a_new_date_alone() {
        let mut memory = remembering(&[&["W-1"]]);
        record(&mut memory, withdrawal("W-1", TODAY), now()).unwrap();
        let words = record(&mut memory, answer("W-1", review(date(2027, 1, 1))), now()).unwrap_err().to_string();
        assert!(words.contains("--status given"), "{words}");
        let status = Some(Status::Given);
        record(&mut memory, answer("W-1", Answers { status, ..review(date(2027, 1, 1)) }), now()).unwrap();
        // The clock stood still, and still the later answer is the later one.
        assert_eq!(working(&memory, id(1)).unwrap().persons[0].status, Status::Given);
        let back = Answers { status: Some(Status::Withdrawn), ..Answers::default() };
        assert!(record(&mut memory, answer("W-1", back), now()).unwrap_err().to_string().contains("consent withdraw"));
    }

    #[test]
    fn full_device_takes_withdrawals_and_nothing_else() {
        let mut memory = remembering(&[&["W-1"]]);
        for at in 0..u64::try_from(limits::CONSENT_CHANGES).unwrap() {
            let uses = [("publication".to_owned(), Answer::No)].into();
            let said = Said::Answered(Answers { uses, ..Answers::default() });
            let (code, at) = ("W-1".to_owned(), Timestamp::from_seconds(at));
            memory.consent_changes.insert(Change { at, code, said, date: TODAY, reports: BTreeSet::new() });
        }
        assert!(record(&mut memory, answer("W-1", review(date(2027, 1, 1))), now()).is_err());
        assert!(record(&mut memory, withdrawal("W-1", TODAY), now()).unwrap().changed);
    }
}
