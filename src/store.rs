//! What is kept, and the contract of keeping it.
//!
//! One method is one transaction. A store decides nothing: it spends a permit after comparing every version it was
//! decided from, appends the entry, and only then reads a header. [`Logged`] is made here alone, after the commit; no
//! other value yields header bytes.
//!
//! The contract every back end keeps:
//! 1. state and entries of one method are committed together or not at all;
//! 2. an answer is given after the commit is durable and the [`anchor`] outside the data knows of it;
//! 3. a commit whose outcome is unknown is re-read, never guessed; if that fails too, [`CommitError::Unknown`];
//! 4. entries' times never run backwards, and indices have no gap.

pub mod anchor;
pub mod backup;
pub mod blob;
pub mod faults;
pub mod faulty;
mod logged;
pub mod room;
pub mod sealed;
mod seen;
pub mod sqlite;
pub mod witnessed;

pub use logged::Logged;
pub use seen::case_until;

use crate::{
    model::{
        event::{BodyCause, Cosigned, DenialCount, Disclosed, EntryRef, Log},
        facts::ReleaseFacts,
        fold::Refusal,
        grant::{EndCause, HeaderCopy},
        ids::{Digest, GrantId, KeyId, PartyId, PublicKey, ReleaseId, ReportId},
        release::ReleaseRequest,
        rows::{GrantRow, Held, Row, Rows},
        statement::Body,
        time::Timestamp,
    },
    policy::{Denied, OwnerFetch, Permit, Redelivery, Release},
    tlog::{Hash, TileId, TileWidth},
    wire::{
        api::BundleLine,
        statement::{Seen, Verified},
    },
};
use std::{future::Future, pin::Pin};

/// An answer that comes after the commit.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, CommitError>> + Send>>;

/// Why nothing was committed, or what is not known of it.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The facts do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something the decision read has changed since, or its time is over: read and decide again.
    #[error("what the decision was made from has changed")]
    Conflict,
    /// Header bytes do not have the digest the statement names.
    #[error("the header is not the one the statement names")]
    HeaderMismatch,
    /// Too much waits already.
    #[error("too many operations wait")]
    Busy,
    /// Only revocation is possible.
    #[error("only revocation is possible: {0}")]
    RevokeOnly(&'static str),
    /// No room; nothing was changed.
    #[error("the storage is full")]
    Full,
    /// Nobody knows whether it was committed. The store takes nothing but what ends and destroys from then on, and that
    /// only from where a new transaction finds the log to end.
    #[error("the outcome of a commit is unknown")]
    Unknown,
    /// Storage failed; nothing was changed.
    #[error("storage failed")]
    Storage(#[from] StoreError),
}

/// A read failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A sealed column does not open: damaged, moved or under another key.
    #[error(
        "a sealed column does not open: {table} {row}. It was damaged, or storage.key is not the key it was sealed with"
    )]
    Damaged {
        /// Table.
        table: &'static str,
        /// Row key.
        row: String,
    },
    /// Stored bytes are not in their documented form.
    #[error("stored bytes are not as documented: {0}")]
    Form(&'static str),
    /// A file.
    #[error("{what}: {path}")]
    File {
        /// What was attempted.
        what: &'static str,
        /// On which path.
        path: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Only its leaf is left.
    #[error("the entry is closed: its body was shredded or lost, so that nobody can be shown it or given a receipt")]
    Closed,
    /// The tree's tiles contradict its head.
    #[error("the log's tiles contradict its head")]
    Tree,
    /// Another process has it open.
    #[error("another broker has this data folder open: {0}")]
    InUse(String),
    /// No key at hand is the one the roster in force names.
    #[error(
        "no key file holds the key that signs the {log} log: the roster in force names {key}. Bring it to the folder of keys"
    )]
    LogKey {
        /// Which log.
        log: &'static str,
        /// The public key.
        key: PublicKey,
    },
    /// It belongs to another genesis.
    #[error("this data folder belongs to another genesis")]
    OtherGenesis,
    /// The anchor knows another log, or cannot be kept.
    #[error(transparent)]
    Anchor(#[from] anchor::AnchorError),
}

/// A statement was accepted, now or before.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The entry.
    pub entry: EntryRef,
    /// Its receipt.
    pub receipt: String,
}

/// Header bytes that come with a statement.
pub enum Attachment {
    /// None.
    Nothing,
    /// The owner header of a report.
    OwnerHeader(Vec<u8>),
    /// The wrapped header of a grant.
    GrantHeader(Vec<u8>),
}

/// What a broker records of its own accord.
#[derive(Clone, Copy, Debug)]
pub enum OwnRecord {
    /// A payload arrived whole.
    PayloadStored(ReportId),
    /// A grant ended by itself.
    GrantEnded(GrantId, EndCause),
    /// A copy of a wrapped header is destroyed. For the database copy, destroys it in the same transaction.
    Shredded(GrantId, HeaderCopy),
    /// An owner's header was refused.
    OwnerHeaderDenied(ReportId, KeyId),
    /// Denials beyond what is entered one by one.
    DenialsCounted(DenialCount),
    /// An operator confirmed the clock.
    ClockConfirmed,
    /// Entries are about to be handed to an auditor.
    Disclosed(Disclosed),
    /// The body of a case entry is destroyed, in the same transaction; refused for one that facts depend on.
    BodyShredded(u64, BodyCause),
    /// Payload and owner header of a withdrawn report are erased, every copy the broker makes.
    ReportErased(ReportId),
}

/// Something somebody has to do something about: by when, and which fact it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WaitingKey {
    /// By when.
    pub by: Timestamp,
    /// Kind of the fact.
    pub kind: String,
    /// Its key.
    pub key: String,
}

/// Bodies that may be shredded, found in a part of the case log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldBodies {
    /// Their entries.
    pub indices: Vec<u64>,
    /// Where to look next: everything before was looked at, and stays as it is.
    pub next: u64,
}

/// A log as anybody may read it: its checkpoint, with whatever cosignatures were collected, as of the last publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Number of entries.
    pub size: u64,
    /// The signed checkpoint.
    pub note: String,
}

/// What of an audit bundle is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPart {
    /// First register entry.
    pub register: u64,
    /// First case entry.
    pub case: u64,
    /// Whether facts are wanted.
    pub facts: ExportedFacts,
}

/// Whether a bundle brings the broker's facts along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportedFacts {
    /// All of them.
    All,
    /// None: whoever follows the logs folds their own.
    None,
}

/// Both trees as they are now.
pub type Heads = Seen;

/// The storage contract.
pub trait Store: Send + Sync + 'static {
    /// One fact as stored: its version and its row as JSON.
    fn fact(&self, kind: &'static str, key: &str) -> Result<Option<(EntryRef, String)>, StoreError>;
    /// Keys of facts of a kind that `viewer` may list, oldest first, after one of them, at most `limits::PAGE_ROWS`; none
    /// after a key that is not among them.
    fn listing(&self, viewer: PartyId, kind: &'static str, after: Option<&str>) -> Result<Vec<String>, StoreError>;
    /// Sum of `payload_bytes` over every report a party owns, stored or not, however many they are.
    fn report_bytes(&self, owner: PartyId) -> Result<u64, StoreError>;
    /// Reports in the order of their ids, after one of them, at most `limits::PAGE_ROWS`.
    fn reports_after(&self, after: Option<ReportId>) -> Result<Vec<ReportId>, StoreError>;
    /// Keys of grants the sweeper has to look at.
    fn due_grants(&self, now: Timestamp) -> Result<Vec<GrantId>, StoreError>;
    /// Withdrawn reports whose time has come by now, the earliest first, after one of them; at most `limits::PAGE_ROWS`.
    fn due_reports(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, ReportId)>,
    ) -> Result<Vec<(Timestamp, ReportId)>, StoreError>;
    /// What somebody has to do something about, most urgent first, after one of them; at most `limits::INBOX_ITEMS`. A
    /// notice whose time is over by `now` says nothing any more.
    fn waiting(
        &self,
        party: PartyId,
        after: Option<&WaitingKey>,
        now: Timestamp,
    ) -> Result<Vec<WaitingKey>, StoreError>;
    /// Bodies from an index on that are older than `before`, that auditors have vouched for and that no fact depends on.
    /// Looks at `limits::BODIES_LOOKED_AT` entries at most, and finds `limits::BODIES_AT_ONCE` at most.
    fn old_bodies(&self, from: u64, before: Timestamp) -> Result<OldBodies, StoreError>;
    /// The shared part of an entry, verbatim.
    fn entry_shared(&self, entry: EntryRef) -> Result<Option<String>, StoreError>;
    /// A receipt for an entry under the newest checkpoint.
    fn receipt(&self, entry: EntryRef) -> Result<String, StoreError>;
    /// Sizes and roots now.
    fn heads(&self) -> Result<Heads, StoreError>;
    /// The root a log had at a size; `None` when it was never that large.
    fn root_at(&self, log: Log, size: u64) -> Result<Option<Digest>, StoreError>;
    /// Signed checkpoint of a log, and a consistency proof from `since` (base64 hashes).
    fn checkpoint(&self, log: Log, since: u64) -> Result<Option<(String, Vec<String>)>, StoreError>;
    /// Proof that the log of `to` entries begins with the one of `from`; `None` when it was never that large.
    fn consistency(&self, log: Log, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError>;
    /// A log as last published; `None` before the first publication.
    fn published(&self, log: Log) -> Result<Option<Published>, StoreError>;
    /// Bytes of a hash tile; `None` beyond what is published.
    fn tile(&self, log: Log, id: TileId, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError>;
    /// Bytes of an entry bundle; `None` beyond what is published.
    fn entry_bundle(&self, log: Log, index: u64, width: TileWidth) -> Result<Option<Vec<u8>>, StoreError>;
    /// Time of the last entry of either log.
    fn last_entry_at(&self) -> Result<Timestamp, StoreError>;
    /// Streams genesis, both logs opened whole, checkpoints and facts, or a part of them, from one snapshot.
    fn export(
        &self,
        part: ExportPart,
        line: &mut dyn FnMut(BundleLine) -> std::ops::ControlFlow<()>,
    ) -> Result<(), StoreError>;
    /// Case entries that concern a party, from an index on, in order; at most `limits::DISCLOSED_ENTRIES`.
    fn concerning(&self, party: PartyId, from: u64) -> Result<Vec<u64>, StoreError>;
    /// Signs a text of ours that is no checkpoint with the key of the case log.
    fn sign(&self, text: &str) -> Result<String, StoreError>;

    /// Accepts a statement. The same statement again is answered with its entry; nothing is appended then.
    fn accept(&self, statement: Verified<Body>, attachment: Attachment) -> Pending<Recorded>;
    /// Accepts the wrapped header of a grant whose statement came without it.
    fn receive_header(&self, grant: GrantId, header: Vec<u8>) -> Pending<Recorded>;
    /// Spends a permit: compares versions and time, appends `Released`, reads the header.
    fn commit_release(&self, permit: Permit<Release>, request: Verified<ReleaseRequest>) -> Pending<Logged<Release>>;
    /// Spends a permit for delivering again: compares versions and time, appends nothing, cites the first entry.
    fn redeliver(&self, permit: Permit<Redelivery>) -> Pending<Logged<Release>>;
    /// Spends a permit for an owner's own header.
    fn commit_owner_fetch(&self, permit: Permit<OwnerFetch>) -> Pending<Logged<OwnerFetch>>;
    /// Compares versions and clocks, as for a release, and appends a denial with everything it was decided from.
    fn deny(&self, denied: Denied<ReleaseFacts>, request: Verified<ReleaseRequest>) -> Pending<Recorded>;
    /// Records something of the broker's own.
    fn record(&self, what: OwnRecord) -> Pending<Recorded>;
    /// Appends cover entries to the case log until its growth since the last publication says little.
    fn cover(&self) -> Pending<()>;
    /// Publishes a log as of a checkpoint of ours; what was published before never comes back.
    fn publish(&self, log: Log, published: Published) -> Pending<()>;
    /// Records that witnesses cosigned `note`, which is a checkpoint of ours.
    fn record_cosigned(&self, cosigned: Cosigned, note: String) -> Pending<Recorded>;
    /// Deletes the owner header of a report that is to be erased by now. Says nothing in the log: that comes when no copy
    /// is left ([`OwnRecord::ReportErased`]).
    fn drop_owner_header(&self, report: ReportId) -> Pending<()>;
    /// Empties the write-ahead log into the database; `false` when a reader is in the way.
    fn empty_wal(&self) -> Pending<bool>;
    /// Answers after a row was written and committed: the writer works, and the disk takes what it writes.
    fn probe(&self) -> Pending<()>;
    /// Room on the volume where facts and log are kept.
    fn room(&self) -> Result<room::Room, StoreError>;
    /// Uses up an assertion's `jti`; `false` when it was used before.
    fn spend_assertion(&self, client: KeyId, jti: String, until: Timestamp) -> Pending<bool>;
    /// Refuses everything but revocation from now on.
    fn only_revoke(&self, why: &'static str);
    /// Why only revocation is possible, if so.
    fn revoke_only(&self) -> Option<&'static str>;
}

/// Facts read one by one from a store. Versions are compared when a decision is spent, so no snapshot is needed.
pub struct Facts<'a>(pub &'a dyn Store);

impl Rows for Facts<'_> {
    type Error = StoreError;
    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, StoreError> {
        let Some((version, text)) = self.0.fact(R::KIND, key)? else { return Ok(None) };
        let row = serde_json::from_str(&text).map_err(|_| StoreError::Form(R::KIND))?;
        Ok(Some(Held { row, version }))
    }
    fn write<R: Row>(&mut self, _: &str, _: &R, _: EntryRef) -> Result<(), StoreError> {
        Err(StoreError::Form("facts are written by the store's own transaction alone"))
    }
}

/// The grant of a release.
pub fn grant_of(store: &dyn Store, grant: GrantId) -> Result<Option<Held<GrantRow>>, StoreError> {
    Facts(store).read(&grant.to_string())
}

/// Which release an officer's request became, if it was accepted before.
pub fn release_of(store: &dyn Store, statement: Digest) -> Result<Option<ReleaseId>, StoreError> {
    let held: Option<Held<crate::model::rows::StatementRow>> = Facts(store).read(&statement.to_string())?;
    Ok(held.map(|_| ReleaseId::from(statement)))
}
