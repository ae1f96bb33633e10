//! `request notice`: an owner lets an institution know, sealed, that there is something to ask for.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::answering::Telling,
    model::ids::{PartyId, ReportId},
};
use clap::Args;

/// Let an institution know that there is something to ask for: the report's reference and a message, sealed to its unit.
///
/// It gives nothing away but that you wrote to this institution; it opens nothing. The institution can then ask.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana request notice --to kPrK… --report 3f… --message 'Interviews from the delta, for your call.'"
)]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "INSTITUTION_ID", allow_hyphen_values = true)]
    to: PartyId,
    /// Its unit; needed when it has several.
    #[arg(long)]
    unit: Option<String>,
    /// The report there is to ask for.
    #[arg(long)]
    report: ReportId,
    /// More, in words. The broker cannot read it.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// For how many days it stands in the institution's inbox.
    #[arg(long, default_value_t = 90)]
    days: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let telling = Telling {
        institution: arguments.to,
        unit: arguments.unit.clone(),
        report: arguments.report,
        message: arguments.message.clone(),
        until: home::now().plus(words::days(arguments.days)?),
    };
    access.at_desk(|sitting| {
        let done = sitting.desk.give_notice(&telling)?;
        let row = sitting.desk.mirror().institution(telling.institution);
        let name = row.map_or_else(|| telling.institution.to_string(), |row| words::institution(&row.record));
        let unit = done.unit.as_deref().unwrap_or_default();
        out.show(
            format!(
                "Told {name}.\n  notice   {}\n  read by  the unit {unit:?}, and nobody else\n  until    {}\nThey can now ask \
                 for the report; you decide then. It opens nothing.",
                done.accepted.id,
                words::moment(telling.until)
            ),
            &serde_json::json!({
                "notice": done.accepted.id, "index": done.accepted.index, "unit": done.unit, "until": telling.until,
            }),
        );
        Ok(())
    })
}
