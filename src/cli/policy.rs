//! `policy`: looking at policy bundles, without a broker.

mod check;
mod explain;
mod test;

use super::output::{Failure, Out};
use crate::{model::bundle::Bundle, policy::Engine};
use clap::{Args, Subcommand};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Check, test and explain the rules every release must pass.
#[derive(Subcommand)]
#[command(after_help = "Examples:\n  amana policy check\n  amana policy test policies/\n  amana policy explain")]
pub(super) enum Command {
    /// Load a bundle as a broker would: parse, validate strictly, lint.
    Check(Source),
    /// Run a bundle's golden cases.
    Test(Source),
    /// List every rule in words, or say what a purpose means.
    Explain(explain::Arguments),
}

/// Which bundle.
#[derive(Args)]
#[command(after_help = "Examples:\n  amana policy check\n  amana policy check policies/")]
pub(super) struct Source {
    /// Folder of the bundle; by default the one this program ships with.
    folder: Option<PathBuf>,
}

pub(super) fn run(command: &Command, out: &Out) -> Result<(), Failure> {
    match command {
        Command::Check(source) => check::run(source, out),
        Command::Test(source) => test::run(source, out),
        Command::Explain(arguments) => explain::run(arguments, out),
    }
}

impl Source {
    fn bundle(&self) -> Result<Bundle, Failure> {
        let Some(folder) = &self.folder else { return Ok(Bundle::shipped()) };
        let mut files = BTreeMap::new();
        read(folder, "", &mut files).map_err(|(path, e)| Failure::refused(format!("{}: {e}", path.display())))?;
        Ok(Bundle::of(files))
    }

    fn name(&self) -> String {
        self.folder.as_ref().map_or_else(|| "the shipped bundle".to_owned(), |folder| folder.display().to_string())
    }

    fn engine(&self, bundle: &Bundle) -> Result<Engine, Failure> {
        Engine::load(bundle).map_err(|e| Failure::does_not_hold(format!("{} must not be used: {e}", self.name())))
    }
}

/// Reads a folder's text files by their path with forward slashes.
fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<(), (PathBuf, std::io::Error)> {
    let failed = |e| (folder.to_owned(), e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if files.len() >= MOST_FILES {
            return Err((path, std::io::Error::other("too many files for a policy bundle; is this the right folder?")));
        }
        if path.is_dir() {
            read(&path, &format!("{name}/"), files)?;
        } else {
            let text = fs::read_to_string(&path).map_err(|e| (path, e))?;
            files.insert(name, text);
        }
    }
    Ok(())
}

/// A bundle has a dozen files; a mistyped folder has thousands.
const MOST_FILES: usize = 1000;
