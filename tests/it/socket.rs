//! HTTP by hand: for readers that stop, connections that are cut, and answers that are read byte by byte.

use amana::{
    client::identity::Identity,
    model::{
        ambient::{Clock, Entropy, random},
        ids::{Jti, Nonce},
        limits,
    },
    wire::oauth::{self, ASSERTION_TYPE, Assertion, ProofClaims},
};
use ed25519_dalek::SigningKey;
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use crate::stage::Stage;

/// Somebody signed in, who writes requests by hand.
pub struct Raw {
    url: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    proof_key: SigningKey,
    nonce: String,
    token: String,
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(named).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.head, String::from_utf8_lossy(&self.body)))
    }
}

impl Raw {
    pub fn sign_in(stage: &Stage, who: &Identity) -> Self {
        let entropy = stage.cast.entropy();
        let mut raw = Self {
            url: stage.url.clone(),
            clock: stage.clock.clone(),
            proof_key: SigningKey::from_bytes(&random(&*entropy)),
            entropy,
            nonce: String::new(),
            token: String::new(),
        };
        let kid = who.key_id();
        let now = raw.clock.wall();
        let assertion = Assertion {
            iss: kid,
            sub: kid,
            aud: raw.url.clone(),
            jti: Jti::from_bytes(random(&*raw.entropy)).to_string(),
            iat: now,
            exp: now.plus(limits::ASSERTION_LIFE),
        };
        let assertion = oauth::sign_assertion(&assertion, who.signing_key()).unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id={kid}&client_assertion_type={}&client_assertion={assertion}",
            ASSERTION_TYPE.replace(':', "%3A")
        );
        // The first answer brings the nonce.
        for _ in 0..2 {
            let proof = raw.proof("POST", "/oauth/token");
            let headers = format!("DPoP: {proof}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
            let answer = exchange(&raw.url, &request("POST", "/oauth/token", &headers, form.as_bytes())).unwrap();
            raw.nonce = answer.header("dpop-nonce").unwrap().to_owned();
            if answer.status == 200 {
                raw.token = answer.json::<amana::wire::api::Token>().access_token;
                return raw;
            }
        }
        panic!("signing in failed");
    }

    fn proof(&self, method: &str, path: &str) -> String {
        let claims = ProofClaims {
            jti: Nonce::from_bytes(random(&*self.entropy)).to_string(),
            htm: method.to_owned(),
            htu: format!("{}{path}", self.url),
            iat: self.clock.wall(),
            nonce: Some(self.nonce.clone()).filter(|nonce| !nonce.is_empty()),
            ath: Some(&self.token).filter(|token| !token.is_empty()).map(|token| oauth::token_hash(token)),
        };
        oauth::sign_proof(&claims, &self.proof_key).unwrap()
    }

    /// The bytes of a signed-in request.
    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let proof = self.proof(method, path);
        request(method, path, &format!("Authorization: DPoP {}\r\nDPoP: {proof}\r\n{headers}", self.token), body)
    }
    /// Sends a signed-in request; nothing is read yet.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> TcpStream {
        let mut stream = connect(&self.url);
        stream.write_all(&self.request(method, path, headers, body)).unwrap();
        stream
    }
    /// Sends a signed-in request and reads the whole answer.
    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
        read_answer(&mut self.send(method, path, headers, body))
    }
    /// Posts a statement.
    pub fn post(&self, path: &str, statement: &str) -> io::Result<Answer> {
        self.ask("POST", path, JSON, statement_json(statement).as_bytes())
    }
}

pub const JSON: &str = "Content-Type: application/json\r\n";

pub fn statement_json(statement: &str) -> String {
    serde_json::json!({ "statement": statement }).to_string()
}

/// The bytes of a request; a `Content-Length` of the body's length is added unless one is given.
pub fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length =
        if headers.contains("Content-Length") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: broker\r\n{length}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

pub fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    // Nothing on loopback takes a minute; a test that waits longer has found something.
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
}

/// One request on a connection of its own.
pub fn exchange(url: &str, request: &[u8]) -> io::Result<Answer> {
    let mut stream = connect(url);
    stream.write_all(request)?;
    read_answer(&mut stream)
}

/// Revokes without signing in.
pub fn revoke(url: &str, statement: &str) -> io::Result<Answer> {
    exchange(url, &request("POST", "/v1/revocations", JSON, statement_json(statement).as_bytes()))
}

/// Status line and headers; what follows stays unread.
pub fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).unwrap())
}

pub fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let head = read_head(stream)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: Vec::new() };
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body = vec![0; length];
    stream.read_exact(&mut answer.body)?;
    Ok(answer)
}
