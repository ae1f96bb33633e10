//! Copying a snapshot into a database of its own, without what a backup must not hold.
//!
//! The new file is filled row by row. Copying everything and deleting afterwards would leave the bytes of wrapped
//! headers in free pages of the copy.

use super::{schema, snapshot::Snapshot};
use crate::store::StoreError;
use rusqlite::{Connection, params_from_iter, types::Value};
use std::{fs::File, path::Path};

/// What goes along: table, columns, and which rows. Grant headers stay, so that destroying one at the broker is not
/// undone by a copy. Used assertions stay as well: they say who signed in when, and no copy could hold the ones used
/// after it was made; all of them are worthless after five minutes.
const COPIED: [(&str, &str, &str); 9] = [
    ("entries", "log, idx, at, entry", ""),
    ("tiles", "log, level, idx, hashes", ""),
    ("heads", "log, size, note", ""),
    ("facts", "kind, key, log, idx, due, row", ""),
    ("viewers", "seq, viewer, kind, key", ""),
    ("waiting", "party, due, kind, key", ""),
    ("concerned", "party, idx", ""),
    ("published", "log, size, note", ""),
    ("headers", "scope, id, header", "WHERE scope = 'owner'"),
];

impl Snapshot {
    /// Copies the snapshot into a new file, durably.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::File {
            what: "cannot make the copy of the database",
            path: path.display().to_string(),
            source,
        };
        drop(File::create_new(path).map_err(failed)?);
        let copy = schema::empty(path)?;
        copy.execute_batch("BEGIN")?;
        for (table, columns, rows) in COPIED {
            self.copy_table(&copy, table, columns, rows)?;
        }
        copy.execute_batch("COMMIT")?;
        copy.close().map_err(|(_, error)| error)?;
        File::open(path).and_then(|file| file.sync_all()).map_err(failed)
    }

    fn copy_table(&self, copy: &Connection, table: &str, columns: &str, rows: &str) -> Result<(), StoreError> {
        let mut read = self.connection.prepare(&format!("SELECT {columns} FROM {table} {rows}"))?;
        let count = read.column_count();
        let places = vec!["?"; count].join(", ");
        let mut write = copy.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({places})"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..count).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?;
            write.execute(params_from_iter(values))?;
        }
        Ok(())
    }
}
