//! Taking a sealed report: its statement and owner header first, then its payload.

use super::{Broker, BrokerError, Caller, statement::accepted};
use crate::{
    model::{
        ids::ReportId,
        report::ReportState,
        rows::{Held, ReportRow, Rows},
        statement::Kind,
    },
    store::{Facts, OwnRecord, blob::Incoming},
    wire::{api::Accepted, statement::Unverified},
};

/// A payload on its way in.
pub struct Upload {
    id: ReportId,
    incoming: Incoming,
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there are more than the statement names, or no room.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BrokerError> {
        Ok(self.incoming.write(bytes)?)
    }
}

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

    /// Begins the upload of a payload; `None` when it is already stored.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner.
    pub fn begin_upload(&self, id: ReportId, caller: &Caller) -> Result<Option<Upload>, BrokerError> {
        let row = self.own_report(id, caller)?;
        match row.state {
            ReportState::Stored {} => Ok(None),
            ReportState::Declared {} => Ok(Some(Upload { id, incoming: self.blobs.begin(id, &row.report)? })),
        }
    }

    /// Publishes an upload that is whole, and records it.
    ///
    /// # Errors
    /// When length or SHA-256 are not the stated ones; nothing is published then.
    pub async fn finish_upload(&self, upload: Upload) -> Result<Accepted, BrokerError> {
        let Upload { id, incoming } = upload;
        let publish = tokio::task::spawn_blocking(move || incoming.publish());
        publish.await.map_err(|e| BrokerError::Internal(e.to_string()))??;
        let recorded = self.store.record(OwnRecord::PayloadStored(id)).await?;
        Ok(accepted(id.into(), recorded))
    }

    /// A report of the caller's own.
    pub(super) fn own_report(&self, id: ReportId, caller: &Caller) -> Result<ReportRow, BrokerError> {
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&id.to_string())?;
        held.map(|held| held.row).filter(|row| row.owner == caller.party).ok_or(BrokerError::NotFound)
    }
}
