//! Rolling forward: an older copy of the data takes in what others kept of the log, in one transaction.
//!
//! The register comes back whole: its leaves are its entries, and each is verified and folded like any other. Of the case
//! log only leaves come back. The trees are then those that were signed before the loss, and one more register entry says
//! what was lost.

use super::{
    batch::Batch,
    open::{Opening, belongs, lock, taken},
    read, schema,
    shared::Shared as Broker,
};
use crate::{
    model::{
        ambient::Clock,
        epoch::LostRange,
        event::{EntryRef, Event, Log},
        rows::{Held, KeyRow, ONLY, RosterRow, Rows as _},
    },
    store::{
        CommitError, Heads, StoreError,
        anchor::{Anchor, AnchorError, Known, Place, goes_on_from},
    },
    wire::{
        entry::{AuditorPart, ClosedLeaf, FullEntry, Happening, Shared},
        trust::Trust,
    },
};
use rusqlite::Connection;
use std::path::Path;

/// What others kept of the logs beyond an older copy.
pub struct Ahead {
    /// Register entries that the copy lacks, in their order.
    pub register: Vec<String>,
    /// Leaves of the case log that the copy lacks, in their order.
    pub case: Vec<ClosedLeaf>,
    /// The trees they complete, by the logs' own signatures.
    pub trees: Heads,
}

/// Why nothing was rolled forward; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is missing here.
    #[error("the copy is as long as what was kept elsewhere: there is nothing to roll forward; `serve` it")]
    Nothing,
    /// A register entry that was kept elsewhere.
    #[error("register entry {index} as it was kept is not acceptable: {reason}")]
    Entry {
        /// Which.
        index: u64,
        /// Why.
        reason: String,
    },
    /// The copy and what was kept are not of one log.
    #[error(
        "what was kept of the logs and this copy do not make the trees that the kept checkpoints sign: they belong to \
         different logs, or an entry was changed. Try another mirror"
    )]
    OtherLog,
}

impl From<CommitError> for ForwardError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => Self::Store(error),
            _ => Self::Store(StoreError::Form("the roll-forward's entry")),
        }
    }
}

/// Takes in what others kept, says so in an entry, and moves the anchor.
///
/// # Errors
/// [`ForwardError`].
pub fn roll_forward(folder: &Path, opening: Opening, ahead: &Ahead) -> Result<LostRange, ForwardError> {
    let _lock = lock(folder)?;
    let connection = schema::writer(&folder.join("amana.db")).map_err(StoreError::from)?;
    let (place, clock) = (opening.anchor.clone(), opening.clock.clone());
    let broker = taken(opening);
    let Some(mut anchor) = Anchor::open(&place.path).map_err(StoreError::from)? else {
        return Err(StoreError::from(AnchorError::Missing(place.path.display().to_string())).into());
    };
    connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from)?;
    let lost = forward(&connection, &broker, &*clock, ahead)
        .and_then(|lost| settled(&connection, &broker, &place, &anchor, ahead).map(|()| lost));
    match lost {
        Ok(lost) => {
            connection.execute_batch("COMMIT").map_err(StoreError::from)?;
            let heads = read::heads(&connection)?;
            anchor.keep(heads).map_err(StoreError::from)?;
            Ok(lost)
        }
        Err(error) => {
            drop(connection.execute_batch("ROLLBACK"));
            Err(error)
        }
    }
}

fn forward(
    connection: &Connection,
    broker: &Broker,
    clock: &dyn Clock,
    ahead: &Ahead,
) -> Result<LostRange, ForwardError> {
    if ahead.register.is_empty() && ahead.case.is_empty() {
        return Err(ForwardError::Nothing);
    }
    let tips = read::tips(connection)?;
    let mut batch = Batch::new(connection, &broker.sealer, &*broker.entropy, tips, clock.wall());
    belongs(&batch, broker)?;
    for text in &ahead.register {
        let index = batch.tips().register;
        register_entry(&mut batch, broker, text).map_err(|reason| ForwardError::Entry { index, reason })?;
    }
    batch.at_least(clock.wall());
    let from = batch.tips().case;
    for leaf in &ahead.case {
        let entry = EntryRef { log: Log::Case, index: batch.tips().case };
        batch.insert(entry, &FullEntry::Closed { leaf: *leaf })?;
    }
    let lost = LostRange { from, until: batch.tips().case };
    batch.append(&Event::RolledForward(lost), Happening::RolledForward(lost), None, &AuditorPart::default())?;
    batch.seal_heads(&broker.signers)?;
    Ok(lost)
}

/// One register entry, verified as everybody who mirrors the register verifies it.
fn register_entry(batch: &mut Batch<'_>, broker: &Broker, text: &str) -> Result<(), String> {
    let words = |e: &dyn std::error::Error| e.to_string();
    let shared = Shared::parse(text).map_err(|e| words(&e))?;
    let verified = match shared.statement().map_err(|e| words(&e))? {
        None => None,
        Some(statement) => {
            let enclosed = statement.enclosed_key();
            let held: Option<Held<KeyRow>> = if enclosed.is_some() {
                None
            } else {
                batch.read(&statement.kid().to_string()).map_err(|e| words(&e))?
            };
            let key = enclosed.or(held.map(|held| held.row.public)).ok_or("its signing key is not registered")?;
            Some(statement.verify(&key, broker.genesis.digest()).map_err(|e| words(&e))?)
        }
    };
    let roster: Option<Held<RosterRow>> = batch.read(ONLY).map_err(|e| words(&e))?;
    let roster = roster.ok_or("there is no roster")?.row.roster;
    let trust = Trust::of(&broker.genesis.genesis().origin, &roster).map_err(|e| words(&e))?;
    let event = trust.event(&shared, Log::Register, verified).map_err(|e| words(&e))?;
    batch.append_verbatim(&event, &shared, text).map_err(|e| words(&e))
}

/// The trees are those that were signed before, and nobody knows of more.
fn settled(
    connection: &Connection,
    broker: &Broker,
    place: &Place,
    anchor: &Anchor,
    ahead: &Ahead,
) -> Result<(), ForwardError> {
    if anchor.genesis() != broker.genesis.digest() {
        return Err(StoreError::from(AnchorError::OtherGenesis(place.path.display().to_string())).into());
    }
    for (log, tree) in [(Log::Register, ahead.trees.register), (Log::Case, ahead.trees.case)] {
        if read::root_at(connection, log, tree.size)? != Some(tree.root) {
            return Err(ForwardError::OtherLog);
        }
    }
    // The entry about this roll-forward counts for nothing here: what was kept must reach as far by itself.
    let by = format!("anchor {}", place.path.display());
    let anchored = [(Log::Register, anchor.heads().register), (Log::Case, anchor.heads().case)];
    let anchored = anchored.map(|(log, tree)| Known { log, tree, by: by.clone() });
    for known in place.known.iter().chain(&anchored) {
        let root_at = |log, size| read::root_at(connection, log, size);
        goes_on_from::<StoreError>(known, &ahead.trees, root_at)?;
    }
    Ok(())
}
