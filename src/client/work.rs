//! Doing the proof of work a broker asks for before it registers somebody: trying nonces until one does it.

use crate::wire::work::{Bits, Task, WorkNonce};

/// Nonces tried between two signs of life.
const TELL_EVERY: u64 = 1 << 16;

/// Tries nonces from 0; `tried` is told after every 65,536 how many more that were. The expected number is
/// [`Bits::tries`]; how long it takes is chance.
pub fn solve(task: &Task, tried: &mut dyn FnMut(u64)) -> Option<WorkNonce> {
    for number in 0..u64::MAX {
        let nonce = WorkNonce::of(number);
        if task.is_done_by(&nonce) {
            return Some(nonce);
        }
        if number % TELL_EVERY == TELL_EVERY - 1 {
            tried(TELL_EVERY);
        }
    }
    None
}

/// What somebody is told while their device works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Working {
    /// The broker asks for so much.
    Asked(Bits),
    /// So many more nonces were tried.
    Tried(u64),
}
