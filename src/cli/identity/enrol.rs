//! `identity enrol`: becoming known to a broker, without a name.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        progress::Progress,
        recovery,
    },
    model::party::EnrolmentRole,
};
use clap::Args;

/// Enrol with a broker as an advocate. No name is asked for.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana identity enrol --broker https://broker.example --card 'broker.example#3f…' --invitation SECRET"
)]
pub(super) struct Arguments {
    /// Invitation of the broker's operator, where one is needed. Where a proof of work is enough, it is done by itself.
    #[arg(long, env = "AMANA_INVITATION")]
    invitation: Option<String>,
    #[command(flatten)]
    recovery: recovery::RecoveryWords,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let desk = &mut sitting.desk;
        let keys = recovery::known_or_made(desk, &arguments.recovery)?;
        // Before anything is registered: words whose key is registered must not be lost.
        sitting.keep()?;
        let desk = &mut sitting.desk;
        let role = EnrolmentRole::Advocate {};
        let accepted = desk.enrol_telling(role, keys, arguments.invitation.as_deref(), &mut Progress::of_work(out))?;
        let (party, address) = (desk.party_id(), desk.remote().address().to_owned());
        out.show(
            format!(
                "Enrolled at {address} as an advocate.\n  your id  {party}\nThe broker knows your keys and recovery key, no \
                 name, no address. It is entry {} of its log, proved to this device.",
                accepted.index
            ),
            &serde_json::json!({ "party": party, "statement": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}
