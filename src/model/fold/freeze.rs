//! Freezing and thawing: who may, and until when it holds.

use super::{
    FoldError, Refusal,
    authority::{Signer, creates, is_about},
    proposal::{Step, propose},
    require,
};
use crate::model::{
    event::Recorded,
    freeze::{Freeze, FreezeInForce, FrozenBy, FrozenRow, Lift, Thaw},
    ids::{Digest, PartyId},
    limits,
    party::{EnrolmentRole, Holder},
    rows::{Freezing, Held, PartyRow, Proposal, Rows},
    statement::Signed,
    time::Timestamp,
};

/// Whether everything of a party stands still.
pub(super) fn holds<S: Rows>(rows: &S, party: PartyId, now: Timestamp) -> Result<bool, FoldError<S::Error>> {
    Ok(read(rows, party)?.holds_at(now))
}

/// Whether what was due to be destroyed may be by now; `None` while a freeze keeps it.
pub(super) fn destroys<S: Rows>(
    rows: &S,
    party: PartyId,
    due: Timestamp,
    now: Timestamp,
) -> Result<Option<bool>, FoldError<S::Error>> {
    Ok(read(rows, party)?.destroyed_from(due, now).map(|from| from <= now))
}

fn read<S: Rows>(rows: &S, party: PartyId) -> Result<FrozenRow, FoldError<S::Error>> {
    let held: Option<Held<FrozenRow>> = rows.read(&party.to_string()).map_err(FoldError::Rows)?;
    Ok(held.map(|held| held.row).unwrap_or_default())
}

pub(super) fn frozen<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    freeze: &Freeze,
) -> Step<S> {
    creates(signed)?;
    let party: Held<PartyRow> = require(rows, &freeze.party, "party")?;
    if party.row.enrolment.role != (EnrolmentRole::Advocate {}) {
        return Err(Refusal::Malformed("an institution is suspended, not frozen").into());
    }
    let by = match signer.key.as_ref().map(|key| &key.holder) {
        Some(Holder::Administrator {}) => {
            propose(rows, at, signed, Proposal::Freezing(freeze.party, signed.digest, Freezing::Lasts))?;
            FrozenBy::Administrators { lapses: Some(at.at.plus(limits::FREEZE_LAPSES)) }
        }
        _ if signer.party == freeze.party => FrozenBy::Owner { lift: liftable(rows, freeze)? },
        _ => return Err(Refusal::NotOwner.into()),
    };
    let mut row = read(rows, freeze.party)?;
    row.add(FreezeInForce { freeze: signed.digest, at: at.at, by });
    rows.write(&freeze.party.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

/// A freeze is never refused for its guardian; one who cannot sign here would only keep it from ever being lifted.
fn liftable<S: Rows>(rows: &S, freeze: &Freeze) -> Result<Lift, FoldError<S::Error>> {
    let Lift::RecoveryAndGuardian { guardian } = freeze.lift else { return Ok(freeze.lift) };
    let held: Option<Held<PartyRow>> = rows.read(&guardian.to_string()).map_err(FoldError::Rows)?;
    let known = held.is_some_and(|held| held.row.enrolment.role == (EnrolmentRole::Advocate {}));
    Ok(if known && guardian != freeze.party { freeze.lift } else { Lift::Recovery {} })
}

pub(super) fn thawed<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, signer: &Signer, thaw: &Thaw) -> Step<S> {
    is_about(signed, thaw.freeze)?;
    let row = read(rows, thaw.party)?;
    let freeze = row.of(thaw.freeze).ok_or(Refusal::Unknown("freeze"))?;
    let administrator = signer.key.as_ref().is_some_and(|key| key.holder == (Holder::Administrator {}));
    match freeze.by {
        FrozenBy::Administrators { .. } if administrator => {
            propose(rows, at, signed, Proposal::Freezing(thaw.party, thaw.freeze, Freezing::Lifted))
        }
        FrozenBy::Owner { lift } if !administrator && signer.party == thaw.party => match lift {
            Lift::Recovery {} => self::lift(rows, at, thaw.party, thaw.freeze),
            Lift::RecoveryAndGuardian { guardian } => {
                propose(rows, at, signed, Proposal::Thaw(thaw.party, thaw.freeze, guardian))
            }
        },
        FrozenBy::Owner { .. } if !administrator => Err(Refusal::Unknown("freeze").into()),
        _ => Err(Refusal::NotYoursToLift.into()),
    }
}

/// It holds no longer.
pub(super) fn lift<S: Rows>(rows: &mut S, at: Recorded, party: PartyId, freeze: Digest) -> Step<S> {
    let mut row = read(rows, party)?;
    row.of(freeze).ok_or(Refusal::AlreadyEffective)?;
    row.lift(freeze, at.at);
    rows.write(&party.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

/// A second administrator agrees: it does not lapse.
pub(super) fn last<S: Rows>(rows: &mut S, at: Recorded, party: PartyId, freeze: Digest) -> Step<S> {
    let mut row = read(rows, party)?;
    let held = row.freezes.iter_mut().find(|held| held.freeze == freeze).ok_or(Refusal::AlreadyEffective)?;
    if !held.holds_at(at.at) {
        return Err(Refusal::Past("time in which a second administrator can agree").into());
    }
    held.by = FrozenBy::Administrators { lapses: None };
    rows.write(&party.to_string(), &row, at.entry).map_err(FoldError::Rows)
}
