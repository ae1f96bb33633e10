//! Backups: taken while the broker runs, rehearsed to the end, and refused when they are not whole.

use crate::{
    doctor::{amana, content, copy_folder, doctor, payload, words},
    process::{Process, refused},
    stage::{Stage, eventually, problem},
};
use amana::{
    cli::{demo::cast::copy, founding},
    client::{identity::RecoveryKey, seal::stream},
    model::{
        grant::{EndCause, GrantState},
        ids::{AgeRecipient, GrantId, ReportId},
        party::EnrolmentRole,
        report::AfterWithdrawal,
    },
    wire::{backup::Manifest, problem::ProblemType},
};
use rusqlite::Connection;
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// A key pair as `age-keygen` writes it: identity file and recipient.
pub fn key_pair(stage: &Stage, name: &str) -> (PathBuf, String) {
    let identity = stage.somebody(name);
    let (path, recipient) = (stage.path(&format!("{name}.txt")), identity.recipient().to_string());
    let own = stage.path(&format!("{name}.own.txt"));
    identity.write_plain(&own).unwrap();
    let secret = fs::read_to_string(&own).unwrap().lines().last().unwrap().to_owned();
    fs::write(&path, format!("# created: 2031-05-01T00:00:00Z\n# public key: {recipient}\n{secret}\n")).unwrap();
    (path, recipient)
}

pub fn backup(broker: &Path, recipient: &str, out: &Path, more: &[&str]) -> Output {
    amana(&["backup", "--to", recipient, "--dir"]).arg(broker).arg("--out").arg(out).args(more).output().unwrap()
}

pub fn restore(file: &Path, identity: &Path, dir: &Path, keys: &Path) -> Output {
    let mut command = amana(&["restore"]);
    command.arg(file).arg("--identity").arg(identity).arg("--dir").arg(dir).arg("--keys").arg(keys);
    command.output().unwrap()
}

fn opened(file: &Path, identity: &Path) -> Vec<u8> {
    let identities = stream::read_identities(&fs::read(identity).unwrap(), None).unwrap();
    let mut plain = Vec::new();
    let file = fs::File::open(file).unwrap();
    stream::open_stream(file, &identities).unwrap().read_to_end(&mut plain).unwrap();
    plain
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Sealed bytes of the header rows of a scope.
pub fn header_rows(database: &Path, scope: &str) -> Vec<Vec<u8>> {
    let database = Connection::open(database).unwrap();
    let mut read = database.prepare("SELECT header FROM headers WHERE scope = ?1").unwrap();
    read.query_map([scope], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A stage with a broker as a process, a report, an open and a withdrawn grant.
fn staged() -> (Stage, Process, ReportId, GrantId) {
    let mut stage = Stage::laid();
    let process = Process::start(&mut stage);
    stage.establish();
    let report = stage.report("note.txt", &content());
    let terms = stage.terms(report);
    let (open, withdrawn) = (stage.grant(&terms), stage.grant(&terms));
    stage.revoke(withdrawn).unwrap();
    (stage, process, report, open)
}

#[test]
fn report_that_was_withdrawn_and_kept_is_in_the_backup() {
    let (mut stage, mut process, report, _) = staged();
    stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Keep)).unwrap();
    let ((identity, recipient), file) = (key_pair(&stage, "operator"), stage.path("kept.age"));
    let broker = stage.path("broker");
    let made = backup(&broker, &recipient, &file, &[]);
    assert!(made.status.success(), "{}", words(&made));
    process.kill();
    let (dir, keys) = (stage.path("restored"), broker.join("keys"));
    let restored = restore(&file, &identity, &dir, &keys);
    assert!(restored.status.success(), "{}", words(&restored));
    let there = fs::read(dir.join("data/payloads").join(report.to_string())).unwrap();
    assert!(there == fs::read(payload(&stage, report)).unwrap());
}

/// Starts a broker on a restored folder that may go on, until it is healthy, and kills it.
pub fn accept(broker: &Path, more: &[&str]) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = amana(&["serve", "--accept-restored", "--listen", &free, "--dir"])
        .arg(broker)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the broker goes on", || {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the broker ended: {ended:?}");
        std::net::TcpStream::connect(&free).is_ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A restored folder that may not go on, and why.
fn not_accepted(broker: &Path, more: &[&str], word: &str) {
    let mut command = amana(&["serve", "--accept-restored", "--listen", "127.0.0.1:0", "--dir"]);
    let mut child = command.arg(broker).args(more).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the broker refuses", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success() && words(&output).contains(word), "{word:?} is not in: {}", words(&output));
    assert!(broker.join("data/restored.json").exists(), "a folder that was refused is accepted");
}

#[test]
fn rehearsal_a_backup_taken_under_load_brings_back_everything_but_open_grants() {
    let (mut stage, process, report, open) = staged();
    let (identity, recipient) = key_pair(&stage, "offline");
    let (out, broker) = (stage.path("backup.age"), stage.path("broker"));
    let before = stage.path("before.age");
    stage.as_advocate(|desk| desk.download(report, &before, &mut |_| {})).unwrap();
    let sealed_headers = header_rows(&broker.join("data/amana.db"), "grant");
    assert!(!sealed_headers.is_empty());

    // Others go on writing meanwhile.
    let stop = AtomicBool::new(false);
    let (url, card, clock, entropy) = (stage.url.clone(), stage.cast.card(), stage.clock.clone(), stage.cast.entropy());
    let made = thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                let identity = founding::identity(&format!("writer-{written}"), &*entropy).unwrap();
                let opening = amana::client::desk::Opening {
                    identity: copy(&identity),
                    memory: Default::default(),
                    clock: clock.clone(),
                    entropy: entropy.clone(),
                };
                let mut desk = amana::client::desk::Desk::open(opening, &url, &card).unwrap();
                let recovery = RecoveryKey::generate(&*entropy).public_keys();
                desk.enrol(EnrolmentRole::Advocate {}, recovery, None).unwrap();
                written += 1;
            }
            written
        });
        let made = backup(&broker, &recipient, &out, &[]);
        stop.store(true, Ordering::SeqCst);
        assert!(writing.join().unwrap() > 0, "nothing was written meanwhile");
        made
    });
    assert!(made.status.success(), "{}", words(&made));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!broker.join("amana-backup.tmp").exists());
    let again = backup(&broker, &recipient, &out, &[]);
    assert!(!again.status.success() && words(&again).contains("is there already"), "{}", words(&again));

    // Neither wrapped headers nor keys are in it, in whatever form they lie on the disk.
    let plain = opened(&out, &identity);
    assert!(contains(&plain, &fs::read(payload(&stage, report)).unwrap()));
    for sealed in &sealed_headers {
        assert!(!contains(&plain, &sealed[..32]), "a wrapped header is in the backup");
    }
    for key in ["register.key", "case.key", "storage.key"] {
        let text = fs::read_to_string(broker.join("keys").join(key)).unwrap();
        assert!(!contains(&plain, text.trim().as_bytes()) && !contains(&plain, &hex::decode(text.trim()).unwrap()));
    }

    // The old machine is gone; its keys were kept elsewhere.
    drop(process);
    let (restored, keys) = (stage.path("restored"), stage.path("keys-elsewhere"));
    copy_folder(&broker.join("keys"), &keys);
    let output = restore(&out, &identity, &restored, &keys);
    let text = words(&output);
    assert!(output.status.success(), "{text}");
    for word in ["every entry made after the backup", "1 open grant(s) will end as lost", "--accept-restored"] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    let database = restored.join("data/amana.db");
    assert!(header_rows(&database, "grant").is_empty() && !header_rows(&database, "owner").is_empty());
    let keys = keys.to_str().unwrap();
    let (code, text) = doctor(&restored, &["--keys", keys]);
    assert!(code == 0 && !text.contains("BROKEN"), "{text}");

    copy_folder(Path::new(keys), &restored.join("keys"));
    let output = refused(&restored, "127.0.0.1:0");
    assert!(words(&output).contains("evidence of a fork"), "{}", words(&output));
    // Beside the keys it is known that more was committed; a machine that lost this too takes somebody's word.
    not_accepted(&restored, &[], "older than the log");
    not_accepted(&restored, &["--accept-missing-anchor"], "older than the log");
    fs::remove_file(restored.join("keys/anchor")).unwrap();
    not_accepted(&restored, &[], "is missing or broken");
    accept(&restored, &["--accept-missing-anchor"]);
    let (code, text) = doctor(&restored, &[]);
    assert!(code == 0 && !text.contains("BROKEN") && !text.contains("warning  restored"), "{text}");

    let _process = Process::start_on(&mut stage, "restored");
    let after = stage.path("after.age");
    stage.as_advocate(|desk| desk.download(report, &after, &mut |_| {})).unwrap();
    assert!(fs::read(&before).unwrap() == fs::read(&after).unwrap());
    assert!(problem(stage.release(open)).is(ProblemType::Denied));
    stage.wait_until_shredded(open);
    let lost = stage.grant_row(open).state;
    assert!(matches!(lost, GrantState::Shredded { cause: EndCause::HeaderLost, .. }), "{lost:?}");
    let terms = stage.terms(report);
    let anew = stage.grant(&terms);
    stage.release(anew).unwrap();
    stage.audit("audit");
}

#[test]
fn backup_that_is_cut_changed_foreign_or_for_somebody_else_restores_nothing() {
    let (stage, process, report, _) = staged();
    let ((identity, recipient), (stranger, _)) = (key_pair(&stage, "offline"), key_pair(&stage, "stranger"));
    let (out, broker, dir) = (stage.path("backup.age"), stage.path("broker"), stage.path("restored"));
    let made = backup(&broker, &recipient, &out, &[]);
    assert!(made.status.success(), "{}", words(&made));
    drop(process);
    let keys = broker.join("keys");
    let refuses = |file: &Path, identity: &Path, keys: &Path, word: &str| {
        let output = restore(file, identity, &dir, keys);
        let text = words(&output);
        assert!(!output.status.success() && text.contains(word), "{word:?} is not in: {text}");
        assert!(!dir.exists() && !stage.path("restored.partial").exists(), "something was left of {word:?}");
    };
    let bytes = fs::read(&out).unwrap();
    let changed = stage.path("changed.age");
    for (length, flipped) in [(bytes.len() - 1, None), (bytes.len() / 2, None), (bytes.len(), Some(bytes.len() / 2))] {
        let mut bad = bytes[..length].to_vec();
        if let Some(at) = flipped {
            bad[at] ^= 1;
        }
        fs::write(&changed, bad).unwrap();
        refuses(&changed, &identity, &keys, "nothing was restored");
    }
    fs::write(&changed, b"no age file").unwrap();
    refuses(&changed, &identity, &keys, "no age file");
    refuses(&out, &stranger, &keys, "not sealed to this identity");
    let other = Stage::laid();
    refuses(&out, &identity, &other.path("broker/keys"), "belong to another broker");

    // Rightly sealed, wrongly made.
    let plain = opened(&out, &identity);
    let recipients: Vec<AgeRecipient> = vec![recipient.parse().unwrap()];
    let name = format!("payloads/{report}");
    let at = plain.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    type Change<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;
    let cases: Vec<(Change<'_>, &str)> = vec![
        (Box::new(|tar| tar[at + 1000] ^= 1), "is not what the manifest names"),
        (Box::new(|tar| tar.truncate(at)), "nothing was restored"),
        (Box::new(|tar| tar.splice(0..0, link_member()).for_each(drop)), "something else stands where manifest.json"),
        (Box::new(|tar| tar.extend_from_slice(b"more")), "something follows its end"),
        (Box::new(|tar| rename_member(tar, at, "payloads/../../evil")), "something else stands where"),
    ];
    for (change, word) in cases {
        let mut tar = plain.clone();
        change(&mut tar);
        drop(fs::remove_file(&changed));
        let mut sealed = stream::SealedOutput::create(&changed, &recipients).unwrap();
        sealed.write_all(&tar).unwrap();
        sealed.finish().unwrap();
        refuses(&changed, &identity, &keys, word);
    }
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("mine"), b"do not touch").unwrap();
    let output = restore(&out, &identity, &dir, &keys);
    assert!(words(&output).contains("is not empty"), "{}", words(&output));
    assert_eq!(fs::read(dir.join("mine")).unwrap(), b"do not touch");
}

/// A member that is a link.
fn link_member() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_path("manifest.json").unwrap();
    header.set_link_name("/etc/passwd").unwrap();
    header.set_size(0);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Gives the member whose head begins at `at` another name.
fn rename_member(bytes: &mut [u8], at: usize, name: &str) {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&bytes[at..at + 512]);
    header.as_mut_bytes()[..100].fill(0);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    bytes[at..at + 512].copy_from_slice(header.as_bytes());
}

#[test]
fn damaged_payload_stops_a_backup_or_is_left_out_by_name() {
    let (mut stage, process, report, _) = staged();
    let sound = stage.report("second.txt", b"also seen");
    drop(process);
    let (identity, recipient) = key_pair(&stage, "offline");
    let (out, broker) = (stage.path("backup.age"), stage.path("broker"));
    let file = payload(&stage, report);
    let mut bytes = fs::read(&file).unwrap();
    bytes[777] ^= 1;
    fs::write(&file, bytes).unwrap();
    // What a killed backup left goes with the next.
    fs::create_dir(broker.join("amana-backup.tmp")).unwrap();
    fs::write(broker.join("amana-backup.tmp/amana.db"), b"left").unwrap();
    let stopped = backup(&broker, &recipient, &out, &[]);
    assert_eq!(stopped.status.code(), Some(3), "{}", words(&stopped));
    assert!(words(&stopped).contains(&report.to_string()) && words(&stopped).contains("--skip-damaged"));
    let folder: Vec<_> = fs::read_dir(stage.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!folder.iter().any(|name| name.to_string_lossy().starts_with("backup.age")), "{folder:?}");
    assert!(!broker.join("amana-backup.tmp").exists());

    let made = backup(&broker, &recipient, &out, &["--skip-damaged"]);
    assert!(made.status.success() && words(&made).contains("LEFT OUT"), "{}", words(&made));
    let mut archive = tar::Archive::new(std::io::Cursor::new(opened(&out, &identity)));
    let mut members = archive.entries().unwrap();
    let manifest: Manifest = serde_json::from_reader(members.next().unwrap().unwrap()).unwrap();
    assert_eq!(manifest.left_out, [report]);
    assert_eq!(manifest.payloads.iter().map(|p| p.report).collect::<Vec<_>>(), [sound]);
    let output = restore(&out, &identity, &stage.path("restored"), &broker.join("keys"));
    assert!(
        output.status.success() && words(&output).contains("damaged when the backup was made"),
        "{}",
        words(&output)
    );
}

#[test]
fn opened_backup_goes_through_pipes_and_never_into_a_file() {
    let (stage, _process, report, _) = staged();
    let broker = stage.path("broker");
    let mut into_pipe = amana(&["backup", "--dir"]);
    into_pipe.arg(&broker);
    let piped = into_pipe.output().unwrap();
    assert!(piped.status.success(), "{}", String::from_utf8_lossy(&piped.stderr));
    assert!(String::from_utf8_lossy(&piped.stderr).contains("Backed up"));
    let file = stage.path("plain.tar");
    let refused = amana(&["backup", "--dir"]).arg(&broker).stdout(fs::File::create(&file).unwrap()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("| age -r") && fs::read(&file).unwrap().is_empty(), "{}", words(&refused));

    let mut child = amana(&["restore", "--dir"])
        .arg(stage.path("restored"))
        .arg("--keys")
        .arg(broker.join("keys"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&piped.stdout).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let name = format!("restored/data/payloads/{report}");
    assert!(fs::read(stage.path(&name)).unwrap() == fs::read(payload(&stage, report)).unwrap());
}

#[test]
fn stock_age_opens_a_backup_and_its_key_opens_it_here() {
    let (keygen, age) = ("age-keygen", "age");
    let here = |tool: &str| std::process::Command::new(tool).arg("--version").output().is_ok();
    if !here(keygen) || !here(age) {
        eprintln!("not shown: this needs age and age-keygen");
        return;
    }
    let (stage, _process, ..) = staged();
    let (identity, out, broker) = (stage.path("key.txt"), stage.path("backup.age"), stage.path("broker"));
    assert!(std::process::Command::new(keygen).arg("-o").arg(&identity).output().unwrap().status.success());
    let text = fs::read_to_string(&identity).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let made = backup(&broker, recipient, &out, &[]);
    assert!(made.status.success(), "{}", words(&made));
    let stock = std::process::Command::new(age).arg("-d").arg("-i").arg(&identity).arg(&out).output().unwrap();
    assert!(stock.status.success() && stock.stdout == opened(&out, &identity));
    let output = restore(&out, &identity, &stage.path("restored"), &broker.join("keys"));
    assert!(output.status.success(), "{}", words(&output));
}
