//! `thaw`: lifting a freeze. It takes the recovery key, and whoever else the freeze names.

use super::{
    home::Access,
    output::{Failure, Out},
    recovery, words,
};
use crate::{
    client::freezing::OwnFreeze,
    model::{
        freeze::Lift,
        ids::{Digest, PartyId},
        institution::CaseMatter,
    },
};
use clap::Args;
use std::path::PathBuf;

/// Lift a freeze: your own with the 24 words of your recovery key; as its guardian, by agreeing; administrators' by two.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana thaw\n  amana thaw --agree 3f…                                         # as the guardian it names, or a second administrator\n  amana thaw --party kPrK… --freeze 3f… --identity administrator-1.txt"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    /// Only this freeze [default: every one of yours].
    #[arg(long, value_name = "FREEZE")]
    freeze: Option<Digest>,
    /// Agree with the lifting somebody proposed.
    #[arg(long, value_name = "THAW", conflicts_with_all = ["freeze", "party"])]
    agree: Option<Digest>,
    /// As an administrator: whose freeze to lift.
    #[arg(long, value_name = "PARTY_ID", allow_hyphen_values = true, requires = "freeze")]
    party: Option<PartyId>,
    /// Read the 24 words from a file instead of asking for them.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let access = &arguments.access;
    if let Some(thaw) = arguments.agree {
        return access.at_desk(|sitting| {
            sitting.desk.agree(thaw, CaseMatter::Thaw)?;
            out.show("Agreed: the freeze is lifted.", &serde_json::json!({ "thaw": thaw, "lifted": true }));
            Ok(())
        });
    }
    if let (Some(party), Some(freeze)) = (arguments.party, arguments.freeze) {
        return access.at_desk(|sitting| {
            let proposed = sitting.desk.propose_thaw(party, freeze)?.id;
            out.show(
                format!("Proposed. It is lifted when a second administrator agrees:\n  amana thaw --agree {proposed}"),
                &serde_json::json!({ "thaw": proposed, "lifted": false }),
            );
            Ok(())
        });
    }
    let recovery = recovery::typed(arguments.words_file.as_deref())?;
    access.at_desk(|sitting| {
        let sent = sitting.desk.thaw_each(&recovery, arguments.freeze)?;
        if sent.is_empty() {
            return Err(Failure::refused("there is no freeze of yours to lift; one of administrators they lift"));
        }
        // A freeze whose guardian the broker did not know was lifted by the recovery key alone.
        let over = sitting.desk.reports().is_ok();
        tell(&sent, over, out);
        Ok(())
    })
}

/// `over`: nothing of theirs is frozen any more.
fn tell(sent: &[(OwnFreeze, Digest)], over: bool, out: &Out) {
    let line = |(freeze, thaw): &(OwnFreeze, Digest)| match freeze.lift {
        Lift::RecoveryAndGuardian { guardian } if !over => format!(
            "Proposed: to lift the freeze of {}. It is lifted when {guardian} agrees:\n  amana thaw --agree {thaw}",
            words::moment(freeze.at)
        ),
        _ => format!("Lifted: the freeze of {}.", words::moment(freeze.at)),
    };
    let rows: Vec<_> = sent
        .iter()
        .map(|(freeze, thaw)| {
            let done = over || freeze.lift == Lift::Recovery {};
            serde_json::json!({ "freeze": freeze.freeze, "thaw": thaw, "lifted": done })
        })
        .collect();
    out.show(sent.iter().map(line).collect::<Vec<_>>().join("\n"), &rows);
}
