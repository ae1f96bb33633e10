//! The one writer: natural group commit.
//!
//! While a commit waits for the disk, operations queue up; the next batch takes all of them, those that stop first
//! (`queue`). No timer: a lone operation commits at once. Each operation has its own savepoint, so that one refusal does
//! not undo its neighbours.

use super::{
    batch::{Batch, SealedHeads, Tips},
    guard,
    points::Points,
    queue::{Lane, Receiver},
    read, schema,
    shared::Shared,
};
use crate::{
    model::{
        ambient::Clock,
        event::{EntryRef, Log},
        limits,
        time::{Duration, Timestamp},
    },
    store::{CommitError, Heads, StoreError, anchor::Anchor},
    wire::statement::SeenTree,
};
use rusqlite::Connection;
use std::{collections::HashMap, path::PathBuf, sync::Arc, thread};
use tokio::sync::oneshot;

/// Receipts of the entries a committed batch appended.
pub(super) type Receipts = HashMap<EntryRef, String>;

/// Told after the commit, with receipts or with what went wrong.
type Answer = Box<dyn FnOnce(Result<&Receipts, CommitError>) + Send>;

/// What an operation is taken before, and whether it is taken at all when only revocation is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Refused while only revocation is possible.
    Ordinary,
    /// Always taken, in its turn: signing in, and the probe of readiness. Neither may hold up what stops.
    Always,
    /// Always taken, and first: revocation, and the destruction it brings.
    Stop,
}

pub(super) enum Job {
    Work(Urgency, Box<dyn Work>),
    EmptyWal(oneshot::Sender<Result<bool, CommitError>>),
}

impl Job {
    /// Where it waits. Emptying the write-ahead log is the last step of destroying a header.
    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::Work(Urgency::Stop, _) | Self::EmptyWal(_) => Lane::Stop,
            Self::Work(Urgency::Ordinary | Urgency::Always, _) => Lane::Ordinary,
        }
    }
}

/// One operation that waits for its transaction.
pub(super) trait Work: Send {
    /// Runs inside the transaction; answers at once when it failed.
    fn run(self: Box<Self>, batch: &mut Batch<'_>) -> Option<Answer>;
    /// Answers without having run.
    fn refuse(self: Box<Self>, error: CommitError);
}

struct Waiting<Op, Finish, U> {
    operation: Op,
    finish: Finish,
    answer: oneshot::Sender<Result<U, CommitError>>,
}

impl<T, U, Op, Finish> Work for Waiting<Op, Finish, U>
where
    T: Send + 'static,
    U: Send + 'static,
    Op: FnOnce(&mut Batch<'_>) -> Result<T, CommitError> + Send,
    Finish: FnOnce(T, &Receipts) -> U + Send + 'static,
{
    fn run(self: Box<Self>, batch: &mut Batch<'_>) -> Option<Answer> {
        let Self { operation, finish, answer } = *self;
        match operation(batch) {
            // The caller may be gone by then; the commit stands all the same.
            Ok(value) => Some(Box::new(move |outcome: Result<&Receipts, CommitError>| {
                drop(answer.send(outcome.map(|receipts| finish(value, receipts))));
            })),
            Err(error) => {
                drop(answer.send(Err(error)));
                None
            }
        }
    }
    fn refuse(self: Box<Self>, error: CommitError) {
        drop(self.answer.send(Err(error)));
    }
}

/// Wraps an operation and the making of its answer into a job.
pub(super) fn job<T: Send + 'static, U: Send + 'static>(
    urgency: Urgency,
    operation: impl FnOnce(&mut Batch<'_>) -> Result<T, CommitError> + Send + 'static,
    finish: impl FnOnce(T, &Receipts) -> U + Send + 'static,
) -> (Job, oneshot::Receiver<Result<U, CommitError>>) {
    let (answer, receiver) = oneshot::channel();
    (Job::Work(urgency, Box::new(Waiting { operation, finish, answer })), receiver)
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) points: Points,
    /// Where the log ends, unless that is `lost`.
    pub(super) tips: Tips,
    /// Both trees there.
    pub(super) heads: Heads,
    /// What remembers them outside the data.
    pub(super) anchor: Anchor,
    /// The outcome of a commit is unknown: the next transaction looks where the log ends before it writes.
    pub(super) lost: bool,
    pub(super) watch: Watch,
    pub(super) batch_operations: usize,
}

/// The last moment the writer looked at both clocks.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    wall: Timestamp,
    monotonic: Duration,
}

impl Watch {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.wall(), monotonic: clock.monotonic() }
    }
    /// Whether the wall clock ran ahead of monotonic time by more than it may.
    fn jumped(self, now: Self) -> bool {
        now.wall > self.expected(now).plus(limits::CLOCK_JUMP)
    }
    /// What the wall clock would show now, had only monotonic time passed since.
    fn expected(self, now: Self) -> Timestamp {
        let passed = now.monotonic.as_seconds().saturating_sub(self.monotonic.as_seconds());
        self.wall.plus(Duration::from_seconds(passed))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.only_revoke("the writer died; restart the broker");
        }
    }
}

impl Writer {
    /// Runs until the sender is gone and nothing waits.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Some(batch) = jobs.take(self.batch_operations) {
            self.look_at_clock();
            let mut work = Vec::with_capacity(batch.len());
            let mut empty_wal = Vec::new();
            for job in batch {
                match job {
                    Job::Work(urgency, operation) => work.push((urgency, operation)),
                    Job::EmptyWal(answer) => empty_wal.push(answer),
                }
            }
            if !work.is_empty() {
                self.commit(work);
            }
            for answer in empty_wal {
                drop(answer.send(self.empty_wal()));
            }
        }
    }

    fn look_at_clock(&mut self) {
        let now = Watch::of(&*self.clock);
        if self.watch.jumped(now) {
            self.shared.only_revoke("the wall clock jumped ahead by more than 10 minutes");
            // Time goes on from the reading of before: the jump does not become normal by waiting, and what is still
            // accepted, revocations, is not judged by a clock that stands.
            self.watch = Watch { wall: self.watch.expected(now), ..now };
            return;
        }
        // A clock that was set back may be put right again: the log never went back with it.
        self.watch = Watch { wall: now.wall.max(self.tips.last_at), ..now };
    }

    fn commit(&mut self, work: Vec<(Urgency, Box<dyn Work>)>) {
        // An operation runs inside a transaction or not at all.
        if let Err(error) = self.begin() {
            let failure = self.abandon(&error);
            for (_, operation) in work {
                operation.refuse(failure.error());
            }
            return;
        }
        let mut answers = Vec::with_capacity(work.len());
        match self.transaction(work, &mut answers) {
            Ok((tips, sealed)) => {
                self.tips = tips;
                self.shared.committed(tips.last_at);
                let anchored = self.anchor(sealed.changed);
                let receipts = sealed.receipts.into_iter().collect();
                for (urgency, answer) in answers {
                    // Who withdraws is told: the commit is durable, and the receipt is evidence should it be undone.
                    // Nobody else acts on what nothing outside the data knows of.
                    let safe = anchored.is_ok() || urgency != Urgency::Ordinary;
                    answer(if safe { Ok(&receipts) } else { Err(CommitError::Unknown) });
                }
            }
            Err(failure) => {
                if failure == Failure::Unknown {
                    self.shared.only_revoke("the outcome of a commit is unknown; restart the broker");
                    self.shared.shown.lose();
                    self.lost = true;
                }
                for (_, answer) in answers {
                    answer(Err(failure.error()));
                }
            }
        }
    }

    /// Moves the anchor up to what was committed, before anybody is answered. A commit stands without it.
    fn anchor(&mut self, changed: Vec<(Log, SeenTree)>) -> Result<(), StoreError> {
        for (log, tree) in changed {
            match log {
                Log::Register => self.heads.register = tree,
                Log::Case => self.heads.case = tree,
            }
        }
        let kept = guard::keep(&mut self.anchor, self.heads, &self.points);
        match &kept {
            Ok(()) => self.shared.shown.up_to(&self.heads),
            Err(error) => {
                tracing::error!(%error, "the rollback anchor cannot be written");
                self.shared.only_revoke("the rollback anchor cannot be written; restart the broker when it can");
                self.shared.shown.lose();
            }
        }
        kept
    }

    /// Opens a transaction, and knows where the log ends in it.
    fn begin(&mut self) -> Result<(), StoreError> {
        let connection = &self.connection;
        if !connection.is_autocommit() {
            // What could not be rolled back before is now, or nobody could write any more.
            connection.execute_batch("ROLLBACK")?;
        }
        self.points.step("sqlite.begin", || connection.execute_batch("BEGIN IMMEDIATE"))?;
        if self.lost {
            (self.tips, self.heads) = (read::tips(connection)?, read::heads(connection)?);
            self.shared.committed(self.tips.last_at);
            self.lost = false;
        }
        Ok(())
    }

    fn transaction(
        &self,
        work: Vec<(Urgency, Box<dyn Work>)>,
        answers: &mut Vec<(Urgency, Answer)>,
    ) -> Result<(Tips, SealedHeads), Failure> {
        let (connection, shared) = (&self.connection, &self.shared);
        let mut batch = Batch::new(connection, &shared.sealer, &*shared.entropy, self.tips, self.watch.wall);
        let revoke_only = shared.why_revoke_only();
        let mut work = work.into_iter();
        while let Some((urgency, operation)) = work.next() {
            if let Some(why) = revoke_only
                && urgency == Urgency::Ordinary
            {
                operation.refuse(CommitError::RevokeOnly(why));
                continue;
            }
            if let Err(error) = self.operate(&mut batch, (urgency, operation), answers) {
                let failure = self.abandon(&error);
                // Those behind it never ran, and are told so.
                work.for_each(|(_, operation)| operation.refuse(failure.error()));
                return Err(failure);
            }
        }
        let sealed = self.points.step("sqlite.heads", || batch.seal_heads(&shared.signers));
        let sealed = sealed.map_err(|error| self.abandon(&error))?;
        let tips = batch.tips();
        match self.points.step("sqlite.commit", || connection.execute_batch("COMMIT")) {
            Ok(()) => Ok((tips, sealed)),
            Err(error) => self.after_failed_commit(&error, tips).map(|()| (tips, sealed)),
        }
    }

    /// Runs one operation in its savepoint. An error is one of the whole transaction.
    fn operate(
        &self,
        batch: &mut Batch<'_>,
        (urgency, operation): (Urgency, Box<dyn Work>),
        answers: &mut Vec<(Urgency, Answer)>,
    ) -> Result<(), StoreError> {
        let run = |sql| self.connection.execute_batch(sql);
        if let Err(error) = self.points.step("sqlite.savepoint", || run("SAVEPOINT operation")) {
            operation.refuse(Failure::of(&error).error());
            return Ok(());
        }
        let (tips, appended) = (batch.tips(), batch.appended());
        if let Some(answer) = operation.run(batch) {
            answers.push((urgency, answer));
            self.points.step("sqlite.release", || run("RELEASE operation"))?;
        } else {
            self.points.step("sqlite.undo", || run("ROLLBACK TO operation; RELEASE operation"))?;
            batch.forget(tips, appended);
        }
        Ok(())
    }

    fn abandon(&self, error: &StoreError) -> Failure {
        drop(self.connection.execute_batch("ROLLBACK"));
        match error {
            StoreError::Database(error) => Failure::of(error),
            _ => Failure::Storage,
        }
    }

    /// A failed COMMIT may have been applied. The database is read again through a fresh connection.
    fn after_failed_commit(&self, error: &rusqlite::Error, wanted: Tips) -> Result<(), Failure> {
        drop(self.connection.execute_batch("ROLLBACK"));
        let found: Result<Tips, StoreError> =
            self.points.step("sqlite.reread", || read::tips(&schema::reader(&self.path)?));
        match found {
            // A batch without an entry leaves no trace to look for; it counts as undone.
            Ok(found) if found == wanted && wanted != self.tips => Ok(()),
            Ok(found) if found == self.tips => Err(Failure::of(error)),
            _ => Err(Failure::Unknown),
        }
    }

    fn empty_wal(&self) -> Result<bool, CommitError> {
        // Not waited for: while the writer waits for a reader, nobody can revoke.
        self.connection.busy_timeout(std::time::Duration::ZERO).map_err(StoreError::from)?;
        let empty = || self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        let busy = self.points.step("sqlite.checkpoint", empty);
        self.connection.busy_timeout(schema::BUSY).map_err(StoreError::from)?;
        match busy {
            Ok(busy) => Ok(busy == 0),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(StoreError::from(error).into()),
        }
    }
}

/// Why a whole batch did not commit; can be told to many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failure {
    Full,
    Storage,
    Unknown,
}

impl Failure {
    fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Storage,
        }
    }
    fn error(self) -> CommitError {
        match self {
            Self::Full => CommitError::Full,
            Self::Storage => CommitError::Storage(StoreError::Form("the transaction could not be committed")),
            Self::Unknown => CommitError::Unknown,
        }
    }
}
