//! Headers of age files: one spelling each, the same by slice and by stream, and what is re-wrapped can be read.

use std::sync::OnceLock;

use super::choices::Choices;
use age::x25519;
use age_core::primitives::hkdf;
use amana::client::rewrap::{self, FileKey, RewrapError};
use amana::wire::header::{Header, ReadHeaderError, Stanza, Unsigned, read_header};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// `s`: decisions about stanzas, written and read back. Anything else: the bytes of a file.
pub fn check(input: &[u8]) {
    match input {
        [b's', decisions @ ..] => written(&mut Choices::of(decisions)),
        file => read(file),
    }
}

fn read(file: &[u8]) {
    let mut stream = file;
    let streamed = read_header(&mut stream);
    match (Header::parse(file), streamed) {
        (Ok((header, length)), Ok(same)) => {
            assert_eq!(header, same, "slice and stream differ");
            assert_eq!(stream, &file[length..], "the stream does not stand at the payload");
            accepted(file, &header, length);
            rewrapped(&header);
        }
        (Err(why), Err(ReadHeaderError::Header(same))) => {
            assert_eq!(why, same);
            assert!(Header::parse_exact(file).is_err());
        }
        (slice, stream) => panic!("slice and stream disagree: {slice:?}, {stream:?}"),
    }
}

fn accepted(file: &[u8], header: &Header, length: usize) {
    assert_eq!(header.as_bytes(), &file[..length]);
    let signed = header.signed_bytes();
    assert!(header.as_bytes().starts_with(signed) && signed.ends_with(b"---"));
    let unsigned = Unsigned::new(header.stanzas().to_vec()).expect("what was read can be written");
    assert_eq!(unsigned.signed_bytes(), signed);
    assert_eq!(&unsigned.with_mac(*header.mac()), header, "one header, one spelling");
    assert_eq!(Header::parse_exact(file).is_ok(), length == file.len());
    for stanza in header.stanzas() {
        let again = Stanza::new(stanza.tag().to_owned(), stanza.args().to_vec(), stanza.body().to_vec());
        assert_eq!(again.as_ref().map(Stanza::kind), Ok(stanza.kind()));
    }
}

/// A header with our stanza among the given ones: whoever owns it re-wraps it, unless a stanza before it lies.
fn rewrapped(header: &Header) {
    let hands = hands();
    assert!(rewrap::rewrap(header, &hands.owner, &[]).is_err(), "nobody made this MAC");
    let mut stanzas = header.stanzas().to_vec();
    let claims_our_type = stanzas.iter().any(|stanza| stanza.tag() == "X25519");
    stanzas.push(hands.stanza.clone());
    let Ok(unsigned) = Unsigned::new(stanzas) else { return };
    let mac = mac(unsigned.signed_bytes());
    let whole = unsigned.with_mac(mac);
    assert_eq!(Header::parse_exact(whole.as_bytes()).as_ref(), Ok(&whole));
    match rewrap::rewrap(&whole, &hands.owner, &[&hands.recipient]) {
        Ok(new) => {
            assert_eq!(Header::parse_exact(new.as_bytes()).as_ref(), Ok(&new));
            assert_eq!(new.stanzas().len(), 1, "nothing of the old header is carried over");
            assert!(rewrap::check_mac(&new, &file_key()).is_ok(), "another file key");
        }
        Err(RewrapError::MalformedStanza) => assert!(claims_our_type),
        Err(why) => panic!("a good header was not re-wrapped: {why}"),
    }
}

fn written(choices: &mut Choices<'_>) {
    let mut stanzas = Vec::new();
    for _ in 0..=choices.below(4) {
        let tags = ["X25519", "scrypt", "x-grease", "ssh-ed25519", "~"];
        let tag = if choices.flag() { (*choices.pick(&tags)).to_owned() } else { word(choices) };
        let args = (0..choices.below(4)).map(|_| word(choices)).collect();
        match Stanza::new(tag.clone(), args, choices.some(200).to_vec()) {
            Ok(stanza) => stanzas.push(stanza),
            Err(_) => return,
        }
    }
    let scrypt = stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag() == "scrypt");
    let Ok(unsigned) = Unsigned::new(stanzas.clone()) else {
        assert!(scrypt, "four short stanzas make a header");
        return;
    };
    let mac = [choices.byte(); 32];
    let header = unsigned.with_mac(mac);
    let read = Header::parse_exact(header.as_bytes()).expect("what was written can be read");
    assert_eq!((read.stanzas(), read.mac()), (&stanzas[..], &mac));
    rewrapped(&read);
    // Every shorter file is cut off; one length, chosen, stands for all.
    let cut = choices.below(header.as_bytes().len());
    assert!(Header::parse(&header.as_bytes()[..cut]).is_err());
}

fn word(choices: &mut Choices<'_>) -> String {
    String::from_utf8_lossy(choices.some(20)).into_owned()
}

/// One file key, somebody who holds it, and somebody to hand it to.
struct Hands {
    owner: x25519::Identity,
    recipient: x25519::Recipient,
    stanza: Stanza,
}

fn hands() -> &'static Hands {
    static HANDS: OnceLock<Hands> = OnceLock::new();
    HANDS.get_or_init(|| {
        let owner = x25519::Identity::generate();
        let header = rewrap::wrap_file_key(&file_key(), &[&owner.to_public()]).expect("a key is wrapped");
        let stanza = header.stanzas()[0].clone();
        Hands { owner, recipient: x25519::Identity::generate().to_public(), stanza }
    })
}

const FILE_KEY: [u8; 16] = [7; 16];

fn file_key() -> FileKey {
    FileKey::new(Box::new(FILE_KEY))
}

/// The MAC as C2SP `age.md` has it, computed apart from the code under test.
fn mac(signed: &[u8]) -> [u8; 32] {
    let key = hkdf(&[], b"header", &FILE_KEY);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length of key");
    mac.update(signed);
    mac.finalize().into_bytes().into()
}

/// Headers of several shapes, with the first bytes of a payload.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let hands = hands();
    let one = rewrap::wrap_file_key(&file_key(), &[&hands.recipient]).expect("wrapped");
    let two = rewrap::wrap_file_key(&file_key(), &[&hands.recipient, &hands.owner.to_public()]).expect("wrapped");
    let text = |body: &str| format!("age-encryption.org/v1\n{body}--- {}\n", "A".repeat(43)).into_bytes();
    Header::parse_exact(two.as_bytes()).expect("a header");
    vec![
        ("one-recipient", [one.as_bytes(), b"payload"].concat()),
        ("two-recipients", two.as_bytes().to_vec()),
        ("scrypt", text(&format!("-> scrypt {} 18\n{}\n", "A".repeat(22), "A".repeat(43)))),
        ("grease", text(&format!("-> x-grease a b\n{}\nAAA\n", "A".repeat(64)))),
        ("full-last-line", text(&format!("-> y!\n{}\n\n", "A".repeat(64)))),
        ("armored", b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec()),
        ("stanzas", b"s\x02\x01\x00\x01\x05share\x20bodybodybodybodybodybodybodybody\x01\x03\x00\x00\x00\x07".to_vec()),
    ]
}
