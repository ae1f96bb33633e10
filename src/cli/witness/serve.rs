//! `witness serve`: run a witness.

use super::key;
use crate::{
    broker::witness::Witness,
    cli::{
        ambient::SystemClock,
        output::{Failure, Out},
        serve::stopped,
    },
    http::WitnessServer,
    model::limits,
    store::witnessed::{Witnessed, log_id},
    tlog::{KeyError, NoteVerifier},
};
use clap::Args;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// Run a witness.
///
/// It cosigns a checkpoint if a key named here signed it and its tree begins with the one cosigned before. A log that
/// shrinks or forks is refused, and what it signed is kept below DIR/evidence. Nothing is known or kept of who asks.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana witness serve --dir witness --log broker.example/register+… --log broker.example/case+…\n  amana witness serve --dir /var/lib/witness --listen 127.0.0.1:8090 --log …\n\nRequests:\n  POST /add-checkpoint                  what brokers send\n  GET /SHA256(ORIGIN)/checkpoint        the checkpoint cosigned last, for everybody to compare"
)]
pub(in crate::cli) struct Arguments {
    /// Folder of the witness, made by `witness new`.
    #[arg(long)]
    dir: PathBuf,
    /// Where to listen. TLS is a proxy's work.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Key of a log to cosign; may be repeated. Get it over another channel than the broker.
    #[arg(long = "log", value_name = "NAME+ID+BASE64", required = true)]
    logs: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("AMANA_LOG").unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    let read = |text: &String| -> Result<NoteVerifier, Failure> {
        text.parse().map_err(|e: KeyError| Failure::refused(format!("--log {text}: {e}")))
    };
    let logs = arguments.logs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let signer = key::read(&arguments.dir)?;
    let vkey = signer.verifier().to_string();
    let store = Witnessed::open(&arguments.dir).map_err(|e| Failure::from_error(&e))?;
    let origins: Vec<String> = logs.iter().map(|log| log.name().to_string()).collect();
    let witness = Witness::open(store, signer, logs, SystemClock::new()).map_err(|e| Failure::from_error(&e))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(limits::WITNESSING + 1)
        .enable_all()
        .build()
        .map_err(|e| Failure::from_error(&e))?;
    let served = runtime.block_on(async {
        let unusable =
            |e| Failure::refused(format!("cannot listen on {}: {e}. Choose another with --listen", arguments.listen));
        let server = WitnessServer::bind(arguments.listen, Arc::clone(&witness)).await.map_err(unusable)?;
        let address = server.address().map_err(unusable)?;
        announce(out, &vkey, &address, &origins);
        server.run(stopped()).await;
        Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(limits::BACKGROUND_SECONDS));
    served
}

fn announce(out: &Out, vkey: &str, address: &SocketAddr, origins: &[String]) {
    let logs: Vec<String> =
        origins.iter().map(|origin| format!("  {origin}  /{}/checkpoint", log_id(origin))).collect();
    out.show(
        format!("Witness {vkey}\nlistens on http://{address} and cosigns\n{}", logs.join("\n")),
        &serde_json::json!({ "witness": vkey, "url": format!("http://{address}"), "logs": origins }),
    );
}
