//! Erasing a withdrawn report: payload, owner header, write-ahead log, and only then the entry that says so.

use super::{Broker, BrokerError, sweep::already_done};
use crate::{
    model::{
        fold::Refusal,
        ids::ReportId,
        rows::{Held, ReportRow, Row as _, Rows as _},
    },
    store::{CommitError, Facts, OwnRecord},
};

impl Broker {
    /// Erases what is due. What is in the way now is tried again by the next sweep; every step may be repeated.
    ///
    /// # Errors
    /// The first that could not be done.
    pub async fn erase_withdrawn(&self) -> Result<(), BrokerError> {
        let mut first_error = None;
        let (now, mut after) = (self.clocks()?.not_passed, None);
        // To the end each time: what a freeze holds back stands first for as long as it holds.
        loop {
            let due = self.store.due_reports(now, after)?;
            let Some(last) = due.last() else { return first_error.map_or(Ok(()), Err) };
            after = Some(*last);
            for (_, report) in due {
                if let Err(error) = self.erase(report).await {
                    first_error.get_or_insert(error);
                }
            }
        }
    }

    async fn erase(&self, report: ReportId) -> Result<(), BrokerError> {
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&report.to_string())?;
        // An upload that runs still is ended by the sweep of uploads first.
        if held.and_then(|held| held.row.due()).is_none() || self.is_uploaded_to(report) {
            return Ok(());
        }
        match self.store.drop_owner_header(report).await {
            // A freeze holds it back, or did: it may be what the freeze was against.
            Err(CommitError::Refused(Refusal::Frozen)) => return Ok(()),
            outcome => outcome?,
        }
        tokio::task::block_in_place(|| self.blobs.remove_payload(report))?;
        if !self.store.empty_wal().await? {
            return Ok(());
        }
        already_done(self.store.record(OwnRecord::ReportErased(report)).await)
    }
}
