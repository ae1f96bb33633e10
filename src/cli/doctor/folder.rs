//! The checks of a broker's folder, in an order in which the first thing broken explains the later ones.

use super::{Check, Diagnosis, anchor, log, payloads, places};
use crate::{
    cli::{
        ambient::SystemEntropy,
        embedded::{self, Places},
        moment::moment,
        output::{Out, chain},
        restore::marker,
    },
    model::{ids::ReportId, report::Report, time::Timestamp},
    store::{
        StoreError,
        sqlite::{Fault, Held, Snapshot, held},
    },
    wire::genesis::SignedGenesis,
};
use std::{fs, path::Path};

/// A folder to be examined.
pub(in crate::cli) struct Patient<'a> {
    /// The broker's folder.
    pub(in crate::cli) dir: &'a Path,
    /// Where in it things are.
    pub(in crate::cli) places: &'a Places,
    /// The wall clock.
    pub(in crate::cli) now: Timestamp,
    /// Whether payloads are read.
    pub(in crate::cli) thoroughness: Thoroughness,
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Thoroughness {
    /// Every byte of every payload.
    Whole,
    /// Their lengths.
    Quick,
}

/// Examines a folder; changes nothing in it.
pub(in crate::cli) fn examine(patient: &Patient<'_>, out: &Out) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    diagnosis.add(holder(&patient.places.data));
    places::permissions(patient, &mut diagnosis);
    let genesis = genesis(&patient.places.genesis, &mut diagnosis);
    if let Some(genesis) = &genesis {
        diagnosis.add(match embedded::check_keys(patient.places, genesis) {
            Ok(()) => Check::ok("keys", "the log keys are those the roster in force names"),
            Err(failure) => Check::broken("keys", failure.words(), OTHER_KEYS),
        });
    }
    let stored = database(patient, genesis.as_ref(), &mut diagnosis);
    if let Some(stored) = stored {
        payloads::check(patient, &stored, out, &mut diagnosis);
    }
    places::space(patient, &mut diagnosis);
    diagnosis
}

const OTHER_KEYS: &str = "bring the keys of this broker to the folder named with --keys. Without them it cannot go on: \
    found a new one, and tell everybody";
const RESTORE: &str = "do not start the broker: it would write on top of the damage. Copy the folder away, look at the \
    disk, and run `amana restore` with the newest backup";

fn holder(data: &Path) -> Check {
    match held(data) {
        Ok(Held::ByNobody) => Check::ok("lock", "no broker has this folder open"),
        Ok(Held::ByABroker) => Check::ok("lock", "a broker runs on it: checked is its state of one moment, read-only"),
        Err(error) => Check::broken("lock", chain(&error), "say with --dir where the broker's folder is"),
    }
}

fn genesis(path: &Path, diagnosis: &mut Diagnosis) -> Option<SignedGenesis> {
    let read = fs::read_to_string(path).map_err(|e| e.to_string());
    match read.and_then(|note| SignedGenesis::parse(&note).map_err(|e| chain(&e))) {
        Ok(genesis) => {
            diagnosis.add(Check::ok("genesis", genesis.card()));
            Some(genesis)
        }
        Err(words) => {
            let found = format!("{}: {words}", path.display());
            diagnosis.add(Check::broken("genesis", found, "it is public: bring a copy from anybody who has one"));
            None
        }
    }
}

/// Everything in the database; tells which reports must have a payload.
fn database(
    patient: &Patient<'_>,
    genesis: Option<&SignedGenesis>,
    diagnosis: &mut Diagnosis,
) -> Option<Vec<(ReportId, Report)>> {
    let data = &patient.places.data;
    // Without the key the file itself can still be looked at.
    let storage = embedded::read_seed(&patient.places.keys.join("storage.key"));
    let opened = Snapshot::open(data, storage.as_ref().unwrap_or(&EMPTY.into()), SystemEntropy::new());
    let snapshot = match opened {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let found = format!("{}: {}", data.join("amana.db").display(), chain(&error));
            diagnosis.add(Check::broken("database", found, RESTORE));
            return None;
        }
    };
    let faults = snapshot.sqlite_faults();
    diagnosis.add(faulty("database", "SQLite finds its file whole", faults, RESTORE));
    if let Err(failure) = storage {
        diagnosis.add(Check::broken("sealed columns", failure.words(), OTHER_KEYS));
        return None;
    }
    let sealed = snapshot.sealed_faults();
    let readable = sealed.as_ref().is_ok_and(Vec::is_empty);
    diagnosis.add(faulty("sealed columns", "every one opens", sealed, SEALED));
    if !readable {
        // What does not open cannot be followed further; the payloads of what does can.
        return snapshot.stored_reports().ok().map(statements);
    }
    diagnosis.add(faulty("trees", "entries, tiles and heads agree", snapshot.tree_faults(), RESTORE));
    if let Some(genesis) = genesis {
        diagnosis.add(log::verify(&snapshot, genesis));
    }
    headers(patient, &snapshot, diagnosis);
    diagnosis.add(anchor::check(patient, &snapshot, genesis));
    if let Ok(last) = snapshot.last_entry_at() {
        diagnosis.add(places::clock(patient.now, last));
    }
    match snapshot.stored_reports() {
        Ok(reports) => Some(statements(reports)),
        Err(error) => {
            diagnosis.add(Check::broken("payloads", chain(&error), RESTORE));
            None
        }
    }
}

/// Stands for a missing storage key where only SQLite's own check is made.
const EMPTY: [u8; 32] = [0; 32];
const SEALED: &str = "either storage.key is not the key of this database: bring the right one; or rows were changed: do \
    not start the broker, copy the folder away, look at the disk, and run `amana restore` with the newest backup";

fn statements(reports: Vec<(ReportId, crate::model::rows::ReportRow)>) -> Vec<(ReportId, Report)> {
    reports.into_iter().map(|(id, row)| (id, row.report)).collect()
}

fn headers(patient: &Patient<'_>, snapshot: &Snapshot, diagnosis: &mut Diagnosis) {
    let restored = marker::read(&patient.places.data).ok().flatten();
    let name = "headers";
    let mut faults = snapshot.header_faults();
    if let (Some(made), Ok(found)) = (&restored, &mut faults) {
        let before = found.len();
        found.retain(|fault| !matches!(fault, Fault::GrantHeaderMissing(_)));
        let lost = before - found.len();
        let found = format!(
            "this folder was restored from a backup of {}, which holds no wrapped header: {lost} open grant(s) will \
             end as lost, and every entry made after the backup is not here",
            moment(made.made_at)
        );
        diagnosis.add(Check::warning("restored", found, "read `amana serve --help` on --accept-restored"));
    }
    diagnosis.add(faulty(name, "exactly those are here that the log says, each with its digest", faults, HEADERS));
}

const HEADERS: &str = "a missing header is nothing a broker can make again: the grant has to be given anew, a report \
    sealed anew. A header that should be destroyed and is here means that rows were put back: do not start the broker, \
    and run `amana restore` with the newest backup";

fn faulty(
    name: &'static str,
    fine: &'static str,
    faults: Result<Vec<Fault>, StoreError>,
    advice: &'static str,
) -> Check {
    match faults {
        Ok(faults) if faults.is_empty() => Check::ok(name, fine),
        Ok(faults) => {
            let found = format!("{} thing(s) do not hold", faults.len());
            Check::broken(name, found, advice).about(faults.iter().map(in_words))
        }
        Err(error) => Check::broken(name, chain(&error), advice),
    }
}

fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::Sqlite(line) => line.clone(),
        Fault::Sealed { table, row } => {
            format!("{table} {row} does not open: it was changed, moved, or sealed otherwise")
        }
        Fault::Tree { log: which, what } => format!("{}: {what}", log::word(*which)),
        Fault::OwnerHeader(report) => format!("report {report}: its owner's header is missing or another one"),
        Fault::GrantHeaderMissing(grant) => format!("grant {grant} is open, and its wrapped header is missing"),
        Fault::GrantHeaderOther(grant) => {
            format!("grant {grant}: the wrapped header is not the one its statement names")
        }
        Fault::HeaderLeft(place) => format!("header {place} is here, and the log says it is not"),
    }
}
