//! Folders: one a label, for its owner only.

use super::Access;
use crate::cli::{founding, output::Failure};
use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The folder of one label.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Place {
    folder: PathBuf,
}

impl Place {
    /// The folder of a label, whether it exists or not.
    pub(in crate::cli) fn of(access: &Access, label: &str) -> Result<Self, Failure> {
        // A label is free text; a folder's name must not lead elsewhere.
        if label.is_empty() || label.starts_with('.') || label.contains(['/', '\\', ':']) {
            return Err(Failure::usage(format!(
                "{label:?} cannot name a folder: leave out a dot at the beginning, slashes and colons"
            )));
        }
        Ok(Self { folder: home(access)?.join(label) })
    }

    /// The folder of the label asked for, or of the only one there is.
    pub(in crate::cli) fn known(access: &Access) -> Result<Self, Failure> {
        if let Some(label) = &access.label {
            let place = Self::of(access, label)?;
            return if place.identity().exists() { Ok(place) } else { Err(unknown(label, &labels(access)?)) };
        }
        let labels = labels(access)?;
        match labels.as_slice() {
            [label] => Self::of(access, label),
            [] => Err(Failure::usage(format!(
                "there is no identity in {} yet; make one with `amana identity new`, or give one with --identity FILE",
                home(access)?.display()
            ))),
            _ => {
                Err(Failure::usage(format!("you have several identities; say which with --as: {}", labels.join(", "))))
            }
        }
    }

    /// The folder of the label `main` in a home.
    #[cfg(test)]
    pub(super) fn under(home: &Path) -> Self {
        Self { folder: home.join("main") }
    }

    /// The identity under its passphrase.
    pub(in crate::cli) fn identity(&self) -> PathBuf {
        self.folder.join("identity.age")
    }
    /// What the device remembers.
    pub(in crate::cli) fn memory(&self) -> PathBuf {
        self.folder.join("memory.age")
    }
    /// Held while memory is read and written.
    pub(in crate::cli) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }
    /// Makes the folder.
    pub(in crate::cli) fn make(&self) -> Result<(), Failure> {
        founding::make_folder(&self.folder).map_err(Failure::refused)
    }
    /// The folder.
    pub(in crate::cli) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn unknown(label: &str, labels: &[String]) -> Failure {
    let known =
        if labels.is_empty() { "there is none yet".to_owned() } else { format!("there are: {}", labels.join(", ")) };
    Failure::usage(format!("there is no identity called {label:?} here ({known})"))
}

fn home(access: &Access) -> Result<PathBuf, Failure> {
    if let Some(home) = &access.home {
        return Ok(home.clone());
    }
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("amana"))
        .ok_or_else(|| Failure::usage("neither HOME nor XDG_DATA_HOME is set; name a folder with --home DIR"))
}

fn labels(access: &Access) -> Result<Vec<String>, Failure> {
    let Ok(entries) = fs::read_dir(home(access)?) else { return Ok(Vec::new()) };
    let with_identity = entries.flatten().filter(|entry| entry.path().join("identity.age").exists());
    let mut labels: Vec<String> = with_identity.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    labels.sort();
    Ok(labels)
}

/// Writes a new file that only its owner can read; replaces nothing.
pub(in crate::cli) fn write_private_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    founding::write_private(path, bytes).map_err(Failure::refused)
}

/// Replaces a file whole: other programs see the old or the new one.
pub(in crate::cli) fn replace_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What an interrupted command left is of no use; the lock says that nobody else is writing it.
    if partial.exists() {
        fs::remove_file(&partial)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    match path.parent() {
        Some(folder) if cfg!(unix) => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
