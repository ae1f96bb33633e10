//! Signed statements: bytes from outside become [`Verified`] through one door.
//!
//! A statement is a compact JWS whose header has exactly `alg` (EdDSA), `typ` and `kid`, and whose payload is
//! [`Claims`]. Its digest, which is also its id, is SHA-256 over the compact text; the text is kept verbatim.
//! Whether its time, order and signer are right is judged by [`crate::model::fold`] at the entry that records it.

use super::jws::{self, Compact, JwsError};
use crate::model::{
    answer::Status,
    audit::Audited,
    epoch::Resumption,
    freeze::{Freeze, Thaw},
    grant::{Grant, Revocation},
    ids::{Digest, Jti, KeyId, PartyId, PublicKey},
    institution::{
        Admission, Approval, Attestation, Call, Closing, OfficerAppointment, RecipientKey, RecordChange, Suspension,
        Terms,
    },
    keys::{Handover, OwnerHeaderChange, Recovery, Rotation},
    limits,
    party::PartyEnrolment,
    release::{Acknowledgement, ReleaseRequest},
    report::{Report, Withdrawal},
    request::{AccessRequest, Notice, Question, RequestRefusal},
    roster::RosterChange,
    statement::{Body, Kind, Signed},
    time::Timestamp,
    web::WebRelease,
};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

/// The payload of every statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims<B> {
    /// The signing party.
    pub iss: PartyId,
    /// Digest of the genesis of the broker it is meant for.
    pub aud: Digest,
    /// Unique for ever per issuer.
    pub jti: Jti,
    /// When it was signed.
    pub iat: Timestamp,
    /// First second it is too late to submit.
    pub submit_by: Timestamp,
    /// Digest of the creating statement it is about; absent when it creates.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Digest>,
    /// Digest of the issuer's last accepted statement on the subject; absent for its first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prev: Option<Digest>,
    /// What the signer last verified of both logs; absent on a revocation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen: Option<Seen>,
    /// What it says.
    pub body: B,
}

/// Sizes and roots the signer last verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Of the register.
    pub register: SeenTree,
    /// Of the case log.
    pub case: SeenTree,
}

/// One tree as the signer last verified it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenTree {
    /// Number of entries.
    pub size: u64,
    /// Root hash (RFC 6962), as hexadecimal.
    pub root: Digest,
}

/// A body of one kind: ties the `typ` to the type.
pub trait StatementBody: Serialize {
    /// Its kind.
    const KIND: Kind;
}

macro_rules! bodies {
    ($($kind:ident: $body:ty => $wrap:expr),* $(,)?) => {
        $(impl StatementBody for $body {
            const KIND: Kind = Kind::$kind;
        })*

        fn parse_claims(kind: Kind, jws: &Compact) -> Result<Claims<Body>, JwsError> {
            match kind {
                $(Kind::$kind => {
                    let claims: Claims<$body> = jws.exact_payload()?;
                    Ok(claims.map($wrap))
                })*
            }
        }
    };
}

bodies! {
    Party: PartyEnrolment => Body::Party,
    Report: Report => Body::Report,
    Request: AccessRequest => Body::Request,
    Grant: Grant => |grant| Body::Grant(Box::new(grant)),
    Revocation: Revocation => Body::Revocation,
    ReleaseRequest: ReleaseRequest => Body::ReleaseRequest,
    Acknowledgement: Acknowledgement => Body::Acknowledgement,
    Admission: Admission => Body::Admission,
    Approval: Approval => Body::Approval,
    Officer: OfficerAppointment => Body::Officer,
    RecipientKey: RecipientKey => Body::RecipientKey,
    Attestation: Attestation => Body::Attestation,
    Suspension: Suspension => Body::Suspension,
    Audited: Audited => Body::Audited,
    Roster: RosterChange => |change| Body::Roster(Box::new(change)),
    Resumption: Resumption => Body::Resumption,
    WebRelease: WebRelease => Body::WebRelease,
    Rotation: Rotation => Body::Rotation,
    Recovery: Recovery => Body::Recovery,
    OwnerHeader: OwnerHeaderChange => Body::OwnerHeader,
    Handover: Handover => Body::Handover,
    Withdrawal: Withdrawal => Body::Withdrawal,
    Refusal: RequestRefusal => Body::Refusal,
    Question: Question => Body::Question,
    Notice: Notice => Body::Notice,
    Status: Status => Body::Status,
    Terms: Terms => Body::Terms,
    Call: Call => Body::Call,
    Record: RecordChange => Body::Record,
    Closing: Closing => Body::Closing,
    Freeze: Freeze => Body::Freeze,
    Thaw: Thaw => Body::Thaw,
}

impl<B> Claims<B> {
    fn map<C>(self, wrap: impl FnOnce(B) -> C) -> Claims<C> {
        let Self { iss, aud, jti, iat, submit_by, subject, prev, seen, body } = self;
        Claims { iss, aud, jti, iat, submit_by, subject, prev, seen, body: wrap(body) }
    }
}

/// Why a statement was not accepted before the facts were even asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a statement in the documented form.
    #[error("the statement is malformed: {0}")]
    Form(#[from] JwsError),
    /// Another algorithm than EdDSA.
    #[error("the statement's alg must be EdDSA")]
    Algorithm,
    /// A `typ` this program does not know.
    #[error("the statement's typ is not known")]
    Type,
    /// A kind that has a place of its own.
    #[error("a statement of type {} has an address of its own; see docs/protocol.md", kind.typ())]
    Elsewhere {
        /// The kind.
        kind: Kind,
    },
    /// Another kind than the place it was sent to takes.
    #[error("a statement of type {} belongs here", expected.typ())]
    WrongKind {
        /// What belongs here.
        expected: Kind,
    },
    /// `seen` missing or superfluous.
    #[error("seen must be present on this kind of statement, and absent on a revocation")]
    Seen,
    /// Meant for another broker.
    #[error("the statement's aud names another broker's genesis")]
    Audience,
    /// The key given is not the one in `kid`.
    #[error("the statement's kid is not a registered key")]
    UnknownKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: KeyId,
}

/// A statement as it came from outside: parsed strictly, its signature not checked.
#[derive(Clone, Debug)]
pub struct Unverified {
    jws: Compact,
    kind: Kind,
    kid: KeyId,
    claims: Claims<Body>,
}

impl Unverified {
    /// Parses any kind of statement.
    ///
    /// # Errors
    /// [`StatementError`] on a form that is not exactly the documented one.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let jws = Compact::parse(text, limits::STATEMENT_BYTES)?;
        let header: Header = jws.exact_header()?;
        if header.alg != "EdDSA" {
            return Err(StatementError::Algorithm);
        }
        let kind = Kind::of_typ(&header.typ).ok_or(StatementError::Type)?;
        let claims = parse_claims(kind, &jws)?;
        if claims.seen.is_some() != kind.is_ordered() {
            return Err(StatementError::Seen);
        }
        Ok(Self { jws, kind, kid: header.kid, claims })
    }

    /// Parses a statement that must be of `kind`.
    ///
    /// # Errors
    /// As [`Unverified::parse`], and [`StatementError::WrongKind`].
    pub fn parse_kind(text: &str, kind: Kind) -> Result<Self, StatementError> {
        let statement = Self::parse(text)?;
        if statement.kind == kind { Ok(statement) } else { Err(StatementError::WrongKind { expected: kind }) }
    }

    /// The key it says it was signed with.
    pub fn kid(&self) -> KeyId {
        self.kid
    }
    /// SHA-256 over its text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.jws.text().as_bytes())
    }
    /// What it claims to be.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// Digest of the statement it says it is about.
    pub fn subject(&self) -> Option<Digest> {
        self.claims.subject
    }
    /// When it says it was signed.
    pub fn claimed_at(&self) -> Timestamp {
        self.claims.iat
    }
    /// Digest of the genesis of the broker it says it is meant for.
    pub fn claimed_audience(&self) -> Digest {
        self.claims.aud
    }
    /// The key an enrolment brings along: it proves possession, nothing more.
    pub fn enclosed_key(&self) -> Option<PublicKey> {
        match &self.claims.body {
            Body::Party(enrolment) => Some(enrolment.signing_key),
            _ => None,
        }
    }

    /// The body as claimed, for whoever holds the statement by a digest they trust already.
    pub fn into_unverified_body(self) -> Body {
        self.claims.body
    }

    /// The door: applies the key registered under `kid` and the broker's genesis.
    ///
    /// # Errors
    /// When `key` is not the one `kid` names, the signature does not verify, or `aud` is another broker.
    pub fn verify(self, key: &PublicKey, genesis: Digest) -> Result<Verified<Body>, StatementError> {
        if key.thumbprint() != self.kid {
            return Err(StatementError::UnknownKey);
        }
        self.jws.verify_ed25519(key)?;
        if self.claims.aud != genesis {
            return Err(StatementError::Audience);
        }
        let claims = self.claims;
        let signed = Signed {
            digest: Digest::of(self.jws.text().as_bytes()),
            kind: self.kind,
            kid: self.kid,
            iss: claims.iss,
            jti: claims.jti,
            iat: claims.iat,
            submit_by: claims.submit_by,
            subject: claims.subject,
            prev: claims.prev,
            seen_register: claims.seen.map(|seen| seen.register.size),
        };
        Ok(Verified { text: self.jws.text().to_owned(), signed, seen: claims.seen, body: claims.body })
    }
}

/// A statement whose signature verified under a registered key.
#[derive(Clone, Debug)]
pub struct Verified<B> {
    // INVARIANT: made by `Unverified::verify` and `narrow` alone; text, signed and body are one statement.
    text: String,
    signed: Signed,
    seen: Option<Seen>,
    body: B,
}

impl<B> Verified<B> {
    /// The compact text, verbatim.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The common claims.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }
    /// What the signer last verified.
    pub fn seen(&self) -> Option<Seen> {
        self.seen
    }
    /// What it says.
    pub fn body(&self) -> &B {
        &self.body
    }
    fn narrow<C>(self, pick: impl FnOnce(B) -> Option<C>) -> Option<Verified<C>> {
        let Self { text, signed, seen, body } = self;
        pick(body).map(|body| Verified { text, signed, seen, body })
    }
}

impl Verified<Body> {
    /// As a release request, if it is one.
    pub fn into_release_request(self) -> Option<Verified<ReleaseRequest>> {
        self.narrow(|body| if let Body::ReleaseRequest(request) = body { Some(request) } else { None })
    }
}

/// Signs claims as a statement.
///
/// # Errors
/// When the claims cannot be written as JSON.
pub fn sign<B: StatementBody>(claims: &Claims<B>, key: &SigningKey) -> Result<String, JwsError> {
    jws::sign(B::KIND.typ(), claims, key)
}
