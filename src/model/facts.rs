//! Facts: what a decision is made from, computed once from a view, a request and two clocks.
//!
//! Fields are private and each kind has one maker, shared by the broker and every later replay: whoever decides
//! differently must have read something else. Ages are durations in seconds, so that no policy does arithmetic.

use super::{
    event::EntryRef,
    grant::{GrantState, UseMode},
    ids::{Digest, GrantId, KeyId, PartyId, ReleaseId, ReportId},
    limits,
    party::Holder,
    purpose::{Identification, Purpose},
    release::ReleaseRequest,
    report::ReportState,
    rows::{GrantRow, InstitutionRow, KeyRow, Unwatched},
    time::{Clocks, Timestamp},
    view::{Citation, OwnerFetchView, RedeliveryView, ReleaseView},
};
use serde::{Deserialize, Serialize};

/// The record of facts about a release: logged for auditors and given to the policies, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a record of independent facts, named one by one in the schema")]
pub struct ReleaseRecord {
    /// The officer's key.
    pub officer: KeyId,
    /// What the key acts as.
    pub role: String,
    /// The officer's institution, if the key belongs to one.
    pub officer_institution: String,
    /// Seconds until the appointment ends.
    pub appointment_left: i64,
    /// The institution of the grant.
    pub institution: PartyId,
    /// Whether it is admitted.
    pub admitted: bool,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Seconds until its mandate ends.
    pub mandate_left: i64,
    /// What its mandate covers.
    pub mandate_purposes: Vec<Purpose>,
    /// Seconds until its due-diligence attestation ends; negative if there is none.
    pub attestation_left: i64,
    /// The grant.
    pub grant: GrantId,
    /// The report.
    pub report: ReportId,
    /// Where the grant stands.
    pub grant_state: String,
    /// Whether the grant was given under the bundle in force.
    pub bundle_in_force: bool,
    /// What is asked for.
    pub purpose: Purpose,
    /// What the grant allows.
    pub grant_purposes: Vec<Purpose>,
    /// Officers named; empty means all.
    pub named_officers: Vec<KeyId>,
    /// Seconds since the collect window opened; negative before.
    pub window_open_for: i64,
    /// Seconds until it closes; zero or less when it has.
    pub window_left: i64,
    /// Seconds of cooling-off left; zero or less when over.
    pub cooling_off_left: i64,
    /// Seconds until a person's consent has to be reviewed.
    pub consent_review_left: i64,
    /// Releases so far.
    pub releases_used: i64,
    /// Releases allowed.
    pub releases_max: i64,
    /// A release under the grant has not been acknowledged.
    pub acknowledgement_owed: bool,
    /// The recipient key is published and not superseded.
    pub recipient_key_current: bool,
    /// The officer noted the conditions of this grant.
    pub conditions_noted: bool,
    /// A waiting time ended while nobody watched the broker's clock.
    pub clock_unconfirmed: bool,
    /// The grant was given before the log was rolled forward.
    pub before_roll_forward: bool,
    /// The log was rolled forward, and too few of the administrators and of the council have confirmed it.
    pub unconfirmed_roll_forward: bool,
    /// For a delivery again: seconds left; 0 for a first delivery.
    pub redelivery_left: i64,
    /// How much harm the report could do, 1 to 4.
    pub tier: i64,
    /// How many witnesses have to cosign the log; 0 where there are none.
    pub witness_quorum: i64,
    /// Seconds since enough witnesses last cosigned the case log; negative if they never did.
    pub cosignature_age: i64,
    /// Whether they cosigned a case log that holds the grant.
    pub grant_cosigned: bool,
    /// Seconds since the recipient key was first cosigned or, where there are no witnesses, published; negative if it
    /// was not.
    pub recipient_key_age: i64,
    /// The advocate confirmed the recipient's fingerprint by hand and signed that it is urgent.
    pub urgent: bool,
    /// How it may be used.
    pub use_mode: UseMode,
    /// How far persons may be identified.
    pub identification: Identification,
    /// Everything of the advocate's stands still.
    pub owner_frozen: bool,
    /// The report was withdrawn.
    pub report_withdrawn: bool,
    /// How many of the report's other owners have to agree yet.
    pub owner_approvals_missing: i64,
    /// Officers in office who agree, but for the one who collects.
    pub officer_approvals: i64,
    /// How many the grant asks for.
    pub officer_approvals_needed: i64,
    /// Length of the cooling-off, in seconds.
    pub cooling_off: i64,
    /// Seconds of embargo left; zero or less when there is none or it is over.
    pub embargo_left: i64,
    /// Answers of the institution that are overdue, over all grants.
    pub answers_overdue: i64,
}

/// Facts about a first delivery.
#[derive(Clone, Debug)]
pub struct ReleaseFacts {
    // INVARIANT: made by `of` alone, so record, citations and valid_before belong to one view and one reading of time.
    record: ReleaseRecord,
    request: ReleaseRequest,
    header: Digest,
    bundle: Digest,
    citations: Vec<Citation>,
    valid_before: Timestamp,
    clocks: Clocks,
}

impl ReleaseFacts {
    /// Computes the facts.
    pub fn of(view: ReleaseView, request: ReleaseRequest, clocks: Clocks) -> Self {
        let record = record(&view, &request.purpose, request.conditions_noted == view.grant_id, clocks, 0);
        Self {
            record,
            header: view.grant.grant.header,
            bundle: view.bundle,
            valid_before: valid_before(&view, clocks),
            citations: view.citations,
            request,
            clocks,
        }
    }
    /// The record.
    pub fn record(&self) -> &ReleaseRecord {
        &self.record
    }
    /// The request decided about.
    pub fn request(&self) -> &ReleaseRequest {
        &self.request
    }
    /// Digest the released header must have.
    pub fn header(&self) -> Digest {
        self.header
    }
    /// The bundle in force.
    pub fn bundle(&self) -> Digest {
        self.bundle
    }
    /// What was read.
    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }
    /// The earliest end of every window used.
    pub fn valid_before(&self) -> Timestamp {
        self.valid_before
    }
    /// What "now" meant.
    pub fn clocks(&self) -> Clocks {
        self.clocks
    }
}

/// Facts about delivering a release again.
#[derive(Clone, Debug)]
pub struct RedeliveryFacts {
    // INVARIANT: as ReleaseFacts; the count is not a fact here, it was spent by the first delivery.
    record: ReleaseRecord,
    release: ReleaseId,
    entry: Option<EntryRef>,
    header: Digest,
    citations: Vec<Citation>,
    valid_before: Timestamp,
}

impl RedeliveryFacts {
    /// Computes the facts for a delivery to `caller`.
    pub fn of(redelivery: RedeliveryView, clocks: Clocks) -> Self {
        let RedeliveryView { release_id, release, view } = redelivery;
        let ends = release.at.plus(limits::REDELIVER_WITHIN);
        let left = if release.acknowledged.is_some() { 0 } else { ends.seconds_since(clocks.not_passed) };
        let mut record = record(&view, &release.purpose, true, clocks, left);
        // The release in question is itself the one that awaits its acknowledgement.
        record.acknowledgement_owed = view.grant.awaiting.is_some_and(|awaiting| awaiting != release_id);
        let own = Citation { kind: "release", key: release_id.to_string(), version: None };
        let entry = view.citations.iter().find(|c| c.kind == own.kind && c.key == own.key).and_then(|c| c.version);
        Self {
            record,
            release: release_id,
            entry,
            header: view.grant.grant.header,
            valid_before: valid_before(&view, clocks).min(ends),
            citations: view.citations,
        }
    }
    /// The record.
    pub fn record(&self) -> &ReleaseRecord {
        &self.record
    }
    /// The release delivered again.
    pub fn release(&self) -> ReleaseId {
        self.release
    }
    /// The entry that recorded it.
    pub fn entry(&self) -> Option<EntryRef> {
        self.entry
    }
    /// Digest the header must have.
    pub fn header(&self) -> Digest {
        self.header
    }
    /// What was read.
    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }
    /// The earliest end of every window used.
    pub fn valid_before(&self) -> Timestamp {
        self.valid_before
    }
}

/// The record of facts about an owner's own header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerFetchRecord {
    /// The caller's key.
    pub caller: KeyId,
    /// What it acts as.
    pub role: String,
    /// The caller's party.
    pub party: PartyId,
    /// The owner.
    pub owner: PartyId,
    /// The report.
    pub report: ReportId,
    /// Whether the payload is stored.
    pub stored: bool,
    /// The log was rolled forward, and too few of the administrators and of the council have confirmed it.
    pub unconfirmed_roll_forward: bool,
    /// Everything of the owner's stands still.
    pub frozen: bool,
}

/// Facts about handing an owner its own header.
#[derive(Clone, Debug)]
pub struct OwnerFetchFacts {
    // INVARIANT: as ReleaseFacts.
    record: OwnerFetchRecord,
    header: Digest,
    bundle: Digest,
    citations: Vec<Citation>,
    clocks: Clocks,
}

impl OwnerFetchFacts {
    /// Computes the facts.
    pub fn of(view: OwnerFetchView, clocks: Clocks) -> Self {
        let record = OwnerFetchRecord {
            caller: view.caller_id,
            role: view.caller.holder.role().to_owned(),
            party: view.caller.party,
            owner: view.report.owner,
            report: view.report_id,
            stored: view.report.state.is_kept(),
            unconfirmed_roll_forward: view.epoch.unconfirmed(),
            frozen: view.frozen.holds_at(clocks.not_passed),
        };
        let header = view.report.report.owner_header;
        Self { record, header, bundle: view.bundle, citations: view.citations, clocks }
    }
    /// The record.
    pub fn record(&self) -> &OwnerFetchRecord {
        &self.record
    }
    /// Digest the header must have.
    pub fn header(&self) -> Digest {
        self.header
    }
    /// The bundle in force.
    pub fn bundle(&self) -> Digest {
        self.bundle
    }
    /// What "now" meant.
    pub fn clocks(&self) -> Clocks {
        self.clocks
    }
    /// What was read.
    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }
}

/// A length of time that is not there: what is missing counts as long over.
const MISSING: i64 = -1;

fn record(
    view: &ReleaseView,
    purpose: &Purpose,
    conditions_noted: bool,
    clocks: Clocks,
    redelivery_left: i64,
) -> ReleaseRecord {
    let grant = &view.grant.grant;
    let clocks = witnessed(view, clocks);
    let left = |until: Timestamp| until.seconds_since(clocks.not_passed);
    let appointment = match &view.officer.holder {
        Holder::Officer(appointment) => Some(appointment),
        _ => None,
    };
    let institution = view.institution.as_ref();
    let cosigned = view.witnessing.cosigned.as_ref();
    ReleaseRecord {
        officer: view.officer_id,
        role: view.officer.holder.role().to_owned(),
        officer_institution: appointment.map_or_else(|| "none".to_owned(), |a| a.institution.to_string()),
        appointment_left: appointment.map_or(MISSING, |a| left(a.until)),
        institution: grant.institution,
        admitted: institution.is_some_and(|i| view.epoch.admits(i)),
        suspended: institution.is_none_or(|i| i.suspended_at.is_some()),
        mandate_left: institution.map_or(MISSING, |i| left(i.mandate_until())),
        mandate_purposes: institution.map(|i| i.record.mandate.clone()).unwrap_or_default(),
        attestation_left: institution.and_then(|i| i.due_diligence_until).map_or(MISSING, left),
        grant: view.grant_id,
        report: grant.report,
        grant_state: state_word(view),
        bundle_in_force: grant.bundle == view.bundle,
        purpose: purpose.clone(),
        grant_purposes: grant.purposes.clone(),
        named_officers: grant.officers.clone(),
        window_open_for: window_open_for(&view.grant, clocks),
        window_left: left(grant.collect.until),
        cooling_off_left: cooling_off_left(&view.grant, clocks),
        consent_review_left: left(grant.consent_review_by),
        releases_used: i64::from(view.grant.releases_used),
        releases_max: i64::from(grant.max_releases),
        acknowledgement_owed: view.grant.awaiting.is_some(),
        recipient_key_current: recipient_key_current(view),
        conditions_noted,
        clock_unconfirmed: clock_unconfirmed(view.clock.as_ref().and_then(|c| c.unwatched), &view.grant),
        before_roll_forward: view.epoch.ends(view.witnessing.given_in),
        unconfirmed_roll_forward: view.epoch.unconfirmed(),
        redelivery_left,
        tier: i64::from(u8::from(view.report.report.tier)),
        witness_quorum: i64::from(view.witnessing.quorum),
        cosignature_age: cosigned.map_or(MISSING, |row| clocks.not_passed.seconds_since(row.at)),
        grant_cosigned: cosigned.is_some_and(|row| view.witnessing.given_in.index < row.size),
        recipient_key_age: recipient_key_age(view, clocks),
        urgent: grant.urgent,
        use_mode: grant.use_mode,
        identification: grant.identification,
        owner_frozen: view.owners_frozen.iter().any(|frozen| frozen.holds_at(clocks.not_passed)),
        report_withdrawn: view.report.state.is_withdrawn(),
        owner_approvals_missing: owner_approvals_missing(view),
        officer_approvals: officer_approvals(view, clocks),
        officer_approvals_needed: i64::from(grant.officer_approvals),
        cooling_off: i64::try_from(grant.cooling_off_seconds.as_seconds()).unwrap_or(i64::MAX),
        embargo_left: grant.embargo_until.map_or(0, |until| until.seconds_since(clocks.passed)),
        answers_overdue: view.owed.overdue(clocks.not_passed),
    }
}

fn owner_approvals_missing(view: &ReleaseView) -> i64 {
    if view.grant.effective_at.is_some() {
        return 0;
    }
    let given = view.grant.owner_approvals.len().saturating_add(1);
    // Not in force although enough agree cannot be; whatever made it so must not release.
    i64::try_from(view.report.owners_needed().saturating_sub(given)).unwrap_or(i64::MAX).max(1)
}

/// Who left office since does not count.
fn officer_approvals(view: &ReleaseView, clocks: Clocks) -> i64 {
    let institution = view.grant.grant.institution;
    let in_office = |key: &&KeyRow| key.is_officer_of(institution, clocks.not_passed);
    i64::try_from(view.approving.iter().filter(in_office).count()).unwrap_or(0)
}

/// Where there are witnesses, time has passed when they say so; and no time they reached can be undone.
fn witnessed(view: &ReleaseView, clocks: Clocks) -> Clocks {
    if view.witnessing.quorum == 0 {
        return clocks;
    }
    let cosigned = view.witnessing.cosigned.as_ref().map_or(Timestamp::from_seconds(0), |row| row.at);
    Clocks { not_passed: clocks.not_passed.max(cosigned), passed: cosigned }
}

/// A window that was open when the grant was given asks for no waiting, so no witness has to have seen it open.
fn window_open_for(grant: &GrantRow, clocks: Clocks) -> i64 {
    let from = grant.grant.collect.from;
    let clock = if from <= grant.given_at { clocks.not_passed } else { clocks.passed };
    clock.seconds_since(from)
}

/// Likewise: no cooling-off is over at once.
fn cooling_off_left(grant: &GrantRow, clocks: Clocks) -> i64 {
    let cooled = grant.cooled_at();
    let clock = if cooled <= grant.given_at { clocks.not_passed } else { clocks.passed };
    cooled.seconds_since(clock)
}

fn recipient_key_age(view: &ReleaseView, clocks: Clocks) -> i64 {
    let key = view.recipient_key.as_ref();
    let since = if view.witnessing.quorum == 0 { key.map(|k| k.since) } else { key.and_then(|k| k.cosigned_at) };
    since.map_or(MISSING, |since| clocks.passed.seconds_since(since))
}

fn state_word(view: &ReleaseView) -> String {
    match view.report.state {
        ReportState::Stored {} => view.grant.state.word(),
        ReportState::Declared {} => "payload-missing",
        ReportState::Withdrawn { .. } | ReportState::Erased {} => "report-withdrawn",
    }
    .to_owned()
}

fn recipient_key_current(view: &ReleaseView) -> bool {
    let grant = &view.grant.grant;
    view.recipient_key.as_ref().is_some_and(|key| {
        key.superseded_by.is_none() && key.institution == grant.institution && key.recipient == grant.recipient
    })
}

/// Nothing whose waiting time ended while nobody watched is released before the clock is confirmed.
fn clock_unconfirmed(unwatched: Option<Unwatched>, grant: &GrantRow) -> bool {
    let Some(gap) = unwatched else { return false };
    let waited = grant.given_at < grant.cooled_at();
    let inside = |moment: Timestamp| gap.after < moment && moment <= gap.until;
    let opened_later = grant.given_at < grant.grant.collect.from;
    let embargoed = grant.grant.embargo_until.is_some_and(|until| grant.given_at < until && inside(until));
    matches!(grant.state, GrantState::HeaderReceived {})
        && ((waited && inside(grant.cooled_at())) || (opened_later && inside(grant.grant.collect.from)) || embargoed)
}

fn valid_before(view: &ReleaseView, clocks: Clocks) -> Timestamp {
    let grant = &view.grant.grant;
    let appointment = match &view.officer.holder {
        Holder::Officer(appointment) => appointment.until,
        _ => Timestamp::from_seconds(0),
    };
    let institution = view.institution.as_ref();
    let mandate = institution.map_or(Timestamp::from_seconds(0), InstitutionRow::mandate_until);
    let attestation = institution.and_then(|i| i.due_diligence_until).unwrap_or(Timestamp::from_seconds(0));
    let now = witnessed(view, clocks).not_passed;
    let approving = view.approving.iter().filter_map(|key| match &key.holder {
        // Whoever left office before does not count, and ends nothing either.
        Holder::Officer(office) if now < office.until => Some(office.until),
        _ => None,
    });
    let owed = view.owed.first();
    [grant.collect.until, grant.consent_review_by, appointment, mandate, attestation]
        .into_iter()
        .chain(approving)
        .chain(owed)
        .min()
        .unwrap_or(Timestamp::from_seconds(0))
}
