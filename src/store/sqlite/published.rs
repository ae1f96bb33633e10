//! What anybody may read of the logs: it moves forward at publications only, however fast the logs themselves grow.

use super::{
    batch::{Batch, read_entry},
    shared::LogSigners,
    tiles::{StoredTiles, number, signed, unsigned},
};
use crate::{
    model::{
        event::{EntryRef, Event, Log},
        limits,
        rows::RosterRow,
    },
    store::{CommitError, Published, StoreError, sealed::Sealer},
    tlog::{self, Checkpoint, Note, TILE_WIDTH, TileId, TileWidth, Tiles as _},
    wire::entry::{AuditorPart, Happening},
};
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn published(connection: &Connection, log: Log) -> Result<Option<Published>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT size, note FROM published WHERE log = ?1")?;
    let found: Option<(i64, String)> =
        statement.query_row(params![number(log)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.map(|(size, note)| Ok(Published { size: unsigned(size)?, note })).transpose()
}

pub(super) fn publish(batch: &mut Batch<'_>, log: Log, published: &Published) -> Result<(), CommitError> {
    if published.size > batch.tips().size(log) {
        return Err(StoreError::Tree.into());
    }
    // The same size again brings newer cosignatures; a smaller one would be a log that shrank.
    let sql = "INSERT INTO published (log, size, note) VALUES (?1, ?2, ?3)
               ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note
               WHERE excluded.size >= published.size";
    let size = signed(published.size)?;
    let written = batch
        .connection()
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params![number(log), size, published.note]));
    written.map_err(StoreError::from)?;
    Ok(())
}

/// What everybody is shown is signed by the keys that count from this commit on; its text, and so every cosignature of it,
/// stays as it was.
pub(super) fn sign_anew(
    connection: &Connection,
    signers: &LogSigners,
    roster: &RosterRow,
    log: Log,
) -> Result<(), StoreError> {
    let Some(before) = published(connection, log)? else { return Ok(()) };
    let form = |_| StoreError::Form("a published checkpoint");
    let note = Note::parse(&before.note).map_err(form)?;
    let tree = Checkpoint::parse(note.text()).map_err(|_| StoreError::Tree)?;
    let mut anew = Note::parse(&signers.checkpoint(roster, log, tree.size(), *tree.root())?).map_err(form)?;
    for line in note.signatures().iter().filter(|line| line.name().as_str() != tree.origin()) {
        anew = anew.with_signature(&line.to_string()).map_err(form)?;
    }
    let sql = "UPDATE published SET note = ?1 WHERE log = ?2";
    connection.prepare_cached(sql)?.execute(params![anew.to_string(), number(log)])?;
    Ok(())
}

/// Appends cover until the growth since the last publication is one of few numbers.
pub(super) fn cover(batch: &mut Batch<'_>) -> Result<(), CommitError> {
    let before = published(batch.connection(), Log::Case)?.map_or(0, |published| published.size);
    let grown = batch.tips().size(Log::Case).saturating_sub(before);
    for _ in grown..covered_growth(grown) {
        batch.append(&Event::Cover, Happening::Cover, None, &AuditorPart::default())?;
    }
    Ok(())
}

/// What a growth looks like from outside: the next power of two, at least [`limits::COVER_LEAST`]; beyond
/// [`limits::COVER_STEP`] the next multiple of that.
fn covered_growth(grown: u64) -> u64 {
    if grown > limits::COVER_STEP {
        grown.next_multiple_of(limits::COVER_STEP)
    } else {
        grown.next_power_of_two().max(limits::COVER_LEAST)
    }
}

pub(super) fn tile(
    connection: &Connection,
    log: Log,
    id: TileId,
    width: TileWidth,
) -> Result<Option<Vec<u8>>, StoreError> {
    let size = published(connection, log)?.map_or(0, |published| published.size);
    if !reaches(id, width, size) {
        return Ok(None);
    }
    let mut hashes = StoredTiles::new(connection, log).tile(id)?;
    hashes.truncate(width.hashes());
    Ok(Some(tlog::encode_tile(&hashes)))
}

pub(super) fn entry_bundle(
    connection: &Connection,
    sealer: &Sealer,
    log: Log,
    (index, width): (u64, TileWidth),
) -> Result<Option<Vec<u8>>, StoreError> {
    let size = published(connection, log)?.map_or(0, |published| published.size);
    if !reaches(TileId { level: 0, index }, width, size) {
        return Ok(None);
    }
    let first = index.saturating_mul(TILE_WIDTH as u64);
    let mut leaves = Vec::with_capacity(width.hashes());
    for index in first..first.saturating_add(width.hashes() as u64) {
        let entry = read_entry(connection, sealer, EntryRef { log, index })?.ok_or(StoreError::Tree)?;
        leaves.push(entry.leaf_data().map_err(|_| StoreError::Form("an entry"))?);
    }
    tlog::encode_bundle(&leaves).map(Some).map_err(|_| StoreError::Form("an entry"))
}

/// Whether a tree of `size` fills a tile at least to this width.
fn reaches(id: TileId, width: TileWidth, size: u64) -> bool {
    id.width_at(size).is_some_and(|filled| filled.hashes() >= width.hashes())
}

#[cfg(test)]
mod tests {
    use super::covered_growth;
    use crate::model::limits::{COVER_LEAST, COVER_STEP};

    #[test]
    fn growth_is_shown_as_one_of_few_numbers_and_never_as_less_than_it_is() {
        let shown: std::collections::BTreeSet<u64> = (0..=COVER_STEP).map(covered_growth).collect();
        assert_eq!(shown.len(), 10);
        assert!((0..3 * COVER_STEP).all(|grown| covered_growth(grown) >= grown.max(COVER_LEAST)));
        assert_eq!(covered_growth(COVER_STEP + 1), 2 * COVER_STEP);
    }
}
