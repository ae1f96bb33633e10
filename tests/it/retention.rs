//! Bodies that are not kept for ever: they go after an auditor has vouched for them, and nothing else goes.

use crate::{
    doctor::{amana, doctor, words},
    revocation::holds,
    stage::{Stage, case_log, inquiry},
};
use amana::{
    broker::{Broker, Quotas, Rates, Registration, Retention},
    cli::embedded::{Places, Settings, unlistened},
    model::time::Duration,
    wire::{api::CaseRecord, entry::Happening},
};
use jiff::ToSpan as _;
use std::{fs, path::Path, sync::Arc};

const KEPT: Duration = Duration::from_seconds(90 * 86_400);

/// Takes the sweeper's step on a broker nobody listens to, and has it serve again.
fn sweep(stage: &mut Stage) {
    stage.stop();
    let broker: Arc<Broker> = unlistened(Settings {
        places: Places::under(&stage.path("broker")),
        public_url: "http://127.0.0.1".to_owned(),
        registration: Registration::Loopback,
        quotas: Quotas::default(),
        rates: Rates::default(),
        clock: stage.clock.clone(),
        batch_operations: 1024,
        publishing: amana::broker::Publishing::default(),
        retention: Retention { keep_bodies: Some(KEPT) },
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(broker.shred_bodies()).unwrap();
    drop((runtime, broker));
    stage.restart();
}

/// A release, two denials, an owner's own fetch, cover, an export: some facts, and some entries that change none.
fn told() -> Stage {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.release(grant).unwrap();
    for _ in 0..2 {
        assert!(stage.as_officer(|desk| desk.request_release(grant, &inquiry())).is_err());
    }
    stage.broker.as_ref().unwrap().publish().unwrap();
    stage.audit("first");
    stage
}

fn vouch(stage: &mut Stage, name: &str) -> u64 {
    let trees = stage.audit(name).trees;
    stage.as_auditor(|desk| desk.vouch(trees.register, trees.case)).unwrap();
    trees.case.size
}

/// Indices of the entries whose bodies may go, before `until`.
fn may_go(folder: &Path, until: u64) -> Vec<u64> {
    let log = case_log(folder);
    let found = log.iter().enumerate().filter(|(_, (shared, _))| shared.event.changes_no_fact());
    found.map(|(index, _)| index as u64).filter(|index| *index < until).collect()
}

/// Indices of the lines without a body, and of those that later entries name.
fn gone(folder: &Path) -> (Vec<u64>, Vec<u64>) {
    let (mut closed, mut named) = (Vec::new(), Vec::new());
    for (index, line) in fs::read_to_string(folder.join("case.jsonl")).unwrap().lines().enumerate() {
        match serde_json::from_str(line).unwrap() {
            CaseRecord::Closed(_) => closed.push(index as u64),
            CaseRecord::Opened(line) => {
                let shared: amana::wire::entry::Shared = serde_json::from_str(&line.shared).unwrap();
                if let Happening::BodyShredded { index, .. } = shared.event {
                    named.push(index);
                }
            }
        }
    }
    (closed, named)
}

fn database(stage: &Stage) -> rusqlite::Connection {
    rusqlite::Connection::open(stage.path("broker/data/amana.db")).unwrap()
}

#[test]
fn nothing_is_shredded_that_no_auditor_has_vouched_for_or_that_is_young() {
    let mut stage = told();
    stage.clock.pass(Duration::from_seconds(100 * 86_400));
    sweep(&mut stage);
    stage.audit("unaudited");
    assert_eq!(gone(&stage.path("unaudited")), (vec![], vec![]));
    let until = vouch(&mut stage, "vouched");
    stage.broker.as_ref().unwrap().publish().unwrap();
    let old = may_go(&stage.path("first"), until);
    sweep(&mut stage);
    stage.audit("young");
    let (closed, named) = gone(&stage.path("young"));
    assert_eq!(
        (&closed, &named),
        (&old, &old),
        "what is younger than ninety days, or what nobody audited, was shredded"
    );
}

#[test]
fn exactly_the_bodies_that_change_no_fact_go_and_leave_no_byte() {
    let mut stage = told();
    let until = vouch(&mut stage, "vouched");
    let expected = may_go(&stage.path("vouched"), until);
    assert!(expected.len() > 8, "{expected:?}");
    stage.clock.pass(Duration::from_seconds(91 * 86_400));
    let data = stage.path("broker/data");
    let sealed: Vec<Vec<u8>> = expected
        .iter()
        .map(|index| {
            let sql = "SELECT entry FROM entries WHERE log = 1 AND idx = ?1";
            database(&stage).query_row(sql, [*index as i64], |row| row.get(0)).unwrap()
        })
        .collect();
    assert!(sealed.iter().all(|body| holds(&data, body)), "bodies must be found before, or the search finds nothing");
    sweep(&mut stage);
    stage.stop();
    for (body, index) in sealed.iter().zip(&expected) {
        assert!(!holds(&data, body), "a body is left of entry {index}");
        let sql = "SELECT count(*) FROM concerned WHERE idx = ?1";
        let concerned: i64 = database(&stage).query_row(sql, [*index as i64], |row| row.get(0)).unwrap();
        assert_eq!(concerned, 0, "whom entry {index} concerned is still known");
    }
    stage.restart();

    let summary = stage.audit("after");
    assert_eq!(summary.shredded_bodies, expected.len() as u64);
    assert_eq!(gone(&stage.path("after")), (expected.clone(), expected.clone()));
    let output = amana(&["audit", "verify"]).arg(stage.path("after")).output().unwrap();
    let said = words(&output);
    assert!(said.contains(&format!("WITHOUT THEIR BODIES: {} case entries", expected.len())), "{said}");

    // The log goes on, is published, and the parties are shown what is left of what concerns them.
    sweep(&mut stage);
    assert_eq!(gone(&stage.path("after")).1.len(), expected.len(), "a body went twice");
    stage.broker.as_ref().unwrap().publish().unwrap();
    stage.report("another.txt", b"another");
    let later = stage.audit("later");
    assert_eq!(later.shredded_bodies, expected.len() as u64);
    stage.stop();
    let (code, said) = doctor(&stage.path("broker"), &[]);
    assert_eq!(code, 0, "{said}");
}

fn report(stage: &Stage, bundle: &str, (from, until): (&str, &str)) -> (String, String) {
    let out = stage.path(&format!("{bundle}-report"));
    let mut command = amana(&["audit", "report", "--no-replies-asked", "--from", from, "--until", until, "--out"]);
    let output = command.arg(&out).arg(stage.path(bundle)).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    (read("report.csv"), read("report.html"))
}

#[test]
fn a_report_never_calls_none_what_it_could_not_count() {
    let mut stage = told();
    let day = |days: i64| amana::client::consent::date_of(stage.now()).unwrap().saturating_add(days.days()).to_string();
    let (from, until) = (day(-20), day(20));
    vouch(&mut stage, "vouched");
    stage.clock.pass(Duration::from_seconds(120 * 86_400));
    stage.audit("whole");
    let (counted, page) = report(&stage, "whole", (&from, &until));
    assert!(counted.contains("Releases denied") && !page.contains("denials may have been among them"), "{counted}");
    sweep(&mut stage);
    stage.audit("shredded");
    let (counted, page) = report(&stage, "shredded", (&from, &until));
    assert!(!counted.contains("Releases denied"), "{counted}");
    assert!(page.contains("denials may have been among them"));
    assert!(counted.contains("Releases"), "the rest is told");
}
