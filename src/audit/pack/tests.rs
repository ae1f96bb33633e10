//! What holds of packs without a broker; the whole way is in `tests/it/evidence.rs`.

use super::*;

fn small() -> Pack {
    let mut pack = Pack::default();
    pack.put("genesis.note", "genesis");
    pack.put("entries/00000001.tlog-proof", "proof");
    pack.put("README.txt", "read me");
    pack.seal_sums();
    pack
}

#[test]
fn same_files_are_the_same_archive_and_manifest_comes_first() {
    let tar = small().to_tar().unwrap();
    assert!(is_tar(&tar));
    assert!(tar.starts_with(b"manifest.txt\0"));
    assert_eq!(small().to_tar().unwrap(), tar);
    assert_eq!(Pack::of_tar(&tar).unwrap(), small());
    Pack::of_tar(&tar).unwrap().check_sums().unwrap();
}

#[test]
fn every_changed_byte_of_an_archive_is_noticed() {
    let tar = small().to_tar().unwrap();
    for place in 0..tar.len() {
        let mut changed = tar.clone();
        changed[place] ^= 1;
        let read = Pack::of_tar(&changed).and_then(|pack| pack.check_sums());
        assert!(read.is_err(), "byte {place}");
    }
}

#[test]
fn file_too_many_or_too_few_is_noticed() {
    let mut more = small();
    more.put("more.txt", "x");
    assert!(matches!(more.check_sums(), Err(PackError::Sum(name)) if name == "manifest.txt"));
    let mut fewer = Pack::default();
    fewer.put("manifest.txt", small().text("manifest.txt").unwrap());
    assert!(matches!(fewer.check_sums(), Err(PackError::Missing(_))));
}

#[test]
fn pack_without_evidence_does_not_hold() {
    assert!(check(&small(), None).is_err());
}

#[test]
fn words_for_people_are_not_those_of_the_code() {
    let before = Before::StaysSealed { items: Vec::new() };
    let custody = Custody {
        format: String::new(),
        program: program(),
        card: "broker.example#00".to_owned(),
        report: crate::model::ids::ReportId::from_bytes([1; 32]),
        advocate: crate::model::ids::PartyId::from_bytes([2; 32]),
        sealed: custody::Sealed {
            payload_sha256: crate::model::ids::Digest::of(b"payload"),
            payload_bytes: 16_432,
            key_commitment: crate::model::ids::Digest::of(b"key"),
            owner_header: crate::model::ids::Digest::of(b"header"),
            headers: Vec::new(),
        },
        before,
        after: Vec::new(),
        witnessed: custody::Seen {
            size: 1,
            published: 0,
            quorum: 0,
            witnesses: Vec::new(),
            register_published: 0,
            register_witnesses: Vec::new(),
        },
    };
    let page = html::page(&custody).to_lowercase();
    let body = page.split_once("<body>").unwrap().1;
    for word in ["evidence", " party", "header", "shred", "policy", "<script", "http:", "https:", "src="] {
        assert!(!body.contains(word), "the page says {word}");
    }
    assert!(page.contains("content-security-policy"));
}
