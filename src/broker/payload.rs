//! Handing out stored payloads: checked chunk by chunk, so that a byte that is not what was uploaded is never sent.

use super::{Broker, BrokerError};
use crate::{
    model::{ids::ReportId, report::Report},
    store::{
        StoreError,
        blob::payload::{ChunkError, Payload as Stored, Verdict},
    },
};
use std::{io, sync::Arc};

/// A stored payload on its way out.
pub struct Payload {
    broker: Arc<Broker>,
    report: ReportId,
    stored: Arc<Stored>,
}

impl Payload {
    /// Length of the payload.
    pub fn bytes(&self) -> u64 {
        self.stored.bytes()
    }

    /// The chunk of an index, checked. Damage is reported and looked into.
    ///
    /// # Errors
    /// When it cannot be read or is not what was stored; nothing of it may be sent then.
    pub async fn chunk(&self, index: u64) -> io::Result<Vec<u8>> {
        let stored = self.stored.clone();
        match tokio::task::spawn_blocking(move || stored.chunk(index)).await.map_err(io::Error::other)? {
            Ok(bytes) => Ok(bytes),
            Err(ChunkError::Read(error)) => Err(error),
            Err(damaged @ ChunkError::Damaged) => {
                self.broker.suspect(self.report);
                Err(io::Error::new(io::ErrorKind::InvalidData, damaged))
            }
        }
    }
}

impl Broker {
    /// Opens a stored payload. One without digests is read whole first; what is not what its statement names is moved
    /// aside instead.
    ///
    /// # Errors
    /// [`BrokerError::Internal`] when it is missing or damaged: the operator's log says which and what to do.
    pub(super) async fn payload(self: &Arc<Self>, id: ReportId, report: &Report) -> Result<Payload, BrokerError> {
        let damaged =
            || BrokerError::Internal(format!("the payload of report {id} is damaged; restore it from backup"));
        let mut opened = self.blobs.payload(id, report)?;
        if opened.is_none() {
            let verifying = self.blobs.verifying(id, report)?;
            let settled = tokio::task::spawn_blocking(move || verifying.settle()).await;
            if self.settled(id, settled.map_err(|e| BrokerError::Internal(e.to_string()))?)? == Verdict::Damaged {
                return Err(damaged());
            }
            opened = self.blobs.payload(id, report)?;
        }
        let stored = Arc::new(opened.ok_or_else(damaged)?);
        Ok(Payload { broker: self.clone(), report: id, stored })
    }

    /// What follows from having read a payload whole.
    pub(super) fn settled(&self, id: ReportId, outcome: io::Result<Verdict>) -> Result<Verdict, BrokerError> {
        let verdict = outcome.map_err(|e| BrokerError::Internal(format!("cannot read the payload of {id}: {e}")))?;
        if verdict == Verdict::Damaged {
            tracing::error!(
                report = %id,
                "a stored payload is not what its report statement names; it was renamed to NAME.damaged and is not \
                 served. Look at the disk, and restore the payload from backup"
            );
            self.blobs.set_aside(id).map_err(|error: StoreError| BrokerError::from(error))?;
        }
        Ok(verdict)
    }
}
