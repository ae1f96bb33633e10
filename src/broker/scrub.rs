//! Reading stored payloads again, slowly and for ever, so that damage is found before somebody needs the bytes.
//!
//! Order: payloads in which a download met a damaged chunk come first and at full speed; then every stored payload in
//! turn, at most [`limits::SCRUB_STEP_BYTES`] in [`limits::SCRUB_STEP_MILLISECONDS`].

use super::{Broker, BrokerError};
use crate::{
    model::{
        ids::ReportId,
        limits,
        rows::{Held, ReportRow, Row as _, Rows},
    },
    store::{Facts, blob::payload::Verifying},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Payloads that have to be read again soon.
#[derive(Default)]
pub(super) struct Suspects {
    reports: Mutex<BTreeSet<ReportId>>,
    added: Notify,
}

/// How fast a payload is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Full,
    Slow,
}

impl Broker {
    /// Reads stored payloads again for ever.
    pub async fn scrub_forever(self: Arc<Self>) {
        loop {
            self.scrub_all().await;
            let rest = tokio::time::sleep(Duration::from_secs(limits::SCRUB_REST_SECONDS));
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    () = &mut rest => break,
                    () = self.suspects.added.notified() => self.scrub_suspects().await,
                }
            }
        }
    }

    /// A chunk of this payload was not what was stored.
    pub(super) fn suspect(&self, report: ReportId) {
        tracing::error!(%report, "a download was cut: a chunk of the payload is not what was stored. Reading it whole");
        let mut suspects = self.suspects.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() < limits::SUSPECTS {
            suspects.insert(report);
        }
        drop(suspects);
        self.suspects.added.notify_one();
    }

    async fn scrub_all(&self) {
        let mut after = None;
        loop {
            let reports = match self.store.reports_after(after) {
                Ok(reports) => reports,
                Err(error) => return tracing::warn!(%error, "stored payloads could not be listed for reading again"),
            };
            let Some(last) = reports.last() else { return };
            after = Some(*last);
            for report in reports {
                self.scrub_suspects().await;
                self.scrub_one(report, Pace::Slow).await;
            }
        }
    }

    async fn scrub_suspects(&self) {
        loop {
            let next = self.suspects.reports.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
            let Some(report) = next else { return };
            self.scrub_one(report, Pace::Full).await;
        }
    }

    async fn scrub_one(&self, report: ReportId, pace: Pace) {
        if let Err(error) = self.read_again(report, pace).await {
            let error = error.log_text();
            tracing::error!(%report, error, "a stored payload cannot be read; restore it from backup");
        }
    }

    async fn read_again(&self, id: ReportId, pace: Pace) -> Result<(), BrokerError> {
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&id.to_string())?;
        let Some(row) = held.map(|held| held.row).filter(|row| row.state.is_kept() && row.due().is_none()) else {
            return Ok(());
        };
        let mut verifying = self.blobs.verifying(id, &row.report)?;
        let broken = |e: &dyn std::fmt::Display| BrokerError::Internal(e.to_string());
        loop {
            let (back, read) = tokio::task::spawn_blocking(move || step(verifying)).await.map_err(|e| broken(&e))?;
            verifying = back;
            if read.map_err(|e| broken(&e))? < limits::SCRUB_STEP_BYTES {
                break;
            }
            if pace == Pace::Slow {
                tokio::time::sleep(Duration::from_millis(limits::SCRUB_STEP_MILLISECONDS)).await;
            }
        }
        let settled = tokio::task::spawn_blocking(move || verifying.settle()).await.map_err(|e| broken(&e))?;
        self.settled(id, settled).map(|_| ())
    }
}

fn step(mut verifying: Verifying) -> (Verifying, std::io::Result<u64>) {
    let read = verifying.step(limits::SCRUB_STEP_BYTES);
    (verifying, read)
}
