//! What a roll-forward does: nothing that was given before it releases. Until it is confirmed nothing at all leaves, and no
//! report, request or grant is taken; whatever stops, and whatever confirms, goes on.

use super::{FoldError, Refusal, roster};
use crate::model::{
    epoch::{EpochRow, LostRange, Resumption, RollForward},
    event::{Log, Recorded},
    ids::GrantId,
    limits,
    rows::{Held, InstitutionRow, ONLY, Rows, StatementRow},
    statement::Signed,
};

type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

pub(super) fn read<S: Rows>(rows: &S) -> Result<EpochRow, FoldError<S::Error>> {
    let held: Option<Held<EpochRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    Ok(held.map(|held| held.row).unwrap_or_default())
}

/// Whether the leaves in the range are closed is for whoever holds them.
pub(super) fn rolled_forward<S: Rows>(rows: &mut S, at: Recorded, lost: LostRange) -> Step<S> {
    let mut epoch = read(rows)?;
    if at.entry.log != Log::Register || lost.from > lost.until || epoch.forwards.len() >= limits::ROLL_FORWARDS {
        return Err(Refusal::Malformed("a roll-forward names a range of the case log").into());
    }
    epoch.forwards.push(RollForward { entry: at.entry.index, lost, confirmed: false });
    rows.write(ONLY, &epoch, at.entry).map_err(FoldError::Rows)
}

/// A resumption names a roll-forward that waits for it, and the roster in force: nobody confirms a roster they were not shown.
pub(super) fn waits<S: Rows>(rows: &S, resumption: &Resumption) -> Result<EpochRow, FoldError<S::Error>> {
    let in_force = roster::in_force(rows)?.number;
    if resumption.roster != in_force {
        return Err(Refusal::ConfirmsOtherRoster { in_force }.into());
    }
    let epoch = read(rows)?;
    let lost = LostRange { from: resumption.from, until: resumption.until };
    match epoch.forwards.iter().find(|forward| forward.entry == resumption.entry && forward.lost == lost) {
        Some(forward) if forward.confirmed => Err(Refusal::AlreadyEffective.into()),
        Some(_) => Ok(epoch),
        None => Err(Refusal::Unknown("roll-forward").into()),
    }
}

/// Enough administrators and enough of the council agree.
pub(super) fn resume<S: Rows>(rows: &mut S, at: Recorded, resumption: &Resumption) -> Step<S> {
    let mut epoch = waits(rows, resumption)?;
    for forward in epoch.forwards.iter_mut().filter(|forward| forward.entry == resumption.entry) {
        forward.confirmed = true;
    }
    rows.write(ONLY, &epoch, at.entry).map_err(FoldError::Rows)
}

/// No header leaves, and nothing new is begun in the case log, before a roll-forward is confirmed.
pub(super) fn confirmed<S: Rows>(rows: &S) -> Step<S> {
    if read(rows)?.unconfirmed() { Err(Refusal::UnconfirmedRollForward.into()) } else { Ok(()) }
}

/// Neither before, nor under a grant whose end may be among what was lost.
pub(super) fn may_release<S: Rows>(rows: &S, grant: GrantId) -> Step<S> {
    confirmed(rows)?;
    let statement: Held<StatementRow> = super::require(rows, &grant, "grant")?;
    if read(rows)?.ends(statement.version) { Err(Refusal::RolledForward.into()) } else { Ok(()) }
}

/// A grant is signed by somebody who knows of every roll-forward.
pub(super) fn signed_since<S: Rows>(rows: &S, signed: &Signed) -> Step<S> {
    if read(rows)?.known_at(signed.seen_register) { Ok(()) } else { Err(Refusal::SignedBefore.into()) }
}

/// Whether an institution may receive.
pub(super) fn admitted<S: Rows>(rows: &S, institution: &InstitutionRow) -> Result<bool, FoldError<S::Error>> {
    Ok(read(rows)?.admits(institution))
}
