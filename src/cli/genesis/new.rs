//! `genesis new`: a broker's folder, exactly as `serve` makes it on its first start.

use crate::{
    cli::{
        ambient::SystemEntropy,
        card,
        founding::{self, Watchers},
        home,
        output::{Failure, Out},
    },
    model::roster::Roster,
    tlog::{CosignatureVerifier, KeyError},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Make the keys of a new broker and of every office, and the genesis signed by all of them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana genesis new --dir broker --origin broker.example --public-url https://broker.example\n  amana genesis new --dir broker --origin broker.example \\\n    --witness witness.example+… --witness other.example+… --witness-quorum 1"
)]
pub(in crate::cli) struct Arguments {
    /// Folder of the broker; genesis must not be there yet.
    #[arg(long)]
    dir: PathBuf,
    /// Folder of the log and storage keys, kept out of backups of the data; by default DIR/keys.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Name of the broker, for good: a host name, with a path if several brokers share it.
    #[arg(long)]
    origin: String,
    /// Key of a witness that will cosign both logs, as `amana witness show` prints it; may be repeated.
    #[arg(long = "witness", value_name = "NAME+ID+BASE64")]
    witnesses: Vec<String>,
    /// How many of the witnesses have to cosign before a checkpoint counts as witnessed [default: the majority].
    #[arg(long, value_name = "K")]
    witness_quorum: Option<u32>,
    /// The address it will be reached at, for the instructions printed.
    #[arg(long)]
    public_url: Option<String>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let keys = arguments.keys.clone().unwrap_or_else(|| arguments.dir.join("keys"));
    let entropy = SystemEntropy::new();
    let watchers = watchers(arguments)?;
    let new = |keys: &Path| founding::found_watched(&arguments.origin, keys, &watchers, home::now(), &*entropy);
    let founded = founding::founded_in(&arguments.dir, &keys, new).map_err(Failure::refused)?;
    let card = founded.genesis.card();
    let (dir, roles) = (arguments.dir.display(), arguments.dir.join("roles"));
    let url = arguments.public_url.as_deref().unwrap_or("https://…");
    let text = format!(
        "A new broker was founded in {dir}.\n\nBootstrap card:\n  {card}\n\n{qr}\n\nOffices:\n{offices}\n\n\
         What to hand to whom\n  \
         everybody      the card, on paper or as the picture: never by way of the broker itself\n  \
         office holders each file in {roles}, over a safe channel; then delete it here. Until then one person holds\n                 \
         all offices, and neither the separation of duties nor \"starting is hard\" holds\n  \
         the operator   {dir} with genesis.note, and {keys}, kept out of backups of the data\n\n\
         Start it with\n  amana serve --dir {dir} --keys {keys} --public-url {url}",
        qr = card::qr(&card)?,
        offices = card::offices(&Roster::of(founded.genesis.genesis())),
        roles = roles.display(),
        keys = keys.display(),
    );
    out.show(
        text,
        &serde_json::json!({
            "card": card.to_string(), "genesis": arguments.dir.join("genesis.note"), "keys": keys, "roles": roles,
        }),
    );
    Ok(())
}

fn watchers(arguments: &Arguments) -> Result<Watchers, Failure> {
    let read = |text: &String| -> Result<CosignatureVerifier, Failure> {
        text.parse().map_err(|e: KeyError| Failure::refused(format!("--witness {text}: {e}")))
    };
    let witnesses = arguments.witnesses.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Watchers::new(&witnesses, arguments.witness_quorum).map_err(Failure::refused)
}
