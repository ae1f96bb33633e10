//! Checking an audit bundle offline, without trusting the broker that wrote it.
//!
//! [`verify`] folds both logs from entry 0 with the broker's own fold, checks every signature, leaf and root on the
//! way, and compares the facts it arrives at with the facts the broker exported. The steps are those of [`Walk`], which
//! others look on at as an [`Observer`]. [`report`] is one of these: it counts what may be published; with the feature
//! `server`, [`replay()`] decides again what was decided. [`pack`] checks the story of a single report, without the rest of the
//! log.

mod ahead;
mod bodies;
mod bundle;
mod decision;
mod finding;
mod listing;
pub mod markup;
mod observer;
pub mod pack;
mod read;
#[cfg(feature = "server")]
mod replay;
pub mod report;
mod tree;
mod verify;
mod walk;

pub use bodies::Closed;
pub use bundle::{Inputs, read_line};
pub use finding::{AuditError, Disagreement, EntryFault, Summary, Trees};
pub use listing::{ListingCheck, ListingFault};
pub use observer::{Observer, Step};
pub use read::case_leaf;
#[cfg(feature = "server")]
pub use replay::{Replayed, replay};
pub use verify::{verify, verify_with};
pub use walk::{NextRegister, Walk};
