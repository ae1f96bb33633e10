//! Why a header is refused, in words that a person can act on. The one place with the codec's messages; it quotes nothing
//! from the file, whose bytes may be hostile to a terminal. Start with [`HeaderError`].

use std::io;

use thiserror::Error;

use super::{BODY_COLUMNS, MAC_COLUMNS, MAX_HEADER_BYTES};

/// Why bytes are not an age v1 header, or stanzas cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// The file is in the text ("armored") form of age.
    #[error("this is an armored age file; the binary form is needed")]
    Armored,
    /// The file does not begin like an age file.
    #[error("this is not an age file")]
    NotAge,
    /// An age file of a version other than v1.
    #[error("this is an age file, but not of version v1")]
    UnsupportedVersion,
    /// The input ended inside a line, counted from 1.
    #[error("the header is cut off in line {line}")]
    Truncated {
        /// The incomplete line.
        line: usize,
    },
    /// The header would pass [`MAX_HEADER_BYTES`].
    #[error("the header is longer than {MAX_HEADER_BYTES} bytes")]
    TooLong,
    /// A line, counted from 1, is not as it must be.
    #[error("line {line} of the header {fault}")]
    Line {
        /// The line.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// There is nobody the file is for.
    #[error("the header holds no stanza")]
    NoStanza,
    /// A passphrase stanza stands beside others; whoever knows the passphrase is then not the only possible author.
    #[error("the header has a passphrase (scrypt) stanza among {stanzas}; it must be the only one")]
    ScryptNotAlone {
        /// How many stanzas there are.
        stanzas: usize,
    },
    /// Something follows where only a header was expected.
    #[error("the header ends at byte {offset}, but more bytes follow")]
    TrailingBytes {
        /// Length of the header.
        offset: usize,
    },
    /// [`Stanza::new`](super::Stanza::new) was given an unusable type name or argument.
    #[error("word {index} of the stanza (0 is its type) is empty or not printable ASCII")]
    BadArgument {
        /// 0 for the type name, then the arguments.
        index: usize,
    },
}

/// What is wrong with one line of a header. Columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineFault {
    /// It ends in CR LF.
    #[error("ends in a carriage return; the file was converted as if it were text")]
    CarriageReturn,
    /// It ends in a space.
    #[error("ends in a space")]
    TrailingSpace,
    /// It stands where a stanza or the MAC should begin.
    #[error("begins neither a stanza (`-> `) nor the MAC (`---`)")]
    NotAStanza,
    /// A stanza's first line has two spaces in a row.
    #[error("has an empty argument")]
    EmptyArgument,
    /// A stanza's first line holds a byte that is not printable ASCII.
    #[error("has a forbidden byte in column {0}")]
    ForbiddenByte(usize),
    /// A line of a stanza's body is longer than 64 columns.
    #[error("has more than the {BODY_COLUMNS} columns of a stanza's body")]
    TooWide,
    /// The stanza above was not ended by a line of less than 64 columns.
    #[error("begins something new before a short line has ended the stanza above")]
    BodyNotEnded,
    /// A body line holds a character outside the standard base64 alphabet.
    #[error("is not base64 in column {0}")]
    NotBase64(usize),
    /// A body line has a length that no bytes encode to.
    #[error("is not base64: no bytes encode to this length")]
    Base64Length,
    /// A body line is padded with `=`.
    #[error("is padded base64; age's has no padding")]
    Base64Padding,
    /// The unused bits of a body's last character are not zero.
    #[error("is not canonical base64: the unused bits at the end are not zero")]
    Base64NotCanonical,
    /// The MAC is not as it must be.
    #[error("is not `--- ` and {MAC_COLUMNS} columns of canonical base64")]
    BadMac,
}

/// Why no header could be read from a stream.
#[derive(Debug, Error)]
pub enum ReadHeaderError {
    /// Reading failed.
    #[error("the header cannot be read")]
    Io(#[source] io::Error),
    /// What was read is not a header.
    #[error(transparent)]
    Header(#[from] HeaderError),
}
