//! What every statement must satisfy before its body is looked at: signer, time, order, freshness.

use super::{FoldError, Refusal, freeze, require};
use crate::model::{
    event::Recorded,
    ids::{Digest, KeyId, PartyId},
    limits,
    party::Holder,
    rows::{ChainRow, Held, InstitutionRow, JtiRow, KeyRow, Rows, StatementRow, pair},
    statement::{Kind, Signed},
};

/// Who signed.
pub(super) struct Signer {
    pub(super) kid: KeyId,
    pub(super) party: PartyId,
    /// Absent only for an enrolment, whose key registers itself.
    pub(super) key: Option<KeyRow>,
}

/// Checks signer, times, `jti` and `prev`; changes nothing.
pub(super) fn check<S: Rows>(rows: &S, recorded: Recorded, signed: &Signed) -> Result<Signer, FoldError<S::Error>> {
    let signer = check_asking(rows, recorded, signed)?;
    let owner = matches!(
        signer.key.as_ref().map(|key| &key.holder),
        Some(Holder::Advocate {} | Holder::Recovery {} | Holder::Superseded {})
    );
    if owner && !signed.kind.is_taken_while_frozen() && freeze::holds(rows, signer.party, recorded.at)? {
        return Err(Refusal::Frozen.into());
    }
    if let Some(Holder::Officer(appointment)) = signer.key.as_ref().map(|key| &key.holder)
        && recorded.at >= appointment.until
    {
        return Err(Refusal::AppointmentEnded.into());
    }
    Ok(signer)
}

/// As [`check`], for what is recorded as denied: an officer whose appointment has ended asks in vain, and the log
/// says so.
pub(super) fn check_asking<S: Rows>(
    rows: &S,
    recorded: Recorded,
    signed: &Signed,
) -> Result<Signer, FoldError<S::Error>> {
    check_times(recorded, signed)?;
    let signer = signer(rows, signed)?;
    let used: Option<Held<JtiRow>> = rows.read(&pair(&signed.iss, &signed.jti)).map_err(FoldError::Rows)?;
    if used.is_some() {
        return Err(Refusal::JtiUsed.into());
    }
    check_order(rows, signed)?;
    Ok(signer)
}

fn check_times(recorded: Recorded, signed: &Signed) -> Result<(), Refusal> {
    // What only stops: a clock that differs, the signer's or ours, is no reason to go on.
    let stops = matches!(signed.kind, Kind::Revocation | Kind::Freeze);
    let within = if signed.kind == Kind::Freeze { limits::GUARDIAN_WITHIN } else { limits::SUBMIT_WITHIN };
    if signed.iat > recorded.at.plus(limits::CLOCK_AHEAD) && !stops {
        Err(Refusal::IssuedAhead)
    } else if signed.submit_by <= signed.iat || signed.submit_by > signed.iat.plus(within) {
        Err(Refusal::SubmitByTooFar)
    } else if recorded.at >= signed.submit_by && signed.kind != Kind::Revocation {
        Err(Refusal::SubmittedLate)
    } else {
        Ok(())
    }
}

fn signer<S: Rows>(rows: &S, signed: &Signed) -> Result<Signer, FoldError<S::Error>> {
    if signed.kind == Kind::Party {
        return Ok(Signer { kid: signed.kid, party: signed.iss, key: None });
    }
    let key: Held<KeyRow> = require(rows, &signed.kid, "key")?;
    if key.row.party != signed.iss {
        return Err(Refusal::WrongParty.into());
    }
    if !signed.kind.may_be_signed_by(&key.row.holder) {
        return Err(Refusal::WrongSigner { kind: signed.kind, role: key.row.holder.role() }.into());
    }
    Ok(Signer { kid: signed.kid, party: signed.iss, key: Some(key.row) })
}

fn check_order<S: Rows>(rows: &S, signed: &Signed) -> Result<(), FoldError<S::Error>> {
    match (signed.kind.is_ordered(), signed.subject) {
        (true, Some(subject)) => {
            let chain: Option<Held<ChainRow>> = rows.read(&pair(&signed.iss, &subject)).map_err(FoldError::Rows)?;
            let current: Option<Digest> = chain.map(|held| held.row.last);
            if signed.prev == current { Ok(()) } else { Err(Refusal::OutOfOrder { current }.into()) }
        }
        _ if signed.prev.is_some() => Err(Refusal::UnexpectedPrev.into()),
        _ => Ok(()),
    }
}

/// Records that the statement is accepted: its digest, its `jti`, its place in the chain.
pub(super) fn remember<S: Rows>(rows: &mut S, recorded: Recorded, signed: &Signed) -> Result<(), FoldError<S::Error>> {
    let version = recorded.entry;
    rows.write(&signed.digest.to_string(), &StatementRow {}, version).map_err(FoldError::Rows)?;
    let jti = JtiRow { statement: signed.digest };
    rows.write(&pair(&signed.iss, &signed.jti), &jti, version).map_err(FoldError::Rows)?;
    // A creating statement begins the chain of its issuer on itself.
    let subject = signed.subject.unwrap_or(signed.digest);
    if signed.kind.is_ordered() {
        let chain = ChainRow { last: signed.digest };
        rows.write(&pair(&signed.iss, &subject), &chain, version).map_err(FoldError::Rows)?;
    }
    Ok(())
}

/// `subject` must be absent on a creating statement.
pub(super) fn creates(signed: &Signed) -> Result<(), Refusal> {
    if signed.subject.is_none() { Ok(()) } else { Err(Refusal::Subject("be absent: this statement creates")) }
}

/// `subject` must name `expected`.
pub(super) fn is_about(signed: &Signed, expected: Digest) -> Result<(), Refusal> {
    if signed.subject == Some(expected) {
        Ok(())
    } else {
        Err(Refusal::Subject("be the digest of the statement that created what this one is about"))
    }
}

/// The signing officer's institution.
pub(super) fn officer_institution(signer: &Signer) -> Result<PartyId, Refusal> {
    signer.key.as_ref().and_then(KeyRow::institution).ok_or(Refusal::WrongParty)
}

/// `subject` names the institution's `party` statement.
pub(super) fn about_institution<S: Rows>(
    rows: &S,
    signed: &Signed,
    institution: PartyId,
) -> Result<Held<InstitutionRow>, FoldError<S::Error>> {
    let held: Held<InstitutionRow> = require(rows, &institution, "institution")?;
    is_about(signed, held.row.statement)?;
    Ok(held)
}
