//! Both log keys are replaced and the old ones are gone: whoever follows, keeps or brings back the logs goes on, and nobody
//! takes the old keys' word for anything later.

use crate::{
    doctor::{amana, copy_folder, words},
    roll_forward::{mirrored, roll_forward},
    stage::Stage,
    watching::{alarmed, quiet},
};
use amana::{
    cli::embedded::{Places, Running},
    client::watching::{Source, SourceError, Word},
    model::{event::Log, ids::Digest, time::Timestamp},
    store,
    tlog::{Checkpoint, Ed25519NoteSigner, Hash, Note, NoteSigner, sign_note},
    wire::{
        api::{BundleLine, CaseHead},
        entry::{Happening, Shared},
        listing::SignedListing,
    },
};
use std::{
    convert::Infallible,
    fs,
    io::{BufRead, BufReader, Cursor},
    path::{Path, PathBuf},
};

const LOGS: [Log; 2] = [Log::Register, Log::Case];

/// The keys that signed until others took their place.
struct Replaced {
    register: Ed25519NoteSigner,
    case: Ed25519NoteSigner,
    /// Index of the register entry that did it.
    at: u64,
}

impl Replaced {
    fn key(&self, log: Log) -> &Ed25519NoteSigner {
        match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        }
    }
    /// A checkpoint of some size and an invented root.
    fn of_size(&self, log: Log, size: u64) -> String {
        let signer = self.key(log);
        let root = Hash::from_bytes(*Digest::of(b"another log").as_bytes());
        Checkpoint::new(signer.verifier().name(), size, root).unwrap().signed(signer).unwrap()
    }
    /// What a note says, under the old key alone.
    fn resigned(&self, log: Log, note: &str) -> String {
        sign_note(Note::parse(note).unwrap().text(), &[self.key(log) as &dyn NoteSigner]).unwrap()
    }
}

/// Replaces both log keys and destroys the old ones.
fn replace(stage: &mut Stage) -> Replaced {
    let (old_register, old_case) = (stage.signer("register", "register.key"), stage.signer("case", "case.key"));
    let (register, case) = (stage.prepare("register"), stage.prepare("case"));
    stage.restart();
    let roster = stage.changed(|roster| {
        roster.log_keys.register = register;
        roster.log_keys.case = case;
    });
    let hands = [stage.administrator(1), stage.administrator(2), stage.councillor(1), stage.councillor(2)];
    let proposal = stage.propose(&hands[0], roster).unwrap().id;
    for who in &hands[1..3] {
        stage.approve(who, proposal).unwrap();
    }
    // The last entry of the old keys' time has seen everything but the approval that ends it.
    stage.report("before.txt", b"what was seen before");
    let at = stage.approve(&hands[3], proposal).unwrap().index;
    for file in ["register.key", "case.key"] {
        fs::remove_file(stage.path("broker/keys").join(file)).unwrap();
    }
    stage.restart();
    Replaced { register: old_register, case: old_case, at }
}

/// How many case entries saw no more of the register than the old keys signed.
fn case_until(bundle: &Path, old: &Replaced) -> u64 {
    let shared: Vec<Shared> = crate::stage::case_log(bundle).into_iter().map(|(shared, _)| shared).collect();
    shared.iter().take_while(|shared| shared.register_size.unwrap() <= old.at).count() as u64
}

/// Each note in a file of its own.
fn files<'a>(stage: &Stage, notes: impl Iterator<Item = &'a String>) -> Vec<PathBuf> {
    (0..).zip(notes).map(|(number, note)| written(stage, &format!("known {number}"), note)).collect()
}

fn written(stage: &Stage, name: &str, text: &str) -> PathBuf {
    let path = stage.path(name);
    fs::write(&path, text).unwrap();
    path
}

/// A broker behind somebody who changes checkpoints on the way.
struct Between<'a> {
    broker: &'a dyn Source,
    /// Handed to everybody instead.
    public: [Option<String>; 2],
    /// Handed to auditors instead.
    private: [Option<String>; 2],
}

impl<'a> Between<'a> {
    fn nobody(broker: &'a dyn Source) -> Self {
        Self { broker, public: [None, None], private: [None, None] }
    }
}

fn place(log: Log) -> usize {
    usize::from(log == Log::Case)
}

impl Source for Between<'_> {
    fn published(&self, log: Log) -> Result<Option<String>, SourceError> {
        self.public[place(log)].clone().map_or_else(|| self.broker.published(log), |note| Ok(Some(note)))
    }
    fn entries(&self, register: u64, case: u64) -> Result<Box<dyn BufRead + '_>, SourceError> {
        let mut text = String::new();
        for line in BufReader::new(self.broker.entries(register, case)?).lines() {
            let line: BundleLine = serde_json::from_str(&line.unwrap()).unwrap();
            let line = match line {
                BundleLine::Checkpoint(log, note) => {
                    BundleLine::Checkpoint(log, self.private[place(log)].clone().unwrap_or(note))
                }
                line => line,
            };
            text.push_str(&serde_json::to_string(&line).unwrap());
            text.push('\n');
        }
        Ok(Box::new(Cursor::new(text)))
    }
    fn register_head(&self) -> Result<String, SourceError> {
        self.broker.register_head()
    }
    fn case_head(&self, from: u64) -> Result<CaseHead, SourceError> {
        self.broker.case_head(from)
    }
}

#[test]
fn watches_that_slept_and_new_ones_follow_a_replaced_log_key() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("asleep"));
    copy_folder(&stage.path("asleep"), &stage.path("slept"));
    let old = replace(&mut stage);
    stage.report("note.txt", b"what was seen");
    stage.shows();
    for state in ["asleep", "new", "asleep", "new"] {
        quiet(stage.look(state));
    }

    // Trees of now under the old keys alone: handed to auditors, or shown to everybody.
    let source = stage.source();
    let [register, case] = LOGS.map(|log| source.published(log).unwrap().unwrap());
    let (register, case) = (old.resigned(Log::Register, &register), old.resigned(Log::Case, &case));
    let handed = [Some(old.resigned(Log::Register, &source.register_head().unwrap())), None];
    // The look itself is an entry of the case log, so nobody could sign the tree with it before.
    let lies = [
        Between { private: handed, ..Between::nobody(&source) },
        Between { private: [None, Some(old.of_size(Log::Case, 1 << 20))], ..Between::nobody(&source) },
        Between { public: [Some(register), None], ..Between::nobody(&source) },
        Between { public: [None, Some(case)], ..Between::nobody(&source) },
    ];
    for (number, lie) in (0..).zip(&lies) {
        let [new, slept] = [format!("new {number}"), format!("slept {number}")];
        copy_folder(&stage.path("slept"), &stage.path(&slept));
        for state in [new, slept] {
            let looked = stage.watch(&state).look(lie, stage.now()).unwrap();
            alarmed(looked, Word::OtherBroker, &stage.path(&state));
        }
    }
}

#[test]
fn log_key_replaced_while_a_watch_looks_raises_no_alarm() {
    let mut stage = Stage::established();
    stage.shows();
    quiet(stage.look("watch"));
    let before = LOGS.map(|log| stage.source().published(log).unwrap());
    replace(&mut stage);
    let source = stage.source();
    // Shown under the old key, and the entries came a moment later.
    let late = Between { public: before.clone(), ..Between::nobody(&source) };
    quiet(stage.watch("watch").look(&late, stage.now()).unwrap());
    copy_folder(&stage.path("watch"), &stage.path("told again"));
    quiet(stage.look("watch"));
    // Once the new key is known, the old one is not believed; and never at a first look.
    for state in ["told again", "first"] {
        let late = Between { public: before.clone(), ..Between::nobody(&source) };
        alarmed(stage.watch(state).look(&late, stage.now()).unwrap(), Word::OtherBroker, &stage.path(state));
    }
}

#[test]
fn checkpoints_somebody_kept_count_under_the_key_of_their_time() {
    let mut stage = Stage::established();
    let kept = LOGS.map(|log| stage.head(log));
    let old = replace(&mut stage);
    stage.report("note.txt", b"what was seen");
    stage.audit("audit");
    let until = case_until(&stage.path("audit"), &old);
    let now = LOGS.map(|log| stage.head(log));
    stage.stop();
    let starts = |stage: &Stage, known: &[PathBuf]| {
        stage.wait_until_free();
        let places = Places { known: known.to_vec(), ..Places::under(&stage.path("broker")) };
        Running::start(places, Some(stage.clock.clone())).map(drop)
    };
    starts(&stage, &files(&stage, kept.iter().chain(&now))).unwrap();
    for (log, last) in [(Log::Register, old.at), (Log::Case, until)] {
        let newest = written(&stage, "newest", &old.resigned(log, &now[place(log)]));
        let refused = starts(&stage, &[newest]).unwrap_err();
        assert!(refused.contains("signed the checkpoint: it is forged"), "{log:?}: {refused}");
        // The last tree it signed, and one entry more: of another log, if it counts at all.
        let counts = written(&stage, "counts", &old.of_size(log, last));
        let refused = starts(&stage, &[counts]).unwrap_err();
        assert!(refused.contains("another log"), "{log:?}: {refused}");
        let later = written(&stage, "later", &old.of_size(log, last + 1));
        let refused = starts(&stage, &[later]).unwrap_err();
        assert!(refused.contains("signed the checkpoint: it is forged"), "{log:?}: {refused}");
    }
    starts(&stage, &[]).unwrap();
}

#[test]
fn copy_from_before_a_log_key_was_replaced_rolls_forward_under_the_new_one() {
    let mut stage = Stage::established();
    let kept = LOGS.map(|log| stage.head(log));
    stage.stop();
    copy_folder(&stage.path("broker/data"), &stage.path("older"));
    stage.restart();
    let old = replace(&mut stage);
    stage.report("note.txt", b"what was seen");
    let mirror = mirrored(&stage, "mirror");
    let now = LOGS.map(|log| stage.head(log));
    stage.stop();
    fs::remove_dir_all(stage.path("broker/data")).unwrap();
    copy_folder(&stage.path("older"), &stage.path("broker/data"));

    for (log, name) in LOGS.into_iter().zip(["register", "case"]) {
        // The mirror's own checkpoint, and one that somebody brings, of the very tree.
        let retired = stage.path(&format!("mirror {name}"));
        copy_folder(&mirror, &retired);
        let checkpoint = retired.join(name).join("checkpoint");
        let honest = fs::read_to_string(&checkpoint).unwrap();
        fs::write(&checkpoint, old.resigned(log, &honest)).unwrap();
        let (done, said) = roll_forward(&stage, &retired, &[]);
        assert!(!done && said.contains("does not hold"), "{said}");
        let (done, said) = roll_forward(&stage, &mirror, &["--known", checkpoint.to_str().unwrap()]);
        assert!(!done && said.contains("signed the checkpoint: it is forged"), "{said}");
    }
    let known = files(&stage, kept.iter().chain(&now));
    let known: Vec<&str> = known.iter().flat_map(|path| ["--known", path.to_str().unwrap()]).collect();
    let (done, said) = roll_forward(&stage, &mirror, &known);
    assert!(done, "{said}");
    stage.restart();
    let trust = stage.trust();
    assert!(LOGS.into_iter().all(|log| trust.read(log, &stage.head(log)).is_ok()));
}

#[test]
fn signed_listing_is_judged_by_the_key_of_its_time() {
    let mut stage = Stage::established();
    stage.report("note.txt", b"what was seen");
    let before = stage.as_advocate(|desk| desk.own_entries()).unwrap().listings.remove(0);
    let old = replace(&mut stage);
    stage.report("other.txt", b"what was heard");
    let after = stage.as_advocate(|desk| desk.own_entries()).unwrap().listings.remove(0);
    stage.audit("audit");
    let judged = |note: &str| {
        let listing = written(&stage, "listing", note);
        let output =
            amana(&["audit", "verify"]).arg(stage.path("audit")).arg("--listing").arg(listing).output().unwrap();
        (output.status.code(), words(&output))
    };
    for note in [&before, &after] {
        let (code, said) = judged(note);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = judged(&old.resigned(Log::Case, &after));
    assert!(code == Some(3) && said.contains("signature does not hold"), "{said}");
    // The last state it signed for, and one entry more.
    let until = case_until(&stage.path("audit"), &old);
    let trust = stage.cast.founded.genesis.trust().unwrap();
    let listing = SignedListing::open(&before, trust.log(Log::Case)).unwrap();
    let of_size = |size| {
        sign_note(&SignedListing { size, ..listing.clone() }.to_text(), &[&old.case as &dyn NoteSigner]).unwrap()
    };
    let (code, said) = judged(&of_size(until));
    assert!(code == Some(3) && said.contains("another log"), "{said}");
    let (code, said) = judged(&of_size(until + 1));
    assert!(code == Some(3) && said.contains("signature does not hold"), "{said}");
}

/// How many entries of a case log, by what each saw of the register, count as made before; `None` where the body is gone.
fn counted(log: &[Option<u64>], register: u64) -> u64 {
    let first_open = |from: u64, until: u64| {
        let open = (from..until).find_map(|index| Some((index, log[usize::try_from(index).unwrap()]?)));
        let shared = |seen| Shared {
            event: Happening::Cover,
            at: Timestamp::default(),
            register_size: Some(seen),
            statement: None,
        };
        Ok::<_, Infallible>(open.map(|(index, seen)| (index, shared(seen))))
    };
    store::case_until(log.len() as u64, register, first_open).unwrap()
}

#[test]
fn case_entries_before_the_first_that_saw_more_are_of_a_keys_time() {
    let whole = [1, 1, 2, 4, 4, 7].map(Some);
    let found: Vec<u64> = (0..8).map(|register| counted(&whole, register)).collect();
    assert_eq!(found, [0, 2, 3, 3, 5, 5, 5, 6]);
    assert_eq!(counted(&[], 3), 0);
    // Bodies that are gone say nothing, up to the next that does.
    let gaps = [Some(1), None, Some(2), None, None, Some(4), None];
    let found: Vec<u64> = (0..5).map(|register| counted(&gaps, register)).collect();
    assert_eq!(found, [0, 2, 5, 5, 7]);
    assert_eq!(counted(&[None, None, Some(3)], 2), 2);
    assert_eq!(counted(&[None, None], 2), 2);
}
