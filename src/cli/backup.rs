//! `backup`: one moment of a broker's folder as one file, sealed to a key that is kept offline.

mod destination;
mod workspace;

use super::{
    ambient::{SystemClock, SystemEntropy},
    embedded::{self, Places},
    output::{Failure, Out, chain},
    progress::Progress,
};
use crate::{
    model::{ambient::Clock as _, ids::ReportId},
    store::{
        backup::{BackupError, Source, pack, whole},
        sqlite::Snapshot,
    },
    wire::{
        backup::{Content, FORMAT, Manifest, Payload},
        genesis::SignedGenesis,
    },
};
use clap::Args;
use destination::Destination;
use std::{fs, io, path::PathBuf};
use workspace::Workspace;

/// Back up a broker's folder, also while the broker runs on it.
///
/// Holds genesis, database and payloads of one moment; every payload is checked against its statement on the way. Never
/// in it: wrapped headers, so that what was withdrawn stays withdrawn, and keys. Keep KEYS apart, in another place.
#[derive(Args)]
#[cfg_attr(
    feature = "client",
    command(after_help = "Examples:\n  amana backup --dir /var/lib/amana --keys /etc/amana/keys \\\n    \
        --to age1… --out /mnt/backup/amana-2031-05-01.age\n  amana backup --dir amana | age -r age1… > backup.age")
)]
#[cfg_attr(
    not(feature = "client"),
    command(after_help = "This build cannot encrypt: it writes into a pipe, and nowhere else.\n\nExample:\n  \
        amana backup --dir /data --keys /keys | age -r age1… > backup.age")
)]
pub(super) struct Arguments {
    /// Folder of the broker.
    #[arg(long, default_value = "amana", env = "AMANA_DIR")]
    dir: PathBuf,
    /// Folder of the log and storage keys: read, never copied [default: DIR/keys].
    #[arg(long, env = "AMANA_KEYS")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    destination: destination::Goal,
    /// Folder for a copy of the database while the backup is made, sealed as the database is [default: DIR].
    #[arg(long, value_name = "DIR")]
    tmp: Option<PathBuf>,
    /// Leave damaged and missing payloads out and list them, instead of making no backup.
    #[arg(long)]
    skip_damaged: bool,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let destination = Destination::of(&arguments.destination)?;
    let mut places = Places::under(&arguments.dir);
    if let Some(keys) = &arguments.keys {
        places.keys.clone_from(keys);
    }
    let workspace = Workspace::make(arguments.tmp.as_deref().unwrap_or(&arguments.dir))?;
    let (manifest, genesis) = prepare(&places, &workspace, arguments.skip_damaged, out)?;
    let total =
        manifest.payloads.iter().map(|payload| payload.bytes).fold(manifest.database.bytes, u64::saturating_add);
    let source = Source {
        manifest: &manifest,
        genesis: genesis.note(),
        database: &workspace.database(),
        payloads: &places.data.join("payloads"),
    };
    let progress = Progress::begin("backing up", total, out);
    destination.fill(|to| pack(to, &source, &mut |bytes| progress.add(bytes)).map(drop).map_err(|e| failed(&e)))?;
    drop(progress);
    destination.tell(&manifest, total, out);
    Ok(())
}

/// Takes the snapshot: a copy of the database, and the list of payloads that belong to it.
fn prepare(
    places: &Places,
    workspace: &Workspace,
    skip_damaged: bool,
    out: &Out,
) -> Result<(Manifest, SignedGenesis), Failure> {
    let genesis = embedded::read_genesis(&places.genesis)?;
    let storage = embedded::read_seed(&places.keys.join("storage.key"))?;
    let store = |e| Failure::refused(chain(&e));
    let snapshot = Snapshot::open(&places.data, &storage, SystemEntropy::new()).map_err(store)?;
    let made_at = SystemClock::new().wall();
    let heads = snapshot.heads().map_err(store)?;
    let stored = snapshot.stored_reports().map_err(store)?;
    snapshot.copy_to(&workspace.database()).map_err(store)?;
    // From here on the broker may empty its write-ahead log again; payloads do not change once they are stored.
    drop(snapshot);
    let payload = |(report, row): (ReportId, crate::model::rows::ReportRow)| Payload {
        report,
        bytes: row.report.payload_bytes,
        sha256: row.report.payload_sha256,
    };
    let mut payloads: Vec<Payload> = stored.into_iter().map(payload).collect();
    let left_out = if skip_damaged { leave_out(places, &mut payloads, out) } else { Vec::new() };
    let database = Content::of_file(&workspace.database()).map_err(store)?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        made_at,
        genesis: genesis.digest(),
        register: heads.register,
        case: heads.case,
        database,
        payloads,
        left_out,
    };
    Ok((manifest, genesis))
}

/// Reads every payload once before: the list of what is in a backup comes first in it.
fn leave_out(places: &Places, payloads: &mut Vec<Payload>, out: &Out) -> Vec<ReportId> {
    let folder = places.data.join("payloads");
    let total = payloads.iter().map(|payload| payload.bytes).fold(0, u64::saturating_add);
    let progress = Progress::begin("checking payloads", total, out);
    let mut left_out = Vec::new();
    payloads.retain(|payload| {
        let holds = whole(&folder, payload, &mut |bytes| progress.add(bytes));
        if !holds {
            left_out.push(payload.report);
        }
        holds
    });
    left_out
}

fn failed(error: &BackupError) -> Failure {
    let words = chain(error);
    match error {
        BackupError::Damaged(_) => Failure::does_not_hold(format!(
            "{words}; no backup was made. Run `amana doctor --dir DIR`; to back up everything else: --skip-damaged"
        )),
        BackupError::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
            Failure::refused("the program at the other end of the pipe has gone; there is no backup")
        }
        _ => Failure::refused(words),
    }
}

/// Removes a folder of ours; what is not there is removed.
fn remove(folder: &std::path::Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
