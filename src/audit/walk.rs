//! Folding both logs as the broker did, entry by entry, and checking each on the way.
//!
//! A [`Walk`] holds what has been folded so far, so that a log can be followed as it grows. Whoever wants to see more of
//! it than that it holds looks on as an [`Observer`].

mod signatures;
mod summary;

use super::{
    bodies::{Bodies, Closed},
    decision,
    finding::{AuditError, EntryFault, word},
    observer::{Observer, Step},
    read::{Auditor, Entry, Record},
    tree::Tree,
};
use crate::{
    model::{
        event::{EntryRef, Event, Log, Recorded},
        fold::{self, FoldError, State},
        statement::Body,
        time::Timestamp,
    },
    tlog::{Checkpoint, MemoryTiles, leaf_hash},
    wire::{
        api::{CaseLine, CaseRecord},
        entry::{EntryError, Shared},
        genesis::SignedGenesis,
        statement::{Seen, SeenTree, Verified},
        trust::Trust,
    },
};
use std::{collections::BTreeMap, ops::Bound};

/// Where the next register entry comes from when a case entry has seen it; `None` when there is no more.
pub type NextRegister<'a> = &'a mut dyn FnMut() -> Result<Option<String>, AuditError>;

/// What both logs folded to so far.
pub struct Walk {
    genesis: SignedGenesis,
    state: State,
    register: Tree,
    case: Tree,
    bodies: Bodies,
    last_at: Timestamp,
    events: BTreeMap<&'static str, u64>,
    signatures: u64,
    /// Sizes of the register, and the first case entry that saw so much of it.
    register_seen: BTreeMap<u64, u64>,
    /// The roster last read, and the entry that put it in force.
    trust: Option<(EntryRef, Trust)>,
    holds: Holds,
}

/// How much of the case log a walk is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Every entry, or what is left of it.
    Whole,
    /// Some entries, or none: what is not here may be elsewhere.
    Part,
}

impl Walk {
    /// Before entry 0.
    pub fn new(genesis: SignedGenesis) -> Self {
        Self {
            genesis,
            state: State::default(),
            register: Tree::default(),
            case: Tree::default(),
            bodies: Bodies::default(),
            last_at: Timestamp::default(),
            events: BTreeMap::new(),
            signatures: 0,
            register_seen: BTreeMap::new(),
            trust: None,
            holds: Holds::Whole,
        }
    }

    /// As [`Walk::new`], for somebody who is given the register and only some entries of the case log.
    pub fn of_part(genesis: SignedGenesis) -> Self {
        Self { holds: Holds::Part, ..Self::new(genesis) }
    }

    /// The facts folded so far.
    pub fn facts(&self) -> &State {
        &self.state
    }
    /// The trust root.
    pub fn genesis(&self) -> &SignedGenesis {
        &self.genesis
    }
    /// The tree of a log so far.
    pub fn tree(&self, log: Log) -> &MemoryTiles {
        self.grown(log).tiles()
    }
    fn grown(&self, log: Log) -> &Tree {
        match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        }
    }

    /// Takes the next register entry.
    ///
    /// # Errors
    /// What does not hold of it.
    pub fn register(&mut self, text: &str, observer: &mut dyn Observer) -> Result<(), AuditError> {
        let shared = Shared::parse(text).map_err(|e| self.fault(Log::Register, e.into()))?;
        if self.tree(Log::Register).size() == 0 {
            self.lay_genesis(text)?;
        } else {
            self.apply(self.next(Log::Register), shared.into(), observer)?;
        }
        self.register.append_leaf(leaf_hash(text.as_bytes()));
        Ok(())
    }

    /// Takes the next case entry, after the register entries it says it has seen.
    ///
    /// # Errors
    /// What does not hold of it.
    pub fn case(
        &mut self,
        line: &CaseLine,
        register: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        self.read(Record::opened(line), register, observer)
    }

    /// Takes an entry out of a case log that is not here whole, after the register entries it says it has seen. Its place
    /// in the log must have been proved otherwise, and its leaf opened.
    ///
    /// # Errors
    /// What does not hold of it.
    pub fn disclosed(
        &mut self,
        index: u64,
        shared: &Shared,
        register: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        self.case_entry(EntryRef { log: Log::Case, index }, shared.clone().into(), register, observer)
    }

    /// Takes the next line of a case log: an entry, or what is left of one.
    ///
    /// # Errors
    /// What does not hold of it.
    pub fn case_record(
        &mut self,
        record: CaseRecord,
        register: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        self.read(Record::of(record), register, observer)
    }

    /// As [`Walk::case_record`], of a line that was opened before.
    pub(super) fn read(
        &mut self,
        record: Result<Record, EntryFault>,
        register: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        let entry = self.next(Log::Case);
        let fault = |what| AuditError::Entry { entry, what };
        match record.map_err(fault)? {
            Record::Opened(read, leaf) => {
                self.case.append_leaf(leaf);
                self.bodies.opened(&read.shared.event);
                self.case_entry(entry, *read, register, observer)
            }
            Record::Closed(leaf) => {
                let leaf = self.bodies.closed(&leaf).map_err(|e| fault(e.into()))?;
                self.case.append_leaf(leaf_hash(leaf.as_bytes()));
                Ok(())
            }
        }
    }

    /// Takes a case entry after the register entries it says it has seen.
    fn case_entry(
        &mut self,
        entry: EntryRef,
        read: Entry,
        register: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        let framing = || AuditError::Entry { entry, what: EntryError::Framing.into() };
        let until = read.shared.register_size.ok_or_else(framing)?;
        self.register_until(entry, until, register, observer)?;
        self.apply(entry, read, observer)
    }

    /// Whether an entry was taken without its body.
    pub fn is_closed(&self, index: u64) -> bool {
        self.bodies.is_closed(index)
    }

    /// Whether the log says of every body that is not here why it is not. A body may be explained by a later entry, so
    /// whoever follows a log asks when it has read all there is.
    ///
    /// # Errors
    /// [`EntryFault::Unopened`].
    pub fn closed(&self) -> Result<Closed, AuditError> {
        self.bodies.explained(&self.state)
    }

    fn register_until(
        &mut self,
        seen_by: EntryRef,
        size: u64,
        next: NextRegister<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), AuditError> {
        let fault = |what| AuditError::Entry { entry: seen_by, what: EntryFault::Order(what) };
        if size < self.tree(Log::Register).size() {
            return Err(fault("the register it saw is smaller than one seen before"));
        }
        while self.tree(Log::Register).size() < size {
            let text = next()?.ok_or_else(|| fault("it saw register entries that are not here"))?;
            self.register(&text, observer)?;
        }
        self.register_seen.entry(size).or_insert(seen_by.index);
        Ok(())
    }

    /// How many case entries were made while the register had no more than `register` entries: all before the first that
    /// saw more. One whose body is gone says nothing of that, so those right before it count.
    pub fn case_until(&self, register: u64) -> u64 {
        let mut later = self.register_seen.range((Bound::Excluded(register), Bound::Unbounded));
        later.next().map_or_else(|| self.tree(Log::Case).size(), |(_, index)| *index)
    }

    fn next(&self, log: Log) -> EntryRef {
        EntryRef { log, index: self.tree(log).size() }
    }

    fn fault(&self, log: Log, what: EntryFault) -> AuditError {
        AuditError::Entry { entry: self.next(log), what }
    }

    fn lay_genesis(&mut self, text: &str) -> Result<(), AuditError> {
        let ours = self.genesis.entry();
        let expected = ours.encode().map_err(|e| self.fault(Log::Register, e.into()))?;
        if text != expected {
            return Err(self.fault(Log::Register, EntryFault::Order("it is not the genesis in genesis.note")));
        }
        let event = Event::GenesisLaid(Box::new(self.genesis.genesis().clone()), self.genesis.digest());
        self.last_at = ours.at;
        self.fold(Recorded { entry: self.next(Log::Register), at: ours.at }, &event)
    }

    fn apply(&mut self, entry: EntryRef, read: Entry, observer: &mut dyn Observer) -> Result<(), AuditError> {
        let Entry { shared, statement, auditor } = read;
        let fault = |what| AuditError::Entry { entry, what };
        // One clock for both logs: entries come here in the order in which the case log says it saw the register. A
        // release that claims an older register than stood there at its time makes the entry it passed over late.
        if shared.at < self.last_at {
            return Err(fault(EntryFault::Order("its time lies before the entry before it, in whichever log")));
        }
        self.last_at = shared.at;
        let verified = self.verified(entry, statement)?;
        let digest = verified.as_ref().map(|v: &Verified<_>| v.signed().digest);
        if let Some(seen) = verified.as_ref().and_then(Verified::seen) {
            self.check_seen(seen).map_err(fault)?;
        }
        let event = self.trust()?.event(&shared, entry.log, verified).map_err(|e| fault(e.into()))?;
        self.check_trees(&event).map_err(fault)?;
        let recorded = Recorded { entry, at: shared.at };
        let auditor = auditor.map(|Auditor { text, part }| Ok((text, part?))).transpose();
        let auditor = auditor.map_err(|e: EntryError| fault(e.into()))?;
        let mut facts_agree = Ok(());
        if let Some((_, auditor)) = &auditor {
            let bundle = self.genesis.genesis().bundle;
            decision::check(&event, shared.at, auditor, digest, bundle).map_err(fault)?;
            facts_agree = decision::check_facts(&self.state, &event, auditor)?;
        }
        let auditor = auditor.as_ref().map(|(text, part)| (text.as_str(), part));
        let step = Step { recorded, event: &event, auditor };
        let observed = observer.before(&self.state, &step);
        *self.events.entry(word(&event)).or_default() += 1;
        // A rule that was broken says more than facts that differ because of it, so it is told first; and whoever looks
        // on may know more of how they differ.
        self.fold(recorded, &event)?;
        observed?;
        facts_agree.map_err(fault)
    }

    /// What a signer had verified is a state of these very logs. Otherwise they were shown others.
    fn check_seen(&self, seen: Seen) -> Result<(), EntryFault> {
        let same = |log, tree: SeenTree| self.grown(log).had(tree.size, tree.root);
        let case = self.holds == Holds::Part || same(Log::Case, seen.case);
        if case && same(Log::Register, seen.register) { Ok(()) } else { Err(EntryFault::Seen) }
    }

    /// What somebody vouched for is a state of these very logs.
    fn check_trees(&self, event: &Event) -> Result<(), EntryFault> {
        let same = |log, size, root| self.grown(log).had(size, root);
        match event {
            Event::Cosigned(cosigned) if !same(cosigned.log, cosigned.size, cosigned.root) => {
                Err(EntryFault::Order("witnesses cosigned another log than this one"))
            }
            Event::Accepted(_, Body::Audited(audited))
                if !same(Log::Register, audited.register.size, audited.register.root)
                    || !same(Log::Case, audited.case.size, audited.case.root) =>
            {
                Err(EntryFault::Order("an auditor vouched for another log than this one"))
            }
            // Whoever holds only a part cannot say which bodies are gone.
            Event::RolledForward(lost) if self.holds == Holds::Whole => self.bodies.lost(*lost),
            Event::BodyShredded(index, _) if self.holds == Holds::Whole => self.bodies.shredded(*index),
            _ => Ok(()),
        }
    }

    fn fold(&mut self, recorded: Recorded, event: &Event) -> Result<(), AuditError> {
        fold::apply(&mut self.state, recorded, event).map_err(|error| match error {
            FoldError::Refused(refusal) => AuditError::Entry { entry: recorded.entry, what: refusal.into() },
            FoldError::Rows(error) => AuditError::Fold(error.to_string()),
        })
    }

    /// Whether a checkpoint signs exactly the entries taken so far; an empty log needs none.
    ///
    /// # Errors
    /// [`AuditError::Checkpoint`], [`AuditError::Root`].
    pub fn check_root(&mut self, log: Log, note: Option<&str>) -> Result<(), AuditError> {
        let Some(note) = note else {
            return if self.tree(log).size() == 0 { Ok(()) } else { Err(AuditError::Root { log }) };
        };
        let verifier = self.trust()?.log(log);
        let checkpoint = Checkpoint::open(note, verifier).map_err(|source| AuditError::Checkpoint { log, source })?;
        let tiles = self.tree(log);
        let same = checkpoint.size() == tiles.size() && *checkpoint.root() == tiles.root();
        if same { Ok(()) } else { Err(AuditError::Root { log }) }
    }
}
