//! A mirror of a broker's public logs, and what of them an older copy lacks.

use crate::{
    cli::{
        courier::HttpCourier,
        output::{Failure, chain},
    },
    model::{event::Log, ids::Digest, limits},
    store::{Heads, sqlite::Ahead},
    tlog::{Checkpoint, MAX_BUNDLED_BYTES, TILE_WIDTH, TileId, bundle_path, decode_bundle},
    wire::{entry::ClosedLeaf, statement::SeenTree, trust::Trust},
};
use std::{convert::Infallible, fs::File, io::Read as _, path::PathBuf, str::FromStr};

/// Where a mirror is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Files.
    Folder(PathBuf),
    /// An address, without a slash at the end.
    Address(String),
}

impl FromStr for Source {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let address = text.contains("://");
        Ok(if address { Self::Address(text.trim_end_matches('/').to_owned()) } else { Self::Folder(text.into()) })
    }
}

impl Source {
    fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, Failure> {
        let words = |place: String, what: &dyn std::fmt::Display| Failure::refused(format!("{place}: {what}"));
        match self {
            Self::Folder(folder) => {
                let file = folder.join(path);
                let mut bytes = Vec::new();
                File::open(&file)
                    .and_then(|opened| opened.take(most).read_to_end(&mut bytes))
                    .map_err(|e| words(file.display().to_string(), &e))?;
                Ok(bytes)
            }
            Self::Address(prefix) => {
                let url = format!("{prefix}/{path}");
                HttpCourier::new().get(&url, most).map_err(|e| words(url.clone(), &chain(&e)))
            }
        }
    }
}

/// Reads what a copy of these sizes lacks. Whether it belongs to the copy is for the store: it computes the roots.
pub(super) fn read(source: &Source, ours: &Heads, trust: &Trust) -> Result<Ahead, Failure> {
    let trees =
        Heads { register: checkpoint(source, Log::Register, trust)?, case: checkpoint(source, Log::Case, trust)? };
    let shorter = |log: &str| {
        Failure::refused(format!(
            "the mirror's {log} is shorter than this copy's: it gives nothing back. Bring a newer mirror"
        ))
    };
    if trees.register.size < ours.register.size {
        return Err(shorter("register"));
    }
    if trees.case.size < ours.case.size {
        return Err(shorter("case log"));
    }
    let text = |leaf: Vec<u8>| String::from_utf8(leaf).map_err(|_| Failure::refused("a register entry is not text"));
    let register = leaves(source, "register", ours.register.size, trees.register.size)?;
    let closed = |leaf: Vec<u8>| ClosedLeaf::parse(&leaf).map_err(|e| Failure::refused(chain(&e)));
    let case = leaves(source, "case", ours.case.size, trees.case.size)?;
    Ok(Ahead {
        register: register.into_iter().map(text).collect::<Result<_, _>>()?,
        case: case.into_iter().map(closed).collect::<Result<_, _>>()?,
        trees,
    })
}

fn checkpoint(source: &Source, log: Log, trust: &Trust) -> Result<SeenTree, Failure> {
    let name = match log {
        Log::Register => "register",
        Log::Case => "case",
    };
    let path = format!("{name}/checkpoint");
    let bytes = source.read(&path, limits::CHECKPOINT_FILE_BYTES)?;
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{path} of the mirror: {what}"));
    let note = String::from_utf8(bytes).map_err(|e| words(&e))?;
    let checkpoint = Checkpoint::open(&note, trust.log(log)).map_err(|e| words(&chain(&e)))?;
    Ok(SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) })
}

/// Leaves `[from, size)` of a log, from its entry bundles.
fn leaves(source: &Source, log: &str, from: u64, size: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let width = TILE_WIDTH as u64;
    let mut found = Vec::new();
    for index in from / width..size.div_ceil(width) {
        let Some(filled) = (TileId { level: 0, index }).width_at(size) else { break };
        let path = format!("{log}/{}", bundle_path(index, filled));
        let most = width * (MAX_BUNDLED_BYTES as u64 + 2);
        let bundle = decode_bundle(&source.read(&path, most)?)
            .map_err(|e| Failure::refused(format!("{path} of the mirror: {}", chain(&e))))?;
        if bundle.len() != filled.hashes() {
            return Err(Failure::refused(format!(
                "{path} of the mirror does not hold as many entries as its name says"
            )));
        }
        let skipped = usize::try_from(from.saturating_sub(index * width)).unwrap_or(TILE_WIDTH);
        found.extend(bundle.into_iter().skip(skipped));
    }
    Ok(found)
}
