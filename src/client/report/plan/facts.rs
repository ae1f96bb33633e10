//! Reading a file once: its length, its hash, its hidden metadata.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::PlanError;
use crate::client::report::item::Digest;
use crate::client::report::limits::{CHUNK_BYTES, SNIFF_BYTES};
use crate::client::report::metadata::Hidden;

/// What reading a file once tells.
pub(super) struct Facts {
    /// Length.
    pub(super) bytes: u64,
    /// SHA-256.
    pub(super) sha256: Digest,
    /// What it says without showing it.
    pub(super) hidden: Option<Hidden>,
}

/// Reads a file once, in constant memory.
pub(super) fn read(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<Facts, PlanError> {
    let failed = |source| PlanError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut chunk = Zeroizing::new(vec![0; CHUNK_BYTES]);
    let mut hasher = Sha256::new();
    let (mut head, mut tail) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    let mut bytes = 0_u64;
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(failed(why)),
        };
        let part = chunk.get(..read).unwrap_or_default();
        hasher.update(part);
        let wanted = SNIFF_BYTES.saturating_sub(head.len());
        head.extend(part.iter().take(wanted));
        keep_tail(&mut tail, part);
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(read);
        progress(read);
    }
    let hidden = Hidden::find(&head, &tail);
    Ok(Facts { bytes, sha256: Digest(hasher.finalize().into()), hidden })
}

fn keep_tail(tail: &mut Vec<u8>, part: &[u8]) {
    let part = part.get(part.len().saturating_sub(SNIFF_BYTES)..).unwrap_or_default();
    let surplus = (tail.len() + part.len()).saturating_sub(SNIFF_BYTES);
    tail.drain(..surplus);
    tail.extend_from_slice(part);
}
