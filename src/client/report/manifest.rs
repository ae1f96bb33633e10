//! The manifest: what an investigator needs to know about a report before reading it, as `manifest.json`.
//!
//! It names everyone and everything; it exists only inside the sealed report and on the disks of those who
//! may read it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::consent::{ConsentRegister, ContactRule};
use super::item::Item;
use super::name::{self, NameError};
use super::relation::Relation;
use super::strict::{self, FreeObject};
use super::tables::{CustodyRow, RedactionRow};

/// A report's description of itself. Read one with [`Manifest::from_json`], which also validates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format version, always 1.
    #[serde(deserialize_with = "strict::version_one")]
    pub v: u32,
    /// What the report is in relation to the material.
    #[serde(default)]
    pub kind: ReportKind,
    /// Whether the case is invented, for training and tests.
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
    /// Language (BCP 47) → summary that can stand alone.
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
    /// Who provides the report and how to reach them, kept byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_card: Option<FreeObject>,
    /// What the persons in the report agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_register: Option<ConsentRegister>,
    /// Hand-overs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custody_log: Vec<CustodyRow>,
    /// Redactions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redaction_log: Vec<RedactionRow>,
    /// The files, in the order of the archive.
    pub items: Vec<Item>,
}

impl Manifest {
    /// Reads `manifest.json` and validates it.
    ///
    /// # Errors
    /// Unknown or repeated keys, and whatever [`Self::validate`] refuses.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// The bytes of `manifest.json`: indented, so that a person without a program can read it.
    ///
    /// # Errors
    /// None that a valid manifest can cause.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        serde_json::to_vec_pretty(self).map_err(ManifestError::Json)
    }

    /// Accepts safe real names, each once whatever its case, and member names as [`name::member`] makes them.
    ///
    /// # Errors
    /// The first item that is wrong.
    pub fn validate(&self) -> Result<(), ManifestError> {
        let mut paths = BTreeSet::new();
        for (position, item) in self.items.iter().enumerate() {
            name::check_path(&item.path)
                .map_err(|why| ManifestError::Path { path: item.path.escape_debug().to_string(), why })?;
            if !paths.insert(name::folded(&item.path)) {
                return Err(ManifestError::Twice { path: item.path.clone() });
            }
            // The number in a member name is its position: no two can be the same.
            if !name::is_member_at(position, &item.member) {
                return Err(ManifestError::Member { member: item.member.escape_debug().to_string() });
            }
        }
        Ok(())
    }

    /// The bytes of `index.csv`, the load file for evidence systems: a view of the items, nothing of its own.
    ///
    /// # Errors
    /// None that a valid manifest can cause.
    pub fn index(&self) -> Result<Vec<u8>, csv::Error> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(INDEX_COLUMNS)?;
        for item in &self.items {
            let persons: Vec<&str> = item.persons.iter().map(|person| person.code.as_str()).collect();
            table.write_record([
                item.member.as_str(),
                &item.path,
                &item.sha256.to_string(),
                &item.bytes.to_string(),
                &item.mtime.to_string(),
                &item.role,
                item.lang.as_deref().unwrap_or_default(),
                item.original_or_copy.as_deref().unwrap_or_default(),
                &persons.join(" "),
            ])?;
        }
        table.into_inner().map_err(|why| csv::Error::from(why.into_error()))
    }
}

/// The columns of `index.csv`.
pub const INDEX_COLUMNS: [&str; 9] =
    ["member", "original_name", "sha256", "bytes", "mtime", "role", "lang", "original_or_copy", "persons"];

/// What a report is in relation to the material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// The documentation itself.
    #[default]
    Original,
    /// A version from which something was taken out.
    Redaction,
    /// A version in another language.
    Translation,
}

/// Something that is said to have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Classifications, such as `arbitrary-detention`.
    pub kind: Vec<String>,
    /// Beginning, as precisely as known.
    pub from: String,
    /// End, as precisely as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How precise the times are.
    pub precision: String,
    /// Where.
    pub place: Place,
}

/// A place, no more precise than it may be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// How precise it is: exact, settlement, district, none.
    pub precision: String,
}

/// How a report must be handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// Marking, such as `confidential`.
    pub marking: String,
    /// Whether it may only lead to other sources.
    pub lead_only: bool,
    /// Who must not learn of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub do_not_disclose_to: Vec<String>,
    /// Whether no outside service may translate or process it.
    pub no_external_translation_or_ai: bool,
    /// Whether and how the persons in it may be contacted.
    pub contact: ContactRule,
}

/// Where originals are and how copies were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preservation {
    /// Who holds the originals.
    pub originals_held_by: String,
    /// Whether working copies exist.
    pub working_copies: bool,
    /// Recorders, cameras, programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capture_tools: Vec<String>,
    /// Hash used for the copies.
    pub hash: String,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not the JSON it should be.
    #[error("manifest.json cannot be read or written")]
    Json(#[source] serde_json::Error),
    /// A real name is unsafe.
    #[error("the name \u{201c}{path}\u{201d} is refused")]
    Path {
        /// The name, with unprintable characters escaped.
        path: String,
        /// What is wrong with it.
        #[source]
        why: NameError,
    },
    /// Two files would have the same name on some disks.
    #[error("the name \u{201c}{path}\u{201d} stands twice (upper and lower case count as the same)")]
    Twice {
        /// The second of them.
        path: String,
    },
    /// A member name does not follow the pattern or its place in the list.
    #[error("the member name \u{201c}{member}\u{201d} is not of the form files/0001-slug.ext in its place")]
    Member {
        /// The name, with unprintable characters escaped.
        member: String,
    },
}
