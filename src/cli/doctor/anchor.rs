//! The rollback anchor beside the keys, held against the database.

use super::{Check, Patient};
use crate::{
    cli::{output::chain, restore::marker},
    store::{
        StoreError,
        anchor::{self, AnchorError, Anchored},
        sqlite::{Held, Snapshot, held},
    },
    wire::genesis::SignedGenesis,
};

const NAME: &str = "anchor";

/// Whether the database is at least as new as the anchor says the log was.
///
/// The anchor is read after the snapshot was taken: a broker that runs meanwhile may have moved it on. So what is ahead is
/// broken only where nobody runs.
pub(super) fn check(patient: &Patient<'_>, snapshot: &Snapshot, genesis: Option<&SignedGenesis>) -> Check {
    let path = patient.places.anchor();
    let found = match anchor::read(&path) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let words = format!("{} is missing or broken", path.display());
            return Check::warning(NAME, words, MISSING);
        }
        Err(error) => return Check::broken(NAME, chain(&error), "let the broker's user read and write it"),
    };
    if genesis.is_some_and(|genesis| genesis.digest() != found.genesis) {
        return Check::broken(NAME, AnchorError::OtherGenesis(path.display().to_string()), FOREIGN);
    }
    match compare(patient, snapshot, &found) {
        Ok(()) => Check::ok(
            NAME,
            format!(
                "the log is not older than what was answered: register {}, case log {}",
                found.heads.register.size, found.heads.case.size
            ),
        ),
        Err(error) if marker::path(&patient.places.data).exists() => Check::warning(NAME, chain(&error), RESTORED),
        Err(error) => Check::broken(NAME, chain(&error), ROLLED_BACK),
    }
}

fn compare(patient: &Patient<'_>, snapshot: &Snapshot, found: &Anchored) -> Result<(), StoreError> {
    let outcome = snapshot.compare(&found.heads, &patient.places.anchor());
    let moving = matches!(outcome, Err(StoreError::Anchor(AnchorError::Ahead { .. })));
    if moving && matches!(held(&patient.places.data), Ok(Held::ByABroker)) { Ok(()) } else { outcome }
}

const MISSING: &str = "if this folder has never been started, nothing is wrong. Otherwise bring the file back from where \
    the keys were last used; `amana serve --help` on --accept-missing-anchor says what to do when it is lost";
const FOREIGN: &str = "bring the keys, and the anchor beside them, of this broker to the folder named with --keys";
const RESTORED: &str =
    "--accept-restored will refuse: find the newer data folder, or gather what others hold of the log";
const ROLLED_BACK: &str = "do not start the broker: it refuses. Find the data folder this anchor belongs to";
