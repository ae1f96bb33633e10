//! What follows from the evidence: statements, digests, the two accounts and the instructions. Made once for the maker
//! and once for the checker, who compares.

use super::{
    archive::{MANIFEST, Pack},
    custody::{Custody, signed_in, statement_file},
    error::PackError,
    evidence::{
        CARD, CONSISTENCY, ENTRIES, GENESIS, LISTINGS, NEWEST, PUBLIC_CASE, PUBLIC_REGISTER, REGISTER,
        REGISTER_CHECKPOINT,
    },
    html, program, readme,
    story::Story,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The account for programs.
pub(super) const CUSTODY: &str = "custody.json";
/// The account for people.
const PAGE: &str = "custody.html";
/// How to check all of it.
const README: &str = "README.txt";
/// What the digests are of.
const DIGESTS: &str = "digests.txt";

const GATHERED: [&str; 7] = [GENESIS, CARD, REGISTER, REGISTER_CHECKPOINT, NEWEST, PUBLIC_REGISTER, PUBLIC_CASE];
const FOLDERS: [&str; 3] = [ENTRIES, LISTINGS, CONSISTENCY];

/// Everything that follows from the evidence, by file.
pub(super) fn derive(story: &Story, custody: &Custody) -> Result<BTreeMap<String, Vec<u8>>, PackError> {
    let mut files = BTreeMap::new();
    for told in &story.told {
        if let (Some(signed), Some(statement)) = (signed_in(&told.event), &told.statement) {
            files.insert(statement_file(told.recorded.entry.index, signed.kind), statement.clone().into_bytes());
        }
    }
    let json = serde_json::to_string_pretty(custody);
    let json = json.map_err(|e| PackError::Derived { file: CUSTODY.to_owned(), reason: e.to_string() })?;
    files.insert(CUSTODY.to_owned(), format!("{json}\n").into_bytes());
    files.insert(DIGESTS.to_owned(), digests(custody).into_bytes());
    files.insert(PAGE.to_owned(), html::page(custody).into_bytes());
    files.insert(README.to_owned(), readme::text(custody).into_bytes());
    Ok(files)
}

/// Compares a pack with what follows from its evidence; says what cannot be compared.
pub(super) fn derived(pack: &Pack, story: &Story, custody: &Custody) -> Result<Vec<String>, PackError> {
    let expected = derive(story, custody)?;
    for name in pack.names() {
        let gathered = GATHERED.contains(&name) || FOLDERS.iter().any(|folder| name.starts_with(folder));
        if !gathered && name != MANIFEST && !expected.contains_key(name) {
            return Err(PackError::Foreign(name.to_owned()));
        }
    }
    let mut remarks = Vec::new();
    for (name, bytes) in &expected {
        let same = pack.file(name)? == bytes.as_slice();
        // Another version of the program may word or set the page otherwise; custody.json says the same in data.
        let worded = [PAGE, README].contains(&name.as_str()) && custody.program != program();
        if !same && !worded {
            return Err(PackError::Derived { file: name.clone(), reason: "it says something else".to_owned() });
        }
        if !same {
            remarks.push(format!(
                "{name} is worded otherwise than this program words it (it says it was written by {}). Do not rely on it: \
                 what is said here, and custody.json, were checked.",
                custody.program
            ));
        }
    }
    Ok(remarks)
}

/// Digests as `sha256sum` writes them; what each is of stands in README.txt.
fn digests(custody: &Custody) -> String {
    let sealed = &custody.sealed;
    let mut text = format!("{}  payload\n{}  owner-header\n", sealed.payload_sha256, sealed.owner_header);
    // Writing to a string cannot fail.
    for (grant, header) in &sealed.headers {
        let _ = writeln!(text, "{header}  header-of-{grant}");
    }
    for item in custody.before.items() {
        let _ = writeln!(text, "{}  item-{:04}", item.sha256, item.number);
    }
    text
}
