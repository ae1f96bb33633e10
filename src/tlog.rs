//! An append-only log over opaque bytes: RFC 6962 trees, C2SP tiles, signed notes, checkpoints
//! and proof files.
//!
//! Both of the house's logs use this code. It knows nothing of reports, grants or storage and uses
//! no other module of the crate, so that an outsider can read it alone. It reads no clock, draws
//! no randomness and opens no file.
//!
//! It must never say "verified" of less than was verified: a proof of the wrong length, a root at
//! size 0 that is not the empty root, a note line that does not re-encode to its own bytes are all
//! refused.
//!
//! Start reading in this order: `hash` (the tree's two hash functions), `tile` (how a tree is
//! kept), `proof` (what a tree can show), `key` and `note` (who says so), `checkpoint` (which tree),
//! `log_proof` (all of it in one file, which is what a receipt is), `cosignature` (who else saw it)
//! and `witness` (when they may say so).
//!
//! Sources: RFC 6962 section 2.1; c2sp.org/tlog-tiles, /signed-note, /tlog-checkpoint, /tlog-proof,
//! /tlog-cosignature, /tlog-witness.

mod bundle;
mod checkpoint;
mod cosignature;
mod hash;
mod key;
mod log_proof;
mod note;
mod proof;
mod roots;
mod tile;
mod witness;

pub use bundle::{BundleError, MAX_BUNDLED_BYTES, bundle_path, decode_bundle, encode_bundle, parse_bundle_path};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{
    Cosignature, CosignatureError, CosignatureSigner, CosignatureVerifier, MAX_COSIGNATURE_TIME, Standing, standings,
};
pub use hash::{EMPTY_ROOT, HASH_BYTES, Hash, HashError, empty_root, leaf_hash, node_hash, root_of};
pub use key::{
    ALG_COSIGNATURE_V1, ALG_ED25519, Ed25519NoteSigner, KeyError, KeyName, NoteSigner, NoteVerifier, key_id,
};
pub use log_proof::{LogProof, LogProofError, MAX_LOG_PROOF_BYTES, MAX_PROOF_HASHES};
pub use note::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note, NoteError, NoteSignature, sign_note};
pub use proof::{
    InclusionProof, ProofError, consistency_proof, inclusion_proof, inclusion_proofs, root_at, verify_consistency,
    verify_inclusion,
};
pub use roots::Roots;
pub use tile::{
    ChangedTiles, MAX_TREE_SIZE, MemoryTiles, MissingTile, TILE_WIDTH, TileBytesError, TileError, TileId,
    TilePathError, TileWidth, Tiles, append, decode_tile, encode_tile, parse_tile_path, tile_path,
};
pub use witness::{
    AddCheckpoint, AddCheckpointError, Last, MAX_ADD_CHECKPOINT_BYTES, MAX_CONSISTENCY_HASHES, Suspicion, Verdict,
    judge,
};
