//! Taking new entries and folding them: the lines of a bundle onto the disk, then through the walk.

use super::{
    folder::{Folder, FolderError},
    source::{Source, SourceError},
};
use crate::{
    audit::{AuditError, Walk, case_leaf, read_line},
    model::{event::Log, limits},
    tlog::{Hash, leaf_hash},
    wire::{
        api::{BundleLine, CaseLine, CaseRecord, ClosedLine},
        entry::Shared,
    },
};
use std::{
    fs::File,
    io::{BufRead, BufWriter, Read, Write as _},
};

/// What one bundle brought; its entries lie in the folder's `incoming.*`.
#[derive(Default)]
pub(super) struct Received {
    pub(super) genesis: String,
    pub(super) register: Option<String>,
    pub(super) case: Option<String>,
    /// New entries of the register and of the case log.
    pub(super) count: (u64, u64),
}

impl Received {
    pub(super) fn note(&self, log: Log) -> Option<&str> {
        match log {
            Log::Register => self.register.as_deref(),
            Log::Case => self.case.as_deref(),
        }
    }
    pub(super) fn count(&self, log: Log) -> u64 {
        match log {
            Log::Register => self.count.0,
            Log::Case => self.count.1,
        }
    }
}

/// Why a bundle did not come whole.
pub(super) enum Cut {
    /// It never began.
    Source(SourceError),
    /// It broke off after so many entries of either log.
    At((u64, u64), String),
    /// Our own disk.
    Folder(FolderError),
}

impl From<FolderError> for Cut {
    fn from(error: FolderError) -> Self {
        Self::Folder(error)
    }
}

/// Fetches what is new after these sizes.
pub(super) fn receive(folder: &Folder, source: &dyn Source, held: (u64, u64)) -> Result<Received, Cut> {
    let mut files = (folder.receive(Log::Register)?, folder.receive(Log::Case)?);
    let stream = source.entries(held.0, held.1).map_err(Cut::Source)?;
    let mut lines = stream.take(limits::WATCH_LOOK_BYTES);
    let mut received = Received::default();
    let ours = |source| Cut::Folder(FolderError::File { path: folder.path().to_owned(), source });
    loop {
        let line = read_line::<BundleLine>(&mut lines);
        let broke = |words: String| Cut::At((held.0 + received.count.0, held.1 + received.count.1), words);
        match line {
            Ok(Some(BundleLine::Genesis(note))) => received.genesis = note,
            Ok(Some(BundleLine::Checkpoint(Log::Register, note))) => received.register = Some(note),
            Ok(Some(BundleLine::Checkpoint(Log::Case, note))) => received.case = Some(note),
            Ok(Some(BundleLine::Register(shared))) => {
                put(&mut files.0, &shared).map_err(ours)?;
                received.count.0 += 1;
            }
            Ok(Some(BundleLine::Case(case))) => {
                put(&mut files.1, &case).map_err(ours)?;
                received.count.1 += 1;
            }
            // What is left of an entry: the log has to say why, or the fold finds it.
            Ok(Some(BundleLine::Closed(closed))) => {
                put(&mut files.1, &ClosedLine { closed }).map_err(ours)?;
                received.count.1 += 1;
            }
            // Facts are not asked for, our own are folded; policies are the business of `audit replay`.
            Ok(Some(BundleLine::Fact(..) | BundleLine::Policies(_))) => {}
            Ok(Some(BundleLine::End)) => break,
            Ok(None) => return Err(broke("it ends without its last line".to_owned())),
            Err(words) => return Err(broke(words)),
        }
    }
    files.0.flush().map_err(ours)?;
    files.1.flush().map_err(ours)?;
    Ok(received)
}

fn put(file: &mut BufWriter<File>, value: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

/// Folds entries onto what was folded before.
pub(super) fn fold(walk: &mut Walk, mut register: impl BufRead, mut case: impl BufRead) -> Result<(), AuditError> {
    let file = |file, reason| AuditError::File { file, reason };
    let mut next = || read_line::<String>(&mut register).map_err(|e| file("register.jsonl", e));
    while let Some(line) = read_line::<CaseRecord>(&mut case).map_err(|e| file("case.jsonl", e))? {
        walk.case_record(line, &mut next, &mut ())?;
    }
    // What the register grew by since: the next case entry was written later and has seen all of it.
    while let Some(text) = next()? {
        walk.register(&text, &mut ())?;
    }
    walk.closed().map(|_| ())
}

/// The leaves of entries as they were received; `None` where one has no form to be hashed in.
pub(super) fn leaves(log: Log, mut lines: impl BufRead) -> Option<Vec<Hash>> {
    let mut leaves = Vec::new();
    loop {
        let leaf = match log {
            Log::Register => read_line::<String>(&mut lines).ok()?.map(|text| leaf_hash(text.as_bytes())),
            Log::Case => match read_line::<CaseRecord>(&mut lines).ok()? {
                Some(CaseRecord::Opened(line)) => Some(case_leaf(&line).ok()?),
                Some(CaseRecord::Closed(closed)) => Some(leaf_hash(&closed.closed.0)),
                None => None,
            },
        };
        match leaf {
            Some(leaf) => leaves.push(leaf),
            None => return Some(leaves),
        }
    }
}

/// The line of one received entry.
pub(super) fn line(mut lines: impl BufRead, index: u64) -> Option<String> {
    for _ in 0..index {
        lines.skip_until(b'\n').ok()?;
    }
    let mut line = String::new();
    lines.by_ref().take(limits::WATCH_EVIDENCE_BYTES).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

/// What an entry's line says happened.
pub(super) fn shared(log: Log, line: &str) -> Option<Shared> {
    let text = match log {
        Log::Register => serde_json::from_str(line).ok()?,
        Log::Case => serde_json::from_str::<CaseLine>(line).ok()?.shared,
    };
    Shared::parse(&text).ok()
}
