//! Where a run is to break, and which points it passed.

use amana::store::faults::{Faults, When};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// A point: a call and whether it was done already.
pub type Point = (String, bool);

/// What happens at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// An error.
    Fails,
    /// An error of which nobody can say what it left: a commit cannot be read again either.
    Unknown,
    /// The process ends there, as by a kill: nothing is finished, flushed or said.
    Dies,
}

/// One fault at one passing of one point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aim {
    pub point: Point,
    pub nth: u32,
    pub how: How,
}

/// Counts what is passed, and breaks where it is told to, once.
#[derive(Default)]
pub struct Plan {
    aim: Option<Aim>,
    passed: Mutex<BTreeMap<Point, u32>>,
    fired: AtomicBool,
    blind: AtomicBool,
    // What a lost power supply would take back now.
    volatile: Mutex<BTreeSet<&'static str>>,
}

impl Plan {
    pub fn of(aim: Option<Aim>) -> Self {
        Self { aim, ..Self::default() }
    }
    pub fn passed(&self) -> BTreeMap<Point, u32> {
        self.passed.lock().unwrap().clone()
    }
    /// Fails when something would be told that only the disk's cache knows. A killed process cannot show it.
    pub fn is_durable(&self, what: &str) {
        assert!(!self.volatile.lock().unwrap().contains(what), "{what}: told before it was durable");
    }
    fn note(&self, call: &str, when: When) {
        let mut volatile = self.volatile.lock().unwrap();
        match (call, when) {
            ("part.write", When::Before) => drop(volatile.insert("bytes")),
            ("part.sync", When::After) => drop(volatile.remove("bytes")),
            ("payload.publish", When::Before) => drop(volatile.insert("name")),
            ("payload.durable", When::After) => drop(volatile.remove("name")),
            _ => {}
        }
    }
    pub fn fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }
}

impl Faults for Plan {
    fn pass(&self, call: &'static str, when: When) -> io::Result<()> {
        self.note(call, when);
        let point = (call.to_owned(), when == When::After);
        let mut passed = self.passed.lock().unwrap();
        let count = passed.entry(point.clone()).or_default();
        *count += 1;
        let broken = |kind| Err(io::Error::new(kind, "broken by the test"));
        if call == "sqlite.reread" && self.blind.swap(false, Ordering::SeqCst) {
            return broken(io::ErrorKind::Other);
        }
        match &self.aim {
            Some(aim) if aim.point == point && aim.nth == *count => {
                self.fired.store(true, Ordering::SeqCst);
                match aim.how {
                    How::Fails => broken(io::ErrorKind::Other),
                    How::Unknown => {
                        self.blind.store(true, Ordering::SeqCst);
                        broken(io::ErrorKind::TimedOut)
                    }
                    How::Dies => std::process::abort(),
                }
            }
            _ => Ok(()),
        }
    }
}
