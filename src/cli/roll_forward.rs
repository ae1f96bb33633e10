//! `roll-forward`: an older copy of the data goes on from what a mirror kept of the logs.

mod source;

use super::{
    ambient::{SystemClock, SystemEntropy},
    embedded::{self, Places, Settings},
    known::{self, Judge},
    output::{Failure, Out, chain},
    restore::{accept, marker},
};
use crate::{
    audit::Walk,
    broker::{Publishing, Quotas, Rates, Registration, Retention},
    model::limits,
    store::{
        Heads,
        sqlite::{self, Snapshot},
    },
    wire::genesis::SignedGenesis,
};
use clap::Args;
use source::Source;
use std::path::PathBuf;

/// Go on from an older copy of a broker's data and from what a mirror kept of its public logs.
///
/// For when the newest data are lost for good. The mirror gives back the register whole, and of the case log the leaves:
/// what happened in them is lost, withdrawals among it. So no grant given before releases anything any more, institutions
/// have to be admitted anew, and nothing is released and nothing new taken before enough administrators and enough of the
/// council have confirmed it (`amana institution resume`).
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana roll-forward --dir restored --keys /etc/amana/keys --from https://mirror.example/amana"
)]
pub(super) struct Arguments {
    /// Folder of the broker: restored from the newest backup there is.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Folder of the log and storage keys, with the anchor; by default `keys` in the broker's folder.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// A mirror of the broker's `/log`: a folder, or an address (https; http on this machine and to onion addresses).
    #[arg(long, value_name = "FOLDER|URL")]
    from: Source,
    /// A checkpoint as an auditor or a client kept it; may be given several times. The mirror has to reach as far.
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let keys = arguments.keys.clone().unwrap_or_else(|| arguments.dir.join("keys"));
    let places = Places { keys, known: arguments.known.clone(), ..Places::under(&arguments.dir) };
    let (data, genesis) = (places.data.clone(), embedded::read_genesis(&places.genesis)?);
    let storage = embedded::read_seed(&places.keys.join("storage.key"))?;
    let failed = |e: &dyn std::error::Error| Failure::refused(format!("nothing was rolled forward: {}", chain(e)));
    let snapshot = Snapshot::open(&data, &storage, SystemEntropy::new()).map_err(|e| failed(&e))?;
    let ours = snapshot.heads().map_err(|e| failed(&e))?;
    let mut register = held_register(&snapshot, &ours, &genesis)?;
    let ahead = source::read(&arguments.from, &ours, &mut register)?;
    // By the register's end, which the mirror has: the copy may know nothing of the key in force.
    let trust = register.trust().map_err(|e| failed(&e))?;
    let case_until = |register| snapshot.case_until(register);
    let known = known::read(&places.known, &Judge { genesis: &genesis, trust, case_until: &case_until })?;
    drop(snapshot);
    let settings = settings(places);
    let mut opening = embedded::opening_without_known(settings.clone())?;
    opening.anchor.known = known;
    let lost = sqlite::roll_forward(&data, opening, &ahead).map_err(|e| failed(&e))?;
    if marker::path(&data).exists() {
        accept::accept(settings, out)?;
    }
    out.show(
        format!(
            "Rolled forward: register {} entries, case log {} entries, and the trees are those that were published.\n  \
             lost: the bodies of case entries {} to {} ({} of them)\n\nStart the broker. Nothing is released and \
             nothing new taken before administrators and council confirm it (amana institution resume, then approve). Then \
             institutions are admitted anew, and owners give their grants anew.",
            ahead.trees.register.size,
            ahead.trees.case.size,
            lost.from,
            lost.until,
            lost.until - lost.from
        ),
        &serde_json::json!({ "from": lost.from, "until": lost.until }),
    );
    Ok(())
}

/// The register as the copy has it, folded.
fn held_register(snapshot: &Snapshot, ours: &Heads, genesis: &SignedGenesis) -> Result<Walk, Failure> {
    let failed =
        |e: &dyn std::error::Error| Failure::refused(format!("this copy's register does not hold: {}", chain(e)));
    let mut register = Walk::of_part(genesis.clone());
    for index in 0..ours.register.size {
        let text = snapshot.register_entry(index).map_err(|e| failed(&e))?;
        let text = text.ok_or_else(|| Failure::refused(format!("this copy lacks entry {index} of its register")))?;
        register.register(&text, &mut ()).map_err(|e| failed(&e))?;
    }
    Ok(register)
}

fn settings(places: Places) -> Settings {
    Settings {
        places,
        public_url: "http://127.0.0.1".to_owned(),
        registration: Registration::Loopback,
        quotas: Quotas::default(),
        rates: Rates::default(),
        clock: SystemClock::new(),
        batch_operations: limits::BATCH_OPERATIONS,
        publishing: Publishing::default(),
        retention: Retention::default(),
    }
}
