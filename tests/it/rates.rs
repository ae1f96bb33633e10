//! How often somebody may ask, and that nothing is kept of who asked.

use crate::{
    raw::{Answer, Raw, json_type},
    socket,
    stage::{Stage, eventually},
};
use amana::{
    broker::Rates,
    cli::demo::cast::copy,
    model::{bucket::Rate, grant::WithdrawnBy, time::Duration},
};
use serde_json::json;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const ONE: &str = "127.0.0.77";
const OTHER: &str = "127.0.0.78";

fn over_quota() -> (u16, String) {
    (429, "over-quota".to_owned())
}

/// An hour for a token, so that none comes back while the test runs.
fn rate(burst: u32) -> Rate {
    Rate { per_hour: 1, burst }
}

fn limited(stage: &mut Stage, before_login: u32, signed_in: u32) {
    let rates = Rates {
        before_login: rate(before_login),
        signed_in: rate(signed_in),
        address_header: Some("x-forwarded-for".to_owned()),
    };
    stage.restart_with(|settings| settings.rates = rates);
}

fn from(raw: &Raw, address: &str, method: &str, path: &str, body: &str) -> Answer {
    raw.send(method, path, &[json_type(), ("x-forwarded-for", address.to_owned())], body.as_bytes())
}

#[test]
fn network_that_asks_too_often_before_signing_in_waits_and_others_do_not() {
    let mut stage = Stage::founded();
    limited(&mut stage, 5, 100);
    let raw = stage.raw();
    let asked = [("GET", "/v1/genesis"), ("POST", "/oauth/token"), ("POST", "/v1/parties"), ("POST", "/v1/evidence")];
    for (method, path) in asked {
        assert_ne!(from(&raw, ONE, method, path, "").status, 429, "{path}");
    }
    // A token nobody was given is nobody's.
    let bogus = [("x-forwarded-for", ONE.to_owned()), ("authorization", "DPoP nonsense".to_owned())];
    assert_eq!(raw.send("GET", "/v1/reports", &bogus, b"").status, 401);
    let over = from(&raw, ONE, "GET", "/v1/genesis", "");
    assert_eq!(over.refused(), over_quota());
    assert_eq!(over.header("retry-after"), Some("3600"));
    for (method, path) in asked {
        assert_eq!(from(&raw, ONE, method, path, "").refused(), over_quota(), "{path}");
    }
    assert_eq!(raw.send("GET", "/v1/reports", &bogus, b"").refused(), over_quota());
    let claimed = format!("{OTHER}, {ONE}");
    assert_eq!(from(&raw, &claimed, "GET", "/v1/genesis", "").refused(), over_quota(), "only the last is believed");
    assert_eq!(from(&raw, OTHER, "GET", "/v1/genesis", "").status, 200);
    assert_eq!(raw.fetch("/v1/genesis").status, 200, "a program on this machine");
    assert_eq!(from(&raw, ONE, "POST", "/v1/revocations", "{}").status, 400, "read, and found wanting");
    stage.clock.pass(Duration::from_seconds(3600));
    assert_eq!(from(&raw, ONE, "GET", "/v1/genesis", "").status, 200);
}

#[test]
fn key_that_asks_too_often_waits_whatever_its_address_and_can_revoke() {
    let mut stage = Stage::established();
    let report = stage.report("a", b"content");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let advocate = copy(&stage.cast.advocate);
    let revocation = stage.statement(
        &advocate,
        "amana-revocation-v1+jwt",
        Some(grant.into()),
        None,
        &json!({ "scopes": ["all"], "withdrawn_by": WithdrawnBy::Provider, "answer_due": stage.now().as_seconds() + 99 }),
    );
    limited(&mut stage, 1, 4);
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    for _ in 0..4 {
        assert_eq!(session.fetch("/v1/reports").status, 200);
    }
    let over = session.fetch("/v1/reports");
    assert_eq!(over.refused(), over_quota());
    assert_eq!(over.header("retry-after"), Some("3600"));
    assert_eq!(raw.fetch("/v1/genesis").status, 200);
    let officer = copy(&stage.cast.officer);
    assert_eq!(raw.sign_in(&officer).fetch("/v1/grants").status, 200, "another key has its own");
    // Network and key are both at their end.
    from(&raw, ONE, "GET", "/v1/genesis", "");
    assert_eq!(from(&raw, ONE, "GET", "/v1/genesis", "").refused(), over_quota());
    let body = json!({ "statement": revocation }).to_string();
    assert_eq!(from(&raw, ONE, "POST", "/v1/revocations", &body).status, 200);
}

#[test]
fn machine_itself_is_not_limited_by_address() {
    let mut stage = Stage::founded();
    stage.restart_with(|settings| settings.rates = Rates { before_login: rate(1), ..Rates::default() });
    let raw = stage.raw();
    for _ in 0..5 {
        assert_eq!(from(&raw, ONE, "GET", "/v1/genesis", "").status, 200, "the header is not believed unasked");
    }
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

#[test]
fn promise_09_address_is_in_no_file_and_no_log_line() {
    let mut stage = Stage::established();
    stage.stop();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stage.url = format!("http://{free}");
    let (log, words) = (stage.path("broker/log.txt"), stage.path("broker/words.txt"));
    let mut broker = Command::new(env!("CARGO_BIN_EXE_amana"))
        .args(["serve", "--client-address-header", "X-Forwarded-For", "--listen", &free.to_string(), "--dir"])
        .arg(stage.path("broker"))
        .stdin(Stdio::null())
        .stdout(File::create(&words).unwrap())
        .stderr(File::create(&log).unwrap())
        .env("AMANA_LOG", "trace")
        .spawn()
        .unwrap();
    let health = socket::request("GET", "/healthz", "", b"");
    eventually("the broker answers", || {
        std::net::TcpStream::connect(free).is_ok() && socket::exchange(&stage.url, &health).is_ok()
    });
    let raw = stage.raw();
    let answers = [
        from(&raw, ONE, "POST", "/oauth/token", "").status,
        from(&raw, ONE, "POST", "/v1/parties", r#"{"statement":"x"}"#).status,
        from(&raw, ONE, "POST", "/v1/evidence", r#"{"checkpoint":"x"}"#).status,
        from(&raw, ONE, "GET", "/nothing", "").status,
    ];
    let mut over = 0;
    for _ in 0..400 {
        over += u32::from(from(&raw, ONE, "GET", "/v1/genesis", "").status == 429);
    }
    assert!(over > 0 && !answers.contains(&429), "{over} {answers:?}");
    broker.kill().unwrap();
    broker.wait().unwrap();
    let mut files = Vec::new();
    files_under(&stage.path("broker"), &mut files);
    assert!(files.contains(&log) && files.contains(&words) && !fs::read(&words).unwrap().is_empty());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        for address in [ONE.as_bytes(), b"7f00:4d", b"7f00004d", &[127, 0, 0, 77]] {
            let found = bytes.windows(address.len()).any(|window| window == address);
            assert!(!found, "{} in {}", String::from_utf8_lossy(address), path.display());
        }
    }
}
