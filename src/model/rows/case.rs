//! Reports, requests, grants and releases.

use super::{Row, Waiting};
use crate::model::{
    answer::{Answer, Became},
    event::EntryRef,
    grant::{EndCause, Grant, GrantState},
    ids::{Digest, GrantId, KeyId, PartyId, ReleaseId, ReportId},
    limits,
    purpose::Purpose,
    release::Outcome,
    report::{Erasing, Report, ReportState},
    request::{AccessRequest, ItemAnswer, ItemAnswers, Notice},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

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
    pub purpose: Purpose,
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
