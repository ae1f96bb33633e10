//! One part of an upload: bytes appended while they arrive, kept when the link is cut.

use super::{Slot, Standing};
use crate::{
    broker::{Broker, BrokerError, Caller},
    model::{ids::UploadId, limits},
    store::blob::{Hashed, Part, Undo, UploadError},
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
    /// The most bytes the upload may come to.
    most: u64,
    /// Bytes to take before the room left is looked at again.
    room: u64,
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
        let mut turn = slot.take().await?;
        slot.forget_questions().await;
        let Some(part) = self.open_part(id)? else {
            // Published meanwhile: there is nothing left to append to.
            let stands = self.settle_upload(id, &slot, turn).await?;
            return Err(BrokerError::Offset(stands.offset));
        };
        if turn.at() > part.arrived() {
            // A writer that broke had hashed more than counts now: what comes in its place may be other bytes.
            *turn = Hashed::default();
        }
        if part.arrived() != head.offset {
            return Err(BrokerError::Offset(part.arrived()));
        }
        tokio::task::block_in_place(|| self.note(id, &slot, head.length, caller))?;
        let (most, room) = (self.most_bytes(id, &slot, part.arrived(), caller)?, self.room_for_uploads()?);
        let checking = match head.checksum {
            None => None,
            Some(expected) => {
                let undo = tokio::task::block_in_place(|| self.blobs.hold(id, &part))?;
                let (sha1, sha256) = (Sha1::new(), Sha256::new());
                Some(Checking { expected, sha1, sha256, undo, before: turn.clone() })
            }
        };
        Ok(PartWriter { broker: self.clone(), id, slot, turn, part, most, room, checking })
    }

    /// The most bytes an upload may come to: what was announced, what its report names, or what the quota leaves.
    fn most_bytes(&self, id: UploadId, slot: &Slot, arrived: u64, caller: &Caller) -> Result<u64, BrokerError> {
        let record = slot.record();
        if let Some(length) = record.length {
            return Ok(length);
        }
        if let Some(report) = record.report {
            return Ok(self.own_report(report, caller)?.report.payload_bytes);
        }
        let used = self.early_bytes_beside(id, caller)?;
        self.check_bytes(caller.party, used.saturating_add(arrived))?;
        Ok(self.bytes_left(caller.party)?.saturating_sub(used).min(limits::PAYLOAD_BYTES))
    }

    /// Bytes of the caller's other uploads without a report.
    fn early_bytes_beside(&self, id: UploadId, caller: &Caller) -> Result<u64, BrokerError> {
        let own = self.uploads.under_way(caller.party);
        self.early_bytes(&own.into_iter().filter(|(other, _)| *other != id).collect::<Vec<_>>())
    }

    /// How many bytes may come before the room is looked at again. The last of it is for commits: what stops must
    /// always fit.
    fn room_for_uploads(&self) -> Result<u64, BrokerError> {
        if tokio::task::block_in_place(|| self.blobs.room())?.is_low() {
            return Err(BrokerError::Full);
        }
        Ok(limits::UPLOAD_ROOM_BYTES)
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
            if let (Some(bytes), None) = (length, record.report) {
                self.check_bytes(caller.party, self.early_bytes_beside(id, caller)?.saturating_add(bytes))?;
            }
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
        if self.part.arrived().saturating_add(bytes.len() as u64) > self.most {
            return Err(UploadError::TooLong { expected: self.most }.into());
        }
        self.room = self.room.saturating_sub(bytes.len() as u64);
        if self.room == 0 {
            self.room = self.broker.room_for_uploads()?;
        }
        let whole = self.turn.at() == self.part.arrived();
        if let Err(error) = self.part.write(bytes) {
            // How much of it the file took is not what was hashed.
            *self.turn = Hashed::default();
            return Err(error.into());
        }
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
            self.synced()?;
            tokio::task::block_in_place(|| self.broker.blobs.let_go(self.id))?;
        } else {
            self.synced()?;
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
            None => self.synced(),
        }
    }

    /// After a failed sync the file is cut to what is durable, and what was hashed beyond it is forgotten.
    fn synced(&mut self) -> Result<(), BrokerError> {
        tokio::task::block_in_place(|| self.part.sync()).map_err(|error| {
            *self.turn = Hashed::default();
            error.into()
        })
    }

    fn undo(&mut self, checking: Checking) -> Result<(), BrokerError> {
        *self.turn = checking.before;
        tokio::task::block_in_place(|| {
            self.part.undo(checking.undo)?;
            self.broker.blobs.let_go(self.id)
        })?;
        Ok(())
    }
}
