//! The OpenAPI document says what the broker does: every route, every problem, and every answer a test was given.

use crate::raw::Answer;
use amana::{
    http::{ROUTES, openapi},
    wire::problem::{Problem, ProblemType},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi);

/// What is wrong with an answer by the document; nothing, if it conforms.
pub fn deviation(method: &str, path: &str, answer: &Answer) -> Option<String> {
    let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
    let Some(documented) = operation["responses"].get(answer.status.to_string()) else {
        return Some(format!("status {} is not documented", answer.status));
    };
    let headers = documented["headers"].as_object().into_iter().flatten();
    for (name, described) in headers.filter(|(_, described)| described["required"] == true) {
        let Some(value) = answer.header(name) else { return Some(format!("the header {name} is missing")) };
        let value = if described["schema"]["type"] == "integer" {
            value.parse::<u64>().map_or(json!(value), |number| json!(number))
        } else {
            json!(value)
        };
        if let Some(fault) = fault(&described["schema"], &value) {
            return Some(format!("{name}: {fault}"));
        }
    }
    let Some(content) = documented["content"].as_object() else {
        return (!answer.body.is_empty()).then(|| "a body where none is documented".to_owned());
    };
    let sent = answer.header("content-type").unwrap_or("none").split(';').next().unwrap();
    let Some(described) = content.get(sent) else { return Some(format!("media type {sent} is not documented")) };
    if !sent.ends_with("json") || sent.ends_with("ndjson") {
        return None;
    }
    let Ok(body) = serde_json::from_slice(&answer.body) else { return Some("the body is not JSON".to_owned()) };
    fault(&described["schema"], &body)
}

/// What a JSON Schema 2020-12 validator finds wrong; references lead into the document.
fn fault(schema: &Value, value: &Value) -> Option<String> {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": DOCUMENT["components"],
        "allOf": [schema],
    });
    let validator = jsonschema::validator_for(&whole).unwrap();
    validator.iter_errors(value).next().map(|error| format!("{error} at {}", error.instance_path()))
}

/// Every operation: its method, path and description.
fn operations() -> Vec<(String, String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let each = |(path, item): (&String, &'static Value)| {
        let path = path.clone();
        item.as_object().unwrap().iter().map(move |(method, op)| (method.to_uppercase(), path.clone(), op))
    };
    paths.iter().flat_map(each).collect()
}

/// The problem types a response names.
fn problems(response: &Value) -> Vec<&str> {
    let members = response["content"]["application/problem+json"]["schema"]["allOf"].as_array();
    let types = members.and_then(|all| all[1]["properties"]["type"]["enum"].as_array());
    types.into_iter().flatten().map(|urn| urn.as_str().unwrap()).collect()
}

#[test]
fn the_document_describes_every_route_and_nothing_else() {
    let described: BTreeSet<_> = operations().into_iter().map(|(method, path, _)| (method, path)).collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    assert_eq!(described, routes);
}

#[test]
fn the_broker_serves_what_the_command_prints() {
    let stage = crate::stage::Stage::founded();
    let served = stage.raw().fetch("/v1/openapi.json");
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.json::<Value>(), *DOCUMENT);
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_amana")).arg("openapi").output().unwrap();
    assert!(printed.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), *DOCUMENT);
}

#[test]
fn every_reference_in_the_document_resolves() {
    fn references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&DOCUMENT, &mut found);
    assert!(found.len() > 100, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_operation_can_be_understood_by_itself() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        for member in ["operationId", "summary", "description"] {
            assert!(operation[member].as_str().is_some_and(|text| text.len() > 2), "{name} has no {member}");
        }
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name} has another operation's id");
        let named = operation["parameters"].as_array().unwrap().iter();
        let named: Vec<_> = named.filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(path.contains("{id}"), named == ["id"], "{name} names {named:?}");
        let signed_in = operation["security"] != json!([]);
        assert_eq!(signed_in, operation["responses"]["401"]["headers"].get("WWW-Authenticate").is_some(), "{name}");
    }
}

/// Both ways: `docs/status-codes.md`, the registry, and what operations under `/v1` may answer.
#[test]
fn every_documented_problem_occurs_under_its_status() {
    let occurring: BTreeSet<(u16, String)> = operations()
        .into_iter()
        .filter(|(_, path, _)| path.starts_with("/v1/"))
        .flat_map(|(_, _, operation)| operation["responses"].as_object().unwrap().clone())
        .flat_map(|(status, response)| {
            let status: u16 = status.parse().unwrap();
            problems(&response).into_iter().map(|urn| (status, urn.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/status-codes.md")).unwrap();
    let table = page.split("### Reasons of a denial").next().unwrap();
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let slug = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((cells.next()?.parse::<u16>().ok()?, format!("urn:amana:problem:{slug}")))
    });
    let on_the_page: BTreeSet<_> = rows.collect();
    let registered = ProblemType::ALL.map(|kind| (kind.parts().2, Problem::new(kind).kind));
    assert_eq!(on_the_page, BTreeSet::from(registered));
    assert_eq!(occurring, on_the_page);
}

#[test]
fn an_answer_that_is_not_as_documented_is_noticed() {
    let answer = |status, media_type: &str, body: Value| {
        let mut headers = ureq::http::HeaderMap::new();
        headers.insert("content-type", media_type.parse().unwrap());
        headers.insert("cache-control", "no-store".parse().unwrap());
        Answer { status, headers, body: body.to_string().into_bytes() }
    };
    let found = |answer| deviation("POST", "/v1/evidence", &answer);
    let good = json!({ "consistent": true });
    assert_eq!(found(answer(200, "application/json", good.clone())), None);
    assert!(found(answer(201, "application/json", good.clone())).is_some());
    assert!(found(answer(200, "text/html", good.clone())).is_some());
    assert!(found(answer(200, "application/json", json!({ "consistent": "yes" }))).is_some());
    assert!(found(answer(200, "application/json", json!({}))).is_some());
    let mut bare = answer(200, "application/json", good);
    bare.headers.clear();
    assert!(found(bare).is_some());
    let problem = |kind| json!(Problem::new(kind));
    assert_eq!(found(answer(404, "application/problem+json", problem(ProblemType::NotFound))), None);
    assert!(found(answer(404, "application/problem+json", problem(ProblemType::Conflict))).is_some());
}

/// The lists of the shared endpoint table are empty for most; here each has a row.
#[test]
fn filled_lists_and_special_answers_are_as_documented() {
    let mut stage = crate::stage::Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let owner = stage.cast.advocate.recipient();
    stage
        .as_officer(|desk| {
            let deadline = desk.now().plus(amana::model::time::Duration::from_days(9));
            let (purposes, basis) = (vec![crate::stage::inquiry()], "resolution 1".parse().unwrap());
            desk.ask_for_access(&amana::client::fetched::Asking::for_access(report, owner, purposes, basis, deadline))
        })
        .unwrap();
    stage.revoke(grant).unwrap();
    let raw = stage.raw();
    let advocate = amana::cli::demo::cast::copy(&stage.cast.advocate);
    let session = raw.sign_in(&advocate);
    for path in ["/v1/reports", "/v1/grants", "/v1/requests"] {
        let answer = session.fetch(path);
        assert_ne!(answer.json::<Value>()["items"], json!([]), "{path}");
        assert_eq!(deviation("GET", path, &answer), None, "{path}: {}", answer.text());
    }
    let payload = format!("/v1/reports/{report}/payload");
    for (range, status) in [("bytes=0-9", 206), ("bytes=99999999-", 416)] {
        let mut headers = session.credentials("GET", &payload);
        headers.push(("range", range.to_owned()));
        let answer = raw.send("GET", &payload, &headers, b"");
        assert_eq!(answer.status, status);
        assert_eq!(deviation("GET", "/v1/reports/{id}/payload", &answer), None);
    }
}
