//! Persons' consent by commands: the register before sealing, what is said after it, and what follows.

use crate::command_line::{People, grant, path, text};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A folder with one file for each of two witnesses, and a register made by commands.
fn case(people: &People, name: &str, review_by: &str) -> PathBuf {
    let folder = people.file(name);
    fs::create_dir_all(folder.join("consent")).unwrap();
    for file in ["first.txt", "second.txt"] {
        fs::write(folder.join(file), file).unwrap();
    }
    let draft = serde_json::json!({ "items": {
        "first.txt": { "persons": [{ "code": "W-1", "level": "redacted" }] },
        "second.txt": { "persons": [{ "code": "W-2", "level": "redacted" }] },
    } });
    fs::write(folder.join("report.json"), draft.to_string()).unwrap();
    for code in ["W-1", "W-2"] {
        add(people, &folder, code, review_by);
    }
    folder
}

fn register(folder: &std::path::Path) -> PathBuf {
    folder.join("consent/consent_register.json")
}

fn add(people: &People, folder: &std::path::Path, code: &str, review_by: &str) -> Value {
    let file = register(folder);
    people.advocate.does(&[
        "consent",
        "add",
        "--file",
        path(&file),
        code,
        "--role",
        "witness",
        "--status",
        "given",
        "--by",
        "self",
        "--form",
        "verbal, recorded",
        "--use",
        "commission-of-inquiry=redacted",
        "--use",
        "publication=no",
        "--recipient",
        "un-mechanism=yes",
        "--review-by",
        review_by,
        "--contact",
        "none",
    ])
}

fn day(people: &People, days: i64) -> String {
    let today = amana::client::consent::date_of(people.stage.now()).unwrap();
    today.saturating_add(jiff::Span::new().days(days)).to_string()
}

/// Seals and uploads the folder; returns the report.
fn share(people: &People, folder: &std::path::Path, more: &[&str]) -> String {
    let sealed = people.file(&format!("{}.age", folder.file_name().unwrap().to_str().unwrap()));
    let mut seal = vec!["report", "seal", "--yes", "--out", path(&sealed)];
    seal.extend(more);
    seal.push(path(folder));
    people.advocate.does(&seal);
    text(&people.advocate.does(&["report", "upload", path(&sealed)]), "report")
}

#[test]
fn register_is_made_by_commands_and_holds_only_what_may_be_sealed() {
    use std::os::unix::fs::PermissionsExt as _;
    let people = People::gather();
    let review_by = day(&people, 100);
    let folder = case(&people, "case", &review_by);
    let (advocate, file) = (&people.advocate, register(&folder));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read_to_string(&file).unwrap();
    let file = path(&file);
    for (code, words, arguments) in [
        (2, "commission-of-inquiry", vec!["set", "--file", file, "W-1", "--use", "world-peace=redacted"]),
        (2, "does not say how recognisable", vec!["set", "--file", file, "W-1", "--use", "publication=yes"]),
        (2, "is no answer", vec!["set", "--file", file, "W-1", "--use", "publication=maybe"]),
        (2, "un-mechanism", vec!["set", "--file", file, "W-1", "--recipient", "neighbours=yes"]),
        (
            2,
            "answered twice",
            vec!["set", "--file", file, "W-1", "--use", "publication=no", "--use", "publication=public"],
        ),
        (2, "say what the person answered", vec!["set", "--file", file, "W-1"]),
        (1, "consent withdraw", vec!["set", "--file", file, "W-1", "--status", "withdrawn"]),
        (1, "in the register already", vec!["add", "--file", file, "W-1", "--status", "given"]),
        (1, "consent add", vec!["set", "--file", file, "W-3", "--use", "publication=no"]),
        (2, "code of one person", vec!["add", "--file", file, "V-04..V-07", "--status", "given"]),
        (2, "no day of the calendar", vec!["review", "--file", file, "W-1", "--review-by", "2027-02-29"]),
        (1, "overdue at once", vec!["review", "--file", file, "W-1", "--review-by", "2026-01-01"]),
        (2, "leave out --do", vec!["withdraw", "--file", file, "W-1", "--do"]),
    ] {
        let arguments: Vec<&str> = std::iter::once("consent").chain(arguments).collect();
        let said = advocate.fails(code, &arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(fs::read_to_string(file).unwrap(), before, "{arguments:?}");
    }
    let next = day(&people, 200);
    advocate.does(&[
        "consent",
        "review",
        "--file",
        file,
        "W-1",
        "--review-by",
        &next,
        "--use",
        "publication=ask-again",
    ]);
    advocate.does(&["consent", "withdraw", "--file", file, "W-2"]);
    let shown = advocate.does(&["consent", "show", "--file", file]);
    assert_eq!(shown["persons"][0]["valid_review_by"], next.as_str());
    assert_eq!(shown["persons"][0]["uses"]["publication"], "ask-again");
    assert_eq!(shown["persons"][0]["uses"]["commission-of-inquiry"], "redacted");
    assert_eq!((&shown["persons"][1]["status"], &shown["persons"][1]["uses"]), (&"withdrawn".into(), &Value::Null));
}

#[test]
fn withdrawal_by_commands_proposes_and_with_do_withdraws() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let folder = case(&people, "case", &day(&people, 20));
    let report = share(&people, &folder, &["--title", "The gate"]);
    let advocate = &people.advocate;
    let given = text(&advocate.does(&grant(&report, &institution, &fingerprint, &[])), "grant");
    // A reminder stands under every listing, and for programs nowhere.
    let listed = advocate.command(&["grant", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stderr).contains("W-1 by"), "{listed:?}");
    assert_eq!(advocate.does(&["consent", "due"])["persons"][0]["code"], "W-1");
    assert_eq!(advocate.does(&["consent", "due", "--within", "5"])["persons"], Value::Array(Vec::new()));

    let preview = ["grant", "preview", &report, "--to", &institution, "--purpose", "commission-of-inquiry"];
    assert_eq!(advocate.does(&preview)["consent_recorded_later"], false);
    advocate.does(&["consent", "review", "W-1", "--review-by", &day(&people, 200)]);
    assert_eq!(advocate.does(&preview)["consent_recorded_later"], true);
    assert!(advocate.says(&preview).contains("is your word"));

    let proposed = advocate.does(&["consent", "withdraw", "W-2"]);
    assert_eq!((&proposed["broker_asked"], &proposed["changed"]), (&true.into(), &true.into()));
    assert_eq!(proposed["reports"][0], report.as_str());
    let command = format!("amana grant revoke {given} --by person --scope all");
    assert_eq!(proposed["proposals"][0]["command"], command.as_str());
    assert_eq!(proposed["proposals"][0]["instead"]["seal-without"]["files"][0], "second.txt");
    // Nothing was withdrawn without being told to.
    assert!(advocate.says(&["grant", "list"]).contains("open"));
    let words = advocate.fails(1, &grant(&report, &institution, &fingerprint, &[]));
    assert!(words.contains("W-2: this person has withdrawn"), "{words}");

    let done = advocate.does(&["consent", "propose", "--do"]);
    assert_eq!(done["withdrawn"][0]["grant"], given.as_str());
    assert!(advocate.says(&["grant", "list"]).contains("withdrawn"));
    assert_eq!(advocate.does(&["consent", "propose"])["proposals"], Value::Array(Vec::new()));
    let words = advocate.says(&["consent", "withdraw", "W-2"]);
    for expected in ["No grant is wider", "sealed inside still shows", "everything"] {
        assert!(words.contains(expected), "no {expected:?} in {words}");
    }
    for jargon in ["party", "header", "shred"] {
        assert!(!words.contains(jargon), "{jargon} in {words}");
    }
    let shown = advocate.does(&["consent", "show", &report]);
    let status = |which: &str| shown[which]["persons"][1]["status"].clone();
    assert_eq!((status("sealed"), status("working")), ("given".into(), "withdrawn".into()));
}

#[test]
fn withdrawal_is_recorded_and_its_grants_named_while_nobody_answers() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let folder = case(&people, "case", &day(&people, 100));
    let report = share(&people, &folder, &[]);
    let given = text(&people.advocate.does(&grant(&report, &institution, &fingerprint, &[])), "grant");
    let mut advocate = people.advocate;
    advocate.url = "http://127.0.0.1:1".to_owned();
    let proposed = advocate.does(&["consent", "withdraw", "W-2"]);
    assert_eq!(proposed["broker_asked"], false);
    assert_eq!(proposed["proposals"][0]["grant"], given.as_str());
    let words = advocate.fails(4, &["consent", "withdraw", "W-2", "--do"]);
    assert!(words.contains("amana consent propose --do"), "{words}");
    assert_eq!(advocate.does(&["consent", "show", &report])["working"]["persons"][1]["status"], "withdrawn");
    advocate.url.clone_from(&people.stage.url);
    assert_eq!(advocate.does(&["consent", "propose", "W-2", "--do"])["withdrawn"][0]["grant"], given.as_str());
}

#[test]
fn relations_are_sealed_shown_and_decide_which_version_is_granted() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let advocate = &people.advocate;
    let review_by = day(&people, 100);
    let folder = case(&people, "case", &review_by);
    let report = share(&people, &folder, &["--tier", "3"]);
    let unknown = "0".repeat(64);
    let seal = ["report", "seal", "--yes", "--redacts", &unknown, path(&folder)];
    assert!(advocate.fails(1, &seal).contains("knows no report"));
    let seal = ["report", "seal", "--yes", "--redacts", &report, "--kind", "original", path(&folder)];
    assert!(advocate.fails(2, &seal).contains("contradicts"));
    advocate.fails(2, &["report", "seal", "--redacts", &report, "--corrects", &report, path(&folder)]);

    let folder = case(&people, "redacted", &review_by);
    let redacted = share(&people, &folder, &["--tier", "3", "--redacts", &report]);
    let shown = advocate.does(&["report", "show", &redacted]);
    assert_eq!(shown["report"]["kind"], "redaction");
    assert_eq!(shown["earlier"][0]["report"], report.as_str());
    assert_eq!(shown["earlier"][0]["commitment"], "holds");
    assert!(advocate.says(&["report", "show", &report]).contains(&format!("redacted by {redacted}")));
    let words = advocate.fails(1, &grant(&report, &institution, &fingerprint, &[]));
    assert!(words.contains(&redacted) && words.contains("--original"), "{words}");
    assert_eq!(advocate.does(&["grant", "list"]), Value::Array(Vec::new()));
    advocate.does(&grant(&report, &institution, &fingerprint, &["--original"]));
    advocate.does(&grant(&redacted, &institution, &fingerprint, &[]));

    let folder = case(&people, "corrected", &review_by);
    let corrected = share(&people, &folder, &["--corrects", &redacted]);
    let asked = ["grant", "preview", &redacted, "--to", &institution, "--purpose", "commission-of-inquiry"];
    assert_eq!(advocate.does(&asked)["newer"], corrected.as_str());
    assert!(advocate.says(&asked).contains("corrected or replaced"));
    assert!(advocate.says(&["report", "list"]).contains(&format!("corrects {redacted}")));

    // What the folder's description says counts as much as what is typed.
    let folder = case(&people, "translated", &review_by);
    let mut draft: Value = serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap();
    draft["relations"] = serde_json::json!([{ "kind": "translates", "digest": report, "reason": "into French" }]);
    fs::write(folder.join("report.json"), draft.to_string()).unwrap();
    let translated = advocate.does(&["report", "show", &share(&people, &folder, &[])]);
    assert_eq!(
        (&translated["report"]["kind"], &translated["earlier"][0]["commitment"]),
        (&"translation".into(), &"holds".into())
    );
}

#[test]
fn register_older_than_what_the_device_was_told_is_noticed_before_sealing() {
    let people = People::gather();
    people.enrol_advocate();
    let folder = case(&people, "case", &day(&people, 100));
    share(&people, &folder, &[]);
    people.advocate.does(&["consent", "withdraw", "W-2"]);
    let again = people.file("again.age");
    let sealed = people.advocate.does(&["report", "seal", "--yes", "--out", path(&again), path(&folder)]);
    let warnings = sealed["warnings"].to_string();
    assert!(warnings.contains("W-2") && !warnings.contains("W-1"), "{warnings}");
    people.advocate.does(&["consent", "withdraw", "--file", path(&register(&folder)), "W-2"]);
    let current = people.file("current.age");
    let sealed = people.advocate.does(&["report", "seal", "--yes", "--out", path(&current), path(&folder)]);
    assert_eq!(sealed["warnings"], Value::Array(Vec::new()));
}
