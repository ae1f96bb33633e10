//! Making an evidence pack: gathering what the log says about one report, and what the advocate adds of their own.
//!
//! Nothing is gathered but what is about the report, and nothing is believed before it was checked. What is made is
//! checked once more, whole, before it is handed out.

mod tiles;

use super::{
    desk::{Desk, DeskError},
    disclosed::OwnEntry,
    open::{self, Stated},
    remote::As,
    report::{Item as SealedItem, tables::CustodyRow},
};
use crate::{
    audit::pack::{
        self, Before, BeforeRow, CARD, CONSISTENCY, GENESIS, Item, LISTINGS, NEWEST, PUBLIC_CASE, PUBLIC_REGISTER,
        Pack, REGISTER, REGISTER_CHECKPOINT, entry_file, numbered,
    },
    model::{
        event::Log,
        ids::{Digest, ReportId},
    },
    tlog::{self, Checkpoint, LogProof},
    wire::{
        api::{CaseHead, RegisterPage},
        listing::SignedListing,
        problem::ProblemType,
    },
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use tiles::PublicTiles;

/// How often a log that grows meanwhile is read again.
const TRIES: usize = 8;

/// Where the account of what was before sealing is taken from.
pub enum BeforeSealing {
    /// Nothing of it, but the digests of the sealed files, if this device remembers them.
    Digests,
    /// Nothing at all.
    Nothing,
    /// The manifest in the sealed file, read with the person's own identity; no plaintext is written anywhere.
    SealedFile(PathBuf),
}

impl Desk {
    /// What the pack will tell of the time before sealing: to be shown to the person before anything is made.
    ///
    /// # Errors
    /// When the sealed file cannot be opened, or is another report's.
    pub fn before_sealing(&self, report: ReportId, from: &BeforeSealing) -> Result<Before, DeskError> {
        let remembered = || self.memory.report(report).map(|own| items(&own.items)).unwrap_or_default();
        match from {
            BeforeSealing::Nothing => Ok(Before::StaysSealed { items: Vec::new() }),
            BeforeSealing::Digests => Ok(Before::StaysSealed { items: remembered() }),
            BeforeSealing::SealedFile(sealed) => self.opened(report, sealed),
        }
    }

    fn opened(&self, report: ReportId, sealed: &Path) -> Result<Before, DeskError> {
        let summary = self.reports()?.into_iter().find(|summary| summary.id == report);
        let stated = summary.ok_or_else(|| not_yours(report))?.report;
        let stated = Stated {
            payload_sha256: stated.payload_sha256,
            payload_bytes: stated.payload_bytes,
            key_commitment: stated.key_commitment,
        };
        let manifest = open::manifest_of(sealed, self.identity.age_identity(), &stated);
        let manifest = manifest.map_err(|e| DeskError::refused(format!("{}: {}", sealed.display(), words(&e))))?;
        Ok(Before::SealedReport { items: items(&manifest.items), rows: manifest.custody_log.iter().map(row).collect() })
    }

    /// Gathers and makes the pack of an own report.
    ///
    /// # Errors
    /// [`DeskError`]; also when the log grows faster than it can be read.
    pub fn evidence(&mut self, report: ReportId, before: Before) -> Result<Pack, DeskError> {
        if !self.reports()?.iter().any(|summary| summary.id == report) {
            return Err(not_yours(report));
        }
        let mut pack = Pack::default();
        self.put_register(&mut pack)?;
        self.put_case(&mut pack, report)?;
        pack::finish(pack, before)
            .map_err(|e| DeskError::refused(format!("what the broker gave does not hold together: {}", words(&e))))
    }

    fn put_register(&mut self, pack: &mut Pack) -> Result<(), DeskError> {
        let checkpoint = self.register_checkpoint()?;
        let lines = self.mirror.entries().iter().map(|entry| serde_json::to_string(entry).map(|line| line + "\n"));
        let lines: Result<String, _> = lines.collect();
        pack.put(REGISTER, lines.map_err(|e| DeskError::refused(e.to_string()))?);
        pack.put(REGISTER_CHECKPOINT, checkpoint);
        pack.put(GENESIS, self.genesis.note());
        pack.put(CARD, format!("{}\n", self.genesis.card()));
        if let Some((note, _)) = self.published(Log::Register)? {
            pack.put(PUBLIC_REGISTER, note);
        }
        Ok(())
    }

    /// The signed checkpoint of the register as it is mirrored here.
    fn register_checkpoint(&mut self) -> Result<String, DeskError> {
        for _ in 0..TRIES {
            let path = format!("/v1/register?from={}", self.mirror.size());
            let page: RegisterPage = self.remote.fetch(&path, As::Anybody)?;
            let checkpoint = Checkpoint::open(&page.checkpoint, self.trust.log(Log::Register));
            if checkpoint.is_ok_and(|checkpoint| self.mirror.check(&checkpoint).is_ok()) {
                return Ok(page.checkpoint);
            }
            self.refresh()?;
        }
        Err(too_busy())
    }

    /// The checkpoint of a log as it was published last; none before the first publication.
    fn published(&self, log: Log) -> Result<Option<(String, Checkpoint)>, DeskError> {
        let name = if log == Log::Case { "case" } else { "register" };
        let note = match self.remote.fetch_text(&format!("/log/{name}/checkpoint")) {
            Ok(note) => note,
            Err(error) if error.problem().is_some_and(|problem| problem.is(ProblemType::NotFound)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = self.trust.read(log, &note).map_err(|_| DeskError::Fork)?;
        Ok(Some((note, read.checkpoint)))
    }

    fn put_case(&mut self, pack: &mut Pack, report: ReportId) -> Result<(), DeskError> {
        let own = self.entries_of_report(report)?;
        let mut entries = own.entries;
        entries.push(self.enrolment_entry()?);
        let mut sizes = BTreeSet::new();
        for (number, note) in (0..).zip(own.listings) {
            let listing = SignedListing::open(&note, self.trust.log(Log::Case));
            sizes.insert(listing.map_err(|e| DeskError::refused(e.to_string()))?.size);
            pack.put(format!("{LISTINGS}{}.note", numbered(number)), note);
        }
        let public = self.published(Log::Case)?;
        let covered = public.as_ref().filter(|(_, checkpoint)| entries.iter().all(|e| e.index < checkpoint.size()));
        if let Some((note, checkpoint)) = covered {
            prove_under(&mut entries, note, checkpoint, &PublicTiles::new(&self.remote, checkpoint.size()))?;
        }
        for entry in &entries {
            sizes.insert(proved_size(&entry.proof)?);
            pack.put(entry_file(entry.index), entry.proof.clone());
        }
        if let Some((note, checkpoint)) = public {
            sizes.insert(checkpoint.size());
            pack.put(PUBLIC_CASE, note);
        }
        self.put_consistency(pack, &sizes)
    }

    /// One newest checkpoint, and a proof from every other state to it.
    fn put_consistency(&self, pack: &mut Pack, sizes: &BTreeSet<u64>) -> Result<(), DeskError> {
        'again: for _ in 0..TRIES {
            let mut newest: Option<CaseHead> = None;
            let mut proofs = Vec::new();
            for size in sizes {
                let path = format!("/v1/case/checkpoint?from={size}");
                let head: CaseHead = self.remote.fetch(&path, self.signed_in())?;
                if newest.as_ref().is_some_and(|newest| newest.checkpoint != head.checkpoint) {
                    continue 'again;
                }
                proofs.push((*size, head.consistency.clone()));
                newest = Some(head);
            }
            let Some(newest) = newest else { break };
            let checkpoint = Checkpoint::open(&newest.checkpoint, self.trust.log(Log::Case));
            let end = checkpoint.map_err(|_| DeskError::Fork)?.size();
            for (size, hashes) in proofs.into_iter().filter(|(size, _)| *size != end) {
                let lines: String = hashes.iter().flat_map(|hash| [hash.as_str(), "\n"]).collect();
                pack.put(format!("{CONSISTENCY}{}.txt", numbered(size)), lines);
            }
            pack.put(NEWEST, newest.checkpoint);
            return Ok(());
        }
        Err(too_busy())
    }
}

/// Proves entries under a published checkpoint, from public tiles: the cosignatures under it then stand for each.
fn prove_under(
    entries: &mut [OwnEntry],
    note: &str,
    checkpoint: &Checkpoint,
    tiles: &PublicTiles<'_>,
) -> Result<(), DeskError> {
    for entry in entries {
        let unreadable = |e: &dyn std::error::Error| DeskError::refused(format!("a public tile cannot be used: {e}"));
        let old = LogProof::parse(&entry.proof).map_err(|e| unreadable(&e))?;
        let proof = tlog::inclusion_proof(tiles, entry.index, checkpoint.size()).map_err(|e| unreadable(&e))?;
        let new = LogProof::new(old.extra().to_vec(), proof, note.to_owned()).map_err(|e| unreadable(&e))?;
        entry.proof = new.to_text();
    }
    Ok(())
}

fn proved_size(proof: &str) -> Result<u64, DeskError> {
    let proof = LogProof::parse(proof).map_err(|e| DeskError::refused(e.to_string()))?;
    let note = tlog::Note::parse(proof.checkpoint()).map_err(|e| DeskError::refused(e.to_string()))?;
    Ok(Checkpoint::parse(note.text()).map_err(|e| DeskError::refused(e.to_string()))?.size())
}

fn items(items: &[SealedItem]) -> Vec<Item> {
    let digest = |digest: super::report::Digest| Digest::from_bytes(digest.0);
    let numbered = (1..).zip(items);
    let item = |(number, item): (u64, &SealedItem)| Item {
        number,
        sha256: digest(item.sha256),
        sha256_at_receipt: item.sha256_at_receipt.map(digest),
        original_or_copy: item.original_or_copy.clone(),
        how_received: item.how_received.clone(),
        received_at: item.received_at.clone(),
    };
    numbered.map(item).collect()
}

fn row(row: &CustodyRow) -> BeforeRow {
    let CustodyRow { seq, item, utc, from, to, how, sha256, seal_or_medium, place: _, why: _, by: _ } = row.clone();
    BeforeRow { seq, item, utc, from, to, how, sha256, seal_or_medium }
}

fn words(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn not_yours(report: ReportId) -> DeskError {
    DeskError::refused(format!("the broker has no report {report} of yours; see `amana report list`"))
}

fn too_busy() -> DeskError {
    DeskError::refused("the broker's log grew while it was read, several times; try again in some minutes")
}
