//! Sealing and opening: what the owner sealed comes out, byte for byte, or nothing does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use age::x25519;
use amana::client::identity::to_age;
use amana::client::open::{OpenError, Opened, Stated, open};
use amana::client::report::{ManifestDraft, PackError, Plan};
use amana::client::rewrap::{self, FileKey};
use amana::client::seal::message::{MAX_MESSAGE_BYTES, PADDED_TO_BYTES};
use amana::client::seal::{
    MessageError, SealError, Sealed, SealedFile, open_bytes, open_message, seal, seal_bytes, seal_message,
};
use amana::model::ids::{AgeRecipient, Digest};
use amana::wire::header::{Header, StanzaKind};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tempfile::TempDir;

use crate::identity::judge;
use crate::two_faced::two_faced;

// ---- sealing ----

#[test]
fn sealed_sample_opens_to_identical_files() {
    let desk = Desk::with_sample();
    let opened = desk.open().unwrap();
    assert_eq!(opened.folder, desk.at("opened"));
    assert_eq!(opened.payload_sha256, desk.sealed.payload_sha256);
    assert_eq!(opened.key_commitment, desk.sealed.key_commitment);
    assert_eq!(opened.files, desk.plan.manifest().items.len());
    assert_eq!(&opened.manifest, desk.plan.manifest());
    let sample = contents(&sample());
    for item in &opened.manifest.items {
        let content = fs::read(opened.folder.join(&item.member)).unwrap();
        assert!(sample.values().any(|original| *original == content), "{}", item.member);
    }
    assert_eq!(desk.names(), ["opened", "report.age"]);
}

#[test]
fn statement_values_are_those_of_the_file() {
    let desk = Desk::with_sample();
    let file = fs::read(desk.at("report.age")).unwrap();
    let (header, length) = Header::parse(&file).unwrap();
    assert_eq!(desk.sealed.owner_header, &file[..length]);
    assert_eq!(desk.sealed.owner_header_digest, Digest::of(&file[..length]));
    assert_eq!(desk.sealed.payload_sha256, Digest::of(&file[length..]));
    assert_eq!(desk.sealed.payload_bytes, (file.len() - length) as u64);
    let key = rewrap::unwrap_file_key(&header, &desk.owner).unwrap();
    let commitment = rewrap::key_commitment(&key, file[length..].first_chunk().unwrap());
    assert_eq!(desk.sealed.key_commitment, Digest::from_bytes(commitment));
}

#[test]
fn owner_header_has_exactly_two_stanzas_and_one_length() {
    let lengths: Vec<usize> = (0..4)
        .map(|_| {
            let desk = Desk::of(&[b"a"]);
            let header = Header::parse_exact(&desk.sealed.owner_header).unwrap();
            let kinds: Vec<StanzaKind> = header.stanzas().iter().map(amana::wire::header::Stanza::kind).collect();
            assert_eq!(kinds, [StanzaKind::X25519; 2]);
            desk.sealed.owner_header.len()
        })
        .collect();
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

#[test]
fn recovery_key_opens_the_report_without_the_device() {
    let desk = Desk::with_sample();
    let opened = open(&desk.at("report.age"), &desk.recovery, &desk.stated(), &desk.at("opened"), &mut |_| {});
    assert_eq!(opened.unwrap().files, desk.plan.manifest().items.len());
}

#[test]
fn report_of_many_chunks_is_sealed_and_opened() {
    // Longer than the queue between the threads, so that it fills.
    let long = vec![7; 3 * 1024 * 1024 + 5];
    let desk = Desk::of(&[&long, b"short"]);
    let opened = desk.open().unwrap();
    assert_eq!(fs::read(opened.folder.join(&opened.manifest.items[0].member)).unwrap(), long);
}

#[test]
fn progress_adds_up_to_the_planned_length() {
    let desk = Desk::of(&[b"a"]);
    let mut sealed = 0;
    let out = desk.at("second.age");
    seal(&desk.plan, &desk.owner, &recipient(&desk.recovery), &out, &mut |bytes| sealed += bytes).unwrap();
    assert_eq!(sealed, desk.plan.total_bytes());
    let mut opened = 0;
    open(&desk.at("report.age"), &desk.owner, &desk.stated(), &desk.at("opened"), &mut |bytes| opened += bytes)
        .unwrap();
    assert_eq!(opened, desk.plan.total_bytes());
}

#[test]
fn sealing_replaces_no_file() {
    let desk = Desk::of(&[b"a"]);
    fs::write(desk.at("precious"), "precious").unwrap();
    let refused = desk.seal_again("precious").unwrap_err();
    assert!(matches!(refused, SealError::File(_)), "{refused}");
    assert_eq!(fs::read_to_string(desk.at("precious")).unwrap(), "precious");
    assert_eq!(desk.names(), ["precious", "report.age"]);
}

#[test]
fn file_changed_after_planning_leaves_no_sealed_file() {
    let desk = Desk::of(&[b"as planned"]);
    fs::write(desk.source.path().join("0"), "otherwise.").unwrap();
    let refused = desk.seal_again("second.age").unwrap_err();
    assert!(matches!(refused, SealError::Pack(PackError::Changed { .. })), "{refused}");
    assert_eq!(desk.names(), ["report.age"]);
}

#[test]
fn unusable_recovery_recipient_is_refused() {
    let desk = Desk::of(&[b"a"]);
    let broken: AgeRecipient = format!("age1{}", "q".repeat(58)).parse().unwrap();
    let refused = seal(&desk.plan, &desk.owner, &broken, &desk.at("second.age"), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, SealError::Recovery(_)), "{refused}");
    assert!(to_age(&broken).is_err());
    assert_eq!(desk.names(), ["report.age"]);
}

#[cfg(unix)]
#[test]
fn sealed_file_belongs_to_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::of(&[b"a"]);
    assert_eq!(fs::metadata(desk.at("report.age")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn sealed_file_is_read_for_upload_from_any_offset() {
    let desk = Desk::of(&[b"a"]);
    let file = fs::read(desk.at("report.age")).unwrap();
    let mut sealed = SealedFile::open(&desk.at("report.age")).unwrap();
    assert_eq!(sealed.header().as_bytes(), desk.sealed.owner_header);
    assert_eq!(sealed.payload_bytes(), desk.sealed.payload_bytes);
    let payload = &file[desk.sealed.owner_header.len()..];
    for offset in [0, 1, 16, payload.len() - 1, payload.len(), payload.len() + 1] {
        let mut read = Vec::new();
        sealed.payload_from(offset as u64).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, payload.get(offset..).unwrap_or_default(), "{offset}");
    }
    assert!(SealedFile::open(&desk.source.path().join("0")).is_err());
}

// ---- opening ----

#[test]
fn payload_a_byte_short_is_refused() {
    let desk = Desk::of(&[b"a"]);
    desk.change(|file| file.truncate(file.len() - 1));
    let stated = desk.sealed.payload_bytes;
    match desk.refused() {
        OpenError::Shorter { found, stated: said } => assert_eq!((found, said), (stated - 1, stated)),
        other => panic!("{other}"),
    }
}

#[test]
fn payload_a_byte_long_is_refused() {
    let desk = Desk::of(&[b"a"]);
    desk.change(|file| file.push(0));
    let refused = desk.refused();
    assert!(matches!(refused, OpenError::Longer { .. }), "{refused}");
}

#[test]
fn payload_changed_anywhere_is_refused() {
    let long = vec![7; 300_000];
    let desk = Desk::of(&[&long]);
    let first = desk.sealed.owner_header.len() + 16;
    let end = fs::metadata(desk.at("report.age")).unwrap().len();
    for place in [first, first + 100_000, usize::try_from(end).unwrap() - 1] {
        desk.change(|file| file[place] ^= 1);
        let refused = desk.refused();
        assert!(matches!(refused, OpenError::Changed { .. }), "{place}: {refused}");
        desk.change(|file| file[place] ^= 1);
    }
    desk.open().unwrap();
}

#[test]
fn payload_of_another_report_is_refused() {
    let desk = Desk::of(&[b"a"]);
    let stated = Stated { payload_sha256: Digest::of(b"another"), ..desk.stated() };
    let refused = desk.open_as(&stated).unwrap_err();
    assert!(matches!(refused, OpenError::Changed { found } if found == desk.sealed.payload_sha256), "{refused}");
    assert_eq!(desk.names(), ["report.age"]);
}

#[test]
fn other_identity_is_refused() {
    let desk = Desk::of(&[b"a"]);
    let stranger = x25519::Identity::generate();
    let refused = open(&desk.at("report.age"), &stranger, &desk.stated(), &desk.at("opened"), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, OpenError::NotForThisIdentity), "{refused}");
    assert_eq!(desk.names(), ["report.age"]);
}

#[test]
fn two_faced_payload_shows_only_the_face_committed_to() {
    let forged = two_faced();
    let identity = x25519::Identity::generate();
    let nonce = forged.payload.first_chunk().unwrap();
    let stated = Stated {
        payload_sha256: Digest::of(&forged.payload),
        payload_bytes: forged.payload.len() as u64,
        key_commitment: Digest::from_bytes(rewrap::key_commitment(&FileKey::new(Box::new(forged.file_key_a)), nonce)),
    };
    let home = TempDir::new().unwrap();
    let refused = |key: [u8; 16]| {
        let header = rewrap::wrap_file_key(&FileKey::new(Box::new(key)), &[&identity.to_public()]).unwrap();
        let path = home.path().join("report.age");
        fs::write(&path, [header.as_bytes(), &forged.payload].concat()).unwrap();
        open(&path, &identity, &stated, &home.path().join("opened"), &mut |_| {}).unwrap_err()
    };
    let other_face = refused(forged.file_key_b);
    assert!(matches!(other_face, OpenError::CommitmentMismatch), "{other_face}");
    assert!(other_face.to_string().contains("different people different contents"));
    // The committed face decrypts; it is merely no report.
    let true_face = refused(forged.file_key_a);
    assert!(matches!(true_face, OpenError::Unpack(_)), "{true_face}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn header_that_was_changed_is_refused() {
    let desk = Desk::of(&[b"a"]);
    let mac = desk.sealed.owner_header.len() - 10;
    desk.change(|file| file[mac] = if file[mac] == b'A' { b'B' } else { b'A' });
    let refused = desk.refused();
    assert!(matches!(refused, OpenError::HeaderAltered), "{refused}");
    desk.change(|file| file[mac] = b'=');
    let refused = desk.refused();
    assert!(matches!(refused, OpenError::Header(_)), "{refused}");
}

#[test]
fn file_that_is_no_age_file_is_refused() {
    let desk = Desk::of(&[b"a"]);
    fs::write(desk.at("report.age"), "PK\x03\x04").unwrap();
    let refused = desk.refused();
    assert!(matches!(refused, OpenError::NotAge), "{refused}");
}

#[test]
fn payload_that_is_as_stated_but_does_not_decrypt_is_a_defect() {
    let desk = Desk::of(&[b"a"]);
    let place = desk.sealed.owner_header.len() + 20;
    desk.change(|file| file[place] ^= 1);
    let file = fs::read(desk.at("report.age")).unwrap();
    let payload_sha256 = Digest::of(&file[desk.sealed.owner_header.len()..]);
    let refused = desk.open_as(&Stated { payload_sha256, ..desk.stated() }).unwrap_err();
    assert!(matches!(refused, OpenError::Undecryptable(_)), "{refused}");
    assert_eq!(desk.names(), ["report.age"]);
}

#[test]
fn opening_replaces_no_folder_not_even_an_empty_one() {
    let desk = Desk::of(&[b"a"]);
    fs::create_dir(desk.at("opened")).unwrap();
    let refused = desk.open().unwrap_err();
    assert!(matches!(refused, OpenError::Exists { .. }), "{refused}");
    assert_eq!(desk.names(), ["opened", "report.age"]);
}

#[test]
fn leftover_of_an_interrupted_opening_is_named_and_kept() {
    let desk = Desk::of(&[b"a"]);
    fs::create_dir(desk.at("opened.partial")).unwrap();
    let refused = desk.open().unwrap_err();
    assert!(matches!(refused, OpenError::Leftover { .. }), "{refused}");
    assert_eq!(desk.names(), ["opened.partial", "report.age"]);
}

// ---- messages ----

#[test]
fn message_comes_out_as_it_went_in() {
    let identity = x25519::Identity::generate();
    for text in ["", "Où?", &"x".repeat(MAX_MESSAGE_BYTES)] {
        let sealed = seal_message(&recipient(&identity), text).unwrap();
        assert_eq!(*open_message(&identity, &sealed).unwrap(), text);
    }
    let refused = seal_message(&recipient(&identity), &"x".repeat(MAX_MESSAGE_BYTES + 1)).unwrap_err();
    assert!(matches!(refused, MessageError::TooLong { .. }));
}

#[test]
fn messages_of_one_bucket_have_plaintexts_of_one_length() {
    let identity = x25519::Identity::generate();
    for (length, bytes) in [(0, 256), (1, 256), (252, 256), (253, 512), (508, 512), (509, 768)] {
        let sealed = seal_message(&recipient(&identity), &"x".repeat(length)).unwrap();
        let plain = open_bytes(&identity, &URL_SAFE_NO_PAD.decode(sealed).unwrap(), 1024).unwrap();
        assert_eq!(plain.len(), bytes, "{length}");
        assert_eq!(plain.len() % PADDED_TO_BYTES, 0);
    }
}

#[test]
fn message_with_something_in_its_padding_is_refused() {
    let identity = x25519::Identity::generate();
    let sealed = |plain: &[u8]| URL_SAFE_NO_PAD.encode(seal_bytes(&[recipient(&identity)], plain).unwrap());
    let mut plain = vec![0; 256];
    plain[3] = 2;
    plain[4..6].copy_from_slice(b"ok");
    assert_eq!(*open_message(&identity, &sealed(&plain)).unwrap(), "ok");
    let [mut hidden, mut too_long, mut no_text] = [plain.clone(), plain.clone(), plain.clone()];
    hidden[255] = 1;
    too_long[3] = 255;
    no_text[4] = 0xff;
    let unpadded = plain[..6].to_vec();
    let padded_twice = [plain, vec![0; 256]].concat();
    for plain in [hidden, too_long, no_text, unpadded, padded_twice, Vec::new()] {
        let refused = open_message(&identity, &sealed(&plain)).unwrap_err();
        assert!(matches!(refused, MessageError::Damaged), "{plain:?}");
    }
}

#[test]
fn bytes_are_opened_by_each_recipient_and_nobody_else() {
    let [one, other, stranger] = [(); 3].map(|()| x25519::Identity::generate());
    let sealed = seal_bytes(&[recipient(&one), recipient(&other)], b"state").unwrap();
    for identity in [&one, &other] {
        assert_eq!(**open_bytes(identity, &sealed, 5).unwrap(), *b"state");
    }
    assert!(matches!(open_bytes(&one, &sealed, 4), Err(MessageError::TooLong { most: 4 })));
    assert!(matches!(open_bytes(&stranger, &sealed, 5), Err(MessageError::NotForThisIdentity)));
    assert!(matches!(open_bytes(&one, &sealed[..sealed.len() - 1], 5), Err(MessageError::Damaged)));
    assert!(matches!(seal_bytes(&[], b"state"), Err(MessageError::Encrypt(_))));
}

// ---- judge: stock age ----

#[test]
fn stock_age_opens_the_sealed_file_to_the_archive() {
    let Some(age) = judge("age") else { return };
    let desk = Desk::with_sample();
    let key = desk.source.path().join("key");
    for identity in [&desk.owner, &desk.recovery] {
        fs::write(&key, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
        let shown = Command::new(&age).arg("-d").arg("-i").arg(&key).arg(desk.at("report.age")).output().unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        assert_eq!(shown.stdout.len() as u64, desk.plan.total_bytes());
        assert!(shown.stdout.starts_with(b"manifest.json"));
    }
}

// ---- helpers ----

/// An owner's desk with one sealed report on it.
struct Desk {
    source: TempDir,
    home: TempDir,
    plan: Plan,
    owner: x25519::Identity,
    recovery: x25519::Identity,
    sealed: Sealed,
}

impl Desk {
    /// The redacted report of the repository's sample.
    fn with_sample() -> Self {
        let plan = Plan::of_folder(&sample(), &sample().join("redacted/report.json"), &mut |_| {}).unwrap();
        Self::new(plan, TempDir::new().unwrap())
    }

    /// A report of a few files, named by their numbers.
    fn of(files: &[&[u8]]) -> Self {
        let source = TempDir::new().unwrap();
        for (number, content) in files.iter().enumerate() {
            fs::write(source.path().join(number.to_string()), content).unwrap();
        }
        let plan = Plan::of(&[source.path().to_owned()], ManifestDraft::default(), &mut |_| {}).unwrap();
        Self::new(plan, source)
    }

    fn new(plan: Plan, source: TempDir) -> Self {
        let home = TempDir::new().unwrap();
        let (owner, recovery) = (x25519::Identity::generate(), x25519::Identity::generate());
        let out = home.path().join("report.age");
        let sealed = seal(&plan, &owner, &recipient(&recovery), &out, &mut |_| {}).unwrap();
        Self { source, home, plan, owner, recovery, sealed }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn stated(&self) -> Stated {
        Stated {
            payload_sha256: self.sealed.payload_sha256,
            payload_bytes: self.sealed.payload_bytes,
            key_commitment: self.sealed.key_commitment,
        }
    }

    fn seal_again(&self, name: &str) -> Result<Sealed, SealError> {
        seal(&self.plan, &self.owner, &recipient(&self.recovery), &self.at(name), &mut |_| {})
    }

    fn open(&self) -> Result<Opened, OpenError> {
        self.open_as(&self.stated())
    }

    fn open_as(&self, stated: &Stated) -> Result<Opened, OpenError> {
        open(&self.at("report.age"), &self.owner, stated, &self.at("opened"), &mut |_| {})
    }

    /// Opens what must be refused, and sees that nothing of it stays on the disk.
    fn refused(&self) -> OpenError {
        let refused = self.open().unwrap_err();
        assert_eq!(self.names(), ["report.age"], "something was left behind");
        refused
    }

    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut file = fs::read(self.at("report.age")).unwrap();
        change(&mut file);
        fs::write(self.at("report.age"), file).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
}

fn recipient(identity: &x25519::Identity) -> AgeRecipient {
    identity.to_public().to_string().parse().unwrap()
}

/// All files under `folder`, by path.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}
