//! How one's own reports relate to each other, by what this device sealed: which redacts, corrects or replaces which.
//!
//! The broker cannot tell; it sees salted commitments only. Start at [`earlier`] and [`later`].

use super::{
    desk::DeskError,
    granting::Version,
    memory::{Memory, OwnReport},
    report::{Relation, RelationKind},
    reporting::report_of,
};
use crate::model::{
    ids::{Digest, ReportId},
    report::{Report, ReportKind, Tier},
};
use serde::Serialize;
use std::{collections::BTreeSet, fmt};

/// From this tier on a grant is about the redacted version, unless its advocate says otherwise.
const REDACTED_FROM_TIER: u8 = 3;

/// An earlier report a report names, and what its statement proves about that.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Earlier {
    /// What the later one does to it.
    pub kind: RelationKind,
    /// The earlier report.
    pub report: ReportId,
    /// Why.
    pub reason: String,
    /// Whether the statement commits to it.
    pub commitment: Commitment,
}

/// What a report statement proves about an earlier report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commitment {
    /// Computed anew from salt, report and kind, it is the one in the statement.
    Holds,
    /// It is another one: the statement was not made for this relation.
    DoesNotHold,
    /// The statement does not speak of this one; it commits to one earlier report at most.
    NotCommitted,
}

/// A later report of one's own that names this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Later {
    /// What it does to this one.
    pub kind: RelationKind,
    /// The later report.
    pub report: ReportId,
}

/// The earlier reports an own report names, each checked against its statement.
///
/// # Errors
/// When the device's own statement cannot be read.
pub fn earlier(own: &OwnReport) -> Result<Vec<Earlier>, DeskError> {
    Ok(checked(&own.relations, &report_of(&own.statement)?))
}

/// The earlier reports that relations name, each checked against the statement of the report they stand in. Whoever opened
/// that report can do the same.
pub fn checked(relations: &[Relation], stated: &Report) -> Vec<Earlier> {
    let committed = stated.predecessor_commitment;
    let named = relations.iter().filter_map(|relation| Some((relation, relation.digest?)));
    let check = |found: Option<super::report::Digest>| match found {
        None => Commitment::NotCommitted,
        Some(found) if committed == Some(Digest::from_bytes(found.0)) => Commitment::Holds,
        Some(_) => Commitment::DoesNotHold,
    };
    named
        .map(|(relation, digest)| Earlier {
            kind: relation.kind,
            report: Digest::from_bytes(digest.0).into(),
            reason: relation.reason.clone(),
            commitment: check(relation.commitment()),
        })
        .collect()
}

impl fmt::Display for Earlier {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proved = match self.commitment {
            Commitment::Holds => "the statement commits to it",
            Commitment::NotCommitted => "the statement does not commit to it",
            Commitment::DoesNotHold => "the statement commits to ANOTHER report",
        };
        write!(to, "{} {} ({proved})", self.kind, self.report)
    }
}

impl fmt::Display for Later {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} by {}", self.kind.seen_from_the_earlier(), self.report)
    }
}

/// The later reports of one's own that name this one.
pub fn later(memory: &Memory, id: ReportId) -> Vec<Later> {
    let wanted = super::report::Digest(*Digest::from(id).as_bytes());
    let mut found = Vec::new();
    for (later, own) in &memory.reports {
        let Ok(report) = later.parse() else { continue };
        let naming = own.relations.iter().filter(|relation| relation.digest == Some(wanted));
        found.extend(naming.map(|relation| Later { kind: relation.kind, report }));
    }
    found
}

/// The newest report that corrects or replaces this one, if any does.
pub fn newer(memory: &Memory, id: ReportId) -> Option<ReportId> {
    let mut seen = BTreeSet::from([id]);
    let mut newest = id;
    // A report cannot name one that was made after it, so this ends; `seen` also bounds what a damaged memory says.
    while let Some(next) = later(memory, newest).into_iter().find(|later| {
        matches!(later.kind, RelationKind::Corrects | RelationKind::Replaces) && !seen.contains(&later.report)
    }) {
        newest = next.report;
        seen.insert(newest);
    }
    (newest != id).then_some(newest)
}

/// The redacted versions of a report, each in its newest form.
pub fn redacted(memory: &Memory, id: ReportId) -> Vec<ReportId> {
    let redacting = later(memory, id).into_iter().filter(|later| later.kind == RelationKind::Redacts);
    let newest: BTreeSet<ReportId> =
        redacting.map(|later| newer(memory, later.report).unwrap_or(later.report)).collect();
    newest.into_iter().collect()
}

/// Refuses to grant what identifies where a redacted version is known, from tier 3 on.
///
/// # Errors
/// The redacted versions by their ids, and how to grant this one all the same.
pub fn may_be_granted(memory: &Memory, id: ReportId, version: Version) -> Result<(), DeskError> {
    let (Version::Default, Some(own)) = (version, memory.report(id)) else { return Ok(()) };
    let stated = report_of(&own.statement)?;
    let redacted = redacted(memory, id);
    if !takes_redacted(stated.tier, stated.kind) || redacted.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = redacted.iter().map(ReportId::to_string).collect();
    Err(DeskError::refused(format!(
        "from tier {REDACTED_FROM_TIER} on the redacted version is granted, and this report has one; nothing was signed. \
         Grant the redacted version instead:\n  {}\nor say --original if it must be this one.",
        ids.join("\n  ")
    )))
}

fn takes_redacted(tier: Tier, kind: ReportKind) -> bool {
    u8::from(tier) >= REDACTED_FROM_TIER && kind != ReportKind::Redaction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::report;

    fn id(byte: u8) -> ReportId {
        Digest::from_bytes([byte; 32]).into()
    }

    /// Own reports, each with what it does to which.
    fn remembering(reports: &[(u8, &[(RelationKind, u8)])]) -> Memory {
        let mut memory = Memory::default();
        for (byte, relations) in reports {
            let relation = |(kind, earlier): &(RelationKind, u8)| Relation {
                kind: *kind,
                digest: Some(report::Digest([*earlier; 32])),
                reason: "test".to_owned(),
                salt: None,
            };
            let own = OwnReport { relations: relations.iter().map(relation).collect(), ..OwnReport::of_nothing() };
            memory.reports.insert(id(*byte).to_string(), own);
        }
        memory
    }

    #[test]
    fn newest_of_a_chain_of_corrections_is_found_and_a_supplement_is_none() {
        use RelationKind::{Corrects, Replaces, Supplements};
        let memory = remembering(&[(1, &[]), (2, &[(Corrects, 1)]), (3, &[(Replaces, 2)]), (4, &[(Supplements, 3)])]);
        assert_eq!(newer(&memory, id(1)), Some(id(3)));
        assert_eq!(newer(&memory, id(3)), None);
        assert_eq!(later(&memory, id(3)), [Later { kind: Supplements, report: id(4) }]);
    }

    #[test]
    fn reports_that_name_each_other_do_not_go_round_for_ever() {
        use RelationKind::Corrects;
        let memory = remembering(&[(1, &[(Corrects, 2)]), (2, &[(Corrects, 1)])]);
        assert_eq!(newer(&memory, id(1)), Some(id(2)));
    }

    #[test]
    fn redacted_versions_are_told_in_their_newest_form() {
        use RelationKind::{Redacts, Replaces};
        let memory = remembering(&[(1, &[]), (2, &[(Redacts, 1)]), (3, &[(Replaces, 2)]), (4, &[(Redacts, 1)])]);
        assert_eq!(redacted(&memory, id(1)), [id(3), id(4)]);
        assert!(redacted(&memory, id(4)).is_empty());
    }

    #[test]
    fn redacted_version_is_the_default_from_tier_three_on_and_never_of_a_redaction() {
        let tier = |number: u8| Tier::try_from(number).unwrap();
        assert!(!takes_redacted(tier(2), ReportKind::Original));
        assert!(takes_redacted(tier(3), ReportKind::Original));
        assert!(takes_redacted(tier(4), ReportKind::Translation));
        assert!(!takes_redacted(tier(4), ReportKind::Redaction));
    }
}
