//! Where a tile is served: `tile/<level>/<index>[.p/<width>]`.
//!
//! The index is written in groups of three digits, all but the last marked `x`
//! (`x001/x234/067`). Each tile has exactly one path. Start with [`tile_path`].
//!
//! Source: c2sp.org/tlog-tiles, "Merkle Tree".

use std::num::NonZeroU8;

use super::{TileId, TileWidth};

/// The path of a tile, without a leading slash: `tile/0/x001/x234/067.p/5`.
pub fn tile_path(id: TileId, width: TileWidth) -> String {
    format!("tile/{}/{}", id.level, group_path(id.index, width))
}

/// The part of a path after the level: the index in groups, and the width of what is not full.
pub(in crate::tlog) fn group_path(index: u64, width: TileWidth) -> String {
    let marked = marked_groups(index / GROUP);
    let last = index % GROUP;
    match width {
        TileWidth::Full => format!("{marked}{last:03}"),
        TileWidth::Partial(width) => format!("{marked}{last:03}.p/{width}"),
    }
}

/// Reads a path that [`tile_path`] could have written, with a level of at most 63.
///
/// # Errors
/// If the text is anything else, also another spelling of the same tile.
pub fn parse_tile_path(path: &str) -> Result<(TileId, TileWidth), TilePathError> {
    read(path)
        // One spelling each: zeros too many, missing marks and signs all show here.
        .filter(|(id, width)| tile_path(*id, *width) == path)
        .ok_or(TilePathError)
}

/// The text is not the path of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct TilePathError;

/// All groups but the last, `x001/x234/`; nothing for 0.
fn marked_groups(number: u64) -> String {
    if number == 0 {
        return String::new();
    }
    let before = marked_groups(number / GROUP);
    format!("{before}x{:03}/", number % GROUP)
}

fn read(path: &str) -> Option<(TileId, TileWidth)> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let level = level.parse().ok().filter(|level| *level <= MAX_LEVEL)?;
    let (index, width) = read_groups(rest)?;
    Some((TileId { level, index }, width))
}

/// Reads what [`group_path`] could have written, and other spellings of it: the caller compares.
pub(in crate::tlog) fn read_groups(rest: &str) -> Option<(u64, TileWidth)> {
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => {
            let width: NonZeroU8 = width.parse().ok()?;
            (groups, TileWidth::Partial(width))
        }
        None => (rest, TileWidth::Full),
    };
    let mut index: u64 = 0;
    for group in groups.split('/') {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(GROUP)?.checked_add(digits)?;
    }
    Some((index, width))
}

const GROUP: u64 = 1000;

/// The specification's highest level; no tree of 64-bit size reaches beyond 7.
const MAX_LEVEL: u8 = 63;
