//! What an auditor finds: damage to a bundle, and a broker that lies with its own log keys.

use crate::{
    lying::{LyingWriter, Story, reread, story},
    raw::{jws, parts},
    stage::{Stage, inquiry, verify},
};
use amana::{
    audit::AuditError,
    cli::demo::cast::copy,
    model::{
        event::{BodyCause, DenialCount, Log},
        ids::Digest,
        institution::SuspensionAct,
        time::{Duration, Timestamp},
    },
    tlog::{Ed25519NoteSigner, KeyName},
    wire::entry::{AuditorPart, Happening, Shared},
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::fs;

#[test]
fn an_honest_bundle_verifies_also_when_it_is_signed_anew() {
    let mut story = story();
    let summary = story.stage.audit("audit");
    let writer = LyingWriter::of(&mut story.stage, "again");
    let again = writer.verify(&story.stage.cast).unwrap();
    // Handing it out again is one entry more.
    assert_eq!((again.case_size, again.register_size), (summary.case_size + 1, summary.register_size));
}

#[test]
fn a_bundle_of_another_broker_is_refused() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let other = Stage::founded();
    assert!(matches!(writer.verify(&other.cast), Err(AuditError::Genesis(_))));
    let mut false_genesis = writer;
    other.cast.founded.genesis.note().clone_into(&mut false_genesis.genesis);
    assert!(matches!(false_genesis.verify(&story.stage.cast), Err(AuditError::Genesis(_))));
    // Somebody without a card still finds that entries and genesis do not belong together.
    assert!(false_genesis.verify(&other.cast).is_err());
}

#[test]
fn promise_08_no_byte_of_a_bundle_can_change() {
    let mut story = story();
    story.stage.audit("audit");
    let folder = story.stage.path("audit");
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // The policies: `audit replay` answers for them.
            assert!(path.ends_with("policies"));
            continue;
        }
        let whole = fs::read(&path).unwrap();
        files += 1;
        // Ends and beginnings, and places spread over the file that differ from run to run.
        let spread = (0..24).map(|part| (whole.len() * part + rand::random::<usize>() % whole.len()) / 25);
        for at in spread.chain([0, whole.len() - 2, whole.len() - 1]) {
            let bit = 1_u8 << (rand::random::<u8>() % 7);
            let mut changed = whole.clone();
            changed[at] ^= bit;
            fs::write(&path, &changed).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if String::from_utf8(changed).is_ok() {
                assert!(verify(&folder, &story.stage.cast).is_err(), "{name}: byte {at}, bit {bit}");
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(files, 6);
    verify(&folder, &story.stage.cast).unwrap();
}

#[test]
fn entries_can_be_neither_removed_nor_repeated_nor_moved() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let honest = writer.checkpoints();
    let damaged = |damage: &dyn Fn(&mut LyingWriter)| {
        let mut writer = LyingWriter { genesis: writer.genesis.clone(), facts: writer.facts.clone(), ..reread(&story) };
        damage(&mut writer);
        writer.verify_under(&story.stage.cast, honest.clone()).expect_err("damage was not found");
        // Signed anew, the log is another one; only some damage then still shows, but never less than the facts.
        writer.verify(&story.stage.cast).expect_err("damage signed anew was not found");
    };
    // What stands last says only that this bundle was handed out; whoever holds a checkpoint misses it, facts do not.
    damaged(&|w| drop((w.case.pop(), w.case.pop())));
    damaged(&|w| drop(w.case.remove(0)));
    damaged(&|w| drop(w.case.remove(2)));
    damaged(&|w| drop(w.register.pop()));
    damaged(&|w| drop(w.register.remove(0)));
    damaged(&|w| w.case.swap(0, 1));
    damaged(&|w| w.register.swap(1, 2));
    damaged(&|w| {
        let again = w.register[3].clone();
        w.register.push(again);
    });
    damaged(&|w| {
        let shared = w.shared(1);
        let auditor = w.auditor(1);
        w.append_at(shared, &auditor);
    });
}

#[test]
fn a_checkpoint_of_another_size_or_key_is_refused() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let [register, case] = writer.checkpoints();
    let cast = &story.stage.cast;
    let mut shorter = reread(&story);
    shorter.case.pop();
    let [_, short] = shorter.checkpoints();
    let outcome = writer.verify_under(cast, [register.clone(), short]);
    assert!(matches!(outcome, Err(AuditError::Root { log: Log::Case })));
    let mut stranger = reread(&story);
    let name: KeyName = format!("{}/case", cast.card().origin).parse().unwrap();
    stranger.keys[1] = Ed25519NoteSigner::new(name, SigningKey::from_bytes(&[1; 32])).unwrap();
    let [_, foreign] = stranger.checkpoints();
    let outcome = writer.verify_under(cast, [register.clone(), foreign]);
    assert!(matches!(outcome, Err(AuditError::Checkpoint { log: Log::Case, .. })));
    let outcome = writer.verify_under(cast, [case, register]);
    assert!(matches!(outcome, Err(AuditError::Checkpoint { .. })));
}

#[test]
fn the_brokers_facts_are_those_of_the_log() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let lines: Vec<&str> = writer.facts.lines().collect();
    let with = |lines: Vec<String>| {
        let facts = lines.iter().map(|line| format!("{line}\n")).collect();
        LyingWriter { facts, ..reread(&story) }.verify(&story.stage.cast)
    };
    let owned = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    with(owned()).unwrap();
    let grant = lines.iter().position(|line| line.starts_with("[\"grant\"")).unwrap();
    let mut edited = owned();
    edited[grant] = edited[grant].replace(r#"\"releases_used\":1"#, r#"\"releases_used\":0"#);
    if edited == owned() {
        edited[grant] = edited[grant].replace(r#"\"releases_used\":0"#, r#"\"releases_used\":1"#);
    }
    assert_ne!(edited, owned());
    let mut missing = owned();
    missing.remove(grant);
    let mut last_missing = owned();
    last_missing.pop();
    let mut twice = owned();
    twice.insert(grant, twice[grant].clone());
    let mut added = owned();
    added.push(r#"["zzz","x","case",0,"{}"]"#.to_owned());
    let mut swapped = owned();
    swapped.swap(0, 1);
    let mut another_citation = owned();
    another_citation[grant] = another_citation[grant].replacen("\"case\",", "\"register\",", 1);
    for (name, facts) in [
        ("edited", edited),
        ("missing", missing),
        ("last missing", last_missing),
        ("twice", twice),
        ("added", added),
        ("swapped", swapped),
        ("cites another entry", another_citation),
    ] {
        let outcome = with(facts);
        assert!(matches!(outcome, Err(AuditError::Facts(_))), "{name}: {outcome:?}");
    }
}

#[test]
fn an_auditor_part_that_was_exchanged_is_found() {
    let mut story = story();
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let honest = writer.checkpoints();
    let release = writer.position(|event| *event == Happening::Released);
    let text = writer.case[release].auditor.clone();
    writer.case[release].auditor = text.replace("\"allow\"", "\"deny\"");
    assert!(writer.verify_under(&story.stage.cast, honest).is_err());
    writer.is_caught_at(&story.stage.cast, Log::Case, release as u64, "decision");
    writer.case[release].auditor = "{}".to_owned();
    writer.is_caught_at(&story.stage.cast, Log::Case, release as u64, "decision");
}

/// P2, second half: an auditor finds a release nobody consented to.
#[test]
fn promise_02_an_auditor_finds_a_release_without_a_grant() {
    let mut story = story();
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, Digest::of(b"no such grant").into(), |_| {});
    story.lie("nothing", &request, "grant is not known");
    let (used, unused, pending) = (story.used, story.unused, story.pending);
    let request = story.request(&officer, used, |_| {});
    story.lie("count", &request, "the count is used up");
    let request = story.request(&officer, unused, |body| body["purpose"] = json!("preservation-mechanism"));
    story.lie("purpose", &request, "the purpose is not granted");
    let request = story.request(&officer, unused, |body| body["conditions_noted"] = json!(used));
    story.lie("conditions", &request, "the conditions were not noted");
    let request = story.request(&officer, pending, |_| {});
    story.lie("pending", &request, "it is not active");
    let stranger = amana::cli::founding::identity("stranger", &*story.stage.cast.entropy()).unwrap();
    let request = story.request(&stranger, unused, |_| {});
    story.lie("unregistered", &request, "not a registered key");
    let admin = story.stage.cast.administrator(0).unwrap();
    let request = story.request(&admin, unused, |_| {});
    story.lie("administrator", &request, "administrator");
    let request = story.request(&officer, unused, |_| {});
    let tampered = request.replacen(&request[request.len() - 20..], "AAAAAAAAAAAAAAAAAAAA", 1);
    story.lie("signature", &tampered, "does not verify");
}

#[test]
fn a_grant_nobody_gave_is_found_in_the_log() {
    let mut story = story();
    let writer = LyingWriter::of(&mut story.stage, "audit");
    let given = (0..writer.case.len())
        .find(|index| {
            let statement = writer.shared(*index).statement.unwrap_or_default();
            !statement.is_empty() && parts(&statement).0.contains("amana-grant-v1")
        })
        .unwrap();
    let honest = writer.shared(given);
    let (jose, claims) = parts(honest.statement.as_ref().unwrap());
    let admin = story.stage.cast.administrator(0).unwrap();
    let mut wider: Value = serde_json::from_str(&claims).unwrap();
    wider["body"]["max_releases"] = json!(1000);
    let mut as_admin = wider.clone();
    as_admin["iss"] = json!(admin.party_id());
    let admin_jose = json!({ "alg": "EdDSA", "typ": "amana-grant-v1+jwt", "kid": admin.key_id() }).to_string();
    let seed = {
        let mut seed = [0; 32];
        let text = fs::read_to_string(story.stage.path("broker/keys/case.key")).unwrap();
        hex::decode_to_slice(text.trim(), &mut seed).unwrap();
        SigningKey::from_bytes(&seed)
    };
    for (forged, words) in [
        (jws(&jose, &wider.to_string(), &seed), "does not verify"),
        (jws(&jose, &wider.to_string(), admin.signing_key()), "does not verify"),
        (jws(&admin_jose, &wider.to_string(), admin.signing_key()), "breaks a rule"),
        (jws(&admin_jose, &as_admin.to_string(), admin.signing_key()), "breaks a rule"),
    ] {
        let mut swapped = reread(&story);
        swapped.write(given, &Shared { statement: Some(forged), ..honest.clone() }, &AuditorPart::default());
        swapped.is_caught_at(&story.stage.cast, Log::Case, given as u64, words);
    }
}

#[test]
fn a_release_after_its_revocation_is_found() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    story.stage.revoke(unused).unwrap();
    let request = story.request(&officer, unused, |_| {});
    story.lie("revoked", &request, "it is not active");
    // Slipped in just before the revocation, it is found by whoever holds a receipt; here its place is taken.
    let mut writer = LyingWriter::of(&mut story.stage, "before");
    let honest = writer.checkpoints();
    let auditor = Story::facts(&writer, &request);
    let revocation = writer.case.len()
        - (1..=writer.case.len())
            .find(|back| {
                let statement = writer.shared(writer.case.len() - back).statement.unwrap_or_default();
                !statement.is_empty() && parts(&statement).0.contains("amana-revocation")
            })
            .unwrap();
    let before = writer.shared(revocation - 1);
    writer.write(revocation, &Shared { event: Happening::Released, statement: Some(request), ..before }, &auditor);
    assert!(writer.verify_under(&story.stage.cast, honest).is_err());
}

#[test]
fn a_release_to_a_superseded_key_is_found_whatever_register_it_claims_to_have_seen() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, unused, |_| {});
    story.stage.clock.pass(Duration::from_seconds(60));
    let next = amana::cli::founding::identity("next", &*story.stage.cast.entropy()).unwrap().recipient();
    story.stage.as_root(|desk| desk.publish_recipient_key("evidence unit".parse().unwrap(), next)).unwrap();
    story.lie("superseded", &request, "recipient key");
    // The broker says it had not seen the new key yet, at a time at which it stood in its own register.
    let mut writer = LyingWriter::of(&mut story.stage, "stale");
    let auditor = Story::facts(&writer, &request);
    let stale = Shared {
        event: Happening::Released,
        at: writer.last_at().plus(Duration::from_seconds(5)),
        register_size: Some(writer.register.len() as u64 - 1),
        statement: Some(request.clone()),
    };
    writer.append_at(stale, &auditor);
    let error = writer.verify(&story.stage.cast).unwrap_err();
    assert!(matches!(error, AuditError::Entry { .. }), "{error}");
}

#[test]
fn time_and_register_do_not_run_backwards() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, unused, |_| {});
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let auditor = Story::facts(&writer, &request);
    let backdated = Shared {
        event: Happening::Released,
        at: Timestamp::from_seconds(writer.last().at.as_seconds() - 3600),
        register_size: Some(writer.register.len() as u64),
        statement: Some(request.clone()),
    };
    let index = writer.append_at(backdated.clone(), &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "time");
    writer.case.pop();
    let unseen = Shared { at: writer.last_at(), register_size: Some(writer.register.len() as u64 + 1), ..backdated };
    let index = writer.append_at(unseen.clone(), &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "register entries that are not here");
    writer.case.pop();
    let smaller = Shared { register_size: Some(2), ..unseen };
    let index = writer.append_at(smaller, &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "smaller than one seen before");
}

#[test]
fn a_release_to_a_suspended_institution_is_found() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, unused, |_| {});
    let (admin, institution) = (story.stage.cast.administrator(0).unwrap(), story.stage.cast.institution.party_id());
    let reason = "inquiry".parse().unwrap();
    story.stage.as_somebody(&admin, |desk| desk.suspend(institution, SuspensionAct::Suspend, reason)).unwrap();
    story.lie("suspended", &request, "suspended");
}

#[test]
fn the_facts_of_a_release_are_those_of_the_log() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    story.stage.as_officer(|desk| desk.request_release(unused, &inquiry())).unwrap();
    let request = story.request(&officer, unused, |_| {});
    // An acknowledgement is owed; the broker writes down that it is not.
    story.lie("owed", &request, "facts");
}

#[test]
fn a_release_carries_the_decision_that_allowed_it() {
    let mut story = story();
    let unused = story.unused;
    let officer = copy(&story.stage.cast.officer);
    let request = story.request(&officer, unused, |_| {});
    let changes: [(&str, &dyn Fn(&mut AuditorPart)); 5] = [
        ("nothing", &|part| *part = AuditorPart::default()),
        ("no facts", &|part| part.facts = None),
        ("another bundle", &|part| part.bundle = Some(Digest::of(b"x"))),
        ("no bundle", &|part| part.bundle = None),
        ("reasons", &|part| part.reasons.push("x".to_owned())),
    ];
    for (name, change) in changes {
        let mut writer = LyingWriter::of(&mut story.stage, name);
        let mut auditor = Story::facts(&writer, &request);
        change(&mut auditor);
        let index = writer.append(Happening::Released, Some(request.clone()), &auditor);
        writer.is_caught_at(&story.stage.cast, Log::Case, index, "not backed by the decision");
    }
    // Facts that are about another release.
    let mut writer = LyingWriter::of(&mut story.stage, "other");
    let auditor = writer.auditor(writer.position(|event| *event == Happening::Released));
    let index = writer.append(Happening::Released, Some(request), &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "another release");
}

#[test]
fn an_owners_header_handed_to_somebody_else_is_found() {
    let mut story = story();
    let officer = story.stage.cast.officer.key_id();
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let fetched = writer.position(|event| matches!(event, Happening::OwnerHeaderFetched { .. }));
    let Happening::OwnerHeaderFetched { report, key } = writer.shared(fetched).event else { unreachable!() };
    let auditor = writer.auditor(fetched);
    let index = writer.append(Happening::OwnerHeaderFetched { report, key: officer }, None, &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "");
    writer.case.pop();
    let no_facts = AuditorPart { facts: None, ..auditor };
    let index = writer.append(Happening::OwnerHeaderFetched { report, key }, None, &no_facts);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "no facts");
}

#[test]
fn a_broker_without_a_single_case_can_be_audited() {
    let mut stage = Stage::founded();
    // Being handed out is the one thing that happened.
    let summary = stage.audit("audit");
    assert_eq!((summary.case_size, summary.events["disclosed to an auditor"]), (1, 1));
}

#[test]
fn counted_denials_are_an_officers_within_an_hour_and_at_least_one() {
    let mut story = story();
    let officer = story.stage.cast.officer.key_id();
    let advocate = story.stage.cast.advocate.key_id();
    let mut try_count = |key, seconds: u64, count: u64| {
        let mut writer = LyingWriter::of(&mut story.stage, &format!("counted-{seconds}-{count}-{}", key == officer));
        let until = writer.last_at();
        let from = Timestamp::from_seconds(until.as_seconds() - seconds);
        let counted = DenialCount { key, from, until, count };
        let index = writer.append(Happening::DenialsCounted(counted), None, &AuditorPart::default());
        (writer, index)
    };
    let (good, _) = try_count(officer, 3600, 1);
    let (words, [wrong_key, too_long, empty, none]) = (
        ["officer", "hour", "until lies after from", "no denial"],
        [(advocate, 60, 1), (officer, 3601, 1), (officer, 0, 1), (officer, 60, 0)]
            .map(|(key, seconds, count)| try_count(key, seconds, count)),
    );
    let summary = good.verify(&story.stage.cast).unwrap();
    assert_eq!(summary.events["further denials counted"], 1);
    for ((writer, index), words) in [wrong_key, too_long, empty, none].into_iter().zip(words) {
        writer.is_caught_at(&story.stage.cast, Log::Case, index, words);
    }
}

#[test]
fn what_an_auditor_vouched_for_elsewhere_is_found_in_this_log() {
    let mut story = story();
    let trees = story.stage.audit("vouched").trees;
    let auditor = story.stage.cast.auditor().unwrap();
    for log in ["register", "case"] {
        let mut body = json!({ "register": trees.register, "case": trees.case });
        body[log]["root"] = json!(Digest::of(b"as the auditor was shown it"));
        let text = story.stage.statement(&auditor, "amana-audited-v1+jwt", None, None, &body);
        let mut writer = LyingWriter::of(&mut story.stage, log);
        let index = writer.append(Happening::Accepted, Some(text), &AuditorPart::default());
        writer.is_caught_at(&story.stage.cast, Log::Case, index, "an auditor vouched for another log");
    }
}

#[test]
fn bodies_go_by_an_entry_that_names_them_and_none_that_facts_depend_on() {
    let mut story = story();
    let trees = story.stage.audit("vouched").trees;
    story.stage.as_auditor(|desk| desk.vouch(trees.register, trees.case)).unwrap();
    let fresh = |stage: &mut Stage, name: &str| LyingWriter::of(stage, name);
    let no_facts = AuditorPart::default();
    let cause = BodyCause::Retention;

    let mut writer = fresh(&mut story.stage, "unexplained");
    let denied = writer.position(|event| *event == Happening::ReleaseDenied);
    assert!((denied as u64) < trees.case.size);
    writer.closed.insert(denied);
    writer.is_caught_at(&story.stage.cast, Log::Case, denied as u64, "does not open");
    // Named, it is explained; that the broker's own facts lack it is all that is left to find.
    writer.append(Happening::BodyShredded { index: denied as u64, cause }, None, &no_facts);
    assert!(matches!(writer.verify(&story.stage.cast), Err(AuditError::Facts(_))));
    let twice = writer.append(Happening::BodyShredded { index: denied as u64, cause }, None, &no_facts);
    writer.is_caught_at(&story.stage.cast, Log::Case, twice, "already taken effect");

    let mut writer = fresh(&mut story.stage, "unaudited");
    let disclosed = (0..writer.case.len()).rfind(|at| writer.shared(*at).event.changes_no_fact()).unwrap() as u64;
    assert!(disclosed >= trees.case.size);
    let index = writer.append(Happening::BodyShredded { index: disclosed, cause }, None, &no_facts);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "no auditor has vouched");

    let mut writer = fresh(&mut story.stage, "released");
    let released = writer.position(|event| *event == Happening::Released);
    let index = writer.append(Happening::BodyShredded { index: released as u64, cause }, None, &no_facts);
    writer.is_caught_at(&story.stage.cast, Log::Case, index, "facts depend on");
    // Taken out of the bundle too, what followed from it stands on nothing.
    writer.closed.insert(released);
    writer.verify(&story.stage.cast).expect_err("a release disappeared");
}
