//! The auditor's whole check, over a data folder instead of an exported bundle.
//!
//! Lines are made one by one as the verifier asks for them: nothing that was sealed is written anywhere.

use super::Check;
use crate::{
    audit::{self, Inputs},
    cli::output::chain,
    model::event::Log,
    store::{StoreError, sqlite::Snapshot},
    wire::genesis::SignedGenesis,
};
use std::io::{self, BufRead, Read};

/// Signatures, trees, openings, release rules, and whether the facts are what the log folds to.
pub(super) fn verify(snapshot: &Snapshot, genesis: &SignedGenesis) -> Check {
    let name = "log";
    match summary(snapshot, genesis) {
        Ok(summary) => Check::ok(
            name,
            format!(
                "register {} entries, case log {} entries, {} signatures; {} facts are what the log says",
                summary.register_size, summary.case_size, summary.signatures, summary.facts
            ),
        ),
        Err(words) => Check::broken(name, words, BROKEN),
    }
}

const BROKEN: &str = "do not start the broker: auditors would find the same. Keep this folder for them, and run `amana \
    restore` with the newest backup";

fn summary(snapshot: &Snapshot, genesis: &SignedGenesis) -> Result<audit::Summary, String> {
    let stored = |e: StoreError| chain(&e);
    let (mut register, mut case) = (0, 0);
    let mut fact = (String::new(), String::new());
    let inputs = Inputs {
        genesis: genesis.note().to_owned(),
        register_checkpoint: snapshot.checkpoint(Log::Register).map_err(stored)?.ok_or("the register has no head")?,
        case_checkpoint: snapshot.checkpoint(Log::Case).map_err(stored)?,
        register: Lines::of(|| {
            register += 1;
            line(snapshot.register_entry(register - 1))
        }),
        case: Lines::of(|| {
            case += 1;
            line(snapshot.case_entry(case - 1))
        }),
        facts: Lines::of(|| {
            let next = snapshot.fact_after(&fact.0, &fact.1);
            if let Ok(Some((kind, key, ..))) = &next {
                fact = (kind.clone(), key.clone());
            }
            line(next)
        }),
    };
    audit::verify(inputs, None).map_err(|e| chain(&e))
}

fn line<T: serde::Serialize>(read: Result<Option<T>, StoreError>) -> io::Result<Option<Vec<u8>>> {
    let Some(value) = read.map_err(io::Error::other)? else { return Ok(None) };
    let mut line = serde_json::to_vec(&value)?;
    line.push(b'\n');
    Ok(Some(line))
}

/// Lines on demand as a reader.
struct Lines<F> {
    next: F,
    line: Vec<u8>,
    at: usize,
}

impl<F: FnMut() -> io::Result<Option<Vec<u8>>>> Lines<F> {
    fn of(next: F) -> Self {
        Self { next, line: Vec::new(), at: 0 }
    }
}

impl<F: FnMut() -> io::Result<Option<Vec<u8>>>> BufRead for Lines<F> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.line.len() {
            (self.line, self.at) = ((self.next)()?.unwrap_or_default(), 0);
        }
        Ok(self.line.get(self.at..).unwrap_or_default())
    }
    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<F: FnMut() -> io::Result<Option<Vec<u8>>>> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// A log by its name.
pub(super) const fn word(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case log",
    }
}
