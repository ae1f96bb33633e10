//! `doctor --url`: whether a running broker is ready.

use crate::cli::output::{Failure, Out};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Longest answer read.
const ANSWER_BYTES: u64 = 16 * 1024;

/// Asks `/readyz`.
pub(super) fn run(url: &str, out: &Out) -> Result<(), Failure> {
    let not_ready = |words: String| Failure::does_not_hold(format!("{url}: {words}"));
    let address = url.strip_prefix("http://").ok_or_else(|| {
        Failure::refused("doctor asks the broker itself, over plain HTTP on this machine: --url http://127.0.0.1:PORT")
    })?;
    let answer = ask(address.trim_end_matches('/')).map_err(|e| not_ready(format!("no answer: {e}")))?;
    if answer.starts_with("HTTP/1.1 200") {
        out.show(format!("{url} is ready"), &serde_json::json!({ "ready": true }));
        return Ok(());
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Err(not_ready(format!("not ready: {body}")))
}

/// One plain request: the server-only build has no HTTP client, and needs none for this.
fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}
