//! Readiness that means it: what a request needs is tried, each part within a time of its own.

use super::{Broker, BrokerError};
use crate::{
    model::{limits, time::Duration},
    store::StoreError,
    wire::problem::{Problem, ProblemType},
};
use std::{
    future::Future,
    io,
    sync::{Arc, Mutex as Blocking, TryLockError},
};
use tokio::sync::Mutex;

/// What was found last, and the second it was found in. One check serves everybody who asks within that second.
#[derive(Default)]
pub(super) struct Readiness {
    last: Mutex<Option<(Duration, Found)>>,
    /// Held by the check of the files. A disk that hangs holds one thread, not one for each question.
    files: Arc<Blocking<()>>,
}

/// Ready, or the problem whoever asks is told.
type Found = Result<(), Box<Problem>>;

/// A part that did not work; the words name no path.
struct Failed {
    what: &'static str,
    error: BrokerError,
}

impl Broker {
    /// Whether reads, durable writes and the payload folder work, there is room, and more than revocation is possible.
    ///
    /// # Errors
    /// A problem that says which part does not.
    pub async fn ready(self: &Arc<Self>) -> Result<(), Box<Problem>> {
        self.tried().await?;
        // Never remembered: it is known at once, and whoever asks has to know it at once.
        match self.store.revoke_only() {
            None => Ok(()),
            Some(why) => Err(Box::new(Problem::new(ProblemType::RevokeOnly).with_detail(why))),
        }
    }

    async fn tried(self: &Arc<Self>) -> Found {
        let mut last = self.readiness.last.lock().await;
        let now = self.clock.monotonic();
        if let Some((when, found)) = &*last
            && *when == now
        {
            return found.clone();
        }
        let found = self.try_everything().await.map_err(|failed| Box::new(told(&failed)));
        *last = Some((self.clock.monotonic(), found.clone()));
        found
    }

    async fn try_everything(self: &Arc<Self>) -> Result<(), Failed> {
        within("the pool for blocking work", async {
            tokio::task::spawn_blocking(|| ()).await.map_err(|e| BrokerError::Internal(e.to_string()))
        })
        .await?;
        let broker = self.clone();
        within("reading", blocking(move || broker.store.heads().map(|_| ()))).await?;
        within("a durable write", async { Ok(self.store.probe().await?) }).await?;
        let (broker, turn) = (self.clone(), self.readiness.files.clone());
        let files = blocking(move || {
            let _turn = match turn.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(StoreError::Form("the check before has not ended")),
                held => held,
            };
            broker.blobs.try_folder()
        });
        within("the folder of payloads", files).await?;
        let broker = self.clone();
        let rooms = blocking(move || Ok([broker.store.room()?, broker.blobs.room()?]));
        let rooms = within("the room left", rooms).await?;
        if rooms.iter().any(|room| room.is_low()) {
            return Err(Failed { what: "the room left", error: BrokerError::Full });
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, BrokerError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.map_err(|e| BrokerError::Internal(e.to_string()))?.map_err(|error| match &error {
        StoreError::File { source, .. } if is_full(source) => BrokerError::Full,
        _ => error.into(),
    })
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

async fn within<T>(what: &'static str, act: impl Future<Output = Result<T, BrokerError>>) -> Result<T, Failed> {
    let time = std::time::Duration::from_secs(limits::READY_SECONDS);
    let done = tokio::time::timeout(time, act).await;
    let done = done.unwrap_or_else(|_| Err(BrokerError::Internal("no answer in time".to_owned())));
    done.map_err(|error| Failed { what, error })
}

fn told(failed: &Failed) -> Problem {
    let Failed { what, error } = failed;
    tracing::warn!(error = error.log_text(), "not ready: {what}");
    match error {
        BrokerError::Full => {
            Problem::new(ProblemType::StorageFull).with_detail(format!("{what}: the volume is full, or nearly"))
        }
        _ => Problem::new(ProblemType::Busy).with_detail(format!("{what} does not work; the log says why")),
    }
}
