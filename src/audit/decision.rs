//! Whether a decision recorded with an entry is about that entry, and made from what the log says.

use super::finding::{AuditError, EntryFault};
use crate::{
    model::{
        event::Event,
        facts::{OwnerFetchFacts, ReleaseFacts},
        fold::State,
        ids::Digest,
        time::Timestamp,
        view::{OwnerFetchView, ReleaseView},
    },
    wire::entry::{AuditorPart, Decision, FactsRecord},
};

/// A release, or its denial, carries the facts and clocks it was decided from; they must be about this very request and
/// of the time at which it was entered.
pub(super) fn check(
    event: &Event,
    at: Timestamp,
    auditor: &AuditorPart,
    statement: Option<Digest>,
    bundle: Digest,
) -> Result<(), EntryFault> {
    let expected = match event {
        Event::Released(..) | Event::OwnerHeaderFetched(..) => Some(Decision::Allow),
        Event::ReleaseDenied(..) => Some(Decision::Deny),
        _ => None,
    };
    if auditor.decision != expected {
        return Err(EntryFault::Decision("the decision recorded is another one"));
    }
    if auditor.bundle != expected.map(|_| bundle) {
        return Err(EntryFault::Decision("it was decided under another policy bundle"));
    }
    if (expected == Some(Decision::Deny)) == auditor.reasons.is_empty() {
        return Err(EntryFault::Decision("reasons and decision contradict each other"));
    }
    if matches!(event, Event::OwnerHeaderFetched(..)) && auditor.facts.is_none() {
        return Err(EntryFault::Decision("no facts are recorded"));
    }
    match (expected, auditor.clocks) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(EntryFault::Decision("clocks are recorded with no decision by them")),
        (Some(_), None) => return Err(EntryFault::Decision("no clocks are recorded")),
        (Some(_), Some(clocks)) if !clocks.suit_an_entry_at(at) => {
            return Err(EntryFault::Decision("its clocks are not of the time of its entry"));
        }
        (Some(_), Some(_)) => {}
    }
    let (Event::Released(signed, request) | Event::ReleaseDenied(signed, request)) = event else {
        return Ok(());
    };
    let Some(FactsRecord::Release(facts)) = &auditor.facts else {
        return Err(EntryFault::Decision("no facts are recorded"));
    };
    let same = facts.grant == request.grant
        && facts.purpose == request.purpose
        && facts.officer == signed.kid
        && statement == Some(signed.digest);
    if same { Ok(()) } else { Err(EntryFault::Decision("the facts are about another release")) }
}

/// Whether what was decided from is what the log folded to just before it.
pub(super) fn check_facts(
    facts: &State,
    event: &Event,
    auditor: &AuditorPart,
) -> Result<Result<(), EntryFault>, AuditError> {
    let failed = |e: &dyn std::error::Error| AuditError::Fold(e.to_string());
    let same = match (event, &auditor.facts) {
        (
            Event::Released(signed, request) | Event::ReleaseDenied(signed, request),
            Some(FactsRecord::Release(recorded)),
        ) => {
            let view = ReleaseView::load(facts, request.grant, signed.kid).map_err(|e| failed(&e))?;
            // Only the clocks are the broker's word, and the time of the entry bounds them: all else follows.
            view.zip(auditor.clocks)
                .is_some_and(|(view, clocks)| *ReleaseFacts::of(view, request.clone(), clocks).record() == **recorded)
        }
        (Event::OwnerHeaderFetched(report, key), Some(FactsRecord::OwnerFetch(recorded))) => {
            let view = OwnerFetchView::load(facts, *report, *key).map_err(|e| failed(&e))?;
            let same = |(view, clocks)| OwnerFetchFacts::of(view, clocks).record() == recorded;
            view.zip(auditor.clocks).is_some_and(same)
        }
        (Event::Released(..) | Event::ReleaseDenied(..) | Event::OwnerHeaderFetched(..), _) => false,
        _ => true,
    };
    Ok(if same { Ok(()) } else { Err(EntryFault::Facts) })
}
