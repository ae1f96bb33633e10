//! The offline check.

use super::{
    bundle::{Inputs, case_line, read_line},
    finding::{AuditError, EntryFault, Summary, word},
};
use crate::{
    model::{
        event::{EntryRef, Event, Log, Recorded},
        facts::{OwnerFetchFacts, ReleaseFacts, ReleaseRecord},
        fold::{self, FoldError, State},
        ids::Digest,
        rows::{Held, KeyRow, Rows},
        time::{Clocks, Timestamp, Window},
        view::{OwnerFetchView, ReleaseView},
    },
    tlog::{Checkpoint, MemoryTiles, NoteVerifier, leaf_hash},
    wire::{
        api::CaseLine,
        entry::{AuditorPart, Decision, EntryError, FactsRecord, OpenedLeaf, Salt, Shared, auditor_commitment},
        genesis::{Card, SignedGenesis},
        statement::{StatementError, Verified},
    },
};
use std::{collections::BTreeMap, io::BufRead};

/// Checks a whole bundle.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify<R: BufRead, C: BufRead, F: BufRead>(
    mut inputs: Inputs<R, C, F>,
    card: Option<&Card>,
) -> Result<Summary, AuditError> {
    let mut genesis = SignedGenesis::parse(&inputs.genesis)?;
    if let Some(card) = card {
        genesis = genesis.matching(card)?;
    }
    let mut audit = Audit::new(genesis);
    while let Some(line) = file("case.jsonl", case_line(&mut inputs.case))? {
        let shared = audit.open_case(&line)?;
        let until = shared.register_size.ok_or_else(|| audit.fault(Log::Case, EntryError::Framing.into()))?;
        audit.register_until(&mut inputs.register, Some(until))?;
        audit.apply(Log::Case, &shared, Some(&line))?;
    }
    audit.register_until(&mut inputs.register, None)?;
    audit.check_root(Log::Register, Some(&inputs.register_checkpoint))?;
    audit.check_root(Log::Case, inputs.case_checkpoint.as_deref())?;
    audit.check_facts(&mut inputs.facts)?;
    Ok(audit.summary())
}

/// Recorded facts and folded ones.
enum Facts {
    Agree,
    Differ,
}

/// The clocks a record was made by.
fn clocks_of(collect: Window, recorded: &ReleaseRecord) -> Option<Clocks> {
    let moment = |of: Timestamp, shift: i64| {
        let seconds = i64::try_from(of.as_seconds()).ok()?.checked_add(shift)?;
        Timestamp::try_from(u64::try_from(seconds).ok()?).ok()
    };
    let not_passed = moment(collect.until, recorded.window_left.checked_neg()?)?;
    Some(Clocks { not_passed, passed: moment(collect.from, recorded.window_open_for)? })
}

fn file<T>(file: &'static str, read: Result<T, String>) -> Result<T, AuditError> {
    read.map_err(|reason| AuditError::File { file, reason })
}

struct Audit {
    genesis: SignedGenesis,
    state: State,
    register: MemoryTiles,
    case: MemoryTiles,
    last_at: Timestamp,
    events: BTreeMap<&'static str, u64>,
    signatures: u64,
}

impl Audit {
    fn new(genesis: SignedGenesis) -> Self {
        Self {
            genesis,
            state: State::default(),
            register: MemoryTiles::new(),
            case: MemoryTiles::new(),
            last_at: Timestamp::default(),
            events: BTreeMap::new(),
            signatures: 0,
        }
    }

    fn next(&self, log: Log) -> EntryRef {
        let index = match log {
            Log::Register => self.register.size(),
            Log::Case => self.case.size(),
        };
        EntryRef { log, index }
    }

    fn fault(&self, log: Log, what: EntryFault) -> AuditError {
        AuditError::Entry { entry: self.next(log), what }
    }

    /// About the case entry whose leaf was appended last.
    fn case_fault(&self, what: &'static str) -> AuditError {
        let entry = EntryRef { log: Log::Case, index: self.case.size().saturating_sub(1) };
        AuditError::Entry { entry, what: EntryFault::Order(what) }
    }

    /// Applies register entries up to a size, or all that are left.
    fn register_until(&mut self, input: &mut impl BufRead, size: Option<u64>) -> Result<(), AuditError> {
        if size.is_some_and(|size| size < self.register.size()) {
            return Err(self.case_fault("the register it saw is smaller than one seen before"));
        }
        while size.is_none_or(|size| self.register.size() < size) {
            let Some(text) = file("register.jsonl", read_line::<String>(input))? else {
                if size.is_none() {
                    return Ok(());
                }
                return Err(self.case_fault("it saw register entries that are not here"));
            };
            let shared = Shared::parse(&text).map_err(|e| self.fault(Log::Register, e.into()))?;
            let leaf = leaf_hash(text.as_bytes());
            if self.register.size() == 0 {
                self.lay_genesis(&text)?;
            } else {
                self.apply(Log::Register, &shared, None)?;
            }
            self.register.append_leaf(leaf);
        }
        Ok(())
    }

    fn lay_genesis(&mut self, text: &str) -> Result<(), AuditError> {
        let ours = self.genesis.entry();
        let expected = ours.encode().map_err(|e| self.fault(Log::Register, e.into()))?;
        if text != expected {
            return Err(self.fault(Log::Register, EntryFault::Order("it is not the genesis in genesis.note")));
        }
        let event = Event::GenesisLaid(Box::new(self.genesis.genesis().clone()), self.genesis.digest());
        self.last_at = ours.at;
        self.fold(Log::Register, ours.at, &event)
    }

    /// Opens a case line: the leaf goes into the tree, the auditor part must be the one committed to.
    fn open_case(&mut self, line: &CaseLine) -> Result<Shared, AuditError> {
        let fault = |this: &Self, what: EntryFault| this.fault(Log::Case, what);
        let salt = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map(Salt::from_random).map_err(|_| EntryError::Framing);
        let leaf_salt = salt(&line.salt.0).map_err(|e| fault(self, e.into()))?;
        let auditor_salt = salt(&line.auditor_salt.0).map_err(|e| fault(self, e.into()))?;
        let shared = Shared::parse(&line.shared).map_err(|e| fault(self, e.into()))?;
        let commitment = auditor_commitment(&auditor_salt, &line.auditor);
        let opened = OpenedLeaf { salt: leaf_salt, shared: line.shared.clone(), auditor_commitment: commitment };
        let data = opened.leaf_data().map_err(|e| fault(self, e.into()))?;
        // Whether this leaf is in the signed tree is decided by the root, once every entry is read.
        self.case.append_leaf(leaf_hash(&data));
        Ok(shared)
    }

    fn apply(&mut self, log: Log, shared: &Shared, line: Option<&CaseLine>) -> Result<(), AuditError> {
        let entry = match log {
            Log::Register => self.next(log),
            Log::Case => EntryRef { log, index: self.case.size().saturating_sub(1) },
        };
        let fault = |what| AuditError::Entry { entry, what };
        // One clock for both logs: entries come here in the order in which the case log says it saw the register. A
        // release that claims an older register than stood there at its time makes the entry it passed over late.
        if shared.at < self.last_at {
            return Err(fault(EntryFault::Order("its time lies before the entry before it, in whichever log")));
        }
        self.last_at = shared.at;
        let statement = shared.statement().map_err(|e| fault(e.into()))?;
        let verified = match statement {
            Some(statement) => {
                let key = match statement.enclosed_key() {
                    Some(key) => Some(key),
                    None => self.key(statement.kid())?.map(|row| row.public),
                };
                let key = key.ok_or_else(|| fault(StatementError::UnknownKey.into()))?;
                self.signatures += 1;
                Some(statement.verify(&key, self.genesis.digest()).map_err(|e| fault(e.into()))?)
            }
            None => None,
        };
        let digest = verified.as_ref().map(|v: &Verified<_>| v.signed().digest);
        let event = shared.event(log, verified).map_err(|e| fault(e.into()))?;
        if let Some(line) = line {
            self.check_decision(&event, line, digest).map_err(fault)?;
        }
        *self.events.entry(word(&event)).or_default() += 1;
        let expected = line.map(|line| self.facts_of(&event, line)).transpose()?;
        self.fold_at(entry, shared.at, &event)?;
        match expected {
            Some(Facts::Differ) => Err(fault(EntryFault::Decision("the facts are not those of the log"))),
            _ => Ok(()),
        }
    }

    /// Whether what an allowed act was decided from is what the log folded to just before it.
    fn facts_of(&self, event: &Event, line: &CaseLine) -> Result<Facts, AuditError> {
        let recorded = serde_json::from_str::<AuditorPart>(&line.auditor).ok().and_then(|part| part.facts);
        let same = match (event, recorded) {
            (Event::Released(signed, request), Some(FactsRecord::Release(recorded))) => {
                let view = ReleaseView::load(&self.state, request.grant, signed.kid);
                let view = view.map_err(|e| AuditError::Fold(e.to_string()))?;
                // Only `now` is the broker's word: it follows from two of the facts, and all others from it.
                let clocks = view.as_ref().and_then(|view| clocks_of(view.grant().grant.collect, &recorded));
                view.zip(clocks).is_some_and(|(view, clocks)| {
                    *ReleaseFacts::of(view, request.clone(), clocks).record() == *recorded
                })
            }
            (Event::OwnerHeaderFetched(report, key), Some(FactsRecord::OwnerFetch(recorded))) => {
                let view = OwnerFetchView::load(&self.state, *report, *key);
                let view = view.map_err(|e| AuditError::Fold(e.to_string()))?;
                view.is_some_and(|view| *OwnerFetchFacts::of(view).record() == recorded)
            }
            (Event::Released(..) | Event::OwnerHeaderFetched(..), _) => false,
            _ => true,
        };
        Ok(if same { Facts::Agree } else { Facts::Differ })
    }

    /// A release carries the facts it was decided from; they must be about this very release, and allow it.
    fn check_decision(&self, event: &Event, line: &CaseLine, statement: Option<Digest>) -> Result<(), EntryFault> {
        let auditor: AuditorPart = serde_json::from_str(&line.auditor).map_err(|e| EntryError::Json(e.to_string()))?;
        let expected = match event {
            Event::Released(..) | Event::OwnerHeaderFetched(..) => Some(Decision::Allow),
            Event::ReleaseDenied(..) => Some(Decision::Deny),
            _ => None,
        };
        if auditor.decision != expected {
            return Err(EntryFault::Decision("the decision recorded is another one"));
        }
        let bundle = expected.map(|_| self.genesis.genesis().bundle);
        if auditor.bundle != bundle {
            return Err(EntryFault::Decision("it was decided under another policy bundle"));
        }
        if (expected == Some(Decision::Deny)) == auditor.reasons.is_empty() {
            return Err(EntryFault::Decision("reasons and decision contradict each other"));
        }
        if matches!(event, Event::OwnerHeaderFetched(..)) && auditor.facts.is_none() {
            return Err(EntryFault::Decision("no facts are recorded"));
        }
        let (Event::Released(signed, request) | Event::ReleaseDenied(signed, request)) = event else { return Ok(()) };
        let Some(FactsRecord::Release(facts)) = auditor.facts else {
            return Err(EntryFault::Decision("no facts are recorded"));
        };
        let same = facts.grant == request.grant
            && facts.purpose == request.purpose
            && facts.officer == signed.kid
            && statement == Some(signed.digest);
        if same { Ok(()) } else { Err(EntryFault::Decision("the facts are about another release")) }
    }

    fn key(&self, kid: crate::model::ids::KeyId) -> Result<Option<KeyRow>, AuditError> {
        let held: Option<Held<KeyRow>> =
            self.state.read(&kid.to_string()).map_err(|e| AuditError::Fold(e.to_string()))?;
        Ok(held.map(|held| held.row))
    }

    fn fold(&mut self, log: Log, at: Timestamp, event: &Event) -> Result<(), AuditError> {
        let entry = self.next(log);
        self.fold_at(entry, at, event)
    }

    fn fold_at(&mut self, entry: EntryRef, at: Timestamp, event: &Event) -> Result<(), AuditError> {
        fold::apply(&mut self.state, Recorded { entry, at }, event).map_err(|error| match error {
            FoldError::Refused(refusal) => AuditError::Entry { entry, what: refusal.into() },
            FoldError::Rows(error) => AuditError::Fold(error.to_string()),
        })
    }

    fn check_root(&self, log: Log, note: Option<&str>) -> Result<(), AuditError> {
        let (verifier, tiles): (Result<NoteVerifier, _>, _) = match log {
            Log::Register => (self.genesis.register_verifier(), &self.register),
            Log::Case => (self.genesis.case_verifier(), &self.case),
        };
        let Some(note) = note else {
            return if tiles.size() == 0 { Ok(()) } else { Err(AuditError::Root { log }) };
        };
        let checkpoint = Checkpoint::open(note, &verifier?).map_err(|source| AuditError::Checkpoint { log, source })?;
        let same = checkpoint.size() == tiles.size() && *checkpoint.root() == tiles.root();
        if same { Ok(()) } else { Err(AuditError::Root { log }) }
    }

    /// The projection the broker exported is exactly what the log folds to.
    fn check_facts(&self, input: &mut impl BufRead) -> Result<(), AuditError> {
        type Line = (String, String, Log, u64, String);
        for (kind, key, version, row) in self.state.facts() {
            let Some(line) = file("facts.jsonl", read_line::<Line>(input))? else {
                return Err(AuditError::Facts(format!("{kind} {key} is missing")));
            };
            let expected = (kind, key, version.log, version.index, row);
            let found = (line.0.as_str(), line.1.as_str(), line.2, line.3, line.4.as_str());
            if found != expected {
                return Err(AuditError::Facts(format!("expected {kind} {key}, found {} {}", line.0, line.1)));
            }
        }
        match file("facts.jsonl", read_line::<Line>(input))? {
            None => Ok(()),
            Some(line) => Err(AuditError::Facts(format!("{} {} is not in the log", line.0, line.1))),
        }
    }

    fn summary(self) -> Summary {
        Summary {
            register_size: self.register.size(),
            case_size: self.case.size(),
            facts: self.state.len() as u64,
            events: self.events,
            signatures: self.signatures,
            last_at: self.last_at,
            card: self.genesis.card().to_string(),
            witnessed: self.genesis.genesis().witness_quorum > 0,
        }
    }
}
