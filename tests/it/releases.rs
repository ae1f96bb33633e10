//! When a header is released and when not: each rule from both sides, at the exact second where there is one.

use crate::{
    socket::{Answer, Raw},
    stage::{Stage, all_met, as_opened, eventually, inquiry, preservation, problem, reasons},
};
use amana::{
    cli::demo::cast::{copy, text},
    client::{
        desk::{Desk, DeskError},
        granting::HeaderGoes,
    },
    model::{
        ids::{Digest, GrantId, Nonce, ReleaseId},
        institution::SuspensionAct,
        release::{Outcome, ReleaseRequest},
        time::{Duration, Timestamp, Window},
    },
    wire::{api::Released, entry::Happening, problem::ProblemType},
};
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const SECOND: Duration = Duration::from_seconds(1);

fn seconds(n: u64) -> Duration {
    Duration::from_seconds(n)
}

/// A stage with a stored report, and a grant of the usual terms after `change`.
fn granted(change: impl FnOnce(&Stage, &mut amana::client::granting::Terms)) -> (Stage, GrantId) {
    let mut stage = Stage::established();
    stage.clock.stand_still();
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    change(&stage, &mut terms);
    let grant = stage.grant(&terms);
    (stage, grant)
}

fn denials(stage: &mut Stage, name: &str) -> u64 {
    stage.audit(name).events.get("release denied").copied().unwrap_or(0)
}

/// Signs a release request that differs from an honest one as `change` says.
fn signed(desk: &Desk, grant: GrantId, change: impl FnOnce(&mut ReleaseRequest)) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nonce = Nonce::from_bytes(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes());
    let mut body = ReleaseRequest { grant, purpose: inquiry(), nonce, conditions_noted: grant };
    change(&mut body);
    desk.sign(&body, Some(grant.into()), None).unwrap()
}

#[test]
fn release_is_possible_from_the_first_second_of_the_window_to_its_last() {
    let (mut stage, grant) = granted(|stage, terms| {
        terms.collect = Window { from: stage.now().plus(seconds(100)), until: stage.now().plus(seconds(200)) };
        terms.max_releases = 3;
    });
    stage.clock.pass(seconds(99));
    assert_eq!(reasons(stage.release(grant)), ["window-not-open"]);
    stage.clock.pass(SECOND);
    let first = stage.release(grant).unwrap();
    stage.acknowledge(grant, &first).unwrap();
    stage.clock.pass(seconds(99));
    let last = stage.release(grant).unwrap();
    stage.acknowledge(grant, &last).unwrap();
    stage.clock.pass(SECOND);
    assert!(reasons(stage.release(grant)).contains(&"window-closed".to_owned()));
    stage.audit("audit");
}

#[test]
fn cooling_off_ends_exactly_when_it_says() {
    let (mut stage, grant) = granted(|_, terms| terms.cooling_off = seconds(3600));
    stage.clock.pass(seconds(3599));
    assert_eq!(reasons(stage.release(grant)), ["cooling-off"]);
    stage.clock.pass(SECOND);
    stage.release(grant).unwrap();
}

#[test]
fn count_allows_its_number_and_no_more() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    for _ in 0..2 {
        let released = stage.release(grant).unwrap();
        stage.acknowledge(grant, &released).unwrap();
    }
    assert!(reasons(stage.release(grant)).contains(&"count-used".to_owned()));
    assert_eq!(stage.audit("audit").events.get("released"), Some(&2));
}

#[test]
fn strangers_to_a_grant_are_told_nothing_and_leave_no_entry() {
    let (mut stage, grant) = granted(|_, _| {});
    let until = stage.now().plus(Duration::from_days(300));
    let house = stage.another_institution(until, Some(until));
    let before = stage.case_size();
    let foreign = problem(stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry())));
    let administrator = problem(stage.as_administrator(0, |desk| desk.request_release(grant, &inquiry())));
    let advocate = problem(stage.as_advocate(|desk| desk.request_release(grant, &inquiry())));
    let nothing = GrantId::from(Digest::of(b"no grant"));
    let unknown = problem(stage.release(nothing));
    assert!(unknown.is(ProblemType::NotFound));
    assert_eq!([&foreign, &administrator, &advocate], [&unknown, &unknown, &unknown]);
    assert_eq!(stage.case_size(), before);
    stage.release(grant).unwrap();
}

#[test]
fn only_a_named_officer_collects_when_officers_are_named() {
    let mut stage = Stage::established();
    let until = stage.now().plus(Duration::from_days(300));
    let second = stage.second_officer(until);
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    terms.officers = vec![second.key_id()];
    let grant = stage.grant(&terms);
    assert_eq!(reasons(stage.release(grant)), ["officer-not-named"]);
    stage.as_somebody(&second, |desk| desk.request_release(grant, &inquiry())).unwrap();
}

#[test]
fn officer_collects_until_the_appointment_ends_and_is_denied_with_an_entry_after() {
    let (mut stage, grant) = granted(|_, _| {});
    let second = stage.second_officer(stage.now().plus(seconds(1000)));
    stage.clock.pass(seconds(1000));
    let denied = stage.as_somebody(&second, |desk| desk.request_release(grant, &inquiry()));
    assert_eq!(reasons(denied), ["appointment-ended"]);
    assert_eq!(denials(&mut stage, "audit"), 1);

    let (mut stage, grant) = granted(|_, _| {});
    let second = stage.second_officer(stage.now().plus(seconds(1000)));
    stage.clock.pass(seconds(999));
    stage.as_somebody(&second, |desk| desk.request_release(grant, &inquiry())).unwrap();
}

#[test]
fn institution_collects_until_its_mandate_ends() {
    let mut stage = Stage::established();
    stage.clock.stand_still();
    let far = stage.now().plus(Duration::from_days(300));
    let house = stage.another_institution(stage.now().plus(seconds(1000)), Some(far));
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms_for(&house, report);
    terms.max_releases = 2;
    let grant = stage.grant(&terms);
    stage.clock.pass(seconds(999));
    let released = stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry())).unwrap();
    let (collected, outcome) = as_opened(grant, &released);
    stage.as_somebody(&house.officer, |desk| desk.acknowledge(&collected, outcome)).unwrap();
    stage.clock.pass(SECOND);
    let denied = stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry()));
    assert_eq!(reasons(denied), ["mandate-ended"]);
    assert_eq!(denials(&mut stage, "audit"), 1);
}

#[test]
fn institution_collects_only_while_an_accreditor_vouches_for_it() {
    let mut stage = Stage::established();
    stage.clock.stand_still();
    let far = stage.now().plus(Duration::from_days(300));
    let house = stage.another_institution(far, None);
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms_for(&house, report);
    let grant = stage.grant(&terms);
    let ask = |stage: &mut Stage| stage.as_somebody(&house.officer, |desk| desk.request_release(grant, &inquiry()));
    assert_eq!(reasons(ask(&mut stage)), ["attestation-missing"]);
    let id = house.root.party_id();
    let until = stage.now().plus(seconds(1000));
    stage.as_accreditor(|desk| desk.attest(id, all_met(), until)).unwrap();
    stage.clock.pass(seconds(1000));
    assert_eq!(reasons(ask(&mut stage)), ["attestation-missing"]);
    stage.as_accreditor(|desk| desk.attest(id, all_met(), until.plus(SECOND))).unwrap();
    ask(&mut stage).unwrap();
}

#[test]
fn one_administrator_suspends_and_two_lift() {
    let (mut stage, grant) = granted(|_, _| {});
    let id = stage.cast.institution.party_id();
    let suspend = |desk: &mut Desk, act| desk.suspend(id, act, text("a complaint is examined")?);
    stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Suspend)).unwrap();
    assert_eq!(reasons(stage.release(grant)), ["institution-suspended"]);
    let lift = stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Lift)).unwrap().id;
    assert_eq!(reasons(stage.release(grant)), ["institution-suspended"]);
    assert!(problem(stage.as_administrator(0, |desk| desk.approve(lift))).is(ProblemType::StatementRefused));
    stage.as_administrator(1, |desk| desk.approve(lift)).unwrap();
    stage.release(grant).unwrap();
    stage.audit("audit");
}

#[test]
fn lift_proposed_for_one_suspension_does_not_lift_the_next() {
    let (mut stage, grant) = granted(|_, _| {});
    let id = stage.cast.institution.party_id();
    let suspend = |desk: &mut Desk, act| desk.suspend(id, act, text("a complaint is examined")?);
    stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Suspend)).unwrap();
    // Two administrators propose; the first proposal is left lying when the second takes effect.
    let left = stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Lift)).unwrap().id;
    let taken = stage.as_administrator(1, |desk| suspend(desk, SuspensionAct::Lift)).unwrap().id;
    stage.as_administrator(2, |desk| desk.approve(taken)).unwrap();
    stage.as_administrator(2, |desk| suspend(desk, SuspensionAct::Suspend)).unwrap();
    // Administrator 1 alone now: the signature of administrator 0 was for another suspension.
    assert!(problem(stage.as_administrator(1, |desk| desk.approve(left))).is(ProblemType::StatementRefused));
    assert_eq!(reasons(stage.release(grant)), ["institution-suspended"]);
    stage.audit("audit");
}

#[test]
fn superseded_recipient_key_receives_nothing_and_another_units_key_changes_nothing() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let fresh = stage.somebody("fresh-unit").recipient();
    let other = fresh.clone();
    stage.as_root(|desk| desk.publish_recipient_key(text("archive")?, other)).unwrap();
    let released = stage.release(grant).unwrap();
    stage.acknowledge(grant, &released).unwrap();
    stage.as_root(|desk| desk.publish_recipient_key(text("evidence unit")?, fresh)).unwrap();
    assert_eq!(reasons(stage.release(grant)), ["recipient-key-not-current"]);
    assert_eq!(denials(&mut stage, "audit"), 1);
}

#[test]
fn promise_06_second_release_waits_for_the_acknowledgement_of_the_first() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let released = stage.release(grant).unwrap();
    assert_eq!(reasons(stage.release(grant)), ["acknowledgement-owed"]);
    stage.acknowledge(grant, &released).unwrap();
    let second = stage.release(grant).unwrap();
    let (collected, _) = as_opened(grant, &second);
    let defect = Outcome::Defect { description: text("the file is cut").unwrap() };
    stage.as_officer(|desk| desk.acknowledge(&collected, defect)).unwrap();
    stage.audit("audit");
}

#[test]
fn acknowledgement_must_name_the_digests_of_the_report_and_come_once_from_who_collected() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let second = stage.second_officer(stage.now().plus(Duration::from_days(300)));
    let released = stage.release(grant).unwrap();
    let (collected, outcome) = as_opened(grant, &released);
    let Outcome::Opened { payload_sha256, key_commitment } = outcome.clone() else { unreachable!() };
    let other = Digest::of(b"other");
    for wrong in [
        Outcome::Opened { payload_sha256: other, key_commitment },
        Outcome::Opened { payload_sha256, key_commitment: other },
    ] {
        let refused = problem(stage.as_officer(|desk| desk.acknowledge(&collected, wrong)));
        assert!(refused.is(ProblemType::StatementRefused), "{refused:?}");
    }
    let stranger = problem(stage.as_somebody(&second, |desk| desk.acknowledge(&collected, outcome.clone())));
    assert!(stranger.is(ProblemType::NotFound), "{stranger:?}");
    assert_eq!(reasons(stage.release(grant)), ["acknowledgement-owed"]);
    stage.acknowledge(grant, &released).unwrap();
    assert!(problem(stage.acknowledge(grant, &released)).is(ProblemType::StatementRefused));
    stage.release(grant).unwrap();
}

#[test]
fn nonce_of_one_release_makes_no_second_one() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let nonce = Nonce::from_bytes([7; 16]);
    let first = stage
        .as_officer(|desk| {
            let text = signed(desk, grant, |body| body.nonce = nonce);
            desk.send_release_request(grant, &text)
        })
        .unwrap();
    stage.acknowledge(grant, &first).unwrap();
    let before = stage.case_size();
    let again = |desk: &mut Desk, nonce| {
        let body = ReleaseRequest { grant, purpose: inquiry(), nonce, conditions_noted: grant };
        let prev = desk.memory().chains.get(&Digest::from(grant).to_string()).copied();
        let text = desk.sign(&body, Some(grant.into()), prev)?;
        desk.send_release_request(grant, &text)
    };
    let refused = problem(stage.as_officer(|desk| again(desk, nonce)));
    assert!(refused.is(ProblemType::StatementRefused), "{refused:?}");
    assert_eq!(stage.case_size(), before);
    stage.as_officer(|desk| again(desk, Nonce::from_bytes([8; 16]))).unwrap();
}

#[test]
fn release_needs_the_conditions_of_this_very_grant_noted() {
    let (mut stage, grant) = granted(|_, _| {});
    let denied = stage.as_officer(|desk| {
        let text = signed(desk, grant, |body| body.conditions_noted = GrantId::from(Digest::of(b"another grant")));
        desk.send_release_request(grant, &text)
    });
    assert_eq!(reasons(denied), ["conditions-not-noted"]);
    stage.release(grant).unwrap();
}

#[test]
fn purpose_must_be_granted_and_within_the_mandate() {
    let (mut stage, grant) = granted(|_, _| {});
    let denied = stage.as_officer(|desk| desk.request_release(grant, &preservation()));
    assert_eq!(reasons(denied), ["purpose-not-granted"]);
    let outside = "criminal-lead".parse().unwrap();
    let denied = stage.as_officer(|desk| desk.request_release(grant, &outside));
    assert_eq!(reasons(denied), ["purpose-not-granted", "purpose-outside-mandate"]);
    stage.release(grant).unwrap();
}

#[test]
fn pending_header_releases_nothing_until_it_is_sent() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let (grant, header) = stage
        .as_advocate(|desk| {
            let prepared = desk.prepare_grant(&terms)?;
            Ok((GrantId::from(desk.give(&prepared, HeaderGoes::Later)?.id), prepared.header))
        })
        .unwrap();
    assert_eq!(reasons(stage.release(grant)), ["grant-not-active"]);
    let other = [header.as_slice(), b"x"].concat();
    assert!(problem(stage.as_advocate(|desk| desk.send_header(grant, other))).is(ProblemType::StatementRefused));
    stage.as_advocate(|desk| desk.send_header(grant, header)).unwrap();
    stage.release(grant).unwrap();
}

#[test]
fn promise_03_denial_names_every_failing_condition_in_one_entry() {
    let (mut stage, grant) = granted(|stage, terms| {
        terms.collect.from = stage.now().plus(seconds(500));
        terms.cooling_off = seconds(900);
        terms.officers = vec![stage.cast.officer.key_id()];
    });
    let second = stage.second_officer(stage.now().plus(Duration::from_days(300)));
    let id = stage.cast.institution.party_id();
    stage.as_administrator(0, |desk| desk.suspend(id, SuspensionAct::Suspend, text("a complaint")?)).unwrap();
    let expected = [
        "conditions-not-noted",
        "cooling-off",
        "institution-suspended",
        "officer-not-named",
        "purpose-not-granted",
        "window-not-open",
    ];
    let denied = stage.as_somebody(&second, |desk| {
        let text = signed(desk, grant, |body| {
            body.purpose = preservation();
            body.conditions_noted = GrantId::from(Digest::of(b"another grant"));
        });
        desk.send_release_request(grant, &text)
    });
    assert_eq!(reasons(denied), expected);
    let log = stage.case_log("audit");
    let entries: Vec<_> = log.iter().filter(|(shared, _)| shared.event == Happening::ReleaseDenied).collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].1.reasons, expected);
}

#[test]
fn two_officers_racing_for_the_last_count_get_one_release() {
    let mut stage = Stage::established();
    let second = stage.second_officer(stage.now().plus(Duration::from_days(300)));
    let report = stage.report("note.txt", b"what was seen");
    let officers = [copy(&stage.cast.officer), second];
    let raws: Vec<Raw> = officers.iter().map(|officer| Raw::sign_in(&stage, officer)).collect();
    let rounds = 24;
    for round in 0..rounds {
        let terms = stage.terms(report);
        let grant = stage.grant(&terms);
        let texts: Vec<String> = officers
            .iter()
            .map(|officer| stage.as_somebody(officer, |desk| Ok(signed(desk, grant, |_| {}))).unwrap())
            .collect();
        let path = format!("/v1/grants/{grant}/releases");
        let barrier = Barrier::new(2);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let ask = |(raw, text): (_, _)| {
                let (raw, text): (&Raw, &String) = (raw, text);
                let (path, barrier) = (&path, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    raw.post(path, text).unwrap()
                })
            };
            let running: Vec<_> = raws.iter().zip(&texts).map(ask).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "round {round}");
        assert_eq!(stage.grant_row(grant).releases_used, 1);
    }
    let summary = stage.audit("audit");
    assert_eq!(summary.events.get("released"), Some(&rounds));
    assert_eq!(summary.events.get("release denied"), Some(&rounds));
}

#[test]
fn same_request_sent_twice_at_once_is_one_release_answered_twice() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let officer = copy(&stage.cast.officer);
    let raws = [Raw::sign_in(&stage, &officer), Raw::sign_in(&stage, &officer)];
    for round in 0..24 {
        let terms = stage.terms(report);
        let grant = stage.grant(&terms);
        let text = stage.as_officer(|desk| Ok(signed(desk, grant, |_| {}))).unwrap();
        let path = format!("/v1/grants/{grant}/releases");
        let barrier = Barrier::new(2);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let running: Vec<_> = raws
                .iter()
                .map(|raw| {
                    scope.spawn(|| {
                        barrier.wait();
                        raw.post(&path, &text).unwrap()
                    })
                })
                .collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let released: Vec<Released> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 200, "round {round}: {}", String::from_utf8_lossy(&answer.body));
                answer.json()
            })
            .collect();
        assert!(released[0].header == released[1].header);
        assert_eq!(stage.grant_row(grant).releases_used, 1);
    }
}

#[test]
fn lost_answer_is_given_again_without_a_second_count_or_entry() {
    let (mut stage, grant) = granted(|_, _| {});
    let text = stage.as_officer(|desk| Ok(signed(desk, grant, |_| {}))).unwrap();
    let first = stage.as_officer(|desk| desk.send_release_request(grant, &text)).unwrap();
    let before = stage.case_size();
    for _ in 0..3 {
        let again = stage.as_officer(|desk| desk.send_release_request(grant, &text)).unwrap();
        assert!(again.header == first.header && again.again && !first.again);
        assert_eq!(again.release, first.release);
    }
    assert_eq!(stage.case_size(), before);
    assert_eq!(stage.grant_row(grant).releases_used, 1);
    stage.clock.pass(seconds(24 * 3600 - 1));
    stage.as_officer(|desk| desk.send_release_request(grant, &text)).unwrap();
    stage.clock.pass(SECOND);
    let denied = stage.as_officer(|desk| desk.send_release_request(grant, &text));
    assert!(reasons(denied).contains(&"redelivery-over".to_owned()));
    stage.audit("audit");
}

#[test]
fn acknowledged_release_is_not_given_again() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let text = stage.as_officer(|desk| Ok(signed(desk, grant, |_| {}))).unwrap();
    let first = stage.as_officer(|desk| desk.send_release_request(grant, &text)).unwrap();
    stage.acknowledge(grant, &first).unwrap();
    let before = stage.case_size();
    let denied = stage.as_officer(|desk| desk.send_release_request(grant, &text));
    assert_eq!(reasons(denied), ["redelivery-over"]);
    let raw = Raw::sign_in(&stage, &stage.cast.officer);
    assert_eq!(raw.ask("GET", &age_path(first.release), "", b"").unwrap().status, 403);
    assert_eq!(stage.case_size(), before);
}

fn age_path(release: ReleaseId) -> String {
    format!("/v1/releases/{release}/report.age")
}

#[test]
fn ranges_of_the_age_file_make_up_the_whole_and_the_whole_is_header_and_sealed_payload() {
    let mut stage = Stage::established();
    let report = stage.report("note.bin", &[7; 300_000]);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let released = stage.release(grant).unwrap();
    let raw = Raw::sign_in(&stage, &stage.cast.officer);
    let path = age_path(released.release);
    let whole = raw.ask("GET", &path, "", b"").unwrap();
    assert_eq!(whole.status, 200);
    let sealed = std::fs::read(stage.path("note.bin.age")).unwrap();
    let own = amana::client::seal::SealedFile::open(&stage.path("note.bin.age")).unwrap();
    let payload = &sealed[own.header().as_bytes().len()..];
    assert!(whole.body == [released.header.0.as_slice(), payload].concat());

    let total = whole.body.len();
    let mut joined = Vec::new();
    // Steps that fall inside the header, across its end, and across the chunks the broker reads.
    for step in [1, 100, 99, 1, 65_536, 200_000, 1, total] {
        let from = joined.len();
        if from == total {
            break;
        }
        let to = (from + step - 1).min(total - 1);
        let part = raw.ask("GET", &path, &format!("Range: bytes={from}-{to}\r\n"), b"").unwrap();
        assert_eq!(part.status, 206);
        assert_eq!(part.header("content-range"), Some(format!("bytes {from}-{to}/{total}").as_str()));
        joined.extend(part.body);
    }
    assert!(joined == whole.body);
    let last = raw.ask("GET", &path, "Range: bytes=-10\r\n", b"").unwrap();
    assert!(last.body == whole.body[total - 10..]);
    let beyond = raw.ask("GET", &path, &format!("Range: bytes={total}-\r\n"), b"").unwrap();
    assert_eq!((beyond.status, beyond.body.len()), (416, 0));
}

#[test]
fn age_file_is_decided_anew_each_time_and_only_for_who_asked_for_the_release() {
    let (mut stage, grant) = granted(|_, _| {});
    let second = stage.second_officer(stage.now().plus(Duration::from_days(300)));
    let released = stage.release(grant).unwrap();
    let path = age_path(released.release);
    let raw = Raw::sign_in(&stage, &stage.cast.officer);
    assert_eq!(raw.ask("GET", &path, "", b"").unwrap().status, 200);
    let other = Raw::sign_in(&stage, &second);
    let stranger = other.ask("GET", &path, "", b"").unwrap();
    let unknown = raw.ask("GET", &age_path(ReleaseId::from(Digest::of(b"none"))), "", b"").unwrap();
    assert_eq!((stranger.status, &stranger.body), (404, &unknown.body));

    let id = stage.cast.institution.party_id();
    let suspend = |desk: &mut Desk, act| desk.suspend(id, act, text("a complaint is examined")?);
    stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Suspend)).unwrap();
    assert_eq!(raw.ask("GET", &path, "", b"").unwrap().status, 403);
    let lift = stage.as_administrator(0, |desk| suspend(desk, SuspensionAct::Lift)).unwrap().id;
    stage.as_administrator(1, |desk| desk.approve(lift)).unwrap();
    assert_eq!(raw.ask("GET", &path, "Range: bytes=0-9\r\n", b"").unwrap().status, 206);
    stage.revoke(grant).unwrap();
    assert_eq!(raw.ask("GET", &path, "Range: bytes=10-19\r\n", b"").unwrap().status, 403);
}

#[test]
fn fetching_ones_own_header_is_logged_each_time() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let fetched =
        |stage: &mut Stage, name: &str| stage.audit(name).events.get("owner header fetched").copied().unwrap_or(0);
    assert_eq!(fetched(&mut stage, "before"), 0);
    for name in ["one.age", "two.age"] {
        let out = stage.path(name);
        stage.as_advocate(|desk| desk.download(report, &out, &mut |_| {})).unwrap();
    }
    assert_eq!(fetched(&mut stage, "after"), 2);
    let log = case_log_of(&mut stage);
    assert!(log.iter().any(|event| matches!(event, Happening::OwnerHeaderFetched { report: r, .. } if *r == report)));
}

fn case_log_of(stage: &mut Stage) -> Vec<Happening> {
    stage.case_log("log").into_iter().map(|(shared, _)| shared.event).collect()
}

#[test]
fn wall_clock_set_back_neither_turns_back_the_log_nor_revives_an_ended_grant() {
    let (mut stage, grant) = granted(|stage, terms| {
        terms.collect.until = stage.now().plus(seconds(300));
    });
    stage.clock.pass(seconds(300));
    assert!(reasons(stage.release(grant)).contains(&"window-closed".to_owned()));
    let ended = stage.now();
    stage.clock.step_back(seconds(200));
    assert!(reasons(stage.release(grant)).contains(&"window-closed".to_owned()));
    let report = stage.report("later.txt", b"seen later");
    let log = stage.case_log("audit");
    let times: Vec<Timestamp> = log.iter().map(|(shared, _)| shared.at).collect();
    assert!(times.is_sorted());
    assert!(times.last().unwrap() >= &ended);
    // And a waiting time is not over because the log says a later time than the clock.
    let mut terms = stage.terms(report);
    terms.cooling_off = seconds(10);
    let waiting = stage.grant(&terms);
    assert_eq!(reasons(stage.release(waiting)), ["cooling-off"]);
}

#[test]
fn clock_set_back_by_an_hour_and_put_right_again_stops_nothing() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    let released = stage.release(grant).unwrap();
    stage.clock.step_back(seconds(3600));
    stage.acknowledge(grant, &released).unwrap();
    stage.clock.step_forward(seconds(3600));
    stage.release(grant).unwrap();
}

#[test]
fn wall_clock_that_jumps_ahead_leaves_revocation_and_nothing_else() {
    let (mut stage, grant) = granted(|_, terms| terms.max_releases = 2);
    stage.clock.step_forward(seconds(599));
    let released = stage.release(grant).unwrap();
    stage.acknowledge(grant, &released).unwrap();
    // The officer signed in before the jump: signing in writes, and nothing is written after it.
    let raw = Raw::sign_in(&stage, &stage.cast.officer);
    stage.clock.step_forward(seconds(602));
    let before = stage.case_size();
    let text = stage
        .as_officer(|desk| {
            let prev = desk.memory().chains.get(&Digest::from(grant).to_string()).copied();
            desk.sign_release_request(grant, inquiry(), prev)
        })
        .unwrap();
    let answer = raw.post(&format!("/v1/grants/{grant}/releases"), &text).unwrap();
    assert!([401, 503].contains(&answer.status), "{answer:?}");
    assert!(matches!(stage.release(grant), Err(DeskError::Remote(_))));
    assert_eq!(stage.case_size(), before);
    stage.revoke(grant).unwrap();
    stage.wait_until_jumped_shredding_is_logged(before);
}

#[test]
fn revocation_is_taken_long_after_a_jump_of_the_clock() {
    let (mut stage, grant) = granted(|_, _| {});
    stage.clock.step_forward(seconds(602));
    assert!(stage.release(grant).is_err());
    stage.clock.pass(Duration::from_days(2));
    stage.revoke(grant).unwrap();
}

impl Stage {
    /// In revoke-only nobody signs in, so the log's size is all there is to see: revoked, and two copies shredded.
    fn wait_until_jumped_shredding_is_logged(&self, before: u64) {
        eventually("revocation and both shreddings are logged", || self.case_size() == before + 3);
    }
}

#[test]
fn waiting_time_that_ended_unwatched_needs_the_clock_confirmed() {
    let (mut stage, grant) = granted(|_, terms| terms.cooling_off = seconds(3600));
    stage.stop();
    stage.clock.pass(seconds(7200));
    stage.restart();
    assert_eq!(reasons(stage.release(grant)), ["clock-unconfirmed"]);
    // A grant that never waited is not held up.
    let report = stage.report("other.txt", b"seen elsewhere");
    let terms = stage.terms(report);
    let prompt = stage.grant(&terms);
    stage.release(prompt).unwrap();
    stage.confirm_clock();
    stage.release(grant).unwrap();
    stage.audit("audit");
}

#[test]
fn embargo_that_ended_unwatched_needs_the_clock_confirmed() {
    let (mut stage, grant) =
        granted(|stage, terms| terms.embargo_until = Some(stage.now().plus(Duration::from_seconds(3600))));
    assert_eq!(reasons(stage.release(grant)), ["embargo"]);
    stage.stop();
    stage.clock.pass(seconds(7200));
    stage.restart();
    assert_eq!(reasons(stage.release(grant)), ["clock-unconfirmed"]);
    stage.confirm_clock();
    stage.release(grant).unwrap();
    stage.audit("audit");
}

#[test]
fn waiting_time_that_ended_while_the_broker_ran_needs_no_confirmation() {
    let (mut stage, grant) = granted(|_, terms| terms.cooling_off = seconds(3600));
    stage.restart();
    stage.clock.pass(seconds(3600));
    stage.release(grant).unwrap();
}

#[test]
fn promise_04_receipt_of_a_denial_is_no_receipt_of_a_release() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"seen");
    let mut terms = stage.terms(report);
    terms.cooling_off = Duration::from_seconds(3600);
    let grant = stage.grant(&terms);
    let text = stage.as_officer(|desk| desk.sign_release_request(grant, inquiry(), None)).unwrap();
    let denied = problem(stage.as_officer(|desk| desk.send_release_request(grant, &text)));
    let receipt = denied.receipt.unwrap();
    let genesis = &stage.cast.founded.genesis;
    let proves = |happened| {
        amana::wire::receipt::verify_statement(
            &receipt,
            amana::model::event::Log::Case,
            &genesis.trust().unwrap(),
            &happened,
            &text,
        )
    };
    assert!(proves(Happening::ReleaseDenied).is_ok());
    assert!(proves(Happening::Released).is_err(), "a broker could log a denial and hand out");
}
