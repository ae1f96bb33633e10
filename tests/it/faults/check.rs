//! What must hold of a run: judged by what clients were told, the log, and the files.

use super::{
    script::digest,
    story::{Told, World, caller},
};
use amana::{
    audit,
    broker::{BrokerError, Connection},
    model::{
        ids::{Digest, KeyId, ReportId},
        report::ReportState,
        rows::{ReportRow, Row as _},
    },
    store::{ExportPart, ExportedFacts, Store as _},
    wire::{
        api::BundleLine,
        entry::{Happening, Shared},
        genesis::SignedGenesis,
    },
};
use std::{collections::BTreeSet, fs, io::Cursor, ops::ControlFlow, path::Path};

/// The case log, opened whole, after the whole bundle was verified.
pub struct Log(Vec<(Option<Digest>, Happening)>);

impl Log {
    pub fn of(world: &World) -> Self {
        let mut inputs = audit::Inputs {
            genesis: String::new(),
            register_checkpoint: String::new(),
            case_checkpoint: None,
            register: Vec::new(),
            case: Vec::new(),
            facts: Vec::new(),
        };
        let mut log = Vec::new();
        let line = |file: &mut Vec<u8>, value: String| file.extend([value.as_bytes(), b"\n"].concat());
        let mut take = |found: BundleLine| {
            match found {
                BundleLine::Genesis(note) => inputs.genesis = note,
                BundleLine::Checkpoint(amana::model::event::Log::Register, note) => inputs.register_checkpoint = note,
                BundleLine::Checkpoint(amana::model::event::Log::Case, note) => inputs.case_checkpoint = Some(note),
                BundleLine::Register(shared) => line(&mut inputs.register, serde_json::to_string(&shared).unwrap()),
                BundleLine::Case(case) => {
                    let shared = Shared::parse(&case.shared).unwrap();
                    log.push((shared.statement.as_deref().map(digest), shared.event));
                    line(&mut inputs.case, serde_json::to_string(&case).unwrap());
                }
                BundleLine::Closed(_) => unreachable!("no body is shredded here"),
                BundleLine::Fact(kind, key, of, index, row) => {
                    line(&mut inputs.facts, serde_json::to_string(&(kind, key, of, index, row)).unwrap());
                }
                BundleLine::Policies(_) | BundleLine::End => {}
            }
            ControlFlow::Continue(())
        };
        // Past the points of the test: what is there is read, whatever breaks next.
        world.store().export(whole(), &mut take).unwrap();
        let card = SignedGenesis::parse(&inputs.genesis).unwrap().card();
        let inputs = audit::Inputs {
            genesis: inputs.genesis,
            register_checkpoint: inputs.register_checkpoint,
            case_checkpoint: inputs.case_checkpoint,
            register: Cursor::new(inputs.register),
            case: Cursor::new(inputs.case),
            facts: Cursor::new(inputs.facts),
        };
        audit::verify(inputs, Some(&card)).unwrap();
        Self(log)
    }
    fn count(&self, statement: Digest, event: &Happening) -> usize {
        self.0.iter().filter(|(of, what)| *of == Some(statement) && what == event).count()
    }
    fn stored(&self, world: &World) -> usize {
        let stored = Happening::PayloadStored { report: world.report() };
        self.0.iter().filter(|(_, what)| *what == stored).count()
    }
    fn erased(&self, world: &World) -> usize {
        let erased = Happening::ReportErased { report: world.report() };
        self.0.iter().filter(|(_, what)| *what == erased).count()
    }
    fn own_headers(&self, world: &World, key: KeyId) -> usize {
        let report = world.report();
        self.0.iter().filter(|(_, what)| *what == Happening::OwnerHeaderFetched { report, key }).count()
    }
}

/// Nothing anybody was told is less true now: looked at before anything is repeated.
pub fn what_was_told_holds(world: &World) -> Log {
    let log = Log::of(world);
    for key in [world.script.advocate.key, world.script.heir.newcomer.key] {
        let own = world.record.told.iter().filter(|told| **told == Told::OwnHeader(key)).count();
        assert!(log.own_headers(world, key) >= own, "an owner header was handed out unlogged");
    }
    let due = world.record.told.contains(&Told::Due);
    for told in &world.record.told {
        match told {
            Told::Accepted(id) => assert_eq!(log.count(*id, &Happening::Accepted), 1, "an accepted statement"),
            Told::Header(id) => assert_eq!(log.count(*id, &Happening::Released), 1, "a header was handed out unlogged"),
            Told::Denied(id) => assert!(log.count(*id, &Happening::ReleaseDenied) >= 1, "a denial is not logged"),
            Told::Stored => {
                assert_eq!(log.stored(world), 1);
                let there = payload(world).as_ref() == Some(&world.script.payload);
                assert!(there || due, "a stored payload is not there");
            }
            Told::Offset(at) => {
                assert!(on_disk(world) >= *at || due, "{at} bytes were called safe, {}", on_disk(world));
            }
            Told::Erased => assert_eq!(log.erased(world), 1, "what was called erased is not erased in the log"),
            Told::Upload(_) | Told::Step(_) | Told::OwnHeader(_) | Told::Revoked | Told::Due => {}
        }
    }
    // Published is published whole, whether anybody was told or not.
    assert!(payload(world).is_none_or(|bytes| bytes == world.script.payload), "a damaged payload was published");
    let row = world.store().fact(ReportRow::KIND, &world.report().to_string()).unwrap();
    match row.map(|(_, row)| serde_json::from_str::<ReportRow>(&row).unwrap().state) {
        Some(ReportState::Stored {}) => {
            assert!(payload(world).is_some(), "a payload is called stored and is not there");
        }
        Some(ReportState::Erased {}) => nothing_is_left(world),
        _ => assert_eq!(log.erased(world), 0, "the log says erased, and the report is not"),
    }
    log
}

/// Of what the log calls erased.
fn nothing_is_left(world: &World) {
    assert!(payload(world).is_none(), "a payload is called erased and is there");
    let rows = header_rows(&world.folder.join("data/amana.db"), world.report());
    assert!(rows.is_empty(), "an owner header is called erased and is there");
    // As it lay there before, sealed: in no page and no write-ahead log.
    let sealed = fs::read(world.folder.join(HEADER_BEFORE)).unwrap();
    for file in ["data/amana.db", "data/amana.db-wal"] {
        let bytes = fs::read(world.folder.join(file)).unwrap_or_default();
        assert!(!bytes.windows(sealed.len()).any(|window| window == sealed), "an erased header is in {file}");
    }
}

/// Where a run keeps what the owner's header was in the database.
pub const HEADER_BEFORE: &str = "header-before";

/// The owner's header of a report and those offered to others, as the database holds them.
pub fn header_rows(database: &Path, report: ReportId) -> Vec<Vec<u8>> {
    let database = rusqlite::Connection::open(database).unwrap();
    let sql = "SELECT header FROM headers WHERE scope IN ('owner', 'offered') AND id LIKE ?1 || '%'";
    let mut read = database.prepare(sql).unwrap();
    read.query_map([report.to_string()], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn payload(world: &World) -> Option<Vec<u8>> {
    fs::read(world.folder.join("data/payloads").join(world.report().to_string())).ok()
}

fn on_disk(world: &World) -> u64 {
    if let Some(bytes) = payload(world) {
        return bytes.len() as u64;
    }
    let Some(id) = world.record.upload() else { return 0 };
    let file = |kind: &str| world.folder.join("data/uploads").join(format!("{id}.{kind}"));
    let arrived = fs::metadata(file("part")).map_or(0, |found| found.len());
    let held = fs::read_to_string(file("hold")).ok().map(|text| text.parse().unwrap());
    arrived.min(held.unwrap_or(u64::MAX))
}

/// Everything the story did stands in the log once, and nothing else is left.
pub async fn all_is_well(world: &World) {
    let (log, script) = (what_was_told_holds(world), &world.script);
    let (given, late) = (&script.given, &script.late);
    let statements = [&script.enrolment, &script.report, &given.grant, &late.grant, &script.revocation];
    for text in statements.into_iter().chain([&given.acknowledgement, &late.acknowledgement]) {
        assert_eq!(log.count(digest(text), &Happening::Accepted), 1);
    }
    for gift in [given, late] {
        assert_eq!(log.count(digest(&gift.request), &Happening::Released), 1);
    }
    assert_eq!(log.count(digest(&script.too_late), &Happening::Released), 0);
    assert!(log.count(digest(&script.too_late), &Happening::ReleaseDenied) >= 1);
    assert_eq!(log.stored(world), 1);
    let heir = &script.heir;
    for text in [&heir.offer, &heir.taking, &heir.withdrawal, &heir.agreement] {
        assert_eq!(log.count(digest(text), &Happening::Accepted), 1);
    }
    assert_eq!(log.erased(world), 1);
    nothing_is_left(world);
    for (gift, text) in [(given, &given.request), (given, &script.too_late), (late, &late.request)] {
        let (who, connection) = (caller(&script.officer), Connection::default());
        let again = world.broker().release(gift.id(), text, &who, &connection).await;
        let refused = matches!(again, Err(BrokerError::Denied { .. } | BrokerError::Refused(_)));
        assert!(refused, "an ended grant is not refused: {:?}", again.map(|_| ()));
    }
    let kept = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(world.folder.join("data").join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let upload = world.record.upload().unwrap();
    let left: Vec<String> = kept("uploads").into_iter().filter(|name| *name != format!("{upload}.json")).collect();
    let left: Vec<String> = left.into_iter().filter(|name| !world.before.contains(name)).collect();
    assert_eq!(left, Vec::<String>::new(), "files of uploads are left");
    // Beside each lie the digests of its chunks.
    let payloads = kept("payloads").into_iter().filter(|name| !name.contains('.'));
    assert_eq!(payloads.count(), 1, "the earlier report, and nothing of the erased one");
}

/// Everything there is.
fn whole() -> ExportPart {
    ExportPart { register: 0, case: 0, facts: ExportedFacts::All }
}
