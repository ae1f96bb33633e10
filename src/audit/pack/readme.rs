//! `README.txt`: what a pack is, and how to check it without this program.

use super::custody::Custody;

/// The text, with the numbers of this pack in it.
pub(super) fn text(custody: &Custody) -> String {
    let first = custody.after.iter().find(|act| act.what == "sealed");
    let (proof, statement) = first.map_or(("entries/…", "statements/…"), |act| {
        (act.proof.as_str(), act.statement.as_deref().unwrap_or("statements/…"))
    });
    TEXT.replace("{report}", &custody.report.to_string())
        .replace("{card}", &custody.card)
        .replace("{statement}", statement)
        .replace("{proof}", proof)
        .replace("{program}", &custody.program)
        .replace("{payload}", &custody.sealed.payload_sha256.to_string())
}

const TEXT: &str = include_str!("readme.txt");
