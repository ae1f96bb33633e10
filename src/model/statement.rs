//! Statements as the fold sees them: the common claims and one body of a known kind.
//!
//! Their bytes and signatures belong to [`crate::wire::statement`].

use super::{
    answer::Status,
    audit::Audited,
    epoch::Resumption,
    freeze::{Freeze, Thaw},
    grant::{Grant, Revocation},
    ids::{Digest, Jti, KeyId, Malformed, PartyId},
    institution::{
        Admission, Approval, Attestation, Call, Closing, OfficerAppointment, RecipientKey, RecordChange, Suspension,
        Terms,
    },
    keys::{Handover, OwnerHeaderChange, Recovery, Rotation},
    limits,
    party::{Holder, PartyEnrolment},
    release::{Acknowledgement, ReleaseRequest},
    report::{Report, Withdrawal},
    request::{AccessRequest, Notice, Question, RequestRefusal},
    roster::RosterChange,
    time::Timestamp,
    web::WebRelease,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::fmt;

/// The kinds of statement, each with its own `typ` and its own signers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Enrolment.
    Party,
    /// A sealed report.
    Report,
    /// A request for access.
    Request,
    /// Consent to release.
    Grant,
    /// Its end.
    Revocation,
    /// One delivery asked for.
    ReleaseRequest,
    /// One delivery answered.
    Acknowledgement,
    /// An institution is let in.
    Admission,
    /// Agreement with a statement that needs several.
    Approval,
    /// An officer is appointed.
    Officer,
    /// A recipient key is published.
    RecipientKey,
    /// An accreditor vouches.
    Attestation,
    /// An institution is stopped or let on.
    Suspension,
    /// An auditor has checked both logs up to a state.
    Audited,
    /// Who signs, witnesses and holds which office is changed.
    Roster,
    /// The broker may go on after a roll-forward.
    Resumption,
    /// A version of the page that administrators vouch for.
    WebRelease,
    /// New keys of a party, by its key in force.
    Rotation,
    /// New keys of a party, by its recovery key.
    Recovery,
    /// A report's owner header is wrapped anew.
    OwnerHeader,
    /// A report is to belong to somebody else.
    Handover,
    /// A report is withdrawn.
    Withdrawal,
    /// A request is refused.
    Refusal,
    /// A request is asked back about.
    Question,
    /// An institution is told that there is something to ask for.
    Notice,
    /// What became of what was collected.
    Status,
    /// What an institution does with information.
    Terms,
    /// An institution asks for information, publicly.
    Call,
    /// Another public record of an institution.
    Record,
    /// The mandate of an institution ends.
    Closing,
    /// Everything of an advocate stops.
    Freeze,
    /// A freeze is lifted.
    Thaw,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 32] = [
        Self::Party,
        Self::Report,
        Self::Request,
        Self::Grant,
        Self::Revocation,
        Self::ReleaseRequest,
        Self::Acknowledgement,
        Self::Admission,
        Self::Approval,
        Self::Officer,
        Self::RecipientKey,
        Self::Attestation,
        Self::Suspension,
        Self::Audited,
        Self::Roster,
        Self::Resumption,
        Self::WebRelease,
        Self::Rotation,
        Self::Recovery,
        Self::OwnerHeader,
        Self::Handover,
        Self::Withdrawal,
        Self::Refusal,
        Self::Question,
        Self::Notice,
        Self::Status,
        Self::Terms,
        Self::Call,
        Self::Record,
        Self::Closing,
        Self::Freeze,
        Self::Thaw,
    ];

    /// The `typ` header member; it carries the version.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Party => "amana-party-v1+jwt",
            Self::Report => "amana-report-v1+jwt",
            Self::Request => "amana-request-v1+jwt",
            Self::Grant => "amana-grant-v1+jwt",
            Self::Revocation => "amana-revocation-v1+jwt",
            Self::ReleaseRequest => "amana-release-request-v1+jwt",
            Self::Acknowledgement => "amana-acknowledgement-v1+jwt",
            Self::Admission => "amana-admission-v1+jwt",
            Self::Approval => "amana-approval-v1+jwt",
            Self::Officer => "amana-officer-v1+jwt",
            Self::RecipientKey => "amana-recipient-key-v1+jwt",
            Self::Attestation => "amana-attestation-v1+jwt",
            Self::Suspension => "amana-suspension-v1+jwt",
            Self::Audited => "amana-audited-v1+jwt",
            Self::Roster => "amana-roster-v1+jwt",
            Self::Resumption => "amana-resumption-v1+jwt",
            Self::WebRelease => "amana-web-release-v1+jwt",
            Self::Rotation => "amana-rotation-v1+jwt",
            Self::Recovery => "amana-recovery-v1+jwt",
            Self::OwnerHeader => "amana-owner-header-v1+jwt",
            Self::Handover => "amana-handover-v1+jwt",
            Self::Withdrawal => "amana-withdrawal-v1+jwt",
            Self::Refusal => "amana-refusal-v1+jwt",
            Self::Question => "amana-question-v1+jwt",
            Self::Notice => "amana-notice-v1+jwt",
            Self::Status => "amana-status-v1+jwt",
            Self::Terms => "amana-terms-v1+jwt",
            Self::Call => "amana-call-v1+jwt",
            Self::Record => "amana-record-v1+jwt",
            Self::Closing => "amana-closing-v1+jwt",
            Self::Freeze => "amana-freeze-v1+jwt",
            Self::Thaw => "amana-thaw-v1+jwt",
        }
    }

    /// The kind a `typ` names.
    pub fn of_typ(typ: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.typ() == typ)
    }

    /// Whether a key held in this way may sign this kind. A missing pair is a refusal.
    pub const fn may_be_signed_by(self, holder: &Holder) -> bool {
        matches!(
            (self, holder),
            (Self::Party | Self::Rotation, Holder::Advocate {} | Holder::InstitutionRoot {})
                | (
                    Self::Report
                        | Self::Grant
                        | Self::Withdrawal
                        | Self::Refusal
                        | Self::Question
                        | Self::Notice,
                    Holder::Advocate {}
                )
                | (Self::Revocation, Holder::Advocate {} | Holder::Officer(_))
                | (
                    Self::Request | Self::ReleaseRequest | Self::Acknowledgement | Self::Status,
                    Holder::Officer(_)
                )
                | (
                    Self::Officer | Self::RecipientKey | Self::Terms | Self::Call | Self::Record | Self::Closing,
                    Holder::InstitutionRoot {}
                )
                | (Self::Admission | Self::Suspension | Self::Resumption | Self::WebRelease, Holder::Administrator {})
                | (Self::Roster, Holder::Administrator {} | Holder::Council {})
                | (
                    Self::Approval,
                    Holder::Administrator {}
                        | Holder::Council {}
                        | Holder::Advocate {}
                        | Holder::Officer(_)
                        | Holder::Recovery {}
                )
                | (Self::Attestation, Holder::Accreditor {})
                | (Self::Audited, Holder::Auditor {})
                // Whoever has an unlocked device is not to lose a report for its owner: a new owner could have it erased,
                // and another header could open for nobody.
                | (Self::Recovery | Self::OwnerHeader | Self::Handover, Holder::Recovery {})
                // A guardian file stays good when the key that signed it was replaced.
                | (
                    Self::Freeze,
                    Holder::Advocate {} | Holder::Superseded {} | Holder::Recovery {} | Holder::Administrator {}
                )
                | (Self::Thaw, Holder::Recovery {} | Holder::Administrator {})
        )
    }

    /// Whether `prev` and `seen` are carried. What only stops is never refused for order, so it carries neither.
    pub const fn is_ordered(self) -> bool {
        !matches!(self, Self::Revocation | Self::Freeze)
    }

    /// Whether an advocate whose things are frozen may still state it.
    pub const fn is_taken_while_frozen(self) -> bool {
        matches!(self, Self::Party | Self::Revocation | Self::Freeze | Self::Thaw)
    }
}

/// The common claims of an accepted statement, with its digest and its signing key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// SHA-256 over the compact text: the statement's id.
    pub digest: Digest,
    /// Its kind.
    pub kind: Kind,
    /// The key that signed.
    pub kid: KeyId,
    /// The party that signed.
    pub iss: PartyId,
    /// Unique for ever per issuer.
    pub jti: Jti,
    /// When it was signed, by the signer's clock.
    pub iat: Timestamp,
    /// First second it is too late to submit.
    pub submit_by: Timestamp,
    /// Digest of the creating statement it is about.
    pub subject: Option<Digest>,
    /// Digest of the same issuer's last accepted statement on that subject.
    pub prev: Option<Digest>,
    /// How many register entries the signer had verified; absent where a statement carries no `seen`.
    pub seen_register: Option<u64>,
}

/// One body of a known kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// See [`PartyEnrolment`].
    Party(PartyEnrolment),
    /// See [`Report`].
    Report(Report),
    /// See [`AccessRequest`].
    Request(AccessRequest),
    /// See [`Grant`].
    Grant(Box<Grant>),
    /// See [`Revocation`].
    Revocation(Revocation),
    /// See [`ReleaseRequest`].
    ReleaseRequest(ReleaseRequest),
    /// See [`Acknowledgement`].
    Acknowledgement(Acknowledgement),
    /// See [`Admission`].
    Admission(Admission),
    /// See [`Approval`].
    Approval(Approval),
    /// See [`OfficerAppointment`].
    Officer(OfficerAppointment),
    /// See [`RecipientKey`].
    RecipientKey(RecipientKey),
    /// See [`Attestation`].
    Attestation(Attestation),
    /// See [`Suspension`].
    Suspension(Suspension),
    /// See [`Audited`].
    Audited(Audited),
    /// See [`RosterChange`].
    Roster(Box<RosterChange>),
    /// See [`Resumption`].
    Resumption(Resumption),
    /// See [`WebRelease`].
    WebRelease(WebRelease),
    /// See [`Rotation`].
    Rotation(Rotation),
    /// See [`Recovery`].
    Recovery(Recovery),
    /// See [`OwnerHeaderChange`].
    OwnerHeader(OwnerHeaderChange),
    /// See [`Handover`].
    Handover(Handover),
    /// See [`Withdrawal`].
    Withdrawal(Withdrawal),
    /// See [`RequestRefusal`].
    Refusal(RequestRefusal),
    /// See [`Question`].
    Question(Question),
    /// See [`Notice`].
    Notice(Notice),
    /// See [`Status`].
    Status(Status),
    /// See [`Terms`].
    Terms(Terms),
    /// See [`Call`].
    Call(Call),
    /// See [`RecordChange`].
    Record(RecordChange),
    /// See [`Closing`].
    Closing(Closing),
    /// See [`Freeze`].
    Freeze(Freeze),
    /// See [`Thaw`].
    Thaw(Thaw),
}

/// A short text for people: no control or direction-changing characters, 1 to 400 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `c` can change how the characters around it are shown (Unicode bidirectional controls).
pub const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl std::str::FromStr for Text {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let length = text.chars().count();
        let shown = text.chars().all(|c| !c.is_control() && !is_bidi_control(c));
        if (1..=limits::TEXT_CHARS).contains(&length) && shown && !text.trim().is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed { what: "text", form: "1 to 400 characters without control or direction marks" })
        }
    }
}
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typ_names_every_kind_once() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_typ(kind.typ()), Some(kind));
        }
    }

    #[test]
    fn administrators_and_auditors_cannot_sign_consent_or_releases() {
        for holder in [Holder::Administrator {}, Holder::Auditor {}, Holder::Accreditor {}, Holder::Council {}] {
            for kind in [Kind::Grant, Kind::Report, Kind::ReleaseRequest, Kind::Revocation, Kind::Request] {
                assert!(!kind.may_be_signed_by(&holder), "{} signs {kind:?}", holder.role());
            }
        }
    }
}
