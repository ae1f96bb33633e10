//! What needs several signatures.

use super::Row;
use crate::model::{
    epoch::Resumption,
    ids::{Digest, KeyId, PartyId, ReportId},
    institution::{Admission, Suspension},
    keys::{Handover, Rotation},
    roster::RosterChange,
    web::WebRelease,
};
use serde::{Deserialize, Serialize};

/// A statement that needs several signatures. Key: its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalRow {
    /// What it would do.
    pub proposal: Proposal,
    /// Who agreed, the proposer first.
    pub signers: Vec<KeyId>,
    /// Whether it has taken effect.
    pub effective: bool,
}
row!(ProposalRow, "proposal");

/// What several signatures bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proposal {
    /// An institution is admitted.
    Admit(Admission),
    /// A suspension is lifted: this one, named by its statement, and no later one.
    Lift(Suspension, Digest),
    /// Another roster comes into force. Needs the council as well.
    Roster(Box<RosterChange>),
    /// The broker goes on after a roll-forward, under the roster in force. Needs the council as well.
    Resume(Resumption),
    /// Administrators vouch for a version of the page.
    VouchForPage(WebRelease),
    /// A party's keys are replaced. Needs its recovery key.
    Rotate(PartyId, Rotation),
    /// An owner's freeze is lifted by the recovery key. Needs its guardian.
    Thaw(PartyId, Digest, PartyId),
    /// Administrators' freeze is lifted, or is to last. Needs enough administrators.
    Freezing(PartyId, Digest, Freezing),
    /// A withdrawn report is erased. Needs its owner's recovery key.
    Erase(PartyId, ReportId),
    /// A report becomes somebody else's. Needs them.
    HandOver(Handover),
}

/// What several administrators do about a freeze of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freezing {
    /// It does not lapse.
    Lasts,
    /// It is lifted.
    Lifted,
}
