//! A broker inside this process: keys from files, a runtime, a listener.

use super::{
    ambient::{SystemClock, SystemEntropy},
    known::{self, Judge},
    on_disk::OnDisk,
    output::{Failure, chain},
    restore::{accept::REFUSED, marker},
};
use crate::{
    broker::{Broker, Parts, Publication, Publishing, Quotas, Rates, Registration, Retention},
    http::Server,
    model::{ambient::Clock, bundle::Bundle, limits},
    store::{
        anchor::{self, IfMissing, Known},
        blob::Blobs,
        faults::Sound,
        sqlite::{Keys, LogSigners, Opening, Snapshot, SqliteStore},
    },
    tlog::{Ed25519NoteSigner, KeyName},
    wire::genesis::SignedGenesis,
};
use ed25519_dalek::SigningKey;
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// Where a broker keeps things.
#[derive(Clone, Debug)]
pub struct Places {
    /// Database and payloads.
    pub data: PathBuf,
    /// Log and storage keys: outside the data folder, never in its backups.
    pub keys: PathBuf,
    /// The signed genesis.
    pub genesis: PathBuf,
    /// What to make of keys without an anchor beside them.
    pub missing_anchor: IfMissing,
    /// Checkpoints that others kept: the logs must go on from each.
    pub known: Vec<PathBuf>,
}

impl Places {
    /// The usual layout under one folder.
    pub fn under(folder: &Path) -> Self {
        Self {
            data: folder.join("data"),
            keys: folder.join("keys"),
            genesis: folder.join("genesis.note"),
            missing_anchor: IfMissing::Refuse,
            known: Vec::new(),
        }
    }

    /// The rollback anchor, beside the keys.
    pub fn anchor(&self) -> PathBuf {
        self.keys.join("anchor")
    }
}

/// How a broker is reached and joined.
#[derive(Clone)]
pub struct Settings {
    /// Where it keeps things.
    pub places: Places,
    /// The address clients use.
    pub public_url: String,
    /// Who may register.
    pub registration: Registration,
    /// What one party may use.
    pub quotas: Quotas,
    /// How often somebody may ask.
    pub rates: Rates,
    /// Its clock; tests bring their own.
    pub clock: Arc<dyn Clock>,
    /// Most operations in one commit.
    pub batch_operations: usize,
    /// When and for whom the logs are published.
    pub publishing: Publishing,
    /// What is not kept for ever.
    pub retention: Retention,
}

/// Builds a broker from its folder.
pub(super) fn open(settings: Settings) -> Result<Arc<Broker>, Failure> {
    let (clock, public_url) = (settings.clock.clone(), settings.public_url.clone());
    let registration = settings.registration.clone();
    let (quotas, rates) = (settings.quotas, settings.rates.clone());
    let (places, publishing) = (settings.places.clone(), settings.publishing.clone());
    let retention = settings.retention;
    let (store, genesis) = open_store(settings)?;
    let blobs = Blobs::open(&places.data).map_err(|e| Failure::from_error(&e))?;
    let (bundle, entropy) = (Bundle::shipped(), SystemEntropy::new());
    let store = Arc::new(store);
    let parts = Parts {
        store,
        blobs,
        genesis,
        bundle,
        clock,
        entropy,
        public_url,
        registration,
        quotas,
        rates,
        publishing,
        retention,
    };
    Broker::new(parts).map_err(|e| Failure::from_error(&e))
}

/// A broker without a listener, for measurements inside one process.
///
/// # Errors
/// In words.
pub fn unlistened(settings: Settings) -> Result<Arc<Broker>, String> {
    open(settings).map_err(|failure| format!("{failure:?}"))
}

/// The store of a broker's folder by itself, for measurements.
///
/// # Errors
/// In words.
pub fn store(settings: Settings) -> Result<SqliteStore, String> {
    open_store(settings).map(|(store, _)| store).map_err(|failure| format!("{failure:?}"))
}

fn open_store(settings: Settings) -> Result<(SqliteStore, SignedGenesis), Failure> {
    let path = marker::path(&settings.places.data);
    match path.try_exists() {
        Ok(false) => open_marked_store(settings),
        // Whatever is in the marker: its being there is enough.
        Ok(true) => Err(Failure::refused(REFUSED)),
        Err(error) => Err(Failure::refused(format!("cannot look at {}: {error}", path.display()))),
    }
}

/// Also of a folder that was restored and nobody has accepted.
pub(super) fn open_marked_store(settings: Settings) -> Result<(SqliteStore, SignedGenesis), Failure> {
    let Settings { places, .. } = &settings;
    if places.missing_anchor == IfMissing::TakeTheDatabasesWord && matches!(anchor::read(&places.anchor()), Ok(None)) {
        let path = places.anchor();
        tracing::warn!(anchor = %path.display(), "the rollback anchor is missing; whether this is the newest log, nobody checks");
    }
    let data = places.data.clone();
    let opening = opening(settings)?;
    let genesis = opening.genesis.clone();
    let store = SqliteStore::open(&data, opening).map_err(|e| Failure::refused(chain(&e)))?;
    Ok((store, genesis))
}

/// What opening a data folder's store needs.
pub(super) fn opening(settings: Settings) -> Result<Opening, Failure> {
    let places = settings.places.clone();
    let mut opening = opening_without_known(settings)?;
    opening.anchor.known = known_by(&places, &opening.genesis)?;
    Ok(opening)
}

/// As [`opening`], before what others kept of the logs is looked at.
pub(super) fn opening_without_known(settings: Settings) -> Result<Opening, Failure> {
    let Settings { places, clock, batch_operations, .. } = settings;
    let genesis = read_genesis(&places.genesis)?;
    let entropy = SystemEntropy::new();
    let keys = read_keys(&places.keys, &genesis)?;
    let anchor = anchor::Place { path: places.anchor(), if_missing: places.missing_anchor, known: Vec::new() };
    Ok(Opening { genesis, keys, anchor, clock, entropy, batch_operations, faults: Arc::new(Sound) })
}

/// What others kept of the logs, by the roster as it lies on the disk.
fn known_by(places: &Places, genesis: &SignedGenesis) -> Result<Vec<Known>, Failure> {
    if places.known.is_empty() {
        return Ok(Vec::new());
    }
    let disk = OnDisk::read(places, genesis)?;
    let case_until = |register| disk.case_until(register);
    known::read(&places.known, &Judge { genesis, trust: disk.trust(), case_until: &case_until })
}

/// The signed genesis.
pub(super) fn read_genesis(path: &Path) -> Result<SignedGenesis, Failure> {
    let note = fs::read_to_string(path)
        .map_err(|e| Failure::refused(format!("cannot read genesis {}: {e}", path.display())))?;
    SignedGenesis::parse(&note).map_err(|e| Failure::from_error(&e))
}

/// The files that may hold a log's key: the one of old, and the one prepared to take its place.
pub(super) fn log_key_files(log: &str) -> [String; 2] {
    [format!("{log}.key"), format!("{log}.next.key")]
}

/// Every key in the folder. Which of them signs is said by the roster in force, once the database is open.
pub(super) fn read_keys(folder: &Path, genesis: &SignedGenesis) -> Result<Keys, Failure> {
    let signers = |log: &str, origin: String| {
        let name: KeyName = origin.parse().map_err(|_| Failure::refused("the origin in genesis is no key name"))?;
        let files = log_key_files(log).map(|file| folder.join(file));
        let there: Vec<&PathBuf> = files.iter().filter(|path| path.exists()).collect();
        // None at all: reading the first says what is missing.
        let there = if there.is_empty() { files.iter().take(1).collect() } else { there };
        let signer = |path: &PathBuf| {
            let key = SigningKey::from_bytes(&*read_seed(path)?);
            Ed25519NoteSigner::new(name.clone(), key).map_err(|e| Failure::from_error(&e))
        };
        there.into_iter().map(signer).collect::<Result<Vec<_>, Failure>>()
    };
    let fixed = genesis.genesis();
    Ok(Keys {
        logs: LogSigners {
            register: signers("register", fixed.register_origin())?,
            case: signers("case", fixed.case_origin())?,
        },
        storage: read_seed(&folder.join("storage.key"))?,
    })
}

/// As [`read_keys`], and that they are those the roster in force names: the database's, or that of genesis while there
/// is none to be read.
pub(super) fn check_keys(places: &Places, genesis: &SignedGenesis) -> Result<(), Failure> {
    let keys = read_keys(&places.keys, genesis)?;
    let stored = Snapshot::open(&places.data, &keys.storage, SystemEntropy::new()).and_then(|found| found.roster());
    let log_keys = stored.map_or_else(|_| genesis.genesis().log_keys.clone(), |row| row.roster.log_keys);
    keys.logs.check(&log_keys).map_err(|e| Failure::from_error(&e))
}

pub(super) fn read_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("key file {}: {what}", path.display()));
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|e| words(&e))?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut()).map_err(|_| words(&"not 64 hexadecimal characters"))?;
    Ok(seed)
}

/// A broker running on a thread of its own; stops when dropped.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    broker: Arc<Broker>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Starts a broker on loopback; its address becomes its public one.
    ///
    /// # Errors
    /// In words.
    pub fn start(places: Places, clock: Option<Arc<dyn Clock>>) -> Result<Self, String> {
        Self::start_with(places, clock, |_| {})
    }

    /// As [`Running::start`], with other settings than the usual ones.
    ///
    /// # Errors
    /// In words.
    pub fn start_with(
        places: Places,
        clock: Option<Arc<dyn Clock>>,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Self, String> {
        Self::begin("127.0.0.1:0", places, clock, change).map_err(|failure| format!("{failure:?}"))
    }

    /// Starts a broker on a given loopback address.
    #[cfg(feature = "client")]
    pub(super) fn start_on(address: &str, places: Places, clock: Option<Arc<dyn Clock>>) -> Result<Self, Failure> {
        let every = Some(limits::PUBLISH_EVERY);
        Self::begin(address, places, clock, |settings| settings.publishing.every = every)
    }

    fn begin(
        address: &str,
        places: Places,
        clock: Option<Arc<dyn Clock>>,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Self, Failure> {
        let socket = TcpListener::bind(address)
            .map_err(|e| Failure::refused(format!("cannot listen on {address}: {e}; choose another with --listen")))?;
        let address = socket.local_addr().map_err(|e| Failure::from_error(&e))?;
        let mut settings = Settings {
            places,
            public_url: format!("http://{address}"),
            registration: Registration::Loopback,
            quotas: Quotas::default(),
            rates: Rates::default(),
            clock: clock.unwrap_or_else(|| SystemClock::new()),
            batch_operations: limits::BATCH_OPERATIONS,
            publishing: Publishing::default(),
            retention: Retention::default(),
        };
        change(&mut settings);
        let broker = open(settings)?;
        let served = broker.clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let Ok(runtime) = runtime() else { return };
            runtime.block_on(async move {
                let Ok(server) = Server::on(socket, served) else { return };
                let _ = ready.send(());
                server
                    .run(async move {
                        drop(stopped.await);
                    })
                    .await;
            });
        });
        started.recv().map_err(|_| Failure::refused("the embedded broker did not start"))?;
        Ok(Self { address, broker, stop: Some(stop), thread: Some(thread) })
    }

    /// Publishes both logs now, as the broker does by itself from time to time.
    ///
    /// # Errors
    /// In words.
    pub fn publish(&self) -> Result<Vec<Publication>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(self.broker.publish()).map_err(|e| format!("{e:?}"))
    }

    /// The broker's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The runtime a broker runs in.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(limits::BLOCKING_THREADS)
        .build()
        .map_err(|e| Failure::refused(format!("cannot start the runtime: {e}")))
}
