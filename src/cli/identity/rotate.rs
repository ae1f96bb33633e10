//! `identity rotate` and `identity recover`: new keys for the same party, under a label of their own.

use crate::{
    cli::{
        ambient::SystemEntropy,
        home::{self, Access, Place, Sitting, Unlocked},
        output::{Failure, Out},
        recovery::{self, RecoveryWords},
    },
    client::{
        identity::{Identity, Label, RecoveryKey, ScryptWork},
        memory::Memory,
    },
    model::party::RecoveryKeys,
};
use clap::Args;
use std::path::PathBuf;

/// Replace your keys. What is yours stays yours: reports are not uploaded again.
///
/// It takes the 24 words of your recovery key. Should it break off, the same command goes on.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity rotate --as advocate --label advocate-2\n  amana identity rotate --as advocate --label advocate-2 --new-recovery --recovery-file words.txt"
)]
pub(super) struct Arguments {
    /// What the new identity is called on this device.
    #[arg(long)]
    label: Label,
    /// Make another recovery key too.
    #[arg(long)]
    new_recovery: bool,
    #[command(flatten)]
    recovery: RecoveryWords,
    /// Read the 24 words of the recovery key of today from a file instead of asking for them.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let place = Place::of(access, arguments.label.as_str())?;
    let words = recovery::typed(arguments.words_file.as_deref())?;
    let begun = place.memory().exists();
    let new = Unlocked { identity: new_identity(access, &place, &arguments.label)?, place };
    let labelled = labelled(access, &arguments.label);
    if !begun {
        begin(arguments, access, &new, &words)?;
    }
    // Done already if an earlier try broke off after it.
    if !begun || !labelled.at_desk(|sitting| Ok(sitting.desk.is_in_force()?))? {
        // Only what was asked for is registered: words that were typed in error before stand in no keys.
        let made = if arguments.new_recovery { new.kept()?.memory().recovery.clone() } else { None };
        let keys = made.unwrap_or_else(|| words.public_keys());
        replace(access, &new, &words, &keys)?;
        out.note(format!(
            "The keys are replaced; the old ones sign nothing but freezes. Recovery: {}",
            of(&keys, &words)
        ));
    }
    wrap_all(&labelled, &words, out)
}

/// Keeps what the new identity has to know before anything is sent: once its key is in force the old one signs in no more.
fn begin(arguments: &Arguments, access: &Access, new: &Unlocked, words: &RecoveryKey) -> Result<(), Failure> {
    let memory = access.at_desk(|sitting| {
        if sitting.desk.memory().recovery.as_ref().is_some_and(|known| *known != words.public_keys()) {
            return Err(Failure::does_not_hold("these are 24 words of a recovery key, but not of this identity's"));
        }
        let keys = if arguments.new_recovery { recovery::make(&arguments.recovery)? } else { words.public_keys() };
        after(sitting, &keys)
    })?;
    new.kept()?.change_to(&memory, &new.identity)
}

fn replace(access: &Access, new: &Unlocked, words: &RecoveryKey, keys: &RecoveryKeys) -> Result<(), Failure> {
    let memory = access.at_desk(|sitting| {
        let made = (*keys != words.public_keys()).then(|| keys.clone());
        let proposed = sitting.desk.propose_rotation(&new.identity, made)?.id;
        sitting.keep()?;
        sitting.desk.agree_to_rotation(words, proposed, &new.identity)?;
        after(sitting, keys)
    })?;
    new.kept()?.change_to(&memory, &new.identity)
}

fn of(keys: &RecoveryKeys, words: &RecoveryKey) -> &'static str {
    if *keys == words.public_keys() { "the same 24 words" } else { "the new 24 words; the old ones are worthless" }
}

/// The new identity, or the one made before the command broke off.
pub(super) fn new_identity(access: &Access, place: &Place, label: &Label) -> Result<Identity, Failure> {
    if place.identity().exists() {
        return access.unlock_file(&place.identity());
    }
    let entropy = SystemEntropy::new();
    let passphrase = home::new_passphrase(access, &*entropy)?;
    let identity = Identity::generate(label.clone(), &*entropy);
    place.make()?;
    identity
        .write_encrypted(&place.identity(), passphrase.as_str().into(), ScryptWork::STANDARD)
        .map_err(|e| Failure::from_error(&e))?;
    Ok(identity)
}

/// What the new identity remembers: everything the old one did, and whose keys they are.
fn after(sitting: &Sitting, keys: &RecoveryKeys) -> Result<Memory, Failure> {
    let mut memory = home::copied(sitting.desk.memory())?;
    memory.party = Some(sitting.desk.party_id());
    memory.recovery = Some(keys.clone());
    Ok(memory)
}

/// The same desk under another label.
pub(super) fn labelled(access: &Access, label: &Label) -> Access {
    Access { label: Some(label.as_str().to_owned()), identity: None, ..access.clone() }
}

/// Wraps every report's header for the keys of today. Repeating it is safe.
pub(super) fn wrap_all(access: &Access, words: &RecoveryKey, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        sitting.desk.remember_reports()?;
        let keys = sitting.desk.memory().recovery.clone().unwrap_or_else(|| words.public_keys());
        let (mut wrapped, mut total) = (0_usize, 0_usize);
        for summary in sitting.desk.reports()? {
            // Another owner's, whose header is theirs to wrap; or not there: it is uploaded as it was sealed, and the same
            // command wraps it then.
            if sitting.desk.memory().report(summary.id).is_none() || !summary.state.is_kept() {
                continue;
            }
            total = total.saturating_add(1);
            if sitting.desk.wrap_own_anew(summary.id, words, &keys)?.is_some() {
                wrapped = wrapped.saturating_add(1);
                sitting.keep()?;
            }
        }
        let (party, key) = (sitting.desk.party_id(), sitting.desk.identity().key_id());
        out.show(
            format!(
                "The new keys are yours.\n  id       {party} (as before)\n  key      {key}\n  reports  {wrapped} of {total} \
                 locked for the new keys now; none was uploaded again"
            ),
            &serde_json::json!({ "party": party, "key_id": key, "wrapped": wrapped, "reports": total }),
        );
        Ok(())
    })
}
