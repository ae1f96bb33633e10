//! Handing entries out: to parties what concerns them, to auditors everything, each time with an entry first.

use super::{Broker, BrokerError, Caller};
use crate::{
    model::{
        event::{Disclosed, EntryRef, Log},
        ids::{PartyId, ReportId},
        limits,
        party::Holder,
    },
    store::{ExportPart, ExportedFacts, Facts, OwnRecord, StoreError},
    tlog::LogProof,
    wire::{
        about::about,
        api::{BundleLine, DisclosedEntry, Disclosure, Policies},
        entry::{OpenedLeaf, Shared},
        listing::SignedListing,
    },
};
use std::ops::{ControlFlow, Range};

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
    /// With a report, those of them that are about it.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] when the log was never that large.
    pub fn disclosure(&self, caller: &Caller, from: u64, report: Option<ReportId>) -> Result<Disclosure, BrokerError> {
        let case = self.store.heads()?.case;
        if from > case.size {
            return Err(BrokerError::NotFound);
        }
        let party = self.viewer(caller)?;
        let (entries, until) = self.gather(party, report, from..case.size)?;
        let indices = entries.iter().map(|entry| entry.index).collect();
        let origin = self.genesis.genesis().case_origin();
        let listing =
            SignedListing { origin, party, report, from, until, size: case.size, root: case.root, entries: indices };
        Ok(Disclosure { listing: self.store.sign(&listing.to_text())?, entries })
    }

    /// As many entries as one answer holds, and the first index they say nothing about.
    fn gather(
        &self,
        party: PartyId,
        report: Option<ReportId>,
        range: Range<u64>,
    ) -> Result<(Vec<DisclosedEntry>, u64), BrokerError> {
        let (mut found, mut next, mut looked_at) = (Vec::new(), range.start, 0);
        loop {
            let page = self.store.concerning(party, next)?;
            // A full page says nothing about what comes after its last entry.
            let is_last = page.len() < limits::DISCLOSED_ENTRIES || page.last().is_none_or(|last| *last >= range.end);
            for index in page.into_iter().filter(|index| *index < range.end) {
                looked_at += 1;
                next = index.saturating_add(1);
                let proof = match self.store.receipt(EntryRef { log: Log::Case, index }) {
                    // Its body was shredded a moment ago, as those the page leaves out were before.
                    Err(StoreError::Closed) => continue,
                    proof => proof?,
                };
                let wanted = report.map_or(Ok(true), |report| self.is_about(&proof, report))?;
                if wanted {
                    found.push(DisclosedEntry { index, proof });
                }
                if found.len() >= limits::DISCLOSED_ENTRIES || looked_at >= limits::DISCLOSURE_LOOKED_AT {
                    return Ok((found, next));
                }
            }
            if is_last {
                return Ok((found, range.end));
            }
        }
    }

    /// Whether an entry, opened, is about a report. The log signs the answer, so what cannot be read is an error.
    fn is_about(&self, proof: &str, report: ReportId) -> Result<bool, BrokerError> {
        let unreadable = |e: &dyn std::error::Error| BrokerError::Internal(e.to_string());
        let proof = LogProof::parse(proof).map_err(|e| unreadable(&e))?;
        let opened = OpenedLeaf::parse(proof.extra()).map_err(|e| unreadable(&e))?;
        let shared = Shared::parse(&opened.shared).map_err(|e| unreadable(&e))?;
        let about = about(&shared).map_err(|e| unreadable(&e))?;
        Ok(about.report(&Facts(&*self.store))? == Some(report))
    }
}
