//! What signers and strangers show of our own log: a log that was larger or different is a fork.

use super::{Broker, BrokerError};
use crate::{
    model::{
        event::{EntryRef, Log},
        ids::Digest,
        statement::Body,
    },
    store::{self, StoreError},
    tlog::{Checkpoint, NoteVerifier},
    wire::{
        entry::Shared,
        statement::{SeenTree, Verified},
    },
};
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

impl Broker {
    /// Refuses a statement whose signer has verified a log that is not an earlier state of ours.
    pub(super) fn check_seen(&self, statement: &Verified<Body>) -> Result<(), BrokerError> {
        let Some(seen) = statement.seen() else { return Ok(()) };
        for (log, tree) in [(Log::Register, seen.register), (Log::Case, seen.case)] {
            if !self.is_earlier_state(log, tree)? {
                return Err(BrokerError::SeenMismatch);
            }
        }
        Ok(())
    }

    /// Takes a checkpoint somebody holds. If we signed it and it is not an earlier state of our log, this broker has
    /// been rolled back or forked: from then on only revocation is possible.
    ///
    /// # Errors
    /// When the checkpoint is not ours, or storage fails.
    pub fn take_evidence(&self, note: &str) -> Result<bool, BrokerError> {
        let trust = self.trust()?;
        for log in [Log::Register, Log::Case] {
            // Under a key that was replaced since it is the word of whoever has the key now, if its tree is larger than those
            // the key signed, and proves nothing of this broker.
            let open = |key: &NoteVerifier| Checkpoint::open(note, key).map_err(|_| BrokerError::NotFound);
            let until = |register| self.case_until(register);
            let checkpoint = match trust.kept(log, open, Checkpoint::size, until) {
                Ok(checkpoint) => checkpoint,
                Err(BrokerError::NotFound) => continue,
                Err(error) => return Err(error),
            };
            let root = Digest::from_bytes(*checkpoint.root().as_bytes());
            let ours = self.is_earlier_state(log, SeenTree { size: checkpoint.size(), root })?;
            if !ours {
                self.store.only_revoke("a checkpoint signed by this broker is not an earlier state of its log");
            }
            return Ok(ours);
        }
        Err(BrokerError::NotFound)
    }

    /// How many case entries had been made when the register had no more than `register` entries.
    fn case_until(&self, register: u64) -> Result<u64, BrokerError> {
        store::case_until(self.store.heads()?.case.size, register, |from, until| self.open_entry(from, until))
    }

    /// The first entry from an index on whose body is still here.
    fn open_entry(&self, from: u64, until: u64) -> Result<Option<(u64, Shared)>, BrokerError> {
        for index in from..until {
            match self.store.entry_shared(EntryRef { log: Log::Case, index }) {
                Err(StoreError::Closed) => {}
                found => {
                    let text = found?.ok_or(BrokerError::NotFound)?;
                    let shared = Shared::parse(&text).map_err(|e| BrokerError::Internal(e.to_string()))?;
                    return Ok(Some((index, shared)));
                }
            }
        }
        Ok(None)
    }

    fn is_earlier_state(&self, log: Log, tree: SeenTree) -> Result<bool, BrokerError> {
        if self.roots.knows(log, tree) {
            return Ok(true);
        }
        let ours = self.store.root_at(log, tree.size)? == Some(tree.root);
        if ours {
            self.roots.remember(log, tree);
        }
        Ok(ours)
    }
}

/// Earlier states of the logs that were checked lately. A root never changes, so what was true stays true.
#[derive(Default)]
pub(super) struct Roots {
    known: Mutex<HashSet<(Log, SeenTree)>>,
}

/// Clients ask with the few states they saw last.
const KNOWN_ROOTS: usize = 4096;

impl Roots {
    fn knows(&self, log: Log, tree: SeenTree) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&(log, tree))
    }
    fn remember(&self, log: Log, tree: SeenTree) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_ROOTS {
            known.clear();
        }
        known.insert((log, tree));
    }
}
