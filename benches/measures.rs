//! The measures of docs/performance.md. `cargo bench` runs all; `cargo bench -- NAME…` some of: rewrap decide inbox anchor
//! log commit seal large. Ratios come from one run, side by side. Sizes: `AMANA_SEAL_MIB` (default 1024),
//! `AMANA_LARGE_MIB` (4096).

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measuring program, run by hand: it reads clocks and stops at the first surprise"
)]

use amana::{
    broker::{Broker, Caller, Connection, Publishing, Quotas, Rates, Registration},
    cli::{
        ambient::SystemClock,
        demo::cast::{Cast, copy},
        embedded::{self, Places, Running, Settings},
    },
    client::{
        granting::Terms,
        identity::to_age,
        report::{ManifestDraft, Plan},
        rewrap, seal,
    },
    model::{
        bucket::Rate,
        bundle::Bundle,
        facts::ReleaseFacts,
        grant::Grant,
        ids::{Digest, GrantId, Jti, Nonce, ReportId},
        party::Holder,
        release::ReleaseRequest,
        report::{ReportKind, Tier},
        request::{AccessRequest, RequestKind},
        time::{Clocks, Duration},
        view::ReleaseView,
    },
    policy::Engine,
    store::{Facts, OwnRecord, Store as _, anchor::Anchor},
    wire::{
        header::Header,
        statement::{self, Claims, Seen},
    },
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Measure = (&'static str, fn() -> Outcome<()>);

fn main() -> Outcome<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if let [mode, rest @ ..] = asked.as_slice()
        && mode == "client-of"
    {
        return large_client(rest);
    }
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let measures: [Measure; 8] = [
        ("rewrap", rewrap_header),
        ("decide", decide),
        ("inbox", inbox),
        ("anchor", anchor),
        ("log", log),
        ("commit", commit),
        ("seal", seal_speed),
        ("large", large),
    ];
    for (name, measure) in measures {
        if wanted(name) {
            println!("\n== {name}");
            measure()?;
        }
    }
    Ok(())
}

fn mib(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A file of pseudo-random bytes, made quickly and the same each time.
fn file_of(path: &Path, mib: u64) -> Outcome<()> {
    let mut block = vec![0_u8; 1 << 20];
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    for chunk in block.chunks_mut(8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        chunk.copy_from_slice(&x.to_le_bytes()[..chunk.len()]);
    }
    let mut file = fs::File::create(path)?;
    for n in 0..mib {
        block[..8].copy_from_slice(&n.to_le_bytes());
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(())
}

fn rewrap_header() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let cast = Cast::found(dir.path())?;
    for (name, kib) in [("1 KiB", 1_u64), ("256 MiB", 256 << 10)] {
        let source = dir.path().join(format!("source-{kib}"));
        fs::write(&source, vec![7; usize::try_from(kib << 10)?])?;
        let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {})?;
        let out = dir.path().join(format!("sealed-{kib}.age"));
        let recovery = cast.recovery.public_keys().recipient;
        let sealed = seal::seal(&plan, cast.advocate.age_identity(), &recovery, &out, &mut |_| {})?;
        let header = Header::parse_exact(&sealed.owner_header)?;
        let recipient = to_age(&cast.unit.recipient())?;
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..2000 {
            let begun = Instant::now();
            let wrapped = rewrap::rewrap(&header, cast.advocate.age_identity(), &[&recipient])?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            bytes = wrapped.as_bytes().len();
        }
        println!("re-wrap of a {name} report: median {:.3} ms, header {bytes} bytes (target ≤ 0.2 ms)", median(times));
    }
    Ok(())
}

/// A founded, established broker with one report of 4 KiB; the broker is stopped again.
struct Set {
    dir: tempfile::TempDir,
    cast: Cast,
    terms: Terms,
    /// A grant of each report, and its header.
    prepared: Vec<(Grant, Vec<u8>)>,
    seen: Seen,
}

fn set() -> Outcome<Set> {
    set_of(1)
}

/// With so many reports: only so many grants of one report run at once.
fn set_of(reports: usize) -> Outcome<Set> {
    let dir = tempfile::tempdir()?;
    let mut cast = Cast::found(dir.path())?;
    let running = Running::start(Places::under(&dir.path().join("broker")), None)?;
    let url = running.url();
    cast.establish(&url)?;
    cast.enrol_advocate(&url)?;
    let source = dir.path().join("note.bin");
    fs::write(&source, vec![5; 4096])?;
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {})?;
    let advocate = copy(&cast.advocate);
    let mut prepared = Vec::new();
    for number in 0..reports {
        let sealed_at = dir.path().join(format!("sealed-{number}.age"));
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
    let terms = cast.terms(&url, prepared[0].0.report)?;
    let seen = cast.at_desk(&advocate, &url, |desk| Ok(desk.seen()))?;
    drop(running);
    Ok(Set { dir, cast, terms, prepared, seen })
}

fn settings(set: &Set, batch_operations: usize) -> Settings {
    Settings {
        places: Places::under(&set.dir.path().join("broker")),
        public_url: "http://127.0.0.1:1".to_owned(),
        registration: Registration::Loopback,
        // What is measured is how fast it goes, not how it is held back.
        quotas: Quotas { entries: Rate { per_hour: u32::MAX, burst: u32::MAX }, ..Quotas::default() },
        rates: Rates::default(),
        clock: SystemClock::new(),
        batch_operations,
        publishing: Publishing::default(),
        retention: amana::broker::Retention::default(),
    }
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
}

/// Signs and gives grants, 64 at a time; returns the signed request for one release of each.
async fn grants(set: &Set, broker: &Arc<Broker>, count: usize) -> Outcome<Vec<(GrantId, String)>> {
    let caller =
        Caller { key: set.cast.advocate.key_id(), party: set.cast.advocate.party_id(), holder: Holder::Advocate {} };
    let mut requests = Vec::with_capacity(count);
    for number in 0..count.div_ceil(64) {
        let mut round = tokio::task::JoinSet::new();
        let (template, header) = &set.prepared[number % set.prepared.len()];
        for _ in 0..64 {
            let text = set.sign(&set.cast.advocate, None, template.clone())?;
            let (broker, caller, header) = (broker.clone(), caller.clone(), header.clone());
            round.spawn(async move { broker.give_grant(&text, Some(header), &caller).await.map(|a| a.id) });
        }
        while let Some(given) = round.join_next().await {
            let id = given?.map_err(|e| format!("{e:?}"))?;
            let grant = GrantId::from(id);
            let nonce = Nonce::from_bytes(amana::model::ambient::random(&*set.cast.entropy()));
            let purpose = set.terms.purposes[0].clone();
            let body = ReleaseRequest { grant, purpose, nonce, conditions_noted: grant };
            requests.push((grant, set.sign(&set.cast.officer, Some(id), body)?));
        }
    }
    Ok(requests)
}

fn commit() -> Outcome<()> {
    const CLIENTS: usize = 64;
    let set = set_of(20)?;
    let officer = Caller {
        key: set.cast.officer.key_id(),
        party: set.cast.officer.party_id(),
        holder: Holder::Officer(amana::model::institution::OfficerAppointment {
            institution: set.cast.institution.party_id(),
            signing_key: set.cast.officer.public_key(),
            unit: "evidence unit".parse()?,
            until: set.cast.now().plus(Duration::from_days(1)),
        }),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rates = Vec::new();
    for (name, batch, count) in [("one transaction each", 1, 640), ("group commit", 1024, 6400)] {
        let broker = embedded::unlistened(settings(&set, batch))?;
        let rate = runtime.block_on(async {
            let requests = grants(&set, &broker, count).await?;
            let total = requests.len();
            let mut shares: Vec<Vec<(GrantId, String)>> = vec![Vec::new(); CLIENTS];
            for (n, request) in requests.into_iter().enumerate() {
                shares[n % CLIENTS].push(request);
            }
            let begun = Instant::now();
            let mut clients = tokio::task::JoinSet::new();
            for share in shares {
                let (broker, officer) = (broker.clone(), officer.clone());
                clients.spawn(async move {
                    for (grant, request) in share {
                        let released = broker.release(grant, &request, &officer, &Connection::default()).await;
                        released.map_err(|e| format!("{e:?}"))?;
                    }
                    Ok::<(), String>(())
                });
            }
            while let Some(done) = clients.join_next().await {
                done??;
            }
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            Ok::<f64, Box<dyn std::error::Error>>(total as f64 / begun.elapsed().as_secs_f64())
        })?;
        println!("{name}: {rate:.0} releases/s, {CLIENTS} clients");
        rates.push(rate);
        drop(broker);
    }
    println!("ratio {:.1} (target ≥ 20)", rates[1] / rates[0]);
    Ok(())
}

/// The durable log by itself: 64 clients append small entries.
fn log() -> Outcome<()> {
    use amana::store::{OwnRecord, Store as _};
    const CLIENTS: usize = 64;
    let set = set()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rates = Vec::new();
    for (name, batch, each) in [("one transaction each", 1, 20), ("group commit", 1024, 400)] {
        let store = Arc::new(embedded::store(settings(&set, batch))?);
        let (report, key) = (set.prepared[0].0.report, set.cast.advocate.key_id());
        let rate = runtime.block_on(async {
            let begun = Instant::now();
            let mut clients = tokio::task::JoinSet::new();
            for _ in 0..CLIENTS {
                let store = store.clone();
                clients.spawn(async move {
                    for _ in 0..each {
                        store.record(OwnRecord::OwnerHeaderDenied(report, key)).await.map_err(|e| e.to_string())?;
                    }
                    Ok::<(), String>(())
                });
            }
            while let Some(done) = clients.join_next().await {
                done??;
            }
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            Ok::<f64, Box<dyn std::error::Error>>((CLIENTS * each) as f64 / begun.elapsed().as_secs_f64())
        })?;
        println!("{name}: {rate:.0} entries/s, {CLIENTS} clients");
        rates.push(rate);
    }
    println!("ratio {:.1} (target ≥ 20)", rates[1] / rates[0]);
    Ok(())
}

/// What the rollback anchor costs a commit that is alone.
fn anchor() -> Outcome<()> {
    let set = set()?;
    let store = embedded::store(settings(&set, 1024))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let heads = store.heads()?;
    let mut anchor = Anchor::make(&set.dir.path().join("anchor"), set.cast.founded.genesis.digest(), heads)?;
    let (mut commits, mut kept) = (Vec::new(), Vec::new());
    for n in 0..2000 {
        let begun = Instant::now();
        runtime.block_on(store.record(OwnRecord::ClockConfirmed))?;
        commits.push(begun.elapsed().as_secs_f64() * 1000.0);
        let mut next = heads;
        next.case.size += n;
        let begun = Instant::now();
        anchor.keep(next)?;
        kept.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    println!("a commit of one entry: median {:.3} ms; the anchor in it: {:.3} ms", median(commits), median(kept));
    Ok(())
}

fn decide() -> Outcome<()> {
    let set = set()?;
    let engine = Engine::load(&Bundle::shipped())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let broker = embedded::unlistened(settings(&set, 1024))?;
    let requests = runtime.block_on(grants(&set, &broker, 1))?;
    drop(broker);
    let store = embedded::store(settings(&set, 1024))?;
    let request = statement::Unverified::parse(&requests[0].1)?;
    let amana::model::statement::Body::ReleaseRequest(body) = request.into_unverified_body() else { return Ok(()) };
    let now = set.cast.now();
    let clocks = Clocks { not_passed: now, passed: now };
    let (mut times, mut loads, mut twice) = (Vec::new(), Vec::new(), Vec::new());
    let consented = Engine::load(&Bundle::shipped())?;
    for _ in 0..2000 {
        let begun = Instant::now();
        let view = ReleaseView::load(&Facts(&store), body.grant, set.cast.officer.key_id())?.ok_or("no view")?;
        loads.push(begun.elapsed().as_secs_f64() * 1000.0);
        let facts = ReleaseFacts::of(view, body.clone(), clocks);
        let begun = Instant::now();
        assert!(consented.rejudge_release(&facts).is_empty());
        let first = begun.elapsed().as_secs_f64() * 1000.0;
        let begun = Instant::now();
        let permit = engine.decide_release(facts);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        twice.push(first + times[times.len() - 1]);
        drop(permit.map_err(|denied| format!("{:?}", denied.reasons))?);
    }
    println!(
        "facts to decision: median {:.3} ms; under two bundles, the one consented under and today's: {:.3} ms (target < \
         0.5 ms); rows to view: median {:.3} ms",
        median(times),
        median(twice),
        median(loads)
    );
    Ok(())
}

/// The first page of an inbox with many open requests.
fn inbox() -> Outcome<()> {
    const OPEN: usize = 10_000;
    let set = set()?;
    let broker = embedded::unlistened(settings(&set, 1024))?;
    let officer = Caller {
        key: set.cast.officer.key_id(),
        party: set.cast.officer.party_id(),
        holder: Holder::Officer(amana::model::institution::OfficerAppointment {
            institution: set.cast.institution.party_id(),
            signing_key: set.cast.officer.public_key(),
            unit: "evidence unit".parse()?,
            until: set.cast.now().plus(Duration::from_days(1)),
        }),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        for round in 0..OPEN.div_ceil(100) {
            let mut asking = tokio::task::JoinSet::new();
            for n in 0..100 {
                let body = AccessRequest {
                    kind: RequestKind::Access,
                    report: set.terms.report,
                    grant: None,
                    purposes: set.terms.purposes.clone(),
                    legal_basis: "resolution 1/1".parse()?,
                    deadline: set.cast.now().plus(Duration::from_seconds(86_400 + (round * 7919 + n) as u64)),
                    keep_until: None,
                    sealed_message: None,
                };
                let text = set.sign(&set.cast.officer, None, body)?;
                let (broker, officer) = (broker.clone(), officer.clone());
                asking
                    .spawn(async move { broker.submit(&text, &officer).await.map(drop).map_err(|e| format!("{e:?}")) });
            }
            for asked in asking.join_all().await {
                asked?;
            }
        }
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    let owner =
        Caller { key: set.cast.advocate.key_id(), party: set.cast.advocate.party_id(), holder: Holder::Advocate {} };
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        let page = broker.inbox(&owner, None).map_err(|e| format!("{e:?}"))?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(page.next.is_some() && page.items.windows(2).all(|two| two[0].by <= two[1].by));
    }
    println!("first page of an inbox with {OPEN} open requests: median {:.2} ms (target < 50 ms)", median(times));
    Ok(())
}

fn seal_speed() -> Outcome<()> {
    let size = mib("AMANA_SEAL_MIB", 1024);
    let dir = tempfile::tempdir()?;
    let cast = Cast::found(dir.path())?;
    let source = dir.path().join("footage.bin");
    file_of(&source, size)?;
    let rage = std::env::var("AMANA_RAGE").unwrap_or_else(|_| "rage".to_owned());
    let recovery = cast.recovery.public_keys().recipient;
    let recipient = cast.advocate.recipient();
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let (ours, theirs) = (dir.path().join("ours.age"), dir.path().join("theirs.age"));
        let begun = Instant::now();
        let plan = Plan::of(std::slice::from_ref(&source), ManifestDraft::default(), &mut |_| {})?;
        seal::seal(&plan, cast.advocate.age_identity(), &recovery, &ours, &mut |_| {})?;
        let own = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let status =
            Command::new(&rage).args(["-e", "-r", recipient.as_str(), "-o"]).arg(&theirs).arg(&source).status();
        let Ok(status) = status else {
            println!("seal {size} MiB: {own:.2} s; rage is not installed (set AMANA_RAGE)");
            return Ok(());
        };
        let hashed = Command::new("sha256sum").arg(&theirs).output()?;
        let stock = begun.elapsed().as_secs_f64();
        assert!(status.success() && hashed.status.success());
        println!("seal {size} MiB: ours {own:.2} s, rage -e and sha256sum {stock:.2} s");
        ratios.push(own / stock);
        fs::remove_file(&ours)?;
        fs::remove_file(&theirs)?;
    }
    println!("ratio, median: {:.2} (target ≤ 1)", median(ratios));
    Ok(())
}

/// Peak resident memory of client and broker, each a process of its own.
fn large() -> Outcome<()> {
    let size = mib("AMANA_LARGE_MIB", 4096);
    let dir = tempfile::tempdir()?;
    let source = dir.path().join("footage.bin");
    file_of(&source, size)?;
    let program = std::env::var("AMANA_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_amana").to_owned());
    let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    drop(socket);
    let folder = dir.path().join("broker-of-cast");
    let me = std::env::current_exe()?;
    let founded = Command::new(&me).args(["client-of", "found"]).arg(&folder).status()?;
    assert!(founded.success());
    let mut broker = Command::new(program)
        .args(["serve", "--listen", &address.to_string(), "--dir"])
        .arg(folder.join("broker"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let url = format!("http://{address}");
    let client = Command::new(&me).args(["client-of", "story", &url]).args([&folder, &source]).status();
    let peak = peak_kib(broker.id());
    broker.kill()?;
    broker.wait()?;
    assert!(client?.success());
    println!("{size} MiB report: broker peak {} MiB (target < 64 MiB)", peak? / 1024);
    Ok(())
}

fn peak_kib(process: u32) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// The client's side of `large`, in a process of its own.
fn large_client(arguments: &[String]) -> Outcome<()> {
    match arguments {
        [what, folder] if what == "found" => {
            fs::create_dir_all(folder)?;
            let cast = Cast::found(Path::new(folder))?;
            for (name, who) in cast_files(&cast) {
                who.write_plain(&Path::new(folder).join(name))?;
            }
            Ok(())
        }
        [what, url, folder, source] if what == "story" => large_story(url, Path::new(folder), Path::new(source)),
        _ => Err("client-of found FOLDER | client-of story URL FOLDER FILE".into()),
    }
}

fn cast_files(cast: &Cast) -> Vec<(&'static str, &amana::client::identity::Identity)> {
    vec![
        ("administrator-1", &cast.founded.administrators[0]),
        ("administrator-2", &cast.founded.administrators[1]),
        ("accreditor", &cast.founded.accreditors[0]),
    ]
}

fn large_story(url: &str, folder: &Path, source: &Path) -> Outcome<()> {
    let genesis = fs::read_to_string(folder.join("broker/genesis.note"))?;
    let genesis = amana::wire::genesis::SignedGenesis::parse(&genesis)?;
    let read = |name: &str| -> Outcome<_> { Ok(amana::client::identity::read_plain(&fs::read(folder.join(name))?)?) };
    let mut cast =
        Cast::returning(genesis, vec![read("administrator-1")?, read("administrator-2")?], vec![read("accreditor")?])?;
    for _ in 0..200 {
        if cast.enrol_advocate(url).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    cast.establish(url)?;
    let advocate = copy(&cast.advocate);
    let officer = copy(&cast.officer);
    let sealed_at: PathBuf = folder.join("sealed.age");
    let timed = |name: &str, begun: Instant| println!("  {name}: {:.1} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let plan = Plan::of(&[source.to_owned()], ManifestDraft::default(), &mut |_| {})?;
    let sealed = cast.at_desk(&advocate, url, |desk| {
        let tier = Tier::try_from(2).map_err(amana::client::desk::DeskError::refused)?;
        desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})
    })?;
    timed("seal", begun);
    let begun = Instant::now();
    let report = cast.at_desk(&advocate, url, |desk| {
        let report = ReportId::from(desk.declare(sealed)?.id);
        desk.upload(report, &sealed_at, &mut |_| {})?;
        Ok(report)
    })?;
    timed("upload", begun);
    fs::remove_file(&sealed_at)?;
    let terms = cast.terms(url, report)?;
    let grant = cast.grant(url, &terms)?;
    let begun = Instant::now();
    let age = folder.join("report.age");
    let collected = cast.at_desk(&officer, url, |desk| {
        let released = desk.request_release(grant, &terms.purposes[0])?;
        desk.collect(&released, &age, &mut |_| {})
    })?;
    timed("release", begun);
    let begun = Instant::now();
    amana::client::fetched::open_collected(&collected, &age, &cast.unit, &folder.join("opened"), &mut |_| {})?;
    timed("open", begun);
    println!("  client peak {} MiB (target < 64 MiB)", peak_kib(std::process::id())? / 1024);
    Ok(())
}
