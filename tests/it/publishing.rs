//! What everybody may read of the logs: it moves at publications only, says little of how much happened, and holds
//! together by other people's rules.

use crate::stage::Stage;
use amana::{
    audit::{ListingCheck, ListingFault},
    model::{
        event::Log,
        grant::{EndCause, HeaderCopy},
    },
    tlog::{Checkpoint, Hash, MemoryTiles, Note, decode_bundle, decode_tile, leaf_hash},
    wire::{entry::Happening, listing::SignedListing},
};

impl Stage {
    fn publish(&self) {
        self.broker.as_ref().unwrap().publish().unwrap();
    }
    fn published(&self, log: &str) -> Checkpoint {
        let answer = self.raw().fetch(&format!("/log/{log}/checkpoint"));
        let trust = self.cast.founded.genesis.trust().unwrap();
        let of = if log == "case" { Log::Case } else { Log::Register };
        Checkpoint::open(&answer.text(), trust.log(of)).unwrap()
    }
    fn tile(&self, log: &str, path: &str) -> Vec<u8> {
        let answer = self.raw().fetch(&format!("/log/{log}/tile/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    }
}

#[test]
fn public_log_stands_still_between_publications_and_a_party_sees_more_at_once() {
    let mut stage = Stage::established();
    assert_eq!(stage.raw().fetch("/log/case/checkpoint").status, 404, "nothing was published yet");
    stage.publish();
    let (before, tile) = (stage.published("case"), stage.tile("case", "0/000.p/8"));
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    stage.grant(&terms);
    assert_eq!(stage.published("case"), before);
    assert_eq!(stage.raw().fetch(&format!("/log/case/tile/0/000.p/{}", before.size() + 1)).status, 404);
    assert!(stage.case_size() > before.size());
    stage.publish();
    let after = stage.published("case");
    assert!(after.size() > before.size());
    assert_eq!(stage.tile("case", "0/000.p/8"), tile, "what was published changed");
}

#[test]
fn growth_of_the_public_log_is_one_of_few_numbers_and_cover_opens_to_auditors() {
    let mut stage = Stage::established();
    stage.publish();
    let mut sizes = vec![stage.published("case").size()];
    // Nothing, a little, and more.
    for reports in [0, 0, 1, 3] {
        for number in 0..reports {
            stage.report(&format!("note-{reports}-{number}.txt"), format!("{reports} {number}").as_bytes());
        }
        stage.publish();
        sizes.push(stage.published("case").size());
    }
    let growth: Vec<u64> = sizes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(growth, [8, 8, 8, 8], "{sizes:?}");
    let log = stage.case_log("audit");
    let covers = log.iter().filter(|(shared, _)| shared.event == Happening::Cover).count();
    assert!(covers >= 24, "{covers}");
    // By its length no leaf tells what it is.
    let leaves = decode_bundle(&stage.tile("case", &format!("entries/000.p/{}", sizes[4]))).unwrap();
    assert!(leaves.iter().all(|leaf| leaf.len() == 33));
}

#[test]
fn tiles_and_bundles_rebuild_the_root_the_checkpoint_signs() {
    let mut stage = Stage::established();
    for number in 0..3 {
        stage.report(&format!("note-{number}.txt"), format!("{number}").as_bytes());
    }
    stage.publish();
    for log in ["register", "case"] {
        let checkpoint = stage.published(log);
        let width = checkpoint.size();
        let leaves = decode_bundle(&stage.tile(log, &format!("entries/000.p/{width}"))).unwrap();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        assert_eq!(hashes, decode_tile(&stage.tile(log, &format!("0/000.p/{width}"))).unwrap());
        let mut tree = MemoryTiles::new();
        tree.append_leaves(&hashes);
        assert_eq!((tree.size(), tree.root()), (checkpoint.size(), *checkpoint.root()), "{log}");
    }
    // The register is public: its leaves are its entries.
    let leaves = decode_bundle(&stage.tile("register", "entries/000.p/1")).unwrap();
    assert_eq!(leaves[0], stage.cast.founded.genesis.entry().encode().unwrap().as_bytes());
}

#[test]
fn only_paths_of_published_tiles_are_there_and_they_may_be_kept_for_ever() {
    let stage = Stage::established();
    stage.publish();
    let raw = stage.raw();
    let size = stage.published("case").size();
    for path in [
        "/log/other/checkpoint",
        "/log/case/tile/0/001",
        "/log/case/tile/0/000",
        "/log/case/tile/1/000.p/1",
        "/log/case/tile/0/0.p/1",
        "/log/case/tile/0/000.p/01",
        "/log/case/tile/entries/000.p/256",
        "/log/case/tile/../checkpoint",
    ] {
        assert_eq!(raw.fetch(path).status, 404, "{path}");
    }
    let tile = raw.fetch(&format!("/log/case/tile/0/000.p/{size}"));
    assert_eq!(tile.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(raw.fetch("/log/case/checkpoint").header("cache-control"), Some("no-store"));
    assert_eq!(raw.fetch("/v1/case/checkpoint?from=0").status, 401, "the newest checkpoint is not for everybody");
}

#[test]
fn published_checkpoint_survives_a_restart_and_never_goes_back() {
    let mut stage = Stage::established();
    stage.report("note.txt", b"what was seen");
    stage.publish();
    let before = stage.raw().fetch("/log/case/checkpoint").text();
    stage.restart();
    assert_eq!(stage.raw().fetch("/log/case/checkpoint").text(), before);
    stage.publish();
    let after = stage.published("case");
    assert!(after.size() >= Note::parse(&before).unwrap().text().lines().nth(1).unwrap().parse::<u64>().unwrap() + 8);
}

#[test]
fn promise_08_party_gets_every_entry_of_its_own_and_none_of_others() {
    let mut stage = Stage::established();
    let until = stage.now().plus(amana::model::time::Duration::from_days(300));
    let other = stage.another_institution(until, Some(until));
    let report = stage.report("note.txt", b"what was seen");
    let (terms, terms_other) = (stage.terms(report), stage.terms_for(&other, report));
    let (mine, theirs) = (stage.grant(&terms), stage.grant(&terms_other));
    let released = stage.release(mine).unwrap();
    stage.acknowledge(mine, &released).unwrap();
    assert!(stage.release(mine).is_err(), "one release only");
    stage.revoke(theirs).unwrap();
    for ended in [mine, theirs] {
        stage.wait_until_shredded(ended);
    }
    let own = |own: Result<amana::client::disclosed::OwnEntries, _>| -> Vec<(u64, Happening, Option<String>)> {
        own.unwrap().entries.into_iter().map(|e| (e.index, e.shared.event, e.shared.statement)).collect()
    };
    let advocate = own(stage.as_advocate(|desk| desk.own_entries()));
    let officer = own(stage.as_officer(|desk| desk.own_entries()));
    let other_officer = own(stage.as_somebody(&other.officer, |desk| desk.own_entries()));
    let log = stage.case_log("audit");
    let indices = |of: &[(u64, Happening, Option<String>)]| of.iter().map(|(i, ..)| *i).collect::<Vec<_>>();
    // Everything in this story is the advocate's, but what the broker did by itself and for the auditor.
    let nobodys = |event: &Happening| {
        matches!(
            event,
            Happening::Cover | Happening::ClockResumed { .. } | Happening::Disclosed(_) | Happening::Cosigned
        )
    };
    let expected: Vec<u64> =
        (0..).zip(&log).filter(|(_, (shared, _))| !nobodys(&shared.event)).map(|(index, _)| index).collect();
    assert_eq!(indices(&advocate), expected);
    let events = |of: &[(u64, Happening, Option<String>)]| of.iter().map(|(_, e, _)| e.clone()).collect::<Vec<_>>();
    assert_eq!(
        events(&officer),
        [
            Happening::Accepted,
            Happening::HeaderReceived { grant: mine },
            Happening::Released,
            Happening::Accepted,
            Happening::ReleaseDenied,
            Happening::GrantEnded { grant: mine, cause: EndCause::Exhausted },
            Happening::Shredded { grant: mine, copy: HeaderCopy::Database },
            Happening::Shredded { grant: mine, copy: HeaderCopy::Wal },
        ]
    );
    assert!(events(&other_officer).contains(&Happening::HeaderReceived { grant: theirs }));
    assert!(indices(&officer).iter().all(|index| !indices(&other_officer).contains(index)));
}

#[test]
fn before_the_first_entry_nothing_concerns_anybody() {
    let mut stage = Stage::founded();
    assert_eq!(stage.case_size(), 0);
    let own = stage.as_auditor(|desk| desk.own_entries()).unwrap();
    assert!(own.entries.is_empty());
    assert_eq!((own.size, own.listings.len()), (0, 1));
}

#[test]
fn disclosure_comes_in_pages_that_leave_nothing_out() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let prepare =
        |desk: &mut amana::client::desk::Desk| (0..120).try_for_each(|_| desk.prepare_grant(&terms).map(|_| ()));
    stage.as_advocate(prepare).unwrap();
    let own = stage.as_advocate(|desk| desk.own_entries()).unwrap();
    assert!(own.listings.len() >= 2, "{} pages", own.listings.len());
    let fetched = own.entries.iter().filter(|e| matches!(e.shared.event, Happening::OwnerHeaderFetched { .. })).count();
    assert!(fetched >= 120, "{fetched}");
}

#[test]
fn handing_the_log_to_an_auditor_is_an_entry_before_the_first_line() {
    let mut stage = Stage::established();
    let before = stage.case_size();
    let log = stage.case_log("audit");
    let disclosed = &log[usize::try_from(before).unwrap()].0.event;
    let auditor = stage.cast.auditor().unwrap().key_id();
    assert!(matches!(disclosed, Happening::Disclosed(d) if d.key == auditor && (d.register, d.case) == (0, 0)));
    // Whoever is no auditor leaves no trace, for nothing was handed over.
    let advocate = amana::cli::demo::cast::copy(&stage.cast.advocate);
    let raw = stage.raw();
    assert_eq!(raw.sign_in(&advocate).send_text("GET", "/v1/audit/bundle", "").status, 404);
    assert_eq!(stage.case_size(), before + 1);
}

#[test]
fn listing_that_leaves_an_entry_out_is_evidence() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    stage.release(grant).unwrap();
    let own = stage.as_advocate(|desk| desk.own_entries()).unwrap();
    stage.audit("audit");
    let trust = stage.cast.founded.genesis.trust().unwrap();
    let honest = SignedListing::open(&own.listings[0], trust.log(Log::Case)).unwrap();
    let judged = |stage: &Stage, listing: SignedListing| {
        let mut check = ListingCheck::new(listing);
        let walk = crate::stage::verify_with(&stage.path("audit"), &stage.cast, &mut check).unwrap();
        check.finish(&walk).unwrap()
    };
    assert_eq!(judged(&stage, honest.clone()), Ok(()));
    // A broker that swallowed the release, and signed for it.
    let mut short = honest.clone();
    let released = short.entries.pop().unwrap();
    assert_eq!(judged(&stage, short), Err(ListingFault::LeftOut(vec![released])));
    let mut long = honest.clone();
    long.party = stage.cast.auditor().unwrap().party_id();
    assert_eq!(judged(&stage, long), Err(ListingFault::TooMuch(honest.entries.clone())));
    let mut other = honest;
    other.root = amana::model::ids::Digest::of(b"another log");
    assert_eq!(judged(&stage, other), Err(ListingFault::OtherLog));
}
