//! What a tree can show: its root at any size, that it holds a leaf, that it only grew.
//!
//! Proving reads tiles; verifying is pure and needs nothing but the proof, the sizes and the
//! roots. Both walk down the tree with the same `descend`, so the shape of a proof, and with it
//! its only permitted length, is decided in one place. Start with [`verify_inclusion`] and
//! [`verify_consistency`].
//!
//! Source: RFC 6962, section 2.1 (MTH), 2.1.1 (audit paths), 2.1.2 (consistency proofs).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::hash::{EMPTY_ROOT, Hash, node_hash};
use super::tile::{BITS, TileError, TileId, Tiles, split_position};

/// Shows that a leaf stands at `index`: the siblings on its way up, the leaf's own first.
///
/// An RFC 6962 audit path. It says nothing by itself: it is checked against a size and a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Zero-based place of the leaf.
    pub index: u64,
    /// Sibling hashes, from the leaf upwards.
    pub hashes: Vec<Hash>,
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf index is not below the tree size.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    OutsideTree {
        /// The proof's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("a tree of {old_size} leaves cannot have become one of {new_size}")]
    Shrunk {
        /// Size before.
        old_size: u64,
        /// Size after.
        new_size: u64,
    },
    /// The proof is longer or shorter than the only length that fits these sizes.
    #[error("the proof has {found} hashes instead of {expected}")]
    WrongLength {
        /// The length that fits.
        expected: usize,
        /// The length given.
        found: usize,
    },
    /// The hashes do not lead to the root of this tree.
    #[error("the hashes do not lead to the root at size {size}")]
    WrongRoot {
        /// Size of the tree whose root was missed.
        size: u64,
    },
}

/// Checks that `leaf` stands at `proof.index` in the tree of `size` leaves with this `root`.
///
/// # Errors
/// [`ProofError`] if the index lies outside the tree, the proof has not exactly the length that
/// index and size determine, or another root results.
pub fn verify_inclusion(leaf: &Hash, proof: &InclusionProof, size: u64, root: &Hash) -> Result<(), ProofError> {
    let index = proof.index;
    if index >= size {
        return Err(ProofError::OutsideTree { index, size });
    }
    let way = descend_to_leaf(index, size);
    check_length(way.steps.len(), proof.hashes.len())?;
    let mut hash = *leaf;
    for (step, sibling) in way.steps.iter().rev().zip(&proof.hashes) {
        hash = match step.side {
            Side::Left => node_hash(&hash, sibling),
            Side::Right => node_hash(sibling, &hash),
        };
    }
    check_root(&hash, root, size)
}

/// Checks that the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves.
///
/// From size 0, and between equal sizes, only the empty proof is right; a root at size 0 is
/// [`EMPTY_ROOT`] or refused.
///
/// # Errors
/// [`ProofError`] if the tree shrank, the proof has not exactly the length that the sizes
/// determine, or another root results.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Shrunk { old_size, new_size });
    }
    for (size, root) in [(old_size, old_root), (new_size, new_root)] {
        if size == 0 {
            check_root(&EMPTY_ROOT, root, 0)?;
        }
    }
    if old_size == new_size {
        check_length(0, proof.len())?;
        return check_root(old_root, new_root, new_size);
    }
    if old_size == 0 {
        return check_length(0, proof.len());
    }
    let way = descend_to_edge(old_size, new_size);
    // Where the old tree is itself a subtree of the new, its root is the known beginning and the
    // proof leaves it out.
    let (start, siblings) = if way.end.start == 0 {
        check_length(way.steps.len(), proof.len())?;
        (*old_root, proof)
    } else {
        let (expected, found) = (way.steps.len() + 1, proof.len());
        check_length(expected, found)?;
        let wrong_length = ProofError::WrongLength { expected, found };
        let (first, rest) = proof.split_first().ok_or(wrong_length)?;
        (*first, rest)
    };
    let (mut old, mut new) = (start, start);
    for (step, sibling) in way.steps.iter().rev().zip(siblings) {
        match step.side {
            // What lies to the right came later: the old tree does not have it.
            Side::Left => new = node_hash(&new, sibling),
            Side::Right => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
        }
    }
    check_root(&old, old_root, old_size)?;
    check_root(&new, new_root, new_size)
}

/// The root of the first `size` leaves; [`EMPTY_ROOT`] at size 0.
///
/// # Errors
/// [`TileError`] if the tiles do not reach that size or cannot be read.
pub fn root_at<T: Tiles>(tiles: &T, size: u64) -> Result<Hash, TileError<T::Error>> {
    if size == 0 {
        return Ok(EMPTY_ROOT);
    }
    Nodes::of(tiles).root(0..size)
}

/// Shows that the leaf at `index` is in the tree of the first `size` leaves.
///
/// Reads each tile at most once, about one for every eight hashes of the proof and as many along
/// the right edge.
///
/// # Errors
/// [`TileError::OutsideTree`] if `index >= size`; [`TileError`] if tiles are missing or too short.
pub fn inclusion_proof<T: Tiles>(tiles: &T, index: u64, size: u64) -> Result<InclusionProof, TileError<T::Error>> {
    if index >= size {
        let position = index;
        return Err(TileError::OutsideTree { position, size });
    }
    let way = descend_to_leaf(index, size);
    let hashes = Nodes::of(tiles).siblings(&way)?;
    Ok(InclusionProof { index, hashes })
}

/// As [`inclusion_proof`] for several leaves of the same tree: what the proofs share is computed once.
///
/// # Errors
/// As [`inclusion_proof`].
pub fn inclusion_proofs<T: Tiles>(
    tiles: &T,
    indices: &[u64],
    size: u64,
) -> Result<Vec<InclusionProof>, TileError<T::Error>> {
    let mut nodes = Nodes::of(tiles);
    let mut proofs = Vec::with_capacity(indices.len());
    for &index in indices {
        if index >= size {
            return Err(TileError::OutsideTree { position: index, size });
        }
        let hashes = nodes.siblings(&descend_to_leaf(index, size))?;
        proofs.push(InclusionProof { index, hashes });
    }
    Ok(proofs)
}

/// Shows that the tree of `old_size` leaves is the beginning of the one of `new_size` leaves, in
/// the order of RFC 6962; empty if `old_size` is 0 or equals `new_size`.
///
/// # Errors
/// [`TileError::OutsideTree`] if `old_size > new_size`; [`TileError`] if tiles are missing or too
/// short.
pub fn consistency_proof<T: Tiles>(tiles: &T, old_size: u64, new_size: u64) -> Result<Vec<Hash>, TileError<T::Error>> {
    if old_size > new_size {
        return Err(TileError::OutsideTree { position: old_size, size: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return Ok(Vec::new());
    }
    let way = descend_to_edge(old_size, new_size);
    let mut nodes = Nodes::of(tiles);
    let mut proof = Vec::new();
    if way.end.start != 0 {
        proof.push(nodes.root(way.end.clone())?);
    }
    proof.extend(nodes.siblings(&way)?);
    Ok(proof)
}

/// The way from the root down to a subtree.
struct Way {
    /// Leaves of the subtree arrived at.
    end: Range<u64>,
    /// From the root downwards, at most 64.
    steps: Vec<Step>,
}

/// One step down: where it went, and the leaves of the subtree it passed by.
struct Step {
    side: Side,
    sibling: Range<u64>,
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Down to the leaf at `index`, which is below `size`.
fn descend_to_leaf(index: u64, size: u64) -> Way {
    descend(index, size, |leaves| leaves.end - leaves.start == 1)
}

/// Down to the first subtree that ends where the old tree ended; `0 < old_size < new_size`.
fn descend_to_edge(old_size: u64, new_size: u64) -> Way {
    descend(old_size - 1, new_size, |leaves| leaves.end == old_size)
}

/// Down towards the leaf at `index` until `arrived`, splitting as RFC 6962 does. Every subtree
/// passed contains `index`, so the way ends at the latest at that one leaf, where both conditions
/// above hold.
fn descend(index: u64, size: u64, arrived: impl Fn(&Range<u64>) -> bool) -> Way {
    let mut leaves = 0..size;
    let mut steps = Vec::new();
    while !arrived(&leaves) {
        let middle = split(&leaves);
        if index < middle {
            steps.push(Step { side: Side::Left, sibling: middle..leaves.end });
            leaves.end = middle;
        } else {
            steps.push(Step { side: Side::Right, sibling: leaves.start..middle });
            leaves.start = middle;
        }
    }
    Way { end: leaves, steps }
}

/// Where a tree of at least two leaves divides: after the largest power of two of leaves that is
/// smaller than their number (RFC 6962, section 2.1).
fn split(leaves: &Range<u64>) -> u64 {
    let count = leaves.end - leaves.start;
    leaves.start + (1 << (count - 1).ilog2())
}

fn check_length(expected: usize, found: usize) -> Result<(), ProofError> {
    if expected == found { Ok(()) } else { Err(ProofError::WrongLength { expected, found }) }
}

fn check_root(computed: &Hash, root: &Hash, size: u64) -> Result<(), ProofError> {
    if computed == root { Ok(()) } else { Err(ProofError::WrongRoot { size }) }
}

/// Reads the tree's nodes from tiles, each tile at most once, and computes each inner node at most once.
struct Nodes<'a, T> {
    tiles: &'a T,
    read: BTreeMap<TileId, Vec<Hash>>,
    computed: BTreeMap<(u64, u64), Hash>,
}

impl<'a, T: Tiles> Nodes<'a, T> {
    fn of(tiles: &'a T) -> Self {
        Self { tiles, read: BTreeMap::new(), computed: BTreeMap::new() }
    }

    /// Roots of the subtrees that a way passed by, from the bottom upwards.
    fn siblings(&mut self, way: &Way) -> Result<Vec<Hash>, TileError<T::Error>> {
        let upwards = way.steps.iter().rev();
        upwards.map(|step| self.root(step.sibling.clone())).collect()
    }

    /// Root of a subtree, given by its leaves; never empty, and begins where a subtree of its
    /// height may begin. At most 64 deep: inside a tile every node is computed from its two halves.
    fn root(&mut self, leaves: Range<u64>) -> Result<Hash, TileError<T::Error>> {
        let count = leaves.end - leaves.start;
        if count.is_power_of_two() && count.ilog2().is_multiple_of(BITS) {
            return self.held(leaves.start, count.ilog2());
        }
        if let Some(hash) = self.computed.get(&(leaves.start, leaves.end)) {
            return Ok(*hash);
        }
        let middle = split(&leaves);
        let left = self.root(leaves.start..middle)?;
        let right = self.root(middle..leaves.end)?;
        let hash = node_hash(&left, &right);
        self.computed.insert((leaves.start, leaves.end), hash);
        Ok(hash)
    }

    /// Root of the complete subtree of `1 << height` leaves beginning at leaf `start`, where `height` is that of a
    /// tile level: one hash of one tile.
    fn held(&mut self, start: u64, height: u32) -> Result<Hash, TileError<T::Error>> {
        // Heights are below 64 and levels below 8: the lowest byte is the whole number.
        let [level, ..] = (height / BITS).to_le_bytes();
        let (index, first) = split_position(start >> (BITS * u32::from(level)));
        let first = usize::from(first);
        let id = TileId { level, index };
        let tile = self.tile(id)?;
        let held = tile.len();
        tile.get(first).copied().ok_or(TileError::WrongWidth { id, needed: first + 1, held })
    }

    fn tile(&mut self, id: TileId) -> Result<&[Hash], TileError<T::Error>> {
        match self.read.entry(id) {
            Entry::Occupied(tile) => Ok(tile.into_mut()),
            Entry::Vacant(place) => {
                let tile = self.tiles.tile(id);
                let tile = tile.map_err(|source| TileError::Read { id, source })?;
                Ok(place.insert(tile))
            }
        }
    }
}
