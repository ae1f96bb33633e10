//! The working register: what the persons in an own report say today.
//!
//! It is the register as sealed with every later answer applied in the order recorded. The sealed one is never touched:
//! the commitment in the report's statement is over it.

use super::Change;
use crate::{
    client::{
        memory::{Memory, OwnReport},
        report::{ConsentRegister, Item},
    },
    model::ids::ReportId,
};
use jiff::civil::Date;

/// The working register of an own report; none where nobody's answer was ever recorded.
pub fn working(memory: &Memory, id: ReportId) -> Option<ConsentRegister> {
    let own = memory.report(id)?;
    applied(own, memory.consent_changes.iter().filter(|change| change.is_about(id)))
}

/// The register of `own` with these changes.
pub(super) fn applied<'a>(own: &OwnReport, changes: impl Iterator<Item = &'a Change>) -> Option<ConsentRegister> {
    let mut register = own.consent.clone();
    for change in changes.filter(|change| !is_older(own, change)) {
        let known = register.iter_mut().flat_map(|register| &mut register.persons);
        if let Some(person) = known.into_iter().find(|person| person.code == change.code) {
            change.said.apply(person, change.date);
        } else if shows(&own.items, &change.code) {
            let first = change.said.first_entry(&change.code, change.date);
            let register = register.get_or_insert_with(|| ConsentRegister { v: 1, note: None, persons: Vec::new() });
            register.persons.extend(first);
        }
    }
    register
}

impl Change {
    /// Whether it is about this report, if the person is in it.
    pub fn is_about(&self, report: ReportId) -> bool {
        self.reports.is_empty() || self.reports.contains(&report)
    }
}

/// Whether the sealed register holds an answer of a later day: then it was made after this was said.
fn is_older(own: &OwnReport, change: &Change) -> bool {
    sealed_date(own, &change.code).is_some_and(|sealed| sealed > change.date)
}

fn sealed_date(own: &OwnReport, code: &str) -> Option<Date> {
    own.consent.iter().flat_map(|register| &register.persons).find(|person| person.code == code)?.date
}

/// Whether a file shows the person.
pub(super) fn shows(items: &[Item], code: &str) -> bool {
    items.iter().flat_map(|item| &item.persons).any(|person| person.code == code)
}

/// Codes whose later answers a register about to be sealed does not have, with the day of the latest: a folder's file may
/// be older than what the device was told.
pub fn not_taken_over(memory: &Memory, register: &ConsentRegister) -> Vec<(String, Date)> {
    let mut missing = Vec::new();
    for person in &register.persons {
        let mut after = person.clone();
        let changes = memory.consent_changes.iter().filter(|change| change.code == person.code);
        let latest = changes.inspect(|change| change.said.apply(&mut after, change.date)).last();
        let same =
            (&after.status, &after.uses, &after.recipients) == (&person.status, &person.uses, &person.recipients);
        if let Some(change) = latest.filter(|_| !same) {
            missing.push((person.code.clone(), change.date));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{
            consent::{Answers, Said, Withdrawal, answer::unanswered},
            report::{Answer, Status},
        },
        model::{ids::Digest, time::Timestamp},
    };
    use jiff::civil::date;
    use std::collections::{BTreeMap, BTreeSet};

    fn id(byte: u8) -> ReportId {
        Digest::from_bytes([byte; 32]).into()
    }

    fn own(codes: &[&str], answered: Date) -> OwnReport {
        let persons = codes.iter().map(|code| {
            let mut person = unanswered(code, Status::Given);
            person.date = Some(answered);
            person.uses = BTreeMap::from([("publication".to_owned(), Answer::No)]);
            person
        });
        let consent = Some(ConsentRegister { v: 1, note: None, persons: persons.collect() });
        OwnReport { consent, ..OwnReport::of_nothing() }
    }

    fn change(at: u64, said: Said, day: Date, reports: &[u8]) -> Change {
        let reports = reports.iter().map(|byte| id(*byte)).collect::<BTreeSet<_>>();
        Change { at: Timestamp::from_seconds(at), code: "W-1".to_owned(), said, date: day, reports }
    }

    fn withdrawn() -> Said {
        Said::Withdrawn(Withdrawal::Everything {})
    }

    fn given() -> Said {
        Said::Answered(Answers { status: Some(Status::Given), ..Answers::default() })
    }

    fn status(memory: &Memory, report: u8, code: &str) -> Status {
        let register = working(memory, id(report)).unwrap();
        register.persons.into_iter().find(|person| person.code == code).unwrap().status
    }

    fn remembering(changes: Vec<Change>) -> Memory {
        let (first, second) = (own(&["W-1", "W-2"], date(2026, 3, 1)), own(&["W-1"], date(2026, 6, 1)));
        let reports = [(id(1).to_string(), first), (id(2).to_string(), second)].into();
        Memory { reports, consent_changes: changes.into_iter().collect(), ..Memory::default() }
    }

    #[test]
    fn withdrawal_reaches_every_report_with_the_person_and_nobody_else() {
        let memory = remembering(vec![change(1, withdrawn(), date(2026, 7, 1), &[])]);
        assert_eq!([status(&memory, 1, "W-1"), status(&memory, 2, "W-1")], [Status::Withdrawn; 2]);
        assert_eq!(status(&memory, 1, "W-2"), Status::Given);
        // What was sealed is as it was.
        let sealed = memory.report(id(1)).unwrap().consent.as_ref().unwrap();
        assert_eq!(sealed.persons[0].status, Status::Given);
    }

    #[test]
    fn register_with_an_answer_of_a_later_day_is_not_changed_by_an_older_one() {
        let memory = remembering(vec![change(1, withdrawn(), date(2026, 5, 1), &[])]);
        assert_eq!([status(&memory, 1, "W-1"), status(&memory, 2, "W-1")], [Status::Withdrawn, Status::Given]);
        let same_day = remembering(vec![change(1, withdrawn(), date(2026, 6, 1), &[])]);
        assert_eq!(status(&same_day, 2, "W-1"), Status::Withdrawn);
    }

    #[test]
    fn what_was_recorded_last_holds_and_of_one_second_the_withdrawal() {
        let day = date(2026, 7, 1);
        let again = remembering(vec![change(1, withdrawn(), day, &[]), change(2, given(), day, &[])]);
        assert_eq!(status(&again, 1, "W-1"), Status::Given);
        let together = remembering(vec![change(1, withdrawn(), day, &[]), change(1, given(), day, &[])]);
        assert_eq!(status(&together, 1, "W-1"), Status::Withdrawn);
    }

    #[test]
    fn change_about_one_report_leaves_the_others() {
        let memory = remembering(vec![change(1, withdrawn(), date(2026, 7, 1), &[1])]);
        assert_eq!([status(&memory, 1, "W-1"), status(&memory, 2, "W-1")], [Status::Withdrawn, Status::Given]);
    }

    #[test]
    fn stale_register_is_noticed_before_it_is_sealed_and_a_current_one_passes() {
        let memory = remembering(vec![change(1, withdrawn(), date(2026, 7, 1), &[])]);
        let stale = own(&["W-1", "W-2"], date(2026, 8, 1)).consent.unwrap();
        assert_eq!(not_taken_over(&memory, &stale), [("W-1".to_owned(), date(2026, 7, 1))]);
        let current = working(&memory, id(1)).unwrap();
        assert_eq!(not_taken_over(&memory, &current), []);
    }
}
