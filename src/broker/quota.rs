//! How much one party may use: bytes of declared reports, counted from the facts, and entries, counted in memory.
//!
//! Revocations are never counted, nor what administrators sign to approve or suspend: stopping must always work.
//! Start reading at [`Quotas`].

use super::{Broker, BrokerError};
use crate::{
    model::{
        bucket::{Buckets, Rate},
        ids::{PartyId, ReportId},
        limits,
        report::Report,
        rows::{Held, ReportRow, Rows},
        statement::{Body, Kind},
    },
    store::{Attachment, CommitError, Facts, Recorded, Store, StoreError},
    wire::statement::Verified,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What one party may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quotas {
    /// Bytes of payload in all its reports, declared or stored.
    pub bytes: u64,
    /// Statements, denials, release requests and fetches of its own headers.
    pub entries: Rate,
    /// Denials of one officer's key within an hour that are entries of their own.
    pub denials: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { bytes: limits::QUOTA_BYTES, entries: limits::QUOTA_ENTRIES, denials: limits::DENIALS }
    }
}

/// What parties have used.
pub(super) struct Quota {
    most_bytes: u64,
    entries: Mutex<Buckets<PartyId>>,
    bytes: Mutex<Bytes>,
}

/// Sums of bytes, counted once from the facts and carried on from there.
#[derive(Default)]
struct Bytes {
    used: HashMap<PartyId, Used>,
    /// How often sums were forgotten: one counted before that is not put in after it.
    forgotten: u64,
}

#[derive(Default)]
struct Used {
    counted: u64,
    /// Reports on their way into the log. The same statement may be sent twice at once: it counts once.
    coming: HashMap<ReportId, Coming>,
}

struct Coming {
    bytes: u64,
    senders: u32,
}

impl Used {
    fn sum(&self) -> u64 {
        self.coming.values().fold(self.counted, |sum, coming| sum.saturating_add(coming.bytes))
    }
}

impl Quota {
    pub(super) fn new(quotas: Quotas) -> Self {
        Self {
            most_bytes: quotas.bytes,
            entries: Mutex::new(Buckets::new(quotas.entries, limits::QUOTA_PARTIES)),
            bytes: Mutex::default(),
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Bytes> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with a party's sum, which is counted first where it is not known yet.
    fn with_used<T>(
        &self,
        store: &dyn Store,
        party: PartyId,
        act: impl FnOnce(&mut Used) -> T,
    ) -> Result<T, StoreError> {
        loop {
            let forgotten = {
                let mut bytes = self.bytes();
                if let Some(used) = bytes.used.get_mut(&party) {
                    return Ok(act(used));
                }
                bytes.forgotten
            };
            // Not under the lock: whoever has many reports keeps nobody else waiting.
            let counted = store.report_bytes(party)?;
            self.bytes().remember(party, counted, forgotten);
        }
    }

    fn fits(&self, used: &Used, more_bytes: u64) -> Result<(), BrokerError> {
        if used.sum().saturating_add(more_bytes) <= self.most_bytes {
            return Ok(());
        }
        let what = format!(
            "your reports may have {} bytes together; {} are taken, and this needs {more_bytes} more. Waiting does not \
             help: ask the operator for more room",
            self.most_bytes,
            used.sum()
        );
        Err(BrokerError::OverQuota { what, retry_after_seconds: None })
    }
}

impl Bytes {
    fn remember(&mut self, party: PartyId, counted: u64, forgotten: u64) {
        if self.used.len() >= limits::QUOTA_PARTIES {
            self.used.retain(|_, used| !used.coming.is_empty());
            self.forgotten += 1;
        } else if self.forgotten == forgotten {
            // Whoever counted at the same time and was first may already have reports on their way.
            self.used.entry(party).or_insert(Used { counted, coming: HashMap::new() });
        }
    }
}

/// Bytes kept free for a report on its way; given back when it does not arrive.
struct Room {
    quota: Arc<Quota>,
    party: PartyId,
    report: ReportId,
    outcome: Arrival,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Refused,
    /// Also when nobody knows: the sum must not be too small.
    Recorded,
}

impl Room {
    fn settle(mut self, outcome: &Result<Recorded, CommitError>) {
        if matches!(outcome, Ok(_) | Err(CommitError::Unknown)) {
            self.outcome = Arrival::Recorded;
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut bytes = self.quota.bytes();
        let Some(used) = bytes.used.get_mut(&self.party) else { return };
        let Some(coming) = used.coming.get_mut(&self.report) else { return };
        if self.outcome == Arrival::Recorded {
            used.counted = used.counted.saturating_add(std::mem::take(&mut coming.bytes));
        }
        coming.senders -= 1;
        if coming.senders == 0 {
            used.coming.remove(&self.report);
        }
    }
}

impl Broker {
    /// Whether a party may bring so many bytes more.
    ///
    /// # Errors
    /// [`BrokerError::OverQuota`].
    pub fn check_bytes(&self, party: PartyId, more_bytes: u64) -> Result<(), BrokerError> {
        self.quota.with_used(&*self.store, party, |used| self.quota.fits(used, more_bytes))?
    }

    /// How many bytes more a party may bring.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) fn bytes_left(&self, party: PartyId) -> Result<u64, BrokerError> {
        let left = |used: &Used| self.quota.most_bytes.saturating_sub(used.sum());
        self.quota.with_used(&*self.store, party, |used| Ok(left(used)))?
    }

    /// Takes one entry off a party's quota, whether or not what it asks for is then accepted.
    ///
    /// # Errors
    /// [`BrokerError::OverQuota`] with the time to wait.
    pub(super) fn charge_entry(&self, party: PartyId) -> Result<(), BrokerError> {
        let now = self.clock.monotonic();
        let taken = self.quota.entries.lock().unwrap_or_else(PoisonError::into_inner).take(party, now);
        taken.map_err(|often| BrokerError::OverQuota {
            what: "you have sent more statements and requests than one party may; revocations are not counted"
                .to_owned(),
            retry_after_seconds: Some(often.retry_after_seconds),
        })
    }

    /// As [`Broker::charge_entry`], but for what must always be possible.
    pub(super) fn charge_statement(&self, party: PartyId, kind: Kind) -> Result<(), BrokerError> {
        match kind {
            Kind::Revocation
            | Kind::Approval
            | Kind::Suspension
            | Kind::Resumption
            | Kind::WebRelease
            | Kind::Freeze
            | Kind::Withdrawal
            | Kind::Status
            | Kind::Thaw => Ok(()),
            _ => self.charge_entry(party),
        }
    }

    /// Accepts a report statement of `party` if its bytes fit.
    pub(super) async fn accept_report(
        &self,
        party: PartyId,
        statement: Verified<Body>,
        owner_header: Vec<u8>,
    ) -> Result<Recorded, BrokerError> {
        let room = match statement.body() {
            Body::Report(report) => self.keep_room(party, statement.signed().digest.into(), report)?,
            _ => None,
        };
        let accepting = self.store.accept(statement, Attachment::OwnerHeader(owner_header));
        // Carried through also when the caller goes away: what was recorded must be counted.
        let carried = tokio::spawn(async move {
            let outcome = accepting.await;
            if let Some(room) = room {
                room.settle(&outcome);
            }
            outcome
        });
        Ok(carried.await.map_err(|e| BrokerError::Internal(e.to_string()))??)
    }

    /// `None` when the report is known: it is counted, and sending it again is answered.
    fn keep_room(&self, party: PartyId, id: ReportId, report: &Report) -> Result<Option<Room>, BrokerError> {
        let keep = |used: &mut Used| -> Result<Option<Room>, BrokerError> {
            // Under the lock: a report that has arrived is either a fact by now or still on its way.
            let known: Option<Held<ReportRow>> = Facts(&*self.store).read(&id.to_string())?;
            if known.is_some() {
                return Ok(None);
            }
            if !used.coming.contains_key(&id) {
                self.quota.fits(used, report.payload_bytes)?;
            }
            used.coming.entry(id).or_insert(Coming { bytes: report.payload_bytes, senders: 0 }).senders += 1;
            Ok(Some(Room { quota: self.quota.clone(), party, report: id, outcome: Arrival::Refused }))
        };
        self.quota.with_used(&*self.store, party, keep)?
    }
}
