//! `audit verify --listing`: whether a listing that a party was given leaves something out.

use super::{inputs, refusal};
use crate::{
    audit::{self, ListingCheck, Summary},
    cli::output::{Failure, chain},
    model::event::Log,
    tlog::NoteVerifier,
    wire::{genesis::Card, listing::SignedListing},
};
use std::{fs, path::Path};

/// Checks a bundle and holds a listing against it.
pub(super) fn verify(folder: &Path, card: Option<&Card>, listing: &Path) -> Result<Summary, Failure> {
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", listing.display()));
    let note = fs::read_to_string(listing).map_err(words)?;
    let wrong = |e: &dyn std::error::Error| Failure::does_not_hold(format!("{}: {}", listing.display(), chain(e)));
    // The log itself says whose signature a listing of its size has to bear, so it is folded first.
    let mut folded = audit::verify_with(inputs(folder)?, card, &mut ()).map_err(|e| refusal(&e))?;
    let trust = folded.trust().map_err(|e| refusal(&e))?.clone();
    let open = |key: &NoteVerifier| SignedListing::open(&note, key);
    let signed = trust.kept(Log::Case, open, |listing| listing.size, |register| Ok(folded.case_until(register)));
    let signed = signed.map_err(|e| wrong(&e))?;
    if signed.report.is_some() {
        return Err(Failure::refused(format!(
            "{}: this listing is about one report; `audit verify PACK` checks it in its evidence pack",
            listing.display()
        )));
    }
    let mut check = ListingCheck::new(signed);
    let walk = audit::verify_with(inputs(folder)?, card, &mut check).map_err(|e| refusal(&e))?;
    check.finish(&walk).map_err(|e| refusal(&e))?.map_err(|e| wrong(&e))?;
    Ok(walk.summary())
}
