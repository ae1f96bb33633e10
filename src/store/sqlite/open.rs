//! Opening a data folder: its lock, its tables, genesis or the time nobody watched, and the writer's thread.

use super::{
    batch::{Batch, read_entry},
    guard,
    points::Points,
    queue::{self, Bounds, NoRoom, lanes},
    read, schema,
    shared::{LogSigners, Shared},
    writer::{Job, Receipts, Urgency, Watch, Writer, job},
};
use crate::{
    model::{
        ambient::{Clock, Entropy},
        event::{EntryRef, Event, Log},
        limits,
        time::Timestamp,
    },
    store::{
        CommitError, Pending, Recorded, StoreError,
        anchor::{Anchor, Place},
        faults::Faults,
        sealed::Sealer,
    },
    wire::{
        entry::{AuditorPart, Happening},
        genesis::SignedGenesis,
    },
};
use rusqlite::Connection;
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    thread,
};
use zeroize::Zeroizing;

/// The keys a broker needs. They live outside the data folder.
pub struct Keys {
    /// Sign the logs' checkpoints.
    pub logs: LogSigners,
    /// Seals columns.
    pub storage: Zeroizing<[u8; 32]>,
}

/// What opening needs besides the folder.
pub struct Opening {
    /// The trust root; a new folder begins with it, an old one must belong to it.
    pub genesis: SignedGenesis,
    /// Log and storage keys.
    pub keys: Keys,
    /// The rollback anchor: beside the keys, never in the data folder.
    pub anchor: Place,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for salts and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Most operations in one commit; [`limits::BATCH_OPERATIONS`] but for measurements.
    pub batch_operations: usize,
    /// Where tests break the writer; [`Sound`](crate::store::faults::Sound) breaks nothing.
    pub faults: Arc<dyn Faults>,
}

/// The embedded store.
pub struct SqliteStore {
    pub(super) shared: Arc<Shared>,
    pub(super) path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    pub(super) writer: RunningWriter,
    pub(super) clock: Arc<dyn Clock>,
    /// Held as long as anybody may write: a second broker on the same folder is refused. Dropped last.
    _lock: File,
}

/// The writer's thread. Dropping waits for what is queued, so that the lock is never given up before the last commit.
pub(super) struct RunningWriter {
    jobs: Option<queue::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunningWriter {
    pub(super) fn send(&self, job: Job) -> Result<(), NoRoom> {
        self.jobs.as_ref().map_or(Err(NoRoom), |jobs| jobs.send(job.lane(), job))
    }
}

impl Drop for RunningWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl SqliteStore {
    /// Opens or makes a data folder.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::OtherGenesis`], [`StoreError::Anchor`], or what the file system and the database answer.
    pub fn open(folder: &Path, opening: Opening) -> Result<Self, StoreError> {
        let file = |what, source| StoreError::File { what, path: folder.display().to_string(), source };
        let mut private = fs::DirBuilder::new();
        private.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
        private.create(folder).map_err(|e| file("cannot make the data folder", e))?;
        let lock = lock(folder)?;
        let path = folder.join("amana.db");
        let connection = schema::writer(&path)?;
        let points = Points::new(opening.faults.clone());
        let (anchor, clock, batch_operations) =
            (opening.anchor.clone(), opening.clock.clone(), opening.batch_operations);
        let shared = Arc::new(taken(opening));
        let mut anchor = begin(&connection, &shared, &*clock, &points, &anchor)?;
        let (tips, heads) = (read::tips(&connection)?, read::heads(&connection)?);
        guard::keep(&mut anchor, heads, &points)?;
        shared.committed(tips.last_at);
        shared.shown.up_to(&heads);
        let watch = Watch::of(&*clock);
        let bounds = Bounds { stop: limits::QUEUED_STOPS, ordinary: limits::QUEUED_OPERATIONS };
        let (jobs, queue) = lanes(bounds);
        let writer = Writer {
            connection,
            path: path.clone(),
            shared: shared.clone(),
            clock: clock.clone(),
            points,
            tips,
            heads,
            anchor,
            lost: false,
            watch,
            batch_operations,
        };
        let thread = thread::Builder::new()
            .name("amana-writer".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|e| file("cannot start the writer", e))?;
        let writer = RunningWriter { jobs: Some(jobs), thread: Some(thread) };
        Ok(Self { shared, path, readers: Mutex::default(), writer, clock, _lock: lock })
    }

    pub(super) fn reading<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let pooled = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => schema::reader(&self.path).map_err(|e| E::from(StoreError::from(e)))?,
        };
        let result = read(&connection);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }

    /// Reads what is shown to others: one moment of the log, of which the anchor knows.
    pub(super) fn showing<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.reading(|connection| {
            let snapshot = connection.unchecked_transaction().map_err(StoreError::from)?;
            guard::wait(&snapshot, &self.shared.shown)?;
            read(&snapshot)
        })
    }

    pub(super) fn submit<T: Send + 'static, U: Send + 'static>(
        &self,
        urgency: Urgency,
        operation: impl FnOnce(&mut Batch<'_>) -> Result<T, CommitError> + Send + 'static,
        finish: impl FnOnce(T, &Receipts) -> U + Send + 'static,
    ) -> Pending<U> {
        let (job, answer) = job(urgency, operation, finish);
        let sent = self.writer.send(job);
        Box::pin(async move {
            sent.map_err(|_| CommitError::Busy)?;
            // The writer answers every job it takes; a dropped answer means it died with the job.
            answer.await.unwrap_or(Err(CommitError::Unknown))
        })
    }

    pub(super) fn submit_entry(
        &self,
        urgency: Urgency,
        operation: impl FnOnce(&mut Batch<'_>) -> Result<EntryRef, CommitError> + Send + 'static,
    ) -> Pending<Recorded> {
        self.submit(urgency, operation, |entry, receipts| Recorded { entry, receipt: receipt_of(entry, receipts) })
    }
}

/// The receipt of an entry that was just committed.
pub(super) fn receipt_of(entry: EntryRef, receipts: &Receipts) -> String {
    receipts.get(&entry).cloned().unwrap_or_default()
}

/// What writer and readers share, from what opening needs.
pub(super) fn taken(opening: Opening) -> Shared {
    let Opening { genesis, keys, entropy, .. } = opening;
    Shared {
        sealer: Sealer::new(&keys.storage, entropy.clone()),
        signers: keys.logs,
        entropy,
        genesis,
        revoke_only: Mutex::default(),
        last_at: AtomicU64::default(),
        shown: guard::Shown::default(),
    }
}

pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let file_error = |source| StoreError::File { what: "cannot lock", path: path.display().to_string(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(file_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(file_error(error)),
    }
}

/// Lays genesis in a new folder; in an old one checks that it is the same, and that it is the newest, and notes the time
/// nobody watched. Before anything is committed, the anchor is held.
fn begin(
    connection: &Connection,
    shared: &Shared,
    clock: &dyn Clock,
    points: &Points,
    place: &Place,
) -> Result<Anchor, StoreError> {
    let tips = read::tips(connection)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut batch = Batch::new(connection, &shared.sealer, &*shared.entropy, tips, clock.wall());
    let held = belongs(&batch, shared).and_then(|()| guard::take(connection, place, shared.genesis.digest()));
    let begun = held.and_then(|anchor| {
        match tips.register {
            0 => lay(&mut batch, shared)?,
            _ => resume(&mut batch, tips.last_at, clock)?,
        }
        shared.signers.check(&batch.roster()?.row.roster.log_keys)?;
        batch.seal_heads(&shared.signers).map(|_| anchor)
    });
    match begun {
        Ok(anchor) => {
            points.step("sqlite.open", || Ok::<(), StoreError>(connection.execute_batch("COMMIT")?))?;
            Ok(anchor)
        }
        Err(error) => {
            drop(connection.execute_batch("ROLLBACK"));
            Err(error)
        }
    }
}

/// A log that has entries begins with the genesis it is opened under.
pub(super) fn belongs(batch: &Batch<'_>, shared: &Shared) -> Result<(), StoreError> {
    if batch.tips().register == 0 {
        return Ok(());
    }
    let first = read_entry(batch.connection(), batch.sealer(), EntryRef { log: Log::Register, index: 0 })?;
    let ours = shared.genesis.entry().encode().map_err(|_| StoreError::Form("genesis"))?;
    if first.is_none_or(|entry| entry.shared() != Ok(ours.as_str())) { Err(StoreError::OtherGenesis) } else { Ok(()) }
}

fn lay(batch: &mut Batch<'_>, shared: &Shared) -> Result<(), StoreError> {
    let genesis = &shared.genesis;
    let event = Event::GenesisLaid(Box::new(genesis.genesis().clone()), genesis.digest());
    batch.lay_genesis(&event, &genesis.entry())
}

fn resume(batch: &mut Batch<'_>, last: Timestamp, clock: &dyn Clock) -> Result<(), StoreError> {
    let now = clock.wall();
    let event = Event::ClockResumed { last, now };
    let happening = Happening::ClockResumed { last, now };
    match batch.append(&event, happening, None, &AuditorPart::default()) {
        Ok(_) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error),
        Err(_) => Err(StoreError::Form("the clock's row")),
    }
}
