//! `serve`: run a broker. The first start founds it, in builds that can make keys.

mod asking;
mod bounds;
mod keys;
mod publishing;
mod registration;

use super::{
    ambient::SystemClock,
    embedded::{self, Places, Settings},
    output::{Failure, Out},
};
use crate::{
    broker::{Broker, Registration, Retention},
    http::{self, Server},
    model::time::Duration,
    store::anchor::IfMissing,
    wire::genesis::SignedGenesis,
};
use bounds::Bounds;
use clap::Args;
use publishing::Published;
use registration::Chosen;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Run a broker.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana serve\n  amana serve --dir /var/lib/amana --keys /etc/amana/keys \\\n    --listen 127.0.0.1:8080 --public-url https://broker.example \\\n    --registration work --client-address-header X-Forwarded-For"
)]
pub(super) struct Arguments {
    /// Folder of the broker: data, genesis and, unless moved, keys.
    #[arg(long, default_value = "amana", env = "AMANA_DIR")]
    dir: PathBuf,
    /// Folder of the log and storage keys, kept out of backups of the data.
    #[arg(long, env = "AMANA_KEYS")]
    keys: Option<PathBuf>,
    /// Where to listen. TLS is a proxy's work.
    #[arg(long, default_value = "127.0.0.1:8080", env = "AMANA_LISTEN")]
    listen: SocketAddr,
    /// The address clients use; needed when it is not the one listened on.
    #[arg(long, env = "AMANA_PUBLIC_URL")]
    public_url: Option<String>,
    /// Name of a newly founded broker; by default the host of its public address.
    #[arg(long, env = "AMANA_ORIGIN")]
    origin: Option<String>,
    /// Who may register: whoever shows the invitation printed at start (`invitation`), or also whoever does a proof of
    /// work (`work`, or `work:BITS` with 8 to 32 bits; the usual 22 take a phone some seconds). By default anybody when
    /// the broker is reachable on this machine only, else by invitation.
    #[arg(long, value_name = "invitation|work[:BITS]", env = "AMANA_REGISTRATION")]
    registration: Option<Chosen>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    publishing: Published,
    /// Days after which the bodies of log entries that no fact depends on are shredded: denials, counts of denials, owners'
    /// own fetches, disclosures to auditors, cover. Only what an auditor has vouched for; the leaves stand. Without it
    /// they are kept for ever.
    #[arg(long, value_name = "DAYS", env = "AMANA_KEEP_BODIES",
          value_parser = clap::value_parser!(u32).range(i64::from(crate::model::limits::KEEP_BODIES_DAYS)..))]
    keep_bodies: Option<u32>,
    /// Confirm that the clock is right after an interruption.
    #[arg(long)]
    confirm_clock: bool,
    /// Go on from a folder that was restored from a backup. Taken only if the anchor beside the keys knows of nothing
    /// that was committed after the backup: a log that goes on from less forks. Every open grant ends as lost and has to
    /// be given anew.
    #[arg(long)]
    accept_restored: bool,
    /// Go on although the anchor beside the keys is missing or broken: the anchor begins anew where the database ends.
    /// Right only if this is the newest data folder there is. With --accept-restored: only if nothing was answered
    /// after the backup; whoever saw a later log holds evidence of a fork, and may send it, after which only
    /// withdrawals are taken.
    #[arg(long)]
    accept_missing_anchor: bool,
    /// A checkpoint of the register or the case log as an auditor (`checkpoint.case` of a bundle), a mirror or a client
    /// kept it; may be given several times. A log that is shorter, or another one, is not gone on from, whatever else is
    /// accepted.
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("AMANA_LOG").unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    raise_open_files();
    let places = Places {
        keys: arguments.keys.clone().unwrap_or_else(|| arguments.dir.join("keys")),
        missing_anchor: if arguments.accept_missing_anchor {
            IfMissing::TakeTheDatabasesWord
        } else {
            IfMissing::Refuse
        },
        known: arguments.known.clone(),
        ..Places::under(&arguments.dir)
    };
    let public_url = public_url(arguments)?;
    if !places.genesis.exists() {
        found(arguments, &places, &public_url, out)?;
    }
    let registration = registration::registration(arguments, &public_url)?;
    let settings = Settings {
        places,
        public_url: public_url.clone(),
        registration: registration.clone(),
        quotas: arguments.bounds.quotas(),
        rates: arguments.bounds.rates(),
        clock: SystemClock::new(),
        batch_operations: crate::model::limits::BATCH_OPERATIONS,
        publishing: arguments.publishing.publishing()?,
        retention: Retention { keep_bodies: arguments.keep_bodies.map(days) },
    };
    if let Some(witnesses) = &settings.publishing.witnesses {
        asking::before_opening(&settings.places, witnesses, settings.clock.wall(), out)?;
    }
    if arguments.accept_restored {
        super::restore::accept::accept(settings.clone(), out)?;
    }
    let places = settings.places.clone();
    let broker = embedded::open(settings)?;
    announce(arguments, &broker, &places, &registration, out);
    let runtime = embedded::runtime()?;
    let served = runtime.block_on(serve(arguments, broker));
    // Whatever still reads or hashes in the background holds the exit up no longer.
    runtime.shutdown_timeout(std::time::Duration::from_secs(crate::model::limits::BACKGROUND_SECONDS));
    served
}

fn days(days: u32) -> Duration {
    Duration::from_seconds(u64::from(days) * 86_400)
}

/// Sockets and payloads need more descriptors than many systems give at first; what is allowed is taken.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Refused on some systems; then fewer connections fit, and the longest waiting give way sooner.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

async fn serve(arguments: &Arguments, broker: Arc<Broker>) -> Result<(), Failure> {
    if arguments.confirm_clock {
        broker.confirm_clock().await.map_err(|_| Failure::refused("the clock could not be confirmed"))?;
    }
    let server = Server::bind(arguments.listen, broker)
        .await
        .map_err(|e| Failure::refused(format!("{e}. Is another program there? Choose one with --listen")))?;
    server.run(stopped()).await;
    Ok(())
}

/// Ends when the operator says so.
pub(super) async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        drop(interrupt.await);
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

fn public_url(arguments: &Arguments) -> Result<String, Failure> {
    let url = arguments.public_url.clone().unwrap_or_else(|| format!("http://{}", arguments.listen));
    let url = url.trim_end_matches('/').to_owned();
    let parsed = url::Url::parse(&url).map_err(|e| Failure::refused(format!("--public-url {url}: {e}")))?;
    match parsed.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(Failure::refused("--public-url must begin with https:// or http://")),
    }
}

fn announce(arguments: &Arguments, broker: &Broker, places: &Places, registration: &Registration, out: &Out) {
    let public_url = broker.public_url();
    let genesis: &SignedGenesis = broker.genesis();
    let card = genesis.card();
    out.show(
        format!(
            "Amana serves at {public_url}\n\
             {}\n\
             Bootstrap card, to be handed to everybody by another channel than this one:\n  {card}\n\
             {}",
            page(public_url),
            registration::words(registration)
        ),
        &serde_json::json!({ "url": public_url, "card": card.to_string() }),
    );
    keys::tell(places, broker, out);
    let quorum = broker.roster().map_or(0, |row| row.roster.witness_quorum);
    if quorum > 0 && arguments.publishing.asks_nobody() {
        out.note(
            "The roster names witnesses and none is asked: start with --witness NAME=URL for each. Until enough of them \
             cosign, no information of tier 3 or 4 is released and no waiting time ends.",
        );
    }
    if quorum == 0 {
        out.note("This broker has no witness: it could show different people different logs. Every proof says so.");
    }
}

/// Where people without a command line go.
fn page(public_url: &str) -> String {
    match http::page_missing() {
        None => format!("Page for people without a command line: {public_url}/"),
        Some(why) => format!("There is no page for people without a command line: {why}."),
    }
}

#[cfg(feature = "client")]
fn found(arguments: &Arguments, places: &Places, public_url: &str, out: &Out) -> Result<(), Failure> {
    use super::{ambient::SystemEntropy, founding};
    use crate::model::ambient::Clock as _;
    let host = url::Url::parse(public_url).ok().and_then(|u| u.host_str().map(str::to_owned));
    let origin = arguments.origin.clone().or(host).unwrap_or_else(|| "amana.local".to_owned());
    let now = SystemClock::new().wall();
    founding::found_folder(&arguments.dir, &places.keys, &origin, now, &*SystemEntropy::new())
        .map_err(Failure::refused)?;
    let roles = arguments.dir.join("roles");
    out.note(format!(
        "A new broker was founded. The keys of every office lie in {}: hand each file to its holder over a safe channel \
         and delete it here. Until then one person holds all offices, and neither the separation of duties nor \
         \"starting is hard\" holds.",
        roles.display()
    ));
    Ok(())
}

#[cfg(not(feature = "client"))]
fn found(_: &Arguments, places: &Places, _: &str, _: &Out) -> Result<(), Failure> {
    Err(Failure::refused(format!(
        "there is no genesis at {}. This build makes no keys: found the broker elsewhere (`amana genesis`), and bring \
         genesis and keys here",
        places.genesis.display()
    )))
}
