//! `freeze`: stop everything of an advocate, at once. One signature, no signing in.

use super::{
    ambient::{SystemClock, SystemEntropy},
    home::{self, Access},
    output::{Failure, Out},
};
use crate::{
    client::{
        desk::{Desk, Opening},
        freezing::GuardianFile,
        identity::{Identity, Label},
        memory::Memory,
    },
    model::{
        freeze::Lift,
        ids::{Digest, PartyId},
        institution::CaseMatter,
    },
    wire::{api::Stopped, genesis::Card},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Stop everything of an advocate: nothing is released, granted, fetched or changed until it is lifted.
///
/// Withdrawing and freezing go on. Use it when somebody is arrested, or a device was taken. What was opened before is not
/// undone by it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana freeze                                      # everything of mine\n  amana freeze --guardian kPrK…                      # and lifting it takes somebody else too\n  amana freeze --file guardian.json                  # left with you by somebody who trusts you\n  amana freeze --party kPrK… --identity administrator-1.txt   # lapses in 14 days unless a second one agrees\n  amana freeze --agree 3f… --identity administrator-2.txt"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    /// A guardian file. Nothing else is needed: no identity, no passphrase.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["party", "guardian", "agree"])]
    file: Option<PathBuf>,
    /// As an administrator: whom to freeze.
    #[arg(long, value_name = "PARTY_ID", allow_hyphen_values = true)]
    party: Option<PartyId>,
    /// An advocate whose agreement lifting it takes, beside your recovery key.
    #[arg(long, value_name = "PARTY_ID", allow_hyphen_values = true, conflicts_with = "party")]
    guardian: Option<PartyId>,
    /// As a second administrator: let this freeze last.
    #[arg(long, value_name = "FREEZE", conflicts_with_all = ["party", "guardian"])]
    agree: Option<Digest>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    if let Some(file) = &arguments.file {
        return present(file, &arguments.access, out);
    }
    if let Some(freeze) = arguments.agree {
        return arguments.access.at_desk(|sitting| {
            sitting.desk.agree(freeze, CaseMatter::Freeze)?;
            out.show("Agreed: the freeze does not lapse.", &serde_json::json!({ "freeze": freeze, "lasts": true }));
            Ok(())
        });
    }
    arguments.access.at_desk_to_withdraw(|sitting| {
        let own = sitting.desk.party_id();
        let (party, lift) = (arguments.party.unwrap_or(own), lift(arguments.guardian));
        let stopped = sitting.desk.freeze(party, lift)?;
        tell(&stopped, party == own, arguments.party.is_some(), out);
        Ok(())
    })
}

/// Who may lift it.
pub(super) fn lift(guardian: Option<PartyId>) -> Lift {
    guardian.map_or(Lift::Recovery {}, |guardian| Lift::RecoveryAndGuardian { guardian })
}

/// Sends a guardian file. Whoever does it needs to be nobody here.
fn present(path: &Path, access: &Access, out: &Out) -> Result<(), Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
    let text = home::read_secret(path)?;
    let file: GuardianFile =
        serde_json::from_str(&text).map_err(|e| words(&format!("this is no guardian file ({e})")))?;
    file.check()?;
    let card: Card = file.card.parse().map_err(|_| words(&"the broker's card in it cannot be read"))?;
    let entropy = SystemEntropy::new();
    let label: Label = "guardian".parse().map_err(|e| Failure::from_error(&e))?;
    let opening = Opening {
        identity: Identity::generate(label, &*entropy),
        memory: Memory::default(),
        clock: SystemClock::new(),
        entropy,
    };
    let address = access.broker.as_ref().unwrap_or(&file.broker);
    let mut desk = Desk::open_to_withdraw(opening, address, &card)?;
    let stopped = desk.send_freeze(&file.statement)?;
    tell(&stopped, false, false, out);
    Ok(())
}

fn tell(stopped: &Stopped, own: bool, by_administrator: bool, out: &Out) {
    let whose = if own { "yours" } else { "theirs" };
    let cut = match stopped.streams_reset {
        0 => String::new(),
        count => format!(" {count} delivery(s) under way were cut."),
    };
    let lifts = if by_administrator {
        "It lapses in 14 days unless a second administrator agrees:\n  amana freeze --agree"
    } else {
        "It is lifted with the recovery key:\n  amana thaw    # freeze"
    };
    out.show(
        format!(
            "Frozen: everything of {whose} stands still.{cut} What was opened before is not undone.\n  freeze  {id}\n\n{lifts} {id}",
            id = stopped.accepted.id
        ),
        &serde_json::json!({
            "freeze": stopped.accepted.id, "index": stopped.accepted.index, "streams_reset": stopped.streams_reset,
        }),
    );
}
