//! `identity recover --check`: the rehearsal, before it is needed.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
    },
    client::identity::RecoveryKey,
};
use clap::Args;
use std::path::PathBuf;

/// Rehearse recovery: are these 24 words this identity's recovery key?
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity recover --check\n  amana identity recover --check --words-file words.txt"
)]
pub(super) struct Arguments {
    /// Compare only; nothing is changed.
    #[arg(long, required = true)]
    check: bool,
    /// Read the words from a file instead of asking for them.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    debug_assert!(arguments.check, "clap requires it");
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let Some(registered) = &kept.memory().recovery else {
        return Err(Failure::refused("this device knows no recovery key of this identity; enrol first"));
    };
    let words = match &arguments.words_file {
        Some(path) => home::read_secret(path)?,
        None => home::ask("The 24 words (they are not shown): ", "give the words with --words-file FILE")?,
    };
    let key = RecoveryKey::from_words(&words).map_err(|e| Failure::does_not_hold(e.to_string()))?;
    if key.public_keys() != *registered {
        return Err(Failure::does_not_hold(
            "these are 24 words of a recovery key, but not of this identity's. Look for another paper, or for another \
             identity with --as",
        ));
    }
    out.show(
        "These are the words of this identity's recovery key. Keep the paper where it was.",
        &serde_json::json!({ "matches": true }),
    );
    Ok(())
}
