//! `man`: manual pages, from the same definition as `--help`.

use super::output::{Failure, Out};
use clap::Args;
use std::{fs, path::PathBuf};

/// Write the manual pages, one a command.
#[derive(Args)]
#[command(after_help = "Example:\n  amana man --out man/ && man man/amana.1")]
pub(super) struct Arguments {
    /// Folder for the pages; made when it is not there.
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let words = |e: std::io::Error| Failure::refused(format!("{}: {e}", arguments.out.display()));
    fs::create_dir_all(&arguments.out).map_err(words)?;
    clap_mangen::generate_to(super::command(), &arguments.out).map_err(words)?;
    let folder = arguments.out.display();
    out.show(format!("The manual is in {folder}; begin with amana.1"), &serde_json::json!({ "folder": arguments.out }));
    Ok(())
}
