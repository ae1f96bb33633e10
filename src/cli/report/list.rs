//! `report list`: what the broker has, with the titles only this device knows.

use super::relation::Relations;
use crate::cli::{
    consent::remind,
    home::Access,
    output::{Failure, Out},
    words,
};
use clap::Args;
use std::fmt::Write as _;

/// List your reports at the broker. Titles come from this device.
#[derive(Args)]
#[command(after_help = "Example:\n  amana report list")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let reports = sitting.desk.reports()?;
        let memory = sitting.desk.memory();
        let title = |id| memory.report(id).and_then(|own| own.title.clone());
        let mut text = String::new();
        for report in &reports {
            // Writing to a string cannot fail.
            let relations = Relations::of(memory, report.id)?;
            let _ = writeln!(
                text,
                "{}  {}  tier {}  {}  {}{}",
                report.id,
                words::moment(report.at),
                u8::from(report.report.tier),
                super::show::standing(&report.state),
                title(report.id).unwrap_or_default(),
                relations.lines("    ")
            );
        }
        if reports.is_empty() {
            text.push_str("No reports yet. Begin with: amana report seal FILES…");
        }
        let rows: Result<Vec<_>, Failure> = reports
            .iter()
            .map(|r| {
                let relations = Relations::of(memory, r.id)?;
                Ok(serde_json::json!({
                    "id": r.id, "at": r.at, "state": r.state, "report": r.report, "title": title(r.id),
                    "earlier": relations.earlier, "later": relations.later,
                }))
            })
            .collect();
        out.show(text.trim_end(), &rows?);
        remind(memory, out)
    })
}
