//! A stage for scenarios: a real broker on loopback, real parties, a clock the test owns.

use amana::{
    cli::{
        demo::cast::{Cast, copy},
        embedded::{Places, Running},
    },
    client::{
        desk::{Desk, DeskError},
        granting::Terms,
        identity::Identity,
        report::{ManifestDraft, Plan},
    },
    model::{
        ambient::Clock,
        grant::{Scope, WithdrawnBy},
        ids::{GrantId, ReportId},
        report::{ReportKind, Tier},
        time::{Duration, Timestamp},
    },
    wire::api::Revoked,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tempfile::TempDir;

/// A clock that stands on the machine's and can be moved. Monotonic time moves along unless told otherwise.
pub struct TestClock {
    started: Instant,
    wall: AtomicU64,
    jumped: AtomicU64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Arc::new(Self { started: Instant::now(), wall: AtomicU64::new(now), jumped: AtomicU64::new(0) })
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
        Timestamp::from_seconds(self.wall.load(Ordering::SeqCst) + self.started.elapsed().as_secs())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_seconds(self.jumped.load(Ordering::SeqCst) + self.started.elapsed().as_secs())
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
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let cast = Cast::found_with(dir.path(), clock.clone()).unwrap();
        let broker = Running::start(Places::under(&dir.path().join("broker")), Some(clock.clone())).unwrap();
        let url = broker.url();
        Self { dir, cast, clock, broker: Some(broker), url }
    }

    /// Institution admitted and attested, advocate enrolled.
    pub fn established() -> Self {
        let mut stage = Self::founded();
        stage.cast.establish(&stage.url).unwrap();
        stage.cast.enrol_advocate(&stage.url).unwrap();
        stage
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Stops the broker and starts it again on the same folder.
    pub fn restart(&mut self) {
        self.broker = None;
        let places = Places::under(&self.dir.path().join("broker"));
        let broker = Running::start(places, Some(self.clock.clone())).unwrap();
        self.url = broker.url();
        self.broker = Some(broker);
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

    /// The usual terms: one release, now, no cooling-off.
    pub fn terms(&mut self, report: ReportId) -> Terms {
        self.cast.terms(&self.url.clone(), report).unwrap()
    }
    pub fn grant(&mut self, terms: &Terms) -> GrantId {
        self.cast.grant(&self.url.clone(), terms).unwrap()
    }
    pub fn revoke(&mut self, grant: GrantId) -> Result<Revoked, DeskError> {
        self.as_advocate(|desk| {
            let due = desk.now().plus(Duration::from_days(30));
            desk.revoke(grant, vec![Scope::All], WithdrawnBy::Provider, due)
        })
    }

    /// Exports and verifies the audit bundle; panics when it does not hold.
    pub fn audit(&mut self, name: &str) -> amana::audit::Summary {
        let folder = self.path(name);
        self.as_auditor(|desk| desk.export_audit(&folder)).unwrap();
        verify(&folder, &self.cast).unwrap()
    }
}

/// Verifies a bundle in a folder against the cast's card.
pub fn verify(folder: &Path, cast: &Cast) -> Result<amana::audit::Summary, amana::audit::AuditError> {
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
    amana::audit::verify(inputs, Some(&cast.card()))
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
