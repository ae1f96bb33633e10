//! The offline check of a whole bundle.

use super::{
    ahead::opened_ahead,
    bundle::{Inputs, read_line},
    finding::{AuditError, Summary},
    observer::Observer,
    walk::Walk,
};
use crate::{
    model::{event::Log, fold::State},
    wire::genesis::{Card, SignedGenesis},
};
use std::io::BufRead;

/// Checks a whole bundle.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify<R: BufRead, C: BufRead, F: BufRead>(
    inputs: Inputs<R, C, F>,
    card: Option<&Card>,
) -> Result<Summary, AuditError> {
    verify_with(inputs, card, &mut ()).map(|walk| walk.summary())
}

/// As [`verify`], with somebody who looks on; answers what everything folded to.
///
/// # Errors
/// The first thing that does not hold, or that the observer objects to.
pub fn verify_with<R: BufRead, C: BufRead, F: BufRead>(
    mut inputs: Inputs<R, C, F>,
    card: Option<&Card>,
    observer: &mut dyn Observer,
) -> Result<Walk, AuditError> {
    let mut genesis = SignedGenesis::parse(&inputs.genesis)?;
    if let Some(card) = card {
        genesis = genesis.matching(card)?;
    }
    let mut walk = Walk::new(genesis);
    let mut register = || file("register.jsonl", read_line::<String>(&mut inputs.register));
    opened_ahead(&mut inputs.case, |case| {
        while let Some(record) = file("case.jsonl", case.next())? {
            walk.read(record, &mut register, observer)?;
        }
        Ok(())
    })?;
    while let Some(text) = register()? {
        walk.register(&text, observer)?;
    }
    walk.check_root(Log::Register, Some(&inputs.register_checkpoint))?;
    walk.check_root(Log::Case, inputs.case_checkpoint.as_deref())?;
    walk.closed()?;
    check_facts(walk.facts(), &mut inputs.facts)?;
    Ok(walk)
}

fn file<T>(file: &'static str, read: Result<T, String>) -> Result<T, AuditError> {
    read.map_err(|reason| AuditError::File { file, reason })
}

/// The projection the broker exported is exactly what the log folds to.
fn check_facts(folded: &State, input: &mut impl BufRead) -> Result<(), AuditError> {
    type Line = (String, String, Log, u64, String);
    for (kind, key, version, row) in folded.facts() {
        let Some(line) = file("facts.jsonl", read_line::<Line>(input))? else {
            return Err(AuditError::Facts(format!("{kind} {key} is missing")));
        };
        let expected = (kind, key, version.log, version.index, row);
        let found = (line.0.as_str(), line.1.as_str(), line.2, line.3, line.4.as_str());
        if found != expected {
            return Err(AuditError::Facts(format!("expected {kind} {key}, found {} {}", line.0, line.1)));
        }
    }
    match file("facts.jsonl", read_line::<Line>(input))? {
        None => Ok(()),
        Some(line) => Err(AuditError::Facts(format!("{} {} is not in the log", line.0, line.1))),
    }
}
