//! Taking a grant, with its wrapped header or before it.

use super::{Broker, BrokerError, Caller, statement::accepted};
use crate::{
    model::{ids::GrantId, statement::Kind},
    store::{self, Attachment},
    wire::{api::Accepted, statement::Unverified},
};

impl Broker {
    /// Accepts a grant. Without its header it is pending and releases nothing.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn give_grant(
        &self,
        text: &str,
        header: Option<Vec<u8>>,
        caller: &Caller,
    ) -> Result<Accepted, BrokerError> {
        let verified = self.verify_from(Unverified::parse_kind(text, Kind::Grant)?, caller)?;
        self.check_purposes(&verified)?;
        self.charge_entry(caller.party)?;
        let digest = verified.signed().digest;
        let attachment = header.map_or(Attachment::Nothing, Attachment::GrantHeader);
        Ok(accepted(digest, self.store.accept(verified, attachment).await?))
    }

    /// Accepts the header of a pending grant: the advocate's second yes.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner.
    pub async fn complete_grant(&self, id: GrantId, header: Vec<u8>, caller: &Caller) -> Result<Accepted, BrokerError> {
        let held = store::grant_of(&*self.store, id)?.ok_or(BrokerError::NotFound)?;
        if held.row.owner != caller.party {
            return Err(BrokerError::NotFound);
        }
        self.charge_entry(caller.party)?;
        Ok(accepted(id.into(), self.store.receive_header(id, header).await?))
    }
}
