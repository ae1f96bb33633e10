//! `identity new`: keys under a passphrase.

use crate::{
    cli::{
        ambient::SystemEntropy,
        home::{self, Access, Place, Unlocked},
        output::{Failure, Out},
        recovery,
    },
    client::identity::{Identity, Label, ScryptWork},
};
use clap::Args;

/// Make an identity under a passphrase, and its recovery key.
///
/// Reports under one identity can be linked to each other: make one for each case.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity new\n  amana identity new --label case-12\n  amana identity new --label case-12 --passphrase-file FILE --recovery-file words.txt"
)]
pub(super) struct Arguments {
    /// What you call it. It stays on this device.
    #[arg(long, default_value = "main")]
    label: Label,
    #[command(flatten)]
    recovery: recovery::RecoveryWords,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let place = Place::of(access, arguments.label.as_str())?;
    if place.identity().exists() || place.memory().exists() {
        return Err(Failure::refused(format!(
            "there is an identity called {:?} already in {}; choose another --label",
            arguments.label.as_str(),
            place.folder().display()
        )));
    }
    let entropy = SystemEntropy::new();
    let passphrase = home::new_passphrase(access, &*entropy)?;
    let identity = Identity::generate(arguments.label.clone(), &*entropy);
    let recovery = recovery::make(&arguments.recovery)?.public_keys();
    place.make()?;
    identity
        .write_encrypted(&place.identity(), passphrase.as_str().into(), ScryptWork::STANDARD)
        .map_err(|e| Failure::from_error(&e))?;
    let (party, fingerprint, recipient) = (identity.party_id(), identity.fingerprint(), identity.recipient());
    let path = place.identity();
    let unlocked = Unlocked { identity, place };
    unlocked.kept()?.change(&unlocked.identity, |memory| memory.recovery = Some(recovery))?;
    out.show(
        format!(
            "Made {}.\n  id         {party}\n  recipient  {recipient}\n  words      {fingerprint}\n\n\
             Next: amana identity enrol --broker https://… --card 'NAME#…'",
            path.display()
        ),
        &serde_json::json!({
            "label": arguments.label.as_str(), "party": party, "recipient": recipient, "words": fingerprint, "file": path,
        }),
    );
    Ok(())
}
