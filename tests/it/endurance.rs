//! The long runs: cuts by the hundred, kills by the dozen. The suite runs them small, `cargo bench --bench endurance`
//! in full; both use what is here.

use crate::{
    process::Process,
    proxy::{How, Proxy, Rules},
    stage::{Stage, case_log, inquiry},
};
use amana::{
    cli::demo::cast::copy,
    client::{
        desk::{Desk, DeskError, Opening},
        granting::{HeaderGoes, Terms},
        identity::Identity,
        memory::Memory,
        report::{ManifestDraft, Plan},
        reporting::{SealedReport, report_of},
        uploading::{Pace, UploadStep},
    },
    model::{
        grant::{Scope, WithdrawnBy},
        ids::{Digest, GrantId, ReportId},
        report::{ReportKind, ReportState, Tier},
        time::Duration,
    },
    wire::entry::Happening,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration as Real,
};

/// Draws numbers; the same seed draws the same.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..=length / 8).flat_map(|_| self.below(u64::MAX).to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}

/// A device of somebody, which outlives the broker's deaths.
fn device(stage: &Stage, who: &Identity) -> Desk {
    let recovery = Some(stage.cast.recovery.public_keys());
    let memory = Memory { recovery, ..Memory::default() };
    let (clock, entropy) = (stage.clock.clone(), stage.cast.entropy());
    let opening = Opening { identity: copy(who), memory, clock, entropy };
    Desk::open(opening, &stage.url, &stage.cast.card()).unwrap()
}

/// A sealed file of random bytes.
fn seal(desk: &Desk, folder: &Path, name: &str, content: &[u8]) -> Result<(SealedReport, PathBuf), DeskError> {
    let (source, sealed) = (folder.join(name), folder.join(format!("{name}.age")));
    fs::write(&source, content).unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    Ok((desk.seal(&plan, tier, ReportKind::Original, &sealed, &mut |_| {})?, sealed))
}

fn duplicate(sealed: &SealedReport) -> SealedReport {
    SealedReport { report: sealed.report.clone(), owner_header: sealed.owner_header.clone(), own: sealed.own.clone() }
}

fn patient() -> Pace {
    Pace { patience: Real::from_secs(120), part_bytes: NonZeroU64::new(512 << 10), ..Pace::default() }
}

/// What was uploaded through cuts.
#[derive(Debug, Default)]
pub struct Cut {
    /// Transfers interrupted and gone on with, as the clients noticed.
    pub resumed: u64,
    /// Connections the proxy broke.
    pub broken: u64,
    /// Reports, all stored as they were sealed.
    pub reports: u64,
    /// Their payloads' bytes.
    pub payload_bytes: u64,
    /// Bytes that left the clients while they were uploading.
    pub sent_bytes: u64,
}

/// Uploads reports of varied size through a cutting proxy, several at once, until so many cuts were gone on from.
pub fn cuts(wanted: u64, clients: usize, most_bytes: u64, seed: u64) -> Cut {
    let mut stage = Stage::laid();
    let proxy = Proxy::start(seed);
    let _process = Process::start_behind(&mut stage, &proxy);
    stage.cast.enrol_advocate(&stage.url).unwrap();
    let (mut chance, resumed) = (Chance::new(seed), AtomicU64::new(0));
    let mut desks: Vec<Desk> = (0..clients).map(|_| device(&stage, &stage.cast.advocate)).collect();
    let mut count = Cut::default();
    while resumed.load(Ordering::SeqCst) < wanted {
        let reports: Vec<(ReportId, PathBuf)> = desks
            .iter_mut()
            .map(|desk| {
                let length = most_bytes / 16 + chance.below(most_bytes - most_bytes / 16);
                let name = format!("report-{}.bin", chance.below(u64::MAX));
                let (sealed, place) = seal(desk, stage.dir.path(), &name, &chance.bytes(length as usize)).unwrap();
                count.payload_bytes += sealed.report.payload_bytes;
                (desk.declare(sealed).unwrap().id.into(), place)
            })
            .collect();
        let (before, broken) = (proxy.up(), proxy.cuts());
        let how = vec![How::Reset, How::Reset, How::Close, How::Close, How::Half];
        proxy.rule(Rules { cut_up: Some(8_000..96_000), how, ..Rules::default() });
        thread::scope(|scope| {
            for (desk, (report, sealed)) in desks.iter_mut().zip(&reports) {
                let resumed = &resumed;
                scope.spawn(move || {
                    let mut safe = 0;
                    desk.upload_with(*report, sealed, None, &patient(), &mut |step| match step {
                        UploadStep::Safe(bytes) => {
                            assert!(bytes >= safe, "{safe} bytes were safe, now {bytes}");
                            safe = bytes;
                        }
                        UploadStep::Waiting { .. } => drop(resumed.fetch_add(1, Ordering::SeqCst)),
                        UploadStep::Checked(_) => {}
                    })
                    .unwrap();
                });
            }
        });
        proxy.calm();
        count.broken += proxy.cuts() - broken;
        count.sent_bytes += proxy.up() - before;
        for (desk, (report, sealed)) in desks.iter().zip(&reports) {
            let stated = report_of(&desk.memory().report(*report).unwrap().statement).unwrap();
            let stored = fs::read(stage.path("broker/data/payloads").join(report.to_string())).unwrap();
            assert_eq!(Digest::of(&stored), stated.payload_sha256, "a payload was stored damaged");
            fs::remove_file(sealed).unwrap();
            count.reports += 1;
        }
    }
    count.resumed = resumed.load(Ordering::SeqCst);
    count
}

/// What clients were told, to be held against what the broker knows.
#[derive(Default)]
struct Record {
    /// Statements with a receipt.
    accepted: BTreeSet<Digest>,
    /// Releases whose header arrived, with the header's digest.
    released: BTreeMap<Digest, Digest>,
    /// Grants whose revocation was confirmed.
    revoked: BTreeSet<GrantId>,
    /// Reports said to be stored, with what they must hold.
    stored: BTreeMap<ReportId, Digest>,
    /// The largest index acknowledged.
    index: u64,
    /// Promises found broken on the way.
    broken: Vec<String>,
}

/// What the kills came to. All but the first five must be nothing.
#[derive(Debug, Default)]
pub struct Killed {
    /// Kills of the broker.
    pub kills: u64,
    /// Statements acknowledged.
    pub acknowledged: usize,
    /// Headers handed out.
    pub released: usize,
    /// Payloads stored.
    pub stored: usize,
    /// Requests and parts that a kill interrupted.
    pub interrupted: u64,
    /// Acknowledged statements, entries or bytes that are gone.
    pub lost: usize,
    /// Stored payloads that are not the stated ones.
    pub damaged: usize,
    /// Headers handed out without their entry.
    pub unlogged: usize,
    /// Everything else that went wrong.
    pub broken: Vec<String>,
}

struct Play<'a> {
    folder: &'a Path,
    record: Mutex<Record>,
    over: AtomicBool,
    interrupted: AtomicU64,
}

impl Play<'_> {
    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }
    /// What came of a request; a fork or a false receipt is a broken promise, the rest a kill or a refusal.
    fn came<T>(&self, outcome: Result<T, DeskError>) -> Option<T> {
        match outcome {
            Ok(answer) => return Some(answer),
            Err(error @ (DeskError::Fork | DeskError::Receipt(_) | DeskError::Mirror(_))) => {
                self.record().broken.push(error.to_string());
            }
            Err(_) => drop(self.interrupted.fetch_add(1, Ordering::SeqCst)),
        }
        thread::sleep(Real::from_millis(20));
        None
    }
    fn accepted(&self, accepted: &amana::wire::api::Accepted) {
        let mut record = self.record();
        record.accepted.insert(accepted.id);
        if accepted.log == amana::model::event::Log::Case {
            record.index = record.index.max(accepted.index);
        }
    }

    /// Seals, declares and uploads, one report after another.
    fn upload(&self, desk: &mut Desk, seed: u64) {
        let mut chance = Chance::new(seed);
        let mut number = 0;
        while self.goes_on() {
            number += 1;
            let length = 2_000 + chance.below(900_000) as usize;
            let name = format!("report-{seed}-{number}.bin");
            let (sealed, place) = seal(desk, self.folder, &name, &chance.bytes(length)).unwrap();
            let text = desk.sign(&sealed.report, None, None).unwrap();
            let declared = loop {
                if let Some(accepted) = self.came(desk.send_declaration(duplicate(&sealed), &text)) {
                    break accepted;
                }
            };
            self.accepted(&declared);
            let report = ReportId::from(declared.id);
            let mut safe = 0;
            let sent = desk.upload_with(report, &place, None, &patient(), &mut |step| match step {
                UploadStep::Safe(bytes) if bytes < safe => {
                    self.record().broken.push(format!("{safe} bytes of {report} were safe, then {bytes}"));
                }
                UploadStep::Safe(bytes) => safe = bytes,
                UploadStep::Waiting { .. } => drop(self.interrupted.fetch_add(1, Ordering::SeqCst)),
                UploadStep::Checked(_) => {}
            });
            if self.came(sent).is_some() {
                self.record().stored.insert(report, sealed.report.payload_sha256);
            }
            drop(fs::remove_file(place));
        }
    }

    /// Gives grants, takes some back, hands the others on.
    fn give(&self, desk: &mut Desk, terms: &Terms, granted: &mpsc::Sender<GrantId>, seed: u64) {
        let mut chance = Chance::new(seed);
        while self.goes_on() {
            let Some(prepared) = self.came(desk.prepare_grant(terms)) else { continue };
            let Some(accepted) = self.came(desk.give(&prepared, HeaderGoes::Along)) else { continue };
            self.accepted(&accepted);
            let grant = GrantId::from(accepted.id);
            if chance.below(3) > 0 {
                let _ = granted.send(grant);
            }
            if chance.below(2) == 0 {
                let due = desk.now().plus(Duration::from_days(30));
                if let Some(revoked) = self.came(desk.revoke(grant, vec![Scope::All], WithdrawnBy::Provider, due)) {
                    self.accepted(&revoked.accepted);
                    self.record().revoked.insert(grant);
                }
            }
        }
    }

    /// Asks for releases under the grants there are.
    fn collect(&self, desk: &mut Desk, granted: &mpsc::Receiver<GrantId>) {
        while self.goes_on() {
            let Ok(grant) = granted.recv_timeout(Real::from_millis(100)) else { continue };
            let was_revoked = self.record().revoked.contains(&grant);
            let Some(released) = self.came(desk.request_release(grant, &inquiry())) else { continue };
            if was_revoked {
                self.record().broken.push(format!("{grant} was released after its revocation"));
            }
            let header = Digest::of(&released.header.0);
            self.record().released.insert(released.release.into(), header);
        }
    }

    /// On a busy machine nothing may have happened yet; a kill then would show nothing.
    fn wait_for_progress(&self, longer: Real) {
        let reached = || {
            let record = self.record();
            (record.accepted.len(), record.released.len(), record.stored.len())
        };
        let before = reached();
        for _ in 0..150 {
            if reached() != before {
                break;
            }
            thread::sleep(Real::from_millis(20));
        }
        thread::sleep(longer);
    }

    /// What must hold after every restart.
    fn check(&self, stage: &Stage) {
        let before = self.record().index;
        let size = stage.case_size();
        if size <= before {
            self.record().broken.push(format!("entry {before} was acknowledged, the log has {size}"));
        }
    }
}

/// Kills the broker again and again while clients upload, grant, release and revoke; then holds everything they were
/// told against what it has.
pub fn kills(wanted: u64, seed: u64) -> Killed {
    let mut stage = Stage::laid();
    let mut process = Process::start(&mut stage);
    stage.establish();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let memory = stage.as_advocate(|desk| Ok(desk.memory().report(report).cloned())).unwrap().unwrap();
    let mut giver = device(&stage, &stage.cast.advocate);
    giver.memory_mut().reports.insert(report.to_string(), memory);
    let officer = &mut device(&stage, &stage.cast.officer);
    let mut uploaders: Vec<Desk> = (0..2).map(|_| device(&stage, &stage.cast.advocate)).collect();
    let play = Play {
        folder: stage.dir.path(),
        record: Mutex::default(),
        over: AtomicBool::new(false),
        interrupted: AtomicU64::new(0),
    };
    let (granted, given) = mpsc::channel();
    let mut chance = Chance::new(seed);
    thread::scope(|scope| {
        for (desk, number) in uploaders.iter_mut().zip(1..) {
            let play = &play;
            scope.spawn(move || play.upload(desk, seed + number));
        }
        let (giver, terms) = (&mut giver, &terms);
        {
            let play = &play;
            scope.spawn(move || play.give(giver, terms, &granted, seed + 10));
        }
        let play = &play;
        scope.spawn(move || play.collect(officer, &given));
        for _ in 0..wanted {
            // Not a wait for something: the moment of the kill is what this varies.
            thread::sleep(Real::from_millis(20 + chance.below(600)));
            play.wait_for_progress(Real::from_millis(chance.below(80)));
            process.kill();
            process.up();
            play.check(&stage);
        }
        play.over.store(true, Ordering::SeqCst);
    });
    let (record, interrupted) = (play.record.into_inner().unwrap(), play.interrupted.into_inner());
    judged(&mut stage, record, wanted, interrupted)
}

fn judged(stage: &mut Stage, record: Record, kills: u64, interrupted: u64) -> Killed {
    let Record { accepted, released, stored, mut broken, .. } = record;
    let folder = stage.path("audit-after-kills");
    let audited = stage.audit("audit-after-kills");
    let mut log: BTreeMap<Digest, Vec<Happening>> = BTreeMap::new();
    for (shared, _) in case_log(&folder) {
        if let Some(text) = &shared.statement {
            log.entry(Digest::of(text.as_bytes())).or_default().push(shared.event);
        }
    }
    let entry = |id: &Digest, event: Happening| log.get(id).is_some_and(|events| events.contains(&event));
    let mut lost = accepted.iter().filter(|id| !entry(id, Happening::Accepted)).count();
    let unlogged = released.keys().filter(|id| !entry(id, Happening::Released)).count();
    let mut damaged = 0;
    let listed = stage.as_advocate(|desk| desk.reports()).unwrap();
    for summary in listed.iter().filter(|summary| summary.state == ReportState::Stored {}) {
        let bytes = fs::read(stage.path("broker/data/payloads").join(summary.id.to_string())).unwrap_or_default();
        damaged += usize::from(Digest::of(&bytes) != summary.report.payload_sha256);
    }
    for (report, sha256) in &stored {
        let found = listed.iter().find(|summary| summary.id == *report && summary.state == ReportState::Stored {});
        lost += usize::from(found.is_none_or(|summary| summary.report.payload_sha256 != *sha256));
    }
    if audited.events.is_empty() {
        broken.push("the audit bundle is empty".to_owned());
    }
    Killed {
        kills,
        acknowledged: accepted.len(),
        released: released.len(),
        stored: stored.len(),
        interrupted,
        lost,
        damaged,
        unlogged,
        broken,
    }
}

impl Killed {
    /// Stops when anything was lost, damaged, unlogged or otherwise broken.
    pub fn must_hold(&self) {
        assert!(self.lost == 0 && self.damaged == 0 && self.unlogged == 0 && self.broken.is_empty(), "{self:?}");
    }
}
