//! Making a payload of an upload that has arrived whole.

use super::{Slot, Standing};
use crate::{
    broker::{Broker, BrokerError, Caller, statement::accepted},
    model::{
        ids::{ReportId, UploadId},
        report::ReportState,
        rows::{Held, ReportRow, Rows},
    },
    store::{
        CommitError, Facts, OwnRecord, Recorded,
        blob::{Hashed, UploadError},
    },
    wire::api::Accepted,
};
use std::sync::atomic::Ordering;
use tokio::sync::OwnedMutexGuard;

impl Broker {
    /// Publishes an upload as the payload of a declared report, and proves that it is stored. Repeating it is safe.
    ///
    /// # Errors
    /// [`BrokerError::NotFound`] for anybody but the owner; [`BrokerError::Upload`] when length or SHA-256 are not the
    /// stated ones: then the upload is ended, since no further byte could mend it.
    pub async fn publish_upload(
        &self,
        report: ReportId,
        upload: UploadId,
        caller: &Caller,
    ) -> Result<Accepted, BrokerError> {
        let row = self.own_report(report, caller)?;
        if row.state == (ReportState::Declared {}) || !self.blobs.has_payload(report) {
            let slot = self.own_upload(upload, caller)?;
            let turn = slot.take().await?;
            let mut record = slot.record();
            if record.report.is_some_and(|other| other != report) {
                return Err(BrokerError::NotFound);
            }
            if record.report.is_none() || record.length.is_none() {
                record.report = Some(report);
                record.length.get_or_insert(row.report.payload_bytes);
                tokio::task::block_in_place(|| self.blobs.write_record(upload, &record))?;
                slot.set(record);
            }
            self.settle_upload(upload, &slot, turn).await?;
        }
        let held: Held<ReportRow> = Facts(&*self.store).read(&report.to_string())?.ok_or(BrokerError::NotFound)?;
        if held.row.state == (ReportState::Declared {}) {
            return Err(BrokerError::NotWhole);
        }
        let entry = held.row.stored_in.ok_or(BrokerError::NotFound)?;
        let receipt = self.store.receipt(entry)?;
        Ok(accepted(report.into(), Recorded { entry, receipt }))
    }

    /// Brings an upload to where it can be: what never counted is taken back, what is whole is published. Whoever calls
    /// holds the turn.
    pub(super) async fn settle_upload(
        &self,
        id: UploadId,
        slot: &Slot,
        turn: OwnedMutexGuard<Hashed>,
    ) -> Result<Standing, BrokerError> {
        let record = slot.record();
        let arrived = self.open_part(id)?.map(|part| part.arrived());
        slot.safe.store(arrived.unwrap_or(0), Ordering::SeqCst);
        let Some(report) = record.report else {
            let Some(arrived) = arrived else {
                // Its removal was begun and broke off.
                self.remove_upload(id)?;
                return Err(BrokerError::NotFound);
            };
            return Ok(Standing::of(id, arrived, &record));
        };
        let row = self.report_row(report)?;
        let whole = row.report.payload_bytes;
        match (arrived, &row.state) {
            (Some(arrived), ReportState::Declared {}) if arrived < whole || record.length.is_none() => {
                Ok(Standing::of(id, arrived, &record))
            }
            (Some(arrived), ReportState::Declared {}) => {
                let hashed = (turn.at() == arrived).then(|| turn.clone());
                self.publish_or_remove(id, hashed, report, &row)?;
                self.record_payload(report, slot).await?;
                Ok(Standing::of(id, whole, &record))
            }
            (arrived, ReportState::Stored {}) => self.settle_stored(id, slot, arrived, &row),
            // Withdrawn meanwhile: what has come is of no use to anybody.
            (_, ReportState::Withdrawn { .. } | ReportState::Erased {}) => {
                self.remove_upload(id)?;
                Err(BrokerError::NotFound)
            }
            // Published, and stopped before the entry: the file is there and nobody has said so yet.
            (None, ReportState::Declared {}) => {
                if !tokio::task::block_in_place(|| self.blobs.holds(report, &row.report))? {
                    self.remove_upload(id)?;
                    return Err(BrokerError::NotFound);
                }
                self.record_payload(report, slot).await?;
                Ok(Standing::of(id, whole, &record))
            }
        }
    }

    /// Publishes; what is not the stated payload is ended, since no further byte could mend it.
    fn publish_or_remove(
        &self,
        id: UploadId,
        hashed: Option<Hashed>,
        report: ReportId,
        row: &ReportRow,
    ) -> Result<(), BrokerError> {
        match tokio::task::block_in_place(|| self.blobs.publish(id, hashed, report, &row.report)) {
            Err(error @ (UploadError::Digest | UploadError::Length { .. })) => {
                self.remove_upload(id)?;
                Err(error.into())
            }
            outcome => Ok(outcome?),
        }
    }

    /// An upload of a report whose payload is recorded: this one was published, or another, or the stored one was found
    /// damaged and its owner brings it back.
    fn settle_stored(
        &self,
        id: UploadId,
        slot: &Slot,
        arrived: Option<u64>,
        row: &ReportRow,
    ) -> Result<Standing, BrokerError> {
        let record = slot.record();
        let report = record.report.ok_or(BrokerError::NotFound)?;
        match (arrived, self.blobs.has_payload(report)) {
            (None, true) => {}
            // Nothing is safe any more of what this record remembers.
            (None, false) => {
                self.remove_upload(id)?;
                return Err(BrokerError::NotFound);
            }
            (Some(arrived), false) if arrived < row.report.payload_bytes => {
                return Ok(Standing::of(id, arrived, &record));
            }
            (Some(_), false) => self.publish_or_remove(id, None, report, row)?,
            (Some(_), true) => {
                if !tokio::task::block_in_place(|| self.blobs.part_is(id, &row.report))? {
                    self.remove_upload(id)?;
                    return Err(BrokerError::AlreadyStored);
                }
                self.blobs.remove_part(id)?;
            }
        }
        slot.done.store(true, Ordering::SeqCst);
        Ok(Standing::of(id, row.report.payload_bytes, &record))
    }

    /// The entry that the payload is stored; two uploads may meet here, and the second finds it done.
    async fn record_payload(&self, report: ReportId, slot: &Slot) -> Result<(), BrokerError> {
        match self.store.record(OwnRecord::PayloadStored(report)).await {
            Ok(_) | Err(CommitError::Refused(_)) => {
                slot.done.store(true, Ordering::SeqCst);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn report_row(&self, id: ReportId) -> Result<ReportRow, BrokerError> {
        let held: Option<Held<ReportRow>> = Facts(&*self.store).read(&id.to_string())?;
        Ok(held.ok_or(BrokerError::NotFound)?.row)
    }
}
