//! What an entry says, without a byte of wire format: [`crate::wire::entry`] makes it, the fold eats it.

use super::{
    epoch::LostRange,
    genesis::Genesis,
    grant::{EndCause, HeaderCopy},
    ids::{Digest, GrantId, KeyId, ReportId},
    keys::{PartyKind, Recovery, Rotation},
    release::ReleaseRequest,
    statement::{Body, Kind, Signed},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Which of the two logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// Plain and public: trust root, institutions, their keys.
    Register,
    /// Commitments: everything about an advocate or a report.
    Case,
}

/// One entry: the citation of a fact, and the version of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRef {
    /// The log.
    pub log: Log,
    /// Zero-based index in it.
    pub index: u64,
}

/// Where and when an event was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The entry.
    pub entry: EntryRef,
    /// Its time, by the broker's clock; never before the entry before it.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Entry 0 of the register.
    GenesisLaid(Box<Genesis>, Digest),
    /// A statement was accepted. Release requests have their own two events.
    Accepted(Signed, Body),
    /// A header was released: the entry is durable before its first byte leaves.
    Released(Signed, ReleaseRequest),
    /// A release was refused to an officer the grant was made to.
    ReleaseDenied(Signed, ReleaseRequest),
    /// A payload arrived whole and matches its statement.
    PayloadStored(ReportId),
    /// The wrapped header of a grant arrived after its statement.
    HeaderReceived(GrantId),
    /// An owner's header was handed to its owner.
    OwnerHeaderFetched(ReportId, KeyId),
    /// An owner's header was refused.
    OwnerHeaderDenied(ReportId, KeyId),
    /// Releases were refused to an officer so often that these have no entries of their own.
    DenialsCounted(DenialCount),
    /// A grant came to its end by itself.
    GrantEnded(GrantId, EndCause),
    /// One copy of a wrapped header was destroyed.
    Shredded(GrantId, HeaderCopy),
    /// The broker started: nobody watched the clock in between.
    ClockResumed {
        /// Time of the last entry before.
        last: Timestamp,
        /// Wall clock at start.
        now: Timestamp,
    },
    /// An operator confirmed the clock.
    ClockConfirmed,
    /// Nothing: it hides how much happened.
    Cover,
    /// Witnesses cosigned an earlier state of the log this entry stands in.
    Cosigned(Cosigned),
    /// Entries are about to be handed to an auditor, opened whole.
    Disclosed(Disclosed),
    /// The broker goes on from an older copy; of these case entries only the leaves are left.
    RolledForward(LostRange),
    /// The body of an earlier case entry was destroyed; its leaf stands.
    BodyShredded(u64, BodyCause),
    /// A withdrawn report was erased: payload and owner header.
    ReportErased(ReportId),
}

/// Why a body was destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyCause {
    /// The operator keeps bodies no longer than this.
    Retention,
}

/// A state of a log that witnesses cosigned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cosigned {
    /// Which log; the entry stands in the same.
    pub log: Log,
    /// Number of entries cosigned.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
    /// When each witness cosigned, by its own clock; each witness once.
    pub times: Vec<Timestamp>,
}

/// What an auditor is about to be given: both logs from these indices on, as they stand when the hand-over begins; that
/// is at the entry that says so, or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    /// The auditor's key.
    pub key: KeyId,
    /// First register entry.
    pub register: u64,
    /// First case entry.
    pub case: u64,
}

/// How often one officer was refused beyond what is entered one by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenialCount {
    /// The officer's key.
    pub key: KeyId,
    /// Begin of the time counted over.
    pub from: Timestamp,
    /// First second after it; at most an hour after `from`.
    pub until: Timestamp,
    /// How many, at least one.
    pub count: u64,
}

impl Event {
    /// Which log the event belongs in. Everything about an advocate or a report is in the case log.
    pub fn log(&self) -> Log {
        use super::party::EnrolmentRole;
        match self {
            Self::GenesisLaid(..) | Self::RolledForward(_) => Log::Register,
            Self::Cosigned(cosigned) => cosigned.log,
            // Everybody who mirrors the register has to know that institutions are admitted anew.
            Self::Accepted(signed, body) => match (signed.kind, body) {
                (Kind::Party, Body::Party(enrolment)) => match enrolment.role {
                    EnrolmentRole::Institution(_) => Log::Register,
                    EnrolmentRole::Advocate {} => Log::Case,
                },
                (Kind::Approval, Body::Approval(approval)) if approval.matter.is_some() => Log::Case,
                (Kind::Rotation, Body::Rotation(Rotation { of: PartyKind::Institution, .. }))
                | (Kind::Recovery, Body::Recovery(Recovery { of: PartyKind::Institution, .. }))
                | (
                    Kind::Admission
                    | Kind::Approval
                    | Kind::Officer
                    | Kind::RecipientKey
                    | Kind::Attestation
                    | Kind::Suspension
                    | Kind::Roster
                    | Kind::Resumption
                    | Kind::WebRelease
                    | Kind::Terms
                    | Kind::Call
                    | Kind::Record
                    | Kind::Closing,
                    _,
                ) => Log::Register,
                _ => Log::Case,
            },
            _ => Log::Case,
        }
    }
}
