//! What was found to hold.

use super::Walk;
use crate::{
    audit::finding::{Summary, Trees},
    model::{
        audit::AuditedTree,
        event::Log,
        ids::Digest,
        rows::{CosignedRow, Held, ONLY, RosterRow, Rows as _, of_log},
        time::Timestamp,
    },
};

impl Walk {
    /// What was found to hold so far.
    pub fn summary(&self) -> Summary {
        let closed = self.closed().unwrap_or_default();
        Summary {
            register_size: self.tree(Log::Register).size(),
            case_size: self.tree(Log::Case).size(),
            facts: self.state.len() as u64,
            events: self.events.clone(),
            signatures: self.signatures,
            shredded_bodies: closed.shredded,
            lost_bodies: closed.lost,
            last_at: self.last_at,
            card: self.genesis.card().to_string(),
            witnessed: self.is_witnessed(),
            cosigned: self.cosigned(),
            trees: Trees { register: self.state_of(Log::Register), case: self.state_of(Log::Case) },
        }
    }

    fn cosigned(&self) -> Option<(u64, Timestamp)> {
        let held: Option<Held<CosignedRow>> = self.state.read(of_log(Log::Case)).ok()?;
        held.map(|held| (held.row.size, held.row.at))
    }

    /// Whether the roster in force asks for witnesses; before entry 0 that of genesis.
    fn is_witnessed(&self) -> bool {
        let held: Option<Held<RosterRow>> = self.state.read(ONLY).unwrap_or_default();
        held.map_or(self.genesis.genesis().witness_quorum, |held| held.row.roster.witness_quorum) > 0
    }

    fn state_of(&self, log: Log) -> AuditedTree {
        let tree = self.tree(log);
        AuditedTree { size: tree.size(), root: Digest::from_bytes(*tree.root().as_bytes()) }
    }
}
