//! What the log says about this person: every entry that concerns them, opened, proved and complete by the log's word.

use super::desk::{Desk, DeskError};
use crate::{
    model::{
        event::Log,
        ids::{PartyId, ReportId},
    },
    wire::{
        api::Disclosure,
        entry::Shared,
        listing::SignedListing,
        receipt::{self, ReceiptError},
        statement::SeenTree,
    },
};

/// One entry that concerns this person.
#[derive(Clone, Debug)]
pub struct OwnEntry {
    /// Index in the case log.
    pub index: u64,
    /// What it says.
    pub shared: Shared,
    /// The C2SP tlog-proof, verbatim.
    pub proof: String,
}

/// Everything the log says about this person.
#[derive(Clone, Debug, Default)]
pub struct OwnEntries {
    /// The entries, in their order.
    pub entries: Vec<OwnEntry>,
    /// The signed listings that say that these are all, one after another from entry 0.
    pub listings: Vec<String>,
    /// How many entries the log had of which they speak.
    pub size: u64,
}

impl Desk {
    /// Fetches and checks every entry of the case log that concerns this person.
    ///
    /// # Errors
    /// [`DeskError`]; [`ReceiptError`] when a proof does not hold or is not what the listing announces.
    pub fn own_entries(&mut self) -> Result<OwnEntries, DeskError> {
        self.entries_about(None)
    }

    /// As [`Desk::own_entries`], of those that are about one report.
    ///
    /// # Errors
    /// As [`Desk::own_entries`].
    pub fn entries_of_report(&mut self, report: ReportId) -> Result<OwnEntries, DeskError> {
        self.entries_about(Some(report))
    }

    fn entries_about(&mut self, report: Option<ReportId>) -> Result<OwnEntries, DeskError> {
        let mut own = OwnEntries::default();
        let (mut from, mut followed) = (0, None);
        // A listing says nothing of what happened after it was made: it has to reach what this device knows now.
        self.follow_case(self.seen().case)?;
        let known = self.seen().case.size;
        let about = report.map_or(String::new(), |report| format!("&report={report}"));
        loop {
            let path = format!("/v1/disclosure?from={from}{about}");
            let page: Disclosure = self.remote.fetch(&path, self.signed_in())?;
            let listing = self.check_page(&page, from, report)?;
            if listing.size < known {
                return Err(DeskError::refused(format!(
                    "the broker's listing is of {} entries, and its log has {known}: it may leave out what came after. Keep \
                     it and tell an auditor",
                    listing.size
                )));
            }
            self.follow_once(SeenTree { size: listing.size, root: listing.root }, &mut followed)?;
            for entry in page.entries {
                own.entries.push(self.check_entry(entry.index, entry.proof, &mut followed)?);
            }
            own.listings.push(page.listing);
            if listing.until >= listing.size {
                own.size = listing.size;
                return Ok(own);
            }
            from = listing.until;
        }
    }

    /// The entry of the log that made this person's key known. It is the first that concerns them.
    ///
    /// # Errors
    /// As [`Desk::own_entries`], and when there is none.
    pub fn enrolment_entry(&mut self) -> Result<OwnEntry, DeskError> {
        let page: Disclosure = self.remote.fetch("/v1/disclosure?from=0", self.signed_in())?;
        self.check_page(&page, 0, None)?;
        let first = page.entries.into_iter().next();
        let first = first.ok_or_else(|| DeskError::refused("the broker's log knows nothing of this identity"))?;
        self.check_entry(first.index, first.proof, &mut None)
    }

    /// Whom the broker says its listing is about: a guess, until something that was signed says so too.
    pub(in crate::client) fn party_of_listing(&mut self) -> Result<PartyId, DeskError> {
        let page: Disclosure = self.remote.fetch("/v1/disclosure?from=0", self.signed_in())?;
        let listing = self.believed(|trust| SignedListing::open(&page.listing, trust.log(Log::Case)));
        let unbelieved = |e| DeskError::refused(format!("the broker's listing is not to be believed: {e}"));
        Ok(listing.map_err(unbelieved)?.party)
    }

    fn check_page(
        &mut self,
        page: &Disclosure,
        from: u64,
        report: Option<ReportId>,
    ) -> Result<SignedListing, DeskError> {
        let listing = self
            .believed(|trust| SignedListing::open(&page.listing, trust.log(Log::Case)))
            .map_err(|e| DeskError::refused(format!("the broker's listing is not to be believed: {e}")))?;
        let sent: Vec<u64> = page.entries.iter().map(|entry| entry.index).collect();
        let mine = self.listed_as();
        // A page that goes nowhere would be asked for again and again.
        let goes_on = listing.until > from || listing.until == listing.size;
        let asked = listing.from == from && listing.report == report;
        if listing.entries != sent || !asked || !goes_on || !mine.contains(&listing.party) {
            return Err(DeskError::refused(
                "the broker's listing is not about what was asked for. Keep it and tell an auditor",
            ));
        }
        Ok(listing)
    }

    /// Whom a listing for this person may be about: themselves, or the institution they act for.
    fn listed_as(&self) -> Vec<PartyId> {
        let institution = self.mirror.key(self.identity.key_id()).and_then(|key| key.institution());
        institution.into_iter().chain([self.party_id()]).collect()
    }

    fn check_entry(
        &mut self,
        index: u64,
        proof: String,
        followed: &mut Option<SeenTree>,
    ) -> Result<OwnEntry, DeskError> {
        let receipt = self.believed(|trust| receipt::verify(&proof, Log::Case, trust))?;
        if receipt.entry.index != index {
            return Err(ReceiptError::OtherEvent.into());
        }
        self.follow_once(receipt.tree, followed)?;
        Ok(OwnEntry { index, shared: receipt.shared, proof })
    }

    /// Most of a page is signed under one tree, which needs to be followed to only once.
    fn follow_once(&mut self, tree: SeenTree, followed: &mut Option<SeenTree>) -> Result<(), DeskError> {
        if *followed != Some(tree) {
            self.follow_case(tree)?;
            *followed = Some(tree);
        }
        Ok(())
    }
}
