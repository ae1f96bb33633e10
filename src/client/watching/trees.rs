//! Whether what is signed now goes on from what was verified before.

use super::{
    Stop,
    finding::{Finding, Word, log_word},
    folder::{Folder, Verified, unsigned},
    received::{self, Received},
    source::{Source, SourceError, name},
};
use crate::{
    audit::{Walk, read_line},
    client::mirror::Mirror,
    model::{
        event::Log,
        rows::{Held, ONLY, RosterRow, Rows as _},
    },
    tlog::{Checkpoint, Hash, MemoryTiles, root_at, verify_consistency},
    wire::trust::Trust,
};
use std::io::Read as _;

/// What was received, before anything of it is folded, against what was verified before.
pub(super) struct Extending<'a> {
    pub(super) folder: &'a Folder,
    pub(super) source: &'a dyn Source,
    pub(super) walk: &'a Walk,
    pub(super) received: &'a Received,
}

impl Extending<'_> {
    /// The trees signed now begin with the trees verified before, and are those of the entries received. A fork has to be
    /// called a fork, not an entry that does not fold.
    pub(super) fn check(&self) -> Result<(), Stop> {
        let trust = self.trust()?;
        self.extends(Log::Register, &trust)?;
        self.extends(Log::Case, &trust)
    }

    /// Whose signatures count at the end of the register as it was received: a key that signs now may be one that only its
    /// new entries put in force. What of them does not hold is found when they are folded with all the rest.
    fn trust(&self) -> Result<Trust, Stop> {
        if self.received.count(Log::Register) == 0 {
            return Ok(trust_of(self.walk)?);
        }
        let genesis = self.walk.genesis();
        let mut mirror = Mirror::of_genesis(genesis).map_err(|e| unusable(&e))?;
        let mut lines = self.folder.lines(Log::Register)?.chain(self.folder.incoming(Log::Register)?);
        let mut next = || read_line::<String>(&mut lines).ok().flatten();
        // The mirror begins with genesis.
        next();
        while next().is_some_and(|text| mirror.append(text, genesis).is_ok()) {}
        Ok(mirror.trust(genesis).map_err(|e| unusable(&e))?)
    }

    fn extends(&self, log: Log, trust: &Trust) -> Result<(), Stop> {
        let Self { folder, walk, received, .. } = self;
        let (held, count, word) = (walk.tree(log), received.count(log), log_word(log));
        let Some(note) = received.note(log) else {
            if held.size() == 0 && count == 0 && log == Log::Case {
                return Ok(());
            }
            return Err(SourceError::Unreachable(format!("the entries came without a checkpoint of the {word}")).into());
        };
        let claimed = signed(trust, log, note)?;
        let file = format!("now.{}", name(log));
        if claimed.size() < held.size() {
            let seen = format!("the {word} has {} entries now; {} were verified", claimed.size(), held.size());
            return Err(Finding::new(Word::Rollback, seen).with(file, note).into());
        }
        if claimed.size() != held.size() + count {
            let seen = format!("the {word} is signed with {} entries; {} came", claimed.size(), held.size() + count);
            return Err(Finding::new(Word::Closed, seen).with(file, note).into());
        }
        let Some(new) = received::leaves(log, folder.incoming(log)?) else {
            let seen = format!("an entry of the {word} after {} has no form that could be opened", held.size());
            return Err(Finding::new(Word::Closed, seen).with(file, note).into());
        };
        if grown(held, &new) == *claimed.root() {
            return Ok(());
        }
        Err(self.other_tree(log, trust, &claimed).with(file, note).into())
    }

    /// Either the tree is another one, or the entries are not those in it. A proof of the tree tells.
    fn other_tree(&self, log: Log, trust: &Trust, claimed: &Checkpoint) -> Finding {
        let (held, word) = (self.walk.tree(log), log_word(log));
        let (size, verified) = (claimed.size(), held.size());
        if verified == 0 || (log == Log::Case && continues(self.source, trust, held)) {
            let seen = format!("the entries of the {word} after {verified} are not those that are signed");
            return Finding::new(Word::Closed, seen);
        }
        let seen =
            format!("the {word} of {size} entries signed now does not begin with the {verified} verified before");
        Finding::new(Word::Fork, seen)
    }
}

/// Whether both logs begin with what was verified in another folder.
pub(super) fn begins_with(walk: &Walk, before: &Verified, received: &Received) -> Result<(), Finding> {
    for log in [Log::Register, Log::Case] {
        let Some(held) = before.note(log).and_then(unsigned) else { continue };
        let (tree, word) = (walk.tree(log), log_word(log));
        if root_at(tree, held.size()).ok().as_ref() == Some(held.root()) {
            continue;
        }
        let (size, now) = (held.size(), tree.size());
        let finding = if now < size {
            Finding::new(Word::Rollback, format!("the {word} has {now} entries now; {size} were verified before"))
        } else {
            let seen = format!("the {word} of {now} entries does not begin with the {size} verified before");
            Finding::new(Word::Fork, seen)
        };
        let finding = finding.with_some(&format!("before.{}", name(log)), before.note(log));
        return Err(finding.with_some(&format!("now.{}", name(log)), received.note(log)));
    }
    Ok(())
}

/// Whose signatures count, by what was folded; before that, by genesis.
pub(super) fn trust_of(walk: &Walk) -> Result<Trust, Finding> {
    let held: Option<Held<RosterRow>> = walk.facts().read(ONLY).map_err(|e| unusable(&e))?;
    let trust = match held {
        Some(held) => Trust::in_force(&walk.genesis().genesis().origin, &held.row),
        None => walk.genesis().trust(),
    };
    trust.map_err(|e| unusable(&e))
}

fn unusable(error: &dyn std::error::Error) -> Finding {
    Finding::new(Word::Closed, format!("the roster in force is not usable: {error}"))
}

/// A checkpoint that the log itself signed.
pub(super) fn signed(trust: &Trust, log: Log, note: &str) -> Result<Checkpoint, Stop> {
    Checkpoint::open(note, trust.log(log)).map_err(|error| {
        let seen = format!("a checkpoint of the {} is not signed by its log: {error}", log_word(log));
        Finding::new(Word::OtherBroker, seen).with(format!("now.{}", name(log)), note).into()
    })
}

/// Whether the newest case log provably begins with the one held.
fn continues(source: &dyn Source, trust: &Trust, held: &MemoryTiles) -> bool {
    let Ok(head) = source.case_head(held.size()) else { return false };
    let proof: Result<Vec<Hash>, _> = head.consistency.iter().map(|hash| hash.parse::<Hash>()).collect();
    let (Ok(proof), Ok(newest)) = (proof, signed(trust, Log::Case, &head.checkpoint)) else { return false };
    verify_consistency(held.size(), &held.root(), newest.size(), newest.root(), &proof).is_ok()
}

fn grown(held: &MemoryTiles, new: &[Hash]) -> Hash {
    if new.is_empty() {
        return held.root();
    }
    let mut tree = held.clone();
    tree.append_leaves(new);
    tree.root()
}
