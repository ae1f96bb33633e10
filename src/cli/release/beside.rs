//! What stands beside a collected report: `report.age.release.json`, and after opening `report.age.opened.json`.

use crate::{cli::output::Failure, client::fetched::Collected, model::release::Outcome};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

/// The statements and the receipt that came with the report.
pub(super) fn write_collected(report: &Path, collected: &Collected) -> Result<PathBuf, Failure> {
    write(&collected_path(report), collected)
}

/// Reads them.
pub(super) fn read_collected(report: &Path) -> Result<Collected, Failure> {
    let path = collected_path(report);
    read(&path)?.ok_or_else(|| {
        Failure::refused(format!(
            "{} is missing; it is written by `amana release fetch` and belongs to the report",
            path.display()
        ))
    })
}

/// What was found on opening, for the acknowledgement. A second opening finds the same.
pub(super) fn write_outcome(report: &Path, outcome: &Outcome) -> Result<(), Failure> {
    let path = outcome_path(report);
    if path.exists() { Ok(()) } else { write(&path, outcome).map(|_| ()) }
}

/// What was found on opening, if it was opened.
pub(super) fn read_outcome(report: &Path) -> Result<Option<Outcome>, Failure> {
    read(&outcome_path(report))
}

/// Where the statements will be.
pub(super) fn collected_path(report: &Path) -> PathBuf {
    with(report, ".release.json")
}

fn outcome_path(report: &Path) -> PathBuf {
    with(report, ".opened.json")
}

fn with(report: &Path, ending: &str) -> PathBuf {
    let mut name = report.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn write(path: &Path, value: &impl Serialize) -> Result<PathBuf, Failure> {
    let words = |e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
    let text = serde_json::to_string_pretty(value).map_err(|e| words(&e))?;
    let mut file = File::create_new(path).map_err(|e| words(&e))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| words(&e))?;
    Ok(path.to_owned())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let words = |e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| words(&e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(words(&error)),
    }
}
