//! Before the first signature: witnesses are asked whether they were shown a later log than the one on this disk.
//!
//! Opening a log signs, so it has to be asked before. A witness that is away is not waited for: it is asked again at every
//! publication.

use crate::{
    broker::{
        Witnesses,
        witnesses::{Asked, Question, WitnessAt, ask},
    },
    cli::{
        embedded::{Places, read_genesis},
        on_disk::OnDisk,
        output::{Failure, Out},
    },
    model::time::Timestamp,
    tlog::Note,
};

/// Asks every witness about both logs as they lie on the disk.
///
/// # Errors
/// When one was shown a log of which ours is not the newest state: opening it would fork it.
pub(super) fn before_opening(places: &Places, witnesses: &Witnesses, now: Timestamp, out: &Out) -> Result<(), Failure> {
    let genesis = read_genesis(&places.genesis)?;
    let disk = OnDisk::read(places, &genesis)?;
    let (trust, notes) = (disk.trust(), disk.checkpoints()?);
    for (name, url) in &witnesses.places {
        let verifier = trust.witnesses().iter().find(|known| known.name().as_str() == name).ok_or_else(|| {
            Failure::refused(format!(
                "--witness {name}: the roster names no such witness; `amana genesis show` lists those it does"
            ))
        })?;
        let witness = WitnessAt { url: url.clone(), verifier: verifier.clone() };
        for note in &notes {
            match one(witnesses, &witness, note, now) {
                Err(error) if error.is_alarm() => return Err(rolled_back(name, &error)),
                Err(error @ Asked::NotReached(_)) => out.note(format!("{name}: {error}. It will be asked again.")),
                // Behind us, or not configured yet: what it is asked next brings it forward, or says so again.
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// The same tree again needs no proof; from a smaller one none is made here, and none is needed to know that.
fn one(witnesses: &Witnesses, witness: &WitnessAt, note: &str, now: Timestamp) -> Result<(), Asked> {
    let size = Note::parse(note)?.text().lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
    let question = Question { note, last_known_size: size, now };
    ask(&*witnesses.courier, witness, &question, |from| (from == size).then(Vec::new)).map(|_| ())
}

fn rolled_back(name: &str, error: &Asked) -> Failure {
    Failure::refused(format!(
        "the witness {name} says: {error}.\nNothing was signed. If the data folder was restored from a backup, bring the \
         later data back. If the witness is wrong, its operator has to show the checkpoint it holds, signed by this \
         broker; without one, leave its --witness out"
    ))
}
