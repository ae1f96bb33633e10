//! `roster propose`: the roster in force, changed as said, and shown before it is signed.

use super::{confirm, diff::diff};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
    },
    model::{genesis::NamedKey, ids::PublicKey, party::OfficeName, roster::Roster},
    tlog::{CosignatureVerifier, KeyError},
};
use clap::Args;

/// Propose a change of the roster (administrator, or member of the council). Enough administrators and enough of the
/// council have to sign it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana roster propose --add-auditor broker.example/auditor-2=11qYAYKx… --remove broker.example/auditor-1\n  amana roster propose --log-key register=11qYAYKx…\n  amana roster propose --witness witness.example+… --witness-quorum 2"
)]
pub(super) struct Arguments {
    /// A key that becomes an administrator's, as `amana identity show` prints it; may be repeated, like all of these.
    #[arg(long, value_name = "NAME=KEY", value_parser = named)]
    add_administrator: Vec<NamedKey>,
    /// A key that becomes an accreditor's.
    #[arg(long, value_name = "NAME=KEY", value_parser = named)]
    add_accreditor: Vec<NamedKey>,
    /// A key that becomes an auditor's.
    #[arg(long, value_name = "NAME=KEY", value_parser = named)]
    add_auditor: Vec<NamedKey>,
    /// A key that becomes a council member's.
    #[arg(long, value_name = "NAME=KEY", value_parser = named)]
    add_council: Vec<NamedKey>,
    /// A holder or witness to remove, by the name or the key that `roster show` prints.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "NAME|KEY", allow_hyphen_values = true)]
    remove: Vec<String>,
    /// A witness to add, as `amana witness show` prints it.
    #[arg(long, value_name = "NAME+ID+BASE64", value_parser = witness)]
    witness: Vec<NamedKey>,
    /// How many witnesses have to cosign.
    #[arg(long, value_name = "K")]
    witness_quorum: Option<u32>,
    /// A log's next key, as `amana log-key prepare` prints it.
    #[arg(long, value_name = "register|case=KEY", value_parser = log_key)]
    log_key: Vec<(String, PublicKey)>,
    /// How many of an office must agree.
    #[arg(long, value_name = "OFFICE=K", value_parser = threshold)]
    threshold: Vec<(OfficeName, u32)>,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let before = sitting.desk.roster_in_force()?;
        let after = arguments.applied_to(&before.roster)?;
        let changes = diff(&before.roster, &after);
        if changes.is_empty() {
            return Err(Failure::refused("this changes nothing; `amana roster propose --help` says what can be changed"));
        }
        after.check().map_err(|e| Failure::refused(format!("no such roster can come into force: {e}")))?;
        confirm(&changes, before.number.saturating_add(1), arguments.yes, out)?;
        let accepted = sitting.desk.propose_roster(after)?;
        out.show(
            format!(
                "Proposed.\n  proposal  {id}\n\nIt comes into force when {} administrators and {} of the council have signed \
                 it, you among them:\n  amana roster approve {id}",
                before.roster.roles.administrators.threshold,
                before.roster.roles.council.threshold,
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index, "changes": changes }),
        );
        Ok(())
    })
}

impl Arguments {
    fn applied_to(&self, before: &Roster) -> Result<Roster, Failure> {
        let mut after = before.clone();
        for gone in &self.remove {
            remove(&mut after, gone)?;
        }
        let added = [
            (OfficeName::Administrators, &self.add_administrator),
            (OfficeName::Accreditors, &self.add_accreditor),
            (OfficeName::Auditors, &self.add_auditor),
            (OfficeName::Council, &self.add_council),
        ];
        for (office, keys) in added {
            after.roles.of_mut(office).keys.extend(keys.iter().cloned());
        }
        after.witnesses.extend(self.witness.iter().cloned());
        after.witness_quorum = self.witness_quorum.unwrap_or(after.witness_quorum);
        for (log, key) in &self.log_key {
            match log.as_str() {
                "register" => after.log_keys.register = *key,
                _ => after.log_keys.case = *key,
            }
        }
        for (office, threshold) in &self.threshold {
            after.roles.of_mut(*office).threshold = *threshold;
        }
        Ok(after)
    }
}

/// Takes out whoever has that name or key, wherever they stand.
fn remove(roster: &mut Roster, gone: &str) -> Result<(), Failure> {
    let stays = |named: &NamedKey| named.name != gone && named.key.to_string() != gone;
    let count = |roster: &Roster| roster.holders().count() + roster.witnesses.len();
    let before = count(roster);
    for office in OfficeName::ALL {
        roster.roles.of_mut(office).keys.retain(stays);
    }
    roster.witnesses.retain(stays);
    match before - count(roster) {
        1 => Ok(()),
        0 => Err(Failure::refused(format!("the roster names no {gone}; see `amana roster show`"))),
        _ => Err(Failure::refused(format!("several in the roster have the name {gone}; say the key instead"))),
    }
}

fn named(text: &str) -> Result<NamedKey, String> {
    let (name, key) = text.split_once('=').ok_or("write NAME=KEY")?;
    Ok(NamedKey { name: name.to_owned(), key: public_key(key)? })
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    text.parse().map_err(|e| format!("{text:?}: {e}"))
}

fn witness(text: &str) -> Result<NamedKey, String> {
    let witness: CosignatureVerifier = text.parse().map_err(|e: KeyError| e.to_string())?;
    Ok(NamedKey { name: witness.name().to_string(), key: PublicKey::from_bytes(witness.key().to_bytes()) })
}

fn log_key(text: &str) -> Result<(String, PublicKey), String> {
    match text.split_once('=') {
        Some((log @ ("register" | "case"), key)) => Ok((log.to_owned(), public_key(key)?)),
        _ => Err("write register=KEY or case=KEY".to_owned()),
    }
}

fn threshold(text: &str) -> Result<(OfficeName, u32), String> {
    let (name, number) = text.split_once('=').ok_or("write OFFICE=K")?;
    let office = OfficeName::ALL.into_iter().find(|office| office.as_str() == name);
    let office = office.ok_or("the offices are administrators, accreditors, auditors and council")?;
    Ok((office, number.parse().map_err(|_| format!("{number:?} is no number"))?))
}
