//! What a stranger can send: bytes made by hand, past the client library, over real HTTP.

use crate::stage::{Stage, TestClock};
use amana::{
    client::{desk::DeskError, identity::Identity},
    model::{
        ambient::Clock as _,
        ids::{Digest, Jti, KeyId, PartyId, PublicKey},
    },
    wire::{api::Accepted, problem::Problem},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{cell::RefCell, sync::Arc};
use ureq::http::{HeaderMap, Request};

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A compact JWS over exactly these texts, signed with Ed25519 whatever the header says.
pub fn jws(header: &str, payload: &str, key: &SigningKey) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key.sign(input.as_bytes()).to_bytes();
    format!("{input}.{}", b64(signature))
}

/// Header and payload of a compact JWS, as texts.
pub fn parts(statement: &str) -> (String, String) {
    let mut parts = statement.split('.');
    let mut text = || String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap();
    (text(), text())
}

/// A statement with another header or payload, signed again.
pub fn rewritten(statement: &str, key: &SigningKey, change: impl FnOnce(&mut String, &mut String)) -> String {
    let (mut header, mut payload) = parts(statement);
    let before = (header.clone(), payload.clone());
    change(&mut header, &mut payload);
    assert_ne!(before, (header.clone(), payload.clone()), "the test changed nothing");
    jws(&header, &payload, key)
}

/// A statement with other claims, signed again under the same header.
pub fn reclaimed(statement: &str, key: &SigningKey, change: impl FnOnce(&mut Value)) -> String {
    rewritten(statement, key, |_, payload| {
        let mut claims: Value = serde_json::from_str(payload).unwrap();
        change(&mut claims);
        *payload = claims.to_string();
    })
}

pub fn fresh_jti() -> String {
    Jti::from_bytes(rand::random()).to_string()
}

/// The problem a desk was told.
pub fn problem(error: &DeskError) -> &Problem {
    match error {
        DeskError::Remote(remote) => remote.problem().unwrap_or_else(|| panic!("no problem but {remote}")),
        other => panic!("no problem but {other}"),
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
    pub fn accepted(&self) -> Accepted {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
    /// Status and slug of the problem.
    pub fn refused(&self) -> (u16, String) {
        assert!(self.status >= 400, "accepted: {}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status);
        (self.status, problem.kind.rsplit(':').next().unwrap().to_owned())
    }
}

/// A bare HTTP client. Connections are not kept, so that a broker can stop at once.
pub struct Raw {
    agent: ureq::Agent,
    pub base: String,
    pub clock: Arc<TestClock>,
    nonce: RefCell<String>,
}

impl Raw {
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = match body {
            [] if method == "GET" => self.agent.run(request.body(()).unwrap()),
            body => self.agent.run(request.body(body.to_vec()).unwrap()),
        };
        let (head, mut body) = response?.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec()?;
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        if let Some(nonce) = answer.header("dpop-nonce") {
            nonce.clone_into(&mut self.nonce.borrow_mut());
        }
        Ok(answer)
    }

    pub fn fetch(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[json_type()], body.to_string().as_bytes())
    }

    pub fn now(&self) -> u64 {
        self.clock.wall().as_seconds()
    }
    /// A nonce of the broker's.
    pub fn nonce(&self) -> String {
        let answer = self.send("POST", "/oauth/token", &[form_type()], b"");
        answer.header("dpop-nonce").unwrap().to_owned()
    }

    /// The claims of a good proof for the next request.
    pub fn proof_claims(&self, method: &str, path: &str, token: Option<&str>) -> Value {
        let path = path.split('?').next().unwrap();
        let mut claims = json!({
            "jti": fresh_jti(), "htm": method, "htu": format!("{}{path}", self.base), "iat": self.now(),
            "nonce": *self.nonce.borrow(),
        });
        if let Some(token) = token {
            claims["ath"] = json!(ath(token));
        }
        claims
    }

    /// The claims of a good client assertion.
    pub fn assertion_claims(&self, who: &Identity) -> Value {
        self.assertion_claims_by(who.signing_key())
    }
    fn assertion_claims_by(&self, key: &SigningKey) -> Value {
        let (id, now) = (thumbprint(key).to_string(), self.now());
        json!({ "iss": id, "sub": id, "aud": self.base, "jti": fresh_jti(), "iat": now, "exp": now + 300 })
    }

    /// Asks for a token with an assertion and a proof given whole.
    pub fn ask_token(&self, assertion: &str, proofs: &[String]) -> Answer {
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type\
             %3Ajwt-bearer&client_assertion={assertion}"
        );
        let mut headers = vec![form_type()];
        headers.extend(proofs.iter().map(|proof| ("dpop", proof.clone())));
        self.send("POST", "/oauth/token", &headers, form.as_bytes())
    }

    /// Signs in by hand.
    pub fn sign_in(&self, who: &Identity) -> Session<'_> {
        self.sign_in_by(who.signing_key())
    }
    /// As [`Raw::sign_in`], for a key that is no identity's: a recovery key.
    pub fn sign_in_by(&self, signing_key: &SigningKey) -> Session<'_> {
        self.nonce();
        let key = SigningKey::from_bytes(&rand::random());
        let proof = proof(&self.proof_claims("POST", "/oauth/token", None), &key);
        let assertion = assertion(&self.assertion_claims_by(signing_key), signing_key);
        let answer = self.ask_token(&assertion, &[proof]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json::<Value>()["access_token"].as_str().unwrap().to_owned();
        Session { raw: self, token, key }
    }
}

pub fn json_type() -> (&'static str, String) {
    ("content-type", "application/json".to_owned())
}
pub fn form_type() -> (&'static str, String) {
    ("content-type", "application/x-www-form-urlencoded".to_owned())
}
pub fn ath(token: &str) -> String {
    b64(Digest::of(token.as_bytes()).as_bytes())
}
pub fn jwk(key: &SigningKey) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.verifying_key().as_bytes()) })
}
/// A DPoP proof over these claims.
pub fn proof(claims: &Value, key: &SigningKey) -> String {
    jws(&json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(key) }).to_string(), &claims.to_string(), key)
}
/// A client assertion over these claims.
pub fn assertion(claims: &Value, key: &SigningKey) -> String {
    jws(r#"{"alg":"EdDSA"}"#, &claims.to_string(), key)
}

/// Somebody signed in.
pub struct Session<'r> {
    pub raw: &'r Raw,
    pub token: String,
    pub key: SigningKey,
}

impl Session<'_> {
    pub fn credentials(&self, method: &str, path: &str) -> Vec<(&'static str, String)> {
        let claims = self.raw.proof_claims(method, path, Some(&self.token));
        vec![("authorization", format!("DPoP {}", self.token)), ("dpop", proof(&claims, &self.key))]
    }
    pub fn fetch(&self, path: &str) -> Answer {
        self.raw.send("GET", path, &self.credentials("GET", path), b"")
    }
    pub fn send_text(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut headers = self.credentials(method, path);
        headers.push(json_type());
        self.raw.send(method, path, &headers, body.as_bytes())
    }
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_text("POST", path, &body.to_string())
    }
    /// Submits a statement without a header.
    pub fn state(&self, statement: &str) -> Answer {
        self.post("/v1/statements", &json!({ "statement": statement }))
    }
}

impl Stage {
    pub fn raw(&self) -> Raw {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build();
        Raw {
            agent: ureq::Agent::new_with_config(config),
            base: self.url.clone(),
            clock: self.clock.clone(),
            nonce: RefCell::default(),
        }
    }
    /// Sizes of register and case log.
    pub fn sizes(&self) -> (u64, u64) {
        let size = |answer: Answer| {
            if answer.status == 404 {
                return 0;
            }
            let checkpoint = answer.json::<Value>()["checkpoint"].as_str().unwrap().to_owned();
            checkpoint.lines().nth(1).unwrap().parse().unwrap()
        };
        let (raw, auditor) = (self.raw(), self.cast.auditor().unwrap());
        let case = raw.sign_in(&auditor).send_text("GET", "/v1/case/checkpoint?from=0", "");
        (size(raw.fetch("/v1/register?from=0")), size(case))
    }

    /// A statement of any kind by anybody, right in form.
    pub fn statement(
        &mut self,
        who: &Identity,
        typ: &str,
        subject: Option<Digest>,
        prev: Option<Digest>,
        body: &Value,
    ) -> String {
        self.statement_by((who.party_id(), who.signing_key()), typ, subject, prev, body)
    }

    /// As [`Stage::statement`], by a key of a party's that is no identity's.
    pub fn statement_by(
        &mut self,
        (party, key): (PartyId, &SigningKey),
        typ: &str,
        subject: Option<Digest>,
        prev: Option<Digest>,
        body: &Value,
    ) -> String {
        let seen = self.as_auditor(|desk| Ok(desk.seen())).unwrap();
        let now = self.now().as_seconds();
        let mut claims = json!({
            "iss": party, "aud": self.cast.card().digest, "jti": fresh_jti(), "iat": now,
            "submit_by": now + 86_400, "body": body,
        });
        if let Some(subject) = subject {
            claims["subject"] = json!(subject);
        }
        if let Some(prev) = prev {
            claims["prev"] = json!(prev);
        }
        if !["amana-revocation-v1+jwt", "amana-freeze-v1+jwt"].contains(&typ) {
            claims["seen"] = json!(seen);
        }
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": thumbprint(key) });
        jws(&header.to_string(), &claims.to_string(), key)
    }
}

fn thumbprint(key: &SigningKey) -> KeyId {
    PublicKey::from_bytes(key.verifying_key().to_bytes()).thumbprint()
}
