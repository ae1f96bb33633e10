//! `/log/{log}/…`: both logs for everybody, as C2SP tlog-tiles. They move at publications only.

use super::problem::Failure;
use crate::{
    broker::{Broker, BrokerError},
    model::event::Log,
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// What was published stays as it is.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The signed checkpoint, with its cosignatures.
pub(super) async fn checkpoint(State(broker): State<Arc<Broker>>, Path(log): Path<String>) -> Result<Response, Failure> {
    let note = broker.published_checkpoint(log_of(&log)?)?;
    Ok(answer(note.into_bytes(), "text/plain; charset=utf-8", "no-store"))
}

/// A hash tile or an entry bundle.
pub(super) async fn tile(
    State(broker): State<Arc<Broker>>,
    Path((log, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let log = log_of(&log)?;
    let path = format!("tile/{path}");
    // Read off the executor: a bundle opens up to 256 sealed rows.
    let read = tokio::task::spawn_blocking(move || broker.published_tile(log, &path));
    let bytes = read.await.map_err(|e| BrokerError::Internal(e.to_string()))??;
    Ok(answer(bytes, "application/octet-stream", FOR_EVER))
}

fn log_of(word: &str) -> Result<Log, BrokerError> {
    match word {
        "register" => Ok(Log::Register),
        "case" => Ok(Log::Case),
        _ => Err(BrokerError::NotFound),
    }
}

fn answer(bytes: Vec<u8>, kind: &'static str, caching: &'static str) -> Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
