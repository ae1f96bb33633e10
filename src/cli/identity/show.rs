//! `identity show`: what others may know.

use crate::cli::{
    home::Access,
    output::{Failure, Out},
};
use clap::Args;

/// Show what others may know of an identity: id, recipient, eight words.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity show\n  amana identity show --as case-12\n  amana identity show --identity roles/administrator-1.txt"
)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let identity = &unlocked.identity;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known yet".to_owned());
    let party = kept.memory().party.unwrap_or_else(|| identity.party_id());
    let heir =
        kept.memory().recovery.as_ref().map(|keys| format!("{party}.{}.{}", identity.recipient(), keys.recipient));
    let recovery = if kept.memory().recovery.is_some() { "made" } else { "none yet" };
    out.show(
        format!(
            "{}\n  id          {}\n  public key  {}\n  recipient   {}\n  words       {}\n  recovery    {recovery}\n  \
             broker      {}\n  as heir     {}\n\nRead the eight words out to whoever wants to be sure that these are your keys.",
            identity.label(),
            party,
            identity.public_key(),
            identity.recipient(),
            identity.fingerprint(),
            known(&kept.memory().url),
            heir.as_deref().unwrap_or("enrol first"),
        ),
        &serde_json::json!({
            "label": identity.label().as_str(), "party": party, "heir": heir, "key_id": identity.key_id(),
            "public_key": identity.public_key(), "recipient": identity.recipient(), "words": identity.fingerprint(),
            "recovery": kept.memory().recovery, "broker": kept.memory().url,
        }),
    );
    Ok(())
}
