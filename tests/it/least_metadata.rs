//! What a broker keeps and says: ciphertext and signed statements, nothing of what is inside or who called.

use crate::{
    raw::b64,
    stage::{Stage, inquiry, publish},
};
use amana::{
    client::{
        fetched::{Asking, open_collected},
        report::{ManifestDraft, Plan},
    },
    model::time::Duration,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words that stand in content, file name, title and message, and nowhere else.
const MARKERS: [&str; 4] = ["zanzibarwitness", "qumranfilename", "xylophonetitle", "yggdrasilmessage"];

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files_under(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Every way a marker could have been written down.
fn spellings(marker: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![
        marker.as_bytes().to_vec(),
        marker.to_uppercase().into_bytes(),
        hex::encode(marker).into_bytes(),
        hex::encode_upper(marker).into_bytes(),
        marker.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        marker.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    // Base64 of a text inside a longer one begins at any of three places; the ends depend on what stands beside it.
    for skipped in 0..3 {
        let inner = &marker.as_bytes()[skipped..];
        let inner = &inner[..inner.len() / 3 * 3];
        spellings.push(STANDARD.encode(inner).into_bytes());
        spellings.push(b64(inner).into_bytes());
    }
    spellings
}

fn first_leak(bytes: &[u8]) -> Option<&'static str> {
    MARKERS.into_iter().find(|marker| spellings(marker).iter().any(|spelling| holds(bytes, spelling)))
}

/// A whole story about a report full of markers.
fn story() -> Stage {
    let mut stage = Stage::established();
    let source = stage.path(&format!("{}.txt", MARKERS[1]));
    fs::write(&source, format!("It was {} who saw it. ", MARKERS[0]).repeat(200)).unwrap();
    let draft = ManifestDraft { title: Some(MARKERS[2].to_owned()), ..ManifestDraft::default() };
    let plan = Plan::of(&[source], draft, &mut |_| {}).unwrap();
    let sealed_at = stage.path("sealed.age");
    let report = stage.as_advocate(|desk| publish(desk, &plan, &sealed_at)).unwrap();
    let owner = stage.cast.advocate.recipient();
    let (basis, deadline) = ("resolution 1".parse().unwrap(), stage.now().plus(Duration::from_days(9)));
    let asking = Asking {
        message: Some(format!("Dear colleague, {}", MARKERS[3])),
        ..Asking::for_access(report, owner, vec![inquiry()], basis, deadline)
    };
    stage.as_officer(|desk| desk.ask_for_access(&asking)).unwrap();
    let mut terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let released = stage.as_officer(|desk| desk.request_release(grant, &inquiry())).unwrap();
    let (age, into) = (stage.path("report.age"), stage.path("opened"));
    let collected = stage.as_officer(|desk| desk.collect(&released, &age, &mut |_| {})).unwrap();
    let (opened, outcome) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    stage.as_officer(|desk| desk.acknowledge(&collected, outcome)).unwrap();
    let mut plain = Vec::new();
    files_under(&opened.folder, &mut plain);
    assert!(plain.iter().any(|path| first_leak(&fs::read(path).unwrap()).is_some()), "the markers were never inside");
    terms.max_releases = 2;
    stage.grant(&terms);
    stage.revoke(grant).unwrap();
    stage
}

#[test]
fn promise_01_no_marker_is_in_anything_the_broker_keeps() {
    let mut stage = story();
    let look = |stage: &Stage| {
        let mut files = Vec::new();
        files_under(&stage.path("broker"), &mut files);
        files.retain(|path| !path.components().any(|part| part.as_os_str() == "keys"));
        assert!(files.iter().any(|path| path.ends_with("amana.db")), "{files:?}");
        assert!(files.iter().any(|path| path.components().any(|part| part.as_os_str() == "payloads")), "{files:?}");
        for path in files {
            let bytes = fs::read(&path).unwrap();
            assert_eq!(first_leak(&bytes), None, "in {}", path.display());
            assert_eq!(first_leak(path.to_string_lossy().as_bytes()), None, "as a name");
        }
    };
    // While it runs, with its write-ahead log; and after it was closed.
    look(&stage);
    stage.stop();
    look(&stage);
    stage.restart();
    // What an auditor takes away is opened whole, and still holds nothing.
    stage.audit("audit");
    let mut files = Vec::new();
    files_under(&stage.path("audit"), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(first_leak(text.as_bytes()), None, "in {}", path.display());
        for part in text.split(['"', '.', '\\']) {
            let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            assert_eq!(first_leak(&decoded), None, "in base64 in {}", path.display());
        }
    }
}

#[test]
fn promise_09_no_address_is_kept() {
    let mut stage = story();
    let port = stage.url.rsplit(':').next().unwrap().to_owned();
    stage.audit("audit");
    stage.stop();
    let mut files = Vec::new();
    files_under(&stage.path("broker"), &mut files);
    files_under(&stage.path("audit"), &mut files);
    for path in files {
        let bytes = fs::read(&path).unwrap();
        for address in ["127.0.0.1", "localhost", "::1", "::ffff:7f00:1"] {
            // Three characters occur by chance in ciphertext; only text is looked at for the short one.
            if address.len() > 3 || String::from_utf8(bytes.clone()).is_ok() {
                assert!(!holds(&bytes, address.as_bytes()), "{address} in {}", path.display());
            }
        }
        assert!(!holds(&bytes, format!(":{port}/").as_bytes()), "the port in {}", path.display());
    }
}

#[test]
fn a_payload_has_the_length_of_its_bucket() {
    let mut stage = Stage::established();
    let stored = |stage: &mut Stage, name: &str, length: usize| {
        let content: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let report = stage.report(name, &content);
        stage.as_advocate(|desk| desk.reports()).unwrap().into_iter().find(|r| r.id == report).unwrap().report
    };
    let sizes: Vec<u64> = [1, 2, 4_000, 300_000, 300_001, 301_000, 2_000_000]
        .iter()
        .map(|length| stored(&mut stage, &format!("f{length}.bin"), *length).payload_bytes)
        .collect();
    for size in &sizes {
        // age's own overhead: a nonce of 16 bytes, and 16 bytes a chunk of 64 KiB.
        let chunks = (size - 16).div_ceil(64 * 1024 + 16);
        let plain = size - 16 - 16 * chunks;
        // Padmé (Nikitin et al. 2019): the last e - s bits are zero, for e = floor(log2 L), s = floor(log2 e) + 1.
        let exponent = plain.ilog2();
        let mask = (1_u64 << (exponent - (exponent.ilog2() + 1))) - 1;
        assert_eq!(plain & mask, 0, "{plain} is no Padmé length");
    }
    assert_eq!(sizes[0], sizes[1], "one byte more or less does not show");
    assert_eq!(sizes[3], sizes[4], "one byte more or less does not show");
}
