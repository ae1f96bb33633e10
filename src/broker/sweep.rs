//! Ending grants whose time is over, and destroying wrapped headers. Recovery runs this same path at start.

use super::{Broker, BrokerError};
use crate::{
    model::{
        grant::{GrantState, HeaderCopy},
        ids::GrantId,
        limits,
    },
    store::{self, CommitError, OwnRecord},
};
use std::{sync::Arc, time::Duration};

impl Broker {
    /// Sweeps for ever.
    pub async fn sweep_forever(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(limits::SWEEP_SECONDS));
        loop {
            tick.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = error.log_text(), "the sweeper could not finish");
            }
            if let Err(error) = self.erase_withdrawn().await {
                tracing::warn!(error = error.log_text(), "a withdrawn report waits to be erased");
            }
            if let Err(error) = self.settle_hours().await {
                tracing::warn!(error = error.log_text(), "counted denials wait for their entry");
            }
            if let Err(error) = self.shred_bodies().await {
                tracing::warn!(error = error.log_text(), "bodies that are kept no longer wait");
            }
            self.forget_networks();
        }
    }

    /// Records that an operator confirmed the clock.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn confirm_clock(&self) -> Result<(), BrokerError> {
        self.store.record(OwnRecord::ClockConfirmed).await?;
        Ok(())
    }

    /// Ends and shreds whatever is due now.
    ///
    /// # Errors
    /// The first that could not be done; the rest waits for the next sweep.
    pub async fn sweep(&self) -> Result<(), BrokerError> {
        let mut first_error = None;
        for grant in self.store.due_grants(self.clocks()?.not_passed)? {
            // One damaged row must not keep the others from ending.
            let done = match self.end(grant).await {
                Ok(()) => self.shred(grant).await,
                failed => failed,
            };
            if let Err(error) = done {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn end(&self, grant: GrantId) -> Result<(), BrokerError> {
        let Some(held) = store::grant_of(&*self.store, grant)? else { return Ok(()) };
        if !matches!(held.row.state, GrantState::HeaderPending {} | GrantState::HeaderReceived {}) {
            return Ok(());
        }
        let (ends_at, cause) = held.row.ends_at();
        if self.clocks()?.not_passed < ends_at {
            return Ok(());
        }
        already_done(self.store.record(OwnRecord::GrantEnded(grant, cause)).await)?;
        self.streams.reset_grant(grant).await;
        Ok(())
    }

    /// Destroys the copies of an ended grant's header in their order, each dated in the log.
    pub(super) async fn shred(&self, grant: GrantId) -> Result<(), BrokerError> {
        let Some(held) = store::grant_of(&*self.store, grant)? else { return Ok(()) };
        let GrantState::Ended { remaining, .. } = held.row.state else { return Ok(()) };
        // Whatever ended it should have cut its streams; a copy is called destroyed only when none can run.
        self.streams.reset_grant(grant).await;
        for copy in remaining {
            if copy == HeaderCopy::Wal && !self.store.empty_wal().await? {
                // A reader holds the log open; the sweeper comes back.
                return Ok(());
            }
            already_done(self.store.record(OwnRecord::Shredded(grant, copy)).await)?;
        }
        Ok(())
    }
}

/// Two sweeps may meet; the second finds the step done.
pub(super) fn already_done(outcome: Result<store::Recorded, CommitError>) -> Result<(), BrokerError> {
    match outcome {
        Ok(_) | Err(CommitError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
