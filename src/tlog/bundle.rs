//! Entry bundles: the leaf data of up to 256 neighbouring leaves, as they are served beside the hash tiles.
//!
//! Each leaf's data is framed by its length, so that its hash can be computed and compared with tile level 0. Start with
//! [`encode_bundle`].
//!
//! Source: c2sp.org/tlog-tiles, "Log Entries".

use super::tile::{TILE_WIDTH, TilePathError, TileWidth, group_path, read_groups};

/// Largest leaf data a bundle can frame, in bytes.
pub const MAX_BUNDLED_BYTES: usize = 65_535;

/// The path of a bundle, without a leading slash: `tile/entries/x001/x234/067.p/5`.
pub fn bundle_path(index: u64, width: TileWidth) -> String {
    format!("tile/entries/{}", group_path(index, width))
}

/// Reads a path that [`bundle_path`] could have written.
///
/// # Errors
/// If the text is anything else, also another spelling of the same bundle.
pub fn parse_bundle_path(path: &str) -> Result<(u64, TileWidth), TilePathError> {
    let read = || read_groups(path.strip_prefix("tile/entries/")?);
    read().filter(|(index, width)| bundle_path(*index, *width) == path).ok_or(TilePathError)
}

/// `u16be(length) ‖ data` for each leaf, one after another.
///
/// # Errors
/// [`BundleError`] on more than 256 leaves, or data longer than [`MAX_BUNDLED_BYTES`].
pub fn encode_bundle<D: AsRef<[u8]>>(leaves: &[D]) -> Result<Vec<u8>, BundleError> {
    if leaves.len() > TILE_WIDTH {
        return Err(BundleError);
    }
    let mut bytes = Vec::new();
    for data in leaves.iter().map(AsRef::as_ref) {
        let length = u16::try_from(data.len()).map_err(|_| BundleError)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

/// Reads a bundle: 1 to 256 leaves' data, and nothing after it.
///
/// # Errors
/// [`BundleError`].
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BundleError> {
    let mut leaves = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(BundleError)?;
        let (data, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(BundleError)?;
        leaves.push(data.to_vec());
        rest = after;
    }
    if (1..=TILE_WIDTH).contains(&leaves.len()) { Ok(leaves) } else { Err(BundleError) }
}

/// The bytes are not 1 to 256 framed leaves, or the leaves cannot be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry bundle holds 1 to 256 leaves, each of at most 65,535 bytes behind its length")]
pub struct BundleError;

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU8;

    #[test]
    fn bundle_is_read_as_it_was_written_and_no_other_bytes_are() {
        let leaves = vec![b"".to_vec(), b"one".to_vec(), vec![7; MAX_BUNDLED_BYTES]];
        let bytes = encode_bundle(&leaves).unwrap();
        assert_eq!(decode_bundle(&bytes).unwrap(), leaves);
        assert!(decode_bundle(&bytes[..bytes.len() - 1]).is_err());
        assert!(decode_bundle(&[bytes, vec![0]].concat()).is_err());
        assert!(decode_bundle(b"").is_err());
        assert!(encode_bundle(&[vec![0; MAX_BUNDLED_BYTES + 1]]).is_err());
        assert!(encode_bundle(&vec![b""; 257]).is_err());
        assert!(decode_bundle(&[0; 514]).is_err());
    }

    #[test]
    fn each_bundle_has_one_path() {
        let partial = TileWidth::Partial(NonZeroU8::new(5).unwrap());
        assert_eq!(bundle_path(1_234_067, partial), "tile/entries/x001/x234/067.p/5");
        assert_eq!(parse_bundle_path("tile/entries/x001/x234/067.p/5"), Ok((1_234_067, partial)));
        assert_eq!(parse_bundle_path("tile/entries/000"), Ok((0, TileWidth::Full)));
        for other in ["tile/entries/0", "tile/entries/000.p/0", "tile/entries/000.p/256", "tile/0/000", "tile/entries/+00"] {
            assert!(parse_bundle_path(other).is_err(), "{other}");
        }
    }
}
