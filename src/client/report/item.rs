//! One file of a report: its real name, its bytes, where it came from and whom it shows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::consent::IdentificationLevel;
use super::strict;

/// One file as the manifest describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Real name in any script, folders separated by `/`.
    pub path: String,
    /// Name in the archive: `files/0001-ascii-slug.ext`.
    pub member: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    #[serde(with = "strict::text")]
    pub sha256: Digest,
    /// When the file was last modified, as its file system said (RFC 3339, seconds, UTC).
    #[serde(with = "strict::text")]
    pub mtime: Moment,
    /// What the file is in the report, such as `witness-statement` or `media`.
    pub role: String,
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
    /// When, as precisely as the provider knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// SHA-256 taken when the provider received it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub sha256_at_receipt: Option<Digest>,
    /// The file it was made from, which need not be in this report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<DerivedFrom>,
    /// What was done to make it, such as `translated`, `redacted`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how: Vec<String>,
    /// Whether a machine translated it. Absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_translated: Option<bool>,
    /// Real name of the log of what was redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction_log: Option<String>,
    /// Every person the file shows, and how recognisably.
    #[serde(default)]
    pub persons: Vec<PersonShown>,
    /// Anything else a reader of the file must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// The file another one was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedFrom {
    /// Its real name.
    pub path: String,
    /// Its SHA-256.
    #[serde(with = "strict::text")]
    pub sha256: Digest,
}

/// A person a file shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonShown {
    /// The person's code in the consent register.
    pub code: String,
    /// How recognisable the file makes them.
    pub level: IdentificationLevel,
}

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut digest = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if lower && hex::decode_to_slice(text, &mut digest).is_ok() { Ok(Self(digest)) } else { Err(NotADigest) }
    }
}

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hexadecimal digits")]
pub struct NotADigest;

/// A point in time in whole seconds, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(
    // INVARIANT: no fraction of a second; both makers cut it off.
    jiff::Timestamp,
);

impl Moment {
    /// The second `at` lies in.
    pub fn of(at: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_second(at.as_second()).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// Seconds since 1970, as far as a ustar header can say it: not before 1970, not past the year 2242.
    pub fn ustar_seconds(self) -> u64 {
        /// The largest number of eleven octal digits.
        const LAST: u64 = (1 << 33) - 1;
        u64::try_from(self.0.as_second()).unwrap_or(0).min(LAST)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self::of(text.parse()?))
    }
}
