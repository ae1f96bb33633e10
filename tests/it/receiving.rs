//! Downloads that are cut, and go on by ranges that are each decided about anew.

use crate::{
    process::Process,
    proxy::{Proxy, Rules},
    resuming::{noise, patient},
    stage::{Stage, problem},
};
use amana::{
    cli::demo::cast::copy,
    client::{
        desk::{Desk, Opening},
        identity::Identity,
        memory::Memory,
        receiving::FetchStep,
        uploading::Pace,
    },
    model::ids::{GrantId, ReportId},
    wire::{api::Released, problem::ProblemType},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// A granted report of some size behind a proxy, and its release.
struct Scene {
    stage: Stage,
    proxy: Proxy,
    _process: Process,
    report: ReportId,
    grant: GrantId,
    released: Released,
    payload: Vec<u8>,
    out: PathBuf,
}

fn scene(seed: u64, bytes: usize) -> Scene {
    let mut stage = Stage::laid();
    let proxy = Proxy::start(seed);
    let process = Process::start_behind(&mut stage, &proxy);
    stage.establish();
    let report = stage.report("footage.bin", &noise(bytes, seed));
    let payload = fs::read(crate::uploads::published(&stage, report)).unwrap();
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let released = stage.release(grant).unwrap();
    let out = stage.path("report.age");
    Scene { stage, proxy, _process: process, report, grant, released, payload, out }
}

impl Scene {
    fn partial(&self) -> PathBuf {
        self.stage.path("report.age.partial")
    }
    /// A desk that outlives what the stage does meanwhile.
    fn desk(&self, who: &Identity) -> Desk {
        let (clock, entropy) = (self.stage.clock.clone(), self.stage.cast.entropy());
        let opening = Opening { identity: copy(who), memory: Memory::default(), clock, entropy };
        Desk::open(opening, &self.stage.url, &self.stage.cast.card()).unwrap()
    }
    fn whole(&self) -> Vec<u8> {
        [&self.released.header.0[..], &self.payload].concat()
    }
    fn collect(&mut self, pace: &Pace) -> Result<(), amana::client::desk::DeskError> {
        let (released, out) = (&self.released, &self.out);
        self.stage.as_officer(|desk| desk.collect_with(released, out, pace, &mut |_| {}).map(drop))
    }
    /// Breaks a download off; what came of it.
    fn broken_off(&mut self) -> u64 {
        self.proxy.rule(Rules::cutting_down(300_000..400_000));
        let desk = self.desk(&self.stage.cast.officer);
        let outcome = desk.collect_with(&self.released, &self.out, &Pace::default(), &mut |_| {});
        self.proxy.calm();
        assert!(outcome.is_err() && !self.out.exists());
        fs::metadata(self.partial()).unwrap().len()
    }
}

fn write_private(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn release_is_collected_through_cuts_and_little_comes_twice() {
    let mut scene = scene(31, 1_500_000);
    let desk = scene.desk(&scene.stage.cast.officer);
    let (mut troubles, mut here, before) = (0_u64, 0, scene.proxy.down());
    scene.proxy.rule(Rules::cutting_down(100_000..500_000));
    let collected = desk.collect_with(&scene.released, &scene.out, &patient(1), &mut |step| match step {
        FetchStep::Here(bytes) => {
            assert!(bytes >= here);
            here = bytes;
        }
        FetchStep::Waiting { .. } => troubles += 1,
    });
    scene.proxy.calm();
    collected.unwrap();
    assert!(fs::read(&scene.out).unwrap() == scene.whole());
    assert_eq!(fs::metadata(&scene.out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!scene.partial().exists());
    assert!(troubles >= 2, "only {troubles} cuts were noticed");
    let (came, all) = (scene.proxy.down() - before, scene.payload.len() as u64);
    println!("{troubles} cuts: {came} bytes came for {all}");
    // Every range was decided about; all of it is one release.
    assert_eq!(scene.stage.audit("audit").events.get("released"), Some(&1));
}

#[test]
fn next_attempt_goes_on_from_what_the_last_one_left() {
    let mut scene = scene(37, 1_500_000);
    let kept = scene.broken_off();
    assert!(kept > 100_000, "{kept} bytes came");
    assert_eq!(fs::metadata(scene.partial()).unwrap().permissions().mode() & 0o777, 0o600);
    let before = scene.proxy.down();
    scene.collect(&Pace::default()).unwrap();
    assert!(scene.proxy.down() - before < scene.payload.len() as u64 - kept + 60_000);
    assert!(fs::read(&scene.out).unwrap() == scene.whole());
    // It is never written over.
    assert!(scene.collect(&Pace::default()).unwrap_err().to_string().contains("is there already"));
}

#[test]
fn revocation_between_two_ranges_ends_the_download_and_leaves_nothing() {
    let mut scene = scene(41, 1_500_000);
    let desk = scene.desk(&scene.stage.cast.officer);
    let (released, out, grant) = (scene.released.clone(), scene.out.clone(), scene.grant);
    scene.proxy.rule(Rules::cutting_down(100_000..300_000));
    let mut came = 0;
    let outcome = desk.collect_with(&released, &out, &patient(1), &mut |step| match step {
        FetchStep::Here(bytes) => came = bytes,
        FetchStep::Waiting { .. } => {
            scene.proxy.calm();
            drop(scene.stage.revoke(grant));
        }
    });
    assert!(came > 0);
    assert!(problem(outcome).is(ProblemType::Denied));
    assert!(!scene.out.exists() && !scene.partial().exists());
}

#[test]
fn leftover_of_something_else_is_begun_anew_and_a_damaged_one_is_found_out() {
    let mut scene = scene(43, 200_000);
    let whole = scene.whole();
    // Another header, a file that is too long, one that others may have written: none of them is gone on with.
    let mut other = whole[..100_000].to_vec();
    other[30] ^= 1;
    let long = [&whole[..], b"more"].concat();
    for leftover in [other, long, b"short".to_vec()] {
        write_private(&scene.partial(), &leftover);
        scene.collect(&Pace::default()).unwrap();
        assert!(fs::read(&scene.out).unwrap() == whole);
        fs::remove_file(&scene.out).unwrap();
    }
    File::create(scene.partial()).unwrap().write_all(&vec![0; 100_000]).unwrap();
    fs::set_permissions(scene.partial(), fs::Permissions::from_mode(0o644)).unwrap();
    scene.collect(&Pace::default()).unwrap();
    assert!(fs::read(&scene.out).unwrap() == whole);
    fs::remove_file(&scene.out).unwrap();

    write_private(&scene.partial(), &whole[..150_000]);
    let mut file = OpenOptions::new().write(true).open(scene.partial()).unwrap();
    file.seek(SeekFrom::Start(100_000)).unwrap();
    file.write_all(&[!whole[100_000]]).unwrap();
    let refused = scene.collect(&Pace::default()).unwrap_err().to_string();
    assert!(refused.contains("not the one in the report statement"), "{refused}");
    assert!(!scene.out.exists() && !scene.partial().exists());
    scene.collect(&Pace::default()).unwrap();
    assert!(fs::read(&scene.out).unwrap() == whole);
}

#[test]
fn own_report_comes_back_through_cuts() {
    let mut scene = scene(47, 1_000_000);
    let (report, out) = (scene.report, scene.out.clone());
    let mut troubles = 0;
    let proxy = &scene.proxy;
    scene
        .stage
        .as_advocate(|desk| {
            proxy.rule(Rules::cutting_down(100_000..400_000));
            let fetched = desk.download_with(report, &out, &patient(1), &mut |step| {
                troubles += u64::from(matches!(step, FetchStep::Waiting { .. }));
            });
            proxy.calm();
            fetched
        })
        .unwrap();
    assert!(troubles >= 2);
    assert!(fs::read(&out).unwrap() == fs::read(scene.stage.path("footage.bin.age")).unwrap());
}
