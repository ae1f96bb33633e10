//! New keys for the same party: rotation, recovery, and wrapping owner headers for them. Payloads stay where they are.

use super::{
    desk::{Desk, DeskError},
    identity::{Identity, RecoveryKey, to_age},
    memory::OwnReport,
    remote::RemoteError,
    rewrap,
};
use crate::{
    model::{
        ids::{AgeRecipient, Digest, PartyId, ReportId},
        institution::{Approval, CaseMatter},
        keys::{Handover, NewKeys, OwnerHeaderChange, PartyKind, Recovery, Rotation},
        party::{Holder, RecoveryKeys},
        report::{AfterWithdrawal, Withdrawal},
        statement::{Body, Kind},
    },
    wire::{
        api::{Accepted, Bytes, SubmitReport, SubmitStatement},
        header::Header,
        ownership::Ownership,
        problem::ProblemType,
    },
};
use std::collections::BTreeMap;

impl Desk {
    /// What this party is, and the statement that its keys are about: its enrolment.
    fn enrolment(&mut self) -> Result<(PartyKind, Digest), DeskError> {
        if let Some(row) = self.mirror.party(self.party_id()) {
            return Ok((PartyKind::Institution, row.statement));
        }
        let entry = self.enrolment_entry()?;
        let statement = entry.shared.statement().ok().flatten().filter(|statement| statement.kind() == Kind::Party);
        let statement = statement.ok_or_else(|| DeskError::refused("the log shows no enrolment of yours"))?;
        Ok((PartyKind::Advocate, statement.digest()))
    }

    /// Signs that `new` takes the place of this identity. It takes effect when the recovery key agrees.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn propose_rotation(&mut self, new: &Identity, recovery: Option<RecoveryKeys>) -> Result<Accepted, DeskError> {
        let (of, subject) = self.enrolment()?;
        let keys = NewKeys { signing_key: new.public_key(), recipient: new.recipient(), recovery };
        self.state(&Rotation { of, keys }, Some(subject))
    }

    /// The recovery key agrees with a rotation to `new`, which follows the log from there: the keys it takes the place of,
    /// the recovery key maybe among them, sign in no more.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn agree_to_rotation(
        &mut self,
        recovery: &RecoveryKey,
        rotation: Digest,
        new: &Identity,
    ) -> Result<Accepted, DeskError> {
        let institution = self.mirror.party(self.party_id()).is_some();
        let approval = Approval { approves: rotation, matter: (!institution).then_some(CaseMatter::Rotation) };
        let (text, sent) = self.as_recovery(recovery, |desk| {
            let text = desk.sign(&approval, Some(rotation), None)?;
            let submit = SubmitStatement { statement: text.clone() };
            let sent: Result<Accepted, RemoteError> =
                desk.remote.submit("POST", "/v1/statements", &submit, desk.signed_in());
            Ok((text, sent))
        })?;
        let accepted = sent.map_err(|error| self.held_against(error))?;
        self.speaking_with(new.signing_key(), |desk| desk.confirm(&accepted, &text, Some(rotation)))?;
        Ok(accepted)
    }

    /// Finds out whose recovery key this is, from the log, and remembers it: on a new device nothing else is known.
    ///
    /// # Errors
    /// When the broker knows no such key, or shows an enrolment that does not name it.
    pub fn find_party(&mut self, recovery: &RecoveryKey) -> Result<PartyId, DeskError> {
        let kid = recovery.public_keys().signing_key.thumbprint();
        if let Some(key) = self.mirror.key(kid).filter(|key| key.holder == (Holder::Recovery {})) {
            self.memory.party = Some(key.party);
            return Ok(key.party);
        }
        let party = self.as_recovery(recovery, Self::party_of_listing)?;
        self.memory.party = Some(party);
        let entries = self.as_recovery(recovery, Self::own_entries)?.entries;
        let statements = entries.iter().filter_map(|entry| {
            let statement = entry.shared.statement().ok().flatten()?;
            let about_keys = match statement.kind() {
                Kind::Party | Kind::Rotation | Kind::Recovery => true,
                Kind::Approval => matches!(
                    statement.clone().into_unverified_body(),
                    Body::Approval(approval) if approval.matter == Some(CaseMatter::Rotation)
                ),
                _ => false,
            };
            about_keys.then(|| entry.shared.statement.clone()).flatten()
        });
        let ownership = Ownership::read(&statements.collect::<Vec<_>>(), self.genesis.digest())
            .map_err(|e| DeskError::refused(format!("what the broker shows of your keys does not hold: {e}")))?;
        if ownership.recovery_key(party) == Some(recovery.public_keys().signing_key) {
            Ok(party)
        } else {
            self.memory.party = None;
            Err(DeskError::refused("the broker shows somebody else's keys; stop, and tell an auditor"))
        }
    }

    /// Whether this identity's key is the party's key of today, by the broker's word: it lets nobody else sign in.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn is_in_force(&mut self) -> Result<bool, DeskError> {
        match self.reports() {
            Ok(_) => Ok(true),
            Err(DeskError::Remote(error)) if error.is(ProblemType::Unauthenticated) => Ok(false),
            Err(DeskError::Remote(RemoteError::SignIn(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts `new` in the place of keys that are lost, with the recovery key alone. The desk goes on as `new`.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn recover(
        &mut self,
        recovery: &RecoveryKey,
        new: &Identity,
        new_recovery: Option<RecoveryKeys>,
    ) -> Result<Accepted, DeskError> {
        let of_institution = self.mirror.party(self.party_id()).map(|row| row.statement);
        let (of, subject) = match of_institution {
            Some(statement) => (PartyKind::Institution, statement),
            None => self.as_recovery(recovery, Self::enrolment)?,
        };
        let keys = NewKeys { signing_key: new.public_key(), recipient: new.recipient(), recovery: new_recovery };
        self.as_recovery(recovery, |desk| desk.state(&Recovery { of, keys }, Some(subject)))
    }

    /// Remembers every report the log says is this party's, as far as the log knows it: titles, persons' consent and items
    /// are in the sealed files and come back with them.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn remember_reports(&mut self) -> Result<usize, DeskError> {
        let (party, before) = (self.party_id(), self.memory.reports.len());
        let mut offered: BTreeMap<Digest, Handover> = BTreeMap::new();
        for entry in self.own_entries()?.entries {
            let Ok(Some(statement)) = entry.shared.statement() else { continue };
            let digest = statement.digest();
            match statement.into_unverified_body() {
                Body::Report(_) if !self.memory.reports.contains_key(&digest.to_string()) => {
                    let text = entry.shared.statement.clone().unwrap_or_default();
                    self.memory.reports.insert(digest.to_string(), OwnReport::of_statement(text));
                }
                Body::OwnerHeader(change) => self.remember_owner_header(change.report, change.owner_header),
                Body::Handover(handover) if handover.to == party => drop(offered.insert(digest, handover)),
                // Nobody but whom it names can have agreed.
                Body::Approval(approval) => {
                    if let Some(handover) = offered.get(&approval.approves) {
                        self.remember_taken_over(handover)?;
                    }
                }
                _ => {}
            }
        }
        Ok(self.memory.reports.len().saturating_sub(before))
    }

    /// Its statement stands in the log among the entries of whoever owned it first, and comes along with the header.
    fn remember_taken_over(&mut self, handover: &Handover) -> Result<(), DeskError> {
        let id = handover.report;
        if self.memory.report(id).is_none() {
            let owner = match self.owner_header(id) {
                // Somebody else's by now, withdrawn before it was stored, or erased.
                Err(DeskError::Remote(error)) if error.is(ProblemType::NotFound) || error.is(ProblemType::Denied) => {
                    return Ok(());
                }
                owner => owner?,
            };
            if Digest::of(owner.report_statement.as_bytes()) != id.into() {
                return Err(DeskError::refused("the broker sent another report than the one that was handed over"));
            }
            self.memory.reports.insert(id.to_string(), OwnReport::of_statement(owner.report_statement));
        }
        self.remember_owner_header(id, handover.owner_header);
        Ok(())
    }

    /// Wraps the header of every report that is kept, and remembers every report on the way. Repeating it is safe; a report
    /// that cannot be locked anew keeps none of the others.
    ///
    /// # Errors
    /// What is not about one report: nobody answers, the recovery key cannot sign in, the log is not to be believed.
    pub fn wrap_all_anew(&mut self, before: &RecoveryKey, today: &RecoveryKey) -> Result<LockedAnew, DeskError> {
        self.memory.recovery = Some(today.public_keys());
        self.remember_reports()?;
        let mut outcome = LockedAnew::default();
        for summary in self.reports()? {
            // Another owner's, whose header is theirs to wrap; or not there: it is uploaded as it was sealed, and this wraps
            // it then.
            if self.memory.report(summary.id).is_none() || !summary.state.is_kept() {
                continue;
            }
            if summary.report.owner_recipient == self.identity.recipient() {
                outcome.before = outcome.before.saturating_add(1);
                continue;
            }
            match self.wrap_own_anew(summary.id, before, today) {
                Ok(_) => outcome.now = outcome.now.saturating_add(1),
                Err(error @ (DeskError::Refused(_) | DeskError::Remote(RemoteError::Problem(_)))) => {
                    outcome.failed.push((summary.id, error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }

    /// Wraps the header of a report for this identity and `today`, the party's recovery key, which signs for it; from a header
    /// that `before` opens, the recovery key it was wrapped for.
    ///
    /// # Errors
    /// [`DeskError`].
    fn wrap_own_anew(
        &mut self,
        report: ReportId,
        before: &RecoveryKey,
        today: &RecoveryKey,
    ) -> Result<Accepted, DeskError> {
        let recipients = [self.identity.recipient(), today.public_keys().recipient];
        let header = self.wrapped_by(report, before, &recipients)?;
        let body = OwnerHeaderChange {
            report,
            owner_header: Digest::from_bytes(header.digest()),
            owner_recipient: self.identity.recipient(),
        };
        let accepted = self.as_recovery(today, |desk| desk.send_owner_header(report, &body, &header))?;
        self.remember_owner_header(report, body.owner_header);
        Ok(accepted)
    }

    /// Offers a report to another advocate, who becomes its owner by agreeing. The header goes along, wrapped for them. The
    /// recovery key signs, and opens the header where this identity does not yet.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn hand_over(&mut self, report: ReportId, heir: &Heir, recovery: &RecoveryKey) -> Result<Accepted, DeskError> {
        let recipients = [heir.recipient.clone(), heir.recovery_recipient.clone()];
        let wrapped = self.wrapped_by(report, recovery, &recipients)?;
        let body = Handover {
            report,
            to: heir.party,
            owner_header: Digest::from_bytes(wrapped.digest()),
            owner_recipient: heir.recipient.clone(),
        };
        self.as_recovery(recovery, |desk| desk.send_owner_header(report, &body, &wrapped))
    }

    /// Agrees to own a report that was offered, and takes note of what is known of it: its statement, and the header wrapped
    /// for this advocate.
    ///
    /// # Errors
    /// [`DeskError`]; also when it is theirs by now and the header does not open for them.
    pub fn take_over(&mut self, offer: Digest) -> Result<ReportId, DeskError> {
        self.agree(offer, CaseMatter::Handover)?;
        let entries = self.own_entries()?.entries;
        let offered = entries.iter().find_map(|entry| {
            let statement = entry.shared.statement().ok().flatten().filter(|statement| statement.digest() == offer)?;
            let Body::Handover(handover) = statement.into_unverified_body() else { return None };
            Some(handover)
        });
        let offered = offered.ok_or_else(|| DeskError::refused("the log shows no such offer"))?;
        let owner = self.owner_header(offered.report)?;
        let same = Digest::of(owner.report_statement.as_bytes()) == offered.report.into()
            && Digest::of(&owner.header.0) == offered.owner_header;
        if !same {
            return Err(DeskError::refused("the broker sent another report than the one that was offered"));
        }
        let own =
            OwnReport { owner_header: Some(offered.owner_header), ..OwnReport::of_statement(owner.report_statement) };
        self.memory.reports.insert(offered.report.to_string(), own);
        let header = Header::parse_exact(&owner.header.0).map_err(|e| DeskError::refused(e.to_string()))?;
        if rewrap::unwrap_file_key(&header, self.identity.age_identity()).is_err() {
            return Err(DeskError::refused(format!(
                "the report {} is yours now, and was locked for somebody else's key: it opens for nobody here. Ask whoever \
                 offered it for the sealed file, and withdraw this one",
                offered.report
            )));
        }
        Ok(offered.report)
    }

    /// Withdraws a report: nobody can collect it or be given it any more.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn withdraw_report(&mut self, report: ReportId, then: AfterWithdrawal) -> Result<Accepted, DeskError> {
        self.state(&Withdrawal { report, then }, Some(report.into()))
    }

    /// The recovery key agrees that a withdrawn report is erased.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn agree_to_erasing(&mut self, recovery: &RecoveryKey, withdrawal: Digest) -> Result<Accepted, DeskError> {
        self.as_recovery(recovery, |desk| desk.agree(withdrawal, CaseMatter::Withdrawal))
    }

    /// From a header that this recovery key opens, or this identity.
    fn wrapped_by(
        &mut self,
        report: ReportId,
        recovery: &RecoveryKey,
        recipients: &[AgeRecipient; 2],
    ) -> Result<Header, DeskError> {
        let owner = self.owner_header(report)?;
        let header = Header::parse_exact(&owner.header.0).map_err(|e| DeskError::refused(e.to_string()))?;
        self.is_own_header(report, &header)?;
        wrap(&header, recovery.age_identity(), recipients)
            .or_else(|error| wrap(&header, self.identity.age_identity(), recipients).map_err(|_| error))
    }

    fn send_owner_header<B: crate::wire::statement::StatementBody + Clone>(
        &mut self,
        report: ReportId,
        body: &B,
        header: &Header,
    ) -> Result<Accepted, DeskError> {
        let path = format!("/v1/reports/{report}/owner-header");
        let bytes = header.as_bytes().to_vec();
        self.submit_by("PUT", body, Some(report.into()), &path, |statement| SubmitReport {
            statement,
            owner_header: Bytes(bytes.clone()),
        })
    }

    fn remember_owner_header(&mut self, report: ReportId, digest: Digest) {
        if let Some(own) = self.memory.reports.get_mut(&report.to_string()) {
            own.owner_header = Some(digest);
        }
    }
}

/// What came of locking reports for the keys of today.
#[derive(Debug, Default)]
pub struct LockedAnew {
    /// Were locked now.
    pub now: usize,
    /// Were already.
    pub before: usize,
    /// Could not be, and why.
    pub failed: Vec<(ReportId, DeskError)>,
}

/// Who is to own a report.
#[derive(Clone, Debug)]
pub struct Heir {
    /// The advocate.
    pub party: PartyId,
    /// Their recipient of today.
    pub recipient: AgeRecipient,
    /// Their recovery key's recipient: a lost device must lose nothing.
    pub recovery_recipient: AgeRecipient,
}

fn wrap(header: &Header, with: &age::x25519::Identity, recipients: &[AgeRecipient; 2]) -> Result<Header, DeskError> {
    let words = |e: &dyn std::fmt::Display| DeskError::refused(e.to_string());
    let [first, second] = recipients;
    let first = to_age(first).map_err(|e| words(&e))?;
    let second = to_age(second).map_err(|e| words(&e))?;
    rewrap::rewrap(header, with, &[&first, &second]).map_err(|e| words(&e))
}
