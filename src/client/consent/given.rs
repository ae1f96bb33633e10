//! The grants this identity gave, by its own receipts and by the broker's list together: a broker that leaves a grant out
//! of the list must not keep it from being withdrawn.

use crate::{
    client::{fetched::grant_of, memory::Memory},
    model::{
        grant::{EndCause, Grant, GrantState, Scope},
        ids::{Digest, GrantId},
        statement::{Body, Kind},
        time::Timestamp,
    },
    wire::{api::GrantSummary, statement::Unverified},
};
use std::collections::{BTreeMap, BTreeSet};

/// A grant that was given.
#[derive(Debug, Clone)]
pub struct Given {
    /// The grant.
    pub id: GrantId,
    /// Its terms.
    pub terms: Grant,
    /// Releases so far; none where the broker was not asked.
    pub collected: Option<u32>,
    /// Where the broker says it stands, if it was asked.
    pub state: Option<GrantState>,
    /// What this device asked for when it withdrew it, if it did.
    pub withdrawn: Option<BTreeSet<Scope>>,
}

impl Given {
    /// Whether it can still be collected, as far as is known.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let ended = matches!(self.state, Some(GrantState::Ended { .. } | GrantState::Shredded { .. }));
        self.withdrawn.is_none() && !ended && now < self.terms.collect.until
    }

    /// Whether withdrawing these would change anything: it is open, or was collected and not withdrawn so far. Not knowing
    /// counts as collected.
    pub fn is_worth_withdrawing(&self, scopes: &[Scope], now: Timestamp) -> bool {
        let collected = self.collected != Some(0);
        let by_now = matches!(
            self.state,
            Some(
                GrantState::Ended { cause: EndCause::Revoked, .. }
                    | GrantState::Shredded { cause: EndCause::Revoked, .. }
            )
        );
        match &self.withdrawn {
            Some(asked) => collected && !asked.contains(&Scope::All) && scopes.iter().any(|s| !asked.contains(s)),
            // Withdrawn from another device, which knows what it asked for.
            None if by_now => false,
            None => collected || self.is_open(now),
        }
    }
}

/// Every grant for an own report this device has a receipt of, and every one in the broker's list.
pub fn given(memory: &Memory, listed: Option<&[GrantSummary]>) -> Vec<Given> {
    let mut withdrawn: BTreeMap<Digest, BTreeSet<Scope>> = BTreeMap::new();
    let mut found: BTreeMap<GrantId, Given> = BTreeMap::new();
    for stored in memory.receipts.values() {
        if let Ok(terms) = grant_of(&stored.statement) {
            let id = Digest::of(stored.statement.as_bytes()).into();
            found.insert(id, Given { id, terms, collected: None, state: None, withdrawn: None });
        } else if let Some((grant, scopes)) = revocation_of(&stored.statement) {
            withdrawn.entry(grant).or_default().extend(scopes);
        }
    }
    for summary in listed.unwrap_or_default() {
        let id = summary.id;
        let Ok(terms) = grant_of(&summary.statement) else { continue };
        let grant = found.entry(id).or_insert(Given { id, terms, collected: None, state: None, withdrawn: None });
        grant.collected = Some(summary.releases_used);
        grant.state = Some(summary.state.clone());
    }
    for grant in found.values_mut() {
        grant.withdrawn = withdrawn.remove(&grant.id.into());
    }
    found.into_values().filter(|grant| memory.report(grant.terms.report).is_some()).collect()
}

fn revocation_of(statement: &str) -> Option<(Digest, Vec<Scope>)> {
    let parsed = Unverified::parse_kind(statement, Kind::Revocation).ok()?;
    let grant = parsed.subject()?;
    match parsed.into_unverified_body() {
        Body::Revocation(revocation) => Some((grant, revocation.scopes)),
        _ => None,
    }
}
