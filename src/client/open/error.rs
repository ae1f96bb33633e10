//! Why a report was not opened: what happened, and what to do. The one place with these messages.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::client::report::UnpackError;
use crate::client::rewrap::RewrapError;
use crate::model::ids::Digest;
use crate::wire::header::HeaderError;

/// Why a report was not opened. Nothing of it is left on the disk.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder is there already; nothing in it was touched.
    #[error("{} is there already; name a new folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// What an interrupted opening left is in the way. It holds plaintext.
    #[error(
        "{} is left from an interrupted opening and holds parts of a report, or one is still running; remove it and try \
         again",
        path.display()
    )]
    Leftover {
        /// The unfinished folder.
        path: PathBuf,
    },
    /// The folder cannot be made.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sealed file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than an age file.
    #[error("this is not a sealed report (not an age file); look whether it is the file you fetched")]
    NotAge,
    /// It begins like an age file and goes on differently.
    #[error("the file begins with a malformed header and was not opened ({0}); fetch it again")]
    Header(HeaderError),
    /// The header was changed after it was written.
    #[error("the header was changed on its way and was not opened; fetch it again, and report it if it happens twice")]
    HeaderAltered,
    /// The header is for another key.
    #[error("the file is not for this identity; use the one the grant names, or ask for a new grant")]
    NotForThisIdentity,
    /// The header cannot be used with this identity.
    #[error("the header cannot be used with this identity")]
    Identity(#[source] RewrapError),
    /// Bytes are missing.
    #[error("the file ends too early: {found} of {stated} bytes of payload; fetch the rest")]
    Shorter {
        /// Bytes of payload in the file.
        found: u64,
        /// Bytes in the statement.
        stated: u64,
    },
    /// There are more bytes than there should be.
    #[error(
        "the file has {found} bytes of payload, the report statement says {stated}; it is another file, fetch it again"
    )]
    Longer {
        /// Bytes of payload in the file.
        found: u64,
        /// Bytes in the statement.
        stated: u64,
    },
    /// The bytes are not those of the statement.
    #[error(
        "the payload is not the one in the report statement (its SHA-256 differs); fetch it again, and report it if it happens twice"
    )]
    Changed {
        /// SHA-256 of the payload found.
        found: Digest,
    },
    /// The file key is not the one the statement commits to.
    #[error(
        "this file was made to show different people different contents: its key is not the one the report statement commits \
         to. Do not rely on it; keep the file and acknowledge the release with a defect"
    )]
    CommitmentMismatch,
    /// The payload is the stated one, but does not decrypt.
    #[error(
        "the payload is the one in the report statement but cannot be decrypted; it was sealed wrongly, acknowledge a defect"
    )]
    Undecryptable(#[source] io::Error),
    /// The archive inside is not a report.
    #[error("what is inside is not a well-formed report and was not kept ({0}); acknowledge a defect")]
    Unpack(UnpackError),
}
