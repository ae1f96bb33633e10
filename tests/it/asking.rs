//! Before the first signature: a broker's process asks its witness about the log on the disk, and signs nothing when that is
//! not a later state of what the witness cosigned.

use crate::{
    doctor::{copy_folder, words},
    process::{Process, refused_with},
    stage::{Stage, TestClock, eventually},
    witness::Running as Witness,
};
use amana::{
    cli::{demo::cast::Cast, founding::Watchers},
    model::{event::Log, time::Duration},
    tlog::Checkpoint,
};
use rusqlite::{Connection, OpenFlags};
use std::fs;

const LOGS: [Log; 2] = [Log::Register, Log::Case];

/// A broker's folder, and the one witness that its genesis names; both are processes.
struct Asked {
    stage: Stage,
    witness: Witness,
    /// `--witness NAME=URL`.
    place: String,
}

impl Asked {
    fn founded() -> Self {
        let (dir, clock, mut witness) = (tempfile::tempdir().unwrap(), TestClock::new(), Witness::made());
        let watchers = Watchers::new(std::slice::from_ref(&witness.verifier), None).unwrap();
        let cast = Cast::found_watched(dir.path(), clock.clone(), &watchers).unwrap();
        let genesis = &cast.founded.genesis;
        witness.watches(vec![genesis.register_verifier().unwrap(), genesis.case_verifier().unwrap()]);
        let place = format!("{}={}", witness.verifier.name(), witness.url);
        Self { stage: Stage { dir, cast, clock, broker: None, url: String::new() }, witness, place }
    }

    /// The broker runs and asks its witness; a start publishes at once, the register first.
    fn up(&mut self) -> Process {
        let before = self.published(Log::Case);
        let process = Process::start_with(&mut self.stage, &["--witness", &self.place]);
        eventually("both logs are published anew, and cosigned", || {
            let cosigned = LOGS.iter().all(|log| self.published(*log).is_some_and(|size| size == self.cosigned(*log)));
            cosigned && self.published(Log::Case) > before
        });
        process
    }

    /// It ran for a while, everything is cosigned, and a copy was made in between.
    fn with_an_older_copy() -> Self {
        let mut asked = Self::founded();
        let process = asked.up();
        asked.stage.establish();
        drop(process);
        copy_folder(&asked.stage.path("broker/data"), &asked.stage.path("older"));
        // The witness goes on from what it knew: a later log is none that anybody would refuse. No client sees any of it, for
        // each would refuse the fork by itself.
        for _ in 0..2 {
            drop(asked.up());
        }
        asked
    }

    /// The data are the older copy, and the anchor that remembers more is away: the witness alone can know.
    fn set_back(&self) {
        let data = self.stage.path("broker/data");
        fs::remove_dir_all(&data).unwrap();
        copy_folder(&self.stage.path("older"), &data);
        fs::remove_file(self.stage.path("broker/keys/anchor")).unwrap();
    }

    /// A start that asks the witness is refused; returns what it said.
    fn is_refused(&self) -> String {
        let before = self.signed();
        let more = ["--accept-missing-anchor", "--witness", &self.place];
        let output = refused_with(&self.stage.path("broker"), "127.0.0.1:0", &more);
        assert_eq!(self.signed(), before, "something was signed");
        let said = words(&output);
        assert!(!output.status.success() && said.contains("Nothing was signed"), "{said}");
        said
    }

    /// Every checkpoint the database holds, and how many entries.
    fn signed(&self) -> (Vec<(i64, i64, String)>, i64) {
        let database = self.database().unwrap();
        let sql = "SELECT log, size, note FROM heads UNION ALL SELECT log + 2, size, note FROM published ORDER BY 1";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let entries = database.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
        (rows.map(Result::unwrap).collect(), entries)
    }

    fn published(&self, log: Log) -> Option<u64> {
        self.number("SELECT size FROM published WHERE log = ?1", log)
    }
    fn size(&self, log: Log) -> u64 {
        self.number("SELECT size FROM heads WHERE log = ?1", log).unwrap_or(0)
    }
    fn number(&self, sql: &str, log: Log) -> Option<u64> {
        let size = self.database()?.query_row(sql, [i64::from(log == Log::Case)], |row| row.get::<_, i64>(0));
        size.ok()?.try_into().ok()
    }

    fn database(&self) -> Option<Connection> {
        let path = self.stage.path("broker/data/amana.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
    }

    /// How many entries of a log the witness cosigned; 0 for none.
    fn cosigned(&self, log: Log) -> u64 {
        let genesis = &self.stage.cast.founded.genesis;
        let verifier = match log {
            Log::Register => genesis.register_verifier().unwrap(),
            Log::Case => genesis.case_verifier().unwrap(),
        };
        match self.witness.served_of(verifier.name().as_str()) {
            (200, note) => Checkpoint::open(&note, &verifier).unwrap().size(),
            _ => 0,
        }
    }
}

#[test]
fn broker_set_back_to_an_older_copy_is_refused_by_its_witness_and_signs_nothing() {
    let asked = Asked::with_an_older_copy();
    asked.set_back();
    let said = asked.is_refused();
    assert!(said.contains("our data is older than what was shown to others"), "{said}");
}

#[test]
fn forked_log_that_outgrew_the_witness_is_refused_and_signs_nothing() {
    let mut asked = Asked::with_an_older_copy();
    let seen = LOGS.map(|log| asked.cosigned(log));
    asked.set_back();
    // Without its witness the broker goes on, and forks.
    let process = Process::start_with(&mut asked.stage, &["--accept-missing-anchor"]);
    let until = asked.stage.now().plus(Duration::from_days(30));
    for round in 0.. {
        if LOGS.iter().zip(seen).all(|(log, seen)| asked.size(*log) > seen) {
            break;
        }
        asked.stage.report(&format!("{round}.txt"), b"what was seen there");
        asked.stage.another_institution(until, None);
    }
    drop(process);
    // One more start publishes it.
    let process = Process::start_with(&mut asked.stage, &[]);
    eventually("the fork is published beyond what the witness knows", || {
        LOGS.iter().zip(seen).all(|(log, seen)| asked.published(*log) > Some(seen))
    });
    drop(process);
    let said = asked.is_refused();
    assert!(said.contains("are not the beginning of our"), "{said}");
}

#[test]
fn witness_that_nobody_named_is_refused_on_an_empty_folder_too() {
    let stage = Stage::laid();
    let more = ["--witness", "nobody.example=http://127.0.0.1:9"];
    let output = refused_with(&stage.path("broker"), "127.0.0.1:0", &more);
    assert!(words(&output).contains("names no such witness"), "{}", words(&output));
    assert!(!stage.path("broker/data/amana.db").exists(), "a log was begun");
}
