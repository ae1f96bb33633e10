//! Sealing and uploading at once: the file grows on the disk and is sent from there, a step behind.

use super::{
    Pace, UploadStep,
    sender::{Begin, Sender},
};
use crate::{
    client::{
        desk::{Desk, DeskError},
        report::Plan,
        reporting::{SealedReport, Sealer},
        seal::Growth,
    },
    model::{
        ids::UploadId,
        report::{ReportKind, Tier},
    },
};
use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    path::Path,
    thread,
    time::Duration,
};

/// How often a sender that has caught up looks whether there is more.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What sealing and uploading at once came to. Sealing does not wait for the link, and does not fail with it.
pub struct SealedAndSent {
    /// The sealed report, to be declared.
    pub sealed: SealedReport,
    /// Why not everything has been sent.
    pub trouble: Option<DeskError>,
}

impl Desk {
    /// Begins an upload for a report that is still to be sealed. Keep the answer before sealing: what an interrupted
    /// sealing has sent is worthless, because it is sealed again under another file key, and is ended by it.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn begin_early(&self, pace: &Pace) -> Result<Option<UploadId>, DeskError> {
        Sender::new(self, pace, &mut |_| {}).begin(Begin { report: None, length: None })
    }

    /// Seals a plan into a new file and sends it while it grows.
    ///
    /// # Errors
    /// When sealing fails; nothing is left behind on this device then, and `upload` should be ended.
    #[expect(clippy::too_many_arguments, reason = "what is sealed, and how it is sent")]
    pub fn seal_and_upload(
        &self,
        plan: &Plan,
        tier: Tier,
        kind: ReportKind,
        out: &Path,
        upload: UploadId,
        pace: &Pace,
        steps: super::Steps<'_>,
    ) -> Result<SealedAndSent, DeskError> {
        let growth = Growth::default();
        let sealer =
            Sealer { identity: &self.identity, recovery: self.memory.recovery.as_ref(), entropy: &*self.entropy };
        let (sealed, trouble) = thread::scope(|scope| {
            let sealing = scope.spawn(|| {
                let ended = Ended(&growth);
                let sealed = sealer.seal_growing(plan, tier, kind, out, &mut |_| {}, &growth);
                drop(ended);
                sealed
            });
            let trouble = self.follow(upload, &growth, out, pace, steps).err();
            (sealing.join(), trouble)
        });
        let sealed = match sealed {
            Ok(sealed) => sealed?,
            Err(bug) => std::panic::resume_unwind(bug),
        };
        Ok(SealedAndSent { sealed, trouble })
    }

    /// `whole` is where the file is when it is whole.
    fn follow(
        &self,
        upload: UploadId,
        growth: &Growth,
        whole: &Path,
        pace: &Pace,
        steps: super::Steps<'_>,
    ) -> Result<(), DeskError> {
        let mut sender = Sender::new(self, pace, steps);
        // Opened once: the file is renamed when it is whole, and an open file does not mind.
        let mut opened = None;
        loop {
            // Read before what is written: what came in between is seen the next time around.
            let ended = growth.has_ended();
            let written = growth.written();
            if opened.is_none()
                && let Some((path, header_bytes)) = growth.file()
            {
                // It may be whole and renamed before it could be opened.
                let Ok(file) = File::open(path).or_else(|_| File::open(whole)) else { return Ok(()) };
                opened = Some((file, *header_bytes));
            }
            match &opened {
                Some((file, header_bytes)) if written > sender.safe() => {
                    let payload = |offset: u64| {
                        let mut file = file.try_clone()?;
                        file.seek(SeekFrom::Start(header_bytes.saturating_add(offset)))?;
                        Ok(file)
                    };
                    sender.send(upload, &payload, written)?;
                }
                _ if ended => return Ok(()),
                _ => thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

/// Says that sealing has ended, also when it broke: somebody follows.
struct Ended<'a>(&'a Growth);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl UploadStep {
    /// Bytes that are safe, if that is what is told.
    pub fn safe(&self) -> Option<u64> {
        match self {
            Self::Safe(bytes) => Some(*bytes),
            _ => None,
        }
    }
}
