//! The rollback anchor: an older copy of the data is not gone on from, and nothing is shown that the anchor does not know.

use crate::{
    backup,
    doctor::{amana, copy_folder, doctor, words},
    process::{Process, refused},
    stage::{Stage, eventually, opening},
};
use amana::{
    cli::ambient::SystemEntropy,
    model::{event::Log, ids::Digest},
    store::{
        OwnRecord, Store as _, StoreError,
        anchor::{self, Anchor, AnchorError, IfMissing, Known, RECORD_BYTES, SLOT_BYTES},
        faults::{Faults, Sound, When},
        sqlite::SqliteStore,
    },
    tlog::Checkpoint,
    wire::statement::{Seen, SeenTree},
};
use std::{
    fs, io,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Opens the store of a stage's folder by itself.
fn open(stage: &Stage, if_missing: IfMissing, faults: Arc<dyn Faults>) -> Result<SqliteStore, StoreError> {
    let (folder, genesis) = (stage.path("broker"), &stage.cast.founded.genesis);
    let mut opening = opening(&folder, genesis, stage.clock.clone(), SystemEntropy::new(), faults);
    opening.anchor.if_missing = if_missing;
    SqliteStore::open(&folder.join("data"), opening)
}

fn refusal(stage: &Stage) -> AnchorError {
    let begun = std::time::Instant::now();
    loop {
        match open(stage, IfMissing::Refuse, Arc::new(Sound)).map(drop) {
            Err(StoreError::Anchor(error)) => return error,
            // Another test's child that has not become its program yet holds a copy of every lock of this process.
            Err(StoreError::InUse(_)) if begun.elapsed() < Duration::from_secs(10) => thread::yield_now(),
            other => panic!("not refused for the anchor: {other:?}"),
        }
    }
}

/// Puts a copy in the place of a folder.
fn put(copy: &Path, folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    copy_folder(copy, folder);
}

fn record(store: &SqliteStore) -> Result<amana::store::Recorded, amana::store::CommitError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.record(OwnRecord::ClockConfirmed))
}

#[test]
fn older_copy_of_the_data_is_refused_and_left_as_it_is() {
    let mut stage = Stage::established();
    stage.stop();
    let (data, older, newer) = (stage.path("broker/data"), stage.path("older"), stage.path("newer"));
    copy_folder(&data, &older);
    stage.restart();
    stage.report("note.txt", b"what was seen");
    stage.stop();
    copy_folder(&data, &newer);

    put(&older, &data);
    let before = fs::read(data.join("amana.db")).unwrap();
    let error = refusal(&stage);
    assert!(matches!(error, AnchorError::Ahead { .. }), "{error:?}");
    assert!(error.to_string().contains("would fork the log"), "{error}");
    assert!(fs::read(data.join("amana.db")).unwrap() == before, "a refused database was written to");
    let output = refused(&stage.path("broker"), "127.0.0.1:0");
    assert!(words(&output).contains("older than the log"), "{}", words(&output));
    let (code, text) = doctor(&stage.path("broker"), &["--quick"]);
    assert!(code == 3 && text.contains("BROKEN") && text.contains("anchor"), "{text}");
    // No flag for a missing anchor helps where there is one.
    assert!(open(&stage, IfMissing::TakeTheDatabasesWord, Arc::new(Sound)).is_err());

    // A folder without any database is older still.
    fs::remove_dir_all(&data).unwrap();
    assert!(matches!(refusal(&stage), AnchorError::Ahead { found: 0, .. }));
    put(&newer, &data);
    drop(open(&stage, IfMissing::Refuse, Arc::new(Sound)).unwrap());
    assert_eq!(doctor(&stage.path("broker"), &["--quick"]).0, 0);
}

#[test]
fn copy_that_went_on_elsewhere_is_another_log() {
    let mut stage = Stage::established();
    stage.stop();
    let (broker, other) = (stage.path("broker"), stage.path("other"));
    copy_folder(&broker, &other);
    // One copy goes on by an entry, the other, with its own anchor, by several.
    drop(open(&stage, IfMissing::Refuse, Arc::new(Sound)).unwrap());
    let anchor = fs::read(broker.join("keys/anchor")).unwrap();
    put(&other, &broker);
    stage.restart();
    stage.report("note.txt", b"what was seen");
    stage.stop();
    fs::write(broker.join("keys/anchor"), anchor).unwrap();
    let error = refusal(&stage);
    assert!(matches!(error, AnchorError::Other { .. }), "{error:?}");
}

#[test]
fn two_folders_cannot_run_with_the_same_keys() {
    let mut stage = Stage::established();
    stage.stop();
    let copy = stage.path("copy");
    copy_folder(&stage.path("broker/data"), &copy);
    let running = open(&stage, IfMissing::Refuse, Arc::new(Sound)).unwrap();
    let (folder, genesis) = (stage.path("broker"), &stage.cast.founded.genesis);
    let second = opening(&folder, genesis, stage.clock.clone(), SystemEntropy::new(), Arc::new(Sound));
    let refused = SqliteStore::open(&copy, second).map(drop);
    assert!(matches!(refused, Err(StoreError::Anchor(AnchorError::InUse(_)))), "{refused:?}");
    drop(running);
}

#[test]
fn log_without_an_anchor_goes_on_only_when_somebody_answers_for_it() {
    let mut stage = Stage::established();
    stage.stop();
    let path = stage.path("broker/keys/anchor");
    let whole = fs::read(&path).unwrap();
    let half = usize::try_from(SLOT_BYTES).unwrap();
    let mut broken = whole.clone();
    (broken[20], broken[half + 20]) = (!broken[20], !broken[half + 20]);
    for spoilt in [None, Some(Vec::new()), Some(broken), Some(vec![0; 2 * half])] {
        fs::remove_file(&path).unwrap();
        if let Some(bytes) = spoilt {
            fs::write(&path, bytes).unwrap();
        }
        let error = refusal(&stage);
        assert!(matches!(error, AnchorError::Missing(_)), "{error:?}");
        assert!(error.to_string().contains("--accept-missing-anchor"), "{error}");
        let output = refused(&stage.path("broker"), "127.0.0.1:0");
        assert!(words(&output).contains("--accept-missing-anchor"), "{}", words(&output));
        drop(open(&stage, IfMissing::TakeTheDatabasesWord, Arc::new(Sound)).unwrap());
        drop(open(&stage, IfMissing::Refuse, Arc::new(Sound)).unwrap());
    }
    // Another broker's anchor is none.
    drop(fs::remove_file(&path));
    drop(Anchor::make(&path, Digest::of(b"another genesis"), heads(0)).unwrap());
    assert!(matches!(refusal(&stage), AnchorError::OtherGenesis(_)));
}

fn heads(size: u64) -> Seen {
    let tree = |name: &str| SeenTree { size, root: Digest::of(format!("{name} {size}").as_bytes()) };
    Seen { register: tree("register"), case: tree("case") }
}

#[test]
fn write_torn_at_any_byte_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchor");
    let mut anchor = Anchor::make(&path, Digest::of(b"genesis"), heads(1)).unwrap();
    for size in 2..6 {
        let before = fs::read(&path).unwrap();
        anchor.keep(heads(size)).unwrap();
        let after = fs::read(&path).unwrap();
        assert_eq!(anchor::read(&path).unwrap().unwrap().heads, heads(size));
        let slot = (0..before.len()).find(|at| before[*at] != after[*at]).unwrap() / SLOT_BYTES as usize;
        let begin = slot * SLOT_BYTES as usize;
        for written in 0..=RECORD_BYTES {
            let mut torn = before.clone();
            torn[begin..begin + written].copy_from_slice(&after[begin..begin + written]);
            let copy = folder.path().join("torn");
            fs::write(&copy, &torn).unwrap();
            let found = anchor::read(&copy).unwrap().unwrap().heads;
            let whole = torn == after;
            assert_eq!(found, heads(if whole { size } else { size - 1 }), "{written} bytes of {size}");
        }
        assert_eq!(before.len(), after.len(), "an anchor that moves needs no room");
    }
    // Any one slot may be damaged anywhere; what is left is told or nothing is.
    let whole = fs::read(&path).unwrap();
    for at in (0..RECORD_BYTES).chain(SLOT_BYTES as usize..SLOT_BYTES as usize + RECORD_BYTES) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let size = anchor::read(&path).unwrap().unwrap().heads.case.size;
        assert!([4, 5].contains(&size), "{size}");
    }
}

/// Breaks one passing of a point.
struct Breaks(&'static str, When, AtomicU32);

impl Faults for Breaks {
    fn pass(&self, call: &'static str, when: When) -> io::Result<()> {
        let here = call == self.0 && when == self.1 && self.2.fetch_sub(1, Ordering::SeqCst) == 1;
        if here { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[test]
fn log_ahead_of_its_anchor_goes_on_and_takes_it_along() {
    let mut stage = Stage::established();
    stage.stop();
    let path = stage.path("broker/keys/anchor");
    for when in [When::Before, When::After] {
        let kept = anchor::read(&path).unwrap().unwrap().heads;
        // The entry of the start is committed, and the anchor is not moved.
        let broken = open(&stage, IfMissing::Refuse, Arc::new(Breaks("anchor.write", when, 1.into())));
        assert!(broken.is_err());
        assert_eq!(anchor::read(&path).unwrap().unwrap().heads == kept, when == When::Before);
        let store = open(&stage, IfMissing::Refuse, Arc::new(Sound)).unwrap();
        let heads = store.heads().unwrap();
        assert_eq!(heads.case.size, kept.case.size + 2);
        assert_eq!(anchor::read(&path).unwrap().unwrap().heads, heads);
        record(&store).unwrap();
        assert_eq!(anchor::read(&path).unwrap().unwrap().heads, store.heads().unwrap());
    }
}

#[test]
fn log_shorter_than_a_checkpoint_somebody_kept_is_refused_whatever_else_is_accepted() {
    let mut stage = Stage::established();
    stage.stop();
    let (data, older) = (stage.path("broker/data"), stage.path("older"));
    copy_folder(&data, &older);
    stage.restart();
    stage.report("note.txt", b"what was seen");
    stage.audit("audit");
    stage.stop();
    let (case, register) = (stage.path("audit/checkpoint.case"), stage.path("audit/checkpoint.register"));
    let started = |known: &Path| {
        let mut command = amana(&["serve", "--accept-missing-anchor", "--listen", "127.0.0.1:0", "--dir"]);
        command.arg(stage.path("broker")).arg("--known").arg(known);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the broker refuses", || child.try_wait().unwrap().is_some());
        words(&child.wait_with_output().unwrap())
    };
    let foreign = stage.path("foreign");
    fs::write(&foreign, fs::read_to_string(&case).unwrap().replacen('\n', "\n1", 1)).unwrap();
    assert!(started(&foreign).contains("note does not hold"), "{}", started(&foreign));
    fs::write(&foreign, "nothing\n").unwrap();
    assert!(started(&foreign).contains("not a checkpoint of this broker"));

    // The newest data goes on from them.
    let mut place = opening(
        &stage.path("broker"),
        &stage.cast.founded.genesis,
        stage.clock.clone(),
        SystemEntropy::new(),
        Arc::new(Sound),
    );
    place.anchor.known = [(Log::Register, &register), (Log::Case, &case)].map(|(log, path)| known(log, path)).into();
    drop(SqliteStore::open(&data, place).unwrap());

    put(&older, &data);
    fs::remove_file(stage.path("broker/keys/anchor")).unwrap();
    let text = started(&case);
    assert!(text.contains("older than the log") && text.contains("checkpoint.case"), "{text}");
    assert!(!stage.path("broker/keys/anchor").exists(), "an anchor was made for a log that was refused");
}

fn known(log: Log, path: &Path) -> Known {
    let note = fs::read_to_string(path).unwrap();
    let checkpoint = Checkpoint::parse(&format!("{}\n", note.split_once("\n\n").unwrap().0)).unwrap();
    let root = Digest::from_bytes(*checkpoint.root().as_bytes());
    Known { log, tree: SeenTree { size: checkpoint.size(), root }, by: path.display().to_string() }
}

/// Holds the writer before it moves the anchor.
#[derive(Default)]
struct Gate {
    armed: AtomicBool,
    reached: Mutex<bool>,
    opened: Mutex<bool>,
    changed: Condvar,
}

impl Faults for Gate {
    fn pass(&self, call: &'static str, when: When) -> io::Result<()> {
        if call == "anchor.write" && when == When::Before && self.armed.load(Ordering::SeqCst) {
            *self.reached.lock().unwrap() = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(self.opened.lock().unwrap(), |opened| !*opened).unwrap());
        }
        Ok(())
    }
}

#[test]
fn nothing_of_the_log_is_shown_before_the_anchor_knows_it() {
    let mut stage = Stage::established();
    stage.stop();
    let gate = Arc::new(Gate::default());
    let store = open(&stage, IfMissing::Refuse, gate.clone()).unwrap();
    let size = store.heads().unwrap().case.size;
    gate.armed.store(true, Ordering::SeqCst);
    thread::scope(|scope| {
        let (told, answers) = mpsc::channel();
        let writing = told.clone();
        let store = &store;
        scope.spawn(move || writing.send(("answered", record(store).unwrap().entry.index)).unwrap());
        drop(gate.changed.wait_while(gate.reached.lock().unwrap(), |reached| !*reached).unwrap());
        scope.spawn(move || told.send(("shown", store.heads().unwrap().case.size)).unwrap());
        // Long enough for whoever does not wait; too short a time could only hide that nobody did.
        let early = answers.recv_timeout(Duration::from_millis(300));
        *gate.opened.lock().unwrap() = true;
        gate.changed.notify_all();
        assert!(early.is_err(), "{early:?} before the anchor was written");
        let both: std::collections::BTreeMap<_, _> = answers.iter().collect();
        assert_eq!(both, [("answered", size), ("shown", size + 1)].into());
    });
}

#[test]
fn restored_folder_goes_on_by_itself_when_nothing_came_after_the_backup() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    stage.stop();
    let (identity, recipient) = backup::key_pair(&stage, "offline");
    let (out, broker, restored) = (stage.path("backup.age"), stage.path("broker"), stage.path("restored"));
    let made = backup::backup(&broker, &recipient, &out, &[]);
    assert!(made.status.success(), "{}", words(&made));
    let output = backup::restore(&out, &identity, &restored, &broker.join("keys"));
    assert!(output.status.success(), "{}", words(&output));
    assert!(!restored.join("keys").exists() && !restored.join("data/anchor").exists(), "an anchor was backed up");
    fs::rename(broker.join("keys"), restored.join("keys")).unwrap();
    backup::accept(&restored, &[]);
    let _process = Process::start_on(&mut stage, "restored");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.release(grant).unwrap();
}
