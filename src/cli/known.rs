//! Checkpoints that auditors, mirrors and clients kept: a broker's logs have to go on from them.

use super::output::{Failure, chain};
use crate::{
    model::{event::Log, ids::Digest, limits},
    store::{StoreError, anchor::Known},
    tlog::{Checkpoint, CheckpointError, NoteVerifier},
    wire::{genesis::SignedGenesis, statement::SeenTree, trust::Trust},
};
use std::{fs::File, io::Read as _, path::PathBuf};

/// Whose signature under a checkpoint counts: the keys in force, and those they replaced up to then.
pub(super) struct Judge<'a> {
    /// The broker's trust root.
    pub(super) genesis: &'a SignedGenesis,
    /// The keys.
    pub(super) trust: &'a Trust,
    /// How many case entries were made while the register had no more than so many.
    pub(super) case_until: &'a dyn Fn(u64) -> Result<u64, StoreError>,
}

/// Why a file is not the word of one of the logs.
#[derive(Debug, thiserror::Error)]
enum NotKnown {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads checkpoints, each signed by a log key that counted at its size.
pub(super) fn read(paths: &[PathBuf], judge: &Judge<'_>) -> Result<Vec<Known>, Failure> {
    paths.iter().map(|path| one(path, judge)).collect()
}

fn one(path: &PathBuf, judge: &Judge<'_>) -> Result<Known, Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("--known {}: {what}", path.display()));
    let mut note = String::new();
    File::open(path)
        .and_then(|file| file.take(limits::CHECKPOINT_FILE_BYTES).read_to_string(&mut note))
        .map_err(|e| words(&e))?;
    let fixed = judge.genesis.genesis();
    let log = match note.lines().next() {
        Some(origin) if origin == fixed.register_origin() => Log::Register,
        Some(origin) if origin == fixed.case_origin() => Log::Case,
        _ => return Err(words(&"not a checkpoint of this broker's logs")),
    };
    let open = |key: &NoteVerifier| Ok::<_, NotKnown>(Checkpoint::open(&note, key)?);
    let checkpoint = judge.trust.kept(log, open, Checkpoint::size, |register| Ok((judge.case_until)(register)?));
    let checkpoint = checkpoint.map_err(|e| words(&why(&e)))?;
    let tree = SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) };
    Ok(Known { log, tree, by: format!("checkpoint {}", path.display()) })
}

fn why(error: &NotKnown) -> String {
    match error {
        NotKnown::Checkpoint(CheckpointError::Note(_)) => format!(
            "{}. No key that signed the log at this size, as far as the register is here, signed the checkpoint: it is \
             forged, or this data folder is older than the key it was signed with",
            chain(error)
        ),
        _ => chain(error),
    }
}
