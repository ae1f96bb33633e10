//! The fault table: a story is told again and again, each time with one fault, in a call of the store, a write to a
//! file or a step of a commit; then with the broker's process killed there.

mod check;
mod plan;
mod script;
mod story;

use amana::broker::BrokerError;
use plan::{Aim, How, Plan, Point};
use script::Template;
use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};
use story::{Record, STEPS, Trouble, World};

static TEMPLATE: LazyLock<Template> = LazyLock::new(Template::make);
static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Tells the whole story with at most one fault; what points were passed.
fn told_with(aim: Option<Aim>) -> BTreeMap<Point, u32> {
    let folder = TEMPLATE.copy();
    let mut world = World::on(folder.path(), Plan::of(aim.clone()), Record::default());
    RUNTIME.block_on(async {
        world.start().await;
        let lost = aim.as_ref().is_some_and(|aim| match aim.point.0.as_str() {
            "sqlite.commit" => aim.how == How::Unknown,
            call => call == "anchor.write",
        });
        let hit = |world: &mut World| {
            assert_eq!(
                lost,
                world.broker().revoke_only().is_some(),
                "a lost commit or anchor stops the broker, and nothing else"
            );
            drop(check::what_was_told_holds(world));
        };
        world.tell(hit).await;
        let passed = world.plan.passed();
        if world.broker().revoke_only().is_some() {
            // The last step was answered all the same: it stops something.
            world.start().await;
        }
        assert!(aim.is_none() || world.plan.fired(), "never struck");
        check::all_is_well(&world).await;
        passed
    })
}

/// First and last passing of each point of a clean run.
fn first_and_last(passed: &BTreeMap<Point, u32>) -> Vec<(Point, u32)> {
    let ends = passed.iter().flat_map(|(point, last)| [(point.clone(), 1), (point.clone(), *last)]);
    let mut found: Vec<(Point, u32)> = ends.collect();
    found.dedup();
    found
}

/// Does it for each, on a few threads, and names what failed.
fn for_each<T: Sync + std::fmt::Debug>(all: &[T], act: impl Fn(&T) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(one)));
                    if caught.is_err() {
                        failed.lock().unwrap().push(format!("{one:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), all.len(), failed.join("\n"));
}

/// Calls that commit: of these an outcome can be unknown.
fn commits(call: &str) -> bool {
    const READS: [&str; 12] = [
        "store.fact",
        "store.listing",
        "store.waiting",
        "store.due_grants",
        "store.due_reports",
        "store.entry_shared",
        "store.receipt",
        "store.heads",
        "store.root_at",
        "store.checkpoint",
        "store.last_entry_at",
        "store.export",
    ];
    (call.starts_with("store.") && !READS.contains(&call)) || LAST.contains(&call)
}

/// The last steps before an answer: after them too, nobody may know.
const LAST: [&str; 2] = ["sqlite.commit", "anchor.write"];

#[test]
fn no_fault_of_store_or_files_makes_the_broker_lie_lose_or_release_unlogged() {
    let began = Instant::now();
    let passed = told_with(None);
    let mut aims = Vec::new();
    for (point, nth) in first_and_last(&passed) {
        let (call, after) = point.clone();
        aims.push(Aim { point: point.clone(), nth, how: How::Fails });
        if commits(&call) && (!after || LAST.contains(&call.as_str())) {
            aims.push(Aim { point, nth, how: How::Unknown });
        }
    }
    let calls: std::collections::BTreeSet<&String> = passed.keys().map(|(call, _)| call).collect();
    for_each(&aims, |aim| drop(told_with(Some(aim.clone()))));
    println!("{} faults in {} calls, {STEPS} steps each: {:?}", aims.len(), calls.len(), began.elapsed());
    assert!(calls.len() > 35 && aims.len() > 150, "{} calls, {} faults", calls.len(), aims.len());
}

/// The step in which a grant is given without its header; the one that will be revoked stands already.
const GIVES: usize = 11;
const REVOKES: usize = 21;

#[test]
fn commit_of_unknown_outcome_leaves_revocation_and_nothing_else_until_a_restart() {
    for after in [false, true] {
        let folder = TEMPLATE.copy();
        let mut clean = World::on(folder.path(), Plan::default(), Record::default());
        let point = ("sqlite.commit".to_owned(), after);
        let nth = RUNTIME.block_on(async {
            clean.start().await;
            clean.tell_until(GIVES, |_| {}).await;
            clean.plan.passed()[&point] + 1
        });
        drop(clean);
        let folder = TEMPLATE.copy();
        let plan = Plan::of(Some(Aim { point, nth, how: How::Unknown }));
        let mut world = World::on(folder.path(), plan, Record::default());
        RUNTIME.block_on(async {
            world.start().await;
            world.tell_until(GIVES, |_| {}).await;
            let unknown = world.attempt(GIVES).await;
            assert!(matches!(unknown, Err(Trouble::Broker(BrokerError::Internal(_)))), "{unknown:?}");
            let refused = world.attempt(GIVES).await;
            assert!(matches!(refused, Err(Trouble::Broker(BrokerError::RevokeOnly(_)))), "{refused:?}");
            assert_eq!(world.broker().revoke_only(), Some("the outcome of a commit is unknown; restart the broker"));
            world.attempt(REVOKES).await.unwrap();
            drop(check::what_was_told_holds(&world));
            world.start().await;
            world.attempt(GIVES).await.unwrap();
            drop(check::what_was_told_holds(&world));
        });
    }
}

#[test]
fn anchor_that_cannot_be_written_leaves_revocation_and_nothing_else_until_a_restart() {
    for after in [false, true] {
        let folder = TEMPLATE.copy();
        let mut clean = World::on(folder.path(), Plan::default(), Record::default());
        let point = ("anchor.write".to_owned(), after);
        let nth = RUNTIME.block_on(async {
            clean.start().await;
            clean.tell_until(GIVES, |_| {}).await;
            clean.plan.passed()[&point] + 1
        });
        drop(clean);
        let folder = TEMPLATE.copy();
        let plan = Plan::of(Some(Aim { point, nth, how: How::Fails }));
        let mut world = World::on(folder.path(), plan, Record::default());
        RUNTIME.block_on(async {
            world.start().await;
            world.tell_until(GIVES, |_| {}).await;
            let unsafe_yet = world.attempt(GIVES).await;
            assert!(matches!(unsafe_yet, Err(Trouble::Broker(BrokerError::Internal(_)))), "{unsafe_yet:?}");
            let refused = world.attempt(GIVES).await;
            assert!(matches!(refused, Err(Trouble::Broker(BrokerError::RevokeOnly(_)))), "{refused:?}");
            assert!(world.broker().revoke_only().unwrap().contains("anchor"));
            world.attempt(REVOKES).await.unwrap();
            drop(check::what_was_told_holds(&world));
            world.start().await;
            world.attempt(GIVES).await.unwrap();
            drop(check::what_was_told_holds(&world));
        });
    }
}

#[test]
fn revocation_is_answered_although_the_anchor_cannot_be_written() {
    let folder = TEMPLATE.copy();
    let mut clean = World::on(folder.path(), Plan::default(), Record::default());
    let point = ("anchor.write".to_owned(), false);
    let nth = RUNTIME.block_on(async {
        clean.start().await;
        clean.tell_until(REVOKES, |_| {}).await;
        clean.plan.passed()[&point] + 1
    });
    drop(clean);
    let folder = TEMPLATE.copy();
    let plan = Plan::of(Some(Aim { point, nth, how: How::Fails }));
    let mut world = World::on(folder.path(), plan, Record::default());
    RUNTIME.block_on(async {
        world.start().await;
        world.tell_until(REVOKES, |_| {}).await;
        world.attempt(REVOKES).await.unwrap();
        assert!(world.plan.fired() && world.broker().revoke_only().is_some());
        drop(check::what_was_told_holds(&world));
    });
}

const ROLE: &str = "AMANA_TEST_DIES_AT";

/// The broker's process of the test below; on its own it has nothing to do.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (folder, call, after, nth): (std::path::PathBuf, String, bool, u32) = serde_json::from_str(&role).unwrap();
    let file = fs::OpenOptions::new().create(true).append(true).open(folder.join("told")).unwrap();
    let record = Record { file: Some(file), ..Record::default() };
    let aim = Aim { point: (call, after), nth, how: How::Dies };
    let mut world = World::on(&folder, Plan::of(Some(aim)), record);
    RUNTIME.block_on(async {
        world.start().await;
        world.tell(|_| {}).await;
    });
    panic!("the broker lived");
}

#[test]
fn broker_killed_at_any_write_keeps_what_it_told_and_goes_on() {
    let began = Instant::now();
    let passed = told_with(None);
    let writes = |((call, _), _): &(Point, u32)| {
        let reads = ["payload.read", "payload.look", "upload.arrived", "part.open", "upload.held", "sqlite.reread"];
        !reads.contains(&call.as_str()) && (!call.starts_with("store.") || commits(call))
    };
    let mut kills: Vec<(Point, u32)> = first_and_last(&passed).into_iter().filter(writes).collect();
    // Between any two commits of the story there is a kill on either side.
    for after in [false, true] {
        let commits = passed[&("sqlite.commit".to_owned(), after)];
        kills.extend((2..commits).map(|nth| (("sqlite.commit".to_owned(), after), nth)));
    }
    for_each(&kills, |((call, after), nth)| {
        let folder = TEMPLATE.copy();
        let role = serde_json::to_string(&(folder.path(), call, after, nth)).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "faults::child", "--nocapture"]).env(ROLE, role);
        let ended = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&ended);
        assert!(signal.is_some(), "the child ended by itself: {ended:?}");
        let record = Record::read(&folder.path().join("told"));
        assert!(record.steps_done() < STEPS);
        let mut world = World::on(folder.path(), Plan::default(), record);
        RUNTIME.block_on(async {
            world.start().await;
            drop(check::what_was_told_holds(&world));
            world.tell(|_| {}).await;
            check::all_is_well(&world).await;
        });
    });
    println!("{} kills: {:?}", kills.len(), began.elapsed());
}
