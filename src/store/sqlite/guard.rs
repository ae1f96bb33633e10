//! The log held against its anchor: at opening, after each commit, and before anything of it is shown.

use super::{points::Points, read};
use crate::{
    model::{event::Log, ids::Digest, limits},
    store::{
        Heads, StoreError,
        anchor::{Anchor, AnchorError, IfMissing, Place, compare, goes_on_from},
    },
};
use rusqlite::Connection;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Takes hold of the anchor of a log that is about to be gone on with, if it is the same log.
pub(super) fn take(connection: &Connection, place: &Place, genesis: Digest) -> Result<Anchor, StoreError> {
    let (path, found) = (&place.path, read::heads(connection)?);
    let root_at = |log, size| read::root_at(connection, log, size);
    for known in &place.known {
        goes_on_from(known, &found, root_at)?;
    }
    let Some(anchor) = Anchor::open(path)? else {
        return match place.if_missing {
            // Nothing can be missing from a log without entries.
            _ if found.register.size == 0 => Ok(Anchor::make(path, genesis, found)?),
            IfMissing::TakeTheDatabasesWord => Ok(Anchor::make(path, genesis, found)?),
            IfMissing::Refuse => Err(AnchorError::Missing(path.display().to_string()).into()),
        };
    };
    if anchor.genesis() != genesis {
        return Err(AnchorError::OtherGenesis(path.display().to_string()).into());
    }
    compare(&anchor.heads(), &found, path, root_at)?;
    Ok(anchor)
}

/// Keeps both trees, between two points.
pub(super) fn keep(anchor: &mut Anchor, heads: Heads, points: &Points) -> Result<(), StoreError> {
    if anchor.heads() == heads {
        return Ok(());
    }
    points.step("anchor.write", || Ok(anchor.keep(heads)?))
}

/// Waits until the anchor knows the log as a snapshot has it.
pub(super) fn wait(snapshot: &Connection, shown: &Shown) -> Result<(), StoreError> {
    for log in [Log::Register, Log::Case] {
        shown.wait(log, read::head(snapshot, log)?.map_or(0, |(size, _)| size))?;
    }
    Ok(())
}

/// How far the anchor has come, for those who show the log: what it does not know yet waits.
#[derive(Default)]
pub(super) struct Shown {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    register: u64,
    case: u64,
    /// It could not be written, or nobody knows what to write. What is shown then is durable, and the operator is told.
    lost: bool,
}

impl Shown {
    /// The anchor knows both logs up to here.
    pub(super) fn up_to(&self, heads: &Heads) {
        let mut state = self.state();
        *state = State { register: heads.register.size, case: heads.case.size, lost: false };
        drop(state);
        self.moved.notify_all();
    }
    /// The anchor could not be written, or nobody knows what to write.
    pub(super) fn lose(&self) {
        self.state().lost = true;
        self.moved.notify_all();
    }
    /// Waits until the anchor knows a log up to a size.
    fn wait(&self, log: Log, size: u64) -> Result<(), StoreError> {
        let behind = |state: &mut State| {
            let known = match log {
                Log::Register => state.register,
                Log::Case => state.case,
            };
            known < size && !state.lost
        };
        let wait = Duration::from_secs(limits::ANCHOR_WAIT_SECONDS);
        let waited = self.moved.wait_timeout_while(self.state(), wait, behind);
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        if timed_out { Err(StoreError::Form("the rollback anchor does not move")) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
