//! SIGTERM: what is idle is closed, what runs is finished, what takes too long is cut and counted.

use crate::{
    process::Process,
    socket::{self, Raw, connect, read_answer, read_head},
    stage::Stage,
};
use amana::model::limits;
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

/// Larger than any socket buffer on loopback.
const LARGE: usize = 12 << 20;

/// A broker's process, and a download under a grant of which the head and a little has been read.
fn downloading() -> (Stage, Process, TcpStream) {
    let mut stage = Stage::laid();
    let process = Process::start(&mut stage);
    stage.establish();
    let report = stage.report("note.bin", &vec![5; LARGE]);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let released = stage.release(grant).unwrap();
    let raw = Raw::sign_in(&stage, &stage.cast.officer);
    let mut reader = raw.send("GET", &format!("/v1/releases/{}/report.age", released.release), "", b"");
    assert!(read_head(&mut reader).unwrap().starts_with("HTTP/1.1 200"));
    reader.read_exact(&mut [0; 4096]).unwrap();
    (stage, process, reader)
}

#[test]
fn idle_connections_are_closed_at_once_and_a_running_download_is_finished() {
    let (stage, mut process, mut reader) = downloading();
    let mut idle = connect(&stage.url);
    idle.write_all(&socket::request("GET", "/healthz", "", b"")).unwrap();
    assert_eq!(read_answer(&mut idle).unwrap().status, 200);
    let mut half = connect(&stage.url);
    half.write_all(b"GET /healthz HTTP/1.1\r\nHo").unwrap();
    let reading = thread::spawn(move || {
        // Only when the broker has said good-bye to the others does this one read on.
        assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
        assert!(matches!(half.read(&mut [0; 1]), Ok(0) | Err(_)));
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        rest.len()
    });
    let (status, took) = process.terminate();
    assert!(reading.join().unwrap() + 4096 > LARGE);
    assert!(status.success());
    assert!(took < Duration::from_secs(limits::SHUTDOWN_SECONDS - 2), "idle connections held it up for {took:?}");
    assert!(process.log().contains("cut=0"), "{}", process.log());
}

#[test]
fn download_that_outlives_the_deadline_is_reset_and_counted() {
    let (_stage, mut process, mut reader) = downloading();
    let (status, took) = process.terminate();
    assert!(status.success());
    let deadline = Duration::from_secs(limits::SHUTDOWN_SECONDS);
    assert!(took >= deadline && took < deadline + Duration::from_secs(3), "it took {took:?}");
    let mut rest = Vec::new();
    assert_eq!(reader.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(rest.len() < LARGE);
    assert!(process.log().contains("cut=1"), "{}", process.log());
}
