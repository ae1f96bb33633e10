//! Counting what happened within a period. Nothing here is fit to be published: [`super::protect`] makes it so.

use super::{
    cells::{By, Cell, Measure},
    history::{Answer, Happened, History, Institution},
    period::Period,
    words::Words,
};
use crate::model::{grant::EndCause, ids::PartyId, time::Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Exact counts.
pub struct Tally {
    /// Names of the rows of each breakdown.
    pub rows: BTreeMap<By, Vec<String>>,
    /// Counts; what is not in here is none.
    pub counts: BTreeMap<Cell, u64>,
}

impl Tally {
    /// One count.
    pub fn count(&self, by: By, row: usize, measure: Measure) -> u64 {
        self.counts.get(&Cell { by, row, measure }).copied().unwrap_or(0)
    }
    /// How many rows a breakdown has.
    pub fn len(&self, by: By) -> usize {
        self.rows.get(&by).map_or(0, Vec::len)
    }
    /// All counts of one breakdown of one measure.
    pub fn column(&self, by: By, measure: Measure) -> impl Iterator<Item = (Cell, u64)> {
        (0..self.len(by)).map(move |row| (Cell { by, row, measure }, self.count(by, row, measure)))
    }
    fn add(&mut self, by: By, row: Option<usize>, measure: Measure) {
        if let Some(row) = row {
            *self.counts.entry(Cell { by, row, measure }).or_default() += 1;
        }
    }
}

/// Institutions that were admitted before the period's end, in the order of the register.
pub fn listed(history: &History, period: Period) -> Vec<(PartyId, &Institution)> {
    let admitted = |institution: &Institution| institution.admitted.is_some_and(|at| at < period.end());
    let mut listed: Vec<_> = history.institutions.iter().filter(|(_, i)| admitted(i)).map(|(id, i)| (*id, i)).collect();
    listed.sort_by_key(|(_, institution)| institution.order);
    listed
}

/// Names of institutions as they are published: those that call themselves alike are numbered.
pub fn names(listed: &[(PartyId, &Institution)]) -> Vec<String> {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = Vec::new();
    for (_, institution) in listed {
        let times = met.entry(&institution.name).or_default();
        *times += 1;
        names.push(if *times == 1 { institution.name.clone() } else { format!("{} [{times}]", institution.name) });
    }
    names
}

/// Counts a period.
pub fn tally(history: &History, period: Period, words: &Words) -> Tally {
    let mut count = Counting::over(history, period, words);
    count.grants(history);
    count.releases(history);
    for (happened, reasons) in &history.denials {
        if count.happened(happened, Measure::Denials) {
            let row = count.row(By::Condition, &words.condition(reasons));
            count.tally.add(By::Condition, row, Measure::Denials);
        }
    }
    count.requests(history);
    count.finish()
}

/// Where waiting for an acknowledgement ends, in days, and how the table says it; longer ones stand in a last row.
const WAITS: [(i64, &str); 3] = [(1, "Within a day"), (7, "Within a week"), (30, "Within 30 days")];
const LONGER: &str = "After more than 30 days";
const CAUSES: [(EndCause, &str); 5] = [
    (EndCause::Expired, "The time to collect was over"),
    (EndCause::Exhausted, "Every release was used"),
    (EndCause::HeaderLost, "Lost when the broker went on from a backup"),
    (EndCause::Replaced, "Another grant took its place"),
    (EndCause::ReportWithdrawn, "The report was withdrawn"),
];
const GRANTED: &str = "Answered by a grant";
const PASSED: &str = "The deadline passed without a grant";
const WAITING: &str = "Neither, at the end of the period";
/// The row of [`By::Reply`] whose requests became grants.
pub const GRANTED_ROW: usize = 0;

struct Counting<'a> {
    period: Period,
    words: &'a Words,
    institutions: BTreeMap<PartyId, usize>,
    tally: Tally,
}

impl<'a> Counting<'a> {
    fn over(history: &History, period: Period, words: &'a Words) -> Self {
        let listed = listed(history, period);
        let institutions = listed.iter().enumerate().map(|(row, (id, _))| (*id, row)).collect();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut waits: Vec<&str> = WAITS.iter().map(|(_, words)| *words).collect();
        waits.push(LONGER);
        let rows = BTreeMap::from([
            (By::All, owned(&["All"])),
            (By::Institution, names(&listed)),
            (By::Purpose, purposes(history, period, words)),
            (By::Condition, conditions(history, period, words)),
            (By::Month, months(period)),
            (By::Reply, owned(&[GRANTED, PASSED, WAITING])),
            (By::Wait, owned(&waits)),
            (By::Cause, owned(&CAUSES.map(|(_, words)| words))),
        ]);
        Self { period, words, institutions, tally: Tally { rows, counts: BTreeMap::new() } }
    }

    fn row(&self, by: By, label: &str) -> Option<usize> {
        self.tally.rows.get(&by)?.iter().position(|known| known == label)
    }

    /// Counts something for an institution.
    fn institution(&mut self, institution: PartyId, measure: Measure) {
        let row = self.institutions.get(&institution).copied();
        self.tally.add(By::Institution, row, measure);
    }

    /// Counts something by month.
    fn month(&mut self, at: Timestamp, measure: Measure) {
        self.tally.add(By::Month, self.period.month_of(at), measure);
    }

    /// Counts something in every breakdown that is common to all, if it lies in the period.
    fn happened(&mut self, happened: &Happened, measure: Measure) -> bool {
        if !self.period.contains(happened.at) {
            return false;
        }
        self.institution(happened.institution, measure);
        self.month(happened.at, measure);
        let row = self.row(By::Purpose, &self.words.purpose(&happened.served));
        self.tally.add(By::Purpose, row, measure);
        true
    }

    fn grants(&mut self, history: &History) {
        let end = self.period.end();
        for (happened, after) in history.grants.values() {
            self.happened(happened, Measure::Grants);
            if let Some((at, due)) = after.withdrawn {
                if self.period.contains(at) {
                    self.institution(happened.institution, Measure::Withdrawn);
                    self.month(at, Measure::Withdrawn);
                }
                let answered = after.handed_back.is_some_and(|back| back < end);
                if at < end && due.is_some_and(|due| due <= end) && !answered {
                    self.institution(happened.institution, Measure::Overdue);
                }
            }
            if after.handed_back.is_some_and(|at| self.period.contains(at)) {
                self.institution(happened.institution, Measure::HandedBack);
            }
            if let Some((_, cause)) = after.ended.filter(|(at, _)| self.period.contains(*at)) {
                self.institution(happened.institution, Measure::Ended);
                let row = CAUSES.iter().position(|(known, _)| *known == cause);
                self.tally.add(By::Cause, row, Measure::Ended);
            }
        }
    }

    fn releases(&mut self, history: &History) {
        let end = self.period.end();
        for release in history.releases.values() {
            let Happened { at, institution, .. } = release.happened;
            self.happened(&release.happened, Measure::Releases);
            let in_time = |moment: Timestamp| release.answered.is_none_or(|(answered, _)| answered >= moment);
            if at < end && in_time(end) {
                self.institution(institution, Measure::Owed);
            }
            let begin = self.period.begin();
            if at < begin && in_time(begin) {
                self.institution(institution, Measure::OwedBefore);
            }
            let Some((answered, answer)) = release.answered.filter(|(at, _)| self.period.contains(*at)) else {
                continue;
            };
            let measure = if answer == Answer::Opened { Measure::Opened } else { Measure::Defect };
            self.institution(institution, measure);
            let waited = answered.seconds_since(at);
            let row = WAITS.iter().position(|(days, _)| waited <= days * 86_400).unwrap_or(WAITS.len());
            self.tally.add(By::Wait, Some(row), Measure::Answered);
        }
    }

    fn requests(&mut self, history: &History) {
        let end = self.period.end();
        for asked in history.requests.values() {
            if self.happened(&asked.happened, Measure::Requests) {
                let granted = asked.granted.is_some_and(|at| at < end);
                let words = if granted {
                    GRANTED
                } else if asked.deadline <= end {
                    PASSED
                } else {
                    WAITING
                };
                let row = self.row(By::Reply, words);
                self.tally.add(By::Reply, row, Measure::Requests);
            }
        }
    }

    /// Adds up the whole of each measure.
    fn finish(mut self) -> Tally {
        for measure in Measure::TOLD {
            let sum = self.tally.column(By::Institution, measure).map(|(_, count)| count).sum();
            self.tally.counts.insert(Cell { by: By::All, row: 0, measure }, sum);
        }
        self.tally
    }
}

/// Purposes that something in the period was for, in words.
fn purposes(history: &History, period: Period, words: &Words) -> Vec<String> {
    let grants = history.grants.values().map(|(happened, _)| happened);
    let releases = history.releases.values().map(|release| &release.happened);
    let requests = history.requests.values().map(|asked| &asked.happened);
    let denials = history.denials.iter().map(|(happened, _)| happened);
    let all = grants.chain(releases).chain(requests).chain(denials);
    let named: BTreeSet<String> =
        all.filter(|happened| period.contains(happened.at)).map(|h| words.purpose(&h.served)).collect();
    named.into_iter().collect()
}

/// Conditions that were not met in the period, in words.
fn conditions(history: &History, period: Period, words: &Words) -> Vec<String> {
    let denials = history.denials.iter().filter(|(happened, _)| period.contains(happened.at));
    let named: BTreeSet<String> = denials.map(|(_, reasons)| words.condition(reasons)).collect();
    named.into_iter().collect()
}

/// Months by name; one month alone is no breakdown.
fn months(period: Period) -> Vec<String> {
    let months = period.months();
    if months.len() < 2 {
        return Vec::new();
    }
    months.iter().map(|(from, _)| from.strftime("%Y-%m").to_string()).collect()
}
