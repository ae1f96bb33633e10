//! A witness as a process: what it cosigns, what it refuses, what it keeps, and that no crash makes it forget.

use crate::{socket, stage::eventually};
use amana::{
    broker::{
        witness::{Answer, Witness},
        witnesses::{Asked, Courier as _, CourierAnswer, Question, SIZE_TYPE, WitnessAt, ask},
    },
    cli::courier::HttpCourier,
    model::{
        ambient::Clock,
        time::{Duration, Timestamp},
    },
    store::witnessed::{Witnessed, log_id},
    tlog::{
        AddCheckpoint, Checkpoint, CosignatureSigner, CosignatureVerifier, Ed25519NoteSigner, Hash, MemoryTiles, Note,
        NoteSigner as _, NoteVerifier, consistency_proof, leaf_hash, root_at, standings,
    },
};
use ed25519_dalek::SigningKey;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

const ORIGIN: &str = "log.example/judged";

/// A log with its key. Branches of one key are forks.
#[derive(Clone)]
struct Log {
    leaves: Vec<Hash>,
    name: &'static str,
}

impl Log {
    fn new() -> Self {
        Self { leaves: Vec::new(), name: ORIGIN }
    }
    fn of(size: u64) -> Self {
        let mut log = Self::new();
        log.grow(size, "entry");
        log
    }
    fn grow(&mut self, by: u64, what: &str) {
        let first = self.leaves.len() as u64;
        self.leaves.extend((first..first + by).map(|n| leaf_hash(format!("{what} {n}").as_bytes())));
    }
    /// The same key, another history from `size` on.
    fn forked_at(&self, size: u64) -> Self {
        let mut fork = self.at(size);
        fork.grow(self.leaves.len() as u64 - size, "other");
        fork
    }
    fn at(&self, size: u64) -> Self {
        Self { leaves: self.leaves[..usize::try_from(size).unwrap()].to_vec(), ..self.clone() }
    }
    fn size(&self) -> u64 {
        self.leaves.len() as u64
    }
    fn signer(&self) -> Ed25519NoteSigner {
        Ed25519NoteSigner::new(self.name.parse().unwrap(), SigningKey::from_bytes(&[1; 32])).unwrap()
    }
    fn vkey(&self) -> NoteVerifier {
        self.signer().verifier().clone()
    }
    fn tiles(&self) -> MemoryTiles {
        let mut tiles = MemoryTiles::new();
        tiles.append_leaves(&self.leaves);
        tiles
    }
    fn note(&self) -> String {
        let signer = self.signer();
        let root = root_at(&self.tiles(), self.size()).unwrap();
        Checkpoint::new(signer.name(), self.size(), root).unwrap().signed(&signer).unwrap()
    }
    fn proof(&self, from: u64) -> Option<Vec<Hash>> {
        consistency_proof(&self.tiles(), from, self.size()).ok()
    }
    fn request(&self, from: u64) -> String {
        let note = Note::parse(&self.note()).unwrap();
        AddCheckpoint::new(from, self.proof(from).unwrap(), note).unwrap().to_text()
    }
}

/// A witness's process; killed when dropped.
pub struct Running {
    dir: PathBuf,
    pub url: String,
    pub verifier: CosignatureVerifier,
    /// The logs it cosigns.
    logs: Vec<NoteVerifier>,
    child: Option<Child>,
    _home: tempfile::TempDir,
}

impl Running {
    fn new() -> Self {
        let mut running = Self::made();
        running.watches(vec![Log::new().vkey()]);
        running
    }
    /// With a key, and not started: it knows no log yet.
    pub fn made() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("witness");
        let made =
            amana(&["--json", "witness", "new", "--name", "witness.example", "--dir"]).arg(&dir).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let verifier = made["witness"].as_str().unwrap().parse().unwrap();
        Self { dir, url: String::new(), verifier, logs: Vec::new(), child: None, _home: home }
    }
    /// Starts it for these logs.
    pub fn watches(&mut self, logs: Vec<NoteVerifier>) {
        self.logs = logs;
        self.up();
    }
    fn up(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut child = serve(&self.dir, &self.logs).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.child = Some(child);
        let said: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("it said {line:?}, and {}", self.log()));
        said["url"].as_str().unwrap().clone_into(&mut self.url);
        assert_eq!(said["witness"].as_str(), Some(self.verifier.to_string().as_str()));
    }
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    fn log_path(&self) -> PathBuf {
        self.dir.with_extension("log")
    }
    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }
    fn post(&self, request: &str) -> CourierAnswer {
        HttpCourier::new().post(&format!("{}/add-checkpoint", self.url), request).unwrap()
    }
    /// Posts and expects a cosignature; returns its time.
    fn cosigns(&self, log: &Log, from: u64) -> u64 {
        let answer = self.post(&log.request(from));
        assert_eq!(answer.status, 200, "{answer:?}");
        let whole = Note::parse(&log.note()).unwrap().with_signature(answer.body.trim_end()).unwrap();
        standings(&whole, std::slice::from_ref(&self.verifier))[0].1.time().unwrap()
    }
    fn refuses(&self, request: &str) -> u16 {
        let answer = self.post(request);
        assert_ne!(answer.status, 200, "{request}");
        assert!(!answer.body.contains("witness.example"), "{answer:?}");
        answer.status
    }
    /// Size last cosigned, as a log that asks from nowhere is told it.
    fn size(&self) -> u64 {
        let answer = self.post(&Log::of(1000).request(999));
        assert_eq!((answer.status, answer.content_type.as_deref()), (409, Some(SIZE_TYPE)), "{answer:?}");
        answer.body.trim_end().parse().unwrap()
    }
    fn served(&self) -> (u16, String) {
        self.served_of(ORIGIN)
    }
    /// Status and checkpoint that everybody is served of a log.
    pub fn served_of(&self, origin: &str) -> (u16, String) {
        let request = socket::request("GET", &format!("/{}/checkpoint", log_id(origin)), "", b"");
        let answer = socket::exchange(&self.url, &request).unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    }
    fn evidence(&self) -> Vec<PathBuf> {
        let folder = self.dir.join("evidence").join(log_id(ORIGIN));
        fs::read_dir(folder).map(|found| found.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
    /// Starts it where it should refuse to.
    fn does_not_start(&self) -> String {
        let mut child = serve(&self.dir, &self.logs).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut words = String::new();
        said.read_line(&mut words).unwrap();
        // It may have started, which is what the test is about.
        let _ = child.kill();
        child.wait().unwrap();
        assert!(words.contains("\"error\""), "it started: {words}");
        words
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn amana(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn serve(dir: &Path, logs: &[NoteVerifier]) -> Command {
    let mut command = amana(&["--json", "witness", "serve", "--listen", "127.0.0.1:0", "--dir"]);
    command.arg(dir).env("AMANA_LOG", "trace");
    command.args(logs.iter().flat_map(|log| ["--log".to_owned(), log.to_string()]));
    command
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn growing_log_is_cosigned_and_the_newest_checkpoint_is_served() {
    let witness = Running::new();
    assert_eq!(witness.served().0, 404);
    let began = now();
    let mut last = 0;
    for size in [0, 1, 2, 7, 8, 300] {
        let log = Log::of(size);
        let time = witness.cosigns(&log, last);
        assert!((began..=now()).contains(&time), "{time}");
        last = size;
        let (status, served) = witness.served();
        assert_eq!(status, 200);
        assert_eq!(Checkpoint::open(&served, &log.vkey()).unwrap().size(), size);
        let note = Note::parse(&served).unwrap();
        assert_eq!(standings(&note, std::slice::from_ref(&witness.verifier))[0].1.time(), Some(time));
        assert_eq!(note.signatures().len(), 2);
    }
}

#[test]
fn same_tree_again_gets_a_fresh_cosignature() {
    let witness = Running::new();
    let log = Log::of(5);
    let first = witness.cosigns(&log, 0);
    eventually("the clock goes on and so does the cosignature", || witness.cosigns(&log, 5) > first);
}

#[test]
fn what_may_not_be_cosigned_is_refused_with_the_status_of_the_protocol() {
    let witness = Running::new();
    let log = Log::of(9);
    witness.cosigns(&log, 0);
    let grown = Log::of(12);
    let unproven = {
        let text = grown.request(9);
        let wrong = grown.proof(9).unwrap()[0];
        text.replacen(&wrong.to_string(), &leaf_hash(b"wrong").to_string(), 1)
    };
    let mut stranger = Log::of(9);
    stranger.name = "stranger.example";
    let good = log.request(9);
    let unsigned = {
        let (text, _) = good.rsplit_once("\n\n").unwrap();
        let other = NoteSignerOf("log.example/judged", 9).sign(&log);
        let (_, lines) = other.rsplit_once("\n\n").unwrap();
        format!("{text}\n\n{lines}")
    };
    for (what, request, status) in [
        ("another root at the same size", log.forked_at(4).request(9), 422),
        ("a fork that grew", grown.forked_at(4).request(9), 422),
        ("a wrong proof", unproven, 422),
        ("a smaller tree", log.at(5).request(5), 409),
        ("a smaller tree from its beginning", log.at(5).request(0), 409),
        ("another old size", grown.request(8), 409),
        ("an unknown origin", stranger.request(0), 404),
        ("another key's signature", unsigned, 403),
        ("no signature", good.rsplit_once("\n\n").unwrap().0.to_owned() + "\n\n", 400),
        ("an old size larger than the checkpoint's", good.replacen("old 9", "old 10", 1), 400),
        ("another spelling", good.replacen("old 9", "old 09", 1), 400),
        ("nothing", String::new(), 400),
        ("too much", good.clone() + &"x".repeat(80_000), 413),
    ] {
        assert_eq!(witness.refuses(&request), status, "{what}");
        assert_eq!(witness.size(), 9, "after {what}");
    }
    witness.cosigns(&grown, 9);
}

/// The log's name, and a key that is not the log's.
struct NoteSignerOf(&'static str, u8);

impl NoteSignerOf {
    fn sign(&self, log: &Log) -> String {
        let signer = Ed25519NoteSigner::new(self.0.parse().unwrap(), SigningKey::from_bytes(&[self.1; 32])).unwrap();
        let text = Note::parse(&log.note()).unwrap().text().to_owned();
        amana::tlog::sign_note(&text, &[&signer]).unwrap()
    }
}

#[test]
fn fork_leaves_two_trees_of_one_size_both_signed_by_the_log() {
    let witness = Running::new();
    let log = Log::of(9);
    witness.cosigns(&log, 0);
    assert!(witness.evidence().is_empty());
    for _ in 0..3 {
        witness.refuses(&log.forked_at(4).request(9));
    }
    let kept = witness.evidence();
    let [place] = kept.as_slice() else { panic!("{kept:?}") };
    assert!(place.file_name().unwrap().to_str().unwrap().starts_with("fork-"));
    let open = |note: &str| Checkpoint::open(note, &log.vkey()).unwrap();
    let refused = AddCheckpoint::parse(&fs::read_to_string(place.join("request")).unwrap()).unwrap();
    let refused = open(&refused.note().to_string());
    let cosigned = open(&fs::read_to_string(place.join("checkpoint")).unwrap());
    assert_eq!(refused.size(), cosigned.size());
    assert_ne!(refused.root(), cosigned.root());
    witness.refuses(&log.at(4).request(0));
    witness.refuses(&Log::of(12).forked_at(4).request(9));
    assert_eq!(witness.evidence().len(), 3);
    // What anybody could have sent is no evidence.
    witness.refuses(&Log::of(12).request(3));
    assert_eq!(witness.evidence().len(), 3);
}

#[test]
fn killed_witness_never_forgets_what_it_answered() {
    let mut witness = Running::new();
    let mut size = 0;
    for round in 1..=8_u64 {
        // A feeder that has the next request on its way as soon as it has an answer, so that the kill comes anywhere.
        let answered = Arc::new(AtomicU64::new(size));
        let (counter, url) = (answered.clone(), format!("{}/add-checkpoint", witness.url));
        let feeding = thread::spawn(move || {
            let courier = HttpCourier::new();
            for next in size + 1.. {
                let Ok(answer) = courier.post(&url, &Log::of(next).request(next - 1)) else { return };
                assert_eq!(answer.status, 200, "{answer:?}");
                counter.store(next, SeqCst);
            }
        });
        eventually("some are cosigned", || answered.load(SeqCst) >= size + round);
        witness.kill();
        feeding.join().unwrap();
        let answered = answered.load(SeqCst);
        witness.up();
        size = witness.size();
        // One more may have been stored, whose answer never came.
        assert!(size == answered || size == answered + 1, "it answered for {answered} and is at {size}");
        assert_eq!(witness.refuses(&Log::of(answered - 1).request(answered - 1)), 409);
        assert_eq!(witness.refuses(&Log::of(size).forked_at(0).request(size)), 422);
    }
}

#[test]
fn of_two_forks_at_once_one_is_cosigned() {
    let witness = Running::new();
    let mut log = Log::new();
    for round in 0..60 {
        let barrier = Barrier::new(2);
        let branches = ["left", "right"].map(|what| {
            let mut branch = log.clone();
            branch.grow(1 + round % 3, what);
            branch
        });
        let statuses = thread::scope(|scope| {
            let sending = branches.each_ref().map(|branch| {
                let (barrier, witness, request) = (&barrier, &witness, branch.request(log.size()));
                scope.spawn(move || {
                    barrier.wait();
                    witness.post(&request).status
                })
            });
            sending.map(|thread| thread.join().unwrap())
        });
        let cosigned: Vec<&Log> = branches.iter().zip(statuses).filter(|(_, s)| *s == 200).map(|(b, _)| b).collect();
        let [one] = cosigned.as_slice() else { panic!("round {round}: {statuses:?}") };
        log = (*one).clone();
    }
}

#[test]
fn witness_that_lost_its_record_does_not_begin_again() {
    let mut witness = Running::new();
    witness.cosigns(&Log::of(3), 0);
    assert!(witness.does_not_start().contains("in use by another witness"));
    witness.kill();
    let kept = witness.dir.join("logs").join(log_id(ORIGIN));
    let note = fs::read_to_string(&kept).unwrap();

    fs::remove_file(&kept).unwrap();
    assert!(witness.does_not_start().contains("cosigned log.example/judged before"));
    fs::write(&kept, note.replacen("\n3\n", "\n2\n", 1)).unwrap();
    assert!(witness.does_not_start().contains("damaged, or of another witness"));
    fs::rename(witness.dir.join("logs"), witness.dir.join("gone")).unwrap();
    assert!(witness.does_not_start().contains("without the record of what it cosigned"));

    fs::rename(witness.dir.join("gone"), witness.dir.join("logs")).unwrap();
    fs::write(&kept, note).unwrap();
    witness.up();
    assert_eq!(witness.size(), 3);
    let again: Output = amana(&["witness", "new", "--name", "w", "--dir"]).arg(&witness.dir).output().unwrap();
    assert!(!again.status.success());
}

#[test]
fn nothing_of_who_asks_is_logged_and_sigterm_ends_it_cleanly() {
    let mut witness = Running::new();
    witness.cosigns(&Log::of(3), 0);
    witness.refuses(&Log::of(3).forked_at(0).request(3));
    let mut child = witness.child.take().unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    let log = witness.log();
    assert!(log.contains("refused a checkpoint that the log signed") && log.contains("stopped"), "{log}");
    assert!(!log.contains("127.0.0.1"), "{log}");
}

#[test]
fn conversation_with_a_running_witness_ends_in_a_cosignature_or_an_alarm() {
    let witness = Running::new();
    let at = WitnessAt { url: witness.url.clone(), verifier: witness.verifier.clone() };
    converses(&at);
}

/// What the judge asks of somebody else's witness, which knows the log of [`Log`] and never cosigned it.
fn converses(at: &WitnessAt) {
    let asks = |log: &Log, last_known_size| {
        let note = log.note();
        let question = Question { note: &note, last_known_size, now: Timestamp::from_seconds(now()) };
        ask(&HttpCourier::new(), at, &question, |from| log.proof(from))
    };
    let log = Log::of(20);
    for (size, known) in [(3, 0), (3, 3), (8, 3), (20, 0)] {
        let cosigned = asks(&log.at(size), known).unwrap();
        let whole = Note::parse(&log.at(size).note()).unwrap().with_signature(&cosigned.line).unwrap();
        assert_eq!(standings(&whole, std::slice::from_ref(&at.verifier))[0].1.time(), Some(cosigned.time));
    }
    println!("ok: a growing log is cosigned, also from a size it has to name first");
    let refused = asks(&log.at(8), 8).unwrap_err();
    assert!(matches!(refused, Asked::KnowsMore { size: 20, ours: 8 }), "{refused}");
    println!("ok: a log that went back is told so");
    for size in [20, 25] {
        let mut fork = log.forked_at(5);
        fork.grow(size - 20, "other");
        let refused = asks(&fork, 20).unwrap_err();
        assert!(matches!(refused, Asked::Refuses { .. }), "{refused}");
    }
    println!("ok: a fork is refused at the same size and beyond it");
    let mut stranger = log.clone();
    stranger.name = "stranger.example";
    assert!(matches!(asks(&stranger, 0), Err(Asked::NotConfigured { status: 404 })));
    println!("ok: a log that is not configured is told so");
}

/// Run by `tests/judges/witness`, which names a witness that is not ours (`AMANA_WITNESS_URL`, `AMANA_WITNESS_VKEY`) and
/// prints what is said here.
#[test]
#[ignore = "run by tests/judges/witness"]
fn conversation_with_somebody_elses_witness() {
    let of = |name: &str| std::env::var(name).unwrap();
    converses(&WitnessAt { url: of("AMANA_WITNESS_URL"), verifier: of("AMANA_WITNESS_VKEY").parse().unwrap() });
}

/// A clock that a test sets.
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_seconds(0)
    }
}

#[test]
fn nothing_is_cosigned_by_a_clock_that_went_back_also_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    Witnessed::create(home.path(), "key").unwrap();
    let clock = Arc::new(SetClock(AtomicU64::new(1000)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let open = || {
        let signer = CosignatureSigner::new("w".parse().unwrap(), SigningKey::from_bytes(&[2; 32])).unwrap();
        let store = Witnessed::open(home.path()).unwrap();
        Witness::open(store, signer, vec![Log::new().vkey()], clock.clone()).unwrap()
    };
    let answer = |witness: &Arc<Witness>, size: u64, from: u64| {
        runtime.block_on(witness.clone().add_checkpoint(&Log::of(size).request(from)))
    };
    let witness = open();
    assert!(matches!(answer(&witness, 3, 0), Answer::Cosigned(_)));
    clock.0.store(999, SeqCst);
    assert_eq!(answer(&witness, 4, 3), Answer::ClockBehind);
    drop(witness);
    let witness = open();
    assert_eq!(answer(&witness, 4, 3), Answer::ClockBehind);
    clock.0.store(1000, SeqCst);
    assert!(matches!(answer(&witness, 4, 3), Answer::Cosigned(_)));
}

#[test]
fn disk_that_takes_nothing_yields_no_cosignature_and_the_record_is_read_again() {
    let home = tempfile::tempdir().unwrap();
    Witnessed::create(home.path(), "key").unwrap();
    let clock = Arc::new(SetClock(AtomicU64::new(1000)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let signer = CosignatureSigner::new("w".parse().unwrap(), SigningKey::from_bytes(&[2; 32])).unwrap();
    let store = Witnessed::open(home.path()).unwrap();
    let witness = Witness::open(store, signer, vec![Log::new().vkey()], clock).unwrap();
    let answer = |size: u64, from: u64| runtime.block_on(witness.clone().add_checkpoint(&Log::of(size).request(from)));
    assert!(matches!(answer(3, 0), Answer::Cosigned(_)));
    // Where the new file has to go stands something else.
    let blocked = home.path().join("logs").join(log_id(ORIGIN)).with_extension("new");
    fs::create_dir(&blocked).unwrap();
    assert_eq!(answer(5, 3), Answer::Failed);
    assert_eq!(Checkpoint::open(&witness.checkpoint(&log_id(ORIGIN)).unwrap(), &Log::new().vkey()).unwrap().size(), 3);
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(answer(5, 4), Answer::Conflict(3));
    assert!(matches!(answer(5, 3), Answer::Cosigned(_)));
}

mod founding {
    use super::*;
    use amana::{
        model::{
            genesis::{BadGenesis, Genesis, NamedKey},
            roster::BadRoster,
        },
        wire::genesis::{GenesisError, SignedGenesis},
    };

    fn witness(n: u8) -> CosignatureVerifier {
        let name = format!("witness{n}.example").parse().unwrap();
        CosignatureVerifier::new(name, SigningKey::from_bytes(&[n; 32]).verifying_key()).unwrap()
    }

    fn found(dir: &Path, witnesses: &[CosignatureVerifier], quorum: Option<&str>) -> Result<SignedGenesis, String> {
        let mut command = amana(&["genesis", "new", "--origin", "broker.example", "--dir"]);
        command.arg(dir);
        for witness in witnesses {
            command.arg("--witness").arg(witness.to_string());
        }
        command.args(quorum.iter().flat_map(|k| ["--witness-quorum", k]));
        let output = command.output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr).unwrap());
        }
        Ok(SignedGenesis::parse(&fs::read_to_string(dir.join("genesis.note")).unwrap()).unwrap())
    }

    #[test]
    fn genesis_names_the_witnesses_it_is_given_and_asks_for_the_majority() {
        let home = tempfile::tempdir().unwrap();
        let all: Vec<CosignatureVerifier> = (1..=4).map(witness).collect();
        for (count, asked, quorum) in
            [(0, None, 0), (1, None, 1), (2, None, 2), (3, None, 2), (4, None, 3), (3, Some("1"), 1)]
        {
            let dir = home.path().join(format!("{count}-{quorum}"));
            let genesis = found(&dir, &all[..count], asked).unwrap();
            let shown = amana(&["--json", "genesis", "show"]).arg(dir.join("genesis.note")).output().unwrap();
            let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
            let register: NoteVerifier = shown["logs"][0].as_str().unwrap().parse().unwrap();
            assert_eq!(register, genesis.register_verifier().unwrap());
            assert_eq!(genesis.witness_verifiers().unwrap(), all[..count]);
            assert_eq!(genesis.genesis().witness_quorum, quorum);
        }
    }

    #[test]
    fn quorum_that_cannot_be_reached_and_keys_of_another_kind_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("broker");
        assert!(found(&dir, &[witness(1)], Some("2")).unwrap_err().contains("more than the 1 witnesses"));
        assert!(found(&dir, &[witness(1)], Some("0")).is_err());
        assert!(found(&dir, &[witness(1), witness(1)], None).unwrap_err().contains("twice"));
        let many: Vec<CosignatureVerifier> = (1..=33).map(witness).collect();
        assert!(found(&home.path().join("many"), &many, None).unwrap_err().contains("more than 32 keys"));
        assert!(found(&home.path().join("most"), &many[..32], None).is_ok());
        let mut command =
            amana(&["genesis", "new", "--origin", "b", "--witness", &Log::new().vkey().to_string(), "--dir"]);
        assert!(!command.arg(&dir).output().unwrap().status.success());
        assert!(!dir.join("genesis.note").exists());
    }

    #[test]
    fn genesis_with_a_witness_of_no_usable_name_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let genesis = found(&home.path().join("broker"), &[witness(1)], None).unwrap();
        for name in ["two words", "", "a+b", "a\nb"] {
            let mut genesis: Genesis = genesis.genesis().clone();
            let key = genesis.witnesses[0].key;
            genesis.witnesses = vec![NamedKey { name: name.to_owned(), key }];
            let refused = SignedGenesis::make(&genesis, &[&Log::new().signer()]).unwrap_err();
            let rule = BadGenesis::Roster(BadRoster::Name(name.to_owned()));
            assert!(matches!(&refused, GenesisError::Rule(found) if *found == rule), "{refused}");
        }
    }
}
