//! `policy check`: would a broker use this bundle?

use super::Source;
use crate::{
    cli::output::{Failure, Out},
    wire::taxonomy,
};

pub(super) fn run(source: &Source, out: &Out) -> Result<(), Failure> {
    let bundle = source.bundle()?;
    let engine = source.engine(&bundle)?;
    let unusable = |words: String| Failure::does_not_hold(format!("{} must not be used: {words}", source.name()));
    let text = bundle.file("taxonomy.json").ok_or_else(|| unusable("it has no taxonomy.json".to_owned()))?;
    let purposes = taxonomy::parse(text).map_err(|e| unusable(e.to_string()))?.leaves().count();
    let conditions: Vec<(&str, usize)> =
        engine.actions().map(|action| (action, engine.conditions(action).len())).collect();
    let lines: Vec<String> =
        conditions.iter().map(|(action, count)| format!("  {action:<20} {count} conditions")).collect();
    out.show(
        format!(
            "{} loads.\n  digest               {}\n{}\n  taxonomy             {purposes} purposes",
            source.name(),
            bundle.digest(),
            lines.join("\n")
        ),
        &serde_json::json!({
            "loads": true, "digest": bundle.digest(), "files": bundle.paths().collect::<Vec<_>>(),
            "conditions": conditions.into_iter().collect::<std::collections::BTreeMap<_, _>>(), "purposes": purposes,
        }),
    );
    Ok(())
}
