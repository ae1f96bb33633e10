//! Handing an owner its own header: decided by the same policies, logged before it leaves.

use super::{Broker, BrokerError, Caller, Payload};
use crate::{
    model::{facts::OwnerFetchFacts, ids::ReportId, limits, view::OwnerFetchView},
    store::{CommitError, Facts, OwnRecord},
    wire::api::{Bytes, OwnerHeader},
};
use std::sync::Arc;

impl Broker {
    /// The caller's own header.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner; [`BrokerError::Denied`], logged.
    pub async fn owner_header(&self, report: ReportId, caller: &Caller) -> Result<OwnerHeader, BrokerError> {
        self.own_report(report, caller)?;
        self.charge_entry(caller.party)?;
        for _ in 0..limits::CONFLICT_RETRIES {
            let view = OwnerFetchView::load(&Facts(&*self.store), report, caller.key)?
                .filter(OwnerFetchView::concerns_caller)
                .ok_or(BrokerError::NotFound)?;
            let permit = match self.engine.decide_owner_fetch(OwnerFetchFacts::of(view, self.clocks()?)) {
                Ok(permit) => permit,
                Err(denied) => {
                    let recorded = self.store.record(OwnRecord::OwnerHeaderDenied(report, caller.key)).await?;
                    let receipt = Some(recorded.receipt);
                    return Err(BrokerError::Denied { reasons: denied.reasons, receipt });
                }
            };
            match self.store.commit_owner_fetch(permit).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    let (header, receipt) = outcome?.into_header();
                    let report_statement = self.statement_text(report.into())?;
                    return Ok(OwnerHeader { header: Bytes(header), receipt, report_statement });
                }
            }
        }
        Err(BrokerError::Busy)
    }

    /// The caller's own payload: ciphertext its owner uploaded.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner.
    pub async fn own_payload(self: &Arc<Self>, id: ReportId, caller: &Caller) -> Result<Payload, BrokerError> {
        let row = self.own_report(id, caller)?;
        self.payload(id, &row.report).await
    }
}
