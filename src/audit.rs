//! Checking an audit bundle offline, without trusting the broker that wrote it.
//!
//! [`verify`] folds both logs from entry 0 with the broker's own fold, checks every signature, leaf and root on the
//! way, and compares the facts it arrives at with the facts the broker exported.

mod bundle;
mod finding;
mod verify;

pub use bundle::{Inputs, read_line};
pub use finding::{AuditError, EntryFault, Summary};
pub use verify::verify;
