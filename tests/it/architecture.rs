//! The house stays as it is drawn: which module uses which, and where the makers of proofs are.

use std::{collections::BTreeMap, fs, path::Path};

/// What each module may use of the others. Anything else fails.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("tlog", &[]),
    ("wire", &["model", "tlog"]),
    ("policy", &["model"]),
    ("audit", &["model", "tlog", "wire", "policy"]),
    ("store", &["model", "tlog", "wire", "policy"]),
    ("broker", &["model", "tlog", "wire", "policy", "store"]),
    ("http", &["model", "wire", "broker"]),
    ("client", &["model", "tlog", "wire", "audit"]),
    ("cli", &["model", "tlog", "wire", "policy", "audit", "store", "broker", "http", "client"]),
];

fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    assert!(found.len() > 50, "the walk found {} files only", found.len());
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Source without comments, so that a link in a doc comment is no edge.
fn code(source: &str) -> String {
    let lines = source.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn module_of(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

fn edges(source: &str) -> Vec<String> {
    let code = code(source);
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            // Only the first name of each branch of `use crate::{a::…, b::{…}}` is a module of the house.
            let mut depth = 0;
            let mut expects = true;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        used.push(std::mem::take(&mut name));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        used.push(std::mem::take(&mut name));
                        expects = true;
                    }
                    ':' if depth == 0 => expects = false,
                    c if depth == 0 && expects && (c.is_alphanumeric() || c == '_') => name.push(c),
                    _ => {}
                }
            }
        } else {
            used.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    used.retain(|name| !name.is_empty());
    used
}

#[test]
fn modules_use_only_modules_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, source) in sources() {
        let module = module_of(&file);
        let Some(below) = allowed.get(module) else { continue };
        for used in edges(&source) {
            if used != module && allowed.contains_key(used.as_str()) && !below.contains(&used.as_str()) {
                wrong.push(format!("{file} uses crate::{used}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The check needs no policies, so that it can be built without them.
#[test]
fn only_the_replay_decides_again() {
    for (file, source) in sources() {
        let decides = module_of(&file) == "audit" && edges(&source).iter().any(|used| used == "policy");
        assert_eq!(decides, file == "audit/replay.rs", "{file}");
        let permits = ["decide_release", "decide_redelivery", "decide_owner_fetch", "Permit"];
        let permitting = permits.iter().any(|name| code(&source).contains(name));
        assert!(module_of(&file) != "audit" || !permitting, "{file} makes or names a permit");
    }
}

#[test]
fn the_edge_reader_sees_grouped_and_plain_paths() {
    let source = "use crate::{model::{a, b}, store::X,\n wire};\nlet y = crate::http::f(); // crate::client\n";
    assert_eq!(edges(source), ["model", "store", "wire", "http"]);
}

#[test]
fn proofs_have_no_maker_outside_their_module() {
    for (file, source) in sources() {
        let code = code(&source);
        assert!(!code.contains("super::super"), "{file} reaches over its parent");
        if ["policy/permit.rs", "store/logged.rs", "wire/statement.rs"].contains(&file.as_str()) {
            assert!(!code.contains("pub(crate)"), "{file} must not make its proofs for the whole crate");
        }
        if !file.starts_with("policy/") {
            assert!(!code.contains("Permit {") || file == "store.rs", "{file} builds a permit");
        }
        if !file.starts_with("store/") {
            assert!(!code.contains("Logged::new"), "{file} makes a logged act");
        }
        let releases = ["store/", "broker/"].iter().any(|m| file.starts_with(m));
        assert!(releases || !code.contains(".into_header()"), "{file} takes header bytes out of their proof");
    }
}

#[test]
fn only_the_client_says_age() {
    for (file, source) in sources() {
        if module_of(&file) != "client" {
            assert!(!code(&source).contains("age::"), "{file} says age::");
        }
    }
}

#[test]
fn only_the_command_line_reads_clocks_and_makes_chance() {
    for (file, source) in sources() {
        let code = code(&source);
        let ambient = ["SystemTime::now", "Instant::now", "OsRng", "thread_rng", "getrandom"];
        let found: Vec<&&str> = ambient.iter().filter(|name| code.contains(**name)).collect();
        assert!(found.is_empty() || file == "cli/ambient.rs", "{file} uses {found:?}");
    }
}

#[test]
fn every_module_opens_with_its_purpose() {
    for (file, source) in sources() {
        assert!(source.starts_with("//!"), "{file} does not say what it is for");
    }
}
