//! One upload's files: `ID.json` says what it is, `ID.part` holds what has arrived, `ID.hold` says from where on bytes
//! do not count yet.
//!
//! The offset of an upload is the length of its part file, so there is no second place that could say otherwise. A part
//! sent with a checksum counts only once the checksum is found right: until then `ID.hold` names the length to go back
//! to, whatever happens in between.

use super::{
    Blobs, Part, READ_BYTES, UploadError, file_error,
    part::Undo,
    sums::{Sums, SumsBuilder, sums_path},
    upload_error,
};
use crate::{
    model::{
        ids::{Digest, PartyId, ReportId, UploadId},
        report::Report,
        time::Timestamp,
    },
    store::StoreError,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _},
    path::PathBuf,
};

/// What is known of an upload besides its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadRecord {
    /// Who uploads; for anybody else it does not exist.
    pub owner: PartyId,
    /// The report it is for, once known.
    pub report: Option<ReportId>,
    /// Its length, once known.
    pub length: Option<u64>,
    /// When it is swept.
    pub expires: Timestamp,
}

/// What is known of the bytes that have arrived: their number, SHA-256, and the digests of their chunks.
#[derive(Clone, Default)]
pub struct Hashed {
    sha256: Sha256,
    sums: SumsBuilder,
    at: u64,
}

impl Hashed {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sums.update(bytes);
        self.at += bytes.len() as u64;
    }
    /// How many bytes it knows.
    pub fn at(&self) -> u64 {
        self.at
    }
    fn finish(self) -> (Digest, Sums) {
        (Digest::from_bytes(self.sha256.finalize().into()), self.sums.finish())
    }
    fn of_file(mut file: &File) -> io::Result<Self> {
        let mut hashed = Self::default();
        let mut buffer = vec![0; READ_BYTES];
        file.rewind()?;
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { return Ok(hashed) };
            hashed.update(bytes);
        }
    }
}

impl Blobs {
    /// Begins an upload: its record and an empty part, durably.
    ///
    /// # Errors
    /// [`UploadError::Full`], or what the file system answers.
    pub fn begin_upload(&self, id: UploadId, record: &UploadRecord) -> Result<(), UploadError> {
        let part = self.part_path(id);
        let made = self.disk.create("upload.create", &part);
        let begun = made.map_err(|e| upload_error("cannot begin an upload", &part, e));
        begun.and_then(|_| self.write_record(id, record)).inspect_err(|_| {
            // Nobody will ever be told of it. What cannot be removed now is a stray at the next start.
            drop(self.remove_upload(id));
        })
    }

    /// Writes what is known of an upload in place of what was, durably.
    ///
    /// # Errors
    /// [`UploadError::Full`], or what the file system answers.
    pub fn write_record(&self, id: UploadId, record: &UploadRecord) -> Result<(), UploadError> {
        let path = self.upload_path(id, "json");
        let json = serde_json::to_vec(record).map_err(|_| StoreError::Form("an upload's record"))?;
        self.disk.replace("upload.record", &path, &json).map_err(|e| upload_error("cannot note an upload", &path, e))
    }

    /// Every upload there is. A record that cannot be read is left where it is and told to `damaged`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn uploads(&self, mut damaged: impl FnMut(String)) -> Result<Vec<(UploadId, UploadRecord)>, StoreError> {
        let mut found = Vec::new();
        let failed = |e| file_error("cannot read the folder of uploads", &self.uploads, e);
        for entry in fs::read_dir(&self.uploads).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let record = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            match (id, record) {
                (Some(id), Some(record)) => found.push((id, record)),
                _ => damaged(path.display().to_string()),
            }
        }
        Ok(found)
    }

    /// How many bytes of an upload there are; `None` when its part is gone, because it was published or lost.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn arrived(&self, id: UploadId) -> Result<Option<u64>, StoreError> {
        let path = self.part_path(id);
        match self.disk.look("upload.arrived", || fs::metadata(&path)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error("cannot look at an upload", &path, error)),
        }
    }

    /// As [`Blobs::arrived`], without what is held back until its checksum is found right.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn counted(&self, id: UploadId) -> Result<Option<u64>, UploadError> {
        let (arrived, held) = (self.arrived(id)?, self.held(id)?);
        Ok(arrived.map(|arrived| held.map_or(arrived, |held| held.min(arrived))))
    }

    /// Opens an upload's part at its end, after taking back what never counted; what it then holds is durable.
    /// `None` when the part is gone.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open_part(&self, id: UploadId) -> Result<Option<Part>, UploadError> {
        let path = self.part_path(id);
        let failed = |e| upload_error("cannot open an upload", &path, e);
        let open = || OpenOptions::new().read(true).append(true).open(&path);
        let file = match self.disk.look("part.open", open) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let arrived = file.metadata().map_err(failed)?.len();
        let mut part = Part::new(file, path.clone(), arrived, self.disk.clone());
        if let Some(counted) = self.held(id)? {
            part.cut_to(counted)?;
            self.let_go(id)?;
        }
        part.sync()?;
        Ok(Some(part))
    }

    /// Notes durably that nothing after `part`'s end counts until [`Blobs::let_go`].
    ///
    /// # Errors
    /// [`UploadError::Full`], or what the file system answers.
    pub fn hold(&self, id: UploadId, part: &Part) -> Result<Undo, UploadError> {
        let path = self.upload_path(id, "hold");
        let counted = part.arrived();
        let noted = self.disk.replace("upload.hold", &path, counted.to_string().as_bytes());
        noted.map_err(|e| upload_error("cannot note an upload's checksum", &path, e))?;
        Ok(Undo { counted })
    }

    /// What was held back counts now, or was taken back.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn let_go(&self, id: UploadId) -> Result<(), UploadError> {
        let path = self.upload_path(id, "hold");
        let failed = |e| upload_error("cannot count an upload's part", &path, e);
        self.disk.remove("upload.let_go", &path).map_err(failed)?;
        self.disk.sync_folder("upload.let_go", &self.uploads).map_err(failed)
    }

    fn held(&self, id: UploadId) -> Result<Option<u64>, UploadError> {
        let path = self.upload_path(id, "hold");
        match self.disk.look("upload.held", || fs::read_to_string(&path)) {
            Ok(text) => Ok(Some(text.parse().map_err(|_| StoreError::Form("an upload's hold"))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(upload_error("cannot read an upload's hold", &path, error)),
        }
    }

    /// Publishes an upload if it holds exactly the stated bytes. `hashed` knows what arrived, if somebody hashed all of it
    /// on its way; else the part is read again.
    ///
    /// # Errors
    /// [`UploadError::Length`], [`UploadError::Digest`]: nothing is published then.
    pub fn publish(
        &self,
        upload: UploadId,
        hashed: Option<Hashed>,
        id: ReportId,
        report: &Report,
    ) -> Result<(), UploadError> {
        let (from, to) = (self.part_path(upload), self.path(id));
        let failed = |e| upload_error("cannot publish an upload", &from, e);
        let file = File::open(&from).map_err(failed)?;
        let received = file.metadata().map_err(failed)?.len();
        if received != report.payload_bytes {
            return Err(UploadError::Length { received, expected: report.payload_bytes });
        }
        let (found, sums) = match hashed {
            Some(hashed) => hashed.finish(),
            None => Hashed::of_file(&file).map_err(failed)?.finish(),
        };
        if found != report.payload_sha256 {
            return Err(UploadError::Digest);
        }
        self.disk.sync("payload.sync", &file).map_err(failed)?;
        self.disk.rename("payload.publish", &from, &to).map_err(failed)?;
        self.disk.sync_folder("payload.durable", &self.payloads).map_err(failed)?;
        self.disk.sync_folder("payload.durable", &self.uploads).map_err(failed)?;
        let beside = sums_path(&to);
        self.disk
            .step("payload.sums", || sums.write(&beside))
            .map_err(|e| upload_error("cannot keep the digests of a payload's chunks", &beside, e))
    }

    /// Whether an upload holds exactly the stated bytes. Reads it whole.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn part_is(&self, id: UploadId, report: &Report) -> Result<bool, StoreError> {
        let path = self.part_path(id);
        let failed = |e| file_error("cannot read an upload", &path, e);
        let hashed = Hashed::of_file(&File::open(&path).map_err(failed)?).map_err(failed)?;
        Ok(hashed.at() == report.payload_bytes && hashed.finish().0 == report.payload_sha256)
    }

    /// Removes what arrived of an upload whose bytes are stored already; its record stays, for a client that missed the
    /// answer.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn remove_part(&self, id: UploadId) -> Result<(), StoreError> {
        let path = self.part_path(id);
        self.disk.remove("upload.remove", &path).map_err(|e| file_error("cannot remove an upload", &path, e))
    }

    /// Removes an upload and what arrived of it; the record last, so that a crash leaves something to remove again.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn remove_upload(&self, id: UploadId) -> Result<(), StoreError> {
        for kind in ["part", "hold", "json"] {
            let path = self.upload_path(id, kind);
            self.disk.remove("upload.remove", &path).map_err(|e| file_error("cannot remove an upload", &path, e))?;
        }
        let folder = &self.uploads;
        let durable = self.disk.sync_folder("upload.remove", folder);
        durable.map_err(|e| file_error("cannot remove an upload", folder, e))
    }

    /// Removes what a stop left of uploads that were never told to anybody: parts without a record.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn remove_strays(&self) -> Result<(), StoreError> {
        let failed = |e| file_error("cannot read the folder of uploads", &self.uploads, e);
        for entry in fs::read_dir(&self.uploads).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let fresh = path.extension().is_some_and(|extension| extension == "new");
            if fresh || !path.with_extension("json").exists() {
                self.disk.remove("upload.stray", &path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes a stored payload, what was set aside of it, and their digests, durably. What is not there is no error.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn remove_payload(&self, id: ReportId) -> Result<(), StoreError> {
        let path = self.path(id);
        let failed = |e| file_error("cannot erase a payload", &path, e);
        for file in [path.clone(), super::payload::damaged_path(&path), sums_path(&path)] {
            self.disk.remove("payload.erase", &file).map_err(failed)?;
        }
        self.disk.sync_folder("payload.erase", &self.payloads).map_err(failed)
    }

    fn part_path(&self, id: UploadId) -> PathBuf {
        self.upload_path(id, "part")
    }
    fn upload_path(&self, id: UploadId, kind: &str) -> PathBuf {
        self.uploads.join(format!("{id}.{kind}"))
    }
}
