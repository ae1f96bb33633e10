//! Sealing what is short: messages between people, and the client's own state.
//!
//! A message travels inside a signed statement, so its length is seen by the broker: it is padded to multiples of 256 bytes.
//! Nothing here touches a file. Start at [`seal_message`] and [`open_message`].

use std::io::{Read as _, Write as _};

use age::{DecryptError, Decryptor, EncryptError, Encryptor, x25519};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::client::identity::{UnusableRecipient, to_age};
use crate::model::ids::AgeRecipient;

/// Seals a message to `recipient`, as unpadded base64url of an age file.
///
/// Its plaintext is `u32be(length) ‖ text ‖ zeros` up to the next multiple of [`PADDED_TO_BYTES`].
///
/// # Errors
/// [`MessageError::TooLong`] above [`MAX_MESSAGE_BYTES`], [`MessageError::Recipient`].
pub fn seal_message(recipient: &AgeRecipient, text: &str) -> Result<String, MessageError> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(MessageError::TooLong { most: MAX_MESSAGE_BYTES });
    }
    let sealed = seal_bytes(std::slice::from_ref(recipient), &padded(text))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens what [`seal_message`] sealed.
///
/// # Errors
/// [`MessageError::NotForThisIdentity`], [`MessageError::Damaged`], [`MessageError::TooLong`].
pub fn open_message(identity: &x25519::Identity, sealed: &str) -> Result<Zeroizing<String>, MessageError> {
    if sealed.len() > MAX_SEALED_CHARS {
        return Err(MessageError::TooLong { most: MAX_MESSAGE_BYTES });
    }
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| MessageError::Damaged)?;
    let plain = open_bytes(identity, &sealed, MAX_MESSAGE_BYTES + LENGTH_BYTES + PADDED_TO_BYTES)?;
    let text = unpadded(&plain).ok_or(MessageError::Damaged)?;
    // Exactly one padding is right for a text; anything else in its place could carry something unseen.
    if text.len() <= MAX_MESSAGE_BYTES && *padded(text) == *plain {
        Ok(Zeroizing::new(text.to_owned()))
    } else {
        Err(MessageError::Damaged)
    }
}

/// Seals a few bytes to every one of `recipients`. Their length is not hidden.
///
/// # Errors
/// [`MessageError::Recipient`], and [`MessageError::Encrypt`] when there is no recipient.
pub fn seal_bytes(recipients: &[AgeRecipient], plain: &[u8]) -> Result<Vec<u8>, MessageError> {
    let recipients: Vec<x25519::Recipient> = recipients.iter().map(to_age).collect::<Result<_, _>>()?;
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(MessageError::Encrypt)?;
    let written = encryptor.wrap_output(Vec::new()).and_then(|mut file| {
        file.write_all(plain)?;
        file.finish()
    });
    written.map_err(|source| MessageError::Encrypt(source.into()))
}

/// Opens what [`seal_bytes`] sealed, if it holds at most `most` bytes.
///
/// # Errors
/// [`MessageError::NotForThisIdentity`], [`MessageError::Damaged`], [`MessageError::TooLong`].
pub fn open_bytes(identity: &x25519::Identity, sealed: &[u8], most: usize) -> Result<Zeroizing<Vec<u8>>, MessageError> {
    let decryptor = Decryptor::new(sealed).map_err(|_| MessageError::Damaged)?;
    let reader = decryptor.decrypt(std::iter::once(identity as _)).map_err(|error| match error {
        DecryptError::NoMatchingKeys => MessageError::NotForThisIdentity,
        _ => MessageError::Damaged,
    })?;
    // The plaintext is shorter than the file; with room for all of it no growing buffer leaves copies behind.
    let bound = most.saturating_add(1);
    let mut plain = Zeroizing::new(Vec::with_capacity(bound.min(sealed.len())));
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    reader.take(bound).read_to_end(&mut plain).map_err(|_| MessageError::Damaged)?;
    if plain.len() > most { Err(MessageError::TooLong { most }) } else { Ok(plain) }
}

/// Why a message was not sealed or opened.
#[derive(Debug, Error)]
pub enum MessageError {
    /// Longer than a message may be.
    #[error("the message is longer than {most} bytes; shorten it, or put it into a report")]
    TooLong {
        /// The bound, in bytes.
        most: usize,
    },
    /// Nobody can be sealed to under this recipient.
    #[error(transparent)]
    Recipient(#[from] UnusableRecipient),
    /// Encryption failed.
    #[error("the message cannot be encrypted")]
    Encrypt(#[source] EncryptError),
    /// It is for somebody else.
    #[error("the message is not for this identity; try the one it was sent to")]
    NotForThisIdentity,
    /// It is not what was sealed.
    #[error("the message is damaged; ask its author to send it again")]
    Damaged,
}

fn padded(text: &str) -> Zeroizing<Vec<u8>> {
    debug_assert!(text.len() <= MAX_MESSAGE_BYTES);
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let bytes = (LENGTH_BYTES + text.len()).next_multiple_of(PADDED_TO_BYTES);
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes));
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(text.as_bytes());
    plain.resize(bytes, 0);
    plain
}

fn unpadded(plain: &[u8]) -> Option<&str> {
    let (length, rest) = plain.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// Bytes of a message's text: pages of it, and sealed still half of what a statement may hold.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// Messages are padded to multiples of this: a short answer and a longer one look alike.
pub const PADDED_TO_BYTES: usize = 256;

const LENGTH_BYTES: usize = 4;
/// Four characters for three bytes, with room for padding and a header of several stanzas.
const MAX_SEALED_CHARS: usize = 2 * MAX_MESSAGE_BYTES;
