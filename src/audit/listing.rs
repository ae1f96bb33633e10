//! Whether a signed listing leaves out an entry that concerns its party: then it is evidence against the broker.

use super::{
    finding::AuditError,
    observer::{Observer, Step},
    walk::Walk,
};
use crate::{
    model::{
        event::{EntryRef, Event, Log},
        fold::{State, concerned},
    },
    wire::listing::SignedListing,
};
use std::collections::BTreeSet;

/// Looks on while a bundle is folded, and notes what a listing should have named.
pub struct ListingCheck {
    listing: SignedListing,
    /// Indices of its range that concern its party.
    due: BTreeSet<u64>,
    /// Whom an entry concerns is judged by the facts after it: those the next entry meets.
    last: Option<(EntryRef, Event)>,
}

/// A listing that is not what the log says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingFault {
    /// It is of another log, or of a state this log never had.
    #[error("the listing was made from another log than this bundle's")]
    OtherLog,
    /// It leaves entries out.
    #[error("the listing leaves out entries {0:?}, which concern its party: it is evidence against the broker")]
    LeftOut(Vec<u64>),
    /// It names what does not concern its party.
    #[error("the listing names entries {0:?}, which do not concern its party")]
    TooMuch(Vec<u64>),
}

impl ListingCheck {
    /// For a listing whose signature was checked.
    pub fn new(listing: SignedListing) -> Self {
        Self { listing, due: BTreeSet::new(), last: None }
    }

    /// What the listing says.
    pub fn listing(&self) -> &SignedListing {
        &self.listing
    }

    fn note(&mut self, facts: &State) -> Result<(), AuditError> {
        let Some((entry, event)) = self.last.take() else { return Ok(()) };
        let within = entry.log == Log::Case && (self.listing.from..self.listing.until).contains(&entry.index);
        let parties = concerned(facts, &event).map_err(|e| AuditError::Fold(e.to_string()))?;
        if within && parties.contains(&self.listing.party) {
            self.due.insert(entry.index);
        }
        Ok(())
    }

    /// Holds the listing against the whole log.
    ///
    /// # Errors
    /// The outer one when facts cannot be read, the inner one when the listing is wrong.
    pub fn finish(mut self, walk: &Walk) -> Result<Result<(), ListingFault>, AuditError> {
        self.note(walk.facts())?;
        let root = crate::tlog::root_at(walk.tree(Log::Case), self.listing.size);
        if !root.is_ok_and(|root| root.as_bytes() == self.listing.root.as_bytes()) {
            return Ok(Err(ListingFault::OtherLog));
        }
        // What a body said that is gone, nobody can hold against a listing.
        let open = |index: &u64| !walk.is_closed(*index);
        let named: BTreeSet<u64> = self.listing.entries.iter().copied().filter(open).collect();
        let left_out: Vec<u64> = self.due.difference(&named).copied().collect();
        let too_much: Vec<u64> = named.difference(&self.due).copied().collect();
        Ok(match (left_out.is_empty(), too_much.is_empty()) {
            (false, _) => Err(ListingFault::LeftOut(left_out)),
            (true, false) => Err(ListingFault::TooMuch(too_much)),
            (true, true) => Ok(()),
        })
    }
}

impl Observer for ListingCheck {
    fn before(&mut self, facts: &State, step: &Step<'_>) -> Result<(), AuditError> {
        self.note(facts)?;
        self.last = Some((step.recorded.entry, step.event.clone()));
        Ok(())
    }
}
