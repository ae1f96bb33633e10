//! Re-wrapping: a new header for the same payload.
//!
//! A grant hands an institution the report's file key and leaves the payload alone: unwrap the key from the owner's
//! header, check that header's MAC, wrap the key for the institution's recipient key. The new header followed by the old
//! payload is a standard age file.
//!
//! age payloads do not commit to their key: one payload can be built to open under two keys to two contents. So a report
//! publishes a commitment to its file key, and whoever unwraps one calls [`check_commitment`] before believing the content.
//!
//! Nothing here may show a file key, keep it longer than the call, or trust a header before its MAC is checked. The
//! randomness of new stanzas is drawn inside `age`, which takes none as an argument. Start with [`rewrap`].

use std::collections::HashSet;

use age::{DecryptError, EncryptError, Identity, Recipient, secrecy::ExposeSecret as _};
use age_core::{format, primitives::hkdf};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::wire::header::{Header, HeaderError, Stanza, Unsigned};

/// Writes the header that gives `recipients` what `identity` can open in `header`.
///
/// # Errors
/// As [`unwrap_file_key`] and [`wrap_file_key`].
pub fn rewrap(header: &Header, identity: &dyn Identity, recipients: &[&dyn Recipient]) -> Result<Header, RewrapError> {
    wrap_file_key(&unwrap_file_key(header, identity)?, recipients)
}

/// Unwraps the file key of `header` with `identity`, and checks the header's MAC with it.
///
/// # Errors
/// [`RewrapError::NotForThisIdentity`], [`RewrapError::MalformedStanza`], [`RewrapError::ExcessiveWork`],
/// [`RewrapError::Identity`], and [`RewrapError::Mac`] when somebody changed the header.
pub fn unwrap_file_key(header: &Header, identity: &dyn Identity) -> Result<FileKey, RewrapError> {
    let stanzas: Vec<format::Stanza> = header.stanzas().iter().map(to_age).collect();
    let file_key = match identity.unwrap_stanzas(&stanzas) {
        None => return Err(RewrapError::NotForThisIdentity),
        Some(unwrapped) => FileKey(unwrapped.map_err(unwrap_error)?),
    };
    check_mac(header, &file_key)?;
    Ok(file_key)
}

/// Checks, in constant time, that the MAC of `header` was made with `file_key`.
///
/// # Errors
/// [`RewrapError::Mac`].
pub fn check_mac(header: &Header, file_key: &FileKey) -> Result<(), RewrapError> {
    header_mac(file_key, header.signed_bytes()).verify_slice(header.mac()).map_err(|_| RewrapError::Mac)
}

/// Writes a header that wraps `file_key` for every one of `recipients`.
///
/// Unlike `age`'s own writer it adds no grease stanza: two headers of equal recipients have equal length.
///
/// # Errors
/// [`RewrapError::NoRecipients`], [`RewrapError::MixedLabels`], [`RewrapError::EmptyRecipient`], [`RewrapError::Recipient`],
/// and [`RewrapError::Header`] when the stanzas do not make a header (too many, or scrypt beside others).
pub fn wrap_file_key(file_key: &FileKey, recipients: &[&dyn Recipient]) -> Result<Header, RewrapError> {
    let mut stanzas = Vec::new();
    let mut agreed: Option<HashSet<String>> = None;
    for recipient in recipients {
        let (wrapped, labels) = recipient.wrap_file_key(&file_key.0).map_err(RewrapError::Recipient)?;
        if wrapped.is_empty() {
            return Err(RewrapError::EmptyRecipient);
        }
        if *agreed.get_or_insert_with(|| labels.clone()) != labels {
            return Err(RewrapError::MixedLabels);
        }
        for stanza in wrapped {
            stanzas.push(Stanza::new(stanza.tag, stanza.args, stanza.body)?);
        }
    }
    if agreed.is_none() {
        return Err(RewrapError::NoRecipients);
    }
    let unsigned = Unsigned::new(stanzas)?;
    let mac = header_mac(file_key, unsigned.signed_bytes()).finalize().into_bytes().into();
    Ok(unsigned.with_mac(mac))
}

/// The commitment to `file_key` that a report statement publishes beside its payload's digest.
///
/// HKDF-SHA256 (RFC 5869) with the 16-byte file key as input, the payload's first 16 bytes as salt, info
/// `amana/file-key-commitment/v1`, 32 bytes. It tells nothing about the key to somebody who has not got it.
pub fn key_commitment(file_key: &FileKey, payload_nonce: &[u8; PAYLOAD_NONCE_BYTES]) -> [u8; 32] {
    hkdf(payload_nonce, COMMITMENT_INFO, file_key.0.expose_secret())
}

/// Checks, in constant time, that `file_key` is the one a report committed to with `published`.
///
/// # Errors
/// [`RewrapError::CommitmentMismatch`]: this header leads to other content than the report's other headers.
pub fn check_commitment(
    file_key: &FileKey,
    payload_nonce: &[u8; PAYLOAD_NONCE_BYTES],
    published: &[u8; 32],
) -> Result<(), RewrapError> {
    if key_commitment(file_key, payload_nonce).ct_eq(published).into() {
        Ok(())
    } else {
        Err(RewrapError::CommitmentMismatch)
    }
}

/// An age file key: it opens the payload. Wiped when dropped; cannot be shown, copied or serialised.
pub struct FileKey(format::FileKey);

impl FileKey {
    /// Takes over 16 bytes of key; boxed, so that moving the key leaves no copy behind.
    pub fn new(bytes: Box<[u8; FILE_KEY_BYTES]>) -> Self {
        Self(format::FileKey::new(bytes))
    }
}

/// Why a header was not re-wrapped, or a file key not believed.
#[derive(Debug, Error)]
pub enum RewrapError {
    /// No stanza is for this identity, or the passphrase is wrong.
    #[error("the header is not for this identity, or the passphrase is wrong")]
    NotForThisIdentity,
    /// A stanza claims a type but has not its shape.
    #[error("a stanza of the header is malformed")]
    MalformedStanza,
    /// A passphrase stanza asks for more work than the identity permits.
    #[error("the passphrase needs 2^{log_n} rounds of work, more than is permitted")]
    ExcessiveWork {
        /// Base-2 logarithm of the work asked for.
        log_n: u8,
    },
    /// The identity itself failed.
    #[error("the identity cannot be used")]
    Identity(#[source] DecryptError),
    /// The header was changed after it was written.
    #[error("the header's MAC does not fit; it was altered")]
    Mac,
    /// There is nobody to wrap for.
    #[error("there is no recipient")]
    NoRecipients,
    /// A recipient made no stanza, so it could not open the file.
    #[error("a recipient made no stanza")]
    EmptyRecipient,
    /// Recipients refuse to stand in one header, such as a passphrase beside a key.
    #[error("these recipients cannot be combined in one header")]
    MixedLabels,
    /// A recipient failed.
    #[error("a recipient cannot be used")]
    Recipient(#[source] EncryptError),
    /// The stanzas do not make a header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file key is not the one the report committed to.
    #[error("this header leads to other content than the report's statement commits to")]
    CommitmentMismatch,
}

fn unwrap_error(error: DecryptError) -> RewrapError {
    match error {
        // Only a passphrase answers so: a key that does not fit a stanza skips it.
        DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys => RewrapError::NotForThisIdentity,
        DecryptError::InvalidHeader => RewrapError::MalformedStanza,
        DecryptError::ExcessiveWork { required, .. } => RewrapError::ExcessiveWork { log_n: required },
        other => RewrapError::Identity(other),
    }
}

fn to_age(stanza: &Stanza) -> format::Stanza {
    format::Stanza { tag: stanza.tag().to_owned(), args: stanza.args().to_vec(), body: stanza.body().to_vec() }
}

/// HMAC-SHA256 over the header through `---`, keyed by HKDF-SHA256 of the file key without salt, info `header`
/// (C2SP `age.md`, "Header MAC").
fn header_mac(file_key: &FileKey, signed_bytes: &[u8]) -> Hmac<Sha256> {
    let key = Zeroizing::new(hkdf(&[], b"header", file_key.0.expose_secret()));
    #[expect(clippy::expect_used, reason = "RFC 2104: HMAC takes a key of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length");
    mac.chain_update(signed_bytes)
}

/// The size of an age file key.
pub const FILE_KEY_BYTES: usize = format::FILE_KEY_BYTES;
/// The size of the nonce an age payload begins with.
pub const PAYLOAD_NONCE_BYTES: usize = 16;

const COMMITMENT_INFO: &[u8] = b"amana/file-key-commitment/v1";
