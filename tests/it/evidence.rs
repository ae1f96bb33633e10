//! The evidence pack: a stranger can follow a report's story from it, and nothing can be changed or left out of it.

use crate::{
    command_line::Person,
    stage::{Stage, TestClock, eventually, publish},
};
use amana::{
    audit::pack::{self, Before, Pack, PackError},
    broker::{
        Publishing, Witnesses,
        witnesses::{Courier, CourierAnswer, CourierError},
    },
    cli::{
        ambient::SystemEntropy,
        demo::cast::{Cast, copy},
        founding::{self, Watchers},
    },
    client::{
        desk::DeskError,
        evidence::BeforeSealing,
        granting::Terms,
        report::{ManifestDraft, Plan},
    },
    model::{
        ambient::Clock as _,
        ids::{Digest, GrantId, ReportId},
        time::Timestamp,
    },
    tlog::{AddCheckpoint, CosignatureSigner, LogProof},
};
use ed25519_dalek::SigningKey;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// A witness that cosigns whatever it is shown, at a time of its own.
struct Willing(CosignatureSigner);

const COSIGNED_AT: u64 = 1_900_000_000;

fn willing() -> Willing {
    let name = "witness.example".parse().unwrap();
    Willing(CosignatureSigner::new(name, SigningKey::from_bytes(&[9; 32])).unwrap())
}

impl Courier for Willing {
    fn post(&self, _: &str, body: &str) -> Result<CourierAnswer, CourierError> {
        let request = AddCheckpoint::parse(body).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let line = self.0.cosign(request.checkpoint(), now.min(COSIGNED_AT)).unwrap();
        Ok(CourierAnswer { status: 200, content_type: None, body: format!("{line}\n") })
    }
}

/// A broker that one witness watches, an institution, and an advocate.
fn watched() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let (clock, entropy) = (TestClock::new(), SystemEntropy::new());
    let broker = dir.path().join("broker");
    fs::create_dir(&broker).unwrap();
    fs::set_permissions(&broker, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let watchers = Watchers::new(&[willing().0.verifier().clone()], None).unwrap();
    let keys = broker.join("keys");
    let founded = founding::found_watched("court.example", &keys, &watchers, clock.wall(), &*entropy).unwrap();
    fs::write(broker.join("genesis.note"), founded.genesis.note()).unwrap();
    let cast = Cast::returning(founded.genesis, founded.administrators, founded.accreditors).unwrap();
    let mut stage = Stage { dir, cast, clock, broker: None, url: String::new() };
    stage.restart_with(|settings| {
        let places = vec![("witness.example".to_owned(), "https://witness.example".to_owned())];
        settings.publishing =
            Publishing { every: None, witnesses: Some(Witnesses { courier: Arc::new(willing()), places }) };
    });
    stage.establish();
    stage
}

/// What happened, and what happened besides.
struct Told {
    stage: Stage,
    report: ReportId,
    sealed: PathBuf,
    grants: [GrantId; 2],
    other_report: ReportId,
    other_grant: GrantId,
}

/// A case is sealed, given, collected, acknowledged, given again and withdrawn; another report is given and withdrawn.
fn told(mut stage: Stage) -> Told {
    // A case of the sample's custody log and two files: what its persons agreed to is told in other tests.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/custody/custody_log.csv");
    let case = stage.path("case");
    fs::create_dir_all(case.join("custody")).unwrap();
    fs::copy(sample, case.join("custody/custody_log.csv")).unwrap();
    fs::write(case.join("Statement of Amina.txt"), "what was alleged").unwrap();
    fs::write(case.join("photo.jpg"), "not a photo").unwrap();
    let plan = Plan::of(&[case], ManifestDraft::default(), &mut |_| {}).unwrap();
    let sealed = stage.path("sample.age");
    let report = stage.as_advocate(|desk| publish(desk, &plan, &sealed)).unwrap();
    let other_report = stage.report("other.txt", b"something else entirely");
    let terms = begun(stage.terms(report));
    let first = stage.grant(&terms);
    let other_terms = begun(stage.terms(other_report));
    let other_grant = stage.grant(&other_terms);
    let released = stage.release(first).unwrap();
    stage.acknowledge(first, &released).unwrap();
    let second = stage.grant(&terms);
    stage.revoke(other_grant).unwrap();
    stage.revoke(second).unwrap();
    assert!(stage.release(second).is_err());
    stage.wait_until_shredded(second);
    stage.wait_until_shredded(other_grant);
    stage.wait_until_shredded(first);
    Told { stage, report, sealed, grants: [first, second], other_report, other_grant }
}

/// The broker's clock and the devices' may differ by a second.
fn begun(mut terms: Terms) -> Terms {
    terms.collect.from = Timestamp::from_seconds(terms.collect.from.as_seconds() - 60);
    terms
}

impl Told {
    fn publish(&self) {
        self.stage.broker.as_ref().unwrap().publish().unwrap();
    }
    fn pack(&mut self) -> Pack {
        let (report, sealed) = (self.report, self.sealed.clone());
        let made: Result<Pack, DeskError> = self.stage.as_advocate(|desk| {
            let before = desk.before_sealing(report, &BeforeSealing::SealedFile(sealed))?;
            desk.evidence(report, before)
        });
        made.unwrap()
    }
    fn person(&self) -> Person {
        let identity = self.stage.path("advocate.txt");
        copy(&self.stage.cast.advocate).write_plain(&identity).unwrap();
        let (home, url) = (self.stage.path("home"), self.stage.url.clone());
        Person { home, identity, url, card: self.stage.cast.card().to_string() }
    }
}

fn verify(path: &Path, card: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    command.args(["audit", "verify"]).arg(path);
    command.args(card.iter().flat_map(|card| ["--card", card]));
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A shell's answer; panics unless it succeeds.
fn shell(folder: &Path, line: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(line).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn has(tool: &str) -> bool {
    Command::new("sh").arg("-c").arg(format!("command -v {tool}")).output().unwrap().status.success()
}

/// The same files with one changed, its sum put right.
fn resealed(pack: &Pack, name: &str, bytes: Vec<u8>) -> Pack {
    let mut changed = pack.clone();
    changed.put(name, bytes);
    with_sums(changed)
}

fn with_sums(mut pack: Pack) -> Pack {
    let names: Vec<String> = pack.names().into_iter().map(str::to_owned).collect();
    let named = names.iter().filter(|name| *name != "manifest.txt");
    let sums: String = named.map(|name| format!("{}  {name}\n", Digest::of(pack.file(name).unwrap()))).collect();
    pack.put("manifest.txt", sums);
    pack
}

fn without(pack: &Pack, gone: impl Fn(&str) -> bool) -> Pack {
    let mut less = Pack::default();
    for name in pack.names().into_iter().filter(|name| !gone(name)) {
        less.put(name, pack.file(name).unwrap());
    }
    less
}

#[test]
fn witnessed_story_is_told_whole_and_holds_against_the_card() {
    let mut told = told(watched());
    let early = told.pack();
    let card = told.stage.cast.card();
    let custody = pack::check(&early, Some(&card)).unwrap().custody;
    assert!(custody.after.iter().all(|act| !act.witnessed), "nothing was published yet");
    told.publish();
    let made = told.pack();
    let checked = pack::check(&made, Some(&card)).unwrap();
    let custody = &checked.custody;
    assert_eq!(checked.remarks, Vec::<String>::new());
    let acts: Vec<&str> = custody.after.iter().map(|act| act.what.as_str()).collect();
    assert_eq!(acts[..3], ["key-registered", "sealed", "stored"]);
    for what in ["permission-given", "key-received", "released", "delivery-proved", "withdrawn", "release-denied"] {
        assert!(acts.contains(&what), "{what} is missing in {acts:?}");
    }
    assert!(acts.iter().filter(|act| **act == "key-destroyed").count() >= 4, "{acts:?}");
    assert!(custody.after.iter().all(|act| act.witnessed), "{:?}", custody.witnessed);
    assert_eq!(custody.witnessed.witnesses[0].0, "witness.example");
    let Before::SealedReport { items, rows } = &custody.before else { panic!("no custody before sealing") };
    assert!(items.len() == 3 && rows.len() == 4);
    // The same state is the same archive, and a file or a folder of it is the same pack.
    assert_eq!(told.pack().to_tar().unwrap(), made.to_tar().unwrap());
    let proof = LogProof::parse(std::str::from_utf8(made.file(&custody.after[1].proof).unwrap()).unwrap()).unwrap();
    assert_eq!(proof.checkpoint().as_bytes(), made.file("public/case.checkpoint").unwrap());
}

#[test]
fn pack_says_nothing_of_another_report() {
    let mut told = told(Stage::established());
    let pack = told.pack();
    let mut everything = String::new();
    for name in pack.names() {
        let text = String::from_utf8(pack.file(name).unwrap().to_vec()).unwrap();
        if let Ok(proof) = LogProof::parse(&text) {
            everything.push_str(&String::from_utf8_lossy(proof.extra()));
        }
        everything.push_str(&text);
    }
    assert!(everything.contains(&told.report.to_string()) && everything.contains(&told.grants[1].to_string()));
    for id in [told.other_report.to_string(), told.other_grant.to_string()] {
        assert!(!everything.contains(&id));
        assert!(!everything.contains(&id[..16]));
    }
    // Nor of persons and their consent, nor of what files are called.
    for word in ["Amina", "amina", "photo", "custody_log", "MDC office"] {
        assert!(!everything.contains(word), "{word}");
    }
}

#[test]
fn every_changed_file_is_noticed_also_with_its_sum_put_right() {
    let mut told = told(watched());
    told.publish();
    let pack = told.pack();
    let tar = pack.to_tar().unwrap();
    for place in (0..tar.len()).step_by(997) {
        let mut changed = tar.clone();
        changed[place] ^= 0x20;
        let outcome = Pack::of_tar(&changed).and_then(|pack| pack::check(&pack, None));
        assert!(outcome.is_err(), "byte {place}");
    }
    for name in pack.names() {
        let bytes = pack.file(name).unwrap();
        if bytes.is_empty() {
            continue;
        }
        for place in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.to_vec();
            changed[place] ^= 1;
            let changed = resealed(&pack, name, changed);
            assert!(name == "manifest.txt" || pack::check(&changed, None).is_err(), "{name} at {place}");
        }
        assert!(pack::check(&without(&pack, |gone| gone == name), None).is_err(), "{name} is gone");
        let gone = with_sums(without(&pack, |gone| gone == name || gone == "manifest.txt"));
        assert!(name == "manifest.txt" || pack::check(&gone, None).is_err(), "{name} and its sum are gone");
    }
    assert!(pack::check(&resealed(&pack, "more.txt", b"more".to_vec()), None).is_err());
}

#[test]
fn listing_about_a_report_names_what_is_about_it_and_concerns_the_one_who_asks() {
    let mut told = told(Stage::established());
    let (report, other) = (told.report, told.other_report);
    let indices = |own: amana::client::disclosed::OwnEntries| own.entries.iter().map(|e| e.index).collect::<Vec<_>>();
    let all = indices(told.stage.as_advocate(|desk| desk.own_entries()).unwrap());
    let mine = indices(told.stage.as_advocate(|desk| desk.entries_of_report(report)).unwrap());
    let others = indices(told.stage.as_advocate(|desk| desk.entries_of_report(other)).unwrap());
    let mut joined: Vec<u64> = mine.iter().chain(&others).copied().collect();
    joined.sort_unstable();
    // The two reports and the enrolment before them are all there is.
    assert_eq!(joined, all[1..]);
    // The institution is told its own part, and somebody else nothing.
    let officers = indices(told.stage.as_officer(|desk| desk.entries_of_report(report)).unwrap());
    assert!(!officers.is_empty() && officers.iter().all(|index| mine.contains(index)) && officers.len() < mine.len());
    let stranger = told.stage.as_accreditor(|desk| desk.entries_of_report(report)).unwrap();
    assert!(stranger.entries.is_empty());
}

#[test]
fn omitted_permission_shows_in_the_listing_the_log_signed() {
    let mut told = told(Stage::established());
    let pack = told.pack();
    let custody = pack::check(&pack, None).unwrap().custody;
    // Everything about the second permission is taken out, as if it had never been, and the rest is made anew.
    let second = told.grants[1].to_string();
    let mut gone: Vec<String> = Vec::new();
    for act in &custody.after {
        let proof = LogProof::parse(std::str::from_utf8(pack.file(&act.proof).unwrap()).unwrap()).unwrap();
        let id = act.statement.as_ref().map(|file| Digest::of(pack.file(file).unwrap()).to_string());
        let names_it = String::from_utf8_lossy(proof.extra()).contains(&second) || id.as_ref() == Some(&second);
        if names_it || (act.words.contains(&second[..8])) {
            gone.push(act.proof.clone());
        }
    }
    assert!(gone.len() >= 5, "{gone:?}");
    let gathered = without(&pack, |name| {
        let derived = ["manifest.txt", "README.txt", "custody.html", "custody.json", "digests.txt"];
        derived.contains(&name) || name.starts_with("statements/") || gone.iter().any(|file| file == name)
    });
    let refused = pack::finish(gathered.clone(), custody.before.clone()).unwrap_err();
    assert!(matches!(refused, PackError::Omitted(_)), "{refused}");
    // Without the listing it is no pack at all.
    let unlisted = without(&gathered, |name| name.starts_with("listings/"));
    assert!(matches!(pack::finish(unlisted, custody.before), Err(PackError::Missing(_))));
}

#[test]
fn command_line_asks_first_makes_the_pack_and_verifies_it() {
    let mut told = told(watched());
    told.publish();
    let person = told.person();
    let (report, out) = (told.report.to_string(), told.stage.path("pack.tar"));
    let (file, sealed) = (out.to_str().unwrap().to_owned(), told.sealed.to_str().unwrap().to_owned());
    let asked = person.fails(1, &["report", "evidence", &report, "--out", &file, "--with-manifest", &sealed]);
    assert!(asked.contains("will reveal") && asked.contains("hand-over 1"), "{asked}");
    assert!(!out.exists());
    let made = person.does(&["report", "evidence", &report, "--out", &file, "--with-manifest", &sealed, "--yes"]);
    assert_eq!(made["not_witnessed"], 0);
    let card = told.stage.cast.card().to_string();
    let holds = verify(&out, Some(&card));
    assert!(holds.status.success(), "{}", said(&holds));
    assert!(said(&holds).contains("witness witness.example cosigned"), "{}", said(&holds));
    let folder = told.stage.path("unpacked");
    fs::create_dir(&folder).unwrap();
    shell(&folder, &format!("tar xf {file}"));
    assert!(verify(&folder, Some(&card)).status.success());
    let other = Stage::laid().cast.card().to_string();
    let refused = verify(&out, Some(&other));
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    fs::write(folder.join("digests.txt"), "").unwrap();
    assert_eq!(verify(&folder, None).status.code(), Some(3));
    // Somebody else's report is nobody's.
    let foreign = told.stage.as_officer(|desk| desk.before_sealing(told.report, &BeforeSealing::Nothing));
    let report = told.report;
    let foreign = foreign.and_then(|before| told.stage.as_officer(|desk| desk.evidence(report, before)));
    assert!(foreign.is_err());
    if let Ok(kept) = std::env::var("KEEP_PACK") {
        fs::copy(&out, kept).unwrap();
    }
}

#[test]
fn manual_steps_of_the_readme_work_with_stock_tools() {
    let mut told = told(Stage::established());
    let pack = told.pack();
    let folder = told.stage.path("manual");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("pack.tar"), pack.to_tar().unwrap()).unwrap();
    shell(&folder, "tar xf pack.tar && sha256sum -c manifest.txt");
    let readme = fs::read_to_string(folder.join("README.txt")).unwrap();
    let step = |begins: &str| {
        let mut steps = readme.lines().map(str::trim).filter(|line| line.starts_with(begins));
        steps.next().unwrap_or_else(|| panic!("no step {begins}")).to_owned()
    };
    let genesis = shell(&folder, &step("sha256sum genesis.note"));
    assert!(told.stage.cast.card().to_string().ends_with(&genesis[..64]));
    assert_eq!(shell(&folder, &step("sha256sum statements/"))[..64], told.report.to_string());
    let custody = pack::check(&pack, None).unwrap().custody;
    let payload = custody.sealed.payload_sha256.to_string();
    assert!(shell(&folder, &format!("{} || true", step("cut -d. -f2"))).contains(&payload));
    let statement = fs::read_to_string(folder.join(custody.after[1].statement.as_ref().unwrap())).unwrap();
    assert!(shell(&folder, &step("sed -n 's/^extra")).contains(&statement));
    fs::copy(&told.sealed, folder.join("FILE.age")).unwrap();
    assert_eq!(shell(&folder, &step("LC_ALL=C sed"))[..64], payload);
    if has("age") {
        copy(&told.stage.cast.advocate).write_plain(&folder.join("KEY")).unwrap();
        fs::create_dir(folder.join("opened")).unwrap();
        shell(&folder.join("opened"), "age -d -i ../KEY ../FILE.age | tar x");
        let digests = shell(&folder.join("opened"), "sha256sum files/*");
        for item in custody.before.items() {
            assert!(digests.contains(&item.sha256.to_string()));
        }
    }
    eventually("the pack is still the same", || told.pack() == pack);
}
