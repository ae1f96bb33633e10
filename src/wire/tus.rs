//! Headers of tus 1.0, the resumable upload protocol: <https://tus.io/protocols/resumable-upload>.
//!
//! Extensions spoken: creation, creation-with-upload, creation-defer-length, expiration, checksum, termination. Pure
//! parsing; a value that is not exactly as the protocol writes it is refused, since a misread offset damages a report.

use crate::model::{ids::ReportId, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// The one version spoken.
pub const VERSION: &str = "1.0.0";
/// Extensions spoken, as `Tus-Extension` lists them.
pub const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination";
/// Checksums known, as `Tus-Checksum-Algorithm` lists them.
pub const CHECKSUMS: &str = "sha1,sha256";
/// Media type of a part.
pub const PART: &str = "application/offset+octet-stream";
/// Key in `Upload-Metadata` whose value is a report's id.
const REPORT: &str = "report";

/// A header is not as tus 1.0 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TusError {
    /// A length or an offset.
    #[error("{0} must be a number of bytes in decimal digits")]
    Number(&'static str),
    /// Neither or both ways to say the length.
    #[error("say either Upload-Length or Upload-Defer-Length: 1")]
    Length,
    /// Metadata.
    #[error("Upload-Metadata must be pairs of a key and a base64 value, joined by commas, each key once")]
    Metadata,
    /// The report in it.
    #[error("the value of report in Upload-Metadata must be a report's id: 64 lower-case hexadecimal characters")]
    Report,
    /// Checksum.
    #[error("Upload-Checksum must be sha1 or sha256, a space and the digest in base64")]
    Checksum,
}

/// How long an upload will be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// Known.
    Bytes(u64),
    /// Told later.
    Deferred,
}

/// `Upload-Length` or `Upload-Defer-Length`, of which exactly one must be there.
///
/// # Errors
/// [`TusError::Length`], [`TusError::Number`].
pub fn length(length: Option<&str>, deferred: Option<&str>) -> Result<Length, TusError> {
    match (length, deferred) {
        (Some(text), None) => Ok(Length::Bytes(bytes("Upload-Length", text)?)),
        (None, Some("1")) => Ok(Length::Deferred),
        _ => Err(TusError::Length),
    }
}

/// A number of bytes: decimal digits only, below 2⁵³ as every integer here.
///
/// # Errors
/// [`TusError::Number`].
pub fn bytes(name: &'static str, text: &str) -> Result<u64, TusError> {
    let digits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|n| *n < 1 << 53);
    number.filter(|_| digits).ok_or(TusError::Number(name))
}

/// The report an upload is for, from `Upload-Metadata`. Other keys are checked for form and forgotten: a stock client
/// sends a file's name here, and the broker has no business knowing it.
///
/// # Errors
/// [`TusError::Metadata`], [`TusError::Report`].
pub fn report(metadata: &str) -> Result<Option<ReportId>, TusError> {
    if metadata.len() > limits::UPLOAD_METADATA_BYTES {
        return Err(TusError::Metadata);
    }
    let mut seen = Vec::new();
    let mut found = None;
    for pair in metadata.split(',').map(str::trim).filter(|_| !metadata.trim().is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let well_formed = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        if !well_formed || seen.contains(&key) {
            return Err(TusError::Metadata);
        }
        seen.push(key);
        let value = STANDARD.decode(value).map_err(|_| TusError::Metadata)?;
        if key == REPORT {
            let text = std::str::from_utf8(&value).map_err(|_| TusError::Report)?;
            found = Some(text.parse().map_err(|_| TusError::Report)?);
        }
    }
    Ok(found)
}

/// `Upload-Metadata` that names a report.
pub fn metadata(report: ReportId) -> String {
    format!("{REPORT} {}", STANDARD.encode(report.to_string()))
}

/// `Upload-Checksum`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-1: mandatory in tus; it guards against damage on the way, not against anybody.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl Checksum {
    /// Reads it.
    ///
    /// # Errors
    /// [`TusError::Checksum`].
    pub fn parse(text: &str) -> Result<Self, TusError> {
        let (algorithm, digest) = text.split_once(' ').ok_or(TusError::Checksum)?;
        let digest = STANDARD.decode(digest).map_err(|_| TusError::Checksum)?;
        match algorithm {
            "sha1" => digest.try_into().map(Self::Sha1).map_err(|_| TusError::Checksum),
            "sha256" => digest.try_into().map(Self::Sha256).map_err(|_| TusError::Checksum),
            _ => Err(TusError::Checksum),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(digest) => write!(f, "sha1 {}", STANDARD.encode(digest)),
            Self::Sha256(digest) => write!(f, "sha256 {}", STANDARD.encode(digest)),
        }
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_said_exactly_once() {
        assert_eq!(length(Some("12"), None), Ok(Length::Bytes(12)));
        assert_eq!(length(None, Some("1")), Ok(Length::Deferred));
        for (given, deferred) in [(None, None), (Some("1"), Some("1")), (None, Some("0")), (None, Some("2"))] {
            assert_eq!(length(given, deferred), Err(TusError::Length));
        }
        for text in ["", "-1", "+1", " 1", "1 ", "1e3", "0x1", "9007199254740992", "99999999999999999999"] {
            assert_eq!(length(Some(text), None), Err(TusError::Number("Upload-Length")), "{text:?}");
        }
    }

    #[test]
    fn metadata_names_a_report_or_none() {
        let id: ReportId = crate::model::ids::Digest::of(b"report").into();
        assert_eq!(report(&metadata(id)), Ok(Some(id)));
        assert_eq!(report(&format!("filename bm90ZS50eHQ=,{},empty", metadata(id))), Ok(Some(id)));
        assert_eq!(report(""), Ok(None));
        assert_eq!(report("filename bm90ZS50eHQ="), Ok(None));
        assert_eq!(report("a Yg==,a Yg=="), Err(TusError::Metadata));
        assert_eq!(report("a !!"), Err(TusError::Metadata));
        assert_eq!(report(",a Yg=="), Err(TusError::Metadata));
        assert_eq!(report("report Yg=="), Err(TusError::Report));
    }

    #[test]
    fn checksum_has_the_length_of_its_algorithm() {
        let text = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
        assert_eq!(Checksum::parse(text).map(|c| c.to_string()), Ok(text.to_owned()));
        for bad in
            ["sha1", "sha1 ", "md5 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 %"]
        {
            assert_eq!(Checksum::parse(bad), Err(TusError::Checksum), "{bad:?}");
        }
    }
}
