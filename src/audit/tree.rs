//! One log's tree while it is folded, and every root it had on the way.

use crate::{
    model::ids::Digest,
    tlog::{Hash, MemoryTiles, Roots},
};

/// A growing tree.
#[derive(Default)]
pub(super) struct Tree {
    tiles: MemoryTiles,
    roots: Roots,
}

impl Tree {
    pub(super) fn append_leaf(&mut self, leaf: Hash) {
        self.tiles.append_leaf(leaf);
        self.roots.append_leaf(leaf);
    }
    pub(super) fn tiles(&self) -> &MemoryTiles {
        &self.tiles
    }
    /// Whether it had this root at this size.
    pub(super) fn had(&self, size: u64, root: Digest) -> bool {
        self.roots.at(size).is_some_and(|own| own.as_bytes() == root.as_bytes())
    }
}
