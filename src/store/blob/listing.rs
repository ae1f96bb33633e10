//! What lies in the folders of payloads and uploads, by name and size; nothing is opened or removed.

use super::{payload::DAMAGED, sums::SUMS};
use crate::{
    model::ids::ReportId,
    store::{StoreError, room::PROBE},
};
use std::{collections::BTreeMap, fs, path::Path};

/// What was found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Payloads by report, with their lengths.
    pub payloads: BTreeMap<ReportId, u64>,
    /// Reports whose payload was moved aside as damaged.
    pub damaged: Vec<ReportId>,
    /// Files of uploads under way or cut off.
    pub unfinished: Heap,
    /// Names that belong to nothing of ours.
    pub unknown: Vec<String>,
}

/// Some files together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Heap {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Lists a data folder's payloads and uploads. A folder that is missing holds nothing.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(data: &Path) -> Result<Listing, StoreError> {
    let mut listing = Listing::default();
    each(&data.join("payloads"), &mut |name, bytes| {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        match (stem.parse::<ReportId>(), extension) {
            (Ok(report), "") => drop(listing.payloads.insert(report, bytes)),
            (Ok(report), DAMAGED) => listing.damaged.push(report),
            (Ok(_), SUMS | "sums.new") => {}
            // Of a look whether the folder can be written to.
            _ if name == PROBE => {}
            _ => listing.unknown.push(name.to_owned()),
        }
    })?;
    // The other files there say what a part is, or remember one that was published.
    each(&data.join("uploads"), &mut |name, bytes| {
        if Path::new(name).extension().is_some_and(|extension| extension == "part") {
            listing.unfinished.add(bytes);
        }
    })?;
    Ok(listing)
}

fn each(folder: &Path, take: &mut dyn FnMut(&str, u64)) -> Result<(), StoreError> {
    let failed = |e| super::file_error("cannot list a folder", folder, e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        // A file may go while it is looked at: an upload that was finished.
        let Ok(found) = entry.metadata() else { continue };
        take(&entry.file_name().to_string_lossy(), found.len());
    }
    Ok(())
}
