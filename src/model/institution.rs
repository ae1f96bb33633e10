//! Institutions: their record, keys, officers, admission, attestation and suspension.

use super::{
    ids::{AgeRecipient, Digest, PartyId, PublicKey},
    limits,
    purpose::{Purpose, RecipientClass},
    statement::Text,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The public record an institution enrols with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstitutionRecord {
    /// Its name as it calls itself.
    pub name: Text,
    /// Under whose law it stands.
    pub jurisdiction: Text,
    /// What persons' consent calls bodies of its kind.
    pub class: RecipientClass,
    /// What its mandate lets it do.
    pub mandate: Vec<Purpose>,
    /// First second the mandate no longer holds.
    pub mandate_until: Timestamp,
}

/// The body of an `officer` statement, signed by the institution's root key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerAppointment {
    /// The institution.
    pub institution: PartyId,
    /// The officer's signing key.
    pub signing_key: PublicKey,
    /// The unit the officer works in.
    pub unit: Text,
    /// First second the appointment no longer holds.
    pub until: Timestamp,
}

/// The body of a `recipient-key` statement, signed by the institution's root key. A later one for the same unit
/// supersedes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientKey {
    /// The institution.
    pub institution: PartyId,
    /// The unit that opens with it.
    pub unit: Text,
    /// What headers are wrapped to.
    pub recipient: AgeRecipient,
}

/// The body of an `admission` statement, signed by an administrator; needs k of n.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// The institution.
    pub institution: PartyId,
    /// Digest of the `party` statement with the record that was examined.
    pub record: Digest,
}

/// The body of an `attestation` statement, signed by an accreditor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The institution.
    pub institution: PartyId,
    /// What was examined.
    pub kind: AttestationKind,
    /// First second it no longer holds.
    pub until: Timestamp,
    /// What was found, question by question; due diligence needs it, and a mandate has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checklist: Option<Checklist>,
}

/// The published checklist of due diligence: every question is answered. The questions in words stand in
/// `docs/operations.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    /// It uses information for the purposes agreed on and no others.
    pub purpose_limits: Finding,
    /// Who processes for it, and in whose cloud, under which law.
    pub processors_and_cloud: Finding,
    /// No machine learns from the information, and none decides on it.
    pub ai: Finding,
    /// How long it keeps what, and what happens then.
    pub retention: Finding,
    /// What it may and must pass on, and asks before.
    pub onward_rules: Finding,
    /// It tells of incidents, whom, and how soon.
    pub incident_notice: Finding,
    /// Where a person can turn who was harmed.
    pub remedy: Finding,
}

/// The answer to one question of the checklist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// As it should be.
    Met,
    /// Under conditions the institution has accepted.
    MetWithConditions,
    /// Not as it should be.
    NotMet,
}

impl Checklist {
    /// Every question answered alike.
    pub const fn all(finding: Finding) -> Self {
        Self {
            purpose_limits: finding,
            processors_and_cloud: finding,
            ai: finding,
            retention: finding,
            onward_rules: finding,
            incident_notice: finding,
            remedy: finding,
        }
    }
    /// Each question and its answer.
    pub const fn findings(&self) -> [(&'static str, Finding); 7] {
        [
            ("purpose-limits", self.purpose_limits),
            ("processors-and-cloud", self.processors_and_cloud),
            ("ai", self.ai),
            ("retention", self.retention),
            ("onward-rules", self.onward_rules),
            ("incident-notice", self.incident_notice),
            ("remedy", self.remedy),
        ]
    }
    /// Whether an institution that was found so may receive.
    pub fn is_met(&self) -> bool {
        self.findings().iter().all(|(_, finding)| *finding != Finding::NotMet)
    }
}

/// The body of a `terms` statement, signed by the institution's root key: what it does with information, said once. A
/// later one takes its place for grants still to come; a grant keeps to the one it names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The institution.
    pub institution: PartyId,
    /// How long it keeps what it was given where a grant names no time.
    pub retention: Retention,
    /// Duties that go before what was agreed on; may be empty.
    pub overriding_duties: Vec<OverridingDuty>,
    /// Languages it answers in (BCP 47).
    pub languages: Vec<Text>,
    /// Days it takes to answer.
    pub response_days: u16,
    /// What it cannot promise, in words; may be empty.
    pub cannot_promise: Vec<Text>,
}

/// How long information is kept where a grant names no time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Retention {
    /// So many calendar months after it was collected; the day of the month stays, or is the last one.
    Months(u16),
    /// Until the mandate ends.
    UntilMandateEnds {},
    /// For good, in an archive.
    Archived {},
}

/// A duty that goes before what was agreed on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverridingDuty {
    /// What exonerates is shown to the defence.
    DisclosureToTheDefence,
    /// An archive's rules keep what was given.
    Archives,
    /// A court may order it to be handed out.
    CourtOrders,
    /// Its parent body may look at it.
    ReportingToItsParent,
}

impl Terms {
    /// What is wrong with the terms taken by themselves, as a stable code.
    pub fn malformed(&self) -> Option<&'static str> {
        let duties: std::collections::BTreeSet<_> = self.overriding_duties.iter().collect();
        if self.response_days == 0 || u64::from(self.response_days) > limits::RESPONSE_DAYS {
            Some("response-days")
        } else if matches!(self.retention, Retention::Months(0)) {
            Some("retention-months")
        } else if duties.len() != self.overriding_duties.len() {
            Some("duties-repeated")
        } else if self.languages.is_empty() || self.languages.len() > limits::TERMS_LINES {
            Some("languages-count")
        } else if self.cannot_promise.len() > limits::TERMS_LINES {
            Some("cannot-promise-count")
        } else {
            None
        }
    }
}

/// The body of a `call` statement, signed by the institution's root key: it asks for information, publicly.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The institution.
    pub institution: PartyId,
    /// What it looks into, in words.
    pub about: Text,
    /// What for; within its mandate.
    pub purposes: Vec<Purpose>,
    /// The unit to grant to.
    pub unit: Text,
    /// First second too late.
    pub until: Timestamp,
}

/// The body of a `record` statement, signed by the institution's root key: another public record, such as a mandate that
/// was renewed. It takes effect when administrators admit it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordChange {
    /// The institution.
    pub institution: PartyId,
    /// The whole record.
    pub record: InstitutionRecord,
}

/// The body of a `closing` statement, signed by the institution's root key: its mandate ends then. What was granted to it
/// does not pass to a successor: whoever gave it is asked anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// The institution.
    pub institution: PartyId,
    /// First second it receives nothing any more.
    pub at: Timestamp,
    /// Who goes on with its work, if an institution of this broker does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub successor: Option<PartyId>,
}

/// What an accreditor examined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationKind {
    /// The legal mandate.
    Mandate,
    /// Human-rights due diligence: protection of sources, remedy, onward rules.
    DueDiligence,
}

/// The body of a `suspension` statement, signed by an administrator. Suspending needs one signature, lifting k of n.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// The institution.
    pub institution: PartyId,
    /// Which way.
    pub act: SuspensionAct,
    /// Why, in words.
    pub reason: Text,
}

/// Stopping or starting again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuspensionAct {
    /// No release from the entry on.
    Suspend,
    /// Releases again once enough administrators agree.
    Lift,
}

/// The body of an `approval`: agreement with one statement that needs several signatures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Digest of the statement agreed with.
    pub approves: Digest,
    /// What kind of matter of the case log it is; absent where the statement stands in the register.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub matter: Option<CaseMatter>,
}

/// What is agreed with in the case log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseMatter {
    /// A grant: by a co-owner of its report, or by an officer of its institution.
    Grant,
    /// New keys of an advocate: by their recovery key.
    Rotation,
    /// The lifting of a freeze: by its guardian, or by another administrator.
    Thaw,
    /// An administrator's freeze that is to last: by another administrator.
    Freeze,
    /// The erasing of a report: by its owner's recovery key.
    Withdrawal,
    /// A report handed over: by whoever is to own it.
    Handover,
}
