//! Whoever looks on while both logs are folded.

use super::finding::AuditError;
use crate::{
    model::{
        event::{Event, Recorded},
        fold::State,
    },
    wire::entry::AuditorPart,
};

/// One entry about to be folded.
pub struct Step<'a> {
    /// Where and when.
    pub recorded: Recorded,
    /// What happened.
    pub event: &'a Event,
    /// The auditor's part, word for word and as read; absent in the register.
    pub auditor: Option<(&'a str, &'a AuditorPart)>,
}

/// Looks on while the logs are folded.
pub trait Observer {
    /// Told of each entry after its own checks and before it is folded: `facts` are those it met.
    ///
    /// # Errors
    /// Whatever the observer finds wrong ends the walk.
    fn before(&mut self, facts: &State, step: &Step<'_>) -> Result<(), AuditError>;
}

/// Wants to know nothing more.
impl Observer for () {
    fn before(&mut self, _: &State, _: &Step<'_>) -> Result<(), AuditError> {
        Ok(())
    }
}
