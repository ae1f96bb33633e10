//! The plaintext of a report: what goes in comes out, what is hostile stays out, and nobody's consent is
//! exceeded.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use amana::client::report::limits::{MAX_MANIFEST_BYTES, PADDING_FLOOR_BYTES};
use amana::client::report::manifest::ManifestError;
use amana::client::report::name::NameError;
use amana::client::report::unpack::HeaderFault;
use amana::client::report::{
    ConsentRefusal, ConsentRegister, ConsentReviewBy, IdentificationLevel as Level, Item, ItemDraft, Manifest,
    ManifestDraft, PackError, PersonShown, Plan, PlanError, Proposed, Relation, RelationKind, ReportKind, UnpackError,
    Unpacked, Warning, Why, check, padme, read_manifest, unpack, write,
};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use tempfile::TempDir;

// ---- helpers -------------------------------------------------------------------------------------------------

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
}

fn plan(paths: &[PathBuf]) -> Result<Plan, PlanError> {
    Plan::of(paths, ManifestDraft::default(), &mut |_| {})
}

fn sample_plan() -> Plan {
    plan(&[sample()]).unwrap()
}

fn redacted_plan() -> Plan {
    Plan::of_folder(&sample(), &sample().join("redacted/report.json"), &mut |_| {}).unwrap()
}

fn packed(plan: &Plan) -> Vec<u8> {
    let mut archive = Vec::new();
    let packed = write(plan, &mut archive, &mut |_| {}).unwrap();
    assert_eq!(packed.bytes, plan.total_bytes());
    assert_eq!(archive.len() as u64, plan.total_bytes());
    archive
}

fn opened(archive: &[u8]) -> (TempDir, Result<Unpacked, UnpackError>) {
    let home = TempDir::new().unwrap();
    let mut input = archive;
    let result = unpack(&mut input, &home.path().join("out"), &mut |_| {});
    (home, result)
}

/// Opens an archive that must be refused, and sees that nothing of it stays on disk.
fn refused(archive: &[u8]) -> UnpackError {
    let (home, result) = opened(archive);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "something was left behind");
    result.unwrap_err()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn of_folder(folder: &TempDir) -> Result<Plan, PlanError> {
    plan(&[folder.path().to_owned()])
}

/// A member of a hand-built archive; `raw_name` may be anything.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    kind: u8,
    content: Vec<u8>,
    size: Option<u64>,
}

impl Raw {
    fn file(name: &str, content: &[u8]) -> Self {
        Self { name: name.as_bytes().to_vec(), kind: b'0', content: content.to_vec(), size: None }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..self.name.len()].copy_from_slice(&self.name);
        header.as_old_mut().linkflag = [self.kind];
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(self.size.unwrap_or(self.content.len() as u64));
        header.set_device_major(0).unwrap();
        header.set_device_minor(0).unwrap();
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(&self.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// The members of a good archive of two small files.
fn good() -> Vec<Raw> {
    let folder = folder(&[("a.txt", b"alpha"), ("b.txt", b"beta")]);
    let archive = packed(&of_folder(&folder).unwrap());
    tar::Archive::new(archive.as_slice())
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            Raw::file(&name, &content)
        })
        .collect()
}

fn archive_of(members: &[Raw]) -> Vec<u8> {
    let mut archive: Vec<u8> = members.iter().flat_map(Raw::bytes).collect();
    archive.extend([0; 1024]);
    archive
}

/// The good archive after a change to its members.
fn changed(change: impl FnOnce(&mut Vec<Raw>)) -> Vec<u8> {
    let mut members = good();
    change(&mut members);
    archive_of(&members)
}

/// The good archive with a changed manifest and the index that goes with it.
fn with_manifest(change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    changed(|members| {
        let mut manifest: Manifest = serde_json::from_slice(&members[0].content).unwrap();
        change(&mut manifest);
        members[0].content = manifest.to_json().unwrap();
        members[1].content = manifest.index().unwrap();
    })
}

// ---- what goes in comes out ----------------------------------------------------------------------------------

#[test]
fn sample_comes_out_as_it_went_in() {
    let plan = sample_plan();
    let (_home, unpacked) = opened(&packed(&plan));
    let unpacked = unpacked.unwrap();
    assert_eq!(&unpacked.manifest, plan.manifest());
    assert_eq!(unpacked.files, plan.sizes().files);
    for item in &unpacked.manifest.items {
        assert_eq!(fs::read(unpacked.folder.join(&item.member)).unwrap(), fs::read(sample().join(&item.path)).unwrap());
    }
}

#[test]
fn sample_seals_what_it_describes_and_leaves_out_what_only_illustrates() {
    let manifest = sample_plan().manifest().clone();
    let paths: Vec<&str> = manifest.items.iter().map(|item| item.path.as_str()).collect();
    for absent in ["report.json", "manifest.example.json", "consent/consent_form_blank.en.md", "redacted/report.json"] {
        assert!(!paths.contains(&absent), "{absent}");
    }
    assert_eq!(manifest.items.len(), 13);
    assert_eq!(manifest.custody_log.len(), 4);
    assert_eq!(manifest.redaction_log.len(), 3);
    assert_eq!(manifest.consent_register.unwrap().persons.len(), 8);
    assert_eq!(
        manifest.provider_card.unwrap().text(),
        fs::read_to_string(sample().join("provider/provider_card.json")).unwrap().trim_end()
    );
    let gate = manifest.items.iter().find(|item| item.path == "media/P-01_gate.png").unwrap();
    assert_eq!(gate.received_from.as_deref(), Some("S-4"));
    assert_eq!(gate.sha256_at_receipt, Some(gate.sha256));
}

/// `UPDATE=1` rewrites the example.
#[test]
fn example_manifest_of_the_sample_is_what_sealing_makes() {
    let mut manifest = sample_plan().manifest().clone();
    for item in &mut manifest.items {
        // A checkout has its own dates.
        item.mtime = "2026-04-09T12:00:00Z".parse().unwrap();
    }
    let path = sample().join("manifest.example.json");
    if std::env::var_os("UPDATE").is_some() {
        let mut json = manifest.to_json().unwrap();
        json.push(b'\n');
        fs::write(&path, json).unwrap();
    }
    assert_eq!(Manifest::from_json(&fs::read(path).unwrap()).unwrap(), manifest);
}

#[test]
fn sample_says_of_every_file_whom_it_shows() {
    for plan in [sample_plan(), redacted_plan()] {
        assert_eq!(plan.warnings(), []);
    }
}

#[test]
fn sample_hashes_that_are_cited_are_true() {
    let manifest = sample_plan().manifest().clone();
    let of = |path: &str| manifest.items.iter().find(|item| item.path == path).unwrap().sha256;
    for item in &manifest.items {
        if let Some(from) = &item.derived_from {
            assert_eq!(of(&from.path), from.sha256);
        }
    }
    let hashes: Vec<String> = manifest.items.iter().map(|item| item.sha256.to_string()).collect();
    assert!(manifest.custody_log.iter().all(|row| hashes.contains(&row.sha256)));
}

#[test]
fn names_of_two_hundred_bytes_in_any_script_come_back_whole() {
    let arabic = format!("{}.wav", "تسجيل".repeat(20));
    let bengali = format!("{}.png", "ছবি".repeat(22));
    assert!(arabic.len() >= 200 && bengali.len() >= 200);
    let folder = folder(&[(&arabic, b"sound"), (&bengali, b"picture")]);
    let (_home, unpacked) = opened(&packed(&of_folder(&folder).unwrap()));
    let unpacked = unpacked.unwrap();
    let names: Vec<&str> = unpacked.manifest.items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(names, [arabic.as_str(), bengali.as_str()]);
    assert_eq!(unpacked.manifest.items[0].member, "files/0001-item.wav");
    assert_eq!(fs::read(unpacked.folder.join("files/0002-item.png")).unwrap(), b"picture");
}

#[test]
fn empty_and_large_files_come_back_with_their_dates() {
    let large = vec![7; 300_001];
    let folder = folder(&[("empty", b""), ("large.bin", &large)]);
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    fs::File::options().write(true).open(folder.path().join("large.bin")).unwrap().set_modified(then).unwrap();
    let (_home, unpacked) = opened(&packed(&of_folder(&folder).unwrap()));
    let unpacked = unpacked.unwrap();
    let path = unpacked.folder.join("files/0002-large.bin");
    assert_eq!(fs::read(&path).unwrap(), large);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), then);
    assert_eq!(unpacked.manifest.items[1].mtime.to_string(), "2020-09-13T12:26:40Z");
}

#[cfg(unix)]
#[test]
fn unpacked_files_are_private_and_not_executable() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, unpacked) = opened(&archive_of(&good()));
    let folder = unpacked.unwrap().folder;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("files/0001-a.txt")), 0o600);
    assert_eq!(mode(&folder.join("manifest.json")), 0o600);
}

#[test]
fn stock_tar_lists_and_unpacks_a_report() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("report.tar");
    let plan = sample_plan();
    fs::write(&path, packed(&plan)).unwrap();
    let listed = Command::new("tar").arg("tf").arg(&path).output().unwrap();
    assert!(listed.status.success() && listed.stderr.is_empty(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> = listed.lines().collect();
    assert_eq!(names[..2], ["manifest.json", "index.csv"]);
    assert_eq!(names.last(), Some(&".padding"));
    let done = Command::new("tar").arg("xf").arg(&path).arg("-C").arg(home.path()).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    // From a pipe, as behind `age -d`: nobody may die because the reader stopped early.
    let piped = format!("set -o pipefail; cat '{}' | tar xO > '{}'", path.display(), home.path().join("all").display());
    let piped = Command::new("bash").arg("-c").arg(piped).output().unwrap();
    assert!(piped.status.success() && piped.stderr.is_empty(), "{piped:?}");
    for item in &plan.manifest().items {
        let (out, source) = (home.path().join(&item.member), sample().join(&item.path));
        assert_eq!(fs::read(out).unwrap(), fs::read(source).unwrap());
    }
}

#[test]
fn manifest_can_be_read_alone() {
    let plan = sample_plan();
    let archive = packed(&plan);
    let cut = &archive[..archive.len() / 2];
    assert_eq!(&read_manifest(&mut &*cut).unwrap(), plan.manifest());
}

#[test]
fn progress_adds_up_to_the_whole() {
    let mut planned = 0;
    let plan = Plan::of(&[sample()], ManifestDraft::default(), &mut |bytes| planned += bytes).unwrap();
    assert_eq!(planned, plan.sizes().content_bytes);
    let (mut written, mut read) = (0, 0);
    let mut archive = Vec::new();
    write(&plan, &mut archive, &mut |bytes| written += bytes).unwrap();
    let home = TempDir::new().unwrap();
    unpack(&mut archive.as_slice(), &home.path().join("out"), &mut |bytes| read += bytes).unwrap();
    assert_eq!((written, read), (plan.total_bytes(), plan.total_bytes()));
}

#[test]
fn reports_of_nearly_the_same_size_look_the_same() {
    let sizes: Vec<u64> = [1_usize, 100, 3_000]
        .iter()
        .map(|len| packed(&of_folder(&folder(&[("a", &vec![1; *len])])).unwrap()).len() as u64)
        .collect();
    assert_eq!(sizes, [PADDING_FLOOR_BYTES; 3]);
    let larger = packed(&of_folder(&folder(&[("a", &vec![1; 200_000])])).unwrap()).len() as u64;
    assert_eq!(padme::bucket(larger), Some(larger));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_files_come_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 1..6)) {
        let names: Vec<String> = (0..contents.len()).map(|n| format!("folder {n}/файл {n}.TXT")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().zip(&contents).map(|(n, c)| (n.as_str(), c.as_slice())).collect();
        let archive = packed(&of_folder(&folder(&files)).unwrap());
        prop_assert_eq!(padme::bucket(archive.len() as u64), Some(archive.len() as u64));
        let (_home, unpacked) = opened(&archive);
        let unpacked = unpacked.unwrap();
        for (item, content) in unpacked.manifest.items.iter().zip(&contents) {
            prop_assert_eq!(&fs::read(unpacked.folder.join(&item.member)).unwrap(), content);
        }
    }

    #[test]
    fn buckets_never_shrink_and_waste_less_than_an_eighth(bytes in PADDING_FLOOR_BYTES..(1 << 40)) {
        let bucket = padme::bucket(bytes).unwrap();
        prop_assert!(bucket >= bytes && bucket - bytes < bytes / 8);
        prop_assert_eq!(bucket % 512, 0);
        prop_assert_eq!(padme::bucket(bucket), Some(bucket));
    }

    #[test]
    fn a_damaged_report_never_opens_as_another(position in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut archive = archive_of(&good());
        let at = position.index(archive.len());
        archive[at] ^= flip;
        let (home, result) = opened(&archive);
        // Headers carry a checksum, contents a digest, and everything else must be zero.
        prop_assert!(result.is_err());
        prop_assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

// ---- planning ------------------------------------------------------------------------------------------------

#[test]
fn several_inputs_keep_their_own_names() {
    let folder = folder(&[("one/x.txt", b"1"), ("two.txt", b"2"), ("three/deep/y", b"3")]);
    fs::create_dir(folder.path().join("three/empty")).unwrap();
    let inputs = ["two.txt", "one", "three"].map(|name| folder.path().join(name));
    let plan = plan(&inputs).unwrap();
    let paths: Vec<&str> = plan.manifest().items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(paths, ["one/x.txt", "three/deep/y", "two.txt"]);
    assert_eq!(plan.sizes().content_bytes, 3);
}

#[test]
fn same_name_twice_is_refused_whatever_its_case() {
    let folder = folder(&[("a/x", b"1"), ("b/x", b"2"), ("c/Ärger", b"3"), ("c/äRGER", b"4")]);
    let inputs = ["a/x", "b/x"].map(|name| folder.path().join(name));
    assert!(matches!(plan(&inputs), Err(PlanError::SameName { name }) if name == "x"));
    let cased = plan(&[folder.path().join("c")]);
    assert!(matches!(cased, Err(PlanError::Manifest(ManifestError::Twice { .. }))));
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_refused() {
    let folder = folder(&[("a", b"1")]);
    std::os::unix::fs::symlink("a", folder.path().join("b")).unwrap();
    assert!(matches!(of_folder(&folder), Err(PlanError::Link { .. })));
    assert!(matches!(plan(&[folder.path().join("b")]), Err(PlanError::Link { .. })));
    assert!(matches!(plan(&[PathBuf::from("/dev/null")]), Err(PlanError::NotAFile { .. })));
}

#[test]
fn misleading_names_are_refused_before_sealing() {
    let folder = folder(&[("photo\u{202E}gnp.exe", b"1")]);
    assert!(matches!(of_folder(&folder), Err(PlanError::Name { why: NameError::Character('\u{202E}'), .. })));
}

#[test]
fn nothing_to_seal_is_refused() {
    assert!(matches!(of_folder(&folder(&[])), Err(PlanError::Empty)));
    assert!(matches!(of_folder(&folder(&[("report.json", b"{}")])), Err(PlanError::Empty)));
}

#[test]
fn description_of_a_file_that_is_not_there_is_refused() {
    for json in
        [r#"{"items":{"b":{}}}"#, r#"{"select":["b"]}"#, r#"{"leave_out":["b"]}"#, r#"{"consent_register":"b"}"#]
    {
        let folder = folder(&[("a", b"1"), ("report.json", json.as_bytes())]);
        assert!(matches!(of_folder(&folder), Err(PlanError::NotThere { name }) if name == "b"), "{json}");
    }
}

#[test]
fn unknown_or_repeated_keys_of_a_description_are_refused() {
    for json in [r#"{"titel":"x"}"#, r#"{"title":"x","title":"y"}"#, r#"{"items":{"a":{},"a":{}}}"#, r#"{"v":2}"#] {
        assert!(ManifestDraft::from_json(json.as_bytes()).is_err(), "{json}");
    }
    assert!(ManifestDraft::from_json(br#"{"v":1,"title":"x","items":{"a":{}}}"#).is_ok());
}

#[test]
fn what_the_caller_says_goes_before_the_description_in_the_folder() {
    let folder = folder(&[("a", b"1"), ("report.json", br#"{"title":"old","id":"7"}"#)]);
    let draft = ManifestDraft { title: Some("new".to_owned()), ..ManifestDraft::default() };
    let plan = Plan::of(&[folder.path().to_owned()], draft, &mut |_| {}).unwrap();
    assert_eq!((plan.manifest().title.as_deref(), plan.manifest().id.as_deref()), (Some("new"), Some("7")));
}

#[test]
fn hidden_metadata_is_reported_and_left_alone() {
    let png: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01IHDRx\0\0\0\0\0\0\0\0tEXt\0\0\0\0";
    let folder = folder(&[("a.png", png), ("b.txt", b"plain")]);
    let plan = of_folder(&folder).unwrap();
    assert!(matches!(plan.warnings(), [Warning::HiddenMetadata { path, .. }] if path == "a.png"));
    let (_home, unpacked) = opened(&packed(&plan));
    assert_eq!(fs::read(unpacked.unwrap().folder.join("files/0001-a.png")).unwrap(), png);
}

#[test]
fn file_that_differs_from_what_was_received_is_reported() {
    let said = ItemDraft { sha256_at_receipt: "0".repeat(64).parse().ok(), ..ItemDraft::default() };
    let draft = ManifestDraft { items: [("a".to_owned(), said)].into(), ..ManifestDraft::default() };
    let folder = folder(&[("a", b"1")]);
    let plan = Plan::of(&[folder.path().to_owned()], draft, &mut |_| {}).unwrap();
    assert_eq!(plan.warnings(), [Warning::ChangedSinceReceipt { path: "a".to_owned() }]);
}

#[test]
fn changed_file_stops_the_sealing() {
    for content in [Some("longer than before"), Some("other"), Some(""), None] {
        let folder = folder(&[("a", b"alpha")]);
        let path = folder.path().join("a");
        let plan = of_folder(&folder).unwrap();
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let result = write(&plan, &mut Vec::new(), &mut |_| {});
        assert!(matches!(result, Err(PackError::Changed { path: changed }) if changed == path), "{content:?}");
    }
}

#[test]
fn redaction_names_the_report_it_was_made_from() {
    let digest = "ab".repeat(32).parse().ok();
    let relation = Relation { kind: RelationKind::Redacts, digest, reason: "for the mission".to_owned(), salt: None };
    let plan = redacted_plan().related(relation.clone()).unwrap();
    let (_home, unpacked) = opened(&packed(&plan));
    let manifest = unpacked.unwrap().manifest;
    assert_eq!((manifest.kind, manifest.relations), (ReportKind::Redaction, vec![relation]));
}

// ---- what is hostile stays out -------------------------------------------------------------------------------

#[test]
fn hand_built_archive_of_the_right_form_opens() {
    assert_eq!(opened(&archive_of(&good())).1.unwrap().files, 2);
}

#[test]
fn existing_folder_is_not_touched() {
    let home = folder(&[("kept", b"1")]);
    let result = unpack(&mut archive_of(&good()).as_slice(), home.path(), &mut |_| {});
    assert!(matches!(result, Err(UnpackError::Exists { .. })));
    assert_eq!(fs::read(home.path().join("kept")).unwrap(), b"1");
}

#[test]
fn links_devices_and_folders_are_refused() {
    for (kind, wanted) in [
        (b'1', HeaderFault::Link),
        (b'2', HeaderFault::Link),
        (b'3', HeaderFault::NotAFile),
        (b'4', HeaderFault::NotAFile),
        (b'5', HeaderFault::NotAFile),
        (b'6', HeaderFault::NotAFile),
        (b'7', HeaderFault::NotAFile),
        (b'L', HeaderFault::NotAFile),
        (b'S', HeaderFault::NotAFile),
        (b'g', HeaderFault::Pax),
        (0, HeaderFault::NotAFile),
    ] {
        let error = refused(&changed(|members| members[2].kind = kind));
        assert!(matches!(&error, UnpackError::Header { fault, .. } if *fault == wanted), "{kind}: {error:?}");
    }
}

#[test]
fn extended_headers_other_than_a_needed_size_are_refused() {
    for record in ["20 path=../../etc/x\n", "12 size=5\n", "30 mtime=1350244992.023960108\n"] {
        let pax = Raw { kind: b'x', ..Raw::file("PaxHeaders/x", record.as_bytes()) };
        let error = refused(&changed(|members| members.insert(2, pax)));
        assert!(matches!(error, UnpackError::Header { fault: HeaderFault::Pax, .. }), "{error:?}");
    }
}

#[test]
fn absolute_and_climbing_names_are_refused() {
    for name in ["/etc/x", "../x", "files/../../x", "files//x", "./files/0001-a.txt", "files\\x"] {
        let error = refused(&changed(|members| members[2].name = name.into()));
        assert!(matches!(error, UnpackError::UnsafeName { .. }), "{name}: {error:?}");
    }
}

#[test]
fn control_and_direction_characters_in_member_names_are_refused() {
    for name in ["files/\u{202E}x", "files/\u{2066}x", "files/\u{200F}x", "files/\u{061C}x", "files/\u{1b}[2J", "ملف"]
    {
        let error = refused(&changed(|members| members[2].name = name.into()));
        assert!(matches!(error, UnpackError::Header { fault: HeaderFault::Field("name"), .. }), "{error:?}");
        assert!(!error.to_string().contains(['\u{202E}', '\u{1b}']), "the message repeats the character");
    }
}

#[test]
fn control_and_direction_characters_in_real_names_are_refused() {
    for name in ["\u{202E}x", "\u{2069}x", "\u{200E}x", "a\u{7}b", "../x", "/x", ""] {
        let error = refused(&with_manifest(|manifest| manifest.items[0].path = name.to_owned()));
        assert!(matches!(error, UnpackError::Manifest(ManifestError::Path { .. })), "{name:?}: {error:?}");
    }
}

#[test]
fn duplicates_are_refused_whatever_their_case() {
    for name in ["files/0001-a.txt", "FILES/0001-A.TXT", "manifest.json", "Manifest.JSON"] {
        let error = refused(&changed(|members| members.insert(3, Raw::file(name, b"other"))));
        assert!(matches!(error, UnpackError::Duplicate { .. }), "{name}: {error:?}");
    }
    let error = refused(&with_manifest(|manifest| manifest.items[1].path = "A.txt".to_owned()));
    assert!(matches!(error, UnpackError::Manifest(ManifestError::Twice { .. })), "{error:?}");
}

#[test]
fn member_that_is_not_in_the_manifest_is_refused() {
    for position in [2, 3, 4] {
        let extra = Raw::file("files/0009-extra.txt", b"x");
        let error = refused(&changed(|members| members.insert(position, extra)));
        assert!(matches!(error, UnpackError::NotInManifest { .. }), "{error:?}");
    }
}

#[test]
fn missing_and_misplaced_members_are_refused() {
    let missing = |error, name: &str| matches!(error, UnpackError::Missing { member } if member == name);
    assert!(missing(refused(&changed(|members| drop(members.remove(2)))), "files/0001-a.txt"));
    assert!(missing(refused(&changed(|members| drop(members.remove(3)))), "files/0002-b.txt"));
    assert!(missing(refused(&changed(|members| members.swap(2, 3))), "files/0001-a.txt"));
    assert!(missing(refused(&changed(|members| members.truncate(4))), ".padding"));
    for error in [refused(&changed(|members| members.swap(0, 1))), refused(&changed(|members| drop(members.remove(0))))]
    {
        assert!(matches!(error, UnpackError::OutOfPlace { .. }), "{error:?}");
    }
}

#[test]
fn wrong_content_and_wrong_length_are_refused() {
    let error = refused(&changed(|members| members[2].content = b"alphA".to_vec()));
    assert!(matches!(error, UnpackError::Hash { member } if member == "files/0001-a.txt"));
    let error = refused(&changed(|members| members[2].content = b"alpha!".to_vec()));
    assert!(matches!(error, UnpackError::Size { found: 6, wanted: 5, .. }));
}

#[test]
fn index_that_says_something_else_is_refused() {
    let error = refused(&changed(|members| members[1].content.extend(b"files/0003-x,x,,,,,,,\n")));
    assert!(matches!(error, UnpackError::Index));
}

#[test]
fn oversized_members_are_refused_before_they_are_read() {
    let error = refused(&changed(|members| members[0].size = Some(MAX_MANIFEST_BYTES + 1)));
    assert!(matches!(error, UnpackError::TooLarge { .. }));
    let error = refused(&changed(|members| members[1].size = Some((1 << 33) - 1)));
    assert!(matches!(error, UnpackError::TooLarge { .. }));
}

#[test]
fn base_256_sizes_and_damaged_headers_are_refused() {
    let mut archive = archive_of(&good());
    archive[124] = 0x80;
    assert!(matches!(refused(&archive), UnpackError::Header { fault: HeaderFault::Checksum, .. }));
    let mut header = tar::Header::from_byte_slice(&archive[..512]).clone();
    header.set_cksum();
    archive[..512].copy_from_slice(header.as_bytes());
    assert!(matches!(refused(&archive), UnpackError::Header { fault: HeaderFault::Field("size"), .. }));
}

#[test]
fn gnu_headers_are_refused() {
    let mut archive = archive_of(&good());
    archive[257..265].copy_from_slice(b"ustar  \0");
    let mut header = tar::Header::from_byte_slice(&archive[..512]).clone();
    header.set_cksum();
    archive[..512].copy_from_slice(header.as_bytes());
    assert!(matches!(refused(&archive), UnpackError::Header { fault: HeaderFault::NotUstar, .. }));
}

#[test]
fn anything_after_the_padding_is_refused() {
    let error = refused(&changed(|members| members.push(Raw::file("files/0003-x", b"x"))));
    assert!(matches!(error, UnpackError::Trailing { .. }), "{error:?}");
    for tail in [&[0_u8][..], &[0; 512], b"x"] {
        let mut archive = archive_of(&good());
        archive.extend(tail);
        assert!(matches!(refused(&archive), UnpackError::Trailing { .. }));
    }
}

#[test]
fn padding_that_hides_something_is_refused() {
    let error = refused(&changed(|members| members[4].content[100] = 1));
    assert!(matches!(error, UnpackError::NotZero { member } if member == ".padding"));
    let mut archive = archive_of(&good());
    let position = 512 + good()[0].content.len();
    archive[position] = 1;
    assert!(matches!(refused(&archive), UnpackError::NotZero { member } if member == "manifest.json"));
}

#[test]
fn cut_off_archives_are_refused() {
    let archive = archive_of(&good());
    for len in [0, 1, 511, 512, 700, archive.len() - 1024, archive.len() - 1] {
        assert!(matches!(refused(&archive[..len]), UnpackError::CutOff { .. }), "{len}");
    }
}

#[test]
fn manifest_with_repeated_or_unknown_keys_is_refused() {
    let text = String::from_utf8(good()[0].content.clone()).unwrap();
    let card = |card: &str| text.replacen('{', &format!("{{\"provider_card\":{card},"), 1);
    assert!(Manifest::from_json(card(r#"{"a":[{"b":1,"c":1}]}"#).as_bytes()).is_ok());
    for wrong in [
        text.replacen('{', r#"{"v":1,"#, 1),
        text.replacen('{', r#"{"surprise":1,"#, 1),
        text.replacen('{', r#"{"summary":{"en":"a","en":"b"},"#, 1),
        text.replacen("\"v\": 1", "\"v\": 2", 1),
        card(r#"{"a":[{"b":1,"b":2}]}"#),
        card("[1]"),
    ] {
        assert!(matches!(Manifest::from_json(wrong.as_bytes()), Err(ManifestError::Json(_))), "{wrong}");
    }
}

#[test]
fn member_names_out_of_pattern_or_place_are_refused() {
    for member in ["files/0002-a.txt", "files/0001-A.txt", "files/1-a", "0001-a.txt", ".padding", "manifest.json"] {
        let error = refused(&with_manifest(|manifest| manifest.items[0].member = member.to_owned()));
        assert!(matches!(error, UnpackError::Manifest(ManifestError::Member { .. })), "{member}");
    }
}

// ---- nobody's consent is exceeded ----------------------------------------------------------------------------

const TODAY: Date = date(2026, 4, 9);

fn register(persons: &str) -> ConsentRegister {
    ConsentRegister::from_json(format!(r#"{{"v":1,"persons":[{persons}]}}"#).as_bytes()).unwrap()
}

fn person(code: &str, rest: &str) -> String {
    format!(r#"{{"code":"{code}","roles":["witness"],{rest}}}"#)
}

fn given(answer: &str, class: &str) -> ConsentRegister {
    let rest = format!(r#""status":"given","uses":{{"urgent-appeal":"{answer}"}},"recipients":{{"ngo":"{class}"}}"#);
    register(&person("W-1", &rest))
}

fn ask(identification: Level) -> Proposed<'static> {
    Proposed { purposes: &["urgent-appeal"], recipient_class: "ngo", identification, today: TODAY }
}

/// Items of the sample, each showing the given persons.
fn showing(persons: &[(&str, Level)]) -> Vec<Item> {
    let mut item = redacted_plan().manifest().items[0].clone();
    item.persons =
        persons.iter().map(|(code, level)| PersonShown { code: (*code).to_owned(), level: *level }).collect();
    vec![item]
}

fn reasons(result: Result<ConsentReviewBy, Vec<ConsentRefusal>>) -> Vec<(String, Why)> {
    result.unwrap_err().into_iter().map(|refusal| (refusal.code, refusal.why)).collect()
}

#[test]
fn grant_may_go_as_far_as_an_answer_and_no_further() {
    for (position, level) in Level::ALL.into_iter().enumerate() {
        let register = given(level.as_str(), "yes");
        assert!(check(&register, &[], &ask(level)).is_ok(), "{level}");
        for wider in Level::ALL.into_iter().skip(position + 1) {
            let why = Why::TooWide { purpose: "urgent-appeal".to_owned(), allowed: level, asked: wider };
            assert_eq!(reasons(check(&register, &[], &ask(wider))), [("W-1".to_owned(), why)]);
        }
    }
}

#[test]
fn recipient_class_limits_what_a_purpose_allows() {
    for (class, most) in
        [("yes", Level::Public), ("initials-only", Level::Initials), ("redacted", Level::Redacted), ("no", Level::None)]
    {
        let register = given("public", class);
        for level in Level::ALL {
            assert_eq!(check(&register, &[], &ask(level)).is_ok(), level <= most, "{class} {level}");
        }
    }
}

#[test]
fn person_who_wants_to_be_asked_allows_nothing_yet() {
    for (answer, class, about) in [("ask-again", "yes", "urgent-appeal"), ("public", "ask-family", "ngo")] {
        let found = reasons(check(&given(answer, class), &[], &ask(Level::Statistics)));
        assert!(matches!(&found[..], [(_, Why::AskFirst { about: of, .. })] if of == about), "{found:?}");
    }
}

#[test]
fn missing_answer_is_no() {
    let nothing = register(&person("W-1", r#""status":"given""#));
    let found = reasons(check(&nothing, &[], &ask(Level::Statistics)));
    let missing = |about: &str| ("W-1".to_owned(), Why::NotAnswered { about: about.to_owned() });
    assert_eq!(found, [missing("urgent-appeal"), missing("ngo")]);
    assert!(check(&nothing, &[], &ask(Level::None)).is_ok());
}

#[test]
fn every_purpose_must_be_allowed() {
    let register = given("redacted", "yes");
    let both = Proposed { purposes: &["urgent-appeal", "publication"], ..ask(Level::Redacted) };
    assert_eq!(reasons(check(&register, &[], &both)).len(), 1);
    let none = Proposed { purposes: &[], ..both };
    assert_eq!(reasons(check(&register, &[], &none)), [("W-1".to_owned(), Why::NoPurpose)]);
}

#[test]
fn file_may_show_a_person_as_far_as_person_and_grant_allow() {
    let register = given("initials", "yes");
    assert!(check(&register, &showing(&[("W-1", Level::Redacted)]), &ask(Level::Redacted)).is_ok());
    let above_grant = reasons(check(&register, &showing(&[("W-1", Level::Initials)]), &ask(Level::Redacted)));
    assert!(matches!(&above_grant[..], [(_, Why::ItemAboveGrant { .. })]), "{above_grant:?}");
    let above_both = reasons(check(&register, &showing(&[("W-1", Level::Public)]), &ask(Level::Redacted)));
    assert!(matches!(&above_both[..], [(_, Why::ItemShowsMore { .. }), (_, Why::ItemAboveGrant { .. })]));
}

#[test]
fn person_a_file_shows_must_be_in_the_register() {
    let items = showing(&[("W-9", Level::Statistics)]);
    let found = reasons(check(&given("public", "yes"), &items, &ask(Level::Redacted)));
    assert!(matches!(&found[..], [(code, Why::NotRegistered { .. })] if code == "W-9"));
}

#[test]
fn refusal_counts_even_where_no_file_shows_the_person() {
    let refusing = r#""status":"refused","uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#;
    let found = reasons(check(&register(&person("W-1", refusing)), &[], &ask(Level::Statistics)));
    assert_eq!(found, [("W-1".to_owned(), Why::Refused)]);
}

#[test]
fn withdrawn_person_counts_only_where_a_file_shows_them() {
    let withdrawn = r#""status":"withdrawn","uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#;
    let register = register(&person("W-5", withdrawn));
    assert!(check(&register, &[], &ask(Level::Public)).is_ok());
    let found = reasons(check(&register, &showing(&[("W-5", Level::Redacted)]), &ask(Level::Redacted)));
    assert!(matches!(&found[..], [(code, Why::Withdrawn { .. })] if code == "W-5"));
}

#[test]
fn consent_ends_on_the_day_of_its_review() {
    let until = r#""status":"given","valid_review_by":"2026-04-10","uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#;
    let register = register(&person("W-1", until));
    let review = date(2026, 4, 10);
    assert_eq!(check(&register, &[], &ask(Level::Public)), Ok(ConsentReviewBy(Some(review))));
    let late = Proposed { today: review, ..ask(Level::Statistics) };
    assert_eq!(reasons(check(&register, &[], &late)), [("W-1".to_owned(), Why::ReviewOverdue { review_by: review })]);
}

#[test]
fn earliest_review_of_all_counted_persons_is_told() {
    let one = |code: &str, status: &str, day: &str| {
        let answers = r#""uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#;
        person(code, &format!(r#""status":"{status}","valid_review_by":"{day}",{answers}"#))
    };
    let persons = [
        one("W-1", "given", "2027-01-01"),
        one("W-2", "given", "2026-12-01"),
        one("W-3", "withdrawn", "2026-05-01"),
        person("W-4", r#""status":"given","uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#),
    ];
    let found = check(&register(&persons.join(",")), &[], &ask(Level::Public));
    assert_eq!(found, Ok(ConsentReviewBy(Some(date(2026, 12, 1)))));
    assert_eq!(check(&given("public", "yes"), &[], &ask(Level::Public)), Ok(ConsentReviewBy(None)));
}

#[test]
fn answers_of_the_family_count_where_the_person_cannot_be_reached() {
    let answers = r#""status":"not-obtainable","uses":{"urgent-appeal":"public"},"recipients":{"ngo":"yes"}"#;
    let by_family = register(&person("V-4", &format!(r#""by":"family",{answers}"#)));
    assert!(check(&by_family, &[], &ask(Level::Public)).is_ok());
    let by_nobody = register(&person("V-4", answers));
    assert_eq!(reasons(check(&by_nobody, &[], &ask(Level::Statistics))), [("V-4".to_owned(), Why::NobodyAnswered)]);
}

#[test]
fn all_refusals_are_listed_with_the_codes() {
    let one = |code: &str| person(code, r#""status":"refused""#);
    let register = register(&[one("W-1"), one("W-2")].join(","));
    let found = reasons(check(&register, &showing(&[("X-1", Level::Statistics)]), &ask(Level::Redacted)));
    let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["W-1", "W-2", "X-1"]);
}

#[test]
fn unclear_registers_are_refused() {
    let ok = r#""status":"given","uses":{"urgent-appeal":"redacted"},"recipients":{"ngo":"yes"}"#;
    let read = |persons: &str| ConsentRegister::from_json(format!(r#"{{"v":1,"persons":[{persons}]}}"#).as_bytes());
    assert!(read(&person("W-1", ok)).is_ok());
    for wrong in [
        person("W-1", r#""status":"given","uses":{"urgent-appeal":"no","urgent-appeal":"public"}"#),
        person("W-1", r#""status":"given","recipients":{"ngo":"no","ngo":"yes"}"#),
        person("W-1", r#""status":"given","status":"refused""#),
        person("W-1", r#""status":"given","uses":{"urgent-appeal":"identified"}"#),
        person("W-1", r#""status":"given","uses":{"urgent-appeal":"yes"}"#),
        person("W-1", r#""status":"given","valid_review_by":"2026-4-9""#),
        person("W-1", r#""status":"maybe""#),
        person("W-1", r#""status":"given","extra":1"#),
        person("V-04..V-07", ok),
        [person("W-1", ok), person("W-1", ok)].join(","),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}

// ---- the sample's consent ------------------------------------------------------------------------------------

fn sample_ask(purpose: &'static [&'static str], identification: Level) -> Proposed<'static> {
    Proposed { purposes: purpose, recipient_class: "un-mechanism", identification, today: TODAY }
}

fn check_plan(plan: &Plan, ask: &Proposed<'_>) -> Result<ConsentReviewBy, Vec<ConsentRefusal>> {
    check(plan.manifest().consent_register.as_ref().unwrap(), &plan.manifest().items, ask)
}

#[test]
fn redacted_sample_may_go_to_the_commission_of_inquiry() {
    let commission = sample_ask(&["commission-of-inquiry"], Level::Redacted);
    assert_eq!(check_plan(&redacted_plan(), &commission), Ok(ConsentReviewBy(Some(date(2027, 3, 24)))));
    let wider = Proposed { identification: Level::Initials, ..commission };
    assert_eq!(reasons(check_plan(&redacted_plan(), &wider))[0].0, "W-02");
    let press = Proposed { recipient_class: "media", ..commission };
    assert!(check_plan(&redacted_plan(), &press).is_err());
}

#[test]
fn original_sample_may_not_go_and_everyone_concerned_is_named() {
    let commission = sample_ask(&["commission-of-inquiry"], Level::Redacted);
    let found = reasons(check_plan(&sample_plan(), &commission));
    let mut codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    codes.dedup();
    assert_eq!(codes, ["W-02", "V-04", "V-05", "V-06", "V-07", "S-4", "W-03"]);
}

#[test]
fn families_of_the_disappeared_allow_the_urgent_appeal_of_the_sample() {
    let register = sample_plan().manifest().consent_register.clone().unwrap();
    let families: Vec<_> = register.persons.into_iter().filter(|person| person.code.starts_with("V-0")).collect();
    let families = ConsentRegister { v: 1, note: None, persons: families.into_iter().skip(1).collect() };
    assert_eq!(families.persons.len(), 4);
    assert!(check(&families, &[], &sample_ask(&["urgent-appeal"], Level::IdentifiedToState)).is_ok());
    assert!(check(&families, &[], &sample_ask(&["urgent-appeal"], Level::Public)).is_err());
    assert!(check(&families, &[], &sample_ask(&["publication"], Level::Statistics)).is_err());
}

#[test]
fn rebased_sample_is_as_fresh_on_any_day_as_on_its_own() {
    let today = date(2031, 1, 2);
    let plan = redacted_plan().rebased(today).unwrap();
    let commission = Proposed { today, ..sample_ask(&["commission-of-inquiry"], Level::Redacted) };
    assert!(check_plan(&redacted_plan(), &commission).is_err());
    let review = TODAY.until(date(2027, 3, 24)).unwrap();
    assert_eq!(check_plan(&plan, &commission), Ok(ConsentReviewBy(Some(today.checked_add(review).unwrap()))));
    let (_home, unpacked) = opened(&packed(&plan));
    assert_eq!(&unpacked.unwrap().manifest, plan.manifest());
}
