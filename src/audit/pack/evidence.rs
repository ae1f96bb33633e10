//! The names of what a client gathers; all else in a pack follows from these files.

/// The signed genesis.
pub const GENESIS: &str = "genesis.note";
/// The bootstrap card it was checked against.
pub const CARD: &str = "card.txt";
/// The whole public register after genesis, a JSON string a line.
pub const REGISTER: &str = "register.jsonl";
/// The register's signed checkpoint.
pub const REGISTER_CHECKPOINT: &str = "register.checkpoint";
/// The newest signed checkpoint of the case log: every other state in the pack is proved to be a part of it.
pub const NEWEST: &str = "case.checkpoint";
/// The register's checkpoint as published, with what witnesses say; absent before the first publication.
pub const PUBLIC_REGISTER: &str = "public/register.checkpoint";
/// The case log's checkpoint as published.
pub const PUBLIC_CASE: &str = "public/case.checkpoint";
/// Folder of consistency proofs: `SIZE.txt`, a hash a line, from that size to [`NEWEST`].
pub const CONSISTENCY: &str = "consistency/";
/// Folder of signed listings about the report, in their order.
pub const LISTINGS: &str = "listings/";
/// Folder of opened and proved entries.
pub const ENTRIES: &str = "entries/";
/// Folder of the statements in them, for whoever wants these alone.
pub(super) const STATEMENTS: &str = "statements/";

/// A number with leading zeros, so that names stand in the order of the log.
pub fn numbered(number: u64) -> String {
    format!("{number:08}")
}

/// The file of an entry.
pub fn entry_file(index: u64) -> String {
    format!("{ENTRIES}{}.tlog-proof", numbered(index))
}
