//! The log module, judged by known vectors and by three implementations that are not ours:
//! `ct_merkle`, `tlog_tiles` (both trees) and `signed_note`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use amana::tlog::{
    ALG_ED25519, Checkpoint, CheckpointError, EMPTY_ROOT, Ed25519NoteSigner, Hash, InclusionProof, KeyError, KeyName,
    LogProof, LogProofError, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, MAX_TREE_SIZE, MemoryTiles, MissingTile, Note,
    NoteError, NoteSigner, NoteVerifier, ProofError, TILE_WIDTH, TileError, TileId, TileWidth, Tiles, append,
    consistency_proof, decode_tile, empty_root, encode_tile, inclusion_proof, key_id, leaf_hash, node_hash,
    parse_tile_path, root_at, root_of, sign_note, tile_path, verify_consistency, verify_inclusion,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

// --- hashes ---

/// Leaves and roots that Certificate Transparency implementations test with.
const CT_LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const CT_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn ct_tree() -> MemoryTiles {
    let mut tree = MemoryTiles::new();
    tree.append_leaves(&CT_LEAVES.map(leaf_hash));
    tree
}

/// Hexadecimal as `Debug` writes it.
fn hex(hash: &Hash) -> String {
    let text = format!("{hash:?}");
    text.trim_start_matches("Hash(").trim_end_matches(')').to_owned()
}

#[test]
fn roots_are_those_of_the_published_vectors() {
    let tree = ct_tree();
    for (size, expected) in CT_ROOTS.iter().enumerate() {
        let root = root_at(&tree, size as u64).unwrap();
        assert_eq!(hex(&root), *expected, "size {size}");
        assert_eq!(root, root_of(&CT_LEAVES.map(leaf_hash)[..size]));
    }
}

#[test]
fn proofs_are_those_of_the_published_vectors() {
    let tree = ct_tree();
    let proof = inclusion_proof(&tree, 0, 8).unwrap();
    let hashes: Vec<String> = proof.hashes.iter().map(hex).collect();
    let expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(hashes, expected);
    let proof = consistency_proof(&tree, 6, 8).unwrap();
    let hashes: Vec<String> = proof.iter().map(hex).collect();
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(hashes, expected);
}

#[test]
fn leaf_never_hashes_like_the_node_with_its_bytes() {
    let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
    let bytes = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(leaf_hash(&bytes), node_hash(&left, &right));
    assert_eq!(empty_root(), EMPTY_ROOT);
}

#[test]
fn hash_text_has_one_spelling() {
    let hash = leaf_hash(b"x");
    let text = hash.to_string();
    assert_eq!(text.len(), 44);
    assert_eq!(text.parse(), Ok(hash));
    let unpadded = text.trim_end_matches('=').to_owned();
    let longer = STANDARD.encode([0; 33]);
    // The last character before the padding carries two unused bits: set one of them.
    let sloppy = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=".to_owned();
    for wrong in [unpadded, longer, sloppy, format!("{text}\n"), String::new()] {
        assert!(wrong.parse::<Hash>().is_err(), "{wrong:?}");
    }
}

// --- trees against other implementations ---

/// SHA-256 of the 0.10 generation for `ct_merkle`, which wants the traits of the 0.11 one.
#[derive(Clone, Default)]
struct OracleSha256(sha2::Sha256);

impl ct_merkle::digest::HashMarker for OracleSha256 {}

impl ct_merkle::digest::OutputSizeUser for OracleSha256 {
    type OutputSize = ct_merkle::digest::consts::U32;
}

impl ct_merkle::digest::Update for OracleSha256 {
    fn update(&mut self, data: &[u8]) {
        sha2::Digest::update(&mut self.0, data);
    }
}

impl ct_merkle::digest::FixedOutput for OracleSha256 {
    fn finalize_into(self, out: &mut ct_merkle::digest::Output<Self>) {
        out.copy_from_slice(&sha2::Digest::finalize(self.0));
    }
}

type CtTree = ct_merkle::mem_backed_tree::MemoryBackedTree<OracleSha256, [u8; 8]>;

fn ct_root(root: &Hash, size: u64) -> ct_merkle::RootHash<OracleSha256> {
    ct_merkle::RootHash::new((*root.as_bytes()).into(), size)
}

/// The hash store that `tlog_tiles` asks for.
struct OracleHashes(Vec<tlog_tiles::Hash>);

impl tlog_tiles::HashReader for OracleHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

fn data(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn leaves(range: std::ops::Range<u64>) -> Vec<Hash> {
    range.map(|index| leaf_hash(&data(index))).collect()
}

fn theirs(hash: &Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(*hash.as_bytes())
}

fn ours(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

/// Just over 256², so that there are three levels of tiles, all unfinished.
const LARGE: u64 = 66_100;

fn large() -> &'static (MemoryTiles, OracleHashes) {
    static TREES: OnceLock<(MemoryTiles, OracleHashes)> = OnceLock::new();
    TREES.get_or_init(|| {
        let mut tree = MemoryTiles::new();
        let mut oracle = OracleHashes(Vec::new());
        for index in 0..LARGE {
            tree.append_leaf(leaf_hash(&data(index)));
            let hashes = tlog_tiles::stored_hashes(index, &data(index), &oracle).unwrap();
            oracle.0.extend(hashes);
        }
        (tree, oracle)
    })
}

/// Sizes of all kinds: small, around tile borders, anywhere.
fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![
        1_u64..=600,
        (1_u64..=258, 0_u64..3).prop_map(|(tiles, off)| tiles * 256 + off - 1),
        65_530_u64..=LARGE,
        1_u64..=LARGE,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn roots_equal_those_of_tlog_tiles(size in any_size()) {
        let (tree, oracle) = large();
        let expected = tlog_tiles::tree_hash(size, oracle).unwrap();
        prop_assert_eq!(theirs(&root_at(tree, size).unwrap()), expected);
    }

    #[test]
    fn inclusion_proofs_equal_those_of_tlog_tiles(size in any_size(), pick in any::<u64>()) {
        let (tree, oracle) = large();
        let index = pick % size;
        let proof = inclusion_proof(tree, index, size).unwrap();
        let expected = tlog_tiles::prove_record(size, index, oracle).unwrap();
        prop_assert_eq!(&proof.hashes, &ours(&expected));
        let root = root_at(tree, size).unwrap();
        let leaf = leaf_hash(&data(index));
        prop_assert_eq!(verify_inclusion(&leaf, &proof, size, &root), Ok(()));
    }

    #[test]
    fn consistency_proofs_equal_those_of_tlog_tiles(new in any_size(), pick in any::<u64>()) {
        let (tree, oracle) = large();
        let old = 1 + pick % new;
        let proof = consistency_proof(tree, old, new).unwrap();
        let expected = tlog_tiles::prove_tree(new, old, oracle).unwrap();
        prop_assert_eq!(&proof, &ours(&expected));
        let (old_root, new_root) = (root_at(tree, old).unwrap(), root_at(tree, new).unwrap());
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
    }

    #[test]
    fn ct_merkle_proves_and_accepts_the_same(size in 2_u64..=600, a in any::<u64>(), b in any::<u64>()) {
        let (tree, _) = large();
        let mut oracle = CtTree::new();
        (0..size).for_each(|index| oracle.push(data(index)));
        let root = root_at(tree, size).unwrap();
        prop_assert!(oracle.root() == ct_root(&root, size));

        let index = a % size;
        let proof = inclusion_proof(tree, index, size).unwrap();
        let bytes = encode_tile(&proof.hashes);
        let theirs = oracle.prove_inclusion(index as usize);
        prop_assert_eq!(theirs.as_bytes(), bytes.as_slice());
        let theirs = ct_merkle::InclusionProof::try_from_bytes(bytes).unwrap();
        prop_assert!(ct_root(&root, size).verify_inclusion(&data(index), index, &theirs).is_ok());

        let old = 1 + b % (size - 1);
        let proof = encode_tile(&consistency_proof(tree, old, size).unwrap());
        let theirs = oracle.prove_consistency((size - old) as usize);
        prop_assert_eq!(theirs.as_bytes(), proof.as_slice());
        let old_root = ct_root(&root_at(tree, old).unwrap(), old);
        prop_assert!(ct_root(&root, size).verify_consistency(&old_root, &theirs).is_ok());
    }
}

#[test]
fn growing_root_equals_the_root_read_from_tiles() {
    let mut tree = MemoryTiles::new();
    assert_eq!((tree.size(), tree.root()), (0, EMPTY_ROOT));
    for (size, leaf) in (1..).zip(leaves(0..1100)) {
        tree.append_leaf(leaf);
        assert_eq!(tree.size(), size);
        assert_eq!(tree.root(), root_at(&tree, size).unwrap(), "size {size}");
    }
    let (large, oracle) = large();
    assert_eq!(theirs(&large.root()), tlog_tiles::tree_hash(LARGE, oracle).unwrap());
}

#[test]
fn a_million_leaves_are_proven() {
    const MILLION: u64 = 1_000_000;
    let mut tree = MemoryTiles::new();
    tree.append_leaves(&leaves(0..MILLION));
    let root = tree.root();
    for index in (0..MILLION).step_by(997) {
        let proof = inclusion_proof(&tree, index, MILLION).unwrap();
        let leaf = leaf_hash(&data(index));
        assert_eq!(verify_inclusion(&leaf, &proof, MILLION, &root), Ok(()));
        let old_root = root_at(&tree, index).unwrap();
        let proof = consistency_proof(&tree, index, MILLION).unwrap();
        assert_eq!(verify_consistency(index, &old_root, MILLION, &root, &proof), Ok(()));
    }
}

// --- proofs that must not hold ---

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

#[test]
fn changed_inclusion_proof_is_refused() {
    let (tree, _) = large();
    for size in 1..=40 {
        let root = root_at(tree, size).unwrap();
        for index in 0..size {
            let leaf = leaf_hash(&data(index));
            let proof = inclusion_proof(tree, index, size).unwrap();
            let refused = |proof: &InclusionProof| verify_inclusion(&leaf, proof, size, &root).is_err();
            assert!(!refused(&proof));
            for place in 0..proof.hashes.len() {
                let mut changed = proof.clone();
                changed.hashes[place] = flip(&proof.hashes[place], (index as usize * 7) % 256);
                assert!(refused(&changed), "bit at {place}, leaf {index} of {size}");
                let mut shorter = proof.clone();
                shorter.hashes.remove(place);
                assert!(refused(&shorter), "removal at {place}, leaf {index} of {size}");
            }
            for place in 0..=proof.hashes.len() {
                let mut longer = proof.clone();
                longer.hashes.insert(place, leaf);
                assert!(refused(&longer), "insertion at {place}, leaf {index} of {size}");
            }
            for other in (0..size + 3).filter(|other| *other != index) {
                let mut moved = proof.clone();
                moved.index = other;
                assert!(refused(&moved), "leaf {index} as {other} of {size}");
            }
            let wrong = verify_inclusion(&flip(&leaf, 0), &proof, size, &root);
            assert_eq!(wrong, Err(ProofError::WrongRoot { size }));
            let wrong = verify_inclusion(&leaf, &proof, size, &flip(&root, 255));
            assert_eq!(wrong, Err(ProofError::WrongRoot { size }));
        }
    }
}

#[test]
fn changed_consistency_proof_is_refused() {
    let (tree, _) = large();
    for new in 1..=40 {
        let new_root = root_at(tree, new).unwrap();
        for old in 1..=new {
            let old_root = root_at(tree, old).unwrap();
            let proof = consistency_proof(tree, old, new).unwrap();
            let refused = |proof: &[Hash]| verify_consistency(old, &old_root, new, &new_root, proof).is_err();
            assert!(!refused(&proof));
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place] = flip(&proof[place], (old as usize * 11) % 256);
                assert!(refused(&changed), "bit at {place}, {old} to {new}");
                let mut shorter = proof.clone();
                shorter.remove(place);
                assert!(refused(&shorter), "removal at {place}, {old} to {new}");
            }
            for place in 0..=proof.len() {
                let mut longer = proof.clone();
                longer.insert(place, old_root);
                assert!(refused(&longer), "insertion at {place}, {old} to {new}");
            }
            let other_root = flip(&old_root, 3);
            assert!(verify_consistency(old, &other_root, new, &new_root, &proof).is_err());
            let other_root = flip(&new_root, 3);
            assert!(verify_consistency(old, &old_root, new, &other_root, &proof).is_err());
        }
    }
}

#[test]
fn leaf_beyond_the_tree_is_refused() {
    let tree = ct_tree();
    let proof = InclusionProof { index: 8, hashes: Vec::new() };
    let refused = verify_inclusion(&EMPTY_ROOT, &proof, 8, &tree.root());
    assert_eq!(refused, Err(ProofError::OutsideTree { index: 8, size: 8 }));
    let outside = Err(TileError::OutsideTree { position: 8, size: 8 });
    assert_eq!(inclusion_proof(&tree, 8, 8), outside);
    let outside = Err(TileError::OutsideTree { position: 0, size: 0 });
    assert_eq!(inclusion_proof(&tree, 0, 0), outside);
}

#[test]
fn size_beyond_the_tiles_is_refused() {
    let tree = ct_tree();
    let id = TileId { level: 0, index: 0 };
    let short = TileError::WrongWidth { id, needed: 9, held: 8 };
    assert_eq!(root_at(&tree, 9), Err(short));
    let id = TileId { level: 1, index: 0 };
    let missing = TileError::Read { id, source: MissingTile { id } };
    assert_eq!(root_at(&tree, 256), Err(missing));
}

#[test]
fn empty_tree_has_only_the_empty_root_and_the_empty_proof() {
    let root = ct_tree().root();
    let other = leaf_hash(b"other");
    let check = |old, old_root, new, new_root, proof: &[Hash]| verify_consistency(old, old_root, new, new_root, proof);
    assert_eq!(check(0, &EMPTY_ROOT, 8, &root, &[]), Ok(()));
    assert_eq!(check(0, &EMPTY_ROOT, 0, &EMPTY_ROOT, &[]), Ok(()));
    let wrong_root = Err(ProofError::WrongRoot { size: 0 });
    assert_eq!(check(0, &other, 8, &root, &[]), wrong_root);
    assert_eq!(check(0, &other, 0, &other, &[]), wrong_root);
    let wrong_length = Err(ProofError::WrongLength { expected: 0, found: 1 });
    assert_eq!(check(0, &EMPTY_ROOT, 8, &root, &[other]), wrong_length);
    assert_eq!(check(8, &root, 8, &root, &[other]), wrong_length);
    assert_eq!(check(8, &root, 8, &root, &[]), Ok(()));
    assert_eq!(consistency_proof(&ct_tree(), 0, 8), Ok(Vec::new()));
    assert_eq!(consistency_proof(&ct_tree(), 8, 8), Ok(Vec::new()));
}

#[test]
fn shrunk_tree_is_refused() {
    let tree = ct_tree();
    let (old_size, new_size) = (8, 7);
    let refused = verify_consistency(8, &tree.root(), 7, &tree.root(), &[]);
    assert_eq!(refused, Err(ProofError::Shrunk { old_size, new_size }));
    let outside = TileError::OutsideTree { position: 8, size: 7 };
    assert_eq!(consistency_proof(&tree, 8, 7), Err(outside));
}

#[test]
fn forked_tree_of_equal_size_is_refused() {
    let mut fork = MemoryTiles::new();
    fork.append_leaves(&leaves(0..8));
    let refused = verify_consistency(8, &ct_tree().root(), 8, &fork.root(), &[]);
    assert_eq!(refused, Err(ProofError::WrongRoot { size: 8 }));
}

#[test]
fn verifying_survives_the_largest_sizes() {
    let hashes = vec![EMPTY_ROOT; 64];
    let proof = InclusionProof { index: u64::MAX - 1, hashes };
    assert!(verify_inclusion(&EMPTY_ROOT, &proof, u64::MAX, &EMPTY_ROOT).is_err());
    let (half, most) = (MAX_TREE_SIZE, u64::MAX);
    assert!(verify_consistency(half, &EMPTY_ROOT, most, &EMPTY_ROOT, &proof.hashes).is_err());
    assert!(verify_consistency(most - 1, &EMPTY_ROOT, most, &EMPTY_ROOT, &[]).is_err());
}

// --- tiles ---

/// Tiles as a store keeps them: written by `append` alone, and counting what is read.
#[derive(Default)]
struct StoredTiles {
    tiles: BTreeMap<TileId, Vec<Hash>>,
    reads: RefCell<Vec<TileId>>,
}

impl StoredTiles {
    fn append(&mut self, old_size: u64, leaves: &[Hash]) {
        let changed = append(self, old_size, leaves).unwrap();
        self.tiles.extend(changed);
    }

    /// The tiles read since the last call.
    fn take_reads(&self) -> Vec<TileId> {
        self.reads.take()
    }
}

impl Tiles for StoredTiles {
    type Error = MissingTile;

    fn tile(&self, id: TileId) -> Result<Vec<Hash>, MissingTile> {
        self.reads.borrow_mut().push(id);
        self.tiles.get(&id).cloned().ok_or(MissingTile { id })
    }
}

fn any_batches() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![0_u64..5, 250_u64..260, 0_u64..1500], 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batches_of_any_size_make_the_same_tiles(batches in any_batches()) {
        let mut stored = StoredTiles::default();
        let mut size = 0;
        for batch in batches {
            stored.append(size, &leaves(size..size + batch));
            let mut reads = stored.take_reads();
            let read = reads.len();
            reads.dedup();
            prop_assert_eq!(reads.len(), read, "no tile is read twice");
            size += batch;
        }
        let mut at_once = StoredTiles::default();
        at_once.append(0, &leaves(0..size));
        prop_assert_eq!(&stored.tiles, &at_once.tiles);
        let mut memory = MemoryTiles::new();
        memory.append_leaves(&leaves(0..size));
        for (id, tile) in &stored.tiles {
            prop_assert_eq!(&memory.tile(*id).unwrap(), tile);
        }
        prop_assert_eq!(root_at(&stored, size).unwrap(), memory.root());
    }

    #[test]
    fn tiles_and_paths_equal_those_of_tlog_tiles(size in any_size(), old in any_size()) {
        let (tree, oracle) = large();
        let old = old.min(size);
        for theirs in tlog_tiles::Tile::new_tiles(8, old, size) {
            let id = TileId { level: theirs.level(), index: theirs.level_index() };
            let width = id.width_at(size).unwrap();
            prop_assert_eq!(width.hashes(), theirs.width() as usize);
            let tile = &tree.tile(id).unwrap()[..width.hashes()];
            let bytes = theirs.read_data(oracle).unwrap();
            prop_assert_eq!(decode_tile(&bytes).unwrap(), tile);
            prop_assert_eq!(encode_tile(tile), bytes);
            let path = tile_path(id, width);
            prop_assert_eq!(theirs.path().replacen("tile/8/", "tile/", 1), path.as_str());
            prop_assert_eq!(parse_tile_path(&path), Ok((id, width)));
        }
    }

    #[test]
    fn every_tile_path_reads_back(level in 0_u8..=63, index in any::<u64>(), width in any::<u8>()) {
        let id = TileId { level, index };
        let width = std::num::NonZeroU8::new(width).map_or(TileWidth::Full, TileWidth::Partial);
        prop_assert_eq!(parse_tile_path(&tile_path(id, width)), Ok((id, width)));
    }

    #[test]
    fn reading_a_tile_path_never_panics(text in "(tile/)?[0-9x/.p]{0,30}") {
        if let Ok((id, width)) = parse_tile_path(&text) {
            prop_assert_eq!(tile_path(id, width), text);
        }
    }
}

#[test]
fn memory_holds_no_tile_beyond_its_size() {
    let mut tree = MemoryTiles::new();
    let missing = |tree: &MemoryTiles, level, index| tree.tile(TileId { level, index }).is_err();
    assert!(missing(&tree, 0, 0));
    tree.append_leaves(&leaves(0..256));
    assert!(!missing(&tree, 0, 0) && !missing(&tree, 1, 0));
    assert!(missing(&tree, 0, 1) && missing(&tree, 1, 1) && missing(&tree, 2, 0));
    assert!(missing(&tree, 8, 0) && missing(&tree, u8::MAX, 0));
}

#[test]
fn proof_reads_each_tile_once() {
    let mut stored = StoredTiles::default();
    stored.append(0, &leaves(0..LARGE));
    for index in [0, 255, 256, 40_000, 65_535, 65_536, LARGE - 1] {
        inclusion_proof(&stored, index, LARGE).unwrap();
        let mut reads = stored.take_reads();
        consistency_proof(&stored, index + 1, LARGE).unwrap();
        for mut reads in [std::mem::take(&mut reads), stored.take_reads()] {
            let count = reads.len();
            reads.sort_unstable();
            reads.dedup();
            assert_eq!(reads.len(), count, "leaf {index}");
            assert!(count <= 6, "leaf {index} took {count} tiles");
        }
    }
}

#[test]
fn append_to_a_stale_size_is_refused() {
    let mut stored = StoredTiles::default();
    stored.append(0, &leaves(0..10));
    let id = TileId { level: 0, index: 0 };
    for stale in [9, 11] {
        let refused = append(&stored, stale, &leaves(0..1));
        let needed = stale as usize;
        assert_eq!(refused, Err(TileError::WrongWidth { id, needed, held: 10 }));
    }
    let id = TileId { level: 0, index: 1 };
    let missing = TileError::Read { id, source: MissingTile { id } };
    assert_eq!(append(&stored, 257, &leaves(0..1)), Err(missing));
}

#[test]
fn tree_does_not_grow_past_its_limit() {
    let stored = StoredTiles::default();
    for full in [MAX_TREE_SIZE, u64::MAX] {
        let refused = append(&stored, full, &leaves(0..1));
        assert_eq!(refused, Err(TileError::TooLarge));
    }
}

#[test]
fn tile_bytes_of_another_length_are_refused() {
    for good in [32, 64, 32 * TILE_WIDTH] {
        let bytes = vec![7; good];
        assert_eq!(encode_tile(&decode_tile(&bytes).unwrap()), bytes);
    }
    for bad in [0, 31, 33, 32 * TILE_WIDTH - 1, 32 * TILE_WIDTH + 32] {
        assert_eq!(decode_tile(&vec![7; bad]).unwrap_err().size_bytes, bad);
    }
}

#[test]
fn tile_paths_are_those_of_the_specification() {
    let id = TileId { level: 0, index: 1_234_067 };
    assert_eq!(tile_path(id, TileWidth::Full), "tile/0/x001/x234/067");
    let partial = TileWidth::Partial(5.try_into().unwrap());
    assert_eq!(tile_path(id, partial), "tile/0/x001/x234/067.p/5");
    let first = TileId { level: 1, index: 0 };
    assert_eq!(tile_path(first, TileWidth::Full), "tile/1/000");
}

#[test]
fn other_spellings_of_a_tile_path_are_refused() {
    for wrong in [
        "",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/+0/000",
        "tile/0/+00",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/xx01/000",
        "tile/0/x001/0000",
        "tile/0/000/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/../000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        assert!(parse_tile_path(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn tile_widths_are_those_of_the_specification() {
    // "A tree of size 70,000": 273 full and one of 112; 1 full and one of 17; one of 1.
    let width = |level, index| {
        let id = TileId { level, index };
        id.width_at(70_000).map(TileWidth::hashes)
    };
    assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (Some(256), Some(112), None));
    assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (Some(256), Some(17), None));
    assert_eq!((width(2, 0), width(2, 1), width(3, 0)), (Some(1), None, None));
}

// --- notes ---

fn signer(name: &str, seed: u8) -> Ed25519NoteSigner {
    Ed25519NoteSigner::new(name.parse().unwrap(), SigningKey::from_bytes(&[seed; 32])).unwrap()
}

/// The same key in the other implementation's private form.
fn their_signer(name: &str, seed: u8) -> signed_note::StandardSigner {
    let id = signer(name, seed).key_id();
    let mut key = vec![ALG_ED25519];
    key.extend([seed; 32]);
    let key = STANDARD.encode(key);
    signed_note::StandardSigner::new(&format!("PRIVATE+KEY+{name}+{id:08x}+{key}")).unwrap()
}

fn their_verifiers(ours: &[&NoteVerifier]) -> signed_note::VerifierList {
    let list = ours.iter().map(|verifier| {
        let theirs = signed_note::StandardVerifier::new(&verifier.to_string()).unwrap();
        Box::new(theirs) as Box<dyn signed_note::Verifier>
    });
    signed_note::VerifierList::new(list.collect())
}

const NEUMANN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn note_of_the_go_implementation_verifies() {
    let verifier: NoteVerifier = NEUMANN_KEY.parse().unwrap();
    assert_eq!(verifier.to_string(), NEUMANN_KEY);
    let note = Note::parse(NEUMANN_NOTE).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&verifier)), Ok(vec![&verifier]));
    assert_eq!(note.to_string(), NEUMANN_NOTE);
    assert_eq!(note.signatures()[0].key_id(), 0xc74f_20a3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn our_notes_verify_in_signed_note(text in "([ -~é—]{0,20}\n){1,5}", seed in 1_u8..) {
        let (one, two) = (signer("example.org/log", seed), signer("wit.example", seed));
        let printed = sign_note(&text, &[&one, &two]).unwrap();
        let theirs = signed_note::Note::from_bytes(printed.as_bytes()).unwrap();
        prop_assert_eq!(theirs.text(), text.as_bytes());
        let (verified, other) = theirs.verify(&their_verifiers(&[one.verifier(), two.verifier()])).unwrap();
        prop_assert_eq!((verified.len(), other.len()), (2, 0));
    }

    #[test]
    fn notes_of_signed_note_verify_here(text in "([ -~é—]{0,20}\n){1,5}", seed in 1_u8..) {
        let verifier = signer("example.org/log", seed).verifier().clone();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&their_signer("example.org/log", seed)]).unwrap();
        let printed = String::from_utf8(theirs.to_bytes()).unwrap();
        let note = Note::parse(&printed).unwrap();
        prop_assert_eq!(note.text(), &text);
        prop_assert_eq!(note.to_string(), printed);
        prop_assert!(note.verify(&[verifier]).is_ok());
    }

    #[test]
    fn what_parses_prints_the_same(text in "(a?\n){1,3}\n?(— l\\+? ?AAAAAA(A=|E=|F=|==|EA)\n\n?){1,3}\t?") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text.as_str());
        }
        let theirs = signed_note::Note::from_bytes(text.as_bytes()).is_ok();
        prop_assert_eq!(Note::parse(&text).is_ok(), theirs);
    }

    #[test]
    fn note_with_a_changed_byte_does_not_verify(place in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let verifier: NoteVerifier = NEUMANN_KEY.parse().unwrap();
        let mut bytes = NEUMANN_NOTE.as_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(note) = String::from_utf8(bytes) {
            let verified = Note::parse(&note).and_then(|note| note.verify(&[verifier]).map(|_| ()));
            prop_assert!(verified.is_err(), "{}", note);
        }
    }
}

#[test]
fn key_id_binds_name_algorithm_and_key() {
    let name: KeyName = "a".parse().unwrap();
    let other: KeyName = "b".parse().unwrap();
    let id = key_id(&name, ALG_ED25519, &[7; 32]);
    assert_ne!(id, key_id(&other, ALG_ED25519, &[7; 32]));
    assert_ne!(id, key_id(&name, 4, &[7; 32]));
    assert_ne!(id, key_id(&name, ALG_ED25519, &[8; 32]));
}

#[test]
fn key_name_with_space_or_plus_is_refused() {
    for wrong in ["", "a b", "a+b", "a\n", "a\u{a0}b", "a\u{2003}b", "a\u{7f}"] {
        assert_eq!(wrong.parse::<KeyName>(), Err(KeyError::Name), "{wrong:?}");
    }
    for right in ["a", "example.org/register", "münchen.example"] {
        assert_eq!(right.parse::<KeyName>().unwrap().as_str(), right);
    }
}

#[test]
fn verifier_key_in_any_other_form_is_refused() {
    let refused = |text: &str| text.parse::<NoteVerifier>().unwrap_err();
    let key = NEUMANN_KEY.rsplit('+').next().unwrap();
    assert_eq!(refused("PeterNeumann"), KeyError::Form);
    assert_eq!(refused(&format!("PeterNeumann+{key}")), KeyError::Form);
    assert_eq!(refused(&format!("+c74f20a3+{key}")), KeyError::Name);
    assert_eq!(refused(&format!("PeterNeumann+c74f20a4+{key}")), KeyError::KeyId);
    assert_eq!(refused(&format!("PeterNewmann+c74f20a3+{key}")), KeyError::KeyId);
    assert_eq!(refused(&format!("PeterNeumann+C74F20A3+{key}")), KeyError::Form);
    assert_eq!(refused(&format!("PeterNeumann+0c74f20a3+{key}")), KeyError::Form);
    assert_eq!(refused(&format!("{NEUMANN_KEY}=")), KeyError::Form);
    let algorithm = key.replacen("AR", "BB", 1);
    assert_eq!(refused(&format!("PeterNeumann+c74f20a3+{algorithm}")), KeyError::Algorithm);
    // The neutral element: any signature would "verify" leniently under it.
    let mut weak = [0; 33];
    (weak[0], weak[1]) = (ALG_ED25519, 1);
    let weak = STANDARD.encode(weak);
    assert_eq!(refused(&format!("PeterNeumann+c74f20a3+{weak}")), KeyError::PublicKey);
}

fn signed(text: &str, signers: &[&dyn NoteSigner]) -> Note {
    Note::parse(&sign_note(text, signers).unwrap()).unwrap()
}

#[test]
fn unknown_signatures_are_ignored() {
    let (log, witness, same_name) = (signer("log", 1), signer("witness", 2), signer("log", 3));
    let note = signed("text\n", &[&same_name, &log, &witness]);
    let known = [log.verifier().clone()];
    assert_eq!(note.verify(&known), Ok(vec![&known[0]]));
    let both = [witness.verifier().clone(), log.verifier().clone()];
    assert_eq!(note.verify(&both), Ok(vec![&both[1], &both[0]]));
    assert_eq!(note.verify(&[]), Err(NoteError::NotSigned));
    assert_eq!(note.verify(&[signer("other", 1).verifier().clone()]), Err(NoteError::NotSigned));
}

#[test]
fn wrong_signature_of_a_known_key_spoils_the_note() {
    let (log, witness) = (signer("log", 1), signer("witness", 2));
    let other_text = signed("other\n", &[&witness]);
    let forged = other_text.signatures()[0].to_string();
    let note = signed("text\n", &[&log]).with_signature(&forged).unwrap();
    let name = witness.name().clone();
    let known = [log.verifier().clone(), witness.verifier().clone()];
    assert_eq!(note.verify(&known), Err(NoteError::WrongSignature { name }));
    assert!(note.verify(&known[..1]).is_ok());
}

#[test]
fn second_signature_of_a_known_key_is_refused() {
    let (log, other) = (signer("log", 1), signer("other", 2));
    let note = signed("text\n", &[&log, &other]);
    let name = log.name().clone();
    let line = note.signatures()[0].to_string();
    let twice = Note::parse(&format!("{note}{line}\n")).unwrap();
    let duplicate = NoteError::DuplicateSignature { name };
    assert_eq!(twice.verify(&[log.verifier().clone()]), Err(duplicate.clone()));
    assert!(twice.verify(&[other.verifier().clone()]).is_ok());
    assert_eq!(note.with_signature(&line), Err(duplicate.clone()));
    assert_eq!(sign_note("text\n", &[&log, &log]), Err(duplicate));
}

#[test]
fn same_key_known_twice_is_ambiguous() {
    let log = signer("log", 1);
    let name = log.name().clone();
    let known = [log.verifier().clone(), log.verifier().clone()];
    let ambiguous = Err(NoteError::AmbiguousKey { name });
    assert_eq!(signed("text\n", &[&log]).verify(&known), ambiguous);
}

#[test]
fn later_signature_leaves_the_rest_as_it_was() {
    let (log, witness) = (signer("log", 1), signer("witness", 2));
    let line = signed("text\n", &[&witness]).signatures()[0].to_string();
    let note = signed("text\n", &[&log]);
    let cosigned = note.clone().with_signature(&line).unwrap();
    assert_eq!(cosigned.to_string(), format!("{note}{line}\n"));
    assert_eq!(cosigned, signed("text\n", &[&log, &witness]));
    for wrong in ["", "witness AAAA", &format!("{line}\n"), &line.replace('\u{2014}', "-")] {
        let refused = note.clone().with_signature(wrong);
        assert_eq!(refused, Err(NoteError::MalformedSignature), "{wrong:?}");
    }
}

#[test]
fn text_that_cannot_be_a_notes_text_is_not_signed() {
    let log = signer("log", 1);
    let line = signed("text\n", &[&log]).signatures()[0].to_string();
    for wrong in ["", "text", "a\n\nb", &format!("a\n\n{line}")] {
        assert_eq!(sign_note(wrong, &[&log]), Err(NoteError::NoSignatures), "{wrong:?}");
    }
    assert_eq!(sign_note("a\tb\n", &[&log]), Err(NoteError::ControlCharacter));
    assert_eq!(sign_note("text\n", &[]), Err(NoteError::NoSignatures));
    assert!(sign_note("\n\n\n", &[&log]).is_ok());
}

#[test]
fn malformed_note_is_refused() {
    let good = signed("text\n", &[&signer("log", 1)]).to_string();
    let refused = |note: &str| Note::parse(note).unwrap_err();
    assert_eq!(refused(""), NoteError::NoSignatures);
    assert_eq!(refused("text\n"), NoteError::NoSignatures);
    assert_eq!(refused("text\n\n"), NoteError::Unterminated);
    assert_eq!(refused(good.trim_end()), NoteError::Unterminated);
    assert_eq!(refused(&format!("{good}\n")), NoteError::Unterminated);
    assert_eq!(refused(&good.replace("text", "te\rxt")), NoteError::ControlCharacter);
    for (from, to) in [("log ", "lo+g "), ("log ", " "), ("log ", "log  "), ("=\n", "\n")] {
        assert_eq!(refused(&good.replace(from, to)), NoteError::MalformedSignature);
    }
    // A key id alone is no signature.
    assert_eq!(refused("text\n\n\u{2014} log AAAAAA==\n"), NoteError::MalformedSignature);
}

#[test]
fn note_past_a_limit_is_refused() {
    let log = signer("log", 1);
    let mut note = signed("text\n", &[&log]);
    for other in 1..MAX_NOTE_SIGNATURES {
        note = note.with_signature(&format!("\u{2014} w{other} AAAAAAE=")).unwrap();
    }
    assert!(Note::parse(&note.to_string()).is_ok());
    let line = "\u{2014} w0 AAAAAAE=";
    let more = format!("{note}{line}\n");
    assert_eq!(Note::parse(&more), Err(NoteError::TooManySignatures));
    assert_eq!(note.with_signature(line), Err(NoteError::TooManySignatures));

    let rest = signed("\n", &[&log]).to_string().len();
    let longest = format!("{}\n", "x".repeat(MAX_NOTE_BYTES - rest));
    let note = signed(&longest, &[&log]);
    let size_bytes = MAX_NOTE_BYTES + 1;
    let refused = sign_note(&format!("x{longest}"), &[&log]);
    assert_eq!(refused, Err(NoteError::TooLarge { size_bytes }));
    assert!(matches!(note.with_signature(line), Err(NoteError::TooLarge { .. })));
}

// --- checkpoints ---

const ORIGIN: &str = "example.org/register";

fn checkpoint(size: u64) -> Checkpoint {
    let root = root_at(&large().0, size).unwrap();
    Checkpoint::new(&ORIGIN.parse().unwrap(), size, root).unwrap()
}

#[test]
fn our_checkpoint_opens_here_and_in_the_other_implementations() {
    let log = signer(ORIGIN, 1);
    for size in [0, 1, 700, LARGE] {
        let note = checkpoint(size).signed(&log).unwrap();
        assert_eq!(Checkpoint::open(&note, log.verifier()), Ok(checkpoint(size)));
        let theirs = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        assert!(theirs.verify(&their_verifiers(&[log.verifier()])).is_ok());
        let theirs = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
        assert_eq!((theirs.origin(), theirs.size()), (ORIGIN, size));
        assert_eq!(theirs.hash().0, *checkpoint(size).root().as_bytes());
    }
}

#[test]
fn checkpoint_of_the_other_implementations_opens_here() {
    let log = signer(ORIGIN, 1);
    let root = theirs(checkpoint(700).root());
    for extension in ["", "one\ntwo 2\n"] {
        let text = tlog_tiles::Checkpoint::new(ORIGIN, 700, root, extension).unwrap();
        let mut note = signed_note::Note::new(&text.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&their_signer(ORIGIN, 1)]).unwrap();
        let note = String::from_utf8(note.to_bytes()).unwrap();
        let opened = Checkpoint::open(&note, log.verifier()).unwrap();
        assert_eq!((opened.origin(), opened.size()), (ORIGIN, 700));
        assert_eq!(opened.root(), checkpoint(700).root());
        let lines: Vec<&str> = extension.lines().collect();
        assert_eq!(opened.extensions(), lines);
        assert_eq!(opened.to_text().as_bytes(), text.to_bytes());
        let resigned = opened.signed(&log);
        assert_eq!(resigned.is_ok(), lines.is_empty());
    }
}

#[test]
fn checkpoint_of_another_log_is_refused() {
    let (log, other) = (signer(ORIGIN, 1), signer("example.org/case", 1));
    let note = checkpoint(7).signed(&log).unwrap();
    let refused = Checkpoint::open(&note, other.verifier());
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::NotSigned)));
    // Signed by the right key under the right name, but about another log.
    let text = checkpoint(7).to_text().replace("register", "case");
    let note = sign_note(&text, &[&log]).unwrap();
    let refused = Checkpoint::open(&note, log.verifier());
    assert!(matches!(refused, Err(CheckpointError::WrongOrigin { .. })));
    let refused = checkpoint(7).signed(&other);
    assert!(matches!(refused, Err(CheckpointError::WrongOrigin { .. })));
}

#[test]
fn checkpoint_without_the_logs_signature_is_refused() {
    let (log, witness) = (signer(ORIGIN, 1), signer("witness", 2));
    let text = checkpoint(7).to_text();
    let note = sign_note(&text, &[&witness]).unwrap();
    let refused = Checkpoint::open(&note, log.verifier());
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::NotSigned)));
    let note = sign_note(&text, &[&witness, &log]).unwrap();
    assert_eq!(Checkpoint::open(&note, log.verifier()), Ok(checkpoint(7)));
}

#[test]
fn malformed_checkpoint_text_is_refused() {
    let root = checkpoint(7).root().to_string();
    let good = format!("o\n7\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).unwrap().to_text(), good);
    for wrong in [
        String::new(),
        "o\n7\n".to_owned(),
        format!("o\n7\n{root}"),
        format!("\n7\n{root}\n"),
        format!("o\n07\n{root}\n"),
        format!("o\n+7\n{root}\n"),
        format!("o\n-7\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n7\n{}\n", root.trim_end_matches('=')),
        format!("o\n7\n{root}\n\n"),
        format!("o\n7\n{root}\n\nextension\n"),
        format!("o\r\n7\n{root}\n"),
    ] {
        assert_eq!(Checkpoint::parse(&wrong), Err(CheckpointError::Malformed), "{wrong:?}");
    }
    let empty = Checkpoint::parse(&format!("o\n0\n{root}\n"));
    assert_eq!(empty, Err(CheckpointError::WrongEmptyRoot));
    let large = Checkpoint::parse(&format!("o\n9223372036854775809\n{root}\n"));
    assert_eq!(large, Err(CheckpointError::TooLarge));
}

// --- proof files ---

fn log_proof(extra: &[u8], index: u64, size: u64) -> LogProof {
    let proof = inclusion_proof(&large().0, index, size).unwrap();
    let checkpoint = checkpoint(size).signed(&signer(ORIGIN, 1)).unwrap();
    LogProof::new(extra.to_vec(), proof, checkpoint).unwrap()
}

#[test]
fn proof_file_has_the_specified_form() {
    let log_proof = log_proof(b"leaf", 1, 3);
    let (first, third) = (leaf_hash(&data(0)), leaf_hash(&data(2)));
    let checkpoint = checkpoint(3).signed(&signer(ORIGIN, 1)).unwrap();
    let expected = format!("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 1\n{first}\n{third}\n\n{checkpoint}");
    assert_eq!(log_proof.to_text(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn proof_file_reads_back_and_verifies(
        extra in prop::collection::vec(any::<u8>(), 0..80),
        size in any_size(),
        pick in any::<u64>(),
    ) {
        let index = pick % size;
        let proof = log_proof(&extra, index, size);
        let read = LogProof::parse(&proof.to_text()).unwrap();
        prop_assert_eq!(&read, &proof);
        prop_assert_eq!(read.extra(), extra.as_slice());
        prop_assert_eq!(read.proof().index, index);
        let log = signer(ORIGIN, 1);
        let verified = read.verify(&leaf_hash(&data(index)), log.verifier());
        prop_assert_eq!(verified, Ok(checkpoint(size)));
        let verified = read.verify(&leaf_hash(&data(index + 1)), log.verifier());
        prop_assert_eq!(verified, Err(LogProofError::Proof(ProofError::WrongRoot { size })));
    }

    #[test]
    fn changed_proof_file_does_not_verify(place in any::<prop::sample::Index>(), bit in 0_u8..7) {
        // No extra part: it alone is not authenticated.
        let mut bytes = log_proof(b"", 300, 700).to_text().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let log = signer(ORIGIN, 1);
        if let Ok(text) = String::from_utf8(bytes) {
            let leaf = leaf_hash(&data(300));
            let verified = LogProof::parse(&text).and_then(|proof| proof.verify(&leaf, log.verifier()));
            prop_assert!(verified.is_err(), "{}", text);
        }
    }
}

#[test]
fn proof_file_by_another_log_is_refused() {
    let proof = log_proof(b"", 1, 3);
    let refused = proof.verify(&leaf_hash(&data(1)), signer(ORIGIN, 2).verifier());
    let unsigned = CheckpointError::Note(NoteError::NotSigned);
    assert_eq!(refused, Err(LogProofError::Checkpoint(unsigned)));
}

#[test]
fn later_cosignature_leaves_the_proof_file_valid() {
    let proof = log_proof(b"leaf", 1, 3);
    let note = Note::parse(proof.checkpoint()).unwrap();
    let cosigned = note.with_signature("\u{2014} witness AAAAAAE=").unwrap().to_string();
    let proof = LogProof::new(b"leaf".to_vec(), proof.proof().clone(), cosigned).unwrap();
    let read = LogProof::parse(&proof.to_text()).unwrap();
    let verified = read.verify(&leaf_hash(&data(1)), signer(ORIGIN, 1).verifier());
    assert_eq!(verified, Ok(checkpoint(3)));
}

#[test]
fn other_spellings_of_a_proof_file_are_refused() {
    let good = log_proof(b"leaf", 1, 3).to_text();
    assert!(LogProof::parse(&good).is_ok());
    for (from, to) in [
        ("@v1", "@v2"),
        ("c2sp", " c2sp"),
        ("extra bGVhZg==", "extra "),
        ("extra bGVhZg==", "extra bGVhZg"),
        ("extra bGVhZg==", "extra bGVhZh=="),
        ("extra bGVhZg==\n", "extra bGVhZg==\nextra bGVhZg==\n"),
        ("extra bGVhZg==\nindex 1", "index 1\nextra bGVhZg=="),
        ("index 1\n", ""),
        ("index 1", "index 01"),
        ("index 1", "index +1"),
        ("index 1", "index  1"),
        ("index 1", "index -1"),
        ("index 1", "index 18446744073709551616"),
        ("index 1\n", "index 1\r\n"),
    ] {
        let wrong = good.replacen(from, to, 1);
        assert_eq!(LogProof::parse(&wrong), Err(LogProofError::Malformed), "{from} as {to}");
    }
    let unsigned = good.split_inclusive('\n').take(6).collect::<String>();
    assert!(LogProof::parse(&unsigned).is_err());
    assert!(LogProof::parse(&format!("{good}\n")).is_err());
    assert!(LogProof::parse(&good.replacen("\n3\n", "\n03\n", 1)).is_err());
}

#[test]
fn proof_file_past_a_limit_is_refused() {
    let good = log_proof(b"", 1, 3);
    let with = |hashes| {
        let proof = InclusionProof { index: 1, hashes };
        LogProof::new(Vec::new(), proof, good.checkpoint().to_owned())
    };
    let most = with(vec![EMPTY_ROOT; 63]).unwrap();
    assert_eq!(LogProof::parse(&most.to_text()), Ok(most.clone()));
    assert_eq!(with(vec![EMPTY_ROOT; 64]), Err(LogProofError::TooManyHashes));
    let text = most.to_text().replacen("index 1\n", &format!("index 1\n{EMPTY_ROOT}\n"), 1);
    assert_eq!(LogProof::parse(&text), Err(LogProofError::TooManyHashes));
    let extra = vec![0; 2 << 20];
    let proof = good.proof().clone();
    let refused = LogProof::new(extra, proof, good.checkpoint().to_owned());
    assert!(matches!(refused, Err(LogProofError::TooLarge { .. })));
}
