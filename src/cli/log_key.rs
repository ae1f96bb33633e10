//! `log-key`: a key that is to sign a log from some day on. It counts for nothing until a roster names it.

use super::{
    ambient::SystemEntropy,
    embedded::log_key_files,
    output::{Failure, Out},
};
use crate::model::{ambient::random, ids::PublicKey};
use clap::{Args, Subcommand, ValueEnum};
use ed25519_dalek::SigningKey;
use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Prepare the replacement of the key that signs a log.
#[derive(Subcommand)]
#[command(after_help = "Example:\n  amana log-key prepare register --dir /var/lib/amana --keys /etc/amana/keys")]
pub(super) enum Command {
    /// Make a key that will sign a log once a roster names it, and print its public half.
    Prepare(Prepare),
}

/// Make a key that will sign a log once a roster names it, and print its public half.
#[derive(Args)]
#[command(after_help = "Example:\n  amana log-key prepare case --dir /var/lib/amana --keys /etc/amana/keys")]
pub(super) struct Prepare {
    /// Which log.
    log: LogName,
    /// Folder of the broker.
    #[arg(long, default_value = "amana", env = "AMANA_DIR")]
    dir: PathBuf,
    /// Folder of the log and storage keys [default: DIR/keys].
    #[arg(long, env = "AMANA_KEYS")]
    keys: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogName {
    Register,
    Case,
}

impl LogName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Case => "case",
        }
    }
}

pub(super) fn run(command: &Command, out: &Out) -> Result<(), Failure> {
    let Command::Prepare(arguments) = command;
    let keys = arguments.keys.clone().unwrap_or_else(|| arguments.dir.join("keys"));
    let log = arguments.log.as_str();
    let [current, next] = log_key_files(log).map(|file| keys.join(file));
    if !current.exists() {
        let why = if next.exists() {
            format!("{} is there alone: rename it to {log}.key first", next.display())
        } else {
            "these are not the keys of a broker; say with --keys where they are".to_owned()
        };
        return Err(Failure::refused(format!("{} is not there. {why}", current.display())));
    }
    let key = make(&next)?;
    out.show(
        format!(
            "Prepared {}. Its public key:\n  {key}\n\nStart the broker again, so that it holds the key. Then an administrator \
             or a member of the council proposes it:\n  amana roster propose --log-key {log}={key}\nIt signs from the entry \
             that brings the last approval.",
            next.display()
        ),
        &serde_json::json!({ "log": log, "public_key": key, "file": next }),
    );
    Ok(())
}

/// A new key file that only its owner can read; one that is there stays.
fn make(path: &Path) -> Result<PublicKey, Failure> {
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", path.display()));
    let seed = Zeroizing::new(random::<32>(&*SystemEntropy::new()));
    let text = Zeroizing::new(format!("{}\n", hex::encode(*seed)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(words)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(words)?;
    Ok(PublicKey::from_bytes(SigningKey::from_bytes(&seed).verifying_key().to_bytes()))
}
