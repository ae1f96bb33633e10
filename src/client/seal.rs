//! Sealing: a report becomes one age file that only its owner and the recovery key can open.
//!
//! `age` encrypts; we write the header. Its own header may carry a grease stanza of random size, so it is caught on its way
//! out, the file key is unwrapped from it with the owner's identity, and a header of exactly two stanzas takes its place. The
//! payload (a 16-byte nonce and STREAM chunks) passes unchanged; another thread hashes and writes it.
//!
//! Nothing here may replace a file, leave half of one, or keep a file key longer than it takes to write the header. Start at
//! [`seal`]; [`SealedFile`] reads the result for upload, [`message`] seals what is short.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{mem, panic, thread};

use age::{EncryptError, Encryptor, x25519};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::identity::{NewFile, NewFileError, UnusableRecipient, to_age};
use super::report::{self, PackError, Plan};
use super::rewrap::{self, PAYLOAD_NONCE_BYTES, RewrapError};
use crate::model::ids::{AgeRecipient, Digest};
use crate::model::limits::PAYLOAD_BYTES;
use crate::wire::header::{Header, ReadHeaderError, read_header};

pub mod message;

pub use message::{MessageError, open_bytes, open_message, seal_bytes, seal_message};

/// What the report statement says about a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the payload: everything after the header.
    pub payload_sha256: Digest,
    /// Length of the payload.
    pub payload_bytes: u64,
    /// What ties the payload to one content; see [`rewrap::key_commitment`].
    pub key_commitment: Digest,
    /// The header, with one stanza for the owner and one for the recovery key.
    pub owner_header: Vec<u8>,
    /// SHA-256 of the header.
    pub owner_header_digest: Digest,
}

/// Seals what `plan` holds into the new file `out`, for its owner and the owner's recovery key.
///
/// Memory does not grow with the report. The file appears under its name when it is complete and on the disk.
/// `progress` is told the bytes sealed since its last call; [`Plan::total_bytes`] is their sum.
///
/// # Errors
/// Nothing is left behind: a file of the plan changed, the disk refused, or something is at `out` already.
pub fn seal(
    plan: &Plan,
    owner: &x25519::Identity,
    recovery: &AgeRecipient,
    out: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    let recovery = to_age(recovery)?;
    let mut new_file = NewFile::create(out)?;
    let recipients: [&dyn age::Recipient; 2] = [&owner.to_public(), &recovery];
    let encryptor = Encryptor::with_recipients(recipients.into_iter()).map_err(SealError::Encrypt)?;
    let outlet = Outlet::default();
    let plaintext = encryptor.wrap_output(&outlet).map_err(|source| SealError::Encrypt(source.into()))?;

    let (age_header, nonce) = outlet.take_header()?;
    let file_key = rewrap::unwrap_file_key(&age_header, owner)?;
    let key_commitment = rewrap::key_commitment(&file_key, &nonce);
    let header = rewrap::wrap_file_key(&file_key, &recipients)?;
    drop(file_key);

    let written = write_payload(plan, plaintext, &outlet, &header, &nonce, &mut new_file, progress)?;
    new_file.publish()?;
    Ok(Sealed {
        payload_sha256: written.sha256,
        payload_bytes: written.bytes,
        key_commitment: Digest::from_bytes(key_commitment),
        owner_header_digest: Digest::from_bytes(header.digest()),
        owner_header: header.as_bytes().to_vec(),
    })
}
