//! `request list`: either side; the owner reads the sealed message.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{desk::Desk, seal::open_message},
    model::{purpose::Purpose, request::ItemAnswer},
    wire::api::RequestSummary,
};
use clap::Args;

/// List requests: sent by your institution, or received for your reports.
#[derive(Args)]
#[command(after_help = "Example:\n  amana request list")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let desk = &sitting.desk;
        let requests = desk.requests()?;
        let texts: Vec<String> = requests.iter().map(|request| text(desk, request)).collect();
        let rows: Vec<_> = requests
            .iter()
            .map(|request| {
                serde_json::json!({
                    "id": request.id, "at": request.at, "officer": request.officer, "institution": request.institution,
                    "institution_name": name(desk, request), "request": request.request,
                    "answers": request.answers, "message": message(desk, request),
                })
            })
            .collect();
        out.show(if texts.is_empty() { "No requests.".to_owned() } else { texts.join("\n\n") }, &rows);
        Ok(())
    })
}

fn text(desk: &Desk, request: &RequestSummary) -> String {
    let asked = &request.request;
    let purposes: Vec<&str> = asked.purposes.iter().map(Purpose::as_str).collect();
    let answered = answered(request);
    let message = message(desk, request).map(|text| format!("\n  message   {text}")).unwrap_or_default();
    format!(
        "{}\n  from      {}\n  report    {}\n  for       {}\n  basis     {}\n  asked     {}, answer due by {}\n  state     {answered}{message}",
        request.id,
        name(desk, request),
        asked.report,
        purposes.join(", "),
        asked.legal_basis,
        words::moment(request.at),
        words::moment(asked.deadline),
    )
}

/// Each item asked for and what became of it.
fn answered(request: &RequestSummary) -> String {
    let item = |purpose: &Purpose| match request.answers.get(purpose) {
        None => format!("{purpose}: open"),
        Some(ItemAnswer::Granted(grant)) => format!("{purpose}: granted by {grant}"),
        Some(ItemAnswer::Refused(statement)) => format!("{purpose}: refused by {statement}"),
        Some(ItemAnswer::Asked(statement)) => format!("{purpose}: asked back by {statement}"),
    };
    request.request.purposes.iter().map(item).collect::<Vec<_>>().join("\n            ")
}

fn name(desk: &Desk, request: &RequestSummary) -> String {
    desk.mirror().institution(request.institution).map_or_else(
        || format!("an institution the register does not know, {}", request.institution),
        |row| words::institution(&row.record),
    )
}

/// The message, if this identity can open it. Control and direction characters are not for terminals.
fn message(desk: &Desk, request: &RequestSummary) -> Option<String> {
    let sealed = request.request.sealed_message.as_deref()?;
    let opened = open_message(desk.identity().age_identity(), sealed).ok()?;
    let shown = |c: char| !c.is_control() && !crate::model::statement::is_bidi_control(c);
    Some(opened.chars().map(|c| if shown(c) { c } else { ' ' }).collect())
}
