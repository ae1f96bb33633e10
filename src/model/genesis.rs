//! Genesis: the trust root, entry 0 of the register.

use super::{
    ids::{Digest, PublicKey},
    party::OfficeName,
    roster::{BadRoster, Roster},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What genesis fixes. Its signed-note text is this value as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Format version, 1.
    pub v: u8,
    /// Name of this broker; the logs are `ORIGIN/register` and `ORIGIN/case`.
    pub origin: String,
    /// When it was made.
    pub at: Timestamp,
    /// Keys that sign the two logs' checkpoints.
    pub log_keys: LogKeys,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<NamedKey>,
    /// How many of them a checkpoint needs; 0 says that there are none.
    pub witness_quorum: u32,
    /// Who holds which office.
    pub roles: Roles,
    /// Digest of the first policy bundle.
    pub bundle: Digest,
    /// Digest of the first purpose taxonomy.
    pub taxonomy: Digest,
}

/// The two logs' signing keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeys {
    /// Signs `ORIGIN/register`.
    pub register: PublicKey,
    /// Signs `ORIGIN/case`.
    pub case: PublicKey,
}

/// A key with its signed-note name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// Signed-note key name.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

/// The offices and who holds them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Admit and suspend institutions.
    pub administrators: Office,
    /// Sign attestations.
    pub accreditors: Office,
    /// Read everything.
    pub auditors: Office,
    /// Decide on policy bundles.
    pub council: Office,
}

/// Who holds an office, and how many must agree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// The keys.
    pub keys: Vec<NamedKey>,
    /// How many of them must agree where several are asked for.
    pub threshold: u32,
}

/// Why a genesis is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGenesis {
    /// Another format.
    #[error("genesis has version {0}, this program reads version 1")]
    Version(u8),
    /// Not a name.
    #[error("the origin {0:?} is not a name: use a host name and a path without spaces or '+'")]
    Origin(String),
    /// The first roster breaks a rule.
    #[error(transparent)]
    Roster(#[from] BadRoster),
}

impl Roles {
    /// Each office with its word and the least threshold allowed.
    pub fn offices(&self) -> [(OfficeName, &Office, u32); 4] {
        [
            (OfficeName::Administrators, &self.administrators, 2),
            (OfficeName::Accreditors, &self.accreditors, 1),
            (OfficeName::Auditors, &self.auditors, 1),
            (OfficeName::Council, &self.council, 2),
        ]
    }

    /// Who holds an office.
    pub const fn of(&self, office: OfficeName) -> &Office {
        match office {
            OfficeName::Administrators => &self.administrators,
            OfficeName::Accreditors => &self.accreditors,
            OfficeName::Auditors => &self.auditors,
            OfficeName::Council => &self.council,
        }
    }

    /// Who holds an office, to change it.
    pub const fn of_mut(&mut self, office: OfficeName) -> &mut Office {
        match office {
            OfficeName::Administrators => &mut self.administrators,
            OfficeName::Accreditors => &mut self.accreditors,
            OfficeName::Auditors => &mut self.auditors,
            OfficeName::Council => &mut self.council,
        }
    }
}

impl Genesis {
    /// Origin of the register.
    pub fn register_origin(&self) -> String {
        format!("{}/register", self.origin)
    }
    /// Origin of the case log.
    pub fn case_origin(&self) -> String {
        format!("{}/case", self.origin)
    }
    /// Checks what types cannot: the version, the origin, the rules of every roster.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), BadGenesis> {
        if self.v != 1 {
            return Err(BadGenesis::Version(self.v));
        }
        let named = |c: char| c.is_ascii_alphanumeric() || ".-_/:".contains(c);
        if self.origin.is_empty() || self.origin.len() > 200 || !self.origin.chars().all(named) {
            return Err(BadGenesis::Origin(self.origin.clone()));
        }
        Ok(Roster::of(self).check()?)
    }
}
