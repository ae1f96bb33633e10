//! Shredding the bodies of entries that are not kept for ever. Their leaves stand, and an entry says which body went.

use super::{Broker, BrokerError, sweep::already_done};
use crate::{
    model::{
        event::BodyCause,
        time::{Duration, Timestamp},
    },
    store::OwnRecord,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is not kept for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// How long bodies are kept that no fact depends on; for ever if absent.
    pub keep_bodies: Option<Duration>,
}

/// How far the log was looked through.
pub(super) struct Bodies {
    retention: Retention,
    /// Everything before was looked at since the start.
    next: AtomicU64,
    /// Something was shredded, and the write-ahead log may still hold it. At first nobody knows.
    in_wal: AtomicBool,
}

impl Bodies {
    pub(super) fn new(retention: Retention) -> Self {
        Self { retention, next: AtomicU64::new(0), in_wal: AtomicBool::new(true) }
    }
}

impl Broker {
    /// Shreds some of the bodies that are kept no longer; the rest waits for the next sweep.
    ///
    /// # Errors
    /// The first that could not be done.
    pub async fn shred_bodies(&self) -> Result<(), BrokerError> {
        let Some(kept) = self.bodies.retention.keep_bodies else { return Ok(()) };
        if self.revoke_only().is_some() {
            return Ok(());
        }
        let passed = self.clocks()?.passed.as_seconds();
        let before = Timestamp::from_seconds(passed.saturating_sub(kept.as_seconds()));
        let old = self.store.old_bodies(self.bodies.next.load(Ordering::Acquire), before)?;
        for index in old.indices {
            self.bodies.in_wal.store(true, Ordering::Release);
            already_done(self.store.record(OwnRecord::BodyShredded(index, BodyCause::Retention)).await)?;
        }
        self.bodies.next.store(old.next, Ordering::Release);
        if self.bodies.in_wal.load(Ordering::Acquire) && self.store.empty_wal().await? {
            self.bodies.in_wal.store(false, Ordering::Release);
        }
        Ok(())
    }
}
