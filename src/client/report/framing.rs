//! ustar framing: 512-byte headers, whole blocks, two zero blocks at the end.
//!
//! One member has one spelling. What is read must say in every field what we would have written: a regular
//! file, mode 0600, nobody's, no link, no prefix. Source: POSIX.1-2017, pax, "ustar Interchange Format".

use std::fmt;

use tar::{EntryType, Header};

use super::limits::PAX_SIZE_BYTES;

/// Bytes of a header, and what every content is filled up to.
pub(super) const BLOCK_BYTES: usize = 512;

/// [`BLOCK_BYTES`] for sums of lengths.
const BLOCK: u64 = 512;

/// Two zero blocks end an archive.
pub(super) const END_BYTES: usize = 2 * BLOCK_BYTES;

/// Name of the description, the first member.
pub(super) const MANIFEST: &str = "manifest.json";
/// Name of the load file, the second member.
pub(super) const INDEX: &str = "index.csv";
/// Name of the zeros at the end. A real member: zeros after the end mark make `age -d | tar x` die of SIGPIPE.
pub(super) const PADDING: &str = ".padding";

/// Name of an extended header, as stock programs call it.
const PAX_NAME: &str = "PaxHeaders/size";

/// Longest extended header read: one `size` record is under 40 bytes.
pub(super) const MAX_PAX_BYTES: u64 = 64;

/// One block.
pub(super) type Block = [u8; BLOCK_BYTES];

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Name, plain ASCII.
    pub(super) name: String,
    /// Length of the content.
    pub(super) bytes: u64,
    /// Seconds since 1970.
    pub(super) mtime: u64,
}

/// A header block's meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// A file follows.
    File(Member),
    /// An extended header of so many bytes follows.
    Pax(u64),
    /// The archive ends here.
    End,
}

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The sum over the header is wrong.
    #[error("its header is damaged (checksum)")]
    Checksum,
    /// Another format than ustar.
    #[error("it is not in ustar format")]
    NotUstar,
    /// A symbolic or hard link.
    #[error("it is a link")]
    Link,
    /// A device, pipe or folder.
    #[error("it is no regular file")]
    NotAFile,
    /// An extended header that is not one `size` record of a size that needs it.
    #[error("it carries an extended header other than a needed size")]
    Pax,
    /// A field is not written as the format of reports demands.
    #[error("its header field {0} is not as it must be")]
    Field(&'static str),
}

/// A name as it stood in a header, safe to print.
pub(super) struct Printed(String);

impl fmt::Display for Printed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// The name in a header block with everything unprintable escaped; for messages only.
pub(super) fn printed_name(block: &Block) -> Printed {
    let name = Header::from_byte_slice(block).path_bytes().into_owned();
    Printed(String::from_utf8_lossy(&name).escape_debug().to_string())
}

/// The blocks before a member's content: one header, for sizes over 8 GiB with an extended one before it.
pub(super) fn heading(member: &Member) -> Vec<u8> {
    let mut bytes = Vec::new();
    let fits = member.bytes < PAX_SIZE_BYTES;
    if !fits {
        let record = pax_record(member.bytes);
        let len = u64::try_from(record.len()).unwrap_or(0);
        bytes.extend(header(PAX_NAME, EntryType::XHeader, len, member.mtime).as_bytes());
        bytes.extend_from_slice(record.as_bytes());
        bytes.resize(2 * BLOCK_BYTES, 0);
    }
    let size = if fits { member.bytes } else { 0 };
    bytes.extend(header(&member.name, EntryType::Regular, size, member.mtime).as_bytes());
    bytes
}

/// Reads a header block.
pub(super) fn parse(block: &Block) -> Result<Heading, HeaderFault> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(Heading::End);
    }
    let header = Header::from_byte_slice(block);
    let mut summed = header.clone();
    summed.set_cksum();
    if header.cksum().ok() != summed.cksum().ok() {
        return Err(HeaderFault::Checksum);
    }
    // `tar` calls GNU's headers by another magic.
    let fields = header.as_ustar().ok_or(HeaderFault::NotUstar)?;
    let is_pax = match header.entry_type() {
        EntryType::Regular if fields.typeflag == *b"0" => false,
        EntryType::XHeader => true,
        EntryType::Symlink | EntryType::Link => return Err(HeaderFault::Link),
        EntryType::XGlobalHeader => return Err(HeaderFault::Pax),
        _ => return Err(HeaderFault::NotAFile),
    };
    let bytes = octal(&fields.size).ok_or(HeaderFault::Field("size"))?;
    let mtime = octal(&fields.mtime).ok_or(HeaderFault::Field("mtime"))?;
    let empty: [(&'static str, &[u8]); 5] = [
        ("linkname", &fields.linkname),
        ("uname", &fields.uname),
        ("gname", &fields.gname),
        ("prefix", &fields.prefix),
        ("padding", &fields.pad),
    ];
    let zero: [(&'static str, &[u8], u64); 5] = [
        ("mode", &fields.mode, 0o600),
        ("uid", &fields.uid, 0),
        ("gid", &fields.gid, 0),
        ("devmajor", &fields.dev_major, 0),
        ("devminor", &fields.dev_minor, 0),
    ];
    let wrong_text = empty.iter().find(|(_, bytes)| bytes.iter().any(|byte| *byte != 0)).map(|(name, _)| *name);
    let wrong_number = zero.iter().find(|(_, bytes, wanted)| octal(bytes) != Some(*wanted)).map(|(name, _, _)| *name);
    if let Some(name) = wrong_text.or(wrong_number) {
        return Err(HeaderFault::Field(name));
    }
    if is_pax {
        return if bytes <= MAX_PAX_BYTES { Ok(Heading::Pax(bytes)) } else { Err(HeaderFault::Pax) };
    }
    let name = text(&fields.name).ok_or(HeaderFault::Field("name"))?;
    Ok(Heading::File(Member { name, bytes, mtime }))
}

/// Reads an extended header: exactly one `size` record of a size that ustar cannot hold.
pub(super) fn parse_pax(content: &[u8]) -> Result<u64, HeaderFault> {
    let size = std::str::from_utf8(content)
        .ok()
        .and_then(|record| record.split_once("size="))
        .and_then(|(_, size)| size.strip_suffix('\n'))
        .and_then(|size| size.parse::<u64>().ok())
        .filter(|size| *size >= PAX_SIZE_BYTES)
        .ok_or(HeaderFault::Pax)?;
    // Only the spelling we write: no leading zeros, no second record.
    if pax_record(size).as_bytes() == content { Ok(size) } else { Err(HeaderFault::Pax) }
}

/// Zeros after a content of `bytes` bytes, up to a whole block.
pub(super) fn fill(bytes: u64) -> usize {
    usize::try_from((BLOCK - bytes % BLOCK) % BLOCK).unwrap_or(0)
}

/// Length of an archive with these contents and an empty `.padding`. `None` if it cannot be counted.
pub(super) fn unpadded_bytes(contents: impl Iterator<Item = u64>) -> Option<u64> {
    let frame = BLOCK * 3; // header of `.padding`, two zero blocks
    contents.into_iter().try_fold(frame, |sum, bytes| {
        let headers = if bytes < PAX_SIZE_BYTES { 1 } else { 3 };
        let blocks = bytes.div_ceil(BLOCK).checked_add(headers)?;
        sum.checked_add(blocks.checked_mul(BLOCK)?)
    })
}

fn header(name: &str, kind: EntryType, bytes: u64, mtime: u64) -> Header {
    let mut header = Header::new_ustar();
    // Member names are ASCII and at most 64 characters by `name::member`: always short enough for the field.
    for (field, byte) in header.as_old_mut().name.iter_mut().zip(name.bytes()) {
        *field = byte;
    }
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    if let Some(fields) = header.as_ustar_mut() {
        fields.set_device_major(0);
        fields.set_device_minor(0);
    }
    header.set_cksum();
    header
}

/// `LENGTH size=N\n`, the length counting itself.
fn pax_record(bytes: u64) -> String {
    let tail = format!(" size={bytes}\n");
    let mut length = tail.len() + 1;
    while length != length.to_string().len() + tail.len() {
        length = length.to_string().len() + tail.len();
    }
    format!("{length}{tail}")
}

/// Octal digits that fill the field up to one closing zero byte; base-256 and blanks are refused.
fn octal(field: &[u8]) -> Option<u64> {
    let (closing, digits) = field.split_last()?;
    if *closing != 0 || digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Printable ASCII up to the first zero byte, with nothing after it.
fn text(field: &[u8]) -> Option<String> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (name, rest) = field.split_at_checked(end)?;
    let plain = !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && rest.iter().all(|byte| *byte == 0);
    plain.then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: &[u8], position: usize) -> Block {
        let start = position * BLOCK_BYTES;
        bytes.get(start..start + BLOCK_BYTES).unwrap().try_into().unwrap()
    }

    fn member(bytes: u64) -> Member {
        Member { name: "files/0001-a.bin".to_owned(), bytes, mtime: 1_700_000_000 }
    }

    #[test]
    fn sizes_up_to_eight_gib_need_one_header() {
        for size in [0, 1, 512, PAX_SIZE_BYTES - 1] {
            let bytes = heading(&member(size));
            assert_eq!(bytes.len(), BLOCK_BYTES);
            assert_eq!(parse(&block(&bytes, 0)), Ok(Heading::File(member(size))));
        }
    }

    #[test]
    fn sizes_from_eight_gib_on_have_one_pax_size_record() {
        let bytes = heading(&member(PAX_SIZE_BYTES));
        assert_eq!(bytes.len(), 3 * BLOCK_BYTES);
        assert_eq!(parse(&block(&bytes, 0)), Ok(Heading::Pax(19)));
        let record = block(&bytes, 1);
        assert_eq!(record.get(..19).unwrap(), b"19 size=8589934592\n");
        assert_eq!(parse_pax(record.get(..19).unwrap()), Ok(PAX_SIZE_BYTES));
        assert_eq!(parse(&block(&bytes, 2)), Ok(Heading::File(member(0))));
    }

    #[test]
    fn stock_tar_library_reads_the_pax_size() {
        let bytes = heading(&member(PAX_SIZE_BYTES + 5));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.size(), PAX_SIZE_BYTES + 5);
    }

    #[test]
    fn other_extended_headers_are_refused() {
        for wrong in [
            "12 size=100\n",
            "20 size=08589934592\n",
            "18 size=8589934592\n",
            "21 path=files/0001-a\n",
            "19 size=8589934592\n19 size=8589934592\n",
            "",
            "19 size=8589934592",
        ] {
            assert_eq!(parse_pax(wrong.as_bytes()), Err(HeaderFault::Pax), "{wrong:?}");
        }
    }

    #[test]
    fn lengths_are_counted_as_they_are_written() {
        let frame = 3 * BLOCK;
        assert_eq!(unpadded_bytes([].into_iter()), Some(frame));
        assert_eq!(unpadded_bytes([0, 1, 512, 513].into_iter()), Some(frame + 512 + 1024 + 1024 + 1536));
        assert_eq!(unpadded_bytes([PAX_SIZE_BYTES].into_iter()), Some(frame + 3 * 512 + PAX_SIZE_BYTES));
        assert_eq!(unpadded_bytes([u64::MAX].into_iter()), None);
        assert_eq!([fill(0), fill(1), fill(512), fill(513)], [0, 511, 0, 511]);
    }
}
