//! What each accepted statement does: dispatch, enrolment, reports, auditors' word.

use super::{
    FoldError, Refusal, answer,
    authority::{Signer, creates},
    epoch, freeze, grant, institution, keys, proposal, release, request, require, roster, withdrawal,
};
use crate::model::{
    audit::Audited,
    event::Recorded,
    ids::ReportId,
    party::{EnrolmentRole, Holder, PartyEnrolment},
    report::{Report, ReportState},
    rows::{AuditedRow, Held, KeyRow, ONLY, PartyRow, PayloadRow, ReportRow, Rows},
    statement::{Body, Signed},
};

type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// Dispatches on the body; the signer's right to the kind has been checked.
pub(super) fn body<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, body: &Body) -> Step<S> {
    match body {
        Body::Party(enrolment) => party(rows, at, signed, enrolment),
        Body::Report(statement) => report(rows, at, signed, signer, statement),
        Body::Request(statement) => request::asked(rows, at, signed, signer, statement),
        Body::Grant(statement) => grant::given(rows, at, signed, signer, statement),
        Body::Revocation(statement) => grant::revoked(rows, at, signed, signer, statement),
        Body::Acknowledgement(statement) => release::acknowledged(rows, at, signed, statement),
        Body::ReleaseRequest(_) => {
            Err(Refusal::Malformed("a release-request is recorded as released or denied").into())
        }
        Body::Admission(statement) => institution::admission(rows, at, signed, statement),
        Body::Approval(statement) => proposal::approval(rows, at, signed, signer, statement),
        Body::Officer(statement) => institution::officer(rows, at, signed, signer, statement),
        Body::RecipientKey(statement) => institution::recipient_key(rows, at, signed, signer, statement),
        Body::Attestation(statement) => institution::attestation(rows, at, signed, statement),
        Body::Suspension(statement) => institution::suspension(rows, at, signed, statement),
        Body::Audited(statement) => audited(rows, at, signed, statement),
        Body::Roster(statement) => roster::proposed(rows, at, signed, statement),
        Body::Resumption(statement) => institution::resumption(rows, at, signed, statement),
        Body::WebRelease(statement) => proposal::web_release(rows, at, signed, statement),
        Body::Rotation(statement) => keys::rotation(rows, at, signed, signer, statement),
        Body::Recovery(statement) => keys::recovery(rows, at, signed, signer, statement),
        Body::OwnerHeader(statement) => keys::owner_header(rows, at, signed, signer, statement),
        Body::Handover(statement) => keys::handover(rows, at, signed, signer, statement),
        Body::Withdrawal(statement) => withdrawal::withdrawn(rows, at, signed, signer, statement),
        Body::Refusal(statement) => request::refused(rows, at, signed, signer, statement),
        Body::Question(statement) => request::asked_back(rows, at, signed, signer, statement),
        Body::Notice(statement) => request::noticed(rows, at, signed, signer, statement),
        Body::Status(statement) => answer::said(rows, at, signed, signer, statement),
        Body::Terms(statement) => institution::terms(rows, at, signed, signer, statement),
        Body::Call(statement) => institution::call(rows, at, signed, signer, statement),
        Body::Record(statement) => institution::record(rows, at, signed, signer, statement),
        Body::Closing(statement) => institution::closing(rows, at, signed, signer, statement),
        Body::Freeze(statement) => freeze::frozen(rows, at, signed, signer, statement),
        Body::Thaw(statement) => freeze::thawed(rows, at, signed, signer, statement),
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
    let row = PartyRow { statement: signed.digest, enrolment: enrolment.clone(), keys_by: Vec::new() };
    keys::register_recovery(rows, at, signed.iss, &row)?;
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
        return Err(Refusal::Malformed(
            "owner_recipient is not the owner's recipient of today; seal the report again for the keys of today",
        )
        .into());
    }
    co_owners_are_known(rows, signer, report)?;
    let payload = report.payload_sha256.to_string();
    let taken: Option<Held<PayloadRow>> = rows.read(&payload).map_err(FoldError::Rows)?;
    if taken.is_some() {
        return Err(Refusal::PayloadTaken.into());
    }
    let id = ReportId::from(signed.digest);
    rows.write(&payload, &PayloadRow { report: id }, at.entry).map_err(FoldError::Rows)?;
    let row = ReportRow {
        owner: signer.party,
        report: report.clone(),
        at: at.at,
        state: ReportState::Declared {},
        stored_in: None,
        owner_by: Vec::new(),
    };
    rows.write(&id.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

fn co_owners_are_known<S: Rows>(rows: &S, signer: &Signer, report: &Report) -> Step<S> {
    let Some(others) = &report.co_owners else { return Ok(()) };
    if !others.is_well_formed(signer.party) {
        return Err(Refusal::Malformed("co_owners").into());
    }
    for party in &others.parties {
        let held: Option<Held<PartyRow>> = rows.read(&party.to_string()).map_err(FoldError::Rows)?;
        if held.is_none_or(|held| held.row.enrolment.role != (EnrolmentRole::Advocate {})) {
            return Err(Refusal::Malformed("a co-owner is not an advocate of this broker").into());
        }
    }
    Ok(())
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
