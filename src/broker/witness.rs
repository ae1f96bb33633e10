//! Being a witness: judge a checkpoint, store it, and only then cosign it.
//!
//! Nothing of a broker is used here; a witness is somebody else's, and holds no reports. For each log one request at a
//! time is judged and stored, so that two at once cannot both be right against the same last tree. It must never
//! answer with a cosignature that is not durable, cosign at a time before the one it gave last, or begin again with a
//! log whose last tree it lost.

use crate::{
    model::{ambient::Clock, limits},
    store::witnessed::{Evidence, Refused, Witnessed, WitnessedError, log_id},
    tlog::{
        AddCheckpoint, Checkpoint, CosignatureSigner, Last, MAX_ADD_CHECKPOINT_BYTES, Note, NoteVerifier, Standing,
        Suspicion, Verdict, judge, standings,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};
use tokio::sync::Semaphore;

/// Longest request read, in bytes.
pub const REQUEST_BYTES: usize = MAX_ADD_CHECKPOINT_BYTES;

/// A running witness.
pub struct Witness {
    store: Witnessed,
    signer: CosignatureSigner,
    keys: Vec<NoteVerifier>,
    /// By [`log_id`].
    logs: BTreeMap<String, Log>,
    clock: Arc<dyn Clock>,
    turns: Arc<Semaphore>,
}

/// One log that is witnessed.
struct Log {
    origin: String,
    known: Mutex<Known>,
    /// For readers, who must not wait for a disk.
    latest: RwLock<Option<Arc<str>>>,
}

/// What is known of a log.
enum Known {
    /// It was never cosigned.
    Nothing,
    /// This was cosigned last.
    Tree(Cosigned),
    /// A write failed: what is on disk has to be read before anything else.
    Unsure,
}

struct Cosigned {
    last: Last,
    time: u64,
    text: String,
    line: String,
    note: String,
}

/// What a witness answers to a request to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Our signature line, without newline: 200.
    Cosigned(String),
    /// Not a request: 400, with the reason.
    Malformed(String),
    /// No known key of the log signed: 403.
    BadSignature,
    /// No log of this origin is configured: 404.
    NotConfigured,
    /// The request starts from another size: 409, with ours.
    Conflict(u64),
    /// The proof does not hold: 422.
    Inconsistent,
    /// Too much at once: 503.
    Busy,
    /// Our clock reads earlier than our last cosignature: 503.
    ClockBehind,
    /// The disk failed; nothing was cosigned: 503.
    Failed,
}

/// A witness cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Its folder.
    #[error(transparent)]
    Store(#[from] WitnessedError),
    /// Nothing to do.
    #[error("no log is named: a witness cosigns nothing but the logs whose keys it is given (--log)")]
    NoLogs,
    /// More than [`limits::WITNESSED_LOGS`].
    #[error("{0} keys of logs are more than the 4096 one witness takes")]
    TooManyLogs(usize),
    /// What was kept is not ours, or damaged.
    #[error(
        "the checkpoint kept for {0} is not one that this witness's key cosigned: it is damaged, or of another witness. \
         Bring the right file back; without it a fork could not be noticed"
    )]
    Foreign(String),
}

impl Witness {
    /// Reads what was cosigned before of each log.
    ///
    /// # Errors
    /// [`WitnessError`]; a lost or damaged checkpoint of a configured log is one.
    pub fn open(
        store: Witnessed,
        signer: CosignatureSigner,
        keys: Vec<NoteVerifier>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, WitnessError> {
        if keys.is_empty() {
            return Err(WitnessError::NoLogs);
        }
        if keys.len() > limits::WITNESSED_LOGS {
            return Err(WitnessError::TooManyLogs(keys.len()));
        }
        let mut logs = BTreeMap::new();
        for key in &keys {
            let origin = key.name().as_str().to_owned();
            let known = read(&store, &signer, &origin)?;
            let latest = RwLock::new(known.note());
            logs.insert(log_id(&origin), Log { origin, known: Mutex::new(known), latest });
        }
        let turns = Arc::new(Semaphore::new(limits::WITNESSING));
        Ok(Arc::new(Self { store, signer, keys, logs, clock, turns }))
    }

    /// Judges a request, and cosigns if it may; durable when answered.
    pub async fn add_checkpoint(self: Arc<Self>, body: &str) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Answer::Malformed(error.to_string()),
        };
        let Ok(turn) = self.turns.clone().try_acquire_owned() else { return Answer::Busy };
        let decided = tokio::task::spawn_blocking(move || {
            let answer = self.decide(&request);
            drop(turn);
            answer
        });
        decided.await.unwrap_or(Answer::Failed)
    }

    /// The checkpoint cosigned last of the log with this [`log_id`], with our cosignature.
    pub fn checkpoint(&self, log: &str) -> Option<Arc<str>> {
        self.logs.get(log)?.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decide(&self, request: &AddCheckpoint) -> Answer {
        let Some(log) = self.logs.get(&log_id(request.checkpoint().origin())) else { return Answer::NotConfigured };
        let mut known = log.known();
        if matches!(*known, Known::Unsure) {
            match read(&self.store, &self.signer, &log.origin) {
                Ok(found) => *known = found,
                Err(error) => return failed(&log.origin, &error),
            }
        }
        let verdict = judge(request, &self.keys, &known.last());
        if let (Some(suspicion), Known::Tree(cosigned)) = (verdict.suspicion(), &*known) {
            self.keep_evidence(log, suspicion, request, cosigned);
        }
        match verdict {
            Verdict::Cosign => self.cosign(log, &mut known, request),
            Verdict::NotConfigured => Answer::NotConfigured,
            Verdict::BadSignature => Answer::BadSignature,
            Verdict::Conflict { size, .. } => Answer::Conflict(size),
            Verdict::Inconsistent { .. } => Answer::Inconsistent,
        }
    }

    /// Stores first, answers afterwards.
    fn cosign(&self, log: &Log, known: &mut Known, request: &AddCheckpoint) -> Answer {
        let (checkpoint, time) = (request.checkpoint(), self.clock.wall().as_seconds());
        if let Known::Tree(before) = &*known {
            if time < before.time {
                tracing::error!(
                    origin = log.origin,
                    "the clock reads earlier than the last cosignature: nothing is cosigned"
                );
                return Answer::ClockBehind;
            }
            // The same tree in the same second has the same cosignature: nothing to write, however often it is sent.
            if time == before.time && request.note().text() == before.text {
                return Answer::Cosigned(before.line.clone());
            }
        }
        let line = match self.signer.cosign(checkpoint, time) {
            Ok(line) => line.to_string(),
            Err(error) => return failed(&log.origin, &error),
        };
        let note = self.kept_note(request.note(), &line);
        *known = Known::Unsure;
        if let Err(error) = self.store.keep(&log.origin, &note) {
            return failed(&log.origin, &error);
        }
        let last = Last { size: checkpoint.size(), root: *checkpoint.root() };
        *log.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(note.as_str().into());
        *known = Known::Tree(Cosigned { last, time, text: request.note().text().to_owned(), line: line.clone(), note });
        Answer::Cosigned(line)
    }

    /// The log's own signatures and ours: whatever else was sent along is nobody's word.
    fn kept_note(&self, note: &Note, ours: &str) -> String {
        let mut kept = format!("{}\n", note.text());
        for key in self.keys.iter().filter(|key| note.verify(std::slice::from_ref(key)).is_ok()) {
            let lines = note.signatures().iter();
            for line in lines.filter(|line| (line.name(), line.key_id()) == (key.name(), key.key_id())) {
                kept.push_str(&line.to_string());
                kept.push('\n');
            }
        }
        kept.push_str(ours);
        kept.push('\n');
        kept
    }

    fn keep_evidence(&self, log: &Log, suspicion: Suspicion, request: &AddCheckpoint, cosigned: &Cosigned) {
        let text = request.to_text();
        let refused = Refused { request: &text, signed_text: request.note().text(), last: &cosigned.note };
        let (origin, size) = (&log.origin, request.checkpoint().size());
        match self.store.keep_evidence(origin, suspicion, &refused) {
            Ok(Evidence::Known) => {}
            Ok(kept) => {
                tracing::warn!(
                    origin,
                    size,
                    cosigned = cosigned.last.size,
                    ?suspicion,
                    ?kept,
                    "refused a checkpoint that the log signed"
                );
            }
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(
                    origin,
                    size,
                    ?suspicion,
                    error,
                    "refused a checkpoint that the log signed; the evidence could not be kept"
                );
            }
        }
    }
}

impl Log {
    /// Whoever held it may have broken off between disk and memory.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|broken| {
            let mut known = broken.into_inner();
            *known = Known::Unsure;
            known
        })
    }
}

impl Known {
    fn last(&self) -> Last {
        match self {
            Self::Tree(cosigned) => cosigned.last,
            Self::Nothing | Self::Unsure => Last::NONE,
        }
    }
    fn note(&self) -> Option<Arc<str>> {
        match self {
            Self::Tree(cosigned) => Some(cosigned.note.as_str().into()),
            Self::Nothing | Self::Unsure => None,
        }
    }
}

/// What is on disk, which counts if our own key cosigned it: a log may have changed its key since.
fn read(store: &Witnessed, signer: &CosignatureSigner, origin: &str) -> Result<Known, WitnessError> {
    let Some(note) = store.last(origin)? else { return Ok(Known::Nothing) };
    let foreign = || WitnessError::Foreign(origin.to_owned());
    let parsed = Note::parse(&note).map_err(|_| foreign())?;
    let checkpoint = Checkpoint::parse(parsed.text()).map_err(|_| foreign())?;
    let us = signer.verifier();
    let line = parsed.signatures().iter().find(|line| us.claims(line)).ok_or_else(foreign)?.to_string();
    let standing = standings(&parsed, std::slice::from_ref(us)).first().map(|(_, standing)| *standing);
    let Some(Standing::Cosigned(cosignature)) = standing.filter(|_| checkpoint.origin() == origin) else {
        return Err(foreign());
    };
    let last = Last { size: checkpoint.size(), root: *checkpoint.root() };
    Ok(Known::Tree(Cosigned { last, time: cosignature.time(), text: parsed.text().to_owned(), line, note }))
}

fn failed(origin: &str, error: &(dyn std::error::Error + 'static)) -> Answer {
    tracing::error!(origin, error, "nothing was cosigned");
    Answer::Failed
}
