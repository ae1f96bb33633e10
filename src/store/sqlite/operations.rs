//! The contract's methods as operations inside a batch.

use super::{batch::Batch, bodies, shared::LogSigners};
use crate::{
    model::{
        event::{EntryRef, Event},
        facts::ReleaseFacts,
        fold::Refusal,
        freeze::FrozenRow,
        grant::{GrantState, HeaderCopy},
        ids::{Digest, GrantId, KeyId, ReportId},
        institution::CaseMatter,
        release::ReleaseRequest,
        rows::{GrantRow, Held, Proposal, ProposalRow, ReportRow, Row as _, Rows, StatementRow},
        statement::Body,
        time::{Clocks, Timestamp},
    },
    policy::{Denied, OwnerFetch, Permit, Reason, Release},
    store::{Attachment, CommitError, OwnRecord, StoreError},
    wire::{
        entry::{AuditorPart, FactsRecord, Happening},
        genesis::SignedGenesis,
        statement::Verified,
        trust::Trust,
    },
};
use rusqlite::params;

/// The entry of a statement, and whether it was there before.
pub(super) struct Appended {
    pub(super) entry: EntryRef,
    pub(super) before: bool,
}

pub(super) fn accept(
    batch: &mut Batch<'_>,
    statement: &Verified<Body>,
    attachment: Attachment,
) -> Result<Appended, CommitError> {
    let digest = statement.signed().digest;
    let before = accepted_before(batch, digest)?;
    // Also of a statement sent again: what comes along is the one it names, or nothing is answered.
    check_attachment(statement.body(), &attachment)?;
    if let Some(entry) = before {
        if let Attachment::GrantHeader(header) = &attachment {
            complete_if_pending(batch, digest.into(), header)?;
        }
        return Ok(Appended { entry, before: true });
    }
    let event = Event::Accepted(statement.signed().clone(), statement.body().clone());
    let text = Some(statement.text().to_owned());
    let entry = batch.append(&event, Happening::Accepted, text, &AuditorPart::default())?;
    if let Body::Approval(approval) = statement.body()
        && approval.matter == Some(CaseMatter::Handover)
    {
        take_offered_header(batch, approval.approves)?;
    }
    match attachment {
        Attachment::Nothing => {}
        Attachment::OwnerHeader(header) => keep_owner_header(batch, digest, statement.body(), &header)?,
        Attachment::GrantHeader(header) => keep_grant_header(batch, digest.into(), &header).map(|_| ())?,
    }
    Ok(Appended { entry, before: false })
}

/// A roster comes into force only where its logs can be signed: after the commit it would be too late to find out.
pub(super) fn check_log_keys(batch: &Batch<'_>, signers: &LogSigners) -> Result<(), CommitError> {
    match signers.check(&batch.roster()?.row.roster.log_keys) {
        Err(StoreError::LogKey { .. }) => Err(Refusal::LogKeyNotHeld.into()),
        checked => Ok(checked?),
    }
}

/// Whose signatures under the logs count in this transaction.
pub(super) fn trust(batch: &Batch<'_>, genesis: &SignedGenesis) -> Result<Trust, CommitError> {
    let roster = batch.roster()?;
    Ok(Trust::in_force(&genesis.genesis().origin, &roster.row).map_err(|_| StoreError::Form("the roster"))?)
}

fn accepted_before(batch: &Batch<'_>, digest: Digest) -> Result<Option<EntryRef>, CommitError> {
    let held: Option<Held<StatementRow>> = batch.read(&digest.to_string())?;
    Ok(held.map(|held| held.version))
}

/// A statement is accepted with exactly the header bytes it names, or not at all.
fn check_attachment(body: &Body, attachment: &Attachment) -> Result<(), CommitError> {
    let matches = |header: &[u8], digest: Digest| {
        if Digest::of(header) == digest { Ok(()) } else { Err(CommitError::HeaderMismatch) }
    };
    match (body, attachment) {
        (Body::Report(report), Attachment::OwnerHeader(header)) => matches(header, report.owner_header),
        (Body::OwnerHeader(change), Attachment::OwnerHeader(header)) => matches(header, change.owner_header),
        (Body::Handover(handover), Attachment::OwnerHeader(header)) => matches(header, handover.owner_header),
        (Body::Report(_) | Body::OwnerHeader(_) | Body::Handover(_), _) => Err(CommitError::HeaderMismatch),
        (Body::Grant(grant), Attachment::GrantHeader(header)) => matches(header, grant.header),
        (_, Attachment::Nothing) => Ok(()),
        _ => Err(CommitError::HeaderMismatch),
    }
}

/// An owner header belongs to a report at once, or waits until somebody else agrees to own it.
fn keep_owner_header(batch: &Batch<'_>, digest: Digest, body: &Body, header: &[u8]) -> Result<(), CommitError> {
    match body {
        Body::OwnerHeader(change) => {
            batch.delete_header("owner", &change.report.to_string())?;
            Ok(batch.put_header("owner", &change.report.to_string(), header)?)
        }
        Body::Handover(handover) => Ok(batch.put_header("offered", &offered(handover.report, digest), header)?),
        _ => Ok(batch.put_header("owner", &ReportId::from(digest).to_string(), header)?),
    }
}

/// A handover that took effect: the header wrapped for the new owner takes the place of the old one's.
fn take_offered_header(batch: &Batch<'_>, offer: Digest) -> Result<(), CommitError> {
    let held: Option<Held<ProposalRow>> = batch.read(&offer.to_string())?;
    let Some(Proposal::HandOver(handover)) = held.filter(|held| held.row.effective).map(|held| held.row.proposal)
    else {
        return Ok(());
    };
    let header = batch.header("offered", &offered(handover.report, offer), handover.owner_header)?;
    drop_headers_of(batch, handover.report)?;
    Ok(batch.put_header("owner", &handover.report.to_string(), &header)?)
}

/// Where the header that comes with an offer waits.
fn offered(report: ReportId, offer: Digest) -> String {
    format!("{report}/{offer}")
}

/// The owner's, and those that were offered to others and not taken.
fn drop_headers_of(batch: &Batch<'_>, report: ReportId) -> Result<(), StoreError> {
    batch.delete_header("owner", &report.to_string())?;
    batch.delete_headers_below("offered", &report.to_string())
}

/// Before the log says that a report is erased; a crash in between is gone on with.
pub(super) fn drop_owner_header(batch: &Batch<'_>, report: ReportId) -> Result<(), CommitError> {
    let held: Option<Held<ReportRow>> = batch.read(&report.to_string())?;
    let held = held.ok_or(CommitError::Refused(Refusal::Unknown("report")))?;
    let frozen: Option<Held<FrozenRow>> = batch.read(&held.row.owner.to_string())?;
    let due = held.row.due().ok_or(CommitError::Refused(Refusal::Unknown("erasing")))?;
    let from = frozen.map(|frozen| frozen.row).unwrap_or_default().destroyed_from(due, batch.now());
    match from {
        Some(from) if from <= batch.now() => Ok(drop_headers_of(batch, report)?),
        // A freeze keeps it, or did until a moment ago.
        _ => Err(Refusal::Frozen.into()),
    }
}

/// A grant that came without its header and is sent again with it is completed; the header is the named one.
fn complete_if_pending(batch: &mut Batch<'_>, grant: GrantId, header: &[u8]) -> Result<(), CommitError> {
    let held: Option<Held<GrantRow>> = batch.read(&grant.to_string())?;
    if held.is_some_and(|held| held.row.state == GrantState::HeaderPending {}) {
        keep_grant_header(batch, grant, header)?;
    }
    Ok(())
}

fn keep_grant_header(batch: &mut Batch<'_>, grant: GrantId, header: &[u8]) -> Result<EntryRef, CommitError> {
    let happening = Happening::HeaderReceived { grant };
    let entry = batch.append(&Event::HeaderReceived(grant), happening, None, &AuditorPart::default())?;
    batch.put_header("grant", &grant.to_string(), header)?;
    Ok(entry)
}

pub(super) fn receive_header(batch: &mut Batch<'_>, grant: GrantId, header: &[u8]) -> Result<EntryRef, CommitError> {
    let held: Held<GrantRow> =
        batch.read(&grant.to_string())?.ok_or(CommitError::Refused(Refusal::Unknown("grant")))?;
    if Digest::of(header) != held.row.grant.header {
        return Err(CommitError::HeaderMismatch);
    }
    keep_grant_header(batch, grant, header)
}

/// Log before release: the header is read after its entry stands in the same transaction, and leaves after the commit.
pub(super) fn commit_release(
    batch: &mut Batch<'_>,
    permit: &Permit<Release>,
    request: &Verified<ReleaseRequest>,
) -> Result<(EntryRef, Vec<u8>), CommitError> {
    if request.body() != permit.request() {
        return Err(CommitError::Conflict);
    }
    spendable(batch, permit.citations(), permit.valid_before())?;
    decided_now(batch, permit.clocks())?;
    let event = Event::Released(request.signed().clone(), request.body().clone());
    let record = FactsRecord::Release(Box::new(permit.record().clone()));
    let auditor = AuditorPart::decided(record, Some(permit.clocks()), permit.bundle(), Vec::new());
    let entry = batch.append(&event, Happening::Released, Some(request.text().to_owned()), &auditor)?;
    let header = batch.grant_header(permit.request().grant, permit.header())?;
    Ok((entry, header))
}

pub(super) fn commit_owner_fetch(
    batch: &mut Batch<'_>,
    permit: &Permit<OwnerFetch>,
) -> Result<(EntryRef, Vec<u8>), CommitError> {
    spendable(batch, permit.citations(), Timestamp::FAR_FUTURE)?;
    decided_now(batch, permit.clocks())?;
    let (report, key) = (permit.report(), permit.caller());
    let record = FactsRecord::OwnerFetch(permit.record().clone());
    let auditor = AuditorPart::decided(record, Some(permit.clocks()), permit.bundle(), Vec::new());
    let happening = Happening::OwnerHeaderFetched { report, key };
    let entry = batch.append(&Event::OwnerHeaderFetched(report, key), happening, None, &auditor)?;
    let header = batch.owner_header(report, permit.header())?;
    Ok((entry, header))
}

/// Every version the decision read is unchanged, and its time is not over. Time is a version too.
fn spendable(
    batch: &Batch<'_>,
    citations: &[crate::model::view::Citation],
    valid_before: Timestamp,
) -> Result<(), CommitError> {
    if batch.now() < valid_before && batch.still_holds(citations)? { Ok(()) } else { Err(CommitError::Conflict) }
}

/// An auditor re-derives a decision from its clocks, so they must not lie far from the entry.
fn decided_now(batch: &Batch<'_>, clocks: Clocks) -> Result<(), CommitError> {
    if clocks.suit_an_entry_at(batch.now()) { Ok(()) } else { Err(CommitError::Conflict) }
}

/// A denial is held to what a release is held to, or an auditor could not tell a stale one from an invented one.
pub(super) fn deny(
    batch: &mut Batch<'_>,
    denied: &Denied<ReleaseFacts>,
    request: &Verified<ReleaseRequest>,
) -> Result<EntryRef, CommitError> {
    let facts = &denied.facts;
    if request.body() != facts.request() {
        return Err(CommitError::Conflict);
    }
    spendable(batch, facts.citations(), Timestamp::FAR_FUTURE)?;
    decided_now(batch, facts.clocks())?;
    let event = Event::ReleaseDenied(request.signed().clone(), request.body().clone());
    let record = FactsRecord::Release(Box::new(facts.record().clone()));
    let auditor = AuditorPart::decided(record, Some(facts.clocks()), denied.bundle, ids(&denied.reasons));
    batch.append(&event, Happening::ReleaseDenied, Some(request.text().to_owned()), &auditor)
}

fn ids(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.id.clone()).collect()
}

pub(super) fn own_record(batch: &mut Batch<'_>, what: OwnRecord) -> Result<EntryRef, CommitError> {
    let (event, happening) = match what {
        OwnRecord::PayloadStored(report) => (Event::PayloadStored(report), Happening::PayloadStored { report }),
        OwnRecord::GrantEnded(grant, cause) => {
            (Event::GrantEnded(grant, cause), Happening::GrantEnded { grant, cause })
        }
        OwnRecord::Shredded(grant, copy) => (Event::Shredded(grant, copy), Happening::Shredded { grant, copy }),
        OwnRecord::OwnerHeaderDenied(report, key) => {
            (Event::OwnerHeaderDenied(report, key), Happening::OwnerHeaderDenied { report, key })
        }
        OwnRecord::DenialsCounted(counted) => (Event::DenialsCounted(counted), Happening::DenialsCounted(counted)),
        OwnRecord::ClockConfirmed => (Event::ClockConfirmed, Happening::ClockConfirmed),
        OwnRecord::Disclosed(disclosed) => (Event::Disclosed(disclosed), Happening::Disclosed(disclosed)),
        OwnRecord::BodyShredded(index, cause) => {
            (Event::BodyShredded(index, cause), Happening::BodyShredded { index, cause })
        }
        OwnRecord::ReportErased(report) => (Event::ReportErased(report), Happening::ReportErased { report }),
    };
    if let OwnRecord::Shredded(grant, HeaderCopy::Database) = what {
        batch.delete_header("grant", &grant.to_string())?;
    }
    if let OwnRecord::BodyShredded(index, _) = what {
        bodies::shred(batch, index)?;
    }
    batch.append(&event, happening, None, &AuditorPart::default())
}

/// Uses up a `jti`; forgets expired ones on the way.
pub(super) fn spend_assertion(
    batch: &Batch<'_>,
    client: KeyId,
    jti: &str,
    until: Timestamp,
) -> Result<bool, CommitError> {
    let seconds = |t: Timestamp| super::tiles::signed(t.as_seconds());
    let connection = batch.connection();
    let forget = "DELETE FROM assertions WHERE until <= ?1";
    connection
        .prepare_cached(forget)
        .and_then(|mut s| s.execute(params![seconds(batch.now()).unwrap_or(0)]))
        .map_err(StoreError::from)?;
    let insert = "INSERT OR IGNORE INTO assertions (client, jti, until) VALUES (?1, ?2, ?3)";
    let until = seconds(until)?;
    let inserted = connection
        .prepare_cached(insert)
        .and_then(|mut s| s.execute(params![client.to_string(), jti, until]))
        .map_err(StoreError::from)?;
    Ok(inserted == 1)
}

/// Writes one row, so that the commit reaches the disk: an empty transaction would succeed on a full one.
pub(super) fn probe(batch: &Batch<'_>) -> Result<(), CommitError> {
    let write = "INSERT INTO probe (id, count) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1";
    let written = batch.connection().prepare_cached(write).and_then(|mut s| s.execute([]));
    written.map_err(StoreError::from)?;
    Ok(())
}
