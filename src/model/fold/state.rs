//! Facts in memory: what the verifier folds a log into.

use crate::model::{
    event::EntryRef,
    rows::{Held, Row, Rows},
};
use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// All facts, each as the JSON text of its row: by kind, then key.
#[derive(Clone, Debug, Default)]
pub struct State {
    rows: BTreeMap<&'static str, BTreeMap<String, (EntryRef, String)>>,
    lately: Lately,
}

/// Rows that were read lately, parsed: every decision reads the same few large ones. What is in it can be dropped at any
/// time; a row of another version is never taken from it, and one that is written leaves it: an entry may write a row
/// twice.
#[derive(Clone, Default)]
struct Lately(RefCell<HashMap<&'static str, HashMap<String, Parsed>>>);

/// A row and the version it was parsed at.
type Parsed = (EntryRef, Arc<dyn Any + Send + Sync>);

/// Most rows of one kind kept parsed: those of some thousand cases in memory of some megabytes.
const KEPT_PARSED: usize = 4_096;

impl std::fmt::Debug for Lately {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lately")
    }
}

impl Lately {
    fn row<R: Row>(&self, key: &str, version: EntryRef) -> Option<R> {
        let kinds = self.0.borrow();
        let (kept, row) = kinds.get(R::KIND)?.get(key)?;
        (*kept == version).then(|| row.downcast_ref::<R>().cloned()).flatten()
    }

    fn keep<R: Row>(&self, key: &str, version: EntryRef, row: &R) {
        let mut kinds = self.0.borrow_mut();
        let rows = kinds.entry(R::KIND).or_default();
        if rows.len() >= KEPT_PARSED {
            rows.clear();
        }
        rows.insert(key.to_owned(), (version, Arc::new(row.clone())));
    }

    fn drop_row(&self, kind: &str, key: &str) {
        if let Some(rows) = self.0.borrow_mut().get_mut(kind) {
            rows.remove(key);
        }
    }
}

/// A row's text could not be read or written as the type asked for.
#[derive(Debug, thiserror::Error)]
#[error("a fact of kind {kind} is not what its kind says")]
pub struct BadRow {
    kind: &'static str,
    #[source]
    source: serde_json::Error,
}

impl State {
    /// Every fact: kind, key, version, row as JSON; sorted.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str, EntryRef, &str)> {
        self.rows.iter().flat_map(|(kind, rows)| {
            rows.iter().map(|(key, (version, row))| (*kind, key.as_str(), *version, row.as_str()))
        })
    }
    /// The facts of one kind: key, version, row as JSON; sorted.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, EntryRef, &str)> {
        let rows = self.rows.get(kind).into_iter().flatten();
        rows.map(|(key, (version, row))| (key.as_str(), *version, row.as_str()))
    }
    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.rows.values().map(BTreeMap::len).sum()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.values().all(BTreeMap::is_empty)
    }
}

impl Rows for State {
    type Error = BadRow;

    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, BadRow> {
        let Some((version, text)) = self.rows.get(R::KIND).and_then(|rows| rows.get(key)) else { return Ok(None) };
        if let Some(row) = self.lately.row(key, *version) {
            return Ok(Some(Held { row, version: *version }));
        }
        let row = serde_json::from_str(text).map_err(|source| BadRow { kind: R::KIND, source })?;
        self.lately.keep(key, *version, &row);
        Ok(Some(Held { row, version: *version }))
    }

    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), BadRow> {
        let text = serde_json::to_string(row).map_err(|source| BadRow { kind: R::KIND, source })?;
        self.lately.drop_row(R::KIND, key);
        self.rows.entry(R::KIND).or_default().insert(key.to_owned(), (version, text));
        Ok(())
    }
}
