//! Withdrawing a report: at once for everybody else, and for good after the recovery key agreed and time has passed.

use super::{
    FoldError, Refusal,
    authority::{Signer, is_about},
    freeze, grant,
    proposal::{Step, propose},
    require,
};
use crate::model::{
    event::Recorded,
    ids::{Digest, ReportId},
    limits,
    report::{AfterWithdrawal, Erasing, ReportState, Withdrawal},
    rows::{Held, Proposal, ReportRow, Rows},
    statement::Signed,
};

pub(super) fn withdrawn<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    withdrawal: &Withdrawal,
) -> Step<S> {
    is_about(signed, Digest::from(withdrawal.report))?;
    let mut held: Held<ReportRow> = require(rows, &withdrawal.report, "report")?;
    if !held.row.owners().any(|owner| owner == signer.party) {
        return Err(Refusal::NotOwner.into());
    }
    not_begun(rows, at, &held.row)?;
    let erasing = match withdrawal.then {
        // Another owner withdraws; whether it is erased is for whoever holds its header first.
        AfterWithdrawal::Keep if held.row.owner != signer.party => held.row.state.erasing(),
        AfterWithdrawal::Keep => Erasing::NotAsked {},
        // Whoever holds its header first answers for its being lost.
        AfterWithdrawal::Erase if held.row.owner != signer.party => return Err(Refusal::NotOwner.into()),
        AfterWithdrawal::Erase => {
            propose(rows, at, signed, Proposal::Erase(held.row.owner, withdrawal.report))?;
            Erasing::Asked { by: signed.digest }
        }
    };
    held.row.state = held.row.state.withdrawn(erasing);
    grant::end_with_their_report(rows, at, withdrawal.report)?;
    rows.write(&withdrawal.report.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// The recovery key agrees with the withdrawal that asked last.
pub(super) fn agreed<S: Rows>(rows: &mut S, at: Recorded, report: ReportId, asked: Digest) -> Step<S> {
    let mut held: Held<ReportRow> = require(rows, &report, "report")?;
    match held.row.state {
        ReportState::Withdrawn { stored, erasing: Erasing::Asked { by } } if by == asked => {
            let due = at.at.plus(limits::ERASE_AFTER);
            held.row.state = ReportState::Withdrawn { stored, erasing: Erasing::Due { at: due } };
        }
        _ => return Err(Refusal::Unknown("erasing").into()),
    }
    rows.write(&report.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

/// Whether its time has come: from then on header and payload may be gone at any moment. `None` while a freeze keeps it.
fn begun<S: Rows>(rows: &S, at: Recorded, row: &ReportRow) -> Result<Option<bool>, FoldError<S::Error>> {
    match row.state.erasing() {
        Erasing::Due { at: due } => freeze::destroys(rows, row.owner, due, at.at),
        Erasing::NotAsked {} | Erasing::Asked { .. } => Ok(Some(false)),
    }
}

/// What is perhaps gone already is neither kept nor given another header.
pub(super) fn not_begun<S: Rows>(rows: &S, at: Recorded, row: &ReportRow) -> Step<S> {
    if begun(rows, at, row)? == Some(true) { Err(Refusal::BeingErased.into()) } else { Ok(()) }
}

/// Payload and owner header are gone. A freeze holds it back: it may be what the freeze is against.
pub(super) fn erased<S: Rows>(rows: &mut S, at: Recorded, report: ReportId) -> Step<S> {
    let mut held: Held<ReportRow> = require(rows, &report, "report")?;
    match begun(rows, at, &held.row)? {
        Some(true) => {}
        Some(false) => return Err(Refusal::Malformed("the report is not to be erased yet").into()),
        None => return Err(Refusal::Frozen.into()),
    }
    held.row.state = ReportState::Erased {};
    rows.write(&report.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}
