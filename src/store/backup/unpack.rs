//! Reading a backup: exactly the members its manifest lists, in their order, as plain files, and nothing after them.

use super::{BackupError, DATABASE, GENESIS, MANIFEST, PAYLOADS};
use crate::{
    model::{
        ids::Digest,
        limits::{BACKUP_MANIFEST_BYTES, PAYLOAD_BYTES, SUM_CHUNK_BYTES},
    },
    store::blob::sums::{SumsBuilder, sums_path},
    tlog::MAX_NOTE_BYTES,
    wire::backup::{Content, FORMAT, Manifest},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::OpenOptions,
    io::{self, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Unpacks a backup into an empty folder: `genesis.note`, and `data/` with database and payloads. Every file has the
/// length and SHA-256 the manifest names, and is on the disk. `progress` is told the bytes of each portion.
///
/// # Errors
/// [`BackupError`]; what was written so far is good for nothing.
pub fn unpack(from: impl Read, folder: &Path, progress: &mut dyn FnMut(u64)) -> Result<Manifest, BackupError> {
    let mut archive = tar::Archive::new(from);
    let mut members = archive.entries().map_err(BackupError::Read)?.raw(true);
    let manifest = next(&mut members, MANIFEST, None)?;
    let manifest: Manifest = serde_json::from_slice(&small(manifest, BACKUP_MANIFEST_BYTES)?)
        .map_err(|e| BackupError::Form(format!("its manifest: {e}")))?;
    if manifest.format != FORMAT {
        return Err(BackupError::Form(format!("its format is {:?}; this program reads {FORMAT}", manifest.format)));
    }
    let genesis = small(next(&mut members, GENESIS, None)?, MAX_NOTE_BYTES as u64)?;
    let data = folder.join("data");
    file(&folder.join(GENESIS), &mut genesis.as_slice(), of_bytes(&genesis), None, progress)?;
    let database = manifest.database;
    let mut member = next(&mut members, DATABASE, Some(database.bytes))?;
    file(&data.join(DATABASE), &mut member, database, None, progress)?;
    for payload in &manifest.payloads {
        let expected = Content { bytes: payload.bytes, sha256: payload.sha256 };
        if payload.bytes > PAYLOAD_BYTES {
            return Err(BackupError::Form(format!("the payload of {} is larger than one can be", payload.report)));
        }
        let mut member = next(&mut members, &format!("{PAYLOADS}/{}", payload.report), Some(payload.bytes))?;
        let mut sums = SumsBuilder::default();
        let path = data.join(PAYLOADS).join(payload.report.to_string());
        file(&path, &mut member, expected, Some(&mut sums), progress)?;
        let kept = sums_path(&path);
        sums.finish().write(&kept).map_err(|source| BackupError::Write { what: kept.display().to_string(), source })?;
    }
    if members.next().is_some() {
        return Err(BackupError::Form("there is more in it than its manifest lists".to_owned()));
    }
    end(archive.into_inner())?;
    Ok(manifest)
}

/// The member that has to come now, with the length it has to have.
fn next<'a, R: Read>(
    members: &mut tar::Entries<'a, R>,
    name: &str,
    bytes: Option<u64>,
) -> Result<tar::Entry<'a, R>, BackupError> {
    let member = members.next().ok_or_else(|| BackupError::Form(format!("{name} is missing")))?;
    let member = member.map_err(BackupError::Read)?;
    let plain = member.header().entry_type() == tar::EntryType::Regular;
    if !plain || *member.path_bytes() != *name.as_bytes() {
        return Err(BackupError::Form(format!("something else stands where {name} should")));
    }
    match bytes {
        Some(bytes) if member.size() != bytes => Err(BackupError::Form(format!("{name} has another length"))),
        _ => Ok(member),
    }
}

fn small(member: impl Read, most: u64) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    member.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(BackupError::Read)?;
    if bytes.len() as u64 > most { Err(BackupError::Form("a part of it is too large".to_owned())) } else { Ok(bytes) }
}

fn of_bytes(bytes: &[u8]) -> Content {
    Content { bytes: bytes.len() as u64, sha256: Digest::of(bytes) }
}

/// Writes a member to a new file, durably, and compares.
fn file(
    path: &Path,
    member: &mut dyn Read,
    expected: Content,
    mut sums: Option<&mut SumsBuilder>,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let failed = |source| BackupError::Write { what: path.display().to_string(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let (mut hasher, mut written, mut buffer) = (Sha256::new(), 0, vec![0; SUM_CHUNK_BYTES]);
    loop {
        let read = member.read(&mut buffer).map_err(BackupError::Read)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        if let Some(sums) = &mut sums {
            sums.update(bytes);
        }
        file.write_all(bytes).map_err(failed)?;
        written += bytes.len() as u64;
        progress(bytes.len() as u64);
    }
    file.sync_all().map_err(failed)?;
    let found = Content { bytes: written, sha256: Digest::from_bytes(hasher.finalize().into()) };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if found == expected { Ok(()) } else { Err(BackupError::Form(format!("{name} is not what the manifest names"))) }
}

/// After the last member only zeros come. Reading them to the end lets the encryption say that nothing was cut.
fn end(mut rest: impl Read) -> Result<(), BackupError> {
    let mut buffer = vec![0; SUM_CHUNK_BYTES];
    loop {
        let read = match rest.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(BackupError::Read(error)),
        };
        if buffer.iter().take(read).any(|byte| *byte != 0) {
            return Err(BackupError::Form("something follows its end".to_owned()));
        }
    }
}
