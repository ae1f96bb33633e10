//! `report show`: one report, and the reference an institution needs to ask for it.

use super::relation::Relations;
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::consent,
    model::{
        ids::{AgeRecipient, ReportId},
        report::{Erasing, ReportState},
    },
};
use clap::Args;

/// Show one report, with the reference to hand to an institution.
#[derive(Args)]
#[command(after_help = "Example:\n  amana report show 3f…")]
pub(super) struct Arguments {
    /// The report.
    report: ReportId,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let id = arguments.report;
        let found = sitting.desk.reports()?.into_iter().find(|report| report.id == id);
        let summary = found.ok_or_else(|| {
            Failure::refused(format!("the broker has no report {id} of yours; see `amana report list`"))
        })?;
        let own = sitting.desk.memory().report(id);
        let title = own.and_then(|own| own.title.clone());
        let memory = sitting.desk.memory();
        let consent = match (own, consent::working(memory, id)) {
            (None, _) => "sealed on another device".to_owned(),
            (Some(_), None) => "no register".to_owned(),
            (Some(_), Some(register)) => format!("{} person(s); see amana consent show {id}", register.persons.len()),
        };
        let relations = Relations::of(memory, id)?;
        let related = relations.lines("  relation  ");
        let reference = reference(id, &summary.report.owner_recipient);
        out.show(
            format!(
                "{}\n  report    {id}\n  declared  {}, {}\n  tier      {}, {}\n  bytes     {}\n  consent   {consent}{related}\n\n\
                 Reference for an institution, to hand over by another channel:\n  {reference}\n\
                 With it they can ask you for the report and write to you. It opens nothing.",
                title.as_deref().unwrap_or("(no title on this device)"),
                words::moment(summary.at),
                standing(&summary.state),
                u8::from(summary.report.tier),
                words::term(&summary.report.kind),
                summary.report.payload_bytes,
            ),
            &serde_json::json!({
                "id": id, "title": title, "at": summary.at, "state": summary.state, "report": summary.report,
                "reference": reference, "earlier": relations.earlier, "later": relations.later,
            }),
        );
        Ok(())
    })
}

/// `ID.age1…`: the report and where to seal messages for its owner to.
fn reference(id: ReportId, owner: &AgeRecipient) -> String {
    format!("{id}.{owner}")
}

/// Where a report stands, in words.
pub(super) const fn standing(state: &ReportState) -> &'static str {
    match state {
        ReportState::Declared {} => "declared, not uploaded yet",
        ReportState::Stored {} => "uploaded",
        ReportState::Withdrawn { erasing: Erasing::NotAsked {}, .. } => "withdrawn, kept for you",
        ReportState::Withdrawn { erasing: Erasing::Asked { .. }, .. } => {
            "withdrawn, to be erased once your recovery key agrees"
        }
        ReportState::Withdrawn { erasing: Erasing::Due { .. }, .. } => "withdrawn, to be erased soon",
        ReportState::Erased {} => "withdrawn and erased",
    }
}
