//! The header of an age v1 file: its framing, and no secrets.
//!
//! The broker keeps headers apart from payloads and a grant replaces only the header, so we need the exact bytes of one:
//! where it ends, what its MAC covers, which stanzas it holds. This codec is strict both ways. Every accepted header has
//! exactly one encoding, and what `age` refuses as malformed is refused here with the line at fault.
//!
//! It must never decrypt, derive a key or check a MAC (`client::rewrap` does), never repair what it reads, and never read a
//! byte behind the header. Start with [`Header::parse`]; [`read_header`] does the same on a stream, [`Unsigned`] writes.
//!
//! Layout (C2SP `age.md`, "Header"):
//!
//! ```text
//! age-encryption.org/v1
//! -> TYPE ARGUMENT ARGUMENT              one or more stanzas
//! BASE64 of the body, 64 columns a line, unpadded and canonical
//! last line shorter than 64 columns, perhaps empty
//! --- BASE64 of the 32-byte MAC          43 columns; the MAC covers everything up to and including "---"
//! ```

use std::io::{self, Read};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

mod error;
mod read;

pub use error::{HeaderError, LineFault, ReadHeaderError};
use read::{assemble, decode_base64};

/// A well-formed age v1 header with its bytes as they came; its MAC is unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    // INVARIANT: the encoding of `stanzas` and `mac`, at most `MAX_HEADER_BYTES` long, ending in `MAC_TAIL_BYTES` bytes of MAC.
    raw: Vec<u8>,
    stanzas: Vec<Stanza>,
    mac: [u8; MAC_BYTES],
}

impl Header {
    /// Reads the header at the start of `bytes` and says how many bytes it takes, the newline of its MAC line included.
    ///
    /// # Errors
    /// The first fault found, reading from the top.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), HeaderError> {
        let mut rest = bytes.iter();
        let header = assemble(|| Ok::<_, HeaderError>(rest.next().copied()))?;
        Ok((header, bytes.len() - rest.len()))
    }

    /// Reads `bytes` as one header and nothing else.
    ///
    /// # Errors
    /// As [`Header::parse`], and [`HeaderError::TrailingBytes`] when something follows the MAC line.
    pub fn parse_exact(bytes: &[u8]) -> Result<Self, HeaderError> {
        match Self::parse(bytes)? {
            (header, offset) if offset == bytes.len() => Ok(header),
            (_, offset) => Err(HeaderError::TrailingBytes { offset }),
        }
    }

    /// The stanzas in file order; at least one.
    pub fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// The MAC as written in the header, not checked.
    pub fn mac(&self) -> &[u8; MAC_BYTES] {
        &self.mac
    }

    /// The bytes the MAC covers: everything up to and including `---`.
    pub fn signed_bytes(&self) -> &[u8] {
        debug_assert!(self.raw.len() > MAC_TAIL_BYTES && self.raw.len() <= MAX_HEADER_BYTES);
        self.raw.split_last_chunk::<MAC_TAIL_BYTES>().map_or(&[], |(signed, _)| signed)
    }

    /// The whole header, byte for byte; header and payload joined are an age file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// SHA-256 of [`Header::as_bytes`]; grants bind header bytes by it.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.raw).into()
    }
}

/// Reads one header from `input` and no byte behind it, so that `input` stands at the payload.
///
/// Reads byte by byte: give it something buffered. A file that is no age file is refused within its first 100 bytes.
///
/// # Errors
/// [`ReadHeaderError::Io`] when `input` fails, otherwise as [`Header::parse`].
pub fn read_header(input: &mut impl Read) -> Result<Header, ReadHeaderError> {
    assemble(|| {
        let mut byte = [0];
        match input.read_exact(&mut byte) {
            Ok(()) => Ok(Some(u8::from_be_bytes(byte))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(ReadHeaderError::Io(error)),
        }
    })
}

/// A header still without its MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    // INVARIANT: the encoding of `stanzas` through `---`, short enough for the MAC to follow.
    signed: Vec<u8>,
    stanzas: Vec<Stanza>,
}

impl Unsigned {
    /// Encodes `stanzas` up to the point where the MAC goes.
    ///
    /// # Errors
    /// [`HeaderError::NoStanza`], [`HeaderError::ScryptNotAlone`], [`HeaderError::TooLong`].
    pub fn new(stanzas: Vec<Stanza>) -> Result<Self, HeaderError> {
        check_stanzas(&stanzas)?;
        let mut signed = VERSION_LINE.to_vec();
        signed.push(b'\n');
        for stanza in &stanzas {
            stanza.encode(&mut signed);
        }
        signed.extend_from_slice(MAC_MARK);
        if signed.len() + MAC_TAIL_BYTES > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLong);
        }
        Ok(Self { signed, stanzas })
    }

    /// What the MAC has to cover: everything up to and including `---`.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed
    }

    /// Finishes the header with `mac`, which the caller computed over [`Unsigned::signed_bytes`].
    pub fn with_mac(self, mac: [u8; MAC_BYTES]) -> Header {
        let mut raw = self.signed;
        raw.push(b' ');
        raw.extend_from_slice(BASE64_STANDARD_NO_PAD.encode(mac).as_bytes());
        raw.push(b'\n');
        debug_assert!(raw.len() <= MAX_HEADER_BYTES);
        Header { raw, stanzas: self.stanzas, mac }
    }
}

/// One stanza: the file key wrapped for one holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza {
    // INVARIANT: `tag` and every argument are one or more printable ASCII characters without space (`1*VCHAR`).
    tag: String,
    args: Vec<String>,
    body: Vec<u8>,
}

impl Stanza {
    /// Makes a stanza of a type name, its arguments and its body.
    ///
    /// # Errors
    /// [`HeaderError::BadArgument`] when type or argument is empty or holds anything but printable ASCII.
    pub fn new(tag: String, args: Vec<String>, body: Vec<u8>) -> Result<Self, HeaderError> {
        let mut words = std::iter::once(&tag).chain(&args);
        match words.position(|word| word.is_empty() || !word.bytes().all(is_printable)) {
            Some(index) => Err(HeaderError::BadArgument { index }),
            None => Ok(Self { tag, args, body }),
        }
    }

    /// The stanza's type name, such as `X25519`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The arguments behind the type name.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// The decoded body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What kind of stanza this is, as far as its outside tells.
    pub fn kind(&self) -> StanzaKind {
        match (self.tag.as_str(), self.args.as_slice()) {
            ("X25519", [share]) if decodes_to(share, 32) && self.body.len() == 32 => StanzaKind::X25519,
            ("scrypt", [salt, work]) if decodes_to(salt, 16) && self.body.len() == 32 => {
                work_factor(work).map_or(StanzaKind::Malformed, |log_n| StanzaKind::Scrypt { log_n })
            }
            ("X25519" | "scrypt", _) => StanzaKind::Malformed,
            (tag, _) if tag.ends_with("-grease") => StanzaKind::Grease,
            _ => StanzaKind::Other,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(STANZA_MARK);
        for word in std::iter::once(&self.tag).chain(&self.args) {
            debug_assert!(!word.is_empty() && word.bytes().all(is_printable));
            out.push(b' ');
            out.extend_from_slice(word.as_bytes());
        }
        out.push(b'\n');
        let lines = self.body.chunks_exact(BODY_LINE_BYTES);
        let last = lines.remainder();
        for line in lines.chain(std::iter::once(last)) {
            out.extend_from_slice(BASE64_STANDARD_NO_PAD.encode(line).as_bytes());
            out.push(b'\n');
        }
    }
}

/// What a stanza is for, told from its type name, arguments and lengths alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaKind {
    /// For an X25519 key; whose key cannot be seen.
    X25519,
    /// For a passphrase, stretched with 2^`log_n` rounds of scrypt.
    Scrypt {
        /// Base-2 logarithm of the work.
        log_n: u8,
    },
    /// Noise that age adds so that readers learn to skip what they do not know.
    Grease,
    /// Claims to be `X25519` or `scrypt` but has not their shape; `age` will refuse the file.
    Malformed,
    /// Some other type, such as an SSH, plugin or post-quantum recipient.
    Other,
}

/// Structure over the stanzas as a whole (C2SP `age.md`, "scrypt recipient stanza").
fn check_stanzas(stanzas: &[Stanza]) -> Result<(), HeaderError> {
    match stanzas {
        [] => Err(HeaderError::NoStanza),
        [_] => Ok(()),
        several if several.iter().any(|stanza| stanza.tag == "scrypt") => {
            Err(HeaderError::ScryptNotAlone { stanzas: several.len() })
        }
        _ => Ok(()),
    }
}

fn decodes_to(argument: &str, size_bytes: usize) -> bool {
    decode_base64(argument.as_bytes()).is_ok_and(|bytes| bytes.len() == size_bytes)
}

/// One or two decimal digits without a leading zero, below 64.
fn work_factor(argument: &str) -> Option<u8> {
    let canonical = argument.bytes().all(|byte| byte.is_ascii_digit()) && !argument.starts_with('0');
    argument.parse().ok().filter(|&log_n| canonical && log_n < 64)
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// The longest header read or written, in bytes; room for hundreds of recipients, small enough to hold in memory.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;
/// The size of a header's MAC (HMAC-SHA256).
pub const MAC_BYTES: usize = 32;

/// Where to give up on a first line: enough to recognise another version, little to read of a file that is something else.
const FIRST_LINE_LIMIT: usize = 80;
const VERSION_LINE: &[u8] = b"age-encryption.org/v1";
const STANZA_MARK: &[u8] = b"->";
const MAC_MARK: &[u8] = b"---";
const BODY_COLUMNS: usize = 64;
const BODY_LINE_BYTES: usize = 48;
const MAC_COLUMNS: usize = 43;
/// A space, the MAC in base64, a newline.
const MAC_TAIL_BYTES: usize = 1 + MAC_COLUMNS + 1;
