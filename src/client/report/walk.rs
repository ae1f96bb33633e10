//! Finding the files of a report: sorted, bounded, never through a link.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::limits::{MAX_DEPTH, MAX_WALKED};
use super::name;
use super::plan::PlanError;

/// A regular file and the real name it will have in the report.
pub(super) struct Found {
    /// Real name, folders separated by `/`.
    pub(super) name: String,
    /// Where it lies.
    pub(super) source: PathBuf,
    /// When it was last modified.
    pub(super) modified: SystemTime,
}

/// All regular files under `paths`, sorted by real name.
///
/// The contents of one single folder are named from inside it. Several inputs each keep their own name.
pub(super) fn walk(paths: &[PathBuf]) -> Result<Vec<Found>, PlanError> {
    let mut walk = Walk { found: BTreeMap::new(), looked_at: 0 };
    match paths {
        [folder] if folder.is_dir() && !folder.is_symlink() => walk.folder(folder, "", 0)?,
        several => {
            for path in several {
                let name = own_name(path)?;
                walk.entry(path, &name, 0)?;
            }
        }
    }
    Ok(walk.found.into_values().collect())
}

struct Walk {
    found: BTreeMap<String, Found>,
    looked_at: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), PlanError> {
        if depth > MAX_DEPTH {
            return Err(PlanError::TooDeep { path: folder.to_owned() });
        }
        let failed = |source| PlanError::Read { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let own = own_name(&path)?;
            let name = if prefix.is_empty() { own } else { format!("{prefix}/{own}") };
            self.entry(&path, &name, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), PlanError> {
        self.looked_at += 1;
        if self.looked_at > MAX_WALKED {
            return Err(PlanError::TooManyFiles { most: MAX_WALKED });
        }
        let failed = |source| PlanError::Read { path: path.to_owned(), source };
        // Never follows a link: what a link points to is not what the advocate chose.
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return self.folder(path, name, depth + 1);
        }
        if metadata.is_symlink() {
            return Err(PlanError::Link { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(PlanError::NotAFile { path: path.to_owned() });
        }
        let modified = metadata.modified().map_err(failed)?;
        let found = Found { name: name.to_owned(), source: path.to_owned(), modified };
        match self.found.insert(name.to_owned(), found) {
            None => Ok(()),
            Some(_) => Err(PlanError::SameName { name: name.to_owned() }),
        }
    }
}

/// The last component of a path, as a checked real name.
fn own_name(path: &Path) -> Result<String, PlanError> {
    // `.` and `..` as an input have no name of their own until they are resolved.
    let resolved = match path.file_name() {
        Some(_) => path.to_owned(),
        None => path.canonicalize().map_err(|source| PlanError::Read { path: path.to_owned(), source })?,
    };
    let own = resolved.file_name().unwrap_or_default();
    let own = own.to_str().ok_or_else(|| PlanError::NotUnicode { path: path.to_owned() })?;
    name::check_path(own).map_err(|why| PlanError::Name { path: own.escape_debug().to_string(), why })?;
    Ok(own.to_owned())
}
