//! `/`: the page for people without a command line, built into the program (`build.rs`), with the rules a browser holds
//! it to. It is served as it was built; nothing in it depends on who asks.

use super::{
    problem::{self, Failure},
    routes::{Access, Route},
};
use crate::{
    broker::{Broker, BrokerError},
    model::ids::Digest,
};
use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    response::IntoResponse as _,
    routing::get,
};
use std::sync::Arc;

include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// One file of the page.
pub(super) struct Asset {
    path: &'static str,
    /// Lower-case hexadecimal; empty for the manifest, which cannot name itself.
    sha256: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

/// The paths of the page; they are no part of the interface for programs.
pub const PAGES: &[Route] = &[
    Route { method: "GET", path: "/", access: Access::Anybody },
    Route { method: "GET", path: "/assets.txt", access: Access::Anybody },
    Route { method: "GET", path: "/offline.html", access: Access::Anybody },
    Route { method: "GET", path: "/assets/{file}", access: Access::Anybody },
];

/// What a browser may do with the page: run its own scripts by their hash, ask this broker, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types amana-worker svelte-trusted-html";

/// The page that works without a connection, one file.
const OFFLINE: &str = "offline.html";

/// Headers of every file of the page.
const RULES: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("integrity-policy", "blocked-destinations=(script)"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

pub(super) fn router() -> Router<Arc<Broker>> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| answer("index.html", &headers)))
        .route("/assets.txt", get(async |headers: HeaderMap| answer("assets.txt", &headers)))
        .route("/offline.html", get(async |headers: HeaderMap| answer(OFFLINE, &headers)))
        .route("/assets/{file}", get(asset))
}

/// Why the page is not in this program, if it is not.
pub const fn missing() -> Option<&'static str> {
    MISSING
}

/// What names this version of the page: SHA-256 over the list of its files. None when the page is not in this program.
pub fn digest() -> Option<Digest> {
    ASSETS.iter().find(|asset| asset.path == "assets.txt").map(|list| Digest::of(list.plain))
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response<Body> {
    answer(&format!("assets/{file}"), &headers)
}

fn answer(path: &str, asked: &HeaderMap) -> Response<Body> {
    match (ASSETS.iter().find(|asset| asset.path == path), MISSING) {
        (Some(asset), _) => found(asset, asked),
        (None, Some(why)) if path == "index.html" => {
            let words = format!("This is an Amana broker. Its page is not here: {why}.\n");
            (StatusCode::NOT_FOUND, words).into_response()
        }
        (None, _) => Failure::from(BrokerError::NotFound).into_response(),
    }
}

fn found(asset: &Asset, asked: &HeaderMap) -> Response<Body> {
    let (encoding, bytes) = encoded(asset, asked);
    let tag = tag_of(asset, encoding);
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let (status, body) =
        if unchanged { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, bytes.into()) };
    let mut response = (status, body).into_response();
    for (name, value) in RULES {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_of(asset.path)));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching(asset.path)));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if asset.path == OFFLINE {
        // Never run under this origin: it is saved and opened from where it was saved.
        let saved = HeaderValue::from_static("attachment; filename=\"amana-offline.html\"");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    problem::insert(&mut response, header::ETAG, &tag);
    if !encoding.is_empty() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The smallest form the caller takes.
fn encoded(asset: &Asset, asked: &HeaderMap) -> (&'static str, &'static [u8]) {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').map(str::trim).any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            coding.trim() == name && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    };
    if takes("br") {
        ("br", asset.brotli)
    } else if takes("gzip") {
        ("gzip", asset.gzip)
    } else {
        ("", asset.plain)
    }
}

/// Strong: it names the bytes that are sent.
fn tag_of(asset: &Asset, encoding: &str) -> String {
    let name = if asset.sha256.is_empty() { Digest::of(asset.plain).to_string() } else { asset.sha256.to_owned() };
    format!("\"{name}{}{encoding}\"", if encoding.is_empty() { "" } else { "-" })
}

/// A name under `/assets/` holds the hash of what it names; the rest is asked for anew each time.
fn caching(path: &str) -> &'static str {
    if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
