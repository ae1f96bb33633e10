//! `identity recover`: with the 24 words alone; `--check` is the rehearsal, before it is needed.

use super::rotate::{labelled, new_identity, wrap_all};
use crate::{
    cli::{
        home::{Access, Place},
        output::{Failure, Out},
        recovery,
    },
    client::identity::Label,
};
use clap::Args;
use std::path::PathBuf;

/// Go on with the 24 words when the device or its passphrase is lost: new keys for the same reports. With --check, rehearse:
/// are these the words of this identity's recovery key?
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity recover --check\n  amana identity recover --check --words-file words.txt\n  amana identity recover --label advocate-2 --broker https://… --card 'NAME#…'"
)]
pub(super) struct Arguments {
    /// Compare only; nothing is changed.
    #[arg(long, conflicts_with = "label")]
    check: bool,
    /// What the new identity is called on this device.
    #[arg(long, required_unless_present = "check")]
    label: Option<Label>,
    /// Read the words from a file instead of asking for them.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    match &arguments.label {
        Some(label) => recover(arguments, label, access, out),
        None => check(arguments, access, out),
    }
}

/// The words become a new identity: the recovery key itself is replaced by nothing, and stays on paper.
fn recover(arguments: &Arguments, label: &Label, access: &Access, out: &Out) -> Result<(), Failure> {
    let words = recovery::typed(arguments.words_file.as_deref())?;
    let place = Place::of(access, label.as_str())?;
    let new = new_identity(access, &place, label)?;
    let labelled = labelled(access, label);
    labelled.at_desk(|sitting| {
        let party = sitting.desk.find_party(&words)?;
        sitting.desk.memory_mut().recovery = Some(words.public_keys());
        sitting.keep()?;
        // Done already if an earlier try broke off after it.
        if !sitting.desk.is_in_force()? {
            sitting.desk.recover(&words, &new, None)?;
        }
        out.note(format!("{party}: the lost keys are replaced, and sign nothing but freezes."));
        Ok(())
    })?;
    wrap_all(&labelled, &words, &words, out)?;
    out.note(
        "Fetch your reports back (amana report download): titles, persons and their consent are in them, and grants are \
         checked against that.",
    );
    Ok(())
}

fn check(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let Some(registered) = &kept.memory().recovery else {
        return Err(Failure::refused("this device knows no recovery key of this identity; enrol first"));
    };
    let key = recovery::typed(arguments.words_file.as_deref())?;
    if key.public_keys() != *registered {
        return Err(Failure::does_not_hold(
            "these are 24 words of a recovery key, but not of this identity's. Look for another paper, or for another \
             identity with --as",
        ));
    }
    out.show(
        "These are the words of this identity's recovery key. Keep the paper where it was.",
        &serde_json::json!({ "matches": true }),
    );
    Ok(())
}
