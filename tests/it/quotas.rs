//! What one party may use: both sides of every limit, and revocation past all of them.

use crate::{
    raw::{Answer, Session, b64, fresh_jti, jws},
    stage::{Stage, eventually, inquiry, preservation, problem},
};
use amana::{
    broker::Quotas,
    cli::demo::cast::{copy, text},
    model::{
        bucket::Rate,
        event::DenialCount,
        ids::{Digest, GrantId},
        institution::SuspensionAct,
        limits,
        time::Duration,
    },
    wire::{
        entry::Happening,
        problem::{Problem, ProblemType},
        statement::Seen,
    },
};
use serde_json::json;

const PLENTY: Rate = Rate { per_hour: 1_000_000, burst: 100_000 };

fn over_quota() -> (u16, String) {
    (429, "over-quota".to_owned())
}

/// A report statement over a payload that nobody has.
fn report_statement(stage: &Stage, seen: &Seen, payload_bytes: u64) -> String {
    let who = &stage.cast.advocate;
    let now = amana::model::ambient::Clock::wall(&*stage.clock).as_seconds();
    let random = || Digest::from_bytes(rand::random());
    let claims = json!({
        "iss": who.party_id(), "aud": stage.cast.card().digest, "jti": fresh_jti(), "iat": now,
        "submit_by": now + 86_400, "seen": seen,
        "body": {
            "payload_sha256": random(), "payload_bytes": payload_bytes, "key_commitment": random(),
            "owner_header": Digest::of(b"header"), "owner_recipient": who.recipient(), "tier": 2, "kind": "original",
        },
    });
    let header = json!({ "alg": "EdDSA", "typ": "amana-report-v1+jwt", "kid": who.key_id() });
    jws(&header.to_string(), &claims.to_string(), who.signing_key())
}

fn declare(session: &Session<'_>, statement: &str) -> Answer {
    session.post("/v1/reports", &json!({ "statement": statement, "owner_header": b64(b"header") }))
}

fn with_bytes(stage: &mut Stage, bytes: u64) {
    stage.restart_with(|settings| settings.quotas = Quotas { bytes, entries: PLENTY, ..Quotas::default() });
}

#[test]
fn declared_bytes_fill_the_quota_exactly_and_are_counted_from_the_facts() {
    let mut stage = Stage::established();
    let advocate = copy(&stage.cast.advocate);
    let seen = stage.as_advocate(|desk| Ok(desk.seen())).unwrap();
    let many = limits::PAGE_ROWS as u64 + 3;
    with_bytes(&mut stage, many * 1000 + 100);
    {
        let raw = stage.raw();
        let session = raw.sign_in(&advocate);
        for _ in 0..many {
            declare(&session, &report_statement(&stage, &seen, 1000)).accepted();
        }
        assert_eq!(declare(&session, &report_statement(&stage, &seen, 101)).refused(), over_quota());
    }
    // Another process knows nothing but the facts, more of them than a page.
    with_bytes(&mut stage, many * 1000 + 100);
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let over = declare(&session, &report_statement(&stage, &seen, 101));
    assert_eq!(over.refused(), over_quota());
    assert_eq!(over.header("retry-after"), None, "waiting does not help");
    let last = report_statement(&stage, &seen, 100);
    let first = declare(&session, &last).accepted();
    assert_eq!(declare(&session, &report_statement(&stage, &seen, 33)).refused(), over_quota());
    assert_eq!(declare(&session, &last).accepted().index, first.index, "sent again it needs no room");
}

#[test]
fn statement_sent_many_times_at_once_counts_once() {
    let mut stage = Stage::established();
    let advocate = copy(&stage.cast.advocate);
    let seen = stage.as_advocate(|desk| Ok(desk.seen())).unwrap();
    with_bytes(&mut stage, 2000);
    let raws: Vec<_> = (0..6).map(|_| stage.raw()).collect();
    let statement = report_statement(&stage, &seen, 1000);
    std::thread::scope(|scope| {
        for raw in raws {
            let (advocate, statement) = (copy(&advocate), &statement);
            scope.spawn(move || declare(&raw.sign_in(&advocate), statement).accepted());
        }
    });
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    declare(&session, &report_statement(&stage, &seen, 1000)).accepted();
    assert_eq!(declare(&session, &report_statement(&stage, &seen, 33)).refused(), over_quota());
}

#[test]
fn refused_report_gives_its_bytes_back() {
    let mut stage = Stage::established();
    let advocate = copy(&stage.cast.advocate);
    let seen = stage.as_advocate(|desk| Ok(desk.seen())).unwrap();
    with_bytes(&mut stage, 1000);
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let statement = report_statement(&stage, &seen, 1000);
    let wrong = session.post("/v1/reports", &json!({ "statement": statement, "owner_header": b64(b"another") }));
    assert_eq!(wrong.refused(), (422, "statement-refused".to_owned()));
    declare(&session, &statement).accepted();
}

#[test]
fn entries_are_counted_by_party_and_come_back_with_time_and_revocation_is_free() {
    let mut stage = Stage::established();
    let report = stage.report("a", b"content");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.clock.stand_still();
    let entries = Rate { per_hour: 60, burst: 3 };
    stage.restart_with(|settings| settings.quotas = Quotas { entries, ..Quotas::default() });
    let advocate = copy(&stage.cast.advocate);
    let path = format!("/v1/reports/{report}/owner-header");
    {
        let raw = stage.raw();
        let session = raw.sign_in(&advocate);
        for _ in 0..3 {
            assert_eq!(session.post(&path, &json!({})).status, 200);
        }
        let over = session.post(&path, &json!({}));
        assert_eq!(over.refused(), over_quota());
        assert_eq!(over.header("retry-after"), Some("60"));
        assert_eq!(over.json::<Problem>().retry_after, Some(60));
        stage.clock.pass(Duration::from_seconds(59));
        raw.nonce();
        assert_eq!(session.post(&path, &json!({})).refused(), over_quota());
        stage.clock.pass(Duration::from_seconds(1));
        assert_eq!(session.post(&path, &json!({})).status, 200);
        assert_eq!(session.post(&path, &json!({})).refused(), over_quota());
    }
    let over = problem(stage.as_advocate(|desk| desk.prepare_grant(&terms)));
    assert!(over.is(ProblemType::OverQuota), "{over:?}");
    stage.release(grant).expect("another party has its own");
    stage.revoke(grant).expect("stopping is easy");
}

#[test]
fn administrators_approve_and_suspend_past_every_quota() {
    let mut stage = Stage::established();
    stage.clock.stand_still();
    let entries = Rate { per_hour: 1, burst: 1 };
    stage.restart_with(|settings| settings.quotas = Quotas { entries, ..Quotas::default() });
    let institution = stage.cast.institution.party_id();
    let lift =
        |desk: &mut amana::client::desk::Desk| desk.suspend(institution, SuspensionAct::Lift, text("they answered")?);
    let suspend = |desk: &mut amana::client::desk::Desk| {
        desk.suspend(institution, SuspensionAct::Suspend, text("they published")?)
    };
    for administrator in 0..2 {
        let _ = stage.as_administrator(administrator, |desk| desk.admit(institution));
        let over = problem(stage.as_administrator(administrator, |desk| desk.admit(institution)));
        assert!(over.is(ProblemType::OverQuota), "{over:?}");
    }
    stage.as_administrator(0, suspend).unwrap();
    let proposal = stage.as_administrator(0, lift).unwrap().id;
    stage.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
}

fn denied(stage: &mut Stage, grant: GrantId) -> Problem {
    let denied = problem(stage.as_officer(|desk| desk.request_release(grant, &preservation())));
    assert!(denied.is(ProblemType::Denied), "{denied:?}");
    assert_eq!(denied.reasons.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["purpose-not-granted"]);
    denied
}

fn counts(stage: &mut Stage, name: &str) -> Vec<DenialCount> {
    let counted = |event: &Happening| match event {
        Happening::DenialsCounted(count) => Some(*count),
        _ => None,
    };
    stage.case_log(name).iter().filter_map(|(shared, _)| counted(&shared.event)).collect()
}

#[test]
fn denials_beyond_the_quota_become_one_entry_an_hour_and_are_denied_all_the_same() {
    let mut stage = Stage::established();
    let report = stage.report("a", b"content");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.clock.stand_still();
    stage.restart_with(|settings| settings.quotas = Quotas { denials: 2, ..Quotas::default() });
    let began = stage.now();
    let size = stage.case_size();
    for _ in 0..2 {
        assert!(denied(&mut stage, grant).receipt.is_some());
    }
    for _ in 0..5 {
        let denied = denied(&mut stage, grant);
        assert_eq!(denied.receipt, None);
        assert!(denied.detail.unwrap().contains("no receipt"));
    }
    assert_eq!(stage.case_size(), size + 2, "five denials made no entry");
    stage.clock.pass(limits::DENIALS_WITHIN);
    eventually("the hour is entered", || stage.case_size() > size + 2);
    let key = stage.cast.officer.key_id();
    let hour = DenialCount { key, from: began, until: began.plus(limits::DENIALS_WITHIN), count: 5 };
    assert_eq!(counts(&mut stage, "first"), [hour]);
    // A new hour: entries again, and what a graceful stop finds counted is written before it ends.
    let from = stage.now();
    for receipted in [true, true, false] {
        assert_eq!(denied(&mut stage, grant).receipt.is_some(), receipted);
    }
    stage.clock.pass(Duration::from_seconds(60));
    stage.restart();
    let rest = DenialCount { key, from, until: from.plus(Duration::from_seconds(60)), count: 1 };
    assert_eq!(counts(&mut stage, "second"), [hour, rest]);
    assert_eq!(stage.audit("third").events["further denials counted"], 2);
    stage.revoke(grant).expect("stopping is easy");
}

#[test]
fn officer_who_was_counted_is_released_to_when_the_policies_allow() {
    let mut stage = Stage::established();
    let report = stage.report("a", b"content");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.restart_with(|settings| settings.quotas = Quotas { denials: 0, ..Quotas::default() });
    assert_eq!(denied(&mut stage, grant).receipt, None);
    stage.as_officer(|desk| desk.request_release(grant, &inquiry())).unwrap();
}
