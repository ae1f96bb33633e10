//! Checkpoints that auditors, mirrors and clients kept: a broker's logs have to go on from them.

use super::output::{Failure, chain};
use crate::{
    model::{event::Log, ids::Digest, limits},
    store::anchor::Known,
    tlog::Checkpoint,
    wire::{genesis::SignedGenesis, statement::SeenTree},
};
use std::{fs::File, io::Read as _, path::PathBuf};

/// Reads checkpoints, each signed by one of this genesis' log keys.
pub(super) fn read(paths: &[PathBuf], genesis: &SignedGenesis) -> Result<Vec<Known>, Failure> {
    paths.iter().map(|path| one(path, genesis)).collect()
}

fn one(path: &PathBuf, genesis: &SignedGenesis) -> Result<Known, Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("--known {}: {what}", path.display()));
    let mut note = String::new();
    File::open(path)
        .and_then(|file| file.take(limits::CHECKPOINT_FILE_BYTES).read_to_string(&mut note))
        .map_err(|e| words(&e))?;
    let fixed = genesis.genesis();
    let (log, verifier) = match note.lines().next() {
        Some(origin) if origin == fixed.register_origin() => (Log::Register, genesis.register_verifier()),
        Some(origin) if origin == fixed.case_origin() => (Log::Case, genesis.case_verifier()),
        _ => return Err(words(&"not a checkpoint of this broker's logs")),
    };
    let verifier = verifier.map_err(|e| words(&chain(&e)))?;
    let checkpoint = Checkpoint::open(&note, &verifier).map_err(|e| words(&chain(&e)))?;
    let tree = SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) };
    Ok(Known { log, tree, by: format!("checkpoint {}", path.display()) })
}
