//! Grants: the advocate's signed authorisation, its terms and its life.

use super::{
    ids::{AgeRecipient, Digest, GrantId, KeyId, PartyId, ReportId, RequestId},
    limits,
    purpose::{Identification, Purpose},
    time::{Duration, Timestamp, Window},
};
use serde::{Deserialize, Serialize};

/// The body of a `grant` statement. A term that is not listed here is refused, never ignored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The report.
    pub report: ReportId,
    /// The institution that may collect.
    pub institution: PartyId,
    /// Digest of the `recipient-key` statement the header is wrapped to.
    pub recipient_key: Digest,
    /// The recipient that statement names, repeated so that the grant reads by itself.
    pub recipient: AgeRecipient,
    /// SHA-256 of the wrapped header; the header itself may follow.
    pub header: Digest,
    /// What the information may be used for.
    pub purposes: Vec<Purpose>,
    /// In which way.
    pub use_mode: UseMode,
    /// How far persons may be identified.
    pub identification: Identification,
    /// When it may be collected.
    pub collect: Window,
    /// First second the recipient may no longer keep it, or none for "as its terms say".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keep_until: Option<Timestamp>,
    /// How many releases.
    pub max_releases: u32,
    /// Time between the grant and the first release in which it can be taken back unopened.
    pub cooling_off_seconds: Duration,
    /// Officers who may collect; none named means every officer of the institution.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub officers: Vec<KeyId>,
    /// What the recipient accepts with the information.
    pub conditions: Conditions,
    /// First second at which a person's consent has to be reviewed.
    pub consent_review_by: Timestamp,
    /// The policy bundle it was consented under.
    pub bundle: Digest,
    /// The purpose taxonomy it was consented under.
    pub taxonomy: Digest,
    /// The access request it answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answers: Option<RequestId>,
    /// Signed although the recipient's key is young; the fingerprint was confirmed by hand.
    pub urgent: bool,
    /// How many officers other than the one who collects have to agree first; the policies ask for more where a report
    /// is sensitive.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub officer_approvals: u32,
    /// First second at which it may be collected whatever else is over: it must not arrive earlier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub embargo_until: Option<Timestamp>,
    /// Digest of the institution's `terms` it was given under; needed where the institution has published any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub terms: Option<Digest>,
    /// The grant it takes the place of, which ends with it. It stays within that one unless it answers a request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<GrantId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How information may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UseMode {
    /// To find other information; never shown.
    LeadOnly,
    /// It may become part of a record.
    Evidence,
    /// Kept safe, not used.
    PreserveOnly,
    /// To inform the recipient's own work.
    Information,
}

impl UseMode {
    /// Whether it allows nothing the older one did not: keeping safe is less than anything, a lead less than use.
    fn is_within(self, older: Self) -> bool {
        self == older || self == Self::PreserveOnly || (self == Self::LeadOnly && older != Self::PreserveOnly)
    }
}

/// What the recipient accepts with the information. People keep these; the broker only carries them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Passing on to others.
    pub onward: Ask,
    /// Getting in touch with the persons.
    pub contact: Contact,
    /// Publishing.
    pub publication: Ask,
    /// Machine translation, transcription or other processing by outside services.
    pub external_processing: Ask,
}

/// Whether something is out of the question or may be asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// No.
    No,
    /// Only after a new consent.
    AskFirst,
    /// As it was asked for in the request this grant answers, and no further.
    AsRequested,
}

/// How persons may be contacted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contact {
    /// Not at all.
    No,
    /// Through the organisation that provided the information.
    ThroughProviderOnly,
    /// As it was asked for in the request this grant answers, and no further.
    AsRequested,
}

impl Grant {
    /// What is wrong with the terms taken by themselves, as a stable code.
    pub fn malformed(&self) -> Option<&'static str> {
        let distinct = |purposes: &[Purpose]| purposes.iter().collect::<std::collections::BTreeSet<_>>().len();
        if self.purposes.is_empty() || self.purposes.len() > limits::PURPOSES {
            Some("purposes-count")
        } else if distinct(&self.purposes) != self.purposes.len() {
            Some("purposes-repeated")
        } else if !self.collect.is_proper() {
            Some("window-empty")
        } else if self.collect.until > self.collect.from.plus(limits::COLLECT_WITHIN) {
            Some("window-too-long")
        } else if !(1..=limits::MAX_RELEASES).contains(&self.max_releases) {
            Some("max-releases")
        } else if self.officers.len() > limits::OFFICERS {
            Some("officers-count")
        } else if self.keep_until.is_some_and(|until| until < self.collect.until) {
            Some("keep-ends-before-collect")
        } else if self.officer_approvals > limits::OFFICER_APPROVALS {
            Some("officer-approvals")
        } else if self.embargo_until.is_some_and(|until| until >= self.collect.until) {
            Some("embargo-outlasts-collect")
        } else if self.conditions.go_by_a_request() && self.answers.is_none() {
            Some("as-requested-without-request")
        } else {
            None
        }
    }

    /// Whether this grant allows nothing the older one did not: what it goes beyond, as a stable code. Officers' approvals,
    /// waiting and embargo may only grow.
    pub fn goes_beyond(&self, older: &Self) -> Option<&'static str> {
        let within = |ok: bool, what| if ok { None } else { Some(what) };
        let covers = |purpose| older.purposes.contains(purpose);
        let officers = older.officers.is_empty()
            || (!self.officers.is_empty() && self.officers.iter().all(|officer| older.officers.contains(officer)));
        let kept = match (self.keep_until, older.keep_until) {
            (Some(new), Some(old)) => new <= old,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        [
            within(self.purposes.iter().all(covers), "purposes"),
            within(self.use_mode.is_within(older.use_mode), "use mode"),
            within(self.identification <= older.identification, "identification"),
            within(self.collect.from >= older.collect.from, "collect window"),
            within(self.collect.until <= older.collect.until, "collect window"),
            within(kept, "time to keep"),
            within(self.max_releases <= older.max_releases, "number of releases"),
            within(self.cooling_off_seconds >= older.cooling_off_seconds, "cooling-off"),
            within(officers, "officers"),
            within(self.officer_approvals >= older.officer_approvals, "approvals by officers"),
            within(self.embargo_until >= older.embargo_until, "embargo"),
            within(older.urgent || !self.urgent, "urgency"),
            within(self.consent_review_by <= older.consent_review_by, "review of persons' consent"),
            within(self.conditions.are_within(&older.conditions), "conditions"),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

impl Conditions {
    const fn go_by_a_request(&self) -> bool {
        matches!(self.onward, Ask::AsRequested)
            || matches!(self.publication, Ask::AsRequested)
            || matches!(self.external_processing, Ask::AsRequested)
            || matches!(self.contact, Contact::AsRequested)
    }

    /// What a request allowed belongs to the grant that answered it.
    fn are_within(&self, older: &Self) -> bool {
        self.onward <= older.onward
            && self.publication <= older.publication
            && self.external_processing <= older.external_processing
            && self.contact <= older.contact
            && !self.go_by_a_request()
    }
}

/// The body of a `revocation`, by the advocate or by the institution handing back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What is withdrawn; collection always ends.
    pub scopes: Vec<Scope>,
    /// Whose wish it is.
    pub withdrawn_by: WithdrawnBy,
    /// When the institution owes its answer.
    pub answer_due: Timestamp,
}

/// What a revocation withdraws.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Further collection.
    Collection,
    /// Further use.
    FurtherUse,
    /// Passing on.
    Onward,
    /// Naming persons.
    Identity,
    /// Contact.
    Contact,
    /// Everything.
    All,
}

/// Whose wish a revocation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithdrawnBy {
    /// A person in the report.
    Person,
    /// The advocate or their organisation.
    Provider,
    /// The institution hands back.
    Recipient,
}

/// A copy of a wrapped header the broker can destroy, in the order of destruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HeaderCopy {
    /// The database row.
    Database,
    /// The write-ahead log.
    Wal,
}

impl HeaderCopy {
    /// Every copy the embedded store makes, in the order of destruction.
    pub const ALL: [Self; 2] = [Self::Database, Self::Wal];
}

/// Why a grant releases nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// Taken back.
    Revoked,
    /// The collect window is over.
    Expired,
    /// Every release is used and none may be repeated.
    Exhausted,
    /// The wrapped header is not here any more: the broker went on from a backup, which holds none.
    HeaderLost,
    /// Another grant took its place.
    Replaced,
    /// The report was withdrawn.
    ReportWithdrawn,
}

/// Where a grant stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrantState {
    /// Signed, the wrapped header is still with the advocate. Releases nothing.
    HeaderPending {},
    /// The wrapped header is here.
    HeaderReceived {},
    /// Ended; copies of the header remain to be destroyed.
    Ended {
        /// Why.
        cause: EndCause,
        /// When.
        at: Timestamp,
        /// Copies not yet destroyed.
        remaining: Vec<HeaderCopy>,
    },
    /// Ended, and every copy the broker made is destroyed.
    Shredded {
        /// Why it ended.
        cause: EndCause,
        /// When the last copy went.
        at: Timestamp,
    },
}

/// A grant cannot make this step from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the grant cannot make this step from where it stands")]
pub struct WrongGrantState;

impl GrantState {
    /// The word for it in listings.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::HeaderPending {} => "header-pending",
            Self::HeaderReceived {} => "active",
            Self::Ended { cause: EndCause::Revoked, .. } => "revoked",
            Self::Ended { .. } => "ended",
            Self::Shredded { .. } => "shredded",
        }
    }
    /// Why it ended, if it did.
    pub const fn cause(&self) -> Option<EndCause> {
        match self {
            Self::HeaderPending {} | Self::HeaderReceived {} => None,
            Self::Ended { cause, .. } | Self::Shredded { cause, .. } => Some(*cause),
        }
    }
    /// The wrapped header arrived.
    pub fn header_received(self) -> Result<Self, WrongGrantState> {
        match self {
            Self::HeaderPending {} => Ok(Self::HeaderReceived {}),
            _ => Err(WrongGrantState),
        }
    }
    /// It ends; an ended grant cannot end again, but a revocation after expiry still counts as one.
    pub fn ended(self, cause: EndCause, at: Timestamp) -> Result<Self, WrongGrantState> {
        match (self, cause) {
            // A header that never came cannot be lost; its owner still holds it.
            (Self::HeaderPending {}, EndCause::HeaderLost) => Err(WrongGrantState),
            (Self::HeaderPending {} | Self::HeaderReceived {}, cause) => {
                Ok(Self::Ended { cause, at, remaining: HeaderCopy::ALL.to_vec() })
            }
            (Self::Ended { cause: EndCause::Revoked, .. } | Self::Shredded { cause: EndCause::Revoked, .. }, _) => {
                Err(WrongGrantState)
            }
            (Self::Ended { remaining, .. }, EndCause::Revoked) => {
                Ok(Self::Ended { cause: EndCause::Revoked, at, remaining })
            }
            (Self::Shredded { .. }, EndCause::Revoked) => Ok(Self::Shredded { cause: EndCause::Revoked, at }),
            _ => Err(WrongGrantState),
        }
    }
    /// One copy is destroyed; copies go in their order.
    pub fn shredded(self, copy: HeaderCopy, at: Timestamp) -> Result<Self, WrongGrantState> {
        match self {
            Self::Ended { cause, at: ended_at, mut remaining } if remaining.first() == Some(&copy) => {
                remaining.remove(0);
                Ok(if remaining.is_empty() {
                    Self::Shredded { cause, at }
                } else {
                    Self::Ended { cause, at: ended_at, remaining }
                })
            }
            _ => Err(WrongGrantState),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const NOW: Timestamp = Timestamp::from_seconds(7);

    #[test]
    fn copies_are_shredded_in_order_and_once() {
        let revoked = GrantState::HeaderReceived {}.ended(EndCause::Revoked, NOW).unwrap();
        assert!(revoked.clone().shredded(HeaderCopy::Wal, NOW).is_err());
        let one = revoked.shredded(HeaderCopy::Database, NOW).unwrap();
        assert!(one.clone().shredded(HeaderCopy::Database, NOW).is_err());
        let done = one.shredded(HeaderCopy::Wal, NOW).unwrap();
        assert_eq!(done, GrantState::Shredded { cause: EndCause::Revoked, at: NOW });
    }

    #[test]
    fn a_revoked_grant_does_not_take_a_header_back() {
        let revoked = GrantState::HeaderPending {}.ended(EndCause::Revoked, NOW).unwrap();
        assert!(revoked.header_received().is_err());
    }

    #[test]
    fn only_a_header_that_came_can_be_lost_and_a_lost_one_can_still_be_revoked() {
        assert!(GrantState::HeaderPending {}.ended(EndCause::HeaderLost, NOW).is_err());
        let lost = GrantState::HeaderReceived {}.ended(EndCause::HeaderLost, NOW).unwrap();
        assert!(lost.clone().ended(EndCause::HeaderLost, NOW).is_err());
        assert!(lost.clone().header_received().is_err());
        assert_eq!(lost.ended(EndCause::Revoked, NOW).unwrap().word(), "revoked");
    }

    #[test]
    fn an_expired_grant_can_still_be_revoked_but_a_revoked_one_not_expire() {
        let expired = GrantState::HeaderReceived {}.ended(EndCause::Expired, NOW).unwrap();
        let revoked = expired.ended(EndCause::Revoked, NOW).unwrap();
        assert_eq!(revoked.word(), "revoked");
        assert!(revoked.ended(EndCause::Expired, NOW).is_err());
    }
}
