//! The files of an audit bundle, as line readers.

use crate::model::limits;
use serde::de::DeserializeOwned;
use std::io::{BufRead, Read as _};

/// Longest line of a bundle: an entry's two parts, in JSON.
const LINE_BYTES: u64 = 8 * limits::LEAF_BYTES as u64;

/// What a bundle holds.
pub struct Inputs<R, C, F> {
    /// `genesis.note`.
    pub genesis: String,
    /// `checkpoint.register`.
    pub register_checkpoint: String,
    /// `checkpoint.case`; absent while the case log is empty.
    pub case_checkpoint: Option<String>,
    /// `register.jsonl`: one JSON string an entry.
    pub register: R,
    /// `case.jsonl`: one [`CaseRecord`](crate::wire::api::CaseRecord) an entry.
    pub case: C,
    /// `facts.jsonl`: one `[kind, key, log, index, row]` a fact, sorted by kind and key.
    pub facts: F,
}

/// The next line as `T`; `None` at the end.
///
/// # Errors
/// When the line is too long or not in its form.
pub fn read_line<T: DeserializeOwned>(input: &mut impl BufRead) -> Result<Option<T>, String> {
    next_line(input)?.map(|line| of_line(&line)).transpose()
}

/// The next line as it stands there; `None` at the end.
pub(super) fn next_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err("a line is too long or cut off".to_owned());
    }
    Ok(Some(line))
}

pub(super) fn of_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|e| e.to_string())
}
