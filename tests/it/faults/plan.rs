//! Where a run is to break, and which points it passed.

use amana::store::faults::{Faults, When};
use std::{
    collections::BTreeMap,
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
}

impl Plan {
    pub fn of(aim: Option<Aim>) -> Self {
        Self { aim, ..Self::default() }
    }
    pub fn passed(&self) -> BTreeMap<Point, u32> {
        self.passed.lock().unwrap().clone()
    }
    pub fn fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }
}

impl Faults for Plan {
    fn pass(&self, call: &'static str, when: When) -> io::Result<()> {
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
