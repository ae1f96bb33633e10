//! What a device remembers between commands: pins, the mirrored register, checkpoints, receipts, consent registers.
//!
//! Kept as one age file encrypted to the identity, so that a seized disk shows nothing but its size.

use super::{
    consent::Change,
    report::{ConsentRegister, Item, Relation},
};
use crate::{
    model::ids::{Digest, PartyId, ReportId, UploadId},
    wire::{api::Bytes, statement::SeenTree},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything remembered.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// The broker's address.
    pub url: Option<String>,
    /// The signed genesis, checked against the card.
    pub genesis: Option<String>,
    /// Register entries after genesis.
    pub register: Vec<String>,
    /// Signed checkpoint that goes with them: evidence, should the broker ever deny it.
    #[serde(default)]
    pub register_checkpoint: Option<String>,
    /// The case log as last verified.
    pub case: Option<SeenTree>,
    /// Signed case checkpoint that goes with it: evidence, should the broker ever deny it.
    pub case_checkpoint: Option<String>,
    /// Digest of the last accepted statement by subject.
    pub chains: BTreeMap<String, Digest>,
    /// Receipts by statement.
    pub receipts: BTreeMap<String, StoredReceipt>,
    /// Own reports.
    pub reports: BTreeMap<String, OwnReport>,
    /// The party, once its first key was replaced.
    #[serde(default)]
    pub party: Option<PartyId>,
    /// Recovery recipient and key, public halves, once made; enrolment registers them.
    pub recovery: Option<crate::model::party::RecoveryKeys>,
    /// When an institution's key was first seen on this device.
    pub first_seen: BTreeMap<String, u64>,
    /// Signed release requests by grant, until what they ask for is on the disk: the same text again is the same release.
    #[serde(default)]
    pub release_requests: BTreeMap<String, String>,
    /// Wrapped headers kept back from their grants, by grant: sending one is the second yes.
    #[serde(default)]
    pub kept_headers: BTreeMap<String, Bytes>,
    /// What persons said after their registers were sealed, in the order recorded. Only added to: a withdrawal that was
    /// recorded once is never lost.
    #[serde(default)]
    pub consent_changes: BTreeSet<Change>,
    /// Uploads begun while their report was still being sealed.
    #[serde(default)]
    pub early_uploads: Vec<UploadId>,
}

/// A receipt as it came.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct StoredReceipt {
    /// The statement.
    pub statement: String,
    /// The tlog-proof.
    pub receipt: String,
}

/// What the device knows of a report it sealed.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct OwnReport {
    /// A name for listings.
    pub title: Option<String>,
    /// Informed consent of the persons in it as it was sealed; what counts today is [`super::consent::working()`].
    pub consent: Option<ConsentRegister>,
    /// Salt of the commitment to it.
    pub consent_salt: Digest,
    /// What it is to earlier reports, with the salt of the commitment to the first of them.
    #[serde(default)]
    pub relations: Vec<Relation>,
    /// Items, for the persons each shows.
    pub items: Vec<Item>,
    /// Where the sealed file was written.
    pub sealed_at: String,
    /// The report statement, once signed.
    pub statement: String,
    /// SHA-256 of the owner header of today, where another took the place of the one the statement names.
    #[serde(default)]
    pub owner_header: Option<Digest>,
}

impl OwnReport {
    /// What its statement alone says: the rest is in the sealed file.
    pub fn of_statement(statement: String) -> Self {
        Self {
            title: None,
            consent: None,
            consent_salt: Digest::from_bytes([0; 32]),
            relations: Vec::new(),
            items: Vec::new(),
            sealed_at: String::new(),
            statement,
            owner_header: None,
        }
    }
}

impl Memory {
    /// An own report.
    pub fn report(&self, id: ReportId) -> Option<&OwnReport> {
        self.reports.get(&id.to_string())
    }
}

#[cfg(test)]
impl OwnReport {
    /// A report without anything in it.
    pub(in crate::client) fn of_nothing() -> Self {
        Self::of_statement(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_from_before_later_answers_is_read() {
        let mut memory = Memory::default();
        memory.reports.insert("report".to_owned(), OwnReport::of_nothing());
        let mut older = serde_json::to_value(&memory).unwrap();
        assert!(older.as_object_mut().unwrap().remove("consent_changes").is_some());
        assert!(older["reports"]["report"].as_object_mut().unwrap().remove("relations").is_some());
        let read: Memory = serde_json::from_value(older).unwrap();
        assert!(read.consent_changes.is_empty() && read.reports["report"].relations.is_empty());
    }
}
