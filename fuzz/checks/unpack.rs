//! Unpacking a report: all of it in its folder, or nothing anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::choices::Choices;
use amana::client::report::{Manifest, UnpackError, Unpacked, read_manifest, unpack};
use sha2::{Digest as _, Sha256};

/// `m`: decisions about an archive that is good but for a few edits. Anything else: the bytes of an archive.
pub fn check(input: &[u8]) {
    match input {
        [b'm', decisions @ ..] => {
            let (archive, edits) = built(&mut Choices::of(decisions));
            let accepted = opened(&archive);
            assert!(edits > 0 || accepted.is_ok(), "a good archive is refused: {accepted:?}");
        }
        archive => drop(opened(archive)),
    }
}

/// Unpacks into `box/out` of a fresh folder and looks at everything that is there afterwards.
fn opened(archive: &[u8]) -> Result<(), UnpackError> {
    let home = tempfile::tempdir_in(memory()).expect("a folder");
    let (room, out) = (home.path().join("box"), home.path().join("box/out"));
    fs::create_dir(&room).expect("a folder");
    fs::write(home.path().join("witness"), "untouched").expect("a file");
    let (mut input, mut counted) = (archive, 0);
    let unpacked = unpack(&mut input, &out, &mut |bytes| counted += bytes);
    assert!(counted <= archive.len() as u64);
    assert_eq!(fs::read_to_string(home.path().join("witness")).expect("still there"), "untouched");
    let mut left: Vec<PathBuf> = names(home.path()).chain(names(&room)).collect();
    left.sort();
    assert!(!Path::new(OUTSIDE).exists(), "it wrote to an absolute path");
    match unpacked {
        Ok(unpacked) => {
            assert_eq!(left, [room, out.clone(), home.path().join("witness")]);
            assert!(input.is_empty() && counted == archive.len() as u64, "not read to its end");
            assert_eq!(unpacked.folder, out);
            complete(&unpacked, archive);
            let again = unpack(&mut &archive[..], &out, &mut |_| {});
            assert!(matches!(again, Err(UnpackError::Exists { .. })), "a folder that is there is left alone");
            complete(&unpacked, archive);
            Ok(())
        }
        Err(why) => {
            assert_eq!(left, [room, home.path().join("witness")], "something was left after: {why}");
            Err(why)
        }
    }
}

/// What is on the disk is what the manifest says, and what a stock `tar` sees in the archive.
fn complete(unpacked: &Unpacked, archive: &[u8]) {
    let manifest = &unpacked.manifest;
    assert_eq!(unpacked.files, manifest.items.len());
    assert_eq!(read_manifest(&mut &archive[..]).ok().as_ref(), Some(manifest));
    let mut stock: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().expect("an archive") {
        let mut entry = entry.expect("a member");
        assert_eq!(entry.header().entry_type(), tar::EntryType::Regular);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("in memory");
        let name = String::from_utf8(entry.path_bytes().into_owned()).expect("ASCII");
        assert!(stock.insert(name, content).is_none(), "a member stands twice");
    }
    let padding = stock.remove(".padding").expect("the last member");
    assert!(padding.iter().all(|byte| *byte == 0));
    let (mut found, mut folders) = (BTreeMap::new(), vec![unpacked.folder.clone()]);
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700);
        for path in names(&folder) {
            let kind = fs::symlink_metadata(&path).expect("there").file_type();
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            assert!(kind.is_file() && mode(&path) == 0o600, "{path:?} is no private file");
            let name = path.strip_prefix(&unpacked.folder).expect("inside").to_string_lossy().into_owned();
            found.insert(name, fs::read(&path).expect("readable"));
        }
    }
    assert_eq!(found, stock);
    assert_eq!(found.len(), manifest.items.len() + 2);
    for item in &manifest.items {
        let content = &found[&item.member];
        assert_eq!(content.len() as u64, item.bytes);
        assert_eq!(hex(&Sha256::digest(content)), item.sha256.to_string());
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
}

fn names(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
}

/// Where nothing wears out: a fuzz run writes millions of files.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// A name that a hostile member may carry.
const OUTSIDE: &str = "/dev/shm/amana-fuzz-was-here";

/// A member as it will stand in the archive.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    kind: u8,
    content: Vec<u8>,
    size: u64,
    field: Option<(usize, u8)>,
}

impl Raw {
    fn file(name: &str, content: Vec<u8>) -> Self {
        Self { name: name.as_bytes().to_vec(), kind: b'0', size: content.len() as u64, content, field: None }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        for (place, byte) in header.as_old_mut().name.iter_mut().zip(&self.name) {
            *place = *byte;
        }
        header.as_old_mut().linkflag = [self.kind];
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(self.size);
        header.set_device_major(0).expect("ustar");
        header.set_device_minor(0).expect("ustar");
        if let Some((at, byte)) = self.field {
            header.as_mut_bytes()[at] = byte;
        }
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(&self.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// An archive of a few small files, and how many edits were made to it.
fn built(choices: &mut Choices<'_>) -> (Vec<u8>, usize) {
    let (mut members, edits) = (good(choices), choices.below(4));
    for _ in 0..edits {
        edit(&mut members, choices);
    }
    let mut archive: Vec<u8> = members.iter().flat_map(Raw::bytes).collect();
    archive.extend([0; 1024]);
    if edits == 3 {
        match choices.below(4) {
            0 => archive.truncate(choices.below(archive.len())),
            1 => archive.extend(choices.some(40)),
            2 => archive.extend([0; 512]),
            _ => {
                let at = choices.below(archive.len());
                archive[at] ^= choices.byte();
            }
        }
    }
    (archive, edits)
}

fn good(choices: &mut Choices<'_>) -> Vec<Raw> {
    let contents: Vec<Vec<u8>> = (0..choices.below(4)).map(|_| choices.some(40).to_vec()).collect();
    let members: Vec<String> = (1..=contents.len()).map(|number| format!("files/{number:04}-item.txt")).collect();
    let files = members.iter().zip(&contents);
    let items: Vec<String> = files.clone().map(|(member, content)| item(member, content)).collect();
    let manifest = manifest(&items.join(","));
    let mut good = vec![Raw::file("manifest.json", manifest.to_json().expect("written"))];
    good.push(Raw::file("index.csv", manifest.index().expect("written")));
    good.extend(files.map(|(member, content)| Raw::file(member, content.clone())));
    good.push(Raw::file(".padding", vec![0; choices.below(600)]));
    good
}

fn item(member: &str, content: &[u8]) -> String {
    let (bytes, sha256) = (content.len(), hex(&Sha256::digest(content)));
    format!(
        r#"{{"path":"শোনা {member}","member":"{member}","bytes":{bytes},"sha256":"{sha256}","mtime":"2023-11-14T22:13:20Z","role":"statement","persons":[]}}"#
    )
}

fn manifest(items: &str) -> Manifest {
    Manifest::from_json(format!(r#"{{"v":1,"items":[{items}]}}"#).as_bytes()).expect("a good manifest")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const NAMES: [&str; 14] = [
    "../evil",
    "../../evil",
    OUTSIDE,
    "files/../../evil",
    "files/..",
    "files",
    "",
    ".",
    "manifest.json",
    "MANIFEST.JSON",
    "files/0001-ITEM.txt",
    "files/0001-item.txt/x",
    ".padding",
    "files\\..\\evil",
];

fn edit(members: &mut Vec<Raw>, choices: &mut Choices<'_>) {
    if members.is_empty() {
        return;
    }
    let (at, other) = (choices.below(members.len()), choices.below(members.len()));
    match choices.below(12) {
        0 => members[at].name = choices.pick(&NAMES).as_bytes().to_vec(),
        1 => members[at].name = choices.some(100).to_vec(),
        2 => members[at].kind = *choices.pick(b"\x001234567xgLKSVD"),
        3 => members[at].content = choices.some(200).to_vec(),
        4 => members[at].size = *choices.pick(&[0, 1, 511, 512, 513, 1 << 20, 1 << 33, 1 << 40, u64::MAX]),
        5 => members.insert(other, members[at].clone()),
        6 => drop(members.remove(at)),
        7 => members.swap(at, other),
        8 => members[at].field = Some((choices.below(512), choices.byte())),
        9 => {
            // A content that hashes right: the manifest itself is another, and its index goes with it.
            let json = String::from_utf8_lossy(&members[0].content).into_owned();
            let (old, new) = (*choices.pick(&["0001", "item", "files/", "0x", "sha256"]), *choices.pick(&NAMES));
            replace(members, json.replacen(old, new, 1).into_bytes());
        }
        10 => {
            let mut json = members[0].content.clone();
            let byte = choices.byte();
            let length = json.len().max(1);
            if let Some(place) = json.get_mut(choices.below(length)) {
                *place = byte;
            }
            replace(members, json);
        }
        _ => pax(members, at, choices),
    }
}

/// Another manifest; where it can be read, with the index that goes with it.
fn replace(members: &mut [Raw], json: Vec<u8>) {
    let index = serde_json::from_slice::<Manifest>(&json).ok().and_then(|manifest| manifest.index().ok());
    for (member, content) in members.iter_mut().zip([Some(json), index]) {
        if let Some(content) = content {
            member.size = content.len() as u64;
            member.content = content;
        }
    }
}

/// An extended header before a member.
fn pax(members: &mut Vec<Raw>, at: usize, choices: &mut Choices<'_>) {
    let records = [
        "19 size=8589934592\n",
        "19 size=8589934593\n",
        "10 size=12\n",
        "21 path=files/evil.t\n",
        "19 size=8589934592",
        "28 size=9223372036854775807\n",
    ];
    let mut header = Raw::file("PaxHeaders/size", choices.pick(&records).as_bytes().to_vec());
    header.kind = b'x';
    members[at].size = 0;
    members.insert(at, header);
}

/// A small report, an empty one, and decisions.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let small = built(&mut Choices::of(b"\x01\x08what was\x00")).0;
    opened(&small).expect("a good archive");
    vec![
        ("small-report", small),
        ("empty-report", built(&mut Choices::of(b"")).0),
        ("good", b"m\x02\x05alpha\x04beta\x20".to_vec()),
        ("renamed", b"m\x02\x05alpha\x04beta\x20\x01\x02\x02\x00\x03".to_vec()),
        ("link", b"m\x02\x05alpha\x04beta\x20\x01\x02\x02\x02\x02".to_vec()),
        ("size", b"m\x02\x05alpha\x04beta\x20\x01\x02\x02\x04\x07".to_vec()),
        ("pax", b"m\x02\x05alpha\x04beta\x20\x01\x02\x02\x0b\x00".to_vec()),
        ("manifest", b"m\x02\x05alpha\x04beta\x20\x01\x02\x02\x09\x01\x03".to_vec()),
    ]
}
