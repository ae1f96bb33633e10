//! The embedded back end: one SQLite file (WAL, `synchronous=FULL`, `secure_delete=ON`) with one writer thread.
//!
//! `batch` is one transaction and what may be done in it; `writer` drains the queue into batches; `read` answers
//! from a pool of read-only connections; `schema` makes the tables; `guard` holds the log against its anchor.

mod batch;
mod bodies;
mod check;
mod contract;
mod copy;
mod forward;
mod guard;
mod open;
mod operations;
mod points;
mod published;
mod queue;
mod read;
mod schema;
mod shared;
mod snapshot;
mod tiles;
mod writer;

pub use check::Fault;
pub use forward::{Ahead, ForwardError, roll_forward};
pub use open::{Keys, Opening, SqliteStore};
pub use shared::LogSigners;
pub use snapshot::{FactLine, Held, Snapshot, held};
