//! The roster: who signs the logs, who witnesses them, who holds which office. Genesis lays the first one; a `roster`
//! statement that enough administrators and enough of the council sign puts the next one in its place.

use super::{
    genesis::{Genesis, LogKeys, NamedKey, Roles},
    ids::{KeyId, PublicKey},
    limits,
    party::OfficeName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everybody whose signature counts for the house.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Keys that sign the two logs' checkpoints.
    pub log_keys: LogKeys,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<NamedKey>,
    /// How many of them a checkpoint needs; 0 says that there are none.
    pub witness_quorum: u32,
    /// Who holds which office.
    pub roles: Roles,
}

/// The body of a `roster` statement, signed by an administrator or a member of the council; needs k of n of both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterChange {
    /// One more than the number of the roster in force.
    pub number: u64,
    /// Who counts from then on: all of it, not what differs.
    pub roster: Roster,
}

/// Why a roster is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRoster {
    /// Too few agree.
    #[error("{office} need a threshold of at least {least} and at least as many keys")]
    Threshold {
        /// The office.
        office: OfficeName,
        /// The least threshold.
        least: u32,
    },
    /// Too many.
    #[error("{office} have more than 32 keys")]
    TooManyKeys {
        /// The office, or `witnesses`.
        office: &'static str,
    },
    /// A name no note can carry.
    #[error("{0:?} is no key name: use 1 to 200 characters without spaces, control characters or '+'")]
    Name(String),
    /// A key nobody can verify under.
    #[error("the key {0} is not a usable Ed25519 key")]
    Key(PublicKey),
    /// One key in two places breaks the separation of duties.
    #[error("the key {0} stands here twice; every office, witness and log needs its own")]
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

impl Roster {
    /// The first roster.
    pub fn of(genesis: &Genesis) -> Self {
        Self {
            log_keys: genesis.log_keys.clone(),
            witnesses: genesis.witnesses.clone(),
            witness_quorum: genesis.witness_quorum,
            roles: genesis.roles.clone(),
        }
    }

    /// Everybody who holds an office, with it.
    pub fn holders(&self) -> impl Iterator<Item = (OfficeName, &NamedKey)> {
        self.roles.offices().into_iter().flat_map(|(office, who, _)| who.keys.iter().map(move |key| (office, key)))
    }

    /// Whether a key holds an office.
    pub fn is_held_by(&self, office: OfficeName, kid: KeyId) -> bool {
        self.holders().any(|(held, named)| held == office && named.key.thumbprint() == kid)
    }

    /// Whether enough distinct holders of an office are among these.
    pub fn is_enough(&self, office: OfficeName, signers: &[KeyId]) -> bool {
        let distinct: BTreeSet<_> = signers.iter().filter(|kid| self.is_held_by(office, **kid)).collect();
        let threshold = self.roles.of(office).threshold;
        u64::from(threshold) <= distinct.len() as u64
    }

    /// Checks what types cannot: thresholds, distinct and usable keys, names, the quorum.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(&self) -> Result<(), BadRoster> {
        for (office, holders, least) in self.roles.offices() {
            if holders.keys.len() > limits::ROLE_KEYS {
                return Err(BadRoster::TooManyKeys { office: office.as_str() });
            }
            if holders.threshold < least || (holders.keys.len() as u64) < u64::from(holders.threshold) {
                return Err(BadRoster::Threshold { office, least });
            }
        }
        if self.witnesses.len() > limits::WITNESSES {
            return Err(BadRoster::TooManyKeys { office: "witnesses" });
        }
        if (self.witnesses.len() as u64) < u64::from(self.witness_quorum) {
            return Err(BadRoster::Quorum { quorum: self.witness_quorum, witnesses: self.witnesses.len() });
        }
        let named: Vec<&NamedKey> = self.holders().map(|(_, named)| named).chain(&self.witnesses).collect();
        if let Some(bad) = named.iter().find(|named| !is_key_name(&named.name)) {
            return Err(BadRoster::Name(bad.name.clone()));
        }
        let mut seen = BTreeSet::new();
        for key in named.into_iter().map(|named| named.key).chain([self.log_keys.register, self.log_keys.case]) {
            if !seen.insert(key) {
                return Err(BadRoster::KeyTwice(key));
            }
            // Found unusable only when somebody has to verify under it, it would stop everybody who reads the log.
            if !is_usable(&key) {
                return Err(BadRoster::Key(key));
            }
        }
        Ok(())
    }
}

/// C2SP signed-note, "Format": not empty, no Unicode spaces, no plus sign.
fn is_key_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    (1..=limits::KEY_NAME_CHARS).contains(&name.chars().count()) && !name.contains(forbidden)
}

/// A point of the curve, and not one of the few under which anything verifies.
fn is_usable(key: &PublicKey) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).is_ok_and(|key| !key.is_weak())
}
