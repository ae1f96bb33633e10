//! Whose signatures under the two logs count: the roster in force, as verifiers.

use super::{
    entry::{EntryError, Happening, Shared},
    genesis::GenesisError,
    statement::Verified,
};
use crate::{
    model::{
        event::{Cosigned, Event, Log},
        genesis::NamedKey,
        ids::{Digest, PublicKey},
        roster::Roster,
        rows::{EarlierLogKeys, RosterRow},
        statement::Body,
        time::Timestamp,
    },
    tlog::{self, Checkpoint, CheckpointError, CosignatureVerifier, KeyName, Note, NoteVerifier, Standing},
};
use ed25519_dalek::VerifyingKey;

/// Verifiers for everything a roster names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    register: NoteVerifier,
    case: NoteVerifier,
    witnesses: Vec<CosignatureVerifier>,
    quorum: usize,
    earlier: Vec<Retired>,
}

/// Log keys that others took the place of, and until when they counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    register: NoteVerifier,
    case: NoteVerifier,
    register_until: u64,
}

impl Retired {
    /// The key that signed a log's checkpoints then.
    pub fn log(&self, log: Log) -> &NoteVerifier {
        match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        }
    }
    /// The largest register these keys signed.
    pub fn register_until(&self) -> u64 {
        self.register_until
    }
    /// The largest tree of a log these keys signed; `case_until` as for [`Trust::kept`].
    ///
    /// # Errors
    /// What `case_until` answers.
    pub fn until<E>(&self, log: Log, case_until: impl FnOnce(u64) -> Result<u64, E>) -> Result<u64, E> {
        match log {
            Log::Register => Ok(self.register_until),
            Log::Case => case_until(self.register_until),
        }
    }
}

/// A checkpoint with what witnesses say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The checkpoint, signed by its log.
    pub checkpoint: Checkpoint,
    /// Each witness that cosigned it, by name, and when.
    pub times: Vec<(String, Timestamp)>,
}

impl Trust {
    /// Trusts a roster's keys for the logs of an origin.
    ///
    /// # Errors
    /// [`GenesisError::Key`] when a name or key in it is not usable.
    pub fn of(origin: &str, roster: &Roster) -> Result<Self, GenesisError> {
        let witness = |named: &NamedKey| {
            let (name, key) = name_and_key(&named.name, &named.key)?;
            CosignatureVerifier::new(name, key).map_err(|_| GenesisError::Key(named.name.clone()))
        };
        Ok(Self {
            register: note_verifier(&format!("{origin}/register"), &roster.log_keys.register)?,
            case: note_verifier(&format!("{origin}/case"), &roster.log_keys.case)?,
            witnesses: roster.witnesses.iter().map(witness).collect::<Result<_, _>>()?,
            quorum: usize::try_from(roster.witness_quorum).unwrap_or(usize::MAX),
            earlier: Vec::new(),
        })
    }

    /// Trusts the keys of the roster in force, and remembers which log keys it does not trust any more.
    ///
    /// # Errors
    /// As [`Trust::of`].
    pub fn in_force(origin: &str, row: &RosterRow) -> Result<Self, GenesisError> {
        let retired = |earlier: &EarlierLogKeys| {
            Ok(Retired {
                register: note_verifier(&format!("{origin}/register"), &earlier.log_keys.register)?,
                case: note_verifier(&format!("{origin}/case"), &earlier.log_keys.case)?,
                register_until: earlier.register_until,
            })
        };
        let earlier = row.earlier.iter().map(retired).collect::<Result<_, GenesisError>>()?;
        Ok(Self { earlier, ..Self::of(origin, &row.roster)? })
    }

    /// The key that signs a log's checkpoints.
    pub fn log(&self, log: Log) -> &NoteVerifier {
        match log {
            Log::Register => &self.register,
            Log::Case => &self.case,
        }
    }
    /// Keys that signed the logs once. They count for nothing that claims to be the log as it is now.
    pub fn earlier(&self) -> &[Retired] {
        &self.earlier
    }
    /// The witnesses that count.
    pub fn witnesses(&self) -> &[CosignatureVerifier] {
        &self.witnesses
    }
    /// How many of them a checkpoint needs; 0 where there are none.
    pub fn quorum(&self) -> usize {
        self.quorum
    }

    /// Opens what a log signed and somebody kept: under the key in force, or under one that was replaced since if it speaks
    /// of a tree no larger than those that key signed. `case_until` answers how many case entries were made while the
    /// register had no more than so many.
    ///
    /// # Errors
    /// What opening it under the key in force answers, if no other key may have signed it; or what `case_until` answers.
    pub fn kept<T, E>(
        &self,
        log: Log,
        open: impl Fn(&NoteVerifier) -> Result<T, E>,
        size: impl Fn(&T) -> u64,
        case_until: impl Fn(u64) -> Result<u64, E>,
    ) -> Result<T, E> {
        open(self.log(log)).or_else(|error| {
            for earlier in &self.earlier {
                let Ok(found) = open(earlier.log(log)) else { continue };
                if size(&found) <= earlier.until(log, &case_until)? {
                    return Ok(found);
                }
            }
            Err(error)
        })
    }

    /// Reads a checkpoint of one of the logs, and who cosigned it.
    ///
    /// A witness whose line is wrong counts as one that did not cosign.
    ///
    /// # Errors
    /// [`CheckpointError`] unless the log itself signed it.
    pub fn read(&self, log: Log, note: &str) -> Result<Witnessed, CheckpointError> {
        self.read_under(self.log(log), note)
    }

    /// As [`Trust::read`], under a key of the log that the caller has reason to believe.
    ///
    /// # Errors
    /// [`CheckpointError`] unless that key signed it.
    pub fn read_under(&self, key: &NoteVerifier, note: &str) -> Result<Witnessed, CheckpointError> {
        let checkpoint = Checkpoint::open(note, key)?;
        let note = Note::parse(note)?;
        let times = tlog::standings(&note, &self.witnesses)
            .into_iter()
            .filter_map(|(witness, standing)| Some((witness.name().to_string(), time_of(standing)?)))
            .collect();
        Ok(Witnessed { checkpoint, times })
    }

    /// The event of an entry, given its statement verified; for `cosigned`, the checkpoint in it.
    ///
    /// # Errors
    /// [`EntryError`] when statement and event do not belong together, or too few witnesses cosigned.
    pub fn event(&self, shared: &Shared, log: Log, statement: Option<Verified<Body>>) -> Result<Event, EntryError> {
        if shared.event != Happening::Cosigned {
            return shared.event(log, statement);
        }
        let note = shared.statement.as_deref().ok_or(EntryError::Statement)?;
        let witnessed = self.read(log, note).map_err(|_| EntryError::Statement)?;
        witnessed.event(log, self.quorum).ok_or(EntryError::Cosignatures)
    }
}

impl Witnessed {
    /// The event that says so, if enough cosigned it.
    pub fn event(&self, log: Log, quorum: usize) -> Option<Event> {
        let enough = quorum > 0 && self.times.len() >= quorum;
        enough.then(|| {
            Event::Cosigned(Cosigned {
                log,
                size: self.checkpoint.size(),
                root: Digest::from_bytes(*self.checkpoint.root().as_bytes()),
                times: self.times.iter().map(|(_, at)| *at).collect(),
            })
        })
    }
}

fn time_of(standing: Standing) -> Option<Timestamp> {
    standing.time().and_then(|seconds| Timestamp::try_from(seconds).ok())
}

/// A note verifier for a name and a key as documents write them.
pub(super) fn note_verifier(name: &str, key: &PublicKey) -> Result<NoteVerifier, GenesisError> {
    let (key_name, key) = name_and_key(name, key)?;
    NoteVerifier::new(key_name, key).map_err(|_| GenesisError::Key(name.to_owned()))
}

fn name_and_key(name: &str, key: &PublicKey) -> Result<(KeyName, VerifyingKey), GenesisError> {
    let bad = || GenesisError::Key(name.to_owned());
    Ok((name.parse().map_err(|_| bad())?, VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| bad())?))
}
