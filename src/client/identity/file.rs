//! The file that keeps an identity.
//!
//! An armored age file under a passphrase, whose plaintext is itself an age identity file:
//!
//! ```text
//! # amana identity v1
//! # label: case 12
//! # seed: 64 hexadecimal digits
//! # public key: age1…
//! AGE-SECRET-KEY-1…
//! ```
//!
//! So `age -d id.age > key` and `age -d -i key report.age` work without us, and `age-keygen -y key` shows the recipient. The
//! last two lines follow from the seed; a file in which they do not was altered and is refused, as it would sign as one
//! party and read as another. Nothing here may replace a file or leave one that others can read. Start at
//! [`read_encrypted`] and [`Identity::write_encrypted`].

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, scrypt};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Identity, NewFile, NewFileError, SEED_BYTES, Seed};

impl Identity {
    /// Writes the identity to a new file under a passphrase, readable by its owner only (0600). Takes about a second.
    ///
    /// # Errors
    /// [`IdentityError::File`], when something is there already or the disk refuses.
    pub fn write_encrypted(&self, path: &Path, secret: SecretString, work: ScryptWork) -> Result<(), IdentityError> {
        write_new(path, &self.encrypted(secret, work)?)
    }

    /// Writes the identity to a new file *without* a passphrase (0600): for role keys on their way to their holders, and
    /// for the demo.
    ///
    /// # Errors
    /// [`IdentityError::File`], when something is there already or the disk refuses.
    pub fn write_plain(&self, path: &Path) -> Result<(), IdentityError> {
        write_new(path, self.plain().as_bytes())
    }

    fn encrypted(&self, passphrase: SecretString, work: ScryptWork) -> Result<Vec<u8>, IdentityError> {
        let mut recipient = scrypt::Recipient::new(passphrase);
        recipient.set_work_factor(work.0);
        let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as _)).map_err(IdentityError::Encrypt)?;
        let sealed = || -> io::Result<Vec<u8>> {
            let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
            let mut file = encryptor.wrap_output(armor)?;
            file.write_all(self.plain().as_bytes())?;
            file.finish()?.finish()
        };
        sealed().map_err(|source| IdentityError::Encrypt(source.into()))
    }

    fn plain(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(hex::encode(self.keys.seed.as_bytes()));
        let secret_line = self.keys.secret_line();
        let mut text = Zeroizing::new(String::with_capacity(MAX_PLAIN_BYTES));
        for part in [FIRST_LINE, "\n", LABEL, self.label.as_str(), "\n", SEED, seed.as_str(), "\n", PUBLIC_KEY] {
            text.push_str(part);
        }
        for part in [self.recipient().as_str(), "\n", secret_line.as_str(), "\n"] {
            text.push_str(part);
        }
        debug_assert!(text.len() <= MAX_PLAIN_BYTES, "a grown string leaves a copy behind");
        text
    }
}

/// Reads an identity file with its passphrase. Takes about a second; more than 2²⁰ rounds of work are refused.
///
/// # Errors
/// [`IdentityError::WrongPassphrase`], [`IdentityError::NotAnIdentity`], [`IdentityError::Tampered`],
/// [`IdentityError::ExcessiveWork`].
pub fn read_encrypted(bytes: &[u8], passphrase: SecretString) -> Result<Identity, IdentityError> {
    read_plain(&decrypted(bytes, passphrase)?)
}

/// What a short armored file under a passphrase holds, for files of identities that others made.
///
/// # Errors
/// As [`read_encrypted`].
pub fn decrypted(bytes: &[u8], passphrase: SecretString) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(IdentityError::NotAnIdentity);
    }
    let decryptor = Decryptor::new(ArmoredReader::new(bytes)).map_err(|_| IdentityError::NotAnIdentity)?;
    if !decryptor.is_scrypt() {
        return Err(IdentityError::NotAnIdentity);
    }
    let mut identity = scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_SCRYPT_LOG_N);
    let reader = decryptor.decrypt(std::iter::once(&identity as _)).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys => IdentityError::WrongPassphrase,
        DecryptError::ExcessiveWork { required, .. } => IdentityError::ExcessiveWork { log_n: required },
        _ => IdentityError::Tampered,
    })?;
    // Room for everything from the start: a buffer that grows leaves copies of the secret behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(MAX_PLAIN_BYTES + 1));
    let bound = u64::try_from(MAX_PLAIN_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(bound).read_to_end(&mut plain).map_err(|_| IdentityError::Tampered)?;
    Ok(plain)
}

/// Reads an identity file that has no passphrase.
///
/// # Errors
/// [`IdentityError::NotAnIdentity`], [`IdentityError::Tampered`].
pub fn read_plain(bytes: &[u8]) -> Result<Identity, IdentityError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IdentityError::NotAnIdentity)?;
    let mut lines = text.lines();
    if bytes.len() > MAX_PLAIN_BYTES || lines.next() != Some(FIRST_LINE) {
        return Err(IdentityError::NotAnIdentity);
    }
    let mut value = |name| lines.next().and_then(|line| line.strip_prefix(name)).ok_or(IdentityError::NotAnIdentity);
    let label = value(LABEL)?.parse().map_err(|_| IdentityError::NotAnIdentity)?;
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    hex::decode_to_slice(value(SEED)?, seed.as_mut_slice()).map_err(|_| IdentityError::NotAnIdentity)?;
    let identity = Identity::from_seed(label, Seed::from_bytes(&mut seed));
    // There is one file for one seed and label: whatever else this one says was put there.
    if identity.plain().as_bytes().ct_eq(bytes).into() { Ok(identity) } else { Err(IdentityError::Tampered) }
}

/// Whether an identity file is under a passphrase, so that its owner must be asked for it.
pub fn needs_passphrase(bytes: &[u8]) -> bool {
    !bytes.starts_with(FIRST_LINE.as_bytes())
}

/// How much work a passphrase costs to try: 2 to this power rounds of scrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScryptWork(u8);

impl ScryptWork {
    /// 2¹⁸ rounds: about a second and 256 MiB for each guess, what `age` itself takes on a current machine. Fixed, as work
    /// measured on the device would be weak on a slow or busy one.
    pub const STANDARD: Self = Self(18);

    /// Two rounds, so that tests do not wait. Does not exist in release builds.
    #[cfg(debug_assertions)]
    pub const DANGEROUS_FAST: Self = Self(1);
}

/// Why an identity was not read or written.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The passphrase does not open the file.
    #[error("the passphrase is wrong; nothing was opened")]
    WrongPassphrase,
    /// The file is something else.
    #[error("this is not an amana identity file")]
    NotAnIdentity,
    /// The file was changed after it was written: it is damaged, or its keys do not belong to its seed.
    #[error("this identity file was changed after it was written; use a copy of it, or your recovery key")]
    Tampered,
    /// The file asks for more work than any of ours.
    #[error(
        "this file asks for 2^{log_n} rounds of work, more than 2^{MAX_SCRYPT_LOG_N}; it was not made by this program"
    )]
    ExcessiveWork {
        /// Base-2 logarithm of the work asked for.
        log_n: u8,
    },
    /// The identity cannot be encrypted.
    #[error("the identity cannot be encrypted")]
    Encrypt(#[source] EncryptError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] NewFileError),
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    let mut file = NewFile::create(path)?;
    let written = file.file().write_all(content);
    written.map_err(|source| NewFileError::Write { path: path.to_owned(), source })?;
    Ok(file.publish()?)
}

/// Bytes of an identity file: a few hundred, with room for armor; a mistaken file is not read into scrypt.
pub const MAX_FILE_BYTES: usize = 16 * 1024;
/// The most work accepted, as base-2 logarithm: four times ours, and 1 GiB of memory, for files made by later versions.
pub const MAX_SCRYPT_LOG_N: u8 = 20;

/// Bytes of the plaintext: four short lines, 64 characters of label, two keys.
const MAX_PLAIN_BYTES: usize = 1024;
const FIRST_LINE: &str = "# amana identity v1";
const LABEL: &str = "# label: ";
const SEED: &str = "# seed: ";
const PUBLIC_KEY: &str = "# public key: ";
