//! Decisions: whatever the rows say, the engine refuses for exactly the reasons a plain reading of the rules gives.
//!
//! The rows are kept in memory and read through the one door there is, [`ReleaseView::load`] and its sisters. The
//! oracle reads the same rows by itself, with comparisons of moments instead of lengths of time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::choices::Choices;
use amana::model::{
    answer::Answer,
    bundle::Bundle,
    epoch::{EpochRow, LostRange, RollForward},
    event::{EntryRef, Log},
    facts::{OwnerFetchFacts, RedeliveryFacts, ReleaseFacts},
    freeze::{FreezeInForce, FrozenBy, FrozenRow, Lift},
    grant::{Ask, Conditions, Contact, EndCause, Grant, GrantState, UseMode},
    ids::{AgeRecipient, Digest, GrantId, KeyId, PartyId, PublicKey, ReleaseId, ReportId},
    institution::{InstitutionRecord, OfficerAppointment},
    party::Holder,
    purpose::{Identification, Purpose, RecipientClass},
    release::{Outcome, ReleaseRequest},
    report::{CoOwners, Erasing, Report, ReportKind, ReportState, Tier},
    roster::Roster,
    rows::{
        ClockRow, Closed, CosignedRow, GenesisRow, GrantRow, Held, InstitutionRow, KeyRow, ONLY, OwedRow,
        RecipientKeyRow, ReleaseRow, ReportRow, RosterRow, Row, Rows, StatementRow, Unwatched, of_log,
    },
    time::{Clocks, Duration, Timestamp, Window},
    view::{OwnerFetchView, RedeliveryView, ReleaseView},
};
use amana::policy::{Denied, Engine, golden};
use serde_json::{Map, Value};

/// `r` release, `d` redelivery, `o` owner's header: decisions about rows. `j` and `k`: JSON that replaces members of the
/// record of a good release, or of a good fetch of an owner's header.
pub fn check(input: &[u8]) {
    match input {
        [b'r', decisions @ ..] => release(&mut Choices::of(decisions)),
        [b'd', decisions @ ..] => redelivery(&mut Choices::of(decisions)),
        [b'o', decisions @ ..] => owner_fetch(&mut Choices::of(decisions)),
        [b'j', json @ ..] => record("release", json),
        [b'k', json @ ..] => record("fetch-owner-header", json),
        _ => {}
    }
}

fn release(choices: &mut Choices<'_>) {
    let (case, engine) = (Case::of(choices), engine(choices));
    let view = ReleaseView::load(&case.rows(), case.grant_id, case.officer_id).expect("memory");
    let view = view.expect("grant, report, officer and genesis are there");
    let institution = match &case.officer.holder {
        Holder::Officer(appointment) => Some(appointment.institution),
        _ => None,
    };
    assert_eq!(view.concerns_officer(), institution == Some(case.grant.grant.institution));
    let decided = engine.engine.decide_release(ReleaseFacts::of(view, case.request.clone(), case.clocks));
    let noted = case.request.conditions_noted == case.grant_id;
    let mut expected = case.common(&case.request.purpose, noted, case.grant.awaiting.is_some());
    if case.grant.releases_used >= case.grant.grant.max_releases {
        expected.insert("count-used");
    }
    if case.bundle != engine.engine.bundle() {
        expected.insert("bundle-mismatch");
    }
    let (agreeing, tier) = (case.agreeing(), u8::from(case.report.report.tier));
    if agreeing < case.grant.grant.officer_approvals as usize {
        expected.insert("officers-missing");
    }
    if agreeing < usize::from(tier.saturating_sub(2)) {
        expected.insert("four-eyes");
    }
    engine.expect_error(&case, &mut expected);
    match decided {
        Ok(permit) => {
            assert_eq!(expected, BTreeSet::new(), "permitted");
            assert!(permit.valid_before() > case.times().0, "it no longer holds");
            assert_eq!(permit.header(), case.grant.grant.header);
            assert_eq!(permit.bundle(), case.bundle);
            assert_eq!(permit.request(), &case.request);
            let others = case.grant.officer_approvals.iter().filter(|officer| **officer != case.officer_id).count();
            assert_eq!(permit.citations().len(), 14 + others, "a row was read and not cited");
        }
        Err(denied) => assert_eq!(ids(&denied), expected),
    }
}

fn redelivery(choices: &mut Choices<'_>) {
    let (case, engine) = (Case::of(choices), engine(choices));
    let view = RedeliveryView::load(&case.rows(), case.release_id).expect("memory").expect("all is there");
    let decided = engine.engine.decide_redelivery(RedeliveryFacts::of(view, case.clocks));
    let owed = case.grant.awaiting.is_some_and(|awaiting| awaiting != case.release_id);
    let mut expected = case.common(&case.release.purpose, true, owed);
    let ends = (case.release.at.as_seconds() + 24 * 3600).min(LAST);
    if case.release.acknowledged.is_some() || case.clocks.not_passed.as_seconds() >= ends {
        expected.insert("redelivery-over");
    }
    engine.expect_error(&case, &mut expected);
    match decided {
        Ok(permit) => {
            assert_eq!(expected, BTreeSet::new(), "permitted");
            assert_eq!(permit.release_id(), case.release_id);
            assert_eq!(permit.header(), case.grant.grant.header);
        }
        Err(denied) => assert_eq!(ids(&denied), expected),
    }
}

fn owner_fetch(choices: &mut Choices<'_>) {
    let (case, engine) = (Case::of(choices), engine(choices));
    let view = OwnerFetchView::load(&case.rows(), case.grant.grant.report, case.officer_id);
    let view = view.expect("memory").expect("report and key are there");
    assert_eq!(view.concerns_caller(), case.officer.party == case.report.owner);
    let decided = engine.engine.decide_owner_fetch(OwnerFetchFacts::of(view, case.clocks));
    let mut expected = BTreeSet::new();
    let mut because = |id, failed: bool| failed && expected.insert(id);
    because("not-the-owner", case.officer.party != case.report.owner);
    because("owner-duties", case.officer.holder != Holder::Advocate {});
    let kept = match case.report.state {
        ReportState::Stored {} => true,
        // Withdrawing takes nothing from the owner before it is erased.
        ReportState::Withdrawn { stored, .. } => stored,
        ReportState::Declared {} | ReportState::Erased {} => false,
    };
    because("payload-missing", !kept);
    because("frozen", case.frozen_at(case.report.owner, case.clocks.not_passed));
    let unconfirmed = case.epoch.as_ref().is_some_and(|row| row.forwards.iter().any(|forward| !forward.confirmed));
    because("roll-forward-unconfirmed-owner", unconfirmed);
    because("bundle-mismatch", case.bundle != engine.engine.bundle());
    match decided {
        Ok(permit) => {
            assert_eq!(expected, BTreeSet::new(), "permitted");
            drop(permit);
        }
        Err(denied) => assert_eq!(ids(&denied), expected),
    }
}

fn ids<F>(denied: &Denied<F>) -> BTreeSet<&str> {
    let ids: BTreeSet<&str> = denied.reasons.iter().map(|reason| reason.id.as_str()).collect();
    assert_eq!(ids.len(), denied.reasons.len(), "a reason stands twice");
    assert!(!ids.is_empty(), "a denial without a reason");
    ids
}

/// A record as an attacker of the store would write it: permitted only if it is a whole record in which all is right.
fn record(action: &str, json: &[u8]) {
    let Ok(change) = serde_json::from_slice::<Map<String, Value>>(json) else { return };
    let case = serde_json::json!([{ "name": "n", "action": action, "change": change, "expect": ["asked"] }]);
    let (mut files, mut record) = (BTreeMap::new(), Map::new());
    let base: Value = serde_json::from_str(shipped().file("tests/base.json").expect("shipped")).expect("JSON");
    let kind = if action == "release" { "release" } else { "owner-fetch" };
    record.extend(base[kind].as_object().expect("a record").clone());
    let (members, _) = (record.keys().cloned().collect::<Vec<_>>(), record.extend(change));
    files.insert("tests/base.json".to_owned(), base.to_string());
    files.insert("tests/release.json".to_owned(), case.to_string());
    files.insert("tests/owner-fetch.json".to_owned(), "[]".to_owned());
    let empty = serde_json::json!({ "change": {}, "roles": {}, "states": {}, "expect": {} });
    let matrix = ["release", "redeliver", "fetch-owner-header"].map(|action| (action.to_owned(), empty.clone()));
    files.insert("tests/matrix.json".to_owned(), Value::Object(Map::from_iter(matrix)).to_string());
    let (_, failures) = golden::run(&sound().engine, &Bundle::of(files)).expect("the cases are as documented");
    let [failure] = failures.as_slice() else { panic!("one case, which cannot come out as it asks for") };
    if failure.found.is_empty() {
        assert_eq!(record.keys().cloned().collect::<Vec<_>>(), members, "members that no policy knows");
        let is = |name: &str, value: &Value| record.get(name) == Some(value);
        match action {
            "release" => assert!(release_is_right(&record), "{record:?}"),
            _ => {
                let same = is("party", &record["owner"]);
                assert!(same && is("role", &"advocate".into()) && is("stored", &true.into()), "{record:?}");
                let moves = is("unconfirmed_roll_forward", &false.into()) && is("frozen", &false.into());
                assert!(moves, "{record:?}");
            }
        }
    }
}

fn release_is_right(record: &Map<String, Value>) -> bool {
    let number = |name: &str| record[name].as_i64().expect("a number");
    let yes = |name: &str| record[name] == Value::Bool(true);
    let no = |name: &str| record[name] == Value::Bool(false);
    let holds = |list: &str, one: &str| record[list].as_array().is_some_and(|list| list.contains(&record[one]));
    let named = record["named_officers"].as_array().is_some_and(Vec::is_empty) || holds("named_officers", "officer");
    let lasting = ["appointment_left", "mandate_left", "attestation_left", "window_left", "consent_review_left"];
    lasting.iter().all(|name| number(name) > 0)
        && record["role"] == "officer"
        && record["officer_institution"] == record["institution"]
        && record["grant_state"] == "active"
        && ["admitted", "bundle_in_force", "recipient_key_current", "conditions_noted"].iter().all(|name| yes(name))
        && ["suspended", "acknowledgement_owed", "clock_unconfirmed", "before_roll_forward", "unconfirmed_roll_forward"]
            .iter()
            .chain(&["owner_frozen", "report_withdrawn"])
            .all(|name| no(name))
        && ["owner_approvals_missing", "embargo_left", "answers_overdue"].iter().all(|name| number(name) <= 0)
        && number("officer_approvals") >= number("officer_approvals_needed")
        && number("officer_approvals") >= number("tier") - 2
        && (number("tier") < 3 || number("cooling_off") >= if yes("urgent") { 3_600 } else { 86_400 })
        && fits(&record["purpose"], &record["use_mode"], &record["identification"])
        && holds("mandate_purposes", "purpose")
        && holds("grant_purposes", "purpose")
        && named
        && number("window_open_for") >= 0
        && number("cooling_off_left") <= 0
        && number("releases_used") < number("releases_max")
        && (yes("urgent") || number("recipient_key_age") >= 86_400)
        && (number("tier") < 3
            || number("witness_quorum") >= 1
                && yes("grant_cosigned")
                && (0..=7_200).contains(&number("cosignature_age")))
}

/// What is deposited is not used, a lead is not shown, and research names nobody.
fn fits(purpose: &Value, use_mode: &Value, identification: &Value) -> bool {
    match purpose.as_str().expect("a text") {
        "deposit-only" => use_mode == "preserve-only",
        "criminal-lead" => use_mode != "evidence",
        "criminal-proceedings" => use_mode != "lead-only",
        "deidentified-research" => {
            ["none", "statistics", "anonymous-summary"].iter().any(|name| identification == name)
        }
        _ => true,
    }
}

/// An engine, and whether its bundle has a rule that cannot always be evaluated.
struct Judge {
    engine: Engine,
    errs: bool,
}

impl Judge {
    /// The added rule overflows exactly while the window is open.
    fn expect_error(&self, case: &Case, expected: &mut BTreeSet<&'static str>) {
        if self.errs && case.times().0 < case.grant.grant.collect.until {
            expected.insert("policy-error");
        }
    }
}

fn engine(choices: &mut Choices<'_>) -> &'static Judge {
    if choices.seldom(8) { erring() } else { sound() }
}

fn shipped() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(Bundle::shipped)
}

fn sound() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| Judge { engine: Engine::load(shipped()).expect("the shipped bundle"), errs: false })
}

fn erring() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let rule = "\n@id(\"overflows\")\n@reason(\"r\")\n@advice(\"a\")\n@show(\"all\")\n\
            forbid (principal is Caller, action in [Action::\"release\", Action::\"redeliver\"], resource is Grant)\n\
            when { context.window_left + 9223372036854775807 < 0 };\n";
        let text = |path: &str| shipped().file(path).unwrap_or_default().to_owned();
        let mut files: BTreeMap<String, String> = shipped().paths().map(|path| (path.to_owned(), text(path))).collect();
        files.entry("forbids.cedar".to_owned()).and_modify(|forbids| forbids.push_str(rule));
        Judge { engine: Engine::load(&Bundle::of(files)).expect("it loads"), errs: true }
    })
}

/// Everything one decision reads.
struct Case {
    clocks: Clocks,
    bundle: Digest,
    grant_id: GrantId,
    grant: GrantRow,
    report: ReportRow,
    institution: Option<InstitutionRow>,
    officer_id: KeyId,
    officer: KeyRow,
    recipient_key: Option<RecipientKeyRow>,
    clock: Option<ClockRow>,
    quorum: u32,
    cosigned: Option<CosignedRow>,
    request: ReleaseRequest,
    release_id: ReleaseId,
    release: ReleaseRow,
    epoch: Option<EpochRow>,
    frozen: Vec<(PartyId, FrozenRow)>,
    approving: Vec<(KeyId, Option<KeyRow>)>,
    owed: Option<OwedRow>,
}

/// The hour around which everything happens.
const NOW: u64 = 1_700_000_000;
const DAY: u64 = 86_400;
/// The last second there is: what would come later comes then, and a time that ends then is over.
const LAST: u64 = (1 << 53) - 1;

/// A moment after the hour, unless chance says otherwise.
fn later(choices: &mut Choices<'_>) -> Timestamp {
    moment(choices, NOW + DAY)
}

/// A moment before it, unless chance says otherwise.
fn earlier(choices: &mut Choices<'_>) -> Timestamp {
    moment(choices, NOW - DAY)
}

fn moment(choices: &mut Choices<'_>, usual: u64) -> Timestamp {
    Timestamp::from_seconds(match choices.below(32) {
        0..24 => usual,
        24..28 => NOW - 2 + choices.below(5) as u64,
        28 => 0,
        29 => LAST,
        30 => NOW - 40 * DAY + choices.number() % (80 * DAY),
        _ => choices.number() >> 11,
    })
}

/// Purposes that bear not every use.
const BOUND: [&str; 4] = ["deposit-only", "criminal-lead", "criminal-proceedings", "deidentified-research"];

fn purposes(choices: &mut Choices<'_>, wanted: &Purpose) -> Vec<Purpose> {
    let all = ["commission-of-inquiry", "court-of-law", "public-report", "commission-of-inquir"];
    let mut list: Vec<Purpose> =
        all.iter().chain(&BOUND).filter(|_| choices.seldom(4)).map(|text| text.parse().expect("a slug")).collect();
    if !choices.seldom(8) && !list.contains(wanted) {
        list.push(wanted.clone());
    }
    list
}

fn id(seed: u8) -> Digest {
    Digest::of(&[seed])
}

fn party(seed: u8) -> PartyId {
    PartyId::from_bytes(*id(seed).as_bytes())
}

impl Case {
    fn of(choices: &mut Choices<'_>) -> Self {
        let purpose: Purpose = "commission-of-inquiry".parse().expect("a slug");
        let (institution_id, officer_id) = (party(1), KeyId::from_bytes([2; 32]));
        let (grant_id, release_id) = (GrantId::from(id(3)), ReleaseId::from(id(4)));
        let bundle = match choices.below(16) {
            15 => id(9),
            12..15 => erring().engine.bundle(),
            _ => sound().engine.bundle(),
        };
        let mut grant = grant_row(choices, &purpose, bundle);
        let asked = match choices.below(8) {
            5 => choices.pick(&["court-of-law", "public-report"]).parse().expect("a slug"),
            6 | 7 => choices.pick(&BOUND).parse().expect("a slug"),
            _ => purpose.clone(),
        };
        let not_passed = moment(choices, NOW);
        // What has surely passed is never later than what has surely not.
        let passed = if choices.seldom(8) { earlier(choices).min(not_passed) } else { not_passed };
        let officer = key_row(choices);
        let institution = (!choices.seldom(16)).then(|| institution_row(choices, &purpose));
        let recipient_key = (!choices.seldom(16)).then(|| RecipientKeyRow {
            institution: if choices.seldom(16) { party(7) } else { institution_id },
            unit: "evidence".to_owned(),
            recipient: recipient(if choices.seldom(16) { 'p' } else { 'q' }),
            since: earlier(choices),
            cosigned_at: (!choices.seldom(8)).then(|| earlier(choices)),
            superseded_by: choices.seldom(16).then(|| id(8)),
        });
        let quorum = u32::from(choices.seldom(4));
        let cosigned = (!choices.seldom(8)).then(|| CosignedRow {
            size: if choices.seldom(4) { VERSION.index } else { VERSION.index + 1 },
            at: moment(choices, NOW - 60),
        });
        let clock = choices.flag().then(|| ClockRow {
            unwatched: choices.flag().then(|| Unwatched { after: earlier(choices), until: later(choices) }),
        });
        let conditions_noted = if choices.seldom(16) { id(9).into() } else { grant_id };
        let nonce = amana::model::ids::Nonce::from_bytes([5; 16]);
        let outcome = Outcome::Defect { description: "torn".parse().expect("a text") };
        let approving = approving(choices, officer_id, &officer);
        grant.officer_approvals = approving.iter().map(|(kid, _)| *kid).collect();
        let frozen = [6, 11].map(|seed| (party(seed), choices.seldom(4).then(|| frozen_row(choices))));
        Self {
            frozen: frozen.into_iter().filter_map(|(party, row)| Some((party, row?))).collect(),
            approving,
            owed: choices.seldom(4).then(|| OwedRow { due: (1..3).map(|n| (later(choices), n)).collect() }),
            clocks: Clocks { not_passed, passed },
            bundle,
            grant_id,
            report: report_row(choices),
            institution,
            officer_id,
            officer,
            recipient_key,
            clock,
            quorum,
            cosigned,
            request: ReleaseRequest { grant: grant_id, purpose: asked.clone(), nonce, conditions_noted },
            release_id,
            release: ReleaseRow {
                grant: grant_id,
                officer: officer_id,
                purpose: asked,
                at: if choices.seldom(4) { earlier(choices) } else { moment(choices, NOW - 60) },
                acknowledged: choices.seldom(8).then_some(outcome),
                answered_under: None,
            },
            grant,
            epoch: choices.seldom(8).then(|| epoch(choices)),
        }
    }

    fn rows(&self) -> Memory {
        let mut rows = Memory::default();
        let genesis = GenesisRow { digest: id(0), genesis: genesis(self.bundle) };
        rows.put(ONLY, &genesis);
        rows.put(&self.grant_id.to_string(), &self.grant);
        rows.put(&self.grant.grant.report.to_string(), &self.report);
        rows.put(&self.officer_id.to_string(), &self.officer);
        rows.put(&self.release_id.to_string(), &self.release);
        if let Some(row) = &self.institution {
            rows.put(&self.grant.grant.institution.to_string(), row);
        }
        if let Some(row) = &self.recipient_key {
            rows.put(&self.grant.grant.recipient_key.to_string(), row);
        }
        if let Some(row) = &self.clock {
            rows.put(ONLY, row);
        }
        let roster = Roster { witness_quorum: self.quorum, ..Roster::of(&genesis.genesis) };
        rows.put(ONLY, &RosterRow { number: 0, roster, earlier: Vec::new() });
        rows.put(&self.grant_id.to_string(), &StatementRow {});
        if let Some(row) = &self.cosigned {
            rows.put(of_log(Log::Case), row);
        }
        if let Some(row) = &self.epoch {
            rows.put(ONLY, row);
        }
        for (party, row) in &self.frozen {
            rows.put(&party.to_string(), row);
        }
        for (kid, row) in self.approving.iter().filter(|(kid, _)| *kid != self.officer_id) {
            if let Some(row) = row {
                rows.put(&kid.to_string(), row);
            }
        }
        if let Some(row) = &self.owed {
            rows.put(&self.grant.grant.institution.to_string(), row);
        }
        rows
    }

    /// Some freeze of the party's has not lapsed.
    fn frozen_at(&self, party: PartyId, now: Timestamp) -> bool {
        let freezes = self.frozen.iter().filter(|(frozen, _)| *frozen == party).flat_map(|(_, row)| &row.freezes);
        let mut lapses = freezes.map(|freeze| match freeze.by {
            FrozenBy::Owner { .. } => None,
            FrozenBy::Administrators { lapses } => lapses,
        });
        lapses.any(|lapses| lapses.is_none_or(|moment| now < moment))
    }

    /// Officers in office at the institution who agree, without the one who asks.
    fn agreeing(&self) -> usize {
        let (now, _) = self.times();
        let others =
            self.approving.iter().filter(|(kid, _)| *kid != self.officer_id).filter_map(|(_, row)| row.as_ref());
        let in_office = others.filter(|row| match &row.holder {
            Holder::Officer(office) => office.institution == self.grant.grant.institution && office.until > now,
            _ => false,
        });
        in_office.count()
    }

    /// Information this sensitive can be taken back for a day, or for an hour where it is urgent.
    fn cools_too_shortly(&self) -> bool {
        let terms = &self.grant.grant;
        let least = if terms.urgent { 3_600 } else { DAY };
        u8::from(self.report.report.tier) >= 3 && terms.cooling_off_seconds.as_seconds() < least
    }

    /// What has surely not passed, and what surely has: with witnesses, it is they who say what has.
    fn times(&self) -> (Timestamp, Timestamp) {
        let Clocks { not_passed, passed } = self.clocks;
        let cosigned = self.cosigned.as_ref().map_or(Timestamp::from_seconds(0), |row| row.at);
        if self.quorum == 0 { (not_passed, passed) } else { (not_passed.max(cosigned), cosigned) }
    }

    /// Too little is known of who saw what for information this sensitive.
    fn unwitnessed(&self) -> bool {
        let (now, _) = self.times();
        let seen = self.cosigned.as_ref().is_some_and(|row| {
            let (now, at) = (now.as_seconds(), row.at.as_seconds());
            row.size > VERSION.index && now >= at && now - at <= 7_200
        });
        u8::from(self.report.report.tier) >= 3 && (self.quorum == 0 || !seen)
    }

    /// The recipient's key is younger than a day, and nobody compared its fingerprint.
    fn young(&self) -> bool {
        let (_, passed) = self.times();
        let key = self.recipient_key.as_ref();
        let since = if self.quorum == 0 { key.map(|key| key.since) } else { key.and_then(|key| key.cosigned_at) };
        let old = since.is_some_and(|since| passed.as_seconds() >= since.as_seconds() + DAY);
        !old && !self.grant.grant.urgent
    }

    /// Reasons common to a release and a delivery again.
    fn common(&self, asked: &Purpose, noted: bool, owed: bool) -> BTreeSet<&'static str> {
        let (terms, (now, passed)) = (&self.grant.grant, self.times());
        let mut reasons = BTreeSet::new();
        let mut because = |id, failed: bool| failed && reasons.insert(id);
        let appointment = match &self.officer.holder {
            Holder::Officer(appointment) => Some(appointment),
            _ => None,
        };
        because("separation-of-duties", appointment.is_none());
        because("other-institution", appointment.is_none_or(|office| office.institution != terms.institution));
        because("appointment-ended", appointment.is_none_or(|office| office.until <= now));
        let institution = self.institution.as_ref();
        because("institution-not-admitted", institution.is_none_or(|row| !self.admitted(row)));
        let forwards = self.epoch.iter().flat_map(|row| &row.forwards);
        because("rolled-forward", forwards.clone().any(|forward| VERSION.index < forward.lost.until));
        because("roll-forward-unconfirmed", forwards.clone().any(|forward| !forward.confirmed));
        because("institution-suspended", institution.is_none_or(|row| row.suspended_at.is_some()));
        let over =
            |row: &InstitutionRow| row.record.mandate_until <= now || row.closed.is_some_and(|closed| closed.at <= now);
        because("mandate-ended", institution.is_none_or(over));
        let attested = institution.and_then(|row| row.due_diligence_until);
        because("attestation-missing", attested.is_none_or(|until| until <= now));
        let active = self.grant.state == GrantState::HeaderReceived {} && self.report.state == ReportState::Stored {};
        because("grant-not-active", !active);
        let withdrawn = matches!(self.report.state, ReportState::Withdrawn { .. } | ReportState::Erased {});
        because("report-withdrawn", withdrawn);
        because("owner-frozen", [self.grant.owner, self.report.owner].iter().any(|party| self.frozen_at(*party, now)));
        because("owners-missing", self.grant.effective_at.is_none());
        because("embargo", terms.embargo_until.is_some_and(|until| passed < until));
        because("cooling-off-too-short", self.cools_too_shortly());
        let mut answers = self.owed.iter().flat_map(|row| &row.due);
        because("answer-overdue", answers.any(|(due, _)| *due <= now));
        let unused = asked.as_str() == "deposit-only" && terms.use_mode != UseMode::PreserveOnly;
        because("deposit-is-not-used", unused);
        let shown = match asked.as_str() {
            "criminal-lead" => terms.use_mode == UseMode::Evidence,
            "criminal-proceedings" => terms.use_mode == UseMode::LeadOnly,
            _ => false,
        };
        because("lead-is-no-evidence", shown);
        let named =
            asked.as_str() == "deidentified-research" && terms.identification > Identification::AnonymousSummary;
        because("research-names-nobody", named);
        because("rules-changed", terms.bundle != self.bundle);
        // What was open, or over, when the grant was given asks for no waiting.
        let given = self.grant.given_at;
        let waited = |end: Timestamp| if end <= given { now >= end } else { passed >= end };
        because("window-not-open", !waited(terms.collect.from));
        because("window-closed", now >= terms.collect.until);
        because("cooling-off", !waited(self.cooled()));
        because("witnesses-missing", self.unwitnessed());
        because("recipient-key-young", self.young());
        because("consent-review-due", now >= terms.consent_review_by);
        because("officer-not-named", !terms.officers.is_empty() && !terms.officers.contains(&self.officer_id));
        let current = self.recipient_key.as_ref().is_some_and(|key| {
            (key.institution, &key.recipient, key.superseded_by) == (terms.institution, &terms.recipient, None)
        });
        because("recipient-key-not-current", !current);
        because("conditions-not-noted", !noted);
        because("clock-unconfirmed", self.unconfirmed());
        because("acknowledgement-owed", owed);
        because("purpose-outside-mandate", institution.is_none_or(|row| !row.record.mandate.contains(asked)));
        because("purpose-not-granted", !terms.purposes.contains(asked));
        reasons
    }

    /// Admitted, and not only before data were lost.
    fn admitted(&self, row: &InstitutionRow) -> bool {
        let mut forwards = self.epoch.iter().flat_map(|row| &row.forwards);
        row.admitted_at.is_some() && forwards.all(|forward| row.admitted_in.is_some_and(|entry| entry > forward.entry))
    }

    fn cooled(&self) -> Timestamp {
        let wait = self.grant.grant.cooling_off_seconds.as_seconds();
        let from = self.grant.effective_at.map_or(LAST, Timestamp::as_seconds);
        Timestamp::from_seconds((from + wait).min(LAST))
    }

    /// A waiting time ended while nobody watched the clock.
    fn unconfirmed(&self) -> bool {
        let Some(gap) = self.clock.as_ref().and_then(|row| row.unwatched) else { return false };
        let given = self.grant.given_at;
        let ended = |end: Timestamp| given < end && gap.after < end && end <= gap.until;
        let active = self.grant.state == GrantState::HeaderReceived {};
        let embargo = self.grant.grant.embargo_until.is_some_and(ended);
        active && (ended(self.cooled()) || ended(self.grant.grant.collect.from) || embargo)
    }
}

fn epoch(choices: &mut Choices<'_>) -> EpochRow {
    let forward = |choices: &mut Choices<'_>| RollForward {
        entry: 7 + choices.below(3) as u64,
        lost: LostRange { from: 0, until: VERSION.index + choices.below(2) as u64 },
        confirmed: choices.flag(),
    };
    EpochRow { forwards: (0..choices.below(3)).map(|_| forward(choices)).collect() }
}

fn recipient(letter: char) -> AgeRecipient {
    format!("age1{}", letter.to_string().repeat(58)).parse().expect("a recipient")
}

fn key_row(choices: &mut Choices<'_>) -> KeyRow {
    let public = PublicKey::from_bytes([2; 32]);
    let unit = "evidence".parse().expect("a text");
    let institution = if choices.seldom(16) { party(7) } else { party(1) };
    let office = OfficerAppointment { institution, signing_key: public, unit, until: later(choices) };
    let holder = match choices.below(24) {
        16 => Holder::InstitutionRoot {},
        17 => Holder::Administrator {},
        18 => Holder::Accreditor {},
        19 => Holder::Auditor {},
        20 => Holder::Council {},
        21..24 => Holder::Advocate {},
        _ => Holder::Officer(office),
    };
    KeyRow { public, party: if choices.flag() { party(1) } else { party(6) }, holder }
}

/// Officers who agree, of whom one may be the one who asks, and another nobody any more.
fn approving(choices: &mut Choices<'_>, asking: KeyId, officer: &KeyRow) -> Vec<(KeyId, Option<KeyRow>)> {
    let mut agreeing = Vec::new();
    for seed in 60..63 {
        if choices.flag() {
            agreeing.push((KeyId::from_bytes([seed; 32]), (!choices.seldom(8)).then(|| key_row(choices))));
        }
    }
    if choices.seldom(4) {
        agreeing.push((asking, Some(officer.clone())));
    }
    agreeing
}

fn frozen_row(choices: &mut Choices<'_>) -> FrozenRow {
    let by = |choices: &mut Choices<'_>| match choices.below(4) {
        0 => FrozenBy::Owner { lift: Lift::Recovery {} },
        1 => FrozenBy::Administrators { lapses: None },
        _ => FrozenBy::Administrators { lapses: Some(earlier(choices)) },
    };
    let freezes =
        (0..choices.below(3)).map(|_| FreezeInForce { freeze: id(12), at: earlier(choices), by: by(choices) });
    FrozenRow { freezes: freezes.collect(), over: None }
}

fn institution_row(choices: &mut Choices<'_>, purpose: &Purpose) -> InstitutionRow {
    InstitutionRow {
        statement: id(10),
        record: InstitutionRecord {
            name: "mission".parse().expect("a text"),
            jurisdiction: "international".parse().expect("a text"),
            class: RecipientClass::UnMechanism,
            mandate: purposes(choices, purpose),
            mandate_until: later(choices),
        },
        admitted_at: (!choices.seldom(16)).then(|| earlier(choices)),
        admitted_in: (!choices.seldom(16)).then_some(8),
        suspended_at: choices.seldom(16).then(|| earlier(choices)),
        suspended_by: None,
        due_diligence_until: (!choices.seldom(16)).then(|| later(choices)),
        mandate_attested_until: None,
        record_by: None,
        terms: None,
        closed: choices.seldom(8).then(|| Closed { at: later(choices), successor: None }),
    }
}

fn report_row(choices: &mut Choices<'_>) -> ReportRow {
    let report = Report {
        payload_sha256: id(20),
        payload_bytes: 16_400,
        key_commitment: id(21),
        owner_header: id(22),
        owner_recipient: recipient('z'),
        tier: Tier::try_from(*choices.pick(&[2, 2, 3, 4])).expect("a tier"),
        kind: ReportKind::Original,
        predecessor_commitment: None,
        consent_commitment: None,
        co_owners: choices.flag().then(|| CoOwners { parties: vec![party(12)], threshold: 2 }),
    };
    let state = match choices.below(16) {
        12 => ReportState::Declared {},
        13 => ReportState::Withdrawn { stored: choices.flag(), erasing: Erasing::NotAsked {} },
        14 => ReportState::Withdrawn { stored: true, erasing: Erasing::Due { at: later(choices) } },
        15 => ReportState::Erased {},
        _ => ReportState::Stored {},
    };
    let owner = if choices.seldom(8) { party(11) } else { party(6) };
    ReportRow { owner, report, at: earlier(choices), state, stored_in: None, owner_by: Vec::new() }
}

fn grant_row(choices: &mut Choices<'_>, purpose: &Purpose, bundle: Digest) -> GrantRow {
    let no = Ask::No;
    let terms = Grant {
        report: ReportId::from(id(30)),
        institution: party(1),
        recipient_key: id(31),
        recipient: recipient('q'),
        header: id(32),
        purposes: purposes(choices, purpose),
        use_mode: *choices.pick(&[UseMode::Evidence, UseMode::LeadOnly, UseMode::PreserveOnly, UseMode::Information]),
        identification: *choices.pick(&[
            Identification::Initials,
            Identification::Public,
            Identification::AnonymousSummary,
            Identification::Redacted,
            Identification::None,
        ]),
        collect: Window { from: earlier(choices), until: later(choices) },
        keep_until: None,
        max_releases: u32::from(choices.byte() ^ 1),
        cooling_off_seconds: Duration::from_seconds(*choices.pick(&[
            0,
            1,
            3_599,
            3_600,
            DAY - 1,
            DAY,
            3 * DAY,
            (1 << 53) - 1,
        ])),
        officers: if choices.seldom(8) { vec![KeyId::from_bytes([choices.below(4) as u8; 32])] } else { Vec::new() },
        conditions: Conditions { onward: no, contact: Contact::No, publication: no, external_processing: no },
        consent_review_by: later(choices),
        bundle: if choices.seldom(16) { id(33) } else { bundle },
        taxonomy: id(34),
        answers: None,
        urgent: choices.flag(),
        officer_approvals: u32::from(choices.seldom(4)) * choices.below(4) as u32,
        embargo_until: choices.seldom(4).then(|| earlier(choices)),
        terms: None,
        replaces: None,
    };
    let given_at = moment(choices, NOW - 5 * DAY);
    let (cause, at) = (*choices.pick(&[EndCause::Revoked, EndCause::Expired, EndCause::Exhausted]), earlier(choices));
    let state = match choices.below(16) {
        13 => GrantState::HeaderPending {},
        14 => GrantState::Ended { cause, at, remaining: Vec::new() },
        15 => GrantState::Shredded { cause, at },
        _ => GrantState::HeaderReceived {},
    };
    GrantRow {
        owner: party(6),
        grant: terms,
        given_at,
        state,
        releases_used: choices.below(4) as u32 * u32::from(choices.byte()),
        awaiting: choices.seldom(8).then(|| ReleaseId::from(id(if choices.flag() { 4 } else { 40 }))),
        last_release_at: None,
        effective_at: match choices.below(16) {
            14 => None,
            15 => Some(earlier(choices)),
            _ => Some(given_at),
        },
        owner_approvals: if choices.flag() { vec![party(12)] } else { Vec::new() },
        officer_approvals: Vec::new(),
        exercised: None,
        answer: Answer::NotOwed,
        became: None,
        co_owners: Vec::new(),
        replaced_by: None,
    }
}

fn genesis(bundle: Digest) -> amana::model::genesis::Genesis {
    let key = |seed: u8| PublicKey::from_bytes([seed; 32]);
    let office = || amana::model::genesis::Office { keys: Vec::new(), threshold: 2 };
    amana::model::genesis::Genesis {
        v: 1,
        origin: "fuzz.invalid".to_owned(),
        at: Timestamp::from_seconds(0),
        log_keys: amana::model::genesis::LogKeys { register: key(50), case: key(51) },
        witnesses: Vec::new(),
        witness_quorum: 0,
        roles: amana::model::genesis::Roles {
            administrators: office(),
            accreditors: office(),
            auditors: office(),
            council: office(),
        },
        bundle,
        taxonomy: id(52),
    }
}

/// Rows in memory, as JSON: what a row cannot carry through its own format it does not carry.
#[derive(Default)]
struct Memory(BTreeMap<(&'static str, String), Value>);

const VERSION: EntryRef = EntryRef { log: Log::Case, index: 7 };

impl Memory {
    fn put<R: Row>(&mut self, key: &str, row: &R) {
        self.write(key, row, VERSION).expect("a row is JSON");
    }
}

impl Rows for Memory {
    type Error = serde_json::Error;
    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, Self::Error> {
        let Some(json) = self.0.get(&(R::KIND, key.to_owned())) else { return Ok(None) };
        Ok(Some(Held { row: serde_json::from_value(json.clone())?, version: VERSION }))
    }
    fn write<R: Row>(&mut self, key: &str, row: &R, _: EntryRef) -> Result<(), Self::Error> {
        self.0.insert((R::KIND, key.to_owned()), serde_json::to_value(row)?);
        Ok(())
    }
}

/// Rows in which everything is right, and some in which it is not; records changed by hand.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    // Every decision that is zero is the usual one, so that an input of zeros is permitted.
    for letter in [&b"r"[..], b"d"] {
        check(letter);
        let case = Case::of(&mut Choices::of(&[]));
        assert_eq!(case.common(&case.request.purpose, true, false), BTreeSet::new());
    }
    let varied: Vec<u8> = (0..120_u8).map(|number| number.wrapping_mul(37)).collect();
    let mut seeds = vec![
        ("release-usual", b"r".to_vec()),
        ("release-varied", [b"r", &varied[..]].concat()),
        ("redelivery-usual", b"d".to_vec()),
        ("redelivery-varied", [b"d", &varied[..]].concat()),
        ("owner-usual", b"o".to_vec()),
        ("owner-varied", [b"o", &varied[..]].concat()),
        ("owner-record", br#"k{"party":"someone else","stored":false}"#.to_vec()),
    ];
    let escape = r#"{"officer_institution":{"__entity":{"type":"Grant","id":"x"}},"mandate_left":9223372036854775807}"#;
    for (name, json) in [
        ("record-unchanged", "{}"),
        ("record-suspended", r#"{"suspended":true}"#),
        ("record-many", r#"{"window_left":0,"purpose":"court-of-law","named_officers":["a","b"],"vip":true}"#),
        ("record-escape", escape),
    ] {
        seeds.push((name, [b"j", json.as_bytes()].concat()));
    }
    seeds
}
