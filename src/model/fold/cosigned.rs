//! What witnesses' cosignatures bring about: a time that others vouch for, and the age of keys.

use super::{FoldError, Refusal, require};
use crate::model::{
    event::{Cosigned, Log, Recorded},
    ids::Digest,
    limits,
    rows::{ClockRow, CosignedRow, Held, ONLY, RecipientKeyRow, RosterRow, Rows, UncosignedRow, of_log},
    time::Timestamp,
};

type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// Enough witnesses cosigned an earlier state of the log this entry stands in.
pub(super) fn cosigned<S: Rows>(rows: &mut S, at: Recorded, cosigned: &Cosigned) -> Step<S> {
    let before: Option<Held<CosignedRow>> = rows.read(of_log(cosigned.log)).map_err(FoldError::Rows)?;
    let before = before.map(|held| held.row);
    if cosigned.size > at.entry.index || before.as_ref().is_some_and(|row| row.size > cosigned.size) {
        return Err(Refusal::Malformed("cosigned is a state before this entry, and none before the last one").into());
    }
    let time = quorum_time(rows, cosigned)?;
    if time > at.at.plus(limits::CLOCK_AHEAD) {
        return Err(Refusal::IssuedAhead.into());
    }
    // A witness that fell silent must not make time run backwards.
    let time = before.map_or(time, |row| row.at.max(time));
    let row = CosignedRow { size: cosigned.size, at: time };
    rows.write(of_log(cosigned.log), &row, at.entry).map_err(FoldError::Rows)?;
    match cosigned.log {
        Log::Register => age_keys(rows, at, cosigned.size, time),
        Log::Case => watch_clock(rows, at, time),
    }
}

/// The latest time that as many witnesses as the quorum asks for have reached: fewer, lying together, cannot move it.
fn quorum_time<S: Rows>(rows: &S, cosigned: &Cosigned) -> Result<Timestamp, FoldError<S::Error>> {
    let roster: Held<RosterRow> = require(rows, &ONLY, "roster")?;
    let quorum = usize::try_from(roster.row.roster.witness_quorum).unwrap_or(usize::MAX);
    let mut times = cosigned.times.clone();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let last = quorum.checked_sub(1).and_then(|place| times.get(place));
    last.copied().ok_or(FoldError::Refused(Refusal::Malformed("too few witnesses cosigned")))
}

/// Keys that stand in a cosigned register for the first time begin to age.
fn age_keys<S: Rows>(rows: &mut S, at: Recorded, size: u64, time: Timestamp) -> Step<S> {
    let held: Option<Held<UncosignedRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    let Some(held) = held else { return Ok(()) };
    let (covered, waiting): (Vec<_>, Vec<_>) = held.row.keys.into_iter().partition(|(index, _)| *index < size);
    for (_, statement) in covered {
        let mut key: Held<RecipientKeyRow> = require(rows, &statement, "recipient-key")?;
        key.row.cosigned_at = Some(time);
        rows.write(&statement.to_string(), &key.row, at.entry).map_err(FoldError::Rows)?;
    }
    rows.write(ONLY, &UncosignedRow { keys: waiting }, at.entry).map_err(FoldError::Rows)
}

/// A key was published: it waits for its first cosignature. Also where there are no witnesses yet, for when there are.
pub(super) fn await_cosignature<S: Rows>(rows: &mut S, at: Recorded, statement: Digest) -> Step<S> {
    let held: Option<Held<UncosignedRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    let mut keys = held.map(|held| held.row.keys).unwrap_or_default();
    keys.push((at.entry.index, statement));
    rows.write(ONLY, &UncosignedRow { keys }, at.entry).map_err(FoldError::Rows)
}

/// Witnesses looked at the clock when the broker did not: a gap that ended before their time is confirmed.
fn watch_clock<S: Rows>(rows: &mut S, at: Recorded, time: Timestamp) -> Step<S> {
    let held: Option<Held<ClockRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    let confirmed = held.and_then(|held| held.row.unwatched).is_some_and(|gap| gap.until <= time);
    if confirmed {
        rows.write(ONLY, &ClockRow { unwatched: None }, at.entry).map_err(FoldError::Rows)?;
    }
    Ok(())
}
