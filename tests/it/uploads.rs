//! Resumable uploads by hand: tus 1.0 as a stranger's client would speak it, and worse.

use crate::{
    socket::{self, Answer, JSON, Raw, read_answer},
    stage::{Stage, eventually},
};
use amana::{
    broker::Quotas,
    cli::demo::cast::copy,
    client::{
        identity::Identity,
        report::{ManifestDraft, Plan},
        seal::SealedFile,
    },
    model::{
        ids::{Digest, ReportId},
        limits,
        report::{AfterWithdrawal, ReportKind, Tier},
        time::Duration,
    },
    wire::{api::Accepted, problem::Problem, tus},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use std::{fs, io::Write as _, net::TcpStream, path::PathBuf};

pub const TUS: &str = "Tus-Resumable: 1.0.0\r\n";
pub const PART: &str = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n";

/// Somebody who uploads by hand.
pub struct Uploader(pub Raw);

impl Uploader {
    pub fn advocate(stage: &Stage) -> Self {
        Self::of(stage, &stage.cast.advocate)
    }
    pub fn of(stage: &Stage, who: &Identity) -> Self {
        Self(Raw::sign_in(stage, who))
    }
    /// Begins an upload for a report; its path.
    pub fn begin(&self, report: ReportId, length: usize) -> String {
        let headers = format!("{TUS}Upload-Length: {length}\r\nUpload-Metadata: {}\r\n", tus::metadata(report));
        let answer = self.0.ask("POST", "/v1/uploads", &headers, b"").unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.header("location").unwrap().to_owned()
    }
    pub fn patch(&self, path: &str, offset: usize, headers: &str, bytes: &[u8]) -> Answer {
        self.0.ask("PATCH", path, &format!("{PART}Upload-Offset: {offset}\r\n{headers}"), bytes).unwrap()
    }
    /// Announces `length` bytes and sends some of them.
    pub fn half(&self, path: &str, offset: usize, headers: &str, length: usize, bytes: &[u8]) -> TcpStream {
        let headers = format!("{PART}Upload-Offset: {offset}\r\n{headers}Content-Length: {length}\r\n");
        self.0.send("PATCH", path, &headers, bytes)
    }
    pub fn head(&self, path: &str) -> Answer {
        self.head_as(path, TUS)
    }
    /// What `HEAD` answers: it may name the length of a body that does not come.
    fn head_as(&self, path: &str, headers: &str) -> Answer {
        let head = socket::read_head(&mut self.0.send("HEAD", path, headers, b"")).unwrap();
        Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: Vec::new() }
    }
    pub fn offset(&self, path: &str) -> Option<usize> {
        offset(&self.head(path))
    }
    /// Waits for the offset: a cut is noticed a moment after it happened.
    pub fn stands_at(&self, path: &str, at: usize) {
        eventually("the upload stands where it should", || self.offset(path) == Some(at));
    }
    pub fn publish(&self, report: ReportId, path: &str) -> Answer {
        let upload = path.rsplit('/').next().unwrap();
        let body = serde_json::json!({ "upload": upload }).to_string();
        self.0.ask("PUT", &format!("/v1/reports/{report}/payload"), JSON, body.as_bytes()).unwrap()
    }
}

pub fn offset(answer: &Answer) -> Option<usize> {
    answer.header("upload-offset").map(|text| text.parse().unwrap())
}

pub fn slug(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json::<Problem>().kind.rsplit(':').next().unwrap().to_owned())
}

/// A declared report that has not been uploaded, and its payload.
pub struct Declared {
    pub report: ReportId,
    pub payload: Vec<u8>,
    pub sealed: PathBuf,
}

pub fn declared(stage: &mut Stage, name: &str, content: &[u8]) -> Declared {
    let (source, sealed) = (stage.path(name), stage.path(&format!("{name}.age")));
    fs::write(&source, content).unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    let declared = stage.as_advocate(|desk| {
        let draft = desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})?;
        desk.declare(draft)
    });
    let header = SealedFile::open(&sealed).unwrap().header().as_bytes().len();
    let payload = fs::read(&sealed).unwrap().split_off(header);
    Declared { report: declared.unwrap().id.into(), payload, sealed }
}

pub fn published(stage: &Stage, report: ReportId) -> PathBuf {
    stage.path("broker/data/payloads").join(report.to_string())
}

fn files(stage: &Stage) -> Vec<String> {
    let entries = fs::read_dir(stage.path("broker/data/uploads")).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn standing() -> (Stage, Declared, Uploader) {
    let mut stage = Stage::established();
    let declared = declared(&mut stage, "note.txt", &[7; 40_000]);
    let uploader = Uploader::advocate(&stage);
    (stage, declared, uploader)
}

#[test]
fn upload_in_parts_is_published_when_it_is_whole_and_proved_as_often_as_asked() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let answer = up.patch(&path, 0, "", &payload[..1000]);
    assert_eq!((answer.status, offset(&answer)), (204, Some(1000)));
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    assert!(answer.header("upload-expires").unwrap().ends_with(" GMT"));
    let head = up.head(&path);
    assert_eq!((head.status, offset(&head)), (200, Some(1000)));
    assert_eq!(head.header("upload-length").unwrap(), payload.len().to_string());
    assert_eq!(head.header("upload-metadata").unwrap(), tus::metadata(report));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(slug(&up.publish(report, &path)), (422, "payload-mismatch".to_owned()));
    assert!(!published(&stage, report).exists());

    let answer = up.patch(&path, 1000, "", &payload[1000..]);
    assert_eq!((answer.status, offset(&answer)), (204, Some(payload.len())));
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    // A client that missed the answer asks again, and is told that all is there.
    assert_eq!(up.offset(&path), Some(payload.len()));
    assert_eq!(up.patch(&path, payload.len(), "", b"").status, 409);
    let first: Accepted = up.publish(report, &path).json();
    let second: Accepted = up.publish(report, &path).json();
    assert_eq!((first.id, first.index), (second.id, second.index));
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&1));
    let again = up.0.ask("POST", "/v1/uploads", &begin_headers(report, payload.len()), b"").unwrap();
    assert_eq!(slug(&again), (409, "conflict".to_owned()));
}

fn begin_headers(report: ReportId, length: usize) -> String {
    format!("{TUS}Upload-Length: {length}\r\nUpload-Metadata: {}\r\n", tus::metadata(report))
}

#[test]
fn cut_part_keeps_what_arrived_and_goes_on_from_there() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let half = payload.len() / 2;
    drop(up.half(&path, 0, "", payload.len(), &payload[..half]));
    up.stands_at(&path, half);
    assert_eq!(up.patch(&path, half, "", &payload[half..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn second_writer_is_refused_while_the_first_is_heard_and_takes_over_when_it_is_not() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let mut first = up.half(&path, 0, "", payload.len(), &payload[..100]);
    // The first sends a byte every now and then: it is there, and the second is refused.
    let refused = std::thread::scope(|scope| {
        let second = scope.spawn(|| up.second(&stage, &path));
        let mut sent = 100;
        while !second.is_finished() {
            first.write_all(&payload[sent..=sent]).unwrap();
            sent += 1;
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        second.join().unwrap()
    });
    assert_eq!(slug(&refused), (423, "locked".to_owned()));
    // Then nothing comes from it any more: its link is gone, and only the broker has not noticed.
    let at = up.offset(&path).unwrap();
    assert!(at >= 100);
    assert_eq!(up.patch(&path, at, "", &payload[at..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

impl Uploader {
    fn second(&self, stage: &Stage, path: &str) -> Answer {
        Self::advocate(stage).patch(path, 0, "", b"wrong")
    }
}

#[test]
fn other_bytes_than_stated_publish_nothing_and_end_the_upload() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let changed: Vec<u8> = payload.iter().rev().copied().collect();
    let path = up.begin(report, payload.len());
    assert_eq!(slug(&up.patch(&path, 0, "", &changed)), (422, "payload-mismatch".to_owned()));
    assert!(!published(&stage, report).exists());
    assert_eq!(up.head(&path).status, 404);
    assert_eq!(files(&stage), [""; 0]);
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&1));
}

#[test]
fn length_other_than_stated_is_refused_before_a_byte_and_more_than_announced_is_not_taken() {
    let (_stage, Declared { report, payload, .. }, up) = standing();
    for length in [payload.len() - 1, payload.len() + 1] {
        let answer = up.0.ask("POST", "/v1/uploads", &begin_headers(report, length), b"").unwrap();
        assert_eq!(slug(&answer), (422, "payload-mismatch".to_owned()));
    }
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..10]).status, 204);
    let long = [&payload[10..], b"x"].concat();
    assert_eq!(slug(&up.patch(&path, 10, "", &long)), (422, "payload-mismatch".to_owned()));
    let at = up.offset(&path).unwrap();
    assert!(at == 10 || at < payload.len(), "bytes beyond the end were taken");
    assert_eq!(up.patch(&path, at, "", &payload[at..]).status, 204);
    let too_large = format!("{TUS}Upload-Length: {}\r\n", limits::PAYLOAD_BYTES + 1);
    assert_eq!(slug(&up.0.ask("POST", "/v1/uploads", &too_large, b"").unwrap()), (413, "too-large".to_owned()));
}

#[test]
fn part_with_a_checksum_counts_only_when_it_is_right() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let sha1 = |bytes: &[u8]| format!("Upload-Checksum: sha1 {}\r\n", STANDARD.encode(Sha1::digest(bytes)));
    let sha256 =
        |bytes: &[u8]| format!("Upload-Checksum: sha256 {}\r\n", STANDARD.encode(Digest::of(bytes).as_bytes()));
    assert_eq!(up.patch(&path, 0, &sha1(&payload[..500]), &payload[..500]).status, 204);
    for wrong in [sha1(b"other"), sha256(b"other")] {
        assert_eq!(slug(&up.patch(&path, 500, &wrong, &payload[500..900])), (460, "checksum-mismatch".to_owned()));
        assert_eq!(up.offset(&path), Some(500));
    }
    // Cut in the middle, nothing of it counts: it could not be checked.
    drop(up.half(&path, 500, &sha256(&payload[500..]), payload.len() - 500, &payload[500..20_000]));
    up.stands_at(&path, 500);
    let unknown = up.patch(&path, 500, "Upload-Checksum: md5 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n", b"x");
    assert_eq!(slug(&unknown), (400, "malformed".to_owned()));
    assert_eq!(up.patch(&path, 500, &sha256(&payload[500..]), &payload[500..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    assert!(files(&stage).iter().all(|name| name.ends_with(".json")), "{:?}", files(&stage));
}

#[test]
fn bytes_that_were_being_checked_when_the_broker_died_are_taken_back() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..500]).status, 204);
    stage.stop();
    let file = |kind: &str| {
        let id = path.rsplit('/').next().unwrap();
        stage.path("broker/data/uploads").join(format!("{id}.{kind}"))
    };
    // As a kill leaves it in the middle of a part with a checksum.
    fs::write(file("hold"), "500").unwrap();
    fs::OpenOptions::new().append(true).open(file("part")).unwrap().write_all(b"damaged").unwrap();
    stage.restart();
    let up = Uploader::advocate(&stage);
    assert_eq!(up.offset(&path), Some(500));
    assert_eq!(up.patch(&path, 500, "", &payload[500..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn length_may_be_told_late_and_the_report_later_still() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let answer = up.0.ask("POST", "/v1/uploads", &format!("{TUS}Upload-Defer-Length: 1\r\n"), b"").unwrap();
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(up.patch(&path, 0, "", &payload[..100]).status, 204);
    let head = up.head(&path);
    assert_eq!((head.header("upload-defer-length"), head.header("upload-length")), (Some("1"), None));
    let told = format!("Upload-Length: {}\r\n", payload.len());
    assert_eq!(up.patch(&path, 100, &told, &payload[100..200]).status, 204);
    assert_eq!(up.head(&path).header("upload-length").unwrap(), payload.len().to_string());
    assert_eq!(up.patch(&path, 200, "Upload-Length: 7\r\n", b"x").status, 400);
    assert_eq!(up.patch(&path, 200, "", &payload[200..]).status, 204);
    assert!(!published(&stage, report).exists());
    assert_eq!(up.publish(report, &path).status, 200);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn first_bytes_may_come_along_and_a_cut_among_them_loses_nothing() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let headers = format!("{}Content-Type: application/offset+octet-stream\r\n", begin_headers(report, payload.len()));
    let answer = up.0.ask("POST", "/v1/uploads", &headers, &payload[..1234]).unwrap();
    assert_eq!((answer.status, offset(&answer)), (201, Some(1234)));
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(up.patch(&path, 1234, "", &payload[1234..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn upload_goes_on_after_a_restart_from_what_the_disk_holds() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..9000]).status, 204);
    stage.restart();
    let up = Uploader::advocate(&stage);
    assert_eq!(up.offset(&path), Some(9000));
    let listed = up.0.ask("GET", "/v1/uploads", "", b"").unwrap().json::<serde_json::Value>();
    assert_eq!(
        (listed["items"][0]["offset"].as_u64(), &listed["items"][0]["report"]),
        (Some(9000), &serde_json::json!(report))
    );
    assert_eq!(slug(&up.patch(&path, 8000, "", &payload[8000..])), (409, "offset-mismatch".to_owned()));
    assert_eq!(slug(&up.patch(&path, 9001, "", &payload[9001..])), (409, "offset-mismatch".to_owned()));
    assert_eq!(up.patch(&path, 9000, "", &payload[9000..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
}

#[test]
fn payload_that_was_published_but_not_recorded_is_recorded_at_the_next_start() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..payload.len() - 1]).status, 204);
    stage.stop();
    let part = stage.path("broker/data/uploads").join(format!("{}.part", path.rsplit('/').next().unwrap()));
    fs::remove_file(part).unwrap();
    fs::write(published(&stage, report), &payload).unwrap();
    stage.restart();
    let listing = |stage: &mut Stage| stage.as_advocate(|desk| desk.reports()).unwrap();
    eventually("the sweeper records it", || {
        listing(&mut stage)[0].state == amana::model::report::ReportState::Stored {}
    });
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&1));
    // A file that only stands there is not enough: it must be the stated one.
    let other = declared(&mut stage, "other.txt", b"another");
    let up = Uploader::advocate(&stage);
    let path = up.begin(other.report, other.payload.len());
    stage.stop();
    fs::remove_file(stage.path("broker/data/uploads").join(format!("{}.part", path.rsplit('/').next().unwrap())))
        .unwrap();
    fs::write(published(&stage, other.report), vec![0; other.payload.len()]).unwrap();
    stage.restart();
    let up = Uploader::advocate(&stage);
    assert_eq!(up.head(&path).status, 404);
    assert_eq!(stage.audit("audit-2").events.get("payload stored"), Some(&1));
}

#[test]
fn upload_for_a_report_that_was_withdrawn_is_ended_and_none_is_begun() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let half = payload.len() / 2;
    drop(up.half(&path, 0, "", payload.len(), &payload[..half]));
    up.stands_at(&path, half);
    stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Keep)).unwrap();
    eventually("what had come is gone", || files(&stage).is_empty());
    assert_eq!(up.head(&path).status, 404);
    let again = up.0.ask("POST", "/v1/uploads", &begin_headers(report, payload.len()), b"").unwrap();
    assert_eq!(slug(&again), (404, "not-found".to_owned()));
    assert!(files(&stage).is_empty());
}

#[test]
fn upload_of_another_is_not_there_for_any_verb() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let stranger = stage.somebody("stranger");
    let keys = amana::client::identity::RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let role = amana::model::party::EnrolmentRole::Advocate {};
    stage.as_somebody(&stranger, |desk| desk.enrol(role, keys, None)).unwrap();
    let other = Uploader::of(&stage, &stranger);
    assert_eq!(other.head(&path).status, 404);
    assert_eq!(other.patch(&path, 0, "", b"x").status, 404);
    assert_eq!(other.0.ask("DELETE", &path, TUS, b"").unwrap().status, 404);
    assert_eq!(slug(&other.publish(report, &path)), (404, "not-found".to_owned()));
    let own = other.0.ask("POST", "/v1/uploads", &begin_headers(report, payload.len()), b"").unwrap();
    assert_eq!(slug(&own), (404, "not-found".to_owned()));
    assert_eq!(
        other.0.ask("GET", "/v1/uploads", "", b"").unwrap().json::<serde_json::Value>()["items"],
        serde_json::json!([])
    );
    for method in ["HEAD", "PATCH", "DELETE"] {
        let mut stream = socket::connect(&stage.url);
        stream.write_all(&socket::request(method, &path, PART, b"")).unwrap();
        assert!(socket::read_head(&mut stream).unwrap().starts_with("HTTP/1.1 401 "), "{method}");
    }
    let up = Uploader::of(&stage, &copy(&stage.cast.advocate));
    assert_eq!(up.offset(&path), Some(0));
}

#[test]
fn protocol_is_named_and_other_versions_are_refused() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let options = socket::exchange(&stage.url, &socket::request("OPTIONS", "/v1/uploads", "", b"")).unwrap();
    assert_eq!(options.status, 204);
    for (name, value) in [
        ("tus-resumable", "1.0.0"),
        ("tus-version", "1.0.0"),
        ("tus-extension", tus::EXTENSIONS),
        ("tus-checksum-algorithm", "sha1,sha256"),
    ] {
        assert_eq!(options.header(name), Some(value));
    }
    let path = up.begin(report, payload.len());
    for version in ["", "Tus-Resumable: 0.2.2\r\n"] {
        let answer = up.head_as(&path, version);
        assert_eq!((answer.status, answer.header("tus-version")), (412, Some("1.0.0")));
    }
    let wrong = up.0.ask("PATCH", &path, &format!("{TUS}Upload-Offset: 0\r\nContent-Type: text/plain\r\n"), b"x");
    assert_eq!(slug(&wrong.unwrap()), (415, "media-type".to_owned()));
    let none = up.0.ask("PATCH", &path, PART, b"x").unwrap();
    assert_eq!(slug(&none), (400, "malformed".to_owned()));
}

#[test]
fn ended_upload_is_gone() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..100]).status, 204);
    assert_eq!(up.0.ask("DELETE", &path, TUS, b"").unwrap().status, 204);
    assert_eq!(up.head(&path).status, 404);
    assert_eq!(files(&stage), [""; 0]);
}

#[test]
fn upload_waits_two_weeks_for_its_next_part_and_no_doubtful_clock_ends_it() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..100]).status, 204);
    stage.clock.pass(Duration::from_seconds(limits::UPLOAD_LIFE.as_seconds() - 60));
    assert_eq!(Uploader::advocate(&stage).offset(&path), Some(100));
    // Stopped, started weeks later: nobody watched the clock in between, and nobody has confirmed it.
    stage.stop();
    stage.clock.pass(Duration::from_days(30));
    stage.restart();
    std::thread::sleep(std::time::Duration::from_secs(limits::SWEEP_SECONDS + 1));
    assert_eq!(Uploader::advocate(&stage).offset(&path), Some(100));
    stage.confirm_clock();
    eventually("the sweeper ends it", || files(&stage).is_empty());
}

/// Jumps both ways, an hour and far beyond an upload's and a grant's life.
const STEPS: [u64; 2] = [3600, 40 * 86_400];

#[test]
fn clock_stepped_while_running_ends_no_upload_and_passes_no_waiting_time() {
    for seconds in STEPS.map(Duration::from_seconds) {
        let (mut stage, Declared { report, payload, .. }, up) = standing();
        let other = stage.report("granted.txt", b"granted");
        let mut terms = stage.terms(other);
        terms.cooling_off = Duration::from_seconds(1800);
        let waiting = stage.grant(&terms);
        let path = up.begin(report, payload.len());
        assert_eq!(up.patch(&path, 0, "", &payload[..100]).status, 204);
        stage.clock.step_back(seconds);
        let up = Uploader::advocate(&stage);
        assert_eq!(up.patch(&path, 100, "", &payload[100..200]).status, 204);
        stage.as_advocate(|desk| desk.reports()).unwrap();
        stage.clock.step_forward(seconds);
        // Put right again, and then ahead.
        let up = Uploader::advocate(&stage);
        assert_eq!(up.patch(&path, 200, "", &payload[200..300]).status, 204);
        stage.clock.step_forward(seconds);
        let up = Uploader::advocate(&stage);
        eventually("the jump is noticed", || up.0.ask("GET", "/readyz", "", b"").unwrap().status == 503);
        std::thread::sleep(std::time::Duration::from_secs(limits::SWEEP_SECONDS + 1));
        assert_eq!(up.offset(&path), Some(300));
        assert!(stage.release(waiting).is_err(), "a waiting time passed by a jump");
        stage.clock.step_back(seconds);
        stage.restart();
        let up = Uploader::advocate(&stage);
        assert_eq!(up.patch(&path, 300, "", &payload[300..]).status, 204);
        assert!(fs::read(published(&stage, report)).unwrap() == payload);
        only_forwards(&mut stage);
    }
}

#[test]
fn clock_stepped_between_two_runs_ends_no_upload_and_passes_no_waiting_time() {
    for (seconds, ahead) in STEPS.map(Duration::from_seconds).into_iter().flat_map(|s| [(s, false), (s, true)]) {
        let (mut stage, Declared { report, payload, .. }, up) = standing();
        let other = stage.report("granted.txt", b"granted");
        let mut terms = stage.terms(other);
        terms.cooling_off = Duration::from_seconds(1800);
        let waiting = stage.grant(&terms);
        let path = up.begin(report, payload.len());
        assert_eq!(up.patch(&path, 0, "", &payload[..100]).status, 204);
        stage.stop();
        if ahead {
            stage.clock.step_forward(seconds)
        } else {
            stage.clock.step_back(seconds)
        }
        stage.restart();
        std::thread::sleep(std::time::Duration::from_secs(limits::SWEEP_SECONDS + 1));
        assert!(stage.release(waiting).is_err(), "a waiting time passed by a jump");
        let up = Uploader::advocate(&stage);
        assert_eq!(up.offset(&path), Some(100));
        assert_eq!(up.patch(&path, 100, "", &payload[100..]).status, 204);
        assert!(fs::read(published(&stage, report)).unwrap() == payload);
        only_forwards(&mut stage);
    }
}

fn only_forwards(stage: &mut Stage) {
    let times: Vec<_> = stage.case_log("audit").into_iter().map(|(shared, _)| shared.at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn one_party_has_only_so_many_uploads_under_way() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    for _ in 0..limits::UPLOADS_PER_REPORT {
        up.begin(report, payload.len());
    }
    let answer = up.0.ask("POST", "/v1/uploads", &begin_headers(report, payload.len()), b"").unwrap();
    assert_eq!(slug(&answer), (429, "over-quota".to_owned()));
    let one = files(&stage)[0].split('.').next().unwrap().to_owned();
    assert_eq!(up.0.ask("DELETE", &format!("/v1/uploads/{one}"), TUS, b"").unwrap().status, 204);
    up.begin(report, payload.len());
    // Without a report there is another bound, over all of them.
    let early = |_| up.0.ask("POST", "/v1/uploads", &format!("{TUS}Upload-Defer-Length: 1\r\n"), b"").unwrap().status;
    let began: Vec<u16> = (0..=limits::UPLOADS_PER_PARTY).map(early).collect();
    assert_eq!(
        began.iter().filter(|status| **status == 201).count(),
        limits::UPLOADS_PER_PARTY - limits::UPLOADS_PER_REPORT
    );
    assert_eq!(began.last(), Some(&429));
}

#[test]
fn part_that_is_answered_is_on_the_disk_whatever_happens_next() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let path = up.begin(report, payload.len());
    let mut stream = up.half(&path, 0, "", 5000, &payload[..5000]);
    assert_eq!(offset(&read_answer(&mut stream).unwrap()), Some(5000));
    let part = stage.path("broker/data/uploads").join(format!("{}.part", path.rsplit('/').next().unwrap()));
    assert!(fs::read(part).unwrap() == payload[..5000]);
}

/// What the broker does with a payload it found damaged.
fn set_aside(stage: &Stage, report: ReportId) {
    let file = published(stage, report);
    fs::rename(&file, file.with_extension("damaged")).unwrap();
    fs::remove_file(file.with_extension("sums")).unwrap();
}

#[test]
fn owner_brings_a_damaged_payload_back_in_parts() {
    let (mut stage, Declared { report, payload, .. }, up) = standing();
    let first = up.begin(report, payload.len());
    assert_eq!(up.patch(&first, 0, "", &payload).status, 204);
    set_aside(&stage, report);
    // What the finished upload remembers is not safe any more.
    assert_eq!(up.head(&first).status, 404);
    let path = up.begin(report, payload.len());
    let answer = up.patch(&path, 0, "", &payload[..9000]);
    assert_eq!((answer.status, offset(&answer)), (204, Some(9000)));
    assert_eq!(up.offset(&path), Some(9000));
    let other: Vec<u8> = payload[9000..].iter().rev().copied().collect();
    assert_eq!(slug(&up.patch(&path, 9000, "", &other)), (422, "payload-mismatch".to_owned()));
    assert!(!published(&stage, report).exists());
    let path = up.begin(report, payload.len());
    assert_eq!(up.patch(&path, 0, "", &payload[..9000]).status, 204);
    assert_eq!(up.patch(&path, 9000, "", &payload[9000..]).status, 204);
    assert!(fs::read(published(&stage, report)).unwrap() == payload);
    let own = up.0.ask("GET", &format!("/v1/reports/{report}/payload"), "", b"").unwrap();
    assert!(own.status == 200 && own.body == payload);
    assert_eq!(up.publish(report, &path).status, 200);
    assert_eq!(stage.audit("audit").events.get("payload stored"), Some(&1));
}

#[test]
fn upload_longer_than_the_report_it_is_given_to_is_ended() {
    let (stage, Declared { report, payload, .. }, up) = standing();
    let answer = up.0.ask("POST", "/v1/uploads", &format!("{TUS}Upload-Defer-Length: 1\r\n"), b"").unwrap();
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(up.patch(&path, 0, "", &[&payload[..], b"x"].concat()).status, 204);
    assert_eq!(slug(&up.publish(report, &path)), (422, "payload-mismatch".to_owned()));
    assert_eq!(up.head(&path).status, 404);
    assert!(!published(&stage, report).exists());
}

#[test]
fn upload_of_unsaid_length_or_report_takes_no_more_than_is_left_of_the_quota() {
    let mut stage = Stage::established();
    let quota = 100_000;
    stage.restart_with(|settings| settings.quotas = Quotas { bytes: quota, ..Quotas::default() });
    let declared = declared(&mut stage, "note.txt", &[7; 40_000]);
    let up = Uploader::advocate(&stage);
    let early = || {
        let answer = up.0.ask("POST", "/v1/uploads", &format!("{TUS}Upload-Defer-Length: 1\r\n"), b"").unwrap();
        answer.header("location").unwrap().to_owned()
    };
    let left = usize::try_from(quota).unwrap() - declared.payload.len();
    let path = early();
    let too_long = format!("Upload-Length: {}\r\n", left + 1);
    assert_eq!(slug(&up.patch(&path, 0, &too_long, b"x")), (429, "over-quota".to_owned()));
    assert_eq!(up.patch(&path, 0, "", &vec![0; left + 1]).status, 422);
    let at = up.offset(&path).unwrap();
    assert!(at <= left);
    assert_eq!(up.patch(&path, at, "", &vec![0; left - at]).status, 204);
    assert_eq!(slug(&up.patch(&early(), 0, "", b"x")), (422, "payload-mismatch".to_owned()));
    // For a declared report, whose bytes are counted already: no more than its statement names.
    let deferred = format!("{TUS}Upload-Defer-Length: 1\r\nUpload-Metadata: {}\r\n", tus::metadata(declared.report));
    let answer = up.0.ask("POST", "/v1/uploads", &deferred, b"").unwrap();
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(up.patch(&path, 0, "", &[&declared.payload[..], b"x"].concat()).status, 422);
}
