//! The transparency report: what a broker's log says of a period, fit to be published.
//!
//! It is made from an audit bundle that holds, and from nothing else: [`History`] looks on while the bundle is verified,
//! `tally` counts a period, `protect` decides what may be told, and the files say it. No id, no person, no moment of a
//! case and nothing about the most sensitive reports may get into any of them. Start reading at [`make`].

mod bands;
mod cells;
mod content;
mod csv;
mod explained;
mod history;
mod html;
mod method;
mod period;
mod plot;
mod protect;
mod purposes;
mod reply;
mod tally;
mod unread;
mod words;

pub use bands::Band;
pub use history::History;
pub use period::{Asked, Period, WrongPeriod, quarter};
pub use reply::{BadReply, Reply};

use super::{finding::AuditError, markup, walk::Walk};
use crate::model::{
    bundle::Bundle,
    epoch::EpochRow,
    event::Log,
    ids::PartyId,
    limits,
    rows::{Held, ONLY, Rows as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use content::{Content, Right, Source};
use jiff::{ToSpan as _, civil::Date};
use std::collections::BTreeMap;
use unread::Gone;

/// How institutions are heard before the report is published.
pub enum Hearing {
    /// Shown to institutions on this day, or on the day of the bundle's last entry.
    Draft(Option<Date>),
    /// Institutions were asked, and these replied.
    Replies(BTreeMap<PartyId, Reply>),
    /// Institutions were not asked.
    NotAsked,
}

/// What a report is asked to be.
pub struct Options {
    /// About which time.
    pub asked: Asked,
    /// Draft or final.
    pub stage: Hearing,
    /// Whether the trust root was checked against a card given by hand.
    pub card_given: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The time.
    #[error(transparent)]
    Period(#[from] WrongPeriod),
    /// A reply of somebody who is not in it.
    #[error(
        "a reply is named {0}.txt, but no institution of this report has that id; `amana institution list` shows the ids. \
         Rename or remove the file"
    )]
    Stranger(PartyId),
    /// The draft was shown before what it tells of was over.
    #[error("--shown-on lies before the bundle's last entry ({0}); a draft cannot have been shown before it was made")]
    ShownTooEarly(Date),
    /// The facts cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The report cannot be written down.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The files of a report: name and content.
pub type Files = [(&'static str, String); 4];

/// Makes a report from what a verified bundle folded to, and from what was gathered on the way.
///
/// # Errors
/// When the period, a reply or the draft's day does not fit the bundle.
pub fn make(walk: &Walk, mut history: History, options: &Options) -> Result<(Period, Files), ReportError> {
    history.settle(walk.facts())?;
    history.unread.ended(walk.tree(Log::Case).size());
    let summary = walk.summary();
    let period = Period::of(options.asked, summary.last_at)?;
    let gone = history.unread.within(period, &epoch(walk)?);
    let words = words::Words::of(&Bundle::shipped(), walk.genesis().genesis().bundle);
    let listed = tally::listed(&history, period);
    let right = rights(&options.stage, &listed.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
    let (shown, replies_until) = draft(&options.stage, period::day(summary.last_at)?)?;
    let tally = tally::tally(&history, period, &words);
    let published = protect::protect(&tally);
    let names = tally::names(&listed);
    let content = Content {
        format: "amana-transparency-report/v1",
        draft_shown: shown,
        draft_replies_until: replies_until,
        from: period.from().to_string(),
        until: period.until().to_string(),
        bundle: source(walk, period, options.card_given, words.knows_conditions(), gone),
        tables: content::tables(&tally, &published, gone),
        institutions: content::standings(&history, period, &names, right),
    };
    let mut json = serde_json::to_string_pretty(&content)?;
    json.push('\n');
    let files = [
        ("report.html", html::page(&content)),
        ("report.csv", csv::file(&content)),
        ("report.json", json),
        ("method.txt", method::file(&content)),
    ];
    Ok((period, files))
}

/// Every roll-forward there was.
fn epoch(walk: &Walk) -> Result<EpochRow, AuditError> {
    let held: Option<Held<EpochRow>> = walk.facts().read(ONLY).map_err(|e| AuditError::Fold(e.to_string()))?;
    Ok(held.map(|held| held.row).unwrap_or_default())
}

fn source(walk: &Walk, period: Period, card_given: bool, conditions_in_words: bool, gone: Gone) -> Source {
    let summary = walk.summary();
    let root = |log| STANDARD.encode(walk.tree(log).root().as_bytes());
    Source {
        broker: walk.genesis().card().origin.clone(),
        card: summary.card,
        card_given,
        register_size: summary.register_size,
        register_root: root(Log::Register),
        case_size: summary.case_size,
        case_root: root(Log::Case),
        witnessed: summary.witnessed,
        cosigned: summary.cosigned.map(|(size, _)| size),
        conditions_in_words,
        bodies_destroyed: gone.shredded,
        bodies_lost: gone.lost,
        nothing_from: period.allowed().to_string(),
    }
}

/// The day a draft is shown, and the last day for replies.
fn draft(stage: &Hearing, last_entry: Date) -> Result<(Option<String>, Option<String>), ReportError> {
    let Hearing::Draft(shown) = stage else { return Ok((None, None)) };
    let shown = shown.unwrap_or(last_entry);
    if shown < last_entry {
        return Err(ReportError::ShownTooEarly(last_entry));
    }
    let until = shown.saturating_add(limits::REPLY_DAYS.days());
    Ok((Some(shown.to_string()), Some(until.to_string())))
}

/// What became of each institution's right of reply, by its place in the list.
fn rights(stage: &Hearing, listed: &[PartyId]) -> Result<impl Fn(usize) -> Right + use<>, ReportError> {
    let right = |id: &PartyId| match stage {
        Hearing::Draft(_) => Right::Running,
        Hearing::NotAsked => Right::NotAsked,
        Hearing::Replies(replies) => {
            replies.get(id).map_or(Right::GaveNone, |reply| Right::Replied(reply.as_str().to_owned()))
        }
    };
    if let Hearing::Replies(replies) = stage
        && let Some(stranger) = replies.keys().find(|id| !listed.contains(id))
    {
        return Err(ReportError::Stranger(*stranger));
    }
    let rights: Vec<Right> = listed.iter().map(right).collect();
    Ok(move |index: usize| rights.get(index).cloned().unwrap_or(Right::NotAsked))
}
