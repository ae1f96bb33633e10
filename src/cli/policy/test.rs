//! `policy test`: does the bundle answer its golden cases?

use super::Source;
use crate::{
    cli::output::{Failure, Out},
    policy::golden,
};

pub(super) fn run(source: &Source, out: &Out) -> Result<(), Failure> {
    let bundle = source.bundle()?;
    let engine = source.engine(&bundle)?;
    let (count, failures) = golden::run(&engine, &bundle).map_err(|e| Failure::does_not_hold(e.to_string()))?;
    if !failures.is_empty() {
        let list = |ids: &[String]| if ids.is_empty() { "allowed".to_owned() } else { ids.join(", ") };
        let lines = failures.iter().map(|failure| {
            format!(
                "\n  {}\n    expected  {}\n    found     {}",
                failure.name,
                list(&failure.expected),
                list(&failure.found)
            )
        });
        return Err(Failure::does_not_hold(format!(
            "{}: {} of {count} golden cases came out differently:{}",
            source.name(),
            failures.len(),
            lines.collect::<String>()
        )));
    }
    out.show(
        format!("{}: all {count} golden cases came out as expected.", source.name()),
        &serde_json::json!({ "cases": count, "failed": 0, "digest": bundle.digest() }),
    );
    Ok(())
}
