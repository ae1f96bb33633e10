//! Why a look came to nothing: told from what else the broker says.

use super::{
    Finding, FolderError, Source, SourceError, Stop, Watch, Word,
    finding::{self, log_word},
    folder::Trouble,
    received::{self, Cut, Received},
    source::name,
    trees::{signed, trust_of},
};
use crate::{
    audit::AuditError,
    model::{
        event::{EntryRef, Log},
        time::Timestamp,
    },
};

impl Watch {
    pub(super) fn cut(&self, source: &dyn Source, cut: Cut, held: (u64, u64)) -> Stop {
        match cut {
            Cut::Folder(error) => error.into(),
            Cut::Source(SourceError::NotFound) => self.not_found(source),
            // Everybody was answered a moment ago: an answer that breaks off at once looks like none.
            Cut::Source(SourceError::Unreachable(words)) => Stop::Trouble(SourceError::Unreachable(words), Some(held)),
            Cut::Source(error) => error.into(),
            Cut::At((register, case), words) => {
                let words = format!(
                    "the entries broke off after {register} of the register and {case} of the case log: {words}"
                );
                Stop::Trouble(SourceError::Unreachable(words), Some((register, case)))
            }
        }
    }

    /// The broker has nothing after what was verified: its logs are smaller, or we are not its auditor.
    pub(super) fn not_found(&self, source: &dyn Source) -> Stop {
        let refused = "the broker hands nothing to this identity. Is it one of the auditors that genesis names?";
        let Some(walk) = &self.walk else { return SourceError::Refused(refused.to_owned()).into() };
        let trust = match trust_of(walk) {
            Ok(trust) => trust,
            Err(finding) => return finding.into(),
        };
        let heads = (source.register_head(), source.case_head(0));
        let heads = [(Log::Register, heads.0), (Log::Case, heads.1.map(|head| head.checkpoint))];
        for (log, head) in heads {
            let note = match head {
                Ok(note) => note,
                Err(SourceError::NotFound) if log == Log::Case && walk.tree(log).size() > 0 => {
                    let seen = format!("the case log is empty now; {} entries were verified", walk.tree(log).size());
                    return Finding::new(Word::Rollback, seen).into();
                }
                Err(error) => return error.into(),
            };
            match signed(&trust, log, &note) {
                Ok(head) if head.size() < walk.tree(log).size() => {
                    let (now, before) = (head.size(), walk.tree(log).size());
                    let seen = format!("the {} has {now} entries now; {before} were verified", log_word(log));
                    return Finding::new(Word::Rollback, seen).with(format!("now.{}", name(log)), note).into();
                }
                Ok(_) => {}
                Err(stop) => return stop,
            }
        }
        SourceError::Refused(refused.to_owned()).into()
    }

    pub(super) fn does_not_fold(&self, error: &AuditError, received: &Received, held: (u64, u64)) -> Stop {
        let line_of = |entry: EntryRef| {
            let before = if entry.log == Log::Register { held.0 } else { held.1 };
            received::line(self.folder.incoming(entry.log).ok()?, entry.index.checked_sub(before)?)
        };
        let word = finding::word_of(error, |entry| received::shared(entry.log, &line_of(entry)?));
        let mut found = Finding::new(word, error.to_string());
        for log in [Log::Register, Log::Case] {
            found = found.with_some(&format!("now.{}", name(log)), received.note(log));
        }
        if let AuditError::Entry { entry, .. } = error
            && let Some(line) = line_of(*entry)
        {
            found = found.with(format!("entry.{}.{}.json", name(entry.log), entry.index), line);
        }
        found.into()
    }

    /// Remembers since when the broker cannot be followed; too long is a finding.
    pub(super) fn troubled(
        &self,
        error: &SourceError,
        broke_off: Option<(u64, u64)>,
        now: Timestamp,
    ) -> Result<Option<Finding>, FolderError> {
        let before = self.folder.trouble()?;
        let broke_off = broke_off.map(|(register, case)| {
            // The same entry can show as a line cut before it or as no answer at all, so the furthest place counts.
            let (r, c, times) = before.as_ref().and_then(|before| before.broke_off).unwrap_or_default();
            (register.max(r), case.max(c), times.saturating_add(1))
        });
        let trouble = Trouble { since: before.map_or(now, |before| before.since.min(now)), broke_off };
        self.folder.put_trouble(Some(&trouble))?;
        let lasted = u64::try_from(now.seconds_since(trouble.since)).unwrap_or(0);
        if lasted <= self.patience.as_seconds() {
            return Ok(None);
        }
        let minutes = lasted / 60;
        Ok(Some(match trouble.broke_off {
            Some((register, case, times)) if times > 1 => {
                let seen = format!(
                    "for {minutes} minutes the broker has answered everybody, and {times} times in a row broken off what it \
                     hands to its auditors; nothing came after the first {register} entries of the register and {case} of \
                     the case log"
                );
                Finding::new(Word::Closed, seen)
            }
            _ => Finding::new(Word::Unreachable, format!("nothing could be had for {minutes} minutes: {error}")),
        }))
    }
}
