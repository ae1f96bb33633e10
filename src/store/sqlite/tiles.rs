//! Tree tiles in the database.

use crate::{
    model::event::Log,
    store::StoreError,
    tlog::{self, Hash, TileId, Tiles},
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{cell::RefCell, collections::HashMap};

/// Number of a log in the tables.
pub(super) const fn number(log: Log) -> i64 {
    match log {
        Log::Register => 0,
        Log::Case => 1,
    }
}

/// The log of a number in the tables.
pub(super) const fn log_of(number: i64) -> Option<Log> {
    match number {
        0 => Some(Log::Register),
        1 => Some(Log::Case),
        _ => None,
    }
}

/// SQLite's integers are signed; sizes and times stay far below 2⁶³.
pub(super) fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Form("a number"))
}

/// And back.
pub(super) fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Form("a number"))
}

/// Tiles of one log, each read once.
pub(super) struct StoredTiles<'c> {
    connection: &'c Connection,
    log: Log,
    cache: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
}

impl<'c> StoredTiles<'c> {
    pub(super) fn new(connection: &'c Connection, log: Log) -> Self {
        Self { connection, log, cache: RefCell::default() }
    }

    /// Writes changed tiles.
    pub(super) fn store(&self, changed: Vec<(TileId, Vec<Hash>)>) -> Result<(), StoreError> {
        let sql = "INSERT INTO tiles (log, level, idx, hashes) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (id, hashes) in changed {
            statement.execute(params![number(self.log), id.level, signed(id.index)?, tlog::encode_tile(&hashes)])?;
            self.cache.borrow_mut().insert((id.level, id.index), hashes);
        }
        Ok(())
    }
}

impl Tiles for StoredTiles<'_> {
    type Error = StoreError;
    fn tile(&self, id: TileId) -> Result<Vec<Hash>, StoreError> {
        if let Some(hashes) = self.cache.borrow().get(&(id.level, id.index)) {
            return Ok(hashes.clone());
        }
        let sql = "SELECT hashes FROM tiles WHERE log = ?1 AND level = ?2 AND idx = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bytes: Option<Vec<u8>> =
            statement.query_row(params![number(self.log), id.level, signed(id.index)?], |row| row.get(0)).optional()?;
        let hashes = tlog::decode_tile(&bytes.ok_or(StoreError::Tree)?).map_err(|_| StoreError::Tree)?;
        self.cache.borrow_mut().insert((id.level, id.index), hashes.clone());
        Ok(hashes)
    }
}
