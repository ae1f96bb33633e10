//! Revocation: commit, reset every running stream, answer; then destroy the wrapped header copy by copy.

use super::{Broker, BrokerError, statement::accepted};
use crate::{
    model::{
        ids::GrantId,
        statement::{Body, Kind},
    },
    store::{self, Attachment, CommitError},
    wire::{
        api::Revoked,
        statement::{Unverified, Verified},
    },
};
use std::sync::Arc;

impl Broker {
    /// Ends a grant. No token is needed: the signature is the authority.
    ///
    /// When this answers, no byte of header or payload is written under the grant any more.
    ///
    /// # Errors
    /// Unknown grant and wrong signer are both [`BrokerError::NotFound`].
    pub async fn revoke(self: &Arc<Self>, text: &str) -> Result<Revoked, BrokerError> {
        let statement = Unverified::parse_kind(text, Kind::Revocation)?;
        let verified = {
            // Who waits for a turn has a permit of the transport's, so that few can wait.
            let _turn = self.stop_checks.acquire().await.map_err(|_| BrokerError::Busy)?;
            self.verify(statement).map_err(BrokerError::masked)?
        };
        let grant: GrantId = verified.signed().subject.ok_or(BrokerError::NotFound)?.into();
        // A task of its own: once begun it is carried through, also when the connection it came on goes away.
        let broker = self.clone();
        let ended = tokio::spawn(async move { broker.end_and_cut(verified, grant).await });
        ended.await.map_err(|e| BrokerError::Internal(e.to_string()))?
    }

    async fn end_and_cut(self: Arc<Self>, verified: Verified<Body>, grant: GrantId) -> Result<Revoked, BrokerError> {
        let digest = verified.signed().digest;
        let recorded = self.store.accept(verified, Attachment::Nothing).await;
        if matches!(recorded, Err(CommitError::Unknown)) {
            // It may have been committed: what runs is cut all the same.
            self.streams.reset_grant(grant).await;
        }
        let recorded = recorded.map_err(|e| BrokerError::from(e).masked())?;
        let streams_reset = self.streams.reset_grant(grant).await;
        let row = store::grant_of(&*self.store, grant)?.ok_or(BrokerError::NotFound)?.row;
        self.clone().shred_soon(grant);
        Ok(Revoked { accepted: accepted(digest, recorded), grant, releases_used: row.releases_used, streams_reset })
    }

    /// Destroys copies after the answer; what is in the way now is tried again by the sweeper.
    fn shred_soon(self: Arc<Self>, grant: GrantId) {
        tokio::spawn(async move {
            if let Err(error) = self.shred(grant).await {
                tracing::warn!(error = error.log_text(), "shredding is pending");
            }
        });
    }
}
