//! A broker with witnesses: what their cosignatures bring about, and what their absence keeps from happening.

use crate::{lying::LyingWriter, stage::Stage};
use amana::{
    broker::{
        Publication, Publishing, Witnesses,
        witness::{Answer, Witness},
        witnesses::{Courier, CourierAnswer, CourierError, SIZE_TYPE},
    },
    cli::{demo::cast::Cast, embedded::Settings, founding::Watchers},
    client::{desk::DeskError, granting::Terms},
    model::{
        event::Log,
        ids::{GrantId, ReportId},
        report::{ReportKind, Tier},
        time::{Duration, Timestamp},
    },
    store::{anchor::IfMissing, witnessed::Witnessed},
    tlog::{Checkpoint, CosignatureSigner, CosignatureVerifier, Hash, leaf_hash},
    wire::{
        api::Released,
        entry::{AuditorPart, Happening},
        problem::ProblemType,
    },
};
use ed25519_dalek::SigningKey;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

const NAMES: [&str; 3] = ["one.witness.invalid", "two.witness.invalid", "three.witness.invalid"];

fn signer(name: &str) -> CosignatureSigner {
    let seed = name.bytes().fold(0_u8, u8::wrapping_add);
    CosignatureSigner::new(name.parse().unwrap(), SigningKey::from_bytes(&[seed; 32])).unwrap()
}

/// Carries requests to witnesses in this process; some may be away.
#[derive(Default)]
struct Neighbours {
    witnesses: Mutex<BTreeMap<String, Arc<Witness>>>,
}

impl Courier for Neighbours {
    fn post(&self, url: &str, body: &str) -> Result<CourierAnswer, CourierError> {
        let name = url.trim_start_matches("https://").split('/').next().unwrap();
        let witness = self.witnesses.lock().unwrap().get(name).cloned();
        let witness = witness.ok_or_else(|| CourierError::Unreachable("nobody is there".to_owned()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = |status, body: String| CourierAnswer { status, content_type: None, body };
        Ok(match runtime.block_on(witness.add_checkpoint(body)) {
            Answer::Cosigned(line) => answer(200, format!("{line}\n")),
            Answer::Conflict(size) => {
                CourierAnswer { content_type: Some(SIZE_TYPE.to_owned()), ..answer(409, format!("{size}\n")) }
            }
            Answer::Inconsistent => answer(422, String::new()),
            Answer::BadSignature => answer(403, String::new()),
            Answer::NotConfigured => answer(404, String::new()),
            _ => answer(503, String::new()),
        })
    }
}

/// A stage whose genesis names three witnesses of which two are enough.
struct Watched {
    stage: Stage,
    neighbours: Arc<Neighbours>,
}

impl Watched {
    fn established() -> Self {
        let mut stage = Stage::laid();
        let verifiers: Vec<CosignatureVerifier> = NAMES.iter().map(|name| signer(name).verifier().clone()).collect();
        let watchers = Watchers::new(&verifiers, None).unwrap();
        let dir = stage.dir.path().join("watched");
        std::fs::create_dir(&dir).unwrap();
        // Founded anew, beside what the stage laid.
        stage.cast = Cast::found_watched(&dir, stage.clock.clone(), &watchers).unwrap();
        std::fs::remove_dir_all(stage.dir.path().join("broker")).unwrap();
        std::fs::rename(dir.join("broker"), stage.dir.path().join("broker")).unwrap();
        let mut watched = Self { stage, neighbours: Arc::new(Neighbours::default()) };
        for name in NAMES {
            watched.comes(name);
        }
        watched.restart();
        watched.stage.establish();
        watched
    }

    fn restart(&mut self) {
        let publishing = self.publishing();
        self.stage.restart_with(|settings: &mut Settings| settings.publishing = publishing);
    }
    /// As an operator would who takes the anchor away and the database's word.
    fn restart_without_anchor(&mut self) {
        std::fs::remove_file(self.stage.path("broker/keys/anchor")).unwrap();
        let publishing = self.publishing();
        self.stage.restart_with(|settings: &mut Settings| {
            settings.publishing = publishing;
            settings.places.missing_anchor = IfMissing::TakeTheDatabasesWord;
        });
    }
    fn publishing(&self) -> Publishing {
        let places = NAMES.map(|name| (name.to_owned(), format!("https://{name}/amana"))).to_vec();
        Publishing { every: None, witnesses: Some(Witnesses { courier: self.neighbours.clone(), places }) }
    }
    fn comes(&mut self, name: &str) {
        let dir = self.stage.path(&format!("witness-{name}"));
        if !dir.exists() {
            Witnessed::create(&dir, "unused").unwrap();
        }
        let witness = open_witness(&dir, name, self);
        self.neighbours.witnesses.lock().unwrap().insert(name.to_owned(), witness);
    }
    fn leaves(&self, name: &str) {
        self.neighbours.witnesses.lock().unwrap().remove(name);
    }
    fn publish(&self) -> Vec<Publication> {
        self.stage.broker.as_ref().unwrap().publish().unwrap()
    }
    fn pass(&self, seconds: u64) {
        self.stage.clock.pass(Duration::from_seconds(seconds));
    }

    fn report(&mut self, tier: u8) -> ReportId {
        let source = self.stage.path(&format!("tier-{tier}.txt"));
        std::fs::write(&source, format!("of tier {tier}")).unwrap();
        let sealed_at = self.stage.path(&format!("tier-{tier}.age"));
        let plan = amana::client::report::Plan::of(&[source], Default::default(), &mut |_| {}).unwrap();
        self.stage
            .as_advocate(|desk| {
                let tier = Tier::try_from(tier).unwrap();
                let sealed = desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})?;
                let report = ReportId::from(desk.declare(sealed)?.id);
                desk.upload(report, &sealed_at, &mut |_| {})?;
                Ok(report)
            })
            .unwrap()
    }
    fn grant(&mut self, terms: &Terms) -> GrantId {
        self.stage.grant(terms)
    }
    /// Ids of the conditions that failed; none when it was released.
    fn reasons(&mut self, grant: GrantId) -> Vec<String> {
        reasons(self.stage.release(grant))
    }
}

/// A stage with witnesses that are always there.
pub fn watched_stage() -> Stage {
    Watched::established().stage
}

fn open_witness(dir: &Path, name: &str, watched: &Watched) -> Arc<Witness> {
    let genesis = &watched.stage.cast.founded.genesis;
    let keys = vec![genesis.register_verifier().unwrap(), genesis.case_verifier().unwrap()];
    Witness::open(Witnessed::open(dir).unwrap(), signer(name), keys, watched.stage.clock.clone()).unwrap()
}

fn reasons(outcome: Result<Released, DeskError>) -> Vec<String> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(DeskError::Remote(error)) => {
            let problem = error.problem().unwrap();
            assert!(problem.is(ProblemType::Denied), "{problem:?}");
            problem.reasons.iter().map(|reason| reason.id.clone()).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn public_checkpoints_carry_every_cosignature_that_could_be_had() {
    let watched = Watched::established();
    for publication in watched.publish() {
        assert_eq!((publication.cosigned.len(), publication.quorum), (3, 2), "{publication:?}");
    }
    let trust = watched.stage.cast.founded.genesis.trust().unwrap();
    for (log, word) in [(Log::Register, "register"), (Log::Case, "case")] {
        let note = watched.stage.raw().fetch(&format!("/log/{word}/checkpoint")).text();
        let times: BTreeMap<String, Timestamp> = trust.read(log, &note).unwrap().times.into_iter().collect();
        assert_eq!(times.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), NAMES.into());
    }
    watched.leaves(NAMES[0]);
    assert!(watched.publish().iter().all(|publication| publication.cosigned.len() == 2));
    let mut watched = watched;
    let logs = watched.stage.as_advocate(|desk| desk.public_logs()).unwrap();
    assert!(logs.iter().all(|log| log.cosigned.len() == 2 && log.witnessed_at().is_some()), "{logs:?}");
    watched.leaves(NAMES[1]);
    watched.publish();
    let logs = watched.stage.as_advocate(|desk| desk.public_logs()).unwrap();
    assert!(logs.iter().all(|log| log.witnessed_at().is_none()), "{logs:?}");
}

#[test]
fn cosignatures_are_entries_and_the_register_grows_by_one_after_each_change_only() {
    let mut watched = Watched::established();
    for _ in 0..4 {
        watched.publish();
    }
    let cosigned = |watched: &mut Watched, name: &str| {
        let folder = watched.stage.path(name);
        watched.stage.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
        let summary = crate::stage::verify(&folder, &watched.stage.cast).unwrap();
        let register = std::fs::read_to_string(folder.join("register.jsonl")).unwrap();
        (register.matches("\\\"cosigned\\\"").count(), summary.events["cosigned"])
    };
    let (register, all) = cosigned(&mut watched, "first");
    assert_eq!((register, all), (1, 5), "one in the register, one a publication in the case log");
    let key = watched.stage.somebody("second-unit").recipient();
    watched.stage.as_root(|desk| desk.publish_recipient_key("registry".parse().unwrap(), key)).unwrap();
    for _ in 0..2 {
        watched.publish();
    }
    assert_eq!(cosigned(&mut watched, "second").0, 2);
}

#[test]
fn tier_three_waits_until_witnesses_saw_the_grant_and_stops_when_they_fall_silent() {
    let mut watched = Watched::established();
    watched.publish();
    let report = watched.report(3);
    let hour = Duration::from_seconds(3_600);
    let terms = Terms { cooling_off: hour, ..watched.stage.terms(report) };
    let (grant, header) = watched.stage.give_and_keep_back(&terms);
    let until = watched.stage.now().plus(Duration::from_days(30));
    let second = watched.stage.second_officer(until);
    watched.stage.officer_agrees(&second, grant).unwrap();
    watched.pass(3_600);
    watched.stage.send_header(grant, header).unwrap();
    // Without witnesses nobody can say that the cooling-off is over either.
    let unseen = ["cooling-off", "witnesses-missing"];
    assert_eq!(watched.reasons(grant), unseen, "no witness has seen the grant");
    watched.leaves(NAMES[0]);
    watched.leaves(NAMES[1]);
    watched.publish();
    assert_eq!(watched.reasons(grant), unseen, "one of two is not enough");
    watched.comes(NAMES[0]);
    watched.publish();
    watched.pass(7_201);
    assert_eq!(watched.reasons(grant), ["witnesses-missing"], "the last cosignature is too old");
    watched.publish();
    assert!(watched.reasons(grant).is_empty());
    assert!(!watched.stage.case_log("audit").is_empty());
}

#[test]
fn tier_two_waits_for_no_witness() {
    let mut watched = Watched::established();
    let report = watched.report(2);
    let terms = watched.stage.terms(report);
    let grant = watched.grant(&terms);
    assert!(watched.reasons(grant).is_empty());
}

#[test]
fn waiting_times_end_when_witnesses_say_so_whatever_the_brokers_clock_says() {
    let mut watched = Watched::established();
    watched.publish();
    let report = watched.report(2);
    let mut terms = watched.stage.terms(report);
    terms.cooling_off = Duration::from_seconds(3_600);
    let grant = watched.grant(&terms);
    watched.pass(3_601);
    assert_eq!(watched.reasons(grant), ["cooling-off"]);
    watched.publish();
    assert!(watched.reasons(grant).is_empty());
}

#[test]
fn key_is_young_for_a_day_after_its_first_cosignature_and_only_an_urgent_grant_may_use_it() {
    let mut watched = Watched::established();
    let report = watched.report(2);
    let terms = Terms { confirmed_fingerprint: None, ..watched.stage.terms(report) };
    let early = watched.stage.as_advocate(|desk| desk.prepare_grant(&terms).map(|_| ()));
    assert!(early.is_err(), "a young key needs its fingerprint compared");
    watched.publish();
    watched.pass(86_400 - 60);
    watched.publish();
    let row = |watched: &mut Watched| {
        let institution = watched.stage.cast.institution.party_id();
        watched.stage.as_advocate(|desk| Ok(desk.mirror().current_recipient_keys(institution)[0].1.clone())).unwrap()
    };
    let cosigned_at = row(&mut watched).cosigned_at.unwrap();
    let almost = watched.stage.as_advocate(|desk| desk.prepare_grant(&terms).map(|_| ()));
    assert!(almost.is_err(), "not quite a day yet");
    watched.pass(120);
    watched.publish();
    assert_eq!(row(&mut watched).cosigned_at, Some(cosigned_at), "the first cosignature counts");
    let terms = Terms { confirmed_fingerprint: None, ..watched.stage.terms(report) };
    let grant = watched.grant(&terms);
    assert!(watched.reasons(grant).is_empty());
    let row =
        watched.stage.as_advocate(|desk| Ok(desk.memory().receipts[&grant.to_string()].statement.clone())).unwrap();
    let payload = base64_payload(&row);
    assert_eq!(payload["body"]["urgent"], false);
}

fn base64_payload(statement: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = statement.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn restored_log_is_recognised_by_a_witness_and_then_only_revokes() {
    let mut watched = Watched::established();
    watched.publish();
    watched.stage.stop();
    let (data, kept) = (watched.stage.path("broker/data"), watched.stage.path("older"));
    crate::doctor::copy_folder(&data, &kept);
    watched.restart();
    watched.stage.report("later.txt", b"later");
    watched.publish();
    watched.stage.stop();
    std::fs::remove_dir_all(&data).unwrap();
    crate::doctor::copy_folder(&kept, &data);
    watched.restart_without_anchor();
    let refused = watched.stage.broker.as_ref().unwrap().publish();
    assert!(refused.unwrap_err().contains("RevokeOnly"));
    let ready = watched.stage.raw().fetch("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.text());
}

/// A checkpoint of the case log under the broker's own key, cosigned by everybody.
fn cosigned_by_all(writer: &LyingWriter, size: u64, root: Hash, at: Timestamp) -> String {
    let checkpoint = Checkpoint::new(writer.keys[1].verifier().name(), size, root).unwrap();
    let mut note = checkpoint.signed(&writer.keys[1]).unwrap();
    for name in NAMES {
        note += &format!("{}\n", signer(name).cosign(&checkpoint, at.as_seconds()).unwrap());
    }
    note
}

#[test]
fn what_witnesses_cosigned_of_another_log_is_found_in_this_one() {
    let mut watched = Watched::established();
    let mut writer = LyingWriter::of(&mut watched.stage, "audit");
    let cast = &watched.stage.cast;
    let (size, at) = (writer.case.len() as u64, writer.last_at());
    let root = *Checkpoint::open(&writer.checkpoints()[1], writer.keys[1].verifier()).unwrap().root();
    let enter = |writer: &mut LyingWriter, root| {
        let note = cosigned_by_all(writer, size, root, at);
        writer.append(Happening::Cosigned, Some(note), &AuditorPart::default())
    };
    enter(&mut writer, root);
    writer.write_facts_down();
    writer.verify(cast).unwrap();
    writer.case.pop();
    // The witnesses were shown a log without the suspension, or without the withdrawal.
    let index = enter(&mut writer, leaf_hash(b"as the witnesses were shown it"));
    writer.is_caught_at(cast, Log::Case, index, "witnesses cosigned another log");
}

#[test]
fn witnesses_confirm_the_clock_after_an_interruption() {
    let mut watched = Watched::established();
    watched.publish();
    let report = watched.report(2);
    let mut terms = watched.stage.terms(report);
    terms.cooling_off = Duration::from_seconds(3_600);
    let grant = watched.grant(&terms);
    watched.stage.stop();
    watched.pass(7_200);
    watched.restart();
    assert_eq!(watched.reasons(grant), ["clock-unconfirmed", "cooling-off"]);
    watched.publish();
    assert!(watched.reasons(grant).is_empty());
    let log = watched.stage.case_log("audit");
    assert!(log.iter().any(|(shared, _)| shared.event == Happening::Cosigned));
}
