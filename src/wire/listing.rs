//! Signed listings: which entries of the case log concern a party, over a range of indices, in the log's own words.
//!
//! A signed note by the key of the case log. Its text, a line each: `amana/listing/v1`, origin, party, first index,
//! first index after, size of the tree it was made from, its root, then every index that concerns the party, ascending.
//! An entry of that range that concerns the party and is not listed makes the listing evidence against the broker.
//!
//! A listing about one report begins with `amana/report-listing/v1`, names the report after the party, and lists what
//! concerns the party and is about that report. So a report's story can be shown whole without a word of any other's.

use crate::{
    model::ids::{Digest, PartyId, ReportId},
    tlog::{Note, NoteError, NoteVerifier},
};

/// First line: no log has such an origin, so no listing can be read as a checkpoint.
const LABEL: &str = "amana/listing/v1";
/// First line of a listing about one report.
const REPORT_LABEL: &str = "amana/report-listing/v1";

/// What a broker says concerns a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedListing {
    /// Origin of the case log.
    pub origin: String,
    /// Whom it is about.
    pub party: PartyId,
    /// About which report; every report and everything else if absent.
    pub report: Option<ReportId>,
    /// First index of the range.
    pub from: u64,
    /// First index after it.
    pub until: u64,
    /// Number of entries of the tree it was made from.
    pub size: u64,
    /// That tree's root.
    pub root: Digest,
    /// Indices in the range, ascending.
    pub entries: Vec<u64>,
}

/// Not a listing, or not one to be believed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The note does not hold.
    #[error("the listing's signature does not hold")]
    Note(#[from] NoteError),
    /// Not in its form.
    #[error("not a listing: label, origin, party, range, size, root and ascending indices, a line each")]
    Form,
}

impl SignedListing {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        let Self { origin, party, report, from, until, size, root, entries } = self;
        let whom = match report {
            Some(report) => format!("{REPORT_LABEL}\n{origin}\n{party}\n{report}"),
            None => format!("{LABEL}\n{origin}\n{party}"),
        };
        let mut text = format!("{whom}\n{from}\n{until}\n{size}\n{root}\n");
        for index in entries {
            text.push_str(&index.to_string());
            text.push('\n');
        }
        text
    }

    /// Reads a listing that a log's key signed.
    ///
    /// # Errors
    /// [`ListingError`].
    pub fn open(note: &str, log: &NoteVerifier) -> Result<Self, ListingError> {
        let note = Note::parse(note)?;
        note.verify(std::slice::from_ref(log))?;
        let listing = Self::parse(note.text()).ok_or(ListingError::Form)?;
        if listing.origin == log.name().as_str() { Ok(listing) } else { Err(ListingError::Form) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let about_report = match lines.next()? {
            LABEL => false,
            REPORT_LABEL => true,
            _ => return None,
        };
        let mut line = || lines.next();
        let listing = Self {
            origin: line()?.to_owned(),
            party: line()?.parse().ok()?,
            report: if about_report { Some(line()?.parse().ok()?) } else { None },
            from: line()?.parse().ok()?,
            until: line()?.parse().ok()?,
            size: line()?.parse().ok()?,
            root: line()?.parse().ok()?,
            entries: lines.map(|index| index.parse().ok()).collect::<Option<_>>()?,
        };
        // One spelling: numbers written otherwise do not come back the same.
        (listing.is_in_order() && listing.to_text() == text).then_some(listing)
    }

    fn is_in_order(&self) -> bool {
        let within = |index: &u64| (self.from..self.until).contains(index);
        self.from <= self.until
            && self.until <= self.size
            && self.entries.iter().all(within)
            && self.entries.array_windows().all(|[before, after]| before < after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::{Checkpoint, Ed25519NoteSigner, sign_note};

    fn signer() -> Ed25519NoteSigner {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        Ed25519NoteSigner::new("broker.example/case".parse().unwrap(), key).unwrap()
    }

    fn listing() -> SignedListing {
        SignedListing {
            origin: "broker.example/case".to_owned(),
            party: PartyId::from_bytes([7; 32]),
            report: None,
            from: 3,
            until: 20,
            size: 21,
            root: Digest::of(b"root"),
            entries: vec![3, 7, 19],
        }
    }

    #[test]
    fn listing_is_read_as_it_was_signed_and_is_never_a_checkpoint() {
        let (listing, signer) = (listing(), signer());
        let note = sign_note(&listing.to_text(), &[&signer]).unwrap();
        assert_eq!(SignedListing::open(&note, signer.verifier()).unwrap(), listing);
        assert!(Checkpoint::parse(&listing.to_text()).is_err());
        assert!(SignedListing::open(&note.replace("\n7\n", "\n8\n"), signer.verifier()).is_err());
    }

    #[test]
    fn listing_about_a_report_is_read_back_and_is_no_listing_about_everything() {
        let signer = signer();
        let about = SignedListing { report: Some(ReportId::from_bytes([9; 32])), ..listing() };
        let note = sign_note(&about.to_text(), &[&signer]).unwrap();
        assert_eq!(SignedListing::open(&note, signer.verifier()).unwrap(), about);
        let relabelled = sign_note(&about.to_text().replace(REPORT_LABEL, LABEL), &[&signer]).unwrap();
        assert!(SignedListing::open(&relabelled, signer.verifier()).is_err());
    }

    #[test]
    fn listing_has_one_spelling_and_stays_in_its_range() {
        let (good, signer) = (listing(), signer());
        let refused = |change: fn(&mut SignedListing)| {
            let mut listing = good.clone();
            change(&mut listing);
            let note = sign_note(&listing.to_text(), &[&signer]).unwrap();
            assert!(SignedListing::open(&note, signer.verifier()).is_err(), "{listing:?}");
        };
        refused(|l| l.entries = vec![7, 3]);
        refused(|l| l.entries = vec![3, 3]);
        refused(|l| l.entries = vec![2]);
        refused(|l| l.entries = vec![20]);
        refused(|l| l.until = 22);
        refused(|l| l.until = 2);
        refused(|l| l.origin = "other.example/case".to_owned());
        let spelt = good.to_text().replace("\n7\n", "\n07\n");
        let note = sign_note(&spelt, &[&signer]).unwrap();
        assert!(SignedListing::open(&note, signer.verifier()).is_err());
    }
}
