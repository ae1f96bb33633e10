//! Reading the evidence: trust root, register, entries with their proofs, listings, and the broker's own rules.

use super::{
    archive::Pack,
    error::PackError,
    evidence::{
        CARD, CONSISTENCY, ENTRIES, GENESIS, LISTINGS, NEWEST, PUBLIC_CASE, PUBLIC_REGISTER, REGISTER,
        REGISTER_CHECKPOINT, entry_file, numbered,
    },
};
use crate::{
    audit::{AuditError, Observer, Step, Walk, read_line},
    model::{
        event::{Event, Log, Recorded},
        fold::State,
        ids::{Digest, PartyId, ReportId},
        rows::{Held, ReportRow, Rows as _},
    },
    tlog::{self, Checkpoint, Hash},
    wire::{
        about::{About, about},
        entry::Shared,
        genesis::{Card, SignedGenesis},
        listing::SignedListing,
        receipt,
        statement::SeenTree,
        trust::{Trust, Witnessed},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// An entry of the case log as it was folded.
pub(super) struct Told {
    /// Where and when.
    pub(super) recorded: Recorded,
    /// What happened.
    pub(super) event: Event,
    /// The statement in it, verbatim.
    pub(super) statement: Option<String>,
}

/// Everything a pack proves.
pub(super) struct Story {
    /// The card of its trust root.
    pub(super) card: String,
    /// Which report.
    pub(super) report: ReportId,
    /// Whose.
    pub(super) owner: PartyId,
    /// The report as its statement and the log say.
    pub(super) row: ReportRow,
    /// The facts by register and entries.
    pub(super) facts: State,
    /// The entries in their order, the owner's enrolment among them.
    pub(super) told: Vec<Told>,
    /// Size of the newest state of the case log here.
    pub(super) size: u64,
    /// What was published, and who cosigned it.
    pub(super) public: Option<Witnessed>,
    /// The same of the register.
    pub(super) public_register: Option<Witnessed>,
    /// How many witnesses the roster asks for.
    pub(super) quorum: usize,
}

impl Story {
    /// Reads and checks the evidence.
    pub(super) fn read(pack: &Pack, card: Option<&Card>) -> Result<Self, PackError> {
        let genesis = genesis(pack, card)?;
        let (trust, public_register) = register_alone(pack, &genesis)?;
        let case = CaseLog::read(pack, &trust)?;
        let entries = entries(pack, &trust, &case)?;
        let (report, owner) = listed(pack, &trust, &case, &entries)?;
        let (walk, told) = fold(pack, &genesis, &entries)?;
        let row = about_this_report(walk.facts(), report, owner, &entries)?;
        Ok(Self {
            card: genesis.card().to_string(),
            report,
            owner,
            row,
            facts: walk.facts().clone(),
            told,
            size: case.newest.size,
            public: case.public,
            public_register,
            quorum: trust.quorum(),
        })
    }

    /// Whether witnesses, as many as the roster asks for, cosigned a state of the log that holds this entry.
    pub(super) fn is_witnessed(&self, index: u64) -> bool {
        let public = self.public.as_ref().filter(|public| self.quorum > 0 && public.times.len() >= self.quorum);
        public.is_some_and(|public| index < public.checkpoint.size())
    }
}

fn genesis(pack: &Pack, card: Option<&Card>) -> Result<SignedGenesis, PackError> {
    let genesis = SignedGenesis::parse(pack.text(GENESIS)?).map_err(AuditError::from)?;
    let own = pack.text(CARD)?;
    let own: Card = own.strip_suffix('\n').unwrap_or(own).parse().map_err(AuditError::from)?;
    let genesis = genesis.matching(&own).map_err(AuditError::from)?;
    if pack.text(CARD)? != format!("{own}\n") {
        return Err(PackError::file(CARD, "it holds more than a card"));
    }
    match card {
        Some(card) => Ok(genesis.matching(card).map_err(AuditError::from)?),
        None => Ok(genesis),
    }
}

/// The register's lines, the first of which is genesis.
fn register_lines(pack: &Pack, genesis: &SignedGenesis) -> Result<Vec<String>, PackError> {
    let first = genesis.entry().encode().map_err(|e| PackError::file(GENESIS, e))?;
    let mut input = pack.file(REGISTER)?;
    let mut lines = vec![first];
    while let Some(line) = read_line::<String>(&mut input).map_err(|e| PackError::file(REGISTER, e))? {
        lines.push(line);
    }
    Ok(lines)
}

/// Folds the register by itself: whose signatures count, and that its checkpoints sign it.
fn register_alone(pack: &Pack, genesis: &SignedGenesis) -> Result<(Trust, Option<Witnessed>), PackError> {
    let mut walk = Walk::of_part(genesis.clone());
    for line in register_lines(pack, genesis)? {
        walk.register(&line, &mut ())?;
    }
    walk.check_root(Log::Register, Some(pack.text(REGISTER_CHECKPOINT)?))?;
    let trust = walk.trust()?.clone();
    if !pack.has(PUBLIC_REGISTER) {
        return Ok((trust, None));
    }
    let read = trust.read(Log::Register, pack.text(PUBLIC_REGISTER)?);
    let public = read.map_err(|source| AuditError::Checkpoint { log: Log::Register, source })?;
    let root = tlog::root_at(walk.tree(Log::Register), public.checkpoint.size());
    if root.is_ok_and(|root| root == *public.checkpoint.root()) {
        Ok((trust, Some(public)))
    } else {
        Err(AuditError::Root { log: Log::Register }.into())
    }
}

/// States of the case log that are proved to be one log.
struct CaseLog {
    newest: SeenTree,
    public: Option<Witnessed>,
    proofs: BTreeMap<u64, Vec<Hash>>,
}

impl CaseLog {
    fn read(pack: &Pack, trust: &Trust) -> Result<Self, PackError> {
        let wrong = |source| PackError::Audit(AuditError::Checkpoint { log: Log::Case, source });
        let newest = Checkpoint::open(pack.text(NEWEST)?, trust.log(Log::Case)).map_err(wrong)?;
        let mut case = Self { newest: tree(&newest), public: None, proofs: BTreeMap::new() };
        for file in pack.folder(CONSISTENCY) {
            let size = file.strip_prefix(CONSISTENCY).and_then(|name| name.strip_suffix(".txt"));
            let size = size.and_then(|size| size.parse::<u64>().ok()).filter(|s| file == consistency_file(*s));
            let size = size.ok_or_else(|| PackError::Foreign(file.to_owned()))?;
            let hashes: Result<Vec<Hash>, _> = pack.text(file)?.lines().map(str::parse).collect();
            case.proofs.insert(size, hashes.map_err(|_| PackError::file(file, "a line is no hash"))?);
        }
        if pack.has(PUBLIC_CASE) {
            let public = trust.read(Log::Case, pack.text(PUBLIC_CASE)?).map_err(wrong)?;
            case.holds(PUBLIC_CASE, tree(&public.checkpoint))?;
            case.public = Some(public);
        }
        Ok(case)
    }

    /// Whether a state is the newest one, or proved to be the beginning of it.
    fn holds(&self, file: &str, tree: SeenTree) -> Result<(), PackError> {
        let refused = PackError::Tree { file: file.to_owned(), size: tree.size };
        if tree.size == self.newest.size {
            return if tree.root == self.newest.root { Ok(()) } else { Err(refused) };
        }
        let hash = |root: Digest| Hash::from_bytes(*root.as_bytes());
        let proof = self.proofs.get(&tree.size).map(Vec::as_slice);
        let holds = proof.is_some_and(|proof| {
            let (old, new) = (hash(tree.root), hash(self.newest.root));
            tlog::verify_consistency(tree.size, &old, self.newest.size, &new, proof).is_ok()
        });
        if holds { Ok(()) } else { Err(refused) }
    }
}

fn tree(checkpoint: &Checkpoint) -> SeenTree {
    SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) }
}

/// The file of the consistency proof from a size.
fn consistency_file(size: u64) -> String {
    format!("{CONSISTENCY}{}.txt", numbered(size))
}

/// Every entry, opened and proved, by index.
fn entries(pack: &Pack, trust: &Trust, case: &CaseLog) -> Result<BTreeMap<u64, Shared>, PackError> {
    let mut entries = BTreeMap::new();
    for file in pack.folder(ENTRIES) {
        let receipt = receipt::verify(pack.text(file)?, Log::Case, trust)
            .map_err(|source| PackError::Proof { file: file.to_owned(), source })?;
        case.holds(file, receipt.tree)?;
        if file != entry_file(receipt.entry.index) {
            return Err(PackError::file(file, format!("it proves entry {}", receipt.entry.index)));
        }
        entries.insert(receipt.entry.index, receipt.shared);
    }
    Ok(entries)
}

/// The listings: one after another from entry 0 to the end, about one report of one party, and nothing is left out.
fn listed(
    pack: &Pack,
    trust: &Trust,
    case: &CaseLog,
    entries: &BTreeMap<u64, Shared>,
) -> Result<(ReportId, PartyId), PackError> {
    let (mut whom, mut next, mut end) = (None, 0, 0);
    let mut named = BTreeSet::new();
    for (number, file) in (0..).zip(pack.folder(LISTINGS)) {
        let bad = |reason: &str| PackError::file(file, reason);
        let listing =
            SignedListing::open(pack.text(file)?, trust.log(Log::Case)).map_err(|e| PackError::file(file, e))?;
        case.holds(file, SeenTree { size: listing.size, root: listing.root })?;
        let report = listing.report.ok_or_else(|| bad("it is not about one report"))?;
        if *whom.get_or_insert((report, listing.party)) != (report, listing.party) {
            return Err(bad("it is about another report"));
        }
        if file != format!("{LISTINGS}{}.note", numbered(number)) || listing.from != next {
            return Err(bad("a listing before it is missing"));
        }
        (next, end) = (listing.until, listing.size);
        named.extend(listing.entries);
    }
    let whom = whom.ok_or_else(|| PackError::Missing(format!("{LISTINGS}{}.note", numbered(0))))?;
    if next < end {
        return Err(PackError::Missing(format!("a listing from entry {next} on")));
    }
    if let Some(omitted) = named.iter().find(|index| !entries.contains_key(index)) {
        return Err(PackError::Omitted(*omitted));
    }
    let enrolment = |shared: &Shared| matches!(about(shared), Ok(About::NoReport));
    match entries.iter().find(|(index, shared)| !named.contains(index) && !enrolment(shared)) {
        Some((unlisted, _)) => Err(PackError::Unlisted(*unlisted)),
        None => Ok(whom),
    }
}

/// Folds register and entries as the broker did: a statement's signature, its signer's office, and every rule.
fn fold(pack: &Pack, genesis: &SignedGenesis, entries: &BTreeMap<u64, Shared>) -> Result<(Walk, Vec<Told>), PackError> {
    let mut walk = Walk::of_part(genesis.clone());
    let mut lines = register_lines(pack, genesis)?.into_iter();
    let mut register = || Ok(lines.next());
    let mut listener = Listener::default();
    for (index, shared) in entries {
        listener.statement.clone_from(&shared.statement);
        walk.disclosed(*index, shared, &mut register, &mut listener)?;
    }
    Ok((walk, listener.told))
}

/// Writes down what is folded.
#[derive(Default)]
struct Listener {
    statement: Option<String>,
    told: Vec<Told>,
}

impl Observer for Listener {
    fn before(&mut self, _: &State, step: &Step<'_>) -> Result<(), AuditError> {
        if step.recorded.entry.log == Log::Case {
            let (recorded, event) = (step.recorded, step.event.clone());
            self.told.push(Told { recorded, event, statement: self.statement.clone() });
        }
        Ok(())
    }
}

/// Whether every entry is about the report, but for its owner's enrolment.
fn about_this_report(
    facts: &State,
    report: ReportId,
    owner: PartyId,
    entries: &BTreeMap<u64, Shared>,
) -> Result<ReportRow, PackError> {
    let failed = |e: &dyn std::error::Error| PackError::Audit(AuditError::Fold(e.to_string()));
    let held: Option<Held<ReportRow>> = facts.read(&report.to_string()).map_err(|e| failed(&e))?;
    let row = held.map(|held| held.row).filter(|row| row.owner == owner);
    let row = row.ok_or_else(|| PackError::Missing(format!("the statement of report {report}, by its owner")))?;
    for (index, shared) in entries {
        let here = match about(shared).map_err(|e| failed(&e))? {
            About::NoReport => enrols(shared, owner),
            about => about.report(facts).map_err(|e| failed(&e))? == Some(report),
        };
        if !here {
            return Err(PackError::Unlisted(*index));
        }
    }
    Ok(row)
}

fn enrols(shared: &Shared, owner: PartyId) -> bool {
    let key = shared.statement().ok().flatten().and_then(|statement| statement.enclosed_key());
    key.is_some_and(|key| key.thumbprint().first_of_party() == owner)
}
