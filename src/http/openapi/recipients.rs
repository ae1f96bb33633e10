//! Operations of institutions' officers and of auditors.

use super::{
    operation::{Operation, STATEMENT, Schemas, WRITING, content, operation},
    owners::in_ranges,
};
use crate::{
    model::ids::{GrantId, ReleaseId},
    wire::{
        api::{Disclosure, Released, SubmitStatement},
        problem::ProblemType,
    },
};
use serde_json::json;

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    vec![release(schemas), download(), disclosure(schemas), bundle()]
}

fn release(schemas: &mut Schemas) -> Operation {
    let what = "Asks for a header under a grant by a `release-request` statement. The release is logged before the \
        header leaves; a denial is logged too, and names every condition that failed. The same statement again \
        delivers the same release until it is acknowledged or a day is over.";
    operation(("POST", "/v1/grants/{id}/releases"), "requestRelease", "Collect a header", what)
        .names::<GrantId>("The grant; the statement names the same.")
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Released>(), "Released.")
        .with(200, "Connection", &json!({ "type": "string" }), "The connection is closed after it.")
        .problems(STATEMENT)
        .problems(WRITING)
        .problems(&[ProblemType::Denied])
}

fn download() -> Operation {
    let what = "Header and payload as one age file. Every request is decided anew, and the stream is cut when the \
        grant is withdrawn while it runs.";
    let at = ("GET", "/v1/releases/{id}/report.age");
    in_ranges(operation(at, "downloadRelease", "Download a release", what).names::<ReleaseId>("The release."))
        .problems(&[ProblemType::NotFound, ProblemType::Denied, ProblemType::RevokeOnly, ProblemType::Internal])
}

fn bundle() -> Operation {
    let what = "Everything that is needed to verify offline, from one snapshot: one JSON value a line, the last is \
        \"end\". Without that line it is not whole.";
    let index = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0 });
    let facts = json!({ "type": "string", "enum": ["all", "none"], "default": "all" });
    operation(("GET", "/v1/audit/bundle"), "exportAuditBundle", "Export the audit bundle", what)
        .query("register", index.clone(), "First register entry wanted.")
        .query("case", index, "First case entry wanted.")
        .query("facts", facts, "Whether the broker's facts are wanted too.")
        .answers(200, content("application/x-ndjson", json!({ "type": "string" })), "Lines of JSON.")
        .problems(&[ProblemType::NotFound, ProblemType::StorageFull, ProblemType::Internal])
}

fn disclosure(schemas: &mut Schemas) -> Operation {
    let what = "The entries of the case log that concern the caller, or the caller's institution, opened and proved, under \
        a listing that the log signs: an entry that is missing from it is evidence.";
    let index = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0 });
    let report = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    operation(("GET", "/v1/disclosure"), "readOwnEntries", "Read the entries that concern oneself", what)
        .query("from", index, "First index of the case log wanted.")
        .query("report", report, "Only entries about this report of the caller's; the listing names it.")
        .answers_json(schemas.of::<Disclosure>(), "A part of them; the listing says how far it goes.")
        .problems(&[ProblemType::NotFound, ProblemType::Internal])
}
