//! What a state folder holds, folded once more: it has to be what was verified.

use super::{
    FolderError, WatchError,
    folder::{Folder, Verified},
    received,
    trees::trust_of,
};
use crate::{
    audit::Walk,
    model::event::Log,
    tlog::{Checkpoint, NoteVerifier, root_at},
    wire::genesis::{Card, SignedGenesis},
};

/// What is said of a folder that is not what was verified.
pub(super) fn changed(what: &dyn std::fmt::Display) -> FolderError {
    FolderError::Changed(format!("what is held does not hold: {what}"))
}

pub(super) fn of_card(verified: &Verified, card: &Card) -> Result<SignedGenesis, WatchError> {
    let genesis = SignedGenesis::parse(&verified.genesis).map_err(|e| changed(&e))?;
    if genesis.card() == *card {
        Ok(genesis)
    } else {
        Err(WatchError::OtherCard { expected: card.clone(), found: genesis.card() })
    }
}

/// Folds what was verified once more, and holds it against every checkpoint that was kept of it.
pub(super) fn refold(folder: &Folder, verified: &Verified, card: &Card) -> Result<Walk, WatchError> {
    let mut walk = Walk::new(of_card(verified, card)?);
    let folded = received::fold(&mut walk, folder.lines(Log::Register)?, folder.lines(Log::Case)?)
        .and_then(|()| walk.check_root(Log::Register, verified.note(Log::Register)))
        .and_then(|()| walk.check_root(Log::Case, verified.note(Log::Case)));
    folded.map_err(|e| changed(&e))?;
    let trust = trust_of(&walk).map_err(|_| changed(&"its roster names keys that are not usable"))?;
    for log in [Log::Register, Log::Case] {
        let Some(note) = verified.public(log).note.as_deref() else { continue };
        // Nothing newer may have been shown since its key was replaced.
        let open = |key: &NoteVerifier| Checkpoint::open(note, key).map_err(|e| changed(&e));
        let shown = trust.kept(log, open, Checkpoint::size, |register| Ok(walk.case_until(register)))?;
        if root_at(walk.tree(log), shown.size()).ok() != Some(*shown.root()) {
            return Err(changed(&"a public checkpoint kept in it is of another log").into());
        }
    }
    Ok(walk)
}
