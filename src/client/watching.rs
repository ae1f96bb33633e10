//! Watching a broker: following both logs and what everybody is shown of them, and saying loudly what does not hold.
//!
//! A [`Watch`] holds a state folder (`folder` says what is in it and in which order it is written) and the logs folded so
//! far. Each [`Watch::look`] fetches the public checkpoints first and then what is new for auditors, so that an honest
//! broker's public log is always a beginning of the one handed to us. Nothing is kept before everything of a look holds.
//! What does not hold is a [`Finding`]: its proof is kept, an alarm stands in the folder, and nothing goes on from there
//! until somebody clears it.
//!
//! Must never say "quiet" of a look of which a part was not checked, and never take a broken line for a lie: what could
//! not be had is [`Looked::Trouble`] until it lasts too long.
//!
//! Each look is itself an entry (`disclosed`) in the log that is watched.

mod causes;
mod evidence;
mod finding;
mod folder;
mod held;
mod public;
mod received;
mod source;
mod trees;

pub use finding::{Finding, Word};
pub use folder::FolderError;
pub use public::Shown;
pub use source::{Broker, Source, SourceError};

use crate::{
    audit::Walk,
    model::{
        event::Log,
        limits,
        time::{Duration, Timestamp},
    },
    wire::genesis::{Card, SignedGenesis},
};
use finding::log_word;
use folder::{Folder, Verified, unsigned};
use held::{of_card, refold};
use public::Judging;
use received::{Cut, Received};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use trees::{Extending, trust_of};

/// Why a watch cannot begin or go on, apart from what the broker does.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The state folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The state folder belongs to another broker.
    #[error("the state folder is about {found}, the card says {expected}. Name another folder with --state")]
    OtherCard {
        /// On the card.
        expected: Card,
        /// In the folder.
        found: Card,
    },
}

/// A look at which everything held.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// When.
    pub at: Timestamp,
    /// Entries of the register.
    pub register_size: u64,
    /// Entries of the case log.
    pub case_size: u64,
    /// New entries by what happened.
    pub new: BTreeMap<&'static str, u64>,
    /// The register as everybody is shown it.
    pub public_register: Shown,
    /// The case log as everybody is shown it.
    pub public_case: Shown,
}

/// An alarm that was raised.
#[derive(Debug)]
pub struct Alarm {
    /// What was found.
    pub finding: Finding,
    /// Where its proof is; `None` when there is no room for more.
    pub evidence: Option<PathBuf>,
}

/// What a look came to.
#[derive(Debug)]
pub enum Looked {
    /// Everything held.
    Quiet(Box<Quiet>),
    /// Something could not be had; not long enough to be an alarm.
    Trouble(SourceError),
    /// Something does not hold; nothing goes on.
    Alarm(Box<Alarm>),
}

/// How a look ends before its end.
enum Stop {
    Found(Finding),
    Trouble(SourceError, Option<(u64, u64)>),
    Own(FolderError),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Found(finding)
    }
}
impl From<FolderError> for Stop {
    fn from(error: FolderError) -> Self {
        Self::Own(error)
    }
}
impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Trouble(error, None)
    }
}

/// A broker under watch.
pub struct Watch {
    folder: Folder,
    card: Card,
    patience: Duration,
    /// The last look that held.
    verified: Option<Verified>,
    /// Everything folded so far; absent before the first look, which brings genesis.
    walk: Option<Walk>,
    /// What was verified in a folder before this one: the logs must still begin with it.
    before: Option<Verified>,
    /// An alarm was raised.
    ended: bool,
}

impl Watch {
    /// Takes a state folder and verifies what it holds anew.
    ///
    /// # Errors
    /// [`WatchError`]; [`FolderError::Alarmed`] as long as an alarm stands.
    pub fn open(folder: &Path, card: Card, patience: Duration) -> Result<Self, WatchError> {
        let (folder, verified) = Folder::open(folder)?;
        let walk = verified.as_ref().map(|verified| refold(&folder, verified, &card)).transpose()?;
        Ok(Self { folder, card, patience, verified, walk, before: None, ended: false })
    }

    /// Goes on from what was verified in another folder, which ended in an alarm: whatever is found from here on has to
    /// begin with it.
    ///
    /// # Errors
    /// [`WatchError`] unless that folder holds something, of the same broker.
    pub fn after(self, folder: &Path) -> Result<Self, WatchError> {
        let before = Folder::verified_in(folder)?;
        of_card(&before, &self.card)?;
        Ok(Self { before: Some(before), ..self })
    }

    /// Takes a folder's alarm away; answers what it was.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn clear_alarm(folder: &Path, now: Timestamp) -> Result<Option<String>, FolderError> {
        Folder::clear_alarm(folder, now)
    }

    /// Looks once. After an alarm there is no further look.
    ///
    /// # Errors
    /// [`FolderError`] when our own disk fails.
    pub fn look(&mut self, source: &dyn Source, now: Timestamp) -> Result<Looked, FolderError> {
        if self.ended {
            let words = "a look before this one ended in an alarm".to_owned();
            return Err(FolderError::Alarmed { path: self.folder.path().join("alarm"), words });
        }
        let before = self.verified.clone();
        let finding = match self.look_once(source, now) {
            Ok(quiet) => return Ok(Looked::Quiet(Box::new(quiet))),
            Err(Stop::Own(error)) => return Err(error),
            Err(Stop::Found(finding)) => finding,
            Err(Stop::Trouble(error, broke_off)) => match self.troubled(&error, broke_off, now)? {
                Some(finding) => finding,
                None => return Ok(Looked::Trouble(error)),
            },
        };
        let evidence = evidence::keep(&self.folder, &finding, before.as_ref(), now)?;
        let place = evidence.as_ref().map_or_else(|| "not kept: no room".to_owned(), |path| path.display().to_string());
        let at = now.as_seconds();
        self.folder.raise(&format!("{}: {}\nat {at}, evidence: {place}\n", finding.word, finding.seen))?;
        self.walk = None;
        self.ended = true;
        Ok(Looked::Alarm(Box::new(Alarm { finding, evidence })))
    }

    fn look_once(&mut self, source: &dyn Source, now: Timestamp) -> Result<Quiet, Stop> {
        // First what everybody is shown: what is handed to us afterwards can only be more.
        let public = [published(source, Log::Register)?, published(source, Log::Case)?];
        self.look_behind(source, &public, now).map_err(|stop| match stop {
            // Whatever was found: what everybody was shown at that moment belongs to it.
            Stop::Found(finding) => {
                let [register, case] = &public;
                let finding = finding.with_some("public-now.register", register.as_deref());
                Stop::Found(finding.with_some("public-now.case", case.as_deref()))
            }
            other => other,
        })
    }

    /// What is handed to auditors, against what everybody is shown.
    fn look_behind(
        &mut self,
        source: &dyn Source,
        public: &[Option<String>; 2],
        now: Timestamp,
    ) -> Result<Quiet, Stop> {
        let held = self.walk.as_ref().map_or((0, 0), sizes);
        let received = match received::receive(&self.folder, source, held) {
            Ok(received) => received,
            Err(Cut::Folder(error)) => return Err(error.into()),
            Err(cut) => {
                let stop = self.cut(source, cut, held);
                if !matches!(stop, Stop::Found(_)) {
                    self.shown_is_held(public, now)?;
                }
                return Err(stop);
            }
        };
        let mut walk = self.begun(&received)?;
        let kinds_before = walk.summary().events;
        let extending = Extending { folder: &self.folder, source, walk: &walk, received: &received };
        if let Err(stop) = extending.check() {
            // Nothing was folded yet; if it is no finding, the next look goes on from here.
            self.walk = self.verified.is_some().then_some(walk);
            return Err(stop);
        }
        let (register, case) = (self.folder.incoming(Log::Register)?, self.folder.incoming(Log::Case)?);
        let folded = received::fold(&mut walk, register, case)
            .and_then(|()| walk.check_root(Log::Register, received.note(Log::Register)))
            .and_then(|()| walk.check_root(Log::Case, received.note(Log::Case)));
        folded.map_err(|error| self.does_not_fold(&error, &received, held))?;
        if let Some(before) = &self.before {
            trees::begins_with(&walk, before, &received)?;
        }
        let summary = walk.summary();
        if summary.last_at > now.plus(limits::CLOCK_AHEAD) {
            return Err(ahead(summary.last_at, now).into());
        }
        let trust = trust_of(&walk)?;
        let judge = |log, note: Option<&str>| {
            let before = self.verified.as_ref().map(|verified| verified.public(log));
            let register_before = before.is_some().then_some(held.0);
            Judging { log, walk: &walk, trust: &trust, before, register_before, now }.judge(note)
        };
        let (public_register, shown_register) = judge(Log::Register, public[0].as_deref())?;
        let (public_case, shown_case) = judge(Log::Case, public[1].as_deref())?;
        let Received { register, case, .. } = received;
        let verified = Verified {
            genesis: walk.genesis().note().to_owned(),
            register: register.unwrap_or_default(),
            case,
            public_register,
            public_case,
        };
        self.folder.keep(&verified)?;
        self.folder.put_trouble(None)?;
        let new = difference(&summary.events, &kinds_before);
        let quorum = trust.quorum();
        self.walk = Some(walk);
        let verified = self.verified.insert(verified);
        if let Some(finding) = public::stale(verified, quorum, self.patience, now) {
            return Err(finding.into());
        }
        let (register_size, case_size) = (summary.register_size, summary.case_size);
        Ok(Quiet { at: now, register_size, case_size, new, public_register: shown_register, public_case: shown_case })
    }

    /// What everybody is shown, as far as it is no larger than what we hold: also when nothing more was handed to us.
    fn shown_is_held(&self, public: &[Option<String>; 2], now: Timestamp) -> Result<(), Stop> {
        let (Some(walk), Some(verified)) = (&self.walk, &self.verified) else { return Ok(()) };
        let trust = trust_of(walk)?;
        for (log, note) in [Log::Register, Log::Case].into_iter().zip(public) {
            let size = note.as_deref().and_then(unsigned).map(|checkpoint| checkpoint.size());
            if size.is_some_and(|size| size <= walk.tree(log).size()) {
                // No larger than what is held: whoever signed it anew since had the key of then at hand as well.
                let (before, register_before) = (Some(verified.public(log)), None);
                Judging { log, walk, trust: &trust, before, register_before, now }.judge(note.as_deref())?;
            }
        }
        Ok(())
    }

    /// What was folded so far, or a beginning under the genesis that came along.
    fn begun(&mut self, received: &Received) -> Result<Walk, Stop> {
        let other = |words: String| Finding::new(Word::OtherBroker, words).with("genesis-now.note", &*received.genesis);
        if let Some(walk) = &self.walk
            && received.genesis != walk.genesis().note()
        {
            return Err(other("it shows another genesis than before".to_owned()).into());
        }
        // A walk that failed half-way is no use to anybody: a look that does not hold is the last.
        if let Some(walk) = self.walk.take() {
            return Ok(walk);
        }
        let genesis = SignedGenesis::parse(&received.genesis).and_then(|genesis| genesis.matching(&self.card));
        Ok(Walk::new(genesis.map_err(|error| other(error.to_string()))?))
    }
}

/// The public checkpoint. What is none (a page of somebody's proxy) is as if nobody had answered.
fn published(source: &dyn Source, log: Log) -> Result<Option<String>, SourceError> {
    let note = source.published(log)?;
    if note.as_deref().is_some_and(|note| unsigned(note).is_none()) {
        let words = format!("what is published of the {} is no checkpoint", log_word(log));
        return Err(SourceError::Unreachable(words));
    }
    Ok(note)
}

fn sizes(walk: &Walk) -> (u64, u64) {
    (walk.tree(Log::Register).size(), walk.tree(Log::Case).size())
}

fn ahead(last: Timestamp, now: Timestamp) -> Finding {
    let minutes = last.seconds_since(now) / 60;
    Finding::new(Word::Clock, format!("the newest entry is from {minutes} minutes ahead of our own clock"))
}

fn difference(now: &BTreeMap<&'static str, u64>, before: &BTreeMap<&'static str, u64>) -> BTreeMap<&'static str, u64> {
    let grown = |(kind, count): (&&'static str, &u64)| (*kind, count - before.get(kind).copied().unwrap_or(0));
    now.iter().map(grown).filter(|(_, count)| *count > 0).collect()
}
