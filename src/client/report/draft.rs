//! `report.json`: what the advocate says about the files before they are sealed.
//!
//! A draft holds what a program cannot find out: title, summary, events, roles, and whom each file shows.
//! [`super::plan`] adds names, lengths, hashes and dates and makes the manifest of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::consent::ConsentRegister;
use super::item::{DerivedFrom, Digest, PersonShown};
use super::limits::MAX_DESCRIBING_BYTES;
use super::manifest::{Event, Handling, Preservation, ReportKind};
use super::relation::Relation;
use super::strict;

/// A description of a report in the making. Unknown and repeated keys are refused; everything is optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestDraft {
    /// Format version; 1 or absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_version")]
    pub v: Option<u32>,
    /// The day the dates in the register belong to; only the demo moves them from there to today.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub as_of: Option<Date>,
    /// What the report is; absent: the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ReportKind>,
    /// Whether the case is invented.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fictional: bool,
    /// The provider's own number of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The provider's own version number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Earlier reports this one relates to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// Language (BCP 47) → summary.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::unique_map")]
    pub summary: BTreeMap<String, String>,
    /// Languages written in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Languages spoken in interviews.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spoken: Vec<String>,
    /// What happened, as alleged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// How the report must be handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Handling>,
    /// Where originals are and how copies were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preservation: Option<Preservation>,
    /// Real name of the register to embed; absent: `consent/consent_register.json` if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_register: Option<String>,
    /// Files to seal; absent: all that are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// Files and folders not to seal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<String>,
    /// Real name → what is known about the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::unique_map")]
    pub items: BTreeMap<String, ItemDraft>,
}

impl ManifestDraft {
    /// Reads a draft.
    ///
    /// # Errors
    /// The file cannot be read, is too large, or is not such a description.
    pub fn read(path: &Path) -> Result<Self, DraftError> {
        Self::from_json(&read_describing(path)?).map_err(|source| DraftError::Json { path: path.to_owned(), source })
    }

    /// Reads a draft from its JSON.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// This draft, with whatever it leaves unsaid taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        fn first<T>(one: Vec<T>, two: Vec<T>) -> Vec<T> {
            if one.is_empty() { two } else { one }
        }
        let join = |mut base: BTreeMap<_, _>, over| {
            base.extend(over);
            base
        };
        let mut items = other.items;
        items.extend(self.items);
        Self {
            v: self.v.or(other.v),
            as_of: self.as_of.or(other.as_of),
            kind: self.kind.or(other.kind),
            fictional: self.fictional || other.fictional,
            id: self.id.or(other.id),
            title: self.title.or(other.title),
            version: self.version.or(other.version),
            relations: first(self.relations, other.relations),
            summary: join(other.summary, self.summary),
            languages: first(self.languages, other.languages),
            spoken: first(self.spoken, other.spoken),
            events: first(self.events, other.events),
            handling: self.handling.or(other.handling),
            preservation: self.preservation.or(other.preservation),
            consent_register: self.consent_register.or(other.consent_register),
            select: self.select.or(other.select),
            leave_out: first(self.leave_out, other.leave_out),
            items,
        }
    }
}

/// What is known about one file before it is sealed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemDraft {
    /// What the file is; absent: `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Language of the content (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `original`, or which copy and where the original is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_or_copy: Option<String>,
    /// How it reached the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how_received: Option<String>,
    /// From whom, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_from: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// SHA-256 taken at receipt.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub sha256_at_receipt: Option<Digest>,
    /// The file it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<DerivedFrom>,
    /// What was done to make it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how: Vec<String>,
    /// Whether a machine translated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_translated: Option<bool>,
    /// Real name of the log of what was redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction_log: Option<String>,
    /// Whom the file shows; an empty list says nobody, absence says that nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<PersonShown>>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// Why a describing file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than such a file may be.
    #[error("{} is larger than {MAX_DESCRIBING_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is JSON of another kind, or none.
    #[error("{} is not what it should be", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// It is a table of another kind, or none.
    #[error("{} is not the table it should be", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: csv::Error,
    },
}

/// Reads a consent register from its file, which is sealed later.
///
/// # Errors
/// The file cannot be read, is too large, or is not a register.
pub fn read_register(path: &Path) -> Result<ConsentRegister, DraftError> {
    ConsentRegister::from_json(&read_describing(path)?)
        .map_err(|source| DraftError::Json { path: path.to_owned(), source })
}

/// Reads a file that describes the report, within its bound.
///
/// # Errors
/// [`DraftError::Read`] and [`DraftError::TooLarge`].
pub(super) fn read_describing(path: &Path) -> Result<Vec<u8>, DraftError> {
    let failed = |source| DraftError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    let read = file.take(MAX_DESCRIBING_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    match u64::try_from(read) {
        Ok(read) if read <= MAX_DESCRIBING_BYTES => Ok(bytes),
        _ => Err(DraftError::TooLarge { path: path.to_owned() }),
    }
}

fn known_version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    strict::version_one(from).map(Some)
}
