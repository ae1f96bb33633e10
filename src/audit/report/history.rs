//! What happened, gathered while a bundle is verified: no more of each case than the report counts.
//!
//! Everything about a report of the highest tier is left out here already, so that nothing later can count it.

use super::{purposes::Served, unread::Unread};
use crate::{
    audit::{
        finding::AuditError,
        observer::{Observer, Step},
    },
    model::{
        event::{Event, Recorded},
        fold::State,
        grant::{EndCause, WithdrawnBy},
        ids::{Digest, GrantId, PartyId, ReleaseId, ReportId, RequestId},
        institution::{AttestationKind, SuspensionAct},
        party::EnrolmentRole,
        release::{Outcome, ReleaseRequest},
        rows::{GrantRow, Held, Proposal, ProposalRow, ReportRow, Rows},
        statement::{Body, Signed},
        time::Timestamp,
    },
    wire::entry::AuditorPart,
};
use std::collections::BTreeMap;

/// The tier nothing is published about.
const UNMENTIONED: u8 = 4;

/// One grant, release, denial or request, without saying which.
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// The institution it concerns.
    pub institution: PartyId,
    /// What for.
    pub served: Served,
}

/// A release and what came back.
pub struct Release {
    /// The release.
    pub happened: Happened,
    /// When it was answered, and with what.
    pub answered: Option<(Timestamp, Answer)>,
}

/// What an acknowledgement said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Opened.
    Opened,
    /// Something was wrong.
    Defect,
}

/// A request and what came of it.
pub struct Asked {
    /// The request.
    pub happened: Happened,
    /// First second an answer comes too late.
    pub deadline: Timestamp,
    /// When a grant answered it.
    pub granted: Option<Timestamp>,
}

/// What became of a grant after it was given.
#[derive(Default)]
pub struct Aftermath {
    /// When advocate or person first withdrew it, and when an answer is due if it had been collected under.
    pub withdrawn: Option<(Timestamp, Option<Timestamp>)>,
    /// When the institution first handed it back.
    pub handed_back: Option<Timestamp>,
    /// When and why it ended by itself.
    pub ended: Option<(Timestamp, EndCause)>,
}

/// An institution, from the public register.
#[derive(Default)]
pub struct Institution {
    /// How many enrolled before it.
    pub order: usize,
    /// Its name, as it calls itself.
    pub name: String,
    /// First second its mandate no longer holds.
    pub mandate_until: Timestamp,
    /// When it was admitted.
    pub admitted: Option<Timestamp>,
    /// Suspended or let on again, in order.
    pub suspensions: Vec<(Timestamp, SuspensionAct)>,
    /// Until when its due diligence was vouched for, as said when.
    pub vouched: Vec<(Timestamp, Timestamp)>,
}

/// Everything the report counts.
#[derive(Default)]
pub struct History {
    /// Institutions.
    pub institutions: BTreeMap<PartyId, Institution>,
    /// Grants.
    pub grants: BTreeMap<GrantId, (Happened, Aftermath)>,
    /// Releases.
    pub releases: BTreeMap<ReleaseId, Release>,
    /// Denials, each with the ids of the conditions that failed.
    pub denials: Vec<(Happened, Vec<String>)>,
    /// Requests.
    pub requests: BTreeMap<RequestId, Asked>,
    /// Entries whose bodies are gone.
    pub unread: Unread,
    /// An approval whose effect shows after it is folded.
    approved: Option<(Digest, Timestamp)>,
}

impl Observer for History {
    fn before(&mut self, facts: &State, step: &Step<'_>) -> Result<(), AuditError> {
        self.settle(facts)?;
        self.unread.saw(step.recorded);
        let at = step.recorded.at;
        match step.event {
            Event::Accepted(signed, body) => self.accepted(facts, step.recorded, signed, body),
            Event::Released(signed, request) => self.released(facts, at, signed, request),
            Event::ReleaseDenied(_, request) => self.denied(facts, at, request, step.auditor.map(|(_, part)| part)),
            Event::GrantEnded(grant, cause) => {
                if let Some((_, aftermath)) = self.grants.get_mut(grant) {
                    aftermath.ended = Some((at, *cause));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl History {
    /// Takes in what the last approval brought about; to be called once more when the walk is over.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub fn settle(&mut self, facts: &State) -> Result<(), AuditError> {
        let Some((proposal, at)) = self.approved.take() else { return Ok(()) };
        let Some(row) = read::<ProposalRow>(facts, &proposal)? else { return Ok(()) };
        if !row.effective {
            return Ok(());
        }
        match row.proposal {
            Proposal::Admit(admission) => self.institution(admission.institution).admitted = Some(at),
            Proposal::Lift(suspension, _) => {
                self.institution(suspension.institution).suspensions.push((at, SuspensionAct::Lift));
            }
            Proposal::Roster(_)
            | Proposal::Resume(_)
            | Proposal::VouchForPage(_)
            | Proposal::Rotate(..)
            | Proposal::Thaw(..)
            | Proposal::Freezing(..)
            | Proposal::Erase(..)
            | Proposal::HandOver(_) => {}
        }
        Ok(())
    }

    fn institution(&mut self, id: PartyId) -> &mut Institution {
        let order = self.institutions.len();
        self.institutions.entry(id).or_insert_with(|| Institution { order, ..Institution::default() })
    }

    fn accepted(&mut self, facts: &State, at: Recorded, signed: &Signed, body: &Body) -> Result<(), AuditError> {
        match body {
            Body::Party(enrolment) => {
                if let EnrolmentRole::Institution(record) = &enrolment.role {
                    let institution = self.institution(signed.iss);
                    record.name.as_str().clone_into(&mut institution.name);
                    institution.mandate_until = record.mandate_until;
                }
            }
            Body::Approval(approval) => self.approved = Some((approval.approves, at.at)),
            Body::Attestation(attestation) if attestation.kind == AttestationKind::DueDiligence => {
                self.institution(attestation.institution).vouched.push((at.at, attestation.until));
            }
            Body::Suspension(suspension) if suspension.act == SuspensionAct::Suspend => {
                self.institution(suspension.institution).suspensions.push((at.at, SuspensionAct::Suspend));
            }
            Body::Request(request) if mentioned(facts, request.report)? => {
                let Some(institution) = institution_of(facts, signed)? else { return Ok(()) };
                let happened = Happened { at: at.at, institution, served: Served::of(&request.purposes) };
                let asked = Asked { happened, deadline: request.deadline, granted: None };
                self.requests.insert(signed.digest.into(), asked);
            }
            Body::Grant(grant) if mentioned(facts, grant.report)? => {
                if let Some(asked) = grant.answers.and_then(|id| self.requests.get_mut(&id)) {
                    asked.granted.get_or_insert(at.at);
                }
                let served = Served::of(&grant.purposes);
                let happened = Happened { at: at.at, institution: grant.institution, served };
                self.grants.insert(signed.digest.into(), (happened, Aftermath::default()));
            }
            Body::Revocation(revocation) => {
                let Some(id) = signed.subject.map(GrantId::from) else { return Ok(()) };
                let collected = read::<GrantRow>(facts, &id)?.is_some_and(|row| row.releases_used > 0);
                let Some((_, aftermath)) = self.grants.get_mut(&id) else { return Ok(()) };
                if revocation.withdrawn_by == WithdrawnBy::Recipient {
                    aftermath.handed_back.get_or_insert(at.at);
                } else {
                    aftermath.withdrawn.get_or_insert((at.at, collected.then_some(revocation.answer_due)));
                }
            }
            Body::Acknowledgement(acknowledgement) => {
                let answer = match acknowledgement.outcome {
                    Outcome::Opened { .. } => Answer::Opened,
                    Outcome::Defect { .. } => Answer::Defect,
                };
                if let Some(release) = self.releases.get_mut(&acknowledgement.release) {
                    release.answered = Some((at.at, answer));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn released(
        &mut self,
        facts: &State,
        at: Timestamp,
        signed: &Signed,
        request: &ReleaseRequest,
    ) -> Result<(), AuditError> {
        if let Some(happened) = under_grant(facts, at, request)? {
            self.releases.insert(signed.digest.into(), Release { happened, answered: None });
        }
        Ok(())
    }

    fn denied(
        &mut self,
        facts: &State,
        at: Timestamp,
        request: &ReleaseRequest,
        auditor: Option<&AuditorPart>,
    ) -> Result<(), AuditError> {
        if let Some(happened) = under_grant(facts, at, request)? {
            let reasons = auditor.map(|part| part.reasons.clone()).unwrap_or_default();
            self.denials.push((happened, reasons));
        }
        Ok(())
    }
}

/// A release or denial, unless it is about a report nothing is published about.
fn under_grant(facts: &State, at: Timestamp, request: &ReleaseRequest) -> Result<Option<Happened>, AuditError> {
    let Some(row) = read::<GrantRow>(facts, &request.grant)? else { return Ok(None) };
    if !mentioned(facts, row.grant.report)? {
        return Ok(None);
    }
    let served = Served::of(std::slice::from_ref(&request.purpose));
    Ok(Some(Happened { at, institution: row.grant.institution, served }))
}

/// Whether anything about the report may be counted. An unknown one is not.
fn mentioned(facts: &State, report: ReportId) -> Result<bool, AuditError> {
    let row = read::<ReportRow>(facts, &report)?;
    Ok(row.is_some_and(|row| u8::from(row.report.tier) < UNMENTIONED))
}

/// The institution of the officer who signed.
fn institution_of(facts: &State, signed: &Signed) -> Result<Option<PartyId>, AuditError> {
    let key = read::<crate::model::rows::KeyRow>(facts, &signed.kid)?;
    Ok(key.and_then(|row| row.institution()))
}

fn read<R: crate::model::rows::Row>(facts: &State, key: &impl std::fmt::Display) -> Result<Option<R>, AuditError> {
    let held: Result<Option<Held<R>>, _> = facts.read(&key.to_string());
    held.map(|held| held.map(|held| held.row)).map_err(|e| AuditError::Fold(e.to_string()))
}
