//! Making a recovery key: its 24 words are shown once on the terminal, or written to a file that is asked for by name.

use super::{
    ambient::SystemEntropy,
    home::{self, on_terminal, write_private_new},
    output::Failure,
};
use crate::{
    client::{desk::Desk, identity::RecoveryKey},
    model::party::RecoveryKeys,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where the 24 words go.
#[derive(Args, Clone)]
pub(super) struct RecoveryWords {
    /// Write the 24 words of the recovery key to this new file instead of showing them; move them to paper and delete it.
    #[arg(long, value_name = "FILE")]
    recovery_file: Option<PathBuf>,
}

/// The recovery key made with the identity, or a new one for identities that came from elsewhere.
pub(super) fn known_or_made(desk: &mut Desk, arguments: &RecoveryWords) -> Result<RecoveryKeys, Failure> {
    if let Some(keys) = &desk.memory().recovery {
        return Ok(keys.clone());
    }
    let keys = make(arguments)?.public_keys();
    desk.memory_mut().recovery = Some(keys.clone());
    Ok(keys)
}

/// The recovery key of the words somebody types, or has in a file.
pub(super) fn typed(file: Option<&Path>) -> Result<RecoveryKey, Failure> {
    let words = match file {
        Some(path) => home::read_secret(path)?,
        None => home::ask(
            "The 24 words of your recovery key (they are not shown): ",
            "give the words with --words-file FILE",
        )?,
    };
    RecoveryKey::from_words(&words).map_err(|e| Failure::does_not_hold(e.to_string()))
}

/// A new recovery key, whose words its owner has seen.
pub(super) fn make(arguments: &RecoveryWords) -> Result<RecoveryKey, Failure> {
    let key = RecoveryKey::generate(&*SystemEntropy::new());
    let words = key.words();
    match &arguments.recovery_file {
        Some(path) => write_private_new(path, words.as_bytes())?,
        None => on_terminal(&format!("{SHOWN}\n{}\n", in_rows(&words).as_str())).map_err(|failure| {
            failure.and(
                "The recovery key has 24 words that must be seen once. Say where to write them: --recovery-file FILE",
            )
        })?,
    }
    Ok(key)
}

/// The words of a key made by an earlier try, from where it wrote them or from whoever saw them.
pub(super) fn made_before(arguments: &RecoveryWords) -> Result<RecoveryKey, Failure> {
    let words = match &arguments.recovery_file {
        Some(path) => home::read_secret(path)?,
        None => home::ask(
            "The 24 words of your new recovery key (they are not shown): ",
            "say with --recovery-file FILE where the new words were written",
        )?,
    };
    RecoveryKey::from_words(&words).map_err(|e| Failure::does_not_hold(e.to_string()))
}

fn in_rows(words: &str) -> zeroize::Zeroizing<String> {
    let mut rows = zeroize::Zeroizing::new(String::with_capacity(1024));
    for (index, word) in words.split(' ').enumerate() {
        rows.push_str(if index % 6 == 0 { "\n    " } else { " " });
        rows.push_str(word);
    }
    rows
}

const SHOWN: &str = "Recovery key, shown this once. Write the 24 words on paper, in order, and keep the paper away from this\n\
     device. If the device is lost or the passphrase forgotten, they open your reports; whoever else has them can too.\n\
     Rehearse with `amana identity recover --check`.";
