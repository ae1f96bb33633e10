//! What institutions, administrators and accreditors state, and enrolment for everybody.

use super::{
    desk::{Desk, DeskError},
    remote::RemoteError,
    work::{Working, solve},
};
use crate::{
    model::{
        epoch::{LostRange, Resumption, RollForward},
        ids::{AgeRecipient, Digest, PartyId, PublicKey},
        institution::{
            Admission, Approval, Attestation, AttestationKind, Call, Checklist, Closing, InstitutionRecord,
            OfficerAppointment, RecipientKey, RecordChange, Suspension, SuspensionAct, Terms,
        },
        party::{EnrolmentRole, PartyEnrolment, RecoveryKeys},
        roster::{Roster, RosterChange},
        rows::{InstitutionRow, RosterRow},
        statement::Text,
        time::Timestamp,
        web::WebRelease,
    },
    wire::{
        api::{Accepted, SubmitStatement},
        problem::{Problem, ProblemType},
        work::{self, Bits, NoSuchBits, Task, WorkNonce},
    },
};

/// What an accreditor examined.
#[derive(Clone, Copy, Debug)]
pub enum Examined {
    /// The legal mandate.
    Mandate,
    /// Due diligence, question by question.
    DueDiligence(Checklist),
}

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
        self.enrol_telling(role, recovery, invitation, &mut |_| {})
    }

    /// As [`Desk::enrol`]; says how far the proof of work is, where the broker asks for one.
    ///
    /// # Errors
    /// As [`Desk::enrol`].
    pub fn enrol_telling(
        &mut self,
        role: EnrolmentRole,
        recovery: RecoveryKeys,
        invitation: Option<&str>,
        tell: &mut dyn FnMut(Working),
    ) -> Result<Accepted, DeskError> {
        let body = PartyEnrolment {
            signing_key: self.identity.public_key(),
            recipient: self.identity.recipient(),
            recovery: recovery.clone(),
            role,
        };
        let text = self.sign(&body, None, None)?;
        let header = invitation.map(|secret| ("amana-invitation", secret.to_owned()));
        let accepted = match self.send_enrolment(&text, header) {
            Err(RemoteError::Problem(problem)) if problem.is(ProblemType::WorkNeeded) => {
                let nonce = self.work_for(&text, &problem, tell)?;
                self.send_enrolment(&text, Some((work::HEADER, nonce.to_string())))?
            }
            sent => sent?,
        };
        self.confirm(&accepted, &text, None)?;
        self.memory.recovery = Some(recovery);
        Ok(accepted)
    }

    fn send_enrolment(&self, text: &str, header: Option<(&str, String)>) -> Result<Accepted, RemoteError> {
        self.remote.submit_with("/v1/parties", &SubmitStatement { statement: text.to_owned() }, header)
    }

    /// Does the work a broker asks for; more than any broker may ask for is not even begun.
    fn work_for(&self, text: &str, asked: &Problem, tell: &mut dyn FnMut(Working)) -> Result<WorkNonce, DeskError> {
        let bits = asked.bits.and_then(|bits| Bits::try_from(bits).ok());
        let bits =
            bits.ok_or_else(|| DeskError::refused(format!("the broker asks for work out of bounds: {NoSuchBits}")))?;
        tell(Working::Asked(bits));
        let task = Task::new(self.genesis.digest(), Digest::of(text.as_bytes()), bits);
        solve(&task, &mut |more| tell(Working::Tried(more))).ok_or_else(|| DeskError::refused("no nonce does the work"))
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
        let institution = self.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&OfficerAppointment { institution, signing_key: officer, unit, until }, Some(subject))
    }

    /// Publishes the recipient key of a unit; the one before is superseded.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn publish_recipient_key(&mut self, unit: Text, recipient: AgeRecipient) -> Result<Accepted, DeskError> {
        let institution = self.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&RecipientKey { institution, unit, recipient }, Some(subject))
    }

    /// Proposes the admission of an institution; others have to approve it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn admit(&mut self, institution: PartyId) -> Result<Accepted, DeskError> {
        let known = self.known_institution(institution)?;
        let record = known.record_statement();
        self.state(&Admission { institution, record }, Some(known.statement))
    }

    /// Approves what somebody else proposed.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn approve(&mut self, proposal: Digest) -> Result<Accepted, DeskError> {
        self.state(&Approval { approves: proposal, matter: None }, Some(proposal))
    }

    /// Proposes another roster; enough administrators and enough of the council have to approve it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn propose_roster(&mut self, roster: Roster) -> Result<Accepted, DeskError> {
        let number = self.roster_in_force()?.number.saturating_add(1);
        self.state(&RosterChange { number, roster }, None)
    }

    /// The roster in force, by the verified register.
    ///
    /// # Errors
    /// When there is none, which a register that was read does not have.
    pub fn roster_in_force(&self) -> Result<RosterRow, DeskError> {
        self.mirror.roster().ok_or_else(|| DeskError::refused("the register names no roster"))
    }

    /// Proposes that the broker goes on after a roll-forward, under the roster of that number, which has to be the one in
    /// force; enough administrators and enough of the council have to approve both.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn resume(&mut self, forward: &RollForward, roster: u64) -> Result<Accepted, DeskError> {
        let LostRange { from, until } = forward.lost;
        self.state(&Resumption { entry: forward.entry, from, until, roster }, None)
    }

    /// Proposes to vouch for a version of the page; enough other administrators have to approve.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn vouch_for_page(&mut self, assets: Digest, version: Text) -> Result<Accepted, DeskError> {
        self.state(&WebRelease { assets, version }, None)
    }

    /// Attests what was examined.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn attest(
        &mut self,
        institution: PartyId,
        examined: Examined,
        until: Timestamp,
    ) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(institution)?.statement;
        let (kind, checklist) = match examined {
            Examined::Mandate => (AttestationKind::Mandate, None),
            Examined::DueDiligence(found) => (AttestationKind::DueDiligence, Some(found)),
        };
        self.state(&Attestation { institution, kind, until, checklist }, Some(subject))
    }

    /// Says what this institution does with information.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn publish_terms(&mut self, terms: &Terms) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(terms.institution)?.statement;
        self.state(terms, Some(subject))
    }

    /// Asks for information, publicly.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn call(&mut self, call: &Call) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(call.institution)?.statement;
        self.state(call, Some(subject))
    }

    /// Brings another record of this institution; administrators have to admit it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn renew_record(&mut self, record: InstitutionRecord) -> Result<Accepted, DeskError> {
        let institution = self.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&RecordChange { institution, record }, Some(subject))
    }

    /// Ends the mandate of this institution.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn close(&mut self, at: Timestamp, successor: Option<PartyId>) -> Result<Accepted, DeskError> {
        let institution = self.party_id();
        let subject = self.known_institution(institution)?.statement;
        self.state(&Closing { institution, at, successor }, Some(subject))
    }

    /// Proposes the admission of an institution under a record that waits.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn admit_record(&mut self, institution: PartyId, record: Digest) -> Result<Accepted, DeskError> {
        let subject = self.known_institution(institution)?.statement;
        self.state(&Admission { institution, record }, Some(subject))
    }

    /// Suspends an institution, or proposes to lift its suspension.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn suspend(&mut self, institution: PartyId, act: SuspensionAct, reason: Text) -> Result<Accepted, DeskError> {
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
