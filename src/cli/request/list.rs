//! `request list`: either side; whoever can opens the messages.

use super::shown::{Answers, Reader};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        unit::UnitIdentity,
    },
    client::requests::Side,
    model::request::ItemAnswer,
    wire::api::RequestSummary,
};
use clap::Args;
use std::collections::BTreeSet;

/// List requests: sent by your institution, or received for your reports; and what owners let your institution know.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request list\n  amana request list --unit-identity unit.age    # opens what owners wrote to the unit"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    unit: UnitIdentity,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let unit = arguments.unit.unlock(access)?;
    access.at_desk(|sitting| {
        let requests = sitting.desk.requests()?;
        let mut answers = Answers::new();
        let more = requests.iter().filter(|request| says_more(request));
        for report in more.map(|request| request.request.report).collect::<BTreeSet<_>>() {
            answers.extend(sitting.desk.answers(report)?);
        }
        let notices = match sitting.desk.side() {
            Side::Institution(_) => sitting.desk.notices()?,
            Side::Owner => Vec::new(),
        };
        let reader = Reader { desk: &sitting.desk, unit: unit.as_ref() };
        let texts = requests.iter().map(|request| reader.request(request, &answers));
        let texts: Vec<String> = texts.chain(notices.iter().map(|notice| reader.notice(notice))).collect();
        let rows = requests.iter().map(|request| reader.request_json(request, &answers));
        let rows: Vec<_> = rows.chain(notices.iter().map(|notice| reader.notice_json(notice))).collect();
        out.show(if texts.is_empty() { "No requests.".to_owned() } else { texts.join("\n\n") }, &rows);
        Ok(())
    })
}

/// Whether an item was answered by words that stand in the log alone.
fn says_more(request: &RequestSummary) -> bool {
    request.answers.values().any(|answer| matches!(answer, ItemAnswer::Refused(_) | ItemAnswer::Asked(_)))
}
