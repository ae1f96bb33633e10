//! What may be taken away to check: the public register, and the case log's head.

use super::{Broker, BrokerError};
use crate::{
    model::{
        event::{EntryRef, Log},
        limits,
    },
    tlog::{Checkpoint, Note},
    wire::api::{CaseHead, RegisterPage},
};

impl Broker {
    /// The register from an index on, with its signed checkpoint.
    ///
    /// # Errors
    /// When storage fails.
    pub fn register(&self, from: u64) -> Result<RegisterPage, BrokerError> {
        let (checkpoint, _) = self.store.checkpoint(Log::Register, 0)?.ok_or(BrokerError::NotFound)?;
        // Not what there is by now: entries and checkpoint belong together.
        let size = size_of(&checkpoint)?;
        let until = size.min(from.saturating_add(limits::PAGE_ROWS as u64));
        let mut entries = Vec::new();
        for index in from..until {
            let shared = self.store.entry_shared(EntryRef { log: Log::Register, index })?;
            entries.push(shared.ok_or(BrokerError::NotFound)?);
        }
        Ok(RegisterPage { checkpoint, from, entries })
    }

    /// The case log's checkpoint, with proof that it extends the tree of size `since`.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when the log is empty or was never that large.
    pub fn case_head(&self, since: u64) -> Result<CaseHead, BrokerError> {
        let (checkpoint, consistency) = self.store.checkpoint(Log::Case, since)?.ok_or(BrokerError::NotFound)?;
        Ok(CaseHead { checkpoint, consistency })
    }
}

/// The size a checkpoint of our own signs.
fn size_of(checkpoint: &str) -> Result<u64, BrokerError> {
    let broken = |e: &dyn std::error::Error| BrokerError::Internal(e.to_string());
    let note = Note::parse(checkpoint).map_err(|e| broken(&e))?;
    Ok(Checkpoint::parse(note.text()).map_err(|e| broken(&e))?.size())
}
