//! Purposes: the closed list of what a recipient may do with information, and who learns of it.
//!
//! The taxonomy's file is `policies/taxonomy.json`; its parser is [`crate::wire::taxonomy`].

use super::ids::Malformed;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The id of one taxonomy leaf, such as `commission-of-inquiry`. Its form is checked here, its existence by [`Taxonomy`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Purpose(String);

impl Purpose {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl FromStr for Purpose {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if is_slug(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed { what: "Purpose", form: "3 to 64 lower-case letters and hyphens" })
        }
    }
}
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Purpose {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

fn is_slug(text: &str) -> bool {
    (3..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// What one purpose means to the person a report speaks of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeLeaf {
    /// The group it stands in, such as `fact-finding`.
    pub group: String,
    /// A short title in English.
    pub title: String,
    /// Who will learn what, the State concerned included.
    pub who_learns: String,
    /// Whether the purpose cannot be served without names.
    pub identity_required: IdentityNeed,
    /// What usually becomes public.
    pub publicity: String,
    /// What can be taken back afterwards.
    pub undo: String,
    /// The purpose of the Data Privacy Vocabulary (version 2) it is a narrower case of.
    pub dpv: String,
}

/// Whether a purpose can be served without a person's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityNeed {
    /// Names are not needed.
    NotNeeded,
    /// Better with names, possible without.
    Helpful,
    /// Impossible without names.
    Required,
}

/// The closed list of purposes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taxonomy {
    leaves: BTreeMap<Purpose, PurposeLeaf>,
}

impl Taxonomy {
    /// From the leaves a taxonomy file lists.
    pub fn of(leaves: BTreeMap<Purpose, PurposeLeaf>) -> Self {
        Self { leaves }
    }
    /// What `purpose` means, if the taxonomy knows it.
    pub fn leaf(&self, purpose: &Purpose) -> Option<&PurposeLeaf> {
        self.leaves.get(purpose)
    }
    /// The first of `purposes` the taxonomy does not know.
    pub fn first_unknown<'a>(&self, purposes: &'a [Purpose]) -> Option<&'a Purpose> {
        purposes.iter().find(|p| !self.leaves.contains_key(*p))
    }
    /// All leaves, sorted by id.
    pub fn leaves(&self) -> impl Iterator<Item = (&Purpose, &PurposeLeaf)> {
        self.leaves.iter()
    }
}

/// How far the persons in the information may be identified, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identification {
    /// Nothing at all.
    None,
    /// Numbers only.
    Statistics,
    /// A summary nobody can be recognised from.
    AnonymousSummary,
    /// Documents with identifying parts removed.
    Redacted,
    /// Initials.
    Initials,
    /// The recipient learns who it is, nobody else.
    IdentifiedToRecipient,
    /// The State concerned learns who it is.
    IdentifiedToState,
    /// The public learns who it is.
    Public,
}

/// What kind of body a recipient is; persons' consent speaks of these classes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientClass {
    /// A United Nations mechanism.
    UnMechanism,
    /// An international court or tribunal.
    InternationalCourt,
    /// A prosecutor or court of a State.
    NationalProsecutor,
    /// Authorities of the State concerned.
    StateConcerned,
    /// A non-governmental organisation.
    Ngo,
    /// Media.
    Media,
}

impl RecipientClass {
    /// The id used in consent registers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnMechanism => "un-mechanism",
            Self::InternationalCourt => "international-court",
            Self::NationalProsecutor => "national-prosecutor",
            Self::StateConcerned => "state-concerned",
            Self::Ngo => "ngo",
            Self::Media => "media",
        }
    }
}
