//! The proof that policies allow one act.

use crate::model::{
    event::EntryRef,
    facts::{OwnerFetchFacts, OwnerFetchRecord, RedeliveryFacts, ReleaseFacts, ReleaseRecord},
    ids::{Digest, KeyId, ReleaseId, ReportId},
    release::ReleaseRequest,
    time::{Clocks, Timestamp},
    view::Citation,
};

/// Policies allow `A`, given exactly the facts inside. Neither `Clone` nor `Copy`: it is spent by value.
#[must_use = "a permit does nothing until the store spends it"]
#[derive(Debug)]
pub struct Permit<A> {
    // INVARIANT: made in `policy` alone, after Cedar answered Allow without an error on these facts.
    action: A,
}

/// One delivery of a header.
#[derive(Debug)]
pub struct Release(ReleaseFacts);

/// The same delivery once more.
#[derive(Debug)]
pub struct Redelivery(RedeliveryFacts);

/// An owner's own header.
#[derive(Debug)]
pub struct OwnerFetch(OwnerFetchFacts);

impl Permit<Release> {
    pub(in crate::policy) fn release(facts: ReleaseFacts) -> Self {
        Self { action: Release(facts) }
    }
    /// The request it was decided for.
    pub fn request(&self) -> &ReleaseRequest {
        self.action.0.request()
    }
    /// Digest the released header must have.
    pub fn header(&self) -> Digest {
        self.action.0.header()
    }
    /// Rows and versions it was decided from.
    pub fn citations(&self) -> &[Citation] {
        self.action.0.citations()
    }
    /// First second it no longer holds.
    pub fn valid_before(&self) -> Timestamp {
        self.action.0.valid_before()
    }
    /// The facts, for the auditors.
    pub fn record(&self) -> &ReleaseRecord {
        self.action.0.record()
    }
    /// The clocks it was decided by.
    pub fn clocks(&self) -> Clocks {
        self.action.0.clocks()
    }
    /// The bundle it was decided under.
    pub fn bundle(&self) -> Digest {
        self.action.0.bundle()
    }
}

impl Permit<Redelivery> {
    pub(in crate::policy) fn redelivery(facts: RedeliveryFacts) -> Self {
        Self { action: Redelivery(facts) }
    }
    /// The release delivered again.
    pub fn release_id(&self) -> ReleaseId {
        self.action.0.release()
    }
    /// The entry that recorded it.
    pub fn entry(&self) -> Option<EntryRef> {
        self.action.0.entry()
    }
    /// The grant.
    pub fn record(&self) -> &ReleaseRecord {
        self.action.0.record()
    }
    /// Digest the header must have.
    pub fn header(&self) -> Digest {
        self.action.0.header()
    }
    /// Rows and versions it was decided from.
    pub fn citations(&self) -> &[Citation] {
        self.action.0.citations()
    }
    /// First second it no longer holds.
    pub fn valid_before(&self) -> Timestamp {
        self.action.0.valid_before()
    }
}

impl Permit<OwnerFetch> {
    pub(in crate::policy) fn owner_fetch(facts: OwnerFetchFacts) -> Self {
        Self { action: OwnerFetch(facts) }
    }
    /// The report.
    pub fn report(&self) -> ReportId {
        self.action.0.record().report
    }
    /// The owner's key.
    pub fn caller(&self) -> KeyId {
        self.action.0.record().caller
    }
    /// Digest the header must have.
    pub fn header(&self) -> Digest {
        self.action.0.header()
    }
    /// Rows and versions it was decided from.
    pub fn citations(&self) -> &[Citation] {
        self.action.0.citations()
    }
    /// The clocks it was decided by.
    pub fn clocks(&self) -> Clocks {
        self.action.0.clocks()
    }
    /// The facts, for the auditors.
    pub fn record(&self) -> &OwnerFetchRecord {
        self.action.0.record()
    }
    /// The bundle it was decided under.
    pub fn bundle(&self) -> Digest {
        self.action.0.bundle()
    }
}
