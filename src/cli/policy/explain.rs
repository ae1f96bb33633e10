//! `policy explain`: every rule in the words a denial uses.

use super::Source;
use crate::{
    cli::output::{Failure, Out},
    policy::{Engine, Reason},
};

pub(super) fn run(source: &Source, out: &Out) -> Result<(), Failure> {
    let bundle = source.bundle()?;
    let engine = source.engine(&bundle)?;
    let actions: Vec<&str> = engine.actions().collect();
    let text: Vec<String> = actions.iter().map(|action| section(&engine, action)).collect();
    let rows: std::collections::BTreeMap<&str, Vec<_>> =
        actions.iter().map(|action| (*action, engine.conditions(action).iter().map(row).collect())).collect();
    out.show(
        format!("{}\n\nWhatever no rule allows is denied; so is whatever cannot be decided.", text.join("\n\n")),
        &serde_json::json!({ "digest": bundle.digest(), "denied_when": rows }),
    );
    Ok(())
}

fn section(engine: &Engine, action: &str) -> String {
    let rules: Vec<String> = engine
        .conditions(action)
        .iter()
        .map(|rule| {
            let audience = if rule.shown_to_caller { "" } else { " (shown to auditors only)" };
            format!("  {}{audience}\n    {}\n    {}", rule.id, rule.reason, rule.advice)
        })
        .collect();
    format!("{action} is denied when:\n{}", rules.join("\n"))
}

fn row(rule: &Reason) -> serde_json::Value {
    serde_json::json!({
        "id": rule.id, "reason": rule.reason, "advice": rule.advice, "shown_to_caller": rule.shown_to_caller,
    })
}
