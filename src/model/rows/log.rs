//! What the logs are under, and what is known of their entries.

use super::Row;
use crate::model::{
    event::{BodyCause, Log},
    genesis::{Genesis, LogKeys},
    ids::Digest,
    roster::Roster,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The trust root. Key: [`ONLY`](super::ONLY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisRow {
    /// SHA-256 of the signed note: every statement's `aud`.
    pub digest: Digest,
    /// What it fixes.
    pub genesis: Genesis,
}
row!(GenesisRow, "genesis");

/// An accepted statement. Key: its digest. The row's version is the entry that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementRow {}
row!(StatementRow, "statement");

/// A `jti` is used once for ever. Key: issuer, a slash, jti.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JtiRow {
    /// The statement that used it.
    pub statement: Digest,
}
row!(JtiRow, "jti");

/// The last accepted statement of an issuer on a subject. Key: issuer, a slash, subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainRow {
    /// Its digest.
    pub last: Digest,
}
row!(ChainRow, "chain");

/// What is known of the broker's clock. Key: [`ONLY`](super::ONLY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRow {
    /// The time nobody watched, until somebody confirms the clock.
    pub unwatched: Option<Unwatched>,
}
row!(ClockRow, "clock");

/// The roster in force. Key: [`ONLY`](super::ONLY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterRow {
    /// 0 for genesis, one more with each change.
    pub number: u64,
    /// Who counts.
    pub roster: Roster,
    /// Log keys that were replaced, oldest first.
    pub earlier: Vec<EarlierLogKeys>,
}
row!(RosterRow, "roster");

/// Log keys that signed until others took their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierLogKeys {
    /// The keys.
    pub log_keys: LogKeys,
    /// Index of the register entry that put others in their place: the largest register these keys signed.
    pub register_until: u64,
}

/// The newest state of a log that enough witnesses cosigned. Key: `register` or `case`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosignedRow {
    /// Number of entries it covers.
    pub size: u64,
    /// A time that as many witnesses as the quorum asks for have reached.
    pub at: Timestamp,
}
row!(CosignedRow, "cosigned");

/// Recipient keys that no cosigned register holds yet. Key: [`ONLY`](super::ONLY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UncosignedRow {
    /// Index of the register entry and digest of the statement.
    pub keys: Vec<(u64, Digest)>,
}
row!(UncosignedRow, "uncosigned");

/// What auditors have vouched for. Key: [`ONLY`](super::ONLY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedRow {
    /// Case entries before this index.
    pub case: u64,
    /// The statement that says so.
    pub by: Digest,
}
row!(AuditedRow, "audited");

/// An entry of the case log whose body was destroyed. Key: its index. The row's version is the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShreddedBodyRow {
    /// Why.
    pub cause: BodyCause,
}
row!(ShreddedBodyRow, "shredded-body");

/// Key of a row that exists once a log.
pub const fn of_log(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case",
    }
}

/// A stretch of time in which the broker did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unwatched {
    /// Time of the last entry before.
    pub after: Timestamp,
    /// Wall clock at start.
    pub until: Timestamp,
}
