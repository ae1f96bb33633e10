//! Rows of the tables a provider keeps beside the files: custody, redactions, media.
//!
//! Cells are kept as written: a log is testimony and must not be tidied up.

use serde::{Deserialize, Serialize};

/// One hand-over in the custody log (`custody/custody_log.csv`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyRow {
    /// Number of the row.
    pub seq: String,
    /// The provider's code of the item.
    pub item: String,
    /// When, in UTC.
    pub utc: String,
    /// Who gave it, as a code.
    pub from: String,
    /// Who took it, as a code.
    pub to: String,
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
    /// How it was done.
    pub how: String,
    /// SHA-256 at that moment.
    pub sha256: String,
    /// Seal or medium.
    pub seal_or_medium: String,
    /// Who wrote the row.
    pub by: String,
}

/// One redaction (`redaction/redaction_log.csv`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionRow {
    /// The mark left in the text.
    pub id: String,
    /// Real name of the document it was taken from.
    pub document: String,
    /// Paragraph.
    pub paragraph: String,
    /// What was taken out, in general words.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Class of the reason.
    pub category: String,
    /// Who did it, as a code.
    pub by: String,
    /// When.
    pub date: String,
    /// Under what it can be undone.
    pub reversible_by: String,
}

/// One recording or picture (`media/media_list.csv`). What it says about a file is taken up into that item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaRow {
    /// The provider's code of the item.
    pub item: String,
    /// Real name of the file.
    pub file: String,
    /// Photo, video, audio.
    pub kind: String,
    /// `original`, or which copy and where the original is.
    pub original_or_copy: String,
    /// Who made it, as a code.
    pub made_by: String,
    /// When, as they say.
    pub made_at_claimed: String,
    /// When, as the file says.
    pub made_at_from_metadata: String,
    /// With what.
    pub device: String,
    /// Where.
    pub place: String,
    /// How precisely the place is given.
    pub place_precision: String,
    /// How it reached the provider.
    pub how_received: String,
    /// From whom, as a code.
    pub received_from: String,
    /// When.
    pub received_at: String,
    /// What it shows.
    pub shows: String,
    /// Which persons can be seen or heard.
    pub persons_visible: String,
    /// Whose consent it falls under.
    pub consent_ref: String,
    /// SHA-256 taken at receipt.
    pub sha256_at_receipt: String,
    /// Where it was published before.
    pub earlier_publication: String,
    /// Anything else.
    pub notes: String,
}

/// Reads a table with a header row; columns may stand in any order, none may be unknown or missing.
///
/// # Errors
/// The row and column that cannot be read.
pub fn read<Row: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<Vec<Row>, csv::Error> {
    csv::Reader::from_reader(bytes).deserialize().collect()
}

/// A cell's content; empty cells and `-` say nothing.
pub fn said(cell: &str) -> Option<String> {
    (!matches!(cell.trim(), "" | "-")).then(|| cell.to_owned())
}
