//! Streaming header ‖ payload with constant memory, whole or one byte range (RFC 9110, section 14).

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body::Frame;
use std::{fs::File, io, ops::Range};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Bytes read from the file at once. Smaller reads cost throughput, larger ones memory: a stalled reader holds five.
const CHUNK_BYTES: usize = 32 * 1024;

/// What is streamed.
pub(super) struct Source {
    pub(super) header: Vec<u8>,
    pub(super) payload: File,
    pub(super) payload_bytes: u64,
}

/// Whether a stream may write its next bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Stop,
}

/// The response that streams `source`; `go` is asked before every chunk.
pub(super) async fn stream(
    source: Source,
    headers: &HeaderMap,
    go: impl Fn() -> Go + Send + 'static,
) -> io::Result<Response> {
    let total = source.header.len() as u64 + source.payload_bytes;
    let (status, range) = match asked_range(headers, total) {
        Asked::Whole => (StatusCode::OK, 0..total),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Unsatisfiable => return Ok(unsatisfiable(total)),
    };
    let content_range = format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1));
    let length = range.end - range.start;
    let mut response = body(source, range, go).await?.into_response();
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
    Ok(response)
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

async fn body(source: Source, range: Range<u64>, go: impl Fn() -> Go + Send + 'static) -> io::Result<Body> {
    let header_bytes = source.header.len() as u64;
    let in_header = clamp(range.start, header_bytes)..clamp(range.end, header_bytes);
    let head = source.header.get(in_header).map(<[u8]>::to_vec).unwrap_or_default();
    let skip = range.start.saturating_sub(header_bytes);
    let mut left = (range.end - range.start).saturating_sub(head.len() as u64);
    let mut file = tokio::fs::File::from_std(source.payload);
    file.set_max_buf_size(CHUNK_BYTES);
    file.seek(io::SeekFrom::Start(skip)).await?;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, io::Error>>(1);
    tokio::spawn(async move {
        if !head.is_empty() && (go() == Go::Stop || sender.send(Ok(Frame::data(head.into()))).await.is_err()) {
            return;
        }
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let mut chunk = vec![0; wanted];
            let sent = match file.read_exact(&mut chunk).await {
                _ if go() == Go::Stop => return,
                Ok(_) => sender.send(Ok(Frame::data(chunk.into()))).await,
                Err(error) => sender.send(Err(error)).await,
            };
            if sent.is_err() {
                return;
            }
            left -= wanted as u64;
        }
    });
    Ok(Body::new(Frames { receiver }))
}

fn clamp(position: u64, most: u64) -> usize {
    // `most` is a header's length, at most 64 KiB.
    usize::try_from(position.min(most)).unwrap_or(usize::MAX)
}

/// Frames from a channel as a body.
struct Frames {
    receiver: tokio::sync::mpsc::Receiver<Result<Frame<Bytes>, io::Error>>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.receiver.poll_recv(context)
    }
}
