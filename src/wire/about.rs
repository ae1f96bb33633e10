//! Which report an entry of the case log is about, as far as the entry itself says.

use super::entry::{EntryError, Happening, Shared};
use crate::model::{
    ids::{Digest, GrantId, ReportId, RequestId},
    institution::CaseMatter,
    rows::{GrantRow, Held, Proposal, ProposalRow, RequestRow, Rows},
    statement::Body,
};

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// A report by its id.
    Report(ReportId),
    /// A grant by its id; the grant names the report.
    Grant(GrantId),
    /// A request by its id; the request names the report.
    Request(RequestId),
    /// A statement that was approved; if it is about a report, it names it.
    Proposal(Digest),
    /// No report in particular: an enrolment, a count of denials, what the broker did by itself.
    NoReport,
}

impl About {
    /// The report it is about, by the facts.
    ///
    /// # Errors
    /// When rows cannot be read.
    pub fn report<S: Rows>(self, rows: &S) -> Result<Option<ReportId>, S::Error> {
        Ok(match self {
            Self::Report(report) => Some(report),
            Self::Grant(grant) => {
                let held: Option<Held<GrantRow>> = rows.read(&grant.to_string())?;
                held.map(|held| held.row.grant.report)
            }
            Self::Request(request) => {
                let held: Option<Held<RequestRow>> = rows.read(&request.to_string())?;
                held.map(|held| held.row.request.report)
            }
            Self::Proposal(statement) => {
                let held: Option<Held<ProposalRow>> = rows.read(&statement.to_string())?;
                match held.map(|held| held.row.proposal) {
                    Some(Proposal::Erase(_, report)) => Some(report),
                    Some(Proposal::HandOver(handover)) => Some(handover.report),
                    _ => None,
                }
            }
            Self::NoReport => None,
        })
    }
}

/// What an entry is about.
///
/// # Errors
/// [`EntryError`] when its statement cannot be read.
pub fn about(shared: &Shared) -> Result<About, EntryError> {
    let from_statement = || -> Result<About, EntryError> {
        let Some(statement) = shared.statement()? else { return Ok(About::NoReport) };
        let (digest, subject) = (statement.digest(), statement.subject());
        Ok(match statement.into_unverified_body() {
            Body::Report(_) => About::Report(digest.into()),
            Body::Request(request) => About::Report(request.report),
            Body::Grant(grant) => About::Report(grant.report),
            Body::ReleaseRequest(request) => About::Grant(request.grant),
            Body::Acknowledgement(acknowledgement) => About::Grant(acknowledgement.grant),
            Body::Status(status) => About::Grant(status.grant),
            Body::Refusal(refusal) => About::Request(refusal.request),
            Body::Question(question) => About::Request(question.request),
            Body::OwnerHeader(change) => About::Report(change.report),
            Body::Withdrawal(withdrawal) => About::Report(withdrawal.report),
            Body::Handover(handover) => About::Report(handover.report),
            Body::Approval(approval) => match approval.matter {
                Some(CaseMatter::Grant) => About::Grant(approval.approves.into()),
                Some(CaseMatter::Withdrawal | CaseMatter::Handover) => About::Proposal(approval.approves),
                Some(CaseMatter::Rotation | CaseMatter::Thaw | CaseMatter::Freeze) | None => About::NoReport,
            },
            Body::Revocation(_) => subject.map_or(About::NoReport, |grant| About::Grant(grant.into())),
            _ => About::NoReport,
        })
    };
    match &shared.event {
        Happening::Accepted | Happening::Released | Happening::ReleaseDenied => from_statement(),
        Happening::PayloadStored { report }
        | Happening::ReportErased { report }
        | Happening::OwnerHeaderFetched { report, .. }
        | Happening::OwnerHeaderDenied { report, .. } => Ok(About::Report(*report)),
        Happening::HeaderReceived { grant }
        | Happening::GrantEnded { grant, .. }
        | Happening::Shredded { grant, .. } => Ok(About::Grant(*grant)),
        Happening::GenesisLaid
        | Happening::DenialsCounted(_)
        | Happening::ClockResumed { .. }
        | Happening::ClockConfirmed
        | Happening::Cover
        | Happening::Cosigned
        | Happening::Disclosed(_)
        | Happening::RolledForward(_)
        | Happening::BodyShredded { .. } => Ok(About::NoReport),
    }
}
