//! `institution close`: the end of a mandate. It can be brought forward, never put off.

use super::{known, told};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    model::{ids::PartyId, time::Timestamp},
};
use clap::Args;

/// Say when this institution ends (institution's root key).
///
/// From then on it receives nothing. What was granted to it does not pass to a successor: whoever gave it is asked anew.
/// Answers stay owed. The day can be brought forward later, never put off.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution close --as root --at 2030-06-30 --successor kPrK…")]
pub(super) struct Arguments {
    /// First moment it receives nothing any more, such as 2030-06-30 or 2030-06-30T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = words::read_moment)]
    at: Timestamp,
    /// The institution of this broker that goes on with its work.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "INSTITUTION_ID", allow_hyphen_values = true)]
    successor: Option<PartyId>,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, sitting.desk.party_id())?;
        if let Some(closed) = row.closed.filter(|closed| closed.at < arguments.at) {
            return Err(Failure::refused(format!(
                "{} ends at {} by its own word; that can be brought forward, and not put off",
                row.record.name,
                words::moment(closed.at)
            )));
        }
        let successor = match arguments.successor {
            Some(id) => format!("; {} goes on with its work", known(&sitting.desk, id)?.record.name),
            None => String::new(),
        };
        let at = words::moment(arguments.at);
        let ends = format!("{} receives nothing any more from {at} on{successor}", row.record.name);
        out.note(format!("{ends}.\nThis can be brought forward, and never put off."));
        if !arguments.yes {
            home::decide("Say so?", "close", "not now", out)?;
        }
        let accepted = sitting.desk.close(arguments.at, arguments.successor)?;
        told(out, &format!("Said: {ends}. What is owed stays owed."), &accepted);
        Ok(())
    })
}
