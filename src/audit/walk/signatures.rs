//! Whose signatures count, by what was folded so far.

use super::Walk;
use crate::{
    audit::finding::AuditError,
    model::{
        event::EntryRef,
        ids::KeyId,
        rows::{Held, KeyRow, ONLY, RosterRow, Rows as _},
        statement::Body,
    },
    wire::{
        entry::EntryError,
        statement::{StatementError, Unverified, Verified},
        trust::Trust,
    },
};

impl Walk {
    pub(super) fn verified(
        &mut self,
        entry: EntryRef,
        statement: Result<Option<Unverified>, EntryError>,
    ) -> Result<Option<Verified<Body>>, AuditError> {
        let fault = |what| AuditError::Entry { entry, what };
        let Some(statement) = statement.map_err(|e| fault(e.into()))? else { return Ok(None) };
        let key = match statement.enclosed_key() {
            Some(key) => Some(key),
            None => self.key(statement.kid())?.map(|row| row.public),
        };
        let key = key.ok_or_else(|| fault(StatementError::UnknownKey.into()))?;
        self.signatures += 1;
        statement.verify(&key, self.genesis.digest()).map(Some).map_err(|e| fault(e.into()))
    }

    /// Whose signatures count by what was folded so far.
    ///
    /// # Errors
    /// When a key the roster names is not usable.
    pub fn trust(&mut self) -> Result<&Trust, AuditError> {
        let failed = |e: &dyn std::error::Error| AuditError::Fold(e.to_string());
        let held: Held<RosterRow> =
            self.state.read(ONLY).map_err(|e| failed(&e))?.ok_or_else(|| AuditError::Fold("no roster".to_owned()))?;
        let known = self.trust.take().filter(|(since, _)| *since == held.version);
        let (since, trust) = match known {
            Some(known) => known,
            None => (held.version, Trust::in_force(&self.genesis.genesis().origin, &held.row)?),
        };
        Ok(&self.trust.insert((since, trust)).1)
    }

    fn key(&self, kid: KeyId) -> Result<Option<KeyRow>, AuditError> {
        let held: Option<Held<KeyRow>> =
            self.state.read(&kid.to_string()).map_err(|e| AuditError::Fold(e.to_string()))?;
        Ok(held.map(|held| held.row))
    }
}
