//! Before the first signature: witnesses are asked whether the log on this disk goes on from what they were shown.
//!
//! Opening a log signs, so it has to be asked before. The witness judges by a proof made from the tree as it lies on the
//! disk: it refuses a log that is older than what it knows, and one that forked from it, however far either has grown. A
//! witness that is away is not waited for: it is asked again at every publication.

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
    model::{event::Log, time::Timestamp},
    store::{StoreError, sqlite::Snapshot},
    tlog::Note,
};

/// Asks every witness about both logs as they lie on the disk.
///
/// # Errors
/// When one was shown a log of which ours is not a later state: opening it would fork it.
pub(super) fn before_opening(places: &Places, witnesses: &Witnesses, now: Timestamp, out: &Out) -> Result<(), Failure> {
    let disk = OnDisk::read(places, &read_genesis(&places.genesis)?)?;
    let trust = disk.trust();
    for (name, url) in &witnesses.places {
        let verifier = trust.witnesses().iter().find(|known| known.name().as_str() == name).ok_or_else(|| {
            Failure::refused(format!(
                "--witness {name}: the roster names no such witness; `amana genesis show` lists those it does"
            ))
        })?;
        let witness = WitnessAt { url: url.clone(), verifier: verifier.clone() };
        // A folder that is still empty goes on from nothing.
        let Some(snapshot) = disk.snapshot() else { continue };
        let asking = Asking { witnesses, witness, snapshot, now };
        for log in [Log::Register, Log::Case] {
            let notes = notes(snapshot, log).map_err(|e| Failure::from_error(&e))?;
            asking.about(log, &notes).or_else(|error| judged(name, &error, out))?;
        }
    }
    Ok(())
}

/// What an answer that is no cosignature means for the start.
fn judged(name: &str, error: &Asked, out: &Out) -> Result<(), Failure> {
    match error {
        error if error.is_alarm() => return Err(another_log(name, error)),
        Asked::NoProof { .. } => return Err(damaged(name, error)),
        // Away, busy, or not told of this log yet: no word against it.
        _ => out.note(format!("{name}: {error}. It will be asked again.")),
    }
    Ok(())
}

/// One witness, and what it is told.
struct Asking<'a> {
    witnesses: &'a Witnesses,
    witness: WitnessAt,
    snapshot: &'a Snapshot,
    now: Timestamp,
}

impl Asking<'_> {
    /// The first checkpoint is all it is shown, unless it knows more: it may have cosigned what then was not published.
    fn about(&self, log: Log, notes: &[String]) -> Result<(), Asked> {
        let mut answer = Ok(());
        for note in notes {
            answer = self.about_one(log, note);
            if !matches!(answer, Err(Asked::KnowsMore { .. })) {
                break;
            }
        }
        answer
    }

    fn about_one(&self, log: Log, note: &str) -> Result<(), Asked> {
        let size = Note::parse(note)?.text().lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0);
        let question = Question { note, last_known_size: size, now: self.now };
        let proof_from = |from| self.snapshot.consistency(log, from, size).ok().flatten();
        ask(&*self.witnesses.courier, &self.witness, &question, proof_from).map(drop)
    }
}

/// Checkpoints of a log as it lies on the disk. The one everybody was shown last comes first, if there is one: a start shows
/// nobody how the log grew since. Then the newest.
fn notes(snapshot: &Snapshot, log: Log) -> Result<Vec<String>, StoreError> {
    Ok(snapshot.published(log)?.into_iter().chain(snapshot.checkpoint(log)?).collect())
}

fn another_log(name: &str, error: &Asked) -> Failure {
    Failure::refused(format!(
        "the witness {name} says: {error}.\nNothing was signed. If the data folder was restored from a backup, bring the \
         later data back, or roll forward (`amana roll-forward`). If the witness is wrong, its operator has to show the \
         checkpoint it holds, signed by this broker; without one, leave its --witness out"
    ))
}

fn damaged(name: &str, error: &Asked) -> Failure {
    Failure::refused(format!(
        "for the witness {name} {error}.\nNothing was signed. The tree in the data folder is damaged: `amana doctor --dir` \
         says where"
    ))
}
