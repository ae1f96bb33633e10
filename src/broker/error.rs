//! What can go wrong, as a problem for the caller and, apart from it, as text for the log.

use crate::{
    model::{fold::Refusal, limits},
    policy::Reason,
    store::{CommitError, StoreError, blob::UploadError},
    wire::{
        problem::{Problem, ProblemType, ReasonText},
        statement::StatementError,
        work::Bits,
    },
};

/// A verb did not do what it was asked.
#[derive(Debug)]
pub enum BrokerError {
    /// The statement is not acceptable by itself.
    Statement(StatementError),
    /// The facts do not allow it.
    Refused(Refusal),
    /// Nothing there that the caller may know of.
    NotFound,
    /// Policies deny; the receipt is that of the logged denial, if there is one.
    Denied {
        /// Every failing condition.
        reasons: Vec<Reason>,
        /// Receipt of the denial's entry.
        receipt: Option<String>,
    },
    /// Policies deny, too often within the hour: it is counted, and has no entry or receipt of its own.
    DeniedAndCounted {
        /// Every failing condition.
        reasons: Vec<Reason>,
    },
    /// Signed by another key than the caller's.
    NotTheCaller,
    /// Everything of the caller's stands still.
    Frozen,
    /// The header bytes are not those the statement names.
    HeaderMismatch,
    /// An upload was not published, or bytes of it not taken.
    Upload(UploadError),
    /// Longer than any payload may be.
    PayloadTooLarge,
    /// An upload's length was told before, and another one.
    LengthKnown,
    /// The report's payload is stored already.
    AlreadyStored,
    /// Not everything has arrived that the report statement names.
    NotWhole,
    /// The client went away in the middle of a part; what came is kept.
    Cut,
    /// Another request writes to the upload.
    Locked,
    /// The upload stands at another offset: this one.
    Offset(u64),
    /// A part is not what its checksum says; nothing of it was kept.
    Checksum,
    /// A purpose the taxonomy does not know.
    UnknownPurpose(String),
    /// Registration needs an invitation.
    InvitationNeeded,
    /// Registration needs a proof of work.
    WorkNeeded(Bits),
    /// More than one party or network may use.
    OverQuota {
        /// Of what, in words.
        what: String,
        /// When it may be tried again, if waiting helps.
        retry_after_seconds: Option<u64>,
    },
    /// The signer has verified another log than ours.
    SeenMismatch,
    /// Too much at once.
    Busy,
    /// Only revocation is possible.
    RevokeOnly(&'static str),
    /// No room.
    Full,
    /// Broken; the text is for the log alone.
    Internal(String),
}

impl From<StatementError> for BrokerError {
    fn from(error: StatementError) -> Self {
        Self::Statement(error)
    }
}
impl From<Refusal> for BrokerError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
impl From<StoreError> for BrokerError {
    fn from(error: StoreError) -> Self {
        Self::Internal(chain(&error))
    }
}
impl From<UploadError> for BrokerError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Full => Self::Full,
            UploadError::Store(error) => error.into(),
            error => Self::Upload(error),
        }
    }
}
impl From<CommitError> for BrokerError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(refusal) => Self::Refused(refusal),
            CommitError::Conflict | CommitError::Busy => Self::Busy,
            CommitError::HeaderMismatch => Self::HeaderMismatch,
            CommitError::RevokeOnly(why) => Self::RevokeOnly(why),
            CommitError::Full => Self::Full,
            CommitError::Unknown => Self::Internal("the outcome of a commit is unknown".to_owned()),
            CommitError::Storage(error) => error.into(),
        }
    }
}

/// An error and everything under it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl BrokerError {
    /// What the caller is told. Existence is secret: what is not theirs is not found.
    pub fn problem(&self) -> Problem {
        let detailed = |kind, detail: String| Problem::new(kind).with_detail(detail);
        match self {
            Self::Statement(StatementError::UnknownKey) | Self::NotFound => Problem::new(ProblemType::NotFound),
            Self::Statement(StatementError::Form(error)) => detailed(ProblemType::Malformed, error.to_string()),
            Self::Statement(error) => detailed(ProblemType::StatementRefused, error.to_string()),
            Self::Refused(Refusal::Unknown(_) | Refusal::NotOwner | Refusal::WrongParty) => {
                Problem::new(ProblemType::NotFound)
            }
            Self::Refused(refusal @ Refusal::OutOfOrder { current }) => {
                let mut problem = detailed(ProblemType::OutOfOrder, refusal.to_string());
                problem.current = *current;
                problem
            }
            Self::Frozen | Self::Refused(Refusal::Frozen) => detailed(ProblemType::Frozen, Refusal::Frozen.to_string()),
            Self::Refused(refusal) => detailed(ProblemType::StatementRefused, refusal.to_string()),
            Self::Denied { reasons, receipt } => denied(reasons, receipt.as_ref()),
            Self::DeniedAndCounted { reasons } => denied(reasons, None).with_detail(
                "you were denied so often within the hour that this denial has no entry of its own, and so no receipt. \
                 It is counted, and the count becomes one entry",
            ),
            Self::NotTheCaller => detailed(
                ProblemType::StatementRefused,
                "the statement is signed by another key than the one you are signed in with".to_owned(),
            ),
            Self::HeaderMismatch => detailed(
                ProblemType::StatementRefused,
                "the header sent is not the one whose digest the statement names".to_owned(),
            ),
            Self::Upload(error) => detailed(ProblemType::PayloadMismatch, error.to_string()),
            Self::PayloadTooLarge => detailed(
                ProblemType::TooLarge,
                format!("a payload may have {} bytes; divide the report", limits::PAYLOAD_BYTES),
            ),
            Self::LengthKnown => {
                detailed(ProblemType::Malformed, "another length was told for this upload before".to_owned())
            }
            Self::AlreadyStored => {
                detailed(ProblemType::Conflict, "the payload of this report is stored already".to_owned())
            }
            Self::NotWhole => detailed(
                ProblemType::PayloadMismatch,
                "not everything has arrived yet; send the rest of the upload first".to_owned(),
            ),
            Self::Cut => detailed(
                ProblemType::TooSlow,
                "the part was cut off; what had come is kept, ask where the upload stands and go on".to_owned(),
            ),
            Self::Locked => Problem::new(ProblemType::Locked),
            Self::Offset(offset) => {
                detailed(ProblemType::OffsetMismatch, format!("the upload stands at {offset}; go on from there"))
            }
            Self::Checksum => Problem::new(ProblemType::ChecksumMismatch),
            Self::UnknownPurpose(purpose) => detailed(
                ProblemType::StatementRefused,
                format!("the purpose {purpose:?} is not in the taxonomy; see policies/taxonomy.json"),
            ),
            Self::InvitationNeeded => detailed(
                ProblemType::InvitationNeeded,
                "ask the operator for the invitation printed when the broker started".to_owned(),
            ),
            Self::WorkNeeded(bits) => work_needed(*bits),
            Self::OverQuota { what, retry_after_seconds } => {
                let mut problem = detailed(ProblemType::OverQuota, what.clone());
                problem.retry_after = *retry_after_seconds;
                problem
            }
            Self::SeenMismatch => detailed(
                ProblemType::Conflict,
                "the log you verified earlier is not an earlier state of this broker's log. Send the checkpoint you \
                 hold to /v1/evidence, keep it, and tell an auditor"
                    .to_owned(),
            ),
            Self::Busy => Problem::new(ProblemType::Busy),
            Self::RevokeOnly(why) => detailed(ProblemType::RevokeOnly, (*why).to_owned()),
            Self::Full => Problem::new(ProblemType::StorageFull),
            Self::Internal(_) => Problem::new(ProblemType::Internal),
        }
    }

    /// What the operator's log is told; `None` when the caller's mistake is nobody's business.
    pub fn log_text(&self) -> Option<&str> {
        match self {
            Self::Internal(text) => Some(text),
            Self::Full => Some("the storage is full"),
            Self::SeenMismatch => Some("a signed statement names a log that is not an earlier state of ours"),
            _ => None,
        }
    }

    /// As told to somebody who has not signed in: who may do this is as secret as whether it exists.
    #[must_use]
    pub fn masked(self) -> Self {
        match self {
            Self::Refused(Refusal::WrongSigner { .. } | Refusal::AppointmentEnded)
            | Self::Statement(StatementError::Form(crate::wire::jws::JwsError::Signature)) => Self::NotFound,
            other => other,
        }
    }
}

fn work_needed(bits: Bits) -> Problem {
    let mut problem = Problem::new(ProblemType::WorkNeeded).with_detail(format!(
        "show a proof of work of {} bits over this very statement in Amana-Work, or the operator's invitation",
        bits.count()
    ));
    problem.bits = Some(bits.count());
    problem
}

fn denied(reasons: &[Reason], receipt: Option<&String>) -> Problem {
    let mut problem = Problem::new(ProblemType::Denied);
    problem.reasons = shown(reasons);
    problem.receipt = receipt.cloned();
    problem
}

/// Conditions that failed, as far as the caller may read them.
pub(super) fn shown(reasons: &[Reason]) -> Vec<ReasonText> {
    let shown = reasons.iter().filter(|reason| reason.shown_to_caller);
    let text = |r: &Reason| ReasonText { id: r.id.clone(), reason: r.reason.clone(), advice: r.advice.clone() };
    shown.map(text).collect()
}
