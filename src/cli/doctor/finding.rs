//! What the doctor found, in words: what happened, what it means, what to do.

use crate::cli::output::{Failure, Out};
use serde::Serialize;
use std::fmt::{Display, Write as _};

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Outcome {
    /// It holds.
    Ok,
    /// It holds, and somebody should look at it.
    Warning,
    /// It does not hold.
    Broken,
}

/// One check, one line.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Check {
    name: &'static str,
    outcome: Outcome,
    found: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Display) -> Self {
        Self { name, outcome: Outcome::Ok, found: found.to_string(), advice: "", details: Vec::new() }
    }
    pub(super) fn warning(name: &'static str, found: impl Display, advice: &'static str) -> Self {
        Self { name, outcome: Outcome::Warning, found: found.to_string(), advice, details: Vec::new() }
    }
    pub(super) fn broken(name: &'static str, found: impl Display, advice: &'static str) -> Self {
        Self { name, outcome: Outcome::Broken, found: found.to_string(), advice, details: Vec::new() }
    }
    /// The same, with the things it is about, one by one.
    pub(super) fn about(mut self, details: impl IntoIterator<Item = impl Display>) -> Self {
        self.details.extend(details.into_iter().map(|detail| detail.to_string()));
        self
    }
    fn text(&self) -> String {
        let word = match self.outcome {
            Outcome::Ok => "ok     ",
            Outcome::Warning => "warning",
            Outcome::Broken => "BROKEN ",
        };
        let mut text = format!("{word}  {}: {}", self.name, self.found);
        for detail in &self.details {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n           {detail}");
        }
        if !self.advice.is_empty() {
            let _ = write!(text, "\n         → {}", self.advice);
        }
        text
    }
}

/// Every check of a folder.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Diagnosis {
    checks: Vec<Check>,
}

impl Diagnosis {
    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }
    /// Whether nothing is broken.
    pub(in crate::cli) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Broken)
    }
    /// Whether the payloads of some reports are all that is broken.
    pub(in crate::cli) fn only_payloads_are_broken(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Broken || check.name == "payloads")
    }
    /// One line a check.
    pub(in crate::cli) fn text(&self) -> String {
        let lines: Vec<String> = self.checks.iter().map(Check::text).collect();
        lines.join("\n")
    }
    /// As JSON.
    pub(in crate::cli) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "holds": self.holds(), "checks": self.checks })
    }
    /// Shows it; fails with exit code 3 when something is broken.
    pub(super) fn show(&self, out: &Out) -> Result<(), Failure> {
        if self.holds() {
            out.show(self.text(), &self.json());
            return Ok(());
        }
        out.line(self.text());
        let broken = self.checks.iter().filter(|check| check.outcome == Outcome::Broken).count();
        Err(Failure::does_not_hold(format!("{broken} of {} checks do not hold", self.checks.len())).with(self.json()))
    }
}
