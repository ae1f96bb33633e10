//! The days nobody plans for: keys are replaced or lost, an advocate is arrested, an owner changes their mind, a report goes
//! to other hands. Over real HTTP, with every receipt checked.

use crate::{
    backup::header_rows,
    doctor::doctor,
    stage::{Stage, eventually, inquiry},
};
use amana::{
    cli::demo::cast::copy,
    client::{
        desk::{Desk, DeskError},
        fetched::open_collected,
        granting::HeaderGoes,
        identity::{Identity, RecoveryKey},
        own_keys::Heir,
        report::{ManifestDraft, Plan},
    },
    model::{
        freeze::Lift,
        ids::{GrantId, PartyId, ReportId},
        institution::CaseMatter,
        limits,
        party::{EnrolmentRole, RecoveryKeys},
        report::{AfterWithdrawal, Erasing, ReportKind, ReportState, Tier},
        time::Duration,
    },
    wire::problem::ProblemType,
};

/// Another advocate with keys of their own.
pub struct Other {
    pub identity: Identity,
    pub recovery: RecoveryKey,
}

impl Other {
    pub fn enrolled(stage: &mut Stage, label: &str) -> Self {
        let identity = stage.somebody(label);
        let recovery = RecoveryKey::generate(&*stage.cast.entropy());
        let keys = recovery.public_keys();
        stage.as_somebody(&identity, |desk| desk.enrol(EnrolmentRole::Advocate {}, keys, None)).unwrap();
        Self { identity, recovery }
    }
    pub fn party(&self) -> PartyId {
        self.identity.party_id()
    }
    /// As the owner of a report knows them.
    pub fn named(&self) -> Heir {
        let keys: RecoveryKeys = self.recovery.public_keys();
        Heir { party: self.party(), recipient: self.identity.recipient(), recovery_recipient: keys.recipient }
    }
}

fn problem<T>(outcome: Result<T, DeskError>) -> String {
    match outcome {
        Err(DeskError::Remote(error)) => error.problem().map_or_else(|| error.to_string(), |p| p.kind.clone()),
        Err(other) => other.to_string(),
        Ok(_) => panic!("it was not refused"),
    }
}

fn is_frozen<T>(outcome: Result<T, DeskError>) {
    assert_eq!(problem(outcome), "urn:amana:problem:frozen");
}

/// What the policies or the fold say of a release.
fn denied(stage: &mut Stage, grant: GrantId) -> Vec<String> {
    match stage.release(grant) {
        Err(DeskError::Remote(error)) => {
            let problem = error.problem().unwrap().clone();
            assert!(problem.is(ProblemType::Denied), "{}", problem.kind);
            problem.reasons.into_iter().map(|reason| reason.id).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was released"),
    }
}

fn granted(stage: &mut Stage) -> (ReportId, GrantId) {
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    (report, grant)
}

#[test]
fn frozen_advocate_withdraws_and_does_nothing_else_and_nothing_of_theirs_is_released() {
    let mut stage = Stage::established();
    let (report, grant) = granted(&mut stage);
    let terms = stage.terms(report);
    let own = stage.cast.advocate.party_id();
    let stopped = stage.as_advocate(|desk| desk.freeze(own, Lift::Recovery {})).unwrap();
    assert!(denied(&mut stage, grant).contains(&"owner-frozen".to_owned()));
    is_frozen(stage.as_advocate(|desk| desk.reports()));
    is_frozen(stage.as_advocate(|desk| desk.grants()));
    is_frozen(stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Keep)));
    // One's own header is refused by the policies, with an entry: it is what the freeze is for.
    let before = stage.case_size();
    let fetched = stage.as_advocate(|desk| desk.prepare_grant(&terms));
    assert_eq!(problem(fetched), "urn:amana:problem:denied");
    assert_eq!(stage.case_size(), before + 1);
    // Administrators do not lift what they did not lay; stopping goes on.
    let freeze = stopped.accepted.id;
    let theirs = stage.as_administrator(0, |desk| desk.propose_thaw(own, freeze));
    assert_eq!(problem(theirs), "urn:amana:problem:statement-refused");
    stage
        .as_somebody(&copy(&stage.cast.advocate), |desk| {
            let due = desk.now().plus(Duration::from_days(30));
            desk.revoke(grant, vec![amana::model::grant::Scope::All], amana::model::grant::WithdrawnBy::Provider, due)
        })
        .unwrap();
    let recovery = stage.recovery();
    stage
        .as_advocate(|desk| {
            let freezes = desk.own_freezes(&recovery)?;
            assert_eq!(freezes.iter().map(|held| held.freeze).collect::<Vec<_>>(), [freeze]);
            desk.thaw(&recovery, freeze)
        })
        .unwrap();
    assert!(stage.as_advocate(|desk| desk.reports()).is_ok());
    stage.audit("after");
}

#[test]
fn guardian_file_stops_once_survives_rotation_and_takes_its_guardian_to_lift() {
    let mut stage = Stage::established();
    let (_, grant) = granted(&mut stage);
    let guardian = Other::enrolled(&mut stage, "guardian");
    let lift = Lift::RecoveryAndGuardian { guardian: guardian.party() };
    let file = stage.as_advocate(|desk| desk.guardian_file(lift, Duration::from_days(365))).unwrap();
    let too_long = stage.as_advocate(|desk| desk.guardian_file(lift, limits::GUARDIAN_WITHIN.plus_a_day()));
    assert!(problem(too_long).contains("400"));
    let recovery = stage.recovery();
    let (new, party) = rotated(&mut stage, &recovery);
    // A stranger to the broker brings it, months later.
    stage.clock.pass(Duration::from_days(200));
    let stranger = stage.somebody("colleague");
    for _ in 0..2 {
        stage.as_somebody(&stranger, |desk| desk.send_freeze(&file.statement)).unwrap();
    }
    is_frozen(stage.as_somebody(&new, |desk| desk.reports()));
    assert!(denied_or_over(&mut stage, grant));
    // Both have to agree.
    let thaw = stage
        .as_somebody(&new, |desk| {
            let freezes = desk.own_freezes(&recovery)?;
            desk.thaw(&recovery, freezes[0].freeze)
        })
        .unwrap()
        .id;
    is_frozen(stage.as_somebody(&new, |desk| desk.reports()));
    let stranger_agrees = stage.as_officer(|desk| desk.agree(thaw, CaseMatter::Thaw));
    assert_eq!(problem(stranger_agrees), "urn:amana:problem:statement-refused");
    stage.as_somebody(&guardian.identity, |desk| desk.agree(thaw, CaseMatter::Thaw)).unwrap();
    assert!(stage.as_somebody(&new, |desk| desk.reports()).is_ok());
    // The same file again freezes nothing, and nobody is told that it did.
    let again = stage.as_somebody(&stranger, |desk| desk.send_freeze(&file.statement));
    assert_eq!(problem(again), "urn:amana:problem:statement-refused");
    assert!(stage.as_somebody(&new, |desk| desk.reports()).is_ok());
    assert_eq!(party, stage.cast.advocate.party_id());
    stage.audit("after");
}

#[test]
fn guardian_file_that_is_forged_old_or_meant_for_another_freezes_nobody() {
    let mut stage = Stage::established();
    let other = Other::enrolled(&mut stage, "other");
    let stranger = stage.somebody("stranger");
    let own = stage.cast.advocate.party_id();
    let file = stage.as_advocate(|desk| desk.guardian_file(Lift::Recovery {}, Duration::from_days(2))).unwrap();
    // Signed by somebody else, for this advocate.
    let forged = stage.as_somebody(&other.identity, |desk| desk.freeze(own, Lift::Recovery {}));
    assert_eq!(problem(forged), "urn:amana:problem:not-found");
    let unknown = stage.as_somebody(&stranger, |desk| desk.freeze(own, Lift::Recovery {}));
    assert_eq!(problem(unknown), "urn:amana:problem:not-found");
    // One bit of the signature.
    let mut damaged = file.statement.clone();
    let last = damaged.pop().unwrap();
    damaged.push(if last == 'A' { 'Q' } else { 'A' });
    assert_ne!(problem(stage.as_somebody(&stranger, |desk| desk.send_freeze(&damaged))), "");
    stage.clock.pass(Duration::from_days(2));
    let late = stage.as_somebody(&stranger, |desk| desk.send_freeze(&file.statement));
    assert_eq!(problem(late), "urn:amana:problem:statement-refused");
    assert!(stage.as_advocate(|desk| desk.reports()).is_ok());
}

#[test]
fn administrators_freeze_lapses_unless_two_agree() {
    let mut stage = Stage::established();
    let party = stage.cast.advocate.party_id();
    stage.as_administrator(0, |desk| desk.freeze(party, Lift::Recovery {})).unwrap();
    is_frozen(stage.as_advocate(|desk| desk.reports()));
    // The advocate's own recovery key does not lift it.
    let recovery = stage.recovery();
    assert_eq!(stage.as_advocate(|desk| desk.own_freezes(&recovery)).unwrap(), []);
    stage.clock.pass(limits::FREEZE_LAPSES);
    assert!(stage.as_advocate(|desk| desk.reports()).is_ok());
    let lasting = stage.as_administrator(0, |desk| desk.freeze(party, Lift::Recovery {})).unwrap().accepted.id;
    let own = stage.as_administrator(0, |desk| desk.agree(lasting, CaseMatter::Freeze));
    assert_eq!(problem(own), "urn:amana:problem:statement-refused");
    stage.as_administrator(1, |desk| desk.agree(lasting, CaseMatter::Freeze)).unwrap();
    stage.clock.pass(limits::FREEZE_LAPSES);
    is_frozen(stage.as_advocate(|desk| desk.reports()));
    let thaw = stage.as_administrator(1, |desk| desk.propose_thaw(party, lasting)).unwrap().id;
    is_frozen(stage.as_advocate(|desk| desk.reports()));
    stage.as_administrator(0, |desk| desk.agree(thaw, CaseMatter::Thaw)).unwrap();
    assert!(stage.as_advocate(|desk| desk.reports()).is_ok());
}

/// Rotates the advocate's keys; the desk of the new identity remembers whose they are.
fn rotated(stage: &mut Stage, recovery: &RecoveryKey) -> (Identity, PartyId) {
    let new = stage.somebody("advocate-2");
    let party = stage.cast.advocate.party_id();
    let (copied, keys) = (copy(&new), recovery.public_keys());
    let reports = stage
        .as_advocate(|desk| {
            let proposed = desk.propose_rotation(&copied, None)?.id;
            desk.agree_to_rotation(recovery, proposed, &copied)?;
            Ok(desk.memory().reports.clone())
        })
        .unwrap();
    stage
        .as_somebody(&new, |desk| {
            desk.memory_mut().party = Some(party);
            desk.memory_mut().recovery = Some(keys.clone());
            desk.memory_mut().reports = reports;
            let locked = desk.wrap_all_anew(recovery, recovery)?;
            assert!(locked.failed.is_empty(), "{locked:?}");
            Ok(())
        })
        .unwrap();
    (new, party)
}

/// Refused, whether or not its window is over by now.
fn denied_or_over(stage: &mut Stage, grant: GrantId) -> bool {
    stage.release(grant).is_err()
}

/// Gives the usual grant as somebody, and has it collected and opened.
fn gives_and_is_opened(stage: &mut Stage, who: &Identity, report: ReportId, into: &str) {
    let terms = stage.terms(report);
    let grant = stage
        .as_somebody(who, |desk| {
            let prepared = desk.prepare_grant(&terms)?;
            desk.give(&prepared, HeaderGoes::Along)
        })
        .unwrap()
        .id;
    let released = stage.release(grant.into()).unwrap();
    let (file, folder) = (stage.path(&format!("{into}.age")), stage.path(into));
    let collected = stage.as_officer(|desk| desk.collect(&released, &file, &mut |_| {})).unwrap();
    let unit = stage.cast.unit.duplicate();
    let (opened, outcome) = open_collected(&collected, &file, &unit, &folder, &mut |_| {}).unwrap();
    assert_eq!(opened.files, 1);
    stage.as_officer(|desk| desk.acknowledge(&collected, outcome)).unwrap();
}

#[test]
fn rotated_advocate_goes_on_without_uploading_again_and_the_old_key_signs_in_no_more() {
    let mut stage = Stage::established();
    let (report, before) = granted(&mut stage);
    let recovery = stage.recovery();
    let (new, _) = rotated(&mut stage, &recovery);
    assert!(stage.as_advocate(|desk| desk.reports()).is_err(), "the old key still signs in");
    // What the old key gave still stands, and what the new one gives is believed by whoever collects.
    let released = stage.release(before).unwrap();
    stage.acknowledge(before, &released).unwrap();
    gives_and_is_opened(&mut stage, &new, report, "by-the-new-key");
    let fetched = stage.path("fetched.age");
    stage.as_somebody(&new, |desk| desk.download(report, &fetched, &mut |_| {})).unwrap();
    let opened = amana::client::open::manifest_of(&fetched, new.age_identity(), &stated(&mut stage, &new, report));
    assert!(opened.is_ok());
    stage.audit("after");
}

fn stated(stage: &mut Stage, who: &Identity, report: ReportId) -> amana::client::open::Stated {
    let listed = stage.as_somebody(who, |desk| desk.reports()).unwrap();
    let of = listed.into_iter().find(|summary| summary.id == report).unwrap().report;
    amana::client::open::Stated {
        payload_sha256: of.payload_sha256,
        payload_bytes: of.payload_bytes,
        key_commitment: of.key_commitment,
    }
}

#[test]
fn rotation_without_the_recovery_key_changes_nothing() {
    let mut stage = Stage::established();
    let (report, _) = granted(&mut stage);
    let new = stage.somebody("thief");
    let copied = copy(&new);
    let proposed = stage.as_advocate(|desk| desk.propose_rotation(&copied, None)).unwrap().id;
    let own = stage.as_advocate(|desk| desk.agree(proposed, CaseMatter::Rotation));
    assert_eq!(problem(own), "urn:amana:problem:statement-refused");
    let other = Other::enrolled(&mut stage, "other");
    let theirs = stage.as_somebody(&other.identity, |desk| desk.agree_to_rotation(&other.recovery, proposed, &copied));
    assert_eq!(problem(theirs), "urn:amana:problem:statement-refused");
    assert!(stage.as_somebody(&new, |desk| desk.reports()).is_err());
    assert_eq!(stage.as_advocate(|desk| desk.reports()).unwrap()[0].id, report);
}

#[test]
fn lost_device_is_gone_on_from_with_the_words_alone_and_consent_comes_back_with_the_file() {
    let mut stage = Stage::established();
    let (report, _) = granted(&mut stage);
    let recovery = stage.recovery();
    let new = stage.somebody("advocate-again");
    let (copied, keys) = (copy(&new), recovery.public_keys());
    let party = stage.cast.advocate.party_id();
    stage
        .as_somebody(&new, |desk| {
            assert_eq!(desk.find_party(&recovery)?, party);
            assert!(!desk.is_in_force()?);
            desk.recover(&recovery, &copied, None)?;
            assert!(desk.is_in_force()?);
            desk.memory_mut().recovery = Some(keys.clone());
            assert_eq!(desk.remember_reports()?, 1);
            assert_eq!(desk.wrap_all_anew(&recovery, &recovery)?.now, 1);
            // Once is enough.
            assert_eq!(desk.wrap_all_anew(&recovery, &recovery)?.before, 1);
            Ok(())
        })
        .unwrap();
    let fetched = stage.path("again.age");
    stage
        .as_somebody(&new, |desk| {
            desk.download(report, &fetched, &mut |_| {})?;
            assert!(desk.restore(report, &fetched)?);
            assert!(!desk.memory().report(report).unwrap().items.is_empty());
            Ok(())
        })
        .unwrap();
    gives_and_is_opened(&mut stage, &new, report, "after-recovery");
    // Somebody else's words recover nothing of it.
    let other = Other::enrolled(&mut stage, "other");
    let thief = stage.somebody("thief");
    let found = stage.as_somebody(&thief, |desk| desk.find_party(&other.recovery)).unwrap();
    assert_eq!(found, other.party());
    stage.audit("after");
}

/// A report of the advocate and others.
fn owned_with(stage: &mut Stage, others: Vec<PartyId>, threshold: u32) -> ReportId {
    let source = stage.path("shared.txt");
    std::fs::write(&source, b"what was seen by all of us").unwrap();
    let sealed_at = stage.path("shared.age");
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    stage
        .as_advocate(|desk| {
            let sealed = desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})?;
            let report = ReportId::from(desk.declare(sealed.owned_with(others, threshold))?.id);
            desk.upload(report, &sealed_at, &mut |_| {})?;
            Ok(report)
        })
        .unwrap()
}

#[test]
fn grant_of_several_owners_waits_for_them_and_any_one_of_them_ends_it() {
    let mut stage = Stage::established();
    let [second, third] = ["second", "third"].map(|label| Other::enrolled(&mut stage, label));
    let report = owned_with(&mut stage, vec![second.party(), third.party()], 2);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    assert_eq!(denied(&mut stage, grant), ["cooling-off", "owners-missing"]);
    // Nobody agrees twice, and nobody else's agreement counts.
    let own = stage.as_advocate(|desk| desk.agree(grant.into(), CaseMatter::Grant));
    assert_eq!(problem(own), "urn:amana:problem:statement-refused");
    let stranger = Other::enrolled(&mut stage, "stranger");
    let theirs = stage.as_somebody(&stranger.identity, |desk| desk.agree(grant.into(), CaseMatter::Grant));
    assert_eq!(problem(theirs), "urn:amana:problem:not-found");
    assert_eq!(denied(&mut stage, grant), ["cooling-off", "owners-missing"]);
    stage.as_somebody(&second.identity, |desk| desk.agree(grant.into(), CaseMatter::Grant)).unwrap();
    let released = stage.release(grant).unwrap();
    stage.acknowledge(grant, &released).unwrap();
    // A co-owner who refuses does not have to ask the others.
    let again = stage.grant(&terms);
    stage.as_somebody(&second.identity, |desk| desk.agree(again.into(), CaseMatter::Grant)).unwrap();
    stage.as_somebody(&third.identity, |desk| ends(desk, again)).unwrap();
    assert!(denied(&mut stage, again).contains(&"grant-not-active".to_owned()));
    stage.audit("after");
}

fn ends(desk: &mut Desk, grant: GrantId) -> Result<(), DeskError> {
    let due = desk.now().plus(Duration::from_days(30));
    let by = amana::model::grant::WithdrawnBy::Provider;
    desk.revoke(grant, vec![amana::model::grant::Scope::All], by, due).map(drop)
}

#[test]
fn report_that_is_handed_over_is_granted_by_its_new_owner_and_opens_for_them() {
    let mut stage = Stage::established();
    let (report, running) = granted(&mut stage);
    let heir = Other::enrolled(&mut stage, "successor");
    let recovery = stage.recovery();
    let offer = stage.as_advocate(|desk| desk.hand_over(report, &heir.named(), &recovery)).unwrap().id;
    assert_eq!(stage.as_advocate(|desk| desk.reports()).unwrap().len(), 1);
    let stranger = Other::enrolled(&mut stage, "stranger");
    let theirs = stage.as_somebody(&stranger.identity, |desk| desk.agree(offer, CaseMatter::Handover));
    assert_eq!(problem(theirs), "urn:amana:problem:statement-refused");
    assert_eq!(stage.as_somebody(&heir.identity, |desk| desk.take_over(offer)).unwrap(), report);
    assert!(stage.as_advocate(|desk| desk.reports()).unwrap().is_empty(), "it is theirs no more");
    let terms = stage.terms(report);
    let former = stage.as_advocate(|desk| desk.prepare_grant(&terms));
    assert_eq!(problem(former), "urn:amana:problem:not-found");
    // The key that signed the offer is replaced; what it gave stays given.
    let new = stage.somebody("former-owner-2");
    let other_words = RecoveryKey::generate(&*stage.cast.entropy()).public_keys();
    stage
        .as_advocate(|desk| {
            let rotation = desk.propose_rotation(&new, Some(other_words))?.id;
            desk.agree_to_rotation(&recovery, rotation, &new).map(drop)
        })
        .unwrap();
    let fetched = stage.path("inherited.age");
    stage
        .as_somebody(&heir.identity, |desk| {
            desk.download(report, &fetched, &mut |_| {})?;
            desk.restore(report, &fetched).map(|_| ())
        })
        .unwrap();
    gives_and_is_opened(&mut stage, &heir.identity, report, "by-the-heir");
    // What the former owner gave goes on, and the new one can end it.
    stage.as_somebody(&heir.identity, |desk| ends(desk, running)).unwrap();
    assert!(denied(&mut stage, running).contains(&"grant-not-active".to_owned()));
    stage.audit("after");
}

#[test]
fn withdrawn_report_is_erased_after_two_weeks_and_not_before_or_without_the_recovery_key() {
    let mut stage = Stage::established();
    let (report, grant) = granted(&mut stage);
    let payload = stage.path("broker/data/payloads").join(report.to_string());
    assert!(payload.exists());
    let heir = Other::enrolled(&mut stage, "never-takes-it");
    let recovery = stage.recovery();
    stage.as_advocate(|desk| desk.hand_over(report, &heir.named(), &recovery)).unwrap();
    let database = stage.path("broker/data/amana.db");
    assert_eq!(["owner", "offered"].map(|scope| header_rows(&database, scope).len()), [1, 1]);
    let withdrawal = stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Erase)).unwrap().id;
    assert!(denied(&mut stage, grant).contains(&"report-withdrawn".to_owned()));
    let terms = stage.terms(report);
    let again = stage.as_advocate(|desk| {
        let prepared = desk.prepare_grant(&terms)?;
        desk.give(&prepared, HeaderGoes::Along)
    });
    assert_eq!(problem(again), "urn:amana:problem:statement-refused");
    let own = stage.as_advocate(|desk| desk.agree(withdrawal, CaseMatter::Withdrawal));
    assert_eq!(problem(own), "urn:amana:problem:statement-refused");
    stage.as_advocate(|desk| desk.agree_to_erasing(&recovery, withdrawal)).unwrap();
    stage.clock.pass(limits::ERASE_AFTER.less_a_minute());
    stage.restart();
    assert!(payload.exists());
    stage.clock.pass(Duration::from_seconds(120));
    eventually("the payload is erased", || !payload.exists());
    eventually("the log says so", || {
        stage.as_advocate(|desk| desk.reports()).unwrap()[0].state == (ReportState::Erased {})
    });
    let fetched = stage.path("too-late.age");
    assert!(stage.as_advocate(|desk| desk.download(report, &fetched, &mut |_| {})).is_err());
    assert_eq!(["owner", "offered"].map(|scope| header_rows(&database, scope).len()), [0, 0]);
    stage.audit("after");
    stage.stop();
    let (_, found) = doctor(&stage.path("broker"), &["--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let checks = found["checks"].as_array().unwrap();
    for name in ["headers", "payloads"] {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["outcome"], "ok", "{check}");
    }
}

#[test]
fn erasing_is_called_off_by_keeping_and_held_back_by_a_freeze() {
    let mut stage = Stage::established();
    let (report, _) = granted(&mut stage);
    let recovery = stage.recovery();
    let first = stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Erase)).unwrap().id;
    stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Keep)).unwrap();
    let late = stage.as_advocate(|desk| desk.agree_to_erasing(&recovery, first));
    assert_eq!(problem(late), "urn:amana:problem:not-found");
    let second = stage.as_advocate(|desk| desk.withdraw_report(report, AfterWithdrawal::Erase)).unwrap().id;
    stage.as_advocate(|desk| desk.agree_to_erasing(&recovery, second)).unwrap();
    let own = stage.cast.advocate.party_id();
    let freeze = stage.as_advocate(|desk| desk.freeze(own, Lift::Recovery {})).unwrap().accepted.id;
    stage.clock.pass(limits::ERASE_AFTER.plus_a_day());
    stage.restart();
    let payload = stage.path("broker/data/payloads").join(report.to_string());
    stage.as_advocate(|desk| desk.thaw(&recovery, freeze)).unwrap();
    let state = stage.as_advocate(|desk| desk.reports()).unwrap()[0].state.clone();
    let waits = matches!(state, ReportState::Withdrawn { erasing: Erasing::Due { .. }, .. });
    assert!(waits, "{state:?}");
    // Whoever comes out of a freeze has as long to call it off as they had at first.
    stage.clock.pass(limits::ERASE_AFTER.less_a_minute());
    stage.restart();
    std::thread::sleep(std::time::Duration::from_secs(limits::SWEEP_SECONDS + 1));
    assert!(payload.exists());
    stage.clock.pass(Duration::from_seconds(120));
    eventually("the payload is erased once nothing holds it back", || !payload.exists());
}

#[test]
fn preview_says_every_condition_and_tells_a_stranger_nothing() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut terms = stage.terms(report);
    let clear = stage.as_advocate(|desk| desk.foresee(&terms)).unwrap();
    assert_eq!((clear.refused, clear.conditions.len()), (None, 0));
    terms.cooling_off = Duration::from_seconds(3600);
    terms.officer_approvals = 1;
    let ids = |foreseen: amana::wire::api::Foreseen| -> Vec<String> {
        foreseen.conditions.into_iter().map(|condition| condition.id).collect()
    };
    let waits = stage.as_advocate(|desk| desk.foresee(&terms)).unwrap();
    assert_eq!(ids(waits), ["cooling-off", "officers-missing"]);
    let before = stage.case_size();
    terms.purposes = vec!["criminal-proceedings".parse().unwrap()];
    let outside = stage.as_advocate(|desk| desk.foresee(&terms)).unwrap();
    assert!(outside.refused.unwrap().contains("mandate"));
    assert_eq!(stage.case_size(), before, "a preview left an entry");
    // Nobody else is told that there is such a report.
    let other = Other::enrolled(&mut stage, "other");
    let own = stage.as_advocate(|desk| Ok(desk.memory().reports.clone())).unwrap();
    let terms = stage.terms(report);
    let theirs = stage.as_somebody(&other.identity, |desk| {
        desk.memory_mut().reports = own;
        desk.foresee(&terms)
    });
    assert_eq!(problem(theirs), "urn:amana:problem:not-found");
}

#[test]
fn replacement_ends_the_older_grant_at_once_and_does_not_widen() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut wide = stage.terms(report);
    wide.purposes = vec![inquiry(), crate::stage::preservation()];
    let older = stage.grant(&wide);
    let mut narrow = stage.terms(report);
    narrow.collect = wide.collect;
    narrow.keep_until = wide.keep_until;
    narrow.replaces = Some(older);
    let newer = stage.grant(&narrow);
    assert!(denied(&mut stage, older).contains(&"grant-not-active".to_owned()));
    stage.release(newer).unwrap();
    let mut widening = wide.clone();
    widening.replaces = Some(newer);
    let refused = stage.as_advocate(|desk| {
        let prepared = desk.prepare_grant(&widening)?;
        desk.give(&prepared, HeaderGoes::Along)
    });
    assert_eq!(problem(refused), "urn:amana:problem:statement-refused");
    stage.audit("after");
}

/// Lengths of time next to a bound.
trait NextTo {
    fn plus_a_day(self) -> Self;
    fn less_a_minute(self) -> Self;
}

impl NextTo for Duration {
    fn plus_a_day(self) -> Self {
        Self::from_seconds(self.as_seconds() + 86_400)
    }
    fn less_a_minute(self) -> Self {
        Self::from_seconds(self.as_seconds() - 60)
    }
}
