//! `grant receipt`: the proof of delivery, checked again before it is handed out. Needs no network.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out, chain},
        words,
    },
    client::mirror::Mirror,
    model::{event::Log, ids::GrantId},
    tlog::LogProof,
    wire::{
        entry::Happening,
        genesis::SignedGenesis,
        receipt::{self, SignedBy},
        trust::Trust,
    },
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
    let mirror = Mirror::remembered(&genesis, &kept.memory().register).map_err(|e| Failure::from_error(&e))?;
    let trust = mirror.trust(&genesis).map_err(|e| Failure::from_error(&e))?;
    let (proven, signed_by) =
        receipt::verify_kept(&stored.receipt, Log::Case, &trust, &Happening::Accepted, &stored.statement)
            .map_err(|e| Failure::does_not_hold(format!("the proof does NOT hold: {}", chain(&e))))?;
    let cosigned = cosigned(&stored.receipt, &trust);
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", arguments.out.display()));
    let mut file = File::create_new(&arguments.out).map_err(words)?;
    file.write_all(stored.receipt.as_bytes()).and_then(|()| file.sync_all()).map_err(words)?;
    out.show(
        format!(
            "{}: proof that the grant stands as entry {} of a log of {} entries, recorded {}.\nChecked against {}.{}",
            arguments.out.display(),
            proven.entry.index,
            proven.tree.size,
            words::moment(proven.shared.at),
            key_of(signed_by),
            match cosigned {
                Cosigned::Enough => "",
                Cosigned::NotItself => {
                    "\nNo quorum of witnesses has signed this proof itself. How much of the log they cosigned since: amana \
                     audit status"
                }
                Cosigned::NoWitnesses => "\nNo witness has signed it: others may have been shown another log.",
            },
        ),
        &serde_json::json!({
            "grant": id, "file": arguments.out, "index": proven.entry.index, "tree_size": proven.tree.size,
            "at": proven.shared.at, "witnessed": cosigned == Cosigned::Enough,
            "key_replaced": signed_by != SignedBy::KeyInForce,
        }),
    );
    Ok(())
}

/// What witnesses say to the checkpoint in a proof.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cosigned {
    Enough,
    NotItself,
    NoWitnesses,
}

fn cosigned(proof: &str, trust: &Trust) -> Cosigned {
    if trust.quorum() == 0 {
        return Cosigned::NoWitnesses;
    }
    let witnessed = LogProof::parse(proof).ok().and_then(|proof| trust.read(Log::Case, proof.checkpoint()).ok());
    let enough = witnessed.is_some_and(|witnessed| witnessed.times.len() >= trust.quorum());
    if enough { Cosigned::Enough } else { Cosigned::NotItself }
}

fn key_of(signed_by: SignedBy) -> String {
    match signed_by {
        SignedBy::KeyInForce => "the log's key, as the register this device has checked names it".to_owned(),
        SignedBy::KeyOfItsTime { register_until } => format!(
            "a key of the log that register entry {register_until} replaced since; it counted when this was recorded"
        ),
    }
}
