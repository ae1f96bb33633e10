//! `GET /v1/inbox`: what the caller has to do something about; with `Prefer: wait` (RFC 7240) and `If-None-Match` it is
//! answered when there is something new.

use super::{
    after::After,
    caller::{SignedIn, single_header},
    problem::Failure,
};
use crate::{
    broker::Broker,
    model::{ids::Digest, limits},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};

pub(super) const PATH: &str = "/v1/inbox";

/// One page; 304 when it is still the one named in `If-None-Match`.
pub(super) async fn page(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    After(after): After,
) -> Result<Response, Failure> {
    let known = single_header(&headers, "if-none-match").and_then(tag);
    let wait = if known.is_some() { wait(&headers) } else { Duration::ZERO };
    let (page, now) = broker.inbox_when_new(&caller, after.as_deref(), known, wait).await?;
    let mut response =
        if known == Some(now) { StatusCode::NOT_MODIFIED.into_response() } else { Json(page).into_response() };
    if let Ok(value) = HeaderValue::from_str(&format!("\"{now}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

fn tag(text: &str) -> Option<Digest> {
    text.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// `wait=N` among the preferences; what is not understood is no wish, and nobody waits longer than the bound.
fn wait(headers: &HeaderMap) -> Duration {
    let mut wishes = single_header(headers, "prefer").unwrap_or_default().split(',');
    let seconds = wishes.find_map(|wish| wish.trim().strip_prefix("wait=")?.parse::<u64>().ok());
    Duration::from_secs(seconds.unwrap_or(0).min(limits::WAIT_SECONDS))
}
