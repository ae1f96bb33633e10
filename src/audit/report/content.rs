//! What a report says, before it is laid out: the file for programs, and what the page is made from.

use super::{
    bands::Band,
    cells::{By, Cell, Measure},
    history::{History, Institution},
    period::Period,
    protect::Published,
    tally::{Tally, listed},
    unread::Gone,
};
use crate::model::{institution::SuspensionAct, limits};
use serde::Serialize;

/// Everything a report says.
#[derive(Serialize)]
pub struct Content {
    /// The form of this file.
    pub format: &'static str,
    /// The day the draft is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft_shown: Option<String>,
    /// The last day for replies, while this is a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft_replies_until: Option<String>,
    /// First day.
    pub from: String,
    /// The day after the last.
    pub until: String,
    /// What it was made from.
    pub bundle: Source,
    /// The numbers.
    pub tables: Vec<Table>,
    /// What else the register says of each institution.
    pub institutions: Vec<Standing>,
}

/// What a report was made from.
#[derive(Serialize)]
pub struct Source {
    /// The broker's name in its trust root.
    pub broker: String,
    /// The card of the trust root.
    pub card: String,
    /// Whether the card was given by who made the report.
    pub card_given: bool,
    /// Size of the register.
    pub register_size: u64,
    /// Its root.
    pub register_root: String,
    /// Size of the case log.
    pub case_size: u64,
    /// Its root.
    pub case_root: String,
    /// Whether witnesses are named in the trust root.
    pub witnessed: bool,
    /// Entries of the case log that enough of them cosigned, by its own entries.
    pub cosigned: Option<u64>,
    /// Whether the words of conditions are those of the rules in force.
    pub conditions_in_words: bool,
    /// Entries of this time whose bodies were shredded: none of them is counted.
    pub bodies_destroyed: u64,
    /// Entries of this time whose bodies were lost.
    pub bodies_lost: u64,
    /// The latest day any period could end on.
    pub nothing_from: String,
}

/// One breakdown.
#[derive(Serialize)]
pub struct Table {
    /// Which.
    pub id: &'static str,
    #[serde(skip)]
    pub(super) by: By,
    /// What is counted, column by column.
    pub measures: Vec<&'static str>,
    /// What is not broken down in this way, because with the rest it would say too much.
    pub left_out: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// A band for each column.
    pub bands: Vec<Band>,
}

/// What the register and its own words say of an institution.
#[derive(Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Whether it was suspended.
    pub suspended: &'static str,
    /// Whether somebody vouched for its due diligence.
    pub due_diligence: &'static str,
    /// Whether its mandate ran.
    pub mandate: &'static str,
    /// Its reply.
    pub reply: Right,
}

/// What became of the right of reply.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// It said this.
    Replied(String),
    /// It was offered a reply and gave none.
    GaveNone,
    /// It was not asked.
    NotAsked,
    /// The time for it runs.
    Running,
}

/// The tables of a report.
pub fn tables(tally: &Tally, published: &Published, gone: Gone) -> Vec<Table> {
    let table = |by: By| {
        let mut table = Table { id: by.id(), by, measures: Vec::new(), left_out: Vec::new(), rows: Vec::new() };
        let names = tally.rows.get(&by).into_iter().flatten();
        table.rows = names.map(|name| Row { name: name.clone(), bands: Vec::new() }).collect();
        for measure in measures(by) {
            // Some may be gone, and fewer than there were is no count.
            if measure == Measure::Denials && gone != Gone::default() {
                continue;
            }
            if published.is_left_out(by, measure) {
                table.left_out.push(measure.words());
                continue;
            }
            table.measures.push(measure.words());
            for (row, content) in table.rows.iter_mut().enumerate() {
                content.bands.push(published.band(Cell { by, row, measure }));
            }
        }
        // What never happened fills no row, where the rows are only those of the period.
        if by == By::Condition && table.measures.is_empty() {
            table.rows.clear();
        }
        table
    };
    By::ALL.into_iter().map(table).filter(|table| !table.rows.is_empty() || !table.left_out.is_empty()).collect()
}

/// What a breakdown shows.
fn measures(by: By) -> Vec<Measure> {
    match by {
        By::All | By::Institution => Measure::TOLD.to_vec(),
        By::Wait => vec![Measure::Answered],
        by => Measure::TOLD.into_iter().filter(|measure| measure.breakdowns().contains(&by)).collect(),
    }
}

/// What the register says of each institution listed.
pub fn standings(history: &History, period: Period, names: &[String], right: impl Fn(usize) -> Right) -> Vec<Standing> {
    let listed = listed(history, period);
    let standing = |(index, ((_, institution), name)): (usize, (&(_, &Institution), &String))| Standing {
        name: name.clone(),
        suspended: suspended(institution, period),
        due_diligence: vouched(institution, period),
        mandate: if institution.mandate_until > period.end() {
            "runs"
        } else if period.contains(institution.mandate_until) || institution.mandate_until == period.end() {
            "ran out within the period"
        } else {
            "ended before the period"
        },
        reply: right(index),
    };
    listed.iter().zip(names).enumerate().map(standing).collect()
}

fn suspended(institution: &Institution, period: Period) -> &'static str {
    let before = institution.suspensions.iter().filter(|(at, _)| *at < period.end());
    let last = before.clone().next_back().map(|(_, act)| *act);
    let within = before.clone().any(|(at, _)| period.contains(*at));
    match (last, within) {
        (Some(SuspensionAct::Suspend), true) => "at the end, since some day of the period",
        (Some(SuspensionAct::Suspend), false) => "throughout",
        (_, true) => "for a time, not at the end",
        (_, false) => "not suspended",
    }
}

fn vouched(institution: &Institution, period: Period) -> &'static str {
    let mut before = institution.vouched.iter().filter(|(at, _)| *at < period.end());
    match before.next_back().map(|(_, until)| *until) {
        None => "nobody vouches for it",
        Some(until) if until <= period.begin() => "had run out before the period",
        Some(until) if until <= period.end() => "ran out within the period",
        Some(until) if until <= period.end().plus(limits::REPORT_DELAY) => {
            "vouched for; runs out within the 90 days after"
        }
        Some(_) => "vouched for",
    }
}
