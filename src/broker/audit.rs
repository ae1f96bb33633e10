//! What outsiders and auditors may take away to check: the public register, the case log's head, the audit bundle.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        event::{EntryRef, Log},
        limits,
        party::Holder,
    },
    wire::api::{BundleLine, CaseHead, Policies, RegisterPage},
};
use std::ops::ControlFlow;

impl Broker {
    /// The register from an index on, with its signed checkpoint.
    ///
    /// # Errors
    /// When storage fails.
    pub fn register(&self, from: u64) -> Result<RegisterPage, BrokerError> {
        let (checkpoint, _) = self.store.checkpoint(Log::Register, 0)?.ok_or(BrokerError::NotFound)?;
        let size = self.store.heads()?.register.size;
        let until = size.min(from.saturating_add(limits::PAGE_ROWS as u64));
        let mut entries = Vec::new();
        for index in from..until {
            let shared = self.store.entry_shared(EntryRef { log: Log::Register, index })?;
            entries.push(shared.ok_or(BrokerError::NotFound)?);
        }
        Ok(RegisterPage { checkpoint, from, entries })
    }

    /// The case log's checkpoint, with proof that it extends the tree of size `since`.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when the log is empty or was never that large.
    pub fn case_head(&self, since: u64) -> Result<CaseHead, BrokerError> {
        let (checkpoint, consistency) = self.store.checkpoint(Log::Case, since)?.ok_or(BrokerError::NotFound)?;
        Ok(CaseHead { checkpoint, consistency })
    }

    /// Streams the audit bundle to an auditor.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody else.
    pub fn audit_bundle(
        &self,
        caller: &Caller,
        line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>,
    ) -> Result<(), BrokerError> {
        self.may_audit(caller)?;
        Ok(self.store.export(&mut |next| {
            let policies = matches!(next, BundleLine::Genesis(_)).then(|| self.policies());
            line(next)?;
            policies.map_or(ControlFlow::Continue(()), &mut *line)
        })?)
    }

    /// The policies in force since genesis: what an auditor decides again by.
    fn policies(&self) -> BundleLine {
        BundleLine::Policies(Policies { digest: self.engine.bundle(), files: self.bundle.files().clone() })
    }

    /// Refuses everybody but auditors.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`].
    pub fn may_audit(&self, caller: &Caller) -> Result<(), BrokerError> {
        if caller.holder == (Holder::Auditor {}) { Ok(()) } else { Err(BrokerError::NotFound) }
    }
}
