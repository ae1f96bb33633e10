//! Which report an entry of the case log is about, as far as the entry itself says.

use super::entry::{EntryError, Happening, Shared};
use crate::model::{
    ids::{GrantId, ReportId},
    statement::Body,
};

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// A report by its id.
    Report(ReportId),
    /// A grant by its id; the grant names the report.
    Grant(GrantId),
    /// No report in particular: an enrolment, a count of denials, what the broker did by itself.
    NoReport,
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
            Body::Revocation(_) => subject.map_or(About::NoReport, |grant| About::Grant(grant.into())),
            _ => About::NoReport,
        })
    };
    match &shared.event {
        Happening::Accepted | Happening::Released | Happening::ReleaseDenied => from_statement(),
        Happening::PayloadStored { report }
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
