//! What does not hold in a database: for whoever looks after it, before a broker stumbles over it.
//!
//! Faults are found, not mended. Each method stops at [`limits::FAULTS`]: what is broken that often is broken.

use super::{
    snapshot::Snapshot,
    tiles::{StoredTiles, number, unsigned},
};
use crate::{
    model::{
        event::Log,
        grant::{GrantState, HeaderCopy},
        ids::{Digest, GrantId, ReportId},
        limits,
        report::ReportState,
        rows::{GrantRow, Proposal, ProposalRow, ReportRow},
    },
    store::StoreError,
    tlog::{self, Checkpoint, MemoryTiles, TileId, Tiles as _},
};
use rusqlite::params;
use std::collections::BTreeSet;

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SQLite's own check.
    Sqlite(String),
    /// A sealed column does not open: damaged, moved, or sealed under another key.
    Sealed {
        /// The table.
        table: &'static str,
        /// The row.
        row: String,
    },
    /// A log's entries are not those its head or its tiles stand for.
    Tree {
        /// The log.
        log: Log,
        /// What differs.
        what: &'static str,
    },
    /// The owner header of a report is missing or another one.
    OwnerHeader(ReportId),
    /// The wrapped header of a live grant is missing.
    GrantHeaderMissing(GrantId),
    /// The wrapped header of a live grant is another one.
    GrantHeaderOther(GrantId),
    /// A header is there that the log calls destroyed, or that nobody gave.
    HeaderLeft(String),
}

impl Snapshot {
    /// SQLite's own look at its file.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn sqlite_faults(&self) -> Result<Vec<Fault>, StoreError> {
        let mut statement = self.connection.prepare(&format!("PRAGMA integrity_check({})", limits::FAULTS))?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").map(Fault::Sqlite).collect())
    }

    /// Sealed columns that do not open.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sealed_faults(&self) -> Result<Vec<Fault>, StoreError> {
        let mut faults = Vec::new();
        let mut found = |table, row: String, opened: Result<(), StoreError>| {
            if opened.is_err() && faults.len() < limits::FAULTS {
                faults.push(Fault::Sealed { table, row });
            }
        };
        for log in [Log::Register, Log::Case] {
            self.each_entry(log, &mut |entry, opened| {
                found("entries", format!("{}/{}", number(log), entry.index), opened.map(|_| ()));
                Ok(())
            })?;
        }
        self.each_fact(|kind, key, opened| found("facts", format!("{kind} {key}"), opened))?;
        let mut statement = self.connection.prepare("SELECT scope, id FROM headers ORDER BY scope, id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (scope, id): (String, String) = (row.get(0)?, row.get(1)?);
            found("headers", format!("{scope} {id}"), self.header_digest(&scope, &id).map(|_| ()));
        }
        Ok(faults)
    }

    /// Whether the entries are those the tiles and heads stand for. Signatures are the auditor's check.
    ///
    /// # Errors
    /// When the file cannot be read, or an entry does not open.
    pub fn tree_faults(&self) -> Result<Vec<Fault>, StoreError> {
        let mut faults = Vec::new();
        for log in [Log::Register, Log::Case] {
            faults.extend(self.tree_fault(log)?.map(|what| Fault::Tree { log, what }));
        }
        Ok(faults)
    }

    fn tree_fault(&self, log: Log) -> Result<Option<&'static str>, StoreError> {
        let mut tree = MemoryTiles::new();
        let mut gap = false;
        self.each_entry(log, &mut |entry, opened| {
            gap |= entry.index != tree.size();
            tree.append_leaf(opened?.leaf_hash().map_err(|_| StoreError::Form("an entry"))?);
            Ok(())
        })?;
        if gap {
            return Ok(Some("an entry is missing"));
        }
        let Some(note) = self.checkpoint(log)? else {
            return Ok((tree.size() > 0).then_some("the signed head is missing"));
        };
        let text = note.split_once("\n\n").map_or("", |(text, _)| text);
        let Ok(head) = Checkpoint::parse(&format!("{text}\n")) else { return Ok(Some("the head is no checkpoint")) };
        if head.size() != tree.size() || *head.root() != tree.root() {
            return Ok(Some("the entries are not those of the signed head"));
        }
        let stored = StoredTiles::new(&self.connection, log);
        if !tlog::root_at(&stored, tree.size()).is_ok_and(|root| root == tree.root()) {
            return Ok(Some("the tiles are not those of the signed head"));
        }
        Ok(self.other_tile(log, &tree, &stored)?.then_some("a tile is not the one of its entries"))
    }

    fn other_tile(&self, log: Log, tree: &MemoryTiles, stored: &StoredTiles<'_>) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare("SELECT level, idx FROM tiles WHERE log = ?1")?;
        let mut rows = statement.query(params![number(log)])?;
        while let Some(row) = rows.next()? {
            let id = TileId { level: row.get(0)?, index: unsigned(row.get(1)?)? };
            if stored.tile(id).ok() != tree.tile(id).ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether exactly those headers are here that have to be, each with the digest its statement names.
    ///
    /// # Errors
    /// When the file cannot be read, or a fact does not open.
    pub fn header_faults(&self) -> Result<Vec<Fault>, StoreError> {
        let (mut faults, mut expected) = (Vec::new(), BTreeSet::new());
        self.each::<ReportRow>(&mut |key, row| {
            let id: ReportId = key.parse().map_err(|_| StoreError::Form("a report's key"))?;
            if row.state == (ReportState::Erased {}) || self.is_being_erased(&key, &row)? {
                return Ok(());
            }
            if self.readable_digest("owner", &key)? != Some(row.report.owner_header) {
                faults.push(Fault::OwnerHeader(id));
            }
            expected.insert(("owner".to_owned(), key));
            Ok(())
        })?;
        self.each::<GrantRow>(&mut |key, row| {
            let id: GrantId = key.parse().map_err(|_| StoreError::Form("a grant's key"))?;
            match &row.state {
                GrantState::HeaderReceived {} => match self.readable_digest("grant", &key)? {
                    None => faults.push(Fault::GrantHeaderMissing(id)),
                    Some(digest) if digest != row.grant.header => faults.push(Fault::GrantHeaderOther(id)),
                    Some(_) => {}
                },
                // Ended, and its row not yet deleted: the sweeper comes to it.
                GrantState::Ended { remaining, .. } if remaining.contains(&HeaderCopy::Database) => {}
                _ => return Ok(()),
            }
            expected.insert(("grant".to_owned(), key));
            Ok(())
        })?;
        self.each::<ProposalRow>(&mut |key, row| {
            // An offer that nobody has taken. A restored copy has none of their headers.
            if let (Proposal::HandOver(handover), false) = (row.proposal, row.effective) {
                expected.insert(("offered".to_owned(), format!("{}/{key}", handover.report)));
            }
            Ok(())
        })?;
        let mut statement = self.connection.prepare("SELECT scope, id FROM headers ORDER BY scope, id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for place in rows {
            let place: (String, String) = place?;
            if !expected.contains(&place) {
                faults.push(Fault::HeaderLeft(format!("{} {}", place.0, place.1)));
            }
        }
        faults.truncate(limits::FAULTS);
        Ok(faults)
    }

    /// Grants that could release but for their wrapped header, which is not here.
    ///
    /// # Errors
    /// When the file cannot be read, or a fact does not open.
    pub fn grants_without_header(&self) -> Result<Vec<GrantId>, StoreError> {
        let mut grants = Vec::new();
        self.each::<GrantRow>(&mut |key, row| {
            let live = row.state == (GrantState::HeaderReceived {});
            if live && self.readable_digest("grant", &key)?.is_none() {
                grants.push(key.parse().map_err(|_| StoreError::Form("a grant's key"))?);
            }
            Ok(())
        })?;
        Ok(grants)
    }

    /// A header that does not open is another header: the sealed columns are a check of their own.
    fn readable_digest(&self, scope: &str, id: &str) -> Result<Option<Digest>, StoreError> {
        match self.header_digest(scope, id) {
            Err(StoreError::Damaged { .. }) => Ok(Some(Digest::from_bytes([0; 32]))),
            outcome => outcome,
        }
    }
}
