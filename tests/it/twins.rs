//! The fuzz targets' twins: the same checks on what proptest invents, and on every file of `fuzz/seeds`.
//!
//! `UPDATE=1` writes the seeds that are missing. A reproducer that fuzzing found lies among them and stays.

#[path = "../../fuzz/checks/lib.rs"]
mod checks;

use checks::{TARGETS, Target, choices::Choices};
use proptest::{collection::vec, prelude::*};
use std::{fs, panic, path::PathBuf};

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a target of this name")
}

fn seeds(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target.name)
}

#[test]
fn every_seed_passes_its_check() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let made = (target.seeds)();
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(seeds(target)).unwrap();
            for (name, bytes) in made.iter().filter(|(name, _)| !seeds(target).join(name).exists()) {
                fs::write(seeds(target).join(name), bytes).unwrap();
            }
        }
        let kept = fs::read_dir(seeds(target)).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<(String, Vec<u8>)> =
            kept.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect();
        assert!(kept.len() >= made.len(), "{} lacks seeds: run with UPDATE=1", target.name);
        let made = made.into_iter().map(|(name, bytes)| (format!("{} as made today", name), bytes));
        for (name, bytes) in kept.into_iter().chain(made) {
            assert!(bytes.len() <= 10_240, "{name} is too long to be kept");
            if panic::catch_unwind(|| (target.check)(&bytes)).is_err() {
                failed.push(format!("{}: {name}", target.name));
            }
        }
    }
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn every_check_has_its_target_and_every_target_its_check() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
}

/// A seed of the target with a few bytes replaced, taken out or put in.
fn near(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let made: Vec<Vec<u8>> = (target(name).seeds)().into_iter().map(|(_, bytes)| bytes).collect();
    let edits = vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..4);
    (prop::sample::select(made), edits).prop_map(|(mut bytes, edits)| {
        for (at, byte, how) in edits {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        bytes
    })
}

/// Decisions after one of the letters that take them.
fn decided(letters: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    // Zero is the usual decision: mostly zeros come near to what is permitted.
    let byte = prop_oneof![3 => Just(0_u8), 1 => any::<u8>()];
    (prop::sample::select(letters), prop_oneof![vec(byte, 0..200), vec(any::<u8>(), 0..200)])
        .prop_map(|(letter, decisions)| [&[letter][..], &decisions].concat())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_lead_to_the_decision_a_plain_reading_gives(
        input in prop_oneof![4 => decided(b"rdo"), 1 => near("facts")],
    ) {
        checks::facts::check(&input);
    }

    #[test]
    fn headers_have_one_spelling_and_are_rewrapped(
        input in prop_oneof![bytes(), near("header"), decided(b"s")],
    ) {
        checks::header::check(&input);
    }

    #[test]
    fn entries_receipts_and_proofs_verify_only_what_the_logs_hold(
        input in prop_oneof![bytes(), near("log"), decided(b"ij")],
    ) {
        checks::log::check(&input);
    }

    #[test]
    fn assertions_and_proofs_are_their_signers(input in prop_oneof![bytes(), near("oauth")]) {
        checks::oauth::check(&input);
    }

    #[test]
    fn statements_say_one_thing_and_only_their_signer_says_it(
        input in prop_oneof![
            bytes(),
            near("statement"),
            bytes().prop_map(|bytes| checks::statement::edited(&mut Choices::of(&bytes))),
        ],
    ) {
        checks::statement::check(&input);
    }

    #[test]
    fn upload_headers_are_never_misread(
        input in prop_oneof!["[nlcm][ -~]{0,60}".prop_map(String::into_bytes), near("tus"), bytes()],
    ) {
        checks::tus::check(&input);
    }

    #[test]
    fn archives_are_unpacked_whole_or_not_at_all(input in prop_oneof![bytes(), near("unpack"), decided(b"m")]) {
        checks::unpack::check(&input);
    }
}
