//! Watching a broker: quiet rounds, crashes of the watch itself, a state folder somebody changed, and brokers that lie.
//! Each lie ends with its word and leaves its proof.

use crate::{
    command_line::Person,
    lying::{LyingWriter, Story, story},
    stage::{Stage, eventually},
};
use amana::{
    cli::{
        demo::cast::copy,
        embedded::{Places, Running},
        founding::{Watchers, found_watched},
    },
    client::{
        remote::Remote,
        watching::{Alarm, Broker, FolderError, Looked, Quiet, Source, SourceError, Watch, WatchError, Word},
    },
    model::{
        event::Log,
        time::{Duration, Timestamp},
    },
    tlog::{CosignatureSigner, Ed25519NoteSigner, Note},
    wire::{
        api::{BundleLine, CaseHead},
        entry::{AuditorPart, Happening, Shared},
        genesis::{Card, SignedGenesis},
    },
};
use ed25519_dalek::SigningKey;
use std::{
    fs,
    io::{BufRead, BufReader, Cursor, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PATIENCE: Duration = Duration::from_seconds(1800);

impl Stage {
    pub fn source(&self) -> Broker {
        self.source_at(&self.url)
    }
    fn source_at(&self, url: &str) -> Broker {
        let remote = Remote::new(url, self.clock.clone(), self.cast.entropy()).unwrap();
        Broker::new(remote, self.cast.auditor().unwrap())
    }
    pub fn watch(&self, state: &str) -> Watch {
        // Another test's child that has not become its program yet holds a copy of every lock of this process.
        let mut opened = None;
        eventually("the watch's folder is free", || {
            opened = match Watch::open(&self.path(state), self.cast.card(), PATIENCE) {
                Err(WatchError::Folder(FolderError::InUse(_))) => None,
                other => Some(other.unwrap()),
            };
            opened.is_some()
        });
        opened.unwrap()
    }
    pub fn shows(&self) {
        self.broker.as_ref().unwrap().publish().unwrap();
    }
    /// One look with a watch of its own, as a command that is started anew each time.
    pub fn look(&self, state: &str) -> Looked {
        self.watch(state).look(&self.source(), self.now()).unwrap()
    }
    fn minutes(&self, minutes: u64) {
        self.clock.pass(Duration::from_seconds(minutes * 60));
    }
    /// Takes the broker's data aside under a name, or puts it back, while it stands still.
    fn copy_data(&mut self, from: &str, to: &str) {
        self.stop();
        let to = self.path(to);
        drop(fs::remove_dir_all(&to));
        copy_folder(&self.path(from), &to);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &into);
        } else {
            fs::copy(entry.path(), into).unwrap();
        }
    }
}

pub fn quiet(looked: Looked) -> Quiet {
    match looked {
        Looked::Quiet(quiet) => *quiet,
        other => panic!("not quiet: {other:?}"),
    }
}

/// The look ended with this word, its proof is kept, and nothing goes on from there.
pub fn alarmed(looked: Looked, word: Word, state: &Path) -> Alarm {
    let Looked::Alarm(alarm) = looked else { panic!("no {word}: {looked:?}") };
    assert_eq!(alarm.finding.word, word, "{}", alarm.finding.seen);
    let evidence = alarm.evidence.clone().unwrap();
    let name = evidence.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.contains(word.as_str()), "{name}");
    assert!(fs::read_to_string(evidence.join("finding.txt")).unwrap().contains(&alarm.finding.seen));
    assert!(fs::read_to_string(state.join("alarm")).unwrap().starts_with(word.as_str()));
    *alarm
}

/// The evidence holds these files.
fn keeps(alarm: &Alarm, files: &[&str]) {
    let folder = alarm.evidence.as_ref().unwrap();
    let mut there: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    there.sort();
    for file in files {
        assert!(there.iter().any(|name| name == file), "no {file} in {there:?}");
    }
}

fn lines(path: PathBuf) -> u64 {
    fs::read_to_string(path).unwrap().lines().count() as u64
}

#[test]
fn quiet_looks_fetch_only_what_is_new_and_hold_what_an_export_holds() {
    let mut stage = Stage::established();
    stage.shows();
    let first = quiet(stage.look("watch"));
    assert_eq!((first.case_size, first.new["party enrolled"]), (stage.case_size(), 2));
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    stage.grant(&terms);
    stage.shows();
    let mut watch = stage.watch("watch");
    let second = quiet(watch.look(&stage.source(), stage.now()).unwrap());
    assert_eq!((second.new["grant given"], second.new["disclosed to an auditor"]), (1, 1));
    assert!(!second.new.contains_key("party enrolled"));
    assert_eq!(
        second.new.values().sum::<u64>(),
        second.case_size + second.register_size - first.case_size - first.register_size
    );
    // The same watch goes on, and one that is started anew after it.
    let third = quiet(watch.look(&stage.source(), stage.now()).unwrap());
    assert_eq!(third.new.values().sum::<u64>(), 1, "{third:?}");
    drop(watch);
    let fourth = quiet(stage.look("watch"));
    assert_eq!(fourth.case_size, stage.case_size());
    stage.audit("audit");
    for log in ["register.jsonl", "case.jsonl"] {
        let (ours, exported) = (stage.path("watch").join(log), stage.path("audit").join(log));
        assert!(fs::read_to_string(exported).unwrap().starts_with(&fs::read_to_string(ours).unwrap()), "{log}");
    }
    assert!(fs::read_dir(stage.path("watch")).unwrap().all(|e| e.unwrap().file_name() != "alarm"));
}

/// What a crash leaves: the folder before, and files of the folder after it, whole, torn or twice.
#[test]
fn a_watch_killed_at_any_write_goes_on_from_what_was_verified() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("before"));
    copy_folder(&stage.path("before"), &stage.path("after"));
    stage.report("note.txt", b"what was seen");
    let until = stage.now().plus(Duration::from_days(300));
    stage.another_institution(until, Some(until));
    stage.shows();
    quiet(stage.look("after"));
    let after = |name: &str| fs::read(stage.path("after").join(name)).unwrap();
    let before = |name: &str| fs::read(stage.path("before").join(name)).unwrap();
    assert!(after("register.jsonl").len() > before("register.jsonl").len());
    let torn = |name: &str| after(name)[..(before(name).len() + after(name).len()) / 2].to_vec();
    let twice = |name: &str| [after(name), after(name)[before(name).len()..].to_vec()].concat();
    let nothing = Vec::new;
    let crashes: Vec<(&str, Vec<(&str, Vec<u8>)>)> = vec![
        ("receiving", vec![("incoming.register", torn("register.jsonl")), ("incoming.case", b"{\"salt".to_vec())]),
        ("torn register", vec![("register.jsonl", torn("register.jsonl"))]),
        ("register appended", vec![("register.jsonl", after("register.jsonl"))]),
        ("torn case", vec![("register.jsonl", after("register.jsonl")), ("case.jsonl", torn("case.jsonl"))]),
        ("both appended", vec![("register.jsonl", after("register.jsonl")), ("case.jsonl", after("case.jsonl"))]),
        ("appended twice", vec![("register.jsonl", twice("register.jsonl")), ("case.jsonl", twice("case.jsonl"))]),
        (
            "new state half written",
            vec![
                ("register.jsonl", after("register.jsonl")),
                ("case.jsonl", after("case.jsonl")),
                ("verified.json.partial", torn("verified.json")),
            ],
        ),
        (
            "new state in place",
            vec![
                ("register.jsonl", after("register.jsonl")),
                ("case.jsonl", after("case.jsonl")),
                ("verified.json", after("verified.json")),
                ("incoming.case", torn("case.jsonl")),
            ],
        ),
        ("trouble half written", vec![("trouble.json.partial", b"{".to_vec()), ("alarm.partial", b"ro".to_vec())]),
        ("nothing received", vec![("incoming.register", nothing()), ("incoming.case", nothing())]),
    ];
    for (name, files) in crashes {
        let state = format!("crashed {name}");
        copy_folder(&stage.path("before"), &stage.path(&state));
        for (file, content) in files {
            fs::write(stage.path(&state).join(file), content).unwrap();
        }
        let size = quiet(stage.look(&state)).case_size;
        assert_eq!((size, lines(stage.path(&state).join("case.jsonl"))), (stage.case_size(), size), "{name}");
    }
    // The very first look, interrupted before anything counted, and between state and genesis.
    for (name, files) in [
        ("first appended", vec!["register.jsonl", "case.jsonl"]),
        ("first without genesis", vec!["register.jsonl", "case.jsonl", "verified.json"]),
    ] {
        fs::create_dir(stage.path(name)).unwrap();
        for file in files {
            fs::write(stage.path(name).join(file), after(file)).unwrap();
        }
        quiet(stage.look(name));
        assert!(stage.path(name).join("genesis.note").exists());
    }
}

#[test]
fn a_state_folder_somebody_changed_is_refused() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("older"));
    stage.report("note.txt", b"what was seen");
    copy_folder(&stage.path("older"), &stage.path("state"));
    stage.shows();
    quiet(stage.look("state"));
    let read = |name: &str| fs::read_to_string(stage.path("state").join(name)).unwrap();
    let flip = |name: &str, from: &str, to: &str| {
        assert!(read(name).contains(from));
        (name.to_owned(), Some(read(name).replacen(from, to, 1)))
    };
    let without_last = |name: &str| {
        let text = read(name);
        let kept = text.trim_end().rsplit_once('\n').unwrap().0;
        (name.to_owned(), Some(format!("{kept}\n")))
    };
    let older = |name: &str| (name.to_owned(), Some(fs::read_to_string(stage.path("older").join(name)).unwrap()));
    // Behind the last public checkpoint only the one handed to auditors tells.
    let flip_last = |name: &str| {
        let text = read(name);
        let (before, last) = text.trim_end().rsplit_once('\n').unwrap();
        (name.to_owned(), Some(format!("{before}\n{}\n", last.replacen("\\\"at\\\":", "\\\"at\\\": ", 1))))
    };
    let stranger = Stage::founded();
    let foreign = stranger.cast.founded.genesis.note().to_owned();
    for (name, change) in [
        ("case entry", flip("case.jsonl", "\\\"at\\\":", "\\\"at\\\": ")),
        ("newest case entry", flip_last("case.jsonl")),
        ("register entry", flip("register.jsonl", "accepted", "Accepted")),
        ("case shorter", without_last("case.jsonl")),
        ("register shorter", without_last("register.jsonl")),
        ("older case", older("case.jsonl")),
        ("no state", ("verified.json".to_owned(), None)),
        ("checkpoint", flip("verified.json", "/case\\n", "/case\\n1")),
        ("another genesis", ("genesis.note".to_owned(), Some(foreign))),
        ("state is no state", ("verified.json".to_owned(), Some("{}".to_owned()))),
    ] {
        let state = stage.path(&format!("changed {name}"));
        copy_folder(&stage.path("state"), &state);
        match change {
            (file, Some(content)) => fs::write(state.join(file), content).unwrap(),
            (file, None) => fs::remove_file(state.join(file)).unwrap(),
        }
        let opened = Watch::open(&state, stage.cast.card(), PATIENCE).map(|_| ());
        assert!(matches!(opened, Err(WatchError::Folder(FolderError::Changed(_)))), "{name}: {opened:?}");
    }
    let other = Watch::open(&stage.path("state"), stranger.cast.card(), PATIENCE).map(|_| ());
    assert!(matches!(other, Err(WatchError::OtherCard { .. })), "{other:?}");
    let first = stage.watch("state");
    let second = Watch::open(&stage.path("state"), stage.cast.card(), PATIENCE).map(|_| ());
    assert!(matches!(second, Err(WatchError::Folder(FolderError::InUse(_)))), "{second:?}");
    drop(first);
    quiet(stage.look("state"));
}

#[test]
fn a_broker_set_back_to_an_older_state_is_a_rollback_and_once_it_grew_again_a_fork() {
    let mut stage = Stage::established();
    stage.shows();
    stage.copy_data("broker/data", "aside");
    stage.restart();
    for _ in 0..3 {
        stage.shows();
    }
    let before = quiet(stage.look("watch"));
    copy_folder(&stage.path("watch"), &stage.path("later"));
    copy_folder(&stage.path("watch"), &stage.path("honest"));
    stage.copy_data("broker/data", "newer");
    stage.copy_data("aside", "broker/data");
    stage.restart_without_anchor();
    let alarm = alarmed(stage.look("watch"), Word::Rollback, &stage.path("watch"));
    keeps(&alarm, &["now.case", "verified.case", "verified.register", "public-verified.case", "genesis.note"]);
    // Not before somebody says so, and then again what there is to see.
    let refused = Watch::open(&stage.path("watch"), stage.cast.card(), PATIENCE).map(|_| ());
    assert!(matches!(refused, Err(WatchError::Folder(FolderError::Alarmed { .. }))), "{refused:?}");
    let cleared = Watch::clear_alarm(&stage.path("watch"), stage.now()).unwrap().unwrap();
    assert!(cleared.starts_with("rollback"), "{cleared}");
    let again = alarmed(stage.look("watch"), Word::Rollback, &stage.path("watch"));
    assert_ne!(again.evidence, alarm.evidence);
    keeps(&alarm, &["now.case"]);
    while stage.case_size() <= before.case_size {
        stage.shows();
    }
    let fork = alarmed(stage.look("later"), Word::Fork, &stage.path("later"));
    keeps(&fork, &["now.case", "verified.case", "received.case.jsonl"]);
    // The newer state put back again holds.
    stage.copy_data("newer", "broker/data");
    stage.restart_without_anchor();
    quiet(stage.look("honest"));
}

#[test]
fn two_histories_under_the_same_keys_are_a_fork_to_auditors_and_in_public() {
    let mut stage = Stage::established();
    stage.shows();
    stage.stop();
    copy_folder(&stage.path("broker"), &stage.path("twin"));
    stage.restart();
    let twin = Running::start_with(Places::under(&stage.path("twin")), Some(stage.clock.clone()), |_| {}).unwrap();
    twin.publish().unwrap();
    stage.shows();
    quiet(stage.look("private"));
    copy_folder(&stage.path("private"), &stage.path("public"));
    twin.publish().unwrap();
    twin.publish().unwrap();
    let (ours, theirs) = (stage.source(), stage.source_at(&twin.url()));
    let alarm = alarmed(stage.watch("private").look(&theirs, stage.now()).unwrap(), Word::Fork, &stage.path("private"));
    keeps(&alarm, &["now.case", "verified.case"]);
    // Auditors are handed one history, the public the other.
    for _ in 0..3 {
        stage.shows();
    }
    let mixed = Mixed { private: &ours, register: None, case: theirs.published(Log::Case).unwrap() };
    let alarm = alarmed(stage.watch("public").look(&mixed, stage.now()).unwrap(), Word::Fork, &stage.path("public"));
    keeps(&alarm, &["public-now.case", "public-verified.case"]);
}

/// Entries from one source, public checkpoints from elsewhere.
struct Mixed<'a> {
    private: &'a dyn Source,
    register: Option<String>,
    case: Option<String>,
}

impl Source for Mixed<'_> {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        let other = if log == Log::Register { &self.register } else { &self.case };
        other.as_ref().map_or_else(|| self.private.published(log), |note| Ok(Some(note.clone())))
    }
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        self.private.entries(register, case)
    }
    fn register_head(&self) -> Result<String, SourceError> {
        self.private.register_head()
    }
    fn case_head(&self, from: u64) -> Result<CaseHead, SourceError> {
        self.private.case_head(from)
    }
}

#[test]
fn public_log_that_shrinks_or_is_larger_than_the_one_handed_over_is_a_rollback() {
    let stage = Stage::established();
    stage.shows();
    let source = stage.source();
    let old = source.published(Log::Case).unwrap();
    stage.shows();
    quiet(stage.look("shrunk"));
    copy_folder(&stage.path("shrunk"), &stage.path("hidden"));
    copy_folder(&stage.path("shrunk"), &stage.path("page"));
    let mixed = Mixed { private: &source, register: None, case: old };
    let alarm =
        alarmed(stage.watch("shrunk").look(&mixed, stage.now()).unwrap(), Word::Rollback, &stage.path("shrunk"));
    keeps(&alarm, &["public-now.case", "public-verified.case"]);
    // Auditors are shown the log as it was before the last publication.
    let mut frozen = Vec::new();
    let held = quiet_sizes(&stage, "hidden");
    source.entries(held.0, held.1).unwrap().read_to_end(&mut frozen).unwrap();
    stage.shows();
    stage.shows();
    let kept = Kept { lines: frozen, public: [None, source.published(Log::Case).unwrap()] };
    let alarm = alarmed(stage.watch("hidden").look(&kept, stage.now()).unwrap(), Word::Rollback, &stage.path("hidden"));
    assert!(alarm.finding.seen.contains("handed to its auditors"), "{}", alarm.finding.seen);
    // Somebody's proxy is no evidence of anything.
    let page = Mixed { private: &source, register: Some("<html>please log in</html>".to_owned()), case: None };
    let looked = stage.watch("page").look(&page, stage.now()).unwrap();
    assert!(matches!(looked, Looked::Trouble(SourceError::Unreachable(_))), "{looked:?}");
    quiet(stage.look("page"));
}

fn quiet_sizes(stage: &Stage, state: &str) -> (u64, u64) {
    (lines(stage.path(state).join("register.jsonl")), lines(stage.path(state).join("case.jsonl")))
}

/// Entries as they were once handed over.
struct Kept {
    lines: Vec<u8>,
    public: [Option<String>; 2],
}

impl Source for Kept {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        Ok(self.public[usize::from(log == Log::Case)].clone())
    }
    fn entries(&self, _: u64, _: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        Ok(Box::new(&self.lines[..]))
    }
    fn register_head(&self) -> Result<String, SourceError> {
        Err(SourceError::NotFound)
    }
    fn case_head(&self, _: u64) -> Result<CaseHead, SourceError> {
        Err(SourceError::NotFound)
    }
}

#[test]
fn an_entry_that_was_edited_in_the_database_closes_the_log() {
    let mut stage = Stage::established();
    stage.shows();
    let held = quiet(stage.look("watch"));
    stage.report("note.txt", b"what was seen");
    let database = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
    let sealed: Vec<u8> = database
        .query_row("SELECT entry FROM entries WHERE log = 1 AND idx = ?1", [held.case_size as i64], |row| row.get(0))
        .unwrap();
    let mut edited = sealed;
    *edited.last_mut().unwrap() ^= 1;
    let changed = database
        .execute("UPDATE entries SET entry = ?1 WHERE log = 1 AND idx = ?2", (edited, held.case_size as i64))
        .unwrap();
    assert_eq!(changed, 1);
    // Once may be the line; again and again at the same entry is not.
    let first = stage.look("watch");
    // Depending on what was on its way already, the line is cut or the connection is.
    assert!(matches!(&first, Looked::Trouble(SourceError::Unreachable(_))), "{first:?}");
    stage.minutes(29);
    assert!(matches!(stage.look("watch"), Looked::Trouble(_)));
    stage.minutes(2);
    let alarm = alarmed(stage.look("watch"), Word::Closed, &stage.path("watch"));
    keeps(&alarm, &["verified.case", "public-verified.case"]);
    assert!(alarm.finding.seen.contains("3 times in a row"), "{}", alarm.finding.seen);
}

#[test]
fn public_checkpoint_that_stands_still_is_stale_and_a_quiet_broker_that_publishes_is_not() {
    let stage = Stage::established();
    stage.shows();
    quiet(stage.look("watch"));
    for _ in 0..3 {
        stage.minutes(29);
        stage.shows();
        quiet(stage.look("watch"));
    }
    copy_folder(&stage.path("watch"), &stage.path("hidden"));
    stage.minutes(29);
    quiet(stage.look("watch"));
    stage.minutes(2);
    let alarm = alarmed(stage.look("watch"), Word::Stale, &stage.path("watch"));
    keeps(&alarm, &["public-now.case", "verified.case"]);
    // Whoever clears it waits anew, also for a broker that takes its publication away.
    Watch::clear_alarm(&stage.path("watch"), stage.now()).unwrap();
    quiet(stage.look("watch"));
    let never = Stage::established();
    quiet(never.look("watch"));
    never.minutes(31);
    let alarm = alarmed(never.look("watch"), Word::Stale, &never.path("watch"));
    assert!(alarm.finding.seen.contains("has not been published"), "{}", alarm.finding.seen);
}

#[test]
fn broker_that_is_gone_is_waited_for_and_then_unreachable() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("watch"));
    stage.stop();
    assert!(matches!(stage.look("watch"), Looked::Trouble(SourceError::Unreachable(_))));
    // It came back in time: the next absence is waited for as long again.
    stage.restart();
    stage.shows();
    quiet(stage.look("watch"));
    stage.stop();
    stage.minutes(40);
    assert!(matches!(stage.look("watch"), Looked::Trouble(_)));
    stage.minutes(31);
    alarmed(stage.look("watch"), Word::Unreachable, &stage.path("watch"));
}

#[test]
fn whoever_is_no_auditor_is_refused_without_an_alarm() {
    let stage = Stage::established();
    stage.shows();
    let remote = || Remote::new(&stage.url, stage.clock.clone(), stage.cast.entropy()).unwrap();
    let advocate = Broker::new(remote(), copy(&stage.cast.advocate));
    for _ in 0..2 {
        let looked = stage.watch("watch").look(&advocate, stage.now()).unwrap();
        assert!(matches!(looked, Looked::Trouble(SourceError::Refused(_))), "{looked:?}");
        fs::remove_file(stage.path("watch/trouble.json")).unwrap();
        quiet(stage.look("watch"));
    }
}

/// A log in memory, signed by whoever holds the keys.
struct Told {
    genesis: String,
    register: Vec<String>,
    case: Vec<String>,
    notes: [String; 2],
    public: [Option<String>; 2],
}

impl Told {
    fn by(writer: &LyingWriter) -> Self {
        let notes = writer.checkpoints();
        let case = writer.case.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        let (genesis, register) = (writer.genesis.clone(), writer.register.clone());
        Self { genesis, register, case, public: notes.clone().map(Some), notes }
    }
}

impl Source for Told {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        Ok(self.public[usize::from(log == Log::Case)].clone())
    }
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        if register > self.register.len() as u64 || case > self.case.len() as u64 {
            return Err(SourceError::NotFound);
        }
        let mut text = Vec::new();
        let mut put = |line: BundleLine| text.push(serde_json::to_string(&line).unwrap());
        put(BundleLine::Genesis(self.genesis.clone()));
        put(BundleLine::Checkpoint(Log::Register, self.notes[0].clone()));
        self.register[register as usize..].iter().for_each(|entry| put(BundleLine::Register(entry.clone())));
        put(BundleLine::Checkpoint(Log::Case, self.notes[1].clone()));
        let case = self.case[case as usize..].iter();
        case.for_each(|line| put(BundleLine::Case(serde_json::from_str(line).unwrap())));
        put(BundleLine::End);
        text.push(String::new());
        Ok(Box::new(Cursor::new(text.join("\n"))))
    }
    fn register_head(&self) -> Result<String, SourceError> {
        Ok(self.notes[0].clone())
    }
    fn case_head(&self, _: u64) -> Result<CaseHead, SourceError> {
        Ok(CaseHead { checkpoint: self.notes[1].clone(), consistency: Vec::new() })
    }
}

/// An honest look, then what the writer tells next.
fn told(story: &Story, name: &str, honest: &Told, then: &Told, word: Word) -> Alarm {
    let state = story.stage.path(name);
    let mut watch = Watch::open(&state, story.stage.cast.card(), PATIENCE).unwrap();
    quiet(watch.look(honest, story.stage.now()).unwrap());
    alarmed(watch.look(then, story.stage.now()).unwrap(), word, &state)
}

#[test]
fn lies_signed_with_the_brokers_own_keys_each_have_their_word() {
    let mut story = story();
    let used = story.used;
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, used, |_| {});
    let writer = |story: &mut Story, name: &str| LyingWriter::of(&mut story.stage, name);
    let honest = writer(&mut story, "export");
    let first = Told::by(&honest);

    // A release beyond the count, with facts made to fit.
    let mut lying = writer(&mut story, "released");
    let auditor = Story::facts(&lying, &request);
    let index = lying.append(Happening::Released, Some(request), &auditor);
    let alarm = told(&story, "watch-released", &first, &Told::by(&lying), Word::UnexplainedRelease);
    assert!(alarm.finding.seen.contains("the count is used up"), "{}", alarm.finding.seen);
    keeps(
        &alarm,
        &[&format!("entry.case.{index}.json"), "now.case", "now.register", "verified.case", "received.case.jsonl"],
    );

    // An entry from the future.
    let mut ahead = writer(&mut story, "ahead");
    let (at, register_size) = (story.stage.now().plus(Duration::from_seconds(1200)), Some(ahead.register.len() as u64));
    ahead.append_at(Shared { event: Happening::Cover, at, register_size, statement: None }, &AuditorPart::default());
    told(&story, "watch-ahead", &first, &Told::by(&ahead), Word::Clock);
    let mut nearly = writer(&mut story, "nearly");
    let at = story.stage.now().plus(Duration::from_seconds(500));
    nearly.append_at(Shared { event: Happening::Cover, at, register_size, statement: None }, &AuditorPart::default());
    let mut watch = Watch::open(&story.stage.path("watch-nearly"), story.stage.cast.card(), PATIENCE).unwrap();
    quiet(watch.look(&first, story.stage.now()).unwrap());
    quiet(watch.look(&Told::by(&nearly), story.stage.now()).unwrap());

    // An entry that breaks no rule of releases, but cannot be folded: the past.
    let mut past = writer(&mut story, "past");
    let at = Timestamp::from_seconds(1_700_000_000);
    past.append_at(Shared { event: Happening::Cover, at, register_size, statement: None }, &AuditorPart::default());
    told(&story, "watch-past", &first, &Told::by(&past), Word::Closed);

    // Fewer entries than are signed.
    let mut withheld = Told::by(&writer(&mut story, "withheld"));
    withheld.case.pop();
    told(&story, "watch-withheld", &first, &withheld, Word::Closed);

    // A shorter log, signed; an empty one.
    let mut shorter = writer(&mut story, "shorter");
    shorter.case.truncate(3);
    told(&story, "watch-shorter", &first, &Told::by(&shorter), Word::Rollback);

    // The same number of entries, the last of them written anew.
    let mut rewritten = writer(&mut story, "rewritten");
    rewritten.case.truncate(honest.case.len() - 1);
    rewritten.append(Happening::Cover, None, &AuditorPart::default());
    let alarm = told(&story, "watch-rewritten", &first, &Told::by(&rewritten), Word::Fork);
    keeps(&alarm, &["now.case", "verified.case"]);

    // A fork stays one when its entries do not fold.
    rewritten
        .append_at(Shared { event: Happening::Cover, at, register_size, statement: None }, &AuditorPart::default());
    told(&story, "watch-rewritten-past", &first, &Told::by(&rewritten), Word::Fork);

    // Another genesis, other keys.
    let stranger = Stage::founded();
    let mut other = Told::by(&writer(&mut story, "other"));
    stranger.cast.founded.genesis.note().clone_into(&mut other.genesis);
    told(&story, "watch-other", &first, &other, Word::OtherBroker);
    let mut foreign = writer(&mut story, "foreign");
    let name = foreign.keys[1].verifier().name().clone();
    foreign.keys[1] = Ed25519NoteSigner::new(name, SigningKey::from_bytes(&[1; 32])).unwrap();
    told(&story, "watch-foreign", &first, &Told::by(&foreign), Word::OtherBroker);
    let mut public = Told::by(&writer(&mut story, "public"));
    public.public[1] = Some(Told::by(&foreign).notes[1].clone());
    told(&story, "watch-public", &first, &public, Word::OtherBroker);
    let card: Card = stranger.cast.card();
    let looked =
        Watch::open(&story.stage.path("card"), card, PATIENCE).unwrap().look(&first, story.stage.now()).unwrap();
    alarmed(looked, Word::OtherBroker, &story.stage.path("card"));
}

/// A real broker behind somebody who changes what it hands over, but cannot sign.
struct Altering<'a>(&'a dyn Source);

impl Source for Altering<'_> {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        self.0.published(log)
    }
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        let mut text = String::new();
        self.0.entries(register, case)?.read_to_string(&mut text).unwrap();
        let (before, case) = text.split_once("{\"case\":").unwrap();
        let altered = case.replacen("\\\"at\\\":", "\\\"at\\\": ", 1);
        assert_ne!(altered, case);
        Ok(Box::new(Cursor::new(format!("{before}{{\"case\":{altered}"))))
    }
    fn register_head(&self) -> Result<String, SourceError> {
        self.0.register_head()
    }
    fn case_head(&self, from: u64) -> Result<CaseHead, SourceError> {
        self.0.case_head(from)
    }
}

#[test]
fn leaf_that_does_not_open_closes_a_log_whose_tree_goes_on() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("watch"));
    stage.report("note.txt", b"what was seen");
    let source = stage.source();
    let looked = stage.watch("watch").look(&Altering(&source), stage.now()).unwrap();
    let alarm = alarmed(looked, Word::Closed, &stage.path("watch"));
    keeps(&alarm, &["now.case", "received.case.jsonl"]);
}

/// A broker in memory whose genesis names witnesses.
struct Witnessed {
    writer: LyingWriter,
    witnesses: Vec<CosignatureSigner>,
    card: Card,
    now: Timestamp,
}

impl Witnessed {
    fn found(stage: &Stage, quorum: u32) -> Self {
        let witness = |n: u8| {
            CosignatureSigner::new(format!("witness-{n}.example").parse().unwrap(), SigningKey::from_bytes(&[n; 32]))
                .unwrap()
        };
        let witnesses: Vec<_> = (1..=3).map(witness).collect();
        let verifiers: Vec<_> = witnesses.iter().map(|w| w.verifier().clone()).collect();
        let watchers = Watchers::new(&verifiers, Some(quorum)).unwrap();
        let keys = stage.path("witnessed-keys");
        let now = stage.now();
        let founded = found_watched("watched.example", &keys, &watchers, now, &*stage.cast.entropy()).unwrap();
        let genesis: SignedGenesis = founded.genesis;
        let key = |log: &str| {
            let text = fs::read_to_string(keys.join(format!("{log}.key"))).unwrap();
            let seed: [u8; 32] = hex::decode(text.trim()).unwrap().try_into().unwrap();
            let name = format!("watched.example/{log}").parse().unwrap();
            Ed25519NoteSigner::new(name, SigningKey::from_bytes(&seed)).unwrap()
        };
        let writer = LyingWriter {
            genesis: genesis.note().to_owned(),
            register: vec![genesis.entry().encode().unwrap()],
            case: Vec::new(),
            facts: String::new(),
            keys: [key("register"), key("case")],
            closed: std::collections::BTreeSet::new(),
        };
        Self { writer, witnesses, card: genesis.card(), now }
    }

    /// Minutes pass, an entry is written and published, and so many witnesses cosign so long ago.
    fn published(&mut self, minutes: u64, cosigned: &[u64]) -> Told {
        self.now = self.now.plus(Duration::from_seconds(minutes * 60));
        let event = Shared { event: Happening::Cover, at: self.now, register_size: Some(1), statement: None };
        self.writer.append_at(event, &AuditorPart::default());
        let mut told = Told::by(&self.writer);
        let now = self.now.as_seconds();
        told.public = told.notes.clone().map(|note| {
            let mut note = Note::parse(&note).unwrap();
            for (witness, ago) in self.witnesses.iter().zip(cosigned) {
                let checkpoint = amana::tlog::Checkpoint::parse(note.text()).unwrap();
                let line = witness.cosign(&checkpoint, now - ago * 60).unwrap();
                note = note.with_signature(&line.to_string()).unwrap();
            }
            Some(note.to_string())
        });
        told
    }
}

#[test]
fn log_that_grows_without_its_quorum_of_witnesses_is_stale() {
    let stage = Stage::laid();
    let mut broker = Witnessed::found(&stage, 2);
    let state = stage.path("watch");
    let mut watch = Watch::open(&state, broker.card.clone(), PATIENCE).unwrap();
    let shown = quiet(watch.look(&broker.published(1, &[0, 1, 50]), broker.now).unwrap()).public_case;
    assert_eq!((shown.quorum, shown.witnesses.len()), (2, 3));
    // One is not two; for half an hour that can happen.
    quiet(watch.look(&broker.published(20, &[0]), broker.now).unwrap());
    quiet(watch.look(&broker.published(5, &[0, 3]), broker.now).unwrap());
    // The quorum's age is that of its oldest member.
    quiet(watch.look(&broker.published(15, &[0, 18]), broker.now).unwrap());
    let looked = watch.look(&broker.published(20, &[0]), broker.now).unwrap();
    let alarm = alarmed(looked, Word::Stale, &state);
    assert!(alarm.finding.seen.contains("2 witnesses have not cosigned"), "{}", alarm.finding.seen);
    keeps(&alarm, &["public-now.case"]);
    // Old cosignatures count as what they are also at the first sight.
    let mut watch = Watch::open(&stage.path("late"), broker.card.clone(), PATIENCE).unwrap();
    let looked = watch.look(&broker.published(1, &[0, 40, 50]), broker.now).unwrap();
    alarmed(looked, Word::Stale, &stage.path("late"));
}

fn auditor(stage: &Stage) -> Person {
    let identity = stage.cast.auditor().unwrap();
    let file = stage.path("auditor.txt");
    identity.write_plain(&file).unwrap();
    Person { home: stage.path("home"), identity: file, url: stage.url.clone(), card: stage.cast.card().to_string() }
}

#[test]
fn command_watches_alarms_refuses_and_is_cleared() {
    let mut stage = Stage::established();
    stage.shows();
    let mut auditor_now = auditor(&stage);
    let state = stage.path("state").to_str().unwrap().to_owned();
    let once = ["audit", "watch", "--state", &state, "--once"];
    let first = auditor_now.does(&once);
    assert_eq!((&first["quiet"], &first["new"]["party enrolled"]), (&true.into(), &2.into()));
    stage.copy_data("broker/data", "aside");
    stage.restart();
    auditor_now.url.clone_from(&stage.url);
    for _ in 0..2 {
        stage.shows();
    }
    auditor_now.does(&once);
    stage.copy_data("aside", "broker/data");
    stage.restart_without_anchor();
    auditor_now.url.clone_from(&stage.url);
    let (said, program) = (stage.path("said"), stage.path("alarm.sh"));
    fs::write(&program, format!("#!/bin/sh\necho \"$# $1\" > '{}'\n", said.display())).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let with_alarm = [&once[..], &["--alarm", program.to_str().unwrap()]].concat();
    let words = auditor_now.fails(3, &with_alarm);
    for expected in ["rollback:", "entries now", "receipts", "evidence is in", "--clear-alarm"] {
        assert!(words.contains(expected), "no {expected:?} in {words}");
    }
    assert_eq!(fs::read_to_string(&said).unwrap(), "1 rollback\n");
    let words = auditor_now.fails(3, &once);
    assert!(words.contains("an alarm stands") && words.contains("rollback:"), "{words}");
    let output = auditor_now.command(&[&once[..], &["--clear-alarm", "--json"]].concat()).output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &value["details"]["found"]), (Some(3), &"rollback".into()));
    assert_eq!(fs::read_dir(stage.path("state/evidence")).unwrap().count(), 2);
    // Nobody there is no lie yet.
    auditor_now.url = "http://127.0.0.1:9".to_owned();
    let elsewhere = stage.path("elsewhere").to_str().unwrap().to_owned();
    auditor_now.fails(4, &["audit", "watch", "--state", &elsewhere, "--once"]);
    let private = fs::metadata(stage.path("state/case.jsonl")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&private) & 0o777, 0o600);
}

#[test]
fn command_ends_cleanly_when_it_is_asked_to() {
    let stage = Stage::established();
    stage.shows();
    let state = stage.path("state").to_str().unwrap().to_owned();
    let mut command = auditor(&stage).command(&["audit", "watch", "--state", &state, "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"quiet\":true"), "{line}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut ended = None;
    eventually("the watch ends", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0));
    quiet(stage.look("state"));
}

#[test]
fn only_a_bundle_that_holds_is_signed_and_the_word_is_in_the_log() {
    let mut stage = Stage::established();
    let person = auditor(&stage);
    let folder = stage.path("bundle").to_str().unwrap().to_owned();
    person.does(&["audit", "export", "--out", &folder]);
    let signed = person.does(&["audit", "sign", &folder]);
    let case_size = stage.case_size();
    assert_eq!(signed["case_size"], lines(stage.path("bundle/case.jsonl")));
    let facts = stage.path("bundle/facts.jsonl");
    let text = fs::read_to_string(&facts).unwrap();
    fs::write(&facts, text.replacen("key", "kez", 1)).unwrap();
    let words = person.fails(3, &["audit", "sign", &folder]);
    assert!(words.contains("does NOT hold") && words.contains("Nothing was signed"), "{words}");
    assert_eq!(stage.case_size(), case_size);
    assert_eq!(stage.audit("again").events["audited"], 1);
}
