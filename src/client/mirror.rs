//! The client's own copy of the register: fetched whole, checked against the checkpoint, folded with the shared fold.

use crate::{
    model::{
        epoch::EpochRow,
        event::{EntryRef, Event, Log, Recorded},
        fold::{self, State},
        ids::{Digest, PartyId},
        rows::{Held, InstitutionRow, KeyRow, ONLY, PartyRow, ProposalRow, RecipientKeyRow, RosterRow, Rows},
        statement::Body,
        time::Timestamp,
    },
    tlog::{Checkpoint, MemoryTiles, leaf_hash},
    wire::{
        entry::Shared,
        genesis::{GenesisError, SignedGenesis},
        statement::{SeenTree, Unverified, Verified},
        trust::Trust,
    },
};

/// The register does not hold together: do not trust what this broker says of institutions.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Entries and checkpoint do not fit.
    #[error("the register the broker shows is not the one its checkpoint signs")]
    Root,
    /// It forgot entries seen before.
    #[error("the register shrank: the broker hides entries seen before")]
    Shrank,
    /// An entry breaks a rule.
    #[error("register entry {index} is not acceptable: {reason}")]
    Entry {
        /// Which.
        index: u64,
        /// Why.
        reason: String,
    },
}

/// A verified register.
#[derive(Clone)]
pub struct Mirror {
    entries: Vec<String>,
    tiles: MemoryTiles,
    state: State,
    last_at: Timestamp,
}

impl Mirror {
    /// Begins with genesis alone: what every client knows from its bootstrap card.
    ///
    /// # Errors
    /// When genesis cannot be folded.
    pub fn of_genesis(genesis: &SignedGenesis) -> Result<Self, MirrorError> {
        let shared = genesis.entry();
        let bad = |reason: String| MirrorError::Entry { index: 0, reason };
        let text = shared.encode().map_err(|e| bad(e.to_string()))?;
        let mut mirror =
            Self { entries: Vec::new(), tiles: MemoryTiles::new(), state: State::default(), last_at: shared.at };
        let event = Event::GenesisLaid(Box::new(genesis.genesis().clone()), genesis.digest());
        let recorded = Recorded { entry: EntryRef { log: Log::Register, index: 0 }, at: shared.at };
        fold::apply(&mut mirror.state, recorded, &event).map_err(|e| bad(e.to_string()))?;
        mirror.tiles.append_leaf(leaf_hash(text.as_bytes()));
        mirror.entries.push(text);
        Ok(mirror)
    }

    /// As [`Mirror::of_genesis`], with the entries a device remembers.
    ///
    /// # Errors
    /// [`MirrorError::Entry`].
    pub fn remembered(genesis: &SignedGenesis, entries: &[String]) -> Result<Self, MirrorError> {
        let mut mirror = Self::of_genesis(genesis)?;
        for entry in entries {
            mirror.append(entry.clone(), genesis)?;
        }
        Ok(mirror)
    }

    /// Folds one more entry.
    ///
    /// # Errors
    /// [`MirrorError::Entry`].
    pub fn append(&mut self, text: String, genesis: &SignedGenesis) -> Result<(), MirrorError> {
        let index = self.tiles.size();
        let event = self.read(&text, genesis).map_err(|reason| MirrorError::Entry { index, reason })?;
        let recorded = Recorded { entry: EntryRef { log: Log::Register, index }, at: event.1 };
        fold::apply(&mut self.state, recorded, &event.0)
            .map_err(|e| MirrorError::Entry { index, reason: e.to_string() })?;
        self.last_at = event.1;
        self.tiles.append_leaf(leaf_hash(text.as_bytes()));
        self.entries.push(text);
        Ok(())
    }

    fn read(&self, text: &str, genesis: &SignedGenesis) -> Result<(Event, Timestamp), String> {
        let shared = Shared::parse(text).map_err(|e| e.to_string())?;
        if shared.at < self.last_at {
            return Err("its time lies before the entry before it".to_owned());
        }
        let verified = match shared.statement().map_err(|e| e.to_string())? {
            Some(statement) => Some(self.verified(statement, genesis)?),
            None => None,
        };
        let trust = self.trust(genesis).map_err(|e| e.to_string())?;
        let event = trust.event(&shared, Log::Register, verified).map_err(|e| e.to_string())?;
        if let Event::Cosigned(cosigned) = &event
            && self.root_at(cosigned.size) != Some(cosigned.root)
        {
            return Err("witnesses cosigned another register than this one".to_owned());
        }
        Ok((event, shared.at))
    }

    fn verified(&self, statement: Unverified, genesis: &SignedGenesis) -> Result<Verified<Body>, String> {
        let key = match statement.enclosed_key() {
            Some(key) => key,
            None => self.key(statement.kid()).ok_or("its signing key is not registered")?.public,
        };
        statement.verify(&key, genesis.digest()).map_err(|e| e.to_string())
    }

    /// Whose signatures under the logs count, by the register as it is known here.
    ///
    /// # Errors
    /// When the roster names a key that is not usable.
    pub fn trust(&self, genesis: &SignedGenesis) -> Result<Trust, GenesisError> {
        match self.roster() {
            Some(row) => Trust::in_force(&genesis.genesis().origin, &row),
            None => genesis.trust(),
        }
    }

    /// The roster in force.
    pub fn roster(&self) -> Option<RosterRow> {
        self.row(ONLY)
    }
    /// What several have to agree on, by the digest of its statement.
    pub fn proposal(&self, statement: Digest) -> Option<ProposalRow> {
        self.row(&statement.to_string())
    }

    /// Checks that the entries are exactly those a checkpoint signs.
    ///
    /// # Errors
    /// [`MirrorError::Root`].
    pub fn check(&self, checkpoint: &Checkpoint) -> Result<(), MirrorError> {
        if checkpoint.size() < self.tiles.size() {
            return Err(MirrorError::Shrank);
        }
        let same = checkpoint.size() == self.tiles.size() && *checkpoint.root() == self.tiles.root();
        if same { Ok(()) } else { Err(MirrorError::Root) }
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.tiles.size()
    }
    /// Entries after genesis, to be remembered.
    pub fn entries(&self) -> &[String] {
        self.entries.get(1..).unwrap_or_default()
    }
    /// What a statement says it has seen.
    pub fn seen(&self) -> SeenTree {
        SeenTree { size: self.tiles.size(), root: Digest::from_bytes(*self.tiles.root().as_bytes()) }
    }
    /// The root the register had at a size.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        let root = crate::tlog::root_at(&self.tiles, size).ok()?;
        Some(Digest::from_bytes(*root.as_bytes()))
    }
    /// A registered key.
    pub fn key(&self, kid: crate::model::ids::KeyId) -> Option<KeyRow> {
        self.row(&kid.to_string())
    }
    /// An institution.
    pub fn institution(&self, id: PartyId) -> Option<InstitutionRow> {
        self.row(&id.to_string()).map(|row| self.as_it_stands(row))
    }
    /// Roll-forwards, as far as the register tells of them.
    pub fn epoch(&self) -> EpochRow {
        self.row(ONLY).unwrap_or_default()
    }
    /// Who was admitted before a roll-forward is so no more.
    fn as_it_stands(&self, row: InstitutionRow) -> InstitutionRow {
        if self.epoch().admits(&row) { row } else { InstitutionRow { admitted_at: None, ..row } }
    }
    /// The enrolment of an institution's root key.
    pub fn party(&self, id: PartyId) -> Option<PartyRow> {
        self.row(&id.to_string())
    }
    /// A published recipient key.
    pub fn recipient_key(&self, statement: Digest) -> Option<RecipientKeyRow> {
        self.row(&statement.to_string())
    }
    /// Every institution with its id.
    pub fn institutions(&self) -> Vec<(PartyId, InstitutionRow)> {
        let all: Vec<(PartyId, InstitutionRow)> = self.rows_of("institution");
        all.into_iter().map(|(id, row)| (id, self.as_it_stands(row))).collect()
    }
    /// Current recipient keys of an institution, with the digest of their statements.
    pub fn current_recipient_keys(&self, institution: PartyId) -> Vec<(Digest, RecipientKeyRow)> {
        let mut keys: Vec<(Digest, RecipientKeyRow)> = self.rows_of("recipient-key");
        keys.retain(|(_, key)| key.institution == institution && key.superseded_by.is_none());
        keys
    }

    fn row<R: crate::model::rows::Row>(&self, key: &str) -> Option<R> {
        let held: Option<Held<R>> = self.state.read(key).ok()?;
        held.map(|held| held.row)
    }

    fn rows_of<Id: std::str::FromStr, R: serde::de::DeserializeOwned>(&self, kind: &str) -> Vec<(Id, R)> {
        let mine = self.state.of_kind(kind);
        mine.filter_map(|(key, _, row)| Some((key.parse().ok()?, serde_json::from_str(row).ok()?))).collect()
    }
}
