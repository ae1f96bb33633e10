//! Handing entries out: to parties what concerns them, to auditors everything, each time with an entry first.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        event::{Disclosed, EntryRef, Log},
        limits,
        party::Holder,
    },
    store::{ExportPart, ExportedFacts, OwnRecord},
    wire::{
        api::{BundleLine, DisclosedEntry, Disclosure, Policies},
        listing::SignedListing,
    },
};
use std::ops::ControlFlow;

/// A hand-over to an auditor that has its entry. Only [`Broker::disclose`] makes one.
pub struct Disclosing {
    part: ExportPart,
}

impl Broker {
    /// Records that an auditor is about to be handed both logs, opened, from these indices on.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but an auditor, and when the logs were never that large.
    pub async fn disclose(
        &self,
        caller: &Caller,
        (register, case): (u64, u64),
        facts: ExportedFacts,
    ) -> Result<Disclosing, BrokerError> {
        if caller.holder != (Holder::Auditor {}) {
            return Err(BrokerError::NotFound);
        }
        let heads = self.store.heads()?;
        if register > heads.register.size || case > heads.case.size {
            return Err(BrokerError::NotFound);
        }
        let disclosed = Disclosed { key: caller.key, register, case };
        self.store.record(OwnRecord::Disclosed(disclosed)).await?;
        Ok(Disclosing { part: ExportPart { register, case, facts } })
    }

    /// Streams what was announced.
    ///
    /// # Errors
    /// When storage fails.
    pub fn audit_bundle(
        &self,
        disclosing: &Disclosing,
        line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>,
    ) -> Result<(), BrokerError> {
        Ok(self.store.export(disclosing.part, &mut |next| {
            let policies = matches!(next, BundleLine::Genesis(_)).then(|| self.policies());
            line(next)?;
            policies.map_or(ControlFlow::Continue(()), &mut *line)
        })?)
    }

    /// The policies in force since genesis: what an auditor decides again by.
    fn policies(&self) -> BundleLine {
        BundleLine::Policies(Policies { digest: self.engine.bundle(), files: self.bundle.files().clone() })
    }

    /// The entries of the case log that concern the caller, from an index on: a signed listing, and each entry opened.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when the log was never that large.
    pub fn disclosure(&self, caller: &Caller, from: u64) -> Result<Disclosure, BrokerError> {
        let case = self.store.heads()?.case;
        if from > case.size {
            return Err(BrokerError::NotFound);
        }
        let party = self.viewer(caller)?;
        let mut entries = self.store.concerning(party, from)?;
        entries.retain(|index| *index < case.size);
        // A full page says nothing about what comes after its last entry.
        let full = entries.len() >= limits::DISCLOSED_ENTRIES;
        let until = entries.last().filter(|_| full).map_or(case.size, |last| last + 1);
        let origin = self.genesis.genesis().case_origin();
        let listing = SignedListing { origin, party, from, until, size: case.size, root: case.root, entries };
        let proved = listing.entries.iter().map(|index| {
            let entry = EntryRef { log: Log::Case, index: *index };
            Ok(DisclosedEntry { index: *index, proof: self.store.receipt(entry)? })
        });
        let proved: Result<Vec<_>, BrokerError> = proved.collect();
        Ok(Disclosure { listing: self.store.sign(&listing.to_text())?, entries: proved? })
    }
}
