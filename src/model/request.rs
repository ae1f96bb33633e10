//! Asking: an officer's request about a report or a grant, and what its owner answers.
//!
//! Each purpose asked for is an item that is answered by itself: granted, refused, or asked back about. A notice is the
//! other way round: an owner lets an institution know, sealed, that there is something to ask for.

use super::{
    ids::{Digest, GrantId, PartyId, ReportId, RequestId},
    limits,
    purpose::Purpose,
    statement::Text,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of a `request`, signed by an officer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    /// What is asked.
    pub kind: RequestKind,
    /// The report, from the reference its advocate handed over.
    pub report: ReportId,
    /// The grant it is about; every kind but `access` needs one, and `access` takes none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grant: Option<GrantId>,
    /// What for.
    pub purposes: Vec<Purpose>,
    /// On which legal basis.
    pub legal_basis: Text,
    /// First second an answer comes too late.
    pub deadline: Timestamp,
    /// For `keep-longer`: first second after the time asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keep_until: Option<Timestamp>,
    /// Message and case reference: an age file for the owner's recipient, padded, in unpadded base64url.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_message: Option<String>,
}

/// What a request asks. Whatever goes beyond a grant is a fresh consent: a new grant that answers it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// To collect a report.
    Access,
    /// To use as evidence what was given as a lead.
    LiftLeadOnly,
    /// To pass it on to somebody named in the message.
    Onward,
    /// To show it to the parties of proceedings.
    DiscloseToParties,
    /// To publish it or a part of it.
    Publish,
    /// To get in touch with a person in it.
    ContactSource,
    /// To keep it longer than was agreed.
    KeepLonger,
    /// To have something explained.
    Clarify,
}

impl AccessRequest {
    /// What is wrong with the request taken by itself, as a stable code.
    pub fn malformed(&self) -> Option<&'static str> {
        let about_grant = self.kind != RequestKind::Access;
        if self.purposes.is_empty() || self.purposes.len() > limits::PURPOSES {
            Some("purposes-count")
        } else if has_repeats(&self.purposes) {
            Some("purposes-repeated")
        } else if self.grant.is_some() != about_grant {
            Some("every kind but access names the grant it is about, and access names none")
        } else if self.keep_until.is_some() != (self.kind == RequestKind::KeepLonger) {
            Some("keep-longer, and nothing else, says until when")
        } else {
            None
        }
    }
}

pub(super) fn has_repeats(purposes: &[Purpose]) -> bool {
    purposes.iter().collect::<std::collections::BTreeSet<_>>().len() != purposes.len()
}

/// The body of a `refusal`, signed by the owner who was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRefusal {
    /// The request; equals `subject`.
    pub request: RequestId,
    /// The purposes refused; not empty, each one that was asked for.
    pub purposes: Vec<Purpose>,
    /// Why, as far as the owner wants to say.
    pub reason: RefusalReason,
    /// More, for the unit's recipient: an age file, padded, in unpadded base64url.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_message: Option<String>,
}

/// Why a request is refused. A code and no words: words about a case are sealed or not said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// Nothing is said.
    NotSaid,
    /// A person in the report does not agree, or was not asked.
    NoConsent,
    /// It would endanger somebody.
    Danger,
    /// What is asked goes further than is needed.
    TooWide,
    /// The report does not serve the purpose.
    NotFit,
}

/// The body of a `question`, signed by the owner who was asked: what has to be known before it can be answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The request; equals `subject`.
    pub request: RequestId,
    /// The purposes asked about; not empty, each one that was asked for.
    pub purposes: Vec<Purpose>,
    /// The question, for the unit's recipient: an age file, padded, in unpadded base64url.
    pub sealed_message: String,
}

/// The body of a `notice`, signed by an owner: an institution is told, sealed, that there is something to ask for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Whom it is for.
    pub institution: PartyId,
    /// Digest of the `recipient-key` statement it is sealed to.
    pub recipient_key: Digest,
    /// First second it says nothing any more.
    pub until: Timestamp,
    /// Reference and message: an age file for that recipient, padded, in unpadded base64url.
    pub sealed_message: String,
}

/// How one item of a request was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ItemAnswer {
    /// By this grant.
    Granted(GrantId),
    /// By this refusal.
    Refused(Digest),
    /// By this question; it can still be granted or refused.
    Asked(Digest),
}

/// The answers to a request so far, by purpose. What is not in it is open.
pub type ItemAnswers = BTreeMap<Purpose, ItemAnswer>;
