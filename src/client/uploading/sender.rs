//! Parts on their way: one at a time, asked about after every trouble.

use super::{
    Payload, Steps, ask_to_publish, is_gone,
    pace::{Limited, Pace, PartSize, Patience, UploadStep},
    tus_headers,
};
use crate::{
    client::{
        desk::{Desk, DeskError},
        remote::{RemoteError, Uploaded},
    },
    model::ids::{ReportId, UploadId},
    wire::{
        api::{Accepted, Listing, UploadSummary},
        problem::ProblemType,
        tus,
    },
};
use std::{
    fs::File,
    io::{Read, Seek as _, SeekFrom},
    path::Path,
};

/// What a new upload says of itself.
#[derive(Clone, Copy)]
pub(super) struct Begin {
    pub(super) report: Option<ReportId>,
    pub(super) length: Option<u64>,
}

/// Sends one payload.
pub(super) struct Sender<'a> {
    desk: &'a Desk,
    pace: &'a Pace,
    size: PartSize,
    patience: Patience,
    steps: Steps<'a>,
    safe: u64,
    furthest: u64,
}

impl<'a> Sender<'a> {
    pub(super) fn new(desk: &'a Desk, pace: &'a Pace, steps: Steps<'a>) -> Self {
        Self { desk, pace, size: PartSize::new(pace), patience: Patience::new(pace), steps, safe: 0, furthest: 0 }
    }

    /// Bytes that are safe at the broker.
    pub(super) fn safe(&self) -> u64 {
        self.safe
    }

    /// The upload to go on with: the one begun early, the furthest one of the same report, or a new one. `None` when
    /// the payload is stored already.
    pub(super) fn resume(&mut self, early: Option<UploadId>, begin: Begin) -> Result<Option<UploadId>, DeskError> {
        if let Some(early) = early {
            match self.ask(early) {
                Err(error) if is_gone(&error) => {}
                asked => return asked.map(|()| Some(early)),
            }
        }
        if begin.report.is_some() {
            let desk = self.desk;
            let known: Listing<UploadSummary> = self.insist(|| desk.remote.fetch("/v1/uploads", desk.signed_in()))?;
            let same = known.items.into_iter().filter(|item| item.report == begin.report);
            if let Some(furthest) = same.max_by_key(|item| item.offset) {
                match self.ask(furthest.id) {
                    // Swept, or published from another device, between the two questions.
                    Err(error) if is_gone(&error) => {}
                    asked => return asked.map(|()| Some(furthest.id)),
                }
            }
        }
        self.begin(begin)
    }

    /// Begins a new upload; `None` when the report's payload is stored already.
    pub(super) fn begin(&mut self, begin: Begin) -> Result<Option<UploadId>, DeskError> {
        let mut headers = tus_headers();
        headers.push(("content-length", "0".to_owned()));
        match begin.length {
            Some(length) => headers.push(("upload-length", length.to_string())),
            None => headers.push(("upload-defer-length", "1".to_owned())),
        }
        if let Some(report) = begin.report {
            headers.push(("upload-metadata", tus::metadata(report)));
        }
        let desk = self.desk;
        let begun = self.insist(|| desk.remote.call("POST", "/v1/uploads", &headers, desk.signed_in()));
        let uploaded = match begun {
            Err(DeskError::Remote(error)) if error.is(ProblemType::Conflict) => return Ok(None),
            begun => begun?,
        };
        let id = uploaded.location.as_deref().and_then(|l| l.rsplit('/').next()).and_then(|id| id.parse().ok());
        self.reached(0);
        Ok(Some(id.ok_or_else(|| RemoteError::Answer("an upload without an address".to_owned()))?))
    }

    /// Sends everything of `payload` from what is safe to `until`.
    pub(super) fn send(&mut self, upload: UploadId, payload: &Payload<'_>, until: u64) -> Result<(), DeskError> {
        while self.safe < until {
            let length = self.size.bytes().min(until - self.safe);
            let began = self.desk.clock.stopwatch();
            match self.part(upload, payload, length) {
                Ok(uploaded) => {
                    let took = self.desk.clock.stopwatch().saturating_sub(began);
                    self.size.arrived(length, took);
                    let offset = uploaded.offset.filter(|offset| *offset <= until);
                    let before = self.safe;
                    self.reached(offset.ok_or_else(|| RemoteError::Answer("a part without an offset".to_owned()))?);
                    if self.safe <= before {
                        self.wait(RemoteError::Answer("the broker took a part and says it has no more".to_owned()))?;
                    }
                }
                Err(error) => {
                    if error.is_a_cut() {
                        self.size.broke();
                    }
                    self.wait(error)?;
                    self.ask(upload)?;
                }
            }
        }
        Ok(())
    }

    /// Makes the upload the report's payload.
    pub(super) fn publish(&mut self, id: ReportId, upload: Option<UploadId>) -> Result<Accepted, DeskError> {
        let desk = self.desk;
        self.insist(|| ask_to_publish(desk, id, upload, desk.signed_in()))
    }

    fn part(&self, upload: UploadId, payload: &Payload<'_>, length: u64) -> Result<Uploaded, RemoteError> {
        let mut headers = tus_headers();
        headers.push(("upload-offset", self.safe.to_string()));
        headers.push(("content-type", tus::PART.to_owned()));
        let mut open = || -> std::io::Result<Box<dyn Read + Send + Sync>> {
            let file = payload(self.safe)?.take(length);
            Ok(Box::new(Limited::new(file, self.pace, self.desk.clock.clone())))
        };
        let path = format!("/v1/uploads/{upload}");
        self.desk.remote.upload("PATCH", &path, &headers, length, &mut open, self.desk.signed_in())
    }

    /// Asks where the upload stands.
    fn ask(&mut self, upload: UploadId) -> Result<(), DeskError> {
        let (desk, path, headers) = (self.desk, format!("/v1/uploads/{upload}"), tus_headers());
        let uploaded = self.insist(|| desk.remote.call("HEAD", &path, &headers, desk.signed_in()))?;
        let offset = uploaded.offset.ok_or_else(|| RemoteError::Answer("an upload without an offset".to_owned()))?;
        self.reached(offset);
        Ok(())
    }

    fn reached(&mut self, offset: u64) {
        // Only what was never reached before is progress: an offset that goes to and fro is somebody's game.
        if offset > self.furthest {
            self.patience.renew();
            self.furthest = offset;
        }
        self.safe = offset;
        (self.steps)(UploadStep::Safe(offset));
    }

    /// Repeats what can be repeated, for as long as patience lasts.
    fn insist<T>(&mut self, mut ask: impl FnMut() -> Result<T, RemoteError>) -> Result<T, DeskError> {
        loop {
            match ask() {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait(error)?,
            }
        }
    }

    fn wait(&mut self, error: RemoteError) -> Result<(), DeskError> {
        let steps = &mut self.steps;
        self.patience.after(self.desk, error, &mut |why, wait| steps(UploadStep::Waiting { why, wait }))
    }
}

/// The payload of a sealed file: what comes after its header.
pub(super) fn payload_of(sealed: &Path, header_bytes: u64) -> impl Fn(u64) -> std::io::Result<File> + '_ {
    move |offset| {
        let mut file = File::open(sealed)?;
        file.seek(SeekFrom::Start(header_bytes.saturating_add(offset)))?;
        Ok(file)
    }
}
