//! `roster show`: the roster in force, from the verified register.

use crate::{
    cli::{
        card,
        home::Access,
        output::{Failure, Out},
    },
    model::{roster::Roster, rows::RosterRow},
};
use clap::Args;
use std::fmt::Write as _;

/// Show the roster in force.
#[derive(Args)]
#[command(after_help = "Example:\n  amana roster show")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let row = sitting.desk.roster_in_force()?;
        out.show(
            format!("Roster {}, by the register as this device has checked it.\n\n{}", row.number, described(&row)),
            &row,
        );
        Ok(())
    })
}

/// Everybody in a roster, with their keys: what people look at before they confirm it.
pub(in crate::cli) fn described(row: &RosterRow) -> String {
    let (offices, keys) = (card::offices(&row.roster), keys(&row.roster));
    format!("Offices, and how many of each must agree:\n{offices}\n\nKeys:\n{keys}")
}

fn keys(roster: &Roster) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (_, named) in roster.holders() {
        let _ = writeln!(text, "  {}  {}", named.key, named.name);
    }
    for named in &roster.witnesses {
        let _ = writeln!(text, "  {}  {} (witness)", named.key, named.name);
    }
    let logs = &roster.log_keys;
    let _ = write!(text, "  {}  signs the register\n  {}  signs the case log", logs.register, logs.case);
    text
}
