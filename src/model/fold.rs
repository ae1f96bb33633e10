//! State is a fold of the log: the one place where an event changes facts.
//!
//! The broker's writer runs it inside its transaction, the verifier runs it over an exported log, both over
//! [`Rows`]. What it refuses cannot happen, whatever a policy says: ownership, order, life cycles, and for a release
//! the grant's own window, purpose, count, recipient key and cooling-off. It never reads a clock: time is the entry's.

mod accept;
mod answer;
mod authority;
mod body;
mod concerned;
mod cosigned;
mod epoch;
mod freeze;
mod grant;
mod institution;
mod keys;
mod proposal;
mod refusal;
mod release;
mod request;
mod roster;
mod state;
mod withdrawal;

pub use concerned::concerned;
pub use refusal::{FoldError, Refusal};
pub use state::State;

use super::{
    event::{Disclosed, Event, Recorded},
    genesis::Genesis,
    grant::HeaderCopy,
    ids::{Digest, GrantId, ReportId},
    party::Holder,
    roster::Roster,
    rows::{ClockRow, GenesisRow, GrantRow, Held, KeyRow, ONLY, ReportRow, RosterRow, Row, Rows, Unwatched},
    time::Timestamp,
};

/// Applies one event.
///
/// # Errors
/// [`FoldError::Refused`] when the event may not happen in this state: then nothing may be kept of it.
/// [`FoldError::Rows`] when rows could not be read or written.
pub fn apply<S: Rows>(rows: &mut S, recorded: Recorded, event: &Event) -> Result<(), FoldError<S::Error>> {
    match event {
        Event::GenesisLaid(genesis, digest) => lay_genesis(rows, recorded, genesis, *digest),
        Event::Accepted(signed, body) => {
            let signer = authority::check(rows, recorded, signed)?;
            accept::body(rows, recorded, signed, &signer, body)?;
            authority::remember(rows, recorded, signed)
        }
        Event::Released(signed, request) => {
            let signer = authority::check(rows, recorded, signed)?;
            release::released(rows, recorded, signed, &signer, request)?;
            authority::remember(rows, recorded, signed)
        }
        // A denied statement does not count as accepted: it may be sent again until `submit_by`.
        Event::ReleaseDenied(signed, request) => {
            let signer = authority::check_asking(rows, recorded, signed)?;
            release::denied(rows, signed, &signer, request)
        }
        Event::PayloadStored(report) => payload_stored(rows, recorded, *report),
        Event::HeaderReceived(grant) => grant::header_received(rows, recorded, *grant),
        Event::OwnerHeaderFetched(report, kid) => {
            let held: Held<ReportRow> = require(rows, report, "report")?;
            let key: Held<KeyRow> = require(rows, kid, "key")?;
            epoch::confirmed(rows)?;
            if freeze::holds(rows, held.row.owner, recorded.at)? {
                Err(Refusal::Frozen.into())
            } else if key.row.party == held.row.owner {
                Ok(())
            } else {
                Err(Refusal::NotOwner.into())
            }
        }
        Event::OwnerHeaderDenied(..) | Event::Cover => Ok(()),
        Event::DenialsCounted(counted) => release::denials_counted(rows, counted),
        Event::GrantEnded(grant, cause) => grant::ended(rows, recorded, *grant, *cause),
        Event::Shredded(grant, copy) => shredded(rows, recorded, *grant, *copy),
        Event::ClockResumed { last, now } => clock_resumed(rows, recorded, *last, *now),
        Event::ClockConfirmed => {
            rows.write(ONLY, &ClockRow { unwatched: None }, recorded.entry).map_err(FoldError::Rows)
        }
        Event::Cosigned(cosigned) => cosigned::cosigned(rows, recorded, cosigned),
        Event::Disclosed(disclosed) => disclosed_to_auditor(rows, recorded, disclosed),
        Event::RolledForward(lost) => epoch::rolled_forward(rows, recorded, *lost),
        Event::BodyShredded(index, cause) => body::shredded(rows, recorded, *index, *cause),
        Event::ReportErased(report) => withdrawal::erased(rows, recorded, *report),
    }
}

fn lay_genesis<S: Rows>(
    rows: &mut S,
    recorded: Recorded,
    genesis: &Genesis,
    digest: Digest,
) -> Result<(), FoldError<S::Error>> {
    if recorded.entry.index != 0 {
        return Err(Refusal::NotFirst.into());
    }
    let row = GenesisRow { digest, genesis: genesis.clone() };
    rows.write(ONLY, &row, recorded.entry).map_err(FoldError::Rows)?;
    let roster = RosterRow { number: 0, roster: Roster::of(genesis), earlier: Vec::new() };
    rows.write(ONLY, &roster, recorded.entry).map_err(FoldError::Rows)?;
    roster::appoint(rows, recorded, &roster.roster)
}

/// Changes no fact; what is checked is that it can be meant.
fn disclosed_to_auditor<S: Rows>(
    rows: &S,
    recorded: Recorded,
    disclosed: &Disclosed,
) -> Result<(), FoldError<S::Error>> {
    let key: Held<KeyRow> = require(rows, &disclosed.key, "key")?;
    if key.row.holder != (Holder::Auditor {}) {
        return Err(Refusal::WrongParty.into());
    }
    let begins = disclosed.case <= recorded.entry.index;
    if begins {
        Ok(())
    } else {
        Err(Refusal::Malformed("what is handed out begins before the entry that says so").into())
    }
}

fn payload_stored<S: Rows>(rows: &mut S, recorded: Recorded, report: ReportId) -> Result<(), FoldError<S::Error>> {
    let mut held: Held<ReportRow> = require(rows, &report, "report")?;
    held.row.state = held.row.state.payload_stored().map_err(|_| Refusal::AlreadyStored)?;
    held.row.stored_in = Some(recorded.entry);
    rows.write(&report.to_string(), &held.row, recorded.entry).map_err(FoldError::Rows)
}

fn shredded<S: Rows>(
    rows: &mut S,
    recorded: Recorded,
    grant: GrantId,
    copy: HeaderCopy,
) -> Result<(), FoldError<S::Error>> {
    change_grant(rows, recorded, grant, |row| row.state.shredded(copy, recorded.at))
}

fn change_grant<S: Rows>(
    rows: &mut S,
    recorded: Recorded,
    grant: GrantId,
    step: impl FnOnce(GrantRow) -> Result<super::grant::GrantState, super::grant::WrongGrantState>,
) -> Result<(), FoldError<S::Error>> {
    let held: Held<GrantRow> = require(rows, &grant, "grant")?;
    let state = step(held.row.clone()).map_err(|_| Refusal::WrongGrantState)?;
    rows.write(&grant.to_string(), &GrantRow { state, ..held.row }, recorded.entry).map_err(FoldError::Rows)
}

fn clock_resumed<S: Rows>(
    rows: &mut S,
    recorded: Recorded,
    last: Timestamp,
    now: Timestamp,
) -> Result<(), FoldError<S::Error>> {
    let before: Option<Held<ClockRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    // An unconfirmed stretch before this one stays unconfirmed.
    let after = before.and_then(|held| held.row.unwatched).map_or(last, |gap| gap.after.min(last));
    let row = ClockRow { unwatched: Some(Unwatched { after, until: now }) };
    rows.write(ONLY, &row, recorded.entry).map_err(FoldError::Rows)
}

/// The row under `key`, or a refusal that says what is unknown.
fn require<R: Row, S: Rows>(
    rows: &S,
    key: &impl std::fmt::Display,
    what: &'static str,
) -> Result<Held<R>, FoldError<S::Error>> {
    rows.read(&key.to_string()).map_err(FoldError::Rows)?.ok_or(FoldError::Refused(Refusal::Unknown(what)))
}

#[cfg(test)]
mod tests;
