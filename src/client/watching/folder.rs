//! The state folder: what was verified so far, in files that survive a crash at any moment.
//!
//! | file | what it is |
//! |---|---|
//! | `verified.json` | the last look that held: genesis, newest checkpoints (private and public), times |
//! | `genesis.note`, `register.jsonl`, `case.jsonl` | as `audit export` writes them |
//! | `incoming.register`, `incoming.case` | entries of the look that is under way; nothing was verified of them |
//! | `trouble.json` | since when the broker could not be followed |
//! | `alarm` | what was found; as long as it is there nothing goes on |
//! | `evidence/` | what proves it |
//!
//! Only `verified.json` says what was verified. The order of writing is: entries are received and verified in
//! `incoming.*`; they are appended to `*.jsonl`, which are brought to the disk; then `verified.json` is replaced (new
//! file, fsync, rename, fsync of the folder); then, the first time, `genesis.note` is written. So lines beyond the sizes
//! in `verified.json`, whole or torn, are those of a look that did not end: [`Folder::open`] cuts them off and they are
//! fetched again. Fewer lines, other lines, or a `genesis.note` without `verified.json`, no crash can bring about:
//! somebody changed the folder, and it is refused.

use super::source::name;
use crate::{
    model::{event::Log, limits, time::Timestamp},
    tlog::{Checkpoint, Note},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// It is not what was verified.
    #[error(
        "{0}. No crash does this: somebody changed the folder, or its disk is damaged. Keep it as it is, begin a new one \
         with --state, and compare their checkpoints"
    )]
    Changed(String),
    /// Another watch works in it.
    #[error("another watch works in {}; each needs a folder of its own", .0.display())]
    InUse(PathBuf),
    /// An alarm stands.
    #[error(
        "an alarm stands in {}:\n{words}\nNothing goes on from here. When you have acted on it: --clear-alarm",
        path.display()
    )]
    Alarmed {
        /// The alarm file.
        path: PathBuf,
        /// What it says.
        words: String,
    },
}

/// The last look that held.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verified {
    /// The signed genesis.
    pub(super) genesis: String,
    /// The register's checkpoint.
    pub(super) register: String,
    /// The case log's; absent while it is empty.
    pub(super) case: Option<String>,
    /// The public register.
    pub(super) public_register: Public,
    /// The public case log.
    pub(super) public_case: Public,
}

/// What everybody is shown of a log, as last verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Public {
    /// The checkpoint with its cosignatures; absent before the first publication.
    pub(super) note: Option<String>,
    /// When it last grew, by our clock.
    pub(super) advanced_at: Timestamp,
    /// When a quorum had last cosigned it, by the witnesses' clocks and never later than ours.
    pub(super) cosigned_at: Timestamp,
}

impl Verified {
    /// What everybody is shown of a log.
    pub(super) fn public(&self, log: Log) -> &Public {
        match log {
            Log::Register => &self.public_register,
            Log::Case => &self.public_case,
        }
    }
    /// The newest checkpoint of a log.
    pub(super) fn note(&self, log: Log) -> Option<&str> {
        match log {
            Log::Register => Some(&self.register),
            Log::Case => self.case.as_deref(),
        }
    }
    fn size(&self, log: Log) -> Result<u64, FolderError> {
        let Some(note) = self.note(log) else { return Ok(0) };
        unsigned(note).map(|checkpoint| checkpoint.size()).ok_or_else(|| {
            FolderError::Changed(format!("verified.json holds no checkpoint of the {}", super::finding::log_word(log)))
        })
    }
}

/// What a checkpoint says, whoever signed it.
pub(super) fn unsigned(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note).ok()?.text()).ok()
}

/// Since when the broker could not be followed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Trouble {
    /// First attempt that failed.
    pub(super) since: Timestamp,
    /// How far the entries came at most when they broke off, and how often in a row they did.
    pub(super) broke_off: Option<(u64, u64, u32)>,
}

/// A state folder, held by one watch.
pub(super) struct Folder {
    path: PathBuf,
    /// Held as long as this value lives.
    _lock: File,
}

impl Folder {
    /// Takes the folder, makes it if it is not there, and cuts off what was not verified.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Verified>), FolderError> {
        let file = |source| FolderError::File { path: path.to_owned(), source };
        make(path).map_err(file)?;
        let lock = private().append(true).create(true).open(path.join("lock")).map_err(file)?;
        if lock.try_lock().is_err() {
            return Err(FolderError::InUse(path.to_owned()));
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        if let Some(words) = folder.text("alarm")? {
            return Err(FolderError::Alarmed { path: path.join("alarm"), words });
        }
        let verified: Option<Verified> = folder.json("verified.json")?;
        if verified.is_none() && path.join("genesis.note").exists() {
            return Err(FolderError::Changed("genesis.note is there and verified.json is not".to_owned()));
        }
        for log in [Log::Register, Log::Case] {
            folder.cut(log, verified.as_ref().map_or(Ok(0), |verified| verified.size(log))?)?;
        }
        if let Some(verified) = &verified {
            folder.lay_genesis(&verified.genesis)?;
        }
        Ok((folder, verified))
    }

    /// What was last verified in a folder, in which an alarm may stand.
    pub(super) fn verified_in(path: &Path) -> Result<Verified, FolderError> {
        let file = |source| FolderError::File { path: path.join("verified.json"), source };
        let text = fs::read_to_string(path.join("verified.json")).map_err(file)?;
        serde_json::from_str(&text).map_err(|e| FolderError::Changed(format!("verified.json: {e}")))
    }

    /// Takes an alarm away and begins every waiting time anew: somebody has acted on it. Says what it was.
    pub(super) fn clear_alarm(path: &Path, now: Timestamp) -> Result<Option<String>, FolderError> {
        let alarm = path.join("alarm");
        if !alarm.exists() {
            return Ok(None);
        }
        let file = |source| FolderError::File { path: path.to_owned(), source };
        let lock = private().append(true).create(true).open(path.join("lock")).map_err(file)?;
        if lock.try_lock().is_err() {
            return Err(FolderError::InUse(path.to_owned()));
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        let words = folder.text("alarm")?;
        folder.put_trouble(None)?;
        if let Some(mut verified) = folder.json::<Verified>("verified.json")? {
            for public in [&mut verified.public_register, &mut verified.public_case] {
                (public.advanced_at, public.cosigned_at) = (now, now);
            }
            folder.put("verified.json", &verified)?;
        }
        fs::remove_file(&alarm).map_err(file)?;
        Ok(words)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
    /// The entries verified so far, to read.
    pub(super) fn lines(&self, log: Log) -> Result<BufReader<File>, FolderError> {
        self.read(&format!("{}.jsonl", name(log)))
    }
    /// The entries received, to read.
    pub(super) fn incoming(&self, log: Log) -> Result<BufReader<File>, FolderError> {
        self.read(&incoming(log))
    }
    /// An empty file for entries to be received.
    pub(super) fn receive(&self, log: Log) -> Result<BufWriter<File>, FolderError> {
        let path = self.path.join(incoming(log));
        let file = private().write(true).create(true).truncate(true).open(&path);
        file.map(BufWriter::new).map_err(|source| FolderError::File { path, source })
    }

    /// Makes what was received and verified part of what is held; see the module for the order.
    pub(super) fn keep(&self, verified: &Verified) -> Result<(), FolderError> {
        for log in [Log::Register, Log::Case] {
            let path = self.path.join(format!("{}.jsonl", name(log)));
            let mut received = self.incoming(log)?;
            let mut append = || -> io::Result<()> {
                let mut held = private().append(true).create(true).open(&path)?;
                io::copy(&mut received, &mut held)?;
                held.sync_all()
            };
            append().map_err(|source| FolderError::File { path, source })?;
        }
        self.put("verified.json", verified)?;
        self.lay_genesis(&verified.genesis)?;
        for log in [Log::Register, Log::Case] {
            drop(self.receive(log)?);
        }
        Ok(())
    }

    pub(super) fn trouble(&self) -> Result<Option<Trouble>, FolderError> {
        self.json("trouble.json")
    }
    pub(super) fn put_trouble(&self, trouble: Option<&Trouble>) -> Result<(), FolderError> {
        let path = self.path.join("trouble.json");
        match trouble {
            Some(trouble) => self.put("trouble.json", trouble),
            None if path.exists() => fs::remove_file(&path).map_err(|source| FolderError::File { path, source }),
            None => Ok(()),
        }
    }
    /// Raises an alarm: from here on [`Folder::open`] refuses.
    pub(super) fn raise(&self, words: &str) -> Result<(), FolderError> {
        self.replace("alarm", words.as_bytes())
    }

    fn lay_genesis(&self, note: &str) -> Result<(), FolderError> {
        match self.text("genesis.note")? {
            Some(there) if there == note => Ok(()),
            Some(_) => Err(FolderError::Changed("genesis.note is not the genesis that was verified".to_owned())),
            None => self.replace("genesis.note", note.as_bytes()),
        }
    }

    /// Keeps the first `size` lines.
    fn cut(&self, log: Log, size: u64) -> Result<(), FolderError> {
        let path = self.path.join(format!("{}.jsonl", name(log)));
        let file = |source| FolderError::File { path: path.clone(), source };
        let held = private().write(true).read(true).create(true).truncate(false).open(&path).map_err(file)?;
        let mut lines = BufReader::new(&held);
        let mut bytes = 0_u64;
        for _ in 0..size {
            let line = lines.skip_until(b'\n').map_err(file)?;
            if line == 0 {
                return Err(FolderError::Changed(format!("{} has fewer entries than were verified", path.display())));
            }
            bytes += line as u64;
        }
        if bytes < held.metadata().map_err(file)?.len() {
            held.set_len(bytes).map_err(file)?;
            held.sync_all().map_err(file)?;
        }
        drop(self.receive(log)?);
        Ok(())
    }

    fn read(&self, name: &str) -> Result<BufReader<File>, FolderError> {
        let path = self.path.join(name);
        File::open(&path).map(BufReader::new).map_err(|source| FolderError::File { path, source })
    }
    fn text(&self, name: &str) -> Result<Option<String>, FolderError> {
        let path = self.path.join(name);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(limits::WATCH_STATE_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::File { path, source }),
        }
    }
    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FolderError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|e| FolderError::Changed(format!("{name}: {e}")))
    }
    fn put(&self, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
        let text = serde_json::to_vec(value).map_err(|e| FolderError::Changed(format!("{name}: {e}")))?;
        self.replace(name, &text)
    }
    /// Replaces a file whole: after a crash there is the old one or the new one.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let (path, partial) = (self.path.join(name), self.path.join(format!("{name}.partial")));
        let write = || -> io::Result<()> {
            write_durably(&partial, bytes)?;
            fs::rename(&partial, &path)?;
            sync_folder(&self.path)
        };
        write().map_err(|source| FolderError::File { path: path.clone(), source })
    }
}

fn incoming(log: Log) -> String {
    format!("incoming.{}", name(log))
}

/// Files open to their owner only: they open every entry.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a file and brings it to the disk, over whatever a crash left there.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A folder open to its owner only.
pub(super) fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Brings names in a folder to the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
