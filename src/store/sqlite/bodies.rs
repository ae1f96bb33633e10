//! Bodies of case entries that are not kept for ever: which may go, and how one goes.

use super::{
    batch::{Batch, open_entry, read_entry, read_fact},
    tiles::{number, signed, unsigned},
};
use crate::{
    model::{
        event::{EntryRef, Log},
        fold::Refusal,
        limits,
        rows::{AuditedRow, ONLY, Row as _},
        time::Timestamp,
    },
    store::{CommitError, OldBodies, StoreError, sealed::Sealer},
    wire::entry::{FullEntry, Shared},
};
use rusqlite::{Connection, params};

/// Looks through the log from an index on, as far as auditors have vouched for it and it is old enough.
pub(super) fn old(
    connection: &Connection,
    sealer: &Sealer,
    from: u64,
    before: Timestamp,
) -> Result<OldBodies, StoreError> {
    let mut found = OldBodies { indices: Vec::new(), next: from };
    let Some((_, text)) = read_fact(connection, sealer, AuditedRow::KIND, ONLY)? else { return Ok(found) };
    let audited: AuditedRow = serde_json::from_str(&text).map_err(|_| StoreError::Form(AuditedRow::KIND))?;
    let sql = "SELECT idx, at, entry FROM entries WHERE log = ?1 AND idx >= ?2 AND idx < ?3 ORDER BY idx LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let most = i64::try_from(limits::BODIES_LOOKED_AT).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![number(Log::Case), signed(from)?, signed(audited.case)?, most])?;
    while let Some(row) = rows.next()? {
        let (index, at, sealed): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // Times never run backwards: what follows is younger.
        if unsigned(at)? >= before.as_seconds() || found.indices.len() >= limits::BODIES_AT_ONCE {
            break;
        }
        let entry = EntryRef { log: Log::Case, index: unsigned(index)? };
        if may_go(&open_entry(sealer, entry, &sealed)?)? {
            found.indices.push(entry.index);
        }
        found.next = entry.index + 1;
    }
    Ok(found)
}

/// Destroys a body. Whether an auditor has vouched for it is the fold's rule, which the same transaction asks.
pub(super) fn shred(batch: &Batch<'_>, index: u64) -> Result<(), CommitError> {
    let entry = EntryRef { log: Log::Case, index };
    let full = read_entry(batch.connection(), batch.sealer(), entry)?.ok_or(Refusal::Unknown("entry"))?;
    if !may_go(&full)? {
        return Err(Refusal::BodyNeeded.into());
    }
    batch.close(entry, &full)?;
    Ok(())
}

/// Whether it is open, and no fact depends on it.
fn may_go(full: &FullEntry) -> Result<bool, StoreError> {
    let FullEntry::Case { opened, .. } = full else { return Ok(false) };
    let shared = Shared::parse(&opened.shared).map_err(|_| StoreError::Form("an entry"))?;
    Ok(shared.event.changes_no_fact())
}
