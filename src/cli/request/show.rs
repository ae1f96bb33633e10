//! `request show`: one request with everything said about it, or one notice.

use super::shown::Reader;
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        unit::UnitIdentity,
    },
    client::requests::{Side, unanswered},
    model::ids::Digest,
    wire::api::RequestSummary,
};
use clap::Args;

/// Show one request with its answers and messages, or one notice.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request show 3f…\n  amana request show 3f… --unit-identity unit.age    # opens what its owner wrote to the unit"
)]
pub(super) struct Arguments {
    /// The request, or the notice.
    #[arg(value_name = "REQUEST")]
    id: Digest,
    #[command(flatten)]
    unit: UnitIdentity,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let unit = arguments.unit.unlock(access)?;
    access.at_desk(|sitting| {
        let side = sitting.desk.side();
        if let Side::Institution(_) = side
            && let Some(notice) = sitting.desk.notices()?.into_iter().find(|notice| notice.id == arguments.id)
        {
            let reader = Reader { desk: &sitting.desk, unit: unit.as_ref() };
            out.show(reader.notice(&notice), &reader.notice_json(&notice));
            return Ok(());
        }
        let request = sitting.desk.request(arguments.id.into())?;
        let answers = sitting.desk.answers(request.request.report)?;
        let reader = Reader { desk: &sitting.desk, unit: unit.as_ref() };
        let text = format!("{}{}", reader.request(&request, &answers), next(side, &request));
        out.show(text, &reader.request_json(&request, &answers));
        Ok(())
    })
}

/// What the owner can do; every way weighs the same.
fn next(side: Side, request: &RequestSummary) -> String {
    let open = unanswered(request);
    let (Side::Owner, Some(purpose)) = (side, open.first()) else { return String::new() };
    let id = request.id;
    let replaces = request.request.grant.map_or_else(String::new, |grant| format!(" --replaces {grant}"));
    format!(
        "\n\nYou decide; no answer is a no.\n  amana grant preview {} --to {} --purpose {purpose} --answers {id}{replaces}\n  \
         amana request refuse {id}\n  amana request ask {id} --message TEXT",
        request.request.report, request.institution
    )
}
