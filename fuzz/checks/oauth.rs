//! Client assertions and DPoP proofs: what is accepted was signed by the key it names, and follows its RFC.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use amana::model::{
    ids::{Digest, PublicKey},
    limits,
    time::Timestamp,
};
use amana::wire::oauth::{Assertion, ProofClaims, UnverifiedAssertion, read_proof, sign_assertion, sign_proof};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use p256::ecdsa;
use serde_json::{Value, value::RawValue};

/// `a`: header and payload of an assertion as JSON with a zero byte between, which are then signed with Ed25519.
/// `p`: the same of a proof. `q`: of a proof, signed with P-256. Anything else: a token as it comes.
pub fn check(input: &[u8]) {
    match input {
        [b'a', json @ ..] => assertion(&signed(json, &|text| key().sign(text).to_bytes().to_vec())),
        [b'p', json @ ..] => proof(&signed(json, &|text| key().sign(text).to_bytes().to_vec())),
        [b'q', json @ ..] => proof(&p256_signed(json)),
        text => {
            if let Ok(text) = std::str::from_utf8(text) {
                assertion(text);
                proof(text);
            }
        }
    }
}

/// RFC 7523, section 3, as the broker's metadata promises it.
fn assertion(text: &str) {
    let Ok(unverified) = UnverifiedAssertion::parse(text) else { return };
    let client = unverified.client();
    let now = Timestamp::from_seconds(NOW);
    let stranger = PublicKey::from_bytes(SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes());
    let strange = UnverifiedAssertion::parse(text).map(|same| same.verify(&stranger, ISSUER, now));
    assert!(matches!(strange, Ok(Err(_))), "a stranger signed in");
    let Ok(claims) = unverified.verify(&public(), ISSUER, now) else { return };
    let [header, payload] = parts(text);
    assert_eq!(Ok(()), signature_holds(text), "not the client's signature");
    assert!(matches!(header["alg"].as_str(), Some("EdDSA" | "Ed25519")));
    for said in [claims.iss, claims.sub, client] {
        assert_eq!(said, public().thumbprint());
    }
    assert_eq!(payload["aud"].as_str(), Some(ISSUER), "another audience");
    assert!(!claims.jti.is_empty() && claims.jti.len() <= 128);
    let (made, ends) = (claims.iat.as_seconds(), claims.exp.as_seconds());
    assert!(ends > NOW, "expired");
    assert!(made <= NOW + limits::CLOCK_AHEAD.as_seconds(), "from the future");
    assert!(ends <= made + limits::ASSERTION_LIFE.as_seconds(), "lives too long");
    assert_eq!((payload["iat"].as_u64(), payload["exp"].as_u64()), (Some(made), Some(ends)));
}

/// RFC 9449, section 4.3: the checks that need no broker.
fn proof(text: &str) {
    let Ok(proof) = read_proof(text) else { return };
    let [header, payload] = parts(text);
    assert_eq!(header["typ"].as_str(), Some("dpop+jwt"));
    let jwk = &header["jwk"];
    assert!(jwk.get("d").is_none_or(Value::is_null), "it shows a private key");
    let member = |name: &str| jwk[name].as_str().expect("a member that was read");
    let thumbprint = match (member("kty"), header["alg"].as_str()) {
        ("OKP", Some("EdDSA" | "Ed25519")) => {
            assert_eq!(Ok(()), signature_by(text, member("x")), "not this key's signature");
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, member("x"))
        }
        ("EC", Some("ES256")) => {
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, member("x"), member("y"))
        }
        other => panic!("accepted with {other:?}"),
    };
    assert_eq!(proof.key, Digest::of(thumbprint.as_bytes()), "bound to another key (RFC 7638)");
    assert_eq!(payload["htm"].as_str(), Some(proof.claims.htm.as_str()));
    assert_eq!(payload["htu"].as_str(), Some(proof.claims.htu.as_str()));
    assert_eq!(payload["jti"].as_str(), Some(proof.claims.jti.as_str()));
    assert_eq!(payload["iat"].as_u64(), Some(proof.claims.iat.as_seconds()));
    // The last character of the signature stands for all of it.
    let (rest, last) = text.split_at(text.len() - 2);
    let other = if last.starts_with('A') { "BA" } else { "AA" };
    if last != other {
        assert!(read_proof(&format!("{rest}{other}")).is_err(), "another signature serves as well");
    }
}

fn signature_holds(text: &str) -> Result<(), &'static str> {
    signature_by(text, &public().to_string())
}

/// An Ed25519 signature, checked apart from the code under test.
fn signature_by(text: &str, key: &str) -> Result<(), &'static str> {
    let (input, signature) = text.rsplit_once('.').ok_or("no dots")?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "base64url");
    let key = <[u8; 32]>::try_from(bytes(key)?).map_err(|_| "length of key")?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| "key")?;
    let signature = Signature::from_slice(&bytes(signature)?).map_err(|_| "length of signature")?;
    key.verify_strict(input.as_bytes(), &signature).map_err(|_| "signature")
}

fn signed(json: &[u8], sign: &dyn Fn(&[u8]) -> Vec<u8>) -> String {
    let mut parts = json.splitn(2, |byte| *byte == 0);
    let mut part = || URL_SAFE_NO_PAD.encode(parts.next().unwrap_or_default());
    let input = format!("{}.{}", part(), part());
    let signature = URL_SAFE_NO_PAD.encode(sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn p256_signed(json: &[u8]) -> String {
    signed(json, &|text| {
        let signature: ecdsa::Signature = ecdsa::signature::Signer::sign(p256_key(), text);
        signature.to_bytes().to_vec()
    })
}

/// Header and payload. Members that nobody reads may hold what only a lenient reader of JSON takes.
fn parts(text: &str) -> [Value; 2] {
    let decoded = text.split('.').take(2).map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
    let texts: Vec<String> = decoded.map(|bytes| String::from_utf8(bytes).expect("UTF-8")).collect();
    let [header, payload] = texts.try_into().expect("two parts");
    [members(&header), members(&payload)]
}

fn members(object: &str) -> Value {
    let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).expect("an object");
    let read = |(name, value): (String, Box<RawValue>)| {
        let value = if name == "jwk" { members(value.get()) } else { value.get().parse().unwrap_or(Value::Null) };
        (name, value)
    };
    all.into_iter().map(read).collect()
}

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://broker.invalid";

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_bytes(&[3; 32]))
}

fn p256_key() -> &'static ecdsa::SigningKey {
    static KEY: OnceLock<ecdsa::SigningKey> = OnceLock::new();
    KEY.get_or_init(|| ecdsa::SigningKey::from_slice(&[3; 32]).expect("a scalar"))
}

fn public() -> PublicKey {
    PublicKey::from_bytes(key().verifying_key().to_bytes())
}

/// Tokens as our client and a stock one make them, whole and bare.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let client = public().thumbprint();
    let (iat, exp) = (Timestamp::from_seconds(NOW - 5), Timestamp::from_seconds(NOW + 200));
    let claims = Assertion { iss: client, sub: client, aud: ISSUER.to_owned(), jti: "one".to_owned(), iat, exp };
    let whole = sign_assertion(&claims, key()).expect("signed");
    let list_header = br#"{"alg":"EdDSA"}"#;
    let claims_list = format!(r#"["{client}","{client}","{ISSUER}","one",{},{}]"#, NOW - 5, NOW + 200);
    let read = UnverifiedAssertion::parse(&whole).expect("an assertion");
    read.verify(&public(), ISSUER, Timestamp::from_seconds(NOW)).expect("the client's");
    let claims = ProofClaims {
        jti: "two".to_owned(),
        htm: "POST".to_owned(),
        htu: format!("{ISSUER}/oauth/token"),
        iat,
        nonce: Some("n".repeat(43)),
        ath: Some(amana::wire::oauth::token_hash("token")),
    };
    let proof = sign_proof(&claims, key()).expect("signed");
    let point = p256_key().verifying_key().to_encoded_point(false);
    let coordinate = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.expect("uncompressed"));
    let (x, y) = (coordinate(point.x().map(|x| &x[..])), coordinate(point.y().map(|y| &y[..])));
    let stock = format!(
        r#"{{"alg":"ES256","typ":"dpop+jwt","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","use":"sig"}}}}"#
    );
    let payload = serde_json::to_string(&claims).expect("written");
    for token in [&proof, &p256_signed(&[stock.as_bytes(), payload.as_bytes()].join(&0))] {
        read_proof(token).expect("a proof");
    }
    vec![
        ("assertion", bare("a", &whole)),
        ("assertion-compact", whole.into_bytes()),
        ("claims-as-list", [b"a", &list_header[..], b"\0", claims_list.as_bytes()].concat()),
        ("unread-member-not-utf-8", [b"p{\"x\":\"\x80\",", &bare("", &proof)[1..]].concat()),
        ("proof", bare("p", &proof)),
        ("proof-compact", proof.into_bytes()),
        ("proof-p256", [b"q", stock.as_bytes(), b"\0", payload.as_bytes()].concat()),
    ]
}

fn bare(letter: &str, token: &str) -> Vec<u8> {
    let decoded: Vec<Vec<u8>> =
        token.split('.').take(2).map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect();
    [letter.as_bytes(), &decoded.join(&0)].concat()
}
