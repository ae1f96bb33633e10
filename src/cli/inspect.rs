//! `inspect FILE.age`: what an age header says, without opening anything.

use super::output::{Failure, Out};
use crate::wire::header::{Header, StanzaKind, read_header};
use clap::Args;
use serde::Serialize;
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

/// Explain the header of an age file: who could open it, how long header and payload are.
#[derive(Args)]
#[command(after_help = "Example:\n  amana inspect report.age")]
pub(super) struct Arguments {
    /// The age file.
    file: PathBuf,
}

#[derive(Serialize)]
struct Explained {
    file: String,
    header_bytes: usize,
    header_sha256: String,
    payload_bytes: u64,
    stanzas: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let path = &arguments.file;
    let words = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(|e| Failure::refused(words(&e)))?;
    let length = file.metadata().map_err(|e| Failure::refused(words(&e)))?.len();
    let header = read_header(&mut BufReader::new(file)).map_err(|e| Failure::does_not_hold(words(&e)))?;
    let explained = explain(path, &header, length);
    out.show(text(&explained), &explained);
    Ok(())
}

fn explain(path: &Path, header: &Header, file_bytes: u64) -> Explained {
    let header_bytes = header.as_bytes().len();
    let stanzas = header.stanzas().iter().map(|stanza| match stanza.kind() {
        StanzaKind::X25519 => "X25519: one recipient with an age1… key".to_owned(),
        StanzaKind::Scrypt { log_n } => format!("scrypt: a passphrase, 2^{log_n} rounds of work"),
        StanzaKind::Grease => "grease: meant to be ignored".to_owned(),
        StanzaKind::Malformed => format!("{}: not in the shape its name promises", stanza.tag()),
        StanzaKind::Other => format!("{}: a kind this program does not open", stanza.tag()),
    });
    Explained {
        file: path.display().to_string(),
        header_bytes,
        header_sha256: hex::encode(header.digest()),
        payload_bytes: file_bytes.saturating_sub(header_bytes as u64),
        stanzas: stanzas.collect(),
    }
}

fn text(explained: &Explained) -> String {
    let mut lines = vec![
        format!("{}: age v1 file", explained.file),
        format!("  header   {} bytes, SHA-256 {}", explained.header_bytes, explained.header_sha256),
        format!("  payload  {} bytes", explained.payload_bytes),
        format!("  {} recipient stanza(s):", explained.stanzas.len()),
    ];
    lines.extend(explained.stanzas.iter().map(|stanza| format!("    {stanza}")));
    lines.push("Who the recipients are cannot be read from a header; nor can its content without a key.".to_owned());
    lines.join("\n")
}
