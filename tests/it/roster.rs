//! Who holds which office, and which keys sign the logs, changes by many hands only; and whoever has gone, is gone.

use crate::{
    command_line::Person,
    process::Process,
    raw::Session,
    stage::{Stage, opening, problem, verify},
};
use amana::{
    cli::demo::cast::copy,
    client::{desk::DeskError, identity::Identity, mirror::Mirror},
    model::{
        event::Log,
        genesis::NamedKey,
        ids::{Digest, PublicKey},
        party::OfficeName,
        roster::{Roster, RosterChange},
    },
    tlog::{Checkpoint, Ed25519NoteSigner},
    wire::{
        api::Accepted,
        entry::Happening,
        problem::ProblemType,
        receipt::{self, SignedBy},
        trust::Trust,
    },
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::{fs, process::Command};

impl Stage {
    pub fn administrator(&self, index: usize) -> Identity {
        self.cast.administrator(index).unwrap()
    }
    pub fn councillor(&self, index: usize) -> Identity {
        copy(&self.cast.founded.council[index])
    }
    fn roster(&mut self) -> (u64, Roster) {
        let row = self.as_administrator(2, |desk| desk.roster_in_force()).unwrap();
        (row.number, row.roster)
    }
    pub fn changed(&mut self, change: impl FnOnce(&mut Roster)) -> Roster {
        let (_, mut roster) = self.roster();
        change(&mut roster);
        roster
    }
    pub fn propose(&mut self, who: &Identity, roster: Roster) -> Result<Accepted, DeskError> {
        self.as_somebody(who, |desk| desk.propose_roster(roster))
    }
    pub fn approve(&mut self, who: &Identity, proposal: Digest) -> Result<Accepted, DeskError> {
        self.as_somebody(who, |desk| desk.approve(proposal))
    }
    /// Two administrators and two of the council, and it is in force.
    pub fn enact(&mut self, roster: Roster) -> Accepted {
        let (number, _) = self.roster();
        let hands = [self.administrator(1), self.administrator(2), self.councillor(1), self.councillor(2)];
        let proposal = self.propose(&hands[0], roster).unwrap().id;
        let last = hands[1..].iter().map(|who| self.approve(who, proposal).unwrap()).last().unwrap();
        assert_eq!(self.roster().0, number + 1, "it is not in force");
        last
    }
    pub fn trust(&mut self) -> Trust {
        let genesis = self.cast.founded.genesis.clone();
        self.as_administrator(2, |desk| Ok(desk.mirror().trust(&genesis)?)).unwrap()
    }
    /// The newest checkpoint of a log, by the database itself.
    pub fn head(&self, log: Log) -> String {
        let sql = "SELECT note FROM heads WHERE log = ?1";
        self.database().query_row(sql, [i64::from(log == Log::Case)], |row| row.get(0)).unwrap()
    }
    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("broker/data/amana.db")).unwrap()
    }
    /// Somebody at a command line, with a home of their own.
    pub fn person(&self, who: &Identity) -> Person {
        let home = self.path(who.label().as_str());
        fs::create_dir(&home).unwrap();
        let identity = home.join("identity.txt");
        who.write_plain(&identity).unwrap();
        Person { home: home.join("home"), identity, url: self.url.clone(), card: self.cast.card().to_string() }
    }
    /// Prepares a log key as an operator does.
    pub fn prepare(&self, log: &str) -> PublicKey {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amana"));
        command.args(["--json", "log-key", "prepare", log, "--dir"]).arg(self.path("broker")).env_remove("AMANA_KEYS");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["public_key"].as_str().unwrap().parse().unwrap()
    }
    pub fn signer(&self, log: &str, file: &str) -> Ed25519NoteSigner {
        let seed = hex::decode(fs::read_to_string(self.path("broker/keys").join(file)).unwrap().trim()).unwrap();
        let origin = format!("{}/{log}", self.cast.founded.genesis.genesis().origin);
        Ed25519NoteSigner::new(origin.parse().unwrap(), SigningKey::from_bytes(&seed.try_into().unwrap())).unwrap()
    }
}

pub fn named(name: &str, who: &Identity) -> NamedKey {
    NamedKey { name: name.to_owned(), key: who.public_key() }
}

/// What the broker said against a statement.
pub fn refusal<T>(outcome: Result<T, DeskError>) -> String {
    let problem = problem(outcome);
    assert!(problem.is(ProblemType::StatementRefused), "{problem:?}");
    problem.detail.clone().unwrap_or_default()
}

#[test]
fn promise_07_neither_administrators_nor_council_change_the_roster_alone() {
    let mut stage = Stage::founded();
    let admins: Vec<_> = (0..3).map(|n| stage.administrator(n)).collect();
    let council: Vec<_> = (0..3).map(|n| stage.councillor(n)).collect();
    let auditor = stage.somebody("other-auditor");
    let other = stage.changed(|roster| roster.roles.auditors.keys = vec![named("other-auditor", &auditor)]);
    // All administrators and one of the council are one too few; all of the council and one administrator as well.
    for (proposer, several, single, last) in
        [(&admins[0], &admins[1..], &council[0], &council[1]), (&council[0], &council[1..], &admins[0], &admins[1])]
    {
        let (before, mut roster) = stage.roster();
        let wanted = if before == 0 {
            other.clone()
        } else {
            roster.roles.accreditors.keys.push(named("second", &stage.somebody("second")));
            roster
        };
        let proposal = stage.propose(proposer, wanted.clone()).unwrap().id;
        assert!(refusal(stage.approve(proposer, proposal)).contains("already signed"));
        for who in several.iter().chain([single]) {
            stage.approve(who, proposal).unwrap();
            assert_eq!(stage.roster().0, before, "{} was enough", who.label().as_str());
        }
        let accepted = stage.approve(last, proposal).unwrap();
        assert_eq!(stage.roster(), (before + 1, wanted));
        // At that very entry and not before.
        let genesis = stage.cast.founded.genesis.clone();
        let entries = stage.as_administrator(2, |desk| Ok(desk.mirror().entries().to_vec())).unwrap();
        let at = |upto: u64| Mirror::remembered(&genesis, &entries[..upto as usize]).unwrap().roster().unwrap().number;
        assert_eq!((at(accepted.index - 1), at(accepted.index)), (before, before + 1));
        assert!(refusal(stage.approve(&admins[2], proposal)).contains("taken effect"));
    }
    stage.cast.founded.auditors = vec![auditor];
    stage.audit("audit");
}

#[test]
fn replaced_auditor_is_handed_nothing_and_the_new_one_everything() {
    let mut stage = Stage::established();
    let (old, new) = (stage.cast.auditor().unwrap(), stage.somebody("auditor-2"));
    let raw = stage.raw();
    let signed_in = raw.sign_in(&old);
    assert_eq!(signed_in.fetch("/v1/audit/bundle").status, 200);
    let roster = stage.changed(|roster| roster.roles.auditors.keys = vec![named("auditor-2", &new)]);
    stage.enact(roster);
    assert_eq!(signed_in.fetch("/v1/audit/bundle").status, 404, "a token from before");
    assert_eq!(raw.sign_in(&old).fetch("/v1/audit/bundle").status, 404, "a new token");
    let seen = stage.as_somebody(&old, |desk| Ok(desk.seen())).unwrap();
    let vouched = json!({ "register": seen.register, "case": seen.case });
    let statement = stage.statement(&old, "amana-audited-v1+jwt", None, None, &vouched);
    let answer = Session::post(&raw.sign_in(&old), "/v1/statements", &json!({ "statement": statement }));
    assert_eq!(answer.refused().0, 422);
    assert!(answer.text().contains("retired"), "{}", answer.text());
    stage.cast.founded.auditors = vec![new];
    stage.audit("audit");
}

#[test]
fn approvals_of_those_who_have_left_do_not_count_and_those_who_left_do_nothing() {
    let mut stage = Stage::established();
    let (gone, newcomer) = (stage.administrator(0), stage.somebody("administrator-4"));
    let root = stage.somebody("root");
    let recovery = amana::client::identity::RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let known = stage.cast.institution.party_id();
    let record = stage.as_auditor(|desk| Ok(desk.mirror().institution(known).unwrap().record)).unwrap();
    stage.as_somebody(&root, |desk| desk.enrol_institution(record, recovery, None)).unwrap();
    let id = root.party_id();
    let proposal = stage.as_somebody(&gone, |desk| desk.admit(id)).unwrap().id;
    let roster = stage.changed(|roster| roster.roles.administrators.keys[0] = named("administrator-4", &newcomer));
    stage.enact(roster);
    let admitted = |stage: &mut Stage| {
        stage.as_auditor(|desk| Ok(desk.mirror().institution(id).unwrap().admitted_at.is_some())).unwrap()
    };
    let second = stage.administrator(1);
    stage.approve(&second, proposal).unwrap();
    assert!(!admitted(&mut stage), "somebody who had left was counted");
    assert!(refusal(stage.as_somebody(&gone, |desk| desk.admit(id))).contains("retired"));
    stage.approve(&newcomer, proposal).unwrap();
    assert!(admitted(&mut stage));
    stage.audit("audit");
}

#[test]
fn council_approves_rosters_and_nothing_that_is_for_administrators() {
    let mut stage = Stage::established();
    let institution = stage.cast.institution.party_id();
    let reason = || "examined".parse().unwrap();
    let (suspend, lift) =
        (amana::model::institution::SuspensionAct::Suspend, amana::model::institution::SuspensionAct::Lift);
    stage.as_administrator(0, |desk| desk.suspend(institution, suspend, reason())).unwrap();
    let proposal = stage.as_administrator(0, |desk| desk.suspend(institution, lift, reason())).unwrap().id;
    let councillor = stage.councillor(0);
    assert!(refusal(stage.approve(&councillor, proposal)).contains("administrators alone"));
    let suspended = |stage: &mut Stage| {
        stage.as_auditor(|desk| Ok(desk.mirror().institution(institution).unwrap().suspended_at.is_some())).unwrap()
    };
    assert!(suspended(&mut stage));
    stage.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
    assert!(!suspended(&mut stage));
}

#[test]
fn roster_that_breaks_a_rule_is_refused_with_the_rule() {
    let mut stage = Stage::established();
    let who = stage.administrator(0);
    let somebody = stage.somebody("somebody");
    let everybody: Vec<(&str, PublicKey)> = vec![
        ("advocate", stage.cast.advocate.public_key()),
        ("institution", stage.cast.institution.public_key()),
        ("officer", stage.cast.officer.public_key()),
        ("recovery", stage.cast.recovery.public_keys().signing_key),
        ("institution's recovery", stage.cast.institution_recovery.public_keys().signing_key),
    ];
    let (_, before) = stage.roster();
    let twice = before.roles.council.keys[0].key;
    let (accreditor, register) = (before.roles.accreditors.keys[0].key, before.log_keys.register);
    let rules: Vec<(&str, Box<dyn Fn(&mut Roster)>)> = vec![
        ("stands here twice", Box::new(move |r| r.roles.auditors.keys[0].key = twice)),
        ("threshold of at least 2", Box::new(|r| r.roles.administrators.threshold = 1)),
        ("threshold of at least 2", Box::new(|r| r.roles.council.keys.truncate(1))),
        ("larger than the number of witnesses", Box::new(|r| r.witness_quorum = 1)),
        ("no key name", Box::new(|r| r.roles.auditors.keys[0].name = "two words".to_owned())),
        ("not a usable", Box::new(|r| r.roles.auditors.keys[0].key = PublicKey::from_bytes([0; 32]))),
        // Keys that have another place in the roster in force.
        (
            "somebody else's",
            Box::new(move |r| {
                let free = r.roles.council.keys.pop().unwrap();
                r.roles.auditors.keys.push(free)
            }),
        ),
        (
            "somebody else's",
            Box::new(move |r| {
                r.log_keys = amana::model::genesis::LogKeys { register: r.log_keys.case, case: r.log_keys.register }
            }),
        ),
        (
            "somebody else's",
            Box::new(move |r| {
                r.roles.accreditors.keys[0].key = register;
                r.log_keys.register = accreditor
            }),
        ),
        ("the one in force", Box::new(|_| {})),
    ];
    let size = stage.as_auditor(|desk| Ok(desk.mirror().size())).unwrap();
    for (words, change) in rules {
        let mut roster = before.clone();
        change(&mut roster);
        let said = refusal(stage.propose(&who, roster));
        assert!(said.contains(words), "{said:?} does not say {words:?}");
    }
    for (what, key) in everybody {
        for place in 0..3 {
            let mut roster = before.clone();
            match place {
                0 => roster.roles.auditors.keys[0].key = key,
                1 => roster.log_keys.case = key,
                _ => roster.witnesses.push(NamedKey { name: "witness".to_owned(), key }),
            }
            assert!(refusal(stage.propose(&who, roster)).contains("somebody else's"), "{what} in place {place}");
        }
    }
    // The nearest thing that is accepted, under another number.
    let mut roster = before.clone();
    roster.roles.auditors.keys[0] = named("somebody", &somebody);
    for number in [0, 2, u64::MAX >> 11] {
        let change = RosterChange { number, roster: roster.clone() };
        assert!(refusal(stage.as_somebody(&who, |desk| desk.state(&change, None))).contains("numbered 1"));
    }
    assert_eq!(stage.as_auditor(|desk| Ok(desk.mirror().size())).unwrap(), size, "something was recorded");
    stage.propose(&who, roster).unwrap();
}

#[test]
fn proposal_under_an_earlier_roster_is_void_and_a_number_is_used_once() {
    let mut stage = Stage::founded();
    let hands = [stage.administrator(0), stage.administrator(1), stage.councillor(0), stage.councillor(1)];
    let one = stage.changed(|roster| roster.roles.council.threshold = 3);
    let two = stage.changed(|roster| roster.roles.administrators.threshold = 3);
    // One hand short.
    let waiting = stage.propose(&hands[0], two.clone()).unwrap().id;
    for who in &hands[1..3] {
        stage.approve(who, waiting).unwrap();
    }
    stage.enact(one);
    assert!(refusal(stage.approve(&hands[3], waiting)).contains("numbered 2"));
    let replayed = RosterChange { number: 1, roster: two };
    assert!(refusal(stage.as_somebody(&hands[0], |desk| desk.state(&replayed, None))).contains("numbered 2"));
    assert_eq!(stage.roster().1.roles.administrators.threshold, 2);
}

#[test]
fn key_taken_by_somebody_since_the_proposal_does_not_come_into_office() {
    let mut stage = Stage::established();
    let newcomer = stage.somebody("newcomer");
    let hands = [stage.administrator(0), stage.administrator(1), stage.councillor(0), stage.councillor(1)];
    let roster = stage.changed(|roster| roster.roles.auditors.keys.push(named("newcomer", &newcomer)));
    let proposal = stage.propose(&hands[0], roster).unwrap().id;
    for who in &hands[1..3] {
        stage.approve(who, proposal).unwrap();
    }
    let recovery = amana::client::identity::RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    let role = amana::model::party::EnrolmentRole::Advocate {};
    stage.as_somebody(&newcomer, |desk| desk.enrol(role, recovery, None)).unwrap();
    assert!(refusal(stage.approve(&hands[3], proposal)).contains("somebody else's"));
    assert_eq!(stage.roster().0, 0);
}

#[test]
fn who_left_an_office_may_come_back_to_it_and_to_no_other() {
    let mut stage = Stage::founded();
    let (old, new) = (stage.cast.auditor().unwrap(), stage.somebody("auditor-2"));
    let roster = stage.changed(|roster| roster.roles.auditors.keys = vec![named("auditor-2", &new)]);
    stage.enact(roster);
    let who = stage.administrator(0);
    for office in OfficeName::ALL.into_iter().filter(|office| *office != OfficeName::Auditors) {
        let roster = stage.changed(|roster| roster.roles.of_mut(office).keys.push(named("back", &old)));
        assert!(refusal(stage.propose(&who, roster)).contains("somebody else's"), "{office}");
    }
    let roster = stage.changed(|roster| roster.roles.auditors.keys.push(named("back", &old)));
    stage.enact(roster);
    stage.audit("audit");
}

#[test]
fn log_keys_are_replaced_and_nobody_takes_it_for_a_fork() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let kept = stage.as_advocate(|desk| Ok(desk.memory().receipts[&grant.to_string()].clone())).unwrap();
    let (old_register, old_case) = (stage.signer("register", "register.key"), stage.signer("case", "case.key"));
    let before = stage.cast.founded.genesis.trust().unwrap();
    let earlier = (stage.head(Log::Register), stage.head(Log::Case));

    // Proposed and nearly agreed on; but the broker that runs does not hold the keys yet.
    let (register, case) = (stage.prepare("register"), stage.prepare("case"));
    let hands = [stage.administrator(0), stage.administrator(1), stage.councillor(0), stage.councillor(1)];
    let roster = stage.changed(|roster| {
        roster.log_keys.register = register;
        roster.log_keys.case = case;
    });
    let proposal = stage.propose(&hands[0], roster).unwrap().id;
    for who in &hands[1..3] {
        stage.approve(who, proposal).unwrap();
    }
    let size = stage.as_auditor(|desk| Ok(desk.mirror().size())).unwrap();
    assert!(refusal(stage.approve(&hands[3], proposal)).contains("log-key prepare"));
    assert_eq!(stage.as_auditor(|desk| Ok(desk.mirror().size())).unwrap(), size);
    let sleeper = copy(&stage.cast.officer);
    stage.restart();
    assert!(before.read(Log::Register, &stage.head(Log::Register)).is_ok());
    let effective = stage.approve(&hands[3], proposal).unwrap();

    // Both logs at once, each under both keys.
    let now = stage.trust();
    for log in [Log::Register, Log::Case] {
        let head = stage.head(log);
        assert!(before.read(log, &head).is_ok(), "{log:?}: whoever knows the old key alone is left behind");
        assert!(now.read(log, &head).is_ok(), "{log:?} is not signed by the key in force");
    }
    let keys: Value = stage.raw().fetch("/.well-known/jwks.json").json();
    assert_eq!(keys["keys"][0]["x"], json!(register));

    // The old keys are gone: those who slept go on, and new checkpoints bear the new key alone.
    for file in ["register.key", "case.key"] {
        fs::remove_file(stage.path("broker/keys").join(file)).unwrap();
    }
    stage.restart();
    stage.as_somebody(&sleeper, |desk| desk.request_release(grant, &crate::stage::inquiry())).unwrap();
    let other = stage.grant(&terms);
    let fresh = stage.as_advocate(|desk| Ok(desk.memory().receipts[&other.to_string()].clone())).unwrap();
    let head = stage.head(Log::Case);
    assert!(now.read(Log::Case, &head).is_ok() && before.read(Log::Case, &head).is_err());
    stage.audit("audit");

    // What was kept from before is still proof, and says under which key.
    let check = |kept: &amana::client::memory::StoredReceipt, trust: &Trust| {
        receipt::verify_kept(&kept.receipt, Log::Case, trust, &Happening::Accepted, &kept.statement)
    };
    let of_its_time = SignedBy::KeyOfItsTime { register_until: effective.index };
    assert_eq!(check(&kept, &now).unwrap().1, of_its_time);
    assert_eq!(check(&fresh, &now).unwrap().1, SignedBy::KeyInForce);
    assert!(check(&fresh, &before).is_err());

    // As evidence as well; but what a retired key signs of a larger tree is nobody's word.
    let evidence = |note: &str| stage.raw().post("/v1/evidence", &json!({ "checkpoint": note }));
    assert_eq!(evidence(&earlier.0).json::<Value>()["consistent"], json!(true));
    assert_eq!(evidence(&earlier.1).json::<Value>()["consistent"], json!(true));
    let root = *Checkpoint::open(&earlier.0, before.log(Log::Register)).unwrap().root();
    for (log, signer, name) in [(Log::Register, &old_register, "register"), (Log::Case, &old_case, "case")] {
        let larger = Checkpoint::new(&signer.verifier().name().clone(), 1 << 20, root).unwrap().signed(signer).unwrap();
        assert!(before.read(log, &larger).is_ok(), "the test's own checkpoint is broken");
        assert!(now.read(log, &larger).is_err(), "{name}: a retired key speaks for the log of today");
        assert_eq!(evidence(&larger).status, 404);
    }
    assert_eq!(stage.raw().fetch("/readyz").status, 200);
}

/// Rotates the register's key and destroys the old one; answers its signer.
fn rotated(stage: &mut Stage) -> Ed25519NoteSigner {
    let old = stage.signer("register", "register.key");
    let register = stage.prepare("register");
    stage.restart();
    let roster = stage.changed(|roster| roster.log_keys.register = register);
    stage.enact(roster);
    fs::remove_file(stage.path("broker/keys/register.key")).unwrap();
    stage.restart();
    old
}

#[test]
fn checkpoint_under_a_retired_key_alone_is_refused_by_client_and_auditor() {
    let mut stage = Stage::established();
    let old = rotated(&mut stage);
    let (honest, trust) = (stage.head(Log::Register), stage.trust());
    let folder = stage.path("audit");
    stage.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
    assert!(verify(&folder, &stage.cast).is_ok());
    let checkpoint = trust.read(Log::Register, &honest).unwrap().checkpoint;
    let retired = checkpoint.signed(&old).unwrap();
    // The very tree, by whoever stole the key that was thrown away.
    stage.database().execute("UPDATE heads SET note = ?1 WHERE log = 0", [&retired]).unwrap();
    let refused = stage.as_advocate(|_| Ok(())).unwrap_err();
    assert!(matches!(refused, DeskError::Mirror(_)), "{refused}");
    fs::write(folder.join("checkpoint.register"), &retired).unwrap();
    let refused = verify(&folder, &stage.cast).unwrap_err();
    assert!(matches!(refused, amana::audit::AuditError::Checkpoint { log: Log::Register, .. }), "{refused}");
    stage.database().execute("UPDATE heads SET note = ?1 WHERE log = 0", [&honest]).unwrap();
    stage.as_advocate(|_| Ok(())).unwrap();
}

#[test]
fn replaced_log_key_never_comes_back_and_one_without_a_file_starts_no_broker() {
    let mut stage = Stage::founded();
    let first = stage.roster().1.log_keys.register;
    rotated(&mut stage);
    let who = stage.administrator(0);
    let roster = stage.changed(|roster| roster.log_keys.register = first);
    assert!(refusal(stage.propose(&who, roster)).contains("somebody else's"));
    let roster = stage.changed(|roster| roster.witnesses.push(NamedKey { name: "w".to_owned(), key: first }));
    assert!(refusal(stage.propose(&who, roster)).contains("somebody else's"));
    stage.stop();
    let next = stage.path("broker/keys/register.next.key");
    fs::rename(&next, stage.path("broker/keys/register.key")).unwrap();
    stage.restart();
    stage.stop();
    fs::write(stage.path("broker/keys/register.key"), "5a".repeat(32)).unwrap();
    let places = amana::cli::embedded::Places::under(&stage.path("broker"));
    let refused = amana::cli::embedded::Running::start_with(places, Some(stage.clock.clone()), |_| {}).err().unwrap();
    assert!(refused.contains("no key file holds the key"), "{refused}");
}

#[test]
fn killed_right_after_the_roster_took_effect_the_broker_goes_on_under_it() {
    let mut stage = Stage::laid();
    let case = {
        let key = stage.prepare("case");
        stage.prepare("register");
        key
    };
    let mut process = Process::start(&mut stage);
    stage.establish();
    let roster = stage.changed(|roster| roster.log_keys.case = case);
    stage.enact(roster);
    let now = stage.trust();
    process.kill();
    // The entry stands in the register; the log that stood still is signed anew in the same commit.
    let genesis = stage.cast.founded.genesis.clone();
    let head = stage.head(Log::Case);
    assert!(now.read(Log::Case, &head).is_ok(), "nobody believes the case log any more");
    assert!(genesis.trust().unwrap().read(Log::Case, &head).is_ok(), "the old key signs on");
    fs::remove_file(stage.path("broker/keys/case.key")).unwrap();
    process.up();
    let log = process.log();
    assert!(log.contains("register.next.key is prepared"), "{log}");
    assert!(genesis.trust().unwrap().read(Log::Case, &stage.head(Log::Case)).is_err());
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    stage.grant(&terms);
    stage.audit("audit");
    drop(process);
    // Without the key that is in force nothing opens, whatever else is there.
    let folder = stage.path("broker");
    fs::copy(folder.join("keys/register.key"), folder.join("keys/case.key")).unwrap();
    let sound = std::sync::Arc::new(amana::store::faults::Sound);
    let opening = opening(&folder, &genesis, stage.clock.clone(), stage.cast.entropy(), sound);
    let refused = amana::store::sqlite::SqliteStore::open(&folder.join("data"), opening).err().unwrap();
    assert!(matches!(refused, amana::store::StoreError::LogKey { log: "case", .. }), "{refused}");
}

#[test]
fn an_office_changes_hands_by_commands() {
    let mut stage = Stage::founded();
    let hands = [stage.administrator(0), stage.administrator(1), stage.councillor(0), stage.councillor(1)];
    let people = hands.map(|who| stage.person(&who));
    let new = stage.somebody("auditor-2");
    let add = format!("auditor-2={}", new.public_key());
    let old = people[0].does(&["roster", "show"])["roster"]["roles"]["auditors"]["keys"][0]["name"].clone();
    let old = old.as_str().unwrap();
    let propose = ["roster", "propose", "--add-auditor", &add, "--remove", old, "--threshold", "council=3"];
    let said = people[0].fails(1, &propose);
    assert!(said.contains("auditors: + auditor-2") && said.contains(&format!("auditors: - {old}")), "{said}");
    assert!(said.contains("council: how many must agree: 3, no longer 2") && said.contains("--yes"), "{said}");
    assert!(people[0].fails(1, &["roster", "propose", "--remove", "nobody", "--yes"]).contains("names no nobody"));
    let told = people[0].does(&[&propose[..], &["--yes"]].concat());
    let proposal = told["proposal"].as_str().unwrap();
    assert!(people[1].fails(1, &["institution", "approve", proposal]).contains("no proposal"));
    let mut effective = Vec::new();
    for person in &people[1..] {
        assert!(person.fails(1, &["roster", "approve", proposal]).contains("auditor-2"));
        effective.push(person.does(&["roster", "approve", proposal, "--yes"])["effective"].clone());
    }
    assert_eq!(effective, [json!(false), json!(false), json!(true)]);
    assert_eq!(people[0].does(&["roster", "show"])["number"], json!(1));
    stage.cast.founded.auditors = vec![new];
    stage.audit("audit");
}
