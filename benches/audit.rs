//! The measures of docs/performance.md about auditing. `cargo bench --bench audit -- verify replay open append`: all of
//! them, or some.
//!
//! The bundle and the log of a million entries are made once, with the real broker and store, and kept below the target
//! folder; delete `target/tmp/audit-bench` to make them again.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measuring program, run by hand: it reads clocks and stops at the first surprise"
)]

use amana::{
    broker::{Broker, Caller, Connection, Quotas, Rates, Registration},
    cli::{
        ambient::{SystemClock, SystemEntropy},
        demo::cast::{Cast, copy},
        embedded::{self, Places, Running, Settings},
    },
    client::report::{ManifestDraft, Plan},
    model::{
        ambient::Entropy as _,
        bucket::Rate,
        event::{EntryRef, Log},
        grant::Grant,
        ids::{Digest, GrantId, Jti, Nonce, ReportId},
        institution::OfficerAppointment,
        party::Holder,
        purpose::Purpose,
        release::ReleaseRequest,
        report::{ReportKind, Tier},
        time::Duration,
    },
    store::{
        OwnRecord, Store as _,
        sealed::{Place, Sealer},
    },
    tlog::{self, Checkpoint, Ed25519NoteSigner, Hash, TileId, Tiles},
    wire::{
        entry::{AuditorPart, FullEntry, Happening, Salt, Salts, Shared},
        statement::{self, Claims, Seen},
    },
};
use rusqlite::{OptionalExtension as _, params};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Measure = (&'static str, fn() -> Outcome<()>);

const ENTRIES: u64 = 100_000;
const RELEASES: usize = 10_000;
const GRANTS: usize = 30_000;
const MILLION: u64 = 1_000_000;
const CLIENTS: usize = 64;

fn main() -> Outcome<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let measures: [Measure; 4] = [
        ("verify", || checked("verify", "target < 30 s")),
        ("replay", || checked("replay", "target < 10 s for 10,000 decisions")),
        ("open", open),
        ("append", append),
    ];
    for (name, measure) in measures {
        if wanted(name) {
            println!("\n== {name}");
            measure()?;
        }
    }
    Ok(())
}

/// Where what is made once is kept.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit-bench")
}

/// Made under another name and renamed when it is whole, so that half of it is never taken for it.
fn made(name: &str, make: impl FnOnce(&Path) -> Outcome<()>) -> Outcome<PathBuf> {
    let (place, partial) = (kept().join(name), kept().join(format!("{name}.partial")));
    if !place.exists() {
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        let begun = Instant::now();
        make(&partial)?;
        println!("made {name} in {:.0} s", begun.elapsed().as_secs_f64());
        fs::rename(&partial, &place)?;
    }
    Ok(place)
}

fn settings(folder: &Path) -> Settings {
    let unlimited = Rate { per_hour: u32::MAX, burst: u32::MAX };
    Settings {
        places: Places::under(&folder.join("broker")),
        public_url: "http://127.0.0.1:1".to_owned(),
        registration: Registration::Loopback,
        quotas: Quotas { entries: unlimited, ..Quotas::default() },
        rates: Rates::default(),
        clock: SystemClock::new(),
        batch_operations: 1024,
        publishing: amana::broker::Publishing::default(),
        retention: amana::broker::Retention::default(),
    }
}

/// `amana audit WHAT` over the bundle, in a process of its own.
fn checked(what: &str, target: &str) -> Outcome<()> {
    let bundle = made("bundle", make_bundle)?.join("audit");
    let program = std::env::var("AMANA_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_amana").to_owned());
    for _ in 0..3 {
        let begun = Instant::now();
        let mut child =
            Command::new(&program).args(["audit", what, "--json"]).arg(&bundle).stdout(Stdio::piped()).spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = peak_kib(child.id()).unwrap_or(peak);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let took = begun.elapsed().as_secs_f64();
        assert!(status.success(), "the bundle does not hold");
        println!(
            "audit {what}, {ENTRIES} entries: {took:.1} s ({target}), peak {} MiB (target < 256 MiB)",
            peak / 1024
        );
    }
    Ok(())
}

/// The high-water mark, so that the last reading before the end is the peak.
fn peak_kib(process: u32) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// A broker with one report, and what a grant of it looks like.
struct Set {
    cast: Cast,
    /// A grant of each report, and its header: only so many grants of one report run at once.
    prepared: Vec<(Grant, Vec<u8>)>,
    purpose: Purpose,
    seen: Seen,
}

fn set(folder: &Path, reports: usize) -> Outcome<Set> {
    let mut cast = Cast::found(folder)?;
    let running = Running::start(settings(folder).places, None)?;
    let url = running.url();
    cast.establish(&url)?;
    cast.enrol_advocate(&url)?;
    let source = folder.join("note.bin");
    fs::write(&source, [5; 4096])?;
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {})?;
    let advocate = copy(&cast.advocate);
    let mut prepared: Vec<(Grant, Vec<u8>)> = Vec::new();
    for number in 0..reports {
        let sealed_at = folder.join(format!("sealed-{number}.age"));
        let report = cast.at_desk(&advocate, &url, |desk| {
            let tier = Tier::try_from(2).map_err(amana::client::desk::DeskError::refused)?;
            let sealed = desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})?;
            let report = ReportId::from(desk.declare(sealed)?.id);
            desk.upload(report, &sealed_at, &mut |_| {})?;
            Ok(report)
        })?;
        let terms = cast.terms(&url, report)?;
        let ready = cast.at_desk(&advocate, &url, |desk| desk.prepare_grant(&terms))?;
        prepared.push((ready.grant, ready.header));
    }
    let purpose = prepared[0].0.purposes[0].clone();
    let seen = cast.at_desk(&advocate, &url, |desk| Ok(desk.seen()))?;
    Ok(Set { cast, prepared, purpose, seen })
}

impl Set {
    fn sign<B: statement::StatementBody>(
        &self,
        who: &amana::client::identity::Identity,
        subject: Option<Digest>,
        body: B,
    ) -> Outcome<String> {
        let now = self.cast.now();
        let claims = Claims {
            iss: who.party_id(),
            aud: self.cast.founded.genesis.digest(),
            jti: Jti::from_bytes(amana::model::ambient::random(&*self.cast.entropy())),
            iat: now,
            submit_by: now.plus(Duration::from_days(1)),
            subject,
            prev: None,
            seen: Some(self.seen),
            body,
        };
        Ok(statement::sign(&claims, who.signing_key())?)
    }

    fn officer(&self) -> Outcome<Caller> {
        let officer = &self.cast.officer;
        let holder = Holder::Officer(OfficerAppointment {
            institution: self.cast.institution.party_id(),
            signing_key: officer.public_key(),
            unit: "evidence unit".parse()?,
            until: self.cast.now().plus(Duration::from_days(1)),
        });
        Ok(Caller { key: officer.key_id(), party: officer.party_id(), holder })
    }
}

/// 30,000 grants, a third of them released, and denials of an owner's header up to 100,000 entries.
fn make_bundle(folder: &Path) -> Outcome<()> {
    let mut set = set(folder, GRANTS / 400 + 1)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let broker = embedded::unlistened(settings(folder))?;
    runtime.block_on(grant_and_release(&set, &broker))?;
    drop(broker);
    let store = Arc::new(embedded::store(settings(folder))?);
    let heads = store.heads()?;
    let missing = ENTRIES.saturating_sub(heads.register.size + heads.case.size);
    runtime.block_on(fill(&store, set.prepared[0].0.report, set.cast.advocate.key_id(), missing))?;
    drop(store);
    let running = Running::start(settings(folder).places, None)?;
    let auditor = set.cast.auditor()?;
    set.cast.at_desk(&auditor, &running.url(), |desk| desk.export_audit(&folder.join("audit")))?;
    Ok(())
}

async fn grant_and_release(set: &Set, broker: &Arc<Broker>) -> Outcome<()> {
    let advocate = &set.cast.advocate;
    let caller = Caller { key: advocate.key_id(), party: advocate.party_id(), holder: Holder::Advocate {} };
    let officer = set.officer()?;
    let mut releases = 0;
    for number in 0..GRANTS.div_ceil(CLIENTS) {
        let mut round = tokio::task::JoinSet::new();
        let (template, header) = &set.prepared[number % set.prepared.len()];
        for _ in 0..CLIENTS {
            let text = set.sign(advocate, None, template.clone())?;
            let (broker, caller, header) = (broker.clone(), caller.clone(), header.clone());
            round.spawn(async move { broker.give_grant(&text, Some(header), &caller).await.map(|a| a.id) });
        }
        let given = round.join_all().await;
        let mut round = tokio::task::JoinSet::new();
        for id in given.into_iter().take(CLIENTS.div_ceil(GRANTS / RELEASES)) {
            let id = id.map_err(|e| format!("{e:?}"))?;
            let grant = GrantId::from(id);
            let nonce = Nonce::from_bytes(amana::model::ambient::random(&*set.cast.entropy()));
            let body = ReleaseRequest { grant, purpose: set.purpose.clone(), nonce, conditions_noted: grant };
            let text = set.sign(&set.cast.officer, Some(id), body)?;
            let (broker, officer) = (broker.clone(), officer.clone());
            if releases < RELEASES {
                releases += 1;
                round.spawn(
                    async move { broker.release(grant, &text, &officer, &Connection::default()).await.map(drop) },
                );
            }
        }
        for released in round.join_all().await {
            released.map_err(|e| format!("{e:?}"))?;
        }
    }
    assert_eq!(releases, RELEASES);
    Ok(())
}

/// Appends small entries, as many as can wait at once.
async fn fill<S: amana::store::Store>(
    store: &Arc<S>,
    report: ReportId,
    key: amana::model::ids::KeyId,
    count: u64,
) -> Outcome<()> {
    const AT_ONCE: u64 = 1024;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..AT_ONCE {
        let store = store.clone();
        clients.spawn(async move {
            for _ in (client..count).step_by(1024) {
                store.record(OwnRecord::OwnerHeaderDenied(report, key)).await.map_err(|e| e.to_string())?;
            }
            Ok::<(), String>(())
        });
    }
    for done in clients.join_all().await {
        done?;
    }
    Ok(())
}

/// Opening a log of a million entries, and proving some of them.
fn open() -> Outcome<()> {
    let folder = made("million", |folder| {
        let set = set(folder, 1)?;
        let store = Arc::new(embedded::store(settings(folder))?);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(fill(&store, set.prepared[0].0.report, set.cast.advocate.key_id(), MILLION))
    })?;
    let mut opened = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let store = embedded::store(settings(&folder))?;
        opened.push(begun.elapsed().as_secs_f64() * 1000.0);
        drop(store);
    }
    let store = embedded::store(settings(&folder))?;
    let size = store.heads()?.case.size;
    assert!(size >= MILLION);
    let mut proved = Vec::new();
    for n in 0..2000_u64 {
        let index = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let begun = Instant::now();
        let receipt = store.receipt(EntryRef { log: Log::Case, index })?;
        proved.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(receipt.contains("index"));
    }
    println!(
        "opening {size} entries: median {:.1} ms, longest {:.1} ms (target < 1000 ms)",
        share(&mut opened, 50),
        share(&mut opened, 100)
    );
    println!(
        "a receipt with its inclusion proof: median {:.3} ms, p99 {:.3} ms (target < 5 ms)",
        share(&mut proved, 50),
        share(&mut proved, 99)
    );
    Ok(())
}

fn share(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// The store's transaction in small: entries made, sealed and written, a head signed; with trees grown, and without.
/// The product has no switch for this, so the same steps are taken here on tables like its own.
fn append() -> Outcome<()> {
    const ROUNDS: usize = 600;
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let mut rates = Vec::new();
        for trees in [Trees::Grown, Trees::Absent] {
            let dir = tempfile::tempdir()?;
            let begun = Instant::now();
            let entries = transactions(&dir.path().join("log.db"), trees, ROUNDS)?;
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            rates.push(entries as f64 / begun.elapsed().as_secs_f64());
        }
        println!("with trees {:.0} entries/s, without {:.0}", rates[0], rates[1]);
        ratios.push(rates[0] / rates[1]);
    }
    println!("ratio, median: {:.2} (target ≥ 0.8)", share(&mut ratios, 50));
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trees {
    Grown,
    Absent,
}

fn transactions(path: &Path, trees: Trees, rounds: usize) -> Outcome<u64> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 4000;
         CREATE TABLE entries (log INTEGER NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL, entry BLOB NOT NULL,
           PRIMARY KEY (log, idx)) WITHOUT ROWID;
         CREATE TABLE tiles (log INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
           PRIMARY KEY (log, level, idx)) WITHOUT ROWID;
         CREATE TABLE heads (log INTEGER PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL);",
    )?;
    let entropy = SystemEntropy::new();
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    let sealer = Sealer::new(&zeroize::Zeroizing::new(seed), entropy.clone());
    let signer = Ed25519NoteSigner::new("broker.example/case".parse()?, ed25519_dalek::SigningKey::from_bytes(&seed))?;
    let mut size = 0;
    for _ in 0..rounds {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let leaves = (0..CLIENTS as u64)
            .map(|n| entry(&connection, &sealer, &entropy, size + n))
            .collect::<Outcome<Vec<Hash>>>()?;
        let tiles = Stored(&connection);
        let root = match trees {
            Trees::Grown => {
                let changed = tlog::append(&tiles, size, &leaves).map_err(|_| "append")?;
                tiles.store(changed)?;
                tlog::root_at(&tiles, size + leaves.len() as u64).map_err(|_| "root")?
            }
            Trees::Absent => leaves[0],
        };
        size += leaves.len() as u64;
        let note = Checkpoint::new(signer.verifier().name(), size, root)?.signed(&signer)?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO heads (log, size, note) VALUES (1, ?1, ?2)")?
            .execute(params![i64::try_from(size)?, note])?;
        connection.execute_batch("COMMIT")?;
    }
    Ok(size)
}

fn entry(connection: &rusqlite::Connection, sealer: &Sealer, entropy: &SystemEntropy, index: u64) -> Outcome<Hash> {
    let salt = || Salt::from_random(amana::model::ambient::random(entropy));
    let event = Happening::OwnerHeaderDenied {
        report: Digest::of(b"report").into(),
        key: amana::model::ids::KeyId::from_bytes([1; 32]),
    };
    let at = amana::model::time::Timestamp::from_seconds(1_800_000_000);
    let shared = Shared { event, at, register_size: Some(10), statement: None }.encode()?;
    let salts = Salts { leaf: salt(), auditor: salt() };
    let full = FullEntry::new(Log::Case, shared, &AuditorPart::default(), &salts)?;
    let row = format!("1/{index}");
    let place = Place { table: "entries", row: &row, column: "entry", version: index };
    let sealed = sealer.seal(place, &full.extra()?)?;
    connection.prepare_cached("INSERT INTO entries (log, idx, at, entry) VALUES (1, ?1, ?2, ?3)")?.execute(params![
        i64::try_from(index)?,
        1_800_000_000_i64,
        sealed
    ])?;
    Ok(full.leaf_hash()?)
}

/// The tiles table, read and written as the store does.
struct Stored<'c>(&'c rusqlite::Connection);

impl Stored<'_> {
    fn store(&self, changed: Vec<(TileId, Vec<Hash>)>) -> Outcome<()> {
        let sql = "INSERT INTO tiles (log, level, idx, hashes) VALUES (1, ?1, ?2, ?3)
                   ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes";
        let mut statement = self.0.prepare_cached(sql)?;
        for (id, hashes) in changed {
            statement.execute(params![id.level, i64::try_from(id.index)?, tlog::encode_tile(&hashes)])?;
        }
        Ok(())
    }
}

impl Tiles for Stored<'_> {
    type Error = &'static str;
    fn tile(&self, id: TileId) -> Result<Vec<Hash>, &'static str> {
        let index = i64::try_from(id.index).map_err(|_| "index")?;
        let read = || {
            let sql = "SELECT hashes FROM tiles WHERE log = 1 AND level = ?1 AND idx = ?2";
            self.0.prepare_cached(sql)?.query_row(params![id.level, index], |row| row.get::<_, Vec<u8>>(0)).optional()
        };
        let bytes = read().map_err(|_: rusqlite::Error| "database")?;
        tlog::decode_tile(&bytes.ok_or("no tile")?).map_err(|_| "form")
    }
}
