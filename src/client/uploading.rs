//! Sending a sealed payload: in parts, resumed after cuts, restarts and days, from this device or another.
//!
//! Nothing is encrypted here. What is sent is the sealed file as it lies on the disk, so a resumed upload can never use a
//! file key and nonce for other bytes; sources that changed are sealed again, under another file key, into another file.
//! [`Desk::upload`] sends a file that is there, [`Desk::seal_and_upload`] one that is still growing.

mod follow;
mod pace;
mod sender;

pub(in crate::client) use pace::{Limited, Patience};
pub use pace::{Pace, UploadStep};

use super::{
    desk::{Desk, DeskError},
    remote::{As, RemoteError},
    seal::SealedFile,
};
use crate::{
    model::{
        ids::{Digest, ReportId, UploadId},
        report::Report,
    },
    wire::{
        api::{Accepted, Listing, PublishUpload, UploadSummary},
        entry::Happening,
        problem::ProblemType,
        tus,
    },
};
use sender::{Begin, Sender, payload_of};
use sha2::{Digest as _, Sha256};
use std::{fs::File, io::Read, path::Path};

/// Told what happens to an upload, as it happens.
pub type Steps<'a> = &'a mut dyn FnMut(UploadStep);

impl Desk {
    /// Uploads the payload of a declared report from its sealed file, once: the first trouble ends it.
    ///
    /// # Errors
    /// [`DeskError`]; a file that is not the declared one is refused before a byte is sent.
    pub fn upload(&mut self, id: ReportId, sealed: &Path, steps: Steps<'_>) -> Result<(), DeskError> {
        self.upload_with(id, sealed, None, &Pace::default(), steps)
    }

    /// Uploads the payload of a declared report, going on where an earlier attempt stopped. `early` is an upload that
    /// was begun while the file was still being sealed.
    ///
    /// # Errors
    /// [`DeskError`]; a file that is not the declared one is refused before a byte is sent. What is safe at the broker
    /// stays there; the same call goes on from it.
    pub fn upload_with(
        &mut self,
        id: ReportId,
        sealed: &Path,
        early: Option<UploadId>,
        pace: &Pace,
        steps: Steps<'_>,
    ) -> Result<(), DeskError> {
        let stated = self.own_statement(id)?;
        let header_bytes = check_file(sealed, &stated, steps)?;
        let begin = Begin { report: Some(id), length: Some(stated.payload_bytes) };
        let mut sender = Sender::new(self, pace, &mut *steps);
        let payload = payload_of(sealed, header_bytes);
        let mut upload = sender.resume(early, begin)?;
        if let Some(first) = upload
            && let Err(error) = sender.send(first, &payload, stated.payload_bytes)
        {
            // Swept, ended, or overtaken by another device: looked for anew, once; a second loss is somebody's doing.
            if !is_gone(&error) {
                return Err(error);
            }
            upload = sender.resume(None, begin)?;
            if let Some(next) = upload {
                sender.send(next, &payload, stated.payload_bytes)?;
            }
        }
        let accepted = sender.publish(id, upload)?;
        self.confirm_stored(id, &accepted, pace, steps)
    }

    /// Follows the log to the receipt through cuts: who has sent for days need not begin again for its last question.
    fn confirm_stored(
        &mut self,
        report: ReportId,
        accepted: &Accepted,
        pace: &Pace,
        steps: Steps<'_>,
    ) -> Result<(), DeskError> {
        let mut patience = Patience::new(pace);
        loop {
            match self.confirm_event(&accepted.receipt, &Happening::PayloadStored { report }) {
                Err(DeskError::Remote(error)) => {
                    patience.after(self, error, &mut |why, wait| steps(UploadStep::Waiting { why, wait }))?;
                }
                confirmed => return confirmed,
            }
        }
    }

    /// Uploads of this identity that are on their way, from whatever device.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn uploads(&self) -> Result<Vec<UploadSummary>, DeskError> {
        let listing: Listing<UploadSummary> = self.remote.fetch("/v1/uploads", self.signed_in())?;
        Ok(listing.items)
    }

    /// Ends an upload; one that is not there is ended.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn end_upload(&self, upload: UploadId) -> Result<(), DeskError> {
        let headers = [("tus-resumable", tus::VERSION.to_owned())];
        match self.remote.call("DELETE", &format!("/v1/uploads/{upload}"), &headers, self.signed_in()) {
            Err(error) if !error.is(ProblemType::NotFound) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// The file must be the one declared, byte for byte: finding out only when everything has been sent could cost days.
fn check_file(sealed: &Path, stated: &Report, steps: Steps<'_>) -> Result<u64, DeskError> {
    let words = |e: &dyn std::fmt::Display| DeskError::refused(format!("{}: {e}", sealed.display()));
    let mut file = SealedFile::open(sealed).map_err(|e| DeskError::refused(e.to_string()))?;
    let header_bytes = file.header().as_bytes().len() as u64;
    let other = "this file is not the one the report statement describes; it was changed after it was sealed. Seal the \
                 report again, which makes another report";
    if Digest::from_bytes(file.header().digest()) != stated.owner_header || file.payload_bytes() != stated.payload_bytes
    {
        return Err(words(&other));
    }
    let mut payload = file.payload_from(0).map_err(|e| words(&e))?;
    let digest = digest_of(&mut payload, &mut |bytes| steps(UploadStep::Checked(bytes)));
    if digest.map_err(|e| words(&e))? == stated.payload_sha256 { Ok(header_bytes) } else { Err(words(&other)) }
}

/// The SHA-256 of everything there is to read.
fn digest_of(from: &mut impl Read, progress: &mut dyn FnMut(u64)) -> std::io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
        hasher.update(bytes);
        progress(read as u64);
    }
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

impl RemoteError {
    /// Whether the broker answered with a problem of this kind.
    pub fn is(&self, kind: ProblemType) -> bool {
        self.problem().is_some_and(|problem| problem.is(kind))
    }

    /// Whether it may go better next time.
    pub fn passes(&self) -> bool {
        let busy = [
            ProblemType::Busy,
            ProblemType::Locked,
            ProblemType::OffsetMismatch,
            ProblemType::TooSlow,
            ProblemType::StorageFull,
            ProblemType::Internal,
            ProblemType::Unauthenticated,
            ProblemType::RevokeOnly,
        ];
        let waits = self.problem().is_some_and(|problem| problem.retry_after.is_some());
        self.is_a_cut() || waits || busy.into_iter().any(|kind| self.is(kind))
    }

    /// Whether the link broke, and not the broker said no.
    pub(in crate::client) fn is_a_cut(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Answer(_))
    }
}

/// Whether an upload is no longer there, because it was swept, ended, or its report is stored already.
fn is_gone(error: &DeskError) -> bool {
    matches!(error, DeskError::Remote(error) if error.is(ProblemType::NotFound) || error.is(ProblemType::Conflict))
}

/// Opens a payload at an offset.
type Payload<'a> = dyn Fn(u64) -> std::io::Result<File> + 'a;

/// Marks a request without a body as one of the upload protocol.
fn tus_headers() -> Vec<(&'static str, String)> {
    vec![("tus-resumable", tus::VERSION.to_owned())]
}

/// Makes an upload the payload of a report; one that is stored already is proved to be.
fn publish_body(upload: Option<UploadId>) -> PublishUpload {
    PublishUpload { upload: upload.unwrap_or(UploadId::from_bytes([0; 16])) }
}

/// The one place that asks for publication.
fn ask_to_publish(desk: &Desk, id: ReportId, upload: Option<UploadId>, who: As<'_>) -> Result<Accepted, RemoteError> {
    desk.remote.submit("PUT", &format!("/v1/reports/{id}/payload"), &publish_body(upload), who)
}
