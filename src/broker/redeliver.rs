//! Delivering a release again: the same header, and the payload behind it, re-checked each time but for the count.

use super::{Broker, BrokerError, Caller, Connection, Payload};
use crate::{
    model::{
        facts::RedeliveryFacts,
        ids::ReleaseId,
        limits,
        rows::{Held, ReleaseRow, ReportRow, Rows},
        time::Timestamp,
        view::RedeliveryView,
    },
    policy::Release,
    store::{CommitError, Facts, Logged},
};
use std::sync::Arc;

/// A release about to be delivered again.
pub(super) struct Redelivered {
    pub(super) logged: Logged<Release>,
    valid_before: Timestamp,
}

/// Header and payload of a release, to be streamed as one age file.
pub struct Download {
    /// The header.
    pub header: Vec<u8>,
    /// The payload.
    pub payload: Payload,
    lease: Lease,
}

/// Says whether a stream may go on.
#[derive(Clone)]
pub struct Lease {
    broker: Arc<Broker>,
    valid_before: Timestamp,
}

impl Lease {
    /// Whether the stream's time is over. Withdrawal and suspension reset the connection instead.
    pub fn is_over(&self) -> bool {
        self.broker.clock.wall() >= self.valid_before
    }
}

impl Download {
    /// The stream's lease.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }
}

impl Broker {
    /// Opens the age file of a release: every call is decided anew.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the officer who asked for it; [`BrokerError::Denied`].
    pub async fn download(
        self: &Arc<Self>,
        release: ReleaseId,
        caller: &Caller,
        connection: &Connection,
    ) -> Result<Download, BrokerError> {
        let redelivered = self.redeliver(release, caller, connection).await?;
        let grant = self.release_row(release)?.grant;
        let grant = crate::store::grant_of(&*self.store, grant)?.ok_or(BrokerError::NotFound)?.row.grant;
        let report: Held<ReportRow> =
            Facts(&*self.store).read(&grant.report.to_string())?.ok_or(BrokerError::NotFound)?;
        let payload = self.payload(grant.report, &report.row.report).await?;
        let lease = Lease { broker: self.clone(), valid_before: redelivered.valid_before };
        let (header, _) = redelivered.logged.into_header();
        Ok(Download { header, payload, lease })
    }

    pub(super) async fn redeliver(
        &self,
        release: ReleaseId,
        caller: &Caller,
        connection: &Connection,
    ) -> Result<Redelivered, BrokerError> {
        for _ in 0..limits::CONFLICT_RETRIES {
            let view = RedeliveryView::load(&Facts(&*self.store), release)?.ok_or(BrokerError::NotFound)?;
            if view.release().officer != caller.key {
                return Err(BrokerError::NotFound);
            }
            self.streams.register(view.release().grant, view.view(), connection);
            let facts = RedeliveryFacts::of(view, self.clocks()?);
            let permit = match self.engine.decide_redelivery(facts) {
                Ok(permit) => permit,
                Err(denied) => return Err(BrokerError::Denied { reasons: denied.reasons, receipt: None }),
            };
            let valid_before = permit.valid_before();
            match self.store.redeliver(permit).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(Redelivered { logged: outcome?, valid_before }),
            }
        }
        Err(BrokerError::Busy)
    }

    pub(super) fn release_row(&self, release: ReleaseId) -> Result<ReleaseRow, BrokerError> {
        let held: Option<Held<ReleaseRow>> = Facts(&*self.store).read(&release.to_string())?;
        Ok(held.ok_or(BrokerError::NotFound)?.row)
    }
}
