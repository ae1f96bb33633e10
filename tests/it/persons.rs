//! The persons in a report: what they say after it was sealed counts from then on, on the advocate's device alone.

use crate::stage::{Stage, inquiry, preservation};
use amana::{
    client::{
        consent::{
            Answers, Asked, Given, Instead, Proposal, Recorded, Said, Telling, Whose, Withdrawal, allows, date_of, due,
            given, proposals, record, reminder, working,
        },
        desk::{Desk, DeskError},
        fetched::open_collected,
        granting::{HeaderGoes, Terms, Version},
        relations::{Commitment, Later, checked, earlier, later, newer},
        report::{self, Answer, ManifestDraft, Plan, Relation, RelationKind, Status},
        reporting::report_of,
    },
    model::{
        grant::{Scope, WithdrawnBy},
        ids::{Digest, GrantId, ReportId},
        purpose::{Identification, RecipientClass},
        report::{ReportKind, Tier},
        time::Duration,
    },
    wire::api::GrantSummary,
};
use jiff::civil::Date;
use std::{collections::BTreeSet, fs, path::Path};

/// Two witnesses: W-1 may be named to the recipient, W-2 not; both agree to two purposes.
fn register(review_by: Date) -> serde_json::Value {
    let person = |code: &str, inquiry: &str| {
        serde_json::json!({
            "code": code, "roles": ["witness"], "status": "given", "by": "self", "date": "2026-03-24",
            "valid_review_by": review_by.to_string(),
            "uses": { "commission-of-inquiry": inquiry, "preservation-mechanism": inquiry },
            "recipients": { "un-mechanism": "yes" },
        })
    };
    serde_json::json!({ "v": 1, "persons": [person("W-1", "identified-to-recipient"), person("W-2", "redacted")] })
}

/// A case with a file nobody is in, and one file for each witness.
fn case(stage: &Stage, name: &str, days_to_review: i64) -> std::path::PathBuf {
    let folder = stage.path(name);
    fs::create_dir_all(folder.join("consent")).unwrap();
    let review_by = date_of(stage.now()).unwrap().saturating_add(jiff::Span::new().days(days_to_review));
    fs::write(folder.join("consent/consent_register.json"), register(review_by).to_string()).unwrap();
    for file in ["place.txt", "first.txt", "second.txt"] {
        fs::write(folder.join(file), file).unwrap();
    }
    let draft = serde_json::json!({ "items": {
        "place.txt": { "persons": [] },
        "first.txt": { "persons": [{ "code": "W-1", "level": "redacted" }] },
        "second.txt": { "persons": [{ "code": "W-2", "level": "redacted" }] },
    } });
    fs::write(folder.join("report.json"), draft.to_string()).unwrap();
    folder
}

fn plan(folder: &Path) -> Plan {
    Plan::of(&[folder.to_owned()], ManifestDraft::default(), &mut |_| {}).unwrap()
}

/// The case without the file of W-2, who is not in its register either.
fn without_second(stage: &Stage, name: &str) -> Plan {
    let folder = case(stage, name, 300);
    fs::remove_file(folder.join("second.txt")).unwrap();
    let mut register: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("consent/consent_register.json")).unwrap()).unwrap();
    register["persons"].as_array_mut().unwrap().remove(1);
    fs::write(folder.join("consent/consent_register.json"), register.to_string()).unwrap();
    let draft = serde_json::json!({ "items": {
        "place.txt": { "persons": [] }, "first.txt": { "persons": [{ "code": "W-1", "level": "redacted" }] },
    } });
    fs::write(folder.join("report.json"), draft.to_string()).unwrap();
    plan(&folder)
}

fn related(plan: Plan, kind: RelationKind, to: ReportId) -> Plan {
    let digest = Some(report::Digest(*Digest::from(to).as_bytes()));
    let relation = Relation { kind, digest, reason: "test".to_owned(), salt: None };
    plan.related(relation).unwrap().salted(report::Digest([7; 32])).unwrap()
}

fn share(stage: &mut Stage, plan: &Plan, tier: u8) -> ReportId {
    let sealed_at = stage.path(&format!("{}.age", Digest::of(format!("{tier}{:?}", stage.sizes()).as_bytes())));
    let kind = match plan.manifest().kind {
        report::ReportKind::Original => ReportKind::Original,
        report::ReportKind::Redaction => ReportKind::Redaction,
        report::ReportKind::Translation => ReportKind::Translation,
    };
    stage
        .as_advocate(|desk| {
            let sealed = desk.seal(plan, Tier::try_from(tier).unwrap(), kind, &sealed_at, &mut |_| {})?;
            let report = ReportId::from(desk.declare(sealed)?.id);
            desk.upload(report, &sealed_at, &mut |_| {})?;
            Ok(report)
        })
        .unwrap()
}

fn shared_case(stage: &mut Stage, tier: u8) -> ReportId {
    let folder = case(stage, "case", 300);
    share(stage, &plan(&folder), tier)
}

fn tell(stage: &mut Stage, code: &str, said: Said, reports: &[ReportId]) -> Result<Recorded, DeskError> {
    let reports = reports.iter().copied().collect::<BTreeSet<_>>();
    let telling = Telling { code: code.to_owned(), said, date: None, reports };
    stage.as_advocate(|desk| {
        let now = desk.now();
        record(desk.memory_mut(), telling, now)
    })
}

fn everything() -> Said {
    Said::Withdrawn(Withdrawal::Everything {})
}

fn only(purpose: &str) -> Said {
    Said::Withdrawn(Withdrawal::Of { uses: [purpose.to_owned()].into(), recipients: BTreeSet::new() })
}

fn proposed_at(desk: &Desk, whose: Whose<'_>, listed: Option<&[GrantSummary]>) -> Result<Vec<Proposal>, DeskError> {
    let class = |id| desk.mirror().institution(id).map(|row| row.record.class);
    proposals(desk.memory(), &given(desk.memory(), listed), whose, &class, desk.now())
}

fn proposed(stage: &mut Stage, code: &str) -> Vec<Proposal> {
    stage
        .as_advocate(|desk| {
            let listed = desk.grants()?;
            proposed_at(desk, Whose::Of(code), Some(&listed))
        })
        .unwrap()
}

/// Carries out what was proposed, as `--do` does.
fn carried_out(stage: &mut Stage, proposals: &[Proposal]) {
    for proposal in proposals {
        stage
            .as_advocate(|desk| {
                let due = desk.now().plus(Duration::from_days(30));
                desk.revoke(proposal.grant, proposal.scopes.clone(), WithdrawnBy::Person, due)
            })
            .unwrap();
    }
}

fn both(terms: &Terms) -> Terms {
    Terms { purposes: vec![inquiry(), preservation()], ..terms.clone() }
}

fn refusal(stage: &mut Stage, terms: &Terms) -> String {
    stage.as_advocate(|desk| desk.prepare_grant(terms)).map(|_| ()).unwrap_err().to_string()
}

// ---- what is said later counts -------------------------------------------------------------------------------

#[test]
fn withdrawal_stops_new_grants_and_what_was_sealed_is_still_proved() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let words = refusal(&mut stage, &terms);
    assert!(
        words.contains("W-2: this person has withdrawn, and \u{201c}second.txt\u{201d} still shows them"),
        "{words}"
    );
    assert!(!words.contains("W-1"), "{words}");
    stage
        .as_advocate(|desk| {
            let own = desk.memory().report(report).unwrap();
            let json = own.consent.as_ref().unwrap().to_json().unwrap();
            let label = b"amana/consent-commitment/v1\0".as_slice();
            let commitment = Digest::of(&[label, own.consent_salt.as_bytes(), &json].concat());
            let stated = report_of(&own.statement)?;
            assert_eq!(stated.consent_commitment, Some(commitment));
            Ok(())
        })
        .unwrap();
}

#[test]
fn person_withdrawn_for_one_use_is_still_there_for_the_other() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    tell(&mut stage, "W-2", only("preservation-mechanism"), &[]).unwrap();
    let words = refusal(&mut stage, &both(&terms));
    assert!(words.contains("W-2: for preservation-mechanism"), "{words}");
    assert!(!words.contains("commission-of-inquiry"), "{words}");
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
}

#[test]
fn renewed_consent_counts_for_the_report_it_was_given_for() {
    let mut stage = Stage::established();
    let (first, second) = (case(&stage, "first", 20), case(&stage, "second", 20));
    let (first, second) = (share(&mut stage, &plan(&first), 2), share(&mut stage, &plan(&second), 2));
    stage.clock.pass(Duration::from_days(21));
    let terms = stage.terms(first);
    assert!(refusal(&mut stage, &terms).contains("W-1: the consent was to be gone through again by"));
    let review_by = date_of(stage.now()).unwrap().saturating_add(jiff::Span::new().days(200));
    let again = Said::Answered(Answers { review_by: Some(review_by), ..Answers::default() });
    assert!(tell(&mut stage, "W-1", again.clone(), &[]).is_err(), "two reports have a W-1");
    for code in ["W-1", "W-2"] {
        tell(&mut stage, code, again.clone(), &[first]).unwrap();
    }
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    assert_eq!(date_of(prepared.grant.consent_review_by).unwrap(), review_by);
    let other = stage.terms(second);
    assert!(refusal(&mut stage, &other).contains("to be gone through again"));
}

#[test]
fn consent_covers_nothing_from_the_first_second_of_its_review_day_in_utc() {
    let mut stage = Stage::established();
    stage.clock.stand_still();
    let report = shared_case(&mut stage, 2);
    let until = date_of(stage.now()).unwrap().saturating_add(jiff::Span::new().days(300));
    let first = until.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
    let left = u64::try_from(first).unwrap() - stage.now().as_seconds();
    let asked = [inquiry()];
    let asked = Asked {
        report,
        purposes: &asked,
        class: RecipientClass::UnMechanism,
        identification: Identification::Redacted,
    };
    stage.clock.pass(Duration::from_seconds(left - 1));
    let told = stage.as_advocate(|desk| allows(desk.memory(), &asked, desk.now())).unwrap().unwrap();
    assert_eq!(i64::try_from(told.as_seconds()).unwrap(), first);
    stage.clock.pass(Duration::from_seconds(1));
    let words = stage.as_advocate(|desk| allows(desk.memory(), &asked, desk.now())).unwrap_err().to_string();
    assert!(words.contains(&format!("by {until}")), "{words}");
}

#[test]
fn ask_again_is_refused_for_evidence_too_until_an_answer_is_recorded() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let ask = |answer: &str| {
        let uses = [("commission-of-inquiry".to_owned(), answer.parse::<Answer>().unwrap())].into();
        Said::Answered(Answers { uses, ..Answers::default() })
    };
    tell(&mut stage, "W-1", ask("ask-again"), &[]).unwrap();
    let terms = Terms { use_mode: amana::model::grant::UseMode::Evidence, ..stage.terms(report) };
    let words = refusal(&mut stage, &terms);
    assert!(words.contains("W-1: for commission-of-inquiry this person wants to be asked first"), "{words}");
    tell(&mut stage, "W-1", ask("redacted"), &[]).unwrap();
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
}

#[test]
fn person_a_file_shows_and_nobody_registered_is_named_until_their_answer_is_recorded() {
    let mut stage = Stage::established();
    let folder = case(&stage, "case", 300);
    let draft = fs::read_to_string(folder.join("report.json")).unwrap();
    let shown = r#""place.txt":{"persons":[{"code":"S-4","level":"redacted"}]}"#;
    fs::write(folder.join("report.json"), draft.replace(r#""place.txt":{"persons":[]}"#, shown)).unwrap();
    let report = share(&mut stage, &plan(&folder), 2);
    let terms = stage.terms(report);
    let words = refusal(&mut stage, &terms);
    assert!(words.contains("S-4: \u{201c}place.txt\u{201d} shows this person"), "{words}");
    let answers = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(about, answer)| ((*about).to_owned(), answer.parse().unwrap())).collect()
    };
    let given = Answers {
        status: Some(Status::Given),
        uses: answers(&[("commission-of-inquiry", "redacted")]),
        recipients: answers(&[("un-mechanism", "yes")]),
        ..Answers::default()
    };
    let silent = Answers { status: None, ..given.clone() };
    assert!(tell(&mut stage, "S-4", Said::Answered(silent), &[]).is_err());
    tell(&mut stage, "S-4", Said::Answered(given), &[]).unwrap();
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
}

// ---- what a withdrawal implies -------------------------------------------------------------------------------

#[test]
fn withdrawal_for_one_use_proposes_the_grants_for_that_use_and_no_other() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    let (inquiring, two) = (stage.grant(&terms), stage.grant(&both(&terms)));
    tell(&mut stage, "W-2", only("preservation-mechanism"), &[]).unwrap();
    let found = proposed(&mut stage, "W-2");
    assert_eq!(found.iter().map(|p| (p.grant, p.scopes.clone())).collect::<Vec<_>>(), [(two, vec![Scope::All])]);
    let narrower = Instead::Grant { report, purposes: vec![inquiry()], identification: Identification::Redacted };
    assert_eq!(found[0].instead, narrower);
    assert!(found[0].because.iter().all(|one| one.code == "W-2"));
    assert!(proposed(&mut stage, "W-1").is_empty());
    carried_out(&mut stage, &found);
    assert!(proposed(&mut stage, "W-2").is_empty());
    stage.release(inquiring).unwrap();
    assert!(stage.release(two).is_err());
}

#[test]
fn withdrawal_of_the_name_asks_for_no_naming_and_offers_the_lower_level() {
    let mut stage = Stage::established();
    let plan = without_second(&stage, "named");
    let report = share(&mut stage, &plan, 2);
    let terms = stage.terms(report);
    let named = Terms { identification: Identification::IdentifiedToRecipient, ..terms.clone() };
    let (named, unnamed) = (stage.grant(&named), stage.grant(&terms));
    tell(&mut stage, "W-1", Said::Withdrawn(Withdrawal::Identity {}), &[]).unwrap();
    let found = proposed(&mut stage, "W-1");
    assert_eq!(found.iter().map(|p| p.grant).collect::<Vec<_>>(), [named]);
    assert_ne!(found[0].grant, unnamed);
    assert_eq!(found[0].scopes, [Scope::Identity, Scope::Onward]);
    let narrower = Instead::Grant { report, purposes: vec![inquiry()], identification: Identification::Redacted };
    assert_eq!(found[0].instead, narrower);
    // Where everything is taken back later, asking not to name them is not enough any more.
    stage.release(named).unwrap();
    carried_out(&mut stage, &found);
    tell(&mut stage, "W-1", everything(), &[]).unwrap();
    let scopes: BTreeSet<_> = proposed(&mut stage, "W-1").into_iter().map(|p| (p.grant, p.scopes)).collect();
    assert_eq!(scopes, BTreeSet::from([(named, vec![Scope::All]), (unnamed, vec![Scope::All])]));
}

#[test]
fn whole_withdrawal_offers_the_redacted_version_or_names_the_files_to_leave_out() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let found = proposed(&mut stage, "W-2");
    assert_eq!((found[0].grant, found.len()), (grant, 1));
    assert_eq!(found[0].instead, Instead::SealWithout { files: vec!["second.txt".to_owned()] });
    let redacted = related(without_second(&stage, "redacted"), RelationKind::Redacts, report);
    let redacted = share(&mut stage, &redacted, 2);
    let found = proposed(&mut stage, "W-2");
    let Instead::Grant { report: offered, purposes, identification } = found[0].instead.clone() else {
        panic!("{found:?}")
    };
    assert_eq!((offered, &purposes, identification), (redacted, &terms.purposes, Identification::Redacted));
    // What is offered can be given.
    let offered = Terms { purposes, identification, ..stage.terms(offered) };
    stage.grant(&offered);
}

#[test]
fn grants_that_can_harm_nobody_are_not_proposed() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    let (expired, collected, revoked) = (stage.grant(&terms), stage.grant(&terms), stage.grant(&terms));
    let released = stage.release(collected).unwrap();
    stage.acknowledge(collected, &released).unwrap();
    stage.revoke(revoked).unwrap();
    stage.clock.pass(Duration::from_days(15));
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let found = proposed(&mut stage, "W-2");
    assert_eq!(found.iter().map(|p| (p.grant, p.collected)).collect::<Vec<_>>(), [(collected, Some(1))]);
    // Without the broker's list, what this device signed is enough, and not knowing counts as collected.
    let alone = stage.as_advocate(|desk| proposed_at(desk, Whose::Everybody, None)).unwrap();
    let alone: BTreeSet<GrantId> = alone.into_iter().map(|p| p.grant).collect();
    assert_eq!(alone, BTreeSet::from([expired, collected]));
}

#[test]
fn grant_a_broker_leaves_out_of_its_list_is_proposed_all_the_same() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let found = stage.as_advocate(|desk| proposed_at(desk, Whose::Everybody, Some(&[]))).unwrap();
    assert_eq!(found.iter().map(|p| p.grant).collect::<Vec<_>>(), [grant]);
}

#[test]
fn overdue_review_is_due_and_is_no_withdrawal() {
    let mut stage = Stage::established();
    let folder = case(&stage, "case", 10);
    let report = share(&mut stage, &plan(&folder), 2);
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let known = |desk: &mut Desk| -> Result<(Vec<Given>, Option<String>), DeskError> {
        Ok((given(desk.memory(), None), reminder(desk.memory(), desk.now())?))
    };
    let (_, words) = stage.as_advocate(known).unwrap();
    assert!(words.unwrap().contains("W-1 by"));
    stage.clock.pass(Duration::from_days(11));
    let found = stage
        .as_advocate(|desk| due(desk.memory(), &given(desk.memory(), None), desk.now(), Duration::from_days(0)))
        .unwrap();
    assert_eq!(
        found.persons.iter().map(|p| (p.code.as_str(), p.passed)).collect::<Vec<_>>(),
        [("W-1", true), ("W-2", true)]
    );
    assert_eq!(found.grants.iter().map(|g| (g.grant, g.passed)).collect::<Vec<_>>(), [(grant, true)]);
    tell(&mut stage, "W-2", only("preservation-mechanism"), &[]).unwrap();
    assert!(proposed(&mut stage, "W-2").is_empty());
}

// ---- relations -----------------------------------------------------------------------------------------------

#[test]
fn redacted_version_is_granted_from_tier_three_on_unless_the_original_is_said() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 3);
    let terms = stage.terms(report);
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    let redacted = related(without_second(&stage, "redacted"), RelationKind::Redacts, report);
    let redacted = share(&mut stage, &redacted, 3);
    let words = refusal(&mut stage, &terms);
    assert!(words.contains(&redacted.to_string()) && words.contains("--original"), "{words}");
    stage.as_advocate(|desk| desk.prepare_grant(&Terms { version: Version::ThisOne, ..terms })).unwrap();
    let terms = stage.terms(redacted);
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
}

#[test]
fn below_tier_three_either_version_is_granted() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let redacted = related(without_second(&stage, "redacted"), RelationKind::Redacts, report);
    share(&mut stage, &redacted, 2);
    let terms = stage.terms(report);
    stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
}

#[test]
fn relations_are_committed_to_in_the_statement_and_checked_anew() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let corrected = case(&stage, "corrected", 300);
    let corrected = share(&mut stage, &related(plan(&corrected), RelationKind::Corrects, report), 2);
    stage
        .as_advocate(|desk| {
            let memory = desk.memory_mut();
            assert_eq!(later(memory, report), [Later { kind: RelationKind::Corrects, report: corrected }]);
            assert_eq!(newer(memory, report), Some(corrected));
            let own = memory.reports.get_mut(&corrected.to_string()).unwrap();
            let found = earlier(own)?;
            assert_eq!((found[0].report, found[0].commitment), (report, Commitment::Holds));
            own.relations[0].kind = RelationKind::Replaces;
            assert_eq!(earlier(own)?[0].commitment, Commitment::DoesNotHold);
            Ok(())
        })
        .unwrap();
    let named = stage.as_advocate(|desk| desk.reports()).unwrap();
    let stated = |id| named.iter().find(|summary| summary.id == id).unwrap().report.predecessor_commitment;
    assert!(stated(corrected).is_some());
    assert_eq!(stated(report), None);
}

#[test]
fn whoever_opens_a_report_can_check_which_one_it_redacts() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let redacted = related(without_second(&stage, "redacted"), RelationKind::Redacts, report);
    let redacted = share(&mut stage, &redacted, 2);
    let terms = stage.terms(redacted);
    let grant = stage.grant(&terms);
    let released = stage.release(grant).unwrap();
    let (age, into) = (stage.path("collected.age"), stage.path("opened"));
    let collected = stage.as_officer(|desk| desk.collect(&released, &age, &mut |_| {})).unwrap();
    let (opened, _) = open_collected(&collected, &age, &stage.cast.unit, &into, &mut |_| {}).unwrap();
    let stated = report_of(&collected.report_statement).unwrap();
    let found = checked(&opened.manifest.relations, &stated);
    assert_eq!((found[0].report, found[0].commitment), (report, Commitment::Holds));
    let mut other = opened.manifest.relations;
    other[0].digest = Some(report::Digest([1; 32]));
    assert_eq!(checked(&other, &stated)[0].commitment, Commitment::DoesNotHold);
}

#[test]
fn second_yes_is_asked_of_what_the_persons_say_then() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let terms = stage.terms(report);
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    let give = |stage: &mut Stage| -> GrantId {
        stage.as_advocate(|desk| desk.give(&prepared, HeaderGoes::Later)).unwrap().id.into()
    };
    let (first, second) = (give(&mut stage), give(&mut stage));
    let complete = |stage: &mut Stage, grant| {
        stage.as_advocate(|desk| desk.send_header(grant, prepared.header.clone())).map(|_| ())
    };
    complete(&mut stage, first).unwrap();
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let words = complete(&mut stage, second).unwrap_err().to_string();
    assert!(words.contains("W-2: this person has withdrawn"), "{words}");
    assert!(stage.release(second).is_err());
}

#[test]
fn report_that_names_an_earlier_one_is_not_sealed_without_the_commitment() {
    let mut stage = Stage::established();
    let report = shared_case(&mut stage, 2);
    let folder = case(&stage, "unsalted", 300);
    let digest = Some(report::Digest(*Digest::from(report).as_bytes()));
    let relation = Relation { kind: RelationKind::Supplements, digest, reason: "test".to_owned(), salt: None };
    let unsalted = plan(&folder).related(relation).unwrap();
    let (tier, at) = (Tier::try_from(2).unwrap(), stage.path("unsalted.age"));
    let sealed = stage.as_advocate(|desk| desk.seal(&unsalted, tier, ReportKind::Original, &at, &mut |_| {}));
    assert!(sealed.map(|_| ()).unwrap_err().to_string().contains("salt"));
    assert!(!at.exists());
}

#[test]
fn withdrawal_counts_for_a_report_sealed_afterwards_with_an_old_register() {
    let mut stage = Stage::established();
    shared_case(&mut stage, 2);
    tell(&mut stage, "W-2", everything(), &[]).unwrap();
    let folder = case(&stage, "again", 300);
    let report = share(&mut stage, &plan(&folder), 2);
    let terms = stage.terms(report);
    assert!(refusal(&mut stage, &terms).contains("W-2: this person has withdrawn"));
    let register = stage.as_advocate(|desk| Ok(working(desk.memory(), report))).unwrap().unwrap();
    assert_eq!(register.persons[1].status, Status::Withdrawn);
}
