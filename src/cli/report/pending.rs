//! What is kept beside a sealed file until it is uploaded: sealed to its owner, as it names files and persons' consent.

use crate::{
    cli::{
        home::write_private_new,
        output::{Failure, chain},
    },
    client::{
        identity::Identity,
        memory::OwnReport,
        reporting::SealedReport,
        seal::{open_bytes, seal_bytes},
    },
    model::{ids::UploadId, report::Report},
    wire::api::Bytes,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Largest such file: a manifest and a consent register, twice the bound of either.
const PENDING_BYTES: usize = 64 << 20;

/// A sealed report on its way.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    report: Report,
    owner_header: Bytes,
    own: OwnReport,
    /// The declaration, once signed: sent again after a lost answer, it is the same one.
    pub(super) declaration: Option<String>,
    /// The upload that was begun while it was sealed.
    #[serde(default)]
    pub(super) upload: Option<UploadId>,
}

impl Pending {
    /// Of a report just sealed.
    pub(super) fn of(sealed: SealedReport) -> Self {
        let SealedReport { report, owner_header, own } = sealed;
        Self { report, owner_header: Bytes(owner_header), own, declaration: None, upload: None }
    }

    /// As it was sealed.
    pub(super) fn sealed(&self) -> SealedReport {
        SealedReport { report: self.report.clone(), owner_header: self.owner_header.0.clone(), own: self.own.clone() }
    }

    /// What its statement says.
    pub(super) fn report(&self) -> &Report {
        &self.report
    }

    /// Reads it from beside `sealed`, or finds that there is none.
    pub(super) fn read(sealed: &Path, identity: &Identity) -> Result<Option<Self>, Failure> {
        let path = beside(sealed);
        let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(words(&error)),
        };
        let plain = open_bytes(identity.age_identity(), &bytes, PENDING_BYTES).map_err(|e| words(&chain(&e)).and(
            "Were keys replaced since? A report that the broker lists already (amana report list) is uploaded without this \
             file: move it away. Any other has to be sealed again",
        ))?;
        serde_json::from_slice(&plain).map(Some).map_err(|e| words(&e))
    }

    /// Writes it beside `sealed`, in place of the one before.
    pub(super) fn write(&self, sealed: &Path, identity: &Identity) -> Result<PathBuf, Failure> {
        let path = beside(sealed);
        let failed = |e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|e| failed(&e))?);
        let bytes = seal_bytes(&[identity.recipient()], &plain).map_err(|e| failed(&e))?;
        let mut partial = path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        drop(fs::remove_file(&partial));
        write_private_new(&partial, &bytes)?;
        fs::rename(&partial, &path).map_err(|e| failed(&e))?;
        Ok(path)
    }

    /// Removes it: the device's memory has it now.
    pub(super) fn done(sealed: &Path) {
        drop(fs::remove_file(beside(sealed)));
    }
}

/// `FILE.age.amana-report`.
pub(super) fn beside(sealed: &Path) -> PathBuf {
    let mut name = sealed.as_os_str().to_owned();
    name.push(".amana-report");
    name.into()
}
