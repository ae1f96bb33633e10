//! The roster: who signs the logs, who witnesses them, who holds which office. Genesis lays the first one.

use super::genesis::{Genesis, LogKeys, NamedKey, Roles};
use serde::{Deserialize, Serialize};

/// Everybody whose signature counts for the house.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Keys that sign the two logs' checkpoints.
    pub log_keys: LogKeys,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<NamedKey>,
    /// How many of them a checkpoint needs; 0 says that there are none.
    pub witness_quorum: u32,
    /// Who holds which office.
    pub roles: Roles,
}

impl Roster {
    /// The first roster.
    pub fn of(genesis: &Genesis) -> Self {
        Self {
            log_keys: genesis.log_keys.clone(),
            witnesses: genesis.witnesses.clone(),
            witness_quorum: genesis.witness_quorum,
            roles: genesis.roles.clone(),
        }
    }
}
