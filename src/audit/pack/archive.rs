//! The files of a pack, and the one archive they can be: fixed order, nobody's, dateless. So the same files are the same
//! bytes, and an archive that another program wrote, or somebody changed, is not taken for one.

use super::error::PackError;
use crate::model::{ids::Digest, limits};
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
};

/// SHA-256 of every other file.
pub(super) const MANIFEST: &str = "manifest.txt";

/// What a person opens first; the others follow by name.
const FIRST: [&str; 4] = [MANIFEST, "README.txt", "custody.html", "custody.json"];

/// The files of a pack by name.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Pack {
    files: BTreeMap<String, Vec<u8>>,
}

/// Whether bytes begin like a ustar archive.
pub fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

impl Pack {
    /// Adds a file.
    pub fn put(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), bytes.into());
    }

    /// A file that has to be there.
    ///
    /// # Errors
    /// [`PackError::Missing`].
    pub fn file(&self, name: &str) -> Result<&[u8], PackError> {
        self.files.get(name).map(Vec::as_slice).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// As [`Pack::file`], as text.
    pub(super) fn text(&self, name: &str) -> Result<&str, PackError> {
        std::str::from_utf8(self.file(name)?).map_err(|e| PackError::file(name, e))
    }

    /// Whether a file is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The files of a folder, in their order.
    pub(super) fn folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.keys().map(String::as_str).filter(move |name| name.starts_with(folder))
    }

    /// Names in the order of the archive.
    pub fn names(&self) -> Vec<&str> {
        let first = FIRST.into_iter().filter(|name| self.has(name));
        let rest = self.files.keys().map(String::as_str).filter(|name| !FIRST.contains(name));
        first.chain(rest).collect()
    }

    fn sums(&self) -> String {
        let named = self.names().into_iter().filter(|name| *name != MANIFEST);
        let line = |name: &str| format!("{}  {name}\n", Digest::of(self.files.get(name).map_or(&[], Vec::as_slice)));
        named.map(line).collect()
    }

    /// Writes `manifest.txt`.
    pub(super) fn seal_sums(&mut self) {
        self.put(MANIFEST, self.sums());
    }

    /// Whether every file is what `manifest.txt` says, and none is missing or more.
    pub(super) fn check_sums(&self) -> Result<(), PackError> {
        let (stated, found) = (self.text(MANIFEST)?, self.sums());
        let lines = |text: &str| -> BTreeMap<String, String> {
            let split = text.lines().filter_map(|line| line.split_once("  "));
            split.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect()
        };
        let (of_manifest, of_files) = (lines(stated), lines(&found));
        for (name, sum) in &of_manifest {
            match of_files.get(name) {
                None => return Err(PackError::Missing(name.clone())),
                Some(found) if found != sum => return Err(PackError::Sum(name.clone())),
                Some(_) => {}
            }
        }
        if stated == found { Ok(()) } else { Err(PackError::Sum(MANIFEST.to_owned())) }
    }

    /// The archive.
    ///
    /// # Errors
    /// None that a pack of plain names can cause.
    pub fn to_tar(&self) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for name in self.names() {
            let bytes = self.files.get(name).map_or(&[][..], Vec::as_slice);
            let mut header = tar::Header::new_ustar();
            header.set_path(name)?;
            header.set_size(bytes.len().try_into().map_err(io::Error::other)?);
            header.set_mode(0o600);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_cksum();
            archive.append(&header, bytes)?;
        }
        archive.into_inner()
    }

    /// Reads an archive.
    ///
    /// # Errors
    /// [`PackError::Archive`] unless it is, byte for byte, what [`Pack::to_tar`] writes.
    pub fn of_tar(bytes: &[u8]) -> Result<Self, PackError> {
        let bad = |e: io::Error| PackError::Archive(e.to_string());
        let mut pack = Self::default();
        let mut archive = tar::Archive::new(bytes);
        for entry in archive.entries().map_err(bad)? {
            let mut entry = entry.map_err(bad)?;
            let name = String::from_utf8(entry.path_bytes().into_owned());
            let name = name.map_err(|_| PackError::Archive("a name is not UTF-8".to_owned()))?;
            let mut content = Vec::new();
            entry.by_ref().take(limits::EVIDENCE_BYTES).read_to_end(&mut content).map_err(bad)?;
            if pack.has(&name) || pack.files.len() >= limits::EVIDENCE_FILES {
                return Err(PackError::Archive(format!("{name} stands twice, or there are too many files")));
            }
            pack.put(name, content);
        }
        if pack.to_tar().map_err(bad)? == bytes {
            Ok(pack)
        } else {
            Err(PackError::Archive("order, owner, dates or padding are others".to_owned()))
        }
    }
}
