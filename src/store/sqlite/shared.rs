//! What the writer and the readers of one store share: seals, signers, and whether only revocation is possible.

use super::guard::Shown;
use crate::{
    model::{ambient::Entropy, event::Log, time::Timestamp},
    store::{StoreError, sealed::Sealer},
    tlog::{Checkpoint, Ed25519NoteSigner, Hash, NoteSigner as _, sign_note},
    wire::genesis::SignedGenesis,
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Signs the two logs' checkpoints.
pub(super) struct LogSigners {
    pub(super) register: Ed25519NoteSigner,
    pub(super) case: Ed25519NoteSigner,
}

impl LogSigners {
    pub(super) fn checkpoint(&self, log: Log, size: u64, root: Hash) -> Result<String, StoreError> {
        let signer = match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        };
        let checkpoint = Checkpoint::new(signer.name(), size, root).map_err(|_| StoreError::Tree)?;
        checkpoint.signed(signer).map_err(|_| StoreError::Tree)
    }
}

impl LogSigners {
    /// A note that is no checkpoint, signed by the case log. Its first line must not be an origin.
    pub(super) fn statement(&self, text: &str) -> Result<String, StoreError> {
        // Whatever reads as a checkpoint is signed by the writer alone.
        if Checkpoint::parse(text).is_ok() {
            return Err(StoreError::Tree);
        }
        sign_note(text, &[&self.case]).map_err(|_| StoreError::Form("a note"))
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
