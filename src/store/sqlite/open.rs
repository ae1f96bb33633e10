//! Opening a data folder, and the store's side of every method of the contract.

use super::{
    batch::{Batch, read_entry, read_fact},
    operations, read, schema,
    writer::{Job, Receipts, Urgency, Watch, Writer, job},
};
use crate::{
    model::{
        ambient::{Clock, Entropy},
        event::{EntryRef, Event, Log},
        facts::ReleaseRecord,
        ids::{Digest, GrantId, KeyId, PartyId},
        limits,
        release::ReleaseRequest,
        statement::{Body, Kind},
        time::Timestamp,
    },
    policy::{Denied, OwnerFetch, Permit, Redelivery, Release},
    store::{Attachment, CommitError, Heads, Logged, OwnRecord, Pending, Recorded, Store, StoreError, sealed::Sealer},
    tlog::{Checkpoint, Ed25519NoteSigner, Hash, NoteSigner as _},
    wire::{
        api::BundleLine,
        entry::{AuditorPart, Happening},
        genesis::SignedGenesis,
        statement::Verified,
    },
};
use rusqlite::Connection;
use std::{
    fs::{self, File, TryLockError},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// The keys a broker needs. They live outside the data folder.
pub struct Keys {
    /// Signs the register's checkpoints.
    pub register: Ed25519NoteSigner,
    /// Signs the case log's checkpoints.
    pub case: Ed25519NoteSigner,
    /// Seals columns.
    pub storage: Zeroizing<[u8; 32]>,
}

/// What opening needs besides the folder.
pub struct Opening {
    /// The trust root; a new folder begins with it, an old one must belong to it.
    pub genesis: SignedGenesis,
    /// Log and storage keys.
    pub keys: Keys,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for salts and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Most operations in one commit; [`limits::BATCH_OPERATIONS`] but for measurements.
    pub batch_operations: usize,
}

pub(super) struct LogSigners {
    register: Ed25519NoteSigner,
    case: Ed25519NoteSigner,
}

impl LogSigners {
    pub(super) fn checkpoint(&self, log: Log, size: u64, root: Hash) -> Result<String, StoreError> {
        let signer = match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        };
        let checkpoint = Checkpoint::new(signer.name(), size, root).map_err(|_| StoreError::Tree)?;
        checkpoint.signed(signer).map_err(|_| StoreError::Tree)
    }
}

/// What writer and readers share.
pub(super) struct Shared {
    pub(super) sealer: Sealer,
    pub(super) signers: LogSigners,
    pub(super) entropy: Arc<dyn Entropy>,
    genesis: SignedGenesis,
    revoke_only: Mutex<Option<&'static str>>,
    /// Time of the last committed entry, in seconds.
    last_at: AtomicU64,
}

impl Shared {
    pub(super) fn committed(&self, last_at: Timestamp) {
        self.last_at.store(last_at.as_seconds(), Ordering::Release);
    }
    pub(super) fn only_revoke(&self, why: &'static str) {
        self.revoke_only.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
    pub(super) fn why_revoke_only(&self) -> Option<&'static str> {
        *self.revoke_only.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The embedded store.
pub struct SqliteStore {
    shared: Arc<Shared>,
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    writer: RunningWriter,
    clock: Arc<dyn Clock>,
    /// Held as long as anybody may write: a second broker on the same folder is refused. Dropped last.
    _lock: File,
}

/// The writer's thread. Dropping waits for what is queued, so that the lock is never given up before the last commit.
struct RunningWriter {
    jobs: Option<mpsc::SyncSender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunningWriter {
    fn send(&self, job: Job) -> Result<(), mpsc::TrySendError<Job>> {
        match &self.jobs {
            Some(jobs) => jobs.try_send(job),
            None => Err(mpsc::TrySendError::Disconnected(job)),
        }
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
    /// [`StoreError::InUse`], [`StoreError::OtherGenesis`], or what the file system and the database answer.
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
        let Opening { genesis, keys, clock, entropy, batch_operations } = opening;
        let shared = Arc::new(Shared {
            sealer: Sealer::new(&keys.storage, entropy.clone()),
            signers: LogSigners { register: keys.register, case: keys.case },
            entropy,
            genesis,
            revoke_only: Mutex::default(),
            last_at: AtomicU64::default(),
        });
        begin(&connection, &shared, &*clock)?;
        let tips = read::tips(&connection)?;
        shared.committed(tips.last_at);
        let watch = Watch::of(&*clock);
        let (jobs, queue) = mpsc::sync_channel(limits::QUEUED_OPERATIONS);
        let writer = Writer {
            connection,
            path: path.clone(),
            shared: shared.clone(),
            clock: clock.clone(),
            tips,
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

    fn reading<T, E: From<StoreError>>(&self, read: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let pooled = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => schema::reader(&self.path).map_err(|e| E::from(StoreError::from(e)))?,
        };
        let result = read(&connection);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        result
    }

    fn submit<T: Send + 'static, U: Send + 'static>(
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

    fn submit_entry(
        &self,
        urgency: Urgency,
        operation: impl FnOnce(&mut Batch<'_>) -> Result<EntryRef, CommitError> + Send + 'static,
    ) -> Pending<Recorded> {
        self.submit(urgency, operation, |entry, receipts| Recorded { entry, receipt: receipt_of(entry, receipts) })
    }
}

fn receipt_of(entry: EntryRef, receipts: &Receipts) -> String {
    receipts.get(&entry).cloned().unwrap_or_default()
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let file_error = |source| StoreError::File { what: "cannot lock", path: path.display().to_string(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(file_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(file_error(error)),
    }
}

/// Lays genesis in a new folder; in an old one checks that it is the same and notes the time nobody watched.
fn begin(connection: &Connection, shared: &Shared, clock: &dyn Clock) -> Result<(), StoreError> {
    let tips = read::tips(connection)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut batch = Batch::new(connection, &shared.sealer, &*shared.entropy, tips, clock.wall());
    let laid =
        if tips.register == 0 { lay(&mut batch, shared) } else { resume(&mut batch, shared, tips.last_at, clock) };
    let sealed = laid.and_then(|()| batch.seal_heads(&shared.signers).map(|_| ()));
    match sealed {
        Ok(()) => Ok(connection.execute_batch("COMMIT")?),
        Err(error) => {
            drop(connection.execute_batch("ROLLBACK"));
            Err(error)
        }
    }
}

fn lay(batch: &mut Batch<'_>, shared: &Shared) -> Result<(), StoreError> {
    let genesis = &shared.genesis;
    let event = Event::GenesisLaid(Box::new(genesis.genesis().clone()), genesis.digest());
    batch.lay_genesis(&event, &genesis.entry())
}

fn resume(batch: &mut Batch<'_>, shared: &Shared, last: Timestamp, clock: &dyn Clock) -> Result<(), StoreError> {
    let first = read_entry(batch.connection(), batch.sealer(), EntryRef { log: Log::Register, index: 0 })?;
    let ours = shared.genesis.entry().encode().map_err(|_| StoreError::Form("genesis"))?;
    if first.is_none_or(|entry| entry.shared() != ours) {
        return Err(StoreError::OtherGenesis);
    }
    let now = clock.wall();
    let event = Event::ClockResumed { last, now };
    let happening = Happening::ClockResumed { last, now };
    match batch.append(&event, happening, None, &AuditorPart::default()) {
        Ok(_) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error),
        Err(_) => Err(StoreError::Form("the clock's row")),
    }
}

impl Store for SqliteStore {
    fn fact(&self, kind: &'static str, key: &str) -> Result<Option<(EntryRef, String)>, StoreError> {
        self.reading(|connection| read_fact(connection, &self.shared.sealer, kind, key))
    }
    fn listing(&self, viewer: PartyId, kind: &'static str) -> Result<Vec<String>, StoreError> {
        self.reading(|connection| read::listing(connection, viewer, kind))
    }
    fn due_grants(&self, now: Timestamp) -> Result<Vec<GrantId>, StoreError> {
        self.reading(|connection| read::due_grants(connection, now))
    }
    fn entry_shared(&self, entry: EntryRef) -> Result<Option<String>, StoreError> {
        let read = |connection: &Connection| read_entry(connection, &self.shared.sealer, entry);
        Ok(self.reading(read)?.map(|full| full.shared().to_owned()))
    }
    fn receipt(&self, entry: EntryRef) -> Result<String, StoreError> {
        self.reading(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            read::entry_receipt(&snapshot, &self.shared.sealer, entry)
        })
    }
    fn heads(&self) -> Result<Heads, StoreError> {
        self.reading(|connection| read::heads(&*connection.unchecked_transaction()?))
    }
    fn root_at(&self, log: Log, size: u64) -> Result<Option<Digest>, StoreError> {
        self.reading(|connection| read::root_at(&*connection.unchecked_transaction()?, log, size))
    }
    fn checkpoint(&self, log: Log, since: u64) -> Result<Option<(String, Vec<String>)>, StoreError> {
        self.reading(|connection| read::checkpoint(&*connection.unchecked_transaction()?, log, since))
    }
    fn last_entry_at(&self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_seconds(self.shared.last_at.load(Ordering::Acquire)))
    }
    fn export(&self, line: &mut dyn FnMut(BundleLine) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.reading(|connection| read::export(connection, &self.shared.sealer, self.shared.genesis.note(), line))
    }

    fn accept(&self, statement: Verified<Body>, attachment: Attachment) -> Pending<Recorded> {
        let stops = statement.signed().kind == Kind::Revocation;
        let urgency = if stops { Urgency::Stop } else { Urgency::Ordinary };
        let appended = self.submit(
            urgency,
            move |batch| operations::accept(batch, &statement, attachment),
            |appended, receipts| {
                let receipt = if appended.before { None } else { Some(receipt_of(appended.entry, receipts)) };
                (appended.entry, receipt)
            },
        );
        let (path, shared) = (self.path.clone(), self.shared.clone());
        Box::pin(async move {
            let (entry, receipt) = appended.await?;
            if let Some(receipt) = receipt {
                return Ok(Recorded { entry, receipt });
            }
            // Accepted before: its first entry, proved under the newest checkpoint.
            let connection = schema::reader(&path).map_err(StoreError::from)?;
            Ok(Recorded { entry, receipt: read::entry_receipt(&connection, &shared.sealer, entry)? })
        })
    }

    fn receive_header(&self, grant: GrantId, header: Vec<u8>) -> Pending<Recorded> {
        self.submit_entry(Urgency::Ordinary, move |batch| operations::receive_header(batch, grant, &header))
    }

    fn commit_release(&self, permit: Permit<Release>, request: Verified<ReleaseRequest>) -> Pending<Logged<Release>> {
        self.submit(
            Urgency::Ordinary,
            move |batch| operations::commit_release(batch, &permit, &request),
            |(entry, header), receipts| Logged::new(entry, header, receipt_of(entry, receipts)),
        )
    }

    fn redeliver(&self, permit: Permit<Redelivery>) -> Pending<Logged<Release>> {
        let result = match self.shared.why_revoke_only() {
            Some(why) => Err(CommitError::RevokeOnly(why)),
            None if self.clock.wall() >= permit.valid_before() => Err(CommitError::Conflict),
            None => self.reading(|connection| read::redelivered_header(connection, &self.shared.sealer, &permit)),
        };
        Box::pin(async move { result.map(|(entry, header, receipt)| Logged::new(entry, header, receipt)) })
    }

    fn commit_owner_fetch(&self, permit: Permit<OwnerFetch>) -> Pending<Logged<OwnerFetch>> {
        self.submit(
            Urgency::Ordinary,
            move |batch| operations::commit_owner_fetch(batch, &permit),
            |(entry, header), receipts| Logged::new(entry, header, receipt_of(entry, receipts)),
        )
    }

    fn deny(&self, denied: Denied<ReleaseRecord>, request: Verified<ReleaseRequest>) -> Pending<Recorded> {
        self.submit_entry(Urgency::Ordinary, move |batch| operations::deny(batch, &denied, &request))
    }

    fn record(&self, what: OwnRecord) -> Pending<Recorded> {
        let urgency = match what {
            OwnRecord::Shredded(..) | OwnRecord::GrantEnded(..) => Urgency::Stop,
            _ => Urgency::Ordinary,
        };
        self.submit_entry(urgency, move |batch| operations::own_record(batch, what))
    }

    fn empty_wal(&self) -> Pending<bool> {
        let (sender, answer) = oneshot::channel();
        let sent = self.writer.send(Job::EmptyWal(sender));
        Box::pin(async move {
            sent.map_err(|_| CommitError::Busy)?;
            answer.await.unwrap_or(Err(CommitError::Unknown))
        })
    }

    fn probe(&self) -> Pending<()> {
        self.submit(Urgency::Stop, |_| Ok(()), |(), _| ())
    }

    fn spend_assertion(&self, client: KeyId, jti: String, until: Timestamp) -> Pending<bool> {
        let spend = move |batch: &mut Batch<'_>| operations::spend_assertion(batch, client, &jti, until);
        // Signing in only reads; auditors need it most when nothing but withdrawal is possible.
        self.submit(Urgency::Stop, spend, |fresh, _| fresh)
    }

    fn only_revoke(&self, why: &'static str) {
        self.shared.only_revoke(why);
    }
    fn revoke_only(&self) -> Option<&'static str> {
        self.shared.why_revoke_only()
    }
}
