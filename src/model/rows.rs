//! The facts: rows the fold writes, each with the entry that last changed it.
//!
//! One fold writes both the verifier's memory and the broker's database, through [`Rows`]. A row's version is its
//! citation: what a decision read is compared against it before the decision is spent.

use super::{
    epoch::Resumption,
    event::{BodyCause, EntryRef},
    genesis::{Genesis, LogKeys},
    grant::{EndCause, Grant, GrantState},
    ids::{AgeRecipient, Digest, GrantId, KeyId, Nonce, PartyId, PublicKey, ReleaseId, ReportId},
    institution::{Admission, InstitutionRecord, Suspension},
    limits,
    party::{Holder, PartyEnrolment},
    release::{AccessRequest, Outcome},
    report::{Report, ReportState},
    roster::{Roster, RosterChange},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// One kind of fact.
pub trait Row: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The kind's name: part of the row's key, and of the seal around it.
    const KIND: &'static str;
    /// Parties in whose listings the row appears.
    fn viewers(&self) -> Vec<PartyId> {
        Vec::new()
    }
    /// When the sweeper has to look at it, if ever.
    fn due(&self) -> Option<Timestamp> {
        None
    }
}

/// A row and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<R> {
    /// The fact.
    pub row: R,
    /// The entry that last changed it.
    pub version: EntryRef,
}

/// Where facts are kept.
pub trait Rows {
    /// Why a read or write did not happen.
    type Error;
    /// The row under `key`, if there is one.
    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, Self::Error>;
    /// Writes the row under `key`; `version` is the entry that changes it.
    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), Self::Error>;
}

macro_rules! row {
    ($name:ident, $kind:literal) => {
        impl Row for $name {
            const KIND: &'static str = $kind;
        }
    };
}

/// Key of the rows that exist once.
pub const ONLY: &str = "only";

/// The trust root. Key: [`ONLY`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisRow {
    /// SHA-256 of the signed note: every statement's `aud`.
    pub digest: Digest,
    /// What it fixes.
    pub genesis: Genesis,
}
row!(GenesisRow, "genesis");

/// A signing key. Key: its [`KeyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// The public key.
    pub public: PublicKey,
    /// The party it signs for.
    pub party: PartyId,
    /// What it may act as.
    pub holder: Holder,
}
row!(KeyRow, "key");

impl KeyRow {
    /// The institution an officer acts for.
    pub fn institution(&self) -> Option<PartyId> {
        match &self.holder {
            Holder::Officer(appointment) => Some(appointment.institution),
            _ => None,
        }
    }
}

/// An enrolled party. Key: its [`PartyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRow {
    /// Digest of the `party` statement.
    pub statement: Digest,
    /// What it said.
    pub enrolment: PartyEnrolment,
}
row!(PartyRow, "party");

/// An institution. Key: its [`PartyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstitutionRow {
    /// Digest of its `party` statement.
    pub statement: Digest,
    /// Its record.
    pub record: InstitutionRecord,
    /// Since when it is admitted.
    pub admitted_at: Option<Timestamp>,
    /// The register entry that admitted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admitted_in: Option<u64>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// The statement that suspended it.
    pub suspended_by: Option<Digest>,
    /// Until when an accreditor vouches for its due diligence.
    pub due_diligence_until: Option<Timestamp>,
    /// Until when an accreditor vouches for its mandate.
    pub mandate_attested_until: Option<Timestamp>,
}
row!(InstitutionRow, "institution");

/// A published recipient key. Key: digest of its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientKeyRow {
    /// The institution.
    pub institution: PartyId,
    /// The unit, as written.
    pub unit: String,
    /// What headers are wrapped to.
    pub recipient: AgeRecipient,
    /// Since when it is published.
    pub since: Timestamp,
    /// When witnesses first cosigned a register that holds it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cosigned_at: Option<Timestamp>,
    /// The statement that replaced it.
    pub superseded_by: Option<Digest>,
}
row!(RecipientKeyRow, "recipient-key");

/// The current recipient key of a unit. Key: institution, a slash, unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRow {
    /// Digest of the current `recipient-key` statement.
    pub current: Digest,
}
row!(UnitRow, "unit");

/// A statement that needs several signatures. Key: its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalRow {
    /// What it would do.
    pub proposal: Proposal,
    /// Who agreed, the proposer first.
    pub signers: Vec<KeyId>,
    /// Whether it has taken effect.
    pub effective: bool,
}
row!(ProposalRow, "proposal");

/// What several signatures bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proposal {
    /// An institution is admitted.
    Admit(Admission),
    /// A suspension is lifted: this one, named by its statement, and no later one.
    Lift(Suspension, Digest),
    /// Another roster comes into force. Needs the council as well.
    Roster(Box<RosterChange>),
    /// The broker goes on after a roll-forward, under the roster in force. Needs the council as well.
    Resume(Resumption),
}

/// A sealed report. Key: its [`ReportId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRow {
    /// Its owner.
    pub owner: PartyId,
    /// What its statement says.
    pub report: Report,
    /// When it was declared.
    pub at: Timestamp,
    /// Where it stands.
    pub state: ReportState,
}
impl Row for ReportRow {
    const KIND: &'static str = "report";
    fn viewers(&self) -> Vec<PartyId> {
        vec![self.owner]
    }
}

/// One statement per payload. Key: the payload's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadRow {
    /// The report that claims it.
    pub report: ReportId,
}
row!(PayloadRow, "payload");

/// An access request. Key: its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRow {
    /// The asking officer.
    pub officer: KeyId,
    /// The institution.
    pub institution: PartyId,
    /// The owner who is asked.
    pub owner: PartyId,
    /// What is asked.
    pub request: AccessRequest,
    /// When.
    pub at: Timestamp,
    /// The grant that answered it.
    pub answered_by: Option<GrantId>,
}
impl Row for RequestRow {
    const KIND: &'static str = "request";
    fn viewers(&self) -> Vec<PartyId> {
        vec![self.owner, self.institution]
    }
}

/// A grant. Key: its [`GrantId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRow {
    /// Who gave it.
    pub owner: PartyId,
    /// Its terms.
    pub grant: Grant,
    /// When it was accepted; cooling-off starts here.
    pub given_at: Timestamp,
    /// Where it stands.
    pub state: GrantState,
    /// Releases so far: more than none means it was exercised.
    pub releases_used: u32,
    /// The release that still owes an acknowledgement.
    pub awaiting: Option<ReleaseId>,
    /// When the last release was.
    pub last_release_at: Option<Timestamp>,
}

impl GrantRow {
    /// When cooling-off ends.
    pub fn cooled_at(&self) -> Timestamp {
        self.given_at.plus(self.grant.cooling_off_seconds)
    }
    /// Whether nothing can be delivered under it any more although it did not expire.
    pub fn exhausted_at(&self) -> Option<Timestamp> {
        if self.releases_used < self.grant.max_releases {
            return None;
        }
        let last = self.last_release_at.unwrap_or(self.given_at);
        Some(if self.awaiting.is_some() { last.plus(limits::REDELIVER_WITHIN) } else { last })
    }
    /// The first moment at which it ends by itself, and why.
    pub fn ends_at(&self) -> (Timestamp, EndCause) {
        match self.exhausted_at() {
            Some(at) if at < self.grant.collect.until => (at, EndCause::Exhausted),
            _ => (self.grant.collect.until, EndCause::Expired),
        }
    }
}

impl Row for GrantRow {
    const KIND: &'static str = "grant";
    fn viewers(&self) -> Vec<PartyId> {
        vec![self.owner, self.grant.institution]
    }
    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            GrantState::HeaderPending {} | GrantState::HeaderReceived {} => Some(self.ends_at().0),
            GrantState::Ended { .. } => Some(Timestamp::from_seconds(0)),
            GrantState::Shredded { .. } => None,
        }
    }
}

/// One delivery of a header. Key: its [`ReleaseId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRow {
    /// Under which grant.
    pub grant: GrantId,
    /// To whom.
    pub officer: KeyId,
    /// For which purpose.
    pub purpose: super::purpose::Purpose,
    /// Recorded when.
    pub at: Timestamp,
    /// The acknowledgement, once it came.
    pub acknowledged: Option<Outcome>,
}
row!(ReleaseRow, "release");

/// A release belongs to an officer key and a nonce. Key: officer, a slash, nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonceRow {
    /// The release.
    pub release: ReleaseId,
}
row!(NonceRow, "nonce");

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

/// What is known of the broker's clock. Key: [`ONLY`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRow {
    /// The time nobody watched, until somebody confirms the clock.
    pub unwatched: Option<Unwatched>,
}
row!(ClockRow, "clock");

/// The roster in force. Key: [`ONLY`].
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

/// A recovery key: it is its party's for ever. Key: its [`KeyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryRow {
    /// Whose.
    pub party: PartyId,
}
row!(RecoveryRow, "recovery");

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

/// Recipient keys that no cosigned register holds yet. Key: [`ONLY`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UncosignedRow {
    /// Index of the register entry and digest of the statement.
    pub keys: Vec<(u64, Digest)>,
}
row!(UncosignedRow, "uncosigned");

/// What auditors have vouched for. Key: [`ONLY`].
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
pub const fn of_log(log: super::event::Log) -> &'static str {
    match log {
        super::event::Log::Register => "register",
        super::event::Log::Case => "case",
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

/// Key of a row that belongs to two things.
pub fn pair(first: &impl std::fmt::Display, second: &impl std::fmt::Display) -> String {
    format!("{first}/{second}")
}

/// The key of an officer's nonce.
pub fn nonce_key(officer: KeyId, nonce: Nonce) -> String {
    pair(&officer, &nonce)
}
