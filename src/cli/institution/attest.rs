//! `institution attest`: an accreditor vouches, for a time.

use super::{known, told};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    model::{ids::PartyId, institution::AttestationKind},
};
use clap::Args;

/// Vouch for what was examined (accreditor).
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana institution attest kPrK… --kind due-diligence --days 365 --identity accreditor-1.txt"
)]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
    /// What was examined: due-diligence (protection of sources, remedy, onward rules) or mandate.
    #[arg(long, value_parser = words::read_term::<AttestationKind>)]
    kind: AttestationKind,
    /// For how many days it holds.
    #[arg(long)]
    days: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let until = home::now().plus(words::days(arguments.days)?);
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, arguments.institution)?;
        let accepted = sitting.desk.attest(arguments.institution, arguments.kind, until)?;
        let kind = words::term(&arguments.kind);
        told(out, &format!("Vouched for {kind} of {} until {}.", row.record.name, words::moment(until)), &accepted);
        Ok(())
    })
}
