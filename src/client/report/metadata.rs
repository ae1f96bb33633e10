//! Hidden metadata: what a file says about its maker without showing it.
//!
//! Only warns, and only knows the commonest kinds. It must never alter a file: an original with its metadata is
//! evidence. Finding nothing is no proof that nothing is there.

use std::fmt;

/// A kind of hidden metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// EXIF or XMP in a JPEG: often place, time and device.
    Jpeg,
    /// `eXIf` or text chunks in a PNG: often time and program.
    Png,
    /// An author or XMP in a PDF.
    Pdf,
    /// Document properties of an office file: author, organisation, editing time.
    Office,
    /// Place or device in a phone's photo or video (HEIF, MP4, `QuickTime`).
    Phone,
}

impl fmt::Display for Hidden {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Jpeg => "a JPEG picture with EXIF or XMP data, often place, time and device",
            Self::Png => "a PNG picture with embedded text or EXIF data",
            Self::Pdf => "a PDF that names its author or program",
            Self::Office => "an office file with properties, often author and organisation",
            Self::Phone => "a photo or video with embedded place, time or device",
        })
    }
}

impl Hidden {
    /// What the first and last bytes of a file give away. They may overlap.
    pub(super) fn find(head: &[u8], tail: &[u8]) -> Option<Self> {
        let either = |needle: &[u8]| contains(head, needle) || contains(tail, needle);
        if head.starts_with(&[0xFF, 0xD8, 0xFF]) {
            jpeg_has_metadata(head).then_some(Self::Jpeg)
        } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            png_has_metadata(head).then_some(Self::Png)
        } else if head.starts_with(b"%PDF-") {
            let named: [&[u8]; 4] = [b"/Author", b"/Creator", b"/Producer", b"<x:xmpmeta"];
            named.into_iter().any(either).then_some(Self::Pdf)
        } else if head.starts_with(b"PK\x03\x04") {
            (either(b"docProps/") || contains(head, b"mimetypeapplication/vnd.oasis")).then_some(Self::Office)
        } else if head.get(4..8) == Some(b"ftyp") {
            let named: [&[u8]; 4] = [b"Exif", b"\xa9xyz", b"com.apple.quicktime", b"<x:xmpmeta"];
            named.into_iter().any(either).then_some(Self::Phone)
        } else {
            None
        }
    }
}

/// Walks the JPEG segments before the picture data (ITU-T T.81, annex B).
fn jpeg_has_metadata(head: &[u8]) -> bool {
    let mut rest = head.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..).unwrap_or_default();
        // APP1 carries EXIF and XMP, APP13 the IPTC record.
        if marker == 0xE1 && (body.starts_with(b"Exif\0") || body.starts_with(b"http://ns.adobe.com/"))
            || marker == 0xED && body.starts_with(b"Photoshop")
        {
            return true;
        }
        // From SOS on there is picture data; a length below 2 is broken and ends the search.
        if marker == 0xDA || length < 2 {
            return false;
        }
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    false
}

/// Walks the PNG chunks that lie within `head` (W3C PNG, section 5.3).
fn png_has_metadata(head: &[u8]) -> bool {
    let mut rest = head.get(8..).unwrap_or_default();
    while let [a, b, c, d, kind @ ..] = rest {
        if kind.get(..4).is_some_and(|kind| matches!(kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt")) {
            return true;
        }
        let length = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        // Length, kind and checksum are four bytes each.
        let next = usize::try_from(length + 12).unwrap_or(usize::MAX);
        rest = rest.get(next..).unwrap_or_default();
    }
    false
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(bytes: &[u8]) -> Option<Hidden> {
        Hidden::find(bytes, bytes)
    }

    #[test]
    fn exif_in_a_jpeg_is_found_only_before_the_picture() {
        assert_eq!(find(b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xE1\x00\x08Exif\0\0"), Some(Hidden::Jpeg));
        assert_eq!(find(b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xDA\x00\x02\xFF\xE1\x00\x08Exif\0\0"), None);
        assert_eq!(find(b"\xFF\xD8\xFF\xE1\x00\x00Exi"), None);
    }

    #[test]
    fn text_in_a_png_is_found() {
        let plain = b"\x89PNG\r\n\x1a\n\0\0\0\x01IHDRx\0\0\0\0\0\0\0\0IEND\0\0\0\0";
        let text = b"\x89PNG\r\n\x1a\n\0\0\0\x01IHDRx\0\0\0\0\0\0\0\0tEXt\0\0\0\0";
        assert_eq!(find(plain), None);
        assert_eq!(find(text), Some(Hidden::Png));
    }

    #[test]
    fn authors_of_documents_are_found_at_either_end() {
        assert_eq!(Hidden::find(b"%PDF-1.7 ", b"/Author (x)"), Some(Hidden::Pdf));
        assert_eq!(Hidden::find(b"%PDF-1.7 ", b"%%EOF"), None);
        assert_eq!(Hidden::find(b"PK\x03\x04 ", b"docProps/core.xml"), Some(Hidden::Office));
        assert_eq!(Hidden::find(b"PK\x03\x04 ", b"other"), None);
        assert_eq!(Hidden::find(b"\0\0\0\x18ftypmp42", b"\xa9xyz"), Some(Hidden::Phone));
        assert_eq!(Hidden::find(b"plain text", b"/Author"), None);
    }
}
