//! `witness new`: a key that cosigns and nothing else, in a folder of its own.

use super::key;
use crate::{
    cli::{
        ambient::SystemEntropy,
        output::{Failure, Out},
    },
    store::witnessed::Witnessed,
};
use clap::Args;
use std::path::PathBuf;

/// Make a witness's key and folder, and print what brokers name it by.
#[derive(Args)]
#[command(after_help = "Example:\n  amana witness new --dir witness --name witness.example")]
pub(in crate::cli) struct Arguments {
    /// Folder of the witness: its key, and the record of what it cosigned.
    #[arg(long)]
    dir: PathBuf,
    /// Name of the witness, for good: a host name, with a path if several share it.
    #[arg(long)]
    name: String,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let (signer, text) = key::generate(&arguments.name, &*SystemEntropy::new())?;
    Witnessed::create(&arguments.dir, &text).map_err(|e| Failure::from_error(&e))?;
    let (vkey, dir) = (signer.verifier().to_string(), arguments.dir.display());
    out.show(
        format!(
            "A new witness in {dir}. Brokers name it in their genesis by its key:\n  {vkey}\n\n\
             Give the key to the broker's founder (amana genesis new --witness {vkey}).\n\
             Get the keys of the broker's two logs (amana genesis show; compare its card), and start with\n  \
             amana witness serve --dir {dir} --log KEY --log KEY\n\n\
             The folder is the record of what was cosigned. Never put an older copy of it back: a witness that forgot \
             cosigns a fork unnoticed. If it is lost, make a new witness."
        ),
        &serde_json::json!({ "witness": vkey, "dir": arguments.dir }),
    );
    Ok(())
}
