//! What each side may list of its own.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        ids::{GrantId, PartyId, ReportId, RequestId},
        limits,
        party::Holder,
        rows::{GrantRow, Held, ReportRow, RequestRow, Row, Rows},
    },
    store::Facts,
    wire::api::{Became, GrantSummary, Listing, ReportSummary, RequestSummary},
};
use std::str::FromStr;

/// Rows with their ids, and what names the next page.
type Page<R, Id> = (Vec<(Id, R)>, Option<String>);

impl Broker {
    /// The caller's reports; of this list and the others one page, after the `next` of the one before.
    ///
    /// # Errors
    /// When storage fails.
    pub fn reports(&self, caller: &Caller, after: Option<&str>) -> Result<Listing<ReportSummary>, BrokerError> {
        let (mut rows, next) = self.rows_of::<ReportRow, ReportId>(caller, after)?;
        // Who handed one over has seen it, and owns it no more.
        rows.retain(|(_, row)| row.owners().any(|owner| owner == caller.party));
        let summary =
            |(id, row): (ReportId, ReportRow)| ReportSummary { id, report: row.report, at: row.at, state: row.state };
        Ok(Listing { items: rows.into_iter().map(summary).collect(), next })
    }

    /// Grants the caller gave, or that were made to the caller's institution.
    ///
    /// # Errors
    /// When storage fails.
    pub fn grants(&self, caller: &Caller, after: Option<&str>) -> Result<Listing<GrantSummary>, BrokerError> {
        let (rows, next) = self.rows_of::<GrantRow, GrantId>(caller, after)?;
        let items: Result<Vec<_>, _> = rows.into_iter().map(|(id, row)| self.grant_summary(id, row)).collect();
        Ok(Listing { items: items?, next })
    }

    /// Access requests to the caller, or of the caller's institution.
    ///
    /// # Errors
    /// When storage fails.
    pub fn requests(&self, caller: &Caller, after: Option<&str>) -> Result<Listing<RequestSummary>, BrokerError> {
        let (rows, next) = self.rows_of::<RequestRow, RequestId>(caller, after)?;
        let items: Result<Vec<_>, _> = rows.into_iter().map(|(id, row)| self.request_summary(id, row)).collect();
        Ok(Listing { items: items?, next })
    }

    pub(super) fn request_summary(&self, id: RequestId, row: RequestRow) -> Result<RequestSummary, BrokerError> {
        let RequestRow { officer, institution, owner: _, request, at, answers } = row;
        Ok(RequestSummary {
            id,
            officer,
            institution,
            request,
            at,
            answers,
            statement: self.statement_text(id.into())?,
        })
    }

    pub(super) fn grant_summary(&self, id: GrantId, row: GrantRow) -> Result<GrantSummary, BrokerError> {
        let releasable_from = row.cooled_at().max(row.grant.collect.from);
        Ok(GrantSummary {
            id,
            report: row.grant.report,
            institution: row.grant.institution,
            purposes: row.grant.purposes,
            collect: row.grant.collect,
            releasable_from,
            state: row.state,
            releases_used: row.releases_used,
            max_releases: row.grant.max_releases,
            awaiting: row.awaiting,
            owner: row.owner,
            effective_at: row.effective_at,
            owner_approvals: row.owner_approvals,
            officer_approvals: row.officer_approvals,
            exercised: row.exercised,
            answer: row.answer,
            became: row.became.map(|said| Became { statement: said.statement, at: said.at, became: said.became }),
            replaced_by: row.replaced_by,
            statement: self.statement_text(id.into())?,
        })
    }

    /// One page of rows, and the key of its last if there may be more.
    fn rows_of<R: Row, Id: FromStr>(&self, caller: &Caller, after: Option<&str>) -> Result<Page<R, Id>, BrokerError> {
        let keys = self.store.listing(self.viewer(caller)?, R::KIND, after)?;
        let next = if keys.len() < limits::PAGE_ROWS { None } else { keys.last().cloned() };
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let held: Option<Held<R>> = Facts(&*self.store).read(&key)?;
            if let (Ok(id), Some(held)) = (key.parse(), held) {
                rows.push((id, held.row));
            }
        }
        Ok((rows, next))
    }

    /// An officer looks for the institution while appointed, everybody else for themselves.
    pub(super) fn viewer(&self, caller: &Caller) -> Result<PartyId, BrokerError> {
        Ok(match &caller.holder {
            Holder::Officer(appointment) if self.clocks()?.not_passed < appointment.until => appointment.institution,
            _ => caller.party,
        })
    }
}
