//! The store's side of every method of the contract: each hands its operation to the writer, or reads.

use super::{
    batch::{Batch, form_of, read_entry, read_fact},
    bodies, guard,
    open::{SqliteStore, receipt_of},
    operations, published, read, schema,
    writer::{Job, Urgency},
};
use crate::{
    model::{
        event::{Cosigned, EntryRef, Event, Log},
        facts::ReleaseFacts,
        ids::{Digest, GrantId, KeyId, PartyId, ReportId},
        release::ReleaseRequest,
        rows::{ONLY, RosterRow, Row as _},
        statement::{Body, Kind},
        time::Timestamp,
    },
    policy::{Denied, OwnerFetch, Permit, Redelivery, Release},
    store::{
        Attachment, CommitError, ExportPart, Heads, Logged, OldBodies, OwnRecord, Pending, Published, Recorded, Store,
        StoreError, WaitingKey, room::Room,
    },
    tlog::{Hash, TileId, TileWidth},
    wire::{
        api::BundleLine,
        entry::{AuditorPart, Happening},
        statement::Verified,
    },
};
use rusqlite::Connection;
use std::{ops::ControlFlow, sync::atomic::Ordering};
use tokio::sync::oneshot;

impl Store for SqliteStore {
    fn fact(&self, kind: &'static str, key: &str) -> Result<Option<(EntryRef, String)>, StoreError> {
        self.reading(|connection| read_fact(connection, &self.shared.sealer, kind, key))
    }
    fn listing(&self, viewer: PartyId, kind: &'static str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.reading(|connection| read::listing(connection, viewer, kind, after))
    }
    fn report_bytes(&self, owner: PartyId) -> Result<u64, StoreError> {
        self.reading(|connection| read::report_bytes(connection, &self.shared.sealer, owner))
    }
    fn reports_after(&self, after: Option<ReportId>) -> Result<Vec<ReportId>, StoreError> {
        self.reading(|connection| read::reports_after(connection, after))
    }
    fn due_grants(&self, now: Timestamp) -> Result<Vec<GrantId>, StoreError> {
        self.reading(|connection| read::due_grants(connection, now))
    }
    fn due_reports(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ReportId)>,
    ) -> Result<Vec<(Timestamp, ReportId)>, StoreError> {
        self.reading(|connection| read::due_reports(connection, now, after))
    }
    fn waiting(
        &self,
        party: PartyId,
        after: Option<&WaitingKey>,
        now: Timestamp,
    ) -> Result<Vec<WaitingKey>, StoreError> {
        self.reading(|connection| read::waiting(connection, party, after, now))
    }
    fn old_bodies(&self, from: u64, before: Timestamp) -> Result<OldBodies, StoreError> {
        self.reading(|connection| bodies::old(connection, &self.shared.sealer, from, before))
    }
    fn entry_shared(&self, entry: EntryRef) -> Result<Option<String>, StoreError> {
        let read = |connection: &Connection| read_entry(connection, &self.shared.sealer, entry);
        self.reading(read)?.map(|full| full.shared().map(str::to_owned).map_err(|e| form_of(&e))).transpose()
    }
    fn receipt(&self, entry: EntryRef) -> Result<String, StoreError> {
        self.showing(|snapshot| read::entry_receipt(snapshot, &self.shared.sealer, entry))
    }
    fn heads(&self) -> Result<Heads, StoreError> {
        self.showing(read::heads)
    }
    fn root_at(&self, log: Log, size: u64) -> Result<Option<Digest>, StoreError> {
        self.reading(|connection| read::root_at(&*connection.unchecked_transaction()?, log, size))
    }
    fn checkpoint(&self, log: Log, since: u64) -> Result<Option<(String, Vec<String>)>, StoreError> {
        self.showing(|snapshot| read::checkpoint(snapshot, log, since))
    }
    fn consistency(&self, log: Log, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.showing(|snapshot| read::consistency(snapshot, log, from, to))
    }
    fn published(&self, log: Log) -> Result<Option<Published>, StoreError> {
        self.showing(|snapshot| published::published(snapshot, log))
    }
    fn tile(&self, log: Log, id: TileId, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError> {
        self.showing(|snapshot| published::tile(snapshot, log, id, width))
    }
    fn entry_bundle(&self, log: Log, index: u64, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError> {
        let sealer = &self.shared.sealer;
        self.showing(|snapshot| published::entry_bundle(snapshot, sealer, log, (index, width)))
    }
    fn last_entry_at(&self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_seconds(self.shared.last_at.load(Ordering::Acquire)))
    }
    fn export(&self, part: ExportPart, line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>) -> Result<(), StoreError> {
        let (sealer, genesis) = (&self.shared.sealer, self.shared.genesis.note());
        self.showing(|snapshot| read::export(snapshot, sealer, genesis, part, line))
    }
    fn concerning(&self, party: PartyId, from: u64) -> Result<Vec<u64>, StoreError> {
        self.reading(|connection| read::concerning(connection, party, from))
    }
    fn sign(&self, text: &str) -> Result<String, StoreError> {
        let held = self.fact(RosterRow::KIND, ONLY)?;
        let (_, text_of) = held.ok_or(StoreError::Form("the roster"))?;
        let roster = serde_json::from_str(&text_of).map_err(|_| StoreError::Form("the roster"))?;
        self.shared.signers.statement(&roster, text)
    }

    fn accept(&self, statement: Verified<Body>, attachment: Attachment) -> Pending<Recorded> {
        let stops = matches!(statement.signed().kind, Kind::Revocation | Kind::Freeze);
        let urgency = if stops { Urgency::Stop } else { Urgency::Ordinary };
        let brings_about = statement.signed().kind == Kind::Approval;
        let keys = self.shared.clone();
        let appended = self.submit(
            urgency,
            move |batch| {
                let appended = operations::accept(batch, &statement, attachment)?;
                if brings_about {
                    operations::check_log_keys(batch, &keys.signers)?;
                }
                Ok(appended)
            },
            |appended, receipts| {
                let receipt = if appended.before { None } else { Some(receipt_of(appended.entry, receipts)) };
                (appended.entry, receipt)
            },
        );
        let (path, shared) = (self.path.clone(), self.shared.clone());
        Box::pin(async move {
            let (entry, receipt) = appended.await?;
            if let Some(receipt) = receipt {
                return Ok(Recorded { entry, receipt });
            }
            // Accepted before: its first entry, proved under the newest checkpoint.
            let connection = schema::reader(&path).map_err(StoreError::from)?;
            let snapshot = connection.unchecked_transaction().map_err(StoreError::from)?;
            guard::wait(&snapshot, &shared.shown)?;
            Ok(Recorded { entry, receipt: read::entry_receipt(&snapshot, &shared.sealer, entry)? })
        })
    }

    fn receive_header(&self, grant: GrantId, header: Vec<u8>) -> Pending<Recorded> {
        self.submit_entry(Urgency::Ordinary, move |batch| operations::receive_header(batch, grant, &header))
    }

    fn commit_release(&self, permit: Permit<Release>, request: Verified<ReleaseRequest>) -> Pending<Logged<Release>> {
        self.submit(
            Urgency::Ordinary,
            move |batch| operations::commit_release(batch, &permit, &request),
            |(entry, header), receipts| Logged::new(entry, header, receipt_of(entry, receipts)),
        )
    }

    fn redeliver(&self, permit: Permit<Redelivery>) -> Pending<Logged<Release>> {
        let result = match self.shared.why_revoke_only() {
            Some(why) => Err(CommitError::RevokeOnly(why)),
            None if self.clock.wall() >= permit.valid_before() => Err(CommitError::Conflict),
            None => self.showing(|snapshot| read::redelivered_header(snapshot, &self.shared.sealer, &permit)),
        };
        Box::pin(async move { result.map(|(entry, header, receipt)| Logged::new(entry, header, receipt)) })
    }

    fn commit_owner_fetch(&self, permit: Permit<OwnerFetch>) -> Pending<Logged<OwnerFetch>> {
        self.submit(
            Urgency::Ordinary,
            move |batch| operations::commit_owner_fetch(batch, &permit),
            |(entry, header), receipts| Logged::new(entry, header, receipt_of(entry, receipts)),
        )
    }

    fn deny(&self, denied: Denied<ReleaseFacts>, request: Verified<ReleaseRequest>) -> Pending<Recorded> {
        self.submit_entry(Urgency::Ordinary, move |batch| operations::deny(batch, &denied, &request))
    }

    fn record(&self, what: OwnRecord) -> Pending<Recorded> {
        let urgency = match what {
            OwnRecord::Shredded(..) | OwnRecord::GrantEnded(..) | OwnRecord::ReportErased(_) => Urgency::Stop,
            // Auditors need to look most when nothing but withdrawal is possible.
            OwnRecord::Disclosed(_) => Urgency::Always,
            _ => Urgency::Ordinary,
        };
        self.submit_entry(urgency, move |batch| operations::own_record(batch, what))
    }

    fn cover(&self) -> Pending<()> {
        self.submit(Urgency::Ordinary, published::cover, |(), _| ())
    }
    fn publish(&self, log: Log, published: Published) -> Pending<()> {
        let genesis = self.shared.clone();
        let publish = move |batch: &mut Batch<'_>| {
            operations::trust(batch, &genesis.genesis)?
                .read(log, &published.note)
                .map_err(|_| CommitError::Conflict)?;
            published::publish(batch, log, &published)
        };
        self.submit(Urgency::Ordinary, publish, |(), _| ())
    }
    fn record_cosigned(&self, cosigned: Cosigned, note: String) -> Pending<Recorded> {
        let genesis = self.shared.clone();
        self.submit_entry(Urgency::Ordinary, move |batch| {
            let event = Event::Cosigned(cosigned);
            // Witnesses take their time. Whoever reads the entry goes by the roster in force at it.
            let trust = operations::trust(batch, &genesis.genesis)?;
            let witnessed = trust.read(event.log(), &note).map_err(|_| CommitError::Conflict)?;
            if witnessed.event(event.log(), trust.quorum()).as_ref() != Some(&event) {
                return Err(CommitError::Conflict);
            }
            batch.append(&event, Happening::Cosigned, Some(note), &AuditorPart::default())
        })
    }

    fn drop_owner_header(&self, report: ReportId) -> Pending<()> {
        self.submit(Urgency::Stop, move |batch| operations::drop_owner_header(batch, report), |(), _| ())
    }
    fn empty_wal(&self) -> Pending<bool> {
        let (sender, answer) = oneshot::channel();
        let sent = self.writer.send(Job::EmptyWal(sender));
        Box::pin(async move {
            sent.map_err(|_| CommitError::Busy)?;
            answer.await.unwrap_or(Err(CommitError::Unknown))
        })
    }

    fn probe(&self) -> Pending<()> {
        self.submit(Urgency::Always, |batch| operations::probe(batch), |(), _| ())
    }

    fn room(&self) -> Result<Room, StoreError> {
        Room::of(self.path.parent().unwrap_or(&self.path))
    }

    fn spend_assertion(&self, client: KeyId, jti: String, until: Timestamp) -> Pending<bool> {
        let spend = move |batch: &mut Batch<'_>| operations::spend_assertion(batch, client, &jti, until);
        // Signing in only reads; auditors need it most when nothing but withdrawal is possible.
        self.submit(Urgency::Always, spend, |fresh, _| fresh)
    }

    fn only_revoke(&self, why: &'static str) {
        self.shared.only_revoke(why);
    }
    fn revoke_only(&self) -> Option<&'static str> {
        self.shared.why_revoke_only()
    }
}
