//! What statements about an institution do: enrolment, admission by several, keys, officers, attestation, suspension.

use super::{
    FoldError, Refusal,
    authority::{Signer, about_institution, creates},
    cosigned, epoch,
    proposal::propose,
    require,
};
use crate::model::{
    epoch::Resumption,
    event::Recorded,
    ids::{Digest, PartyId},
    institution::{
        Admission, Attestation, AttestationKind, Call, Closing, InstitutionRecord, OfficerAppointment, RecipientKey,
        RecordChange, Suspension, SuspensionAct, Terms,
    },
    limits,
    party::Holder,
    rows::{
        Closed, Held, InstitutionRow, KeyRow, Proposal, RecipientKeyRow, RecordRow, Rows, TermsInForce, UnitRow, pair,
    },
    statement::Signed,
};

pub(super) type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

/// The record of a newly enrolled institution.
pub(super) fn enrol<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, record: &InstitutionRecord) -> Step<S> {
    acceptable(at, record)?;
    let row = InstitutionRow {
        statement: signed.digest,
        record: record.clone(),
        admitted_at: None,
        admitted_in: None,
        suspended_at: None,
        suspended_by: None,
        due_diligence_until: None,
        mandate_attested_until: None,
        record_by: None,
        terms: None,
        closed: None,
    };
    rows.write(&signed.iss.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

fn acceptable(at: Recorded, record: &InstitutionRecord) -> Result<(), Refusal> {
    if record.mandate.is_empty() || record.mandate.len() > limits::PURPOSES {
        Err(Refusal::Malformed("mandate-count"))
    } else if at.at >= record.mandate_until {
        Err(Refusal::Past("mandate"))
    } else {
        Ok(())
    }
}

pub(super) fn admission<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, admission: &Admission) -> Step<S> {
    let held = about_institution(rows, signed, admission.institution)?;
    let changes = waiting_record(rows, admission)?.is_some() && held.row.record_by != Some(admission.record);
    if !changes && held.row.record_statement() != admission.record {
        return Err(Refusal::Malformed("the admission names another record than the institution's").into());
    }
    if !changes && epoch::admitted(rows, &held.row)? {
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

/// Enough administrators agree: the record that was examined is in force.
pub(super) fn admitted<S: Rows>(rows: &mut S, at: Recorded, admission: &Admission) -> Step<S> {
    let mut held: Held<InstitutionRow> = require(rows, &admission.institution, "institution")?;
    let changed = waiting_record(rows, admission)?;
    match changed {
        Some(record) => (held.row.record, held.row.record_by) = (record, Some(admission.record)),
        // A record that changed since is not the one that was examined.
        None if held.row.record_statement() != admission.record => {
            return Err(Refusal::Malformed("the record changed since the admission was proposed").into());
        }
        None => {}
    }
    (held.row.admitted_at, held.row.admitted_in) = (Some(at.at), Some(at.entry.index));
    rows.write(&admission.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// Enough administrators agree. Who agreed to lift one suspension has not agreed to lift the next.
pub(super) fn lifted<S: Rows>(rows: &mut S, at: Recorded, suspension: &Suspension, lifted: Digest) -> Step<S> {
    let mut held: Held<InstitutionRow> = require(rows, &suspension.institution, "institution")?;
    if held.row.suspended_by != Some(lifted) {
        return Err(Refusal::AlreadyEffective.into());
    }
    (held.row.suspended_at, held.row.suspended_by) = (None, None);
    rows.write(&suspension.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// The record an admission names, if it is one that waits.
fn waiting_record<S: Rows>(rows: &S, admission: &Admission) -> Result<Option<InstitutionRecord>, FoldError<S::Error>> {
    let held: Option<Held<RecordRow>> = rows.read(&admission.record.to_string()).map_err(FoldError::Rows)?;
    Ok(held.map(|held| held.row.change).filter(|change| change.institution == admission.institution).map(|c| c.record))
}

/// Another record waits until it is admitted; the one in force stays meanwhile.
pub(super) fn record<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    change: &RecordChange,
) -> Step<S> {
    own_institution(signer, change.institution)?;
    about_institution(rows, signed, change.institution)?;
    acceptable(at, &change.record)?;
    let row = RecordRow { change: change.clone() };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn terms<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, terms: &Terms) -> Step<S> {
    own_institution(signer, terms.institution)?;
    let mut held = about_institution(rows, signed, terms.institution)?;
    if let Some(what) = terms.malformed() {
        return Err(Refusal::Malformed(what).into());
    }
    held.row.terms = Some(TermsInForce { statement: signed.digest, response_days: terms.response_days });
    rows.write(&terms.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// A call changes no fact; who reads the register reads it.
pub(super) fn call<S: Rows>(rows: &S, at: Recorded, signed: &Signed, signer: &Signer, call: &Call) -> Step<S> {
    own_institution(signer, call.institution)?;
    let held = about_institution(rows, signed, call.institution)?;
    if call.purposes.is_empty() || call.purposes.len() > limits::PURPOSES {
        return Err(Refusal::Malformed("purposes-count").into());
    }
    if call.purposes.iter().any(|purpose| !held.row.record.mandate.contains(purpose)) {
        return Err(Refusal::OutsideMandate.into());
    }
    if at.at >= call.until { Err(Refusal::Past("end of the call").into()) } else { Ok(()) }
}

/// The end can be brought forward, and never put off: what was promised to end ends.
pub(super) fn closing<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    closing: &Closing,
) -> Step<S> {
    own_institution(signer, closing.institution)?;
    let mut held = about_institution(rows, signed, closing.institution)?;
    if closing.successor == Some(closing.institution) {
        return Err(Refusal::Malformed("nobody succeeds themselves").into());
    }
    if let Some(successor) = closing.successor {
        let _: Held<InstitutionRow> = require(rows, &successor, "institution")?;
    }
    if held.row.closed.is_some_and(|closed| closed.at < closing.at) {
        return Err(Refusal::AlreadyEffective.into());
    }
    held.row.closed = Some(Closed { at: closing.at, successor: closing.successor });
    rows.write(&closing.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
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
    // The latest attestation holds, also when it shortens: an accreditor can take back what it vouched for. One that
    // found something that is not as it should be vouches for nothing.
    match (attestation.kind, &attestation.checklist) {
        (AttestationKind::Mandate, None) => held.row.mandate_attested_until = Some(attestation.until),
        (AttestationKind::DueDiligence, Some(found)) => {
            held.row.due_diligence_until = found.is_met().then_some(attestation.until);
        }
        (AttestationKind::Mandate, Some(_)) => {
            return Err(Refusal::Malformed("a mandate is attested without the checklist").into());
        }
        (AttestationKind::DueDiligence, None) => {
            return Err(
                Refusal::Malformed("due diligence is attested question by question: the checklist is missing").into()
            );
        }
    }
    rows.write(&attestation.institution.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

fn own_institution(signer: &Signer, institution: PartyId) -> Result<(), Refusal> {
    if signer.party == institution { Ok(()) } else { Err(Refusal::NotOwner) }
}
