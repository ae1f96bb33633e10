//! Promise P5: after the answer to a revocation nothing more is written under the grant, and the wrapped header is
//! destroyed copy by copy.

use crate::{
    life::Other,
    socket::{self, Raw, connect, read_head, statement_json},
    stage::{Stage, all_met, eventually, inquiry, problem},
};
use amana::{
    cli::{
        demo::cast::{copy, text},
        embedded::{self, Places, Settings},
    },
    client::{desk::Desk, desk::DeskError, identity::Identity},
    model::{
        freeze::Lift,
        grant::{EndCause, GrantState, HeaderCopy, Revocation, Scope, WithdrawnBy},
        ids::{Digest, GrantId},
        institution::SuspensionAct,
        statement::Kind,
        time::Duration,
    },
    wire::{
        api::{Released, Revoked},
        entry::Happening,
        problem::ProblemType,
        receipt,
    },
};
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Barrier,
    thread,
    time::Instant,
};

/// Larger than any socket buffer on loopback, so that a reader who stops leaves the broker with much to write.
const LARGE: usize = 12 << 20;
/// Small enough for what the kernel takes at once (a reader's window and `limits::UNSENT_BYTES`): for the broker the
/// stream is over while the reader has most to read.
const SMALL: usize = 160 << 10;

fn granted(content: &[u8], change: impl FnOnce(&mut amana::client::granting::Terms)) -> (Stage, GrantId) {
    let mut stage = Stage::established();
    let report = stage.report("note.bin", content);
    let mut terms = stage.terms(report);
    change(&mut terms);
    let grant = stage.grant(&terms);
    (stage, grant)
}

fn revocation(stage: &mut Stage, who: &Identity, grant: GrantId, withdrawn_by: WithdrawnBy) -> String {
    stage
        .as_somebody(who, |desk| {
            let answer_due = desk.now().plus(Duration::from_days(30));
            let body = Revocation { scopes: vec![Scope::All], withdrawn_by, answer_due };
            desk.sign(&body, Some(grant.into()), None)
        })
        .unwrap()
}

/// A download whose reader takes the head and a few KiB, and stops.
fn slow_reader(stage: &Stage, released: &Released) -> TcpStream {
    let raw = Raw::sign_in(stage, &stage.cast.officer);
    let mut stream = raw.send("GET", &format!("/v1/releases/{}/report.age", released.release), "", b"");
    assert!(read_head(&mut stream).unwrap().starts_with("HTTP/1.1 200"));
    stream.read_exact(&mut [0; 4096]).unwrap();
    stream
}

/// State and unsent bytes of the broker's end of a connection, as the kernel tells (`/proc/net/tcp`).
fn brokers_end(stream: &TcpStream) -> Option<(u8, u64)> {
    let port = |address: std::net::SocketAddr| format!("0100007F:{:04X}", address.port());
    let (theirs, ours) = (port(stream.peer_addr().ok()?), port(stream.local_addr().ok()?));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = line.into_iter().find(|fields| fields[1] == theirs && fields[2] == ours)?;
    let unsent = line[4].split(':').next().unwrap();
    Some((u8::from_str_radix(line[3], 16).unwrap(), u64::from_str_radix(unsent, 16).unwrap()))
}

const ESTABLISHED: u8 = 1;

/// What waits at the reader's end, left there.
fn waiting(stream: &TcpStream) -> usize {
    let mut buffer = vec![0; LARGE * 2];
    stream.set_nonblocking(true).unwrap();
    let found = stream.peek(&mut buffer).unwrap_or(0);
    stream.set_nonblocking(false).unwrap();
    found
}

/// Reads to the end, whatever end that is.
fn drain(stream: &mut TcpStream) -> (Vec<u8>, io::Result<()>) {
    let mut all = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (all, Ok(())),
            Ok(read) => all.extend(&buffer[..read]),
            Err(error) => return (all, Err(error)),
        }
    }
}

fn assert_cut(stream: &mut TcpStream, at_the_answer: usize, whole: usize) {
    let (rest, end) = drain(stream);
    assert_eq!(rest.len(), at_the_answer, "bytes came after the answer");
    assert!(4096 + rest.len() < whole, "everything was delivered");
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn promise_05_running_downloads_get_no_byte_after_the_answer_and_a_reset() {
    let (mut stage, grant) = granted(&vec![5; LARGE], |_| {});
    let released = stage.release(grant).unwrap();
    let mut readers: Vec<TcpStream> = (0..6).map(|_| slow_reader(&stage, &released)).collect();
    let advocate = copy(&stage.cast.advocate);
    let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
    let answer = socket::revoke(&stage.url, &statement).unwrap();
    let at_the_answer: Vec<usize> = readers.iter().map(waiting).collect();
    assert_eq!(answer.status, 200);
    let revoked: Revoked = answer.json();
    assert_eq!((revoked.streams_reset, revoked.releases_used), (6, 1));
    for (reader, waiting) in readers.iter_mut().zip(at_the_answer) {
        assert_cut(reader, waiting, LARGE);
    }
}

#[test]
fn freeze_of_whoever_inherited_a_report_cuts_what_was_begun_before() {
    let (mut stage, grant) = granted(&vec![5; LARGE], |_| {});
    let heir = Other::enrolled(&mut stage, "heir");
    let released = stage.release(grant).unwrap();
    let mut reader = slow_reader(&stage, &released);
    let report = stage.as_advocate(|desk| desk.reports()).unwrap()[0].id;
    let recovery = stage.recovery();
    let offer = stage.as_advocate(|desk| desk.hand_over(report, &heir.named(), &recovery)).unwrap().id;
    stage.as_somebody(&heir.identity, |desk| desk.take_over(offer)).unwrap();
    let stopped = stage.as_somebody(&heir.identity, |desk| desk.freeze(heir.party(), Lift::Recovery {})).unwrap();
    let at_the_answer = waiting(&reader);
    assert_eq!(stopped.streams_reset, 1);
    assert_cut(&mut reader, at_the_answer, LARGE);
}

#[test]
fn download_that_is_over_for_the_broker_but_not_for_its_reader_is_cut_too() {
    let (mut stage, grant) = granted(&vec![5; SMALL], |_| {});
    let released = stage.release(grant).unwrap();
    let mut reader = slow_reader(&stage, &released);
    eventually("the broker has written everything", || {
        brokers_end(&reader).is_none_or(|(state, _)| state != ESTABLISHED)
    });
    let unsent = brokers_end(&reader).map_or(0, |(_, unsent)| unsent);
    assert!(unsent > 0, "the reader's buffer took everything; the test shows nothing");
    stage.revoke(grant).unwrap();
    let at_the_answer = waiting(&reader);
    assert_cut(&mut reader, at_the_answer, SMALL);
}

#[test]
fn download_read_to_its_end_ends_cleanly() {
    for size in [SMALL, LARGE] {
        let (mut stage, grant) = granted(&vec![5; size], |_| {});
        let released = stage.release(grant).unwrap();
        let mut reader = slow_reader(&stage, &released);
        let (rest, end) = drain(&mut reader);
        end.unwrap();
        assert!(4096 + rest.len() > size);
    }
}

#[test]
fn other_grants_downloads_go_on() {
    let (mut stage, grant) = granted(&vec![5; LARGE], |_| {});
    let released = stage.release(grant).unwrap();
    let report = stage.report("other.txt", b"another");
    let terms = stage.terms(report);
    let other = stage.grant(&terms);
    let mut reader = slow_reader(&stage, &released);
    stage.release(other).unwrap();
    stage.revoke(other).unwrap();
    let (rest, end) = drain(&mut reader);
    end.unwrap();
    assert!(4096 + rest.len() > LARGE);
}

#[test]
fn suspension_cuts_running_downloads() {
    let (mut stage, grant) = granted(&vec![5; LARGE], |_| {});
    let released = stage.release(grant).unwrap();
    let mut reader = slow_reader(&stage, &released);
    let id = stage.cast.institution.party_id();
    stage.as_administrator(0, |desk| desk.suspend(id, SuspensionAct::Suspend, text("a complaint")?)).unwrap();
    let at_the_answer = waiting(&reader);
    assert_cut(&mut reader, at_the_answer, LARGE);
}

#[test]
fn stalled_download_is_cut_when_the_time_of_its_permit_is_over() {
    let (mut stage, grant) = granted(&vec![5; LARGE], |_| {});
    let id = stage.cast.institution.party_id();
    let until = stage.now().plus(Duration::from_seconds(500));
    stage.as_accreditor(|desk| desk.attest(id, all_met(), until)).unwrap();
    let released = stage.release(grant).unwrap();
    let mut reader = slow_reader(&stage, &released);
    stage.clock.pass(Duration::from_seconds(500));
    // Nobody reads: the broker has to look at the clock by itself.
    eventually("the broker cuts the stream", || brokers_end(&reader).is_none());
    let at_the_cut = waiting(&reader);
    assert_cut(&mut reader, at_the_cut, LARGE);
}

#[test]
fn release_racing_a_revocation_is_logged_before_it_or_denied_and_writes_nothing_after_the_answer() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let (advocate, officer) = (copy(&stage.cast.advocate), copy(&stage.cast.officer));
    let raw = Raw::sign_in(&stage, &officer);
    let mut grants = Vec::new();
    for _ in 0..30 {
        let terms = stage.terms(report);
        let grant = stage.grant(&terms);
        let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
        let ask = stage.as_officer(|desk| desk.sign_release_request(grant, inquiry(), None)).unwrap();
        let path = format!("/v1/grants/{grant}/releases");
        let url = stage.url.clone();
        let barrier = Barrier::new(2);
        let (delivered, at_the_answer) = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                barrier.wait();
                raw.send("POST", &path, socket::JSON, statement_json(&ask).as_bytes())
            });
            barrier.wait();
            let answer = socket::revoke(&url, &statement).unwrap();
            assert_eq!(answer.status, 200);
            let mut stream = asking.join().unwrap();
            let at_the_answer = waiting(&stream);
            (drain(&mut stream).0, at_the_answer)
        });
        let released = String::from_utf8_lossy(&delivered).contains("\"header\":");
        assert!(!released || delivered.len() == at_the_answer, "header bytes came after the answer");
        grants.push((grant, released));
    }
    let log: Vec<_> = stage.case_log("audit").into_iter().map(|(shared, _)| shared).collect();
    let place = |grant: GrantId, event: &Happening, of: Kind| {
        log.iter().position(|shared| {
            let kind = shared.statement().unwrap().map(|statement| statement.kind());
            shared.event == *event
                && kind == Some(of)
                && subject(shared.statement.as_ref().unwrap()) == Some(grant.into())
        })
    };
    for (grant, released) in grants {
        let revoked = place(grant, &Happening::Accepted, Kind::Revocation).unwrap();
        match place(grant, &Happening::Released, Kind::ReleaseRequest) {
            Some(entry) => assert!(entry < revoked),
            None => assert!(!released, "a release without its entry"),
        }
    }
}

/// The `subject` claim of a logged statement.
fn subject(statement: &str) -> Option<Digest> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = URL_SAFE_NO_PAD.decode(statement.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    claims["subject"].as_str().map(|digest| digest.parse().unwrap())
}

#[test]
fn wrapped_header_leaves_no_byte_in_the_database_or_its_log() {
    let (mut stage, grant) = granted(b"what was seen", |terms| terms.max_releases = 2);
    let released = stage.release(grant).unwrap();
    let data = stage.path("broker/data");
    let sealed: Vec<u8> = {
        let database = rusqlite::Connection::open(data.join("amana.db")).unwrap();
        let sql = "SELECT header FROM headers WHERE scope = 'grant' AND id = ?1";
        database.query_row(sql, [grant.to_string()], |row| row.get(0)).unwrap()
    };
    assert!(holds(&data, &sealed), "the sealed header must be found before, or the search finds nothing");
    assert!(!holds(&data, &released.header.0), "the header lies there in the clear");
    stage.revoke(grant).unwrap();
    stage.wait_until_shredded(grant);
    assert!(!holds(&data, &sealed));
    let database = rusqlite::Connection::open(data.join("amana.db")).unwrap();
    let sql = "SELECT count(*) FROM headers WHERE scope = 'grant'";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    let shredded: Vec<HeaderCopy> = stage
        .case_log("audit")
        .iter()
        .filter_map(|(shared, _)| match shared.event {
            Happening::Shredded { grant: g, copy } if g == grant => Some(copy),
            _ => None,
        })
        .collect();
    assert_eq!(shredded, [HeaderCopy::Database, HeaderCopy::Wal]);
}

/// Whether any file under a folder holds these bytes: any 40 of them in a row, since a page may end in between.
pub fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let windows: Vec<&[u8]> = bytes.chunks_exact(40).collect();
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let content = if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
        windows.iter().any(|window| content.windows(40).any(|place| place == *window))
    })
}

#[test]
fn reader_in_the_way_leaves_the_last_copy_pending_and_holds_nobody_up() {
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    let report = stage.report("other.txt", b"another");
    let terms = stage.terms(report);
    let others: Vec<GrantId> = (0..8).map(|_| stage.grant(&terms)).collect();
    let reader = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM headers").unwrap();
    stage.revoke(grant).unwrap();
    let pending = |stage: &mut Stage| match stage.grant_row(grant).state {
        GrantState::Ended { cause, remaining, .. } => Some((cause, remaining)),
        _ => None,
    };
    let wal = Some((EndCause::Revoked, vec![HeaderCopy::Wal]));
    eventually("the database's copy is destroyed", || pending(&mut stage) == wal);
    // Every attempt on the write-ahead log fails meanwhile; revocations must not wait for them.
    for other in others {
        let began = Instant::now();
        stage.revoke(other).unwrap();
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "a revocation waited {took:?} for a reader");
    }
    assert_eq!(pending(&mut stage), wal);
    reader.execute_batch("COMMIT").unwrap();
    stage.wait_until_shredded(grant);
}

#[test]
fn pending_shredding_is_taken_up_again_at_start() {
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    let reader = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM headers").unwrap();
    stage.revoke(grant).unwrap();
    eventually(
        "the database's copy is destroyed",
        || matches!(&stage.grant_row(grant).state, GrantState::Ended { remaining, .. } if *remaining == [HeaderCopy::Wal]),
    );
    stage.stop();
    drop(reader);
    stage.restart();
    stage.wait_until_shredded(grant);
    stage.audit("audit");
}

#[test]
fn expired_and_exhausted_grants_are_shredded_and_a_running_one_is_not() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    let exhausted = stage.grant(&terms);
    terms.max_releases = 2;
    let running = stage.grant(&terms);
    terms.collect.until = stage.now().plus(Duration::from_seconds(1000));
    let expired = stage.grant(&terms);
    for grant in [exhausted, running] {
        let released = stage.release(grant).unwrap();
        stage.acknowledge(grant, &released).unwrap();
    }
    stage.clock.pass(Duration::from_seconds(1000));
    stage.wait_until_shredded(exhausted);
    stage.wait_until_shredded(expired);
    let cause = |stage: &mut Stage, grant| match stage.grant_row(grant).state {
        GrantState::Shredded { cause, .. } => Some(cause),
        _ => None,
    };
    assert_eq!(cause(&mut stage, exhausted), Some(EndCause::Exhausted));
    assert_eq!(cause(&mut stage, expired), Some(EndCause::Expired));
    assert_eq!(cause(&mut stage, running), None);
    stage.release(running).unwrap();
    // An expired grant can still be revoked, and stays shredded.
    stage.revoke(expired).unwrap();
    assert_eq!(cause(&mut stage, expired), Some(EndCause::Revoked));
    stage.audit("audit");
}

#[test]
fn same_revocation_again_is_the_same_entry_and_another_one_changes_nothing() {
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    let advocate = copy(&stage.cast.advocate);
    let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
    let first: Revoked = socket::revoke(&stage.url, &statement).unwrap().json();
    stage.wait_until_shredded(grant);
    let size = stage.case_size();
    let again: Revoked = socket::revoke(&stage.url, &statement).unwrap().json();
    assert_eq!((again.accepted.id, again.accepted.index), (first.accepted.id, first.accepted.index));
    let genesis = &stage.cast.founded.genesis;
    let proved = receipt::verify_statement(
        &again.accepted.receipt,
        again.accepted.log,
        &genesis.trust().unwrap(),
        &Happening::Accepted,
        &statement,
    )
    .unwrap();
    assert_eq!(proved.entry.index, first.accepted.index);
    assert_eq!(stage.case_size(), size);
    let state = stage.grant_row(grant).state;
    let other = revocation(&mut stage, &advocate, grant, WithdrawnBy::Provider);
    assert_eq!(socket::revoke(&stage.url, &other).unwrap().status, 200);
    assert_eq!(stage.grant_row(grant).state, state);
    assert_eq!(stage.case_size(), size + 1);
    stage.audit("audit");
}

#[test]
fn stranger_and_unknown_grant_are_answered_alike_and_leave_nothing() {
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    let until = stage.now().plus(Duration::from_days(300));
    let house = stage.another_institution(until, Some(until));
    let (officer, root) = (copy(&stage.cast.officer), copy(&stage.cast.institution));
    let (advocate, administrator) = (copy(&stage.cast.advocate), stage.cast.administrator(0).unwrap());
    let nobody = stage.somebody("nobody");
    let size = stage.case_size();
    let nothing = GrantId::from(Digest::of(b"no grant"));
    let mut answers = Vec::new();
    for (who, grant, by) in [
        (&advocate, nothing, WithdrawnBy::Person),
        (&officer, nothing, WithdrawnBy::Recipient),
        (&house.officer, grant, WithdrawnBy::Recipient),
        (&house.officer, grant, WithdrawnBy::Person),
        (&officer, grant, WithdrawnBy::Person),
        (&advocate, grant, WithdrawnBy::Recipient),
        (&root, grant, WithdrawnBy::Recipient),
        (&administrator, grant, WithdrawnBy::Provider),
        (&nobody, grant, WithdrawnBy::Person),
        (&nobody, nothing, WithdrawnBy::Person),
    ] {
        let statement = revocation(&mut stage, who, grant, by);
        let answer = socket::revoke(&stage.url, &statement).unwrap();
        answers.push((answer.status, String::from_utf8(answer.body).unwrap()));
    }
    assert_eq!(answers[0].0, 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(stage.case_size(), size);
    stage.release(grant).unwrap();
}

#[test]
fn institution_hands_back_what_it_was_given() {
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    stage.release(grant).unwrap();
    stage.as_officer(|desk| hand_back(desk, grant)).unwrap();
    assert!(matches!(stage.grant_row(grant).state, GrantState::Ended { .. } | GrantState::Shredded { .. }));
    assert!(problem(stage.release(grant)).is(ProblemType::Denied));
    stage.audit("audit");
}

fn hand_back(desk: &mut Desk, grant: GrantId) -> Result<Revoked, DeskError> {
    let due = desk.now().plus(Duration::from_days(30));
    desk.revoke(grant, vec![Scope::All], WithdrawnBy::Recipient, due)
}

#[test]
fn officer_who_was_denied_a_release_gets_an_answer_on_handing_back() {
    let (mut stage, grant) = granted(b"what was seen", |terms| terms.cooling_off = Duration::from_days(1));
    stage
        .as_officer(|desk| {
            // One desk, one pool of connections: the denial's connection may carry the revocation.
            assert!(desk.request_release(grant, &inquiry()).is_err());
            hand_back(desk, grant)
        })
        .unwrap();
}

#[test]
fn promise_10_revocation_is_served_when_no_other_connection_is() {
    let limit = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limit.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let allowed: usize = files.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX);
    if allowed < 10_000 {
        eprintln!("not shown: {allowed} open files allowed, both ends of 2100 connections need about 6300");
        return;
    }
    let (mut stage, grant) = granted(b"what was seen", |_| {});
    let advocate = copy(&stage.cast.advocate);
    let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
    // Heads that are never finished, on more connections than there are.
    let many = amana::model::limits::CONNECTIONS + 52;
    let fill = || -> Vec<TcpStream> {
        let open = |_| {
            let mut stream = connect(&stage.url);
            drop(stream.write_all(b"POST /v1/revocations HTTP/1.1\r\nHost: bro"));
            stream
        };
        (0..many).map(open).collect()
    };
    // In less time than a head is given, or the first would be gone for that reason.
    let soon = std::time::Duration::from_secs(amana::model::limits::HEAD_SECONDS - 2);
    let half = (0..9).find_map(|_| {
        let began = Instant::now();
        Some(fill()).filter(|_| began.elapsed() < soon)
    });
    let half = half.expect("this machine opens connections too slowly to show it");
    let began = Instant::now();
    assert_eq!(socket::revoke(&stage.url, &statement).unwrap().status, 200);
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(1), "a revocation waited {took:?} for room");
    let closed = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok_and(|read| read == 0)
    };
    eventually("the oldest have made room, and no others", || half.iter().filter(|s| closed(s)).count() >= 53);
    assert!(half[..50].iter().all(closed));
    // Anything else is served as well.
    let health = socket::request("GET", "/healthz", "", b"");
    assert_eq!(socket::exchange(&stage.url, &health).unwrap().status, 200);
}

#[test]
fn revocation_is_carried_through_when_the_connection_it_came_on_goes_away() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", &vec![7; 4096]);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let advocate = copy(&stage.cast.advocate);
    let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
    stage.stop();
    let broker = embedded::unlistened(Settings {
        places: Places::under(&stage.path("broker")),
        public_url: stage.url.clone(),
        registration: amana::broker::Registration::Loopback,
        quotas: amana::broker::Quotas::default(),
        rates: amana::broker::Rates::default(),
        clock: stage.clock.clone(),
        batch_operations: 1024,
        publishing: amana::broker::Publishing::default(),
        retention: amana::broker::Retention::default(),
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // Begun, and dropped as hyper drops a handler whose client is gone.
    let answer =
        runtime.block_on(async { tokio::time::timeout(std::time::Duration::ZERO, broker.revoke(&statement)).await });
    assert!(answer.is_err(), "it answered before it could be dropped");
    let caller = amana::broker::Caller {
        key: advocate.key_id(),
        party: advocate.party_id(),
        holder: amana::model::party::Holder::Advocate {},
    };
    eventually("the grant is shredded although nobody waited for the answer", || {
        let grants = broker.grants(&caller, None).unwrap().items;
        grants.iter().any(|g| g.id == grant && matches!(g.state, GrantState::Shredded { cause: EndCause::Revoked, .. }))
    });
}

#[test]
fn revocation_is_taken_also_when_it_comes_late() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let advocate = copy(&stage.cast.advocate);
    let statement = revocation(&mut stage, &advocate, grant, WithdrawnBy::Person);
    stage.clock.pass(Duration::from_days(40));
    assert_eq!(socket::revoke(&stage.url, &statement).unwrap().status, 200);
}
