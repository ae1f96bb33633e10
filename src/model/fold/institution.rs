//! What statements about an institution do: enrolment, admission by several, keys, officers, attestation, suspension.

use super::{
    FoldError, Refusal,
    authority::{Signer, about_institution, creates, is_about},
    cosigned, epoch, require, roster,
};
use crate::model::{
    epoch::Resumption,
    event::Recorded,
    ids::{Digest, PartyId},
    institution::{
        Admission, Approval, Attestation, AttestationKind, InstitutionRecord, OfficerAppointment, RecipientKey,
        Suspension, SuspensionAct,
    },
    limits,
    party::{Holder, OfficeName},
    roster::Roster,
    rows::{Held, InstitutionRow, KeyRow, Proposal, ProposalRow, RecipientKeyRow, Rows, UnitRow, pair},
    statement::Signed,
};

pub(super) type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// The record of a newly enrolled institution.
pub(super) fn enrol<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, record: &InstitutionRecord) -> Step<S> {
    if record.mandate.is_empty() || record.mandate.len() > limits::PURPOSES {
        return Err(Refusal::Malformed("mandate-count").into());
    }
    if at.at >= record.mandate_until {
        return Err(Refusal::Past("mandate").into());
    }
    let row = InstitutionRow {
        statement: signed.digest,
        record: record.clone(),
        admitted_at: None,
        admitted_in: None,
        suspended_at: None,
        suspended_by: None,
        due_diligence_until: None,
        mandate_attested_until: None,
    };
    rows.write(&signed.iss.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn admission<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, admission: &Admission) -> Step<S> {
    let held = about_institution(rows, signed, admission.institution)?;
    if held.row.statement != admission.record {
        return Err(Refusal::Malformed("the admission names another record than the institution's").into());
    }
    if epoch::admitted(rows, &held.row)? {
        return Err(Refusal::AlreadyEffective.into());
    }
    propose(rows, at, signed, Proposal::Admit(admission.clone()))
}

pub(super) fn resumption<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, resumption: &Resumption) -> Step<S> {
    creates(signed)?;
    epoch::waits(rows, resumption)?;
    propose(rows, at, signed, Proposal::Resume(*resumption))
}

pub(super) fn suspension<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, suspension: &Suspension) -> Step<S> {
    let mut held = about_institution(rows, signed, suspension.institution)?;
    match (suspension.act, held.row.suspended_by) {
        (SuspensionAct::Suspend, None) => {
            held.row.suspended_at = Some(at.at);
            held.row.suspended_by = Some(signed.digest);
            rows.write(&suspension.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
        }
        (SuspensionAct::Lift, Some(lifted)) => propose(rows, at, signed, Proposal::Lift(suspension.clone(), lifted)),
        _ => Err(Refusal::AlreadyEffective.into()),
    }
}

pub(super) fn propose<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, proposal: Proposal) -> Step<S> {
    // Every roster asks for at least two administrators, so a proposal alone never takes effect.
    let row = ProposalRow { proposal, signers: vec![signed.kid], effective: false };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn approval<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    approval: &Approval,
) -> Step<S> {
    is_about(signed, approval.approves)?;
    let mut held: Held<ProposalRow> = require(rows, &approval.approves, "proposal")?;
    if held.row.effective {
        return Err(Refusal::AlreadyEffective.into());
    }
    if held.row.signers.contains(&signed.kid) {
        return Err(Refusal::ApprovesOwn.into());
    }
    let in_force = roster::in_force(rows)?;
    match &held.row.proposal {
        Proposal::Roster(change) => roster::is_next(&in_force, change)?,
        Proposal::Resume(resumption) => drop(epoch::waits(rows, resumption)?),
        Proposal::Admit(_) | Proposal::Lift(..) => by_an_administrator(signer)?,
    }
    held.row.signers.push(signed.kid);
    if agreed(&in_force.roster, &held.row) {
        held.row.effective = true;
        take_effect(rows, at, &held.row.proposal)?;
    }
    rows.write(&approval.approves.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// The council's word counts for rosters and roll-forwards. Passed over in silence, it would look like one that counts.
fn by_an_administrator(signer: &Signer) -> Result<(), Refusal> {
    match signer.key.as_ref().map(|key| &key.holder) {
        Some(Holder::Administrator {}) => Ok(()),
        _ => Err(Refusal::AdministratorsAlone),
    }
}

/// Whether enough of those who hold their office now have signed.
fn agreed(in_force: &Roster, row: &ProposalRow) -> bool {
    match &row.proposal {
        Proposal::Admit(_) | Proposal::Lift(..) => in_force.is_enough(OfficeName::Administrators, &row.signers),
        // Whoever confirms a roll-forward confirms the roster along with it.
        Proposal::Roster(_) | Proposal::Resume(_) => roster::agreed(in_force, &row.signers),
    }
}

fn take_effect<S: Rows>(rows: &mut S, at: Recorded, proposal: &Proposal) -> Step<S> {
    let institution = match proposal {
        Proposal::Resume(resumption) => return epoch::resume(rows, at, resumption),
        Proposal::Admit(admission) => admission.institution,
        Proposal::Lift(suspension, _) => suspension.institution,
        Proposal::Roster(change) => return roster::take_effect(rows, at, change),
    };
    let mut held: Held<InstitutionRow> = require(rows, &institution, "institution")?;
    match proposal {
        // A record that changed since is not the one that was examined.
        Proposal::Admit(admission) if held.row.statement != admission.record => {
            return Err(Refusal::Malformed("the record changed since the admission was proposed").into());
        }
        Proposal::Admit(_) => {
            (held.row.admitted_at, held.row.admitted_in) = (Some(at.at), Some(at.entry.index));
        }
        // Who agreed to lift one suspension has not agreed to lift the next.
        Proposal::Lift(_, lifted) if held.row.suspended_by != Some(*lifted) => {
            return Err(Refusal::AlreadyEffective.into());
        }
        Proposal::Lift(..) => (held.row.suspended_at, held.row.suspended_by) = (None, None),
        Proposal::Roster(_) | Proposal::Resume(_) => {}
    }
    rows.write(&institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn officer<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    appointment: &OfficerAppointment,
) -> Step<S> {
    own_institution(signer, appointment.institution)?;
    about_institution(rows, signed, appointment.institution)?;
    let kid = appointment.signing_key.thumbprint();
    let existing: Option<Held<KeyRow>> = rows.read(&kid.to_string()).map_err(FoldError::Rows)?;
    // The same institution may renew or shorten an appointment; a key never changes sides.
    if existing.is_some_and(|held| held.row.institution() != Some(appointment.institution)) {
        return Err(Refusal::KeyTaken.into());
    }
    let holder = Holder::Officer(appointment.clone());
    let row = KeyRow { public: appointment.signing_key, party: kid.first_of_party(), holder };
    rows.write(&kid.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn recipient_key<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    key: &RecipientKey,
) -> Step<S> {
    own_institution(signer, key.institution)?;
    about_institution(rows, signed, key.institution)?;
    let unit_key = pair(&key.institution, &key.unit);
    let unit: Option<Held<UnitRow>> = rows.read(&unit_key).map_err(FoldError::Rows)?;
    if let Some(before) = unit {
        supersede(rows, at, before.row.current, signed.digest)?;
    }
    rows.write(&unit_key, &UnitRow { current: signed.digest }, at.entry).map_err(FoldError::Rows)?;
    let row = RecipientKeyRow {
        institution: key.institution,
        unit: key.unit.as_str().to_owned(),
        recipient: key.recipient.clone(),
        since: at.at,
        cosigned_at: None,
        superseded_by: None,
    };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)?;
    cosigned::await_cosignature(rows, at, signed.digest)
}

fn supersede<S: Rows>(rows: &mut S, at: Recorded, old: Digest, new: Digest) -> Step<S> {
    let mut held: Held<RecipientKeyRow> = require(rows, &old, "recipient-key")?;
    held.row.superseded_by = Some(new);
    rows.write(&old.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn attestation<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, attestation: &Attestation) -> Step<S> {
    let mut held = about_institution(rows, signed, attestation.institution)?;
    // The latest attestation holds, also when it shortens: an accreditor can take back what it vouched for.
    match attestation.kind {
        AttestationKind::Mandate => held.row.mandate_attested_until = Some(attestation.until),
        AttestationKind::DueDiligence => held.row.due_diligence_until = Some(attestation.until),
    }
    rows.write(&attestation.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

fn own_institution(signer: &Signer, institution: PartyId) -> Result<(), Refusal> {
    if signer.party == institution { Ok(()) } else { Err(Refusal::NotOwner) }
}
