//! Reading members one after the other: headers, contents, the zeros between them.
//!
//! Knows nothing of manifests; refuses whatever is no plain file with a safe and new name.

use std::collections::BTreeSet;
use std::io::{self, Read};

use zeroize::Zeroizing;

use super::{HeaderFault, UnpackError};
use crate::client::report::framing::{self, BLOCK_BYTES, Block, Heading, Member};
use crate::client::report::limits::{CHUNK_BYTES, MAX_ARCHIVE_BYTES};
use crate::client::report::name;

/// An archive being read.
pub(super) struct Incoming<'a> {
    input: &'a mut dyn Read,
    progress: &'a mut dyn FnMut(u64),
    read: u64,
    seen: BTreeSet<String>,
}

impl<'a> Incoming<'a> {
    /// The archive at its beginning.
    pub(super) fn new(input: &'a mut dyn Read, progress: &'a mut dyn FnMut(u64)) -> Self {
        Self { input, progress, read: 0, seen: BTreeSet::new() }
    }

    /// The next member's header, or `None` where the archive ends. `wanted` is for messages only.
    pub(super) fn next(&mut self, wanted: &str) -> Result<Option<Member>, UnpackError> {
        let mut block: Block = [0; BLOCK_BYTES];
        self.fill(&mut block, wanted)?;
        let refused =
            |block: &Block, fault| UnpackError::Header { member: framing::printed_name(block).to_string(), fault };
        let mut member = match framing::parse(&block).map_err(|fault| refused(&block, fault))? {
            Heading::End => return Ok(None),
            Heading::File(member) => member,
            Heading::Pax(bytes) => self.large(bytes, wanted)?,
        };
        if !is_safe(&member.name) {
            return Err(UnpackError::UnsafeName { member: member.name.escape_debug().to_string() });
        }
        if !self.seen.insert(name::folded(&member.name)) {
            return Err(UnpackError::Duplicate { member: std::mem::take(&mut member.name) });
        }
        Ok(Some(member))
    }

    /// The member after an extended header: its size stands there, and 0 in its own header.
    fn large(&mut self, pax_bytes: u64, wanted: &str) -> Result<Member, UnpackError> {
        let refused = |fault| UnpackError::Header { member: wanted.to_owned(), fault };
        let mut block: Block = [0; BLOCK_BYTES];
        self.fill(&mut block, wanted)?;
        let (record, rest) =
            usize::try_from(pax_bytes).ok().and_then(|bytes| block.split_at_checked(bytes)).unwrap_or_default();
        all_zero(rest, wanted)?;
        let bytes = framing::parse_pax(record).map_err(refused)?;
        self.fill(&mut block, wanted)?;
        match framing::parse(&block).map_err(refused)? {
            Heading::File(member) if member.bytes == 0 => Ok(Member { bytes, ..member }),
            _ => Err(refused(HeaderFault::Pax)),
        }
    }

    /// Hands a member's content to `sink` in parts and checks the zeros after it.
    pub(super) fn content(
        &mut self,
        member: &Member,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        if member.bytes > MAX_ARCHIVE_BYTES.saturating_sub(self.read) {
            return Err(UnpackError::TooLarge { member: member.name.clone(), most: MAX_ARCHIVE_BYTES });
        }
        let mut chunk = Zeroizing::new(vec![0; CHUNK_BYTES]);
        let mut left = member.bytes;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let part = chunk.get_mut(..step).unwrap_or_default();
            self.fill(part, &member.name)?;
            sink(part)?;
            left = left.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        let rest = chunk.get_mut(..framing::fill(member.bytes)).unwrap_or_default();
        self.fill(rest, &member.name)?;
        all_zero(rest, &member.name)
    }

    /// Fills `part` or says within which member the archive is cut off.
    pub(super) fn fill(&mut self, part: &mut [u8], within: &str) -> Result<(), UnpackError> {
        let mut filled = 0;
        while let Some(rest) = part.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(rest)? {
                0 => return Err(UnpackError::CutOff { member: within.to_owned() }),
                read => filled += read,
            }
        }
        Ok(())
    }

    pub(super) fn read_some(&mut self, part: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            match self.input.read(part) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(UnpackError::Read(why)),
                Ok(read) => {
                    let bytes = u64::try_from(read).unwrap_or(u64::MAX);
                    self.read = self.read.saturating_add(bytes);
                    (self.progress)(bytes);
                    return Ok(read);
                }
            }
        }
    }
}

/// Whether a member name could be joined to a folder without leaving it.
fn is_safe(member: &str) -> bool {
    member.is_ascii() && name::check_path(member).is_ok()
}

/// Refuses anything but zeros.
pub(super) fn all_zero(bytes: &[u8], member: &str) -> Result<(), UnpackError> {
    if bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(UnpackError::NotZero { member: member.to_owned() }) }
}
