//! Sealing: a report becomes one age file that only its owner and the recovery key can open.
//!
//! `age` encrypts; we write the header. Its own header may carry a grease stanza of random size, so it is caught on its way
//! out, the file key is unwrapped from it with the owner's identity, and a header of exactly two stanzas takes its place. The
//! payload (a 16-byte nonce and STREAM chunks) passes unchanged; another thread hashes and writes it.
//!
//! Nothing here may replace a file, leave half of one, or keep a file key longer than it takes to write the header. Start at
//! [`seal`]; [`SealedFile`] reads the result for upload, [`message`] seals what is short.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{panic, thread};

use age::stream::StreamWriter;
use age::{EncryptError, Encryptor, x25519};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::identity::{NewFile, NewFileError, UnusableRecipient, to_age};
use super::report::{self, PackError, Plan};
use super::rewrap::{self, PAYLOAD_NONCE_BYTES, RewrapError};
use crate::model::ids::{AgeRecipient, Digest};
use crate::model::limits::PAYLOAD_BYTES;
use crate::wire::header::{Header, HeaderError, ReadHeaderError, read_header};

pub mod message;
pub mod stream;

pub use message::{MessageError, open_bytes, open_message, seal_bytes, seal_message};

/// What the report statement says about a sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the payload: everything after the header.
    pub payload_sha256: Digest,
    /// Length of the payload.
    pub payload_bytes: u64,
    /// What ties the payload to one content; see [`rewrap::key_commitment`].
    pub key_commitment: Digest,
    /// The header, with one stanza for the owner and one for the recovery key.
    pub owner_header: Vec<u8>,
    /// SHA-256 of the header.
    pub owner_header_digest: Digest,
}

/// Seals what `plan` holds into the new file `out`, for its owner and the owner's recovery key.
///
/// Memory does not grow with the report. The file appears under its name when it is complete and on the disk.
/// `progress` is told the bytes sealed since its last call; [`Plan::total_bytes`] is their sum.
///
/// # Errors
/// Nothing is left behind: a file of the plan changed, the disk refused, or something is at `out` already.
pub fn seal(
    plan: &Plan,
    owner: &x25519::Identity,
    recovery: &AgeRecipient,
    out: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Sealed, SealError> {
    seal_growing(plan, owner, recovery, out, progress, &Growth::default())
}

/// How far a sealed file has grown, for somebody who sends it while it is made.
#[derive(Debug, Default)]
pub struct Growth {
    begun: OnceLock<(PathBuf, u64)>,
    written: AtomicU64,
    ended: AtomicBool,
}

impl Growth {
    /// The file under the name it has while it grows, and the length of its header; `None` before there is one.
    pub fn file(&self) -> Option<&(PathBuf, u64)> {
        self.begun.get()
    }
    /// Payload bytes written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }
    /// Whether nothing more comes, because it is whole or because sealing failed.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
    /// Says that nothing more comes.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

/// As [`seal`], telling `growth` how far it is. A file key is made here and forgotten here: sealing again, for whatever
/// reason, is sealing under another one.
///
/// # Errors
/// As [`seal`].
pub fn seal_growing(
    plan: &Plan,
    owner: &x25519::Identity,
    recovery: &AgeRecipient,
    out: &Path,
    progress: &mut dyn FnMut(u64),
    growth: &Growth,
) -> Result<Sealed, SealError> {
    let recovery = to_age(recovery)?;
    let mut new_file = NewFile::create(out)?;
    let recipients: [&dyn age::Recipient; 2] = [&owner.to_public(), &recovery];
    let encryptor = Encryptor::with_recipients(recipients.into_iter()).map_err(SealError::Encrypt)?;
    let outlet = Outlet::new();
    let plaintext = encryptor.wrap_output(&outlet).map_err(|source| SealError::Encrypt(source.into()))?;

    let (age_header, nonce) = outlet.take_header()?;
    let file_key = rewrap::unwrap_file_key(&age_header, owner)?;
    let key_commitment = rewrap::key_commitment(&file_key, &nonce);
    let header = rewrap::wrap_file_key(&file_key, &recipients)?;
    drop(file_key);

    let partial = new_file.partial().to_owned();
    let file = new_file.file();
    file.write_all(header.as_bytes()).map_err(SealError::Write)?;
    drop(growth.begun.set((partial, header_bytes(&header))));
    let written = write_hashed(file, growth, |buffers| {
        let _open = outlet.open(&nonce, buffers);
        encrypt(plan, plaintext, progress)
    })?;
    new_file.publish()?;
    Ok(Sealed {
        payload_sha256: written.sha256,
        payload_bytes: written.bytes,
        key_commitment: Digest::from_bytes(key_commitment),
        owner_header_digest: Digest::from_bytes(header.digest()),
        owner_header: header.as_bytes().to_vec(),
    })
}

/// A sealed file on the disk, header and payload apart, as they are uploaded.
pub struct SealedFile {
    header: Header,
    // INVARIANT: the file holds the header and `payload_bytes` bytes after it, at the time it was opened.
    file: BufReader<File>,
    payload_bytes: u64,
}

impl SealedFile {
    /// Opens a sealed file and reads its header. Does not check that anybody can open it.
    ///
    /// # Errors
    /// The file cannot be read, is no age file, or is larger than a broker keeps.
    pub fn open(path: &Path) -> Result<Self, SealedFileError> {
        let failed = |source| SealedFileError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let header = read_header(&mut file).map_err(|error| match error {
            ReadHeaderError::Io(source) => failed(source),
            ReadHeaderError::Header(why) => SealedFileError::Header { path: path.to_owned(), why },
        })?;
        let payload_bytes = file_bytes.saturating_sub(header_bytes(&header));
        if payload_bytes > PAYLOAD_BYTES {
            return Err(SealedFileError::TooLarge { path: path.to_owned() });
        }
        Ok(Self { header, file, payload_bytes })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Length of the payload.
    pub fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// A reader over the payload from `offset` on, so that a broken upload can go on where it stopped. Ends at
    /// [`Self::payload_bytes`] even if the file has grown.
    ///
    /// # Errors
    /// The file cannot be read. Past the end there is nothing to read.
    pub fn payload_from(&mut self, offset: u64) -> io::Result<impl Read> {
        let start = header_bytes(&self.header);
        debug_assert!(self.payload_bytes <= PAYLOAD_BYTES);
        self.file.seek(SeekFrom::Start(start.saturating_add(offset)))?;
        Ok((&mut self.file).take(self.payload_bytes.saturating_sub(offset)))
    }
}

/// Why a report was not sealed. Nothing is left behind.
#[derive(Debug, Error)]
pub enum SealError {
    /// The recovery key's recipient is no key.
    #[error("the recovery key cannot be sealed to")]
    Recovery(#[from] UnusableRecipient),
    /// A file changed since it was planned, or cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The new file cannot be made.
    #[error(transparent)]
    File(#[from] NewFileError),
    /// The disk takes no more.
    #[error("the sealed file cannot be written; look for space on the disk")]
    Write(#[source] io::Error),
    /// Encryption failed.
    #[error("the report cannot be encrypted")]
    Encrypt(#[source] EncryptError),
    /// The encryption library wrote a header that is none.
    #[error("the encryption library wrote an unknown header; nothing was sealed")]
    UnknownHeader,
    /// The header cannot be written.
    #[error("the header of the sealed file cannot be written")]
    Rewrap(#[from] RewrapError),
}

/// Why a sealed file cannot be uploaded.
#[derive(Debug, Error)]
pub enum SealedFileError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no age file.
    #[error("{} is not a sealed file: {why}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with its header.
        why: HeaderError,
    },
    /// It is larger than a broker keeps.
    #[error("{} is larger than the {PAYLOAD_BYTES} bytes a broker keeps; divide the report", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// Length of a header as files count it.
pub(super) fn header_bytes(header: &Header) -> u64 {
    u64::try_from(header.as_bytes().len()).unwrap_or(u64::MAX)
}

/// Packs the report into `plaintext` and ends the encryption.
fn encrypt(plan: &Plan, mut plaintext: StreamWriter<&Outlet>, progress: &mut dyn FnMut(u64)) -> Result<(), SealError> {
    let packed = report::write(plan, &mut plaintext, progress)?;
    debug_assert_eq!(packed.bytes, plan.total_bytes(), "the plan says how long the archive is");
    plaintext.finish().map_err(SealError::Write)?;
    Ok(())
}

/// What was written to the disk.
struct Written {
    sha256: Digest,
    bytes: u64,
}

/// Runs `produce` while another thread hashes and writes the buffers it sends.
///
/// Encryption is the slowest step and has a processor to itself; the bounded queue keeps memory constant.
fn write_hashed(
    file: &mut File,
    growth: &Growth,
    produce: impl FnOnce(SyncSender<Vec<u8>>) -> Result<(), SealError>,
) -> Result<Written, SealError> {
    thread::scope(|scope| {
        let (send, receive) = sync_channel(QUEUED_BUFFERS);
        let writer = scope.spawn(move || write_all(file, growth, &receive));
        let produced = produce(send);
        match writer.join() {
            Ok(Ok(written)) => produced.map(|()| written),
            // The disk is the reason; what `produce` saw is only that nobody took its buffers.
            Ok(Err(source)) => Err(SealError::Write(source)),
            Err(bug) => panic::resume_unwind(bug),
        }
    })
}

fn write_all(file: &mut File, growth: &Growth, buffers: &Receiver<Vec<u8>>) -> io::Result<Written> {
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    for buffer in buffers {
        file.write_all(&buffer)?;
        hash.update(&buffer);
        bytes = bytes.saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        growth.written.store(bytes, Ordering::SeqCst);
    }
    Ok(Written { sha256: Digest::from_bytes(hash.finalize().into()), bytes })
}

/// Where `age` writes to: first keeps its header, then passes the payload on.
///
/// `age` takes its output for itself, so this is written to through a shared reference.
struct Outlet(RefCell<Flow>);

enum Flow {
    /// What came before [`Outlet::open`]: header and nonce.
    Kept(Vec<u8>),
    /// The payload goes to the writing thread.
    Open(SyncSender<Vec<u8>>),
    /// There is nothing more to come.
    Closed,
}

impl Outlet {
    fn new() -> Self {
        Self(RefCell::new(Flow::Kept(Vec::new())))
    }

    /// Header and payload nonce, which `age` writes before anything else.
    fn take_header(&self) -> Result<(Header, [u8; PAYLOAD_NONCE_BYTES]), SealError> {
        let Flow::Kept(bytes) = self.0.replace(Flow::Closed) else { return Err(SealError::UnknownHeader) };
        let (header, length) = Header::parse(&bytes).map_err(|_| SealError::UnknownHeader)?;
        let nonce = bytes.get(length..).and_then(|rest| rest.try_into().ok()).ok_or(SealError::UnknownHeader)?;
        Ok((header, nonce))
    }

    /// Sends the nonce and from now on everything written to `buffers`, until the answer is dropped.
    fn open(&self, nonce: &[u8; PAYLOAD_NONCE_BYTES], buffers: SyncSender<Vec<u8>>) -> OpenOutlet<'_> {
        // If the writing thread is gone already, the next write says so.
        drop(buffers.send(nonce.to_vec()));
        self.0.replace(Flow::Open(buffers));
        OpenOutlet(self)
    }
}

impl Write for &Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.borrow_mut() {
            Flow::Kept(kept) => kept.extend_from_slice(bytes),
            Flow::Open(buffers) => {
                buffers.send(bytes.to_vec()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            }
            Flow::Closed => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets the writing thread end when dropped, also while panicking: it would be waited for.
struct OpenOutlet<'a>(&'a Outlet);

impl Drop for OpenOutlet<'_> {
    fn drop(&mut self) {
        self.0.0.replace(Flow::Closed);
    }
}

/// Buffers on their way to the disk, each a STREAM chunk of 64 KiB: 1 MiB, enough to bridge a slow write.
pub(super) const QUEUED_BUFFERS: usize = 16;
