//! One transaction: facts, entries, tiles and heads, all or nothing.

use super::{
    published,
    shared::LogSigners,
    tiles::{StoredTiles, number, signed},
};
use crate::{
    model::{
        ambient::{Entropy, random},
        event::{EntryRef, Event, Log, Recorded as RecordedAt},
        fold::{self, FoldError},
        ids::{Digest, GrantId, ReportId},
        rows::{Held, ONLY, RosterRow, Row, Rows, Waiting},
        time::Timestamp,
        view::Citation,
    },
    store::{
        CommitError, StoreError,
        sealed::{Place, Sealer},
    },
    tlog::{self, Hash, LogProof},
    wire::{
        entry::{AuditorPart, ClosedLeaf, EntryError, FullEntry, Happening, Salt, Salts, Shared},
        statement::SeenTree,
    },
};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Where the two logs stand inside the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tips {
    pub(super) register: u64,
    pub(super) case: u64,
    pub(super) last_at: Timestamp,
}

impl Tips {
    pub(super) fn size(&self, log: Log) -> u64 {
        match log {
            Log::Register => self.register,
            Log::Case => self.case,
        }
    }
    fn grow(&mut self, log: Log) {
        match log {
            Log::Register => self.register += 1,
            Log::Case => self.case += 1,
        }
    }
}

/// An entry of this batch: what its receipt is made from.
struct Appended {
    entry: EntryRef,
    leaf: Hash,
    /// Absent for a closed leaf: nobody is given a receipt for it.
    extra: Option<Vec<u8>>,
}

/// What sealing made: a receipt for each entry, and the heads that changed.
pub(super) struct SealedHeads {
    pub(super) receipts: Vec<(EntryRef, String)>,
    pub(super) changed: Vec<(Log, SeenTree)>,
}

/// An open transaction.
pub(super) struct Batch<'c> {
    connection: &'c Connection,
    sealer: &'c Sealer,
    entropy: &'c dyn Entropy,
    /// Entries appended by this batch.
    appended: Vec<Appended>,
    tips: Tips,
    now: Timestamp,
}

impl<'c> Batch<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        sealer: &'c Sealer,
        entropy: &'c dyn Entropy,
        tips: Tips,
        wall: Timestamp,
    ) -> Self {
        // Time never runs backwards in the log, whatever the wall clock does.
        Self { connection, sealer, entropy, appended: Vec::new(), now: wall.max(tips.last_at), tips }
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection
    }
    pub(super) fn sealer(&self) -> &Sealer {
        self.sealer
    }
    /// The time every entry of this batch bears.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }
    pub(super) fn tips(&self) -> Tips {
        self.tips
    }
    pub(super) fn appended(&self) -> usize {
        self.appended.len()
    }
    /// Forgets what was appended after a savepoint that is rolled back.
    pub(super) fn forget(&mut self, tips: Tips, appended: usize) {
        self.tips = tips;
        self.appended.truncate(appended);
    }

    /// Folds the event into the facts and appends its entry.
    pub(super) fn append(
        &mut self,
        event: &Event,
        happening: Happening,
        statement: Option<String>,
        auditor: &AuditorPart,
    ) -> Result<EntryRef, CommitError> {
        let log = event.log();
        let entry = EntryRef { log, index: self.tips.size(log) };
        fold::apply(self, RecordedAt { entry, at: self.now }, event).map_err(|error| match error {
            FoldError::Refused(refusal) => CommitError::Refused(refusal),
            FoldError::Rows(error) => CommitError::Storage(error),
        })?;
        if log == Log::Case {
            self.note_concerned(entry, event)?;
        }
        let register_size = (log == Log::Case).then_some(self.tips.register);
        let shared = Shared { event: happening, at: self.now, register_size, statement };
        let shared = shared.encode().map_err(|_| StoreError::Form("an entry too large"))?;
        let salts =
            Salts { leaf: Salt::from_random(random(self.entropy)), auditor: Salt::from_random(random(self.entropy)) };
        let full = FullEntry::new(log, shared, auditor, &salts).map_err(|_| StoreError::Form("an entry too large"))?;
        self.insert(entry, &full)?;
        Ok(entry)
    }

    /// Whom an entry concerns is an index over the log, which anybody who holds the log can make again.
    fn note_concerned(&self, entry: EntryRef, event: &Event) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO concerned (party, idx) VALUES (?1, ?2)";
        for party in fold::concerned(self, event)? {
            self.connection.prepare_cached(sql)?.execute(params![party.to_string(), signed(entry.index)?])?;
        }
        Ok(())
    }

    /// Entry 0 of the register: its bytes are fixed by genesis itself, so that everybody can compute its leaf.
    pub(super) fn lay_genesis(&mut self, event: &Event, shared: &Shared) -> Result<(), StoreError> {
        let entry = EntryRef { log: Log::Register, index: 0 };
        fold::apply(self, RecordedAt { entry, at: shared.at }, event).map_err(|error| match error {
            FoldError::Refused(_) => StoreError::Form("genesis"),
            FoldError::Rows(error) => error,
        })?;
        let shared = shared.encode().map_err(|_| StoreError::Form("genesis"))?;
        self.insert(entry, &FullEntry::Register { shared })
    }

    /// What follows bears this time, unless the log is later already.
    pub(super) fn at_least(&mut self, wall: Timestamp) {
        self.now = wall.max(self.tips.last_at);
    }

    /// Folds a register entry that was appended before, and appends it again as it was: the same leaf.
    pub(super) fn append_verbatim(&mut self, event: &Event, shared: &Shared, text: &str) -> Result<(), CommitError> {
        if shared.at < self.tips.last_at {
            return Err(StoreError::Form("an entry whose time lies before the entry before it").into());
        }
        self.now = shared.at;
        let entry = EntryRef { log: Log::Register, index: self.tips.register };
        fold::apply(self, RecordedAt { entry, at: self.now }, event).map_err(|error| match error {
            FoldError::Refused(refusal) => CommitError::Refused(refusal),
            FoldError::Rows(error) => CommitError::Storage(error),
        })?;
        self.insert(entry, &FullEntry::Register { shared: text.to_owned() })?;
        Ok(())
    }

    pub(super) fn insert(&mut self, entry: EntryRef, full: &FullEntry) -> Result<(), StoreError> {
        let hash = full.leaf_hash().map_err(|_| StoreError::Form("an entry"))?;
        let row = entry_row(entry);
        let sealed = self.sealer.seal(place_of_entry(&row, entry.index), &encode_entry(full)?)?;
        let sql = "INSERT INTO entries (log, idx, at, entry) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![
            number(entry.log),
            signed(entry.index)?,
            signed(self.now.as_seconds())?,
            sealed
        ])?;
        let extra = match full.extra() {
            Ok(extra) => Some(extra),
            Err(EntryError::Closed) => None,
            Err(_) => return Err(StoreError::Form("an entry")),
        };
        self.appended.push(Appended { entry, leaf: hash, extra });
        self.tips.grow(entry.log);
        self.tips.last_at = self.now;
        Ok(())
    }

    /// Replaces an entry by what is left of it without its body. The tree stays what it is: the leaf is the same.
    pub(super) fn close(&self, entry: EntryRef, full: &FullEntry) -> Result<(), StoreError> {
        let closed = full.closed().map_err(|_| StoreError::Form("an entry"))?;
        let row = entry_row(entry);
        let sealed = self.sealer.seal(place_of_entry(&row, entry.index), &encode_entry(&closed)?)?;
        let place = params![number(entry.log), signed(entry.index)?, sealed];
        self.connection.prepare_cached("UPDATE entries SET entry = ?3 WHERE log = ?1 AND idx = ?2")?.execute(place)?;
        let sql = "DELETE FROM concerned WHERE idx = ?1";
        self.connection.prepare_cached(sql)?.execute(params![signed(entry.index)?])?;
        Ok(())
    }

    /// Grows the trees, signs the heads, and makes a receipt for each entry. Last step before the commit.
    pub(super) fn seal_heads(&self, signers: &LogSigners) -> Result<SealedHeads, StoreError> {
        let (mut receipts, mut changed_heads) = (Vec::with_capacity(self.appended.len()), Vec::new());
        let roster = self.roster()?;
        for log in [Log::Register, Log::Case] {
            let mine: Vec<&Appended> = self.appended.iter().filter(|a| a.entry.log == log).collect();
            let Some(first) = mine.first() else {
                // From this commit on nobody believes the keys of the roster before: the log that stands still as well
                // has to be signed by those of the new one.
                let changed = self.appended.iter().any(|appended| appended.entry == roster.version);
                if changed && self.tips.size(log) > 0 {
                    self.sign_head(signers, &roster.row, log)?;
                }
                if changed {
                    published::sign_anew(self.connection, signers, &roster.row, log)?;
                }
                continue;
            };
            let tiles = StoredTiles::new(self.connection, log);
            let leaves: Vec<Hash> = mine.iter().map(|a| a.leaf).collect();
            let changed = tlog::append(&tiles, first.entry.index, &leaves).map_err(|_| StoreError::Tree)?;
            tiles.store(changed)?;
            if self.appended.iter().any(|appended| appended.entry == roster.version) {
                published::sign_anew(self.connection, signers, &roster.row, log)?;
            }
            let size = self.tips.size(log);
            let (note, root) = self.sign_head(signers, &roster.row, log)?;
            changed_heads.push((log, SeenTree { size, root: Digest::from_bytes(*root.as_bytes()) }));
            let open: Vec<(EntryRef, &Vec<u8>)> =
                mine.iter().filter_map(|a| a.extra.as_ref().map(|extra| (a.entry, extra))).collect();
            let indices: Vec<u64> = open.iter().map(|(entry, _)| entry.index).collect();
            let proofs = tlog::inclusion_proofs(&tiles, &indices, size).map_err(|_| StoreError::Tree)?;
            for ((entry, extra), proof) in open.into_iter().zip(proofs) {
                let receipt = LogProof::new(extra.clone(), proof, note.clone());
                receipts.push((entry, receipt.map_err(|_| StoreError::Tree)?.to_text()));
            }
        }
        Ok(SealedHeads { receipts, changed: changed_heads })
    }

    /// Signs a log's tree as it is now.
    fn sign_head(&self, signers: &LogSigners, roster: &RosterRow, log: Log) -> Result<(String, Hash), StoreError> {
        let size = self.tips.size(log);
        let root = tlog::root_at(&StoredTiles::new(self.connection, log), size).map_err(|_| StoreError::Tree)?;
        let note = signers.checkpoint(roster, log, size, root)?;
        let sql = "INSERT INTO heads (log, size, note) VALUES (?1, ?2, ?3)
                   ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note";
        self.connection.prepare_cached(sql)?.execute(params![number(log), signed(size)?, note])?;
        Ok((note, root))
    }

    /// The roster in force.
    pub(super) fn roster(&self) -> Result<Held<RosterRow>, StoreError> {
        self.read(ONLY)?.ok_or(StoreError::Form("the roster"))
    }

    /// Whether every row cited still has the version it was read with.
    pub(super) fn still_holds(&self, citations: &[Citation]) -> Result<bool, StoreError> {
        versions_hold(self.connection, citations)
    }

    /// Who has to do something about a fact now.
    fn note_waiting(&self, kind: &'static str, key: &str, waiting: &[Waiting]) -> Result<(), StoreError> {
        let forget = "DELETE FROM waiting WHERE kind = ?1 AND key = ?2";
        self.connection.prepare_cached(forget)?.execute(params![kind, key])?;
        for Waiting { party, by } in waiting {
            let sql = "INSERT OR IGNORE INTO waiting (party, due, kind, key) VALUES (?1, ?2, ?3, ?4)";
            let by = signed(by.as_seconds())?;
            self.connection.prepare_cached(sql)?.execute(params![party.to_string(), by, kind, key])?;
        }
        Ok(())
    }

    /// Keeps a header under its statement.
    pub(super) fn put_header(&self, scope: &'static str, id: &str, header: &[u8]) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(place_of_header(id), header)?;
        let sql = "INSERT INTO headers (scope, id, header) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![scope, id, sealed])?;
        Ok(())
    }

    /// Deletes a header.
    pub(super) fn delete_header(&self, scope: &'static str, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM headers WHERE scope = ?1 AND id = ?2";
        self.connection.prepare_cached(sql)?.execute(params![scope, id])?;
        Ok(())
    }

    /// Deletes every header whose id is `id`, a slash, and more.
    pub(super) fn delete_headers_below(&self, scope: &'static str, id: &str) -> Result<(), StoreError> {
        // '0' is the character after '/'.
        let sql = "DELETE FROM headers WHERE scope = ?1 AND id > ?2 || '/' AND id < ?2 || '0'";
        self.connection.prepare_cached(sql)?.execute(params![scope, id])?;
        Ok(())
    }

    /// A header, if it has the digest its statement names.
    pub(super) fn header(&self, scope: &'static str, id: &str, digest: Digest) -> Result<Vec<u8>, CommitError> {
        read_header(self.connection, self.sealer, scope, id, digest)
    }

    /// The wrapped header of a grant, if it has the digest its statement names.
    pub(super) fn grant_header(&self, grant: GrantId, digest: Digest) -> Result<Vec<u8>, CommitError> {
        read_header(self.connection, self.sealer, "grant", &grant.to_string(), digest)
    }

    /// The owner header of a report, if it has the digest its statement names.
    pub(super) fn owner_header(&self, report: ReportId, digest: Digest) -> Result<Vec<u8>, CommitError> {
        read_header(self.connection, self.sealer, "owner", &report.to_string(), digest)
    }
}

impl Rows for Batch<'_> {
    type Error = StoreError;

    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, StoreError> {
        let Some((version, text)) = read_fact(self.connection, self.sealer, R::KIND, key)? else { return Ok(None) };
        let row = serde_json::from_str(&text).map_err(|_| StoreError::Form(R::KIND))?;
        Ok(Some(Held { row, version }))
    }

    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), StoreError> {
        let text = serde_json::to_string(row).map_err(|_| StoreError::Form(R::KIND))?;
        let sealed = self.sealer.seal(place_of_fact(R::KIND, key, version), text.as_bytes())?;
        let due = row.due().map(|due| signed(due.as_seconds())).transpose()?;
        let sql = "INSERT INTO facts (kind, key, log, idx, due, row) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (kind, key) DO UPDATE SET
                   log = excluded.log, idx = excluded.idx, due = excluded.due, row = excluded.row";
        let (log, index) = (number(version.log), signed(version.index)?);
        self.connection.prepare_cached(sql)?.execute(params![R::KIND, key, log, index, due, sealed])?;
        for viewer in row.viewers() {
            let sql = "INSERT OR IGNORE INTO viewers (viewer, kind, key) VALUES (?1, ?2, ?3)";
            self.connection.prepare_cached(sql)?.execute(params![viewer.to_string(), R::KIND, key])?;
        }
        if R::WAITS {
            self.note_waiting(R::KIND, key, &row.waits_for())?;
        }
        Ok(())
    }
}

fn entry_row(entry: EntryRef) -> String {
    format!("{}/{}", number(entry.log), entry.index)
}

fn place_of_entry(row: &str, index: u64) -> Place<'_> {
    Place { table: "entries", row, column: "entry", version: index }
}

/// A fact's place names its kind as the column: rows of two kinds can share a key.
fn place_of_fact<'a>(kind: &'static str, key: &'a str, version: EntryRef) -> Place<'a> {
    let log = u64::from(version.log == Log::Case);
    Place { table: "facts", row: key, column: kind, version: version.index * 2 + log }
}

pub(super) fn place_of_header(id: &str) -> Place<'_> {
    Place { table: "headers", row: id, column: "header", version: 0 }
}

pub(super) fn versions_hold(connection: &Connection, citations: &[Citation]) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT log, idx FROM facts WHERE kind = ?1 AND key = ?2")?;
    for citation in citations {
        let found: Option<(i64, i64)> = statement
            .query_row(params![citation.kind, citation.key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let expected = match citation.version {
            Some(version) => Some((number(version.log), signed(version.index)?)),
            None => None,
        };
        if found != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn read_fact(
    connection: &Connection,
    sealer: &Sealer,
    kind: &'static str,
    key: &str,
) -> Result<Option<(EntryRef, String)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT log, idx, row FROM facts WHERE kind = ?1 AND key = ?2")?;
    let found: Option<(i64, i64, Vec<u8>)> =
        statement.query_row(params![kind, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((log, index, sealed)) = found else { return Ok(None) };
    let version = entry_ref(log, index)?;
    let text = sealer.open(place_of_fact(kind, key, version), &sealed)?;
    Ok(Some((version, String::from_utf8(text).map_err(|_| StoreError::Form(kind))?)))
}

/// The entry a pair of columns names.
pub(super) fn entry_ref(log: i64, index: i64) -> Result<EntryRef, StoreError> {
    let log = super::tiles::log_of(log).ok_or(StoreError::Form("a log number"))?;
    Ok(EntryRef { log, index: super::tiles::unsigned(index)? })
}

pub(super) fn read_header(
    connection: &Connection,
    sealer: &Sealer,
    scope: &'static str,
    id: &str,
    digest: Digest,
) -> Result<Vec<u8>, CommitError> {
    let mut statement = connection
        .prepare_cached("SELECT header FROM headers WHERE scope = ?1 AND id = ?2")
        .map_err(StoreError::from)?;
    let sealed: Option<Vec<u8>> =
        statement.query_row(params![scope, id], |row| row.get(0)).optional().map_err(StoreError::from)?;
    let header = sealer.open(place_of_header(id), &sealed.ok_or(CommitError::Conflict)?)?;
    // A database that was tampered with releases nothing.
    if Digest::of(&header) == digest { Ok(header) } else { Err(CommitError::HeaderMismatch) }
}

pub(super) fn read_entry(
    connection: &Connection,
    sealer: &Sealer,
    entry: EntryRef,
) -> Result<Option<FullEntry>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT entry FROM entries WHERE log = ?1 AND idx = ?2")?;
    let sealed: Option<Vec<u8>> =
        statement.query_row(params![number(entry.log), signed(entry.index)?], |row| row.get(0)).optional()?;
    sealed.map(|sealed| open_entry(sealer, entry, &sealed)).transpose()
}

pub(super) fn open_entry(sealer: &Sealer, entry: EntryRef, sealed: &[u8]) -> Result<FullEntry, StoreError> {
    let row = entry_row(entry);
    decode_entry(entry.log, &sealer.open(place_of_entry(&row, entry.index), sealed)?)
}

/// Case: `auditor salt ‖ u32be(len) ‖ opened leaf ‖ auditor part`; closed: the leaf, which is shorter than any of these.
/// Register: the shared part.
fn encode_entry(full: &FullEntry) -> Result<Vec<u8>, StoreError> {
    let bad = || StoreError::Form("an entry");
    match full {
        FullEntry::Register { shared } => Ok(shared.as_bytes().to_vec()),
        FullEntry::Case { opened, auditor_salt, auditor } => {
            let opened = opened.encode().map_err(|_| bad())?;
            let length = u32::try_from(opened.len()).map_err(|_| bad())?.to_be_bytes();
            Ok([auditor_salt.as_bytes().as_slice(), &length, &opened, auditor.as_bytes()].concat())
        }
        FullEntry::Closed { leaf } => Ok(leaf.as_bytes().to_vec()),
    }
}

fn decode_entry(log: Log, bytes: &[u8]) -> Result<FullEntry, StoreError> {
    use crate::wire::entry::OpenedLeaf;
    let bad = || StoreError::Form("an entry");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| bad());
    if log == Log::Register {
        return Ok(FullEntry::Register { shared: text(bytes)? });
    }
    if let Ok(leaf) = ClosedLeaf::parse(bytes) {
        return Ok(FullEntry::Closed { leaf });
    }
    let (salt, rest) = bytes.split_first_chunk::<32>().ok_or_else(bad)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| bad())?;
    let (opened, auditor) = rest.split_at_checked(length).ok_or_else(bad)?;
    let opened = OpenedLeaf::parse(opened).map_err(|_| bad())?;
    Ok(FullEntry::Case { opened, auditor_salt: Salt::from_random(*salt), auditor: text(auditor)? })
}

/// Why an entry cannot be shown, in the store's words.
pub(super) fn form_of(error: &EntryError) -> StoreError {
    match error {
        EntryError::Closed => StoreError::Closed,
        _ => StoreError::Form("an entry"),
    }
}

pub(super) fn receipt(
    tiles: &StoredTiles<'_>,
    entry: EntryRef,
    full: &FullEntry,
    size: u64,
    note: &str,
) -> Result<String, StoreError> {
    let proof = tlog::inclusion_proof(tiles, entry.index, size).map_err(|_| StoreError::Tree)?;
    let extra = full.extra().map_err(|e| form_of(&e))?;
    Ok(LogProof::new(extra, proof, note.to_owned()).map_err(|_| StoreError::Tree)?.to_text())
}
