//! Asking and answering: requests, refusals, questions, notices, and grants that answer.

use super::{
    FoldError, Refusal,
    authority::{Signer, creates, is_about, officer_institution},
    epoch,
    proposal::Step,
    require,
};
use crate::model::{
    event::Recorded,
    grant::{Ask, Contact, Grant},
    ids::{GrantId, RequestId},
    limits,
    party::EnrolmentRole,
    purpose::Purpose,
    request::{AccessRequest, ItemAnswer, Notice, Question, RequestKind, RequestRefusal},
    rows::{GrantRow, Held, InstitutionRow, NoticeRow, PartyRow, RecipientKeyRow, ReportRow, RequestRow, Rows},
    statement::Signed,
};

pub(super) fn asked<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    request: &AccessRequest,
) -> Step<S> {
    creates(signed)?;
    epoch::confirmed(rows)?;
    let institution = active_institution(rows, signer)?;
    let report: Held<ReportRow> = require(rows, &request.report, "report")?;
    if report.row.state.is_withdrawn() {
        return Err(Refusal::ReportWithdrawn.into());
    }
    if let Some(what) = request.malformed() {
        return Err(Refusal::Malformed(what).into());
    }
    is_short(request.sealed_message.as_deref())?;
    if request.purposes.iter().any(|p| !institution.row.record.mandate.contains(p)) {
        return Err(Refusal::OutsideMandate.into());
    }
    if at.at >= request.deadline {
        return Err(Refusal::Past("deadline").into());
    }
    if let Some(grant) = request.grant {
        let grant: Held<GrantRow> = require(rows, &grant, "grant")?;
        if grant.row.grant.report != request.report || grant.row.grant.institution != officer_institution(signer)? {
            return Err(Refusal::Unknown("grant").into());
        }
    }
    let row = RequestRow {
        officer: signer.kid,
        institution: officer_institution(signer)?,
        owner: report.row.owner,
        request: request.clone(),
        at: at.at,
        answers: std::collections::BTreeMap::new(),
    };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn refused<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    refusal: &RequestRefusal,
) -> Step<S> {
    is_short(refusal.sealed_message.as_deref())?;
    let answer = ItemAnswer::Refused(signed.digest);
    answered(rows, at, signed, signer, refusal.request, &refusal.purposes, answer)
}

pub(super) fn asked_back<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    question: &Question,
) -> Step<S> {
    is_short(Some(&question.sealed_message))?;
    let held: Held<RequestRow> = require(rows, &question.request, "request")?;
    if at.at >= held.row.request.deadline {
        return Err(Refusal::Past("deadline of the request").into());
    }
    let answer = ItemAnswer::Asked(signed.digest);
    answered(rows, at, signed, signer, question.request, &question.purposes, answer)
}

/// Items that were granted or refused are answered; one that was asked back about can still be either.
fn answered<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    id: RequestId,
    purposes: &[Purpose],
    answer: ItemAnswer,
) -> Step<S> {
    is_about(signed, id.into())?;
    let mut held: Held<RequestRow> = require(rows, &id, "request")?;
    // Whoever owns the report now: it may have been handed over since.
    let report: Held<ReportRow> = require(rows, &held.row.request.report, "report")?;
    if report.row.owner != signer.party {
        return Err(Refusal::NotOwner.into());
    }
    if purposes.is_empty() {
        return Err(Refusal::Malformed("purposes-count").into());
    }
    for purpose in purposes {
        if !held.row.request.purposes.contains(purpose) {
            return Err(Refusal::Malformed("a purpose was not asked for").into());
        }
        match held.row.answers.insert(purpose.clone(), answer) {
            None | Some(ItemAnswer::Asked(_)) => {}
            Some(_) => return Err(Refusal::AlreadyEffective.into()),
        }
    }
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn noticed<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    notice: &Notice,
) -> Step<S> {
    creates(signed)?;
    is_short(Some(&notice.sealed_message))?;
    let party: Held<PartyRow> = require(rows, &signer.party, "party")?;
    if party.row.enrolment.role != (EnrolmentRole::Advocate {}) {
        return Err(Refusal::WrongParty.into());
    }
    let institution: Held<InstitutionRow> = require(rows, &notice.institution, "institution")?;
    if !epoch::admitted(rows, &institution.row)? {
        return Err(Refusal::NotAdmitted.into());
    }
    let key: Held<RecipientKeyRow> = require(rows, &notice.recipient_key, "recipient-key")?;
    if key.row.institution != notice.institution || key.row.superseded_by.is_some() {
        return Err(Refusal::RecipientKeyNotCurrent.into());
    }
    if at.at >= notice.until || notice.until > at.at.plus(limits::COLLECT_WITHIN) {
        return Err(Refusal::Malformed("a notice ends on a day to come, within a year").into());
    }
    let row = NoticeRow { owner: signer.party, notice: notice.clone(), at: at.at };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

/// A grant that answers a request: in time, about what was asked, and for something that was asked.
pub(super) fn granted<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, grant: &Grant) -> Step<S> {
    let Some(id) = grant.answers else { return Ok(()) };
    let mut held: Held<RequestRow> = require(rows, &id, "request")?;
    let asked = &held.row.request;
    if asked.report != grant.report || held.row.institution != grant.institution || asked.grant != grant.replaces {
        return Err(Refusal::OtherRequest.into());
    }
    if at.at >= asked.deadline {
        return Err(Refusal::Past("deadline of the request").into());
    }
    allows_what_was_asked(asked, grant)?;
    let items: Vec<Purpose> = grant.purposes.iter().filter(|p| asked.purposes.contains(p)).cloned().collect();
    if items.is_empty() {
        return Err(Refusal::Malformed("the grant is for nothing that was asked").into());
    }
    let given = GrantId::from(signed.digest);
    for item in items {
        held.row.answers.insert(item, ItemAnswer::Granted(given));
    }
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// "As requested" means something only where that was requested.
fn allows_what_was_asked(asked: &AccessRequest, grant: &Grant) -> Result<(), Refusal> {
    let conditions = &grant.conditions;
    let onward = matches!(asked.kind, RequestKind::Onward | RequestKind::DiscloseToParties);
    let fits = (conditions.onward != Ask::AsRequested || onward)
        && (conditions.publication != Ask::AsRequested || asked.kind == RequestKind::Publish)
        && (conditions.contact != Contact::AsRequested || asked.kind == RequestKind::ContactSource)
        && conditions.external_processing != Ask::AsRequested;
    if !fits {
        return Err(Refusal::Malformed("a condition says as-requested, and the request does not ask for that"));
    }
    let longer = asked.keep_until.is_some_and(|asked| grant.keep_until.is_none_or(|until| until > asked));
    if longer { Err(Refusal::Malformed("the grant lets it be kept longer than was asked")) } else { Ok(()) }
}

fn is_short(message: Option<&str>) -> Result<(), Refusal> {
    match message {
        Some(message) if message.len() > limits::SEALED_MESSAGE_CHARS => {
            Err(Refusal::Malformed("the sealed message is too long"))
        }
        _ => Ok(()),
    }
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
