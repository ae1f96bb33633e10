//! JSON bodies of the HTTP interface, shared by broker and clients.
//!
//! Byte strings are unpadded base64url; statements and receipts are text, verbatim.

use super::problem::ReasonText;
use crate::model::{
    answer::{self, Answer},
    event::Log,
    grant::{Grant, GrantState},
    ids::{Digest, GrantId, KeyId, PartyId, PublicKey, ReleaseId, ReportId, RequestId, UploadId},
    purpose::Purpose,
    report::{Report, ReportState},
    request::{AccessRequest, ItemAnswers, Notice},
    time::{Timestamp, Window},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::collections::BTreeMap;

/// Bytes as unpadded base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        URL_SAFE_NO_PAD.decode(String::deserialize(d)?).map(Self).map_err(D::Error::custom)
    }
}

/// A statement by itself.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitStatement {
    /// Compact JWS.
    pub statement: String,
}

/// A report statement with the header its owner opens it with.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitReport {
    /// Compact JWS.
    pub statement: String,
    /// The owner header.
    pub owner_header: Bytes,
}

/// A grant statement, with the wrapped header unless it is kept back.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitGrant {
    /// Compact JWS.
    pub statement: String,
    /// The wrapped header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub header: Option<Bytes>,
}

/// A wrapped header that follows its grant.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitHeader {
    /// The wrapped header.
    pub header: Bytes,
}

/// A statement, or something done under one, was accepted.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The statement's digest.
    pub id: Digest,
    /// Which log it stands in.
    pub log: Log,
    /// Index of its entry.
    pub index: u64,
    /// The receipt: a C2SP tlog-proof whose `extra` opens the leaf.
    pub receipt: String,
}

/// Which upload is the payload of a report.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishUpload {
    /// The upload.
    pub upload: UploadId,
}

/// An upload on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UploadSummary {
    /// The upload.
    pub id: UploadId,
    /// The report it is for, once known.
    pub report: Option<ReportId>,
    /// Bytes that have arrived.
    pub offset: u64,
    /// All there will be, once known.
    pub length: Option<u64>,
    /// When it is thrown away.
    pub expires: Timestamp,
}

/// The answer to a revocation.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// The revocation, accepted.
    pub accepted: Accepted,
    /// The grant.
    pub grant: GrantId,
    /// Releases that had happened: what was opened cannot be un-opened.
    pub releases_used: u32,
    /// Streams that were cut.
    pub streams_reset: u32,
}

/// A header, released.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// The release.
    pub release: ReleaseId,
    /// The wrapped header.
    pub header: Bytes,
    /// Receipt of the entry that recorded it.
    pub receipt: String,
    /// The grant statement.
    pub grant_statement: String,
    /// The report statement, with payload digest and key commitment.
    pub report_statement: String,
    /// The advocate's signing key; its thumbprint is the `kid` of both statements.
    pub advocate_key: PublicKey,
    /// Where that is not so, because keys were replaced or the report was handed over: the statements that show why, each
    /// party's enrolment first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys: Vec<String>,
    /// Whether this release had been delivered before.
    pub again: bool,
}

/// An owner's own header.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnerHeader {
    /// The header.
    pub header: Bytes,
    /// Receipt of the entry that recorded the fetch.
    pub receipt: String,
    /// The report statement.
    pub report_statement: String,
}

/// The register from an index on.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterPage {
    /// Signed checkpoint of the whole register.
    pub checkpoint: String,
    /// Index of the first entry below.
    pub from: u64,
    /// Entries as logged.
    pub entries: Vec<String>,
}

/// The case log's latest checkpoint with proof that it extends an earlier one.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CaseHead {
    /// Signed checkpoint.
    pub checkpoint: String,
    /// Consistency proof from the size asked for, base64.
    pub consistency: Vec<String>,
}

/// One of an owner's reports.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReportSummary {
    /// The report.
    pub id: ReportId,
    /// What its statement says.
    pub report: Report,
    /// When it was declared.
    pub at: Timestamp,
    /// Where it stands.
    pub state: ReportState,
}

/// One grant, as either side sees it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GrantSummary {
    /// The grant.
    pub id: GrantId,
    /// The report.
    pub report: ReportId,
    /// The institution.
    pub institution: PartyId,
    /// What for.
    pub purposes: Vec<Purpose>,
    /// When it may be collected.
    pub collect: Window,
    /// First moment a release is possible.
    pub releasable_from: Timestamp,
    /// Where it stands.
    pub state: GrantState,
    /// Releases so far.
    pub releases_used: u32,
    /// Releases allowed.
    pub max_releases: u32,
    /// A release waits for its acknowledgement.
    pub awaiting: Option<ReleaseId>,
    /// Who gave it.
    pub owner: PartyId,
    /// Since when enough of the report's owners agree.
    pub effective_at: Option<Timestamp>,
    /// Owners who agree beside the one who signed.
    pub owner_approvals: Vec<PartyId>,
    /// Officers who agree with the next release.
    pub officer_approvals: Vec<KeyId>,
    /// The last release under it, or under the grant whose place it took.
    pub exercised: Option<ReleaseId>,
    /// Whether the institution owes an answer.
    pub answer: Answer,
    /// What the institution said last.
    pub became: Option<Became>,
    /// The grant that took its place.
    pub replaced_by: Option<GrantId>,
    /// The grant statement, verbatim.
    pub statement: String,
}

/// One access request, as either side sees it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestSummary {
    /// The request.
    pub id: RequestId,
    /// The asking officer's key.
    pub officer: KeyId,
    /// The institution.
    pub institution: PartyId,
    /// What is asked.
    pub request: AccessRequest,
    /// When it came.
    pub at: Timestamp,
    /// How each item was answered so far, by purpose; what is missing is open.
    #[cfg_attr(feature = "server", schema(value_type = BTreeMap<String, crate::model::request::ItemAnswer>))]
    pub answers: ItemAnswers,
    /// The request's statement, verbatim.
    pub statement: String,
}

/// What an institution said became of what it collected.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Became {
    /// In which statement.
    pub statement: Digest,
    /// When.
    pub at: Timestamp,
    /// What.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub became: answer::Became,
}

/// A freeze was accepted, and whatever ran was cut.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// The statement's receipt.
    pub accepted: Accepted,
    /// How many running deliveries were cut.
    pub streams_reset: u32,
}

/// A grant that nobody has signed yet.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitDraft {
    /// Its terms, as the body of a `grant` statement.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub grant: Grant,
}

/// What would happen to a grant given now.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Foreseen {
    /// Why it would be refused.
    pub refused: Option<String>,
    /// What would still keep it from being collected.
    pub conditions: Vec<ReasonText>,
}

/// One page of an inbox.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InboxPage {
    /// What is to be done, most urgent first.
    pub items: Vec<InboxItem>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Something to be done.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InboxItem {
    /// By when.
    pub by: Timestamp,
    /// Whether that is over.
    pub overdue: bool,
    /// What it is about.
    pub thing: InboxThing,
}

/// What something to be done is about.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum InboxThing {
    /// A request with open items.
    Request(Box<RequestSummary>),
    /// A grant that waits for somebody.
    Grant(Box<GrantSummary>),
    /// A notice.
    Notice(Box<NoticeSummary>),
}

/// A notice, as either side sees it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NoticeSummary {
    /// The notice.
    pub id: Digest,
    /// Who tells.
    pub owner: PartyId,
    /// What is told.
    #[cfg_attr(feature = "server", schema(value_type = Object))]
    pub notice: Notice,
    /// When.
    pub at: Timestamp,
}

/// A list.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Listing<T> {
    /// The rows, oldest first.
    pub items: Vec<T>,
    /// What to ask for the next page with (`?after=`), if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// What concerns the caller, a part of it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// The signed listing: which entries of the range concern the caller.
    pub listing: String,
    /// Each of them, opened and proved.
    pub entries: Vec<DisclosedEntry>,
}

/// One entry of the case log, handed to a party.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DisclosedEntry {
    /// Its index.
    pub index: u64,
    /// A C2SP tlog-proof whose `extra` opens the leaf.
    pub proof: String,
}

/// One line of an audit bundle as it is streamed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BundleLine {
    /// The signed genesis.
    Genesis(String),
    /// A policy bundle that was ever in force.
    Policies(Policies),
    /// A signed checkpoint.
    Checkpoint(Log, String),
    /// A register entry, verbatim.
    Register(String),
    /// A case entry.
    Case(CaseLine),
    /// A case entry of which only the leaf is left: the 33 bytes, base64url.
    Closed(Bytes),
    /// A fact of the projection: kind, key, log, index, row.
    Fact(String, String, Log, u64, String),
    /// Everything was sent.
    End,
}

/// A policy bundle, whole.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Its digest.
    pub digest: Digest,
    /// Its files, by their path with forward slashes.
    pub files: BTreeMap<String, String>,
}

/// A case entry with everything that opens it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLine {
    /// Leaf salt, base64url.
    pub salt: Bytes,
    /// Shared part, verbatim.
    pub shared: String,
    /// Auditor salt, base64url.
    pub auditor_salt: Bytes,
    /// Auditor part, verbatim.
    pub auditor: String,
}

/// A case entry of which only the leaf is left.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLine {
    /// The 33 bytes, base64url.
    pub closed: Bytes,
}

/// One line of `case.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum CaseRecord {
    /// Opened whole.
    Opened(CaseLine),
    /// Its leaf alone.
    Closed(ClosedLine),
}

/// The answer of the token endpoint (RFC 6749, section 5.1).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Token {
    /// Opaque.
    pub access_token: String,
    /// `DPoP`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
}

/// An OAuth error (RFC 6749, section 5.2).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OauthProblem {
    /// The registered code.
    pub error: String,
    /// In words.
    pub error_description: String,
}
