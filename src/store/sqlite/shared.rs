//! What the writer and the readers of one store share: seals, signers, and whether only revocation is possible.

use super::guard::Shown;
use crate::{
    model::{
        ambient::Entropy,
        event::Log,
        genesis::LogKeys,
        ids::PublicKey,
        rows::{EarlierLogKeys, RosterRow},
        time::Timestamp,
    },
    store::{StoreError, sealed::Sealer},
    tlog::{Checkpoint, Ed25519NoteSigner, Hash, NoteSigner, sign_note},
    wire::genesis::SignedGenesis,
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Signs the two logs' checkpoints: with the key the roster in force names, and with those it replaced as long as they are
/// here, so that whoever knows an old one alone can go on for a time.
pub struct LogSigners {
    /// Every key at hand that signs the register, signed it, or may have to.
    pub register: Vec<Ed25519NoteSigner>,
    /// The same of the case log.
    pub case: Vec<Ed25519NoteSigner>,
}

impl LogSigners {
    fn of(&self, log: Log) -> &[Ed25519NoteSigner] {
        match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        }
    }

    fn with_key(&self, log: Log, key: PublicKey) -> Option<&Ed25519NoteSigner> {
        self.of(log).iter().find(|signer| signer.verifier().key().as_bytes() == key.as_bytes())
    }

    fn in_force(&self, log: Log, keys: &LogKeys) -> Result<&Ed25519NoteSigner, StoreError> {
        let key = key_of(log, keys);
        self.with_key(log, key).ok_or(StoreError::LogKey { log: crate::model::rows::of_log(log), key })
    }

    /// Whether both logs can be signed under a roster.
    ///
    /// # Errors
    /// [`StoreError::LogKey`] names the key that is missing.
    pub fn check(&self, keys: &LogKeys) -> Result<(), StoreError> {
        [Log::Register, Log::Case].into_iter().try_for_each(|log| self.in_force(log, keys).map(|_| ()))
    }

    pub(super) fn checkpoint(&self, roster: &RosterRow, log: Log, size: u64, root: Hash) -> Result<String, StoreError> {
        let first = self.in_force(log, &roster.roster.log_keys)?;
        let mut signers: Vec<&dyn NoteSigner> = vec![first];
        let replaced = roster.earlier.iter().map(|earlier: &EarlierLogKeys| key_of(log, &earlier.log_keys));
        // A key stands in the list once for every change of the other log's.
        let replaced: std::collections::BTreeSet<_> = replaced.collect();
        for key in replaced.into_iter().filter(|key| *key != key_of(log, &roster.roster.log_keys)) {
            signers.extend(self.with_key(log, key).map(|signer| signer as &dyn NoteSigner));
        }
        let checkpoint = Checkpoint::new(first.name(), size, root).map_err(|_| StoreError::Tree)?;
        checkpoint.signed_by_all(&signers).map_err(|_| StoreError::Tree)
    }

    /// A note that is no checkpoint, signed by the case log. Its first line must not be an origin.
    pub(super) fn statement(&self, roster: &RosterRow, text: &str) -> Result<String, StoreError> {
        // Whatever reads as a checkpoint is signed by the writer alone.
        if Checkpoint::parse(text).is_ok() {
            return Err(StoreError::Tree);
        }
        let signer = self.in_force(Log::Case, &roster.roster.log_keys)?;
        sign_note(text, &[signer]).map_err(|_| StoreError::Form("a note"))
    }
}

fn key_of(log: Log, keys: &LogKeys) -> PublicKey {
    match log {
        Log::Register => keys.register,
        Log::Case => keys.case,
    }
}

/// What writer and readers share.
pub(super) struct Shared {
    pub(super) sealer: Sealer,
    pub(super) signers: LogSigners,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) genesis: SignedGenesis,
    pub(super) revoke_only: Mutex<Option<&'static str>>,
    /// Time of the last committed entry, in seconds.
    pub(super) last_at: AtomicU64,
    /// How far the anchor has come.
    pub(super) shown: Shown,
}

impl Shared {
    pub(super) fn committed(&self, last_at: Timestamp) {
        self.last_at.store(last_at.as_seconds(), Ordering::Release);
    }
    pub(super) fn only_revoke(&self, why: &'static str) {
        self.revoke_only.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
    pub(super) fn why_revoke_only(&self) -> Option<&'static str> {
        *self.revoke_only.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
