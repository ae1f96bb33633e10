//! Talking to a broker: HTTPS (plain HTTP only to this machine and to onion addresses), OAuth with a fresh DPoP key.

use crate::{
    model::{
        ambient::{Clock, Entropy, random},
        ids::{Jti, KeyId, Nonce, PublicKey},
        limits,
        statement::is_bidi_control,
    },
    wire::{
        api::{Listing, OauthProblem, Token},
        oauth::{self, ASSERTION_TYPE, Assertion, ProofClaims},
        problem::Problem,
        tus,
    },
};
use ed25519_dalek::SigningKey;
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, io::Read, sync::Arc, time::Duration};
use ureq::{
    Agent, Body, SendBody,
    http::{Request, Response, StatusCode},
};

/// Largest JSON answer read.
const ANSWER_BYTES: u64 = 64 << 20;

/// A request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is not acceptable.
    #[error("{0} is not a broker's address: it must begin with https://, or http:// for this machine or .onion")]
    Address(String),
    /// Nobody answered.
    #[error("the broker cannot be reached: {0}. Check the address and the connection, then try again")]
    Unreachable(String),
    /// The broker says no.
    #[error("{}", problem_words(.0))]
    Problem(Box<Problem>),
    /// Signing in failed.
    #[error("signing in failed: {0}")]
    SignIn(String),
    /// The answer is not in the documented form.
    #[error("the broker's answer is not as documented: {0}")]
    Answer(String),
    /// A local file.
    #[error("{0}")]
    File(std::io::Error),
}

/// What the broker says, as one may print it: a broker must not be able to move a terminal's cursor or turn its words.
fn problem_words(problem: &Problem) -> String {
    let said = said_words(problem);
    said.chars().filter(|c| *c == '\n' || !(c.is_control() || is_bidi_control(*c))).collect()
}

fn said_words(problem: &Problem) -> String {
    let mut words = problem.title.clone();
    if let Some(detail) = &problem.detail {
        words.push_str(": ");
        words.push_str(detail);
    }
    for reason in &problem.reasons {
        words.push_str("\n  - ");
        words.push_str(&reason.reason);
        words.push(' ');
        words.push_str(&reason.advice);
    }
    if let Some(id) = &problem.request_id {
        words.push_str(" (request ");
        words.push_str(id);
        words.push(')');
    }
    words
}

impl RemoteError {
    /// The problem, if the broker gave one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

/// What the upload protocol answers: all of it stands in headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Where the upload stands.
    pub offset: Option<u64>,
    /// Where it lives.
    pub location: Option<String>,
}

impl Uploaded {
    fn of(response: &Response<Body>) -> Self {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            offset: text("upload-offset").and_then(|text| tus::bytes("Upload-Offset", text).ok()),
            location: text("location").map(str::to_owned),
        }
    }
}

/// How a request is authenticated.
#[derive(Clone, Copy)]
pub enum As<'a> {
    /// Not at all.
    Anybody,
    /// Signed in with this key.
    Key(&'a SigningKey),
}

struct Session {
    token: String,
    key: KeyId,
    until: u64,
}

/// A broker at an address.
pub struct Remote {
    agent: Agent,
    base: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    proof_key: SigningKey,
    nonce: RefCell<Option<String>>,
    session: RefCell<Option<Session>>,
}

impl Remote {
    /// For an address; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError::Address`].
    pub fn new(address: &str, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, RemoteError> {
        let base = address.trim_end_matches('/').to_owned();
        check_address(&base)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_mins(2)))
            // A part takes seconds; one that takes minutes is on a link that is gone.
            .timeout_send_body(Some(Duration::from_mins(2)))
            // A stalled answer must end; a long one is gone on with by range.
            .timeout_recv_body(Some(Duration::from_mins(5)))
            .max_redirects(0)
            .build();
        let seed = zeroize::Zeroizing::new(random::<32>(&*entropy));
        Ok(Self {
            agent: Agent::new_with_config(config),
            base,
            clock,
            entropy,
            proof_key: SigningKey::from_bytes(&seed),
            nonce: RefCell::default(),
            session: RefCell::default(),
        })
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// `GET` for JSON.
    pub fn fetch<T: DeserializeOwned>(&self, path: &str, who: As<'_>) -> Result<T, RemoteError> {
        json(self.send("GET", path, &[], &mut || SendBody::none(), who)?)
    }

    /// Every page of a list.
    pub fn fetch_all<T: DeserializeOwned>(&self, path: &str, who: As<'_>) -> Result<Vec<T>, RemoteError> {
        let Listing { mut items, mut next } = self.fetch(path, who)?;
        for _ in 1..limits::LIST_PAGES {
            let Some(after) = next else { return Ok(items) };
            let page: Listing<T> = self.fetch(&format!("{path}?after={after}"), who)?;
            items.extend(page.items);
            next = page.next;
        }
        // Who lies can go on for ever.
        if next.is_none() { Ok(items) } else { Err(RemoteError::Answer("a list without an end".to_owned())) }
    }

    /// `GET` for JSON that is another one than `tag` names, waited for up to so many seconds (RFC 7240); with the tag of what
    /// came. `None` when it is still that one.
    pub fn fetch_changed<T: DeserializeOwned>(
        &self,
        path: &str,
        tag: Option<&str>,
        wait_seconds: u64,
        who: As<'_>,
    ) -> Result<Option<(T, Option<String>)>, RemoteError> {
        let known = tag.map(|tag| ("if-none-match", tag.to_owned()));
        let wait = (wait_seconds > 0).then(|| ("prefer", format!("wait={wait_seconds}")));
        let headers: Vec<(&str, String)> = known.into_iter().chain(wait).collect();
        let response = self.send("GET", path, &headers, &mut || SendBody::none(), who)?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let tag = response.headers().get("etag").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Some((json(response)?, tag)))
    }

    /// `GET` for text.
    pub fn fetch_text(&self, path: &str) -> Result<String, RemoteError> {
        let response = self.send("GET", path, &[], &mut || SendBody::none(), As::Anybody)?;
        let mut text = String::new();
        let mut reader = response.into_body().into_reader().take(ANSWER_BYTES);
        reader.read_to_string(&mut text).map_err(|e| RemoteError::Answer(e.to_string()))?;
        Ok(text)
    }

    /// `GET` for a stream of bytes.
    pub fn stream(&self, path: &str, headers: &[(&str, String)], who: As<'_>) -> Result<Response<Body>, RemoteError> {
        self.send("GET", path, headers, &mut || SendBody::none(), who)
    }

    /// Sends JSON, reads JSON.
    pub fn submit<B: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &B,
        who: As<'_>,
    ) -> Result<T, RemoteError> {
        let text = serde_json::to_string(body).map_err(|e| RemoteError::Answer(e.to_string()))?;
        let headers = [("content-type", "application/json".to_owned())];
        json(self.send(
            method,
            path,
            &headers,
            &mut || SendBody::from_owned_reader(std::io::Cursor::new(text.clone().into_bytes())),
            who,
        )?)
    }

    /// Sends JSON with more headers.
    pub fn submit_with<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        header: Option<(&str, String)>,
    ) -> Result<T, RemoteError> {
        let text = serde_json::to_string(body).map_err(|e| RemoteError::Answer(e.to_string()))?;
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(header);
        json(self.send(
            "POST",
            path,
            &headers,
            &mut || SendBody::from_owned_reader(std::io::Cursor::new(text.clone().into_bytes())),
            As::Anybody,
        )?)
    }

    /// Sends a stream of a known length. The stream is made anew when the request has to be repeated.
    ///
    /// # Errors
    /// [`RemoteError::File`] when the stream cannot be opened.
    pub fn upload(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        length: u64,
        open: &mut dyn FnMut() -> std::io::Result<Box<dyn Read + Send + Sync>>,
        who: As<'_>,
    ) -> Result<Uploaded, RemoteError> {
        // Signing in and the nonce are settled before the long request, so that it is sent once.
        if let As::Key(key) = who {
            self.sign_in(key)?;
        }
        let mut headers = headers.to_vec();
        headers.push(("content-length", length.to_string()));
        let mut failed = None;
        let mut body = || match open() {
            Ok(reader) => SendBody::from_owned_reader(reader),
            Err(error) => {
                failed = Some(error);
                SendBody::none()
            }
        };
        let response = self.send(method, path, &headers, &mut body, who);
        match failed {
            Some(error) => Err(RemoteError::File(error)),
            None => response.map(|response| Uploaded::of(&response)),
        }
    }

    /// One request without a body, of which only the headers of the answer matter.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        who: As<'_>,
    ) -> Result<Uploaded, RemoteError> {
        Ok(Uploaded::of(&self.send(method, path, headers, &mut || SendBody::none(), who)?))
    }

    /// One request; repeated once when the broker asks for another nonce or the token has gone.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &mut dyn FnMut() -> SendBody<'static>,
        who: As<'_>,
    ) -> Result<Response<Body>, RemoteError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let As::Key(key) = who {
                let token = self.sign_in(key)?;
                let proof = self.proof(method, path, Some(&token))?;
                request = request.header("authorization", format!("DPoP {token}")).header("dpop", proof);
            }
            let request = request.body(body()).map_err(|e| RemoteError::Answer(e.to_string()))?;
            let response = self.agent.run(request).map_err(|e| RemoteError::Unreachable(e.to_string()))?;
            self.keep_nonce(&response);
            if response.status() == StatusCode::UNAUTHORIZED && tries < 3 && matches!(who, As::Key(_)) {
                if !asks_for_nonce(&response) {
                    self.session.replace(None);
                }
                continue;
            }
            return checked(response, method == "HEAD");
        }
    }

    fn keep_nonce(&self, response: &Response<Body>) {
        if let Some(nonce) = response.headers().get("dpop-nonce").and_then(|v| v.to_str().ok()) {
            self.nonce.replace(Some(nonce.to_owned()));
        }
    }

    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> Result<String, RemoteError> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let claims = ProofClaims {
            jti: Nonce::from_bytes(random(&*self.entropy)).to_string(),
            htm: method.to_owned(),
            htu: format!("{}{path}", self.base),
            iat: self.clock.wall(),
            nonce: self.nonce.borrow().clone(),
            ath: token.map(oauth::token_hash),
        };
        oauth::sign_proof(&claims, &self.proof_key).map_err(|e| RemoteError::SignIn(e.to_string()))
    }

    /// The access token for a key, from memory or from the broker.
    fn sign_in(&self, key: &SigningKey) -> Result<String, RemoteError> {
        let kid = PublicKey::from_bytes(key.verifying_key().to_bytes()).thumbprint();
        let now = self.clock.wall().as_seconds();
        if let Some(session) = &*self.session.borrow()
            && session.key == kid
            && now + 30 < session.until
        {
            return Ok(session.token.clone());
        }
        let token = self.ask_for_token(key, kid)?;
        let session =
            Session { token: token.access_token.clone(), key: kid, until: now.saturating_add(token.expires_in) };
        self.session.replace(Some(session));
        Ok(token.access_token)
    }

    fn ask_for_token(&self, key: &SigningKey, kid: KeyId) -> Result<Token, RemoteError> {
        let sign_in = |e: oauth::OauthError| RemoteError::SignIn(e.to_string());
        for _ in 0..2 {
            let now = self.clock.wall();
            let assertion = Assertion {
                iss: kid,
                sub: kid,
                aud: self.base.clone(),
                jti: Jti::from_bytes(random(&*self.entropy)).to_string(),
                iat: now,
                exp: now.plus(limits::ASSERTION_LIFE),
            };
            let assertion = oauth::sign_assertion(&assertion, key).map_err(sign_in)?;
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "client_credentials")
                .append_pair("client_id", &kid.to_string())
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &assertion)
                .finish();
            let response = self
                .agent
                .post(format!("{}/oauth/token", self.base))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("dpop", self.proof("POST", "/oauth/token", None)?)
                .send(form)
                .map_err(|e| RemoteError::Unreachable(e.to_string()))?;
            self.keep_nonce(&response);
            if !matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
                // Not about signing in: the token itself, or a problem such as "busy" or "revoke only".
                return json(checked(response, false)?);
            }
            let problem: OauthProblem = json(response)?;
            if problem.error != "use_dpop_nonce" {
                return Err(RemoteError::SignIn(problem.error_description));
            }
        }
        Err(RemoteError::SignIn("the broker keeps asking for another nonce; check your clock".to_owned()))
    }
}

fn check_address(base: &str) -> Result<(), RemoteError> {
    let refused = || RemoteError::Address(base.to_owned());
    let url = url::Url::parse(base).map_err(|_| refused())?;
    let host = url.host_str().unwrap_or_default();
    let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]") || host.to_ascii_lowercase().ends_with(".onion");
    match url.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err(refused()),
    }
}

fn asks_for_nonce(response: &Response<Body>) -> bool {
    let challenge = response.headers().get("www-authenticate").and_then(|v| v.to_str().ok());
    challenge.is_some_and(|text| text.contains("use_dpop_nonce"))
}

fn checked(response: Response<Body>, head: bool) -> Result<Response<Body>, RemoteError> {
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let status = response.status();
    if let Some(problem) = Problem::of_status(status.as_u16()).filter(|_| head) {
        return Err(RemoteError::Problem(Box::new(problem)));
    }
    match json::<Problem>(response) {
        Ok(problem) => Err(RemoteError::Problem(Box::new(problem))),
        Err(_) => Err(RemoteError::Answer(format!("status {status} without a problem"))),
    }
}

fn json<T: DeserializeOwned>(response: Response<Body>) -> Result<T, RemoteError> {
    let reader = response.into_body().into_reader().take(ANSWER_BYTES);
    serde_json::from_reader(reader).map_err(|e| RemoteError::Answer(e.to_string()))
}
