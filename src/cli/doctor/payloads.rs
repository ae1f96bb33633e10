//! Payloads against their statements, and what else lies beside them.

use super::{Check, Diagnosis, Patient, Thoroughness};
use crate::{
    cli::{output::Out, output::chain, progress::Progress},
    model::{ids::ReportId, limits, report::Report},
    store::blob::{
        listing::{Listing, list},
        payload::{Verdict, Verifying},
    },
};
use std::path::Path;

pub(super) fn check(patient: &Patient<'_>, stored: &[(ReportId, Report)], out: &Out, diagnosis: &mut Diagnosis) {
    let listing = match list(&patient.places.data) {
        Ok(listing) => listing,
        Err(error) => return diagnosis.add(Check::broken("payloads", chain(&error), DAMAGED)),
    };
    let folder = patient.places.data.join("payloads");
    let faults = faults(&folder, stored, &listing, patient.thoroughness, out);
    diagnosis.add(if faults.is_empty() {
        let how = match patient.thoroughness {
            Thoroughness::Whole => "length and SHA-256 of its statement",
            Thoroughness::Quick => "the length of its statement; they were not read (--quick)",
        };
        Check::ok("payloads", format!("each of {} stored reports has its payload with {how}", stored.len()))
    } else {
        let found = format!("{} of {} stored reports are not whole", faults.len(), stored.len());
        Check::broken("payloads", found, DAMAGED).about(faults.into_iter().take(limits::FAULTS))
    });
    beside(stored, &listing, diagnosis);
}

const DAMAGED: &str = "look at the disk. Put the payload from a backup into data/payloads under the report's id, remove \
    NAME.damaged and NAME.sums, and run this again; the broker may run meanwhile, it serves nothing of a damaged payload. \
    Without a backup only the report's owner has it: their sealed file holds the same bytes";

fn faults(
    folder: &Path,
    stored: &[(ReportId, Report)],
    listing: &Listing,
    thoroughness: Thoroughness,
    out: &Out,
) -> Vec<String> {
    let total = stored.iter().map(|(_, report)| report.payload_bytes).fold(0_u64, u64::saturating_add);
    let progress = Progress::begin("reading payloads", total, out);
    let mut faults = Vec::new();
    for (id, report) in stored {
        let expected = report.payload_bytes;
        let fault = match listing.payloads.get(id) {
            None if listing.damaged.contains(id) => {
                Some("the broker found it damaged and moved it aside (NAME.damaged)".to_owned())
            }
            None => Some("its payload is missing".to_owned()),
            Some(bytes) if *bytes != expected => Some(format!("its payload has {bytes} of {expected} bytes")),
            Some(_) if thoroughness == Thoroughness::Quick => None,
            Some(_) => read(&folder.join(id.to_string()), report, &progress),
        };
        faults.extend(fault.map(|fault| format!("report {id}: {fault}")));
    }
    faults
}

fn read(path: &Path, report: &Report, progress: &Progress) -> Option<String> {
    let read = || -> std::io::Result<Verdict> {
        let mut verifying = Verifying::begin(path, report)?;
        loop {
            match verifying.step(limits::SCRUB_STEP_BYTES)? {
                0 => return verifying.verdict(),
                bytes => progress.add(bytes),
            }
        }
    };
    match read() {
        Ok(Verdict::Holds(_)) => None,
        // Only `settle` looks whether the file was replaced meanwhile.
        Ok(Verdict::Damaged | Verdict::Replaced) => {
            Some("its payload has another SHA-256: bytes of it were changed".to_owned())
        }
        Err(error) => Some(format!("its payload cannot be read: {error}")),
    }
}

/// What belongs to no stored report: information, for it harms nobody and may be an upload that waits.
fn beside(stored: &[(ReportId, Report)], listing: &Listing, diagnosis: &mut Diagnosis) {
    let known: std::collections::BTreeSet<_> = stored.iter().map(|(id, _)| *id).collect();
    let orphans: Vec<_> = listing.payloads.iter().filter(|(id, _)| !known.contains(id)).collect();
    let bytes: u64 = orphans.iter().map(|(_, bytes)| **bytes).fold(0, u64::saturating_add);
    let unfinished = listing.unfinished;
    let text = format!(
        "{} payload(s) of no stored report ({bytes} bytes), {} file(s) of unfinished uploads ({} bytes)",
        orphans.len(),
        unfinished.files,
        unfinished.bytes
    );
    let names = listing.unknown.iter().take(limits::FAULTS);
    diagnosis.add(if listing.unknown.is_empty() {
        Check::ok("beside", text)
    } else {
        let advice = "remove what you put there; the broker makes no such files";
        Check::warning("beside", format!("{text}, {} unknown file(s)", listing.unknown.len()), advice).about(names)
    });
}
