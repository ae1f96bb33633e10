//! Golden cases: what a bundle must answer, kept with it in `tests/`.
//!
//! A case names an action, what differs from a base record in which everything is right, and the ids of all
//! conditions that must fail; an empty list means "allowed". The matrix says it for every action, every role and every
//! state: a pair that is missing from it is as wrong as one that comes out differently.

use super::engine::Engine;
use crate::model::bundle::Bundle;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    action: String,
    change: Map<String, Value>,
    expect: Vec<String>,
}

/// The two records in which everything is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    release: Map<String, Value>,
    #[serde(rename = "owner-fetch")]
    owner_fetch: Map<String, Value>,
}

/// What one action answers to every role in every state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grid {
    /// What differs from the base record in all of them.
    change: Map<String, Value>,
    /// What differs by role.
    roles: BTreeMap<String, Map<String, Value>>,
    /// What differs by state.
    states: BTreeMap<String, Map<String, Value>>,
    /// The answer: by role, then by state.
    expect: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Grid {
    /// Its cells as cases. One that nobody expected anything of expects what no bundle answers.
    fn cases(&self, action: &str) -> Vec<Case> {
        let mut cases = Vec::new();
        for (role, by_role) in &self.roles {
            for (state, by_state) in &self.states {
                let mut change = self.change.clone();
                change.extend(by_role.clone());
                change.extend(by_state.clone());
                let expect = self.expect.get(role).and_then(|row| row.get(state)).cloned();
                cases.push(Case {
                    name: format!("{action} by {role}, {state}"),
                    action: action.to_owned(),
                    change,
                    expect: expect.unwrap_or_else(|| vec!["a cell of the matrix is missing".to_owned()]),
                });
            }
        }
        cases
    }
}

/// A case that came out differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case.
    pub name: String,
    /// What it asks for.
    pub expected: Vec<String>,
    /// What the bundle answers.
    pub found: Vec<String>,
}

/// The cases cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the golden cases in {file} are not as documented: {reason}")]
pub struct BadCases {
    file: &'static str,
    reason: String,
}

/// The first case that comes out differently, if there is one.
///
/// # Errors
/// As [`run`].
#[cfg(test)]
fn first_failure(engine: &Engine, bundle: &Bundle) -> Result<Option<Failure>, BadCases> {
    let (base, cases) = read_cases(engine, bundle)?;
    Ok(cases.iter().find_map(|case| judge(engine, &base, case)))
}

/// Runs every case; returns how many there were and which failed.
///
/// # Errors
/// When a file is missing or not in the documented form.
pub fn run(engine: &Engine, bundle: &Bundle) -> Result<(usize, Vec<Failure>), BadCases> {
    let (base, cases) = read_cases(engine, bundle)?;
    let failures = cases.iter().filter_map(|case| judge(engine, &base, case)).collect();
    Ok((cases.len(), failures))
}

fn read_cases(engine: &Engine, bundle: &Bundle) -> Result<(Base, Vec<Case>), BadCases> {
    let base: Base = read(bundle, "tests/base.json")?;
    let mut cases: Vec<Case> = read(bundle, "tests/release.json")?;
    cases.extend(read::<Vec<Case>>(bundle, "tests/owner-fetch.json")?);
    let grids: BTreeMap<String, Grid> = read(bundle, "tests/matrix.json")?;
    for action in engine.actions() {
        let grid = grids
            .get(action)
            .ok_or_else(|| BadCases { file: "tests/matrix.json", reason: format!("it says nothing about {action}") })?;
        cases.extend(grid.cases(action));
    }
    Ok((base, cases))
}

fn judge(engine: &Engine, base: &Base, case: &Case) -> Option<Failure> {
    let (mut facts, kind) = match case.action.as_str() {
        "fetch-owner-header" => (base.owner_fetch.clone(), "Report"),
        _ => (base.release.clone(), "Grant"),
    };
    facts.extend(case.change.clone());
    let found: Vec<String> = engine
        .judge(&case.action, "someone", (kind, "something".to_owned()), &facts)
        .into_iter()
        .map(|r| r.id)
        .collect();
    (found != case.expect).then(|| Failure { name: case.name.clone(), expected: case.expect.clone(), found })
}

fn read<T: serde::de::DeserializeOwned>(bundle: &Bundle, file: &'static str) -> Result<T, BadCases> {
    let text = bundle.file(file).ok_or(BadCases { file, reason: "missing".to_owned() })?;
    serde_json::from_str(text).map_err(|e| BadCases { file, reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_bundle_answers_every_golden_case() {
        let bundle = Bundle::shipped();
        let (count, failures) = run(&Engine::load(&bundle).unwrap(), &bundle).unwrap();
        assert!(count > 40, "{count}");
        assert_eq!(failures, []);
    }

    #[test]
    fn every_forbid_is_missed_by_some_case_when_deleted() {
        let bundle = Bundle::shipped();
        let text = bundle.file("forbids.cedar").unwrap().to_owned();
        let blocks: Vec<&str> = text.split("\n@id(").skip(1).collect();
        assert!(blocks.len() > 20);
        for block in blocks {
            let without = text.replace(&format!("\n@id({block}"), "\n");
            let files = bundle.paths().map(|p| (p.to_owned(), bundle.file(p).unwrap().to_owned()));
            let mut files: BTreeMap<_, _> = files.collect();
            files.insert("forbids.cedar".to_owned(), without);
            let mutant = Bundle::of(files);
            let failure = first_failure(&Engine::load(&mutant).unwrap(), &mutant).unwrap();
            assert!(failure.is_some(), "no case misses {}", block.lines().next().unwrap());
        }
    }

    /// The text with one condition turned around.
    fn negated(text: &str, block: &str) -> String {
        let (head, condition) = block.rsplit_once("when { ").unwrap();
        let (condition, rest) = condition.rsplit_once(" };").unwrap();
        text.replace(block, &format!("{head}when {{ !({condition}) }};{rest}"))
    }

    #[test]
    fn every_forbid_is_missed_by_some_case_when_turned_around() {
        let bundle = Bundle::shipped();
        let text = bundle.file("forbids.cedar").unwrap().to_owned();
        for block in text.split("\n@id(").skip(1) {
            let mut files = bundle.files().clone();
            files.insert("forbids.cedar".to_owned(), negated(&text, block));
            let mutant = Bundle::of(files);
            let failure = first_failure(&Engine::load(&mutant).unwrap(), &mutant).unwrap();
            assert!(failure.is_some(), "no case misses {} turned around", block.lines().next().unwrap());
        }
    }

    /// For each place a forbid applies to a permit, some case must fail for it alone: deleted for that action only.
    #[test]
    fn every_forbid_decides_some_case_of_each_of_its_actions() {
        let bundle = Bundle::shipped();
        let engine = Engine::load(&bundle).unwrap();
        let mut cases: Vec<Case> = read(&bundle, "tests/release.json").unwrap();
        cases.extend(read::<Vec<Case>>(&bundle, "tests/owner-fetch.json").unwrap());
        let grids: BTreeMap<String, Grid> = read(&bundle, "tests/matrix.json").unwrap();
        cases.extend(grids.iter().flat_map(|(action, grid)| grid.cases(action)));
        for action in engine.actions() {
            for forbid in engine.forbids(action) {
                let alone = |case: &&Case| case.action == action && case.expect == [forbid.clone()];
                assert!(cases.iter().any(|case| alone(&case)), "no case of {action} is decided by {forbid} alone");
            }
        }
    }

    #[test]
    fn a_cell_that_is_missing_from_the_matrix_is_a_failure() {
        let bundle = Bundle::shipped();
        let text = bundle.file("tests/matrix.json").unwrap();
        let mut matrix: Value = serde_json::from_str(text).unwrap();
        matrix["release"]["expect"]["officer"].as_object_mut().unwrap().remove("active");
        let mut files = bundle.files().clone();
        files.insert("tests/matrix.json".to_owned(), matrix.to_string());
        let short = Bundle::of(files);
        let (_, failures) = run(&Engine::load(&short).unwrap(), &short).unwrap();
        assert_eq!(failures.len(), 1, "{failures:?}");
    }

    #[test]
    fn officers_alone_collect_and_owners_alone_fetch() {
        let bundle = Bundle::shipped();
        let grids: BTreeMap<String, Grid> = read(&bundle, "tests/matrix.json").unwrap();
        for (action, grid) in &grids {
            for case in grid.cases(action).iter().filter(|case| case.expect.is_empty()) {
                let by = if action == "fetch-owner-header" { "by owner," } else { "by officer," };
                assert!(case.name.contains(by), "{} is allowed", case.name);
            }
        }
    }

    fn with_forbid(policy: &str) -> Bundle {
        let bundle = Bundle::shipped();
        let files = bundle.paths().map(|p| (p.to_owned(), bundle.file(p).unwrap().to_owned()));
        let mut files: BTreeMap<_, _> = files.collect();
        files.entry("forbids.cedar".to_owned()).and_modify(|text| text.push_str(policy));
        Bundle::of(files)
    }

    fn judged(bundle: &Bundle, change: impl FnOnce(&mut Map<String, Value>)) -> Vec<String> {
        let base: Base = read(bundle, "tests/base.json").unwrap();
        let mut facts = base.release;
        change(&mut facts);
        let engine = Engine::load(bundle).unwrap();
        let reasons = engine.judge("release", "someone", ("Grant", "something".to_owned()), &facts);
        reasons.into_iter().map(|reason| reason.id).collect()
    }

    #[test]
    fn promise_03_a_rule_that_cannot_be_evaluated_denies() {
        let policy = "\n@id(\"overflows\")\n@reason(\"r\")\n@advice(\"a\")\n@show(\"all\")\n\
            forbid (principal is Caller, action == Action::\"release\", resource is Grant)\n\
            when { context.window_left + 9223372036854775807 < 0 };\n";
        assert_eq!(judged(&with_forbid(policy), |_| ()), ["policy-error"]);
        assert_eq!(judged(&Bundle::shipped(), |_| ()), Vec::<String>::new());
    }

    #[test]
    fn promise_03_a_missing_or_unknown_fact_denies() {
        let missing = judged(&Bundle::shipped(), |facts| drop(facts.remove("suspended")));
        assert_eq!(missing, ["facts-incomplete"]);
        let unknown = judged(&Bundle::shipped(), |facts| drop(facts.insert("vip".to_owned(), Value::Bool(true))));
        assert_eq!(unknown, ["facts-incomplete"]);
        let others = [
            ("suspended", serde_json::json!("false")),
            ("suspended", Value::Null),
            ("window_left", serde_json::json!("1")),
            ("window_left", serde_json::json!(1.5)),
            ("window_left", serde_json::json!(u64::MAX)),
            ("purpose", serde_json::json!(["commission-of-inquiry"])),
            ("grant_purposes", serde_json::json!("commission-of-inquiry")),
            ("grant_purposes", serde_json::json!([1])),
            ("grant_purposes", serde_json::json!({"commission-of-inquiry": true})),
        ];
        for (name, other) in others {
            let judged = judged(&Bundle::shipped(), |facts| drop(facts.insert(name.to_owned(), other.clone())));
            assert_eq!(judged, ["facts-incomplete"], "{name} as {other}");
        }
    }

    #[test]
    fn a_bundle_with_a_rule_nobody_could_read_is_not_loaded() {
        let wordless =
            "\n@id(\"mute\")\nforbid (principal is Caller, action == Action::\"release\", resource is Grant);\n";
        assert!(Engine::load(&with_forbid(wordless)).is_err());
        let allowing = "\n@id(\"open\")\n@reason(\"r\")\n@advice(\"a\")\n@show(\"all\")\n\
            permit (principal is Caller, action == Action::\"release\", resource is Grant);\n";
        assert!(Engine::load(&with_forbid(allowing)).is_err());
    }
}
