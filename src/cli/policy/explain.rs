//! `policy explain`: every rule in the words a denial uses; or who learns what when a purpose is served.

use super::Source;
use crate::{
    cli::output::{Failure, Out, chain},
    model::{
        bundle::Bundle,
        purpose::{IdentityNeed, Purpose, PurposeLeaf},
    },
    policy::{Engine, Reason},
    wire::taxonomy,
};
use clap::Args;

/// List every rule in words, or say what a purpose means.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana policy explain\n  amana policy explain --purpose urgent-appeal\n  amana policy explain policies/"
)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Instead of the rules: who learns what for this purpose, what becomes public, what can be undone (a wrong one lists
    /// them all).
    #[arg(long)]
    purpose: Option<Purpose>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let bundle = arguments.source.bundle()?;
    match &arguments.purpose {
        Some(purpose) => explain_purpose(purpose, &bundle, out),
        None => explain_rules(&arguments.source, &bundle, out),
    }
}

fn explain_purpose(purpose: &Purpose, bundle: &Bundle, out: &Out) -> Result<(), Failure> {
    let text = bundle.file("taxonomy.json").ok_or_else(|| Failure::refused("the bundle has no taxonomy.json"))?;
    let taxonomy = taxonomy::parse(text).map_err(|e| Failure::does_not_hold(chain(&e)))?;
    let Some(leaf) = taxonomy.leaf(purpose) else {
        let ids: Vec<&str> = taxonomy.leaves().map(|(id, _)| id.as_str()).collect();
        return Err(Failure::refused(format!("there is no purpose {purpose}; choose from: {}", ids.join(", "))));
    };
    out.show(purpose_text(purpose, leaf), &serde_json::json!({ "id": purpose, "means": leaf }));
    Ok(())
}

fn purpose_text(purpose: &Purpose, leaf: &PurposeLeaf) -> String {
    let names = match leaf.identity_required {
        IdentityNeed::NotNeeded => "Not needed.",
        IdentityNeed::Helpful => "Helpful; it can be served without.",
        IdentityNeed::Required => "Required; it cannot be served without.",
    };
    format!(
        "{} ({purpose}, group {})\n  learns     {}\n  names      {names}\n  public     {}\n  undo       {}",
        leaf.title, leaf.group, leaf.who_learns, leaf.publicity, leaf.undo
    )
}

fn explain_rules(source: &Source, bundle: &Bundle, out: &Out) -> Result<(), Failure> {
    let engine = source.engine(bundle)?;
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
