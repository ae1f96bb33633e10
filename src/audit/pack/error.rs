//! What can be wrong with a pack.

use crate::{audit::AuditError, wire::receipt::ReceiptError};

/// The first thing about a pack that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not an archive as packs are written.
    #[error("the archive is not one as evidence packs are written: {0}")]
    Archive(String),
    /// A file is not there.
    #[error("{0} is missing from the pack")]
    Missing(String),
    /// A file is there that does not belong to a pack.
    #[error("{0} does not belong into an evidence pack, or the entry it belongs to is missing")]
    Foreign(String),
    /// A file is not what `manifest.txt` says.
    #[error("{0} is not what manifest.txt says: it was changed, or manifest.txt was")]
    Sum(String),
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Trust root, register, or an entry that breaks a rule.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A proof does not hold.
    #[error("{file} does not prove that its entry is in the log")]
    Proof {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: ReceiptError,
    },
    /// A signed state of the log is not joined to the others.
    #[error(
        "{file}: it is of a state of the log (size {size}) that is not proved to be a part of the one in case.checkpoint"
    )]
    Tree {
        /// Where that state stands.
        file: String,
        /// Its size.
        size: u64,
    },
    /// The log lists an entry that is not here.
    #[error("the log's own signed listing names entry {0} as being about this report, and the pack does not hold it")]
    Omitted(u64),
    /// An entry is here that the log does not list.
    #[error("entry {0} is not about this report by the log's own signed listing")]
    Unlisted(u64),
    /// What follows from the entries is not what the pack says.
    #[error("{file} is not what follows from the entries of the pack: {reason}")]
    Derived {
        /// The file.
        file: String,
        /// In which way.
        reason: String,
    },
}

impl PackError {
    /// A file that cannot be read, and why.
    pub(super) fn file(file: &str, reason: impl std::fmt::Display) -> Self {
        Self::File { file: file.to_owned(), reason: reason.to_string() }
    }
}
