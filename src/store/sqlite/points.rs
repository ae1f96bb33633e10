//! The writer's points to break at: around each step of a transaction.

use crate::store::faults::{Faults, When};
use rusqlite::ffi;
use std::{io, sync::Arc};

/// Passes points, and tells what breaks there as the database would.
#[derive(Clone)]
pub(super) struct Points(Arc<dyn Faults>);

impl Points {
    pub(super) fn new(faults: Arc<dyn Faults>) -> Self {
        Self(faults)
    }

    /// Does a step between its two points.
    pub(super) fn step<T, E: From<rusqlite::Error>>(
        &self,
        call: &'static str,
        act: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.0.pass(call, When::Before).map_err(|error| as_database(&error))?;
        let done = act()?;
        self.0.pass(call, When::After).map_err(|error| as_database(&error))?;
        Ok(done)
    }
}

fn as_database(error: &io::Error) -> rusqlite::Error {
    let code = if error.kind() == io::ErrorKind::StorageFull { ffi::SQLITE_FULL } else { ffi::SQLITE_IOERR };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(error.to_string()))
}
