//! Accepting a statement: from text to a recorded entry.

use super::{Broker, BrokerError, Registration};
use crate::{
    model::{
        event::Log,
        ids::{Digest, KeyId, PartyId, PublicKey, ReportId},
        party::{EnrolmentRole, Holder},
        purpose::Purpose,
        rows::{Held, KeyRow, Rows},
        statement::{Body, Kind},
    },
    store::{Attachment, Facts, Recorded},
    wire::{
        api::Accepted,
        statement::{StatementError, Unverified, Verified},
        work::Task,
    },
};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key.
    pub key: KeyId,
    /// The party it signs for.
    pub party: PartyId,
    /// What it acts as.
    pub holder: Holder,
}

/// What somebody shows to be let in for the first time; either is enough.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The invitation.
    pub invitation: Option<&'a str>,
    /// The nonce of a proof of work over the statement.
    pub work: Option<&'a str>,
}

impl Broker {
    /// Accepts an enrolment: nobody is signed in yet, an invitation or a proof of work may be needed.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn enrol(&self, text: &str, shown: Shown<'_>) -> Result<Accepted, BrokerError> {
        // Before the statement is even read: a hash costs a thousandth of a signature.
        self.may_register(text, shown)?;
        let statement = Unverified::parse_kind(text, Kind::Party)?;
        let verified = self.verify(statement)?;
        self.check_purposes(&verified)?;
        let digest = verified.signed().digest;
        Ok(accepted(digest, self.store.accept(verified, Attachment::Nothing).await?))
    }

    fn may_register(&self, text: &str, shown: Shown<'_>) -> Result<(), BrokerError> {
        let invited = |expected: &str| {
            let shown = shown.invitation.unwrap_or_default();
            bool::from(shown.as_bytes().ct_eq(expected.as_bytes()))
        };
        match &self.registration {
            Registration::Loopback => Ok(()),
            Registration::Invitation(expected) if invited(expected) => Ok(()),
            Registration::Invitation(_) => Err(BrokerError::InvitationNeeded),
            Registration::Work { invitation, .. } if invited(invitation) => Ok(()),
            Registration::Work { bits, .. } => {
                let task = Task::new(self.genesis.digest(), Digest::of(text.as_bytes()), *bits);
                let nonce = shown.work.and_then(|text| text.parse().ok());
                let done = nonce.is_some_and(|nonce| task.is_done_by(&nonce));
                if done { Ok(()) } else { Err(BrokerError::WorkNeeded(*bits)) }
            }
        }
    }

    /// Accepts a statement of a kind that brings no header and releases nothing.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub async fn submit(self: &Arc<Self>, text: &str, caller: &Caller) -> Result<Accepted, BrokerError> {
        let statement = Unverified::parse(text)?;
        if let Kind::Party
        | Kind::Report
        | Kind::Grant
        | Kind::ReleaseRequest
        | Kind::Revocation
        | Kind::Freeze
        | Kind::OwnerHeader
        | Kind::Handover = statement.kind()
        {
            return Err(StatementError::Elsewhere { kind: statement.kind() }.into());
        }
        let kind = statement.kind();
        let verified = self.verify_from(statement, caller)?;
        self.check_purposes(&verified)?;
        self.check_audited(verified.body())?;
        self.charge_statement(caller.party, kind)?;
        let digest = verified.signed().digest;
        let broker = self.clone();
        // Carried through once begun, as a revocation is.
        let taken = tokio::spawn(async move {
            let turned = Turned::around_by(verified.body());
            let recorded = broker.store.accept(verified, Attachment::Nothing).await?;
            match turned {
                Some(Turned::Institution(institution)) => drop(broker.streams.reset_institution(institution).await),
                Some(Turned::Report(report)) => {
                    broker.streams.reset_report(report).await;
                    broker.sweep().await?;
                }
                None => {}
            }
            Ok(accepted(digest, recorded))
        });
        taken.await.map_err(|e| BrokerError::Internal(e.to_string()))?
    }

    /// Applies the registered key; the signer must be the caller.
    pub(super) fn verify_from(&self, statement: Unverified, caller: &Caller) -> Result<Verified<Body>, BrokerError> {
        if statement.kid() != caller.key {
            return Err(BrokerError::NotTheCaller);
        }
        self.verify(statement)
    }

    /// Applies the registered key (an enrolment brings its own) and what the signer says it has seen.
    pub(super) fn verify(&self, statement: Unverified) -> Result<Verified<Body>, BrokerError> {
        let key = match statement.enclosed_key() {
            Some(key) => key,
            None => self.registered_key(statement.kid())?.ok_or(StatementError::UnknownKey)?,
        };
        let verified = statement.verify(&key, self.genesis.digest())?;
        self.check_seen(&verified)?;
        Ok(verified)
    }

    /// The public key registered under an id.
    ///
    /// # Errors
    /// When storage fails.
    pub fn registered_key(&self, kid: KeyId) -> Result<Option<PublicKey>, BrokerError> {
        Ok(self.key_row(kid)?.map(|row| row.public))
    }

    pub(super) fn key_row(&self, kid: KeyId) -> Result<Option<KeyRow>, BrokerError> {
        let held: Option<Held<KeyRow>> = Facts(&*self.store).read(&kid.to_string())?;
        Ok(held.map(|held| held.row))
    }

    /// What an auditor vouches for is a state of these very logs.
    fn check_audited(&self, body: &Body) -> Result<(), BrokerError> {
        let Body::Audited(audited) = body else { return Ok(()) };
        for (log, tree) in [(Log::Register, audited.register), (Log::Case, audited.case)] {
            if self.store.root_at(log, tree.size)? != Some(tree.root) {
                return Err(BrokerError::SeenMismatch);
            }
        }
        Ok(())
    }

    /// Purposes are a closed list: an unknown one is refused, never ignored.
    pub(super) fn check_purposes(&self, statement: &Verified<Body>) -> Result<(), BrokerError> {
        let purposes: &[Purpose] = match statement.body() {
            Body::Grant(grant) => &grant.purposes,
            Body::Request(request) => &request.purposes,
            Body::Call(call) => &call.purposes,
            Body::Record(change) => &change.record.mandate,
            Body::Party(enrolment) => match &enrolment.role {
                EnrolmentRole::Institution(record) => &record.mandate,
                EnrolmentRole::Advocate {} => &[],
            },
            _ => &[],
        };
        match self.taxonomy.first_unknown(purposes) {
            Some(purpose) => Err(BrokerError::UnknownPurpose(purpose.to_string())),
            None => Ok(()),
        }
    }
}

/// Whose running streams were decided on facts a statement may change. Honest clients fetch the rest again, and are
/// decided about anew.
enum Turned {
    Institution(PartyId),
    Report(ReportId),
}

impl Turned {
    fn around_by(body: &Body) -> Option<Self> {
        match body {
            Body::Suspension(suspension) => Some(Self::Institution(suspension.institution)),
            Body::Officer(appointment) => Some(Self::Institution(appointment.institution)),
            Body::RecipientKey(key) => Some(Self::Institution(key.institution)),
            Body::Attestation(attestation) => Some(Self::Institution(attestation.institution)),
            Body::Closing(closing) => Some(Self::Institution(closing.institution)),
            Body::Withdrawal(withdrawal) => Some(Self::Report(withdrawal.report)),
            _ => None,
        }
    }
}

/// The answer to an accepted statement: its receipt.
pub(super) fn accepted(id: Digest, recorded: Recorded) -> Accepted {
    Accepted { id, log: recorded.entry.log, index: recorded.entry.index, receipt: recorded.receipt }
}
