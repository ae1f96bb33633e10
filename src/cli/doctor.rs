//! `doctor --url`: whether a running broker is ready.

use super::output::{Failure, Out};
use clap::Args;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Check that a running broker is ready: reads, writes, and more than revocation.
#[derive(Args)]
#[command(after_help = "Example:\n  amana doctor --url http://127.0.0.1:8080")]
pub(super) struct Arguments {
    /// Address of the broker on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

/// Longest answer read.
const ANSWER_BYTES: u64 = 16 * 1024;

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let not_ready = |words: String| Failure::does_not_hold(format!("{}: {words}", arguments.url));
    let address = arguments.url.strip_prefix("http://").ok_or_else(|| {
        Failure::refused("doctor asks the broker itself, over plain HTTP on this machine: --url http://127.0.0.1:PORT")
    })?;
    let answer = ask(address.trim_end_matches('/')).map_err(|e| not_ready(format!("no answer: {e}")))?;
    if answer.starts_with("HTTP/1.1 200") {
        out.show(format!("{} is ready", arguments.url), &serde_json::json!({ "ready": true }));
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
