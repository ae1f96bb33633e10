//! How a tree is kept and served: C2SP tlog-tiles of height 8.
//!
//! A tile is a run of up to 256 neighbouring hashes of one level; level 0 holds leaf hashes, and
//! each hash of a higher level is the root of one full tile below it. Tiles only ever grow at
//! their end, and [`append`] refuses to overwrite. Whoever stores tiles implements [`Tiles`];
//! [`MemoryTiles`] is the implementation without storage. Start with [`append`].
//!
//! Source: c2sp.org/tlog-tiles, "Merkle Tree".

mod memory;
mod path;

use std::fmt;
use std::num::NonZeroU8;

use super::hash::{HASH_BYTES, Hash, root_of};

pub use memory::{MemoryTiles, MissingTile};
pub use path::{TilePathError, parse_tile_path, tile_path};
pub(super) use path::{group_path, read_groups};

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;

/// Leaves a tree may have: 2^63, so that no inclusion proof has more than 63 hashes.
pub const MAX_TREE_SIZE: u64 = 1 << 63;

/// Which tile: level 0 is the leaves, index counts tiles of that level from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// Height in tiles; a hash at this level covers 256^level leaves.
    pub level: u8,
    /// Position among the tiles of this level, from 0.
    pub index: u64,
}

impl TileId {
    /// How much of this tile a tree of `size` leaves fills; `None` if it does not reach it.
    pub fn width_at(self, size: u64) -> Option<TileWidth> {
        let hashes = size.checked_shr(BITS * u32::from(self.level)).unwrap_or(0);
        let (full_tiles, rest) = split_position(hashes);
        match self.index.cmp(&full_tiles) {
            std::cmp::Ordering::Less => Some(TileWidth::Full),
            std::cmp::Ordering::Equal => NonZeroU8::new(rest).map(TileWidth::Partial),
            std::cmp::Ordering::Greater => None,
        }
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, self.index)
    }
}

/// How much of a tile is filled; an empty tile does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileWidth {
    /// All 256 hashes.
    Full,
    /// The first 1 to 255 hashes.
    Partial(NonZeroU8),
}

impl TileWidth {
    /// Number of hashes, 1 to 256.
    pub fn hashes(self) -> usize {
        match self {
            Self::Full => TILE_WIDTH,
            Self::Partial(width) => usize::from(width.get()),
        }
    }
}

/// Where tiles are read from.
pub trait Tiles {
    /// Why a tile could not be read; a tile that does not exist is such a reason too.
    type Error;

    /// The hashes which this tile holds now, 1 to 256.
    ///
    /// May be more than an older tree had: readers take the prefix they need.
    ///
    /// # Errors
    /// The back end's own.
    fn tile(&self, id: TileId) -> Result<Vec<Hash>, Self::Error>;
}

/// Why a tree cannot be read or extended from its tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    /// The back end did not give the tile.
    #[error("tile {id} cannot be read")]
    Read {
        /// The tile asked for.
        id: TileId,
        /// The back end's reason.
        source: E,
    },
    /// The tile does not fit the tree: too short to read, or, when appending, not exactly as wide
    /// as the old size says.
    #[error("tile {id} holds {held} hashes where {needed} are needed")]
    WrongWidth {
        /// The tile read.
        id: TileId,
        /// Hashes the tree needs from it.
        needed: usize,
        /// Hashes it holds.
        held: usize,
    },
    /// The position asked for lies outside the tree.
    #[error("position {position} is outside a tree of {size} leaves")]
    OutsideTree {
        /// The leaf index or older size asked for.
        position: u64,
        /// The tree's size.
        size: u64,
    },
    /// The tree would have more than [`MAX_TREE_SIZE`] leaves.
    #[error("a tree cannot have more than 2^63 leaves")]
    TooLarge,
}

/// Tiles with their whole contents, to be stored in place of what they held before.
pub type ChangedTiles = Vec<(TileId, Vec<Hash>)>;

/// The tiles that change when `leaves` are appended to a tree of `old_size`, with their whole new
/// contents.
///
/// Ordered by level, then index. Of each level at most the one unfinished tile is read, and only
/// if it changes. Nothing is written: the caller stores the tiles in one transaction with the new
/// size.
///
/// # Errors
/// [`TileError::WrongWidth`] if an unfinished tile does not hold exactly what `old_size` says: then
/// either the size or the tile is stale, and going on would fork the log.
/// [`TileError::TooLarge`], [`TileError::Read`].
pub fn append<T: Tiles>(tiles: &T, old_size: u64, leaves: &[Hash]) -> Result<ChangedTiles, TileError<T::Error>> {
    check_growth(old_size, leaves.len())?;
    let mut changed = Vec::new();
    let mut level = 0;
    let mut position = old_size;
    let mut arriving = leaves.to_vec();
    while !arriving.is_empty() {
        let (mut index, filled) = split_position(position);
        let mut tile = unfinished(tiles, TileId { level, index }, usize::from(filled))?;
        let mut completed = Vec::new();
        for hash in arriving {
            tile.push(hash);
            if tile.len() == TILE_WIDTH {
                completed.push(root_of(&tile));
                changed.push((TileId { level, index }, std::mem::take(&mut tile)));
                index += 1;
            }
        }
        if !tile.is_empty() {
            changed.push((TileId { level, index }, tile));
        }
        arriving = completed;
        position >>= BITS;
        level += 1;
    }
    Ok(changed)
}

/// A tile's bytes: its hashes one after another, 32 bytes each.
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// Reads a tile's bytes: 1 to 256 whole hashes.
///
/// # Errors
/// If the length is anything but 32, 64, … 8192 bytes.
pub fn decode_tile(bytes: &[u8]) -> Result<Vec<Hash>, TileBytesError> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if hashes.is_empty() || hashes.len() > TILE_WIDTH || !rest.is_empty() {
        return Err(TileBytesError { size_bytes: bytes.len() });
    }
    Ok(hashes.iter().copied().map(Hash::from_bytes).collect())
}

/// The bytes are not 1 to 256 hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{size_bytes} bytes are not 1 to 256 hashes of 32 bytes")]
pub struct TileBytesError {
    /// Length of what was given.
    pub size_bytes: usize,
}

fn check_growth<E>(old_size: u64, added: usize) -> Result<(), TileError<E>> {
    u64::try_from(added)
        .ok()
        .and_then(|added| old_size.checked_add(added))
        .filter(|new_size| *new_size <= MAX_TREE_SIZE)
        .map(|_| ())
        .ok_or(TileError::TooLarge)
}

fn unfinished<T: Tiles>(tiles: &T, id: TileId, needed: usize) -> Result<Vec<Hash>, TileError<T::Error>> {
    if needed == 0 {
        return Ok(Vec::with_capacity(TILE_WIDTH));
    }
    let tile = tiles.tile(id).map_err(|source| TileError::Read { id, source })?;
    if tile.len() != needed {
        let held = tile.len();
        return Err(TileError::WrongWidth { id, needed, held });
    }
    Ok(tile)
}

/// Splits a position within a level into the tile's index and the place within the tile, which is
/// the lowest byte because tiles are 256 wide.
pub(super) fn split_position(position: u64) -> (u64, u8) {
    let [place, ..] = position.to_le_bytes();
    (position >> BITS, place)
}

/// Height of a tile: one level of tiles is eight levels of the tree.
pub(super) const BITS: u32 = 8;
