//! What everybody is shown: whether it is a beginning of the log handed to us, and how old it is.

use super::{
    finding::{Finding, Word, log_word},
    folder::{Public, Verified, unsigned},
};
use crate::{
    audit::Walk,
    model::{
        event::Log,
        time::{Duration, Timestamp},
    },
    tlog::{CheckpointError, root_at},
    wire::trust::{Retired, Trust, Witnessed},
};
use std::convert::Infallible;

/// How a log is shown to everybody.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Entries published; `None` before the first publication.
    pub size: Option<u64>,
    /// Seconds since it last grew, as this watch saw it.
    pub age_seconds: u64,
    /// Witnesses that cosigned it, and how many seconds ago.
    pub witnesses: Vec<(String, u64)>,
    /// How many have to.
    pub quorum: usize,
}

/// A public checkpoint of one log, against everything else that is known.
pub(super) struct Judging<'a> {
    pub(super) log: Log,
    pub(super) walk: &'a Walk,
    pub(super) trust: &'a Trust,
    /// As it was shown to us before.
    pub(super) before: Option<&'a Public>,
    /// How many entries of the register were held before this look; none at the first.
    pub(super) register_before: Option<u64>,
    pub(super) now: Timestamp,
}

impl Judging<'_> {
    /// Signature, growth, and that the log we hold begins with it.
    pub(super) fn judge(&self, note: Option<&str>) -> Result<(Public, Shown), Finding> {
        let Some(note) = note else { return Ok(self.nothing_shown()) };
        let read = self.read(note).map_err(|error| {
            let seen = format!("the public checkpoint of the {} is not signed by its log: {error}", log_word(self.log));
            Finding::new(Word::OtherBroker, seen)
        })?;
        self.follows(&read)?;
        let size = read.checkpoint.size();
        let before_size = self.before.and_then(|before| before.note.as_deref()).and_then(unsigned).map(|c| c.size());
        let advanced = self.before.is_none_or(|_| before_size != Some(size));
        let advanced_at = if advanced { self.now } else { self.before.map_or(self.now, |before| before.advanced_at) };
        let cosigned = self.quorum_time(&read).map(|at| at.min(self.now));
        let cosigned_before = self.before.map(|before| before.cosigned_at);
        // Never seen with a quorum: waited for from the first look on.
        let cosigned_at = cosigned.max(cosigned_before).unwrap_or(self.now);
        let ago = |at: Timestamp| u64::try_from(self.now.seconds_since(at)).unwrap_or(0);
        let shown = Shown {
            size: Some(size),
            age_seconds: ago(advanced_at),
            witnesses: read.times.iter().map(|(witness, at)| (witness.clone(), ago(*at))).collect(),
            quorum: self.trust.quorum(),
        };
        Ok((Public { note: Some(note.to_owned()), advanced_at, cosigned_at }, shown))
    }

    /// By the key in force; or by one that was replaced while we looked: this was fetched before the entries.
    fn read(&self, note: &str) -> Result<Witnessed, CheckpointError> {
        self.trust.read(self.log, note).or_else(|error| {
            let replaced = self.trust.earlier().iter();
            let mut replaced =
                replaced.filter(|earlier| self.register_before.is_some_and(|n| n <= earlier.register_until()));
            let then = |earlier: &Retired| {
                let read = self.trust.read_under(earlier.log(self.log), note).ok()?;
                let case_until = |register| Ok::<_, Infallible>(self.walk.case_until(register));
                let Ok(until) = earlier.until(self.log, case_until);
                (read.checkpoint.size() <= until).then_some(read)
            };
            replaced.find_map(then).ok_or(error)
        })
    }

    /// Taking away what was published is no rollback: nothing is signed, and a proxy can do it. It grows stale.
    fn nothing_shown(&self) -> (Public, Shown) {
        let public =
            self.before.cloned().unwrap_or(Public { note: None, advanced_at: self.now, cosigned_at: self.now });
        let age_seconds = u64::try_from(self.now.seconds_since(public.advanced_at)).unwrap_or(0);
        (public, Shown { size: None, age_seconds, witnesses: Vec::new(), quorum: self.trust.quorum() })
    }

    fn follows(&self, read: &Witnessed) -> Result<(), Finding> {
        let (size, log) = (read.checkpoint.size(), log_word(self.log));
        let held = self.walk.tree(self.log);
        if size > held.size() {
            let seen = format!(
                "the public {log} has {size} entries; the one handed to its auditors afterwards has {} only",
                held.size()
            );
            return Err(Finding::new(Word::Rollback, seen));
        }
        if root_at(held, size).ok() != Some(*read.checkpoint.root()) {
            let seen =
                format!("the public {log} of {size} entries is not the beginning of the one handed to its auditors");
            return Err(Finding::new(Word::Fork, seen));
        }
        let before = self.before.and_then(|before| before.note.as_deref()).and_then(unsigned).map_or(0, |c| c.size());
        if size < before {
            let seen = format!("the public {log} has {size} entries; it had {before} before");
            return Err(Finding::new(Word::Rollback, seen));
        }
        Ok(())
    }

    /// When the last of as many witnesses as are needed cosigned; `None` if too few did.
    fn quorum_time(&self, read: &Witnessed) -> Option<Timestamp> {
        let mut times: Vec<Timestamp> = read.times.iter().map(|(_, at)| *at).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        times.get(self.trust.quorum().checked_sub(1)?).copied()
    }
}

/// Whether what everybody is shown has stood still for too long.
///
/// Every publication makes the case log grow, by entries about nothing if need be; the register only when there is
/// something to say. Where witnesses are asked, they cosign both at every publication.
pub(super) fn stale(verified: &Verified, quorum: usize, patience: Duration, now: Timestamp) -> Option<Finding> {
    let ago = |at: Timestamp| u64::try_from(now.seconds_since(at)).unwrap_or(0);
    let late = |at: Timestamp| ago(at) > patience.as_seconds();
    for log in [Log::Case, Log::Register] {
        let public = verified.public(log);
        let seen = if log == Log::Case && late(public.advanced_at) {
            let what = if public.note.is_some() { "has not grown" } else { "has not been published" };
            format!("the public {} {what} for {} minutes", log_word(log), ago(public.advanced_at) / 60)
        } else if quorum > 0 && late(public.cosigned_at) {
            let minutes = ago(public.cosigned_at) / 60;
            format!("{quorum} witnesses have not cosigned the public {} for {minutes} minutes", log_word(log))
        } else {
            continue;
        };
        return Some(Finding::new(Word::Stale, seen));
    }
    None
}
