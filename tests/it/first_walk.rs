//! The whole way once, as in the demo, on a file of the test's own.

use crate::stage::{Stage, inquiry};
use amana::client::fetched::open_collected;

#[test]
fn a_report_goes_from_advocate_to_institution_and_back_out_of_reach() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let released = stage.as_officer(|desk| desk.request_release(grant, &inquiry())).unwrap();
    let (age, into) = (stage.path("report.age"), stage.path("opened"));
    let collected = stage.as_officer(|desk| desk.collect(&released, &age, &mut |_| {})).unwrap();
    let (opened, outcome) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(opened.folder.join("files/0001-note.txt")).unwrap(), b"what was seen");
    assert!(into.join("CONDITIONS.txt").exists());
    stage.as_officer(|desk| desk.acknowledge(&collected, outcome)).unwrap();
    let revoked = stage.revoke(grant).unwrap();
    assert_eq!(revoked.releases_used, 1);
    assert!(stage.as_officer(|desk| desk.request_release(grant, &inquiry())).is_err());
    let summary = stage.audit("audit");
    assert_eq!(summary.events.get("released"), Some(&1));
    assert_eq!(summary.events.get("release denied"), Some(&1));
}
