//! Uploads that are interrupted in every way there is, and go on: nothing that was called safe is lost, nothing that is
//! safe is sent again, and no other payload than the sealed one comes of it.

use crate::{
    command_line::Person,
    liar::Liar,
    process::Process,
    proxy::{How, Proxy, Rules},
    stage::{Stage, eventually},
    uploads::{Declared, TUS, Uploader, declared, published},
};
use amana::{
    client::{
        report::{ManifestDraft, Plan},
        rewrap,
        seal::SealedFile,
        uploading::{Pace, UploadStep},
    },
    model::{
        ids::{ReportId, UploadId},
        report::{ReportKind, Tier},
        time::Duration,
    },
};
use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    num::NonZeroU64,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration as Real, Instant},
};

/// Bytes that do not shrink and do not repeat.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend(x.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Patient, in parts small enough that several are cut.
pub fn patient(part_bytes: u64) -> Pace {
    Pace { patience: Real::from_secs(60), part_bytes: NonZeroU64::new(part_bytes), ..Pace::default() }
}

fn behind(seed: u64) -> (Stage, Proxy, Process) {
    let mut stage = Stage::laid();
    let proxy = Proxy::start(seed);
    let process = Process::start_behind(&mut stage, &proxy);
    stage.cast.enrol_advocate(&stage.url).unwrap();
    (stage, proxy, process)
}

/// Bytes of the one upload that is on its way, as the broker's disk has them.
fn on_disk(broker: &Path) -> Option<u64> {
    let parts = fs::read_dir(broker.join("data/uploads")).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        path.extension().is_some_and(|kind| kind == "part").then(|| fs::metadata(path).map_or(0, |found| found.len()))
    });
    parts.max()
}

/// What a client was told, held against the broker's disk.
struct Watch {
    broker: PathBuf,
    published: PathBuf,
    safe: u64,
    troubles: u64,
}

impl Watch {
    fn new(stage: &Stage, report: ReportId) -> Self {
        Self { broker: stage.path("broker"), published: published(stage, report), safe: 0, troubles: 0 }
    }
    fn step(&mut self, step: &UploadStep) {
        match step {
            UploadStep::Safe(safe) => {
                assert!(*safe >= self.safe, "{} bytes were safe, now {safe}", self.safe);
                // The part first: it may become the payload between the two looks.
                let arrived = on_disk(&self.broker);
                let arrived = arrived.or_else(|| fs::metadata(&self.published).ok().map(|found| found.len()));
                assert!(arrived.unwrap_or(0) >= *safe, "{safe} bytes were called safe, {arrived:?} are there");
                self.safe = *safe;
            }
            UploadStep::Waiting { .. } => self.troubles += 1,
            UploadStep::Checked(_) => {}
        }
    }
}

#[test]
fn upload_survives_cuts_anywhere_and_what_was_safe_stays_safe() {
    let (mut stage, proxy, _process) = behind(7);
    let Declared { report, payload, sealed } = declared(&mut stage, "footage.bin", &noise(1_500_000, 1));
    let mut watch = Watch::new(&stage, report);
    let before = proxy.up();
    stage
        .as_advocate(|desk| {
            proxy.rule(Rules::cutting_up(20_000..400_000));
            let sent = desk.upload_with(report, &sealed, None, &patient(256 << 10), &mut |step| watch.step(&step));
            proxy.calm();
            sent
        })
        .unwrap();
    let (sent, all) = (proxy.up() - before, payload.len() as u64);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    assert_eq!(watch.safe, all);
    assert!(watch.troubles >= 4, "only {} cuts were noticed", watch.troubles);
    println!("{} cuts: {sent} bytes sent for {all}, {} % twice", watch.troubles, (sent - all) * 100 / all);
    // What is lost in a cut is what was on its way: never more than a part.
    assert!(sent < all + watch.troubles * (256 << 10), "{sent} bytes were sent for {all}");
}

#[test]
fn upload_survives_links_that_fall_silent() {
    let (mut stage, proxy, _process) = behind(11);
    let Declared { report, payload, sealed } = declared(&mut stage, "note.bin", &noise(300_000, 2));
    let mut watch = Watch::new(&stage, report);
    stage
        .as_advocate(|desk| {
            let how = vec![How::Half, How::Stall(Real::from_millis(1500))];
            proxy.rule(Rules { cut_up: Some(60_000..120_000), how, ..Rules::default() });
            // The broker still waits for the connection that is gone: it must give way to the next.
            let sent = desk.upload_with(report, &sealed, None, &patient(128 << 10), &mut |step| watch.step(&step));
            proxy.calm();
            sent
        })
        .unwrap();
    assert!(watch.troubles >= 2);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn what_is_asked_after_the_last_byte_survives_cuts_too() {
    let mut stage = Stage::established();
    let liar = Liar::before(&mut stage);
    let Declared { report, payload, sealed } = declared(&mut stage, "note.bin", &noise(100_000, 5));
    // The answer that says how the log goes on is cut, twice.
    let cuts = Arc::new(AtomicU64::new(0));
    let left = cuts.clone();
    liar.tells(move |asked, body| {
        let cut = asked.contains("/v1/case/checkpoint")
            && left.try_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if cut { body[..body.len() / 2].to_owned() } else { body }
    });
    let (mut sent, mut waited) = (0, 0);
    let mut step = |step: UploadStep| match step {
        UploadStep::Safe(bytes) if bytes == payload.len() as u64 => {
            sent += 1;
            cuts.store(2, SeqCst);
        }
        UploadStep::Waiting { .. } => waited += 1,
        _ => {}
    };
    stage.as_advocate(|desk| desk.upload_with(report, &sealed, None, &patient(1 << 20), &mut step)).unwrap();
    assert_eq!((sent, waited, cuts.load(SeqCst)), (1, 2, 0));
}

#[test]
fn upload_gets_through_at_eight_kilobytes_a_second_with_a_cut_every_twenty() {
    let (mut stage, proxy, _process) = behind(13);
    let Declared { report, payload, sealed } = declared(&mut stage, "note.bin", &noise(60_000, 3));
    let mut watch = Watch::new(&stage, report);
    let began = Instant::now();
    stage
        .as_advocate(|desk| {
            proxy.rule(Rules { rate: Some(8000), ..Rules::cutting_up(15_000..25_000) });
            let sent = desk.upload_with(report, &sealed, None, &patient(64 << 20), &mut |step| watch.step(&step));
            proxy.calm();
            sent
        })
        .unwrap();
    println!("{} bytes at 8 kB/s with {} cuts: {:.1} s", payload.len(), watch.troubles, began.elapsed().as_secs_f64());
    assert!(watch.troubles >= 2);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn broker_killed_in_the_middle_of_an_upload_costs_at_most_what_was_on_its_way() {
    let (mut stage, proxy, mut process) = behind(17);
    let Declared { report, payload, sealed } = declared(&mut stage, "footage.bin", &noise(1_000_000, 4));
    let mut watch = Watch::new(&stage, report);
    let (before, broker) = (proxy.up(), stage.path("broker"));
    // Slow enough that a kill falls into a part that is on its way.
    proxy.rule(Rules { rate: Some(300_000), ..Rules::default() });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in [150_000, 450_000, 800_000] {
                eventually("enough has arrived", || on_disk(&broker).is_some_and(|arrived| arrived >= at));
                process.kill();
                process.up();
            }
        });
        let sent = stage.as_advocate(|desk| {
            desk.upload_with(report, &sealed, None, &patient(128 << 10), &mut |step| watch.step(&step))
        });
        sent.unwrap();
    });
    assert!(watch.troubles >= 3);
    let (sent, all) = (proxy.up() - before, payload.len() as u64);
    println!("3 kills: {sent} bytes sent for {all}");
    assert!(sent < all + 3 * (256 << 10), "{sent} bytes were sent for {all}");
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

/// The advocate at the command line, enrolled.
fn advocate(stage: &Stage, home: &str) -> Person {
    let identity = stage.path("advocate.txt");
    if !identity.exists() {
        stage.cast.advocate.write_plain(&identity).unwrap();
    }
    Person { home: stage.path(home), identity, url: stage.url.clone(), card: stage.cast.card().to_string() }
}

fn at_the_command_line(seed: u64) -> (Stage, Proxy, Process, Person) {
    let mut stage = Stage::laid();
    let proxy = Proxy::start(seed);
    let process = Process::start_behind(&mut stage, &proxy);
    let person = advocate(&stage, "home");
    let recovery = stage.path("recovery-words");
    person.does(&["identity", "enrol", "--recovery-file", recovery.to_str().unwrap()]);
    (stage, proxy, process, person)
}

fn begun(person: &Person, arguments: &[&str]) -> Child {
    person.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs a command until so many bytes are on the broker's disk, and kills it.
fn killed_at(stage: &Stage, person: &Person, arguments: &[&str], bytes: u64) {
    let mut child = begun(person, arguments);
    let broker = stage.path("broker");
    eventually("enough has arrived", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        on_disk(&broker).is_some_and(|arrived| arrived >= bytes)
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

fn payload_of(sealed: &Path) -> Vec<u8> {
    let header = SealedFile::open(sealed).unwrap().header().as_bytes().len();
    fs::read(sealed).unwrap().split_off(header)
}

fn report_in(answer: &serde_json::Value) -> ReportId {
    answer["report"].as_str().unwrap().parse().unwrap()
}

#[test]
fn killed_client_goes_on_where_it_was_also_on_another_machine() {
    let (stage, proxy, _process, person) = at_the_command_line(19);
    let (source, sealed) = (stage.path("note.bin"), stage.path("note.age"));
    fs::write(&source, noise(600_000, 5)).unwrap();
    person.does(&["report", "seal", source.to_str().unwrap(), "--out", sealed.to_str().unwrap()]);
    let payload = payload_of(&sealed);
    let slowly = ["report", "upload", "--limit-rate", "100k", sealed.to_str().unwrap()];
    killed_at(&stage, &person, &slowly, 80_000);
    // The same machine again, and killed again.
    let first = on_disk(&stage.path("broker")).unwrap();
    killed_at(&stage, &person, &slowly, first + 80_000);
    // Another machine: the sealed file and what stands beside it, the same person.
    let elsewhere = stage.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in ["note.age", "note.age.amana-report"] {
        fs::copy(stage.path(name), elsewhere.join(name)).unwrap();
    }
    let (other, moved) = (advocate(&stage, "other-home"), elsewhere.join("note.age"));
    let (before, at) = (proxy.up(), on_disk(&stage.path("broker")).unwrap());
    let report = report_in(&other.does(&["report", "upload", moved.to_str().unwrap()]));
    let sent = proxy.up() - before;
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    assert!(
        sent < payload.len() as u64 - at + 40_000,
        "{sent} bytes were sent for the last {}",
        payload.len() as u64 - at
    );
    // The first machine finds it done, and has nothing to send.
    let before = proxy.up();
    assert_eq!(report_in(&person.does(&["report", "upload", sealed.to_str().unwrap()])), report);
    assert!(proxy.up() - before < 40_000);
}

#[test]
fn interrupted_sealing_is_begun_anew_under_another_key() {
    let (stage, _proxy, _process, person) = at_the_command_line(23);
    let (source, sealed) = (stage.path("footage.bin"), stage.path("case.age"));
    let partial = stage.path("case.age.partial");
    let file = File::create(&source).unwrap();
    file.set_len(1 << 30).unwrap();
    let command = ["report", "seal", "--yes", "--upload", "--out", sealed.to_str().unwrap(), source.to_str().unwrap()];
    killed_at(&stage, &person, &command, 1);
    assert!(partial.exists() && !sealed.exists(), "sealing was over before it could be interrupted");
    let first_upload = uploads(&stage);
    let (first_header, first_nonce, first_commitment) = key_of(&stage, &partial);

    fs::write(&source, noise(300_000, 6)).unwrap();
    // What the first left must not be mistaken for anything.
    assert!(person.fails(1, &command).contains("interrupted attempt"));
    fs::remove_file(&partial).unwrap();
    let report = report_in(&person.does(&command));
    let (header, nonce, commitment) = key_of(&stage, &sealed);
    assert_ne!(first_header, header);
    assert_ne!(first_nonce, nonce);
    assert_ne!(first_commitment, commitment);
    let stored = fs::read(published(&stage, report)).unwrap();
    assert!(stored == payload_of(&sealed) && stored[..16] == nonce);
    assert!(uploads(&stage).iter().all(|upload| !first_upload.contains(upload)), "the first upload was not ended");
}

/// Uploads of which the broker has bytes.
fn uploads(stage: &Stage) -> Vec<UploadId> {
    let entries = fs::read_dir(stage.path("broker/data/uploads")).unwrap().map(|entry| entry.unwrap().path());
    let parts = entries.filter(|path| path.extension().is_some_and(|kind| kind == "part"));
    parts.map(|path| path.file_stem().unwrap().to_str().unwrap().parse().unwrap()).collect()
}

/// Header, payload nonce and key commitment of a sealed file, finished or not.
fn key_of(stage: &Stage, sealed: &Path) -> (Vec<u8>, [u8; 16], [u8; 32]) {
    let file = SealedFile::open(sealed).unwrap();
    let header = file.header();
    let mut nonce = [0; 16];
    let mut bytes = File::open(sealed).unwrap();
    bytes.seek(SeekFrom::Start(header.as_bytes().len() as u64)).unwrap();
    bytes.read_exact(&mut nonce).unwrap();
    let key = rewrap::unwrap_file_key(header, stage.cast.advocate.age_identity()).unwrap();
    (header.as_bytes().to_vec(), nonce, rewrap::key_commitment(&key, &nonce))
}

/// What came from clients, when nothing comes any more: a connection that was cut may still empty its buffers.
fn settled(proxy: &Proxy) -> u64 {
    loop {
        let before = proxy.up();
        std::thread::sleep(std::time::Duration::from_millis(300));
        if proxy.up() == before {
            return before;
        }
    }
}

#[test]
fn sealing_and_uploading_at_once_survives_cuts() {
    let (mut stage, proxy, _process) = behind(29);
    let (source, sealed) = (stage.path("footage.bin"), stage.path("footage.age"));
    fs::write(&source, noise(5 << 20, 7)).unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let (tier, pace) = (Tier::try_from(2).unwrap(), patient(1 << 20));
    let mut troubles = 0;
    let report = stage.as_advocate(|desk| {
        let upload = desk.begin_early(&pace)?.unwrap();
        proxy.rule(Rules::cutting_up(200_000..1_500_000));
        let mut count = |step: UploadStep| troubles += u64::from(matches!(step, UploadStep::Waiting { .. }));
        let sent = desk.seal_and_upload(&plan, tier, ReportKind::Original, &sealed, upload, &pace, &mut count)?;
        assert!(sent.trouble.is_none(), "{:?}", sent.trouble.map(|error| error.to_string()));
        proxy.calm();
        let report = ReportId::from(desk.declare(sent.sealed)?.id);
        let before = settled(&proxy);
        desk.upload_with(report, &sealed, Some(upload), &pace, &mut |_| {})?;
        // Everything was there already: what is left is to say which report it is for.
        let more = proxy.up() - before;
        assert!(more < 20_000, "{more} bytes more");
        Ok(report)
    });
    assert!(troubles >= 2, "only {troubles} cuts were noticed");
    assert!(fs::read(published(&stage, report.unwrap())).unwrap() == payload_of(&sealed));
}

/// A broker in this process, and a report of which half is there.
fn half_way() -> (Stage, Declared, String, usize) {
    let mut stage = Stage::established();
    let report = declared(&mut stage, "note.bin", &noise(40_000, 8));
    let up = Uploader::advocate(&stage);
    let path = up.begin(report.report, report.payload.len());
    let half = report.payload.len() / 2;
    assert_eq!(up.patch(&path, 0, "", &report.payload[..half]).status, 204);
    (stage, report, path, half)
}

/// Uploads once more; every step that says what is safe.
fn upload_again(stage: &mut Stage, report: &Declared, early: Option<UploadId>) -> Vec<u64> {
    let mut safe = Vec::new();
    let mut note = |step: UploadStep| safe.extend(step.safe());
    let pace = patient(16 << 10);
    stage.as_advocate(|desk| desk.upload_with(report.report, &report.sealed, early, &pace, &mut note)).unwrap();
    assert!(fs::read(published(stage, report.report)).unwrap() == report.payload);
    safe
}

#[test]
fn upload_goes_on_days_later_and_begins_anew_when_it_was_given_up() {
    let (mut stage, report, _path, half) = half_way();
    stage.clock.pass(Duration::from_days(10));
    let safe = upload_again(&mut stage, &report, None);
    assert_eq!((safe.first(), safe.last()), (Some(&(half as u64)), Some(&(report.payload.len() as u64))));

    let (mut stage, report, path, _half) = half_way();
    let early = path.rsplit('/').next().unwrap().parse().unwrap();
    stage.clock.pass(Duration::from_days(15));
    eventually("the sweeper ends it", || on_disk(&stage.path("broker")).is_none());
    let safe = upload_again(&mut stage, &report, Some(early));
    assert_eq!((safe.first(), safe.last()), (Some(&0), Some(&(report.payload.len() as u64))));
}

#[test]
fn declaration_sent_again_days_later_is_the_same_declaration() {
    let mut stage = Stage::established();
    let (source, sealed) = (stage.path("note.txt"), stage.path("note.age"));
    fs::write(&source, "what was seen").unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    let clone = |sealed: &amana::client::reporting::SealedReport| amana::client::reporting::SealedReport {
        report: sealed.report.clone(),
        owner_header: sealed.owner_header.clone(),
        own: sealed.own.clone(),
    };
    let (draft, text) = stage
        .as_advocate(|desk| {
            let draft = desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})?;
            let text = desk.sign(&draft.report, None, None)?;
            desk.send_declaration(clone(&draft), &text)?;
            Ok((draft, text))
        })
        .unwrap();
    // An upload that takes days declares anew at every attempt; it must not become another report.
    stage.clock.pass(Duration::from_days(10));
    stage.as_advocate(|desk| desk.send_declaration(clone(&draft), &text)).unwrap();
    assert_eq!(stage.audit("audit").events.get("report declared"), Some(&1));
}

#[test]
fn upload_that_is_ended_or_overtaken_meanwhile_is_made_good() {
    let (mut stage, report, _path, half) = half_way();
    let up = Uploader::advocate(&stage);
    // Another device of the same person ends it in the middle.
    let listed = up.0.ask("GET", "/v1/uploads", "", b"").unwrap().json::<serde_json::Value>();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let (mut safe, mut ended) = (Vec::new(), false);
    let pace = patient(4 << 10);
    stage
        .as_advocate(|desk| {
            desk.upload_with(report.report, &report.sealed, None, &pace, &mut |step| {
                safe.extend(step.safe());
                if safe.len() == 2 && !std::mem::replace(&mut ended, true) {
                    assert_eq!(up.0.ask("DELETE", &format!("/v1/uploads/{id}"), TUS, b"").unwrap().status, 204);
                }
            })
        })
        .unwrap();
    assert!(safe[..2] == [half as u64, half as u64 + 4096] && safe[2..].contains(&0), "{safe:?}");
    assert!(fs::read(published(&stage, report.report)).unwrap() == report.payload);

    // Another device is faster, by an upload of its own.
    let report = declared(&mut stage, "other.bin", &noise(40_000, 9));
    let (mut steps, mut overtaken) = (0, false);
    stage
        .as_advocate(|desk| {
            desk.upload_with(report.report, &report.sealed, None, &pace, &mut |step| {
                steps += u64::from(step.safe().is_some());
                if steps == 3 && !std::mem::replace(&mut overtaken, true) {
                    let path = up.begin(report.report, report.payload.len());
                    assert_eq!(up.patch(&path, 0, "", &report.payload).status, 204);
                }
            })
        })
        .unwrap();
    assert!(fs::read(published(&stage, report.report)).unwrap() == report.payload);
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&2));
}

#[test]
fn sealed_file_that_changed_between_attempts_is_refused_before_a_byte_is_sent() {
    let (mut stage, report, _path, half) = half_way();
    let mut file = fs::OpenOptions::new().write(true).open(&report.sealed).unwrap();
    file.seek(SeekFrom::End(-5)).unwrap();
    file.write_all(b"!").unwrap();
    let refused = stage.as_advocate(|desk| {
        desk.upload_with(report.report, &report.sealed, None, &patient(1 << 20), &mut |step| {
            assert!(matches!(step, UploadStep::Checked(_)), "something was sent: {step:?}");
        })
    });
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("it was changed after it was sealed") && words.contains("Seal the"), "{words}");
    assert_eq!(on_disk(&stage.path("broker")), Some(half as u64));
    assert!(!published(&stage, report.report).exists());
}

#[test]
fn limited_rate_holds() {
    let mut stage = Stage::established();
    for rate in [30_000, 100_000] {
        let report = declared(&mut stage, &format!("note-{rate}.bin"), &noise(150_000, rate));
        let pace = Pace { limit: NonZeroU64::new(rate), patience: Real::ZERO, part_bytes: None };
        let mut began = Instant::now();
        let mut begins = |step: UploadStep| {
            if step.safe() == Some(0) {
                began = Instant::now();
            }
        };
        stage.as_advocate(|desk| desk.upload_with(report.report, &report.sealed, None, &pace, &mut begins)).unwrap();
        let reached = report.payload.len() as f64 / began.elapsed().as_secs_f64();
        println!("limit {rate} bytes a second: {reached:.0}");
        assert!(reached < rate as f64 * 1.2, "{reached:.0} bytes a second under a limit of {rate}");
        // A busy machine may be slower, but not by much.
        assert!(reached > rate as f64 * 0.6, "{reached:.0} bytes a second under a limit of {rate}");
    }
}
