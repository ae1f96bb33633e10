//! Freezing: one signature stops everything of an advocate, without signing in. And who stands still.

use super::{Broker, BrokerError, Caller, statement::accepted};
use crate::{
    model::{
        fold::Refusal,
        freeze::FrozenRow,
        ids::PartyId,
        party::Holder,
        rows::{Held, ReportRow, Rows as _},
        statement::{Body, Kind},
    },
    store::{Attachment, CommitError, Facts},
    wire::{
        api::Stopped,
        statement::{Unverified, Verified},
    },
};
use std::sync::Arc;

impl Broker {
    /// Freezes everything of an advocate. No token is needed: the signature is the authority, also that of a guardian file.
    ///
    /// When this answers, no byte is written under any grant of theirs.
    ///
    /// # Errors
    /// Unknown party and wrong signer are both [`BrokerError::NotFound`].
    pub async fn freeze(self: &Arc<Self>, text: &str) -> Result<Stopped, BrokerError> {
        let statement = Unverified::parse_kind(text, Kind::Freeze)?;
        let verified = {
            let _turn = self.stop_checks.acquire().await.map_err(|_| BrokerError::Busy)?;
            self.verify(statement).map_err(BrokerError::masked)?
        };
        let Body::Freeze(freeze) = *verified.body() else { return Err(BrokerError::NotFound) };
        // A task of its own: once begun it is carried through, also when the connection it came on goes away.
        let broker = self.clone();
        let stopped = tokio::spawn(async move { broker.stop_and_cut(verified, freeze.party).await });
        stopped.await.map_err(|e| BrokerError::Internal(e.to_string()))?
    }

    async fn stop_and_cut(&self, verified: Verified<Body>, party: PartyId) -> Result<Stopped, BrokerError> {
        let digest = verified.signed().digest;
        let recorded = self.store.accept(verified, Attachment::Nothing).await;
        if matches!(recorded, Err(CommitError::Unknown)) {
            // It may have been committed: what runs is cut all the same.
            self.cut_all_of(party).await;
        }
        let recorded = recorded.map_err(|e| BrokerError::from(e).masked())?;
        let streams_reset = self.cut_all_of(party).await;
        // A freeze that is sent again is answered as before, but never says "frozen" of somebody who is not.
        if self.stands_still(party)? {
            Ok(Stopped { accepted: accepted(digest, recorded), streams_reset })
        } else {
            Err(BrokerError::Refused(Refusal::FreezeOver))
        }
    }

    /// A report whose owner cannot be read is cut too: the rest can be fetched again.
    async fn cut_all_of(&self, party: PartyId) -> u32 {
        let mut theirs = self.streams.reports();
        theirs.retain(|report| {
            let held: Result<Option<Held<ReportRow>>, _> = Facts(&*self.store).read(&report.to_string());
            held.is_err() || held.is_ok_and(|held| held.is_some_and(|held| held.row.owner == party))
        });
        self.streams.reset_owner(party, &theirs).await
    }

    /// Whether everything of the caller's stands still. Their recovery key is let in: it lifts.
    ///
    /// # Errors
    /// [`BrokerError::Frozen`].
    pub fn goes_on(&self, caller: &Caller) -> Result<(), BrokerError> {
        if caller.holder != (Holder::Advocate {}) {
            return Ok(());
        }
        if self.stands_still(caller.party)? { Err(BrokerError::Frozen) } else { Ok(()) }
    }

    fn stands_still(&self, party: PartyId) -> Result<bool, BrokerError> {
        let held: Option<Held<FrozenRow>> = Facts(&*self.store).read(&party.to_string())?;
        let now = self.clocks()?.not_passed;
        Ok(held.is_some_and(|held| held.row.holds_at(now)))
    }
}
