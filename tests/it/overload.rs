//! Overload: slow and half-sent requests, full classes and full queues never keep a revocation out.
//!
//! The suite runs a small storm. The figures of docs/performance.md come from the large one, with an optimised broker:
//! `AMANA_OVERLOAD=full AMANA_BIN=target/release/amana cargo test --test it -- --nocapture overload::storm`.

use crate::{
    crashes::declared,
    process::Process,
    socket::{self, JSON, Raw, connect, read_answer, read_head, request},
    stage::{Stage, eventually},
};
use amana::{
    cli::{
        demo::cast::copy,
        embedded::{self, Places, Settings},
    },
    model::{
        grant::{HeaderCopy, Revocation, Scope, WithdrawnBy},
        ids::{Digest, GrantId, ReleaseId},
        limits,
        time::Duration,
    },
    store::{CommitError, OwnRecord, Store as _},
    wire::{
        api::Revoked,
        problem::{Problem, ProblemType},
    },
};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration as Real, Instant},
};

/// Larger than any socket buffer on loopback.
const LARGE: usize = 12 << 20;

/// How much comes at once.
struct Storm {
    slow_readers: usize,
    half_sent: usize,
    downloads: usize,
    revocations: usize,
}

const SMALL: Storm = Storm { slow_readers: 100, half_sent: 100, downloads: 10, revocations: 8 };
const FULL: Storm = Storm { slow_readers: 500, half_sent: 500, downloads: 50, revocations: 100 };

#[test]
fn storm_of_slow_and_half_sent_requests_holds_no_revocation_up() {
    let full = std::env::var("AMANA_OVERLOAD").is_ok_and(|size| size == "full");
    let (mut answers, peak_kib) = weather(if full { &FULL } else { &SMALL });
    answers.sort_unstable();
    let at = |percent: usize| answers[(answers.len() * percent).div_ceil(100) - 1];
    println!(
        "{} revocations: p50 {:.0?}, p99 {:.0?}, longest {:.0?}; broker's peak memory {} MiB",
        answers.len(),
        at(50),
        at(99),
        at(100),
        peak_kib / 1024
    );
    assert!(at(100) < Real::from_millis(if full { 1200 } else { 1000 }), "{answers:?}");
    assert!(peak_kib < 256 * 1024, "{peak_kib} KiB");
}

/// Lets it storm; returns how long each revocation took, and the broker's peak memory.
fn weather(storm: &Storm) -> (Vec<Real>, u64) {
    let mut stage = Stage::laid();
    let process = Process::start(&mut stage);
    stage.establish();
    let report = stage.report("footage.bin", &vec![5; LARGE]);
    let terms = stage.terms(report);
    let background = stage.grant(&terms);
    let background = stage.release(background).unwrap().release;
    let grants: Vec<(GrantId, String)> = (0..storm.revocations)
        .map(|_| {
            let grant = stage.grant(&terms);
            let revocation = revocation(&mut stage, grant);
            (grant, revocation)
        })
        .collect();
    let over = AtomicBool::new(false);
    let (slow, half) = (AtomicBool::new(false), AtomicBool::new(false));
    let officer = copy(&stage.cast.officer);
    let raw = Raw::sign_in(&stage, &officer);
    let url = stage.url.clone();
    let answers = thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| keep_open(storm.slow_readers, &over, &slow, |_| reading(&raw, background)));
        scope.spawn(|| keep_open(storm.half_sent, &over, &half, |number| half_sent(&url, number)));
        eventually("the storm is there", || slow.load(Ordering::SeqCst) && half.load(Ordering::SeqCst));
        grants
            .iter()
            .map(|(grant, revocation)| {
                let release = stage.release(*grant).unwrap().release;
                revoked_under(&stage, release, revocation, storm.downloads)
            })
            .collect()
    });
    (answers, process.peak_kib())
}

/// Ends the storm also when a claim fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Keeps `count` connections open, and opens another for each that the broker closes.
fn keep_open(count: usize, over: &AtomicBool, complete: &AtomicBool, open: impl Fn(usize) -> TcpStream) {
    let mut all: Vec<TcpStream> = Vec::new();
    while !over.load(Ordering::SeqCst) {
        all.retain_mut(|stream| {
            stream.set_nonblocking(true).unwrap();
            // A little is taken now and then, as a slow reader does.
            match stream.read(&mut [0; 512]) {
                Ok(read) => read > 0,
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            }
        });
        for number in all.len()..count {
            all.push(open(number));
        }
        complete.store(true, Ordering::SeqCst);
        thread::sleep(Real::from_millis(500));
    }
}

fn reading(raw: &Raw, release: ReleaseId) -> TcpStream {
    raw.send("GET", &format!("/v1/releases/{release}/report.age"), "", b"")
}

/// By turns half a head, and a head with half a body; some for the path of revocations itself.
fn half_sent(url: &str, number: usize) -> TcpStream {
    let path = if number % 4 < 2 { "/v1/revocations" } else { "/oauth/token" };
    let whole = request("POST", path, &format!("Content-Length: 400\r\n{JSON}"), b"{\"statement\":\"");
    let part = if number.is_multiple_of(2) { &whole[..40] } else { &whole };
    let mut stream = connect(url);
    drop(stream.write_all(part));
    stream
}

/// Starts downloads under a release, revokes its grant meanwhile, and says how long the answer took.
fn revoked_under(stage: &Stage, release: ReleaseId, revocation: &str, downloads: usize) -> Real {
    let raw = Raw::sign_in(stage, &stage.cast.officer);
    let mut readers: Vec<TcpStream> = (0..downloads).map(|_| reading(&raw, release)).collect();
    for reader in &mut readers {
        let head = read_head(reader).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    thread::scope(|scope| {
        let running: Vec<_> = readers.into_iter().map(|reader| scope.spawn(|| read_steadily(reader))).collect();
        let began = Instant::now();
        let answer = socket::revoke(&stage.url, revocation).unwrap();
        let took = began.elapsed();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json::<Revoked>().streams_reset as usize, downloads);
        for reader in running {
            assert_eq!(reader.join().unwrap(), Some(ErrorKind::ConnectionReset));
        }
        took
    })
}

/// Reads some 800 KB a second; returns how it ended.
fn read_steadily(mut reader: TcpStream) -> Option<ErrorKind> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return None,
            Ok(_) => thread::sleep(Real::from_millis(20)),
            Err(error) => return Some(error.kind()),
        }
    }
}

fn revocation(stage: &mut Stage, grant: GrantId) -> String {
    stage
        .as_advocate(|desk| {
            let answer_due = desk.now().plus(Duration::from_days(30));
            let body = Revocation { scopes: vec![Scope::All], withdrawn_by: WithdrawnBy::Person, answer_due };
            desk.sign(&body, Some(grant.into()), None)
        })
        .unwrap()
}

#[test]
fn half_sent_bodies_on_every_connection_make_room_for_a_revocation() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let statement = revocation(&mut stage, grant);
    let body = request("POST", "/v1/revocations", &format!("Content-Length: 400\r\n{JSON}"), b"{");
    let half: Vec<TcpStream> = (0..limits::CONNECTIONS + 20)
        .map(|_| {
            let mut stream = connect(&stage.url);
            drop(stream.write_all(&body));
            stream
        })
        .collect();
    // An answer says that those before were accepted: what is measured is room, not the speed of opening connections.
    assert_eq!(socket::exchange(&stage.url, &request("GET", "/healthz", "", b"")).unwrap().status, 200);
    let began = Instant::now();
    assert_eq!(socket::revoke(&stage.url, &statement).unwrap().status, 200);
    let took = began.elapsed();
    assert!(took < Real::from_secs(1), "a revocation waited {took:?}");
    drop(half);
}

#[test]
fn full_class_answers_busy_on_a_connection_that_goes_on() {
    let mut stage = Stage::established();
    let report = stage.report("footage.bin", &vec![5; LARGE]);
    let path = format!("/v1/reports/{report}/payload");
    let raw = Raw::sign_in(&stage, &stage.cast.advocate);
    let mut readers: Vec<TcpStream> = (0..limits::DOWNLOADS)
        .map(|_| {
            let mut reader = raw.send("GET", &path, "", b"");
            assert!(read_head(&mut reader).unwrap().starts_with("HTTP/1.1 200"));
            reader
        })
        .collect();
    let mut another = raw.send("GET", &path, "", b"");
    let answer = read_answer(&mut another).unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.json::<Problem>().is(ProblemType::Busy));
    assert_eq!(answer.header("retry-after"), Some("2"));
    // Not a class that anything else needs, nor the end of the connection.
    another.write_all(&request("GET", "/healthz", "", b"")).unwrap();
    assert_eq!(read_answer(&mut another).unwrap().status, 200);
    readers.pop();
    eventually("a permit is given back with the body that held it", || {
        let mut reader = raw.send("GET", &path, "", b"");
        read_head(&mut reader).unwrap().starts_with("HTTP/1.1 200")
    });
}

#[test]
fn who_brings_or_takes_nothing_is_cut() {
    let mut stage = Stage::established();
    let report = stage.report("footage.bin", &vec![5; LARGE]);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let release = stage.release(grant).unwrap().release;
    let uploaded = declared(&mut stage, 0);
    let owner = Raw::sign_in(&stage, &stage.cast.advocate);
    let officer = Raw::sign_in(&stage, &stage.cast.officer);

    let began = Instant::now();
    let mut small = connect(&stage.url);
    small.write_all(&request("POST", "/v1/revocations", &format!("Content-Length: 400\r\n{JSON}"), b"{")).unwrap();
    let mut upload = owner.send("PUT", &format!("/v1/reports/{uploaded}/payload"), "Content-Length: 400\r\n", b"some");
    let mut head = connect(&stage.url);
    head.write_all(b"GET /healthz HT").unwrap();
    let mut idle = connect(&stage.url);
    idle.write_all(&request("GET", "/healthz", "", b"")).unwrap();
    assert_eq!(read_answer(&mut idle).unwrap().status, 200);
    let mut stalled = [
        officer.send("GET", &format!("/v1/releases/{release}/report.age"), "", b""),
        owner.send("GET", &format!("/v1/reports/{report}/payload"), "", b""),
    ];
    for reader in &mut stalled {
        let head = read_head(reader).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }

    let least = Real::from_secs(limits::BODY_IDLE_SECONDS - 2);
    let most = Real::from_secs(limits::BODY_IDLE_SECONDS + 8);
    assert!(matches!(idle.read(&mut [0; 64]), Ok(0)));
    drop(head.read(&mut [0; 64]));
    assert!(began.elapsed() < least, "idle connections were kept for {:?}", began.elapsed());
    for cut in [&mut small, &mut upload] {
        let answer = read_answer(cut).unwrap();
        assert_eq!(answer.status, 408);
        assert!(answer.json::<Problem>().is(ProblemType::TooSlow));
    }
    let took = began.elapsed();
    assert!(took > least && took < most, "{took:?}");
    // What is found after the cut is what the kernel had taken before, and then a reset.
    thread::sleep(most.saturating_sub(began.elapsed()));
    for reader in &mut stalled {
        let mut rest = Vec::new();
        assert_eq!(reader.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(rest.len() < LARGE);
    }
}

#[test]
fn full_queue_keeps_out_nothing_that_stops_and_what_stops_is_committed_first() {
    let mut stage = Stage::founded();
    stage.stop();
    let store = embedded::store(Settings {
        places: Places::under(&stage.path("broker")),
        public_url: stage.url.clone(),
        registration: amana::broker::Registration::Loopback,
        clock: stage.clock.clone(),
        batch_operations: 8,
        quotas: amana::broker::Quotas::default(),
        rates: amana::broker::Rates::default(),
        publishing: amana::broker::Publishing::default(),
        retention: amana::broker::Retention::default(),
    })
    .unwrap();
    // Somebody else's transaction: the writer waits for it, and everything queues up behind.
    let other = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (key, until) = (stage.cast.advocate.key_id(), stage.now().plus(Duration::from_days(1)));
    let mut now = Context::from_waker(Waker::noop());
    let mut ordinary = Vec::new();
    let refused = loop {
        let mut pending = store.spend_assertion(key, format!("jti-{}", ordinary.len()), until);
        match pending.as_mut().poll(&mut now) {
            Poll::Pending => ordinary.push(pending),
            Poll::Ready(answer) => break answer,
        }
        assert!(ordinary.len() < 2 * limits::QUEUED_OPERATIONS, "the queue has no end");
    };
    assert!(matches!(refused, Err(CommitError::Busy)));
    assert!(ordinary.len() >= limits::QUEUED_OPERATIONS);
    // It is taken, and judged: there is no such grant.
    let nothing = GrantId::from(Digest::of(b"no grant"));
    let stop = store.record(OwnRecord::Shredded(nothing, HeaderCopy::Database));
    other.execute_batch("COMMIT").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(stop);
    assert!(matches!(outcome, Err(CommitError::Refused(_))), "{outcome:?}");
    let done = ordinary.iter_mut().filter_map(|pending| match pending.as_mut().poll(&mut now) {
        Poll::Ready(answer) => Some(answer.unwrap()),
        Poll::Pending => None,
    });
    let done = done.count();
    assert!(done < limits::QUEUED_OPERATIONS / 2, "{done} others were committed before it");
}
