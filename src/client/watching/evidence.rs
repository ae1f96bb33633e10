//! Keeping what proves a finding: a folder of its own, written whole or not at all, never written over.

use super::{
    finding::{Finding, log_word},
    folder::{Folder, FolderError, Verified, make, sync_folder, write_durably},
    source::name,
};
use crate::model::{event::Log, limits, time::Timestamp};
use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Keeps a finding's proof beside what was verified before; answers where. `None` when there is no room for more.
pub(super) fn keep(
    folder: &Folder,
    finding: &Finding,
    before: Option<&Verified>,
    now: Timestamp,
) -> Result<Option<PathBuf>, FolderError> {
    let all = folder.path().join("evidence");
    let file = |source| FolderError::File { path: all.clone(), source };
    make(&all).map_err(file)?;
    if fs::read_dir(&all).map_err(file)?.count() >= limits::WATCH_EVIDENCE {
        return Ok(None);
    }
    let place = free_name(&all, &format!("{}-{}", now.as_seconds(), finding.word));
    // One partial folder at most: what a crash left there is not evidence.
    let partial = folder.path().join("evidence.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(file)?;
    }
    make(&partial).map_err(file)?;
    write(folder, finding, before, &partial).map_err(file)?;
    fs::rename(&partial, &place).map_err(file)?;
    sync_folder(&all).map_err(file)?;
    Ok(Some(place))
}

fn write(folder: &Folder, finding: &Finding, before: Option<&Verified>, into: &Path) -> io::Result<()> {
    let words =
        format!("{}\n\n{}\n\n{}\n\n{}\n", finding.word, finding.seen, finding.word.meaning(), finding.word.advice());
    write_durably(&into.join("finding.txt"), words.as_bytes())?;
    for (name, content) in &finding.proof {
        write_durably(&into.join(name), content)?;
    }
    if let Some(verified) = before {
        write_durably(&into.join("genesis.note"), verified.genesis.as_bytes())?;
        for log in [Log::Register, Log::Case] {
            let notes = [("verified", verified.note(log)), ("public-verified", verified.public(log).note.as_deref())];
            for (what, note) in notes {
                if let Some(note) = note {
                    write_durably(&into.join(format!("{what}.{}", name(log))), note.as_bytes())?;
                }
            }
        }
    }
    for log in [Log::Register, Log::Case] {
        let Ok(received) = folder.incoming(log) else { continue };
        let mut lines = Vec::new();
        received.take(limits::WATCH_EVIDENCE_BYTES).read_to_end(&mut lines)?;
        if !lines.is_empty() {
            write_durably(&into.join(format!("received.{}.jsonl", name(log))), &lines)?;
        }
        if lines.len() as u64 == limits::WATCH_EVIDENCE_BYTES {
            let cut =
                format!("received.{0}.jsonl holds the beginning of what came of the {1}.\n", name(log), log_word(log));
            write_durably(&into.join(format!("cut.{}.txt", name(log))), cut.as_bytes())?;
        }
    }
    sync_folder(into)
}

/// The name, or the name with a number: two alarms of one second are two.
fn free_name(all: &Path, stem: &str) -> PathBuf {
    let numbered = (2..=limits::WATCH_EVIDENCE + 1).map(|number| format!("{stem}-{number}"));
    let mut names = std::iter::once(stem.to_owned()).chain(numbered).map(|name| all.join(name));
    names.find(|path| !path.exists()).unwrap_or_else(|| all.join(stem))
}
