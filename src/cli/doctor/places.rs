//! Folders and keys by who may open them, the clock, and free space.

use super::{Check, Diagnosis, Patient};
use crate::{
    cli::moment::moment,
    model::{limits, time::Timestamp},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

pub(super) fn permissions(patient: &Patient<'_>, diagnosis: &mut Diagnosis) {
    let places = patient.places;
    let keys = ["register.key", "case.key", "storage.key", "anchor"].map(|name| places.keys.join(name));
    let private =
        [places.data.clone(), places.keys.clone(), places.data.join("payloads"), patient.dir.join("invitation")];
    // A folder inside a private one may be as open as it likes.
    let closed = places.data.exists() && !is_open(&places.data);
    let open: Vec<PathBuf> = private.into_iter().chain(keys).filter(|path| is_open(path)).collect();
    let open: Vec<_> = open.iter().filter(|path| !(closed && path.starts_with(&places.data))).collect();
    diagnosis.add(if open.is_empty() {
        Check::ok("permissions", "folders and keys are their owner's alone")
    } else {
        let found = "others on this machine may open what is the broker's alone";
        let advice = "chmod 700 the folders and 600 the keys, and think of who may have read them";
        Check::warning("permissions", found, advice).about(open.iter().map(|path| path.display()))
    });
    let inside = match (fs::canonicalize(&places.keys), fs::canonicalize(patient.dir)) {
        (Ok(keys), Ok(dir)) => keys.starts_with(dir),
        _ => places.keys.starts_with(patient.dir),
    };
    if inside {
        let found = format!("{} lies inside the broker's folder", places.keys.display());
        let advice = "whoever copies that folder has the keys with it: move them elsewhere and name them with --keys";
        diagnosis.add(Check::warning("place of the keys", found, advice));
    }
}

/// Missing is no matter here; other checks tell of it.
fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

pub(super) fn clock(now: Timestamp, last: Timestamp) -> Check {
    let name = "clock";
    if now < last {
        let found = format!("this machine's clock is behind the newest entry, made at {}", moment(last));
        let advice = "set the clock right before the broker starts: its time stands still until the clock catches up";
        return Check::warning(name, found, advice);
    }
    Check::ok(name, format!("the newest entry was made at {}", moment(last)))
}

pub(super) fn space(patient: &Patient<'_>, diagnosis: &mut Diagnosis) {
    let Ok(found) = rustix::fs::statvfs(&patient.places.data) else { return };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let words = format!("{} MiB free", free >> 20);
    diagnosis.add(if free < limits::FREE_BYTES {
        let advice = "make room: a full disk refuses everything, withdrawals too";
        Check::warning("space", words, advice)
    } else {
        Check::ok("space", words)
    });
}
