//! Genesis: the trust root, entry 0 of the register.

use super::{
    ids::{Digest, KeyId, PublicKey},
    limits,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// Too few agree.
    #[error("{office} need a threshold of at least {least} and at least as many keys")]
    Threshold {
        /// The office.
        office: &'static str,
        /// The least threshold.
        least: u32,
    },
    /// Too many.
    #[error("{office} have more than 32 keys")]
    TooManyKeys {
        /// The office.
        office: &'static str,
    },
    /// One key in two places breaks the separation of duties.
    #[error("the key {0} stands in genesis twice; every office and log needs its own")]
    KeyTwice(PublicKey),
    /// More witnesses asked for than there are.
    #[error("the witness quorum {quorum} is larger than the number of witnesses, {witnesses}")]
    Quorum {
        /// Asked for.
        quorum: u32,
        /// Named.
        witnesses: usize,
    },
}

impl Roles {
    /// Each office with its word and the least threshold allowed.
    pub fn offices(&self) -> [(&'static str, &Office, u32); 4] {
        [
            ("administrators", &self.administrators, 2),
            ("accreditors", &self.accreditors, 1),
            ("auditors", &self.auditors, 1),
            ("council", &self.council, 2),
        ]
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
    /// Every role key with its office.
    pub fn role_keys(&self) -> impl Iterator<Item = (&'static str, &NamedKey)> {
        self.roles.offices().into_iter().flat_map(|(office, holders, _)| holders.keys.iter().map(move |k| (office, k)))
    }

    /// Checks what types cannot: thresholds, distinct keys, names.
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
        for (office, holders, least) in self.roles.offices() {
            if holders.keys.len() > limits::ROLE_KEYS {
                return Err(BadGenesis::TooManyKeys { office });
            }
            if holders.threshold < least || (holders.keys.len() as u64) < u64::from(holders.threshold) {
                return Err(BadGenesis::Threshold { office, least });
            }
        }
        if self.witnesses.len() > limits::WITNESSES {
            return Err(BadGenesis::TooManyKeys { office: "witnesses" });
        }
        if (self.witnesses.len() as u64) < u64::from(self.witness_quorum) {
            return Err(BadGenesis::Quorum { quorum: self.witness_quorum, witnesses: self.witnesses.len() });
        }
        let mut seen = BTreeSet::new();
        let named_keys = self.role_keys().map(|(_, k)| k.key).chain(self.witnesses.iter().map(|w| w.key));
        for key in named_keys.chain([self.log_keys.register, self.log_keys.case]) {
            if !seen.insert(key) {
                return Err(BadGenesis::KeyTwice(key));
            }
        }
        Ok(())
    }

    /// Key ids of the administrators and how many must agree.
    pub fn administrators(&self) -> (BTreeSet<KeyId>, u32) {
        let office = &self.roles.administrators;
        (office.keys.iter().map(|k| k.key.thumbprint()).collect(), office.threshold)
    }
}
