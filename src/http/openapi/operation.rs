//! One operation of the document: what it takes, and every answer it may give.

use crate::{
    http::{Access, Route},
    wire::problem::{Problem, ProblemType},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// Every schema that was referred to, by name.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A reference to `T`, which is kept with all it refers to.
    pub(super) fn of<T: ToSchema>(&mut self) -> Value {
        let mut below: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut below);
        for (name, schema) in below {
            self.0.entry(name).or_insert_with(|| json!(schema));
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }
    /// A list of `T`, oldest first.
    pub(super) fn listing<T: ToSchema>(&mut self) -> Value {
        let rows = self.of::<T>();
        json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": { "type": "array", "items": rows, "description": "The rows, oldest first." },
                "next": { "type": "string", "description": "What to ask for the next page with, if there is one." },
            },
            "additionalProperties": false,
        })
    }
    pub(super) fn written(&self) -> Value {
        json!(self.0)
    }
}

/// What is known of an operation so far.
pub(super) struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    problems: Vec<ProblemType>,
}

/// What may go wrong with any request, before it is known what it asks for.
const WITH_ANY: &[ProblemType] = &[ProblemType::Malformed, ProblemType::TooLarge, ProblemType::Busy];
/// With any request that brings a body.
const WITH_A_BODY: &[ProblemType] = &[ProblemType::TooSlow];
/// With any request that reads what is stored.
pub(super) const READING: &[ProblemType] = &[ProblemType::Internal];
/// With any request that is recorded.
pub(super) const WRITING: &[ProblemType] = &[
    ProblemType::NotFound,
    ProblemType::RevokeOnly,
    ProblemType::StorageFull,
    ProblemType::OverQuota,
    ProblemType::Internal,
];
/// With any signed statement.
pub(super) const STATEMENT: &[ProblemType] =
    &[ProblemType::StatementRefused, ProblemType::OutOfOrder, ProblemType::Conflict];

/// A new operation: its method and path, the name programs give it, a line, and what there is to know.
pub(super) fn operation(
    (method, path): (&'static str, &'static str),
    id: &'static str,
    summary: &'static str,
    description: &'static str,
) -> Operation {
    let mut operation = Operation {
        method,
        path,
        id,
        summary,
        description,
        parameters: Vec::new(),
        body: None,
        answers: BTreeMap::new(),
        problems: WITH_ANY.to_vec(),
    };
    if ["POST", "PUT", "PATCH"].contains(&method) {
        operation.problems.extend_from_slice(WITH_A_BODY);
    }
    operation
}

impl Operation {
    pub(super) fn is(&self, route: &Route) -> bool {
        (self.method, self.path) == (route.method, route.path)
    }

    /// The `{id}` in the path.
    pub(super) fn names<T: PartialSchema>(self, description: &str) -> Self {
        self.parameter("id", "path", Need::Required, json!(T::schema()), description)
    }
    /// Another part of the path.
    pub(super) fn part(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter(name, "path", Need::Required, schema, description)
    }
    /// A parameter of the query; none is ever required.
    pub(super) fn query(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter(name, "query", Need::Optional, schema, description)
    }
    /// A header of the request.
    pub(super) fn header(self, name: &str, need: Need, schema: Value, description: &str) -> Self {
        self.parameter(name, "header", need, schema, description)
    }
    fn parameter(mut self, name: &str, place: &str, need: Need, schema: Value, description: &str) -> Self {
        self.parameters.push(object([
            ("name", name.into()),
            ("in", place.into()),
            ("required", (need == Need::Required).into()),
            ("description", description.into()),
            ("schema", schema),
        ]));
        self
    }

    /// What is sent.
    pub(super) fn takes(mut self, media_type: &str, schema: Value) -> Self {
        self.body = Some(json!({ "required": true, "content": content(media_type, schema) }));
        self
    }
    /// Bytes that may be sent, or not.
    pub(super) fn may_take(mut self, media_type: &str) -> Self {
        self.body = Some(json!({ "required": false, "content": content(media_type, json!({})) }));
        self
    }
    /// JSON that is sent.
    pub(super) fn takes_json(self, schema: Value) -> Self {
        self.takes("application/json", schema)
    }

    /// JSON that is answered with 200.
    pub(super) fn answers_json(self, schema: Value, description: &str) -> Self {
        self.answers(200, content("application/json", schema), description)
    }
    /// An answer, with a body or (`Value::Null`) without.
    pub(super) fn answers(mut self, status: u16, content: Value, description: &str) -> Self {
        let never = header("Never kept by a cache.", &json!({ "type": "string", "const": "no-store" }));
        let mut answer = json!({ "description": description, "headers": { "Cache-Control": never } });
        if let (Value::Object(answer), false) = (&mut answer, content.is_null()) {
            answer.insert("content".to_owned(), content);
        }
        self.answers.insert(status, answer);
        self
    }
    /// The answer never changes, and any cache may keep it.
    pub(super) fn for_ever(self) -> Self {
        let kept = json!({ "type": "string", "const": "public, max-age=31536000, immutable" });
        self.with(200, "Cache-Control", &kept, "What was published stays as it is.")
    }
    /// A header that an answer always has.
    pub(super) fn with(mut self, status: u16, name: &str, schema: &Value, description: &str) -> Self {
        let headers = self.answers.get_mut(&status).and_then(|answer| answer.get_mut("headers"));
        if let Some(Value::Object(headers)) = headers {
            headers.insert(name.to_owned(), header(description, schema));
        }
        self
    }
    /// The kinds of problem it may end in, besides those that any request may.
    pub(super) fn problems(mut self, kinds: &[ProblemType]) -> Self {
        self.problems.extend_from_slice(kinds);
        self
    }

    /// As it stands in the document.
    pub(super) fn written(&self, access: Access, schemas: &mut Schemas) -> Value {
        let mut problems: BTreeMap<u16, Vec<ProblemType>> = BTreeMap::new();
        let signed_in = !matches!(access, Access::Anybody | Access::Signature);
        let unauthenticated = signed_in.then_some(ProblemType::Unauthenticated);
        for kind in ProblemType::ALL {
            let frozen = signed_in && kind == ProblemType::Frozen;
            if self.problems.contains(&kind) || unauthenticated == Some(kind) || frozen {
                problems.entry(kind.parts().2).or_default().push(kind);
            }
        }
        let mut responses = self.answers.clone();
        for (status, kinds) in problems {
            let problem = problem(status, &kinds, schemas);
            responses.entry(status).and_modify(|answer| also(answer, &problem)).or_insert(problem);
        }
        if self.method == "HEAD" {
            // Whatever the headers announce, no body follows (RFC 9110, section 9.3.2).
            responses.values_mut().filter_map(Value::as_object_mut).for_each(|answer| drop(answer.remove("content")));
        }
        let responses: Map<String, Value> = responses.into_iter().map(|(s, answer)| (s.to_string(), answer)).collect();
        let security = if signed_in { json!([{ "token": [], "proof": [] }]) } else { json!([]) };
        let mut written = json!({
            "operationId": self.id,
            "tags": [tag(self.path)],
            "summary": self.summary,
            "description": format!("{} {}", self.description, for_whom(access)),
            "parameters": self.parameters,
            "responses": responses,
            "security": security,
        });
        if let (Value::Object(written), Some(body)) = (&mut written, &self.body) {
            written.insert("requestBody".to_owned(), body.clone());
        }
        written
    }
}

/// Whether something must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// A body of one media type.
pub(super) fn content(media_type: &str, schema: Value) -> Value {
    object([(media_type, object([("schema", schema)]))])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn header(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "required": true, "schema": schema })
}

/// A header that is there where it applies.
fn sometimes(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "required": false, "schema": schema })
}

/// One status under which problems of these kinds are answered.
fn problem(status: u16, kinds: &[ProblemType], schemas: &mut Schemas) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.parts().1).collect();
    let types: Vec<String> = kinds.iter().map(|kind| Problem::new(*kind).kind).collect();
    let schema = json!({
        "allOf": [
            schemas.of::<Problem>(),
            { "properties": { "type": { "enum": types }, "status": { "const": status } } },
        ],
    });
    let mut headers = Map::new();
    let (words, number) = (json!({ "type": "string" }), json!({ "type": "integer", "minimum": 0 }));
    if kinds.contains(&ProblemType::Unauthenticated) {
        let challenge = header("What is missing or wrong (RFC 9449, section 7.1).", &words);
        headers.insert("WWW-Authenticate".to_owned(), challenge);
        headers.insert("DPoP-Nonce".to_owned(), header("The nonce to use from now on.", &words));
    }
    if kinds.contains(&ProblemType::TusVersion) {
        headers.insert("Tus-Version".to_owned(), header("Versions spoken.", &words));
    }
    if kinds.contains(&ProblemType::OffsetMismatch) {
        headers.insert("Upload-Offset".to_owned(), sometimes("Where the upload stands.", &number));
    }
    let wait = "Seconds to wait before another try.";
    match status {
        503 => drop(headers.insert("Retry-After".to_owned(), header(wait, &number))),
        429 => drop(headers.insert("Retry-After".to_owned(), sometimes(wait, &number))),
        _ => {}
    }
    json!({
        "description": titles.join(". Or: ") + ".",
        "headers": headers,
        "content": content("application/problem+json", schema),
    })
}

/// An answer that under the same status may also be a problem.
fn also(answer: &mut Value, problem: &Value) {
    let members = |value: &Value| value.get("content").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut both = members(answer);
    both.extend(members(problem));
    if let Value::Object(answer) = answer {
        answer.insert("content".to_owned(), Value::Object(both));
    }
}

fn for_whom(access: Access) -> &'static str {
    match access {
        Access::Anybody => "For anybody.",
        Access::Signature => "For anybody: the signature inside is the authority.",
        Access::SignedIn => "For whoever is signed in.",
        Access::Owner => "For the advocate whose it is; for everybody else it is not there.",
        Access::Officer => "For the officer whose it is; for everybody else it is not there.",
        Access::Auditor => "For auditors; for everybody else it is not there.",
    }
}

/// What an operation is grouped under: the first word of its path after the version.
fn tag(path: &str) -> &str {
    let mut words = path.split('/').filter(|word| !word.is_empty() && *word != "v1");
    words.next().map_or("broker", |word| word.trim_end_matches(".json"))
}
