//! Operations of institutions' officers and of auditors.

use super::{
    operation::{Operation, STATEMENT, Schemas, WRITING, content, operation},
    owners::in_ranges,
};
use crate::{
    model::ids::{GrantId, ReleaseId},
    wire::{
        api::{Released, SubmitStatement},
        problem::ProblemType,
    },
};
use serde_json::json;

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    vec![release(schemas), download(), bundle()]
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
    operation(("GET", "/v1/audit/bundle"), "exportAuditBundle", "Export the audit bundle", what)
        .answers(200, content("application/x-ndjson", json!({ "type": "string" })), "Lines of JSON.")
        .problems(&[ProblemType::NotFound, ProblemType::Internal])
}
