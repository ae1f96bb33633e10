//! Facts in memory: what the verifier folds a log into.

use crate::model::{
    event::EntryRef,
    rows::{Held, Row, Rows},
};
use std::collections::BTreeMap;

/// All facts, each as the JSON text of its row.
#[derive(Clone, Debug, Default)]
pub struct State {
    rows: BTreeMap<(String, String), (EntryRef, String)>,
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
        self.rows.iter().map(|((kind, key), (version, row))| (kind.as_str(), key.as_str(), *version, row.as_str()))
    }
    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Rows for State {
    type Error = BadRow;

    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, BadRow> {
        let Some((version, text)) = self.rows.get(&(R::KIND.to_owned(), key.to_owned())) else { return Ok(None) };
        let row = serde_json::from_str(text).map_err(|source| BadRow { kind: R::KIND, source })?;
        Ok(Some(Held { row, version: *version }))
    }

    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), BadRow> {
        let text = serde_json::to_string(row).map_err(|source| BadRow { kind: R::KIND, source })?;
        self.rows.insert((R::KIND.to_owned(), key.to_owned()), (version, text));
        Ok(())
    }
}
