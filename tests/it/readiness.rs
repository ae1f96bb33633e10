//! Readiness that means it: each part that a request needs can fail, and is named when it does.

use crate::{
    crashes::Tmpfs,
    process::Process,
    socket::{self, Answer},
    stage::{Stage, eventually},
};
use amana::wire::problem::{Problem, ProblemType};
use std::{fs, io::Write as _};

fn ready(stage: &Stage) -> Answer {
    socket::exchange(&stage.url, &socket::request("GET", "/readyz", "", b"")).unwrap()
}

/// Asks until it is not ready, as a found state is kept for a second; returns the problem.
fn unready(stage: &Stage) -> Problem {
    let mut answer = ready(stage);
    eventually("the broker is not ready", || {
        answer = ready(stage);
        answer.status != 200
    });
    let problem: Problem = answer.json();
    let folder = stage.dir.path().display().to_string();
    assert!(!String::from_utf8_lossy(&answer.body).contains(&folder), "it names a path: {problem:?}");
    assert_eq!(answer.header("retry-after").is_some(), answer.status == 503, "{}", answer.head);
    problem
}

fn ready_again(stage: &Stage) {
    eventually("the broker is ready again", || ready(stage).status == 200);
}

#[test]
fn full_disk_is_not_ready_until_there_is_room() {
    let mut stage = Stage::laid();
    let data = stage.path("broker/data");
    let Some(_disk) = Tmpfs::mount(&data, "size=16m") else {
        eprintln!("not shown: this needs the right to mount a small file system");
        return;
    };
    let _process = Process::start(&mut stage);
    ready_again(&stage);
    // A last page is left, so that only the room tells.
    let filler = data.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    file.set_len(file.metadata().unwrap().len() - 64 * 1024).unwrap();
    let nearly = unready(&stage);
    assert!(nearly.is(ProblemType::StorageFull), "{nearly:?}");
    assert!(nearly.detail.unwrap().starts_with("the room left"));
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0; 1]).is_ok() {}
    drop(file);
    eventually("a write is what fails", || unready(&stage).detail.is_some_and(|words| !words.starts_with("the room")));
    assert!(unready(&stage).is(ProblemType::StorageFull));
    fs::remove_file(&filler).unwrap();
    ready_again(&stage);
    assert!(!data.join("payloads/probe").exists());
}

#[test]
fn missing_payload_folder_is_not_ready() {
    let stage = Stage::founded();
    ready_again(&stage);
    let (folder, away) = (stage.path("broker/data/payloads"), stage.path("away"));
    fs::rename(&folder, &away).unwrap();
    let problem = unready(&stage);
    assert!(problem.is(ProblemType::Busy), "{problem:?}");
    assert!(problem.detail.unwrap().starts_with("the folder of payloads"));
    fs::rename(&away, &folder).unwrap();
    ready_again(&stage);
}

#[test]
fn writer_that_waits_is_not_ready() {
    let stage = Stage::founded();
    ready_again(&stage);
    let other = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let problem = unready(&stage);
    assert!(problem.is(ProblemType::Busy), "{problem:?}");
    assert!(problem.detail.unwrap().starts_with("a durable write"));
    other.execute_batch("COMMIT").unwrap();
    ready_again(&stage);
}

#[test]
fn many_questions_are_one_check() {
    let stage = Stage::founded();
    stage.clock.stand_still();
    ready_again(&stage);
    let count = || {
        let database = rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap();
        database.query_row("SELECT count FROM probe", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = count();
    for _ in 0..50 {
        assert_eq!(ready(&stage).status, 200);
    }
    assert_eq!(count(), before);
    stage.clock.pass(amana::model::time::Duration::from_seconds(1));
    assert_eq!(ready(&stage).status, 200);
    assert_eq!(count(), before + 1);
}
