//! A lying broker, as its clients meet it: who notices, and how. What only an auditor can notice is in `auditing`,
//! `replaying` and `watching`; what the broker's own machine notices in `anchor`; what witnesses notice in `witnessed`.

use crate::{
    liar::Liar,
    lying::{LyingWriter, story},
    raw::parts,
    stage::Stage,
};
use amana::{
    client::{
        desk::{Desk, DeskError},
        mirror::MirrorError,
    },
    model::{
        event::Log,
        ids::{Digest, GrantId},
        institution::SuspensionAct,
    },
    tlog::{Checkpoint, Ed25519NoteSigner, Hash, MemoryTiles, leaf_hash},
    wire::{entry::Shared, genesis::GenesisError, receipt::ReceiptError},
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The lying broker holds its own log keys.
fn signer(stage: &Stage, file: &str, log: &str) -> Ed25519NoteSigner {
    let text = std::fs::read_to_string(stage.path("broker/keys").join(file)).unwrap();
    let seed: [u8; 32] = hex::decode(text.trim()).unwrap().try_into().unwrap();
    let origin = format!("{}/{log}", stage.cast.card().origin);
    Ed25519NoteSigner::new(origin.parse().unwrap(), SigningKey::from_bytes(&seed)).unwrap()
}

fn edited(body: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap();
    edit(&mut value);
    value.to_string()
}

fn granted(stage: &mut Stage, name: &str) -> GrantId {
    let report = stage.report(name, format!("what {name} saw").as_bytes());
    let terms = stage.terms(report);
    stage.grant(&terms)
}

#[test]
fn release_without_its_entry_is_refused_by_the_institution() {
    let mut stage = Stage::established();
    let liar = Liar::before(&mut stage);
    let [first, second, third] = ["one", "two", "three"].map(|name| granted(&mut stage, name));
    // A true receipt, of another release: that is all a broker has that logs nothing.
    let kept = Arc::new(Mutex::new(None::<Value>));
    let keeps = kept.clone();
    liar.tells(move |asked, body| {
        if asked.contains("/releases") && !asked.contains("report.age") {
            return edited(&body, |answer| {
                let mut kept = keeps.lock().unwrap();
                match &*kept {
                    Some(receipt) => answer["receipt"] = receipt.clone(),
                    None => *kept = Some(answer["receipt"].clone()),
                }
            });
        }
        body
    });
    stage.release(first).unwrap();
    let error = stage.release(second).err().unwrap();
    assert!(matches!(error, DeskError::Receipt(_)), "{error}");
    // None at all is no better.
    liar.tells(
        |asked, body| {
            if asked.contains("/releases") { edited(&body, |answer| answer["receipt"] = json!("")) } else { body }
        },
    );
    let error = stage.release(third).err().unwrap();
    assert!(matches!(error, DeskError::Receipt(_)), "{error}");
}

#[test]
fn forked_case_log_is_noticed_by_the_next_step_of_whoever_saw_more() {
    let mut stage = Stage::established();
    granted(&mut stage, "note");
    let liar = Liar::before(&mut stage);
    stage.as_advocate(|desk| desk.own_entries().map(|_| ())).unwrap();
    // Another history of the same length, signed by the true key.
    let signer = signer(&stage, "case.key", "case");
    liar.tells(move |asked, body| {
        if !asked.contains("/v1/case/checkpoint") {
            return body;
        }
        edited(&body, |answer| {
            let text = answer["checkpoint"].as_str().unwrap().to_owned();
            let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
            let fork = Checkpoint::new(signer.verifier().name(), size, leaf_hash(b"another history")).unwrap();
            answer["checkpoint"] = json!(fork.signed(&signer).unwrap());
        })
    });
    let error = stage.as_advocate(|desk| desk.own_entries().map(|_| ())).err().unwrap();
    assert!(matches!(error, DeskError::Fork), "{error}");
}

#[test]
fn public_log_that_is_not_the_one_parties_see_is_noticed() {
    let mut stage = Stage::established();
    let liar = Liar::before(&mut stage);
    stage.broker.as_ref().unwrap().publish().unwrap();
    stage.as_advocate(|desk| desk.public_logs().map(|_| ())).unwrap();
    for (word, file) in [("case", "case.key"), ("register", "register.key")] {
        let signer = signer(&stage, file, word);
        let path = format!("/log/{word}/checkpoint");
        liar.tells(move |asked, body| {
            if !asked.contains(&path) {
                return body;
            }
            let size: u64 = body.lines().nth(1).unwrap().parse().unwrap();
            let fork = Checkpoint::new(signer.verifier().name(), size, leaf_hash(b"for the public")).unwrap();
            fork.signed(&signer).unwrap()
        });
        let error = stage.as_advocate(|desk| desk.public_logs().map(|_| ())).err().unwrap();
        assert!(matches!(error, DeskError::Fork), "{word}: {error}");
    }
}

/// The register as the broker would sign it after an edit.
fn resigned(body: &str, signer: &Ed25519NoteSigner, before: &[String], edit: impl Fn(&mut Vec<String>)) -> String {
    edited(body, |answer| {
        let mut entries: Vec<String> = serde_json::from_value(answer["entries"].clone()).unwrap();
        edit(&mut entries);
        let mut tree = MemoryTiles::new();
        let leaves: Vec<Hash> = before.iter().chain(&entries).map(|entry| leaf_hash(entry.as_bytes())).collect();
        tree.append_leaves(&leaves);
        let checkpoint = Checkpoint::new(signer.verifier().name(), tree.size(), tree.root()).unwrap();
        answer["checkpoint"] = json!(checkpoint.signed(signer).unwrap());
        answer["entries"] = json!(entries);
    })
}

/// What a client that knows nothing but its card makes of a register that was edited and signed anew.
fn newcomer_sees(edit: impl Fn(&mut Vec<String>) + Send + Sync + 'static) -> DeskError {
    newcomer_to(Stage::established(), edit)
}

fn newcomer_to(mut stage: Stage, edit: impl Fn(&mut Vec<String>) + Send + Sync + 'static) -> DeskError {
    let liar = Liar::before(&mut stage);
    let signer = signer(&stage, "register.key", "register");
    let genesis = vec![stage.cast.founded.genesis.entry().encode().unwrap()];
    liar.tells(
        move |asked, body| {
            if asked.contains("/v1/register?from=1") { resigned(&body, &signer, &genesis, &edit) } else { body }
        },
    );
    let newcomer = stage.somebody("newcomer");
    stage.as_somebody(&newcomer, |_| Ok(())).err().unwrap()
}

/// Writes entries once more at the end of the register, as they were signed.
fn replay(entries: &mut Vec<String>, places: impl IntoIterator<Item = usize>) {
    let at = Shared::parse(entries.last().unwrap()).unwrap().at;
    for place in places {
        let again = Shared { at, ..Shared::parse(&entries[place]).unwrap() };
        entries.push(again.encode().unwrap());
    }
}

#[test]
fn exchanged_key_of_an_institution_is_refused_also_by_who_knows_nothing_but_the_card() {
    let other = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    let error = newcomer_sees(move |entries| {
        let place = entries.iter().position(|entry| is_kind(entry, "recipient-key"));
        let entry = &mut entries[place.unwrap()];
        *entry = with_body(entry, |claims| claims["body"]["recipient"] = json!(other));
    });
    assert!(matches!(error, DeskError::Mirror(MirrorError::Entry { .. })), "{error}");
}

#[test]
fn admission_that_was_replayed_or_left_out_is_refused() {
    let replayed = newcomer_sees(|entries| {
        let admission = entries.iter().position(|entry| is_kind(entry, "admission")).unwrap();
        replay(entries, [admission]);
    });
    assert!(matches!(replayed, DeskError::Mirror(MirrorError::Entry { .. })), "{replayed}");
    assert!(replayed.to_string().contains("used by another statement"), "{replayed}");
    let alone = newcomer_sees(|entries| entries.retain(|entry| !is_kind(entry, "admission")));
    assert!(matches!(alone, DeskError::Mirror(MirrorError::Entry { .. })), "{alone}");
}

#[test]
fn old_word_that_lifted_a_suspension_does_not_lift_the_next_one() {
    let mut stage = Stage::established();
    let institution = stage.cast.institution.party_id();
    let mut act = |who: usize, act: SuspensionAct| {
        stage.as_administrator(who, |desk| desk.suspend(institution, act, "inquiry".parse().unwrap())).unwrap().id
    };
    act(0, SuspensionAct::Suspend);
    let lift = act(0, SuspensionAct::Lift);
    stage.as_administrator(1, |desk| desk.approve(lift)).unwrap();
    stage
        .as_administrator(0, |desk| desk.suspend(institution, SuspensionAct::Suspend, "again".parse().unwrap()))
        .unwrap();
    let replayed = newcomer_to(stage, move |entries| {
        let is_lift = |entry: &String| {
            let statement = Shared::parse(entry).unwrap().statement;
            statement.is_some_and(|text| Digest::of(text.as_bytes()) == lift)
        };
        let place = entries.iter().position(is_lift).unwrap();
        replay(entries, [place, place + 1]);
    });
    assert!(matches!(replayed, DeskError::Mirror(MirrorError::Entry { .. })), "{replayed}");
    assert!(replayed.to_string().contains("used by another statement"), "{replayed}");
}

#[test]
fn register_that_hides_what_was_seen_before_is_noticed() {
    let mut stage = Stage::established();
    let liar = Liar::before(&mut stage);
    stage.as_advocate(|_| Ok(())).unwrap();
    let signer = signer(&stage, "register.key", "register");
    let entries: Vec<String> = stage
        .as_advocate(|desk| {
            let genesis = desk.genesis().entry().encode().unwrap();
            Ok(std::iter::once(genesis).chain(desk.mirror().entries().iter().cloned()).collect())
        })
        .unwrap();
    liar.tells(move |asked, body| {
        if !asked.contains("/v1/register") {
            return body;
        }
        // One entry less, and nothing new: the suspension, or the key, never was.
        resigned(&body, &signer, &entries[..entries.len() - 1], Vec::clear)
    });
    let error = stage.as_advocate(|_| Ok(())).err().unwrap();
    assert!(matches!(error, DeskError::Mirror(MirrorError::Shrank)), "{error}");
}

#[test]
fn false_genesis_is_refused_by_the_card() {
    let mut stage = Stage::established();
    let liar = Liar::before(&mut stage);
    let other = Stage::laid().cast.founded.genesis.note().to_owned();
    liar.tells(move |asked, body| if asked.contains("/v1/genesis") { other.clone() } else { body });
    let newcomer = stage.somebody("newcomer");
    let error = stage.as_somebody(&newcomer, |_| Ok(())).err().unwrap();
    assert!(matches!(error, DeskError::Genesis(GenesisError::OtherBroker { .. })), "{error}");
}

#[test]
fn swallowed_revocation_is_never_called_done() {
    let mut stage = Stage::established();
    let grant = granted(&mut stage, "note");
    let liar = Liar::before(&mut stage);
    let receipt = stage.as_advocate(|desk| Ok(desk.memory().receipts[&grant.to_string()].receipt.clone())).unwrap();
    // It answers as if it had taken it, with the best proof it has.
    liar.tells(move |asked, body| {
        if asked.contains("/v1/revocations") {
            edited(&body, |answer| answer["accepted"]["receipt"] = json!(receipt))
        } else {
            body
        }
    });
    let error = stage.revoke(grant).err().unwrap();
    assert!(matches!(error, DeskError::Receipt(_)), "{error}");
    assert!(error.to_string().contains("sent, not confirmed"), "{error}");
}

#[test]
fn entry_left_out_of_a_partys_own_is_noticed_or_signed_for() {
    let mut stage = Stage::established();
    let grant = granted(&mut stage, "note");
    stage.release(grant).unwrap();
    let liar = Liar::before(&mut stage);
    let whole = stage.as_advocate(|desk| desk.own_entries()).unwrap().entries.len();
    // Left out of the page alone: the listing says otherwise.
    liar.tells(|asked, body| {
        if asked.contains("/v1/disclosure") {
            edited(&body, |answer| drop(answer["entries"].as_array_mut().unwrap().pop()))
        } else {
            body
        }
    });
    assert!(stage.as_advocate(|desk| desk.own_entries().map(|_| ())).is_err());
    liar.tells(|_, body| body);
    let own = |desk: &mut Desk| desk.own_entries();
    assert_eq!(stage.as_advocate(own).unwrap().entries.len(), whole);
}

#[test]
fn listing_from_before_the_newest_entries_does_not_pass_for_today() {
    let mut stage = Stage::established();
    let grant = granted(&mut stage, "note");
    let liar = Liar::before(&mut stage);
    let kept = Arc::new(Mutex::new(BTreeMap::<String, String>::new()));
    let keeps = kept.clone();
    // True answers, and true signatures, of another day.
    liar.tells(move |asked, body| {
        if asked.contains("/v1/disclosure") {
            return keeps.lock().unwrap().entry(asked.to_owned()).or_insert(body).clone();
        }
        body
    });
    stage.as_advocate(|desk| desk.own_entries()).unwrap();
    // The release is not in the old answer.
    stage.release(grant).unwrap();
    let error = stage.as_advocate(|desk| desk.own_entries().map(|_| ())).unwrap_err().to_string();
    assert!(error.contains("it may leave out what came after"), "{error}");
    kept.lock().unwrap().clear();
    stage.as_advocate(|desk| desk.own_entries()).unwrap();
}

#[test]
fn header_handed_to_the_owner_without_an_entry_is_refused() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let liar = Liar::before(&mut stage);
    let kept = Arc::new(Mutex::new(None::<String>));
    let keeps = kept.clone();
    liar.tells(
        move |asked, body| {
            if asked.contains("/owner-header") { keeps.lock().unwrap().get_or_insert(body).clone() } else { body }
        },
    );
    let into = stage.path("back.age");
    stage.as_advocate(|desk| desk.download(report, &into, &mut |_| {})).unwrap();
    // Whoever took the advocate's session fetches it again: the receipt of the first time is no receipt of the second.
    let into = stage.path("again.age");
    let error = stage.as_advocate(|desk| desk.download(report, &into, &mut |_| {})).unwrap_err();
    assert!(matches!(error, DeskError::Receipt(ReceiptError::Earlier)), "{error}");
    kept.lock().unwrap().take();
    stage.as_advocate(|desk| desk.download(report, &into, &mut |_| {})).unwrap();
}

/// The first entry of the case log after `place` whose signer had seen that many entries.
fn next_signed_over(writer: &LyingWriter, place: usize) -> u64 {
    let sees = |index: &usize| {
        let claims = writer.shared(*index).statement.map(|text| parts(&text).1).unwrap_or_default();
        let claims: Value = serde_json::from_str(&claims).unwrap_or_default();
        claims["seen"]["case"]["size"].as_u64() > Some(place as u64)
    };
    (place..writer.case.len()).find(sees).unwrap() as u64
}

/// Whoever signed after `place` saw it as it was: the auditor is shown something else.
fn found_by_who_signed_next(writer: &LyingWriter, stage: &Stage, place: usize) {
    let next = next_signed_over(writer, place);
    writer.is_caught_at(&stage.cast, Log::Case, next, "none of these logs' earlier states");
}

#[test]
fn history_that_differs_from_what_signers_saw_is_found_by_the_auditor() {
    let mut stage = story().stage;
    let mut writer = LyingWriter::of(&mut stage, "audit");
    writer.verify(&stage.cast).unwrap();
    // The same words, in another leaf.
    writer.write(1, &writer.shared(1), &writer.auditor(1));
    found_by_who_signed_next(&writer, &stage, 1);
}

#[test]
fn entries_in_another_order_are_found_by_the_auditor() {
    let mut stage = Stage::established();
    let grant = granted(&mut stage, "note");
    let report = stage.report("two", b"something else");
    // Two people, neither of whom knows of the other, in the same second.
    stage.clock.stand_still();
    let place = usize::try_from(stage.case_size()).unwrap();
    let into = stage.path("back.age");
    stage.as_advocate(|desk| desk.download(report, &into, &mut |_| {})).unwrap();
    stage.release(grant).unwrap();
    stage.as_advocate(|desk| desk.own_entries()).unwrap();
    stage.report("three", b"signed by somebody who has seen both");
    let mut writer = LyingWriter::of(&mut stage, "audit");
    writer.verify(&stage.cast).unwrap();
    writer.case.swap(place, place + 1);
    found_by_who_signed_next(&writer, &stage, place + 1);
}

#[test]
fn backdated_entries_are_found_by_the_auditor() {
    // The clock of an entry runs back: in either log, against the other, or by moving it.
    let mut story = story();
    let mut writer = LyingWriter::of(&mut story.stage, "audit");
    let last = writer.case.len() - 1;
    let mut shared = writer.shared(last);
    shared.at = amana::model::time::Timestamp::from_seconds(shared.at.as_seconds() - 3_600);
    let auditor = writer.auditor(last);
    writer.write(last, &shared, &auditor);
    writer.is_caught_at(&story.stage.cast, Log::Case, last as u64, "time");
}

fn claims_of(entry: &str) -> Option<(String, Value)> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let statement = Shared::parse(entry).ok()?.statement?;
    let mut parts = statement.split('.');
    let (head, payload) = (parts.next()?, parts.next()?);
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let head: Value = serde_json::from_slice(&decoded(head)?).ok()?;
    Some((head["typ"].as_str()?.to_owned(), serde_json::from_slice(&decoded(payload)?).ok()?))
}

fn is_kind(entry: &str, kind: &str) -> bool {
    claims_of(entry).is_some_and(|(typ, _)| typ == format!("amana-{kind}-v1+jwt"))
}

/// The entry with another payload under the old signature: the broker has no other.
fn with_body(entry: &str, edit: impl FnOnce(&mut Value)) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let (_, mut claims) = claims_of(entry).unwrap();
    edit(&mut claims);
    let mut shared = Shared::parse(entry).unwrap();
    let statement = shared.statement.take().unwrap();
    let parts: Vec<&str> = statement.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    shared.statement = Some(format!("{}.{payload}.{}", parts[0], parts[2]));
    shared.encode().unwrap()
}
