//! What each accepted statement does: enrolment, reports, requests, grants, revocation.

use super::{
    FoldError, Refusal,
    authority::{Signer, creates, officer_institution},
    epoch, institution, release, require, roster,
};
use crate::model::{
    audit::Audited,
    event::Recorded,
    grant::{EndCause, Grant, GrantState, Revocation, WithdrawnBy},
    ids::{GrantId, ReportId},
    limits,
    party::{EnrolmentRole, Holder, PartyEnrolment},
    release::AccessRequest,
    report::{Report, ReportState},
    rows::{
        AuditedRow, GenesisRow, GrantRow, Held, InstitutionRow, KeyRow, ONLY, PartyRow, PayloadRow, RecipientKeyRow,
        RecoveryRow, ReportRow, RequestRow, Rows,
    },
    statement::{Body, Signed},
};

type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// Dispatches on the body; the signer's right to the kind has been checked.
pub(super) fn body<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, body: &Body) -> Step<S> {
    match body {
        Body::Party(enrolment) => party(rows, at, signed, enrolment),
        Body::Report(statement) => report(rows, at, signed, signer, statement),
        Body::Request(statement) => request(rows, at, signed, signer, statement),
        Body::Grant(statement) => grant(rows, at, signed, signer, statement),
        Body::Revocation(statement) => revocation(rows, at, signed, signer, statement),
        Body::Acknowledgement(statement) => release::acknowledged(rows, at, signed, statement),
        Body::ReleaseRequest(_) => {
            Err(Refusal::Malformed("a release-request is recorded as released or denied").into())
        }
        Body::Admission(statement) => institution::admission(rows, at, signed, statement),
        Body::Approval(statement) => institution::approval(rows, at, signed, signer, statement),
        Body::Officer(statement) => institution::officer(rows, at, signed, signer, statement),
        Body::RecipientKey(statement) => institution::recipient_key(rows, at, signed, signer, statement),
        Body::Attestation(statement) => institution::attestation(rows, at, signed, statement),
        Body::Suspension(statement) => institution::suspension(rows, at, signed, statement),
        Body::Audited(statement) => audited(rows, at, signed, statement),
        Body::Roster(statement) => roster::proposed(rows, at, signed, statement),
        Body::Resumption(statement) => institution::resumption(rows, at, signed, statement),
    }
}

fn party<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, enrolment: &PartyEnrolment) -> Step<S> {
    creates(signed)?;
    let kid = enrolment.signing_key.thumbprint();
    if kid != signed.kid || kid.first_of_party() != signed.iss {
        return Err(Refusal::WrongParty.into());
    }
    if enrolment.recovery.signing_key == enrolment.signing_key || enrolment.recovery.recipient == enrolment.recipient {
        return Err(Refusal::Malformed("the recovery key must come from another seed").into());
    }
    let taken: Option<Held<KeyRow>> = rows.read(&kid.to_string()).map_err(FoldError::Rows)?;
    if taken.is_some() {
        return Err(Refusal::KeyTaken.into());
    }
    let holder = match &enrolment.role {
        EnrolmentRole::Advocate {} => Holder::Advocate {},
        EnrolmentRole::Institution(record) => {
            institution::enrol(rows, at, signed, record)?;
            Holder::InstitutionRoot {}
        }
    };
    let key = KeyRow { public: enrolment.signing_key, party: signed.iss, holder };
    rows.write(&kid.to_string(), &key, at.entry).map_err(FoldError::Rows)?;
    let recovery = enrolment.recovery.signing_key.thumbprint().to_string();
    rows.write(&recovery, &RecoveryRow { party: signed.iss }, at.entry).map_err(FoldError::Rows)?;
    let row = PartyRow { statement: signed.digest, enrolment: enrolment.clone() };
    rows.write(&signed.iss.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

fn report<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, report: &Report) -> Step<S> {
    creates(signed)?;
    epoch::confirmed(rows)?;
    if !report.is_well_formed() {
        return Err(Refusal::Malformed("payload_bytes").into());
    }
    let party: Held<PartyRow> = require(rows, &signer.party, "party")?;
    if party.row.enrolment.recipient != report.owner_recipient {
        return Err(Refusal::Malformed("owner_recipient is not the recipient the owner enrolled with").into());
    }
    let payload = report.payload_sha256.to_string();
    let taken: Option<Held<PayloadRow>> = rows.read(&payload).map_err(FoldError::Rows)?;
    if taken.is_some() {
        return Err(Refusal::PayloadTaken.into());
    }
    let id = ReportId::from(signed.digest);
    rows.write(&payload, &PayloadRow { report: id }, at.entry).map_err(FoldError::Rows)?;
    let row = ReportRow { owner: signer.party, report: report.clone(), at: at.at, state: ReportState::Declared {} };
    rows.write(&id.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

fn request<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, request: &AccessRequest) -> Step<S> {
    creates(signed)?;
    epoch::confirmed(rows)?;
    let institution = active_institution(rows, signer)?;
    let report: Held<ReportRow> = require(rows, &request.report, "report")?;
    if request.purposes.is_empty() || request.purposes.len() > limits::PURPOSES {
        return Err(Refusal::Malformed("purposes-count").into());
    }
    if request.purposes.iter().any(|p| !institution.row.record.mandate.contains(p)) {
        return Err(Refusal::OutsideMandate.into());
    }
    if at.at >= request.deadline {
        return Err(Refusal::Past("deadline").into());
    }
    let row = RequestRow {
        officer: signer.kid,
        institution: officer_institution(signer)?,
        owner: report.row.owner,
        request: request.clone(),
        at: at.at,
        answered_by: None,
    };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

fn grant<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, grant: &Grant) -> Step<S> {
    creates(signed)?;
    if let Some(what) = grant.malformed() {
        return Err(Refusal::Malformed(what).into());
    }
    epoch::confirmed(rows)?;
    epoch::signed_since(rows, signed)?;
    let report: Held<ReportRow> = require(rows, &grant.report, "report")?;
    if report.row.owner != signer.party {
        return Err(Refusal::NotOwner.into());
    }
    if report.row.state != (ReportState::Stored {}) {
        return Err(Refusal::NotStored.into());
    }
    if at.at >= grant.collect.until {
        return Err(Refusal::Past("collect window").into());
    }
    if at.at >= grant.consent_review_by {
        return Err(Refusal::Past("review date of a person's consent").into());
    }
    let genesis: Held<GenesisRow> = require(rows, &ONLY, "genesis")?;
    if grant.bundle != genesis.row.genesis.bundle {
        return Err(Refusal::OtherRules("policy bundle").into());
    }
    if grant.taxonomy != genesis.row.genesis.taxonomy {
        return Err(Refusal::OtherRules("purpose taxonomy").into());
    }
    grant_recipient(rows, grant)?;
    answer_request(rows, at, signed, grant)?;
    let row = GrantRow {
        owner: signer.party,
        grant: grant.clone(),
        given_at: at.at,
        state: GrantState::HeaderPending {},
        releases_used: 0,
        awaiting: None,
        last_release_at: None,
    };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

/// The institution may receive, and the recipient key is its current one.
fn grant_recipient<S: Rows>(rows: &S, grant: &Grant) -> Step<S> {
    let institution: Held<InstitutionRow> = require(rows, &grant.institution, "institution")?;
    if !epoch::admitted(rows, &institution.row)? {
        return Err(Refusal::NotAdmitted.into());
    }
    if institution.row.suspended_at.is_some() {
        return Err(Refusal::Suspended.into());
    }
    if grant.purposes.iter().any(|p| !institution.row.record.mandate.contains(p)) {
        return Err(Refusal::OutsideMandate.into());
    }
    let key: Option<Held<RecipientKeyRow>> = rows.read(&grant.recipient_key.to_string()).map_err(FoldError::Rows)?;
    let current = key.is_some_and(|held| {
        held.row.institution == grant.institution
            && held.row.recipient == grant.recipient
            && held.row.superseded_by.is_none()
    });
    if !current {
        return Err(Refusal::RecipientKeyNotCurrent.into());
    }
    for kid in &grant.officers {
        let officer: Option<Held<KeyRow>> = rows.read(&kid.to_string()).map_err(FoldError::Rows)?;
        if officer.and_then(|held| held.row.institution()) != Some(grant.institution) {
            return Err(Refusal::Malformed("a named officer is not appointed by the institution").into());
        }
    }
    Ok(())
}

fn answer_request<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, grant: &Grant) -> Step<S> {
    let Some(id) = grant.answers else { return Ok(()) };
    let mut held: Held<RequestRow> = require(rows, &id, "request")?;
    if held.row.request.report != grant.report || held.row.institution != grant.institution {
        return Err(Refusal::OtherRequest.into());
    }
    if at.at >= held.row.request.deadline {
        return Err(Refusal::Past("deadline of the request").into());
    }
    held.row.answered_by = Some(GrantId::from(signed.digest));
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// An auditor vouches for both logs up to a state. Whether the roots are those of the trees is for whoever holds trees.
fn audited<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, audited: &Audited) -> Step<S> {
    creates(signed)?;
    if audited.case.size > at.entry.index {
        return Err(Refusal::Malformed("audited is a state before this entry").into());
    }
    let before: Option<Held<AuditedRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    if before.is_some_and(|held| held.row.case > audited.case.size) {
        // True, and it changes nothing.
        return Ok(());
    }
    let row = AuditedRow { case: audited.case.size, by: signed.digest };
    rows.write(ONLY, &row, at.entry).map_err(FoldError::Rows)
}

fn revocation<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    revocation: &Revocation,
) -> Step<S> {
    let Some(subject) = signed.subject else {
        return Err(Refusal::Subject("name the grant").into());
    };
    if revocation.scopes.is_empty() {
        return Err(Refusal::Malformed("scopes must not be empty").into());
    }
    let held: Held<GrantRow> = require(rows, &subject, "grant")?;
    let hands_back = revocation.withdrawn_by == WithdrawnBy::Recipient;
    let institution = signer.key.as_ref().and_then(KeyRow::institution);
    let allowed = match institution {
        Some(institution) => hands_back && institution == held.row.grant.institution,
        None => !hands_back && signer.party == held.row.owner,
    };
    if !allowed {
        return Err(Refusal::NotOwner.into());
    }
    // A second revocation widens the scopes; the grant has ended already.
    let state = held.row.state.clone();
    let state = state.clone().ended(EndCause::Revoked, at.at).unwrap_or(state);
    rows.write(&subject.to_string(), &GrantRow { state, ..held.row }, at.entry).map_err(FoldError::Rows)
}

fn active_institution<S: Rows>(rows: &S, signer: &Signer) -> Result<Held<InstitutionRow>, FoldError<S::Error>> {
    let held: Held<InstitutionRow> = require(rows, &officer_institution(signer)?, "institution")?;
    if !epoch::admitted(rows, &held.row)? {
        return Err(Refusal::NotAdmitted.into());
    }
    if held.row.suspended_at.is_some() {
        return Err(Refusal::Suspended.into());
    }
    Ok(held)
}
