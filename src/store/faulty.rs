//! A store whose every method can break, before it was done or after: what a test puts before a real one.
//!
//! Start at [`Faulty`]. It decides nothing and remembers nothing. A commit that breaks after it was done is told as
//! [`CommitError::Unknown`], as the contract asks of whoever lost an answer; one that breaks before, as the point says:
//! [`TimedOut`](io::ErrorKind::TimedOut) is an unknown outcome too, a full disk is [`CommitError::Full`], anything else
//! [`CommitError::Storage`].

use super::{
    Attachment, CommitError, ExportPart, Heads, Logged, OldBodies, OwnRecord, Pending, Published, Recorded, Store,
    StoreError, WaitingKey,
    faults::{Faults, When},
    room::Room,
};
use crate::{
    model::{
        event::{Cosigned, EntryRef, Log},
        facts::ReleaseFacts,
        ids::{Digest, GrantId, KeyId, PartyId, ReportId},
        release::ReleaseRequest,
        statement::Body,
        time::Timestamp,
    },
    policy::{Denied, OwnerFetch, Permit, Redelivery, Release},
    tlog::{Hash, TileId, TileWidth},
    wire::{api::BundleLine, statement::Verified},
};
use std::{io, ops::ControlFlow, sync::Arc};

/// A store behind points to break at.
pub struct Faulty {
    inner: Arc<dyn Store>,
    faults: Arc<dyn Faults>,
}

impl Faulty {
    /// Puts points before and after every method of `inner`.
    pub fn new(inner: Arc<dyn Store>, faults: Arc<dyn Faults>) -> Self {
        Self { inner, faults }
    }

    fn read<T>(
        &self,
        call: &'static str,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.faults.pass(call, When::Before).map_err(|e| broken(call, e))?;
        let found = read(&*self.inner)?;
        self.faults.pass(call, When::After).map_err(|e| broken(call, e))?;
        Ok(found)
    }

    fn commit<T: Send + 'static>(
        &self,
        call: &'static str,
        commit: impl FnOnce(&dyn Store) -> Pending<T>,
    ) -> Pending<T> {
        if let Err(error) = self.faults.pass(call, When::Before) {
            return Box::pin(std::future::ready(Err(not_committed(call, error))));
        }
        let (pending, faults) = (commit(&*self.inner), self.faults.clone());
        Box::pin(async move {
            let done = pending.await?;
            faults.pass(call, When::After).map_err(|_| CommitError::Unknown)?;
            Ok(done)
        })
    }
}

fn broken(call: &'static str, source: io::Error) -> StoreError {
    StoreError::File { what: "a point of a test broke", path: call.to_owned(), source }
}

fn not_committed(call: &'static str, error: io::Error) -> CommitError {
    match error.kind() {
        io::ErrorKind::TimedOut => CommitError::Unknown,
        io::ErrorKind::StorageFull => CommitError::Full,
        _ => CommitError::Storage(broken(call, error)),
    }
}

impl Store for Faulty {
    fn fact(&self, kind: &'static str, key: &str) -> Result<Option<(EntryRef, String)>, StoreError> {
        self.read("store.fact", |inner| inner.fact(kind, key))
    }
    fn listing(&self, viewer: PartyId, kind: &'static str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.read("store.listing", |inner| inner.listing(viewer, kind, after))
    }
    fn report_bytes(&self, owner: PartyId) -> Result<u64, StoreError> {
        self.read("store.report_bytes", |inner| inner.report_bytes(owner))
    }
    fn reports_after(&self, after: Option<ReportId>) -> Result<Vec<ReportId>, StoreError> {
        self.read("store.reports_after", |inner| inner.reports_after(after))
    }
    fn room(&self) -> Result<Room, StoreError> {
        self.read("store.room", Store::room)
    }
    fn due_grants(&self, now: Timestamp) -> Result<Vec<GrantId>, StoreError> {
        self.read("store.due_grants", |inner| inner.due_grants(now))
    }
    fn due_reports(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ReportId)>,
    ) -> Result<Vec<(Timestamp, ReportId)>, StoreError> {
        self.read("store.due_reports", |inner| inner.due_reports(now, after))
    }
    fn waiting(
        &self,
        party: PartyId,
        after: Option<&WaitingKey>,
        now: Timestamp,
    ) -> Result<Vec<WaitingKey>, StoreError> {
        self.read("store.waiting", |inner| inner.waiting(party, after, now))
    }
    fn old_bodies(&self, from: u64, before: Timestamp) -> Result<OldBodies, StoreError> {
        self.read("store.old_bodies", |inner| inner.old_bodies(from, before))
    }
    fn entry_shared(&self, entry: EntryRef) -> Result<Option<String>, StoreError> {
        self.read("store.entry_shared", |inner| inner.entry_shared(entry))
    }
    fn receipt(&self, entry: EntryRef) -> Result<String, StoreError> {
        self.read("store.receipt", |inner| inner.receipt(entry))
    }
    fn heads(&self) -> Result<Heads, StoreError> {
        self.read("store.heads", Store::heads)
    }
    fn root_at(&self, log: Log, size: u64) -> Result<Option<Digest>, StoreError> {
        self.read("store.root_at", |inner| inner.root_at(log, size))
    }
    fn checkpoint(&self, log: Log, since: u64) -> Result<Option<(String, Vec<String>)>, StoreError> {
        self.read("store.checkpoint", |inner| inner.checkpoint(log, since))
    }
    fn consistency(&self, log: Log, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.read("store.consistency", |inner| inner.consistency(log, from, to))
    }
    fn published(&self, log: Log) -> Result<Option<Published>, StoreError> {
        self.read("store.published", |inner| inner.published(log))
    }
    fn tile(&self, log: Log, id: TileId, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError> {
        self.read("store.tile", |inner| inner.tile(log, id, width))
    }
    fn entry_bundle(&self, log: Log, index: u64, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError> {
        self.read("store.entry_bundle", |inner| inner.entry_bundle(log, index, width))
    }
    fn last_entry_at(&self) -> Result<Timestamp, StoreError> {
        self.read("store.last_entry_at", Store::last_entry_at)
    }
    fn export(&self, part: ExportPart, line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.read("store.export", |inner| inner.export(part, line))
    }
    fn concerning(&self, party: PartyId, from: u64) -> Result<Vec<u64>, StoreError> {
        self.read("store.concerning", |inner| inner.concerning(party, from))
    }
    fn sign(&self, text: &str) -> Result<String, StoreError> {
        self.inner.sign(text)
    }

    fn accept(&self, statement: Verified<Body>, attachment: Attachment) -> Pending<Recorded> {
        self.commit("store.accept", |inner| inner.accept(statement, attachment))
    }
    fn receive_header(&self, grant: GrantId, header: Vec<u8>) -> Pending<Recorded> {
        self.commit("store.receive_header", |inner| inner.receive_header(grant, header))
    }
    fn commit_release(&self, permit: Permit<Release>, request: Verified<ReleaseRequest>) -> Pending<Logged<Release>> {
        self.commit("store.commit_release", |inner| inner.commit_release(permit, request))
    }
    fn redeliver(&self, permit: Permit<Redelivery>) -> Pending<Logged<Release>> {
        self.commit("store.redeliver", |inner| inner.redeliver(permit))
    }
    fn commit_owner_fetch(&self, permit: Permit<OwnerFetch>) -> Pending<Logged<OwnerFetch>> {
        self.commit("store.commit_owner_fetch", |inner| inner.commit_owner_fetch(permit))
    }
    fn deny(&self, denied: Denied<ReleaseFacts>, request: Verified<ReleaseRequest>) -> Pending<Recorded> {
        self.commit("store.deny", |inner| inner.deny(denied, request))
    }
    fn record(&self, what: OwnRecord) -> Pending<Recorded> {
        self.commit("store.record", |inner| inner.record(what))
    }
    fn cover(&self) -> Pending<()> {
        self.commit("store.cover", |inner| inner.cover())
    }
    fn publish(&self, log: Log, published: Published) -> Pending<()> {
        self.commit("store.publish", |inner| inner.publish(log, published))
    }
    fn record_cosigned(&self, cosigned: Cosigned, note: String) -> Pending<Recorded> {
        self.commit("store.record_cosigned", |inner| inner.record_cosigned(cosigned, note))
    }
    fn drop_owner_header(&self, report: ReportId) -> Pending<()> {
        self.commit("store.drop_owner_header", |inner| inner.drop_owner_header(report))
    }
    fn empty_wal(&self) -> Pending<bool> {
        self.commit("store.empty_wal", |inner| inner.empty_wal())
    }
    fn probe(&self) -> Pending<()> {
        self.commit("store.probe", |inner| inner.probe())
    }
    fn spend_assertion(&self, client: KeyId, jti: String, until: Timestamp) -> Pending<bool> {
        self.commit("store.spend_assertion", |inner| inner.spend_assertion(client, jti, until))
    }
    fn only_revoke(&self, why: &'static str) {
        self.inner.only_revoke(why);
    }
    fn revoke_only(&self) -> Option<&'static str> {
        self.inner.revoke_only()
    }
}
