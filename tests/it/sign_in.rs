//! Signing in: client assertions and DPoP proofs made by hand (RFC 7523, RFC 9449).

use crate::{
    raw::{Answer, Raw, assertion, ath, b64, form_type, fresh_jti, jwk, jws, proof},
    stage::Stage,
};
use amana::{cli::demo::cast::copy, client::identity::Identity, model::time::Duration};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, Mac as _};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};

fn advocate_at_a_broker() -> (Stage, Identity) {
    let stage = Stage::established();
    let advocate = copy(&stage.cast.advocate);
    (stage, advocate)
}

/// Asks for a token with a good proof and this assertion.
fn with_assertion(raw: &Raw, assertion: &str) -> Answer {
    raw.nonce();
    let key = SigningKey::from_bytes(&rand::random());
    raw.ask_token(assertion, &[proof(&raw.proof_claims("POST", "/oauth/token", None), &key)])
}

/// Asks for a token with a good assertion and these proofs.
fn with_proofs(raw: &Raw, who: &Identity, proofs: &[String]) -> Answer {
    raw.ask_token(&assertion(&raw.assertion_claims(who), who.signing_key()), proofs)
}

fn oauth_error(answer: &Answer) -> (u16, String) {
    assert!(answer.status >= 400, "accepted: {}", answer.text());
    (answer.status, answer.json::<Value>()["error"].as_str().unwrap().to_owned())
}

#[test]
fn an_assertion_is_good_once() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let text = assertion(&raw.assertion_claims(&advocate), advocate.signing_key());
    assert_eq!(with_assertion(&raw, &text).status, 200);
    assert_eq!(oauth_error(&with_assertion(&raw, &text)), (401, "invalid_client".to_owned()));
}

#[test]
fn an_assertion_used_before_a_restart_stays_used() {
    let (mut stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    // The address changes with the restart, so the assertion names the one to come only by its `jti`.
    let mut claims = raw.assertion_claims(&advocate);
    assert_eq!(with_assertion(&raw, &assertion(&claims, advocate.signing_key())).status, 200);
    stage.restart();
    let raw = stage.raw();
    claims["aud"] = json!(raw.base);
    let again = with_assertion(&raw, &assertion(&claims, advocate.signing_key()));
    assert_eq!(oauth_error(&again), (401, "invalid_client".to_owned()));
}

#[test]
fn only_a_right_assertion_gets_a_token() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let (key, now) = (advocate.signing_key(), raw.now());
    let other = stage.cast.officer.key_id().to_string();
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = raw.assertion_claims(&advocate);
        change(&mut claims);
        assertion(&claims, key)
    };
    let header = |header: &str| jws(header, &raw.assertion_claims(&advocate).to_string(), key);
    let hs256_input = format!("{}.{}", b64(r#"{"alg":"HS256"}"#), b64(raw.assertion_claims(&advocate).to_string()));
    let mut mac = <Hmac<sha2::Sha256> as hmac::Mac>::new_from_slice(advocate.public_key().as_bytes()).unwrap();
    mac.update(hs256_input.as_bytes());
    let unsigned = b64(raw.assertion_claims(&advocate).to_string());
    let nobody = amana::cli::founding::identity("nobody", &*stage.cast.entropy()).unwrap();
    let unknown = assertion(&raw.assertion_claims(&nobody), nobody.signing_key());
    for (name, text) in [
        ("expired", claims(&|c| (c["iat"], c["exp"]) = (json!(now - 400), json!(now - 100)))),
        ("expires now", claims(&|c| c["exp"] = json!(now))),
        ("lives too long", claims(&|c| c["exp"] = json!(now + 301))),
        ("iat 11 minutes ahead", claims(&|c| (c["iat"], c["exp"]) = (json!(now + 660), json!(now + 700)))),
        ("aud as a list", claims(&|c| c["aud"] = json!([c["aud"]]))),
        ("aud another broker", claims(&|c| c["aud"] = json!("https://other.invalid"))),
        ("aud the token endpoint", claims(&|c| c["aud"] = json!(format!("{}/oauth/token", raw.base)))),
        ("aud with a slash", claims(&|c| c["aud"] = json!(format!("{}/", raw.base)))),
        ("no aud", claims(&|c| drop(c.as_object_mut().unwrap().remove("aud")))),
        ("iss of another", claims(&|c| c["iss"] = json!(other))),
        ("sub of another", claims(&|c| c["sub"] = json!(other))),
        ("iss and sub of another", claims(&|c| (c["iss"], c["sub"]) = (json!(other), json!(other)))),
        ("no exp", claims(&|c| drop(c.as_object_mut().unwrap().remove("exp")))),
        ("no jti", claims(&|c| drop(c.as_object_mut().unwrap().remove("jti")))),
        ("empty jti", claims(&|c| c["jti"] = json!(""))),
        ("long jti", claims(&|c| c["jti"] = json!("j".repeat(129)))),
        ("negative exp", claims(&|c| c["exp"] = json!(-1))),
        ("sub twice", {
            let text = raw.assertion_claims(&advocate).to_string();
            jws(r#"{"alg":"EdDSA"}"#, &text.replacen('{', &format!(r#"{{"sub":"{other}","#), 1), key)
        }),
        ("alg none, unsigned", format!("{}.{unsigned}.", b64(r#"{"alg":"none"}"#))),
        ("alg none", header(r#"{"alg":"none"}"#)),
        ("HS256", format!("{hs256_input}.{}", b64(mac.finalize().into_bytes()))),
        ("ES256 named", header(r#"{"alg":"ES256"}"#)),
        ("unknown client", unknown),
        ("garbage", "x.y.z".to_owned()),
    ] {
        let answer = with_assertion(&raw, &text);
        assert_eq!(oauth_error(&answer), (401, "invalid_client".to_owned()), "{name}");
    }
    for (name, text) in [
        ("plain", claims(&|_| {})),
        ("iat 9 minutes ahead", claims(&|c| (c["iat"], c["exp"]) = (json!(now + 540), json!(now + 700)))),
        ("another claim", claims(&|c| c["nbf"] = json!(now))),
        ("alg Ed25519 (RFC 9864)", header(r#"{"alg":"Ed25519"}"#)),
        ("typ and kid", header(r#"{"alg":"EdDSA","typ":"JWT","kid":"any"}"#)),
    ] {
        let answer = with_assertion(&raw, &text);
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
}

#[test]
fn the_token_request_is_the_documented_form() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let ask = |change: &dyn Fn(&mut Vec<(&str, String)>)| {
        raw.nonce();
        let text = assertion(&raw.assertion_claims(&advocate), advocate.signing_key());
        let mut fields = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", text),
        ];
        change(&mut fields);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.extend_pairs(fields).finish();
        let key = SigningKey::from_bytes(&rand::random());
        let proof = proof(&raw.proof_claims("POST", "/oauth/token", None), &key);
        raw.send("POST", "/oauth/token", &[form_type(), ("dpop", proof)], form.as_bytes())
    };
    let other = stage.cast.officer.key_id().to_string();
    assert!(ask(&|f| f[0].1 = "authorization_code".to_owned()).status >= 400);
    assert!(ask(&|f| f[1].1 = "urn:x".to_owned()).status >= 400);
    assert!(ask(&|f| f.push(("grant_type", "client_credentials".to_owned()))).status >= 400);
    assert!(ask(&|f| f.push(("client_id", other.clone()))).status >= 400);
    assert!(ask(&|f| drop(f.pop())).status >= 400);
    assert!(ask(&|f| f.push(("note", "x".repeat(17 * 1024)))).status >= 400);
    let own = advocate.key_id().to_string();
    let answer = ask(&|f| f.push(("client_id", own.clone())));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token: Value = answer.json();
    assert_eq!(token["token_type"], "DPoP");
    assert!(token["expires_in"].as_u64().unwrap() <= 600);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_token_is_asked_for_with_a_fresh_proof() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    raw.nonce();
    let key = SigningKey::from_bytes(&rand::random());
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = raw.proof_claims("POST", "/oauth/token", None);
        change(&mut claims);
        proof(&claims, &key)
    };
    let now = raw.now();
    let bad = |code: &str, proofs: &[String], name: &str| {
        assert_eq!(oauth_error(&with_proofs(&raw, &advocate, proofs)), (400, code.to_owned()), "{name}");
    };
    bad("use_dpop_nonce", &[], "no proof");
    bad("use_dpop_nonce", &[claims(&|c| drop(c.as_object_mut().unwrap().remove("nonce")))], "no nonce");
    bad("use_dpop_nonce", &[claims(&|c| c["nonce"] = json!(b64([7; 32])))], "a nonce of its own");
    for (name, proof) in [
        ("htm", claims(&|c| c["htm"] = json!("GET"))),
        ("htu of another endpoint", claims(&|c| c["htu"] = json!(format!("{}/v1/grants", raw.base)))),
        ("htu of another host", claims(&|c| c["htu"] = json!("https://other.invalid/oauth/token"))),
        ("htu with a query", claims(&|c| c["htu"] = json!(format!("{}/oauth/token?x", raw.base)))),
        ("ath without a token", claims(&|c| c["ath"] = json!(ath("x")))),
        ("iat long ago", claims(&|c| c["iat"] = json!(now - 180))),
        ("iat ahead", claims(&|c| c["iat"] = json!(now + 180))),
        ("empty jti", claims(&|c| c["jti"] = json!(""))),
    ] {
        bad("invalid_dpop_proof", &[proof], name);
    }
    let good = claims(&|c| c["iat"] = json!(now - 60));
    assert_eq!(with_proofs(&raw, &advocate, std::slice::from_ref(&good)).status, 200);
    bad("invalid_dpop_proof", &[good], "used before");
    let (one, two) = (claims(&|_| {}), claims(&|_| {}));
    let answer = with_proofs(&raw, &advocate, &[one, two]);
    assert_eq!(answer.status, 400, "two proofs are none");
    assert_eq!(with_proofs(&raw, &advocate, &[claims(&|c| c["iat"] = json!(now + 60))]).status, 200);
}

#[test]
fn a_proof_is_signed_by_the_public_key_it_carries() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    raw.nonce();
    let (key, other) = (SigningKey::from_bytes(&[5; 32]), SigningKey::from_bytes(&[6; 32]));
    let claims = || raw.proof_claims("POST", "/oauth/token", None).to_string();
    let under = |header: Value| jws(&header.to_string(), &claims(), &key);
    let mut private = jwk(&key);
    private["d"] = json!(b64(key.to_bytes()));
    let padded = json!({ "kty": "OKP", "crv": "Ed25519", "x": format!("{}=", b64(key.verifying_key().as_bytes())) });
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64([0; 32]) });
    for (name, proof) in [
        (
            "another key's signature",
            jws(&json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(&other) }).to_string(), &claims(), &key),
        ),
        ("typ JWT", under(json!({ "typ": "JWT", "alg": "EdDSA", "jwk": jwk(&key) }))),
        ("no typ", under(json!({ "alg": "EdDSA", "jwk": jwk(&key) }))),
        ("no jwk", under(json!({ "typ": "dpop+jwt", "alg": "EdDSA" }))),
        ("alg none", under(json!({ "typ": "dpop+jwt", "alg": "none", "jwk": jwk(&key) }))),
        ("HS256", under(json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AA" } }))),
        ("ES256 under an OKP key", under(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&key) }))),
        ("a private key (RFC 9449, 4.3)", under(json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": private }))),
        ("padded coordinate", under(json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": padded }))),
        ("a weak key", under(json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": weak }))),
    ] {
        let answer = with_proofs(&raw, &advocate, &[proof]);
        assert_eq!(oauth_error(&answer), (400, "invalid_dpop_proof".to_owned()), "{name}");
    }
    let rfc_9864 = under(json!({ "typ": "dpop+jwt", "alg": "Ed25519", "jwk": jwk(&key) }));
    assert_eq!(with_proofs(&raw, &advocate, &[rfc_9864]).status, 200);
}

/// An ES256 proof over these claims.
fn es256(claims: &Value, key: &p256::ecdsa::SigningKey) -> String {
    let point = key.verifying_key().to_encoded_point(false);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": b64(point.x().unwrap()), "y": b64(point.y().unwrap()) });
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature: p256::ecdsa::Signature = key.sign(input.as_bytes());
    format!("{input}.{}", b64(signature.to_bytes()))
}

#[test]
fn a_p256_session_works_and_is_bound_to_its_key() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    raw.nonce();
    let key = p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let other = p256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap();
    let answer = with_proofs(&raw, &advocate, &[es256(&raw.proof_claims("POST", "/oauth/token", None), &key)]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json::<Value>()["access_token"].as_str().unwrap().to_owned();
    let fetch = |proof: String| {
        raw.send("GET", "/v1/reports", &[("authorization", format!("DPoP {token}")), ("dpop", proof)], b"").status
    };
    assert_eq!(fetch(es256(&raw.proof_claims("GET", "/v1/reports", Some(&token)), &key)), 200);
    assert_eq!(fetch(es256(&raw.proof_claims("GET", "/v1/reports", Some(&token)), &other)), 401);
    let mut tampered = es256(&raw.proof_claims("GET", "/v1/reports", Some(&token)), &key);
    tampered.truncate(tampered.len() - 4);
    assert_eq!(fetch(tampered), 401);
}

#[test]
fn a_token_alone_opens_nothing() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let path = "/v1/reports";
    let bearer = |scheme: &str| ("authorization", format!("{scheme} {}", session.token));
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = raw.proof_claims("GET", path, Some(&session.token));
        change(&mut claims);
        ("dpop", proof(&claims, &session.key))
    };
    let stranger = SigningKey::from_bytes(&rand::random());
    let good = claims(&|_| {});
    let now = raw.now();
    for (name, headers) in [
        ("nothing", vec![]),
        ("no proof", vec![bearer("DPoP")]),
        ("no token", vec![claims(&|_| {})]),
        ("Bearer", vec![bearer("Bearer"), claims(&|_| {})]),
        ("Bearer alone", vec![bearer("Bearer")]),
        ("another token", vec![("authorization", format!("DPoP {}", b64([1; 32]))), claims(&|_| {})]),
        (
            "another key",
            vec![bearer("DPoP"), ("dpop", proof(&raw.proof_claims("GET", path, Some(&session.token)), &stranger))],
        ),
        ("another method", vec![bearer("DPoP"), claims(&|c| c["htm"] = json!("POST"))]),
        ("another path", vec![bearer("DPoP"), claims(&|c| c["htu"] = json!(format!("{}/v1/grants", raw.base)))]),
        ("no ath", vec![bearer("DPoP"), claims(&|c| drop(c.as_object_mut().unwrap().remove("ath")))]),
        ("ath of another", vec![bearer("DPoP"), claims(&|c| c["ath"] = json!(ath("other")))]),
        ("no nonce", vec![bearer("DPoP"), claims(&|c| drop(c.as_object_mut().unwrap().remove("nonce")))]),
        ("own nonce", vec![bearer("DPoP"), claims(&|c| c["nonce"] = json!("x"))]),
        ("iat long ago", vec![bearer("DPoP"), claims(&|c| c["iat"] = json!(now - 180))]),
        ("iat ahead", vec![bearer("DPoP"), claims(&|c| c["iat"] = json!(now + 180))]),
        ("two proofs", vec![bearer("DPoP"), claims(&|_| {}), claims(&|_| {})]),
        ("two tokens", vec![bearer("DPoP"), ("authorization", "DPoP x".to_owned()), claims(&|_| {})]),
    ] {
        let answer = raw.send("GET", path, &headers, b"");
        assert_eq!(answer.refused(), (401, "unauthenticated".to_owned()), "{name}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "), "{name}");
        assert!(answer.header("dpop-nonce").is_some(), "{name}");
    }
    assert_eq!(raw.send("GET", path, &[bearer("DPoP"), good.clone()], b"").status, 200);
    assert_eq!(raw.send("GET", path, &[bearer("DPoP"), good], b"").refused().0, 401, "a proof is good once");
    assert_eq!(raw.send("GET", "/v1/reports?after=x", &[bearer("DPoP"), claims(&|_| {})], b"").status, 200);
}

#[test]
fn a_proof_made_for_the_token_endpoint_does_not_serve_elsewhere() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let elsewhere = proof(&raw.proof_claims("POST", "/oauth/token", None), &session.key);
    let headers = [("authorization", format!("DPoP {}", session.token)), ("dpop", elsewhere)];
    assert_eq!(raw.send("GET", "/v1/reports", &headers, b"").refused().0, 401);
}

#[test]
fn a_token_dies_after_ten_minutes() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    stage.clock.pass(Duration::from_seconds(500));
    raw.nonce();
    assert_eq!(session.fetch("/v1/reports").status, 200);
    stage.clock.pass(Duration::from_seconds(101));
    raw.nonce();
    assert_eq!(session.fetch("/v1/reports").refused().0, 401);
    assert_eq!(raw.sign_in(&advocate).fetch("/v1/reports").status, 200);
}

#[test]
fn a_nonce_grows_old() {
    let (stage, advocate) = advocate_at_a_broker();
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    stage.clock.pass(Duration::from_seconds(180));
    let answer = session.fetch("/v1/reports");
    assert_eq!(answer.refused().0, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("use_dpop_nonce"));
    // The refusal brought the next one.
    assert_eq!(session.fetch("/v1/reports").status, 200);
}

#[test]
fn a_restart_ends_every_session() {
    let (mut stage, advocate) = advocate_at_a_broker();
    let (token, key, nonce) = {
        let raw = stage.raw();
        let session = raw.sign_in(&advocate);
        (session.token, session.key, raw.nonce())
    };
    stage.restart();
    let raw = stage.raw();
    let mut claims = raw.proof_claims("GET", "/v1/reports", Some(&token));
    claims["nonce"] = json!(nonce);
    let ask = |claims: &Value| {
        let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof(claims, &key))];
        raw.send("GET", "/v1/reports", &headers, b"")
    };
    let old_nonce = ask(&claims);
    assert!(old_nonce.header("www-authenticate").unwrap().contains("use_dpop_nonce"), "{}", old_nonce.text());
    let claims = raw.proof_claims("GET", "/v1/reports", Some(&token));
    let old_token = ask(&claims);
    assert!(old_token.header("www-authenticate").unwrap().contains("invalid_token"), "{}", old_token.text());
}

#[test]
fn a_recovery_key_does_not_sign_in() {
    let (stage, _) = advocate_at_a_broker();
    let raw = stage.raw();
    let key = SigningKey::from_bytes(&[77; 32]);
    let id = amana::model::ids::PublicKey::from_bytes(key.verifying_key().to_bytes()).thumbprint().to_string();
    let now = raw.now();
    let claims = json!({ "iss": id, "sub": id, "aud": raw.base, "jti": fresh_jti(), "iat": now, "exp": now + 300 });
    assert_eq!(oauth_error(&with_assertion(&raw, &assertion(&claims, &key))).1, "invalid_client");
    let recovery = stage.cast.recovery.public_keys().signing_key.thumbprint().to_string();
    let claims = json!({
        "iss": recovery, "sub": recovery, "aud": raw.base, "jti": fresh_jti(), "iat": now, "exp": now + 300
    });
    assert_eq!(oauth_error(&with_assertion(&raw, &assertion(&claims, &key))).1, "invalid_client");
}

#[test]
fn a_stock_client_finds_its_way_by_the_metadata() {
    let stage = Stage::founded();
    let raw = stage.raw();
    let answer = raw.fetch("/.well-known/oauth-authorization-server");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let metadata: Value = answer.json();
    assert_eq!(metadata["issuer"], json!(raw.base));
    assert_eq!(metadata["token_endpoint"], json!(format!("{}/oauth/token", raw.base)));
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    for alg in metadata["dpop_signing_alg_values_supported"].as_array().unwrap() {
        assert!(["EdDSA", "Ed25519", "ES256"].contains(&alg.as_str().unwrap()));
    }
    let jwks_path = metadata["jwks_uri"].as_str().unwrap().strip_prefix(&raw.base).unwrap().to_owned();
    let jwks: Value = raw.fetch(&jwks_path).json();
    let fixed = stage.cast.founded.genesis.genesis();
    let named: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| key["x"].clone()).collect();
    assert_eq!(named, [json!(fixed.log_keys.register), json!(fixed.log_keys.case)]);
    for key in jwks["keys"].as_array().unwrap() {
        assert!(key.get("d").is_none(), "a private key is published");
        assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    }
}
