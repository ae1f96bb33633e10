//! A tree held in memory, for the offline verifier, for mirrors and for tests.
//!
//! Holds hashes only, never leaf data; about 32 bytes a leaf. Start with
//! [`MemoryTiles::append_leaf`].

use std::collections::BTreeMap;

use super::{BITS, TILE_WIDTH, TileId, Tiles};
use crate::tlog::hash::{EMPTY_ROOT, Hash, root_of};

/// A growing tree whose tiles lie in memory.
///
/// INVARIANT: `edge[l]` is the unfinished tile of level `l`, so it is shorter than a full tile and
/// its length is byte `l` of `size`, counted from the lowest; every tile in `full` is full.
#[derive(Clone, Debug, Default)]
pub struct MemoryTiles {
    size: u64,
    full: BTreeMap<TileId, Vec<Hash>>,
    edge: Vec<Vec<Hash>>,
}

impl MemoryTiles {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root over all leaves.
    ///
    /// Computed from the right edge alone, another way than [`root_at`](crate::tlog::root_at).
    pub fn root(&self) -> Hash {
        self.assert_edge();
        let mut below: Option<Hash> = None;
        for tile in &self.edge {
            let mut row = tile.clone();
            row.extend(below);
            if !row.is_empty() {
                below = Some(root_of(&row));
            }
        }
        below.unwrap_or(EMPTY_ROOT)
    }

    /// Appends one leaf hash; constant time on average.
    pub fn append_leaf(&mut self, leaf: Hash) {
        let mut arriving = leaf;
        let mut index = self.size;
        self.size += 1;
        for (level, tile) in (0_u8..).zip(&mut self.edge) {
            index >>= BITS;
            tile.push(arriving);
            if tile.len() < TILE_WIDTH {
                return;
            }
            arriving = root_of(tile);
            self.full.insert(TileId { level, index }, std::mem::take(tile));
        }
        self.edge.push(vec![arriving]);
        self.assert_edge();
    }

    /// Appends leaf hashes in order.
    pub fn append_leaves(&mut self, leaves: &[Hash]) {
        for leaf in leaves {
            self.append_leaf(*leaf);
        }
    }

    fn assert_edge(&self) {
        debug_assert!(
            self.edge.iter().zip(self.size.to_le_bytes()).all(|(tile, width)| tile.len() == usize::from(width)),
            "the unfinished tiles spell the size in base 256"
        );
    }
}

impl Tiles for MemoryTiles {
    type Error = MissingTile;

    fn tile(&self, id: TileId) -> Result<Vec<Hash>, MissingTile> {
        if let Some(tile) = self.full.get(&id) {
            return Ok(tile.clone());
        }
        let unfinished = id.width_at(self.size).and_then(|_| self.edge.get(usize::from(id.level)));
        unfinished.cloned().ok_or(MissingTile { id })
    }
}

/// The tree is not large enough to have this tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no tile {id}")]
pub struct MissingTile {
    /// The tile asked for.
    pub id: TileId,
}
