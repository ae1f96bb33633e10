//! A mirror of a broker's public logs, and what of them an older copy lacks.

use crate::{
    audit::{AuditError, Walk},
    cli::{
        courier::HttpCourier,
        output::{Failure, chain},
    },
    model::{event::Log, ids::Digest, limits},
    store::{Heads, sqlite::Ahead},
    tlog::{Checkpoint, MAX_BUNDLED_BYTES, Note, NoteVerifier, TILE_WIDTH, TileId, bundle_path, decode_bundle},
    wire::{entry::ClosedLeaf, statement::SeenTree},
};
use std::{convert::Infallible, fs::File, io::Read as _, ops::Range, path::PathBuf, str::FromStr};

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

/// Reads what a copy of these sizes lacks, and folds the register on to its end: whose signatures count is said there, and
/// the key that signs now may be younger than the copy. Whether leaves belong to the copy is for the store: it computes
/// the roots.
pub(super) fn read(source: &Source, ours: &Heads, folded: &mut Walk) -> Result<Ahead, Failure> {
    let (register_note, case_note) = (checkpoint(source, "register")?, checkpoint(source, "case")?);
    let shorter = |log: &str| {
        Failure::refused(format!(
            "the mirror's {log} is shorter than this copy's: it gives nothing back. Bring a newer mirror"
        ))
    };
    let (register_size, case_size) = (claimed("register", &register_note)?, claimed("case", &case_note)?);
    if register_size < ours.register.size {
        return Err(shorter("register"));
    }
    if case_size < ours.case.size {
        return Err(shorter("case log"));
    }
    let mut register = Vec::new();
    leaves(source, "register", ours.register.size..register_size, |leaf| {
        let text = String::from_utf8(leaf).map_err(|_| Failure::refused("a register entry is not text"))?;
        folded.register(&text, &mut ()).map_err(|e| unsound(&e))?;
        register.push(text);
        Ok(())
    })?;
    folded.check_root(Log::Register, Some(&register_note)).map_err(|e| unsound(&e))?;
    let trust = folded.trust().map_err(|e| unsound(&e))?;
    let trees = Heads {
        register: signed("register", &register_note, trust.log(Log::Register))?,
        case: signed("case", &case_note, trust.log(Log::Case))?,
    };
    let mut case = Vec::new();
    leaves(source, "case", ours.case.size..case_size, |leaf| {
        case.push(ClosedLeaf::parse(&leaf).map_err(|e| Failure::refused(chain(&e)))?);
        Ok(())
    })?;
    Ok(Ahead { register, case, trees })
}

fn unsound(error: &AuditError) -> Failure {
    Failure::refused(format!("nothing was rolled forward: the mirror's register does not hold: {}", chain(error)))
}

fn checkpoint(source: &Source, log: &str) -> Result<String, Failure> {
    let path = format!("{log}/checkpoint");
    String::from_utf8(source.read(&path, limits::CHECKPOINT_FILE_BYTES)?).map_err(|e| not_signed(log, &e))
}

/// The size a checkpoint speaks of, before anybody's signature is looked at.
fn claimed(log: &str, note: &str) -> Result<u64, Failure> {
    let note = Note::parse(note).map_err(|e| not_signed(log, &e))?;
    Ok(Checkpoint::parse(note.text()).map_err(|e| not_signed(log, &e))?.size())
}

fn signed(log: &str, note: &str, key: &NoteVerifier) -> Result<SeenTree, Failure> {
    let checkpoint = Checkpoint::open(note, key).map_err(|e| not_signed(log, &e))?;
    Ok(SeenTree { size: checkpoint.size(), root: Digest::from_bytes(*checkpoint.root().as_bytes()) })
}

fn not_signed(log: &str, error: &dyn std::error::Error) -> Failure {
    Failure::refused(format!("{log}/checkpoint of the mirror: {}", chain(error)))
}

/// Takes the leaves of a range that ends where the log does, from its entry bundles, one after another.
fn leaves(
    source: &Source,
    log: &str,
    Range { start: from, end: size }: Range<u64>,
    mut take: impl FnMut(Vec<u8>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let width = TILE_WIDTH as u64;
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
        bundle.into_iter().skip(skipped).try_for_each(&mut take)?;
    }
    Ok(())
}
