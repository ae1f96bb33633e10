//! What a grant does from its signature to its end: who must agree, what it takes the place of, how it stops.

use super::{
    FoldError, Refusal, answer,
    authority::{Signer, creates},
    epoch, freeze,
    proposal::Step,
    request, require,
};
use crate::model::{
    answer::Answer,
    event::Recorded,
    grant::{EndCause, Grant, GrantState, Revocation, WithdrawnBy},
    ids::{GrantId, KeyId, ReportId},
    limits,
    party::Holder,
    report::ReportState,
    rows::{
        GenesisRow, GrantRow, Held, InstitutionRow, KeyRow, ONLY, RecipientKeyRow, ReleaseRow, ReportRow, Rows,
        RunningRow,
    },
    statement::Signed,
    time::Timestamp,
};

pub(super) fn given<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, grant: &Grant) -> Step<S> {
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
    may_be_granted(&report.row)?;
    let mut running = running(rows, grant.report)?;
    if running.grants.len() >= limits::RUNNING_GRANTS {
        return Err(Refusal::Malformed("too many grants of this report run; withdraw those that are not needed").into());
    }
    if at.at >= grant.collect.until {
        return Err(Refusal::Past("collect window").into());
    }
    if at.at >= grant.consent_review_by {
        return Err(Refusal::Past("review date of a person's consent").into());
    }
    under_the_rules_in_force(rows, grant)?;
    recipient(rows, grant)?;
    request::granted(rows, at, signed, grant)?;
    let others = report.row.report.co_owners.as_ref();
    let row = GrantRow {
        owner: signer.party,
        grant: grant.clone(),
        given_at: at.at,
        state: GrantState::HeaderPending {},
        releases_used: 0,
        awaiting: None,
        last_release_at: None,
        effective_at: others.is_none().then_some(at.at),
        owner_approvals: Vec::new(),
        officer_approvals: Vec::new(),
        exercised: None,
        answer: Answer::NotOwed,
        became: None,
        co_owners: others.map(|others| others.parties.clone()).unwrap_or_default(),
        replaced_by: None,
    };
    let id = GrantId::from(signed.digest);
    rows.write(&id.to_string(), &row, at.entry).map_err(FoldError::Rows)?;
    running.grants.push(id);
    rows.write(&grant.report.to_string(), &running, at.entry).map_err(FoldError::Rows)?;
    match grant.replaces {
        Some(older) => take_the_place_of(rows, at, id, older),
        None => Ok(()),
    }
}

fn may_be_granted(report: &ReportRow) -> Result<(), Refusal> {
    match report.state {
        ReportState::Stored {} => Ok(()),
        ReportState::Declared {} => Err(Refusal::NotStored),
        ReportState::Withdrawn { .. } | ReportState::Erased {} => Err(Refusal::ReportWithdrawn),
    }
}

fn under_the_rules_in_force<S: Rows>(rows: &S, grant: &Grant) -> Step<S> {
    let genesis: Held<GenesisRow> = require(rows, &ONLY, "genesis")?;
    if grant.bundle != genesis.row.genesis.bundle {
        return Err(Refusal::OtherRules("policy bundle").into());
    }
    if grant.taxonomy != genesis.row.genesis.taxonomy {
        return Err(Refusal::OtherRules("purpose taxonomy").into());
    }
    Ok(())
}

/// The institution may receive, the recipient key is its current one, and the terms are those it says today.
fn recipient<S: Rows>(rows: &S, grant: &Grant) -> Step<S> {
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
    if grant.terms != institution.row.terms.map(|terms| terms.statement) {
        return Err(Refusal::OtherTerms.into());
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

/// The older grant ends with this entry. What was collected under it is answered for under the new one.
fn take_the_place_of<S: Rows>(rows: &mut S, at: Recorded, id: GrantId, older: GrantId) -> Step<S> {
    let mut old: Held<GrantRow> = require(rows, &older, "grant")?;
    let mut new: Held<GrantRow> = require(rows, &id, "grant")?;
    let alike = old.row.grant.report == new.row.grant.report && old.row.grant.institution == new.row.grant.institution;
    if !alike || old.row.replaced_by.is_some() {
        return Err(Refusal::Unknown("grant").into());
    }
    match old.row.state.cause() {
        // What was taken back is not brought back under another name.
        Some(EndCause::Revoked | EndCause::Replaced | EndCause::ReportWithdrawn) => {
            return Err(Refusal::WrongGrantState.into());
        }
        None | Some(EndCause::Expired | EndCause::Exhausted | EndCause::HeaderLost) => {}
    }
    if new.row.grant.answers.is_none() {
        if let Some(what) = new.row.grant.goes_beyond(&old.row.grant) {
            return Err(Refusal::GoesBeyond(what).into());
        }
        // What was used up stays used up; only a fresh consent counts anew.
        (new.row.releases_used, new.row.last_release_at) = (old.row.releases_used, old.row.last_release_at);
    }
    if old.row.state.cause().is_none() {
        end(rows, at, older, &mut old.row, EndCause::Replaced)?;
    }
    (old.row.replaced_by, new.row.exercised) = (Some(id), old.row.exercised.take());
    (new.row.became, new.row.awaiting) = (old.row.became.take(), old.row.awaiting.take());
    answer::is_now(rows, at, &mut old.row, Answer::NotOwed)?;
    if let Some(collected) = new.row.exercised {
        let mut release: Held<ReleaseRow> = require(rows, &collected, "release")?;
        release.row.answered_under = Some(id);
        rows.write(&collected.to_string(), &release.row, at.entry).map_err(FoldError::Rows)?;
        answer::collected(rows, at, &mut new.row)?;
    }
    rows.write(&older.to_string(), &old.row, at.entry).map_err(FoldError::Rows)?;
    rows.write(&id.to_string(), &new.row, at.entry).map_err(FoldError::Rows)
}

/// Somebody else agrees: another owner of the report, or another officer of the institution.
pub(super) fn approved<S: Rows>(rows: &mut S, at: Recorded, signer: &Signer, id: GrantId) -> Step<S> {
    let mut held: Held<GrantRow> = require(rows, &id, "grant")?;
    let row = &mut held.row;
    let runs = matches!(row.state, GrantState::HeaderPending {} | GrantState::HeaderReceived {});
    match signer.key.as_ref().map(|key| &key.holder) {
        Some(Holder::Officer(office)) if office.institution == row.grant.institution => {
            if row.officer_approvals.contains(&signer.kid) {
                return Err(Refusal::ApprovesOwn.into());
            }
            if row.officer_approvals.len() >= limits::OFFICERS {
                return Err(Refusal::NotAsked.into());
            }
            row.officer_approvals.push(signer.kid);
        }
        Some(Holder::Advocate {}) if row.co_owners.contains(&signer.party) => {
            if row.owner_approvals.contains(&signer.party) {
                return Err(Refusal::ApprovesOwn.into());
            }
            row.owner_approvals.push(signer.party);
            let report: Held<ReportRow> = require(rows, &row.grant.report, "report")?;
            // The one who signed the grant is the first.
            if row.effective_at.is_none() && row.owner_approvals.len().saturating_add(1) >= report.row.owners_needed() {
                row.effective_at = Some(at.at);
            }
        }
        Some(Holder::Advocate {}) if row.owner == signer.party => return Err(Refusal::ApprovesOwn.into()),
        _ => return Err(Refusal::Unknown("grant").into()),
    }
    if !runs {
        return Err(Refusal::WrongGrantState.into());
    }
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// The wrapped header arrives. Of a sensitive report it is the second yes, and nothing else may be missing then.
pub(super) fn header_received<S: Rows>(rows: &mut S, at: Recorded, id: GrantId) -> Step<S> {
    let mut held: Held<GrantRow> = require(rows, &id, "grant")?;
    let report: Held<ReportRow> = require(rows, &held.row.grant.report, "report")?;
    if report.row.state.is_withdrawn() {
        return Err(Refusal::ReportWithdrawn.into());
    }
    if freeze::holds(rows, held.row.owner, at.at)? {
        return Err(Refusal::Frozen.into());
    }
    if u8::from(report.row.report.tier) >= LATE_HEADERS {
        may_come_now(rows, at.at, &held.row)?;
    }
    held.row.state = held.row.state.clone().header_received().map_err(|_| Refusal::WrongGrantState)?;
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// From this tier on nobody at the broker may hold what opens a report before everything else is over.
const LATE_HEADERS: u8 = 3;

fn may_come_now<S: Rows>(rows: &S, now: Timestamp, row: &GrantRow) -> Step<S> {
    if row.effective_at.is_none() {
        return Err(Refusal::HeaderTooEarly("other owners of the report have to agree first").into());
    }
    if now < row.cooled_at() {
        return Err(Refusal::HeaderTooEarly("cooling-off runs").into());
    }
    let needed = usize::try_from(row.grant.officer_approvals).unwrap_or(usize::MAX);
    if officers_in_office(rows, row, None, now)? < needed {
        return Err(Refusal::HeaderTooEarly("other officers of the institution have to agree first").into());
    }
    Ok(())
}

/// How many officers who are in office agree, but for the one who collects.
pub(super) fn officers_in_office<S: Rows>(
    rows: &S,
    row: &GrantRow,
    requester: Option<KeyId>,
    now: Timestamp,
) -> Result<usize, FoldError<S::Error>> {
    let mut agreeing = 0_usize;
    for kid in row.officer_approvals.iter().filter(|kid| Some(**kid) != requester) {
        let held: Option<Held<KeyRow>> = rows.read(&kid.to_string()).map_err(FoldError::Rows)?;
        let in_office = held.is_some_and(|held| held.row.is_officer_of(row.grant.institution, now));
        agreeing = agreeing.saturating_add(usize::from(in_office));
    }
    Ok(agreeing)
}

pub(super) fn revoked<S: Rows>(
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
    let mut held: Held<GrantRow> = require(rows, &subject, "grant")?;
    let hands_back = revocation.withdrawn_by == WithdrawnBy::Recipient;
    let institution = signer.key.as_ref().and_then(KeyRow::institution);
    let allowed = match institution {
        Some(institution) => hands_back && institution == held.row.grant.institution,
        None => !hands_back && owns(rows, &held.row, signer)?,
    };
    if !allowed {
        return Err(Refusal::NotOwner.into());
    }
    // A second revocation widens the scopes; the grant has ended already.
    if held.row.state.clone().ended(EndCause::Revoked, at.at).is_ok() {
        end(rows, at, subject.into(), &mut held.row, EndCause::Revoked)?;
    }
    answer::withdrawn(rows, at, &mut held.row, revocation.answer_due)?;
    rows.write(&subject.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// Whoever gave it, any other owner, and whoever the report belongs to now.
fn owns<S: Rows>(rows: &S, row: &GrantRow, signer: &Signer) -> Result<bool, FoldError<S::Error>> {
    if row.is_owned_by(signer.party) {
        return Ok(true);
    }
    let report: Held<ReportRow> = require(rows, &row.grant.report, "report")?;
    Ok(report.row.owner == signer.party)
}

/// A grant ends by itself.
pub(super) fn ended<S: Rows>(rows: &mut S, at: Recorded, id: GrantId, cause: EndCause) -> Step<S> {
    let mut held: Held<GrantRow> = require(rows, &id, "grant")?;
    let (ends_at, why) = held.row.ends_at();
    let over = match cause {
        // A lost header ends a grant at any time: the log cannot show that it is gone, and without it nothing can happen.
        EndCause::HeaderLost => true,
        EndCause::Expired | EndCause::Exhausted => cause == why && at.at >= ends_at,
        // These end with the statement that says so.
        EndCause::Revoked | EndCause::Replaced | EndCause::ReportWithdrawn => false,
    };
    if !over {
        return Err(Refusal::GrantStillRuns.into());
    }
    end(rows, at, id, &mut held.row, cause)?;
    rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// A report is withdrawn: whatever was granted of it ends, in the same entry.
pub(super) fn end_with_their_report<S: Rows>(rows: &mut S, at: Recorded, report: ReportId) -> Step<S> {
    for id in running(rows, report)?.grants {
        let mut held: Held<GrantRow> = require(rows, &id, "grant")?;
        end(rows, at, id, &mut held.row, EndCause::ReportWithdrawn)?;
        answer::withdrawn(rows, at, &mut held.row, at.at)?;
        rows.write(&id.to_string(), &held.row, at.entry).map_err(FoldError::Rows)?;
    }
    Ok(())
}

/// It releases nothing from here on, and its report knows it no longer; the caller writes the row.
fn end<S: Rows>(rows: &mut S, at: Recorded, id: GrantId, row: &mut GrantRow, cause: EndCause) -> Step<S> {
    row.state = row.state.clone().ended(cause, at.at).map_err(|_| Refusal::WrongGrantState)?;
    let mut running = running(rows, row.grant.report)?;
    running.grants.retain(|grant| *grant != id);
    rows.write(&row.grant.report.to_string(), &running, at.entry).map_err(FoldError::Rows)
}

fn running<S: Rows>(rows: &S, report: ReportId) -> Result<RunningRow, FoldError<S::Error>> {
    let held: Option<Held<RunningRow>> = rows.read(&report.to_string()).map_err(FoldError::Rows)?;
    Ok(held.map(|held| held.row).unwrap_or_default())
}
