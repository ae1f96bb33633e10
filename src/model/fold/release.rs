//! What releases do. These rules hold whatever a policy allows: the auditor checks them from the log alone.

use super::{
    FoldError, Refusal,
    authority::{Signer, is_about, officer_institution},
    epoch, require,
};
use crate::model::{
    event::{DenialCount, Recorded},
    grant::GrantState,
    ids::{GrantId, ReleaseId},
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
    };
    rows.write(&release.to_string(), &row, at.entry).map_err(FoldError::Rows)?;
    let grant = GrantRow {
        releases_used: held.row.releases_used.saturating_add(1),
        awaiting: Some(release),
        last_release_at: Some(at.at),
        ..held.row
    };
    rows.write(&request.grant.to_string(), &grant, at.entry).map_err(FoldError::Rows)
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
    } else if at.at < row.cooled_at() {
        outside("cooling-off runs")
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
    let mut grant: Held<GrantRow> = require(rows, &acknowledgement.grant, "grant")?;
    check_outcome(rows, &grant.row, &acknowledgement.outcome)?;
    release.row.acknowledged = Some(acknowledgement.outcome.clone());
    rows.write(&acknowledgement.release.to_string(), &release.row, at.entry).map_err(FoldError::Rows)?;
    if grant.row.awaiting == Some(acknowledgement.release) {
        grant.row.awaiting = None;
    }
    let id: GrantId = acknowledgement.grant;
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
