//! Problems (RFC 9457): the one registry of what can go wrong for a caller, with stable types.

use crate::model::ids::Digest;
use serde::{Deserialize, Serialize};

/// Every kind of problem. Its `type` is `urn:amana:problem:` and the slug; slugs never change meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemType {
    /// The request is not in the documented form.
    Malformed,
    /// No or no valid authentication.
    Unauthenticated,
    /// Nothing there, or nothing the caller may know of.
    NotFound,
    /// The statement breaks a rule.
    StatementRefused,
    /// `prev` is not current; `current` says what is.
    OutOfOrder,
    /// The policies deny; `reasons` lists every failing condition.
    Denied,
    /// Everything of the caller's stands still until a freeze is lifted; withdrawing and freezing go on.
    Frozen,
    /// What is there contradicts what was sent.
    Conflict,
    /// Uploaded bytes do not match the statement.
    PayloadMismatch,
    /// Larger than allowed.
    TooLarge,
    /// Registration needs an invitation.
    InvitationNeeded,
    /// Registration needs a proof of work.
    WorkNeeded,
    /// More than one party may use; `Retry-After` says when it may be tried again, if waiting helps.
    OverQuota,
    /// Another request is writing to the upload.
    Locked,
    /// `Upload-Offset` is not where the upload stands.
    OffsetMismatch,
    /// The bytes of a part do not have the checksum sent with them (tus 1.0).
    ChecksumMismatch,
    /// Another version of the upload protocol than 1.0.0 was asked for.
    TusVersion,
    /// The body is not of the media type that belongs here.
    MediaType,
    /// The request came too slowly.
    TooSlow,
    /// The broker is full or busy; try again.
    Busy,
    /// Only revocation works until an operator acts.
    RevokeOnly,
    /// Storage is full; nothing was changed.
    StorageFull,
    /// Something broke here; the log has it under the request id.
    Internal,
}

impl ProblemType {
    /// Every type.
    pub const ALL: [Self; 23] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::NotFound,
        Self::StatementRefused,
        Self::OutOfOrder,
        Self::Denied,
        Self::Frozen,
        Self::Conflict,
        Self::PayloadMismatch,
        Self::TooLarge,
        Self::InvitationNeeded,
        Self::WorkNeeded,
        Self::OverQuota,
        Self::Locked,
        Self::OffsetMismatch,
        Self::ChecksumMismatch,
        Self::TusVersion,
        Self::MediaType,
        Self::TooSlow,
        Self::Busy,
        Self::RevokeOnly,
        Self::StorageFull,
        Self::Internal,
    ];

    /// Slug, title and HTTP status.
    pub const fn parts(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::Malformed => ("malformed", "The request is not in the documented form", 400),
            Self::Unauthenticated => ("unauthenticated", "Authentication is needed", 401),
            Self::NotFound => ("not-found", "Nothing is known here under that name", 404),
            Self::StatementRefused => ("statement-refused", "The statement was refused", 422),
            Self::OutOfOrder => ("out-of-order", "Another statement of yours came first", 409),
            Self::Denied => ("denied", "The release is denied", 403),
            Self::Frozen => ("frozen", "Everything of yours stands still", 403),
            Self::Conflict => ("conflict", "What is there contradicts the request", 409),
            Self::PayloadMismatch => ("payload-mismatch", "The bytes do not match the report statement", 422),
            Self::TooLarge => ("too-large", "The request is larger than allowed", 413),
            Self::InvitationNeeded => ("invitation-needed", "An invitation is needed to register here", 403),
            Self::WorkNeeded => ("work-needed", "A proof of work is needed to register here", 403),
            Self::OverQuota => ("over-quota", "This is more than one party may use", 429),
            Self::Locked => ("locked", "Another request is writing to this upload", 423),
            Self::OffsetMismatch => ("offset-mismatch", "The upload stands at another offset", 409),
            Self::ChecksumMismatch => ("checksum-mismatch", "The part does not have the checksum sent with it", 460),
            Self::TusVersion => ("tus-version", "Only version 1.0.0 of the upload protocol is spoken here", 412),
            Self::MediaType => ("media-type", "The body has the wrong media type", 415),
            Self::TooSlow => ("too-slow", "The request came too slowly", 408),
            Self::Busy => ("busy", "The broker is busy, try again", 503),
            Self::RevokeOnly => ("revoke-only", "Only revocation is possible at the moment", 503),
            Self::StorageFull => ("storage-full", "The broker's storage is full; nothing was changed", 507),
            Self::Internal => ("internal", "Something broke at the broker", 500),
        }
    }
}

/// One failing condition, in words for the caller.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReasonText {
    /// Stable id of the condition.
    pub id: String,
    /// What failed.
    pub reason: String,
    /// What to do about it.
    pub advice: String,
}

/// A problem document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Problem {
    /// URN of the kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// Names this request in the broker's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Failing conditions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<ReasonText>,
    /// For `out-of-order`: the digest to name in `prev`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub current: Option<Digest>,
    /// For a denial: the receipt of its entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipt: Option<String>,
    /// For [`ProblemType::WorkNeeded`]: leading zero bits the proof of work has to show.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bits: Option<u8>,
    /// Seconds after which it may be tried again; the same as in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a kind, without detail.
    pub fn new(kind: ProblemType) -> Self {
        let (slug, title, status) = kind.parts();
        Self {
            kind: format!("urn:amana:problem:{slug}"),
            title: title.to_owned(),
            status,
            detail: None,
            request_id: None,
            reasons: Vec::new(),
            current: None,
            receipt: None,
            bits: None,
            retry_after: None,
        }
    }
    /// The most likely problem behind a status that came without a document, as an answer to `HEAD` does.
    pub fn of_status(status: u16) -> Option<Self> {
        // `HEAD` signs no statement, so none can be out of order.
        let mut told = ProblemType::ALL.into_iter().filter(|kind| *kind != ProblemType::OutOfOrder).map(Self::new);
        told.find(|problem| problem.status == status)
    }
    /// With words on what happened.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// Whether it is of `kind`.
    pub fn is(&self, kind: ProblemType) -> bool {
        self.kind == Self::new(kind).kind
    }
}
