//! Points at which something can break, so that tests can break it there.
//!
//! Every write of the blob store and every call of a store under test passes two points: before it is done and after.
//! An error at the first is a call that was not applied; at the second, one that was and whose answer was lost. A
//! running broker passes [`Sound`], which breaks nothing.

use std::io;

/// Which side of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum When {
    /// Nothing was done yet: an error here is "not applied".
    Before,
    /// It was done: an error here is "applied, but nobody was told".
    After,
}

/// Decides what breaks.
pub trait Faults: Send + Sync + 'static {
    /// Passes a point, or breaks there.
    ///
    /// # Errors
    /// Whatever the test wants the caller to see.
    fn pass(&self, call: &'static str, when: When) -> io::Result<()>;
}

/// Nothing breaks by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sound;

impl Faults for Sound {
    fn pass(&self, _: &'static str, _: When) -> io::Result<()> {
        Ok(())
    }
}
