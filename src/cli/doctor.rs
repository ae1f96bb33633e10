//! `doctor`: whether a running broker is ready (`--url`), or whether a data folder holds (`--dir`).

mod anchor;
mod finding;
mod folder;
mod log;
mod payloads;
mod places;
mod running;

pub(super) use finding::{Check, Diagnosis};
pub(super) use folder::{Patient, Thoroughness, examine};

use super::{
    ambient::SystemClock,
    embedded::Places,
    output::{Failure, Out},
};
use crate::model::ambient::Clock as _;
use clap::Args;
use std::path::PathBuf;

/// Check that a running broker is ready, or that a broker's folder holds.
///
/// With --dir: the database, every sealed column, trees and signatures, facts against the log, headers against grants,
/// every payload against its statement, keys, permissions, clock and space. Nothing is changed. A broker may run on the
/// folder; its state of one moment is checked then.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 it holds (warnings allowed), 3 something does not\n\nExamples:\n  \
    amana doctor --url http://127.0.0.1:8080\n  amana doctor --dir /var/lib/amana --keys /etc/amana/keys\n  \
    amana doctor --dir amana --quick --json")]
pub(super) struct Arguments {
    /// Address of the broker on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Folder of a broker: check what it holds.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// Folder of the log and storage keys [default: DIR/keys].
    #[arg(long, value_name = "DIR", requires = "dir")]
    keys: Option<PathBuf>,
    /// Look at the lengths of payloads only; do not read them.
    #[arg(long, requires = "dir")]
    quick: bool,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let Some(dir) = &arguments.dir else { return running::run(&arguments.url, out) };
    let mut places = Places::under(dir);
    if let Some(keys) = &arguments.keys {
        places.keys.clone_from(keys);
    }
    let thoroughness = if arguments.quick { Thoroughness::Quick } else { Thoroughness::Whole };
    let patient = Patient { dir, places: &places, now: SystemClock::new().wall(), thoroughness };
    examine(&patient, out).show(out)
}
