//! Changes of the roster: what may be proposed, who must agree, and what happens to the keys.
//!
//! Nobody counts for having been somebody: what is agreed on is counted under the roster in force, and a proposal made
//! under another one is void.

use super::{
    FoldError, Refusal,
    authority::creates,
    proposal::{Step, propose},
    require,
};
use crate::model::{
    event::Recorded,
    ids::{KeyId, PublicKey},
    limits,
    party::{Holder, OfficeName},
    roster::{Roster, RosterChange},
    rows::{EarlierLogKeys, Held, KeyRow, ONLY, Proposal, RecoveryRow, RosterRow, Rows},
    statement::Signed,
};

/// The roster in force.
pub(super) fn in_force<S: Rows>(rows: &S) -> Result<RosterRow, FoldError<S::Error>> {
    let held: Held<RosterRow> = require(rows, &ONLY, "roster")?;
    Ok(held.row)
}

pub(super) fn proposed<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, change: &RosterChange) -> Step<S> {
    creates(signed)?;
    acceptable(rows, &in_force(rows)?, change)?;
    propose(rows, at, signed, Proposal::Roster(Box::new(change.clone())))
}

/// A change is one of exactly the roster in force.
pub(super) fn is_next(in_force: &RosterRow, change: &RosterChange) -> Result<(), Refusal> {
    let next = in_force.number.saturating_add(1);
    if change.number == next { Ok(()) } else { Err(Refusal::OtherRoster { next }) }
}

/// Administrators alone could replace those who watch them, the council alone those who do the work.
pub(super) fn agreed(in_force: &Roster, signers: &[KeyId]) -> bool {
    in_force.is_enough(OfficeName::Administrators, signers) && in_force.is_enough(OfficeName::Council, signers)
}

pub(super) fn take_effect<S: Rows>(rows: &mut S, at: Recorded, change: &RosterChange) -> Step<S> {
    let before = in_force(rows)?;
    // Again: a key may have become somebody's since it was proposed.
    acceptable(rows, &before, change)?;
    for (office, named) in before.roster.holders() {
        let kid = named.key.thumbprint();
        if !change.roster.is_held_by(office, kid) {
            write_key(rows, at, named.key, Holder::Retired { from: office })?;
        }
    }
    appoint(rows, at, &change.roster)?;
    let mut earlier = before.earlier;
    if before.roster.log_keys != change.roster.log_keys {
        earlier.push(EarlierLogKeys { log_keys: before.roster.log_keys, register_until: at.entry.index });
    }
    let row = RosterRow { number: change.number, roster: change.roster.clone(), earlier };
    rows.write(ONLY, &row, at.entry).map_err(FoldError::Rows)
}

/// Registers the key of everybody who holds an office and did not before.
pub(super) fn appoint<S: Rows>(rows: &mut S, at: Recorded, roster: &Roster) -> Step<S> {
    for (office, named) in roster.holders() {
        let known: Option<Held<KeyRow>> = read_key(rows, named.key)?;
        if known.is_none_or(|held| held.row.holder != office.holder()) {
            write_key(rows, at, named.key, office.holder())?;
        }
    }
    Ok(())
}

fn acceptable<S: Rows>(rows: &S, before: &RosterRow, change: &RosterChange) -> Step<S> {
    is_next(before, change)?;
    change.roster.check().map_err(Refusal::Roster)?;
    if change.roster == before.roster {
        return Err(Refusal::Malformed("the roster is the one in force").into());
    }
    if change.roster.log_keys != before.roster.log_keys && before.earlier.len() >= limits::LOG_KEY_CHANGES {
        return Err(Refusal::Malformed("the log keys have changed as often as they may").into());
    }
    offices_keep_to_themselves(rows, before, &change.roster)?;
    logs_and_witnesses_keep_to_themselves(rows, before, &change.roster)
}

/// An office takes a key that was nobody's, or one that is or was its own.
fn offices_keep_to_themselves<S: Rows>(rows: &S, before: &RosterRow, roster: &Roster) -> Step<S> {
    for (office, named) in roster.holders() {
        let own = read_key(rows, named.key)?.is_none_or(|held| held.row.holder.office() == Some(office));
        if !own || is_recovery_key(rows, named.key)? || signed_a_log(before, named.key) || witnesses(before, named.key)
        {
            return Err(Refusal::KeyIsAnothers(named.key).into());
        }
    }
    Ok(())
}

/// A log or witness keeps its key or takes one that was nobody's. A log's key never comes back: what it signed after it
/// was replaced must never count.
fn logs_and_witnesses_keep_to_themselves<S: Rows>(rows: &S, before: &RosterRow, roster: &Roster) -> Step<S> {
    let (old, new) = (&before.roster.log_keys, &roster.log_keys);
    let logs = [(old.register, new.register), (old.case, new.case)];
    let changed = logs.into_iter().filter(|(old, new)| old != new).map(|(_, new)| new);
    let joined = roster.witnesses.iter().map(|named| named.key).filter(|key| !witnesses(before, *key));
    for key in changed.chain(joined) {
        let somebodys = read_key(rows, key)?.is_some() || is_recovery_key(rows, key)?;
        if somebodys || signed_a_log(before, key) || witnesses(before, key) {
            return Err(Refusal::KeyIsAnothers(key).into());
        }
    }
    Ok(())
}

fn signed_a_log(row: &RosterRow, key: PublicKey) -> bool {
    let mut ever = row.earlier.iter().map(|earlier| &earlier.log_keys).chain([&row.roster.log_keys]);
    ever.any(|keys| keys.register == key || keys.case == key)
}

fn witnesses(row: &RosterRow, key: PublicKey) -> bool {
    row.roster.witnesses.iter().any(|named| named.key == key)
}

fn is_recovery_key<S: Rows>(rows: &S, key: PublicKey) -> Result<bool, FoldError<S::Error>> {
    let held: Option<Held<RecoveryRow>> = rows.read(&key.thumbprint().to_string()).map_err(FoldError::Rows)?;
    Ok(held.is_some())
}

fn read_key<S: Rows>(rows: &S, key: PublicKey) -> Result<Option<Held<KeyRow>>, FoldError<S::Error>> {
    rows.read(&key.thumbprint().to_string()).map_err(FoldError::Rows)
}

fn write_key<S: Rows>(rows: &mut S, at: Recorded, key: PublicKey, holder: Holder) -> Step<S> {
    let kid = key.thumbprint();
    let row = KeyRow { public: key, party: kid.first_of_party(), holder };
    rows.write(&kid.to_string(), &row, at.entry).map_err(FoldError::Rows)
}
