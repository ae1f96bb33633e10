//! The command line from outside: the real binary, a real broker, people with files of their own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use crate::stage::Stage;
use amana::cli::demo::cast::copy;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A person at a terminal that is none: commands only, a home of their own.
pub struct Person {
    pub home: PathBuf,
    pub identity: PathBuf,
    pub url: String,
    pub card: String,
}

impl Person {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.arg("--home").arg(&self.home).arg("--identity").arg(&self.identity);
        command.env("AMANA_BROKER", &self.url).env("AMANA_CARD", &self.card);
        command
    }
    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
    /// Runs with `--json`; panics unless it succeeds and prints one JSON value.
    pub fn does(&self, arguments: &[&str]) -> Value {
        json_of(&self.command(arguments).arg("--json").output().unwrap(), arguments)
    }
    /// Runs for people; panics unless it succeeds.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }
    /// Runs; panics unless it fails with this exit code. Returns what it said.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        words(&output)
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["HOME", "AS", "IDENTITY", "PASSPHRASE", "BROKER", "CARD", "INVITATION"] {
        command.env_remove(format!("AMANA_{name}"));
    }
    command
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json_of(output: &Output, arguments: &[&str]) -> Value {
    assert!(output.status.success(), "{arguments:?}: {}", words(output));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{arguments:?} printed no JSON ({e}): {}", words(output)))
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Everybody with a plain identity file.
pub struct People {
    pub stage: Stage,
    pub advocate: Person,
    root: Person,
    pub officer: Person,
    unit: PathBuf,
    administrators: [Person; 2],
    accreditor: Person,
    auditor: Person,
}

impl People {
    pub fn gather() -> Self {
        let stage = Stage::founded();
        let person = |identity: &amana::client::identity::Identity| {
            let file = stage.path(&format!("{}.txt", identity.label().as_str()));
            identity.write_plain(&file).unwrap();
            Person {
                home: stage.path(&format!("home-{}", identity.label().as_str())),
                identity: file,
                url: stage.url.clone(),
                card: stage.cast.card().to_string(),
            }
        };
        let founded = &stage.cast.founded;
        Self {
            advocate: person(&stage.cast.advocate),
            root: person(&stage.cast.institution),
            officer: person(&stage.cast.officer),
            unit: person(&stage.cast.unit).identity,
            administrators: [person(&founded.administrators[0]), person(&founded.administrators[1])],
            accreditor: person(&founded.accreditors[0]),
            auditor: person(&founded.auditors[0]),
            stage,
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.stage.path(name)
    }

    /// Enrolment, officer, key, admission by two, attestation. Returns the institution's id and its eight words.
    pub fn establish(&self) -> (String, String) {
        let recovery = self.file("root-recovery");
        let enrolled = self.root.does(&[
            "institution",
            "enrol",
            "--name",
            "Mission (fictional)",
            "--jurisdiction",
            "Union (fictional)",
            "--class",
            "un-mechanism",
            "--mandate",
            "commission-of-inquiry",
            "--mandate-days",
            "365",
            "--recovery-file",
            path(&recovery),
        ]);
        let id = text(&enrolled, "institution");
        let officer = text(&self.officer.does(&["identity", "show"]), "public_key");
        self.root.does(&["institution", "officer", "--key", &officer, "--unit", "evidence", "--days", "30"]);
        let recipient = copy(&self.stage.cast.unit).recipient().to_string();
        let published = self.root.does(&["institution", "key", "--unit", "evidence", "--recipient", &recipient]);
        let [first, second] = &self.administrators;
        let proposal = text(&first.does(&["institution", "admit", &id]), "proposal");
        first.fails(1, &["institution", "approve", &proposal]);
        second.does(&["institution", "approve", &proposal]);
        self.accreditor.does(&[
            "institution",
            "attest",
            &id,
            "--kind",
            "due-diligence",
            "--met",
            "all",
            "--days",
            "30",
        ]);
        (id, text(&published, "words"))
    }

    pub fn enrol_advocate(&self) {
        self.advocate.does(&["identity", "enrol", "--recovery-file", path(&self.file("recovery-words"))]);
    }

    /// Seals and uploads a file; returns the report.
    fn share(&self, name: &str) -> String {
        let (note, sealed) = (self.file(name), self.file(&format!("{name}.age")));
        fs::write(&note, "what was seen").unwrap();
        self.advocate.does(&["report", "seal", path(&note), "--out", path(&sealed), "--title", "The gate"]);
        text(&self.advocate.does(&["report", "upload", path(&sealed)]), "report")
    }
}

const GRANT: [&str; 5] = ["--purpose", "commission-of-inquiry", "--cooling-off", "0", "--yes"];

pub fn grant<'a>(report: &'a str, to: &'a str, fingerprint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["grant", "create", report, "--to", to, "--confirm-fingerprint", fingerprint];
    arguments.extend(GRANT);
    arguments.extend(more);
    arguments
}

#[test]
fn a_whole_story_by_commands() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let report = people.share("note.txt");
    let advocate = &people.advocate;
    assert!(!people.file("note.txt.age.amana-report").exists());
    // What can be repeated without harm can be repeated.
    assert_eq!(text(&advocate.does(&["report", "upload", path(&people.file("note.txt.age"))]), "report"), report);
    assert_eq!(advocate.does(&["report", "list"])[0]["title"], "The gate");

    let reference = text(&advocate.does(&["report", "show", &report]), "reference");
    let asked = people.officer.does(&[
        "request",
        "create",
        &reference,
        "--purpose",
        "commission-of-inquiry",
        "--legal-basis",
        "Resolution 1",
        "--deadline",
        "30",
        "--message",
        "Our reference is F-12",
    ]);
    let received = advocate.does(&["request", "list"]);
    assert_eq!(received[0]["message"], "Our reference is F-12");
    assert_eq!(people.officer.does(&["request", "list"])[0]["message"], Value::Null);

    preview_says_who_what_why(&people, &report, &institution, &fingerprint);
    let answers = text(&asked, "request");
    let given = text(&advocate.does(&grant(&report, &institution, &fingerprint, &["--answers", &answers])), "grant");
    let answered = json!({ "commission-of-inquiry": { "granted": given } });
    assert_eq!(advocate.does(&["request", "list"])[0]["answers"], answered);
    collect_and_open(&people, &given);
    withdraw(&people, &given);

    let (audit, card) = (people.file("audit"), people.auditor.card.clone());
    people.auditor.does(&["audit", "export", "--out", path(&audit)]);
    let verified =
        json_of(&program(&["audit", "verify", path(&audit), "--card", &card, "--json"]).output().unwrap(), &["audit"]);
    assert_eq!(verified["holds"], true);
    assert_eq!(verified["events"]["released"], 1);
    receipt_from_files_names_the_recipient(&people, &given, &audit);
}

/// Whoever holds the statement and an audit bundle needs no identity and no broker.
fn receipt_from_files_names_the_recipient(people: &People, grant: &str, audit: &Path) {
    let file = people.file("grant.jws");
    let shown = people.advocate.does(&["grant", "show", grant]);
    fs::write(&file, shown["grant"]["statement"].as_str().unwrap()).unwrap();
    let words = ["grant", "consent-receipt", path(&file), "--format", "odrl"];
    let receipt = |more: &[&str]| -> Value {
        let output = program(&[&words[..], more].concat()).env("HOME", "/nowhere").output().unwrap();
        json_of(&output, &words)
    };
    assert_eq!(receipt(&[])["assignee"].get("vcard:fn"), None);
    assert_eq!(receipt(&["--register", path(audit)])["assignee"]["vcard:fn"], "Mission (fictional)");
    let stranger = Stage::founded();
    fs::write(people.file("genesis.note"), stranger.cast.founded.genesis.note()).unwrap();
    fs::write(people.file("register.jsonl"), "").unwrap();
    let folder = people.file("genesis.note").parent().unwrap().to_owned();
    let refused = program(&[&words[..], &["--register", path(&folder)]].concat()).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "another broker's register");
}

fn preview_says_who_what_why(people: &People, report: &str, institution: &str, fingerprint: &str) {
    let asked = ["grant", "preview", report, "--to", institution, "--purpose", "commission-of-inquiry"];
    let words = people.advocate.says(&asked);
    for expected in [
        "Mission (fictional)",
        fingerprint,
        "Commissioners and their staff",
        "it does not erase",
        "less than a day ago",
        "Nobody's consent is recorded",
    ] {
        assert!(words.contains(expected), "no {expected:?} in {words}");
    }
    // The eight words come from a list in which "party" is a word like any other.
    let words = words.replace(fingerprint, "");
    for jargon in ["party", "header", "shred", "policy engine"] {
        assert!(!words.contains(jargon), "{jargon} in {words}");
    }
    assert_eq!(people.advocate.does(&asked)["cooling_off_seconds"], 24 * 3600);
    // Without the words a young key is not granted to.
    let create = ["grant", "create", report, "--to", institution, "--purpose", "commission-of-inquiry", "--yes"];
    assert!(people.advocate.fails(1, &create).contains("--confirm-fingerprint"));
}

fn collect_and_open(people: &People, grant: &str) {
    let age = people.file("report.age");
    let fetch = ["release", "fetch", grant, "--purpose", "commission-of-inquiry", "--out", path(&age)];
    people.officer.does(&fetch);
    assert!(people.officer.fails(1, &fetch).contains("there already"));
    assert!(people.officer.fails(1, &["release", "acknowledge", path(&age)]).contains("open it first"));
    // Neither the officer nor the advocate is who it was wrapped for.
    let into = people.file("opened");
    assert!(
        people
            .officer
            .fails(1, &["release", "open", path(&age), "--into", path(&into)])
            .contains("not for this identity")
    );
    assert!(!into.exists());
    let unit = path(&people.unit);
    people.officer.does(&["release", "open", path(&age), "--unit-identity", unit, "--into", path(&into)]);
    assert_eq!(fs::read_to_string(into.join("files/0001-note.txt")).unwrap(), "what was seen");
    people.officer.does(&["release", "acknowledge", path(&age)]);
    let listed = people.officer.does(&["grant", "list"]);
    assert_eq!((&listed[0]["releases_used"], &listed[0]["awaiting"]), (&Value::from(1), &Value::Null));
}

fn withdraw(people: &People, grant: &str) {
    let proof = people.file("grant.tlog-proof");
    people.advocate.does(&["grant", "receipt", grant, "--out", path(&proof)]);
    assert!(fs::read_to_string(&proof).unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    people.advocate.does(&["grant", "show", grant]);
    let receipt = people.file("receipt.html");
    let made = people.advocate.does(&["grant", "consent-receipt", grant, "--language", "fr", "--out", path(&receipt)]);
    assert_eq!(made["signature_checked"], true);
    let page = fs::read_to_string(&receipt).unwrap();
    assert!(page.contains("Mission (fictional)") && page.contains("lang=\"fr\""), "{page}");
    let words = people.advocate.says(&["grant", "revoke", grant, "--by", "person"]);
    for expected in ["Nobody can collect this again", "Mission (fictional)", "cannot be taken back", "due by"] {
        assert!(words.contains(expected), "no {expected:?} in {words}");
    }
    let age = people.file("again.age");
    people.officer.fails(1, &["release", "fetch", grant, "--purpose", "commission-of-inquiry", "--out", path(&age)]);
}

#[test]
fn a_kept_back_grant_releases_nothing_before_the_second_yes() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let report = people.share("note.txt");
    let given = people.advocate.does(&grant(&report, &institution, &fingerprint, &["--keep-header"]));
    let id = text(&given, "grant");
    assert_eq!(given["waits_for_second_yes"], true);
    let age = people.file("report.age");
    let fetch = ["release", "fetch", &id, "--purpose", "commission-of-inquiry", "--out", path(&age)];
    people.officer.fails(1, &fetch);
    people.advocate.does(&["grant", "complete", &id]);
    assert!(people.advocate.fails(1, &["grant", "complete", &id]).contains("keeps nothing back"));
    // The answer is lost on its way to the disk; the same request is the same release.
    let nowhere = people.file("no-such-folder/report.age");
    let mut broken = fetch;
    broken[6] = path(&nowhere);
    assert!(people.officer.fails(1, &broken).contains("the same command"));
    assert_eq!(people.officer.does(&fetch)["again"], true);
    assert_eq!(people.officer.does(&["grant", "list"])[0]["releases_used"], 1);
    // The lost device's file comes back as it was uploaded.
    let back = people.file("back.age");
    people.advocate.does(&["report", "download", &report, "--out", path(&back)]);
    assert_eq!(fs::read(&back).unwrap(), fs::read(people.file("note.txt.age")).unwrap());
    // Suspension stops at once; lifting needs a second administrator.
    let [first, second] = &people.administrators;
    first.does(&["institution", "suspend", &institution, "--reason", "a source was named"]);
    assert!(people.advocate.says(&["institution", "show", &institution]).contains("suspended"));
    let lift = first.does(&["institution", "lift", &institution, "--reason", "examined again"]);
    assert!(people.advocate.says(&["institution", "list"]).contains("suspended"));
    assert!(second.says(&["institution", "approve", &text(&lift, "proposal")]).contains("examined again"));
    assert!(!people.advocate.says(&["institution", "list"]).contains("suspended"));
}

#[test]
fn a_false_card_and_no_card_stop_before_anything_is_sent() {
    let people = People::gather();
    let without = program(&["identity", "enrol", "--broker", &people.stage.url])
        .arg("--home")
        .arg(people.file("nobody"))
        .arg("--identity")
        .arg(&people.advocate.identity)
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert!(words(&without).contains("another channel"));
    let mut misled = people.advocate;
    misled.card = format!("demo.amana.invalid#{}", "0".repeat(64));
    assert!(misled.fails(3, &["institution", "list"]).contains("not the broker on your bootstrap card"));
    // A pinned card is not replaced by another one.
    misled.card = people.stage.cast.card().to_string();
    misled.does(&["institution", "list"]);
    misled.card = format!("demo.amana.invalid#{}", "0".repeat(64));
    misled.fails(3, &["institution", "list"]);
}

#[test]
fn ids_that_begin_with_a_hyphen_are_ids() {
    let people = People::gather();
    for id in ["-Dcthb6tGMxqeBsp0ulhsFuwNiaHuTQ27IiJY_0jgx4", "--cthb6tGMxqeBsp0ulhsFuwNiaHuTQ27IiJY_0jgx4"] {
        assert!(people.advocate.fails(1, &["institution", "show", id]).contains("knows no institution"));
        let officer = ["institution", "officer", "--key", id, "--unit", "evidence", "--days", "30"];
        assert!(people.root.fails(1, &officer).contains("knows no institution"));
        let report = "0".repeat(64);
        let preview = ["grant", "preview", &report, "--to", id, "--purpose", "commission-of-inquiry", "--officer", id];
        assert!(people.advocate.fails(1, &preview).contains("knows no institution"));
    }
}

#[test]
fn nobody_answering_has_an_exit_code_of_its_own() {
    let people = People::gather();
    people.enrol_advocate();
    let (note, sealed) = (people.file("note.txt"), people.file("note.age"));
    fs::write(&note, "what was seen").unwrap();
    let mut person = people.advocate;
    person.url = "http://127.0.0.1:1".to_owned();
    // Sealing needs no network.
    person.does(&["report", "seal", path(&note), "--out", path(&sealed)]);
    assert!(person.fails(4, &["report", "upload", path(&sealed)]).contains("may be given again"));
    person.url.clone_from(&people.stage.url);
    person.does(&["report", "upload", path(&sealed)]);
}

#[test]
fn a_grant_wider_than_consent_names_the_person_by_code() {
    let people = People::gather();
    let (institution, fingerprint) = people.establish();
    people.enrol_advocate();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let sealed = people.file("case.age");
    people.advocate.does(&["report", "seal", "--yes", path(&sample), "--out", path(&sealed)]);
    let report = text(&people.advocate.does(&["report", "upload", path(&sealed)]), "report");
    let words = people.advocate.fails(1, &grant(&report, &institution, &fingerprint, &["--identification", "public"]));
    assert!(words.contains("V-0"), "{words}");
    assert!(words.contains("not signed"), "{words}");
    assert_eq!(people.advocate.does(&["grant", "list"]), Value::Array(Vec::new()));
}

#[test]
fn an_identity_opens_with_its_passphrase_only_and_its_recovery_words_are_rehearsed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("right"), "correct horse battery\n").unwrap();
    fs::write(at("wrong"), "incorrect horse\n").unwrap();
    let run = |arguments: &[&str], passphrase: &str| {
        program(arguments).arg("--home").arg(at("home")).arg("--passphrase-file").arg(at(passphrase)).output().unwrap()
    };
    let words_file = at("words");
    let made = run(&["identity", "new", "--label", "case 12", "--recovery-file", path(&words_file), "--json"], "right");
    let made = json_of(&made, &["identity", "new"]);
    let again = run(&["identity", "new", "--label", "case 12"], "right");
    assert!(words(&again).contains("already"));
    let show = run(&["identity", "show"], "wrong");
    assert_eq!(show.status.code(), Some(1));
    assert!(words(&show).contains("the passphrase is wrong"));
    let shown = json_of(&run(&["identity", "show", "--json"], "right"), &["identity", "show"]);
    assert_eq!(shown["party"], made["party"]);
    let check = ["identity", "recover", "--check", "--words-file", path(&words_file)];
    assert!(run(&check, "right").status.success());
    let mut swapped: Vec<String> = fs::read_to_string(&words_file).unwrap().split(' ').map(str::to_owned).collect();
    swapped.rotate_left(1);
    fs::write(&words_file, swapped.join(" ")).unwrap();
    assert_eq!(run(&check, "right").status.code(), Some(3));
    let file = fs::read_to_string(at("home").join("case 12/identity.age")).unwrap();
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
}

#[test]
fn secrets_are_not_printed_where_there_is_no_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let new = program(&["identity", "new"]).arg("--home").arg(&home).output().unwrap();
    assert_eq!(new.status.code(), Some(2));
    assert!(words(&new).contains("--passphrase-file"));
    let new = program(&["identity", "new"]).arg("--home").arg(&home).env("AMANA_PASSPHRASE", "x y z").output().unwrap();
    assert_eq!(new.status.code(), Some(2));
    assert!(words(&new).contains("--recovery-file"));
    assert!(!home.join("main/identity.age").exists());
}

#[test]
fn what_the_device_remembers_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let people = People::gather();
    people.enrol_advocate();
    let folder = people.advocate.home.join("advocate");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("memory.age"))), (0o700, 0o600));
    let memory = fs::read(folder.join("memory.age")).unwrap();
    assert!(memory.starts_with(b"age-encryption.org/v1\n"));
    // Another identity of the same label does not use it.
    let mut other = people.officer;
    other.home.clone_from(&people.advocate.home);
    let output = other.command(&["institution", "list"]).args(["--as", "advocate"]).output().unwrap();
    assert!(words(&output).contains("another identity"), "{}", words(&output));
}

#[test]
fn a_malformed_file_does_not_hold_and_a_folder_in_the_way_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.age");
    fs::write(&file, "age-encryption.org/v1\n-> X25519 nonsense").unwrap();
    assert_eq!(program(&["inspect", path(&file)]).output().unwrap().status.code(), Some(3));
    let failed = program(&["inspect", path(&file), "--json"]).output().unwrap();
    let failed: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(failed["code"], 3);
    let demo = program(&["demo", "--dir", path(dir.path())]).output().unwrap();
    assert_eq!(demo.status.code(), Some(1));
    assert!(words(&demo).contains("there already"));
}

#[test]
fn a_founded_folder_serves_and_is_not_founded_twice() {
    let dir = tempfile::tempdir().unwrap();
    let broker = dir.path().join("broker");
    let new = ["genesis", "new", "--dir", path(&broker), "--origin", "broker.example", "--json"];
    let founded = json_of(&program(&new).output().unwrap(), &new);
    assert_eq!(program(&new).output().unwrap().status.code(), Some(1));
    let note = broker.join("genesis.note");
    let shown = json_of(&program(&["genesis", "show", path(&note), "--json"]).output().unwrap(), &["genesis", "show"]);
    assert_eq!(shown["card"], founded["card"]);
    let people = program(&["genesis", "show", path(&note)]).output().unwrap();
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains('█') || people.contains('▀'), "no QR code in {people}");
    assert!(broker.join("roles/administrator-3.txt").exists());
    let places = amana::cli::embedded::Places::under(&broker);
    assert!(amana::cli::embedded::Running::start(places, None).is_ok());
    fs::write(&note, fs::read_to_string(&note).unwrap().replace("broker.example", "broker.exampla")).unwrap();
    assert_eq!(program(&["genesis", "show", path(&note)]).output().unwrap().status.code(), Some(3));
}

#[test]
fn policies_are_checked_tested_and_explained() {
    for verb in ["check", "test", "explain"] {
        let said = program(&["policy", verb, "--json"]).output().unwrap();
        json_of(&said, &["policy", verb]);
    }
    let explained = String::from_utf8(program(&["policy", "explain"]).output().unwrap().stdout).unwrap();
    assert!(explained.contains("The institution is suspended."));
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("forbids.cedar"), "").unwrap();
    assert_eq!(program(&["policy", "check", path(dir.path())]).output().unwrap().status.code(), Some(3));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    assert!(program(&["policy", "test", path(&shipped)]).output().unwrap().status.success());
}

#[test]
fn every_command_has_help_with_an_example() {
    fn walk(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        let name = format!("{path} {}", command.get_name());
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Example"), "{name} has no example:\n{help}");
        assert!(help.contains("--json") || path.is_empty() || !command.has_subcommands(), "{name}");
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            walk(below, &name, found);
        }
        found.insert(name.trim().to_owned());
    }
    let mut found = BTreeSet::new();
    let mut command = amana::cli::command();
    command.build();
    walk(&command, "", &mut found);
    assert!(found.len() > 50, "{found:?}");
    for shell in ["bash", "zsh", "fish"] {
        json_of(&program(&["completions", shell, "--json"]).output().unwrap(), &["completions", shell]);
    }
    let dir = tempfile::tempdir().unwrap();
    assert!(program(&["man", "--out", path(dir.path())]).output().unwrap().status.success());
    assert!(dir.path().join("amana-grant-create.1").exists());
    assert!(fs::read_dir(dir.path()).unwrap().count() >= found.len() - 1);
}
