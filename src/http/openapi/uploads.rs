//! Operations of resumable uploads (tus 1.0).

use super::operation::{Need, Operation, READING, Schemas, operation};
use crate::{
    model::{
        ids::{ReportId, UploadId},
        limits,
    },
    wire::{
        api::{Accepted, PublishUpload, UploadSummary},
        problem::ProblemType,
        tus,
    },
};
use serde_json::{Value, json};

const ONE: &str = "/v1/uploads/{id}";
const ALL: &str = "/v1/uploads";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let here = "Says which version and extensions of tus are spoken here.";
    vec![
        capabilities(operation(("OPTIONS", ALL), "describeUploads", "Ask what uploads can do", here)),
        capabilities(
            operation(("OPTIONS", ONE), "describeUpload", "Ask what an upload can do", here)
                .names::<UploadId>("Any upload; none is looked for."),
        ),
        list(schemas),
        create(),
        standing(),
        append(),
        end(),
        publish(schemas),
    ]
}

fn word(value: &str) -> Value {
    json!({ "type": "string", "const": value })
}
fn bytes() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": limits::PAYLOAD_BYTES })
}

/// Every request but `OPTIONS` and `GET` says which version it speaks.
fn versioned(operation: Operation) -> Operation {
    operation
        .header("Tus-Resumable", Need::Required, word(tus::VERSION), "The version of tus the client speaks.")
        .problems(&[ProblemType::TusVersion])
}
fn speaks(operation: Operation, status: u16) -> Operation {
    operation.with(status, "Tus-Resumable", &word(tus::VERSION), "The version of tus spoken here.")
}
/// Where an upload stands, and until when it is kept.
fn stands(operation: Operation, status: u16) -> Operation {
    let until = json!({ "type": "string" });
    speaks(operation, status).with(status, "Upload-Offset", &bytes(), "Bytes that have arrived.").with(
        status,
        "Upload-Expires",
        &until,
        "When it is thrown away unless more arrives (RFC 9110 date).",
    )
}

fn capabilities(operation: Operation) -> Operation {
    speaks(operation.answers(204, Value::Null, "In the headers."), 204)
        .with(204, "Tus-Version", &word(tus::VERSION), "Versions spoken.")
        .with(204, "Tus-Extension", &word(tus::EXTENSIONS), "Extensions spoken.")
        .with(204, "Tus-Max-Size", &json!({ "type": "integer", "const": limits::PAYLOAD_BYTES }), "Longest payload.")
        .with(204, "Tus-Checksum-Algorithm", &word(tus::CHECKSUMS), "Checksums known.")
}

fn list(schemas: &mut Schemas) -> Operation {
    let what = "The caller's uploads on their way, for a client that lost their addresses.";
    let operation = operation(("GET", ALL), "listUploads", "List your uploads", what)
        .answers_json(schemas.listing::<UploadSummary>(), "The uploads.")
        .problems(READING);
    speaks(operation, 200)
}

/// The length of an upload, and the checksum of the part in the same request.
fn length_and_checksum(operation: Operation) -> Operation {
    let checksum = json!({ "type": "string", "pattern": "^sha(1|256) [A-Za-z0-9+/]+={0,2}$" });
    operation.header("Upload-Length", Need::Optional, bytes(), "How long the payload is.").header(
        "Upload-Checksum",
        Need::Optional,
        checksum,
        "Of this part: `sha1` or `sha256`, a space, and base64.",
    )
}

fn create() -> Operation {
    let what = "Begins the upload of a payload, perhaps with its first bytes. Either Upload-Length or \
        Upload-Defer-Length says how long it is. When first bytes are cut off or damaged, the upload is begun all the \
        same: Upload-Offset says what was kept.";
    let metadata = "Pairs of a key and a base64 value, joined by commas. `report` names the declared report; \
        everything else is ignored and forgotten.";
    let operation = length_and_checksum(versioned(operation(("POST", ALL), "beginUpload", "Begin an upload", what)))
        .header("Upload-Defer-Length", Need::Optional, word("1"), "The length is said later, by a PATCH.")
        .header("Upload-Metadata", Need::Optional, json!({ "type": "string" }), metadata)
        .may_take(tus::PART)
        .answers(201, Value::Null, "Begun.")
        .with(201, "Location", &json!({ "type": "string" }), "Where it is, relative to the address asked.");
    stands(operation, 201).problems(PUBLISHING).problems(&[ProblemType::MediaType, ProblemType::OverQuota])
}

/// What may go wrong whenever an upload is looked at: one that has arrived whole is published first.
const PUBLISHING: &[ProblemType] = &[
    ProblemType::NotFound,
    ProblemType::Conflict,
    ProblemType::Locked,
    ProblemType::PayloadMismatch,
    ProblemType::RevokeOnly,
    ProblemType::StorageFull,
    ProblemType::Internal,
];

fn standing() -> Operation {
    let what = "Says where an upload stands, so that a client can go on from there. Upload-Length, or \
        Upload-Defer-Length, and Upload-Metadata say what is known of it.";
    let operation = versioned(operation(("HEAD", ONE), "findOffset", "See where an upload stands", what))
        .names::<UploadId>("The upload.")
        .answers(200, Value::Null, "It is on its way.");
    stands(operation, 200).problems(PUBLISHING)
}

fn append() -> Operation {
    let what = "Appends a part. When the link is cut, what came is kept; a part with a checksum is kept whole or not \
        at all. The last part of an upload that names its report publishes the payload.";
    let offset = "Where the part begins: where the upload stands.";
    let operation = versioned(operation(("PATCH", ONE), "appendPart", "Append a part", what))
        .names::<UploadId>("The upload.")
        .header("Upload-Offset", Need::Required, bytes(), offset);
    let operation = length_and_checksum(operation).takes(tus::PART, json!({})).answers(204, Value::Null, "Appended.");
    stands(operation, 204).problems(PUBLISHING).problems(&[
        ProblemType::MediaType,
        ProblemType::OffsetMismatch,
        ProblemType::ChecksumMismatch,
        ProblemType::OverQuota,
    ])
}

fn end() -> Operation {
    let what = "Ends an upload and throws away what has arrived. A payload that was published stays.";
    let operation = versioned(operation(("DELETE", ONE), "endUpload", "End an upload", what))
        .names::<UploadId>("The upload.")
        .answers(204, Value::Null, "Ended.");
    speaks(operation, 204).problems(&[ProblemType::NotFound, ProblemType::Locked, ProblemType::Internal])
}

fn publish(schemas: &mut Schemas) -> Operation {
    let what = "Makes a whole upload the payload of a report, and proves that it is stored, also when it was before. \
        It is published only if length and SHA-256 are those of the report statement.";
    operation(("PUT", "/v1/reports/{id}/payload"), "publishPayload", "Publish an uploaded payload", what)
        .names::<ReportId>("The report.")
        .takes_json(schemas.of::<PublishUpload>())
        .answers_json(schemas.of::<Accepted>(), "Stored; the receipt proves it.")
        .problems(super::operation::WRITING)
        .problems(&[ProblemType::PayloadMismatch, ProblemType::Conflict, ProblemType::Locked])
}
