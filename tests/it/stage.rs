//! A stage for scenarios: a real broker on loopback, real parties, a clock the test owns.

use amana::{
    broker::{Broker, Parts, Publishing, Quotas, Rates, Registration},
    cli::{
        demo::cast::{Cast, copy, text},
        embedded::{Places, Running, Settings},
        founding,
    },
    client::{
        desk::{Desk, DeskError},
        fetched::Collected,
        granting::{HeaderGoes, Terms},
        identity::{Identity, RecoveryKey},
        institution::Examined,
        remote::RemoteError,
        report::{ManifestDraft, Plan},
        reporting::report_of,
    },
    model::{
        ambient::{Clock, Entropy},
        bundle::Bundle,
        grant::{GrantState, Scope, WithdrawnBy},
        ids::{GrantId, ReportId},
        institution::{Approval, CaseMatter, Checklist, Finding, InstitutionRecord},
        purpose::RecipientClass,
        release::Outcome,
        report::{ReportKind, Tier},
        time::{Duration, Timestamp},
    },
    store::{
        anchor,
        blob::Blobs,
        faults::{Faults, Sound},
        sqlite::{self, Keys, LogSigners, SqliteStore},
    },
    tlog::Ed25519NoteSigner,
    wire::{
        api::{Accepted, CaseLine, GrantSummary, Released, Revoked},
        entry::{AuditorPart, Shared},
        genesis::SignedGenesis,
        problem::{Problem, ProblemType},
    },
};
use ed25519_dalek::SigningKey;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};
use tempfile::TempDir;

/// A clock that stands on the machine's and can be moved. Monotonic time moves along unless told otherwise.
pub struct TestClock {
    started: Instant,
    wall: AtomicU64,
    jumped: AtomicU64,
    stands: AtomicBool,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let (wall, jumped) = (AtomicU64::new(now), AtomicU64::new(0));
        Arc::new(Self { started: Instant::now(), wall, jumped, stands: AtomicBool::new(false) })
    }
    /// From here on time passes only when the test says so: for claims about one exact second.
    pub fn stand_still(&self) {
        let ran = self.ran();
        self.stands.store(true, Ordering::SeqCst);
        self.pass(Duration::from_seconds(ran));
    }
    fn ran(&self) -> u64 {
        if self.stands.load(Ordering::SeqCst) { 0 } else { self.started.elapsed().as_secs() }
    }
    /// Time passes: both clocks move.
    pub fn pass(&self, duration: Duration) {
        self.wall.fetch_add(duration.as_seconds(), Ordering::SeqCst);
        self.jumped.fetch_add(duration.as_seconds(), Ordering::SeqCst);
    }
    /// Somebody sets the wall clock forward; monotonic time does not follow.
    pub fn step_forward(&self, duration: Duration) {
        self.wall.fetch_add(duration.as_seconds(), Ordering::SeqCst);
    }
    /// Somebody sets the wall clock back.
    pub fn step_back(&self, duration: Duration) {
        self.wall.fetch_sub(duration.as_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_seconds(self.wall.load(Ordering::SeqCst) + self.ran())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_seconds(self.jumped.load(Ordering::SeqCst) + self.ran())
    }
    fn stopwatch(&self) -> std::time::Duration {
        self.started.elapsed()
    }
}

/// A broker and its parties.
pub struct Stage {
    pub dir: TempDir,
    pub cast: Cast,
    pub clock: Arc<TestClock>,
    pub broker: Option<Running>,
    pub url: String,
}

impl Stage {
    /// A founded broker, nobody enrolled.
    pub fn founded() -> Self {
        let mut stage = Self::laid();
        stage.restart();
        stage
    }

    /// Keys, genesis and a folder, but no broker yet.
    pub fn laid() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let cast = Cast::found_with(dir.path(), clock.clone()).unwrap();
        Self { dir, cast, clock, broker: None, url: String::new() }
    }

    /// Institution admitted and attested, advocate enrolled.
    pub fn established() -> Self {
        let mut stage = Self::founded();
        stage.establish();
        stage
    }

    /// Admits and attests the institution and enrols the advocate, at whatever broker `url` names.
    pub fn establish(&mut self) {
        self.cast.establish(&self.url).unwrap();
        self.cast.enrol_advocate(&self.url).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Stops the broker and starts it again on the same folder.
    pub fn restart(&mut self) {
        self.restart_with(|_| {});
    }

    /// Stops the broker and waits until its folder is free: another test's child that has not become its program yet holds
    /// a copy of every lock of this process.
    pub fn stop(&mut self) {
        self.broker = None;
        self.wait_until_free();
    }

    /// Waits until nothing holds the broker's folder.
    pub fn wait_until_free(&self) {
        let data = self.path("broker/data");
        eventually("the folder is free", || matches!(sqlite::held(&data), Ok(sqlite::Held::ByNobody)));
    }

    /// As whoever has the machine would after setting its data back: the anchor that remembers more is taken away.
    pub fn restart_without_anchor(&mut self) {
        self.stop();
        std::fs::remove_file(self.path("broker/keys/anchor")).unwrap();
        self.restart_with(|settings| settings.places.missing_anchor = anchor::IfMissing::TakeTheDatabasesWord);
    }

    /// As [`Stage::restart`], with other settings.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.stop();
        let places = Places::under(&self.dir.path().join("broker"));
        let broker = Running::start_with(places, Some(self.clock.clone()), change).unwrap();
        self.url = broker.url();
        self.broker = Some(broker);
    }

    /// Has the operator confirm the clock, as `serve --confirm-clock` does, between two runs of the broker.
    pub fn confirm_clock(&mut self) {
        self.stop();
        let folder = self.dir.path().join("broker");
        let genesis = self.cast.founded.genesis.clone();
        let (clock, entropy) = (self.clock.clone(), self.cast.entropy());
        let opening = opening(&folder, &genesis, clock.clone(), entropy.clone(), Arc::new(Sound));
        let parts = Parts {
            store: Arc::new(SqliteStore::open(&folder.join("data"), opening).unwrap()),
            blobs: Blobs::open(&folder.join("data")).unwrap(),
            genesis,
            bundle: Bundle::shipped(),
            clock,
            entropy,
            public_url: "http://127.0.0.1".to_owned(),
            registration: Registration::Loopback,
            quotas: Quotas::default(),
            rates: Rates::default(),
            publishing: Publishing::default(),
            retention: amana::broker::Retention::default(),
        };
        let broker = Broker::new(parts).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(broker.confirm_clock()).unwrap();
        drop((runtime, broker));
        self.restart();
    }

    /// Seals and uploads a report with the given content.
    pub fn report(&mut self, name: &str, content: &[u8]) -> ReportId {
        let source = self.path(name);
        std::fs::write(&source, content).unwrap();
        let sealed_at = self.path(&format!("{name}.age"));
        let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
        self.as_advocate(|desk| publish(desk, &plan, &sealed_at)).unwrap()
    }

    pub fn as_advocate<T>(&mut self, act: impl FnOnce(&mut Desk) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let who = copy(&self.cast.advocate);
        self.cast.at_desk(&who, &self.url.clone(), act)
    }
    pub fn as_officer<T>(&mut self, act: impl FnOnce(&mut Desk) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let who = copy(&self.cast.officer);
        self.cast.at_desk(&who, &self.url.clone(), act)
    }
    pub fn as_root<T>(&mut self, act: impl FnOnce(&mut Desk) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let who = copy(&self.cast.institution);
        self.cast.at_desk(&who, &self.url.clone(), act)
    }
    pub fn as_auditor<T>(&mut self, act: impl FnOnce(&mut Desk) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let who = self.cast.auditor().unwrap();
        self.cast.at_desk(&who, &self.url.clone(), act)
    }
    pub fn as_somebody<T>(
        &mut self,
        who: &Identity,
        act: impl FnOnce(&mut Desk) -> Result<T, DeskError>,
    ) -> Result<T, DeskError> {
        self.cast.at_desk(who, &self.url.clone(), act)
    }

    pub fn as_administrator<T>(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut Desk) -> Result<T, DeskError>,
    ) -> Result<T, DeskError> {
        let who = self.cast.administrator(index).unwrap();
        self.as_somebody(&who, act)
    }
    pub fn as_accreditor<T>(&mut self, act: impl FnOnce(&mut Desk) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let who = copy(&self.cast.founded.accreditors[0]);
        self.as_somebody(&who, act)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }
    /// The advocate's recovery key, as its owner types it.
    pub fn recovery(&self) -> RecoveryKey {
        RecoveryKey::from_words(&self.cast.recovery.words()).unwrap()
    }
    /// A new identity, registered nowhere.
    pub fn somebody(&self, label: &str) -> Identity {
        founding::identity(label, &*self.cast.entropy()).unwrap()
    }
    /// Another officer of the institution.
    pub fn second_officer(&mut self, until: Timestamp) -> Identity {
        self.officer_named("second-officer", until)
    }
    /// As [`Stage::second_officer`], where there are several.
    pub fn officer_named(&mut self, label: &str, until: Timestamp) -> Identity {
        let officer = self.somebody(label);
        let key = officer.public_key();
        self.as_root(|desk| desk.appoint(key, text("evidence unit")?, until)).unwrap();
        officer
    }
    /// Another officer of the institution agrees to a grant.
    pub fn officer_agrees(&mut self, officer: &Identity, grant: GrantId) -> Result<Accepted, DeskError> {
        let approval = Approval { approves: grant.into(), matter: Some(CaseMatter::Grant) };
        self.as_somebody(officer, |desk| desk.state(&approval, Some(grant.into())))
    }
    /// Another institution: admitted, with a unit and an officer; attested only if `attested` says until when.
    pub fn another_institution(&mut self, mandate_until: Timestamp, attested: Option<Timestamp>) -> House {
        let [root, officer, unit] = ["other-root", "other-officer", "other-unit"].map(|label| self.somebody(label));
        let recovery = RecoveryKey::generate(&*self.cast.entropy()).public_keys();
        let record = InstitutionRecord {
            name: text("Court of the Other Shore (fictional)").unwrap(),
            jurisdiction: text("Assembly of the Union of Lakes (fictional)").unwrap(),
            class: RecipientClass::UnMechanism,
            mandate: vec![inquiry(), preservation()],
            mandate_until,
        };
        let (appointed, recipient) = (officer.public_key(), unit.recipient());
        let until = self.now().plus(Duration::from_days(360));
        self.as_somebody(&root, |desk| {
            desk.enrol_institution(record, recovery, None)?;
            desk.appoint(appointed, text("registry")?, until)?;
            desk.publish_recipient_key(text("registry")?, recipient)
        })
        .unwrap();
        let id = root.party_id();
        let proposal = self.as_administrator(0, |desk| desk.admit(id)).unwrap().id;
        self.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
        if let Some(until) = attested {
            self.as_accreditor(|desk| desk.attest(id, all_met(), until)).unwrap();
        }
        House { root, officer, unit }
    }
    /// The usual terms, for another institution.
    pub fn terms_for(&mut self, house: &House, report: ReportId) -> Terms {
        let (id, recipient) = (house.root.party_id(), house.unit.recipient());
        let words = self.as_advocate(|desk| desk.institution_fingerprint(id, &recipient)).unwrap();
        Terms { institution: id, confirmed_fingerprint: Some(words), ..self.terms(report) }
    }

    /// The usual terms: one release, now, no cooling-off.
    pub fn terms(&mut self, report: ReportId) -> Terms {
        self.cast.terms(&self.url.clone(), report).unwrap()
    }
    pub fn grant(&mut self, terms: &Terms) -> GrantId {
        self.cast.grant(&self.url.clone(), terms).unwrap()
    }
    /// Gives a grant and keeps its header back.
    pub fn give_and_keep_back(&mut self, terms: &Terms) -> (GrantId, Vec<u8>) {
        self.as_advocate(|desk| {
            let prepared = desk.prepare_grant(terms)?;
            Ok((desk.give(&prepared, HeaderGoes::Later)?.id.into(), prepared.header))
        })
        .unwrap()
    }
    /// The second yes.
    pub fn send_header(&mut self, grant: GrantId, header: Vec<u8>) -> Result<Accepted, DeskError> {
        self.as_advocate(|desk| desk.send_header(grant, header))
    }
    pub fn revoke(&mut self, grant: GrantId) -> Result<Revoked, DeskError> {
        self.as_advocate(|desk| {
            let due = desk.now().plus(Duration::from_days(30));
            desk.revoke(grant, vec![Scope::All], WithdrawnBy::Provider, due)
        })
    }

    pub fn release(&mut self, grant: GrantId) -> Result<Released, DeskError> {
        self.as_officer(|desk| desk.request_release(grant, &inquiry()))
    }
    /// Acknowledges a release as opened, with the digests its report statement names.
    pub fn acknowledge(&mut self, grant: GrantId, released: &Released) -> Result<Accepted, DeskError> {
        let (collected, outcome) = as_opened(grant, released);
        self.as_officer(|desk| desk.acknowledge(&collected, outcome))
    }
    /// Entries of the case log, by the database itself: also when nobody can sign in.
    pub fn case_size(&self) -> u64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(self.path("broker/data/amana.db"), flags).unwrap();
        let size = database.query_row("SELECT size FROM heads WHERE log = 1", [], |row| row.get::<_, i64>(0));
        size.map_or(0, |size| size.try_into().unwrap())
    }
    /// How a grant stands, as its owner is told.
    pub fn grant_row(&mut self, grant: GrantId) -> GrantSummary {
        let grants = self.as_advocate(|desk| desk.grants()).unwrap();
        grants.into_iter().find(|summary| summary.id == grant).unwrap()
    }
    /// Waits until every copy of a grant's header is destroyed; the sweeper comes by every five seconds.
    pub fn wait_until_shredded(&mut self, grant: GrantId) {
        eventually("the header is shredded", || matches!(self.grant_row(grant).state, GrantState::Shredded { .. }));
    }
    /// The case log, opened whole, of a bundle exported and verified under `name`.
    pub fn case_log(&mut self, name: &str) -> Vec<(Shared, AuditorPart)> {
        self.audit(name);
        case_log(&self.path(name))
    }

    /// Exports and verifies the audit bundle; panics when it does not hold.
    pub fn audit(&mut self, name: &str) -> amana::audit::Summary {
        let folder = self.path(name);
        self.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
        verify(&folder, &self.cast).unwrap()
    }
}

/// What opening a founded folder's store needs.
pub fn opening(
    folder: &Path,
    genesis: &SignedGenesis,
    clock: Arc<TestClock>,
    entropy: Arc<dyn Entropy>,
    faults: Arc<dyn Faults>,
) -> sqlite::Opening {
    let seed = |file: &str| -> [u8; 32] {
        let text = std::fs::read_to_string(folder.join("keys").join(file)).unwrap();
        hex::decode(text.trim()).unwrap().try_into().unwrap()
    };
    let signer = |file: &str, origin: String| {
        Ed25519NoteSigner::new(origin.parse().unwrap(), SigningKey::from_bytes(&seed(file))).unwrap()
    };
    let keys = Keys {
        logs: LogSigners {
            register: vec![signer("register.key", genesis.genesis().register_origin())],
            case: vec![signer("case.key", genesis.genesis().case_origin())],
        },
        storage: zeroize::Zeroizing::new(seed("storage.key")),
    };
    let anchor =
        anchor::Place { path: folder.join("keys/anchor"), if_missing: anchor::IfMissing::Refuse, known: Vec::new() };
    sqlite::Opening { genesis: genesis.clone(), keys, anchor, clock, entropy, batch_operations: 1024, faults }
}

/// Verifies a bundle in a folder against the cast's card.
pub fn verify(folder: &Path, cast: &Cast) -> Result<amana::audit::Summary, amana::audit::AuditError> {
    verify_with(folder, cast, &mut ()).map(|walk| walk.summary())
}

/// As [`verify`], with somebody who looks on.
pub fn verify_with(
    folder: &Path,
    cast: &Cast,
    observer: &mut dyn amana::audit::Observer,
) -> Result<amana::audit::Walk, amana::audit::AuditError> {
    let open = |name: &str| std::io::BufReader::new(std::fs::File::open(folder.join(name)).unwrap());
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let inputs = amana::audit::Inputs {
        genesis: read("genesis.note"),
        register_checkpoint: read("checkpoint.register"),
        // Absent while the case log is empty.
        case_checkpoint: std::fs::read_to_string(folder.join("checkpoint.case")).ok(),
        register: open("register.jsonl"),
        case: open("case.jsonl"),
        facts: open("facts.jsonl"),
    };
    amana::audit::verify_with(inputs, Some(&cast.card()), observer)
}

pub fn publish(desk: &mut Desk, plan: &Plan, sealed_at: &Path) -> Result<ReportId, DeskError> {
    let sealed = desk.seal(plan, Tier::try_from(2).unwrap(), ReportKind::Original, sealed_at, &mut |_| {})?;
    let report = ReportId::from(desk.declare(sealed)?.id);
    desk.upload(report, sealed_at, &mut |_| {})?;
    Ok(report)
}

/// The purpose of every scenario.
pub fn inquiry() -> amana::model::purpose::Purpose {
    "commission-of-inquiry".parse().unwrap()
}

/// A purpose within the mandate that the usual terms do not grant.
pub fn preservation() -> amana::model::purpose::Purpose {
    "preservation-mechanism".parse().unwrap()
}

/// Due diligence in which nothing was found wanting.
pub fn all_met() -> Examined {
    Examined::DueDiligence(Checklist::all(Finding::Met))
}

/// An institution's people.
pub struct House {
    pub root: Identity,
    pub officer: Identity,
    pub unit: Identity,
}

/// What a recipient who opened a release would keep and state.
pub fn as_opened(grant: GrantId, released: &Released) -> (Collected, Outcome) {
    let report = report_of(&released.report_statement).unwrap();
    let collected = Collected {
        release: released.release,
        grant,
        grant_statement: released.grant_statement.clone(),
        report_statement: released.report_statement.clone(),
        receipt: released.receipt.clone(),
    };
    let (payload_sha256, key_commitment) = (report.payload_sha256, report.key_commitment);
    (collected, Outcome::Opened { payload_sha256, key_commitment })
}

/// The case log of an exported bundle, opened whole.
pub fn case_log(folder: &Path) -> Vec<(Shared, AuditorPart)> {
    let lines = std::fs::read_to_string(folder.join("case.jsonl")).unwrap();
    let read = |line: &str| {
        let line: CaseLine = serde_json::from_str(line).unwrap();
        (Shared::parse(&line.shared).unwrap(), serde_json::from_str(&line.auditor).unwrap())
    };
    lines.lines().map(read).collect()
}

/// The broker's problem behind a refusal.
pub fn problem<T>(outcome: Result<T, DeskError>) -> Problem {
    match outcome {
        Err(DeskError::Remote(RemoteError::Problem(problem))) => *problem,
        Err(other) => panic!("not a problem of the broker: {other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// The failing conditions of a denial.
pub fn reasons<T>(outcome: Result<T, DeskError>) -> Vec<String> {
    let problem = problem(outcome);
    assert!(problem.is(ProblemType::Denied), "{problem:?}");
    problem.reasons.into_iter().map(|reason| reason.id).collect()
}

/// Looks again and again until something holds; fails after a minute.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + std::time::Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to pass that {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
