//! Tables and connection settings.

use rusqlite::{Connection, OpenFlags};
use std::{path::Path, time::Duration};

/// Format of the database; another number is another format.
const VERSION: i64 = 2;

/// How long a statement waits for another connection's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE entries (
  log INTEGER NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL, entry BLOB NOT NULL,
  PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE TABLE tiles (
  log INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (log, level, idx)) WITHOUT ROWID;
CREATE TABLE heads (log INTEGER PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE published (log INTEGER PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE facts (
  kind TEXT NOT NULL, key TEXT NOT NULL, log INTEGER NOT NULL, idx INTEGER NOT NULL, due INTEGER, row BLOB NOT NULL,
  PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE INDEX facts_due ON facts (kind, due) WHERE due IS NOT NULL;
CREATE TABLE viewers (
  seq INTEGER PRIMARY KEY, viewer TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
  UNIQUE (viewer, kind, key));
CREATE TABLE waiting (
  party TEXT NOT NULL, due INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
  PRIMARY KEY (party, due, kind, key)) WITHOUT ROWID;
CREATE INDEX waiting_of ON waiting (kind, key);
CREATE TABLE concerned (party TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (party, idx)) WITHOUT ROWID;
CREATE TABLE headers (scope TEXT NOT NULL, id TEXT NOT NULL, header BLOB NOT NULL, PRIMARY KEY (scope, id)) WITHOUT ROWID;
CREATE TABLE assertions (client TEXT NOT NULL, jti TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (client, jti))
  WITHOUT ROWID;
";

/// One row, rewritten to see whether a commit reaches the disk. No part of the format: it is made where it is missing.
const PROBE: &str = "CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)";

/// Opens the writing connection; makes the tables when the file is new.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // WAL with FULL: a commit is durable when it returns. NORMAL could lose the last commits and fork the log.
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        // Without it neither durability nor shredding is what the log would say it is.
        return Err(rusqlite::Error::InvalidQuery);
    }
    // What a rolled-back operation undoes is kept in memory, never in a file of its own.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Freed bytes are overwritten; shredding depends on it.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    // 16 MiB of pages in memory; moving the log into the database every 4,000 pages instead of 1,000 spares two syncs
    // out of three under load. Shredding empties the log at once and does not wait for this.
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => {
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
        }
        VERSION => {}
        _ => return Err(rusqlite::Error::InvalidQuery),
    }
    connection.execute_batch(PROBE)?;
    Ok(connection)
}

/// Makes the tables in an empty file that nobody else uses yet. Nothing is durable before its maker has synced it.
pub(super) fn empty(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    let _: String = connection.query_row("PRAGMA journal_mode = OFF", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    Ok(connection)
}

/// Whether a database is one of ours, in this format.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version == VERSION)
}

/// Opens a read-only connection.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
