//! Which entries of the case log were read with their bodies, and why the others were not.

use super::finding::{AuditError, EntryFault};
use crate::{
    model::{
        epoch::{EpochRow, LostRange},
        event::{EntryRef, Log},
        fold::State,
        rows::{Held, ONLY, Rows, ShreddedBodyRow},
    },
    wire::entry::{ClosedLeaf, EntryError, Happening},
};

/// Why bodies are not here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Closed {
    /// Shredded, as a later entry says.
    pub shredded: u64,
    /// Lost, as an entry says and enough administrators and council members confirm.
    pub lost: u64,
}

/// What was seen of one entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Facts depend on it.
    Needed,
    /// It changed no fact, so its body may go.
    MayGo,
    /// Its leaf alone.
    Leaf,
}

/// Every entry of the case log so far: a byte for each.
#[derive(Default)]
pub(super) struct Bodies(Vec<Seen>);

impl Bodies {
    /// An entry was opened.
    pub(super) fn opened(&mut self, event: &Happening) {
        self.0.push(if event.changes_no_fact() { Seen::MayGo } else { Seen::Needed });
    }

    /// A leaf was taken without its body.
    pub(super) fn closed(&mut self, leaf: &[u8]) -> Result<ClosedLeaf, EntryError> {
        let leaf = ClosedLeaf::parse(leaf)?;
        self.0.push(Seen::Leaf);
        Ok(leaf)
    }

    /// Whether only its leaf was taken.
    pub(super) fn is_closed(&self, index: u64) -> bool {
        usize::try_from(index).ok().and_then(|index| self.0.get(index)) == Some(&Seen::Leaf)
    }

    /// An entry says that the body of this one was shredded. Whoever has read it knows whether it may.
    pub(super) fn shredded(&self, index: u64) -> Result<(), EntryFault> {
        let seen = usize::try_from(index).ok().and_then(|index| self.0.get(index));
        match seen {
            Some(Seen::MayGo | Seen::Leaf) => Ok(()),
            Some(Seen::Needed) => Err(EntryFault::Order("it shreds the body of an entry that facts depend on")),
            None => Err(EntryFault::Order("it shreds the body of an entry that is not here")),
        }
    }

    /// An entry says that the bodies of these were lost: then none of them is here.
    pub(super) fn lost(&self, lost: LostRange) -> Result<(), EntryFault> {
        if lost.until > self.0.len() as u64 {
            return Err(EntryFault::Order("it calls lost what never was"));
        }
        match (lost.from..lost.until).find(|index| !self.is_closed(*index)) {
            None => Ok(()),
            Some(index) => Err(EntryFault::HeldThough(index)),
        }
    }

    /// Whether the log says of every body that is not here why it is not.
    pub(super) fn explained(&self, facts: &State) -> Result<Closed, AuditError> {
        let mut closed = Closed::default();
        let epoch: Option<Held<EpochRow>> = facts.read(ONLY).map_err(|e| AuditError::Fold(e.to_string()))?;
        for (index, _) in self.0.iter().enumerate().filter(|(_, seen)| **seen == Seen::Leaf) {
            let index = index as u64;
            let row: Option<Held<ShreddedBodyRow>> =
                facts.read(&index.to_string()).map_err(|e| AuditError::Fold(e.to_string()))?;
            match row {
                Some(_) => closed.shredded += 1,
                None if epoch.as_ref().is_some_and(|held| held.row.explains(index)) => closed.lost += 1,
                None => {
                    let entry = EntryRef { log: Log::Case, index };
                    return Err(AuditError::Entry { entry, what: EntryFault::Unopened });
                }
            }
        }
        Ok(closed)
    }
}
