//! The manifest alone, read from a sealed file without writing a byte of plaintext anywhere.

use super::{OpenError, SealedReport, Stated, into_io};
use crate::{
    client::report::{Manifest, read_manifest},
    model::ids::Digest,
};
use age::{Decryptor, x25519};
use sha2::{Digest as _, Sha256};
use std::{
    io::{self, Cursor, Read as _},
    path::Path,
};

/// Reads the manifest of a sealed file, if the file is what `stated` says.
///
/// # Errors
/// As [`super::open`].
pub fn manifest_of(report_age: &Path, identity: &x25519::Identity, stated: &Stated) -> Result<Manifest, OpenError> {
    let failed = |source| OpenError::Read { path: report_age.to_owned(), source };
    let mut sealed = SealedReport::open(report_age, stated)?;
    sealed.check_commitment(identity, stated)?;
    let mut hash = Sha256::new();
    hash.update(sealed.nonce);
    io::copy(&mut sealed.file, &mut hash).map_err(failed)?;
    let found = Digest::from_bytes(hash.finalize().into());
    if found != stated.payload_sha256 {
        return Err(OpenError::Changed { found });
    }
    let SealedReport { header, nonce, file, .. } = SealedReport::open(report_age, stated)?;
    let head = Cursor::new([header.as_bytes(), &nonce].concat());
    let opened = Decryptor::new(head.chain(file)).and_then(|d| d.decrypt(std::iter::once(identity as _)));
    let mut plaintext = opened.map_err(|error| OpenError::Undecryptable(into_io(error)))?;
    read_manifest(&mut plaintext).map_err(OpenError::Unpack)
}
