//! Deciding again: every recorded decision is re-derived from the log and the policies of its time.
//!
//! What is re-derived is compared as text with what was recorded, so nothing a decision says can differ unseen. It
//! permits nothing: the engine is asked for reasons only.

use super::{
    bundle::Inputs,
    finding::{AuditError, Disagreement, EntryFault, Summary},
    verify::verify_with,
    walk::{Observer, Step},
};
use crate::{
    model::{
        bundle::Bundle,
        event::Event,
        facts::{OwnerFetchFacts, ReleaseFacts},
        fold::State,
        ids::Digest,
        view::{OwnerFetchView, ReleaseView},
    },
    policy::{Engine, Reason},
    wire::{
        entry::{AuditorPart, FactsRecord},
        genesis::{Card, SignedGenesis},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufRead,
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
}

/// Decides again while the logs are folded.
pub struct Replay {
    engines: BTreeMap<Digest, Engine>,
    replayed: Replayed,
}

impl Replay {
    /// Loads the bundles that came with an export.
    ///
    /// # Errors
    /// [`AuditError::Policies`] unless they are exactly those that were ever in force, and each loads.
    pub fn under(bundles: &[Bundle], in_force: &[Digest]) -> Result<Self, AuditError> {
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
            None => Ok(Self { engines, replayed: Replayed::default() }),
        }
    }

    /// What was re-derived so far.
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    fn judge(&self, bundle: Digest, judge: impl FnOnce(&Engine) -> Vec<Reason>) -> Result<Vec<String>, AuditError> {
        let missing = || AuditError::Policies(format!("{bundle} was in force and is missing"));
        let engine = self.engines.get(&bundle).ok_or_else(missing)?;
        Ok(judge(engine).into_iter().map(|reason| reason.id).collect())
    }

    /// What the broker should have recorded; `None` for what is no decision.
    fn derive(&self, facts: &State, event: &Event, recorded: &AuditorPart) -> Result<Option<AuditorPart>, AuditError> {
        let failed = |e: &dyn std::error::Error| AuditError::Fold(e.to_string());
        match event {
            Event::Released(signed, request) | Event::ReleaseDenied(signed, request) => {
                let view = ReleaseView::load(facts, request.grant, signed.kid).map_err(|e| failed(&e))?;
                // Without clocks or a view nothing can be derived; the walk's own checks say so of this entry.
                let Some((view, clocks)) = view.zip(recorded.clocks) else { return Ok(None) };
                let facts = ReleaseFacts::of(view, request.clone(), clocks);
                let reasons = self.judge(facts.bundle(), |engine| engine.rejudge_release(&facts))?;
                let record = FactsRecord::Release(Box::new(facts.record().clone()));
                Ok(Some(AuditorPart::decided(record, Some(clocks), facts.bundle(), reasons)))
            }
            Event::OwnerHeaderFetched(report, key) => {
                let view = OwnerFetchView::load(facts, *report, *key).map_err(|e| failed(&e))?;
                let Some(facts) = view.map(OwnerFetchFacts::of) else { return Ok(None) };
                let reasons = self.judge(facts.bundle(), |engine| engine.rejudge_owner_fetch(&facts))?;
                let record = FactsRecord::OwnerFetch(facts.record().clone());
                Ok(Some(AuditorPart::decided(record, None, facts.bundle(), reasons)))
            }
            _ => Ok(None),
        }
    }

    fn count(&mut self, event: &Event, bundle: Option<Digest>) {
        let count = match event {
            Event::Released(..) => &mut self.replayed.released,
            Event::ReleaseDenied(..) => &mut self.replayed.release_denied,
            _ => &mut self.replayed.owner_header_fetched,
        };
        *count += 1;
        self.replayed.bundles.extend(bundle);
    }
}

impl Observer for Replay {
    fn before(&mut self, facts: &State, step: &Step<'_>) -> Result<(), AuditError> {
        let Some((text, recorded)) = step.auditor else { return Ok(()) };
        let Some(derived) = self.derive(facts, step.event, recorded)? else { return Ok(()) };
        let bundle = derived.bundle;
        let derived = serde_json::to_string(&derived).map_err(|e| AuditError::Fold(e.to_string()))?;
        if derived == text {
            self.count(step.event, bundle);
            return Ok(());
        }
        let what = Disagreement { recorded: text.to_owned(), derived };
        Err(AuditError::Entry { entry: step.recorded.entry, what: EntryFault::Replay(Box::new(what)) })
    }
}

/// Checks a whole bundle and decides again whatever was decided.
///
/// # Errors
/// The first thing that does not hold or comes out otherwise.
pub fn replay<R: BufRead, C: BufRead, F: BufRead>(
    inputs: Inputs<R, C, F>,
    card: Option<&Card>,
    bundles: &[Bundle],
) -> Result<(Summary, Replayed), AuditError> {
    let genesis = SignedGenesis::parse(&inputs.genesis)?;
    let mut replay = Replay::under(bundles, &[genesis.genesis().bundle])?;
    let walk = verify_with(inputs, card, &mut replay)?;
    let summary = walk.summary();
    Ok((summary, replay.replayed))
}
