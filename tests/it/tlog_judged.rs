//! Go's own log code judges a log of ours that stands in a folder as static files.

use amana::{
    tlog::{
        Checkpoint, Ed25519NoteSigner, LogProof, MemoryTiles, TILE_WIDTH, TileId, Tiles as _, inclusion_proof,
        leaf_hash, tile_path,
    },
    wire::entry::{FullEntry, OpenedLeaf, Salt},
};
use ed25519_dalek::SigningKey;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// More than 256² leaves, so that there are tiles of three levels, and not a round number of anything.
const LEAVES: usize = 66_000;
const EARLIER: usize = 777;

/// Each leaf opens: it could be an entry of the case log.
fn opened(n: usize) -> OpenedLeaf {
    let mut salt = [7; 32];
    salt[..8].copy_from_slice(&n.to_be_bytes());
    OpenedLeaf { salt: Salt::from_random(salt), shared: format!("{{\"n\":{n}}}"), auditor_commitment: [9; 32] }
}

fn signer(name: &str) -> Ed25519NoteSigner {
    Ed25519NoteSigner::new(name.parse().unwrap(), SigningKey::from_bytes(&[3; 32])).unwrap()
}

fn checkpoint(tree: &MemoryTiles, signer: &Ed25519NoteSigner) -> String {
    Checkpoint::new(signer.verifier().name(), tree.size(), tree.root()).unwrap().signed(signer).unwrap()
}

fn file(folder: &Path, path: &str, content: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Writes tiles, entry bundles, both checkpoints and a receipt.
fn publish(folder: &Path, signer: &Ed25519NoteSigner) {
    let data: Vec<[u8; 33]> = (0..LEAVES).map(|n| opened(n).leaf_data().unwrap()).collect();
    let mut tree = MemoryTiles::new();
    for (n, data) in data.iter().enumerate() {
        if n == EARLIER {
            file(folder, "earlier", checkpoint(&tree, signer).as_bytes());
        }
        tree.append_leaf(leaf_hash(data));
    }
    let note = checkpoint(&tree, signer);
    file(folder, "checkpoint", note.as_bytes());
    for level in 0..3 {
        for index in 0.. {
            let id = TileId { level, index };
            let Some(width) = id.width_at(tree.size()) else { break };
            let hashes: Vec<u8> = tree.tile(id).unwrap().iter().flat_map(|hash| *hash.as_bytes()).collect();
            file(folder, &tile_path(id, width), &hashes);
        }
    }
    for (index, bundle) in data.chunks(TILE_WIDTH).enumerate() {
        let id = TileId { level: 0, index: index as u64 };
        let path = tile_path(id, id.width_at(tree.size()).unwrap()).replacen("tile/0/", "tile/entries/", 1);
        let framed = bundle.iter().flat_map(|data| [&33_u16.to_be_bytes()[..], data].concat());
        file(folder, &path, &framed.collect::<Vec<u8>>());
    }
    let place = 65_537;
    let entry =
        FullEntry::Case { opened: opened(place), auditor_salt: Salt::from_random([1; 32]), auditor: "{}".to_owned() };
    let proof = inclusion_proof(&tree, place as u64, tree.size()).unwrap();
    let receipt = LogProof::new(entry.extra().unwrap(), proof, note).unwrap();
    file(folder, "receipt", receipt.to_text().as_bytes());
}

fn judge(program: &Path, folder: &Path, vkey: &str, earlier: &str, receipt: &str) -> (bool, String) {
    let path = |name: &str| folder.join(name).into_os_string();
    let mut command = Command::new(program);
    command.arg("log").arg(folder).arg(vkey).arg("-earlier").arg(path(earlier)).arg("-receipt").arg(path(receipt));
    let output = command.output().unwrap();
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), words)
}

#[test]
fn go_reads_a_log_from_its_tiles_and_refuses_a_damaged_one() {
    let Some(program) = std::env::var_os("AMANA_TLOG").map(PathBuf::from) else {
        let required =
            std::env::var_os("CI").is_some() || std::env::var("AMANA_JUDGES").is_ok_and(|mode| mode == "require");
        assert!(!required, "AMANA_TLOG is not set: run scripts/install.sh");
        return println!("skipped: AMANA_TLOG is not set, run scripts/install.sh");
    };
    let dir = tempfile::tempdir().unwrap();
    let (folder, signer) = (dir.path(), signer("broker.example/case"));
    publish(folder, &signer);
    let vkey = signer.verifier().to_string();
    let (holds, words) = judge(&program, folder, &vkey, "earlier", "receipt");
    assert!(holds, "{words}");
    assert_eq!(words.lines().filter(|line| line.starts_with("ok: tlog: case: ")).count(), 9, "{words}");

    // The judge can say no: to another key, to an older checkpoint of another log, to damage anywhere.
    let stranger = Ed25519NoteSigner::new(signer.verifier().name().clone(), SigningKey::from_bytes(&[4; 32])).unwrap();
    assert!(!judge(&program, folder, &stranger.verifier().to_string(), "earlier", "receipt").0);
    let mut fork = MemoryTiles::new();
    fork.append_leaves(&[leaf_hash(b"another"); EARLIER]);
    file(folder, "fork", checkpoint(&fork, &signer).as_bytes());
    let (holds, words) = judge(&program, folder, &vkey, "fork", "receipt");
    assert!(!holds && words.contains("consistency"), "{words}");
    for damaged in ["tile/2/000.p/1", "tile/1/000", "tile/0/000", "tile/entries/000", "receipt"] {
        let whole = fs::read(folder.join(damaged)).unwrap();
        let mut flipped = whole.clone();
        let at = if damaged == "receipt" { 40 } else { 2 };
        flipped[at] ^= 1;
        file(folder, damaged, &flipped);
        let (holds, words) = judge(&program, folder, &vkey, "earlier", "receipt");
        assert!(!holds, "{damaged}: {words}");
        file(folder, damaged, &whole);
    }
    assert!(judge(&program, folder, &vkey, "earlier", "receipt").0);
}
