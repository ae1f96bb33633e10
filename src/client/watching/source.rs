//! Where a watched log comes from: a broker over HTTP, or whatever a test puts in its place.

use crate::{
    client::{
        identity::Identity,
        remote::{As, Remote, RemoteError},
    },
    model::event::Log,
    wire::{
        api::{CaseHead, RegisterPage},
        problem::ProblemType,
    },
};
use std::io::{BufRead, BufReader};

/// Why something could not be had. None of it says that the broker lies.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// It is not there: not for this caller, or the log was never that large.
    #[error("the broker knows nothing of that name")]
    NotFound,
    /// Nobody answered, or not in the documented form.
    #[error("{0}")]
    Unreachable(String),
    /// The broker said no.
    #[error("{0}")]
    Refused(String),
}

/// A broker as somebody who watches it sees it. Nothing it says is believed before it was checked.
pub trait Source {
    /// The public checkpoint of a log with its cosignatures; `None` before the first publication.
    ///
    /// # Errors
    /// [`SourceError`].
    fn published(&self, log: Log) -> Result<Option<String>, SourceError>;
    /// The lines of an audit bundle without facts, from these indices on.
    ///
    /// # Errors
    /// [`SourceError::NotFound`] when the logs are smaller, or the caller is no auditor.
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError>;
    /// The register's newest checkpoint.
    ///
    /// # Errors
    /// [`SourceError`].
    fn register_head(&self) -> Result<String, SourceError>;
    /// The case log's newest checkpoint, with proof that it extends the tree of this size.
    ///
    /// # Errors
    /// [`SourceError::NotFound`] when the log is empty or was never that large.
    fn case_head(&self, from: u64) -> Result<CaseHead, SourceError>;
}

/// A broker over HTTP.
pub struct Broker {
    remote: Remote,
    identity: Identity,
}

impl Broker {
    /// A broker at the far end of `remote`, signed in to as an auditor.
    pub fn new(remote: Remote, identity: Identity) -> Self {
        Self { remote, identity }
    }
    fn signed_in(&self) -> As<'_> {
        As::Key(self.identity.signing_key())
    }
}

impl Source for Broker {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        match self.remote.fetch_text(&format!("/log/{}/checkpoint", name(log))).map_err(SourceError::from) {
            Ok(note) => Ok(Some(note)),
            Err(SourceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        let path = format!("/v1/audit/bundle?register={register}&case={case}&facts=none");
        let response = self.remote.stream(&path, &[], self.signed_in())?;
        Ok(Box::new(BufReader::new(response.into_body().into_reader())))
    }
    fn register_head(&self) -> Result<String, SourceError> {
        // Beyond its end the page is empty; its checkpoint is the newest all the same.
        let page: RegisterPage = self.remote.fetch(&format!("/v1/register?from={}", u32::MAX), As::Anybody)?;
        Ok(page.checkpoint)
    }
    fn case_head(&self, from: u64) -> Result<CaseHead, SourceError> {
        Ok(self.remote.fetch(&format!("/v1/case/checkpoint?from={from}"), self.signed_in())?)
    }
}

/// A log's name in paths and files.
pub(super) const fn name(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case",
    }
}

impl From<RemoteError> for SourceError {
    fn from(error: RemoteError) -> Self {
        let words = error.to_string();
        match error {
            RemoteError::Problem(problem) if problem.is(ProblemType::NotFound) => Self::NotFound,
            RemoteError::Problem(_) | RemoteError::SignIn(_) | RemoteError::Address(_) => Self::Refused(words),
            RemoteError::Unreachable(_) | RemoteError::Answer(_) | RemoteError::File(_) => Self::Unreachable(words),
        }
    }
}
