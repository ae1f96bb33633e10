//! Reading a case log ahead of whoever folds it: lines are opened on a thread of their own, and come in their order.

use super::{
    bundle::{next_line, of_line},
    finding::{AuditError, EntryFault},
    read::Record,
};
use crate::model::limits;
use std::{
    io::BufRead,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

/// A line that was opened, or what is wrong with it; or why it is none.
type Opened = Result<Result<Record, EntryFault>, String>;

/// Lines on their way from a file to the fold.
pub(super) struct Ahead<'a, C> {
    lines: &'a mut C,
    to_open: SyncSender<Vec<u8>>,
    opened: Receiver<Opened>,
    under_way: usize,
    /// Set where the file ends, or cannot be read on.
    end: Option<Result<(), String>>,
}

/// Hands a file's lines to `fold`, opened ahead of it.
///
/// # Errors
/// What `fold` answers.
pub(super) fn opened_ahead<C: BufRead>(
    lines: &mut C,
    fold: impl FnOnce(&mut Ahead<'_, C>) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    thread::scope(|scope| {
        let ((to_open, read), (tell, opened)) =
            (mpsc::sync_channel::<Vec<u8>>(limits::LINES_AHEAD), mpsc::sync_channel(limits::LINES_AHEAD));
        // Ends when nobody has a line to open, or wants to know any more.
        scope.spawn(move || read.iter().try_for_each(|line| tell.send(of_line(&line).map(Record::of))));
        fold(&mut Ahead { lines, to_open, opened, under_way: 0, end: None })
    })
}

impl<C: BufRead> Ahead<'_, C> {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read as a line of the case log.
    pub(super) fn next(&mut self) -> Result<Option<Result<Record, EntryFault>>, String> {
        while self.end.is_none() && self.under_way < limits::LINES_AHEAD {
            match next_line(self.lines) {
                Ok(Some(line)) => {
                    self.to_open.send(line).map_err(|e| e.to_string())?;
                    self.under_way += 1;
                }
                end => self.end = Some(end.map(drop)),
            }
        }
        match self.under_way.checked_sub(1) {
            Some(left) => {
                self.under_way = left;
                self.opened.recv().map_err(|e| e.to_string())?.map(Some)
            }
            None => self.end.clone().unwrap_or(Ok(())).map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of an entry, a line each: told apart by the first byte after the version.
    fn lines(count: u8) -> String {
        let line = |n| {
            let mut leaf = [n; 33];
            leaf[0] = 1;
            serde_json::json!({ "closed": crate::wire::api::Bytes(leaf.to_vec()) }).to_string() + "\n"
        };
        (0..count).map(line).collect()
    }

    /// The lines that came, and how it ended.
    fn read(text: &str) -> (Vec<u8>, Result<(), AuditError>) {
        let mut came = Vec::new();
        let ended = opened_ahead(&mut text.as_bytes(), |ahead| {
            let failed = |reason| AuditError::File { file: "case.jsonl", reason };
            while let Some(record) = ahead.next().map_err(failed)? {
                if let Ok(Record::Closed(leaf)) = record {
                    came.push(leaf[1]);
                }
            }
            Ok(())
        });
        (came, ended)
    }

    #[test]
    fn lines_come_in_their_order_however_many() {
        for count in [0, 1, 63, 64, 65, 255] {
            let (came, ended) = read(&lines(count));
            assert_eq!(came, (0..count).collect::<Vec<_>>());
            ended.unwrap();
        }
    }

    #[test]
    fn what_is_no_line_is_told_after_everything_before_it() {
        let whole = lines(200);
        for broken in ["{", "not a line\n", "{\"closed\":7}\n"] {
            let (came, ended) = read(&format!("{whole}{broken}"));
            assert_eq!(came.len(), 200, "{broken}");
            assert!(ended.is_err(), "{broken}");
        }
    }

    #[test]
    fn whoever_stops_early_waits_for_nothing() {
        let stopped = opened_ahead(&mut lines(200).as_bytes(), |ahead| {
            ahead.next().map(drop).map_err(AuditError::Fold)?;
            Err(AuditError::Fold("enough".to_owned()))
        });
        assert!(matches!(stopped, Err(AuditError::Fold(words)) if words == "enough"));
    }
}
