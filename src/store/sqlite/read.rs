//! Reads: from read-only connections, each used by one reader at a time.

use super::{
    batch::{Tips, entry_ref, open_entry, read_entry, read_fact, read_header, receipt, versions_hold},
    tiles::{StoredTiles, number, signed, unsigned},
};
use crate::{
    model::{
        event::{EntryRef, Log},
        ids::{Digest, GrantId, PartyId, ReportId},
        limits,
        report::ReportState,
        rows::{GrantRow, NoticeRow, ReportRow, Row},
        time::Timestamp,
    },
    store::{CommitError, ExportPart, ExportedFacts, Heads, StoreError, WaitingKey, sealed::Sealer},
    tlog::{self, Checkpoint, Hash},
    wire::{
        api::{BundleLine, Bytes, CaseLine},
        entry::FullEntry,
        statement::SeenTree,
    },
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::ops::ControlFlow;

/// Sizes of both logs and the time of the last entry.
pub(super) fn tips(connection: &Connection) -> Result<Tips, StoreError> {
    let size = |log| -> Result<u64, StoreError> { head(connection, log).map(|head| head.map_or(0, |(size, _)| size)) };
    let last: Option<i64> = [Log::Register, Log::Case]
        .into_iter()
        .map(|log| {
            let sql = "SELECT at FROM entries WHERE log = ?1 ORDER BY idx DESC LIMIT 1";
            connection.query_row(sql, params![number(log)], |row| row.get(0)).optional()
        })
        .collect::<Result<Vec<Option<i64>>, _>>()?
        .into_iter()
        .flatten()
        .max();
    let last_at = Timestamp::from_seconds(unsigned(last.unwrap_or(0))?);
    Ok(Tips { register: size(Log::Register)?, case: size(Log::Case)?, last_at })
}

/// Size and signed checkpoint of a log.
pub(super) fn head(connection: &Connection, log: Log) -> Result<Option<(u64, String)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT size, note FROM heads WHERE log = ?1")?;
    let found: Option<(i64, String)> =
        statement.query_row(params![number(log)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.map(|(size, note)| Ok((unsigned(size)?, note))).transpose()
}

pub(super) fn heads(connection: &Connection) -> Result<Heads, StoreError> {
    Ok(Heads { register: seen(connection, Log::Register)?, case: seen(connection, Log::Case)? })
}

fn seen(connection: &Connection, log: Log) -> Result<SeenTree, StoreError> {
    let Some((size, note)) = head(connection, log)? else {
        return Ok(SeenTree { size: 0, root: Digest::from_bytes(*tlog::empty_root().as_bytes()) });
    };
    let text = note.split_once("\n\n").map_or("", |(text, _)| text);
    let checkpoint = Checkpoint::parse(&format!("{text}\n")).map_err(|_| StoreError::Tree)?;
    Ok(SeenTree { size, root: Digest::from_bytes(*checkpoint.root().as_bytes()) })
}

pub(super) fn root_at(connection: &Connection, log: Log, size: u64) -> Result<Option<Digest>, StoreError> {
    let now = head(connection, log)?.map_or(0, |(size, _)| size);
    if size > now {
        return Ok(None);
    }
    let root = tlog::root_at(&StoredTiles::new(connection, log), size).map_err(|_| StoreError::Tree)?;
    Ok(Some(Digest::from_bytes(*root.as_bytes())))
}

pub(super) fn checkpoint(
    connection: &Connection,
    log: Log,
    since: u64,
) -> Result<Option<(String, Vec<String>)>, StoreError> {
    let Some((size, note)) = head(connection, log)? else { return Ok(None) };
    let proof = consistency(connection, log, since, size)?;
    Ok(proof.map(|hashes| (note, hashes.iter().map(ToString::to_string).collect())))
}

pub(super) fn consistency(
    connection: &Connection,
    log: Log,
    from: u64,
    to: u64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let size = head(connection, log)?.map_or(0, |(size, _)| size);
    if from > to || to > size {
        return Ok(None);
    }
    tlog::consistency_proof(&StoredTiles::new(connection, log), from, to).map(Some).map_err(|_| StoreError::Tree)
}

pub(super) fn entry_receipt(connection: &Connection, sealer: &Sealer, entry: EntryRef) -> Result<String, StoreError> {
    let (size, note) = head(connection, entry.log)?.ok_or(StoreError::Tree)?;
    let full = read_entry(connection, sealer, entry)?.ok_or(StoreError::Tree)?;
    receipt(&StoredTiles::new(connection, entry.log), entry, &full, size, &note)
}

pub(super) fn listing(
    connection: &Connection,
    viewer: PartyId,
    kind: &'static str,
    after: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    // Of a key that is not there `seq` is NULL, and nothing comes after that.
    let sql = "SELECT key FROM viewers WHERE viewer = ?1 AND kind = ?2 AND (?4 IS NULL
        OR seq > (SELECT seq FROM viewers WHERE viewer = ?1 AND kind = ?2 AND key = ?4)) ORDER BY seq LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX);
    let keys = statement.query_map(params![viewer.to_string(), kind, limit, after], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The rows are sealed, so each is opened; memory stays that of one row.
pub(super) fn report_bytes(connection: &Connection, sealer: &Sealer, owner: PartyId) -> Result<u64, StoreError> {
    let sql = "SELECT key FROM viewers WHERE viewer = ?1 AND kind = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut keys = statement.query(params![owner.to_string(), ReportRow::KIND])?;
    let mut sum: u64 = 0;
    while let Some(row) = keys.next()? {
        let key: String = row.get(0)?;
        let (_, text) = read_fact(connection, sealer, ReportRow::KIND, &key)?.ok_or(StoreError::Form("a listing"))?;
        let report: ReportRow = serde_json::from_str(&text).map_err(|_| StoreError::Form(ReportRow::KIND))?;
        if report.owner == owner && report.state != (ReportState::Erased {}) {
            sum = sum.saturating_add(report.report.payload_bytes);
        }
    }
    Ok(sum)
}

pub(super) fn reports_after(connection: &Connection, after: Option<ReportId>) -> Result<Vec<ReportId>, StoreError> {
    let sql = "SELECT key FROM facts WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX);
    let after = after.map(|report| report.to_string()).unwrap_or_default();
    let keys = statement.query_map(params![ReportRow::KIND, after, limit], |row| row.get::<_, String>(0))?;
    keys.map(|key| key?.parse().map_err(|_| StoreError::Form("a report's key"))).collect()
}

pub(super) fn due_grants(connection: &Connection, now: Timestamp) -> Result<Vec<GrantId>, StoreError> {
    let sql = "SELECT key FROM facts WHERE kind = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX);
    let now = signed(now.as_seconds())?;
    let keys = statement.query_map(params![GrantRow::KIND, now, limit], |row| row.get::<_, String>(0))?;
    keys.map(|key| key?.parse().map_err(|_| StoreError::Form("a grant's key"))).collect()
}

pub(super) fn due_reports(
    connection: &Connection,
    now: Timestamp,
    after: Option<(Timestamp, ReportId)>,
) -> Result<Vec<(Timestamp, ReportId)>, StoreError> {
    let sql = "SELECT due, key FROM facts
        WHERE kind = ?1 AND due <= ?2 AND (due, key) > (?4, ?5) ORDER BY due, key LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::PAGE_ROWS).unwrap_or(i64::MAX);
    let now = signed(now.as_seconds())?;
    let (due, key) = after.map_or((0, String::new()), |(due, key)| (due.as_seconds(), key.to_string()));
    let parameters = params![ReportRow::KIND, now, limit, signed(due)?, key];
    let rows = statement.query_map(parameters, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (due, key) = row?;
        let due = u64::try_from(due).map_err(|_| StoreError::Form("a time"))?;
        Ok((Timestamp::from_seconds(due), key.parse().map_err(|_| StoreError::Form("a report's key"))?))
    })
    .collect()
}

pub(super) fn waiting(
    connection: &Connection,
    party: PartyId,
    after: Option<&WaitingKey>,
    now: Timestamp,
) -> Result<Vec<WaitingKey>, StoreError> {
    let sql = "SELECT due, kind, key FROM waiting
               WHERE party = ?1 AND (due, kind, key) > (?2, ?3, ?4) AND NOT (kind = ?6 AND due <= ?7)
               ORDER BY due, kind, key LIMIT ?5";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::INBOX_ITEMS).unwrap_or(i64::MAX);
    let (due, kind, key) = match after {
        Some(after) => (signed(after.by.as_seconds())?, after.kind.as_str(), after.key.as_str()),
        None => (-1, "", ""),
    };
    let now = signed(now.as_seconds())?;
    let rows = statement.query_map(params![party.to_string(), due, kind, key, limit, NoticeRow::KIND, now], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    rows.map(|row| {
        let (due, kind, key) = row?;
        Ok(WaitingKey { by: Timestamp::from_seconds(unsigned(due)?), kind, key })
    })
    .collect()
}

/// Versions and header in one snapshot; a revocation that committed before it is seen.
pub(super) fn redelivered_header(
    snapshot: &Connection,
    sealer: &Sealer,
    permit: &crate::policy::Permit<crate::policy::Redelivery>,
) -> Result<(EntryRef, Vec<u8>, String), CommitError> {
    if !versions_hold(snapshot, permit.citations())? {
        return Err(CommitError::Conflict);
    }
    let release = permit.release_id().to_string();
    let statement: Option<i64> = snapshot
        .query_row("SELECT idx FROM facts WHERE kind = 'statement' AND key = ?1", params![release], |row| row.get(0))
        .optional()
        .map_err(StoreError::from)?;
    let entry = entry_ref(number(Log::Case), statement.ok_or(CommitError::Conflict)?)?;
    let grant = permit.record().grant.to_string();
    let header = read_header(snapshot, sealer, "grant", &grant, permit.header())?;
    let receipt = entry_receipt(snapshot, sealer, entry)?;
    Ok((entry, header, receipt))
}

/// Everything an auditor is given, from one snapshot. Headers are not part of it.
pub(super) fn export(
    snapshot: &Connection,
    sealer: &Sealer,
    genesis: &str,
    part: ExportPart,
    line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut send = |value| line(value).is_continue();
    if !send(BundleLine::Genesis(genesis.to_owned())) {
        return Ok(());
    }
    for log in [Log::Register, Log::Case] {
        if let Some((_, note)) = head(snapshot, log)?
            && !send(BundleLine::Checkpoint(log, note))
        {
            return Ok(());
        }
        let from = match log {
            Log::Register => part.register,
            Log::Case => part.case,
        };
        let sql = "SELECT idx, entry FROM entries WHERE log = ?1 AND idx >= ?2 ORDER BY idx";
        let mut statement = snapshot.prepare(sql)?;
        let mut rows = statement.query(params![number(log), signed(from)?])?;
        while let Some(row) = rows.next()? {
            let (index, sealed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let entry = EntryRef { log, index: unsigned(index)? };
            if !send(bundle_line(open_entry(sealer, entry, &sealed)?)) {
                return Ok(());
            }
        }
    }
    if part.facts == ExportedFacts::None {
        send(BundleLine::End);
        return Ok(());
    }
    let mut statement = snapshot.prepare("SELECT kind, key FROM facts ORDER BY kind, key")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, key): (String, String) = (row.get(0)?, row.get(1)?);
        let kind = known_kind(&kind).ok_or(StoreError::Form("a fact's kind"))?;
        let (version, text) = read_fact(snapshot, sealer, kind, &key)?.ok_or(StoreError::Form(kind))?;
        if !send(BundleLine::Fact(kind.to_owned(), key, version.log, version.index, text)) {
            return Ok(());
        }
    }
    send(BundleLine::End);
    Ok(())
}

/// Case entries that concern a party, from an index on.
pub(super) fn concerning(connection: &Connection, party: PartyId, from: u64) -> Result<Vec<u64>, StoreError> {
    let sql = "SELECT idx FROM concerned WHERE party = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limits::DISCLOSED_ENTRIES).unwrap_or(i64::MAX);
    let found = statement.query_map(params![party.to_string(), signed(from)?, limit], |row| row.get::<_, i64>(0))?;
    found.map(|index| unsigned(index?)).collect()
}

pub(super) fn bundle_line(entry: FullEntry) -> BundleLine {
    match entry {
        FullEntry::Register { shared } => BundleLine::Register(shared),
        FullEntry::Case { opened, auditor_salt, auditor } => BundleLine::Case(CaseLine {
            salt: Bytes(opened.salt.as_bytes().to_vec()),
            shared: opened.shared,
            auditor_salt: Bytes(auditor_salt.as_bytes().to_vec()),
            auditor,
        }),
        FullEntry::Closed { leaf } => BundleLine::Closed(Bytes(leaf.as_bytes().to_vec())),
    }
}

pub(super) fn known_kind(kind: &str) -> Option<&'static str> {
    use crate::model::rows;
    [
        rows::ChainRow::KIND,
        crate::model::freeze::FrozenRow::KIND,
        NoticeRow::KIND,
        rows::OwedRow::KIND,
        rows::RecordRow::KIND,
        rows::AuditedRow::KIND,
        rows::ClockRow::KIND,
        rows::CosignedRow::KIND,
        crate::model::epoch::EpochRow::KIND,
        rows::GenesisRow::KIND,
        GrantRow::KIND,
        rows::InstitutionRow::KIND,
        rows::JtiRow::KIND,
        rows::KeyRow::KIND,
        rows::NonceRow::KIND,
        rows::PartyRow::KIND,
        rows::PayloadRow::KIND,
        rows::ProposalRow::KIND,
        rows::RecipientKeyRow::KIND,
        rows::RecoveryRow::KIND,
        rows::ReleaseRow::KIND,
        ReportRow::KIND,
        rows::RequestRow::KIND,
        rows::ShreddedBodyRow::KIND,
        rows::StatementRow::KIND,
        rows::RosterRow::KIND,
        rows::RunningRow::KIND,
        rows::UncosignedRow::KIND,
        rows::UnitRow::KIND,
    ]
    .into_iter()
    .find(|known| *known == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn every_listed_row_is_on_one_page_and_nothing_follows_a_strange_key() {
        let folder = tempfile::tempdir().unwrap();
        let connection = schema::empty(&folder.path().join("list.db")).unwrap();
        let viewer: PartyId = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let sql = "INSERT INTO viewers (viewer, kind, key) VALUES (?1, ?2, ?3)";
        let mut expected = Vec::new();
        for n in (0..limits::PAGE_ROWS * 2).rev() {
            connection.execute(sql, params![viewer.to_string(), GrantRow::KIND, format!("key {n}")]).unwrap();
            connection.execute(sql, params!["another", GrantRow::KIND, format!("strange {n}")]).unwrap();
            expected.push(format!("key {n}"));
        }
        let page = |after: Option<&str>| listing(&connection, viewer, GrantRow::KIND, after).unwrap();
        let (first, second) = (page(None), page(Some(&expected[limits::PAGE_ROWS - 1])));
        assert!([first, second].concat() == expected);
        assert_eq!(page(expected.last().map(String::as_str)), Vec::<String>::new());
        assert_eq!(page(Some("strange 7")), Vec::<String>::new());
    }

    #[test]
    fn every_due_report_is_come_to_however_many_stay_due() {
        let folder = tempfile::tempdir().unwrap();
        let connection = schema::empty(&folder.path().join("due.db")).unwrap();
        let id = |n: u64| ReportId::from(Digest::of(&n.to_be_bytes()));
        let mut expected = Vec::new();
        for n in 0..(2 * limits::PAGE_ROWS as u64 + 7) {
            // Many of the same second, so that a page ends in the middle of one.
            let due = Timestamp::from_seconds(n / 300 + 1);
            let sql = "INSERT INTO facts (kind, key, log, idx, due, row) VALUES (?1, ?2, 1, 0, ?3, x'')";
            connection
                .execute(sql, params![ReportRow::KIND, id(n).to_string(), signed(due.as_seconds()).unwrap()])
                .unwrap();
            expected.push((due, id(n)));
        }
        expected.sort_by_key(|(due, id)| (*due, id.to_string()));
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = due_reports(&connection, Timestamp::from_seconds(100), after).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            found.extend(page);
        }
        assert!(found == expected);
        assert_eq!(due_reports(&connection, Timestamp::from_seconds(1), None).unwrap().len(), 300);
    }
}
