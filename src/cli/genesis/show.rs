//! `genesis show`: what a trust root fixes.

use crate::{
    cli::{
        card,
        output::{Failure, Out, chain},
        words,
    },
    model::roster::Roster,
    wire::genesis::{GenesisError, SignedGenesis},
};
use clap::Args;
use std::{fs, path::PathBuf};

/// Check a genesis and show its bootstrap card, QR code and offices.
#[derive(Args)]
#[command(after_help = "Example:\n  amana genesis show broker/genesis.note")]
pub(in crate::cli) struct Arguments {
    /// The signed genesis.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let path = arguments.file.display();
    let note = fs::read_to_string(&arguments.file).map_err(|e| Failure::refused(format!("{path}: {e}")))?;
    let signed = SignedGenesis::parse(&note)
        .map_err(|e| Failure::does_not_hold(format!("{path} does not hold: {}", chain(&e))))?;
    let (genesis, card) = (signed.genesis(), signed.card());
    let broken = |e: GenesisError| Failure::does_not_hold(chain(&e));
    let logs = [signed.register_verifier().map_err(broken)?, signed.case_verifier().map_err(broken)?];
    let logs = logs.map(|log| log.to_string());
    out.show(
        format!(
            "{path}: signed by every key it names.\n\nBootstrap card:\n  {card}\n\n{}\n\nFounded {}\nOffices:\n{}\n\n\
             Keys of the logs, for witnesses:\n  {}\n\n\
             Compare the card with the one you were given by another channel.",
            card::qr(&card)?,
            words::moment(genesis.at),
            card::offices(&Roster::of(genesis)),
            logs.join("\n  "),
        ),
        &serde_json::json!({ "card": card.to_string(), "genesis": genesis, "logs": logs }),
    );
    Ok(())
}
