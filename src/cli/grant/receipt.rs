//! `grant receipt`: the proof of delivery, checked again before it is handed out. Needs no network.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out, chain},
        words,
    },
    model::{event::Log, ids::GrantId},
    wire::{entry::Happening, genesis::SignedGenesis, receipt},
};
use clap::Args;
use std::{fs::File, io::Write as _, path::PathBuf};

/// Write the proof of delivery of a grant to a file, and check it. Needs no network.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant receipt 3f… --out grant.tlog-proof")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// The file to make, a C2SP tlog-proof.
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let id = arguments.grant;
    let stored = kept.memory().receipts.get(&id.to_string()).ok_or_else(|| {
        Failure::refused(format!("this device has no proof for a grant {id}; it was given from another device"))
    })?;
    let note = kept.memory().genesis.as_ref().ok_or_else(|| Failure::refused("this device knows no broker yet"))?;
    let genesis = SignedGenesis::parse(note).map_err(|e| Failure::from_error(&e))?;
    let trust = genesis.trust().map_err(|e| Failure::from_error(&e))?;
    let proven =
        receipt::verify_statement(&stored.receipt, Log::Case, &trust, &Happening::Accepted, &stored.statement)
            .map_err(|e| Failure::does_not_hold(format!("the proof does NOT hold: {}", chain(&e))))?;
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", arguments.out.display()));
    let mut file = File::create_new(&arguments.out).map_err(words)?;
    file.write_all(stored.receipt.as_bytes()).and_then(|()| file.sync_all()).map_err(words)?;
    out.show(
        format!(
            "{}: proof that the grant stands as entry {} of a log of {} entries, recorded {}.\nChecked against the log's key \
             on your bootstrap card's genesis.{}",
            arguments.out.display(),
            proven.entry.index,
            proven.tree.size,
            words::moment(proven.shared.at),
            unwitnessed(&genesis),
        ),
        &serde_json::json!({
            "grant": id, "file": arguments.out, "index": proven.entry.index, "tree_size": proven.tree.size,
            "at": proven.shared.at, "witnessed": genesis.genesis().witness_quorum > 0,
        }),
    );
    Ok(())
}

fn unwitnessed(genesis: &SignedGenesis) -> &'static str {
    if genesis.genesis().witness_quorum > 0 {
        ""
    } else {
        "\nNo witness has signed it: others may have been shown another log."
    }
}
