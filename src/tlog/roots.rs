//! The root of a growing tree at every size it had.
//!
//! For somebody who follows a whole log and is asked again and again whether it once had a certain root. Holds 32 bytes a
//! leaf; whoever asks seldom is better off with [`root_at`](super::root_at).

use super::hash::{EMPTY_ROOT, Hash, node_hash};

/// Every root of a growing tree.
///
/// INVARIANT: `edge` holds the roots of the complete subtrees that make up the tree, the largest first: as many as its
/// size has binary ones.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    edge: Vec<Hash>,
    roots: Vec<Hash>,
}

impl Roots {
    /// Appends one leaf hash; about as many hashes are computed as the size has binary digits.
    pub fn append_leaf(&mut self, leaf: Hash) {
        let size = self.roots.len() + 1;
        let mut complete = leaf;
        // Two subtrees of one height make one of the next, as a carry does in a binary number.
        for left in self.edge.split_off(self.edge.len() - size.trailing_zeros() as usize).iter().rev() {
            complete = node_hash(left, &complete);
        }
        self.edge.push(complete);
        let root = self.edge.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        self.roots.push(root.unwrap_or(EMPTY_ROOT));
    }

    /// The root at a size; `None` if the tree was never that large.
    pub fn at(&self, size: u64) -> Option<Hash> {
        match usize::try_from(size).ok()?.checked_sub(1) {
            None => Some(EMPTY_ROOT),
            Some(index) => self.roots.get(index).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Roots;
    use crate::tlog::{EMPTY_ROOT, MemoryTiles, leaf_hash, root_at};

    #[test]
    fn every_root_is_the_one_the_tiles_give() {
        let (mut roots, mut tiles) = (Roots::default(), MemoryTiles::new());
        assert_eq!((roots.at(0), roots.at(1)), (Some(EMPTY_ROOT), None));
        for leaf in 0_u32..600 {
            roots.append_leaf(leaf_hash(&leaf.to_be_bytes()));
            tiles.append_leaf(leaf_hash(&leaf.to_be_bytes()));
        }
        for size in 0..=600 {
            assert_eq!(roots.at(size), root_at(&tiles, size).ok(), "{size}");
        }
        assert_eq!(roots.at(601), None);
    }
}
