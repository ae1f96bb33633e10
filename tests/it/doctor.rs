//! Damage: the doctor finds it and says what to do, and the broker serves none of it.

use crate::{
    socket::{Raw, read_head},
    stage::{Stage, eventually, inquiry, problem},
};
use amana::{
    cli::demo::cast::copy,
    model::{
        ids::{GrantId, ReportId},
        limits::SUM_CHUNK_BYTES,
    },
};
use rusqlite::{Connection, params};
use std::{
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub fn amana(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
    command.args(arguments).stdin(Stdio::null()).env_remove("AMANA_KEYS").env_remove("AMANA_PASSPHRASE");
    command
}

pub fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub fn doctor(broker: &Path, more: &[&str]) -> (i32, String) {
    let output = amana(&["doctor", "--dir"]).arg(broker).args(more).output().unwrap();
    (output.status.code().unwrap(), words(&output))
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Content that does not repeat, so that chunks differ; a little over three chunks when sealed.
pub fn content() -> Vec<u8> {
    (0..3 * SUM_CHUNK_BYTES as u32 / 4).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

pub fn payload(stage: &Stage, report: ReportId) -> PathBuf {
    stage.path("broker/data/payloads").join(report.to_string())
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn execute(broker: &Path, sql: &str) {
    let database = Connection::open(broker.join("data/amana.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

/// Flips one byte in the middle of a sealed column.
fn flip_sealed(broker: &Path, table: &str, column: &str, condition: &str) {
    let database = Connection::open(broker.join("data/amana.db")).unwrap();
    let read = format!("SELECT {column} FROM {table} WHERE {condition}");
    let mut sealed: Vec<u8> = database.query_row(&read, [], |row| row.get(0)).unwrap();
    let middle = sealed.len() / 2;
    sealed[middle] ^= 1;
    let write = format!("UPDATE {table} SET {column} = ?1 WHERE {condition}");
    assert_eq!(database.execute(&write, params![sealed]).unwrap(), 1);
}

#[test]
fn doctor_finds_each_kind_of_damage_and_says_what_it_is_and_what_to_do() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", &content());
    let terms = stage.terms(report);
    let (open, revoked) = (stage.grant(&terms), stage.grant(&terms));
    let before = Connection::open(stage.path("broker/data/amana.db")).unwrap();
    let read = format!("SELECT hex(header) FROM headers WHERE id = '{revoked}'");
    let kept: String = before.query_row(&read, [], |row| row.get(0)).unwrap();
    drop(before);
    stage.revoke(revoked).unwrap();
    stage.wait_until_shredded(revoked);
    let whole = stage.path("broker");
    let (code, text) = doctor(&whole, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("a broker runs on it"), "{text}");
    stage.stop();
    let (code, text) = doctor(&whole, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no broker has this folder open") && !text.contains("BROKEN"), "{text}");
    assert!(text.contains("warning  place of the keys"), "{text}");

    let name = format!("data/payloads/{report}");
    let (open, revoked, report_text) = (open.to_string(), revoked.to_string(), report.to_string());
    type Damage<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>, &'a [&'a str]);
    let damages: Vec<Damage<'_>> = vec![
        (
            "flipped payload",
            Box::new(|b| flip(&b.join(&name), SUM_CHUNK_BYTES + 1000)),
            &["another SHA-256", "from a backup"],
        ),
        ("cut payload", Box::new(|b| fs::write(b.join(&name), b"short").unwrap()), &["has 5 of "]),
        ("lost payload", Box::new(|b| fs::remove_file(b.join(&name)).unwrap()), &["its payload is missing"]),
        (
            "flipped fact",
            Box::new(|b| flip_sealed(b, "facts", "row", &format!("kind = 'grant' AND key = '{open}'"))),
            &["facts grant", "does not open", "restore"],
        ),
        (
            "flipped entry",
            Box::new(|b| flip_sealed(b, "entries", "entry", "log = 1 AND idx = 3")),
            &["entries 1/3", "does not open"],
        ),
        (
            "flipped header",
            Box::new(|b| flip_sealed(b, "headers", "header", &format!("scope = 'grant' AND id = '{open}'"))),
            &["headers grant", "does not open"],
        ),
        (
            "swapped entries",
            Box::new(|b| {
                execute(
                    b,
                    "UPDATE entries SET idx = -1 WHERE log = 1 AND idx = 2;
                     UPDATE entries SET idx = 2 WHERE log = 1 AND idx = 3;
                     UPDATE entries SET idx = 3 WHERE log = 1 AND idx = -1;",
                );
            }),
            &["entries 1/2", "entries 1/3"],
        ),
        (
            "lost entry",
            Box::new(|b| execute(b, "DELETE FROM entries WHERE log = 1 AND idx = 2")),
            &["an entry is missing"],
        ),
        (
            "lost fact",
            Box::new(|b| execute(b, &format!("DELETE FROM facts WHERE kind = 'grant' AND key = '{revoked}'"))),
            &["BROKEN   log", "restore"],
        ),
        (
            "other tile",
            Box::new(|b| execute(b, "UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE log = 1 AND level = 0")),
            &["case log: the tiles are not"],
        ),
        (
            "lost header",
            Box::new(|b| execute(b, &format!("DELETE FROM headers WHERE scope = 'grant' AND id = '{open}'"))),
            &["is open, and its wrapped header is missing", "given anew"],
        ),
        (
            "lost owner header",
            Box::new(|b| execute(b, &format!("DELETE FROM headers WHERE id = '{report_text}'"))),
            &["its owner's header is missing"],
        ),
        (
            "header put back",
            Box::new(|b| execute(b, &format!("INSERT INTO headers VALUES ('grant', '{revoked}', x'{kept}')"))),
            &["is here, and the log says it is not"],
        ),
        (
            "broken page",
            Box::new(|b| {
                let path = b.join("data/amana.db");
                let mut bytes = fs::read(&path).unwrap();
                bytes[3 * 4096..3 * 4096 + 64].fill(0xff);
                fs::write(&path, bytes).unwrap();
            }),
            &["BROKEN   database"],
        ),
        (
            "other storage key",
            Box::new(|b| fs::write(b.join("keys/storage.key"), "5a".repeat(32)).unwrap()),
            &["does not open", "storage.key is not the key"],
        ),
        (
            "other log key",
            Box::new(|b| fs::write(b.join("keys/case.key"), "5a".repeat(32)).unwrap()),
            &["BROKEN   keys", "no key file holds the key"],
        ),
        ("no genesis", Box::new(|b| fs::remove_file(b.join("genesis.note")).unwrap()), &["BROKEN   genesis"]),
        ("no database", Box::new(|b| fs::remove_file(b.join("data/amana.db")).unwrap()), &["BROKEN   database"]),
    ];
    for (what, damage, expected) in damages {
        let damaged = stage.path("damaged");
        copy_folder(&whole, &damaged);
        damage(&damaged);
        let (code, text) = doctor(&damaged, &[]);
        assert_eq!(code, 3, "{what}: {text}");
        for word in expected {
            assert!(text.contains(word), "{what}: {word:?} is not in: {text}");
        }
        assert!(text.contains("→"), "{what}: no advice in {text}");
        fs::remove_dir_all(&damaged).unwrap();
    }
    let (code, text) = doctor(&whole, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, value["holds"].as_bool()), (0, Some(true)));
}

#[test]
fn quick_look_reads_no_payload_and_what_lies_beside_is_told() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    stage.stop();
    flip(&payload(&stage, report), 40);
    let broker = stage.path("broker");
    fs::write(broker.join("data/payloads").join("ab".repeat(32)), b"orphan").unwrap();
    fs::create_dir_all(broker.join("data/uploads")).unwrap();
    fs::write(broker.join("data/uploads/x.part"), b"half").unwrap();
    fs::write(broker.join("data/payloads/notes.txt"), b"?").unwrap();
    fs::set_permissions(broker.join("keys"), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, text) = doctor(&broker, &["--quick"]);
    assert_eq!(code, 0, "{text}");
    for word in ["they were not read", "1 payload(s) of no stored report (6 bytes)", "(4 bytes)", "notes.txt", "chmod"]
    {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    let (code, text) = doctor(&broker, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &value["code"], &value["details"]["holds"]), (3, &3.into(), &false.into()));
}

/// Sends a request and takes what comes until the answer or the connection ends.
fn taken(raw: &Raw, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = raw.send("GET", path, headers, b"");
    // A stream that is cut at its first chunk may take the head along.
    let Ok(head) = read_head(&mut stream) else { return (String::new(), Vec::new()) };
    let mut body = Vec::new();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    // A cut stream ends in an error or early; what came before is what counts.
    let _ = stream.take(length).read_to_end(&mut body);
    (head, body)
}

fn released(stage: &mut Stage, grant: GrantId) -> (Raw, String) {
    let released = stage.release(grant).unwrap();
    let raw = Raw::sign_in(stage, &copy(&stage.cast.officer));
    (raw, format!("/v1/releases/{}/report.age", released.release))
}

#[test]
fn flipped_byte_in_a_blob_is_never_served_and_is_reported() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", &content());
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let (raw, path) = released(&mut stage, grant);
    let (_, good) = taken(&raw, &path, "");
    let file = payload(&stage, report);
    let stored = fs::read(&file).unwrap();
    let header = good.len() - stored.len();
    assert!(good[header..] == stored[..]);
    // Ranges that begin and end inside chunks.
    for (from, to) in [(0, 9), (5, header + 3), (header + SUM_CHUNK_BYTES - 7, header + SUM_CHUNK_BYTES + 7)] {
        let (head, body) = taken(&raw, &path, &format!("Range: bytes={from}-{to}\r\n"));
        assert!(head.starts_with("HTTP/1.1 206") && body == good[from..=to], "{head}");
    }

    // In the second chunk, while the file is stored: its length stays what it was.
    let at = SUM_CHUNK_BYTES + 100;
    let own = format!("/v1/reports/{report}/payload");
    let (officer, advocate) = (copy(&stage.cast.officer), copy(&stage.cast.advocate));
    let range = format!("Range: bytes={}-{}\r\n", header + at - 50, header + at - 40);
    for (who, path, before, range) in
        [(&officer, &path, header, ""), (&officer, &path, header, range.as_str()), (&advocate, &own, 0, "")]
    {
        let raw = &Raw::sign_in(&stage, who);
        let mut damaged = stored.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        let (head, body) = taken(raw, path, range);
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 20"), "{head}");
        if range.is_empty() {
            assert!(body.len() <= before + SUM_CHUNK_BYTES, "{} bytes came", body.len());
            let came = body.get(before..).unwrap_or_default();
            assert!(came == &stored[..came.len()]);
        } else {
            assert!(body.is_empty(), "{} bytes of a damaged chunk came", body.len());
        }
        // Found by a reader, read whole, moved aside.
        eventually("the damaged payload is moved aside", || !file.exists());
        assert!(file.with_extension("damaged").exists());
        let (head, _) = taken(raw, path, "");
        assert!(head.starts_with("HTTP/1.1 500"), "{head}");
        // The operator brings it back from a backup; nothing is started again.
        fs::remove_file(file.with_extension("damaged")).unwrap();
        fs::write(&file, &stored).unwrap();
        let (head, body) = taken(raw, path, "");
        assert!(head.starts_with("HTTP/1.1 200") && body[before..] == stored[..], "{head}");
    }
}

#[test]
fn flipped_byte_is_found_without_a_reader_and_a_broken_digest_is_no_damage() {
    let mut stage = Stage::established();
    let (damaged, sound) = (stage.report("a.txt", &content()), stage.report("b.txt", b"what was seen"));
    stage.stop();
    let (damaged, sound) = (payload(&stage, damaged), payload(&stage, sound));
    flip(&damaged, 2 * SUM_CHUNK_BYTES + 1000);
    let sums = sound.with_extension("sums");
    let kept = fs::read(&sums).unwrap();
    flip(&sums, 3);
    stage.restart();
    eventually("the damaged payload is moved aside", || damaged.with_extension("damaged").exists());
    eventually("the digests are right again", || fs::read(&sums).unwrap() == kept);
    assert!(sound.exists());
}

#[test]
fn flipped_byte_in_the_database_releases_nothing() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    for (table, column, condition) in
        [("headers", "header", "scope = 'grant' AND id = '{}'"), ("facts", "row", "kind = 'grant' AND key = '{}'")]
    {
        let grant = stage.grant(&terms);
        stage.stop();
        let broker = stage.path("broker");
        flip_sealed(&broker, table, column, &condition.replace("{}", &grant.to_string()));
        stage.restart();
        let size = stage.case_size();
        let refused = problem(stage.as_officer(|desk| desk.request_release(grant, &inquiry())));
        assert_eq!(refused.status, 500, "{table}: {refused:?}");
        assert_eq!(stage.case_size(), size, "{table}: something was logged of a release that did not happen");
        let (code, text) = doctor(&broker, &[]);
        assert_eq!(code, 3, "{text}");
        // The sweeper cannot read it either; put it right for the next round.
        stage.stop();
        flip_sealed(&broker, table, column, &condition.replace("{}", &grant.to_string()));
        stage.restart();
    }
}
