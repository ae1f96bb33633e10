//! Streaming header ‖ payload with constant memory, whole or one byte range (RFC 9110, section 14).
//!
//! The payload comes in checked chunks, also for a range that begins inside one: a chunk that is not what was stored
//! cuts the stream before any byte of it is sent.

use crate::{broker::Payload, model::limits::SUM_CHUNK_BYTES};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body::Frame;
use std::{
    future::Future,
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What is streamed.
pub(super) struct Source {
    pub(super) header: Vec<u8>,
    pub(super) payload: Payload,
}

/// Whether a stream may write its next bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Stop,
}

/// The response that streams `source`; `go` is asked before every chunk.
pub(super) fn stream(source: Source, headers: &HeaderMap, go: impl Fn() -> Go + Send + Sync + 'static) -> Response {
    let total = source.header.len() as u64 + source.payload.bytes();
    let (status, range) = match asked_range(headers, total) {
        Asked::Whole => (StatusCode::OK, 0..total),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Unsatisfiable => return unsatisfiable(total),
    };
    let content_range = format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1));
    let length = range.end - range.start;
    let mut response = body(source, range, go).into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = HeaderValue::from_str(&content_range)
    {
        headers.insert(header::CONTENT_RANGE, value);
    }
    response
}

fn unsatisfiable(total: u64) -> Response {
    let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{total}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

enum Asked {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// One range of bytes; anything more elaborate is answered whole, as RFC 9110 allows.
fn asked_range(headers: &HeaderMap, total: u64) -> Asked {
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((from, to)) = text.and_then(|t| t.strip_prefix("bytes=")).and_then(|t| t.split_once('-')) else {
        return Asked::Whole;
    };
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(total),
        (Ok(from), Err(_)) if to.is_empty() => from..total,
        (Err(_), Ok(last)) if from.is_empty() => total.saturating_sub(last)..total,
        _ => return Asked::Whole,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Unsatisfiable }
}

/// A body that reads a chunk when it is asked for one and not before: a reader that stalls holds no more than what
/// hyper had asked for.
fn body(source: Source, range: Range<u64>, go: impl Fn() -> Go + Send + Sync + 'static) -> Body {
    let header_bytes = source.header.len() as u64;
    let in_header = clamp(range.start, header_bytes)..clamp(range.end, header_bytes);
    let head = source.header.get(in_header).map(<[u8]>::to_vec).unwrap_or_default();
    Body::new(Chunks {
        payload: Arc::new(source.payload),
        go: Box::new(go),
        head: Bytes::from(head),
        at: range.start.saturating_sub(header_bytes),
        end: range.end.saturating_sub(header_bytes),
        reading: None,
    })
}

/// A chunk on its way from the disk.
type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

struct Chunks {
    payload: Arc<Payload>,
    go: Box<dyn Fn() -> Go + Send + Sync>,
    head: Bytes,
    // INVARIANT: payload bytes from `at` to `end` have not been handed out; `reading` begins at `at`.
    at: u64,
    end: u64,
    reading: Option<Reading>,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if !this.head.is_empty() {
            return Poll::Ready(((this.go)() == Go::On).then(|| Ok(Frame::data(std::mem::take(&mut this.head)))));
        }
        if this.at >= this.end {
            return Poll::Ready(None);
        }
        let (payload, at, end) = (this.payload.clone(), this.at, this.end);
        let reading = this.reading.get_or_insert_with(|| Box::pin(async move { part(&payload, at, end).await }));
        let read = std::task::ready!(reading.as_mut().poll(context));
        this.reading = None;
        // Asked after reading: what was read before a revocation is not sent after it.
        if (this.go)() == Go::Stop {
            this.at = this.end;
            return Poll::Ready(None);
        }
        match &read {
            Ok(bytes) => this.at += bytes.len() as u64,
            Err(_) => this.at = this.end,
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }
}

/// What of a range lies in the chunk where it begins, checked as part of its chunk; never empty.
async fn part(payload: &Payload, at: u64, end: u64) -> io::Result<Bytes> {
    let size = SUM_CHUNK_BYTES as u64;
    let index = at / size;
    let chunk = Bytes::from(payload.chunk(index).await?);
    let start = index.saturating_mul(size);
    let inside = clamp(at - start, size)..clamp(end.saturating_sub(start), chunk.len() as u64);
    if inside.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(chunk.slice(inside)) }
}

fn clamp(position: u64, most: u64) -> usize {
    // `most` is the length of a header or a chunk: a few hundred kilobytes.
    usize::try_from(position.min(most)).unwrap_or(usize::MAX)
}
