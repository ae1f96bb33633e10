//! The drill: the newest data are lost, and a broker goes on from an older copy and from what a mirror kept of its logs.

use crate::{
    doctor::{amana, copy_folder, words},
    raw::{Answer, b64},
    roster::{named, refusal},
    stage::{Stage, inquiry, publish, reasons, verify},
    watching::{alarmed, quiet},
};
use amana::{
    cli::{
        demo::cast::copy,
        embedded::{Places, Running},
    },
    client::{
        desk::{Desk, DeskError},
        fetched::Asking,
        granting::{Prepared, Terms},
        identity::Identity,
        report::{ManifestDraft, Plan},
        watching::Word,
    },
    model::{
        event::Log,
        ids::{Digest, GrantId, PartyId, ReportId},
        institution::SuspensionAct,
        time::Duration,
    },
    tlog::{
        Checkpoint, LogProof, MemoryTiles, Note, TileId, TileWidth, bundle_path, decode_bundle, leaf_hash, tile_path,
    },
    wire::entry::OpenedLeaf,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

const LOGS: [(&str, Log); 2] = [("register", Log::Register), ("case", Log::Case)];

/// What happened before the newest data were lost.
struct Lost {
    stage: Stage,
    report: ReportId,
    /// Given before the copy was made, and not withdrawn.
    old: GrantId,
    /// Given before, and withdrawn after.
    withdrawn: GrantId,
    /// Suspended after.
    suspended: PartyId,
    /// A receipt handed out before the copy was made.
    receipt: String,
    /// A grant that was given and withdrawn after, as somebody who saw it pass could send it again.
    passed_by: Value,
    /// What was ready to be signed for that one, and can be signed again by whoever knows of the loss.
    prepared: Prepared,
    /// The newest mirror, and one from between.
    mirror: PathBuf,
    between: PathBuf,
}

/// Publishes, and keeps everything under `/log` as a mirror would.
pub fn mirrored(stage: &Stage, name: &str) -> PathBuf {
    stage.broker.as_ref().unwrap().publish().unwrap();
    let folder = stage.path(name);
    for (log, _) in LOGS {
        let keep = |path: &str| {
            let answer = stage.raw().fetch(&format!("/log/{log}/{path}"));
            assert_eq!(answer.status, 200, "{path}");
            let file = folder.join(log).join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &answer.body).unwrap();
        };
        keep("checkpoint");
        let note = fs::read_to_string(folder.join(log).join("checkpoint")).unwrap();
        let size = Checkpoint::parse(Note::parse(&note).unwrap().text()).unwrap().size();
        for level in 0..2 {
            for index in 0.. {
                let id = TileId { level, index };
                let Some(width) = id.width_at(size) else { break };
                keep(&tile_path(id, width));
                if level == 0 {
                    keep(&bundle_path(index, width));
                }
                if matches!(width, TileWidth::Partial(_)) {
                    break;
                }
            }
        }
    }
    folder
}

fn checkpoint(stage: &Stage, mirror: &Path, log: &str, of: Log) -> Checkpoint {
    let note = fs::read_to_string(mirror.join(log).join("checkpoint")).unwrap();
    Checkpoint::open(&note, stage.cast.founded.genesis.trust().unwrap().log(of)).unwrap()
}

fn leaves(stage: &Stage, mirror: &Path, log: &str, of: Log) -> Vec<Vec<u8>> {
    let size = checkpoint(stage, mirror, log, of).size();
    let bundle = |index: u64| {
        let width = TileId { level: 0, index }.width_at(size)?;
        let bytes = fs::read(mirror.join(log).join(bundle_path(index, width))).unwrap();
        Some(decode_bundle(&bytes).unwrap())
    };
    (0..size.div_ceil(256)).filter_map(bundle).flatten().collect()
}

fn lost() -> Lost {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    terms.max_releases = 5;
    let old = stage.grant(&terms);
    let released = stage.release(old).unwrap();
    stage.acknowledge(old, &released).unwrap();
    let withdrawn = stage.grant(&terms);
    let until = stage.now().plus(Duration::from_days(30));
    let house = stage.another_institution(until, Some(until));
    let suspended = house.root.party_id();
    stage.stop();
    copy_folder(&stage.path("broker/data"), &stage.path("older"));
    stage.restart();

    let between = mirrored(&stage, "between");
    let (passed_by, prepared) = given_and_withdrawn(&mut stage, &terms);
    stage.revoke(withdrawn).unwrap();
    stage.wait_until_shredded(withdrawn);
    let reason = "inquiry".parse().unwrap();
    stage.as_administrator(0, |desk| desk.suspend(suspended, SuspensionAct::Suspend, reason)).unwrap();
    quiet(stage.look("watch"));
    let mirror = mirrored(&stage, "mirror");
    stage.stop();
    fs::remove_dir_all(stage.path("broker/data")).unwrap();
    copy_folder(&stage.path("older"), &stage.path("broker/data"));
    Lost { stage, report, old, withdrawn, suspended, receipt: released.receipt, passed_by, prepared, mirror, between }
}

fn given_and_withdrawn(stage: &mut Stage, terms: &Terms) -> (Value, Prepared) {
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(terms)).unwrap();
    let body = signed_anew(stage, &prepared);
    let given = post_grant(stage, &body).accepted();
    stage.revoke(given.id.into()).unwrap();
    (body, prepared)
}

fn signed_anew(stage: &mut Stage, prepared: &Prepared) -> Value {
    let text = stage.as_advocate(|desk| desk.sign(&prepared.grant, None, None)).unwrap();
    json!({ "statement": text, "header": b64(&prepared.header) })
}

fn post_grant(stage: &Stage, body: &Value) -> Answer {
    let advocate = copy(&stage.cast.advocate);
    stage.raw().sign_in(&advocate).post("/v1/grants", body)
}

pub fn roll_forward(stage: &Stage, from: &Path, more: &[&str]) -> (bool, String) {
    let mut command = amana(&["roll-forward", "--dir"]);
    let output = command.arg(stage.path("broker")).arg("--from").arg(from).args(more).output().unwrap();
    (output.status.success(), words(&output))
}

/// The broker goes on from the older copy, and nobody has confirmed it.
fn rolled_forward() -> Lost {
    let mut lost = lost();
    let (done, said) = roll_forward(&lost.stage, &lost.mirror, &[]);
    assert!(done, "{said}");
    lost.stage.restart();
    lost
}

/// An administrator proposes that the broker goes on, under the roster in force.
fn resumed(stage: &mut Stage, who: usize) -> Result<Digest, DeskError> {
    let proposer = stage.cast.administrator(who)?;
    let number = stage.as_somebody(&proposer, |desk| desk.roster_in_force())?.number;
    proposed(stage, &proposer, number)
}

fn proposed(stage: &mut Stage, who: &Identity, roster: u64) -> Result<Digest, DeskError> {
    let propose = |desk: &mut Desk| {
        let forward = desk.mirror().epoch().forwards[0];
        desk.resume(&forward, roster)
    };
    stage.as_somebody(who, propose).map(|accepted| accepted.id)
}

fn confirmed(stage: &mut Stage) -> bool {
    stage.as_auditor(|desk| Ok(desk.mirror().epoch().forwards[0].confirmed)).unwrap()
}

fn admitted_anew(stage: &mut Stage) {
    let institution = stage.cast.institution.party_id();
    let admission = stage.as_administrator(0, |desk| desk.admit(institution)).unwrap();
    stage.as_administrator(1, |desk| desk.approve(admission.id)).unwrap();
}

fn denied<T>(outcome: Result<T, DeskError>) -> Vec<String> {
    reasons(outcome)
}

#[test]
fn drill_a_broker_that_lost_its_newest_data_goes_on_without_a_fork_and_releases_nothing_old() {
    let Lost { mut stage, report, old, withdrawn, suspended, receipt, passed_by, mirror, between, .. } = lost();
    let refused = Running::start(Places::under(&stage.path("broker")), Some(stage.clock.clone())).err().unwrap();
    assert!(refused.contains("older than the log"), "{refused}");

    // What falls short, or was changed, changes nothing.
    let (done, said) = roll_forward(&stage, &between, &[]);
    assert!(!done && said.contains("older than the log"), "{said}");
    let changed = stage.path("changed");
    copy_folder(&mirror, &changed);
    let size = checkpoint(&stage, &mirror, "case", Log::Case).size();
    let newest = TileId { level: 0, index: size / 256 }.width_at(size).unwrap();
    let bundle = changed.join("case").join(bundle_path(size / 256, newest));
    let mut bytes = fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let (done, said) = roll_forward(&stage, &changed, &[]);
    assert!(!done && said.contains("do not make the trees"), "{said}");

    let known = mirror.join("case/checkpoint");
    let (done, said) = roll_forward(&stage, &mirror, &["--known", known.to_str().unwrap()]);
    assert!(done, "{said}");
    let (again, said) = roll_forward(&stage, &mirror, &[]);
    assert!(!again, "{said}");
    stage.restart();

    // Nothing before administrators and council have looked at it; and a loss that nobody confirmed is found.
    let ids = denied(stage.release(old));
    for id in ["rolled-forward", "roll-forward-unconfirmed", "institution-not-admitted"] {
        assert!(ids.iter().any(|found| found == id), "{id} is not in {ids:?}");
    }
    let own = stage.path("own.age");
    let ids = denied(stage.as_advocate(|desk| desk.download(report, &own, &mut |_| {})));
    assert_eq!(ids, ["roll-forward-unconfirmed-owner"]);
    let folder = stage.path("unconfirmed");
    stage.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
    let error = verify(&folder, &stage.cast).expect_err("a hole nobody confirmed");
    assert!(error.to_string().contains("does not open"), "{error}");

    let proposal = resumed(&mut stage, 0).unwrap();
    let hands = [stage.cast.administrator(1).unwrap(), stage.councillor(0), stage.councillor(1)];
    for who in &hands {
        assert!(denied(stage.release(old)).iter().any(|id| id == "roll-forward-unconfirmed"), "one hand is missing");
        stage.approve(who, proposal).unwrap();
    }
    assert_eq!(denied(stage.release(old)), ["institution-not-admitted", "rolled-forward"]);
    let mut terms = stage.terms(report);
    assert!(stage.as_advocate(|desk| desk.prepare_grant(&terms).map(drop)).is_err(), "nobody admitted it anew");
    admitted_anew(&mut stage);

    // Old grants stay what they are, the withdrawn one that is not withdrawn here among them.
    for grant in [old, withdrawn] {
        assert_eq!(denied(stage.release(grant)), ["rolled-forward"]);
    }
    // Nor does one come back whose withdrawal was lost: whoever signs a grant from now on knows of the loss.
    let refused = post_grant(&stage, &passed_by);
    assert_eq!(refused.refused(), (422, "statement-refused".to_owned()));
    assert!(refused.text().contains("signed before the log was rolled forward"), "{}", refused.text());
    let row = stage.as_auditor(|desk| Ok(desk.mirror().institution(suspended))).unwrap().unwrap();
    assert!(row.suspended_at.is_some(), "a suspension was forgotten");
    terms.max_releases = 2;
    let fresh = stage.grant(&terms);
    stage.release(fresh).unwrap();

    let summary = stage.audit("after");
    let lost = stage.as_auditor(|desk| Ok(desk.mirror().epoch().forwards[0].lost)).unwrap();
    assert!(lost.until > lost.from && lost.until == size);
    assert_eq!(summary.lost_bodies, lost.until - lost.from);
    let output = amana(&["audit", "verify"]).arg(stage.path("after")).output().unwrap();
    assert!(words(&output).contains(&format!("LOST: {} case entries", lost.until - lost.from)), "{}", words(&output));

    same_log(&stage, &[between, mirror], &receipt);
    watched_on(&stage);
}

#[test]
fn neither_administrators_nor_council_confirm_a_roll_forward_alone() {
    let Lost { mut stage, .. } = rolled_forward();
    let admins: Vec<_> = (0..3).map(|n| stage.cast.administrator(n).unwrap()).collect();
    let council: Vec<_> = (0..3).map(|n| stage.councillor(n)).collect();
    // All of the council and one administrator are one too few; all administrators and one of the council as well.
    let by_council = resumed(&mut stage, 0).unwrap();
    let by_admins = resumed(&mut stage, 0).unwrap();
    assert!(refusal(stage.approve(&admins[0], by_admins)).contains("already signed"));
    let one_short = council.iter().map(|who| (by_council, who));
    let one_short = one_short.chain([&admins[1], &admins[2], &council[0]].map(|who| (by_admins, who)));
    for (proposal, who) in one_short {
        stage.approve(who, proposal).unwrap();
        assert!(!confirmed(&mut stage), "{} was enough", who.label().as_str());
    }
    stage.approve(&council[1], by_admins).unwrap();
    assert!(confirmed(&mut stage));
    assert!(refusal(stage.approve(&admins[1], by_council)).contains("taken effect"));
    stage.audit("confirmed");
}

#[test]
fn whoever_confirms_a_roll_forward_confirms_the_roster_in_force_and_no_other() {
    let Lost { mut stage, .. } = rolled_forward();
    let [first, second] = [0, 1].map(|n| stage.cast.administrator(n).unwrap());
    let council = [0, 1].map(|n| stage.councillor(n));
    let other = |said: String| said.contains("confirms another roster") && said.contains("number");
    assert!(other(refusal(proposed(&mut stage, &first, 1))), "a roster that may come");
    assert!(refusal(proposed(&mut stage, &council[0], 0)).contains("cannot sign"), "administrators propose it");
    // One hand is missing when the roster changes: what was signed was about the one before.
    let before = resumed(&mut stage, 0).unwrap();
    for who in [&second, &council[0]] {
        stage.approve(who, before).unwrap();
    }
    let auditor = stage.somebody("auditor-2");
    let roster = stage.changed(|roster| roster.roles.auditors.keys.push(named("auditor-2", &auditor)));
    stage.enact(roster);
    assert!(other(refusal(stage.approve(&council[1], before))), "it took effect under another roster");
    assert!(!confirmed(&mut stage));
    assert!(other(refusal(proposed(&mut stage, &first, 0))), "the roster before");
    let anew = resumed(&mut stage, 0).unwrap();
    for who in [&second, &council[0], &council[1]] {
        stage.approve(who, anew).unwrap();
    }
    assert!(confirmed(&mut stage));
}

#[test]
fn whoever_confirms_by_commands_is_shown_the_loss_and_the_roster() {
    let Lost { mut stage, .. } = rolled_forward();
    let [first, second] = [0, 1].map(|n| stage.cast.administrator(n).unwrap());
    let shown = first.public_key().to_string();
    let hands = [first, second, stage.councillor(0), stage.councillor(1)];
    let people = hands.map(|who| stage.person(&who));
    let said = people[0].fails(1, &["institution", "resume"]);
    for words in ["case entries", "under roster 0", &shown, "--yes"] {
        assert!(said.contains(words), "{said} does not say {words}");
    }
    let told = people[0].does(&["institution", "resume", "--yes"]);
    assert_eq!(told["roster"], 0);
    let proposal = told["proposal"].as_str().unwrap();
    for person in &people[1..] {
        assert!(!confirmed(&mut stage));
        let said = person.fails(1, &["institution", "approve", proposal]);
        assert!(said.contains("under roster 0") && said.contains(&shown), "{said}");
        person.does(&["institution", "approve", proposal, "--yes"]);
    }
    assert!(confirmed(&mut stage));
    assert!(people[0].fails(1, &["institution", "resume", "--yes"]).contains("no roll-forward waits"));
}

#[test]
fn before_its_roll_forward_is_confirmed_a_broker_takes_nothing_new_and_stops_what_is_to_be_stopped() {
    let Lost { mut stage, report, old, prepared, .. } = rolled_forward();
    // The institution could receive again: what is refused is refused for the roll-forward alone.
    admitted_anew(&mut stage);
    let frozen = |said: String| assert!(said.contains("no report, request or grant is taken"), "{said}");
    frozen(refusal(reported(&mut stage)));
    frozen(refusal(asked(&mut stage, report)));
    let grant = signed_anew(&mut stage, &prepared);
    let refused = post_grant(&stage, &grant);
    assert_eq!(refused.refused(), (422, "statement-refused".to_owned()));
    frozen(refused.text());
    stage.revoke(old).unwrap();
    stage.wait_until_shredded(old);
    let institution = stage.cast.institution.party_id();
    let reason = "inquiry".parse().unwrap();
    stage.as_administrator(0, |desk| desk.suspend(institution, SuspensionAct::Suspend, reason)).unwrap();
    let reason = "examined".parse().unwrap();
    let lift = stage.as_administrator(0, |desk| desk.suspend(institution, SuspensionAct::Lift, reason)).unwrap();
    stage.as_administrator(1, |desk| desk.approve(lift.id)).unwrap();

    let proposal = resumed(&mut stage, 0).unwrap();
    let hands = [stage.cast.administrator(1).unwrap(), stage.councillor(0), stage.councillor(1)];
    for who in &hands {
        stage.approve(who, proposal).unwrap();
    }
    reported(&mut stage).unwrap();
    asked(&mut stage, report).unwrap();
    post_grant(&stage, &grant).accepted();
    stage.audit("confirmed");
}

fn reported(stage: &mut Stage) -> Result<(), DeskError> {
    let (source, sealed_at) = (stage.path("new.txt"), stage.path("new.age"));
    fs::write(&source, "what was seen since").unwrap();
    drop(fs::remove_file(&sealed_at));
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    stage.as_advocate(|desk| publish(desk, &plan, &sealed_at)).map(drop)
}

fn asked(stage: &mut Stage, report: ReportId) -> Result<(), DeskError> {
    let owner = stage.cast.advocate.recipient();
    let (basis, deadline) = ("Resolution 1".parse().unwrap(), stage.now().plus(Duration::from_days(30)));
    let asking = Asking::for_access(report, owner, vec![inquiry()], basis, deadline);
    stage.as_officer(|desk| desk.ask_for_access(&asking)).map(drop)
}

/// A watch that holds what was lost says so, and goes on in another folder that begins with the same logs.
fn watched_on(stage: &Stage) {
    let state = stage.path("watch");
    let alarm = alarmed(stage.look("watch"), Word::Lost, &state);
    assert!(alarm.finding.seen.contains("whose bodies are here"), "{}", alarm.finding.seen);
    let after = stage.watch("watch-anew").after(&state).unwrap().look(&stage.source(), stage.now()).unwrap();
    let first = quiet(after);
    assert_eq!(first.new["rolled forward"], 1);
    quiet(stage.look("watch-anew"));

    // Had the log been made anew, it would not begin with what was verified.
    let mut verified: Value = serde_json::from_slice(&fs::read(state.join("verified.json")).unwrap()).unwrap();
    let note = verified["case"].as_str().unwrap().to_owned();
    let root = note.lines().nth(2).unwrap();
    let (first, rest) = root.split_at(1);
    let other = if first == "A" { format!("B{rest}") } else { format!("A{rest}") };
    verified["case"] = json!(note.replacen(root, &other, 1));
    fs::write(state.join("verified.json"), verified.to_string()).unwrap();
    let forked = stage.watch("watch-forked").after(&state).unwrap().look(&stage.source(), stage.now()).unwrap();
    alarmed(forked, Word::Fork, &stage.path("watch-forked"));
}

/// Every checkpoint handed out before is one of this log's, and what a receipt proved stands where it stood.
fn same_log(stage: &Stage, before: &[PathBuf], receipt: &str) {
    let now = mirrored(stage, "now");
    for (log, of) in LOGS {
        let found = leaves(stage, &now, log, of);
        for mirror in before {
            let earlier = checkpoint(stage, mirror, log, of);
            let mut tree = MemoryTiles::new();
            found
                .iter()
                .take(usize::try_from(earlier.size()).unwrap())
                .for_each(|leaf| tree.append_leaf(leaf_hash(leaf)));
            assert_eq!(tree.root(), *earlier.root(), "{log} forked");
        }
    }
    let proof = LogProof::parse(receipt).unwrap();
    let leaf = OpenedLeaf::parse(proof.extra()).unwrap().leaf_data().unwrap();
    assert!(leaves(stage, &now, "case", Log::Case).contains(&leaf.to_vec()));
}
