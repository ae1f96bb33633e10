//! The evidence pack: what the log says about one sealed report, for somebody who trusts nobody, years later, offline.
//!
//! A pack holds the trust root, the public register, and every entry of the case log that is about the report, each
//! opened and proved; whatever else is in it follows from these, so that [`check`] makes it again and compares. It must
//! never hold a word about another report. Start reading at [`check`]; [`finish`] makes a pack from what a client
//! gathered.

mod archive;
mod compare;
mod custody;
mod error;
mod evidence;
mod html;
mod readme;
mod story;
mod words;

pub use archive::{Pack, is_tar};
pub use custody::{Before, BeforeRow, Custody, Item};
pub use error::PackError;
pub use evidence::{CARD, CONSISTENCY, ENTRIES, GENESIS, LISTINGS, NEWEST, PUBLIC_CASE, PUBLIC_REGISTER, REGISTER};
pub use evidence::{REGISTER_CHECKPOINT, entry_file, numbered};
pub use words::utc;

use crate::wire::genesis::Card;
use story::Story;

/// What a pack that holds says.
pub struct Checked {
    /// Its account of custody.
    pub custody: Custody,
    /// What does not make it wrong, but has to be said.
    pub remarks: Vec<String>,
}

/// Checks a pack from the trust root up.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(pack: &Pack, card: Option<&Card>) -> Result<Checked, PackError> {
    pack.check_sums()?;
    let story = Story::read(pack, card)?;
    let found: Custody = serde_json::from_slice(pack.file(compare::CUSTODY)?)
        .map_err(|e| PackError::Derived { file: compare::CUSTODY.to_owned(), reason: e.to_string() })?;
    let custody = Custody::of(&story, found.before.clone(), found.program.clone());
    let remarks = compare::derived(pack, &story, &custody)?;
    Ok(Checked { custody, remarks })
}

/// Makes a pack from what was gathered: everything that follows from it is added, and the whole is checked.
///
/// # Errors
/// When what was gathered does not hold, or the pack does not hold.
pub fn finish(mut gathered: Pack, before: Before) -> Result<Pack, PackError> {
    let story = Story::read(&gathered, None)?;
    let custody = Custody::of(&story, before, program());
    for (name, bytes) in compare::derive(&story, &custody)? {
        gathered.put(name, bytes);
    }
    gathered.seal_sums();
    check(&gathered, None)?;
    Ok(gathered)
}

/// The program that writes a pack: another version may word the same account otherwise.
fn program() -> String {
    format!("amana {}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests;
