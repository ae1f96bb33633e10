//! Whom an entry of the case log concerns: who is handed it, opened, on asking. Auditors are handed everything.

use crate::model::{
    event::Event,
    ids::{Digest, GrantId, KeyId, PartyId, ReportId, RequestId},
    institution::CaseMatter,
    rows::{GrantRow, Held, KeyRow, Proposal, ProposalRow, ReportRow, RequestRow, Row as _, Rows},
    statement::{Body, Signed},
};
use std::collections::BTreeSet;

/// The parties an event concerns, by the facts after it.
///
/// # Errors
/// When rows cannot be read.
pub fn concerned<S: Rows>(rows: &S, event: &Event) -> Result<BTreeSet<PartyId>, S::Error> {
    let mut parties = BTreeSet::new();
    match event {
        Event::Accepted(signed, body) => {
            parties.extend(signer(rows, signed)?);
            parties.extend(subject(rows, signed, body)?);
        }
        Event::Released(signed, request) | Event::ReleaseDenied(signed, request) => {
            parties.extend(signer(rows, signed)?);
            parties.extend(of_grant(rows, request.grant)?);
        }
        Event::PayloadStored(report) | Event::ReportErased(report) => parties.extend(of_report(rows, *report)?),
        Event::OwnerHeaderFetched(report, key) | Event::OwnerHeaderDenied(report, key) => {
            parties.extend(of_report(rows, *report)?);
            parties.extend(of_key(rows, *key)?);
        }
        Event::HeaderReceived(grant) | Event::GrantEnded(grant, _) | Event::Shredded(grant, _) => {
            parties.extend(of_grant(rows, *grant)?);
        }
        Event::DenialsCounted(counted) => parties.extend(of_key(rows, counted.key)?),
        Event::GenesisLaid(..)
        | Event::ClockResumed { .. }
        | Event::ClockConfirmed
        | Event::Cover
        | Event::Cosigned(_)
        | Event::Disclosed(_)
        | Event::RolledForward(_)
        | Event::BodyShredded(..) => {}
    }
    Ok(parties)
}

/// Who signed, and the institution they act for.
fn signer<S: Rows>(rows: &S, signed: &Signed) -> Result<BTreeSet<PartyId>, S::Error> {
    let mut parties = of_key(rows, signed.kid)?;
    parties.insert(signed.iss);
    Ok(parties)
}

/// Whom a statement is about.
fn subject<S: Rows>(rows: &S, signed: &Signed, body: &Body) -> Result<BTreeSet<PartyId>, S::Error> {
    match body {
        Body::Request(request) => of_report(rows, request.report),
        Body::Grant(_) => of_grant(rows, GrantId::from(signed.digest)),
        Body::Status(status) => of_grant(rows, status.grant),
        Body::Refusal(refusal) => of_request(rows, refusal.request),
        Body::Question(question) => of_request(rows, question.request),
        Body::Notice(notice) => Ok([notice.institution].into()),
        Body::OwnerHeader(change) => of_report(rows, change.report),
        Body::Withdrawal(withdrawal) => of_report(rows, withdrawal.report),
        Body::Handover(handover) => {
            let mut parties = of_report(rows, handover.report)?;
            parties.insert(handover.to);
            Ok(parties)
        }
        Body::Freeze(freeze) => Ok([freeze.party].into()),
        Body::Thaw(thaw) => Ok([thaw.party].into()),
        Body::Approval(approval) => match approval.matter {
            Some(CaseMatter::Grant) => of_grant(rows, approval.approves.into()),
            _ => of_proposal(rows, approval.approves),
        },
        Body::Revocation(_) => signed.subject.map_or(Ok(BTreeSet::new()), |grant: Digest| of_grant(rows, grant.into())),
        Body::Acknowledgement(acknowledgement) => of_grant(rows, acknowledgement.grant),
        _ => Ok(BTreeSet::new()),
    }
}

fn of_key<S: Rows>(rows: &S, key: KeyId) -> Result<BTreeSet<PartyId>, S::Error> {
    let held: Option<Held<KeyRow>> = rows.read(&key.to_string())?;
    Ok(held.into_iter().flat_map(|held| held.row.institution().into_iter().chain([held.row.party])).collect())
}

fn of_report<S: Rows>(rows: &S, report: ReportId) -> Result<BTreeSet<PartyId>, S::Error> {
    let held: Option<Held<ReportRow>> = rows.read(&report.to_string())?;
    Ok(held.into_iter().flat_map(|held| held.row.owners().collect::<Vec<_>>()).collect())
}

fn of_request<S: Rows>(rows: &S, request: RequestId) -> Result<BTreeSet<PartyId>, S::Error> {
    let held: Option<Held<RequestRow>> = rows.read(&request.to_string())?;
    Ok(held.into_iter().flat_map(|held| [held.row.owner, held.row.institution]).collect())
}

/// Whose keys, freeze or report it is.
fn of_proposal<S: Rows>(rows: &S, proposal: Digest) -> Result<BTreeSet<PartyId>, S::Error> {
    let held: Option<Held<ProposalRow>> = rows.read(&proposal.to_string())?;
    match held.map(|held| held.row.proposal) {
        Some(Proposal::Rotate(party, _) | Proposal::Thaw(party, ..) | Proposal::Freezing(party, ..)) => {
            Ok([party].into())
        }
        Some(Proposal::Erase(_, report)) => of_report(rows, report),
        Some(Proposal::HandOver(handover)) => of_report(rows, handover.report),
        _ => Ok(BTreeSet::new()),
    }
}

fn of_grant<S: Rows>(rows: &S, grant: GrantId) -> Result<BTreeSet<PartyId>, S::Error> {
    let held: Option<Held<GrantRow>> = rows.read(&grant.to_string())?;
    Ok(held.into_iter().flat_map(|held| held.row.viewers()).collect())
}
