//! Columns sealed at rest: a stolen database file alone shows rows, not what they hold.
//!
//! XChaCha20-Poly1305, nonce (24 random bytes) ‖ ciphertext. Associated data binds a column to its place:
//! `"amana/column/v1\0"` and then table, row, column and version, each after its length as u32 big-endian.

use super::StoreError;
use crate::model::ambient::{Entropy, random};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use std::sync::Arc;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"amana/column/v1\0";
const NONCE_BYTES: usize = 24;

/// Where a sealed value stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Table.
    pub table: &'static str,
    /// Row key.
    pub row: &'a str,
    /// Column.
    pub column: &'static str,
    /// Version of the row.
    pub version: u64,
}

/// Seals and opens columns.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    entropy: Arc<dyn Entropy>,
}

impl Sealer {
    /// From the 32-byte storage key, which lives outside the data folder.
    pub fn new(key: &Zeroizing<[u8; 32]>, entropy: Arc<dyn Entropy>) -> Self {
        Self { cipher: XChaCha20Poly1305::new((&**key).into()), entropy }
    }

    /// Seals a value for its place.
    pub fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_BYTES] = random(&*self.entropy);
        let aad = associated(place);
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: value, aad: &aad })
            .map_err(|_| StoreError::Form("a column too large to seal"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a value at its place.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it was changed, moved, or sealed under another key.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::Damaged { table: place.table, row: place.row.to_owned() };
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(damaged)?;
        let aad = associated(place);
        self.cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: ciphertext, aad: &aad }).map_err(|_| damaged())
    }
}

fn associated(place: Place<'_>) -> Vec<u8> {
    let mut data = LABEL.to_vec();
    let version = place.version.to_be_bytes();
    for part in [place.table.as_bytes(), place.row.as_bytes(), place.column.as_bytes(), &version] {
        // A part is a short name or a digest; its length always fits.
        data.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        data.extend(part);
    }
    data
}
