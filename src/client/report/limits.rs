//! The bounds of a report's plaintext, each with its reason.

/// Bytes of `manifest.json`: about 30,000 described files. It is held in memory, so it must be bounded.
pub const MAX_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of `index.csv`: a shorter view of the manifest, so no larger than it.
pub const MAX_INDEX_BYTES: u64 = MAX_MANIFEST_BYTES;

/// Files in one report: the four digits of a member name. More belong in a report that supplements this one.
pub const MAX_FILES: usize = 9_999;

/// Files and folders looked at while planning: a mistyped `/` must end soon and with a clear message.
pub const MAX_WALKED: usize = 200_000;

/// Folders within folders: deeper trees are mistakes, and the walk must not exhaust the stack.
pub const MAX_DEPTH: usize = 64;

/// Bytes of the whole archive: a Padmé bucket whose sealed form stays below the 64 GiB a broker keeps. So far
/// below 512 GiB, `.padding` itself never needs an extended header.
pub const MAX_ARCHIVE_BYTES: u64 = 60 << 30;

/// Size from which ustar's eleven octal digits no longer suffice and one pax `size` record is written.
pub const PAX_SIZE_BYTES: u64 = 1 << 33;

/// Smallest archive: below this a size would tell a note from a page.
pub const PADDING_FLOOR_BYTES: u64 = 16 * 1024;

/// Bytes of a describing file (`report.json`, register, card, log): written by people, held in memory.
pub const MAX_DESCRIBING_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of a real name, folders included: the longest path Linux takes.
pub const MAX_PATH_BYTES: usize = 4_096;

/// Bytes of one component of a real name: the longest name common file systems take.
pub const MAX_COMPONENT_BYTES: usize = 255;

/// Characters of a slug: enough to recognise a file, short enough for ustar's 100-byte name field.
pub const MAX_SLUG_CHARS: usize = 40;

/// Characters of an extension kept in a member name.
pub const MAX_EXTENSION_CHARS: usize = 8;

/// Bytes read from each end of a file when looking for hidden metadata: a warning, not a proof of absence.
pub const SNIFF_BYTES: usize = 64 * 1024;

/// Bytes read or written at a time.
pub(super) const CHUNK_BYTES: usize = 128 * 1024;
