//! Deciding again: every recorded decision is re-derived from the log and the policies of its time.
//!
//! What is re-derived is compared as text with what was recorded, so nothing a decision says can differ unseen. It
//! permits nothing: the engine is asked for reasons only.

use super::{
    bundle::Inputs,
    finding::{AuditError, Disagreement, EntryFault, Summary},
    observer::{Observer, Step},
    verify::verify_with,
};
use crate::{
    model::{
        bundle::Bundle,
        event::{EntryRef, Event},
        facts::{OwnerFetchFacts, ReleaseFacts},
        fold::State,
        ids::Digest,
        limits,
        view::{OwnerFetchView, ReleaseView},
    },
    policy::{Engine, Reason},
    wire::{
        entry::{AuditorPart, Decision, FactsRecord},
        genesis::{Card, SignedGenesis},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufRead,
    panic::resume_unwind,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

/// How many decisions came out as they were recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Releases.
    pub released: u64,
    /// Releases denied.
    pub release_denied: u64,
    /// Owners' own headers.
    pub owner_header_fetched: u64,
    /// Digests of the policy bundles they were decided under.
    pub bundles: BTreeSet<Digest>,
}

impl Replayed {
    /// Decisions of every kind.
    pub fn decisions(&self) -> u64 {
        self.released + self.release_denied + self.owner_header_fetched
    }

    fn count(&mut self, decided: &AuditorPart) {
        let count = match (&decided.facts, decided.decision) {
            (Some(FactsRecord::OwnerFetch(_)), _) => &mut self.owner_header_fetched,
            (_, Some(Decision::Allow)) => &mut self.released,
            _ => &mut self.release_denied,
        };
        *count += 1;
        self.bundles.extend(decided.bundle);
    }
}

/// The rules of every time.
struct Judge(BTreeMap<Digest, Engine>);

impl Judge {
    /// Loads the bundles that came with an export: exactly those that were ever in force, each of which loads.
    fn under(bundles: &[Bundle], in_force: &[Digest]) -> Result<Self, AuditError> {
        let mut engines = BTreeMap::new();
        for bundle in bundles {
            let digest = bundle.digest();
            if !in_force.contains(&digest) {
                return Err(AuditError::Policies(format!("no rules with the digest {digest} were ever in force")));
            }
            let engine = Engine::load(bundle).map_err(|e| AuditError::Policies(format!("{digest}: {e}")))?;
            engines.insert(digest, engine);
        }
        match in_force.iter().find(|digest| !engines.contains_key(digest)) {
            Some(missing) => Err(AuditError::Policies(format!("{missing} was in force and is missing"))),
            None => Ok(Self(engines)),
        }
    }

    /// Answers until nobody asks any more, or a decision comes out otherwise.
    fn answer(&self, questions: Receiver<Question>) -> Result<Replayed, AuditError> {
        let mut replayed = Replayed::default();
        for question in questions {
            let derived = self.derive(&question.facts)?;
            let text = serde_json::to_string(&derived).map_err(|e| AuditError::Fold(e.to_string()))?;
            if text != question.recorded {
                let what = Disagreement { recorded: question.recorded, derived: text };
                return Err(AuditError::Entry { entry: question.entry, what: EntryFault::Replay(Box::new(what)) });
            }
            replayed.count(&derived);
        }
        Ok(replayed)
    }

    /// What the broker should have recorded.
    fn derive(&self, facts: &Facts) -> Result<AuditorPart, AuditError> {
        match facts {
            Facts::Release(facts) => {
                let reasons = self.judge(facts.bundle(), |engine| engine.rejudge_release(facts))?;
                let record = FactsRecord::Release(Box::new(facts.record().clone()));
                Ok(AuditorPart::decided(record, Some(facts.clocks()), facts.bundle(), reasons))
            }
            Facts::OwnerFetch(facts) => {
                let reasons = self.judge(facts.bundle(), |engine| engine.rejudge_owner_fetch(facts))?;
                let record = FactsRecord::OwnerFetch(facts.record().clone());
                Ok(AuditorPart::decided(record, Some(facts.clocks()), facts.bundle(), reasons))
            }
        }
    }

    fn judge(&self, bundle: Digest, judge: impl FnOnce(&Engine) -> Vec<Reason>) -> Result<Vec<String>, AuditError> {
        let missing = || AuditError::Policies(format!("{bundle} was in force and is missing"));
        let engine = self.0.get(&bundle).ok_or_else(missing)?;
        Ok(judge(engine).into_iter().map(|reason| reason.id).collect())
    }
}

/// A decision to be made again.
struct Question {
    entry: EntryRef,
    facts: Facts,
    /// The auditor's part as it was recorded.
    recorded: String,
}

/// What a decision is made from, derived from the log.
enum Facts {
    Release(Box<ReleaseFacts>),
    OwnerFetch(Box<OwnerFetchFacts>),
}

impl Facts {
    /// Of an entry before it is folded; `None` for what is no decision.
    fn derive(folded: &State, event: &Event, recorded: &AuditorPart) -> Result<Option<Self>, AuditError> {
        let failed = |e: &dyn std::error::Error| AuditError::Fold(e.to_string());
        match event {
            Event::Released(signed, request) | Event::ReleaseDenied(signed, request) => {
                let view = ReleaseView::load(folded, request.grant, signed.kid).map_err(|e| failed(&e))?;
                // Without clocks or a view nothing can be derived; the walk's own checks say so of this entry.
                let facts = view.zip(recorded.clocks);
                let facts = facts.map(|(view, clocks)| ReleaseFacts::of(view, request.clone(), clocks));
                Ok(facts.map(|facts| Self::Release(Box::new(facts))))
            }
            Event::OwnerHeaderFetched(report, key) => {
                let view = OwnerFetchView::load(folded, *report, *key).map_err(|e| failed(&e))?;
                let facts = view.zip(recorded.clocks).map(|(view, clocks)| OwnerFetchFacts::of(view, clocks));
                Ok(facts.map(|facts| Self::OwnerFetch(Box::new(facts))))
            }
            _ => Ok(None),
        }
    }
}

/// Asks for each decision as the walk comes by it.
struct Asking(SyncSender<Question>);

impl Observer for Asking {
    fn before(&mut self, facts: &State, step: &Step<'_>) -> Result<(), AuditError> {
        let Some((text, recorded)) = step.auditor else { return Ok(()) };
        let Some(facts) = Facts::derive(facts, step.event, recorded)? else { return Ok(()) };
        let question = Question { entry: step.recorded.entry, facts, recorded: text.to_owned() };
        // Nobody answers any more: what the judge found ends the walk, and is told instead of this.
        self.0.send(question).map_err(|_| AuditError::Fold("a decision came out otherwise".to_owned()))
    }
}

/// Checks a whole bundle and decides again whatever was decided, each on a thread of its own.
///
/// # Errors
/// The first thing that does not hold or comes out otherwise.
pub fn replay<R: BufRead, C: BufRead, F: BufRead>(
    inputs: Inputs<R, C, F>,
    card: Option<&Card>,
    bundles: &[Bundle],
) -> Result<(Summary, Replayed), AuditError> {
    let genesis = SignedGenesis::parse(&inputs.genesis)?;
    let judge = Judge::under(bundles, &[genesis.genesis().bundle])?;
    let (walked, judged) = thread::scope(|scope| {
        let (ask, questions) = mpsc::sync_channel(limits::DECISIONS_WAITING);
        let judging = scope.spawn(move || judge.answer(questions));
        let walked = verify_with(inputs, card, &mut Asking(ask));
        (walked, judging.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    match (walked, judged) {
        (Ok(walk), Ok(replayed)) => Ok((walk.summary(), replayed)),
        (Ok(_), Err(found)) | (Err(found), Ok(_)) => Err(found),
        (Err(walked), Err(judged)) => Err(told_first(walked, judged)),
    }
}

/// The walk is ahead of the judge, so what the judge found stands earlier. Of the same entry a rule that was broken says
/// more than a decision that differs because of it, and a decision says more than that its facts differ.
fn told_first(walked: AuditError, judged: AuditError) -> AuditError {
    match (&walked, &judged) {
        (AuditError::Entry { entry, what }, AuditError::Entry { entry: same, .. })
            if entry == same && !matches!(what, EntryFault::Facts) =>
        {
            walked
        }
        _ => judged,
    }
}
