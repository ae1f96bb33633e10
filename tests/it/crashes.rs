//! Kill, fill and misplace: what was acknowledged is never lost, what was released is never unlogged.

use crate::{
    process::{Process, refused},
    socket::{self, Raw, read_answer, statement_json},
    stage::{Stage, inquiry, problem},
    uploads::{Declared, PART, Uploader, declared as declared_with},
};
use amana::{
    cli::demo::cast::copy,
    client::granting::HeaderGoes,
    model::{
        grant::{Revocation, Scope, WithdrawnBy},
        ids::{Digest, GrantId, ReportId},
        report::{ReportKind, Tier},
        time::Duration,
    },
    wire::{
        entry::{Happening, Shared},
        problem::ProblemType,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::Command,
    thread,
    time::{Duration as Real, Instant},
};

/// A stage whose broker is a process.
fn staged() -> (Stage, Process) {
    let mut stage = Stage::laid();
    let process = Process::start(&mut stage);
    stage.establish();
    (stage, process)
}

/// Digests of the statements in the log with the kind of their entries.
fn logged(stage: &mut Stage, name: &str) -> Vec<(Option<Digest>, Shared)> {
    let log = stage.case_log(name).into_iter().map(|(shared, _)| shared);
    log.map(|shared| (shared.statement.as_ref().map(|text| Digest::of(text.as_bytes())), shared)).collect()
}

#[test]
fn promise_04_entry_of_a_release_is_durable_before_its_first_byte() {
    let (mut stage, mut process) = staged();
    let report = stage.report("note.txt", b"what was seen");
    let officer = copy(&stage.cast.officer);
    let mut begun = Vec::new();
    for _ in 0..24 {
        let terms = stage.terms(report);
        let grant = stage.grant(&terms);
        let text = stage.as_officer(|desk| desk.sign_release_request(grant, inquiry(), None)).unwrap();
        let raw = Raw::sign_in(&stage, &officer);
        let path = format!("/v1/grants/{grant}/releases");
        let mut stream = raw.send("POST", &path, socket::JSON, statement_json(&text).as_bytes());
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        process.kill();
        assert_eq!(&first, b"HTTP/1.1 200");
        begun.push(Digest::of(text.as_bytes()));
        process.up();
    }
    let log = logged(&mut stage, "audit");
    for release in begun {
        assert!(log.iter().any(|(id, shared)| *id == Some(release) && shared.event == Happening::Released));
    }
}

/// What a client holds after a round: acknowledged statements, and releases of which bytes arrived.
#[derive(Default)]
struct Held {
    acknowledged: BTreeSet<Digest>,
    released: BTreeSet<Digest>,
}

/// Asks; `None` when the broker died before the whole answer was there.
fn ask(url: &str, request: &[u8]) -> Option<socket::Answer> {
    let mut stream = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).ok()?;
    stream.set_read_timeout(Some(Real::from_secs(20))).unwrap();
    stream.write_all(request).ok()?;
    read_answer(&mut stream).ok()
}

#[test]
fn killed_at_any_moment_the_broker_loses_nothing_it_acknowledged_and_hides_nothing_it_released() {
    let (mut stage, mut process) = staged();
    let report = stage.report("note.txt", b"what was seen");
    let (officer, advocate) = (copy(&stage.cast.officer), copy(&stage.cast.advocate));
    let mut held = Held::default();
    for round in 0..16_u64 {
        // Everything is signed and signed in beforehand, so that the kill falls into the broker's work.
        let terms = stage.terms(report);
        let (revoked, asked) = (stage.grant(&terms), stage.grant(&terms));
        let (gift, revocation) = stage
            .as_advocate(|desk| {
                let prepared = desk.prepare_grant(&terms)?;
                let gift = desk.sign(&prepared.grant, None, None)?;
                let answer_due = desk.now().plus(Duration::from_days(30));
                let body = Revocation { scopes: vec![Scope::All], withdrawn_by: WithdrawnBy::Person, answer_due };
                let revocation = desk.sign(&body, Some(revoked.into()), None)?;
                Ok(((gift, prepared.header), revocation))
            })
            .unwrap();
        let uploaded = declared(&mut stage, round);
        let request = stage.as_officer(|desk| desk.sign_release_request(asked, inquiry(), None)).unwrap();
        let (by_officer, by_advocate) = (Raw::sign_in(&stage, &officer), Raw::sign_in(&stage, &advocate));
        let gift_body = serde_json::json!({
            "statement": gift.0,
            "header": amana::wire::api::Bytes(gift.1.clone()),
        });
        let payload = fs::read(stage.path(&format!("up-{round}.payload"))).unwrap();
        let up = Uploader(by_advocate);
        // How long one durable answer takes here and now: the kills are spread over as many of them, on any machine.
        let began = Instant::now();
        let upload = up.begin(uploaded, payload.len());
        let pace = began.elapsed().clamp(Real::from_millis(12), Real::from_millis(200)) / 3;
        let by_advocate = up.0;
        let requests = [
            by_advocate.request("POST", "/v1/grants", socket::JSON, gift_body.to_string().as_bytes()),
            socket::request("POST", "/v1/revocations", socket::JSON, statement_json(&revocation).as_bytes()),
            by_officer.request(
                "POST",
                &format!("/v1/grants/{asked}/releases"),
                socket::JSON,
                statement_json(&request).as_bytes(),
            ),
            by_advocate.request("PATCH", &upload, &format!("{PART}Upload-Offset: 0\r\n"), &payload),
        ];
        let url = &stage.url;
        let answers: Vec<Option<socket::Answer>> = thread::scope(|scope| {
            let running: Vec<_> = requests.iter().map(|request| scope.spawn(|| ask(url, request))).collect();
            // Not a wait for something: the moment of the kill is what this varies.
            thread::sleep(pace * u32::try_from(round).unwrap());
            process.kill();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let ok = |index: usize| answers[index].as_ref().is_some_and(|answer| answer.status == 200);
        for (index, statement) in [(0, &gift.0), (1, &revocation)] {
            if ok(index) {
                held.acknowledged.insert(Digest::of(statement.as_bytes()));
            }
        }
        if ok(2) {
            held.released.insert(Digest::of(request.as_bytes()));
        }
        process.up();
        if ok(1) {
            assert!(problem(stage.release(revoked)).is(ProblemType::Denied));
        }
        // Whatever happened, the upload can be made good, and the same statements sent again.
        let sealed = stage.path(&format!("up-{round}.age"));
        stage.as_advocate(|desk| desk.upload(uploaded, &sealed, &mut |_| {})).unwrap();
        assert_eq!(socket::revoke(&stage.url, &revocation).unwrap().status, 200);
    }
    let log = logged(&mut stage, "audit");
    let in_log = |id: &Digest, event: &Happening| log.iter().any(|(i, s)| *i == Some(*id) && s.event == *event);
    assert!(held.acknowledged.iter().all(|id| in_log(id, &Happening::Accepted)));
    assert!(held.released.iter().all(|id| in_log(id, &Happening::Released)));
    // The kills must have hit on both sides of an answer, or nothing was shown.
    assert!((1..32).contains(&held.acknowledged.len()), "{} acknowledged", held.acknowledged.len());
}

/// A declared report whose payload has not been sent; sealed file and payload lie in the stage's folder.
pub fn declared(stage: &mut Stage, round: u64) -> ReportId {
    let (source, sealed) = (stage.path(&format!("up-{round}.txt")), stage.path(&format!("up-{round}.age")));
    fs::write(&source, format!("seen in round {round}")).unwrap();
    let plan = amana::client::report::Plan::of(&[source], amana::client::report::ManifestDraft::default(), &mut |_| {});
    let (plan, tier) = (plan.unwrap(), Tier::try_from(2).unwrap());
    let id = stage
        .as_advocate(|desk| {
            let draft = desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})?;
            desk.declare(draft)
        })
        .unwrap()
        .id;
    fs::write(stage.path(&format!("up-{round}.payload")), payload_of(&sealed)).unwrap();
    id.into()
}

fn payload_of(sealed: &Path) -> Vec<u8> {
    let header = amana::client::seal::SealedFile::open(sealed).unwrap().header().as_bytes().len();
    fs::read(sealed).unwrap().split_off(header)
}

#[test]
fn report_that_names_the_digest_of_another_payload_is_never_stored() {
    let mut stage = Stage::established();
    let (source, sealed) = (stage.path("note.txt"), stage.path("note.age"));
    fs::write(&source, "what was seen").unwrap();
    let plan = amana::client::report::Plan::of(&[source], amana::client::report::ManifestDraft::default(), &mut |_| {});
    let (plan, tier) = (plan.unwrap(), Tier::try_from(2).unwrap());
    let report = stage.as_advocate(|desk| {
        let mut draft = desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})?;
        draft.report.payload_sha256 = Digest::of(b"something else");
        Ok(ReportId::from(desk.declare(draft)?.id))
    });
    let report = report.unwrap();
    // The client sees it before it sends a byte; a client that does not is told by the broker.
    let refused = stage.as_advocate(|desk| desk.upload(report, &sealed, &mut |_| {}));
    assert!(refused.unwrap_err().to_string().contains("is not the one the report statement describes"));
    let (up, payload) = (Uploader::advocate(&stage), payload_of(&sealed));
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload).status, 422);
    assert_eq!(stage.audit("audit").events.get("payload stored"), None);
}

/// A small file system in memory; gone when dropped. `None` without the right to mount one.
pub struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    pub fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", size, "amana-test"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[test]
fn full_disk_refuses_clearly_loses_nothing_and_is_over_when_there_is_room() {
    let mut stage = Stage::laid();
    let data = stage.path("broker/data");
    let Some(_disk) = Tmpfs::mount(&data, "size=4m") else {
        eprintln!("not shown: this needs the right to mount a small file system");
        return;
    };
    let _process = Process::start(&mut stage);
    stage.establish();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let uploading = declared(&mut stage, 0);
    let payload = fs::read(stage.path("up-0.payload")).unwrap();
    let up = Uploader::advocate(&stage);
    let upload = up.begin(uploading, payload.len());
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    let advocate = copy(&stage.cast.advocate);
    let revocation = stage
        .as_somebody(&advocate, |desk| {
            let answer_due = desk.now().plus(Duration::from_days(30));
            let body = Revocation { scopes: vec![Scope::All], withdrawn_by: WithdrawnBy::Person, answer_due };
            desk.sign(&body, Some(grant.into()), None)
        })
        .unwrap();

    let filler = data.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0; 1]).is_ok() {}
    drop(file);
    let upload = up.patch(&upload, 0, "", &payload);
    assert_eq!(upload.status, 507, "{}", String::from_utf8_lossy(&upload.body));
    let mut given = 0;
    // Some statements still fit into pages the database holds; then it is full.
    let refusal = loop {
        match stage.as_advocate(|desk| desk.give(&prepared, HeaderGoes::Along)) {
            Ok(_) => given += 1,
            Err(error) => break problem(Err::<(), _>(error)),
        }
        assert!(given < 10_000);
    };
    assert_eq!(refusal.status, 507, "{refusal:?}");
    let size = stage.case_size();
    let full = socket::revoke(&stage.url, &revocation).unwrap();
    assert!([200, 507].contains(&full.status), "{full:?}");

    fs::remove_file(&filler).unwrap();
    assert_eq!(socket::revoke(&stage.url, &revocation).unwrap().status, 200);
    assert!(stage.case_size() > size);
    assert!(problem(stage.release(grant)).is(ProblemType::Denied));
    let sealed = stage.path("up-0.age");
    stage.as_advocate(|desk| desk.upload(uploading, &sealed, &mut |_| {})).unwrap();
    let another: GrantId = stage.as_advocate(|desk| desk.give(&prepared, HeaderGoes::Along)).unwrap().id.into();
    stage.release(another).unwrap();
    assert_eq!(stage.audit("audit").events.get("grant given"), Some(&(given + 2)));
}

/// Fills what is left of a volume; what is removed again is room.
fn fill(data: &Path) -> std::path::PathBuf {
    let filler = data.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0; 1]).is_ok() {}
    filler
}

#[test]
fn full_disk_in_the_middle_of_an_upload_loses_no_byte_that_was_answered_for() {
    let mut stage = Stage::laid();
    let data = stage.path("broker/data");
    let Some(_disk) = Tmpfs::mount(&data, "size=6m") else {
        eprintln!("not shown: this needs the right to mount a small file system");
        return;
    };
    let _process = Process::start(&mut stage);
    stage.establish();
    for checked in [false, true] {
        let name = format!("big-{checked}.txt");
        let Declared { report, payload, .. } = declared_with(&mut stage, &name, &[7; 1_500_000]);
        let up = Uploader::advocate(&stage);
        let path = up.begin(report, payload.len());
        let checksum = |bytes: &[u8]| match checked {
            true => format!("Upload-Checksum: sha256 {}\r\n", STANDARD.encode(Digest::of(bytes).as_bytes())),
            false => String::new(),
        };
        let first = &payload[..5000];
        assert_eq!(up.patch(&path, 0, &checksum(first), first).status, 204);
        // Room for a part of the rest, and for what is noted of it.
        let filler = fill(&data);
        fs::File::options()
            .write(true)
            .open(&filler)
            .unwrap()
            .set_len(fs::metadata(&filler).unwrap().len() - 300_000)
            .unwrap();
        let rest = &payload[5000..];
        let full = up.patch(&path, 5000, &checksum(rest), rest);
        assert_eq!(full.status, 507, "{full:?}");
        let at = up.offset(&path).unwrap();
        assert!(if checked { at == 5000 } else { (5000..payload.len()).contains(&at) }, "{at} of {}", payload.len());
        // Asked for again while it is full: the same answer, and nothing is lost by asking.
        assert_eq!(up.patch(&path, at, &checksum(&payload[at..]), &payload[at..]).status, 507);
        assert!(up.offset(&path).unwrap() >= at);
        fs::remove_file(&filler).unwrap();
        let at = up.offset(&path).unwrap();
        // All but the last byte: the volume is full again when the upload is to be published and recorded.
        let last = payload.len() - 1;
        assert_eq!(up.patch(&path, at, &checksum(&payload[at..last]), &payload[at..last]).status, 204);
        let filler = fill(&data);
        let ended = up.patch(&path, last, "", &payload[last..]);
        assert!([204, 507].contains(&ended.status), "{ended:?}");
        fs::remove_file(&filler).unwrap();
        if let Some(at) = up.offset(&path).filter(|at| *at < payload.len()) {
            assert_eq!(up.patch(&path, at, "", &payload[at..]).status, 204);
        }
        assert_eq!(up.publish(report, &path).status, 200);
        let stored = data.join("payloads").join(report.to_string());
        assert!(fs::read(&stored).unwrap() == payload);
    }
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&2));
}

/// Every file of a folder, by its path.
fn bytes_under(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_under(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn second_broker_on_the_same_folder_is_refused_and_changes_nothing() {
    let (mut stage, mut process) = staged();
    let Declared { report, payload, .. } = declared_with(&mut stage, "note.txt", b"what was seen");
    let up = Uploader::advocate(&stage);
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..10]).status, 204);
    let data = stage.path("broker/data");
    // A stray of somebody's: the one who may write removes it at its next start, nobody else does.
    fs::write(data.join("uploads/stray.part"), "left").unwrap();
    let before = bytes_under(&data);
    for _ in 0..3 {
        let output = refused(&stage.path("broker"), "127.0.0.1:0");
        assert!(String::from_utf8_lossy(&output.stderr).contains("another broker has this data folder open"));
    }
    assert!(bytes_under(&data) == before, "the broker that was refused changed something");
    assert_eq!(up.patch(&path, 10, "", &payload[10..]).status, 204);
    // The lock goes with its process, also when that is killed.
    process.kill();
    process.up();
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&1));
}

#[test]
fn broker_that_cannot_start_says_why_and_fails() {
    let mut stage = Stage::laid();
    let process = Process::start(&mut stage);
    let folder = stage.path("broker");
    let mut other = Stage::laid();
    let (elsewhere, free) = (other.path("broker"), "127.0.0.1:0");
    other.url.clear();

    let says = |dir: &Path, listen: &str, words: &[&str]| {
        let output = refused(dir, listen);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
    };
    says(&folder, free, &["another broker has this data folder open"]);
    says(&elsewhere, process.listen(), &["cannot listen on", "--listen"]);
    drop(process);

    // Keys and genesis of another broker on this one's data.
    fs::rename(folder.join("data"), elsewhere.join("foreign")).unwrap();
    fs::remove_dir_all(elsewhere.join("data")).unwrap();
    fs::rename(elsewhere.join("foreign"), elsewhere.join("data")).unwrap();
    fs::write(elsewhere.join("keys/storage.key"), fs::read(folder.join("keys/storage.key")).unwrap()).unwrap();
    says(&elsewhere, free, &["belongs to another genesis"]);
    // Another storage key: nothing opens.
    fs::write(elsewhere.join("keys/storage.key"), format!("{}\n", "5a".repeat(32))).unwrap();
    says(&elsewhere, free, &["storage.key"]);

    fs::remove_file(folder.join("keys/case.key")).unwrap();
    says(&folder, free, &["case.key"]);
    fs::write(folder.join("keys/case.key"), "not hex").unwrap();
    says(&folder, free, &["case.key"]);
    fs::write(folder.join("keys/case.key"), format!("{}\n", "5a".repeat(32))).unwrap();
    says(&folder, free, &["key"]);
    fs::write(folder.join("genesis.note"), "nothing").unwrap();
    says(&folder, free, &["genesis"]);
}

#[test]
fn data_folder_that_is_no_folder_or_no_database_is_refused_in_words() {
    for spoil in [
        |data: &Path| fs::write(data, "a file").unwrap(),
        |data: &Path| {
            fs::create_dir(data).unwrap();
            fs::write(data.join("amana.db"), "no database, but some text that is long enough").unwrap();
        },
    ] {
        let stage = Stage::laid();
        let data = stage.path("broker/data");
        spoil(&data);
        let began = Instant::now();
        let output = refused(&stage.path("broker"), "127.0.0.1:0");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("data"), "{text}");
        assert!(began.elapsed() < Real::from_secs(20));
    }
}
