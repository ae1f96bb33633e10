//! Whether what is signed now goes on from what was verified before.

use super::{
    Stop,
    finding::{Finding, Word, log_word},
    folder::{Folder, Verified, unsigned},
    received::{self, Received},
    source::{Source, SourceError, name},
};
use crate::{
    audit::Walk,
    model::{
        event::Log,
        rows::{Held, ONLY, RosterRow, Rows as _},
    },
    tlog::{Checkpoint, Hash, MemoryTiles, root_at, verify_consistency},
    wire::trust::Trust,
};

/// Before anything is folded: the tree signed now begins with the tree verified before, and is that of the entries
/// received. A fork has to be called a fork, not an entry that does not fold.
pub(super) fn extends(
    folder: &Folder,
    source: &dyn Source,
    walk: &Walk,
    received: &Received,
    log: Log,
) -> Result<(), Stop> {
    let (held, count, word) = (walk.tree(log), received.count(log), log_word(log));
    let Some(note) = received.note(log) else {
        if held.size() == 0 && count == 0 && log == Log::Case {
            return Ok(());
        }
        return Err(SourceError::Unreachable(format!("the entries came without a checkpoint of the {word}")).into());
    };
    let claimed = signed(walk, log, note)?;
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
    // Either the tree is another one, or the entries are not those in it. A proof of the tree tells.
    let proved = log == Log::Case && continues(source, walk, held);
    let (which, seen) = if proved || held.size() == 0 {
        (Word::Closed, format!("the entries of the {word} after {} are not those that are signed", held.size()))
    } else {
        let size = claimed.size();
        (
            Word::Fork,
            format!("the {word} of {size} entries signed now does not begin with the {} verified before", held.size()),
        )
    };
    Err(Finding::new(which, seen).with(file, note).into())
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
    let unusable = |words: String| Finding::new(Word::Closed, format!("the roster in force is not usable: {words}"));
    let held: Option<Held<RosterRow>> = walk.facts().read(ONLY).map_err(|e| unusable(e.to_string()))?;
    let trust = match held {
        Some(held) => Trust::of(&walk.genesis().genesis().origin, &held.row.roster),
        None => walk.genesis().trust(),
    };
    trust.map_err(|e| unusable(e.to_string()))
}

/// A checkpoint that the log itself signed.
pub(super) fn signed(walk: &Walk, log: Log, note: &str) -> Result<Checkpoint, Stop> {
    Checkpoint::open(note, trust_of(walk)?.log(log)).map_err(|error| {
        let seen = format!("a checkpoint of the {} is not signed by its log: {error}", log_word(log));
        Finding::new(Word::OtherBroker, seen).with(format!("now.{}", name(log)), note).into()
    })
}

/// Whether the newest case log provably begins with the one held.
fn continues(source: &dyn Source, walk: &Walk, held: &MemoryTiles) -> bool {
    let Ok(head) = source.case_head(held.size()) else { return false };
    let proof: Result<Vec<Hash>, _> = head.consistency.iter().map(|hash| hash.parse::<Hash>()).collect();
    let (Ok(proof), Ok(newest)) = (proof, signed(walk, Log::Case, &head.checkpoint)) else { return false };
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
