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
        own_keys::LockedAnew,
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
    let made = if begun { made_before(arguments, &new, &words, out)? } else { begin(arguments, access, &new, &words)? };
    let today = made.as_ref().unwrap_or(&words);
    // Done already if an earlier try broke off after it.
    if !begun || !labelled.at_desk(|sitting| Ok(sitting.desk.is_in_force()?))? {
        // Only what was asked for is registered: words that were typed in error before stand in no keys.
        replace(access, &new, &words, &today.public_keys())?;
        out.note("The keys are replaced; the old ones sign nothing but freezes.");
    }
    wrap_all(&labelled, &words, today, out)?;
    if made.is_some() {
        out.note("Recovery: the new 24 words. Destroy the old ones when every report is locked for the new keys.");
    }
    Ok(())
}

/// Keeps what the new identity has to know before anything is sent: once its key is in force the old one signs in no more.
/// With another recovery key, if one was asked for.
fn begin(
    arguments: &Arguments,
    access: &Access,
    new: &Unlocked,
    words: &RecoveryKey,
) -> Result<Option<RecoveryKey>, Failure> {
    let (memory, made) = access.at_desk(|sitting| {
        if sitting.desk.memory().recovery.as_ref().is_some_and(|known| *known != words.public_keys()) {
            return Err(Failure::does_not_hold("these are 24 words of a recovery key, but not of this identity's"));
        }
        let made = if arguments.new_recovery { Some(recovery::make(&arguments.recovery)?) } else { None };
        Ok((after(sitting, &made.as_ref().unwrap_or(words).public_keys())?, made))
    })?;
    new.kept()?.change_to(&memory, &new.identity)?;
    Ok(made)
}

/// The other recovery key that an earlier try made, if one was asked for.
fn made_before(
    arguments: &Arguments,
    new: &Unlocked,
    words: &RecoveryKey,
    out: &Out,
) -> Result<Option<RecoveryKey>, Failure> {
    let kept = new.kept()?.memory().recovery.clone();
    if !arguments.new_recovery {
        if kept.is_some_and(|kept| kept != words.public_keys()) {
            out.note("An earlier try made another recovery key; if it counts by now, say --new-recovery again.");
        }
        return Ok(None);
    }
    let made = recovery::made_before(&arguments.recovery)?;
    if kept == Some(made.public_keys()) {
        Ok(Some(made))
    } else {
        Err(Failure::does_not_hold("these are not the 24 words that the earlier try made"))
    }
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

/// Locks every report for the keys of today: `today` is the recovery key, `before` the one that they are locked for so far.
pub(super) fn wrap_all(access: &Access, before: &RecoveryKey, today: &RecoveryKey, out: &Out) -> Result<(), Failure> {
    let LockedAnew { failed, .. } = access.at_desk(|sitting| {
        let outcome = sitting.desk.wrap_all_anew(before, today)?;
        let (party, key) = (sitting.desk.party_id(), sitting.desk.identity().key_id());
        let locked = outcome.now.saturating_add(outcome.before);
        let total = locked.saturating_add(outcome.failed.len());
        out.show(
            format!(
                "The new keys are yours.\n  id       {party} (as before)\n  key      {key}\n  reports  {locked} of {total} \
                 locked for the new keys; none was uploaded again"
            ),
            &serde_json::json!({
                "party": party, "key_id": key, "wrapped": outcome.now, "reports": total, "failed": outcome.failed.len(),
            }),
        );
        Ok(outcome)
    })?;
    let lines: Vec<_> = failed.iter().map(|(report, error)| format!("\n  {report}: {error}")).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::does_not_hold(format!(
        "{} of them could not be; the same command tries them again:{}",
        lines.len(),
        lines.concat()
    )))
}
