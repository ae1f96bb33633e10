//! Owner headers wrapped anew, for the owner's keys of today or for whoever is to own the report.

use super::{Broker, BrokerError, Caller, statement::accepted};
use crate::{
    model::{
        ids::{Digest, ReportId},
        statement::Kind,
    },
    store::Attachment,
    wire::{
        api::Accepted,
        statement::{StatementError, Unverified},
    },
};

impl Broker {
    /// Accepts an `owner-header` or a `handover` with the header it names.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner.
    pub async fn replace_owner_header(
        &self,
        report: ReportId,
        text: &str,
        header: Vec<u8>,
        caller: &Caller,
    ) -> Result<Accepted, BrokerError> {
        self.own_report(report, caller)?;
        let statement = Unverified::parse(text)?;
        if !matches!(statement.kind(), Kind::OwnerHeader | Kind::Handover) {
            return Err(StatementError::WrongKind { expected: Kind::OwnerHeader }.into());
        }
        // What was asked for in the clear is what was signed, or nothing.
        if statement.subject() != Some(Digest::from(report)) {
            return Err(BrokerError::NotFound);
        }
        let verified = self.verify_from(statement, caller)?;
        self.charge_entry(caller.party)?;
        let digest = verified.signed().digest;
        Ok(accepted(digest, self.store.accept(verified, Attachment::OwnerHeader(header)).await?))
    }
}
