//! `/v1/uploads`: resumable uploads by tus 1.0, so that stock clients work.
//!
//! Bytes are appended as they arrive, in a task of their own: when the link is cut, what came is kept. `X-HTTP-Method-
//! Override` is not honoured, because a proof of possession names the method.

use super::{
    caller::{SignedIn, single_header},
    json::Id,
    problem::{Failure, insert},
};
use crate::{
    broker::{Broker, BrokerError, Caller, PartHead, PartWriter, Standing},
    model::{ids::UploadId, limits},
    wire::{
        api::{Listing, UploadSummary},
        problem::{Problem, ProblemType},
        tus::{self, Checksum, TusError},
    },
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, options},
};
use http_body_util::BodyExt as _;
use std::{sync::Arc, time::Duration};

const PATH: &str = "/v1/uploads";

/// The paths of uploads.
pub(super) fn router() -> Router<Arc<Broker>> {
    Router::new()
        .route(PATH, get(list).post(create).options(capabilities))
        .route("/v1/uploads/{id}", options(capabilities).head(standing).patch(append).delete(end))
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn(speak_tus))
}

/// Every answer says which protocol is spoken; a request that speaks another is refused before it is looked at.
async fn speak_tus(request: Request, next: Next) -> Response {
    let needs = !matches!(*request.method(), Method::OPTIONS | Method::GET);
    let asked = single_header(request.headers(), "tus-resumable");
    let mut response = if needs && asked != Some(tus::VERSION) {
        let mut refused = Failure::from(Problem::new(ProblemType::TusVersion)).into_response();
        insert(&mut refused, HeaderName::from_static("tus-version"), tus::VERSION);
        refused
    } else {
        next.run(request).await
    };
    insert(&mut response, HeaderName::from_static("tus-resumable"), tus::VERSION);
    response
}

/// What this server can do.
async fn capabilities() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let most = limits::PAYLOAD_BYTES.to_string();
    for (name, value) in [
        ("tus-version", tus::VERSION),
        ("tus-extension", tus::EXTENSIONS),
        ("tus-max-size", &most),
        ("tus-checksum-algorithm", tus::CHECKSUMS),
    ] {
        insert(&mut response, HeaderName::from_static(name), value);
    }
    response
}

/// The caller's uploads on their way.
async fn list(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<Listing<UploadSummary>>, Failure> {
    Ok(Json(broker.uploads(&caller)?))
}

/// Begins an upload, perhaps with its first bytes.
async fn create(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let length = tus::length(text(&headers, "upload-length")?, text(&headers, "upload-defer-length")?).map_err(form)?;
    let report = tus::report(text(&headers, "upload-metadata")?.unwrap_or_default()).map_err(form)?;
    let with_bytes = is_part(&headers).is_ok();
    if !with_bytes && http_body::Body::size_hint(&body).lower() > 0 {
        is_part(&headers)?;
    }
    let checksum = checksum(&headers)?;
    let mut standing = broker.begin_upload(length, report, &caller)?;
    if with_bytes {
        let head = PartHead { offset: 0, length: None, checksum };
        // Begun is begun: where the first bytes are cut off or damaged, the client goes on at the address it is told.
        match take(&broker, standing.id, head, &caller, body).await {
            Ok(further) => standing = further,
            Err(BrokerError::Cut | BrokerError::Checksum) => {}
            // The client will never hear where the rest could go.
            Err(error) => {
                drop(broker.end_upload(standing.id, &caller).await);
                return Err(error.into());
            }
        }
    }
    let mut response = answer(StatusCode::CREATED, &standing);
    // Relative to the address asked, which a proxy may have changed.
    insert(&mut response, header::LOCATION, &format!("{PATH}/{}", standing.id));
    Ok(response)
}

/// Where an upload stands.
async fn standing(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(id): Id<UploadId>,
) -> Result<Response, Failure> {
    let standing = broker.standing(id, &caller).await?;
    let mut response = answer(StatusCode::OK, &standing);
    match standing.length {
        Some(length) => insert(&mut response, HeaderName::from_static("upload-length"), &length.to_string()),
        None => insert(&mut response, HeaderName::from_static("upload-defer-length"), "1"),
    }
    if let Some(report) = standing.report {
        insert(&mut response, HeaderName::from_static("upload-metadata"), &tus::metadata(report));
    }
    Ok(response)
}

/// Appends a part.
async fn append(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(id): Id<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    is_part(&headers)?;
    let number = |name| match text(&headers, name)? {
        Some(text) => tus::bytes("Upload-Offset and Upload-Length", text).map(Some).map_err(form),
        None => Ok(None),
    };
    let offset = number("upload-offset")?
        .ok_or_else(|| Problem::new(ProblemType::Malformed).with_detail("Upload-Offset is missing"))?;
    let head = PartHead { offset, length: number("upload-length")?, checksum: checksum(&headers)? };
    match take(&broker, id, head, &caller, body).await {
        Ok(standing) => Ok(answer(StatusCode::NO_CONTENT, &standing)),
        Err(BrokerError::Offset(at)) => {
            let mut response = Failure::from(BrokerError::Offset(at)).into_response();
            insert(&mut response, HeaderName::from_static("upload-offset"), &at.to_string());
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends an upload.
async fn end(
    State(broker): State<Arc<Broker>>,
    SignedIn(caller): SignedIn,
    Id(id): Id<UploadId>,
) -> Result<StatusCode, Failure> {
    broker.end_upload(id, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a part in a task of its own: the handler is dropped when the client goes away, what it sent must not be.
async fn take(
    broker: &Arc<Broker>,
    id: UploadId,
    head: PartHead,
    caller: &Caller,
    body: Body,
) -> Result<Standing, BrokerError> {
    let writer = broker.begin_part(id, head, caller).await?;
    let taken = tokio::spawn(pour(writer, body));
    taken.await.map_err(|error| BrokerError::Internal(error.to_string()))?
}

async fn pour(mut writer: PartWriter, mut body: Body) -> Result<Standing, BrokerError> {
    let mut patience = Duration::from_secs(limits::BODY_IDLE_SECONDS);
    loop {
        let frame = tokio::select! {
            biased;
            frame = tokio::time::timeout(patience, body.frame()) => frame,
            // Somebody else wants to write. If this client is still there, its next bytes come soon.
            () = writer.asked() => {
                patience = PartWriter::PATIENCE;
                continue;
            }
        };
        match frame {
            Ok(Some(Ok(frame))) => {
                patience = Duration::from_secs(limits::BODY_IDLE_SECONDS);
                let Ok(bytes) = frame.into_data() else { continue };
                // Hashing and writing a frame take the time of a disk's cache; the worker steps aside for it.
                if let Err(error) = tokio::task::block_in_place(|| writer.write(&bytes)) {
                    writer.cut()?;
                    return Err(error);
                }
            }
            Ok(None) => return writer.finish().await,
            Ok(Some(Err(_))) | Err(_) => {
                writer.cut()?;
                return Err(BrokerError::Cut);
            }
        }
    }
}

fn answer(status: StatusCode, standing: &Standing) -> Response {
    let mut response = status.into_response();
    insert(&mut response, HeaderName::from_static("upload-offset"), &standing.offset.to_string());
    if let Some(date) = http_date(standing.expires.as_seconds()) {
        insert(&mut response, HeaderName::from_static("upload-expires"), &date);
    }
    response
}

/// RFC 9110, section 5.6.7.
fn http_date(seconds: u64) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn is_part(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.get(header::CONTENT_TYPE) == Some(&HeaderValue::from_static(tus::PART)) {
        return Ok(());
    }
    Err(Problem::new(ProblemType::MediaType).with_detail(format!("Content-Type must be {}", tus::PART)).into())
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Failure> {
    text(headers, "upload-checksum")?.map(Checksum::parse).transpose().map_err(form)
}

/// A header that may be there once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Failure> {
    match (headers.contains_key(name), single_header(headers, name)) {
        (true, None) => Err(Problem::new(ProblemType::Malformed).with_detail(format!("{name} must come once")).into()),
        (_, value) => Ok(value),
    }
}

fn form(error: TusError) -> Failure {
    Problem::new(ProblemType::Malformed).with_detail(error.to_string()).into()
}
