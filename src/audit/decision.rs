//! Whether a decision recorded with an entry is about that entry, and made from what the log says.

use super::finding::{AuditError, EntryFault};
use crate::{
    model::{
        event::Event,
        facts::{OwnerFetchFacts, ReleaseFacts, ReleaseRecord},
        fold::State,
        ids::Digest,
        time::{Clocks, Timestamp, Window},
        view::{OwnerFetchView, ReleaseView},
    },
    wire::entry::{AuditorPart, Decision, FactsRecord},
};

/// A release carries the facts it was decided from; they must be about this very release, and allow it.
pub(super) fn check(
    event: &Event,
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
    let (Event::Released(signed, request) | Event::ReleaseDenied(signed, request)) = event else { return Ok(()) };
    let Some(FactsRecord::Release(facts)) = &auditor.facts else {
        return Err(EntryFault::Decision("no facts are recorded"));
    };
    let same = facts.grant == request.grant
        && facts.purpose == request.purpose
        && facts.officer == signed.kid
        && statement == Some(signed.digest);
    if same { Ok(()) } else { Err(EntryFault::Decision("the facts are about another release")) }
}

/// Whether what an allowed act was decided from is what the log folded to just before it.
pub(super) fn check_facts(
    facts: &State,
    event: &Event,
    auditor: &AuditorPart,
) -> Result<Result<(), EntryFault>, AuditError> {
    let failed = |e: &dyn std::error::Error| AuditError::Fold(e.to_string());
    let same = match (event, &auditor.facts) {
        (Event::Released(signed, request), Some(FactsRecord::Release(recorded))) => {
            let view = ReleaseView::load(facts, request.grant, signed.kid).map_err(|e| failed(&e))?;
            // Only `now` is the broker's word: it follows from two of the facts, and all others from it.
            let clocks = view.as_ref().and_then(|view| clocks_of(view.grant().grant.collect, recorded));
            view.zip(clocks)
                .is_some_and(|(view, clocks)| *ReleaseFacts::of(view, request.clone(), clocks).record() == **recorded)
        }
        (Event::OwnerHeaderFetched(report, key), Some(FactsRecord::OwnerFetch(recorded))) => {
            let view = OwnerFetchView::load(facts, *report, *key).map_err(|e| failed(&e))?;
            view.is_some_and(|view| OwnerFetchFacts::of(view).record() == recorded)
        }
        (Event::Released(..) | Event::OwnerHeaderFetched(..), _) => false,
        _ => true,
    };
    Ok(if same { Ok(()) } else { Err(EntryFault::Decision("the facts are not those of the log")) })
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
