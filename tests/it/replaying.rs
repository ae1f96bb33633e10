//! What an auditor finds by deciding again: a broker that lies about why.

use crate::{
    lying::{LyingWriter, Story, story},
    stage::{House, Stage, inquiry, opening, preservation, reasons},
};
use amana::{
    audit::{AuditError, EntryFault},
    cli::demo::cast::copy,
    client::identity::Identity,
    model::{
        bundle::Bundle,
        event::{EntryRef, Log},
        facts::ReleaseFacts,
        ids::{Digest, GrantId},
        limits,
        statement::Kind,
        time::{Clocks, Duration, Timestamp},
        view::ReleaseView,
    },
    policy::Engine,
    store::{CommitError, Facts, OwnRecord, Store as _, faults::Sound, sqlite::SqliteStore},
    wire::{
        entry::{AuditorPart, FactsRecord, Happening, Shared},
        statement::Unverified,
    },
};
use serde_json::json;
use std::{fs, path::Path, process::Command, sync::Arc};

fn rules() -> Digest {
    Bundle::shipped().digest()
}

fn both(at: Timestamp) -> Clocks {
    Clocks { not_passed: at, passed: at }
}

/// Verifies, but does not come out when it is decided again: what is wrong can be found in no other way.
fn only_replay_finds(writer: &LyingWriter, story: &Story, index: u64, words: &[&str]) {
    let cast = &story.stage.cast;
    writer.verify(cast).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let error = writer.replay_under(cast, &[Bundle::shipped()]).expect_err("it replays");
    let AuditError::Entry { entry, what: EntryFault::Replay(found) } = &error else { panic!("{words:?}: {error}") };
    assert_eq!(*entry, EntryRef { log: Log::Case, index }, "{error}");
    assert!(!found.differences().is_empty());
    for words in words {
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

/// Appends a release that its facts, which are those of the log, do not allow.
fn allow_anyway(writer: &mut LyingWriter, request: &str, at: Timestamp) -> u64 {
    let clocks = both(at);
    let facts = writer.honest_facts(request, clocks);
    let auditor = AuditorPart::decided(facts, Some(clocks), rules(), Vec::new());
    let register_size = Some(writer.register.len() as u64);
    let shared = Shared { event: Happening::Released, at, register_size, statement: Some(request.to_owned()) };
    let index = writer.append_at(shared, &auditor);
    writer.write_facts_down();
    index
}

/// The story, and denials for one reason and for several.
fn denied_story() -> Story {
    let mut story = story();
    let (used, unused) = (story.used, story.unused);
    assert_eq!(
        reasons(story.stage.as_officer(|desk| desk.request_release(unused, &preservation()))),
        ["purpose-not-granted"]
    );
    let several = reasons(story.stage.as_officer(|desk| desk.request_release(used, &preservation())));
    assert!(several.len() > 1, "{several:?}");
    story.stage.as_officer(|desk| desk.request_release(unused, &inquiry())).unwrap();
    let owed = reasons(story.stage.as_officer(|desk| desk.request_release(unused, &inquiry())));
    assert!(owed.contains(&"acknowledgement-owed".to_owned()), "{owed:?}");
    story
}

/// The last denial, which has a reason.
fn last_denial(writer: &LyingWriter) -> usize {
    (0..writer.case.len()).rev().find(|index| writer.shared(*index).event == Happening::ReleaseDenied).unwrap()
}

#[test]
fn promise_08_every_decision_of_an_honest_bundle_comes_out_again() {
    let mut story = denied_story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let (summary, replayed) = writer.replay_under(&story.stage.cast, &[Bundle::shipped()]).unwrap();
    assert_eq!(summary.events["released"], replayed.released);
    assert_eq!(summary.events["release denied"], replayed.release_denied);
    assert_eq!(summary.events["owner header fetched"], replayed.owner_header_fetched);
    assert!(
        replayed.released == 2 && replayed.release_denied == 4 && replayed.owner_header_fetched > 0,
        "{replayed:?}"
    );
    assert_eq!(replayed.bundles.into_iter().collect::<Vec<_>>(), [rules()]);
}

#[test]
fn an_invented_fact_is_found_with_what_was_recorded_and_what_comes_out() {
    let mut story = denied_story();
    for (event, find) in [("release", Happening::Released), ("denial", Happening::ReleaseDenied)] {
        let mut writer = LyingWriter::of(&mut story.stage, event);
        let index = writer.position(|event| *event == find);
        let mut auditor = writer.auditor(index);
        let Some(FactsRecord::Release(facts)) = &mut auditor.facts else { panic!("no facts") };
        facts.attestation_left += 1;
        let told = format!("facts.release.attestation_left: recorded {},", facts.attestation_left);
        writer.write(index, &writer.shared(index), &auditor);
        writer.is_caught_at(&story.stage.cast, Log::Case, index as u64, "the facts are not those of the log");
        let error = writer.replay_under(&story.stage.cast, &[Bundle::shipped()]).unwrap_err().to_string();
        assert!(error.contains(&told), "{error}");
    }
}

#[test]
fn a_release_to_an_institution_nobody_attested_is_found() {
    let mut story = story();
    let far = story.stage.now().plus(Duration::from_days(300));
    let house = story.stage.another_institution(far, None);
    lie_about(&mut story, &house, Duration::from_seconds(0), "attestation-missing");
}

#[test]
fn a_release_to_an_institution_whose_mandate_ended_is_found() {
    let mut story = story();
    let soon = story.stage.now().plus(Duration::from_seconds(3600));
    let far = story.stage.now().plus(Duration::from_days(300));
    let house = story.stage.another_institution(soon, Some(far));
    lie_about(&mut story, &house, Duration::from_seconds(7200), "mandate-ended");
}

fn lie_about(story: &mut Story, house: &House, after: Duration, reason: &str) {
    let report = story.stage.report("second.txt", b"what was seen next");
    let terms = story.stage.terms_for(house, report);
    let grant = story.stage.grant(&terms);
    let request = story.request(&house.officer, grant, |_| {});
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let at = writer.last_at().plus(after);
    let index = allow_anyway(&mut writer, &request, at);
    only_replay_finds(&writer, story, index, &[reason, "recorded \"allow\", comes out \"deny\""]);
}

#[test]
fn a_release_while_an_acknowledgement_is_owed_is_found() {
    let mut story = denied_story();
    let (officer, unused) = (copy(&story.stage.cast.officer), story.unused);
    let request = story.request(&officer, unused, |_| {});
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let at = writer.last_at();
    let index = allow_anyway(&mut writer, &request, at);
    only_replay_finds(&writer, &story, index, &["acknowledgement-owed", "recorded \"allow\""]);
}

#[test]
fn a_denial_with_fewer_other_or_more_reasons_is_found() {
    let mut story = denied_story();
    let changes: [(&str, &dyn Fn(&mut Vec<String>)); 4] = [
        ("fewer", &|reasons| drop(reasons.pop())),
        ("another", &|reasons| reasons[0] = "institution-suspended".to_owned()),
        ("more", &|reasons| reasons.push("window-closed".to_owned())),
        ("another order", &|reasons| reasons.reverse()),
    ];
    for (name, change) in changes {
        let mut writer = LyingWriter::of(&mut story.stage, name);
        let several = |index: &usize| writer.auditor(*index).reasons.len() > 1;
        let index = (0..writer.case.len()).rfind(several).unwrap();
        let mut auditor = writer.auditor(index);
        change(&mut auditor.reasons);
        writer.write(index, &writer.shared(index), &auditor);
        // Whoever signed later has seen the true one, and the verifier would say so.
        writer.case.truncate(index + 1);
        writer.write_facts_down();
        only_replay_finds(&writer, &story, index as u64, &["reasons: recorded"]);
    }
}

#[test]
fn a_denial_of_what_the_policies_allow_is_found() {
    let mut story = story();
    let (officer, unused): (Identity, GrantId) = (copy(&story.stage.cast.officer), story.unused);
    let request = story.request(&officer, unused, |_| {});
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let clocks = both(writer.last_at());
    let facts = writer.honest_facts(&request, clocks);
    let auditor = AuditorPart::decided(facts, Some(clocks), rules(), vec!["attestation-missing".to_owned()]);
    let index = writer.append(Happening::ReleaseDenied, Some(request), &auditor);
    writer.write_facts_down();
    only_replay_finds(&writer, &story, index, &["recorded \"deny\", comes out \"allow\""]);
}

#[test]
fn a_decision_that_is_spelt_otherwise_is_found() {
    let mut story = denied_story();
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let index = last_denial(&writer);
    writer.case[index].auditor = writer.case[index].auditor.replacen("\":", "\": ", 1);
    let cast = &story.stage.cast;
    writer.verify(cast).unwrap();
    let error = writer.replay_under(cast, &[Bundle::shipped()]).unwrap_err().to_string();
    assert!(error.contains("spelt otherwise"), "{error}");
}

#[test]
fn clocks_that_are_backdated_ahead_or_left_out_are_found() {
    let mut story = denied_story();
    let within = limits::DECIDED_WITHIN.as_seconds();
    let honest = LyingWriter::of(&mut story.stage, "audit");
    let (officer, used) = (copy(&story.stage.cast.officer), story.used);
    let request = story.request(&officer, used, |_| {});
    let at = honest.last_at().as_seconds() + 2 * within;
    let moment = Timestamp::from_seconds;
    let clocks = |not_passed, passed| Some(Clocks { not_passed: moment(not_passed), passed: moment(passed) });
    // Facts and reasons fit the clocks each time: only the clocks lie.
    let deny = |told: Option<Clocks>| {
        let mut writer = crate::lying::reread(&story);
        let facts = writer.honest_facts(&request, told.unwrap_or(both(moment(at))));
        let register_size = Some(writer.register.len() as u64);
        let shared =
            Shared { event: Happening::ReleaseDenied, at: moment(at), register_size, statement: Some(request.clone()) };
        let denied = AuditorPart::decided(facts, told, rules(), vec!["count-used".to_owned()]);
        let index = writer.append_at(shared, &denied);
        (writer, index)
    };
    for honest in [clocks(at, at), clocks(at - within, at - within), clocks(at, at - 5 * within)] {
        let (mut writer, _) = deny(honest);
        writer.write_facts_down();
        writer.verify(&story.stage.cast).unwrap();
    }
    for (told, words) in [
        (clocks(at - within - 1, at - within - 1), "not of the time of its entry"),
        (clocks(at - 86_400, at - 86_400), "not of the time of its entry"),
        (clocks(at + 1, at + 1), "not of the time of its entry"),
        (clocks(at, at + 1), "not of the time of its entry"),
        (None, "no clocks"),
    ] {
        let (writer, index) = deny(told);
        writer.is_caught_at(&story.stage.cast, Log::Case, index, words);
    }
    // Clocks of their own that the facts do not fit.
    let mut writer = crate::lying::reread(&story);
    let index = last_denial(&writer);
    let mut auditor = writer.auditor(index);
    auditor.clocks = auditor.clocks.map(|c| both(Timestamp::from_seconds(c.not_passed.as_seconds() - 60)));
    writer.write(index, &writer.shared(index), &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index as u64, "the facts are not those of the log");
    // An owner's fetch is decided by clocks of its own.
    for (told, words) in [
        (None, "no clocks"),
        (clocks(at, at), "not of the time of its entry"),
        (clocks(honest.last_at().as_seconds() - 86_400, at), "not of the time of its entry"),
    ] {
        let mut writer = crate::lying::reread(&story);
        let index = writer.position(|event| matches!(event, Happening::OwnerHeaderFetched { .. }));
        let auditor = AuditorPart { clocks: told, ..writer.auditor(index) };
        writer.write(index, &writer.shared(index), &auditor);
        writer.is_caught_at(&story.stage.cast, Log::Case, index as u64, words);
    }
    // Nothing else has clocks.
    let mut writer = crate::lying::reread(&story);
    let index = writer.position(|event| matches!(event, Happening::PayloadStored { .. }));
    let auditor = AuditorPart { clocks: clocks(at, at), ..writer.auditor(index) };
    writer.write(index, &writer.shared(index), &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index as u64, "clocks are recorded");
}

#[test]
fn policies_are_those_of_genesis_and_no_others() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let cast = &story.stage.cast;
    let mut files = Bundle::shipped().files().clone();
    files.insert("README".to_owned(), "kinder rules".to_owned());
    let kinder = Bundle::of(files);
    for bundles in [vec![], vec![kinder.clone()], vec![Bundle::shipped(), kinder]] {
        let outcome = writer.replay_under(cast, &bundles);
        assert!(matches!(outcome, Err(AuditError::Policies(_))), "{outcome:?}");
    }
}

/// A denial is spent like a permit: only while what it was decided from holds, and soon.
#[test]
fn promise_08_a_denial_that_no_longer_holds_is_not_entered() {
    let mut story = story();
    let (officer, unused) = (copy(&story.stage.cast.officer), story.unused);
    let text = story.request(&officer, unused, |body| body["purpose"] = json!(preservation()));
    let genesis = story.stage.cast.founded.genesis.clone();
    story.stage.stop();
    let (clock, entropy) = (story.stage.clock.clone(), story.stage.cast.entropy());
    let folder = story.stage.path("broker");
    let store = SqliteStore::open(&folder.join("data"), opening(&folder, &genesis, clock, entropy, Arc::new(Sound)));
    let store = store.unwrap();
    let verified = Unverified::parse(&text).unwrap().verify(&officer.public_key(), genesis.digest()).unwrap();
    let request = verified.into_release_request().unwrap();
    let engine = Engine::load(&Bundle::shipped()).unwrap();
    let denied = |at: u64| {
        let view = ReleaseView::load(&Facts(&store), unused, officer.key_id()).unwrap().unwrap();
        let facts = ReleaseFacts::of(view, request.body().clone(), both(Timestamp::from_seconds(at)));
        *engine.decide_release(facts).unwrap_err()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let deny = |denied| runtime.block_on(store.deny(denied, request.clone()));
    let now = story.stage.now().as_seconds();
    let before = denied(now);
    for stale in [denied(now - limits::DECIDED_WITHIN.as_seconds() - 1), denied(now + 3600)] {
        assert!(matches!(deny(stale), Err(CommitError::Conflict)));
    }
    runtime.block_on(store.record(OwnRecord::ClockConfirmed)).unwrap();
    assert!(matches!(deny(before), Err(CommitError::Conflict)));
    deny(denied(now)).unwrap();
}

fn replay(folder: &Path, stage: &Stage) -> (Option<i32>, serde_json::Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_amana"))
        .args(["audit", "replay", "--json", "--card", &stage.cast.card().to_string()])
        .arg(folder)
        .output()
        .unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn command_reads_policies_from_the_bundle_and_from_nowhere_else() {
    let mut story = denied_story();
    story.stage.audit("audit");
    let folder = story.stage.path("audit");
    let (code, told) = replay(&folder, &story.stage);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told["replayed"]["release_denied"], json!(4), "{told}");
    assert_eq!(told["replayed"]["bundles"], json!([rules()]), "{told}");
    let forbids = folder.join("policies").join(rules().to_string()).join("forbids.cedar");
    let text = fs::read_to_string(&forbids).unwrap();
    assert_eq!(Some(text.as_str()), Bundle::shipped().file("forbids.cedar"));
    // Exchanged in place: its folder's name no longer fits.
    fs::write(&forbids, text.replace("attestation_left <= 0", "attestation_left <= -9")).unwrap();
    let (code, told) = replay(&folder, &story.stage);
    assert_eq!(code, Some(3), "{told}");
    // A link to the very same text leads out of the bundle.
    let outside = story.stage.path("forbids.cedar");
    fs::write(&outside, &text).unwrap();
    fs::remove_file(&forbids).unwrap();
    std::os::unix::fs::symlink(&outside, &forbids).unwrap();
    let (code, told) = replay(&folder, &story.stage);
    assert_eq!(code, Some(1), "{told}");
    assert!(told["error"].as_str().unwrap().contains("symbolic link"), "{told}");
    fs::remove_dir_all(folder.join("policies")).unwrap();
    let (code, told) = replay(&folder, &story.stage);
    assert_eq!(code, Some(1), "{told}");
}

/// Whoever adds a kind of statement has the demo make one, and the stock JOSE library verify it.
#[test]
fn stock_jose_judge_demands_every_kind_of_statement() {
    let judge = include_str!("../judges/jose/bundle.mjs");
    for kind in Kind::ALL {
        let name = kind.typ().strip_prefix("amana-").and_then(|rest| rest.strip_suffix("-v1+jwt")).unwrap();
        assert!(judge.contains(&format!("\"{name}\"")), "{name}");
    }
}
