//! The auditor's word: both logs hold up to a state.

use super::desk::{Desk, DeskError};
use crate::{
    model::audit::{Audited, AuditedTree},
    wire::api::Accepted,
};

impl Desk {
    /// Says, signed, that both logs hold up to these states. Say it only of what was verified.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn vouch(&mut self, register: AuditedTree, case: AuditedTree) -> Result<Accepted, DeskError> {
        self.state(&Audited { register, case }, None)
    }
}
