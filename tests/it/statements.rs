//! Signed statements over real HTTP: what is accepted, and the nearest things that are refused.

use crate::{
    raw::{b64, fresh_jti, json_type, jws, parts, problem, reclaimed, rewritten},
    stage::{Stage, inquiry},
};
use amana::{
    cli::demo::cast::copy,
    client::{
        desk::DeskError,
        fetched::open_collected,
        granting::HeaderGoes,
        identity::{Identity, RecoveryKey},
        reporting::SealedReport,
    },
    model::{
        grant::{Scope, WithdrawnBy},
        ids::{Digest, PartyId},
        institution::SuspensionAct,
        party::{EnrolmentRole, Holder},
        statement::Kind,
        time::Duration,
    },
    wire::{api::Accepted, problem::ProblemType},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};

/// An officer's access request: right in form, never sent, so that one stage serves a whole table.
struct Asking {
    stage: Stage,
    officer: Identity,
    good: String,
}

fn asking() -> Asking {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let officer = copy(&stage.cast.officer);
    let body = json!({
        "kind": "access", "report": report, "purposes": ["commission-of-inquiry"], "legal_basis": "resolution 1",
        "deadline": stage.now().plus(Duration::from_days(7)),
    });
    let good = stage.statement(&officer, "amana-request-v1+jwt", None, None, &body);
    Asking { stage, officer, good }
}

impl Asking {
    /// Every variant is refused, nothing is logged, and the original is accepted afterwards.
    fn only_the_original_is_accepted(self, variants: impl IntoIterator<Item = (&'static str, String)>) {
        let raw = self.stage.raw();
        let session = raw.sign_in(&self.officer);
        let before = self.stage.sizes();
        for (name, variant) in variants {
            let answer = session.state(&variant);
            assert!(matches!(answer.status, 400 | 404 | 413 | 422), "{name}: {} {}", answer.status, answer.text());
        }
        assert_eq!(self.stage.sizes(), before, "a refused statement left an entry");
        session.state(&self.good).accepted();
    }
    fn key(&self) -> &SigningKey {
        self.officer.signing_key()
    }
    fn with_header(&self, header: &Value) -> String {
        rewritten(&self.good, self.key(), |old, _| *old = header.to_string())
    }
    fn with_claims(&self, change: impl FnOnce(&mut Value)) -> String {
        reclaimed(&self.good, self.key(), change)
    }
    fn replacing(&self, from: &str, to: &str) -> String {
        rewritten(&self.good, self.key(), |_, payload| *payload = payload.replacen(from, to, 1))
    }
}

#[test]
fn only_eddsa_under_the_documented_header_is_read() {
    let asking = asking();
    let kid = asking.officer.key_id();
    let typ = "amana-request-v1+jwt";
    let other = copy(&asking.stage.cast.advocate).key_id();
    let payload = b64(parts(&asking.good).1);
    let hs256_header = b64(json!({ "alg": "HS256", "typ": typ, "kid": kid }).to_string());
    let mut mac = <Hmac<sha2::Sha256> as hmac::Mac>::new_from_slice(asking.officer.public_key().as_bytes()).unwrap();
    mac.update(format!("{hs256_header}.{payload}").as_bytes());
    let hs256 = format!("{hs256_header}.{payload}.{}", b64(mac.finalize().into_bytes()));
    let none_header = b64(json!({ "alg": "none", "typ": typ, "kid": kid }).to_string());
    let header = |change: &dyn Fn(&mut Value)| {
        let mut header = json!({ "alg": "EdDSA", "typ": typ, "kid": kid });
        change(&mut header);
        asking.with_header(&header)
    };
    let variants = vec![
        ("alg none, unsigned", format!("{none_header}.{payload}.")),
        ("alg none, signed", header(&|h| h["alg"] = json!("none"))),
        ("HS256 under the public key", hs256),
        ("HS256 named, EdDSA signed", header(&|h| h["alg"] = json!("HS256"))),
        ("ES256 named", header(&|h| h["alg"] = json!("ES256"))),
        ("alg Ed25519", header(&|h| h["alg"] = json!("Ed25519"))),
        ("alg in other case", header(&|h| h["alg"] = json!("eddsa"))),
        ("no alg", header(&|h| drop(h.as_object_mut().unwrap().remove("alg")))),
        ("typ JWT", header(&|h| h["typ"] = json!("JWT"))),
        ("typ in other case", header(&|h| h["typ"] = json!("AMANA-request-v1+jwt"))),
        ("typ of a later version", header(&|h| h["typ"] = json!("amana-request-v2+jwt"))),
        ("typ with application/", header(&|h| h["typ"] = json!("application/amana-request-v1+jwt"))),
        ("typ of another kind", header(&|h| h["typ"] = json!("amana-attestation-v1+jwt"))),
        ("no typ", header(&|h| drop(h.as_object_mut().unwrap().remove("typ")))),
        ("crit", header(&|h| h["crit"] = json!(["exp"]))),
        ("jwk", header(&|h| h["jwk"] = json!({ "kty": "OKP" }))),
        ("jku", header(&|h| h["jku"] = json!("https://attacker.invalid/jwks"))),
        ("x5u", header(&|h| h["x5u"] = json!("https://attacker.invalid/x"))),
        ("b64 false", header(&|h| h["b64"] = json!(false))),
        ("no kid", header(&|h| drop(h.as_object_mut().unwrap().remove("kid")))),
        ("kid of another key", header(&|h| h["kid"] = json!(other))),
        ("kid null", header(&|h| h["kid"] = Value::Null)),
        ("alg twice", rewritten(&asking.good, asking.key(), |h, _| *h = h.replacen('{', r#"{"alg":"EdDSA","#, 1))),
        ("the header as a list", asking.with_header(&json!(["EdDSA", typ, kid]))),
    ];
    asking.only_the_original_is_accepted(variants);
}

#[test]
fn json_has_one_reading_at_every_depth() {
    let asking = asking();
    let report = serde_json::from_str::<Value>(&parts(&asking.good).1).unwrap()["body"]["report"].clone();
    let claims_list = asking.with_claims(|c| {
        let (iss, aud, jti, iat, by) = (&c["iss"], &c["aud"], &c["jti"], &c["iat"], &c["submit_by"]);
        *c = json!([iss, aud, jti, iat, by, null, null, c["seen"], c["body"]]);
    });
    let variants = vec![
        ("claim twice", asking.replacing(r#""iat":"#, r#""iat":1,"iat":"#)),
        ("body twice", asking.replacing(r#""body":{"#, r#""body":{},"body":{"#)),
        ("body field twice", asking.replacing(r#""kind":"access""#, r#""kind":"access","kind":"access""#)),
        ("nested twice", asking.replacing(r#""size":"#, r#""size":0,"size":"#)),
        ("escaped duplicate", asking.replacing(r#""kind":"#, r#""\u006bind":"access","kind":"#)),
        ("unknown claim", asking.with_claims(|c| c["exp"] = json!(9_999_999_999_u64))),
        ("unknown body field", asking.with_claims(|c| c["body"]["note"] = json!("x"))),
        ("unknown nested field", asking.with_claims(|c| c["seen"]["case"]["x"] = json!(1))),
        ("claims as a list", claims_list),
        (
            "body as a list",
            asking.with_claims(|c| {
                let d = c["body"]["deadline"].clone();
                c["body"] = json!(["access", report, ["commission-of-inquiry"], "resolution 1", d, null]);
            }),
        ),
        (
            "tree as a list",
            asking.with_claims(|c| c["seen"]["case"] = json!([c["seen"]["case"]["size"], c["seen"]["case"]["root"]])),
        ),
        ("a unit variant as an object", asking.with_claims(|c| c["body"]["kind"] = json!({ "access": null }))),
        ("an absent claim as null", asking.with_claims(|c| c["prev"] = Value::Null)),
        ("an absent field as null", asking.with_claims(|c| c["body"]["sealed_message"] = Value::Null)),
        ("trailing text", rewritten(&asking.good, asking.key(), |_, p| p.push_str(" {}"))),
        ("byte order mark", rewritten(&asking.good, asking.key(), |_, p| p.insert(0, '\u{feff}'))),
        ("body missing", asking.with_claims(|c| drop(c.as_object_mut().unwrap().remove("body")))),
        ("not an object", jws(&parts(&asking.good).0, "7", asking.key())),
        ("control character in a text", asking.with_claims(|c| c["body"]["legal_basis"] = json!("a\u{202e}b"))),
    ];
    asking.only_the_original_is_accepted(variants);
}

#[test]
fn numbers_are_whole_seconds_below_two_to_53() {
    let asking = asking();
    let at = |name: &'static str, value: &str| {
        let (_, payload) = parts(&asking.good);
        let deadline = serde_json::from_str::<Value>(&payload).unwrap()["body"]["deadline"].to_string();
        (name, asking.replacing(&format!(r#""deadline":{deadline}"#), &format!(r#""deadline":{value}"#)))
    };
    let variants = vec![
        at("float", "9999999999.0"),
        at("fraction", "9999999999.5"),
        at("exponent", "9e12"),
        at("negative", "-1"),
        at("two to 53", "9007199254740992"),
        at("two to 64", "18446744073709551616"),
        at("text", "\"9999999999\""),
        at("leading zero", "09999999999"),
    ];
    asking.only_the_original_is_accepted(variants);
    // The nearest that is accepted.
    let far = self::asking();
    let greatest = far.with_claims(|c| c["body"]["deadline"] = json!((1_u64 << 53) - 1));
    far.stage.raw().sign_in(&far.officer).state(&greatest).accepted();
}

#[test]
fn only_canonical_base64url_in_three_parts_is_read() {
    let asking = asking();
    let good = asking.good.clone();
    let (rest, signature) = good.rsplit_once('.').unwrap();
    // 64 bytes end in two characters of which the last carries four unused bits.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).unwrap();
    assert_eq!(place % 16, 0);
    let sibling = alphabet.chars().nth(place + 1).unwrap();
    let trailing = format!("{rest}.{}{sibling}", &signature[..signature.len() - 1]);
    let standard = format!("{rest}.{}", STANDARD.encode([0xff; 64]));
    let variants = vec![
        ("padded signature", format!("{good}==")),
        ("trailing bits", trailing),
        ("standard alphabet", standard),
        ("white space inside", good.replacen('.', ".\n", 1)),
        ("white space around", format!(" {good}")),
        ("four parts", format!("{good}.{signature}")),
        ("two parts", rest.to_owned()),
        ("empty signature", format!("{rest}.")),
        ("short signature", format!("{rest}.{}", b64([1; 63]))),
        ("empty", String::new()),
        ("five parts, as encrypted", "a.b.c.d.e".to_owned()),
        ("another signature", format!("{rest}.{}", b64([1; 64]))),
        ("JSON serialisation", json!({ "payload": "e30", "signatures": [] }).to_string()),
    ];
    asking.only_the_original_is_accepted(variants);
}

#[test]
fn a_statement_is_bounded_in_size() {
    let asking = asking();
    let padded = |bytes: usize| {
        // White space is allowed in JSON; four characters of text stand for three bytes of it.
        rewritten(&asking.good, asking.key(), |_, payload| payload.push_str(&" ".repeat(bytes * 3 / 4)))
    };
    let over = padded(48 * 1024);
    assert!(over.len() > 48 * 1024);
    let huge = padded(400 * 1024);
    let under = padded(40 * 1024);
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    assert_eq!(session.state(&over).refused(), (400, "malformed".to_owned()));
    // The broker does not read on; whether its answer is read before the reset is a matter of timing.
    let path = "/v1/statements";
    let mut headers = session.credentials("POST", path);
    headers.push(json_type());
    let sent = raw.try_send("POST", path, &headers, json!({ "statement": huge }).to_string().as_bytes());
    assert!(sent.is_err() || sent.is_ok_and(|answer| answer.refused() == (413, "too-large".to_owned())));
    session.state(&under).accepted();
}

#[test]
fn the_request_body_is_read_as_strictly_as_the_statement() {
    let asking = asking();
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    let good = json!(asking.good);
    let bad = [
        format!(r#"{{"statement":{good},"statement":{good}}}"#),
        format!(r#"{{"statement":{good},"note":1}}"#),
        format!(r#"{{"statement":{good}}} x"#),
        "{}".to_owned(),
        String::new(),
    ];
    for body in bad {
        assert_eq!(session.send_text("POST", "/v1/statements", &body).refused().0, 400, "{body}");
    }
    let mut headers = session.credentials("POST", "/v1/statements");
    headers.push(("content-type", "text/plain".to_owned()));
    let body = format!(r#"{{"statement":{good}}}"#);
    assert_eq!(raw.send("POST", "/v1/statements", &headers, body.as_bytes()).refused().0, 400);
    session.send_text("POST", "/v1/statements", &body).accepted();
}

#[test]
fn a_statement_for_another_broker_is_refused() {
    let asking = asking();
    let other = Digest::of(b"another genesis");
    let variants = vec![
        ("another digest", asking.with_claims(|c| c["aud"] = json!(other))),
        ("a list", asking.with_claims(|c| c["aud"] = json!([c["aud"]]))),
        ("upper case", asking.with_claims(|c| c["aud"] = json!(c["aud"].as_str().unwrap().to_uppercase()))),
        ("absent", asking.with_claims(|c| drop(c.as_object_mut().unwrap().remove("aud")))),
    ];
    asking.only_the_original_is_accepted(variants);
}

#[test]
fn nobody_signs_for_another_party() {
    let asking = asking();
    let (advocate, institution) = (asking.stage.cast.advocate.party_id(), asking.stage.cast.institution.party_id());
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let (header, payload) = parts(&asking.good);
    let variants = vec![
        ("an advocate's party", asking.with_claims(|c| c["iss"] = json!(advocate))),
        ("the institution's party", asking.with_claims(|c| c["iss"] = json!(institution))),
        ("signed by a stranger under the officer's kid", jws(&header, &payload, &stranger)),
    ];
    asking.only_the_original_is_accepted(variants);
}

#[test]
fn the_same_bytes_are_the_same_entry_and_other_bytes_need_another_jti() {
    let asking = asking();
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    let first = session.state(&asking.good).accepted();
    let sizes = asking.stage.sizes();
    let again = session.state(&asking.good).accepted();
    assert_eq!((first.id, first.log, first.index), (again.id, again.log, again.index));
    assert_eq!(asking.stage.sizes(), sizes);
    let same_jti = asking.with_claims(|c| c["body"]["legal_basis"] = json!("resolution 2"));
    let answer = session.state(&same_jti);
    assert_eq!(answer.refused(), (422, "statement-refused".to_owned()));
    assert!(answer.text().contains("jti"), "{}", answer.text());
    let fresh = asking.with_claims(|c| {
        c["jti"] = json!(fresh_jti());
        c["body"]["legal_basis"] = json!("resolution 2");
    });
    session.state(&fresh).accepted();
}

#[test]
fn a_jti_used_by_somebody_else_is_free() {
    let asking = asking();
    let raw = asking.stage.raw();
    raw.sign_in(&asking.officer).state(&asking.good).accepted();
    let jti = serde_json::from_str::<Value>(&parts(&asking.good).1).unwrap()["jti"].clone();
    let mut stage = asking.stage;
    let (accreditor, institution) = (copy(&stage.cast.founded.accreditors[0]), stage.cast.institution.party_id());
    let subject = stage.as_auditor(|desk| Ok(desk.mirror().institution(institution).unwrap().statement)).unwrap();
    let until = stage.now().plus(Duration::from_days(9));
    let body = json!({ "institution": institution, "kind": "mandate", "until": until });
    let text = stage.statement(&accreditor, "amana-attestation-v1+jwt", Some(subject), None, &body);
    let raw = stage.raw();
    let session = raw.sign_in(&accreditor);
    let current: Value = session.state(&text).json();
    let theirs = reclaimed(&text, accreditor.signing_key(), |c| {
        c["jti"] = jti;
        c["prev"] = current["current"].clone();
    });
    session.state(&theirs).accepted();
}

#[test]
fn times_of_a_statement_have_edges() {
    let asking = asking();
    let now = asking.stage.now().as_seconds();
    let day = 86_400;
    let times = |iat: u64, by: u64| {
        asking.with_claims(|c| {
            c["jti"] = json!(fresh_jti());
            c["iat"] = json!(iat);
            c["submit_by"] = json!(by);
        })
    };
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    // The clock moves by itself for as long as the test runs: a minute on each side of an edge is near enough.
    let refused = [
        ("iat 11 minutes ahead", times(now + 660, now + day)),
        ("submit_by is now", times(now - 60, now)),
        ("submit_by has passed", times(now - 60, now - 1)),
        ("submit_by before iat", times(now + 60, now + 59)),
        ("submit_by equals iat", times(now + 60, now + 60)),
        ("more than 30 days", times(now, now + 30 * day + 1)),
        ("iat long ago, submit_by within reach", times(now - 31 * day, now + 60)),
    ];
    for (name, statement) in refused {
        assert_eq!(session.state(&statement).refused(), (422, "statement-refused".to_owned()), "{name}");
    }
    for statement in [times(now + 540, now + day), times(now, now + 30 * day), times(now - 29 * day, now + 600)] {
        session.state(&statement).accepted();
    }
}

/// An attestation by the accreditor about the institution, as the next of its chain.
fn attestation(stage: &mut Stage) -> (Identity, String) {
    let (accreditor, institution) = (copy(&stage.cast.founded.accreditors[0]), stage.cast.institution.party_id());
    let (subject, prev) = stage
        .as_somebody(&accreditor, |desk| {
            let subject = desk.mirror().institution(institution).unwrap().statement;
            Ok((subject, desk.memory().chains.get(&subject.to_string()).copied()))
        })
        .unwrap();
    let until = stage.now().plus(Duration::from_days(90));
    let body = json!({
        "institution": institution, "kind": "due-diligence", "until": until,
        "checklist": {
            "purpose_limits": "met", "processors_and_cloud": "met", "ai": "met", "retention": "met",
            "onward_rules": "met", "incident_notice": "met", "remedy": "met",
        },
    });
    let text = stage.statement(&accreditor, "amana-attestation-v1+jwt", Some(subject), prev, &body);
    (accreditor, text)
}

#[test]
fn subject_prev_and_seen_stand_where_they_belong() {
    let mut stage = Stage::established();
    let (accreditor, good) = attestation(&mut stage);
    let (raw, key) = (stage.raw(), accreditor.signing_key());
    let session = raw.sign_in(&accreditor);
    let without = |claim: &str| reclaimed(&good, key, |c| drop(c.as_object_mut().unwrap().remove(claim)));
    let with = |claim: &str, value: Value| reclaimed(&good, key, |c| c[claim] = value);
    let other = json!(Digest::of(b"something else"));
    for (name, statement) in [
        ("no subject", without("subject")),
        ("another subject", with("subject", other.clone())),
        ("no seen", without("seen")),
    ] {
        assert!(matches!(session.state(&statement).refused().0, 404 | 409 | 422), "{name}");
    }
    for (name, statement) in [("no prev", without("prev")), ("another prev", with("prev", other.clone()))] {
        let answer = session.state(&statement);
        assert_eq!(answer.refused(), (409, "out-of-order".to_owned()), "{name}");
        let expected = serde_json::from_str::<Value>(&parts(&good).1).unwrap()["prev"].clone();
        assert_eq!(answer.json::<Value>()["current"], expected, "{name}");
    }
    session.state(&good).accepted();
    // What was current is not any more.
    let late = with("jti", json!(fresh_jti()));
    let answer = session.state(&late);
    assert_eq!(answer.refused(), (409, "out-of-order".to_owned()));
    assert_eq!(answer.json::<Value>()["current"], json!(Digest::of(good.as_bytes())));
    let next = reclaimed(&late, key, |c| c["prev"] = json!(Digest::of(good.as_bytes())));
    session.state(&next).accepted();
}

#[test]
fn a_creating_statement_has_neither_subject_nor_prev() {
    let asking = asking();
    let other = json!(Digest::of(b"something else"));
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    for statement in [
        asking.with_claims(|c| c["subject"] = other.clone()),
        asking.with_claims(|c| c["prev"] = other.clone()),
        asking.with_claims(|c| drop(c.as_object_mut().unwrap().remove("seen"))),
    ] {
        assert_eq!(session.state(&statement).refused().0, 422);
    }
    session.state(&asking.good).accepted();
}

#[test]
fn a_revocation_carries_neither_prev_nor_seen_and_needs_its_grant() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let advocate = copy(&stage.cast.advocate);
    let due = stage.now().plus(Duration::from_days(30));
    let body = json!({ "scopes": ["all"], "withdrawn_by": "provider", "answer_due": due });
    let good = stage.statement(&advocate, "amana-revocation-v1+jwt", Some(grant.into()), None, &body);
    let (raw, key) = (stage.raw(), advocate.signing_key());
    let revoke = |statement: &str| raw.post("/v1/revocations", &json!({ "statement": statement }));
    let with = |claim: &str, value: Value| reclaimed(&good, key, |c| c[claim] = value);
    let seen = serde_json::to_value(stage.as_auditor(|desk| Ok(desk.seen())).unwrap()).unwrap();
    for (name, statement) in [
        ("prev", with("prev", json!(grant))),
        ("seen", with("seen", seen)),
        ("no subject", reclaimed(&good, key, |c| drop(c.as_object_mut().unwrap().remove("subject")))),
        ("unknown grant", with("subject", json!(Digest::of(b"x")))),
        ("no scope", reclaimed(&good, key, |c| c["body"]["scopes"] = json!([]))),
        ("as the recipient", reclaimed(&good, key, |c| c["body"]["withdrawn_by"] = json!("recipient"))),
        ("another signer", jws(&parts(&good).0, &parts(&good).1, &SigningKey::from_bytes(&[3; 32]))),
    ] {
        assert!(matches!(revoke(&statement).refused().0, 404 | 422), "{name}");
    }
    assert_eq!(revoke(&good).status, 200);
}

#[test]
fn unknown_grant_and_wrong_signer_of_a_revocation_are_told_the_same() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let due = stage.now().plus(Duration::from_days(30));
    let body = json!({ "scopes": ["all"], "withdrawn_by": "provider", "answer_due": due });
    let raw = stage.raw();
    let mut answers = Vec::new();
    let signers = [copy(&stage.cast.officer), stage.cast.administrator(0).unwrap(), copy(&stage.cast.institution)];
    let unknown = Digest::of(b"no grant");
    for signer in signers {
        for subject in [grant.into(), unknown] {
            let text = stage.statement(&signer, "amana-revocation-v1+jwt", Some(subject), None, &body);
            answers.push(raw.post("/v1/revocations", &json!({ "statement": text })));
        }
    }
    let advocate = copy(&stage.cast.advocate);
    let text = stage.statement(&advocate, "amana-revocation-v1+jwt", Some(unknown), None, &body);
    answers.push(raw.post("/v1/revocations", &json!({ "statement": text })));
    let nobody = amana::cli::founding::identity("nobody", &*stage.cast.entropy()).unwrap();
    let text = stage.statement(&nobody, "amana-revocation-v1+jwt", Some(grant.into()), None, &body);
    answers.push(raw.post("/v1/revocations", &json!({ "statement": text })));
    for answer in &answers {
        assert_eq!((answer.status, answer.text()), (404, answers[0].text()));
    }
}

#[test]
fn a_log_that_is_larger_or_different_than_ours_is_a_conflict() {
    let asking = asking();
    let (register, case) = asking.stage.sizes();
    let tree = |log: &'static str, size: u64, root: Option<Digest>| {
        asking.with_claims(|c| {
            c["seen"][log]["size"] = json!(size);
            if let Some(root) = root {
                c["seen"][log]["root"] = json!(root);
            }
        })
    };
    let root = Digest::of(b"another root");
    let raw = asking.stage.raw();
    let session = raw.sign_in(&asking.officer);
    for statement in [
        tree("register", register + 1, Some(root)),
        tree("case", case + 1, Some(root)),
        tree("case", case, Some(root)),
        tree("register", 1, Some(root)),
        tree("case", (1 << 53) - 1, Some(root)),
        tree("case", 0, Some(root)),
    ] {
        assert_eq!(session.state(&statement).refused(), (409, "conflict".to_owned()));
    }
    assert_eq!(asking.stage.sizes(), (register, case));
    // Somebody's unsigned word about our log stops nothing.
    session.state(&asking.good).accepted();
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_restored_backup_is_found_out_and_then_only_revokes() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.stop();
    copy_folder(&stage.path("broker"), &stage.path("backup"));
    stage.restart();
    // The advocate goes on working with the broker, so its device knows a larger log than the backup.
    stage.report("second.txt", b"something else");
    let evidence = stage.as_advocate(|desk| Ok(desk.memory().case_checkpoint.clone().unwrap())).unwrap();
    let raw = stage.raw();
    let consistent = raw.post("/v1/evidence", &json!({ "checkpoint": evidence }));
    assert_eq!(consistent.json::<Value>(), json!({ "consistent": true }));
    assert_eq!(raw.fetch("/readyz").status, 200);

    stage.stop();
    std::fs::remove_dir_all(stage.path("broker")).unwrap();
    std::fs::rename(stage.path("backup"), stage.path("broker")).unwrap();
    stage.restart();
    let raw = stage.raw();
    // What is not signed by this broker stops nothing.
    let forged = evidence.replacen('\n', "\n1", 1);
    assert_eq!(raw.post("/v1/evidence", &json!({ "checkpoint": forged })).refused().0, 404);
    assert_eq!(raw.fetch("/readyz").status, 200);
    let officer = copy(&stage.cast.officer);
    let signed_in = raw.sign_in(&officer);
    let found = raw.post("/v1/evidence", &json!({ "checkpoint": evidence }));
    assert_eq!(found.json::<Value>(), json!({ "consistent": false }));
    assert_eq!(raw.fetch("/readyz").refused(), (503, "revoke-only".to_owned()));
    let body = json!({
        "grant": grant, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": grant
    });
    let text = stage.statement(&officer, "amana-release-request-v1+jwt", Some(grant.into()), None, &body);
    let release = signed_in.post(&format!("/v1/grants/{grant}/releases"), &json!({ "statement": text }));
    assert_eq!(release.refused(), (503, "revoke-only".to_owned()));
    let advocate = copy(&stage.cast.advocate);
    let due = stage.now().plus(Duration::from_days(30));
    let body = json!({ "scopes": ["all"], "withdrawn_by": "provider", "answer_due": due });
    let text = stage.statement(&advocate, "amana-revocation-v1+jwt", Some(grant.into()), None, &body);
    assert_eq!(raw.post("/v1/revocations", &json!({ "statement": text })).status, 200);
}

#[test]
fn a_client_that_has_seen_more_says_so_by_itself() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    set_back_after(&mut stage, |stage| {
        stage.report("second.txt", b"something else");
    });
    assert_eq!(stage.raw().fetch("/readyz").status, 200, "nobody has told it yet");
    let terms = stage.terms(report);
    let outcome = stage.as_advocate(|desk| desk.prepare_grant(&terms).and_then(|p| desk.give(&p, HeaderGoes::Along)));
    assert!(matches!(outcome, Err(DeskError::Fork)), "{:?}", outcome.err());
    assert_eq!(stage.raw().fetch("/readyz").refused(), (503, "revoke-only".to_owned()));
}

#[test]
fn a_suspension_that_a_restored_backup_undid_is_held_against_the_broker_by_whoever_saw_it() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let institution = stage.cast.institution.party_id();
    let reason = "inquiry".parse().unwrap();
    set_back_after(&mut stage, |stage| {
        stage.as_administrator(0, |desk| desk.suspend(institution, SuspensionAct::Suspend, reason)).unwrap();
        // The advocate's device reads the register, and does nothing else.
        stage.as_advocate(|desk| desk.refresh()).unwrap();
    });
    // Whoever did not see it is none the wiser, and would be served.
    assert_eq!(stage.raw().fetch("/readyz").status, 200);
    let seen = stage.as_advocate(|desk| desk.refresh());
    assert!(matches!(seen, Err(DeskError::Fork)), "{seen:?}");
    assert_eq!(stage.raw().fetch("/readyz").refused(), (503, "revoke-only".to_owned()));
    let released = stage.as_officer(|desk| desk.request_release(grant, &inquiry()));
    assert!(released.is_err(), "released after a suspension was undone");
    stage.revoke(grant).unwrap();
}

/// Does something, and puts the broker back to where it was before.
fn set_back_after(stage: &mut Stage, then: impl FnOnce(&mut Stage)) {
    stage.stop();
    copy_folder(&stage.path("broker"), &stage.path("backup"));
    stage.restart();
    then(stage);
    stage.stop();
    std::fs::remove_dir_all(stage.path("broker")).unwrap();
    std::fs::rename(stage.path("backup"), stage.path("broker")).unwrap();
    stage.restart();
}

/// Who may sign what, written down once more and by itself.
const MAY_SIGN: &[(&str, &[&str])] = &[
    (
        "advocate",
        &[
            "amana-party-v1+jwt",
            "amana-report-v1+jwt",
            "amana-grant-v1+jwt",
            "amana-revocation-v1+jwt",
            "amana-approval-v1+jwt",
            "amana-rotation-v1+jwt",
            "amana-withdrawal-v1+jwt",
            "amana-refusal-v1+jwt",
            "amana-question-v1+jwt",
            "amana-notice-v1+jwt",
            "amana-freeze-v1+jwt",
        ],
    ),
    (
        "institution-root",
        &[
            "amana-party-v1+jwt",
            "amana-officer-v1+jwt",
            "amana-recipient-key-v1+jwt",
            "amana-rotation-v1+jwt",
            "amana-terms-v1+jwt",
            "amana-call-v1+jwt",
            "amana-record-v1+jwt",
            "amana-closing-v1+jwt",
        ],
    ),
    (
        "officer",
        &[
            "amana-request-v1+jwt",
            "amana-release-request-v1+jwt",
            "amana-acknowledgement-v1+jwt",
            "amana-revocation-v1+jwt",
            "amana-approval-v1+jwt",
            "amana-status-v1+jwt",
        ],
    ),
    (
        "administrator",
        &[
            "amana-admission-v1+jwt",
            "amana-suspension-v1+jwt",
            "amana-approval-v1+jwt",
            "amana-roster-v1+jwt",
            "amana-resumption-v1+jwt",
            "amana-web-release-v1+jwt",
            "amana-freeze-v1+jwt",
            "amana-thaw-v1+jwt",
        ],
    ),
    ("accreditor", &["amana-attestation-v1+jwt"]),
    ("auditor", &["amana-audited-v1+jwt"]),
    ("council", &["amana-approval-v1+jwt", "amana-roster-v1+jwt"]),
    ("retired", &[]),
    (
        "recovery",
        &[
            "amana-approval-v1+jwt",
            "amana-recovery-v1+jwt",
            "amana-owner-header-v1+jwt",
            "amana-handover-v1+jwt",
            "amana-freeze-v1+jwt",
            "amana-thaw-v1+jwt",
        ],
    ),
    ("superseded", &["amana-freeze-v1+jwt"]),
];

fn documented(role: &str, typ: &str) -> bool {
    MAY_SIGN.iter().any(|(name, kinds)| *name == role && kinds.contains(&typ))
}

#[test]
fn the_roles_in_the_code_are_those_in_the_book() {
    let appointment = amana::model::institution::OfficerAppointment {
        institution: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        signing_key: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".parse().unwrap(),
        unit: "unit".parse().unwrap(),
        until: amana::model::time::Timestamp::FAR_FUTURE,
    };
    let holders = [
        Holder::Advocate {},
        Holder::InstitutionRoot {},
        Holder::Officer(appointment),
        Holder::Administrator {},
        Holder::Accreditor {},
        Holder::Auditor {},
        Holder::Council {},
        Holder::Retired { from: amana::model::party::OfficeName::Administrators },
        Holder::Recovery {},
        Holder::Superseded {},
    ];
    assert_eq!(holders.len(), MAY_SIGN.len());
    for holder in &holders {
        for kind in Kind::ALL {
            let (role, typ) = (holder.role(), kind.typ());
            assert_eq!(kind.may_be_signed_by(holder), documented(role, typ), "{role} signs {typ}");
        }
    }
}

/// A key that signs for a party.
struct Hand {
    role: &'static str,
    party: PartyId,
    key: SigningKey,
}

impl Hand {
    fn of(role: &'static str, who: &Identity) -> Self {
        Self { role, party: who.party_id(), key: who.signing_key().clone() }
    }
}

/// One statement of a kind: what it says, about what, who signs it, and where it goes.
struct Specimen {
    typ: &'static str,
    /// Who signs it, where it is not the first who may sign its kind.
    by: Option<&'static str>,
    method: &'static str,
    subject: Option<Digest>,
    path: String,
    body: Value,
    header: Option<(&'static str, String)>,
}

impl Specimen {
    fn send(&self, stage: &mut Stage, who: &Hand) -> crate::raw::Answer {
        let mut prev = None;
        for _ in 0..2 {
            let statement = stage.statement_by((who.party, &who.key), self.typ, self.subject, prev, &self.body);
            let mut body = json!({ "statement": statement });
            if let Some((name, value)) = &self.header {
                body[*name] = json!(value);
            }
            let raw = stage.raw();
            let open = matches!(self.path.as_str(), "/v1/parties" | "/v1/revocations" | "/v1/freezes");
            let answer = if open {
                raw.post(&self.path, &body)
            } else {
                raw.sign_in_by(&who.key).send_text(self.method, &self.path, &body.to_string())
            };
            if answer.status == 409 {
                prev = answer.json::<Value>()["current"].as_str().map(|digest| digest.parse().unwrap());
                continue;
            }
            return answer;
        }
        panic!("{} by {} stays out of order", self.typ, who.role);
    }
}

/// Another advocate, with a recovery key, and the statement that enrolled them.
fn new_advocate(stage: &mut Stage, label: &str) -> (Identity, RecoveryKey, Digest) {
    let (who, recovery) = (stage.somebody(label), RecoveryKey::generate(&*stage.cast.entropy()));
    let keys = recovery.public_keys();
    let enrolled = stage.as_somebody(&who, |desk| desk.enrol(EnrolmentRole::Advocate {}, keys, None)).unwrap().id;
    (who, recovery, enrolled)
}

/// A report of theirs that waits for its payload.
fn declared(stage: &mut Stage, who: &Identity, sealed: &SealedReport) -> Digest {
    let mut body = json!(sealed.report);
    body["owner_recipient"] = json!(who.recipient());
    body["payload_sha256"] = json!(Digest::of(fresh_jti().as_bytes()));
    let statement = stage.statement(who, "amana-report-v1+jwt", None, None, &body);
    let submit = json!({ "statement": statement, "owner_header": b64(&sealed.owner_header) });
    stage.raw().sign_in(who).post("/v1/reports", &submit).accepted();
    Digest::of(statement.as_bytes())
}

/// One acceptable statement of every kind but enrolment, in an order in which each can be accepted; and the recovery key
/// of the advocate who loses their device among them.
fn specimens(stage: &mut Stage) -> (Vec<Specimen>, Hand) {
    let enrolled = stage.as_advocate(|desk| Ok(*desk.memory().chains.values().next().unwrap())).unwrap();
    let (ally, ally_recovery, ally_enrolled) = new_advocate(stage, "ally");
    let (bystander, ..) = new_advocate(stage, "bystander");
    let report = stage.report("note.txt", b"what was seen");
    let institution = stage.cast.institution.party_id();
    let record = stage.as_auditor(|desk| Ok(desk.mirror().institution(institution).unwrap().statement)).unwrap();
    let now = stage.now();
    let mut terms = stage.terms(report);
    let kept = stage.grant(&terms);
    terms.max_releases = 3;
    let live = stage.grant(&terms);
    let released = stage.as_officer(|desk| desk.request_release(live, &inquiry())).unwrap();
    let (age, into) = (stage.path("report.age"), stage.path("opened"));
    let collected = stage.as_officer(|desk| desk.collect(&released, &age, &mut |_| {})).unwrap();
    let (_, outcome) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    let draft = stage.path("draft.txt");
    std::fs::write(&draft, b"another").unwrap();
    let sealed_at = stage.path("draft.age");
    let plan = amana::client::report::Plan::of(&[draft], Default::default(), &mut |_| {}).unwrap();
    let tier = amana::model::report::Tier::try_from(2).unwrap();
    let original = amana::model::report::ReportKind::Original;
    let sealed = stage.as_advocate(|desk| desk.seal(&plan, tier, original, &sealed_at, &mut |_| {})).unwrap();
    let (second, other) = (new_institution(stage, "second"), new_institution(stage, "third"));
    let first_admin = stage.cast.administrator(0).unwrap();
    let proposal = stage.as_somebody(&first_admin, |desk| desk.admit(second.0)).unwrap().id;
    let key = |n: u8| b64(SigningKey::from_bytes(&[n; 32]).verifying_key().as_bytes());
    let until = now.plus(Duration::from_days(30));
    let plain = |typ, subject, body| {
        let (by, method, path, header) = (None, "POST", "/v1/statements".to_owned(), None);
        Specimen { typ, by, method, subject, path, body, header }
    };
    let by = |by, specimen| Specimen { by: Some(by), ..specimen };
    let unwanted = stage.report("unwanted.txt", b"what is not to be used");
    let request = |stage: &mut Stage| {
        let (owner, basis) = (stage.cast.advocate.recipient(), "resolution 1".parse().unwrap());
        let asking = amana::client::fetched::Asking::for_access(report, owner, vec![inquiry()], basis, until);
        stage.as_officer(|desk| desk.ask_for_access(&asking)).unwrap().id
    };
    let (to_refuse, to_ask_back) = (request(stage), request(stage));
    let freezing = json!({ "party": bystander.party_id(), "lift": { "recovery": {} } });
    let freeze = stage.statement(&first_admin, "amana-freeze-v1+jwt", None, None, &freezing);
    assert_eq!(stage.raw().post("/v1/freezes", &json!({ "statement": freeze })).status, 200);
    let freeze = Digest::of(freeze.as_bytes());
    let recipient_of = |who: &Identity| who.recipient();
    let [to_wrap, to_give] = [1, 2].map(|_| declared(stage, &ally, &sealed));
    let own_digest = Digest::of(&sealed.owner_header);
    let wrapped = |report: Digest, specimen| Specimen {
        header: Some(("owner_header", b64(&sealed.owner_header))),
        method: "PUT",
        path: format!("/v1/reports/{report}/owner-header"),
        ..specimen
    };
    let keys_anew = |n: u8| json!({ "signing_key": key(n), "recipient": recipient_of(&stage.cast.unit) });
    let (rotated, recovered) = (keys_anew(51), keys_anew(52));
    let new_record = json!({
        "name": "The mission, renewed (fictional)", "jurisdiction": "Taranda", "class": "un-mechanism",
        "mandate": ["commission-of-inquiry"], "mandate_until": until,
    });
    let recipient = stage.cast.advocate.recipient();
    let seen = stage.as_auditor(|desk| Ok(desk.seen())).unwrap();
    let mut roster = amana::model::roster::Roster::of(stage.cast.founded.genesis.genesis());
    roster.roles.council.threshold = 3;
    let specimens = vec![
        Specimen {
            header: Some(("owner_header", b64(&sealed.owner_header))),
            path: "/v1/reports".to_owned(),
            ..plain("amana-report-v1+jwt", None, json!(sealed.report))
        },
        Specimen {
            header: Some(("header", b64(&prepared.header))),
            path: "/v1/grants".to_owned(),
            ..plain("amana-grant-v1+jwt", None, json!(prepared.grant))
        },
        plain(
            "amana-request-v1+jwt",
            None,
            json!({
                "kind": "access", "report": report, "purposes": ["commission-of-inquiry"], "legal_basis": "x",
                "deadline": until,
            }),
        ),
        plain(
            "amana-acknowledgement-v1+jwt",
            Some(live.into()),
            json!({ "grant": live, "release": released.release, "outcome": outcome }),
        ),
        Specimen {
            path: format!("/v1/grants/{kept}/releases"),
            ..plain(
                "amana-release-request-v1+jwt",
                Some(kept.into()),
                json!({
                    "grant": kept, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": kept,
                }),
            )
        },
        plain(
            "amana-status-v1+jwt",
            Some(live.into()),
            json!({ "grant": live, "release": released.release, "became": { "used-internally": {} } }),
        ),
        by(
            "officer",
            plain("amana-approval-v1+jwt", Some(kept.into()), json!({ "approves": kept, "matter": "grant" })),
        ),
        plain(
            "amana-refusal-v1+jwt",
            Some(to_refuse),
            json!({ "request": to_refuse, "purposes": ["commission-of-inquiry"], "reason": "too-wide" }),
        ),
        plain(
            "amana-question-v1+jwt",
            Some(to_ask_back),
            json!({ "request": to_ask_back, "purposes": ["commission-of-inquiry"], "sealed_message": "YWdl" }),
        ),
        plain(
            "amana-notice-v1+jwt",
            None,
            json!({
                "institution": institution, "recipient_key": prepared.grant.recipient_key, "until": until,
                "sealed_message": "YWdl",
            }),
        ),
        wrapped(
            to_wrap,
            plain(
                "amana-owner-header-v1+jwt",
                Some(to_wrap),
                json!({
                    "report": to_wrap, "owner_header": own_digest, "owner_recipient": recipient_of(&ally),
                }),
            ),
        ),
        wrapped(
            to_give,
            plain(
                "amana-handover-v1+jwt",
                Some(to_give),
                json!({
                    "report": to_give, "to": bystander.party_id(), "owner_header": own_digest,
                    "owner_recipient": recipient_of(&bystander),
                }),
            ),
        ),
        plain("amana-withdrawal-v1+jwt", Some(unwanted.into()), json!({ "report": unwanted, "then": "keep" })),
        Specimen {
            path: "/v1/freezes".to_owned(),
            ..by("administrator", plain("amana-freeze-v1+jwt", None, freezing))
        },
        plain("amana-thaw-v1+jwt", Some(freeze), json!({ "party": bystander.party_id(), "freeze": freeze })),
        plain("amana-rotation-v1+jwt", Some(enrolled), json!({ "of": "advocate", "keys": rotated })),
        plain(
            "amana-call-v1+jwt",
            Some(record),
            json!({
                "institution": institution, "about": "the events at the lake", "purposes": ["commission-of-inquiry"],
                "unit": "evidence unit", "until": until,
            }),
        ),
        plain("amana-record-v1+jwt", Some(record), json!({ "institution": institution, "record": new_record })),
        plain(
            "amana-terms-v1+jwt",
            Some(record),
            json!({
                "institution": institution, "retention": { "months": 24 }, "overriding_duties": ["archives"],
                "languages": ["en"], "response_days": 30, "cannot_promise": [],
            }),
        ),
        plain("amana-closing-v1+jwt", Some(record), json!({ "institution": institution, "at": until })),
        plain(
            "amana-officer-v1+jwt",
            Some(record),
            json!({ "institution": institution, "signing_key": key(41), "unit": "unit", "until": until }),
        ),
        plain(
            "amana-attestation-v1+jwt",
            Some(record),
            json!({ "institution": institution, "kind": "mandate", "until": until }),
        ),
        by("administrator", plain("amana-approval-v1+jwt", Some(proposal), json!({ "approves": proposal }))),
        plain("amana-admission-v1+jwt", Some(other.1), json!({ "institution": other.0, "record": other.1 })),
        plain(
            "amana-recipient-key-v1+jwt",
            Some(record),
            json!({ "institution": institution, "unit": "evidence unit", "recipient": recipient }),
        ),
        plain(
            "amana-suspension-v1+jwt",
            Some(record),
            json!({ "institution": institution, "act": "suspend", "reason": "inquiry" }),
        ),
        plain("amana-roster-v1+jwt", None, json!({ "number": 1, "roster": roster })),
        plain("amana-web-release-v1+jwt", None, json!({ "assets": Digest::of(b"page"), "version": "1" })),
        plain("amana-audited-v1+jwt", None, json!({ "register": seen.register, "case": seen.case })),
        plain("amana-recovery-v1+jwt", Some(ally_enrolled), json!({ "of": "advocate", "keys": recovered })),
        // Last: destroying the header adds entries of its own.
        Specimen {
            path: "/v1/revocations".to_owned(),
            ..plain(
                "amana-revocation-v1+jwt",
                Some(kept.into()),
                json!({ "scopes": ["all"], "withdrawn_by": "provider", "answer_due": until }),
            )
        },
    ];
    let recovery = Hand { role: "recovery", party: ally.party_id(), key: ally_recovery.signing_key().clone() };
    (specimens, recovery)
}

fn new_institution(stage: &mut Stage, label: &str) -> (PartyId, Digest) {
    let root = amana::cli::founding::identity(label, &*stage.cast.entropy()).unwrap();
    let recovery = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let record = amana::model::institution::InstitutionRecord {
        name: "Another body (fictional)".parse().unwrap(),
        jurisdiction: "Taranda".parse().unwrap(),
        class: amana::model::purpose::RecipientClass::UnMechanism,
        mandate: vec![inquiry()],
        mandate_until: stage.now().plus(Duration::from_days(30)),
    };
    let accepted: Accepted = stage.as_somebody(&root, |desk| desk.enrol_institution(record, recovery, None)).unwrap();
    (root.party_id(), accepted.id)
}

#[test]
fn each_kind_is_accepted_from_its_documented_signers_and_from_nobody_else() {
    let mut stage = Stage::established();
    let (specimens, recovery) = specimens(&mut stage);
    let signers = [
        Hand::of("advocate", &stage.cast.advocate),
        Hand::of("institution-root", &stage.cast.institution),
        // The first has proposed what is to be approved here.
        Hand::of("administrator", &stage.cast.administrator(1).unwrap()),
        Hand::of("officer", &stage.cast.officer),
        Hand::of("accreditor", &stage.cast.founded.accreditors[0]),
        Hand::of("auditor", &stage.cast.auditor().unwrap()),
        Hand::of("council", &stage.cast.founded.council[0]),
        recovery,
    ];
    let kinds: std::collections::BTreeSet<_> = specimens.iter().map(|s| s.typ).collect();
    // A resumption needs a log that was rolled forward: `roll_forward` tries it.
    assert_eq!(kinds.len(), Kind::ALL.len() - 2, "every kind but enrolment and resumption is tried");
    for specimen in &specimens {
        let before = stage.sizes();
        let allowed = |role| documented(role, specimen.typ);
        for who in signers.iter().filter(|who| !allowed(who.role)) {
            let answer = specimen.send(&mut stage, who);
            assert!(matches!(answer.refused().0, 404 | 422), "{}: {} {}", who.role, specimen.typ, answer.text());
        }
        assert_eq!(stage.sizes(), before, "{} left an entry", specimen.typ);
        let signs = |who: &&Hand| specimen.by.map_or_else(|| allowed(who.role), |by| who.role == by);
        let who = signers.iter().find(signs).unwrap();
        let answer = specimen.send(&mut stage, who);
        assert_eq!(answer.status, 200, "{}: {} {}", who.role, specimen.typ, answer.text());
    }
    stage.audit("audit");
}

#[test]
fn an_enrolment_registers_its_own_key_and_nobody_elses() {
    let mut stage = Stage::established();
    let newcomer = amana::cli::founding::identity("newcomer", &*stage.cast.entropy()).unwrap();
    let recovery = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let body = |key: &Identity| {
        json!({
            "signing_key": key.public_key(), "recipient": newcomer.recipient(), "recovery": recovery,
            "role": { "advocate": {} },
        })
    };
    let raw = stage.raw();
    let mut enrol = |who: &Identity, body: Value| {
        let statement = stage.statement(who, "amana-party-v1+jwt", None, None, &body);
        raw.post("/v1/parties", &json!({ "statement": statement }))
    };
    let victim = amana::cli::founding::identity("victim", &*amana_entropy()).unwrap();
    assert!(enrol(&newcomer, body(&victim)).status >= 400, "somebody else's key was registered");
    let mut own_recovery = body(&newcomer);
    own_recovery["recovery"] = json!({ "signing_key": newcomer.public_key(), "recipient": newcomer.recipient() });
    assert_eq!(enrol(&newcomer, own_recovery).refused().0, 422);
    let mut two_roles = body(&newcomer);
    two_roles["role"]["institution"] = json!({});
    assert_eq!(enrol(&newcomer, two_roles).refused().0, 400);
    enrol(&newcomer, body(&newcomer)).accepted();
    assert_eq!(enrol(&newcomer, body(&newcomer)).refused().0, 422, "a key enrols once");
    let administrator = stage.cast.administrator(0).unwrap();
    let again = body(&administrator);
    let statement = stage.statement(&administrator, "amana-party-v1+jwt", None, None, &again);
    assert_eq!(raw.post("/v1/parties", &json!({ "statement": statement })).refused().0, 422);
}

fn amana_entropy() -> std::sync::Arc<dyn amana::model::ambient::Entropy> {
    struct Random;
    impl amana::model::ambient::Entropy for Random {
        fn fill(&self, bytes: &mut [u8]) {
            rand::RngCore::fill_bytes(&mut rand::thread_rng(), bytes);
        }
    }
    std::sync::Arc::new(Random)
}

#[test]
fn a_statement_is_taken_only_from_whoever_signed_it() {
    let asking = asking();
    let raw = asking.stage.raw();
    let advocate = copy(&asking.stage.cast.advocate);
    assert_eq!(raw.sign_in(&advocate).state(&asking.good).refused().0, 422);
    raw.sign_in(&asking.officer).state(&asking.good).accepted();
}

#[test]
fn a_release_request_goes_to_its_own_grant() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let (one, two) = (stage.grant(&terms), stage.grant(&terms));
    let text = stage.as_officer(|desk| desk.sign_release_request(one, inquiry(), None)).unwrap();
    let officer = copy(&stage.cast.officer);
    let raw = stage.raw();
    let session = raw.sign_in(&officer);
    let body = json!({ "statement": text });
    let answer = session.post(&format!("/v1/grants/{two}/releases"), &body);
    assert!(answer.status >= 400, "the path names another grant than the statement");
    assert_eq!(session.post(&format!("/v1/grants/{one}/releases"), &body).status, 200);
}

#[test]
fn promise_07_one_administrator_admits_nobody() {
    let mut stage = Stage::founded();
    let (institution, _) = new_institution(&mut stage, "newcomer");
    let admins: Vec<_> = (0..3).map(|n| stage.cast.administrator(n).unwrap()).collect();
    let admitted = |stage: &mut Stage| {
        stage.as_auditor(|desk| Ok(desk.mirror().institution(institution).unwrap().admitted_at.is_some())).unwrap()
    };
    let proposal = stage.as_somebody(&admins[0], |desk| desk.admit(institution)).unwrap().id;
    assert!(!admitted(&mut stage));
    let own = stage.as_somebody(&admins[0], |desk| desk.approve(proposal)).map(|_| ()).unwrap_err();
    assert!(problem(&own).is(ProblemType::StatementRefused));
    // A second proposal of the same administrator is not a second administrator.
    let second = stage.as_somebody(&admins[0], |desk| desk.admit(institution)).unwrap().id;
    assert!(!admitted(&mut stage));
    let own = stage.as_somebody(&admins[0], |desk| desk.approve(second)).map(|_| ()).unwrap_err();
    assert!(problem(&own).is(ProblemType::StatementRefused));
    assert!(!admitted(&mut stage));
    stage.as_somebody(&admins[1], |desk| desk.approve(proposal)).unwrap();
    assert!(admitted(&mut stage));
    let late = stage.as_somebody(&admins[2], |desk| desk.approve(proposal)).map(|_| ()).unwrap_err();
    assert!(problem(&late).is(ProblemType::StatementRefused));
    stage.audit("audit");
}

#[test]
fn one_administrator_suspends_and_two_lift() {
    let mut stage = Stage::established();
    let institution = stage.cast.institution.party_id();
    let admins: Vec<_> = (0..2).map(|n| stage.cast.administrator(n).unwrap()).collect();
    let reason = || "inquiry".parse().unwrap();
    let suspended = |stage: &mut Stage| {
        stage.as_auditor(|desk| Ok(desk.mirror().institution(institution).unwrap().suspended_at.is_some())).unwrap()
    };
    use amana::model::institution::SuspensionAct::{Lift, Suspend};
    stage.as_somebody(&admins[1], |desk| desk.suspend(institution, Suspend, reason())).unwrap();
    assert!(suspended(&mut stage));
    let lift = stage.as_somebody(&admins[0], |desk| desk.suspend(institution, Lift, reason())).unwrap().id;
    assert!(suspended(&mut stage));
    assert!(stage.as_somebody(&admins[0], |desk| desk.approve(lift)).is_err());
    assert!(suspended(&mut stage));
    stage.as_somebody(&admins[1], |desk| desk.approve(lift)).unwrap();
    assert!(!suspended(&mut stage));
}

#[test]
fn an_officer_hands_back_and_does_not_withdraw_for_the_advocate() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let due = stage.now().plus(Duration::from_days(30));
    let as_if = stage.as_officer(|desk| desk.revoke(grant, vec![Scope::All], WithdrawnBy::Provider, due));
    assert!(problem(&as_if.map(|_| ()).unwrap_err()).is(ProblemType::NotFound));
    stage.as_officer(|desk| desk.revoke(grant, vec![Scope::All], WithdrawnBy::Recipient, due)).unwrap();
}
