//! What everybody is shown of the logs, held against what this device has verified, and who cosigned it.

use super::desk::{Desk, DeskError};
use crate::{
    model::{event::Log, ids::Digest, time::Timestamp},
    wire::statement::SeenTree,
};

/// A log as the broker shows it to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Which log.
    pub log: Log,
    /// Number of entries.
    pub size: u64,
    /// Each witness that cosigned it, by name, and when.
    pub cosigned: Vec<(String, Timestamp)>,
    /// How many the roster asks for; 0 where there are no witnesses.
    pub quorum: usize,
}

impl Public {
    /// A time that as many witnesses as the quorum asks for have reached.
    pub fn witnessed_at(&self) -> Option<Timestamp> {
        let mut times: Vec<Timestamp> = self.cosigned.iter().map(|(_, at)| *at).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        self.quorum.checked_sub(1).and_then(|place| times.get(place)).copied()
    }
}

impl Desk {
    /// Whether the roster in force asks for witnesses.
    pub fn has_witnesses(&self) -> bool {
        self.trust.quorum() > 0
    }

    /// Fetches both public checkpoints and checks that they are earlier states of the logs this device follows.
    ///
    /// # Errors
    /// [`DeskError::Fork`] when they are not.
    pub fn public_logs(&mut self) -> Result<[Public; 2], DeskError> {
        self.refresh()?;
        Ok([self.public_log(Log::Register, "register")?, self.public_log(Log::Case, "case")?])
    }

    fn public_log(&mut self, log: Log, word: &str) -> Result<Public, DeskError> {
        let note = self.remote.fetch_text(&format!("/log/{word}/checkpoint"))?;
        let witnessed = self.trust.read(log, &note).map_err(|_| DeskError::Fork)?;
        let root = Digest::from_bytes(*witnessed.checkpoint.root().as_bytes());
        let tree = SeenTree { size: witnessed.checkpoint.size(), root };
        match log {
            Log::Register if self.mirror.root_at(tree.size) != Some(tree.root) => return Err(DeskError::Fork),
            Log::Register => {}
            Log::Case => self.follow_case(tree)?,
        }
        Ok(Public { log, size: tree.size, cosigned: witnessed.times, quorum: self.trust.quorum() })
    }
}
