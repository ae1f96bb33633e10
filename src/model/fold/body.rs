//! Bodies of entries that change no fact may be shredded: what remains of them is their leaf.

use super::{FoldError, Refusal};
use crate::model::{
    event::{BodyCause, Log, Recorded},
    rows::{AuditedRow, Held, ONLY, Rows, ShreddedBodyRow},
};

/// Only what an auditor has read and vouched for may go, and once. Whether facts depend on the entry is for whoever has
/// its body: the store before it shreds, a verifier that saw it open.
pub(super) fn shredded<S: Rows>(
    rows: &mut S,
    recorded: Recorded,
    index: u64,
    cause: BodyCause,
) -> Result<(), FoldError<S::Error>> {
    if recorded.entry.log != Log::Case || index >= recorded.entry.index {
        return Err(Refusal::Malformed("a body is shredded by a later entry").into());
    }
    let audited: Option<Held<AuditedRow>> = rows.read(ONLY).map_err(FoldError::Rows)?;
    if audited.is_none_or(|held| index >= held.row.case) {
        return Err(Refusal::NotAudited.into());
    }
    if super::epoch::read(rows)?.forwards.iter().any(|forward| forward.lost.contains(index)) {
        return Err(Refusal::BodyNeeded.into());
    }
    let key = index.to_string();
    let before: Option<Held<ShreddedBodyRow>> = rows.read(&key).map_err(FoldError::Rows)?;
    if before.is_some() {
        return Err(Refusal::AlreadyEffective.into());
    }
    rows.write(&key, &ShreddedBodyRow { cause }, recorded.entry).map_err(FoldError::Rows)
}
