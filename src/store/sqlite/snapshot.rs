//! A look at a data folder's database from one moment: read-only, without the broker's lock, beside it if it runs.
//!
//! What is read here is checked or copied, never served: header bytes do not come out.

use super::{
    batch::{entry_ref, open_entry, place_of_header, read_entry, read_fact},
    published,
    read::{self, bundle_line, known_kind},
    schema,
    tiles::{number, unsigned},
};
use crate::{
    model::{
        ambient::Entropy,
        event::{EntryRef, Log},
        ids::{Digest, ReportId},
        rows::{ONLY, ReportRow, RosterRow, Row},
        time::Timestamp,
    },
    store::{Heads, StoreError, anchor, case_until, sealed::Sealer},
    tlog::Hash,
    wire::{
        api::{BundleLine, CaseRecord, ClosedLine},
        entry::{FullEntry, Shared},
    },
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
};
use zeroize::Zeroizing;

/// A fact as the audit bundle has it: kind, key, log, index, row.
pub type FactLine = (String, String, Log, u64, String);

/// The database of a data folder as it was at one moment.
///
/// While it lives the write-ahead log cannot be emptied, and so no shredding be finished: keep it short.
pub struct Snapshot {
    // INVARIANT: a read transaction is open on `connection`, begun when it was made.
    pub(super) connection: Connection,
    pub(super) sealer: Sealer,
}

/// Whether a broker has a data folder open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// One runs on it.
    ByABroker,
    /// None does.
    ByNobody,
}

/// Whether a broker has the folder open now.
///
/// # Errors
/// When the lock cannot be asked.
pub fn held(folder: &Path) -> Result<Held, StoreError> {
    let path = folder.join("lock");
    let failed =
        |source| StoreError::File { what: "cannot ask for the lock", path: path.display().to_string(), source };
    let file = match File::options().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Held::ByNobody),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Held::ByNobody),
        Err(TryLockError::WouldBlock) => Ok(Held::ByABroker),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

impl Snapshot {
    /// Looks at a data folder; `storage` opens its columns.
    ///
    /// # Errors
    /// When there is no database of our format.
    pub fn open(folder: &Path, storage: &Zeroizing<[u8; 32]>, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        let connection = schema::reader(&folder.join("amana.db"))?;
        connection.execute_batch("BEGIN")?;
        // The first read fixes the moment.
        if !schema::is_ours(&connection)? {
            return Err(StoreError::Form("a database of another format, or none of ours"));
        }
        Ok(Self { connection, sealer: Sealer::new(storage, entropy) })
    }

    /// Sizes and roots of both logs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn heads(&self) -> Result<Heads, StoreError> {
        read::heads(&self.connection)
    }

    /// Whether the log of this moment goes on from `anchored`, as the anchor at `path` has it.
    ///
    /// # Errors
    /// [`StoreError::Anchor`] when it does not.
    pub fn compare(&self, anchored: &Heads, path: &Path) -> Result<(), StoreError> {
        anchor::compare(anchored, &self.heads()?, path, |log, size| read::root_at(&self.connection, log, size))
    }

    /// Time of the last entry of either log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_entry_at(&self) -> Result<Timestamp, StoreError> {
        Ok(read::tips(&self.connection)?.last_at)
    }

    /// The signed checkpoint of a log; `None` while it is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn checkpoint(&self, log: Log) -> Result<Option<String>, StoreError> {
        Ok(read::head(&self.connection, log)?.map(|(_, note)| note))
    }

    /// The checkpoint of a log as everybody was shown it last; `None` before the first publication.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn published(&self, log: Log) -> Result<Option<String>, StoreError> {
        Ok(published::published(&self.connection, log)?.map(|published| published.note))
    }

    /// The proof that a log of `from` entries is the beginning of the one of `to`; `None` when there are not so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn consistency(&self, log: Log, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        read::consistency(&self.connection, log, from, to)
    }

    /// The roster in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn roster(&self) -> Result<RosterRow, StoreError> {
        let found = read_fact(&self.connection, &self.sealer, RosterRow::KIND, ONLY)?;
        let (_, text) = found.ok_or(StoreError::Form("the roster"))?;
        serde_json::from_str(&text).map_err(|_| StoreError::Form("the roster"))
    }

    /// A register entry.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn register_entry(&self, index: u64) -> Result<Option<String>, StoreError> {
        match self.line(Log::Register, index)? {
            Some(BundleLine::Register(shared)) => Ok(Some(shared)),
            _ => Ok(None),
        }
    }

    /// A case entry with everything that opens it, or what is left of it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn case_entry(&self, index: u64) -> Result<Option<CaseRecord>, StoreError> {
        match self.line(Log::Case, index)? {
            Some(BundleLine::Case(line)) => Ok(Some(CaseRecord::Opened(line))),
            Some(BundleLine::Closed(closed)) => Ok(Some(CaseRecord::Closed(ClosedLine { closed }))),
            _ => Ok(None),
        }
    }

    /// How many case entries were made while the register had no more than `register` entries, as far as this copy reaches.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn case_until(&self, register: u64) -> Result<u64, StoreError> {
        case_until(self.heads()?.case.size, register, |from, until| self.open_case_entry(from, until))
    }

    /// The first case entry of a range whose body is still here.
    fn open_case_entry(&self, from: u64, until: u64) -> Result<Option<(u64, Shared)>, StoreError> {
        for index in from..until {
            if let Some(CaseRecord::Opened(line)) = self.case_entry(index)? {
                let shared = Shared::parse(&line.shared).map_err(|_| StoreError::Form("an entry"))?;
                return Ok(Some((index, shared)));
            }
        }
        Ok(None)
    }

    fn line(&self, log: Log, index: u64) -> Result<Option<BundleLine>, StoreError> {
        Ok(read_entry(&self.connection, &self.sealer, EntryRef { log, index })?.map(bundle_line))
    }

    /// The fact after a kind and key, in the order of the audit bundle.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn fact_after(&self, kind: &str, key: &str) -> Result<Option<FactLine>, StoreError> {
        let sql = "SELECT kind, key FROM facts WHERE (kind, key) > (?1, ?2) ORDER BY kind, key LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let next: Option<(String, String)> =
            statement.query_row(params![kind, key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((kind, key)) = next else { return Ok(None) };
        let known = known_kind(&kind).ok_or(StoreError::Form("a fact's kind"))?;
        let (version, row) =
            read_fact(&self.connection, &self.sealer, known, &key)?.ok_or(StoreError::Form("a fact"))?;
        Ok(Some((kind, key, version.log, version.index, row)))
    }

    /// Every report whose payload is stored.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn stored_reports(&self) -> Result<Vec<(ReportId, ReportRow)>, StoreError> {
        let mut reports = Vec::new();
        self.each::<ReportRow>(&mut |key, row| {
            if row.state.is_kept() && !self.is_being_erased(&key, &row)? {
                reports.push((key.parse().map_err(|_| StoreError::Form("a report's key"))?, row));
            }
            Ok(())
        })?;
        Ok(reports)
    }

    /// Whether a report's time has come and its owner header is gone: its payload goes next, or has gone.
    pub(super) fn is_being_erased(&self, key: &str, row: &ReportRow) -> Result<bool, StoreError> {
        Ok(row.due().is_some() && self.header_digest("owner", key)?.is_none())
    }

    /// Every fact of a kind.
    pub(super) fn each<R: Row>(
        &self,
        take: &mut dyn FnMut(String, R) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare("SELECT key FROM facts WHERE kind = ?1 ORDER BY key")?;
        let mut rows = statement.query(params![R::KIND])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let (_, text) =
                read_fact(&self.connection, &self.sealer, R::KIND, &key)?.ok_or(StoreError::Form(R::KIND))?;
            take(key, serde_json::from_str(&text).map_err(|_| StoreError::Form(R::KIND))?)?;
        }
        Ok(())
    }

    /// Every entry of a log in its order.
    pub(super) fn each_entry(
        &self,
        log: Log,
        take: &mut dyn FnMut(EntryRef, Result<FullEntry, StoreError>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare("SELECT idx, entry FROM entries WHERE log = ?1 ORDER BY idx")?;
        let mut rows = statement.query(params![number(log)])?;
        while let Some(row) = rows.next()? {
            let (index, sealed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let entry = EntryRef { log, index: unsigned(index)? };
            take(entry, open_entry(&self.sealer, entry, &sealed))?;
        }
        Ok(())
    }

    /// Digest of a stored header; `None` when there is none.
    pub(super) fn header_digest(&self, scope: &str, id: &str) -> Result<Option<Digest>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT header FROM headers WHERE scope = ?1 AND id = ?2")?;
        let sealed: Option<Vec<u8>> = statement.query_row(params![scope, id], |row| row.get(0)).optional()?;
        let open = |sealed: Vec<u8>| Ok(Digest::of(&self.sealer.open(place_of_header(id), &sealed)?));
        sealed.map(open).transpose()
    }

    /// Kind, key and version of every fact, and whether it opens.
    pub(super) fn each_fact(&self, mut take: impl FnMut(&str, &str, Result<(), StoreError>)) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare("SELECT kind, key, log, idx FROM facts ORDER BY kind, key")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, key): (String, String) = (row.get(0)?, row.get(1)?);
            let opens = || {
                entry_ref(row.get(2)?, row.get(3)?)?;
                let known = known_kind(&kind).ok_or(StoreError::Form("a fact's kind"))?;
                read_fact(&self.connection, &self.sealer, known, &key).map(|_| ())
            };
            take(&kind, &key, opens());
        }
        Ok(())
    }
}
