//! `audit verify --listing`: whether a listing that a party was given leaves something out.

use super::{inputs, refusal};
use crate::{
    audit::{self, ListingCheck, Summary},
    cli::output::{Failure, chain},
    model::event::Log,
    wire::{
        genesis::{Card, SignedGenesis},
        listing::SignedListing,
    },
};
use std::{fs, path::Path};

/// Checks a bundle and holds a listing against it.
pub(super) fn verify(folder: &Path, card: Option<&Card>, listing: &Path) -> Result<Summary, Failure> {
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", listing.display()));
    let note = fs::read_to_string(listing).map_err(words)?;
    let opened = inputs(folder)?;
    let genesis = SignedGenesis::parse(&opened.genesis).map_err(|e| Failure::from_error(&e))?;
    let trust = genesis.trust().map_err(|e| Failure::from_error(&e))?;
    let signed = SignedListing::open(&note, trust.log(Log::Case))
        .map_err(|e| Failure::does_not_hold(format!("{}: {}", listing.display(), chain(&e))))?;
    let mut check = ListingCheck::new(signed);
    let walk = audit::verify_with(opened, card, &mut check).map_err(|e| refusal(&e))?;
    let fault = |e: &dyn std::error::Error| Failure::does_not_hold(format!("{}: {e}", listing.display()));
    check.finish(&walk).map_err(|e| refusal(&e))?.map_err(|e| fault(&e))?;
    Ok(walk.summary())
}
