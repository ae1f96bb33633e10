//! `audit replay`: an exported bundle is checked, and every decision in it is made again.

use super::{inputs, json, text};
use crate::{
    audit::{self, AuditError, EntryFault, Replayed, Summary},
    cli::{
        ambient::SystemClock,
        output::{Failure, Out, chain},
    },
    model::{ambient::Clock as _, bundle::Bundle, limits},
    wire::genesis::Card,
};
use clap::Args;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Check an exported bundle, and decide again whatever was decided in it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana audit replay audit/\n  amana audit replay audit/ --card 'broker.example#3f…'"
)]
pub(in crate::cli) struct Arguments {
    /// Folder of the bundle.
    folder: PathBuf,
    /// The bootstrap card; without it the bundle is checked against the genesis it brings along itself.
    #[arg(long)]
    card: Option<Card>,
}

/// Checks a bundle on disk and decides again.
pub(in crate::cli) fn replay_folder(folder: &Path, card: Option<&Card>) -> Result<(Summary, Replayed), Failure> {
    let bundles = policies(&folder.join("policies"))?;
    audit::replay(inputs(folder)?, card, &bundles).map_err(|e| failure(&e))
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let clock = SystemClock::new();
    let (summary, replayed) = replay_folder(&arguments.folder, arguments.card.as_ref())?;
    let took = clock.stopwatch();
    let mut value = json(&summary);
    if let Some(members) = value.as_object_mut() {
        members.insert("replayed".to_owned(), replayed_json(&replayed, took));
    }
    out.show(format!("{}\n{}", words(&replayed, took), text(&summary, arguments.card.as_ref())), &value);
    Ok(())
}

fn words(replayed: &Replayed, took: Duration) -> String {
    format!(
        "Decided again, bit for bit: {} decisions under {} policy bundles in {:.1} s.\n  \
         {:>5}  released\n  {:>5}  release denied\n  {:>5}  owner header fetched",
        replayed.decisions(),
        replayed.bundles.len(),
        took.as_secs_f64(),
        replayed.released,
        replayed.release_denied,
        replayed.owner_header_fetched
    )
}

fn replayed_json(replayed: &Replayed, took: Duration) -> serde_json::Value {
    serde_json::json!({
        "released": replayed.released,
        "release_denied": replayed.release_denied,
        "owner_header_fetched": replayed.owner_header_fetched,
        "bundles": replayed.bundles,
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn failure(error: &AuditError) -> Failure {
    let failure = Failure::does_not_hold(format!("the bundle does NOT hold: {}", chain(error)));
    match error {
        AuditError::Entry { entry, what: EntryFault::Replay(disagreement) } => failure.with(serde_json::json!({
            "log": entry.log,
            "index": entry.index,
            "recorded": disagreement.recorded,
            "derived": disagreement.derived,
        })),
        _ => failure,
    }
}

/// Every bundle below `policies/`; each must have the digest its folder is called by.
fn policies(root: &Path) -> Result<Vec<Bundle>, Failure> {
    let failed = |(path, e): (PathBuf, io::Error)| Failure::refused(format!("{}: {e}", path.display()));
    let named = folder(root).map_err(|e| {
        Failure::refused(format!("{}: {e}\nA bundle without its policies cannot be decided again.", root.display()))
    })?;
    let mut bundles = Vec::new();
    for (name, path) in named {
        let mut reading = Reading { files: BTreeMap::new(), bytes: limits::POLICY_BYTES };
        reading.folder(&path, "").map_err(failed)?;
        let bundle = Bundle::of(reading.files);
        let digest = bundle.digest();
        if digest.to_string() != name {
            let words = format!("the policies in {} have the digest {digest}", path.display());
            return Err(Failure::does_not_hold(format!("the bundle does NOT hold: {words}")));
        }
        bundles.push(bundle);
    }
    Ok(bundles)
}

/// What stands in a folder, by name. A link may lead out of the bundle, so there is none.
fn folder(path: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            return Err(io::Error::other(
                "it holds a symbolic link; policies are read from the bundle's own folder only",
            ));
        }
        if found.len() >= limits::POLICY_FILES {
            return Err(io::Error::other("it holds more than policies may"));
        }
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// One bundle while it is read.
struct Reading {
    files: BTreeMap<String, String>,
    /// Bytes that may still come.
    bytes: u64,
}

impl Reading {
    fn folder(&mut self, path: &Path, prefix: &str) -> Result<(), (PathBuf, io::Error)> {
        for (name, path) in folder(path).map_err(|e| (path.to_owned(), e))? {
            let name = format!("{prefix}{name}");
            if !Bundle::is_path(&name) {
                return Err((path, io::Error::other("no policy file is called so")));
            }
            if path.is_dir() {
                self.folder(&path, &format!("{name}/"))?;
            } else {
                let text = self.file(&path).map_err(|e| (path, e))?;
                self.files.insert(name, text);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let read = fs::File::open(path)?.take(self.bytes + 1).read_to_string(&mut text)? as u64;
        self.bytes =
            self.bytes.checked_sub(read).ok_or_else(|| io::Error::other("it is larger than policies may be"))?;
        if self.files.len() < limits::POLICY_FILES {
            Ok(text)
        } else {
            Err(io::Error::other("it holds more files than policies may"))
        }
    }
}
