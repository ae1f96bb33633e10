//! Signed statements: whatever is read says exactly one thing, and only its signer can have said it.

use std::sync::OnceLock;

use super::choices::Choices;
use amana::model::{
    ids::{Digest, PublicKey},
    limits::STATEMENT_BYTES,
    statement::Kind,
};
use amana::wire::jws::Compact;
use amana::wire::statement::{Claims, StatementError, Unverified};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// `p`: a byte for the kind, then the JSON of a payload, which is signed if it is one.
/// `h`: the JSON of header and payload with a zero byte between. Anything else: a compact text.
pub fn check(input: &[u8]) {
    match input {
        [b'p', kind, payload @ ..] => signed(Kind::ALL[usize::from(*kind) % Kind::ALL.len()], payload),
        [b'h', json @ ..] => {
            let mut parts = json.splitn(2, |byte| *byte == 0);
            let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            read(&compact(header, payload, &[0; 64]));
        }
        text => {
            if let Ok(text) = std::str::from_utf8(text) {
                read(text);
            }
        }
    }
}

/// Reads a text; says whether it was accepted.
fn read(text: &str) -> bool {
    let Ok(statement) = Unverified::parse(text) else { return false };
    assert!(text.len() <= STATEMENT_BYTES);
    assert_eq!(statement.digest(), Digest::of(text.as_bytes()));
    let kind = statement.kind();
    for other in Kind::ALL {
        assert_eq!(Unverified::parse_kind(text, other).is_ok(), other == kind);
    }
    let jws = Compact::parse(text, STATEMENT_BYTES).expect("read a moment ago");
    let [header, payload, signature] = parts(text);
    assert_eq!(compact(&header, &payload, &signature), text, "the framing has slack");
    let written = rewritten(kind, &jws);
    let (given, ours) = (json(&payload), json(&written));
    assert_eq!(given, ours, "what was read is not what was said");
    // Written the way we write it, a statement is read as the same one, and writing it again changes no byte.
    let ours = compact(&header, &written, &signature);
    let again = Unverified::parse(&ours).expect("our own spelling");
    assert_eq!(rewritten(kind, &Compact::parse(&ours, STATEMENT_BYTES).expect("ours")), written);
    assert_eq!(again.into_unverified_body(), statement.clone().into_unverified_body());
    let stranger = PublicKey::from_bytes(stranger().verifying_key().to_bytes());
    assert!(statement.verify(&stranger, audience(&payload)).is_err(), "a stranger's statement");
    true
}

/// A payload under a right header and signature.
fn signed(kind: Kind, payload: &[u8]) {
    let (public, unsigned) = (public(), unsigned(kind, payload));
    if !read(&unsigned) {
        return;
    }
    let (input, _) = unsigned.rsplit_once('.').expect("two dots");
    let text = compact(header(kind).as_bytes(), payload, &signer().sign(input.as_bytes()).to_bytes());
    let statement = Unverified::parse(&text).expect("only the signature is another");
    let verified = statement.clone().verify(&public, audience(payload)).expect("a right signature");
    assert_eq!(verified.text(), text);
    assert_eq!(verified.signed().digest, Digest::of(text.as_bytes()));
    assert_eq!(verified.signed().kind, kind);
    let elsewhere = statement.verify(&public, Digest::of(&audience(payload).as_bytes()[..]));
    assert!(matches!(elsewhere, Err(StatementError::Audience)));
    altered(&text, &public, payload);
}

fn header(kind: Kind) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"{}","kid":"{}"}}"#, kind.typ(), public().thumbprint())
}

fn unsigned(kind: Kind, payload: &[u8]) -> String {
    compact(header(kind).as_bytes(), payload, &[0; 64])
}

/// One character changed, anywhere: not the signer's any more.
fn altered(text: &str, public: &PublicKey, payload: &[u8]) {
    let at =
        payload.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % text.len();
    let (before, rest) = text.split_at(at);
    let other = if rest.starts_with('A') { "B" } else { "A" };
    let changed = format!("{before}{other}{}", &rest[1..]);
    if let Ok(statement) = Unverified::parse(&changed) {
        assert!(statement.verify(public, audience(payload)).is_err(), "character {at} is not signed");
    }
}

macro_rules! by_kind {
    ($jws:ident, $kind:ident, $($name:ident: $body:path),* $(,)?) => {
        match $kind { $(Kind::$name => bytes::<Claims<$body>>($jws)),* }
    };
}

/// The payload as this program writes it.
fn rewritten(kind: Kind, jws: &Compact) -> Vec<u8> {
    use amana::model::{
        answer, audit, epoch, freeze, grant, institution, keys, party, release, report, request, roster, web,
    };
    by_kind!(
        jws, kind,
        Party: party::PartyEnrolment,
        Report: report::Report,
        Request: request::AccessRequest,
        Grant: grant::Grant,
        Revocation: grant::Revocation,
        ReleaseRequest: release::ReleaseRequest,
        Acknowledgement: release::Acknowledgement,
        Admission: institution::Admission,
        Approval: institution::Approval,
        Officer: institution::OfficerAppointment,
        RecipientKey: institution::RecipientKey,
        Attestation: institution::Attestation,
        Suspension: institution::Suspension,
        Audited: audit::Audited,
        Roster: roster::RosterChange,
        Resumption: epoch::Resumption,
        WebRelease: web::WebRelease,
        Rotation: keys::Rotation,
        Recovery: keys::Recovery,
        OwnerHeader: keys::OwnerHeaderChange,
        Handover: keys::Handover,
        Withdrawal: report::Withdrawal,
        Refusal: request::RequestRefusal,
        Question: request::Question,
        Notice: request::Notice,
        Status: answer::Status,
        Terms: institution::Terms,
        Call: institution::Call,
        Record: institution::RecordChange,
        Closing: institution::Closing,
        Freeze: freeze::Freeze,
        Thaw: freeze::Thaw,
    )
}

fn bytes<T: Serialize + DeserializeOwned>(jws: &Compact) -> Vec<u8> {
    serde_json::to_vec(&jws.exact_payload::<T>().expect("read as this kind")).expect("written")
}

fn compact(header: &[u8], payload: &[u8], signature: &[u8]) -> String {
    [header, payload, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn parts(text: &str) -> [Vec<u8>; 3] {
    let parts: Vec<Vec<u8>> = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect();
    parts.try_into().expect("three parts")
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn audience(payload: &[u8]) -> Digest {
    json(payload)["aud"].as_str().and_then(|aud| aud.parse().ok()).expect("aud was read")
}

fn signer() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_bytes(&[1; 32]))
}

fn public() -> PublicKey {
    PublicKey::from_bytes(signer().verifying_key().to_bytes())
}

fn stranger() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_bytes(&[2; 32]))
}

/// A payload of every kind, bare and as a compact text.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (index, kind) in (0_u8..).zip(Kind::ALL) {
        let payload = sample(kind);
        assert!(read(&unsigned(kind, payload.as_bytes())), "{kind:?} is not read");
        let name = kind.typ().trim_start_matches("amana-").trim_end_matches("-v1+jwt");
        seeds.push((name, [b"p", &[index][..], payload.as_bytes()].concat()));
        if kind == Kind::Grant {
            let header = header(kind);
            // Nearly right: serde alone would read these as the same grant.
            let near = |from: &str, to: &str| [b"p", &[index][..], payload.replacen(from, to, 1).as_bytes()].concat();
            seeds.push(("grant-null", near(r#""keep_until":1800000000"#, r#""keep_until":null"#)));
            seeds.push(("grant-word-as-object", near(r#""evidence""#, r#"{"evidence":null}"#)));
            seeds.push(("header-and-payload", [b"h", header.as_bytes(), b"\0", payload.as_bytes()].concat()));
            seeds.push(("compact", compact(header.as_bytes(), payload.as_bytes(), &[9; 64]).into_bytes()));
        }
    }
    seeds
}

/// A well-formed payload of one kind.
pub fn sample(kind: Kind) -> String {
    let (digest, other) = (Digest::of(b"one"), Digest::of(b"two"));
    let key = public();
    let (party, recipient) = (key.thumbprint(), format!("age1{}", "q".repeat(58)));
    let nonce = "A".repeat(22);
    let body = match kind {
        Kind::Party => format!(
            r#"{{"signing_key":"{key}","recipient":"{recipient}","recovery":{{"signing_key":"{key}","recipient":"{recipient}"}},"role":{{"institution":{{"name":"Fact-finding mission","jurisdiction":"international","class":"un-mechanism","mandate":["commission-of-inquiry"],"mandate_until":1900000000}}}}}}"#
        ),
        Kind::Report => format!(
            r#"{{"payload_sha256":"{digest}","payload_bytes":16400,"key_commitment":"{other}","owner_header":"{digest}","owner_recipient":"{recipient}","tier":3,"kind":"redaction","predecessor_commitment":"{other}","co_owners":{{"parties":["{party}"],"threshold":2}}}}"#
        ),
        Kind::Request => format!(
            r#"{{"kind":"keep-longer","report":"{digest}","grant":"{other}","purposes":["commission-of-inquiry"],"legal_basis":"resolution 1","deadline":1800000000,"keep_until":1900000000,"sealed_message":"YWdl"}}"#
        ),
        Kind::Grant => format!(
            r#"{{"report":"{digest}","institution":"{party}","recipient_key":"{other}","recipient":"{recipient}","header":"{digest}","purposes":["commission-of-inquiry","court-of-law"],"use_mode":"evidence","identification":"initials","collect":{{"from":1700000000,"until":1700086400}},"keep_until":1800000000,"max_releases":1,"cooling_off_seconds":86400,"officers":["{party}"],"conditions":{{"onward":"ask-first","contact":"through-provider-only","publication":"no","external_processing":"no"}},"consent_review_by":1790000000,"bundle":"{other}","taxonomy":"{digest}","answers":"{other}","urgent":false,"officer_approvals":1,"embargo_until":1700003600,"terms":"{digest}","replaces":"{other}"}}"#
        ),
        Kind::Revocation => {
            r#"{"scopes":["collection","onward"],"withdrawn_by":"person","answer_due":1800000000}"#.to_owned()
        }
        Kind::ReleaseRequest => format!(
            r#"{{"grant":"{digest}","purpose":"commission-of-inquiry","nonce":"{nonce}","conditions_noted":"{digest}"}}"#
        ),
        Kind::Acknowledgement => format!(
            r#"{{"grant":"{digest}","release":"{other}","outcome":{{"defect":{{"description":"page 3 is missing"}}}}}}"#
        ),
        Kind::Admission => format!(r#"{{"institution":"{party}","record":"{digest}"}}"#),
        Kind::Approval => format!(r#"{{"approves":"{digest}","matter":"grant"}}"#),
        Kind::Officer => {
            format!(r#"{{"institution":"{party}","signing_key":"{key}","unit":"evidence","until":1800000000}}"#)
        }
        Kind::RecipientKey => format!(r#"{{"institution":"{party}","unit":"evidence","recipient":"{recipient}"}}"#),
        Kind::Attestation => format!(
            r#"{{"institution":"{party}","kind":"due-diligence","until":1800000000,"checklist":{{"purpose_limits":"met","processors_and_cloud":"met-with-conditions","ai":"not-met","retention":"met","onward_rules":"met","incident_notice":"met","remedy":"met"}}}}"#
        ),
        Kind::Resumption => r#"{"entry":9,"from":3,"until":7,"roster":2}"#.to_owned(),
        Kind::WebRelease => format!(r#"{{"assets":"{digest}","version":"0.1.0"}}"#),
        Kind::Suspension => format!(r#"{{"institution":"{party}","act":"suspend","reason":"under review"}}"#),
        Kind::Audited => {
            let tree = format!(r#"{{"size":3,"root":"{digest}"}}"#);
            format!(r#"{{"register":{tree},"case":{tree}}}"#)
        }
        Kind::Roster => {
            let named = format!(r#"{{"name":"broker.example/administrator-1","key":"{key}"}}"#);
            let office = format!(r#"{{"keys":[{named}],"threshold":2}}"#);
            format!(
                r#"{{"number":1,"roster":{{"log_keys":{{"register":"{key}","case":"{key}"}},"witnesses":[{named}],"witness_quorum":1,"roles":{{"administrators":{office},"accreditors":{office},"auditors":{office},"council":{office}}}}}}}"#
            )
        }
        Kind::Rotation => format!(r#"{{"of":"institution","keys":{}}}"#, new_keys(&recipient)),
        Kind::Recovery => format!(r#"{{"of":"advocate","keys":{}}}"#, new_keys(&recipient)),
        Kind::OwnerHeader => {
            format!(r#"{{"report":"{digest}","owner_header":"{other}","owner_recipient":"{recipient}"}}"#)
        }
        Kind::Handover => format!(
            r#"{{"report":"{digest}","to":"{party}","owner_header":"{other}","owner_recipient":"{recipient}"}}"#
        ),
        Kind::Withdrawal => format!(r#"{{"report":"{digest}","then":"erase"}}"#),
        Kind::Refusal => format!(
            r#"{{"request":"{digest}","purposes":["commission-of-inquiry"],"reason":"too-wide","sealed_message":"YWdl"}}"#
        ),
        Kind::Question => {
            format!(r#"{{"request":"{digest}","purposes":["commission-of-inquiry"],"sealed_message":"YWdl"}}"#)
        }
        Kind::Notice => format!(
            r#"{{"institution":"{party}","recipient_key":"{digest}","until":1800000000,"sealed_message":"YWdl"}}"#
        ),
        Kind::Status => format!(
            r#"{{"grant":"{digest}","release":"{other}","became":{{"cannot-erase":{{"reason":"part of the record","review":1800000000}}}}}}"#
        ),
        Kind::Terms => format!(
            r#"{{"institution":"{party}","retention":{{"months":24}},"overriding_duties":["disclosure-to-the-defence","archives"],"languages":["en"],"response_days":30,"cannot_promise":["that nothing is leaked"]}}"#
        ),
        Kind::Call => format!(
            r#"{{"institution":"{party}","about":"the events at the lake","purposes":["commission-of-inquiry"],"unit":"evidence","until":1800000000}}"#
        ),
        Kind::Record => format!(
            r#"{{"institution":"{party}","record":{{"name":"Fact-finding mission","jurisdiction":"international","class":"un-mechanism","mandate":["commission-of-inquiry"],"mandate_until":1900000000}}}}"#
        ),
        Kind::Closing => format!(r#"{{"institution":"{party}","at":1800000000,"successor":"{party}"}}"#),
        Kind::Freeze => format!(r#"{{"party":"{party}","lift":{{"recovery-and-guardian":{{"guardian":"{party}"}}}}}}"#),
        Kind::Thaw => format!(r#"{{"party":"{party}","freeze":"{digest}"}}"#),
    };
    let tree = format!(r#"{{"size":3,"root":"{digest}"}}"#);
    let seen = format!(r#","seen":{{"register":{tree},"case":{tree}}}"#);
    let seen = if kind.is_ordered() { seen.as_str() } else { "" };
    format!(
        r#"{{"iss":"{party}","aud":"{other}","jti":"{nonce}","iat":1700000000,"submit_by":1700003600,"subject":"{digest}","prev":"{other}"{seen},"body":{body}}}"#
    )
}

fn new_keys(recipient: &str) -> String {
    let key = public();
    format!(
        r#"{{"signing_key":"{key}","recipient":"{recipient}","recovery":{{"signing_key":"{key}","recipient":"{recipient}"}}}}"#
    )
}

/// A payload with one value replaced: near enough to be read, or to be almost read.
pub fn edited(choices: &mut Choices<'_>) -> Vec<u8> {
    let kind = *choices.pick(&Kind::ALL);
    let mut value: Value = serde_json::from_str(&sample(kind)).expect("a sample");
    let words =
        ["null", "[]", "{}", "0", "-1", "9007199254740992", "true", r#""""#, r#""x""#, r#"["x"]"#, r#"{"x":1}"#];
    for _ in 0..choices.below(3) {
        let new = serde_json::from_str(choices.pick::<&str>(&words)).expect("a word");
        let mut place = &mut value;
        for _ in 0..choices.below(5) {
            let names: Vec<String> = place.as_object().iter().flat_map(|members| members.keys()).cloned().collect();
            if names.is_empty() {
                break;
            }
            place = &mut place[choices.pick(&names)];
        }
        *place = new;
    }
    let index = Kind::ALL.iter().position(|other| *other == kind).unwrap_or(0);
    [b"p", &[u8::try_from(index).unwrap_or(0)][..], value.to_string().as_bytes()].concat()
}
