//! Log entries, receipts, notes, checkpoints, proofs, tiles, genesis: one spelling each, and nothing verifies that
//! the two logs of a small fixed broker do not hold.

use std::sync::OnceLock;

use super::choices::Choices;
use amana::model::{
    event::Log,
    genesis::{Genesis, LogKeys, NamedKey, Office, Roles},
    ids::{Digest, PublicKey},
    time::Timestamp,
};
use amana::tlog::{
    Checkpoint, Ed25519NoteSigner, Hash, InclusionProof, LogProof, MemoryTiles, Note, NoteSigner, decode_tile,
    encode_tile, inclusion_proof, leaf_hash, parse_tile_path, sign_note, tile_path, verify_consistency,
    verify_inclusion,
};
use amana::wire::{
    entry::{AuditorPart, FullEntry, Happening, OpenedLeaf, Salt, Salts, Shared},
    genesis::{Card, SignedGenesis},
    receipt,
};
use ed25519_dalek::SigningKey;

/// `e` entry, `o` opened leaf, `r` receipt of the register, `c` receipt of the case log, `n` note, `k` checkpoint text,
/// `g` genesis, `b` bootstrap card, `t` tile path, `d` tile, `i` and `j` decisions about a proof.
pub fn check(input: &[u8]) {
    let Some((letter, rest)) = input.split_first() else { return };
    match letter {
        b'o' => opened(rest),
        b'd' => tile(rest),
        b'i' => inclusion(&mut Choices::of(rest)),
        b'j' => consistency(&mut Choices::of(rest)),
        letter => {
            if let Ok(text) = std::str::from_utf8(rest) {
                read(*letter, text);
            }
        }
    }
}

fn read(letter: u8, text: &str) {
    match letter {
        b'e' => entry(text),
        b'r' => proven(text, Log::Register),
        b'c' => proven(text, Log::Case),
        b'n' => note(text),
        b'k' => {
            if let Ok(checkpoint) = Checkpoint::parse(text) {
                assert_eq!(checkpoint.to_text(), text);
            }
        }
        b'g' => {
            if let Ok(genesis) = SignedGenesis::parse(text) {
                assert_eq!(genesis.note(), text);
                assert_eq!(genesis.digest(), Digest::of(text.as_bytes()));
                assert!(genesis.genesis() == world().genesis.genesis(), "nobody else's keys signed this");
            }
        }
        b'b' => {
            if let Ok(card) = text.parse::<Card>() {
                assert_eq!(card.to_string(), text.trim());
                assert_eq!(world().genesis.clone().matching(&card).is_ok(), card == world().genesis.card());
            }
        }
        b't' => {
            if let Ok((id, width)) = parse_tile_path(text) {
                assert_eq!(tile_path(id, width), text);
                assert!((1..=256).contains(&width.hashes()));
            }
        }
        _ => {}
    }
}

fn entry(text: &str) {
    let Ok(shared) = Shared::parse(text) else { return };
    if let Ok(encoded) = shared.encode() {
        assert_eq!(encoded, text, "an entry of two spellings");
    }
    // Without its statement an entry is no event that somebody signed, and it is one in at most one log.
    let events = [Log::Register, Log::Case].map(|log| shared.event(log, None));
    assert!(events.iter().filter(|event| event.is_ok()).count() <= 1);
    let needs_one = matches!(shared.event, Happening::Accepted | Happening::Released | Happening::ReleaseDenied);
    assert!(!needs_one || events.iter().all(Result::is_err));
    assert!(!needs_one || shared.statement.is_some() || shared.statement().is_err());
    if let Ok(Some(statement)) = shared.statement() {
        assert_eq!(Some(statement.digest()), shared.statement.map(|text| Digest::of(text.as_bytes())));
    }
}

fn opened(bytes: &[u8]) {
    let Ok(leaf) = OpenedLeaf::parse(bytes) else { return };
    assert_eq!(leaf.encode().as_deref(), Ok(bytes));
    assert_eq!(leaf.leaf_data().map(|data| data[0]), Ok(1));
}

/// A receipt says what the log says, at the place where the log says it.
fn proven(text: &str, log: Log) {
    if let Ok(proof) = LogProof::parse(text) {
        assert_eq!(proof.to_text(), text);
    }
    let Ok(found) = receipt::verify(text, log, &world().genesis.trust().expect("usable keys")) else { return };
    let tree = world().tree(log);
    let index = usize::try_from(found.entry.index).expect("small");
    assert_eq!(found.entry.log, log);
    assert_eq!(found.shared.encode().as_deref(), tree.entries[index].shared().as_ref().copied(), "a forged receipt");
    assert_eq!((found.tree.size, *found.tree.root.as_bytes()), (tree.tiles.size(), *tree.tiles.root().as_bytes()));
    let other = if log == Log::Case { Log::Register } else { Log::Case };
    assert!(
        receipt::verify(text, other, &world().genesis.trust().expect("usable keys")).is_err(),
        "a receipt of both logs"
    );
}

fn note(text: &str) {
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_string(), text);
    if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
        assert_eq!(checkpoint.to_text(), note.text());
    }
    for log in [Log::Register, Log::Case] {
        let tree = world().tree(log);
        if let Ok(checkpoint) = Checkpoint::open(text, tree.signer.verifier()) {
            assert_eq!(checkpoint.root(), &tree.tiles.root(), "a forged checkpoint");
            assert_eq!(checkpoint.size(), tree.tiles.size());
        }
    }
}

fn tile(bytes: &[u8]) {
    if let Ok(hashes) = decode_tile(bytes) {
        assert_eq!(encode_tile(&hashes), bytes);
        assert!((1..=256).contains(&hashes.len()));
    }
}

/// A proof as made holds; with anything changed it holds for nothing that is not in the tree.
fn inclusion(choices: &mut Choices<'_>) {
    let (leaves, sizes) = forest();
    let size = 1 + choices.below(leaves.len());
    let index = choices.below(size);
    let mut proof = inclusion_proof(&sizes[size], index as u64, size as u64).expect("inside the tree");
    let (root, mut claimed, mut leaf) = (sizes[size].root(), size as u64, leaves[index]);
    assert_eq!(verify_inclusion(&leaf, &proof, claimed, &root), Ok(()));
    let honest = (proof.clone(), claimed, leaf);
    for _ in 0..choices.below(4) {
        match choices.below(6) {
            0 => proof.index = choices.number(),
            1 => claimed = choices.number(),
            2 => leaf = *choices.pick(leaves),
            3 => edit(&mut proof.hashes, choices, leaves),
            4 => proof.index ^= 1,
            _ => leaf = sizes[choices.below(sizes.len())].root(),
        }
    }
    let holds = verify_inclusion(&leaf, &proof, claimed, &root).is_ok();
    // The size is the checkpoint's to vouch for: a wrong one with the right root may have a proof of the same shape.
    let true_claim = usize::try_from(proof.index).is_ok_and(|at| leaves.get(at) == Some(&leaf) && at < size);
    assert!(!holds || claimed != size as u64 || true_claim, "a leaf that is not there was proven");
    assert!(holds || (proof, claimed, leaf) != honest);
}

fn consistency(choices: &mut Choices<'_>) {
    let (leaves, sizes) = forest();
    let new = choices.below(sizes.len());
    let old = choices.below(new + 1);
    let mut hashes =
        amana::tlog::consistency_proof(&sizes[new], old as u64, new as u64).expect("one grew to the other");
    let (old_root, new_root) = (sizes[old].root(), sizes[new].root());
    assert_eq!(verify_consistency(old as u64, &old_root, new as u64, &new_root, &hashes), Ok(()));
    let forged = sizes[choices.below(sizes.len())].root();
    if forged != old_root {
        assert!(verify_consistency(old as u64, &forged, new as u64, &new_root, &hashes).is_err());
        edit(&mut hashes, choices, leaves);
        assert!(verify_consistency(old as u64, &forged, new as u64, &new_root, &hashes).is_err(), "a forged past");
    }
    let (any_old, any_new) = (choices.number(), choices.number());
    let _ = verify_consistency(any_old, &old_root, any_new, &new_root, &hashes);
    let proof = InclusionProof { index: any_old, hashes };
    let _ = verify_inclusion(&old_root, &proof, any_new, &new_root);
}

fn edit(hashes: &mut Vec<Hash>, choices: &mut Choices<'_>, leaves: &[Hash]) {
    let new = if choices.flag() { *choices.pick(leaves) } else { Hash::from_bytes([choices.byte(); 32]) };
    let at = choices.below(hashes.len() + 1);
    match choices.below(4) {
        0 => hashes.insert(at, new),
        1 if at < hashes.len() => drop(hashes.remove(at)),
        2 if at < hashes.len() => hashes[at] = new,
        _ => hashes.reverse(),
    }
}

/// Leaves, and the tree of each size over them.
fn forest() -> &'static (Vec<Hash>, Vec<MemoryTiles>) {
    static FOREST: OnceLock<(Vec<Hash>, Vec<MemoryTiles>)> = OnceLock::new();
    FOREST.get_or_init(|| {
        let leaves: Vec<Hash> = (0..40_u8).map(|number| leaf_hash(&[number])).collect();
        let mut sizes = vec![MemoryTiles::new()];
        for leaf in &leaves {
            let mut grown = sizes[sizes.len() - 1].clone();
            grown.append_leaf(*leaf);
            sizes.push(grown);
        }
        (leaves, sizes)
    })
}

/// One log of the fixed broker.
struct Tree {
    signer: Ed25519NoteSigner,
    entries: Vec<FullEntry>,
    tiles: MemoryTiles,
}

/// The fixed broker.
struct World {
    genesis: SignedGenesis,
    register: Tree,
    case: Tree,
}

impl World {
    fn tree(&self, log: Log) -> &Tree {
        if log == Log::Case { &self.case } else { &self.register }
    }
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]);
        let public = |seed: u8| PublicKey::from_bytes(key(seed).verifying_key().to_bytes());
        let signer =
            |name: &str, seed| Ed25519NoteSigner::new(name.parse().expect("a name"), key(seed)).expect("a key");
        let named = |seed: u8| NamedKey { name: format!("role-{seed}"), key: public(seed) };
        let office =
            |seeds: &[u8], threshold| Office { keys: seeds.iter().map(|seed| named(*seed)).collect(), threshold };
        let genesis = Genesis {
            v: 1,
            origin: "fuzz.invalid".to_owned(),
            at: Timestamp::from_seconds(1_700_000_000),
            log_keys: LogKeys { register: public(11), case: public(12) },
            witnesses: Vec::new(),
            witness_quorum: 0,
            roles: Roles {
                administrators: office(&[13, 14], 2),
                accreditors: office(&[15], 1),
                auditors: office(&[16], 1),
                council: office(&[17, 18], 2),
            },
            bundle: Digest::of(b"bundle"),
            taxonomy: Digest::of(b"taxonomy"),
        };
        let mut signers = vec![signer(&genesis.register_origin(), 11), signer(&genesis.case_origin(), 12)];
        signers.extend((13..=18).map(|seed| signer(&format!("role-{seed}"), seed)));
        let all: Vec<&dyn NoteSigner> = signers.iter().map(|signer| signer as &dyn NoteSigner).collect();
        let genesis_note = SignedGenesis::make(&genesis, &all).expect("a good genesis");
        let case = signers.swap_remove(1);
        let register = signers.swap_remove(0);
        World {
            register: tree(Log::Register, register, genesis_note.entry()),
            case: tree(Log::Case, case, happened(Happening::ClockConfirmed, 0)),
            genesis: genesis_note,
        }
    })
}

fn happened(event: Happening, seconds: u64) -> Shared {
    let at = Timestamp::from_seconds(1_700_000_000 + seconds);
    Shared { event, at, register_size: Some(1), statement: None }
}

fn tree(log: Log, signer: Ed25519NoteSigner, first: Shared) -> Tree {
    let events = (1..6).map(|number| happened(Happening::PayloadStored { report: Digest::of(&[number]).into() }, 60));
    let salts = Salts { leaf: Salt::from_random([21; 32]), auditor: Salt::from_random([22; 32]) };
    let entry = |shared: Shared| {
        FullEntry::new(log, shared.encode().expect("short"), &AuditorPart::default(), &salts).expect("an entry")
    };
    let entries: Vec<FullEntry> = std::iter::once(first).chain(events).map(entry).collect();
    let mut tiles = MemoryTiles::new();
    for entry in &entries {
        tiles.append_leaf(entry.leaf_hash().expect("a leaf"));
    }
    Tree { signer, entries, tiles }
}

impl Tree {
    fn checkpoint(&self) -> String {
        let head = Checkpoint::new(self.signer.name(), self.tiles.size(), self.tiles.root()).expect("a head");
        head.signed(&self.signer).expect("signed")
    }

    fn receipt(&self, index: usize) -> String {
        let proof = inclusion_proof(&self.tiles, index as u64, self.tiles.size()).expect("inside");
        let extra = self.entries[index].extra().expect("short");
        LogProof::new(extra, proof, self.checkpoint()).expect("a receipt").to_text()
    }
}

/// One of each format, from the fixed broker.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let world = world();
    let (entry, case) = (&world.register.entries[1], &world.case);
    let text = |letter: &str, text: &str| [letter.as_bytes(), text.as_bytes()].concat();
    let compact = super::statement::seeds().into_iter().find(|(name, _)| *name == "compact").expect("there");
    let accepted =
        Shared { statement: Some(String::from_utf8(compact.1).expect("text")), ..happened(Happening::Accepted, 9) };
    let head = case.checkpoint();
    for (log, index) in [(Log::Register, 2), (Log::Case, 3)] {
        receipt::verify(&world.tree(log).receipt(index), log, &world.genesis.trust().expect("usable keys"))
            .expect("a true receipt");
    }
    Checkpoint::open(&head, case.signer.verifier()).expect("a true checkpoint");
    let entry = entry.shared().expect("an entry");
    Shared::parse(entry).expect("an entry");
    let cosigned = sign_note("fuzz.invalid/case\n0\nEg==\n", &[&case.signer, &world.register.signer]).expect("signed");
    vec![
        ("entry", text("e", entry)),
        ("entry-accepted", text("e", &accepted.encode().expect("short"))),
        ("entry-as-list", text("e", r#"["clock-confirmed",1700000000]"#)),
        ("entry-null", text("e", r#"{"event":"clock-confirmed","at":1700000000,"register_size":null}"#)),
        ("opened-leaf", [b"o", &case.entries[2].extra().expect("short")[..]].concat()),
        ("receipt-register", text("r", &world.register.receipt(2))),
        ("receipt-case", text("c", &case.receipt(3))),
        ("note", text("n", &head)),
        ("note-two-signatures", text("n", &cosigned)),
        (
            "checkpoint",
            text("k", head.split_once("\n\n").map_or("", |(head, _)| head)).into_iter().chain(*b"\n").collect(),
        ),
        ("genesis", text("g", world.genesis.note())),
        ("card", text("b", &world.genesis.card().to_string())),
        ("tile-path", text("t", "tile/0/x001/x234/067.p/5")),
        ("tile", [b"d", &[7; 64][..]].concat()),
        ("inclusion", b"i\x15\x0a\x02\x03\x01\x02\x02\x05".to_vec()),
        ("consistency", b"j\x15\x0a\x04\x01\x02\x02\x05".to_vec()),
    ]
}
