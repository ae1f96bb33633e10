//! Sealing what is long and no report: a stream into a new age file, and back.
//!
//! The header is age's own; stock `age -d` opens the file. Start at [`SealedOutput::create`] and [`open_stream`].

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use age::armor::ArmoredReader;
use age::stream::StreamWriter;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, x25519};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::client::identity::{IdentityError, NewFile, NewFileError, UnusableRecipient, file, to_age};
use crate::model::ids::AgeRecipient;

/// A sealed file on its way: appears under its name when it is whole and on the disk, or not at all.
pub struct SealedOutput {
    file: NewFile,
    writer: StreamWriter<BufWriter<File>>,
}

impl SealedOutput {
    /// Begins the file that will be at `place` (0600), for every one of `recipients`.
    ///
    /// # Errors
    /// Something is there already, the disk refuses, or nobody should seal to a recipient.
    pub fn create(place: &Path, recipients: &[AgeRecipient]) -> Result<Self, StreamError> {
        let recipients: Vec<x25519::Recipient> = recipients.iter().map(to_age).collect::<Result<_, _>>()?;
        let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(StreamError::Encrypt)?;
        let mut file = NewFile::create(place)?;
        let to = BufWriter::with_capacity(BUFFER_BYTES, file.file().try_clone().map_err(StreamError::Write)?);
        let writer = encryptor.wrap_output(to).map_err(StreamError::Write)?;
        Ok(Self { file, writer })
    }

    /// Ends the encryption and puts the file in its place.
    ///
    /// # Errors
    /// The disk refuses; nothing is left behind.
    pub fn finish(self) -> Result<(), StreamError> {
        let buffer = self.writer.finish().map_err(StreamError::Write)?;
        drop(buffer.into_inner().map_err(|error| StreamError::Write(error.into_error()))?);
        Ok(self.file.publish()?)
    }
}

impl Write for SealedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Opens a sealed stream, armored or not, with one of `identities`. A read fails where it was changed or cut.
///
/// # Errors
/// [`StreamError::NotForThisIdentity`], [`StreamError::NotSealed`].
pub fn open_stream<'a>(sealed: impl Read + 'a, identities: &[x25519::Identity]) -> Result<impl Read + 'a, StreamError> {
    let sealed = BufReader::with_capacity(BUFFER_BYTES, sealed);
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(|_| StreamError::NotSealed)?;
    let identities = identities.iter().map(|identity| identity as &dyn age::Identity);
    decryptor.decrypt(identities).map_err(|error| match error {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => StreamError::NotForThisIdentity,
        _ => StreamError::NotSealed,
    })
}

/// Whether a file of identities is under a passphrase.
pub fn identities_need_passphrase(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") || bytes.starts_with(b"age-encryption.org/")
}

/// Reads the identities of a file as `age-keygen` and `amana identity new` write it.
///
/// # Errors
/// [`StreamError::Identity`] when the passphrase is wrong, [`StreamError::NoIdentity`].
pub fn read_identities(bytes: &[u8], passphrase: Option<&str>) -> Result<Vec<x25519::Identity>, StreamError> {
    let plain = match passphrase {
        Some(passphrase) => file::decrypted(bytes, passphrase.into())?,
        None => Zeroizing::new(bytes.to_vec()),
    };
    let text = std::str::from_utf8(&plain).map_err(|_| StreamError::NoIdentity)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities: Result<Vec<_>, _> = lines.map(str::parse).collect();
    let identities = identities.map_err(|_| StreamError::NoIdentity)?;
    if identities.is_empty() { Err(StreamError::NoIdentity) } else { Ok(identities) }
}

/// Why a stream was not sealed or opened.
#[derive(Debug, Error)]
pub enum StreamError {
    /// Nobody can be sealed to under this recipient.
    #[error(transparent)]
    Recipient(#[from] UnusableRecipient),
    /// The new file cannot be made.
    #[error(transparent)]
    File(#[from] NewFileError),
    /// Encryption failed.
    #[error("it cannot be encrypted")]
    Encrypt(#[source] EncryptError),
    /// The disk takes no more.
    #[error("the sealed file cannot be written; look for space on the disk")]
    Write(#[source] io::Error),
    /// It is sealed to somebody else.
    #[error("it is not sealed to this identity; take the one whose recipient it was made for")]
    NotForThisIdentity,
    /// It is no age file.
    #[error("it is no age file, or its head is damaged")]
    NotSealed,
    /// The identity file.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It holds no identity.
    #[error("this file holds no age identity (AGE-SECRET-KEY-1…)")]
    NoIdentity,
}

/// One read or write of a disk.
const BUFFER_BYTES: usize = 256 * 1024;
