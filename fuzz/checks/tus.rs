//! Headers of resumable uploads: a length or offset is never misread, and metadata names one report or none.

use amana::model::{ids::Digest, limits::UPLOAD_METADATA_BYTES};
use amana::wire::tus::{Checksum, Length, TusError, bytes, length, metadata, report};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// `n` a number, `l` length and deferral with a zero byte between, `c` a checksum, `m` metadata.
pub fn check(input: &[u8]) {
    let Some((letter, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match letter {
        b'n' => number(text),
        b'l' => {
            let (given, deferred) = text.split_once('\0').unwrap_or((text, ""));
            // Nothing stands for a header that was not sent.
            let sent = |header| Some(header).filter(|header: &&str| !header.is_empty());
            lengths(sent(given), sent(deferred));
        }
        b'c' => {
            if let Ok(checksum) = Checksum::parse(text) {
                assert_eq!(checksum.to_string(), text, "a checksum of two spellings");
            }
        }
        b'm' => described(text),
        _ => {}
    }
}

/// The number that the digits say, and no other text is one.
fn number(text: &str) {
    let said = text.chars().try_fold(0_u128, |sum, digit| {
        let digit = digit.is_ascii().then(|| digit.to_digit(10)).flatten()?;
        sum.checked_mul(10)?.checked_add(u128::from(digit))
    });
    match bytes("Upload-Offset", text) {
        Ok(number) => {
            assert_eq!(said, Some(u128::from(number)), "misread");
            assert!(number < 1 << 53 && !text.is_empty());
        }
        Err(why) => {
            assert_eq!(why, TusError::Number("Upload-Offset"));
            let fits = said.is_some_and(|number| number < 1 << 53) && (1..=16).contains(&text.len());
            assert!(!fits, "a number is refused");
        }
    }
}

fn lengths(given: Option<&str>, deferred: Option<&str>) {
    match length(given, deferred) {
        Ok(Length::Bytes(number)) => {
            assert_eq!(deferred, None);
            assert_eq!(bytes("", given.expect("said")), Ok(number));
        }
        Ok(Length::Deferred) => assert_eq!((given, deferred), (None, Some("1"))),
        Err(TusError::Length) => {
            assert!(!matches!((given, deferred), (Some(_), None) | (None, Some("1"))), "said once");
        }
        Err(why) => assert_eq!((why, deferred), (TusError::Number("Upload-Length"), None)),
    }
}

fn described(text: &str) {
    let Ok(found) = report(text) else { return };
    assert!(text.len() <= UPLOAD_METADATA_BYTES);
    let pairs: Vec<(&str, &str)> = text
        .split(',')
        .map(str::trim)
        .filter(|_| !text.trim().is_empty())
        .map(|pair| pair.split_once(' ').unwrap_or((pair, "")))
        .collect();
    let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), pairs.len(), "a key stands twice");
    let named: Vec<Vec<u8>> = pairs
        .iter()
        .filter(|(key, _)| *key == "report")
        .map(|(_, value)| STANDARD.decode(value).expect("base64"))
        .collect();
    let spelt: Vec<Vec<u8>> = found.iter().map(|id| id.to_string().into_bytes()).collect();
    assert_eq!(named, spelt, "another report than the one named");
    if let Some(id) = found {
        assert_eq!(report(&metadata(id)), Ok(Some(id)));
        let twice = format!("{text},{}", metadata(id));
        assert_eq!(report(&twice), Err(TusError::Metadata), "a second report");
    }
}

/// Headers as a stock client and ours send them.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let ours = metadata(Digest::of(b"report").into());
    let seed = |letter: &str, text: &str| [letter.as_bytes(), text.as_bytes()].concat();
    for text in [&ours, &format!("filename bm90ZS50eHQ=,{ours},is_confidential")] {
        assert!(matches!(report(text), Ok(Some(_))), "{text}");
    }
    vec![
        ("offset", seed("n", "9007199254740991")),
        ("offset-too-large", seed("n", "9007199254740992")),
        ("length", seed("l", "1048576\0")),
        ("length-deferred", seed("l", "\x001")),
        ("sha1", seed("c", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")),
        ("sha256", seed("c", &format!("sha256 {}", STANDARD.encode(Digest::of(b"part").as_bytes())))),
        ("metadata", seed("m", &ours)),
        ("metadata-of-a-stock-client", seed("m", &format!("filename bm90ZS50eHQ=,{ours},filetype"))),
    ]
}
