//! What a report is to an earlier one, and the commitment to that by which a recipient of both can check it.
//!
//! The report statement carries the commitment, the sealed manifest the salt: the broker learns that there is an
//! earlier report, never which.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::item::Digest;
use super::manifest::{Manifest, ReportKind};
use super::strict;

/// Label of the commitment to an earlier report.
const PREDECESSOR_LABEL: &[u8] = b"amana/predecessor-commitment/v1\0";

/// An earlier report and what this one is to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// What this report does to the earlier one.
    pub kind: RelationKind,
    /// Digest of the earlier report's statement; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub digest: Option<Digest>,
    /// Why.
    pub reason: String,
    /// Salt of the commitment in this report's statement; on the relation it is taken over, and on no other.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub salt: Option<Digest>,
}

impl Relation {
    /// SHA-256 over label, salt, the earlier report's id and the word for the kind, each of a fixed length but the last;
    /// none without digest and salt.
    pub fn commitment(&self) -> Option<Digest> {
        let (earlier, salt) = (self.digest?, self.salt?);
        let mut hash = Sha256::new();
        for part in [PREDECESSOR_LABEL, &salt.0, &earlier.0, self.kind.as_str().as_bytes()] {
            hash.update(part);
        }
        Some(Digest(hash.finalize().into()))
    }
}

/// What a report does to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    /// Adds to it.
    Supplements,
    /// Corrects it.
    Corrects,
    /// Stands in its place.
    Replaces,
    /// Takes something out of it.
    Redacts,
    /// Puts it into another language.
    Translates,
}

impl RelationKind {
    /// The word used in files and in the commitment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supplements => "supplements",
            Self::Corrects => "corrects",
            Self::Replaces => "replaces",
            Self::Redacts => "redacts",
            Self::Translates => "translates",
        }
    }

    /// The word for what the later report did to the earlier one.
    pub const fn seen_from_the_earlier(self) -> &'static str {
        match self {
            Self::Supplements => "supplemented",
            Self::Corrects => "corrected",
            Self::Replaces => "replaced",
            Self::Redacts => "redacted",
            Self::Translates => "translated",
        }
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

/// What a report with these relations is. A version that redacts is a redaction whatever else it is.
pub fn kind_of(relations: &[Relation], said: ReportKind) -> ReportKind {
    let any = |kind| relations.iter().any(|relation| relation.kind == kind);
    if any(RelationKind::Redacts) || said == ReportKind::Redaction {
        ReportKind::Redaction
    } else if any(RelationKind::Translates) {
        ReportKind::Translation
    } else {
        said
    }
}

/// The commitment a statement about this manifest carries: over the first relation that names an earlier report.
///
/// # Errors
/// When that relation has no salt: its statement would say that there is no earlier report.
pub fn commitment_of(manifest: &Manifest) -> Result<Option<Digest>, NotSalted> {
    match manifest.relations.iter().find(|relation| relation.digest.is_some()) {
        Some(first) => first.commitment().map(Some).ok_or(NotSalted),
        None => Ok(None),
    }
}

/// A relation names an earlier report and has no salt yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report names an earlier one without a salt for the commitment to it; plan it anew")]
pub struct NotSalted;

/// Gives the salt to the relation the statement commits to, and takes any other away: a salt used twice would let two
/// commitments be compared.
pub(super) fn salt(relations: &mut [Relation], salt: Digest) {
    let mut salt = Some(salt);
    for relation in relations {
        relation.salt = relation.digest.and_then(|_| salt.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(kind: RelationKind, earlier: Option<u8>) -> Relation {
        Relation { kind, digest: earlier.map(|byte| Digest([byte; 32])), reason: "test".to_owned(), salt: None }
    }

    #[test]
    fn commitment_is_the_documented_hash_and_changes_with_each_part() {
        let one = Relation { salt: Some(Digest([1; 32])), ..relation(RelationKind::Redacts, Some(2)) };
        let mut bytes = b"amana/predecessor-commitment/v1\0".to_vec();
        bytes.extend([[1; 32], [2; 32]].concat());
        bytes.extend(b"redacts");
        assert_eq!(one.commitment(), Some(Digest(Sha256::digest(&bytes).into())));
        let others = [
            Relation { salt: Some(Digest([3; 32])), ..one.clone() },
            Relation { digest: Some(Digest([3; 32])), ..one.clone() },
            Relation { kind: RelationKind::Corrects, ..one.clone() },
        ];
        assert!(others.iter().all(|other| other.commitment().is_some() && other.commitment() != one.commitment()));
        assert_eq!(Relation { salt: None, ..one.clone() }.commitment(), None);
        assert_eq!(Relation { digest: None, ..one }.commitment(), None);
    }

    #[test]
    fn first_relation_with_a_report_is_salted_and_no_other() {
        let mut relations = vec![
            relation(RelationKind::Corrects, None),
            relation(RelationKind::Redacts, Some(1)),
            Relation { salt: Some(Digest([9; 32])), ..relation(RelationKind::Supplements, Some(2)) },
        ];
        salt(&mut relations, Digest([7; 32]));
        let salts: Vec<_> = relations.iter().map(|relation| relation.salt).collect();
        assert_eq!(salts, [None, Some(Digest([7; 32])), None]);
    }

    #[test]
    fn kind_follows_the_relation_and_what_is_redacted_stays_a_redaction() {
        use RelationKind::{Corrects, Redacts, Supplements, Translates};
        for (relations, said, is) in [
            (vec![], ReportKind::Original, ReportKind::Original),
            (vec![Corrects, Supplements], ReportKind::Original, ReportKind::Original),
            (vec![Redacts], ReportKind::Original, ReportKind::Redaction),
            (vec![Translates], ReportKind::Original, ReportKind::Translation),
            (vec![Translates, Redacts], ReportKind::Original, ReportKind::Redaction),
            (vec![Translates], ReportKind::Redaction, ReportKind::Redaction),
        ] {
            let relations: Vec<_> = relations.into_iter().map(|kind| relation(kind, None)).collect();
            assert_eq!(kind_of(&relations, said), is, "{relations:?}");
        }
    }
}
