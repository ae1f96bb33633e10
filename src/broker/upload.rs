//! Uploads on their way: begun, asked about, ended; `part` takes bytes, `publish` makes a payload of them.
//!
//! An offset is told only when that many bytes are durable. One request writes at a time; who comes second is refused,
//! unless nothing has come from the first for a while: then its link is cut and nobody has told the broker yet.

mod part;
mod publish;

pub use part::{PartHead, PartWriter};

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        ambient::random,
        ids::{PartyId, ReportId, UploadId},
        limits,
        report::ReportState,
        rows::{ClockRow, Held, ONLY, ReportRow, Rows},
        time::Timestamp,
    },
    store::{
        Facts, StoreError,
        blob::{Blobs, Hashed, Part, UploadError, UploadRecord},
    },
    wire::{
        api::{Listing, UploadSummary},
        tus::Length,
    },
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, OwnedMutexGuard};

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The upload.
    pub id: UploadId,
    /// Bytes that are safe.
    pub offset: u64,
    /// All there will be, once known.
    pub length: Option<u64>,
    /// The report it is for, once known.
    pub report: Option<ReportId>,
    /// When it is swept.
    pub expires: Timestamp,
}

impl Standing {
    fn of(id: UploadId, offset: u64, record: &UploadRecord) -> Self {
        Self { id, offset, length: record.length, report: record.report, expires: record.expires }
    }
    /// Whether everything has arrived.
    pub fn is_whole(&self) -> bool {
        self.length == Some(self.offset)
    }
}

/// Every upload there is, and whose turn it is to write.
pub(super) struct Uploads {
    slots: Mutex<HashMap<UploadId, Arc<Slot>>>,
    begins: Mutex<()>,
}

/// One upload.
struct Slot {
    record: Mutex<UploadRecord>,
    /// Held by whoever writes, with what it knows of the bytes so far; what it does not know is read again.
    turn: Arc<tokio::sync::Mutex<Hashed>>,
    /// Another request asks whether the writer is still there.
    asked: Notify,
    /// What was last found durable: what may be told while somebody writes.
    safe: AtomicU64,
    /// Its payload is stored and recorded; it is remembered for clients that missed the answer.
    done: AtomicBool,
}

impl Slot {
    fn new(record: UploadRecord) -> Arc<Self> {
        Arc::new(Self {
            record: Mutex::new(record),
            turn: Arc::default(),
            asked: Notify::new(),
            safe: AtomicU64::new(0),
            done: AtomicBool::new(false),
        })
    }
    fn record(&self) -> UploadRecord {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn set(&self, record: UploadRecord) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
    }
    /// A question that nobody was there to hear is not for the next writer.
    async fn forget_questions(&self) {
        tokio::select! {
            biased;
            () = self.asked.notified() => {}
            () = std::future::ready(()) => {}
        }
    }
    /// The right to write; a writer from whom nothing comes any more gives it up.
    async fn take(&self) -> Result<OwnedMutexGuard<Hashed>, BrokerError> {
        if let Ok(turn) = self.turn.clone().try_lock_owned() {
            return Ok(turn);
        }
        self.asked.notify_one();
        let patience = Duration::from_secs(limits::UPLOAD_STALLED_SECONDS + 1);
        tokio::time::timeout(patience, self.turn.clone().lock_owned()).await.map_err(|_| BrokerError::Locked)
    }
}

impl Uploads {
    /// What uploads there were when the broker stopped.
    pub(super) fn resume(blobs: &Blobs) -> Result<Self, StoreError> {
        blobs.remove_strays()?;
        let found = blobs.uploads(|path| tracing::error!(path, "the record of an upload cannot be read"))?;
        let slots = found.into_iter().map(|(id, record)| (id, Slot::new(record))).collect();
        Ok(Self { slots: Mutex::new(slots), begins: Mutex::default() })
    }
    fn all(&self) -> Vec<(UploadId, Arc<Slot>)> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.iter().map(|(id, slot)| (*id, slot.clone())).collect()
    }
    fn under_way(&self, owner: PartyId) -> Vec<(UploadId, UploadRecord)> {
        let all = self.all().into_iter().filter(|(_, slot)| !slot.done.load(Ordering::SeqCst));
        all.map(|(id, slot)| (id, slot.record())).filter(|(_, record)| record.owner == owner).collect()
    }
    fn find(&self, id: UploadId) -> Option<Arc<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
    fn insert(&self, id: UploadId, slot: Arc<Slot>) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).insert(id, slot);
    }
    fn forget(&self, id: UploadId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Broker {
    /// Begins an upload, for a declared report or for one that is still being sealed.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when the report is not the caller's; [`BrokerError::OverQuota`]; [`BrokerError::Full`].
    pub fn begin_upload(
        &self,
        length: Length,
        report: Option<ReportId>,
        caller: &Caller,
    ) -> Result<Standing, BrokerError> {
        let length = match length {
            Length::Bytes(length) => Some(length),
            Length::Deferred => None,
        };
        self.check_length(length, report, caller)?;
        let id = UploadId::from_bytes(random(&*self.entropy));
        let expires = self.clocks()?.not_passed.plus(limits::UPLOAD_LIFE);
        let record = UploadRecord { owner: caller.party, report, length, expires };
        // Also the wait for one's turn is for a disk: no worker may spend it.
        tokio::task::block_in_place(|| self.begin(id, &record, caller))?;
        Ok(Standing::of(id, 0, &record))
    }

    /// One at a time: two that count at once would both find the last place.
    fn begin(&self, id: UploadId, record: &UploadRecord, caller: &Caller) -> Result<(), BrokerError> {
        let _begins = self.uploads.begins.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_room(record.length, record.report, caller)?;
        self.blobs.begin_upload(id, record)?;
        self.uploads.insert(id, Slot::new(record.clone()));
        Ok(())
    }

    /// The caller's uploads on their way. What is being written now may be further than it says here.
    ///
    /// # Errors
    /// When storage fails.
    pub fn uploads(&self, caller: &Caller) -> Result<Listing<UploadSummary>, BrokerError> {
        let mut items = Vec::new();
        for (id, record) in self.uploads.under_way(caller.party) {
            // A part that is gone was published; what is left is its memory, for a client that missed the answer.
            if let Some(offset) = self.told_offset(id)? {
                let UploadRecord { report, length, expires, .. } = record;
                items.push(UploadSummary { id, report, offset, length, expires });
            }
        }
        items.sort_by_key(|item| item.id);
        Ok(Listing { items, next: None })
    }

    /// Bytes of an upload that may be told without asking its writer; `None` when it has been published.
    fn told_offset(&self, id: UploadId) -> Result<Option<u64>, BrokerError> {
        let Some(slot) = self.uploads.find(id) else { return Ok(None) };
        // While somebody writes, what was found durable before; else what the file holds, less what never counted.
        let writing = slot.turn.try_lock().is_err();
        let counted = self.blobs.counted(id)?;
        let safe = slot.safe.load(Ordering::SeqCst);
        Ok(counted.map(|counted| if writing { counted.min(safe) } else { counted }))
    }

    /// Where an upload stands; what has arrived whole for a declared report is published first.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but its owner; [`BrokerError::Locked`].
    pub async fn standing(&self, id: UploadId, caller: &Caller) -> Result<Standing, BrokerError> {
        let slot = self.own_upload(id, caller)?;
        let turn = slot.take().await?;
        self.settle_upload(id, &slot, turn).await
    }

    /// Ends an upload and throws away what arrived of it.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but its owner; [`BrokerError::Locked`].
    pub async fn end_upload(&self, id: UploadId, caller: &Caller) -> Result<(), BrokerError> {
        let slot = self.own_upload(id, caller)?;
        let _turn = slot.take().await?;
        self.remove_upload(id)
    }

    /// Sweeps uploads for ever: apart from grants, whose end must not wait for gigabytes to be read.
    pub async fn sweep_uploads_forever(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(limits::SWEEP_SECONDS));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.sweep_uploads().await {
                tracing::warn!(error = error.log_text(), "uploads could not be swept");
            }
        }
    }

    /// Publishes what is whole and removes uploads whose time is over. While the clock is in doubt nothing is removed.
    ///
    /// # Errors
    /// The first that could not be done; the rest waits for the next sweep.
    pub async fn sweep_uploads(&self) -> Result<(), BrokerError> {
        let now = self.clocks()?.passed;
        let mut outcome = Ok(());
        for (id, slot) in self.uploads.all() {
            let Ok(turn) = slot.turn.clone().try_lock_owned() else { continue };
            let expires = slot.record().expires;
            // What is whole is a report, however old.
            let swept = if self.can_be_settled(id, &slot)? {
                self.settle_upload(id, &slot, turn).await.map(drop)
            } else if self.is_for_nobody(&slot)? || (expires <= now && self.may_forget(expires)?) {
                self.remove_upload(id)
            } else {
                Ok(())
            };
            match swept {
                Err(BrokerError::NotFound | BrokerError::Upload(_)) | Ok(()) => {}
                Err(error) if outcome.is_ok() => outcome = Err(error),
                Err(_) => {}
            }
        }
        outcome
    }

    /// Whether the report it is for was withdrawn meanwhile.
    fn is_for_nobody(&self, slot: &Slot) -> Result<bool, BrokerError> {
        let Some(report) = slot.record().report else { return Ok(false) };
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&report.to_string())?;
        Ok(held.is_some_and(|held| held.row.state.is_withdrawn()))
    }

    /// Whether bytes of a report may lie in an upload.
    pub(super) fn is_uploaded_to(&self, report: ReportId) -> bool {
        self.uploads.all().iter().any(|(_, slot)| slot.record().report == Some(report))
    }

    /// Whether an upload can be settled without its client: it is whole, or its part is gone.
    fn can_be_settled(&self, id: UploadId, slot: &Slot) -> Result<bool, BrokerError> {
        if slot.done.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let (record, arrived) = (slot.record(), self.blobs.arrived(id)?);
        Ok(arrived.is_none_or(|arrived| record.report.is_some() && record.length == Some(arrived)))
    }

    /// An upload's end counts only on a clock nobody doubts: a wrong one must not cost an advocate's testimony.
    fn may_forget(&self, expires: Timestamp) -> Result<bool, BrokerError> {
        if self.revoke_only().is_some() {
            return Ok(false);
        }
        let clock: Option<Held<ClockRow>> = Facts(&*self.store).read(ONLY)?;
        let unwatched = clock.and_then(|held| held.row.unwatched);
        Ok(unwatched.is_none_or(|gap| expires <= gap.after || expires > gap.until))
    }

    fn check_length(&self, length: Option<u64>, report: Option<ReportId>, caller: &Caller) -> Result<(), BrokerError> {
        if length.is_some_and(|length| length > limits::PAYLOAD_BYTES) {
            return Err(BrokerError::PayloadTooLarge);
        }
        let Some(report) = report else { return Ok(()) };
        let row = self.own_report(report, caller)?;
        match length {
            // Of no use to anybody, and its erasing would wait for it.
            _ if row.state.is_withdrawn() => Err(BrokerError::NotFound),
            // A payload that was found damaged is gone until its owner sends it again.
            _ if row.state == (ReportState::Stored {}) && self.blobs.has_payload(report) => {
                Err(BrokerError::AlreadyStored)
            }
            Some(received) if received != row.report.payload_bytes => {
                Err(UploadError::Length { received, expected: row.report.payload_bytes }.into())
            }
            _ => Ok(()),
        }
    }

    /// A declared report's bytes were counted when it was declared; what comes before its report is counted here.
    fn check_room(&self, length: Option<u64>, report: Option<ReportId>, caller: &Caller) -> Result<(), BrokerError> {
        let own = self.uploads.under_way(caller.party);
        let same = own.iter().filter(|(_, record)| report.is_some() && record.report == report).count();
        if own.len() >= limits::UPLOADS_PER_PARTY || same >= limits::UPLOADS_PER_REPORT {
            let what = "too many uploads on their way; end one of them first".to_owned();
            return Err(BrokerError::OverQuota { what, retry_after_seconds: None });
        }
        if report.is_none() {
            self.check_bytes(caller.party, self.early_bytes(&own)?.saturating_add(length.unwrap_or(0)))?;
        }
        let all = self.uploads.slots.lock().unwrap_or_else(PoisonError::into_inner).len();
        if all >= limits::UPLOADS_BEGUN { Err(BrokerError::Busy) } else { Ok(()) }
    }

    /// Bytes of uploads without a report: announced, or arrived where nothing was announced.
    fn early_bytes(&self, own: &[(UploadId, UploadRecord)]) -> Result<u64, BrokerError> {
        let mut bytes = 0_u64;
        for (id, record) in own.iter().filter(|(_, record)| record.report.is_none()) {
            let arrived = self.blobs.arrived(*id)?.unwrap_or(0);
            bytes = bytes.saturating_add(record.length.unwrap_or(arrived));
        }
        Ok(bytes)
    }

    fn own_upload(&self, id: UploadId, caller: &Caller) -> Result<Arc<Slot>, BrokerError> {
        let slot = self.uploads.find(id).ok_or(BrokerError::NotFound)?;
        if slot.record().owner == caller.party { Ok(slot) } else { Err(BrokerError::NotFound) }
    }

    fn open_part(&self, id: UploadId) -> Result<Option<Part>, BrokerError> {
        Ok(tokio::task::block_in_place(|| self.blobs.open_part(id))?)
    }

    fn remove_upload(&self, id: UploadId) -> Result<(), BrokerError> {
        tokio::task::block_in_place(|| self.blobs.remove_upload(id))?;
        self.uploads.forget(id);
        Ok(())
    }
}
