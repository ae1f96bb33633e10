//! Operations of advocates: reports, grants, and statements of anybody who is signed in.

use super::operation::{Need, Operation, READING, STATEMENT, Schemas, WRITING, content, operation};
use crate::{
    model::ids::{GrantId, ReportId},
    wire::{
        api::{
            Accepted, Foreseen, GrantSummary, InboxPage, OwnerHeader, ReportSummary, RequestSummary, SubmitDraft,
            SubmitGrant, SubmitHeader, SubmitReport, SubmitStatement,
        },
        problem::ProblemType,
    },
};
use serde_json::{Value, json};

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = vec![state(schemas), reports(schemas), declare(schemas), own_payload()];
    all.extend([owner_header(schemas), replace_owner_header(schemas), requests(schemas), grants(schemas)]);
    all.extend([give(schemas), preview(schemas), complete(schemas), inbox(schemas)]);
    all
}

fn state(schemas: &mut Schemas) -> Operation {
    let what = "Takes a statement that brings no header and releases nothing: `request`, `acknowledgement`, \
        `status`, `refusal`, `question`, `notice`, `withdrawal`, `rotation`, `recovery`, `thaw`, `officer`, \
        `recipient-key`, `terms`, `call`, `record`, `closing`, `admission`, `approval`, `roster`, `resumption`, \
        `web-release`, `attestation`, `suspension`, `audited`.";
    operation(("POST", "/v1/statements"), "submitStatement", "Submit a statement", what)
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Accepted>(), "Accepted; the receipt proves it.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn reports(schemas: &mut Schemas) -> Operation {
    operation(("GET", "/v1/reports"), "listReports", "List your reports", "The caller's own reports.")
        .query("after", json!({ "type": "string" }), "`next` of the page before.")
        .answers_json(schemas.listing::<ReportSummary>(), "The reports, oldest first, at most 500 a page.")
        .problems(READING)
        .problems(&[ProblemType::Malformed])
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
    let what = "Access requests received, or sent by the caller's institution.";
    operation(("GET", "/v1/requests"), "listRequests", "List access requests", what)
        .query("after", json!({ "type": "string" }), "`next` of the page before.")
        .answers_json(schemas.listing::<RequestSummary>(), "The requests, oldest first, at most 500 a page.")
        .problems(READING)
        .problems(&[ProblemType::Malformed])
}

fn grants(schemas: &mut Schemas) -> Operation {
    let what = "Grants given, or made to the caller's institution.";
    operation(("GET", "/v1/grants"), "listGrants", "List grants", what)
        .query("after", json!({ "type": "string" }), "`next` of the page before.")
        .answers_json(schemas.listing::<GrantSummary>(), "The grants, oldest first, at most 500 a page.")
        .problems(READING)
        .problems(&[ProblemType::Malformed])
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

fn replace_owner_header(schemas: &mut Schemas) -> Operation {
    let what = "Takes the same file key wrapped anew, with an `owner-header` statement for the owner's keys of today, or \
        with a `handover` for whoever is to own the report; the recovery key signs in and signs either. The payload stays \
        where it is.";
    let at = ("PUT", "/v1/reports/{id}/owner-header");
    operation(at, "replaceOwnerHeader", "Replace your header", what)
        .names::<ReportId>("The report.")
        .takes_json(schemas.of::<SubmitReport>())
        .answers_json(schemas.of::<Accepted>(), "Accepted; the receipt proves it.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn preview(schemas: &mut Schemas) -> Operation {
    let what = "Says what would happen to a grant that nobody has signed yet: a rule that refuses it, or every condition \
        that would still keep it from being collected. Nothing is kept of it.";
    operation(("POST", "/v1/grants/preview"), "previewGrant", "Preview a grant", what)
        .takes_json(schemas.of::<SubmitDraft>())
        .answers_json(schemas.of::<Foreseen>(), "What would happen now.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::StatementRefused,
            ProblemType::OverQuota,
            ProblemType::Internal,
        ])
}

fn inbox(schemas: &mut Schemas) -> Operation {
    let what = "What the caller, or the caller's institution, has to do something about, most urgent first. With \
        `If-None-Match` and `Prefer: wait=N` the answer waits until there is something new.";
    let words = json!({ "type": "string" });
    operation(("GET", "/v1/inbox"), "readInbox", "Read your inbox", what)
        .query("after", words.clone(), "`next` of the page before.")
        .header("If-None-Match", Need::Optional, words.clone(), "`ETag` of the page known.")
        .header("Prefer", Need::Optional, words.clone(), "`wait=N`: wait for something new, at most so many seconds.")
        .answers_json(schemas.of::<InboxPage>(), "One page, at most 50 things.")
        .with(200, "ETag", &words, "Names this page.")
        .answers(304, Value::Null, "It is still the page known.")
        .with(304, "ETag", &words, "Names this page.")
        .problems(&[ProblemType::NotFound, ProblemType::Malformed, ProblemType::Internal])
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
