//! Keys change, parties stay: rotation, recovery, owner headers wrapped anew, reports handed over.

use super::{
    FoldError, Refusal,
    authority::{Signer, is_about},
    freeze,
    proposal::{Step, propose},
    require, withdrawal,
};
use crate::model::{
    event::Recorded,
    ids::{Digest, KeyId, PartyId, ReportId},
    keys::{Handover, NewKeys, OwnerHeaderChange, PartyKind, Recovery, Rotation},
    limits,
    party::{EnrolmentRole, Holder},
    rows::{Held, KeyRow, PartyRow, Proposal, RecoveryRow, ReportRow, Rows},
    statement::Signed,
};

pub(super) fn rotation<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    rotation: &Rotation,
) -> Step<S> {
    own(rows, signed, signer, rotation.of)?;
    acceptable(rows, &rotation.keys)?;
    propose(rows, at, signed, Proposal::Rotate(signer.party, rotation.clone()))
}

pub(super) fn recovery<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    recovery: &Recovery,
) -> Step<S> {
    own(rows, signed, signer, recovery.of)?;
    replace(rows, at, signer.party, &recovery.keys, &[signed.digest])
}

/// The party the signer belongs to is what the statement says it is: that decides which log it stands in.
fn own<S: Rows>(rows: &S, signed: &Signed, signer: &Signer, of: PartyKind) -> Step<S> {
    let party: Held<PartyRow> = require(rows, &signer.party, "party")?;
    is_about(signed, party.row.statement)?;
    let kind = match party.row.enrolment.role {
        EnrolmentRole::Advocate {} => PartyKind::Advocate,
        EnrolmentRole::Institution(_) => PartyKind::Institution,
    };
    if kind == of { Ok(()) } else { Err(Refusal::Malformed("the signer is another kind of party").into()) }
}

/// New keys are nobody's yet, and the recovery key comes from another seed.
fn acceptable<S: Rows>(rows: &S, keys: &NewKeys) -> Step<S> {
    let recovery = keys.recovery.as_ref();
    if recovery.is_some_and(|recovery| recovery.signing_key == keys.signing_key || recovery.recipient == keys.recipient)
    {
        return Err(Refusal::Malformed("the recovery key must come from another seed").into());
    }
    for key in [Some(keys.signing_key), recovery.map(|recovery| recovery.signing_key)].into_iter().flatten() {
        let taken: Option<Held<KeyRow>> = rows.read(&key.thumbprint().to_string()).map_err(FoldError::Rows)?;
        if taken.is_some() {
            return Err(Refusal::KeyTaken.into());
        }
    }
    Ok(())
}

/// The new keys take the place of the old ones, which sign nothing but freezes from then on.
pub(super) fn replace<S: Rows>(rows: &mut S, at: Recorded, party: PartyId, keys: &NewKeys, by: &[Digest]) -> Step<S> {
    acceptable(rows, keys)?;
    let mut held: Held<PartyRow> = require(rows, &party, "party")?;
    if held.row.keys_by.len() >= limits::KEY_STATEMENTS {
        return Err(Refusal::Malformed("the keys have been replaced as often as they may").into());
    }
    held.row.keys_by.extend_from_slice(by);
    let enrolment = &mut held.row.enrolment;
    let holder = match enrolment.role {
        EnrolmentRole::Advocate {} => Holder::Advocate {},
        EnrolmentRole::Institution(_) => Holder::InstitutionRoot {},
    };
    supersede(rows, at, enrolment.signing_key.thumbprint())?;
    (enrolment.signing_key, enrolment.recipient) = (keys.signing_key, keys.recipient.clone());
    let row = KeyRow { public: keys.signing_key, party, holder };
    rows.write(&keys.signing_key.thumbprint().to_string(), &row, at.entry).map_err(FoldError::Rows)?;
    if let Some(recovery) = &keys.recovery {
        supersede(rows, at, enrolment.recovery.signing_key.thumbprint())?;
        enrolment.recovery = recovery.clone();
        register_recovery(rows, at, party, &held.row)?;
    }
    rows.write(&party.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// A recovery key signs for its party, and is its party's for ever.
pub(super) fn register_recovery<S: Rows>(rows: &mut S, at: Recorded, party: PartyId, row: &PartyRow) -> Step<S> {
    let public = row.enrolment.recovery.signing_key;
    let kid = public.thumbprint().to_string();
    let taken: Option<Held<KeyRow>> = rows.read(&kid).map_err(FoldError::Rows)?;
    if taken.is_some() {
        return Err(Refusal::KeyTaken.into());
    }
    rows.write(&kid, &RecoveryRow { party }, at.entry).map_err(FoldError::Rows)?;
    let key = KeyRow { public, party, holder: Holder::Recovery {} };
    rows.write(&kid, &key, at.entry).map_err(FoldError::Rows)
}

fn supersede<S: Rows>(rows: &mut S, at: Recorded, kid: KeyId) -> Step<S> {
    let held: Held<KeyRow> = require(rows, &kid, "key")?;
    let row = KeyRow { holder: Holder::Superseded {}, ..held.row };
    rows.write(&kid.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn owner_header<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    change: &OwnerHeaderChange,
) -> Step<S> {
    let mut held = own_report(rows, signed, signer, change.report)?;
    withdrawal::not_begun(rows, at, &held.row)?;
    let party: Held<PartyRow> = require(rows, &signer.party, "party")?;
    if party.row.enrolment.recipient != change.owner_recipient {
        return Err(Refusal::Malformed("owner_recipient is not the owner's recipient of today").into());
    }
    held.row.report.owner_header = change.owner_header;
    held.row.report.owner_recipient = change.owner_recipient.clone();
    rows.write(&change.report.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn handover<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    handover: &Handover,
) -> Step<S> {
    let held = own_report(rows, signed, signer, handover.report)?;
    if held.row.state.is_withdrawn() {
        return Err(Refusal::ReportWithdrawn.into());
    }
    if handover.to == signer.party {
        return Err(Refusal::Malformed("the report is theirs already").into());
    }
    may_own(rows, handover)?;
    propose(rows, at, signed, Proposal::HandOver(handover.clone()))
}

/// Again when it takes effect: keys may have been replaced, or the report withdrawn, since.
pub(super) fn hand_over<S: Rows>(
    rows: &mut S,
    at: Recorded,
    handover: &Handover,
    by: Digest,
    proposer: Option<&KeyId>,
) -> Step<S> {
    let mut held: Held<ReportRow> = require(rows, &handover.report, "report")?;
    still_theirs_to_give(rows, &held.row, proposer)?;
    may_own(rows, handover)?;
    if held.row.state.is_withdrawn() {
        return Err(Refusal::ReportWithdrawn.into());
    }
    if freeze::holds(rows, held.row.owner, at.at)? {
        return Err(Refusal::Frozen.into());
    }
    if held.row.owner_by.len() >= limits::KEY_STATEMENTS {
        return Err(Refusal::Malformed("the report was handed over as often as it may").into());
    }
    held.row.owner_by.push(by);
    held.row.owner = handover.to;
    held.row.report.owner_header = handover.owner_header;
    held.row.report.owner_recipient = handover.owner_recipient.clone();
    if let Some(others) = held.row.report.co_owners.as_ref()
        && !others.is_well_formed(handover.to)
    {
        return Err(Refusal::Malformed("one of the owners cannot become the first of them").into());
    }
    rows.write(&handover.report.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// An offer ends with the ownership, and with the key, it was signed under.
fn still_theirs_to_give<S: Rows>(rows: &S, report: &ReportRow, proposer: Option<&KeyId>) -> Step<S> {
    let proposer = proposer.ok_or(Refusal::Unknown("proposal"))?;
    let key: Held<KeyRow> = require(rows, proposer, "key")?;
    if key.row.party == report.owner && key.row.holder == (Holder::Recovery {}) {
        Ok(())
    } else {
        Err(Refusal::Malformed("whoever offered the report can give it no more; its owner of today has to offer it")
            .into())
    }
}

fn may_own<S: Rows>(rows: &S, handover: &Handover) -> Step<S> {
    let party: Held<PartyRow> = require(rows, &handover.to, "party")?;
    if party.row.enrolment.role != (EnrolmentRole::Advocate {}) {
        return Err(Refusal::Malformed("only an advocate owns reports").into());
    }
    if party.row.enrolment.recipient != handover.owner_recipient {
        return Err(Refusal::Malformed("owner_recipient is not their recipient of today").into());
    }
    Ok(())
}

/// A report of the signer's own that is still there.
fn own_report<S: Rows>(
    rows: &S,
    signed: &Signed,
    signer: &Signer,
    report: ReportId,
) -> Result<Held<ReportRow>, FoldError<S::Error>> {
    is_about(signed, Digest::from(report))?;
    let held: Held<ReportRow> = require(rows, &report, "report")?;
    if held.row.owner != signer.party {
        return Err(Refusal::NotOwner.into());
    }
    if matches!(held.row.state, crate::model::report::ReportState::Erased {}) {
        return Err(Refusal::ReportWithdrawn.into());
    }
    Ok(held)
}
