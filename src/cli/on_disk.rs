//! A broker's folder before its log is opened for writing: whose signatures count by it, and what it holds.

use super::{
    ambient::SystemEntropy,
    embedded::{Places, read_seed},
    output::{Failure, chain},
};
use crate::{
    store::{StoreError, sqlite::Snapshot},
    wire::{genesis::SignedGenesis, trust::Trust},
};

/// A folder's database as it lies there; none in a folder that is new.
pub(super) struct OnDisk {
    trust: Trust,
    snapshot: Option<Snapshot>,
}

impl OnDisk {
    /// Reads without writing, also a database that must not be gone on from.
    pub(super) fn read(places: &Places, genesis: &SignedGenesis) -> Result<Self, Failure> {
        if !places.data.join("amana.db").exists() {
            return Ok(Self { trust: genesis.trust().map_err(|e| Failure::from_error(&e))?, snapshot: None });
        }
        let storage = read_seed(&places.keys.join("storage.key"))?;
        let snapshot = Snapshot::open(&places.data, &storage, SystemEntropy::new()).map_err(|e| failed(&e))?;
        let trust = if snapshot.heads().map_err(|e| failed(&e))?.register.size == 0 {
            genesis.trust()
        } else {
            Trust::in_force(&genesis.genesis().origin, &snapshot.roster().map_err(|e| failed(&e))?)
        };
        Ok(Self { trust: trust.map_err(|e| Failure::from_error(&e))?, snapshot: Some(snapshot) })
    }

    /// Whose signatures count.
    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What lies there, if anything does.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// How many case entries were made while the register had no more than so many.
    pub(super) fn case_until(&self, register: u64) -> Result<u64, StoreError> {
        self.snapshot.as_ref().map_or(Ok(0), |snapshot| snapshot.case_until(register))
    }
}

fn failed(error: &StoreError) -> Failure {
    Failure::refused(chain(error))
}
