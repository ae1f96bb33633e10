//! What institutions, administrators and accreditors state, and enrolment for everybody.

use super::{
    desk::{Desk, DeskError},
    remote::RemoteError,
};
use crate::{
    model::{
        ids::{AgeRecipient, Digest, PartyId, PublicKey},
        institution::{
            Admission, Approval, Attestation, AttestationKind, InstitutionRecord, OfficerAppointment, RecipientKey,
            Suspension, SuspensionAct,
        },
        party::{EnrolmentRole, PartyEnrolment, RecoveryKeys},
        rows::InstitutionRow,
        statement::Text,
        time::Timestamp,
    },
    wire::api::{Accepted, SubmitStatement},
};

impl Desk {
    /// Enrols this identity.
    ///
    /// # Errors
    /// [`DeskError`]; a broker that needs an invitation says so.
    pub fn enrol(
        &mut self,
        role: EnrolmentRole,
        recovery: RecoveryKeys,
        invitation: Option<&str>,
    ) -> Result<Accepted, DeskError> {
        let body = PartyEnrolment {
            signing_key: self.identity.public_key(),
            recipient: self.identity.recipient(),
            recovery: recovery.clone(),
            role,
        };
        let text = self.sign(&body, None, None)?;
        let header = invitation.map(|secret| ("amana-invitation", secret.to_owned()));
        let sent: Result<Accepted, RemoteError> =
            self.remote.submit_with("/v1/parties", &SubmitStatement { statement: text.clone() }, header);
        let accepted = sent?;
        self.confirm(&accepted, &text, None)?;
        self.memory.recovery = Some(recovery);
        Ok(accepted)
    }

    /// Enrols an institution under its root key.
    ///
    /// # Errors
    /// As [`Desk::enrol`].
    pub fn enrol_institution(
        &mut self,
        record: InstitutionRecord,
        recovery: RecoveryKeys,
        invitation: Option<&str>,
    ) -> Result<Accepted, DeskError> {
        self.enrol(EnrolmentRole::Institution(record), recovery, invitation)
    }

    /// Appoints an officer of this institution.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn appoint(&mut self, officer: PublicKey, unit: Text, until: Timestamp) -> Result<Accepted, DeskError> {
        let institution = self.identity.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&OfficerAppointment { institution, signing_key: officer, unit, until }, Some(subject))
    }

    /// Publishes the recipient key of a unit; the one before is superseded.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn publish_recipient_key(&mut self, unit: Text, recipient: AgeRecipient) -> Result<Accepted, DeskError> {
        let institution = self.identity.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&RecipientKey { institution, unit, recipient }, Some(subject))
    }

    /// Proposes the admission of an institution; others have to approve it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn admit(&mut self, institution: PartyId) -> Result<Accepted, DeskError> {
        let record = self.known_institution(institution)?.statement;
        self.state(&Admission { institution, record }, Some(record))
    }

    /// Approves what another administrator proposed.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn approve(&mut self, proposal: Digest) -> Result<Accepted, DeskError> {
        self.state(&Approval { approves: proposal }, Some(proposal))
    }

    /// Attests what was examined.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn attest(
        &mut self,
        institution: PartyId,
        kind: AttestationKind,
        until: Timestamp,
    ) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(institution)?.statement;
        self.state(&Attestation { institution, kind, until }, Some(subject))
    }

    /// Suspends an institution, or proposes to lift its suspension.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn suspend(
        &mut self,
        institution: PartyId,
        act: SuspensionAct,
        reason: Text,
    ) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(institution)?.statement;
        self.state(&Suspension { institution, act, reason }, Some(subject))
    }

    pub(in crate::client) fn known_institution(&mut self, id: PartyId) -> Result<InstitutionRow, DeskError> {
        if self.mirror.institution(id).is_none() {
            self.refresh()?;
        }
        self.mirror.institution(id).ok_or_else(|| {
            DeskError::refused(format!("the register knows no institution {id}; see `amana institution list`"))
        })
    }
}
