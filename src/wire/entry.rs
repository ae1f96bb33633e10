//! Log entries: bytes to [`Event`] and back.
//!
//! Register entry: the shared part alone, UTF-8 JSON; that is the leaf data (RFC 6962).
//!
//! Case entry body: `u32be(len) ‖ shared ‖ commitment`, where
//! `commitment = HMAC-SHA256(auditor salt, "amana/log-auditor/v1\0" ‖ auditor part)`.
//! Case leaf data: the 33 bytes `0x01 ‖ HMAC-SHA256(leaf salt, "amana/log-entry/v1\0" ‖ body)`.
//! Salts are exactly 32 bytes, because HMAC keys of different length can collide.

mod leaf;

pub use leaf::{ClosedLeaf, OpenedLeaf, Salt, Salts, auditor_commitment};

use super::statement::{Unverified, Verified};
use crate::{
    model::{
        epoch::LostRange,
        event::{BodyCause, DenialCount, Disclosed, Event, Log},
        facts::{OwnerFetchRecord, ReleaseRecord},
        grant::{EndCause, HeaderCopy},
        ids::{Digest, GrantId, KeyId, ReportId},
        limits,
        statement::Body,
        time::{Clocks, Timestamp},
    },
    tlog,
};
use serde::{Deserialize, Serialize};

/// What every party to an entry may read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// What happened.
    pub event: Happening,
    /// When, by the broker's clock.
    pub at: Timestamp,
    /// Size of the register when it happened; absent in the register itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub register_size: Option<u64>,
    /// The statement that caused it, verbatim; for genesis the signed note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<String>,
}

/// The kind of an entry, with what its statement does not say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Happening {
    /// The trust root.
    GenesisLaid,
    /// A statement was accepted.
    Accepted,
    /// A header was released.
    Released,
    /// A release was denied.
    ReleaseDenied,
    /// A payload arrived whole.
    PayloadStored {
        /// The report.
        report: ReportId,
    },
    /// A wrapped header arrived.
    HeaderReceived {
        /// The grant.
        grant: GrantId,
    },
    /// An owner fetched its header.
    OwnerHeaderFetched {
        /// The report.
        report: ReportId,
        /// The owner's key.
        key: KeyId,
    },
    /// An owner's header was refused.
    OwnerHeaderDenied {
        /// The report.
        report: ReportId,
        /// The caller's key.
        key: KeyId,
    },
    /// Denials beyond what is entered one by one.
    DenialsCounted(DenialCount),
    /// A grant ended by itself.
    GrantEnded {
        /// The grant.
        grant: GrantId,
        /// Why.
        cause: EndCause,
    },
    /// One copy of a wrapped header was destroyed.
    Shredded {
        /// The grant.
        grant: GrantId,
        /// The copy.
        copy: HeaderCopy,
    },
    /// The broker started.
    ClockResumed {
        /// Time of the last entry before.
        last: Timestamp,
        /// Wall clock at start.
        now: Timestamp,
    },
    /// An operator confirmed the clock.
    ClockConfirmed,
    /// Nothing happened.
    Cover,
    /// Witnesses cosigned the checkpoint in `statement`.
    Cosigned,
    /// Everything up to these sizes is handed to an auditor.
    Disclosed(Disclosed),
    /// The broker goes on from an older copy; of these case entries only the leaves are left.
    RolledForward(LostRange),
    /// The body of an earlier case entry was destroyed; its leaf stands.
    BodyShredded {
        /// The entry.
        index: u64,
        /// Why.
        cause: BodyCause,
    },
    /// A withdrawn report was erased.
    ReportErased {
        /// The report.
        report: ReportId,
    },
}

impl Happening {
    /// Whether facts are the same without it, so that its body may be shredded once an auditor has read it.
    pub const fn changes_no_fact(&self) -> bool {
        matches!(
            self,
            Self::Cover
                | Self::ReleaseDenied
                | Self::OwnerHeaderFetched { .. }
                | Self::OwnerHeaderDenied { .. }
                | Self::DenialsCounted(_)
                | Self::Disclosed(_)
        )
    }
}

/// What only auditors may read: from what and how it was decided.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditorPart {
    /// The facts decided from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub facts: Option<FactsRecord>,
    /// The two clocks the facts about a release were computed by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clocks: Option<Clocks>,
    /// The policy bundle decided under.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bundle: Option<Digest>,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<Decision>,
    /// Ids of the failing conditions, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
}

impl AuditorPart {
    /// What is recorded of a decision: allowed if there is no reason against it. The broker and whoever decides again
    /// make it here, so that both spell it alike.
    pub fn decided(facts: FactsRecord, clocks: Option<Clocks>, bundle: Digest, reasons: Vec<String>) -> Self {
        let decision = if reasons.is_empty() { Decision::Allow } else { Decision::Deny };
        Self { facts: Some(facts), clocks, bundle: Some(bundle), decision: Some(decision), reasons }
    }
}

/// Facts of either kind of decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FactsRecord {
    /// About a release.
    Release(Box<ReleaseRecord>),
    /// About an owner's own header.
    OwnerFetch(OwnerFetchRecord),
}

/// Allowed or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Permitted.
    Allow,
    /// Denied.
    Deny,
}

/// An entry is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the documented JSON.
    #[error("the entry is not as documented: {0}")]
    Json(String),
    /// Framing broken.
    #[error("the entry's framing is broken")]
    Framing,
    /// Larger than a leaf may be.
    #[error("the entry is larger than {} bytes", limits::LEAF_BYTES)]
    TooLarge,
    /// Statement missing, superfluous or of the wrong kind.
    #[error("the entry's statement does not fit what it says happened")]
    Statement,
    /// Fewer witnesses than the quorum asks for.
    #[error("fewer witnesses cosigned it than the quorum asks for")]
    Cosignatures,
    /// In the wrong log.
    #[error("the entry stands in the wrong log")]
    WrongLog,
    /// Only its leaf is left.
    #[error("the entry is closed: its leaf is here, and nothing that opens it")]
    Closed,
}

impl Shared {
    /// The bytes that are committed to.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`] when no leaf could hold them.
    pub fn encode(&self) -> Result<String, EntryError> {
        let text = serde_json::to_string(self).map_err(|e| EntryError::Json(e.to_string()))?;
        // A case leaf is 33 bytes; the bound keeps an opened entry within what a tile bundle can frame.
        if text.len() + 64 > limits::LEAF_BYTES { Err(EntryError::TooLarge) } else { Ok(text) }
    }
    /// Reads a shared part, which has one spelling: what [`Shared::encode`] writes. Serde alone would also read a list
    /// of the same values, null for an absent member, or members in another order, and two verifiers might differ.
    ///
    /// # Errors
    /// [`EntryError::Json`] on anything else.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let refuse = |e: serde_json::Error| EntryError::Json(e.to_string());
        let shared: Self = serde_json::from_str(text).map_err(refuse)?;
        if serde_json::to_string(&shared).map_err(refuse)? == text {
            Ok(shared)
        } else {
            Err(EntryError::Json("it is not spelt as the broker writes entries".to_owned()))
        }
    }
    /// The statement inside, parsed but not verified; `None` for genesis and for what nobody signed.
    pub fn statement(&self) -> Result<Option<Unverified>, EntryError> {
        match (&self.event, &self.statement) {
            (Happening::Accepted | Happening::Released | Happening::ReleaseDenied, Some(text)) => {
                Unverified::parse(text).map(Some).map_err(|e| EntryError::Json(e.to_string()))
            }
            (Happening::Accepted | Happening::Released | Happening::ReleaseDenied, None) => Err(EntryError::Statement),
            (Happening::GenesisLaid | Happening::Cosigned, Some(_)) | (_, None) => Ok(None),
            (_, Some(_)) => Err(EntryError::Statement),
        }
    }

    /// The event, given the statement verified. Genesis is read by [`super::genesis`] and what witnesses cosigned by
    /// [`super::trust`], not here.
    ///
    /// # Errors
    /// When statement and event do not belong together, or the entry is in the wrong log.
    pub fn event(&self, log: Log, statement: Option<Verified<Body>>) -> Result<Event, EntryError> {
        let event = match (&self.event, statement) {
            (Happening::Accepted, Some(verified)) => {
                Event::Accepted(verified.signed().clone(), verified.body().clone())
            }
            (Happening::Released, Some(verified)) => {
                let request = verified.into_release_request().ok_or(EntryError::Statement)?;
                Event::Released(request.signed().clone(), request.body().clone())
            }
            (Happening::ReleaseDenied, Some(verified)) => {
                let request = verified.into_release_request().ok_or(EntryError::Statement)?;
                Event::ReleaseDenied(request.signed().clone(), request.body().clone())
            }
            (Happening::PayloadStored { report }, None) => Event::PayloadStored(*report),
            (Happening::HeaderReceived { grant }, None) => Event::HeaderReceived(*grant),
            (Happening::OwnerHeaderFetched { report, key }, None) => Event::OwnerHeaderFetched(*report, *key),
            (Happening::OwnerHeaderDenied { report, key }, None) => Event::OwnerHeaderDenied(*report, *key),
            (Happening::DenialsCounted(counted), None) => Event::DenialsCounted(*counted),
            (Happening::GrantEnded { grant, cause }, None) => Event::GrantEnded(*grant, *cause),
            (Happening::Shredded { grant, copy }, None) => Event::Shredded(*grant, *copy),
            (Happening::ClockResumed { last, now }, None) => Event::ClockResumed { last: *last, now: *now },
            (Happening::ClockConfirmed, None) => Event::ClockConfirmed,
            (Happening::Cover, None) => Event::Cover,
            (Happening::Disclosed(disclosed), None) => Event::Disclosed(*disclosed),
            (Happening::RolledForward(lost), None) => Event::RolledForward(*lost),
            (Happening::BodyShredded { index, cause }, None) => Event::BodyShredded(*index, *cause),
            (Happening::ReportErased { report }, None) => Event::ReportErased(*report),
            _ => return Err(EntryError::Statement),
        };
        if event.log() == log { Ok(event) } else { Err(EntryError::WrongLog) }
    }
}

/// One entry whole, as the broker keeps it and an auditor sees it.
#[derive(Clone, PartialEq, Eq)]
pub enum FullEntry {
    /// Public.
    Register {
        /// The leaf data.
        shared: String,
    },
    /// Committed to.
    Case {
        /// What parties may read.
        opened: OpenedLeaf,
        /// Salt of the auditor part.
        auditor_salt: Salt,
        /// The auditor part, verbatim.
        auditor: String,
    },
    /// Of the case log, and only its leaf is left: its body was shredded, or lost with an older copy of the data.
    Closed {
        /// The leaf data.
        leaf: ClosedLeaf,
    },
}

impl FullEntry {
    /// Builds the entry of an event.
    pub fn new(log: Log, shared: String, auditor: &AuditorPart, salts: &Salts) -> Result<Self, EntryError> {
        if log == Log::Register {
            return Ok(Self::Register { shared });
        }
        let auditor = serde_json::to_string(auditor).map_err(|e| EntryError::Json(e.to_string()))?;
        if auditor.len() > limits::LEAF_BYTES {
            return Err(EntryError::TooLarge);
        }
        let auditor_commitment = auditor_commitment(&salts.auditor, &auditor);
        let opened = OpenedLeaf { salt: salts.leaf, shared, auditor_commitment };
        Ok(Self::Case { opened, auditor_salt: salts.auditor, auditor })
    }
    /// The shared part, verbatim.
    ///
    /// # Errors
    /// [`EntryError::Closed`].
    pub fn shared(&self) -> Result<&str, EntryError> {
        match self {
            Self::Register { shared } => Ok(shared),
            Self::Case { opened, .. } => Ok(&opened.shared),
            Self::Closed { .. } => Err(EntryError::Closed),
        }
    }
    /// What is left of it without its body.
    ///
    /// # Errors
    /// [`EntryError::WrongLog`] in the register, whose leaves are its entries.
    pub fn closed(&self) -> Result<Self, EntryError> {
        match self {
            Self::Register { .. } => Err(EntryError::WrongLog),
            Self::Case { opened, .. } => Ok(Self::Closed { leaf: opened.closed()? }),
            Self::Closed { leaf } => Ok(Self::Closed { leaf: *leaf }),
        }
    }
    /// What anybody may read of it: the shared part in the register, 33 bytes in the case log.
    pub fn leaf_data(&self) -> Result<Vec<u8>, EntryError> {
        match self {
            Self::Register { shared } => Ok(shared.as_bytes().to_vec()),
            Self::Case { opened, .. } => Ok(opened.leaf_data()?.to_vec()),
            Self::Closed { leaf } => Ok(leaf.as_bytes().to_vec()),
        }
    }
    /// The leaf's hash in its tree.
    pub fn leaf_hash(&self) -> Result<tlog::Hash, EntryError> {
        Ok(tlog::leaf_hash(&self.leaf_data()?))
    }
    /// What a receipt carries as `extra`.
    ///
    /// # Errors
    /// [`EntryError::Closed`]: there are no receipts for what nobody can open.
    pub fn extra(&self) -> Result<Vec<u8>, EntryError> {
        match self {
            Self::Register { shared } => Ok(shared.as_bytes().to_vec()),
            Self::Case { opened, .. } => opened.encode(),
            Self::Closed { .. } => Err(EntryError::Closed),
        }
    }
}
