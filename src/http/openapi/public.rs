//! Operations that need no token: health, trust root and logs, signing in, and what a signature alone allows.

use super::operation::{Operation, READING, STATEMENT, Schemas, WRITING, content, operation};
use crate::{
    http::{
        register::{Evidence, Judged},
        token::TokenForm,
        well_known::{KeySet, Metadata},
    },
    wire::{
        api::{Accepted, CaseHead, OauthProblem, RegisterPage, Revoked, Stopped, SubmitStatement, Token},
        problem::ProblemType,
    },
};
use serde_json::{Value, json};

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let mut all = vec![described_here(), alive(), ready(), genesis(), register(schemas), case_head(schemas)];
    all.extend([log_checkpoint(), log_tile()]);
    all.extend([evidence(schemas), enrol(schemas), revoke(schemas), freeze(schemas)]);
    all.extend([metadata(schemas), keys(schemas), token(schemas)]);
    all
}

fn described_here() -> Operation {
    let what = "This document, made from the code that answers.";
    operation(("GET", "/v1/openapi.json"), "describeInterface", "Describe the interface", what)
        .answers_json(json!({ "type": "object" }), "An OpenAPI 3.1 document.")
}

fn alive() -> Operation {
    let what = "Says only that the process runs. To know whether it works, ask /readyz.";
    operation(("GET", "/healthz"), "isAlive", "See whether the process runs", what).answers(
        200,
        Value::Null,
        "It runs.",
    )
}

fn ready() -> Operation {
    let what = "Reads and writes once, and looks whether more than revocation is possible.";
    operation(("GET", "/readyz"), "isReady", "See whether the broker works", what)
        .answers(200, Value::Null, "It works.")
        .problems(&[ProblemType::RevokeOnly, ProblemType::StorageFull, ProblemType::Internal])
}

fn genesis() -> Operation {
    let what = "The trust root, a signed note. Its SHA-256 stands on the bootstrap card, which comes by another way: \
        a client that was shown another digest must stop.";
    operation(("GET", "/v1/genesis"), "readGenesis", "Read the signed genesis", what).answers(
        200,
        content("text/plain", json!({ "type": "string" })),
        "The signed note.",
    )
}

/// The `from` of both logs.
fn from_where(operation: Operation, description: &str) -> Operation {
    let number = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0 });
    operation.query("from", number, description)
}

fn register(schemas: &mut Schemas) -> Operation {
    let what = "Entries of the public register from an index on, at most 500, under a checkpoint of the whole.";
    from_where(
        operation(("GET", "/v1/register"), "readRegister", "Read the register", what),
        "Index of the first entry wanted.",
    )
    .answers_json(schemas.of::<RegisterPage>(), "A part of the register.")
    .problems(READING)
}

/// Which of the two logs.
fn of_log(operation: Operation) -> Operation {
    operation.part("log", json!({ "type": "string", "enum": ["register", "case"] }), "Which log.")
}

fn log_checkpoint() -> Operation {
    let what = "The log as last published: a C2SP checkpoint, a signed note with the log's signature and whatever \
        cosignatures witnesses gave. It moves at publications only.";
    of_log(operation(("GET", "/log/{log}/checkpoint"), "readPublishedCheckpoint", "Read a published checkpoint", what))
        .answers(200, content("text/plain", json!({ "type": "string" })), "The signed checkpoint.")
        .problems(&[ProblemType::NotFound, ProblemType::Internal])
}

fn log_tile() -> Operation {
    let what = "A hash tile (`0/x001/234`, `1/000.p/5`) or an entry bundle (`entries/000`) of the published log, after \
        C2SP tlog-tiles. What was answered once never changes. Leaves of the case log are commitments.";
    let path = json!({ "type": "string", "pattern": "^[0-9a-z/.]{1,64}$" });
    of_log(operation(("GET", "/log/{log}/tile/{path}"), "readTile", "Read a tile of a log", what))
        .part("path", path, "Level and index, and the width of what is not full.")
        .answers(
            200,
            content("application/octet-stream", json!({ "type": "string", "format": "binary" })),
            "Its bytes.",
        )
        .for_ever()
        .problems(&[ProblemType::NotFound, ProblemType::Internal])
}

fn case_head(schemas: &mut Schemas) -> Operation {
    let what = "The case log's latest checkpoint, with proof that it extends the log of the size asked for. Not for \
        everybody: how the log grows between two publications tells when something happens.";
    from_where(
        operation(("GET", "/v1/case/checkpoint"), "readCaseCheckpoint", "Read the case log's checkpoint", what),
        "Size of the log the caller verified before.",
    )
    .answers_json(schemas.of::<CaseHead>(), "Checkpoint and consistency proof.")
    .problems(&[ProblemType::NotFound, ProblemType::Internal])
}

fn evidence(schemas: &mut Schemas) -> Operation {
    let what = "Shows a checkpoint signed by this broker. One that is not an earlier state of its log is evidence \
        that the broker told different people different things: it is kept, and nothing but revocation works then.";
    operation(("POST", "/v1/evidence"), "showEvidence", "Show a checkpoint to the broker", what)
        .takes_json(schemas.of::<Evidence>())
        .answers_json(schemas.of::<Judged>(), "Whether it is an earlier state of the log.")
        .problems(&[ProblemType::NotFound, ProblemType::StorageFull, ProblemType::Internal])
}

fn enrol(schemas: &mut Schemas) -> Operation {
    let what = "Registers an advocate or an institution by a `party` statement, signed with the key it encloses.";
    let invitation = "The operator's invitation, where the broker asks for one.";
    operation(("POST", "/v1/parties"), "enrol", "Enrol", what)
        .header("Amana-Invitation", super::operation::Need::Optional, json!({ "type": "string" }), invitation)
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Accepted>(), "Enrolled; the receipt proves it.")
        .problems(STATEMENT)
        .problems(WRITING)
        .problems(&[ProblemType::InvitationNeeded, ProblemType::WorkNeeded])
}

fn revoke(schemas: &mut Schemas) -> Operation {
    let what = "Ends a grant. The answer comes after the commit and after every running download under the grant is \
        cut. Works also when the broker is full or allows nothing else.";
    operation(("POST", "/v1/revocations"), "revoke", "Withdraw a grant", what)
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Revoked>(), "Withdrawn. What was opened before cannot be un-opened.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn freeze(schemas: &mut Schemas) -> Operation {
    let what = "Stops everything of an advocate, by a `freeze` that the advocate's key or recovery key signed, now or \
        beforehand, or an administrator's. Works also when the broker is full or allows nothing else.";
    operation(("POST", "/v1/freezes"), "freeze", "Freeze", what)
        .takes_json(schemas.of::<SubmitStatement>())
        .answers_json(schemas.of::<Stopped>(), "Frozen. Running downloads of the advocate's reports are cut.")
        .problems(STATEMENT)
        .problems(WRITING)
}

fn metadata(schemas: &mut Schemas) -> Operation {
    let what = "What a stock OAuth client needs to know (RFC 8414).";
    let at = ("GET", "/.well-known/oauth-authorization-server");
    operation(at, "readOauthMetadata", "Read the authorization server's metadata", what)
        .answers_json(schemas.of::<Metadata>(), "The metadata.")
}

fn keys(schemas: &mut Schemas) -> Operation {
    let what = "The keys that sign the logs' checkpoints, as a JWK set (RFC 7517). Tokens are signed by none of them.";
    operation(("GET", "/.well-known/jwks.json"), "readKeys", "Read the log keys", what)
        .answers_json(schemas.of::<KeySet>(), "The keys.")
}

fn token(schemas: &mut Schemas) -> Operation {
    let what = "Client credentials with `private_key_jwt` and DPoP. A first request without a nonce is answered \
        `use_dpop_nonce`; the next one carries the nonce from the DPoP-Nonce header.";
    let refused = content("application/json", schemas.of::<OauthProblem>());
    let proof = "A DPoP proof for this request, made with the key the token is to be bound to.";
    let nonce = json!({ "type": "string" });
    let next = "The nonce for the next proof.";
    operation(("POST", "/oauth/token"), "signIn", "Get an access token", what)
        .header("DPoP", super::operation::Need::Optional, json!({ "type": "string" }), proof)
        .takes("application/x-www-form-urlencoded", schemas.of::<TokenForm>())
        .answers_json(schemas.of::<Token>(), "A token, bound to the proof's key.")
        .answers(400, refused.clone(), "Refused: `use_dpop_nonce`, `invalid_dpop_proof` or `unsupported_grant_type`.")
        .answers(401, refused, "Refused: `invalid_client`.")
        .with(200, "DPoP-Nonce", &nonce, next)
        .with(401, "DPoP-Nonce", &nonce, next)
        .problems(&[ProblemType::RevokeOnly, ProblemType::StorageFull, ProblemType::Internal])
}
