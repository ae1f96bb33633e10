//! One part of an upload: bytes appended while they arrive, kept when the link is cut.

use super::{Slot, Standing};
use crate::{
    broker::{Broker, BrokerError, Caller},
    model::{
        ids::{ReportId, UploadId},
        limits,
    },
    store::blob::{Hashed, Part, Undo, UploadError, UploadRecord},
    wire::tus::Checksum,
};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::sync::OwnedMutexGuard;

/// What a part says of itself before its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartHead {
    /// Where it begins: where the upload stands.
    pub offset: u64,
    /// The upload's whole length, if only known now.
    pub length: Option<u64>,
    /// What its bytes must be.
    pub checksum: Option<Checksum>,
}

/// The right to append to an upload.
pub struct PartWriter {
    broker: Arc<Broker>,
    id: UploadId,
    slot: Arc<Slot>,
    turn: OwnedMutexGuard<Hashed>,
    part: Part,
    checking: Option<Checking>,
}

/// A part that counts only when its checksum is found right.
struct Checking {
    expected: Checksum,
    sha1: Sha1,
    sha256: Sha256,
    undo: Undo,
    before: Hashed,
}

impl Checking {
    fn update(&mut self, bytes: &[u8]) {
        match self.expected {
            Checksum::Sha1(_) => self.sha1.update(bytes),
            Checksum::Sha256(_) => self.sha256.update(bytes),
        }
    }
    fn is_right(&self) -> bool {
        match self.expected {
            Checksum::Sha1(expected) => <[u8; 20]>::from(self.sha1.clone().finalize()) == expected,
            Checksum::Sha256(expected) => <[u8; 32]>::from(self.sha256.clone().finalize()) == expected,
        }
    }
}

impl Broker {
    /// Begins a part.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner; [`BrokerError::Locked`]; [`BrokerError::Offset`] when the
    /// upload stands elsewhere.
    pub async fn begin_part(
        self: &Arc<Self>,
        id: UploadId,
        head: PartHead,
        caller: &Caller,
    ) -> Result<PartWriter, BrokerError> {
        let slot = self.own_upload(id, caller)?;
        let turn = slot.take().await?;
        let Some(part) = self.open_part(id)? else {
            // Published meanwhile: there is nothing left to append to.
            let stands = self.settle_upload(id, &slot, turn).await?;
            return Err(BrokerError::Offset(stands.offset));
        };
        if part.arrived() != head.offset {
            return Err(BrokerError::Offset(part.arrived()));
        }
        if slot.record().report.is_none() {
            let own = self.uploads.under_way(caller.party);
            self.check_bytes(caller.party, self.early_bytes(&own)?)?;
        }
        self.note(id, &slot, head.length, caller)?;
        let checking = match head.checksum {
            None => None,
            Some(expected) => {
                let undo = tokio::task::block_in_place(|| self.blobs.hold(id, &part))?;
                let (sha1, sha256) = (Sha1::new(), Sha256::new());
                Some(Checking { expected, sha1, sha256, undo, before: turn.clone() })
            }
        };
        Ok(PartWriter { broker: self.clone(), id, slot, turn, part, checking })
    }

    /// Writes down a length that is only known now, and that the upload goes on.
    fn note(&self, id: UploadId, slot: &Slot, length: Option<u64>, caller: &Caller) -> Result<(), BrokerError> {
        let mut record = slot.record();
        if length.is_some() && record.length.is_some() && record.length != length {
            return Err(BrokerError::LengthKnown);
        }
        let told = length.is_some() && record.length.is_none();
        if told {
            self.check_length(length, record.report, caller)?;
            record.length = length;
        }
        let expires = self.clocks()?.not_passed.plus(limits::UPLOAD_LIFE);
        if told || expires >= record.expires.plus(limits::UPLOAD_RENEWED) {
            record.expires = record.expires.max(expires);
            self.blobs.write_record(id, &record)?;
            slot.set(record);
        }
        Ok(())
    }
}

impl PartWriter {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there are more than announced, or no room. What came before is kept.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BrokerError> {
        let most = self.slot.record().length.unwrap_or(limits::PAYLOAD_BYTES);
        if self.part.arrived().saturating_add(bytes.len() as u64) > most {
            return Err(UploadError::TooLong { expected: most }.into());
        }
        let whole = self.turn.at() == self.part.arrived();
        self.part.write(bytes)?;
        if whole {
            self.turn.update(bytes);
        }
        if let Some(checking) = &mut self.checking {
            checking.update(bytes);
        }
        Ok(())
    }

    /// Waits until another request asks for the upload.
    pub async fn asked(&self) {
        self.slot.asked.notified().await;
    }

    /// How long a writer from whom nothing comes keeps the upload when another asks for it.
    pub const PATIENCE: Duration = Duration::from_secs(limits::UPLOAD_STALLED_SECONDS);

    /// The part came to its end: it counts if its checksum, where there is one, is right.
    ///
    /// # Errors
    /// [`BrokerError::Checksum`]; whatever keeps a whole upload from being published.
    pub async fn finish(mut self) -> Result<Standing, BrokerError> {
        if let Some(checking) = self.checking.take() {
            if !checking.is_right() {
                self.undo(checking)?;
                return Err(BrokerError::Checksum);
            }
            tokio::task::block_in_place(|| {
                self.part.sync()?;
                self.broker.blobs.let_go(self.id)
            })?;
        } else {
            tokio::task::block_in_place(|| self.part.sync())?;
        }
        drop(self.part);
        self.broker.settle_upload(self.id, &self.slot, self.turn).await
    }

    /// The link was cut: what came is kept and durable, or, where it was to be checked, taken back.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn cut(mut self) -> Result<(), BrokerError> {
        match self.checking.take() {
            Some(checking) => self.undo(checking),
            None => Ok(tokio::task::block_in_place(|| self.part.sync())?),
        }
    }

    fn undo(&mut self, checking: Checking) -> Result<(), BrokerError> {
        *self.turn = checking.before;
        tokio::task::block_in_place(|| {
            self.part.undo(checking.undo)?;
            self.broker.blobs.let_go(self.id)
        })?;
        Ok(())
    }

    /// The report the upload is for, once known.
    pub fn report(&self) -> Option<ReportId> {
        let UploadRecord { report, .. } = self.slot.record();
        report
    }
}
