//! How much of each kind of work may run at once.
//!
//! A permit is held until the last byte of the answer was handed on or its body dropped, not until the head is out.
//! Nobody queues for one: who finds a class full is told so at once. Classes do not borrow from each other, so that
//! what stops always finds its own.

use super::{freezes, inbox, revocations, seats::Seat};
use crate::model::limits;
use axum::{
    body::{Body, Bytes},
    http::Method,
};
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Paths of what only stops. They have a class of their own.
const STOPS: &[&str] = &[revocations::PATH, freezes::PATH];

/// Kinds of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Revocation, and whatever else only stops.
    Stop,
    /// Bodies that are streamed in.
    Upload,
    /// Payloads that are streamed out.
    Download,
    /// Audit bundles: each holds a thread and a snapshot of the database.
    Audit,
    /// Inboxes: each may wait for something new.
    Waiting,
    /// The rest: whole in memory, in and out.
    Ordinary,
}

impl Class {
    /// The class of a request.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let uploads = path.strip_prefix("/v1/uploads").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let payload = path.ends_with("/payload");
        match *method {
            _ if STOPS.contains(&path) => Self::Stop,
            Method::POST | Method::PATCH if uploads => Self::Upload,
            Method::GET if payload || path.ends_with("/report.age") => Self::Download,
            Method::GET if path == "/v1/audit/bundle" => Self::Audit,
            Method::GET if path == inbox::PATH => Self::Waiting,
            _ => Self::Ordinary,
        }
    }
}

/// Permits by class.
pub(super) struct Capacity {
    stops: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    audits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    ordinary: Arc<Semaphore>,
}

/// Connections at work are never given up to make room; there must be others to give up whenever all are taken.
const _: () = assert!(
    limits::STOPS + limits::UPLOADS + limits::DOWNLOADS + limits::AUDITS + limits::WAITING + limits::ORDINARY
        < limits::CONNECTIONS
);

impl Capacity {
    pub(super) fn new() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self {
            stops: of(limits::STOPS),
            uploads: of(limits::UPLOADS),
            downloads: of(limits::DOWNLOADS),
            audits: of(limits::AUDITS),
            waiting: of(limits::WAITING),
            ordinary: of(limits::ORDINARY),
        }
    }

    /// A permit, or `None` when the class is full.
    pub(super) fn take(&self, class: Class) -> Option<OwnedSemaphorePermit> {
        let permits = match class {
            Class::Stop => &self.stops,
            Class::Upload => &self.uploads,
            Class::Download => &self.downloads,
            Class::Audit => &self.audits,
            Class::Waiting => &self.waiting,
            Class::Ordinary => &self.ordinary,
        };
        permits.clone().try_acquire_owned().ok()
    }
}

/// A response body that holds its permit; when it ends, its connection waits for the next request.
pub(super) struct Held {
    body: Body,
    seat: Arc<Seat>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub(super) fn new(body: Body, seat: Arc<Seat>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { body, seat, _permit: permit }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.seat.waits();
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{Capacity, Class};
    use crate::model::limits;
    use axum::http::Method;

    #[test]
    fn each_request_has_its_class() {
        for (method, path, class) in [
            (Method::POST, "/v1/revocations", Class::Stop),
            (Method::PUT, "/v1/reports/x/payload", Class::Ordinary),
            (Method::POST, "/v1/uploads", Class::Upload),
            (Method::PATCH, "/v1/uploads/x", Class::Upload),
            (Method::HEAD, "/v1/uploads/x", Class::Ordinary),
            (Method::POST, "/v1/uploadsx", Class::Ordinary),
            (Method::GET, "/v1/reports/x/payload", Class::Download),
            (Method::GET, "/v1/releases/x/report.age", Class::Download),
            (Method::GET, "/v1/audit/bundle", Class::Audit),
            (Method::POST, "/v1/freezes", Class::Stop),
            (Method::GET, "/v1/inbox", Class::Waiting),
            (Method::POST, "/v1/grants", Class::Ordinary),
            (Method::POST, "/v1/revocations/", Class::Ordinary),
        ] {
            assert_eq!(Class::of(&method, path), class, "{method} {path}");
        }
    }

    #[test]
    fn a_full_class_refuses_and_leaves_the_others_alone() {
        let capacity = Capacity::new();
        let held: Vec<_> = (0..limits::ORDINARY).map(|_| capacity.take(Class::Ordinary).unwrap()).collect();
        assert!(capacity.take(Class::Ordinary).is_none());
        assert!(capacity.take(Class::Stop).is_some());
        drop(held);
        assert!(capacity.take(Class::Ordinary).is_some());
    }
}
