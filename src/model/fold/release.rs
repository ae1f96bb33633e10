//! What releases do. These rules hold whatever a policy allows: the auditor checks them from the log alone.

use super::{
    FoldError, Refusal, answer,
    authority::{Signer, is_about, officer_institution},
    epoch, freeze, grant, require,
};
use crate::model::{
    event::{DenialCount, Recorded},
    grant::GrantState,
    ids::ReleaseId,
    limits,
    release::{Acknowledgement, Outcome, ReleaseRequest},
    rows::{GrantRow, Held, InstitutionRow, KeyRow, NonceRow, RecipientKeyRow, ReleaseRow, ReportRow, Rows, nonce_key},
    statement::Signed,
};

type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// A release is recorded: the count goes up and an acknowledgement is owed.
pub(super) fn released<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    request: &ReleaseRequest,
) -> Step<S> {
    let held = asked_of_own_grant(rows, signed, signer, request)?;
    within_grant(at, signed, request, &held.row)?;
    others_agree(rows, at, signed, &held.row)?;
    nothing_stands_still(rows, at, &held.row)?;
    may_receive(rows, &held.row)?;
    epoch::may_release(rows, request.grant)?;
    let key: Option<Held<RecipientKeyRow>> =
        rows.read(&held.row.grant.recipient_key.to_string()).map_err(FoldError::Rows)?;
    if key.is_none_or(|key| key.row.superseded_by.is_some()) {
        return Err(Refusal::RecipientKeyNotCurrent.into());
    }
    let nonce = nonce_key(signed.kid, request.nonce);
    let used: Option<Held<NonceRow>> = rows.read(&nonce).map_err(FoldError::Rows)?;
    if used.is_some() {
        return Err(Refusal::NonceUsed.into());
    }
    let release = ReleaseId::from(signed.digest);
    rows.write(&nonce, &NonceRow { release }, at.entry).map_err(FoldError::Rows)?;
    let row = ReleaseRow {
        grant: request.grant,
        officer: signed.kid,
        purpose: request.purpose.clone(),
        at: at.at,
        acknowledged: None,
        answered_under: None,
    };
    rows.write(&release.to_string(), &row, at.entry).map_err(FoldError::Rows)?;
    let mut grant = GrantRow {
        releases_used: held.row.releases_used.saturating_add(1),
        awaiting: Some(release),
        last_release_at: Some(at.at),
        exercised: Some(release),
        // Who agreed has agreed with this one.
        officer_approvals: Vec::new(),
        ..held.row
    };
    answer::collected(rows, at, &mut grant)?;
    rows.write(&request.grant.to_string(), &grant, at.entry).map_err(FoldError::Rows)
}

/// As many as the grant asks for, none of them the one who collects. What a policy asks beyond that is the policy's.
fn others_agree<S: Rows>(rows: &S, at: Recorded, signed: &Signed, row: &GrantRow) -> Step<S> {
    let needed = usize::try_from(row.grant.officer_approvals).unwrap_or(usize::MAX);
    if grant::officers_in_office(rows, row, Some(signed.kid), at.at)? < needed {
        return Err(Refusal::OutsideGrant("other officers have to agree first").into());
    }
    Ok(())
}

/// An owner's freeze, a report's withdrawal and an overdue answer have to stop releases whatever the policies say.
fn nothing_stands_still<S: Rows>(rows: &S, at: Recorded, row: &GrantRow) -> Step<S> {
    let report: Held<ReportRow> = require(rows, &row.grant.report, "report")?;
    if report.row.state.is_withdrawn() {
        Err(Refusal::ReportWithdrawn.into())
    } else if freeze::holds(rows, row.owner, at.at)? || freeze::holds(rows, report.row.owner, at.at)? {
        Err(Refusal::Frozen.into())
    } else if answer::owed(rows, row.grant.institution)?.overdue(at.at) > 0 {
        Err(Refusal::AnswerOverdue.into())
    } else {
        Ok(())
    }
}

/// Suspending has to stop releases whatever the policies say: an auditor checks it without them.
fn may_receive<S: Rows>(rows: &S, grant: &GrantRow) -> Step<S> {
    let institution: Held<InstitutionRow> = require(rows, &grant.grant.institution, "institution")?;
    if !epoch::admitted(rows, &institution.row)? {
        Err(Refusal::NotAdmitted.into())
    } else if institution.row.suspended_at.is_some() {
        Err(Refusal::Suspended.into())
    } else {
        Ok(())
    }
}

/// A denial is an entry only when the grant was made to the asking officer's institution.
pub(super) fn denied<S: Rows>(rows: &S, signed: &Signed, signer: &Signer, request: &ReleaseRequest) -> Step<S> {
    asked_of_own_grant(rows, signed, signer, request).map(|_| ())
}

/// Counted denials change no fact; what is checked is that the count can be meant.
pub(super) fn denials_counted<S: Rows>(rows: &S, counted: &DenialCount) -> Step<S> {
    let key: Held<KeyRow> = require(rows, &counted.key, "key")?;
    let lasted = counted.until.seconds_since(counted.from);
    let hour = i64::try_from(limits::DENIALS_WITHIN.as_seconds()).unwrap_or(i64::MAX);
    if key.row.institution().is_none() {
        Err(Refusal::Malformed("only denials to an officer are counted").into())
    } else if lasted <= 0 || lasted > hour {
        Err(Refusal::Malformed("denials are counted over an hour at most, and until lies after from").into())
    } else if counted.count == 0 {
        Err(Refusal::Malformed("no denial was counted").into())
    } else {
        Ok(())
    }
}

fn asked_of_own_grant<S: Rows>(
    rows: &S,
    signed: &Signed,
    signer: &Signer,
    request: &ReleaseRequest,
) -> Result<Held<GrantRow>, FoldError<S::Error>> {
    is_about(signed, request.grant.into())?;
    let held: Held<GrantRow> = require(rows, &request.grant, "grant")?;
    if officer_institution(signer)? != held.row.grant.institution {
        return Err(Refusal::Unknown("grant").into());
    }
    Ok(held)
}

fn within_grant(at: Recorded, signed: &Signed, request: &ReleaseRequest, row: &GrantRow) -> Result<(), Refusal> {
    let grant = &row.grant;
    let outside = |what| Err(Refusal::OutsideGrant(what));
    if row.state != (GrantState::HeaderReceived {}) {
        outside("it is not active")
    } else if at.at < grant.collect.from || at.at >= grant.collect.until {
        outside("the collect window is closed")
    } else if row.effective_at.is_none() {
        outside("other owners have to agree first")
    } else if at.at < row.cooled_at() {
        outside("cooling-off runs")
    } else if grant.embargo_until.is_some_and(|until| at.at < until) {
        outside("the embargo runs")
    } else if row.releases_used >= grant.max_releases {
        outside("the count is used up")
    } else if !grant.purposes.contains(&request.purpose) {
        outside("the purpose is not granted")
    } else if !grant.officers.is_empty() && !grant.officers.contains(&signed.kid) {
        outside("the officer is not named")
    } else if request.conditions_noted != request.grant {
        outside("the conditions were not noted")
    } else {
        Ok(())
    }
}

/// The recipient answers for a release.
pub(super) fn acknowledged<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    acknowledgement: &Acknowledgement,
) -> Step<S> {
    is_about(signed, acknowledgement.grant.into())?;
    let mut release: Held<ReleaseRow> = require(rows, &acknowledgement.release, "release")?;
    if release.row.officer != signed.kid || release.row.grant != acknowledgement.grant {
        return Err(Refusal::Unknown("release").into());
    }
    if release.row.acknowledged.is_some() {
        return Err(Refusal::AlreadyAcknowledged.into());
    }
    let id = release.row.answers_under();
    let mut grant: Held<GrantRow> = require(rows, &id, "grant")?;
    check_outcome(rows, &grant.row, &acknowledgement.outcome)?;
    release.row.acknowledged = Some(acknowledgement.outcome.clone());
    rows.write(&acknowledgement.release.to_string(), &release.row, at.entry).map_err(FoldError::Rows)?;
    if grant.row.awaiting == Some(acknowledgement.release) {
        grant.row.awaiting = None;
    }
    rows.write(&id.to_string(), &grant.row, at.entry).map_err(FoldError::Rows)
}

fn check_outcome<S: Rows>(rows: &S, grant: &GrantRow, outcome: &Outcome) -> Step<S> {
    let Outcome::Opened { payload_sha256, key_commitment } = outcome else { return Ok(()) };
    let report: Held<ReportRow> = require(rows, &grant.grant.report, "report")?;
    let stated = &report.row.report;
    if stated.payload_sha256 == *payload_sha256 && stated.key_commitment == *key_commitment {
        Ok(())
    } else {
        Err(Refusal::AcknowledgementMismatch.into())
    }
}
