//! A broker that lies: whoever holds its log keys can write any log. What is made here is for auditors to find out.

use crate::{
    raw::{fresh_jti, parts},
    stage::{Stage, inquiry},
};
use amana::{
    audit::{AuditError, Inputs, Replayed, Summary, Walk},
    cli::demo::cast::Cast,
    client::{fetched::open_collected, granting::HeaderGoes, identity::Identity},
    model::{
        bundle::Bundle,
        event::{EntryRef, Log},
        facts::ReleaseFacts,
        fold::State,
        ids::GrantId,
        time::{Clocks, Timestamp},
        view::ReleaseView,
    },
    tlog::{Checkpoint, Ed25519NoteSigner, KeyName, MemoryTiles, leaf_hash},
    wire::{
        api::{Bytes, CaseLine, ClosedLine},
        entry::{AuditorPart, FactsRecord, FullEntry, Happening, Salt, Salts, Shared},
        genesis::SignedGenesis,
        statement::Unverified,
    },
};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// A bundle in memory, and the keys of the broker that made it: whoever holds both can write any log.
pub struct LyingWriter {
    pub genesis: String,
    pub register: Vec<String>,
    pub case: Vec<CaseLine>,
    pub facts: String,
    pub keys: [Ed25519NoteSigner; 2],
    /// Entries handed out without their bodies.
    pub closed: BTreeSet<usize>,
}

impl LyingWriter {
    pub fn of(stage: &mut Stage, name: &str) -> Self {
        let folder = stage.path(name);
        stage.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let key = |file: &str, log: &str| {
            let mut seed = [0; 32];
            let text = fs::read_to_string(stage.path("broker/keys").join(file)).unwrap();
            hex::decode_to_slice(text.trim(), &mut seed).unwrap();
            let origin: KeyName = format!("{}/{log}", stage.cast.card().origin).parse().unwrap();
            Ed25519NoteSigner::new(origin, SigningKey::from_bytes(&seed)).unwrap()
        };
        Self {
            genesis: read("genesis.note"),
            register: read("register.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            case: read("case.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            facts: read("facts.jsonl"),
            keys: [key("register.key", "register"), key("case.key", "case")],
            closed: BTreeSet::new(),
        }
    }

    pub fn shared(&self, index: usize) -> Shared {
        Shared::parse(&self.case[index].shared).unwrap()
    }
    pub fn auditor(&self, index: usize) -> AuditorPart {
        serde_json::from_str(&self.case[index].auditor).unwrap()
    }
    pub fn position(&self, which: impl Fn(&Happening) -> bool) -> usize {
        (0..self.case.len()).find(|index| which(&self.shared(*index).event)).unwrap()
    }
    /// Writes an entry over another one, or after the last.
    pub fn write(&mut self, index: usize, shared: &Shared, auditor: &AuditorPart) {
        let salts = Salts { leaf: Salt::from_random(rand::random()), auditor: Salt::from_random(rand::random()) };
        let full = FullEntry::new(Log::Case, shared.encode().unwrap(), auditor, &salts).unwrap();
        let FullEntry::Case { opened, auditor_salt, auditor } = full else { unreachable!() };
        let line = CaseLine {
            salt: Bytes(opened.salt.as_bytes().to_vec()),
            shared: opened.shared,
            auditor_salt: Bytes(auditor_salt.as_bytes().to_vec()),
            auditor,
        };
        if index == self.case.len() {
            self.case.push(line);
        } else {
            self.case[index] = line;
        }
    }
    pub fn last(&self) -> Shared {
        self.shared(self.case.len() - 1)
    }
    pub fn last_at(&self) -> Timestamp {
        let register = Shared::parse(self.register.last().unwrap()).unwrap();
        self.last().at.max(register.at)
    }
    /// Appends an entry that looks like any other; returns its index.
    pub fn append(&mut self, event: Happening, statement: Option<String>, auditor: &AuditorPart) -> u64 {
        let (at, register_size) = (self.last_at(), Some(self.register.len() as u64));
        self.append_at(Shared { event, at, register_size, statement }, auditor)
    }
    pub fn append_at(&mut self, shared: Shared, auditor: &AuditorPart) -> u64 {
        let index = self.case.len();
        self.write(index, &shared, auditor);
        index as u64
    }

    /// Signs whatever stands there now.
    pub fn checkpoints(&self) -> [String; 2] {
        let register = self.register.iter().map(|entry| leaf_hash(entry.as_bytes())).collect::<Vec<_>>();
        let case = self.case.iter().map(|line| leaf_hash(&leaf(line)));
        [(register, &self.keys[0]), (case.collect(), &self.keys[1])].map(|(leaves, signer)| {
            let mut tiles = MemoryTiles::new();
            tiles.append_leaves(&leaves);
            let name = signer.verifier().name();
            Checkpoint::new(name, tiles.size(), tiles.root()).unwrap().signed(signer).unwrap()
        })
    }

    pub fn verify(&self, cast: &Cast) -> Result<Summary, AuditError> {
        self.verify_under(cast, self.checkpoints())
    }
    pub fn verify_under(&self, cast: &Cast, checkpoints: [String; 2]) -> Result<Summary, AuditError> {
        let [register, case] = self.lines();
        amana::audit::verify(self.inputs(checkpoints, &register, &case), Some(&cast.card()))
    }
    /// Has every decision made again, under these policies.
    pub fn replay_under(&self, cast: &Cast, policies: &[Bundle]) -> Result<(Summary, Replayed), AuditError> {
        let [register, case] = self.lines();
        amana::audit::replay(self.inputs(self.checkpoints(), &register, &case), Some(&cast.card()), policies)
    }
    fn lines(&self) -> [String; 2] {
        let lines = |lines: Vec<String>| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let register = self.register.iter().map(|text| json!(text).to_string()).collect();
        let case_line = |(index, line): (usize, &CaseLine)| match self.closed.contains(&index) {
            true => serde_json::to_string(&ClosedLine { closed: Bytes(leaf(line).to_vec()) }).unwrap(),
            false => serde_json::to_string(line).unwrap(),
        };
        let case = self.case.iter().enumerate().map(case_line).collect();
        [lines(register), lines(case)]
    }
    fn inputs<'a>(
        &'a self,
        checkpoints: [String; 2],
        register: &'a str,
        case: &'a str,
    ) -> Inputs<&'a [u8], &'a [u8], &'a [u8]> {
        let [register_checkpoint, case_checkpoint] = checkpoints;
        Inputs {
            genesis: self.genesis.clone(),
            register_checkpoint,
            case_checkpoint: Some(case_checkpoint),
            register: register.as_bytes(),
            case: case.as_bytes(),
            facts: self.facts.as_bytes(),
        }
    }

    /// What the logs fold to: a liar keeps its facts equal to its log.
    pub fn folded(&self) -> State {
        let mut walk = Walk::new(SignedGenesis::parse(&self.genesis).unwrap());
        let mut texts = self.register.iter();
        let mut next = || Ok(texts.next().cloned());
        for line in &self.case {
            walk.case(line, &mut next, &mut ()).unwrap();
        }
        for text in texts {
            walk.register(text, &mut ()).unwrap();
        }
        walk.facts().clone()
    }
    pub fn write_facts_down(&mut self) {
        let line = |(kind, key, version, row): (&str, &str, EntryRef, &str)| {
            format!("{}\n", json!([kind, key, version.log, version.index, row]))
        };
        self.facts = self.folded().facts().map(line).collect();
    }
    /// The facts about a request, as an honest broker would find them in these logs.
    pub fn honest_facts(&self, request: &str, clocks: Clocks) -> FactsRecord {
        let statement = Unverified::parse(request).unwrap();
        let kid = statement.kid();
        let amana::model::statement::Body::ReleaseRequest(body) = statement.into_unverified_body() else {
            panic!("no release request")
        };
        let view = ReleaseView::load(&self.folded(), body.grant, kid).unwrap().unwrap();
        FactsRecord::Release(Box::new(ReleaseFacts::of(view, body, clocks).record().clone()))
    }

    /// The verifier names this entry, with words that say why.
    pub fn is_caught_at(&self, cast: &Cast, log: Log, index: u64, words: &str) {
        let error = self.verify(cast).expect_err(words);
        let AuditError::Entry { entry, .. } = &error else { panic!("{words}: {error}") };
        assert_eq!(*entry, EntryRef { log, index }, "{words}: {error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

/// One grant used up and acknowledged, one unused, one without its header.
pub struct Story {
    pub stage: Stage,
    pub used: GrantId,
    pub unused: GrantId,
    pub pending: GrantId,
}

pub fn story() -> Story {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    let used = stage.grant(&terms);
    let released = stage.as_officer(|desk| desk.request_release(used, &inquiry())).unwrap();
    let (age, into) = (stage.path("report.age"), stage.path("opened"));
    let collected = stage.as_officer(|desk| desk.collect(&released, &age, &mut |_| {})).unwrap();
    let (_, outcome) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    stage.as_officer(|desk| desk.acknowledge(&collected, outcome)).unwrap();
    assert!(stage.as_officer(|desk| desk.request_release(used, &inquiry())).is_err());
    terms.max_releases = 5;
    let unused = stage.grant(&terms);
    let pending = stage
        .as_advocate(|desk| {
            let prepared = desk.prepare_grant(&terms)?;
            Ok(desk.give(&prepared, HeaderGoes::Later)?.id.into())
        })
        .unwrap();
    Story { stage, used, unused, pending }
}

impl Story {
    /// A release request, signed by somebody who plays along.
    pub fn request(&mut self, who: &Identity, grant: GrantId, change: impl FnOnce(&mut Value)) -> String {
        let mut body = json!({
            "grant": grant, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": grant
        });
        change(&mut body);
        let prev =
            self.stage.as_somebody(who, |desk| Ok(desk.memory().chains.get(&grant.to_string()).copied())).unwrap();
        self.stage.statement(who, "amana-release-request-v1+jwt", Some(grant.into()), prev, &body)
    }

    /// The auditor part of the honest release, made to fit another one.
    pub fn facts(writer: &LyingWriter, request: &str) -> AuditorPart {
        let mut auditor = writer.auditor(writer.position(|event| *event == Happening::Released));
        let (jose, claims) = parts(request);
        let (jose, claims): (Value, Value) =
            (serde_json::from_str(&jose).unwrap(), serde_json::from_str(&claims).unwrap());
        let Some(FactsRecord::Release(facts)) = &mut auditor.facts else { panic!("no facts") };
        facts.grant = claims["body"]["grant"].as_str().unwrap().parse().unwrap();
        facts.purpose = claims["body"]["purpose"].as_str().unwrap().parse().unwrap();
        facts.officer = jose["kid"].as_str().unwrap().parse().unwrap();
        auditor
    }

    /// The broker logs a release it should not have made.
    pub fn lie(&mut self, name: &str, request: &str, words: &str) {
        let mut writer = LyingWriter::of(&mut self.stage, name);
        let auditor = Self::facts(&writer, request);
        let index = writer.append(Happening::Released, Some(request.to_owned()), &auditor);
        writer.is_caught_at(&self.stage.cast, Log::Case, index, words);
    }
}

pub fn reread(story: &Story) -> LyingWriter {
    let folder = story.stage.path("audit");
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let key = |file: &str, log: &str| {
        let mut seed = [0; 32];
        let text = fs::read_to_string(story.stage.path("broker/keys").join(file)).unwrap();
        hex::decode_to_slice(text.trim(), &mut seed).unwrap();
        let origin: KeyName = format!("{}/{log}", story.stage.cast.card().origin).parse().unwrap();
        Ed25519NoteSigner::new(origin, SigningKey::from_bytes(&seed)).unwrap()
    };
    LyingWriter {
        genesis: read("genesis.note"),
        register: read("register.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        case: read("case.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        facts: read("facts.jsonl"),
        keys: [key("register.key", "register"), key("case.key", "case")],
        closed: BTreeSet::new(),
    }
}

/// The leaf of a line.
fn leaf(line: &CaseLine) -> [u8; 33] {
    let salt = |bytes: &Bytes| Salt::from_random(bytes.0.clone().try_into().unwrap());
    let auditor_commitment = amana::wire::entry::auditor_commitment(&salt(&line.auditor_salt), &line.auditor);
    let opened =
        amana::wire::entry::OpenedLeaf { salt: salt(&line.salt), shared: line.shared.clone(), auditor_commitment };
    opened.leaf_data().unwrap()
}
