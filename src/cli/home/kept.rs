//! What the device remembers, as one file sealed to the identity.
//!
//! A withdrawal must not wait for a long upload of the same person, so nobody holds the lock while working: at the end
//! what was learned is joined with what another command kept meanwhile.

use super::{Place, place::replace_private};
use crate::{
    cli::output::{Failure, chain},
    client::{
        identity::Identity,
        memory::Memory,
        seal::{MessageError, open_bytes, seal_bytes},
    },
};
use std::{collections::BTreeSet, fs};
use zeroize::Zeroizing;

/// Largest memory read: registers and receipts of years.
const MEMORY_BYTES: usize = 256 << 20;

/// A memory on the disk.
pub(in crate::cli) struct Kept {
    place: Place,
    memory: Memory,
    /// Release requests and kept headers there were at the beginning: what is missing at the end was done with.
    open_before: BTreeSet<String>,
}

impl Kept {
    /// Reads it; a new identity remembers nothing.
    pub(super) fn read(place: &Place, identity: &Identity) -> Result<Self, Failure> {
        let memory = read(place, identity)?;
        let open_before = open(&memory);
        Ok(Self { place: place.clone(), memory, open_before })
    }

    /// What was read.
    pub(in crate::cli) fn memory(&self) -> &Memory {
        &self.memory
    }
    /// What was read, to work with.
    pub(super) fn take(&mut self) -> Memory {
        std::mem::take(&mut self.memory)
    }

    /// Changes what was read and keeps it, for commands that need no broker.
    pub(in crate::cli) fn change(
        mut self,
        identity: &Identity,
        change: impl FnOnce(&mut Memory),
    ) -> Result<(), Failure> {
        let mut memory = self.take();
        change(&mut memory);
        self.write(&memory, identity)
    }

    /// Keeps another memory in the place of what was read: for an identity that goes on where another one was.
    pub(in crate::cli) fn change_to(mut self, memory: &Memory, identity: &Identity) -> Result<(), Failure> {
        drop(self.take());
        self.write(memory, identity)
    }

    /// Keeps `memory`, joined with what others kept since.
    pub(super) fn write(&mut self, memory: &Memory, identity: &Identity) -> Result<(), Failure> {
        let words = |what: &dyn std::fmt::Display| {
            Failure::refused(format!("{} cannot be kept: {what}", self.place.memory().display()))
        };
        self.place.make()?;
        let lock = fs::OpenOptions::new().create(true).append(true).open(self.place.lock()).map_err(|e| words(&e))?;
        lock.lock().map_err(|e| words(&e))?;
        let joined = join(read(&self.place, identity)?, copy(memory)?, &self.open_before);
        let plain = Zeroizing::new(serde_json::to_vec(&joined).map_err(|e| words(&e))?);
        let sealed = seal_bytes(&[identity.recipient()], &plain).map_err(|e| words(&e))?;
        replace_private(&self.place.memory(), &sealed).map_err(|e| words(&e))?;
        // Of what others keep open this command knows nothing, so it can be done with none of it.
        self.open_before = open(memory);
        Ok(())
    }
}

fn read(place: &Place, identity: &Identity) -> Result<Memory, Failure> {
    let path = place.memory();
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
    let sealed = match fs::read(&path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Memory::default()),
        Err(error) => return Err(words(&error)),
    };
    let plain = open_bytes(identity.age_identity(), &sealed, MEMORY_BYTES).map_err(|error| match error {
        MessageError::NotForThisIdentity => words(
            &"this folder belongs to another identity of the same label; keep this one elsewhere with --as LABEL or --home DIR",
        ),
        other => words(&chain(&other)),
    })?;
    serde_json::from_slice(&plain).map_err(|e| words(&format!("it was written by another version ({e})")))
}

/// Joins what this command learned (`ours`) with what another one kept meanwhile (`theirs`).
fn join(theirs: Memory, ours: Memory, open_before: &BTreeSet<String>) -> Memory {
    let still_open = |grant: &String, mine: bool| mine || !open_before.contains(grant);
    let (register, register_checkpoint) = if ours.register.len() >= theirs.register.len() {
        (ours.register, ours.register_checkpoint)
    } else {
        (theirs.register, theirs.register_checkpoint)
    };
    let mut joined = Memory {
        url: ours.url.or(theirs.url),
        genesis: ours.genesis.or(theirs.genesis),
        register,
        register_checkpoint,
        case: None,
        case_checkpoint: None,
        party: ours.party.or(theirs.party),
        recovery: ours.recovery.or(theirs.recovery),
        chains: theirs.chains,
        receipts: theirs.receipts,
        reports: theirs.reports,
        first_seen: theirs.first_seen,
        release_requests: theirs.release_requests,
        kept_headers: theirs.kept_headers,
        // Another process that seals at the same time begins its upload anew when this one ends it.
        early_uploads: ours.early_uploads,
        // Only added to, and ordered by when each was recorded: joining loses none and the later one holds.
        consent_changes: theirs.consent_changes,
    };
    // Both trees were verified when they were seen; the next command proves that it continues the larger one.
    let sizes = (ours.case.map_or(0, |tree| tree.size), theirs.case.map_or(0, |tree| tree.size));
    (joined.case, joined.case_checkpoint) =
        if sizes.0 >= sizes.1 { (ours.case, ours.case_checkpoint) } else { (theirs.case, theirs.case_checkpoint) };
    joined.chains.extend(ours.chains);
    joined.receipts.extend(ours.receipts);
    joined.reports.extend(ours.reports);
    joined.first_seen.extend(ours.first_seen);
    joined.consent_changes.extend(ours.consent_changes);
    joined.release_requests.retain(|grant, _| still_open(grant, ours.release_requests.contains_key(grant)));
    joined.release_requests.extend(ours.release_requests);
    joined.kept_headers.retain(|grant, _| still_open(grant, ours.kept_headers.contains_key(grant)));
    joined.kept_headers.extend(ours.kept_headers);
    joined
}

fn open(memory: &Memory) -> BTreeSet<String> {
    memory.release_requests.keys().chain(memory.kept_headers.keys()).cloned().collect()
}

/// A memory is written as JSON and nothing else; so it is copied.
pub(in crate::cli) fn copy(memory: &Memory) -> Result<Memory, Failure> {
    let text = serde_json::to_vec(memory).map(Zeroizing::new);
    text.and_then(|text| serde_json::from_slice(&text))
        .map_err(|e| Failure::refused(format!("memory cannot be kept: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::api::Bytes;

    fn asking(grants: &[&str]) -> Memory {
        let release_requests = grants.iter().map(|g| ((*g).to_owned(), "text".to_owned())).collect();
        Memory { release_requests, ..Memory::default() }
    }

    #[test]
    fn what_was_done_with_does_not_come_back_and_what_others_began_stays() {
        let before = open(&asking(&["done", "mine"]));
        let joined = join(asking(&["done", "mine", "theirs"]), asking(&["mine"]), &before);
        assert_eq!(joined.release_requests.keys().collect::<Vec<_>>(), ["mine", "theirs"]);
    }

    #[test]
    fn a_header_kept_back_meanwhile_is_not_lost() {
        let kept_headers = [("grant".to_owned(), Bytes(vec![1]))].into();
        let joined = join(Memory { kept_headers, ..Memory::default() }, Memory::default(), &BTreeSet::new());
        assert_eq!(joined.kept_headers.len(), 1);
    }

    #[test]
    fn later_answers_of_two_commands_are_both_kept_and_the_one_recorded_last_holds() {
        use crate::{
            client::consent::{Answers, Change, Said, Withdrawal},
            model::time::Timestamp,
        };
        let change = |at, said| {
            let (code, date) = ("W-1".to_owned(), jiff::civil::date(2026, 6, 1));
            Change { at: Timestamp::from_seconds(at), code, said, date, reports: BTreeSet::new() }
        };
        let renewed = change(1, Said::Answered(Answers::default()));
        let withdrawn = change(2, Said::Withdrawn(Withdrawal::Everything {}));
        let with = |change: &Change| Memory { consent_changes: [change.clone()].into(), ..Memory::default() };
        for (theirs, ours) in [(&renewed, &withdrawn), (&withdrawn, &renewed)] {
            let joined = join(with(theirs), with(ours), &BTreeSet::new());
            assert_eq!(joined.consent_changes.iter().collect::<Vec<_>>(), [&renewed, &withdrawn]);
        }
        // A command that knew nothing of it does not take it away.
        let joined = join(with(&withdrawn), Memory::default(), &BTreeSet::new());
        assert_eq!(joined.consent_changes.len(), 1);
    }

    #[test]
    fn keeping_twice_takes_away_nothing_another_command_keeps_open() {
        let dir = tempfile::tempdir().unwrap();
        let identity = crate::cli::founding::identity("main", &*crate::cli::ambient::SystemEntropy::new()).unwrap();
        let place = Place::under(dir.path());
        let mut first = Kept::read(&place, &identity).unwrap();
        let mut second = Kept::read(&place, &identity).unwrap();
        second.write(&asking(&["theirs"]), &identity).unwrap();
        for _ in 0..2 {
            first.write(&asking(&["mine"]), &identity).unwrap();
        }
        let kept = Kept::read(&place, &identity).unwrap();
        assert_eq!(kept.memory().release_requests.keys().collect::<Vec<_>>(), ["mine", "theirs"]);
    }
}
