//! The consent register: what each person in a report agreed to, by code and never by name.
//!
//! Informed consent belongs to the person; an advocate's grant is an authorisation within it. The register is
//! sealed inside the report. Whether a grant stays within it is decided by [`super::check::check`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::strict;

/// How recognisable a person may become, from not at all to everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentificationLevel {
    /// Nothing about the person may be passed on.
    None,
    /// Counted, nothing more.
    Statistics,
    /// A summary in which nobody can be recognised.
    AnonymousSummary,
    /// The account without what identifies.
    Redacted,
    /// Initials.
    Initials,
    /// Known to the recipient and no further.
    IdentifiedToRecipient,
    /// Known also to the State concerned.
    IdentifiedToState,
    /// Known to everyone.
    Public,
}

impl IdentificationLevel {
    /// Every level, least first.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Statistics,
        Self::AnonymousSummary,
        Self::Redacted,
        Self::Initials,
        Self::IdentifiedToRecipient,
        Self::IdentifiedToState,
        Self::Public,
    ];

    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Statistics => "statistics",
            Self::AnonymousSummary => "anonymous-summary",
            Self::Redacted => "redacted",
            Self::Initials => "initials",
            Self::IdentifiedToRecipient => "identified-to-recipient",
            Self::IdentifiedToState => "identified-to-state",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for IdentificationLevel {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// A register of persons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRegister {
    /// Format version, always 1.
    #[serde(deserialize_with = "strict::version_one")]
    pub v: u32,
    /// Anything a reader of the register must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// One entry per person; no code twice, no ranges.
    #[serde(deserialize_with = "each_person_once")]
    pub persons: Vec<Person>,
}

impl ConsentRegister {
    /// Reads a register and refuses unknown fields, unknown answers, repeated keys and repeated codes.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The register's compact JSON, always the same for the same register: what a commitment is taken over.
    ///
    /// # Errors
    /// None that a register from [`Self::from_json`] can cause.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The same register with every date moved by the days between `as_of` and `today`, for the demo.
    ///
    /// # Errors
    /// A date leaves the calendar.
    pub fn rebased(&self, as_of: Date, today: Date) -> Result<Self, jiff::Error> {
        let days = today - as_of;
        let mut rebased = self.clone();
        for person in &mut rebased.persons {
            for date in [&mut person.date, &mut person.valid_review_by].into_iter().flatten() {
                *date = date.checked_add(days)?;
            }
        }
        Ok(rebased)
    }
}

/// What one person agreed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The person's code; the key to it is kept apart from the report.
    pub code: String,
    /// What the person is in the report, such as `victim`, `witness`, `child`.
    pub roles: Vec<String>,
    /// Whether there is consent.
    pub status: Status,
    /// Why there is none, or why it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who answered: `self`, a guardian, the family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Language it was explained in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How it was recorded; oral counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// When it was given, refused or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub date: Option<Date>,
    /// The day it must have been gone through again: from that day on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub valid_review_by: Option<Date>,
    /// What the person said about their identity, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Purpose id → how recognisable. Never a bare `yes`: it would not say how far.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "use_answers")]
    pub uses: BTreeMap<String, Answer>,
    /// Recipient class id → how recognisable, or `yes` for no further limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::unique_map")]
    pub recipients: BTreeMap<String, Answer>,
    /// Whether and how the person may be contacted. Absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactRule>,
    /// What protects the person and must be kept up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protective_measures: Vec<String>,
    /// Whether help was offered and taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_referral: Option<String>,
    /// What a withdrawal led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// Whether there is consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Given by the person or a guardian.
    Given,
    /// Asked and refused.
    Refused,
    /// Given and taken back.
    Withdrawn,
    /// The person cannot be reached; the answers are those of whom `by` names, and count as recorded.
    NotObtainable,
}

/// Whether and how a person may be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactRule {
    /// Directly.
    Direct,
    /// Only through the provider.
    ThroughProviderOnly,
    /// Not at all.
    None,
}

/// One recorded answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// A level.
    Level(IdentificationLevel),
    /// `yes`, for a recipient class: the class sets no further limit.
    Yes,
    /// `no`.
    No,
    /// `initials-only`.
    InitialsOnly,
    /// `ask…`: nothing, until it was asked and recorded anew. Holds the words as written.
    Ask(String),
}

impl Answer {
    /// What the answer allows for a purpose.
    pub fn for_use(&self) -> IdentificationLevel {
        match self {
            Self::Level(level) => *level,
            Self::InitialsOnly => IdentificationLevel::Initials,
            // A bare yes says not how far; registers that hold one are refused, and here it counts as nothing.
            Self::Yes | Self::No | Self::Ask(_) => IdentificationLevel::None,
        }
    }

    /// What the answer allows for a recipient class.
    pub fn for_recipient(&self) -> IdentificationLevel {
        match self {
            Self::Yes => IdentificationLevel::Public,
            other => other.for_use(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Level(level) => level.as_str(),
            Self::Yes => "yes",
            Self::No => "no",
            Self::InitialsOnly => "initials-only",
            Self::Ask(words) => words,
        })
    }
}

impl FromStr for Answer {
    type Err = NotAnAnswer;

    fn from_str(text: &str) -> Result<Self, NotAnAnswer> {
        match text {
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            "initials-only" => Ok(Self::InitialsOnly),
            ask if ask.starts_with("ask") => Ok(Self::Ask(ask.to_owned())),
            level => IdentificationLevel::ALL
                .into_iter()
                .find(|known| known.as_str() == level)
                .map(Self::Level)
                .ok_or_else(|| NotAnAnswer(level.to_owned())),
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A text that is no known answer. It is refused, not read as no, so that a slip of the pen is noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\u{201c}{0}\u{201d} is no answer: write yes, no, initials-only, ask…, or a level from none to public")]
pub struct NotAnAnswer(String);

fn use_answers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Answer>, D::Error> {
    let uses = strict::unique_map(from)?;
    match uses.iter().find(|(_, answer)| **answer == Answer::Yes) {
        Some((purpose, _)) => Err(D::Error::custom(format_args!(
            "the answer for {purpose} is a bare \u{201c}yes\u{201d}: write how recognisable the person may be"
        ))),
        None => Ok(uses),
    }
}

fn each_person_once<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Person>, D::Error> {
    let persons = Vec::<Person>::deserialize(from)?;
    let mut codes = BTreeSet::new();
    for Person { code, .. } in &persons {
        if code.is_empty() || code.contains("..") || code.chars().any(char::is_whitespace) {
            return Err(D::Error::custom(format_args!("\u{201c}{code}\u{201d} is not the code of one person")));
        }
        if !codes.insert(code.as_str()) {
            return Err(D::Error::custom(format_args!("the person {code} stands twice")));
        }
    }
    Ok(persons)
}
