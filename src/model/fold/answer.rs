//! What institutions owe and say: acknowledgements are in [`super::release`], everything later is here.

use super::{
    FoldError, Refusal,
    authority::{Signer, is_about, officer_institution},
    proposal::Step,
    require,
};
use crate::model::{
    answer::{Answer, Status},
    event::Recorded,
    ids::PartyId,
    limits,
    rows::{GrantRow, Held, InstitutionRow, OwedRow, ReleaseRow, Rows, Said},
    statement::Signed,
    time::{Duration, Timestamp},
};

/// An officer says what became of what was collected.
pub(super) fn said<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, status: &Status) -> Step<S> {
    is_about(signed, status.grant.into())?;
    let mut held: Held<GrantRow> = require(rows, &status.grant, "grant")?;
    if officer_institution(signer)? != held.row.grant.institution {
        return Err(Refusal::Unknown("grant").into());
    }
    let release: Held<ReleaseRow> = require(rows, &status.release, "release")?;
    if release.row.answers_under() != status.grant {
        return Err(Refusal::Unknown("release").into());
    }
    if held.row.replaced_by.is_some() {
        return Err(Refusal::Malformed("another grant took the place of this one; say it under that one").into());
    }
    if let Some(until) = status.became.puts_off()
        && (until <= at.at || until > at.at.plus(limits::ANSWER_PUT_OFF))
    {
        return Err(Refusal::Malformed("an answer is put off to a day to come, within a year").into());
    }
    let answer = held.row.answer.after(&status.became);
    is_now(rows, at, &mut held.row, answer)?;
    held.row.became = Some(Said { statement: signed.digest, at: at.at, became: status.became.clone() });
    rows.write(&status.grant.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// What was collected is asked back about: by `asked`, and never sooner than the institution's terms say.
pub(super) fn withdrawn<S: Rows>(rows: &mut S, at: Recorded, row: &mut GrantRow, asked: Timestamp) -> Step<S> {
    if row.exercised.is_none() {
        return Ok(());
    }
    let institution: Held<InstitutionRow> = require(rows, &row.grant.institution, "institution")?;
    let response = institution.row.terms.map(|terms| Duration::from_days(u64::from(terms.response_days)));
    let answer = row.answer.withdrawn(at.at, asked, response);
    is_now(rows, at, row, answer)
}

/// The first release starts the clock of keeping; one after everything was said starts it again.
pub(super) fn collected<S: Rows>(rows: &mut S, at: Recorded, row: &mut GrantRow) -> Step<S> {
    match (row.answer, row.grant.keep_until) {
        (Answer::NotOwed, Some(until)) => is_now(rows, at, row, Answer::kept_until(until)),
        _ => Ok(()),
    }
}

/// Puts what is owed under a grant into its row and into the institution's sum; the caller writes the grant.
pub(super) fn is_now<S: Rows>(rows: &mut S, at: Recorded, row: &mut GrantRow, answer: Answer) -> Step<S> {
    if row.answer == answer {
        return Ok(());
    }
    let mut owed = owed(rows, row.grant.institution)?;
    owed.change(row.answer.due(), answer.due());
    row.answer = answer;
    rows.write(&row.grant.institution.to_string(), &owed, at.entry).map_err(FoldError::Rows)
}

pub(super) fn owed<S: Rows>(rows: &S, institution: PartyId) -> Result<OwedRow, FoldError<S::Error>> {
    let held: Option<Held<OwedRow>> = rows.read(&institution.to_string()).map_err(FoldError::Rows)?;
    Ok(held.map(|held| held.row).unwrap_or_default())
}
