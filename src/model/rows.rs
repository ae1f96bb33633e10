//! The facts: rows the fold writes, each with the entry that last changed it.
//!
//! One fold writes both the verifier's memory and the broker's database, through [`Rows`]. A row's version is its
//! citation: what a decision read is compared against it before the decision is spent.

use super::{
    answer::{Answer, Became},
    epoch::Resumption,
    event::{BodyCause, EntryRef},
    genesis::{Genesis, LogKeys},
    grant::{EndCause, Grant, GrantState},
    ids::{AgeRecipient, Digest, GrantId, KeyId, Nonce, PartyId, PublicKey, ReleaseId, ReportId},
    institution::{Admission, InstitutionRecord, RecordChange, Suspension},
    keys::{Handover, Rotation},
    limits,
    party::{Holder, PartyEnrolment},
    release::Outcome,
    report::{Erasing, Report, ReportState},
    request::{AccessRequest, ItemAnswer, ItemAnswers, Notice},
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
    /// Whether somebody ever has to do something about rows of this kind.
    const WAITS: bool = false;
    /// Who has to do something about it, and by when; what is most urgent stands first in an inbox.
    fn waits_for(&self) -> Vec<Waiting> {
        Vec::new()
    }
}

/// Somebody has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub party: PartyId,
    /// By when; the far future where nothing happens without it.
    pub by: Timestamp,
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
    /// Whether it is an officer's of this institution, in office at `now`.
    pub fn is_officer_of(&self, institution: PartyId, now: Timestamp) -> bool {
        let Holder::Officer(office) = &self.holder else { return false };
        office.institution == institution && now < office.until
    }
}

/// An enrolled party. Key: its [`PartyId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRow {
    /// Digest of the `party` statement.
    pub statement: Digest,
    /// What it said, with the keys of today.
    pub enrolment: PartyEnrolment,
    /// Statements that put other keys in the place of its first ones, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys_by: Vec<Digest>,
}
row!(PartyRow, "party");

impl PartyRow {
    /// The key it signs with today.
    pub fn current(&self) -> KeyId {
        self.enrolment.signing_key.thumbprint()
    }
}

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
    /// Digest of the statement that brought the record in force, where it is not the one it enrolled with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_by: Option<Digest>,
    /// Its terms in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<TermsInForce>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<Closed>,
}
row!(InstitutionRow, "institution");

/// An institution's terms in force, as far as a decision depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsInForce {
    /// Digest of the statement.
    pub statement: Digest,
    /// Days it takes to answer.
    pub response_days: u16,
}

/// The end of an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// First second it receives nothing any more.
    pub at: Timestamp,
    /// Who goes on with its work.
    pub successor: Option<PartyId>,
}

impl InstitutionRow {
    /// First second its mandate does not hold any more.
    pub fn mandate_until(&self) -> Timestamp {
        self.closed.map_or(self.record.mandate_until, |closed| closed.at.min(self.record.mandate_until))
    }
    /// The statement an admission has to name.
    pub fn record_statement(&self) -> Digest {
        self.record_by.unwrap_or(self.statement)
    }
}

/// A record that waits for its admission. Key: digest of its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRow {
    /// What it would be.
    pub change: RecordChange,
}
row!(RecordRow, "record");

/// What an institution owes, over all grants: how many answers become overdue when. Key: the institution's [`PartyId`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwedRow {
    /// Sorted by time. Answers are due by the end of a day, so this is at most a row a day.
    pub due: Vec<(Timestamp, u32)>,
}
row!(OwedRow, "owed");

impl OwedRow {
    /// One answer more, or one less, is due then.
    pub fn change(&mut self, before: Option<Timestamp>, after: Option<Timestamp>) {
        let mut counts: std::collections::BTreeMap<Timestamp, u32> = self.due.iter().copied().collect();
        if let Some(count) = before.and_then(|due| counts.get_mut(&due)) {
            *count = count.saturating_sub(1);
        }
        if let Some(due) = after {
            let count = counts.entry(due).or_default();
            *count = count.saturating_add(1);
        }
        self.due = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    }
    /// How many are overdue at `now`.
    pub fn overdue(&self, now: Timestamp) -> i64 {
        self.due.iter().filter(|(due, _)| *due <= now).map(|(_, count)| i64::from(*count)).sum()
    }
    /// When the next one becomes overdue, or became so first.
    pub fn first(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }
}

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
    /// A party's keys are replaced. Needs its recovery key.
    Rotate(PartyId, Rotation),
    /// An owner's freeze is lifted by the recovery key. Needs its guardian.
    Thaw(PartyId, Digest, PartyId),
    /// Administrators' freeze is lifted, or is to last. Needs enough administrators.
    Freezing(PartyId, Digest, Freezing),
    /// A withdrawn report is erased. Needs its owner's recovery key.
    Erase(PartyId, ReportId),
    /// A report becomes somebody else's. Needs them.
    HandOver(Handover),
}

/// What several administrators do about a freeze of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freezing {
    /// It does not lapse.
    Lasts,
    /// It is lifted.
    Lifted,
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
    /// The entry that recorded its payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stored_in: Option<EntryRef>,
    /// Statements by which it came to belong to somebody else, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub owner_by: Vec<Digest>,
}

/// Grants of a report that have not ended: they end with it. Apart from the report, so that a decision about one of them does
/// not depend on the others. Key: the report's [`ReportId`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningRow {
    /// In their order.
    pub grants: Vec<GrantId>,
}
row!(RunningRow, "running");
impl Row for ReportRow {
    const KIND: &'static str = "report";
    fn viewers(&self) -> Vec<PartyId> {
        self.owners().collect()
    }
    fn due(&self) -> Option<Timestamp> {
        match self.state {
            ReportState::Withdrawn { erasing: Erasing::Due { at }, .. } => Some(at),
            ReportState::Declared {}
            | ReportState::Stored {}
            | ReportState::Withdrawn { .. }
            | ReportState::Erased {} => None,
        }
    }
}

impl ReportRow {
    /// Everybody who owns it, whoever holds its header first.
    pub fn owners(&self) -> impl Iterator<Item = PartyId> {
        let others = self.report.co_owners.iter().flat_map(|others| others.parties.iter().copied());
        std::iter::once(self.owner).chain(others)
    }
    /// How many of its owners have to agree with a grant.
    pub fn owners_needed(&self) -> usize {
        let threshold = self.report.co_owners.as_ref().map_or(1, |others| others.threshold);
        usize::try_from(threshold).unwrap_or(usize::MAX)
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
    /// How each item was answered so far.
    pub answers: ItemAnswers,
}
impl Row for RequestRow {
    const KIND: &'static str = "request";
    const WAITS: bool = true;
    fn viewers(&self) -> Vec<PartyId> {
        vec![self.owner, self.institution]
    }
    fn waits_for(&self) -> Vec<Waiting> {
        let by = self.request.deadline;
        let answer = |purpose| self.answers.get(purpose);
        let open = self.request.purposes.iter().any(|purpose| answer(purpose).is_none());
        let asked = |purpose| matches!(answer(purpose), Some(ItemAnswer::Asked(_)));
        let asked = self.request.purposes.iter().any(asked);
        let owner = open.then_some(Waiting { party: self.owner, by });
        let institution = asked.then_some(Waiting { party: self.institution, by });
        owner.into_iter().chain(institution).collect()
    }
}

/// A notice. Key: digest of its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRow {
    /// Who tells.
    pub owner: PartyId,
    /// What is told.
    pub notice: Notice,
    /// When.
    pub at: Timestamp,
}
impl Row for NoticeRow {
    const KIND: &'static str = "notice";
    const WAITS: bool = true;
    fn viewers(&self) -> Vec<PartyId> {
        vec![self.owner, self.notice.institution]
    }
    fn waits_for(&self) -> Vec<Waiting> {
        vec![Waiting { party: self.notice.institution, by: self.notice.until }]
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
    /// Since when enough of the report's owners agree; cooling-off starts here.
    pub effective_at: Option<Timestamp>,
    /// Owners who agree beside the one who signed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub owner_approvals: Vec<PartyId>,
    /// Officers who agree with the next release.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub officer_approvals: Vec<KeyId>,
    /// The last release under it, or under the grant whose place it took: whoever collected owes answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exercised: Option<ReleaseId>,
    /// Whether the institution owes an answer.
    #[serde(default)]
    pub answer: Answer,
    /// What the institution said last, and in which statement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub became: Option<Said>,
    /// The report's other owners: they may end it, and have to agree where it says so.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub co_owners: Vec<PartyId>,
    /// The grant that took its place; what is owed is owed under that one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaced_by: Option<GrantId>,
}

/// What an institution said became of what it collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// In which statement.
    pub statement: Digest,
    /// When.
    pub at: Timestamp,
    /// What.
    pub became: Became,
}

impl GrantRow {
    /// When cooling-off ends; never while owners are still to agree.
    pub fn cooled_at(&self) -> Timestamp {
        self.effective_at.map_or(Timestamp::FAR_FUTURE, |at| at.plus(self.grant.cooling_off_seconds))
    }
    /// Whether somebody may end it for the owners.
    pub fn is_owned_by(&self, party: PartyId) -> bool {
        self.owner == party || self.co_owners.contains(&party)
    }
    /// Officers who agreed, but for the one who collects: nobody agrees with themselves.
    pub fn approvals_without(&self, requester: KeyId) -> impl Iterator<Item = KeyId> {
        self.officer_approvals.iter().copied().filter(move |officer| *officer != requester)
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
    const WAITS: bool = true;
    fn viewers(&self) -> Vec<PartyId> {
        let mut viewers = vec![self.owner, self.grant.institution];
        viewers.extend(&self.co_owners);
        viewers
    }
    fn waits_for(&self) -> Vec<Waiting> {
        let institution = |by| Waiting { party: self.grant.institution, by };
        let runs = matches!(self.state, GrantState::HeaderPending {} | GrantState::HeaderReceived {});
        let acknowledgement = self.awaiting.map(|_| self.last_release_at.unwrap_or(self.given_at));
        let mut waiting: Vec<Waiting> = acknowledgement.or(self.answer.due()).map(institution).into_iter().collect();
        if runs && self.effective_at.is_none() {
            let open = self.co_owners.iter().filter(|party| !self.owner_approvals.contains(*party));
            waiting.extend(open.map(|party| Waiting { party: *party, by: self.grant.collect.until }));
        } else if runs && waiting.is_empty() {
            let by = self.grant.collect.until;
            // Until the second yes both sides have something to look at: approvals there, the header here.
            waiting.push(institution(by));
            if self.state == (GrantState::HeaderPending {}) {
                waiting.push(Waiting { party: self.owner, by });
            }
        }
        waiting
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
    /// The grant it is answered for under, where another took the place of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answered_under: Option<GrantId>,
}

impl ReleaseRow {
    /// The grant under which the institution answers for it.
    pub fn answers_under(&self) -> GrantId {
        self.answered_under.unwrap_or(self.grant)
    }
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
