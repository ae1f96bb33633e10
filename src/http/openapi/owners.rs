//! Operations of advocates: reports, grants, and statements of anybody who is signed in.

use super::operation::{Need, Operation, READING, STATEMENT, Schemas, WRITING, content, operation};
use crate::{
    model::ids::{GrantId, ReportId},
    wire::{
        api::{
            Accepted, GrantSummary, OwnerHeader, ReportSummary, RequestSummary, SubmitGrant, SubmitHeader,
            SubmitReport, SubmitStatement,
        },
        problem::ProblemType,
    },
};
use serde_json::{Value, json};

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = vec![state(schemas), reports(schemas), declare(schemas), own_payload()];
    all.extend([owner_header(schemas), requests(schemas), grants(schemas), give(schemas), complete(schemas)]);
    all
}

fn state(schemas: &mut Schemas) -> Operation {
    let what = "Takes a statement that brings no header and releases nothing: `request`, `acknowledgement`, \
        `officer`, `recipient-key`, `admission`, `approval`, `roster`, `attestation`, `suspension`.";
    operation(("POST", "/v1/statements"), "submitStatement", "Submit a statement", what)
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Accepted>(), "Accepted; the receipt proves it.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn reports(schemas: &mut Schemas) -> Operation {
    operation(("GET", "/v1/reports"), "listReports", "List your reports", "The caller's own reports, at most 500.")
        .answers_json(schemas.listing::<ReportSummary>(), "The reports.")
        .problems(READING)
}

fn declare(schemas: &mut Schemas) -> Operation {
    let what = "Declares a report by its statement, with the header its owner opens it with. The payload follows.";
    operation(("POST", "/v1/reports"), "declareReport", "Declare a report", what)
        .takes_json(schemas.of::<SubmitReport>())
        .answers_json(schemas.of::<Accepted>(), "Declared; `id` names the report from now on.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn own_payload() -> Operation {
    let what = "The payload as it was uploaded, without any header.";
    let at = ("GET", "/v1/reports/{id}/payload");
    in_ranges(operation(at, "fetchOwnPayload", "Fetch back a payload", what).names::<ReportId>("The report."))
        .problems(&[ProblemType::NotFound, ProblemType::Internal])
}

/// The answers of a file that may be asked for in parts.
pub(super) fn in_ranges(operation: Operation) -> Operation {
    let bytes = || content("application/octet-stream", json!({}));
    let range = "One byte range, such as `bytes=1048576-`. Several ranges, or other units, are answered whole.";
    let (words, where_) = (json!({ "type": "string" }), "Which bytes of how many.");
    let accepts = (json!({ "type": "string", "const": "bytes" }), "Parts can be asked for.");
    operation
        .header("Range", Need::Optional, words.clone(), range)
        .answers(200, bytes(), "The whole file.")
        .with(200, "Accept-Ranges", &accepts.0, accepts.1)
        .answers(206, bytes(), "The bytes asked for.")
        .with(206, "Content-Range", &words, where_)
        .answers(416, Value::Null, "The range lies outside the file.")
        .with(416, "Content-Range", &words, "How many bytes there are.")
}

fn owner_header(schemas: &mut Schemas) -> Operation {
    let what = "The owner's own header, to open the report or to re-wrap it for an institution. The fetch is logged \
        before the header leaves.";
    let at = ("POST", "/v1/reports/{id}/owner-header");
    operation(at, "fetchOwnerHeader", "Fetch your header", what)
        .names::<ReportId>("The report.")
        .answers_json(schemas.of::<OwnerHeader>(), "The header.")
        .problems(WRITING)
        .problems(&[ProblemType::Denied])
}

fn requests(schemas: &mut Schemas) -> Operation {
    let what = "Access requests received, or sent by the caller's institution, at most 500.";
    operation(("GET", "/v1/requests"), "listRequests", "List access requests", what)
        .answers_json(schemas.listing::<RequestSummary>(), "The requests.")
        .problems(READING)
}

fn grants(schemas: &mut Schemas) -> Operation {
    let what = "Grants given, or made to the caller's institution, at most 500.";
    operation(("GET", "/v1/grants"), "listGrants", "List grants", what)
        .answers_json(schemas.listing::<GrantSummary>(), "The grants.")
        .problems(READING)
}

fn give(schemas: &mut Schemas) -> Operation {
    let what = "Gives a grant by its statement. The header wrapped for the institution comes with it, or is kept back \
        and follows later: until then nothing can be released.";
    operation(("POST", "/v1/grants"), "giveGrant", "Give a grant", what)
        .takes_json(schemas.of::<SubmitGrant>())
        .answers_json(schemas.of::<Accepted>(), "Given; `id` names the grant from now on.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn complete(schemas: &mut Schemas) -> Operation {
    let what = "Brings the header that was kept back when the grant was given. It is the one whose SHA-256 the grant \
        names.";
    operation(("PUT", "/v1/grants/{id}/header"), "completeGrant", "Bring a grant's header", what)
        .names::<GrantId>("The grant.")
        .takes_json(schemas.of::<SubmitHeader>())
        .answers_json(schemas.of::<Accepted>(), "Received; the receipt proves it.")
        .problems(WRITING)
        .problems(&[ProblemType::StatementRefused])
}
