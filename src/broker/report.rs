//! Taking a sealed report's statement and owner header; its payload comes as an [upload](super::upload).

use super::{Broker, BrokerError, Caller, statement::accepted};
use crate::{
    model::{
        ids::ReportId,
        rows::{Held, ReportRow, Rows},
        statement::Kind,
    },
    store::Facts,
    wire::{api::Accepted, statement::Unverified},
};

impl Broker {
    /// Accepts a report statement with its owner header.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn declare_report(
        &self,
        text: &str,
        owner_header: Vec<u8>,
        caller: &Caller,
    ) -> Result<Accepted, BrokerError> {
        let verified = self.verify_from(Unverified::parse_kind(text, Kind::Report)?, caller)?;
        self.charge_entry(caller.party)?;
        let digest = verified.signed().digest;
        Ok(accepted(digest, self.accept_report(caller.party, verified, owner_header).await?))
    }

    /// A report of the caller's own.
    pub(super) fn own_report(&self, id: ReportId, caller: &Caller) -> Result<ReportRow, BrokerError> {
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&id.to_string())?;
        held.map(|held| held.row).filter(|row| row.owner == caller.party).ok_or(BrokerError::NotFound)
    }
}
