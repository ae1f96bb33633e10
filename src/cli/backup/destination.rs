//! Where a backup goes: a new sealed file, or a pipe into something that seals. Never a terminal or a plain file.

use crate::{
    cli::{
        moment::moment,
        output::{Failure, Out},
    },
    wire::backup::Manifest,
};
use rustix::fs::{FileType, fstat};
use std::io::{self, IsTerminal as _, Write};

#[cfg(feature = "client")]
use crate::{cli::output::chain, client::seal::stream::SealedOutput, model::ids::AgeRecipient};
#[cfg(feature = "client")]
use std::path::PathBuf;

/// Where it goes.
#[derive(clap::Args)]
pub(super) struct Goal {
    /// Seal it to this age recipient, whose identity is kept offline. May be given several times.
    #[cfg(feature = "client")]
    #[arg(long, value_name = "RECIPIENT", requires = "out")]
    to: Vec<AgeRecipient>,
    /// The new file.
    #[cfg(feature = "client")]
    #[arg(long, value_name = "FILE", requires = "to")]
    out: Option<PathBuf>,
}

/// Where a backup goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A sealed file.
    #[cfg(feature = "client")]
    File(PathBuf, Vec<AgeRecipient>),
    /// A pipe.
    Pipe,
}

/// What standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stdout {
    Terminal,
    Pipe,
    Other,
}

impl Destination {
    /// As the command line says.
    pub(super) fn of(arguments: &Goal) -> Result<Self, Failure> {
        #[cfg(feature = "client")]
        if let Some(out) = &arguments.out {
            return Ok(Self::File(out.clone(), arguments.to.clone()));
        }
        #[cfg(not(feature = "client"))]
        let Goal {} = arguments;
        piped(stdout())
    }

    /// Opens it, has it filled, and ends it.
    pub(super) fn fill(&self, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "client")]
            Self::File(path, recipients) => {
                let mut sealed = SealedOutput::create(path, recipients).map_err(|e| Failure::refused(chain(&e)))?;
                write(&mut sealed)?;
                sealed.finish().map_err(|e| Failure::refused(chain(&e)))
            }
            Self::Pipe => write(&mut io::stdout().lock()),
        }
    }

    /// Says what was made; a pipe carries the backup itself, so people are told on standard error.
    pub(super) fn tell(&self, manifest: &Manifest, bytes: u64, out: &Out) {
        let left_out: Vec<String> = manifest.left_out.iter().map(ToString::to_string).collect();
        let mut text = format!(
            "Backed up the state of {}: register {} entries, case log {} entries, {} payloads, {} MiB.\n\
             Not in it: wrapped headers, keys. Keep KEYS in another place; without storage.key this backup is of no use.",
            moment(manifest.made_at),
            manifest.register.size,
            manifest.case.size,
            manifest.payloads.len(),
            bytes >> 20,
        );
        for report in &left_out {
            text.push_str("\nLEFT OUT, damaged or missing: the payload of report ");
            text.push_str(report);
        }
        match self {
            #[cfg(feature = "client")]
            Self::File(path, _) => out.show(
                format!("{text}\n{}", path.display()),
                &serde_json::json!({
                    "file": path, "made_at": manifest.made_at, "register_size": manifest.register.size,
                    "case_size": manifest.case.size, "payloads": manifest.payloads.len(), "left_out": left_out,
                }),
            ),
            Self::Pipe => out.note(text),
        }
    }
}

/// Into a pipe, and nowhere else: what comes out is not encrypted.
fn piped(stdout: Stdout) -> Result<Destination, Failure> {
    let sealed = if cfg!(feature = "client") { "\n  amana backup … --to age1… --out FILE" } else { "" };
    let what = match stdout {
        Stdout::Pipe => return Ok(Destination::Pipe),
        Stdout::Terminal => "a terminal",
        Stdout::Other => "a file",
    };
    Err(Failure::refused(format!(
        "a backup is not written to {what} unencrypted; nothing was made. Write:{sealed}\n  \
         amana backup … | age -r age1… > FILE"
    )))
}

fn stdout() -> Stdout {
    if io::stdout().is_terminal() {
        return Stdout::Terminal;
    }
    match fstat(io::stdout()).map(|found| FileType::from_raw_mode(found.st_mode)) {
        Ok(FileType::Fifo | FileType::Socket) => Stdout::Pipe,
        _ => Stdout::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unencrypted_backup_goes_into_a_pipe_only() {
        assert_eq!(piped(Stdout::Pipe).unwrap(), Destination::Pipe);
        for refused in [Stdout::Terminal, Stdout::Other] {
            let failure = piped(refused).unwrap_err();
            assert!(failure.words().contains("| age -r age1… > FILE"), "{}", failure.words());
        }
    }
}
