//! Asking and answering end to end: items refused and asked back about, notices, four eyes, answers owed, inboxes, and what
//! institutions publish.

use crate::stage::{Stage, inquiry, preservation};
use amana::{
    cli::demo::cast::copy,
    client::{
        answering::{Reply, Telling, read_notice},
        desk::DeskError,
        fetched::Asking,
        granting::HeaderGoes,
        requests::Side,
    },
    model::{
        answer::{Answer, Became},
        grant::GrantState,
        ids::{GrantId, ReportId, RequestId},
        institution::{AttestationKind, Call, OverridingDuty, Retention, Terms},
        limits,
        request::{ItemAnswer, RefusalReason},
        time::Duration,
    },
    wire::api::InboxThing,
};

/// The officer asks for a report, for two purposes.
fn asked(stage: &mut Stage, report: ReportId) -> RequestId {
    let owner = stage.cast.advocate.recipient();
    let deadline = stage.now().plus(Duration::from_days(30));
    let basis = "Resolution 12/34".parse().unwrap();
    let asking = Asking {
        message: Some("Our reference is F-12.".to_owned()),
        ..Asking::for_access(report, owner, vec![inquiry(), preservation()], basis, deadline)
    };
    stage.as_officer(|desk| desk.ask_for_access(&asking)).unwrap().id.into()
}

fn reply(purposes: Vec<amana::model::purpose::Purpose>, message: Option<&str>) -> Reply {
    Reply { purposes, message: message.map(str::to_owned), unit: None }
}

fn refused<T>(outcome: Result<T, DeskError>) -> String {
    outcome.err().expect("it was not refused").to_string()
}

#[test]
fn more_requests_than_a_page_holds_are_all_listed() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let mut ids = Vec::new();
    for n in 0..limits::PAGE_ROWS + 2 {
        if n == limits::PAGE_ROWS / 2 {
            // Nobody may state so much at once.
            stage.clock.pass(Duration::from_seconds(3_600));
        }
        ids.push(asked(&mut stage, report));
    }
    let listed = stage.as_officer(|desk| desk.requests()).unwrap();
    assert!(listed.iter().map(|request| request.id).collect::<Vec<_>>() == ids);
    let (raw, officer) = (stage.raw(), copy(&stage.cast.officer));
    let first = raw.sign_in(&officer).send_text("GET", "/v1/requests", "").json::<serde_json::Value>();
    assert_eq!(first["items"].as_array().unwrap().len(), limits::PAGE_ROWS);
    assert_eq!(first["next"].as_str().unwrap(), ids[limits::PAGE_ROWS - 1].to_string());
}

#[test]
fn each_item_of_a_request_is_answered_by_itself_and_words_reach_the_unit_alone() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let id = asked(&mut stage, report);
    stage
        .as_advocate(|desk| {
            assert_eq!(desk.side(), Side::Owner);
            let request = desk.request(id)?;
            let sealed = request.request.sealed_message.clone().unwrap();
            assert_eq!(desk.read_message(&sealed, None).as_deref(), Some("Our reference is F-12."));
            desk.ask_back(&request, &reply(vec![inquiry()], Some("Who will hear it?")))?;
            desk.refuse_request(&request, RefusalReason::TooWide, &reply(vec![preservation()], Some("Not the list.")))?;
            let request = desk.request(id)?;
            assert!(matches!(request.answers.get(&inquiry()), Some(ItemAnswer::Asked(_))));
            // What was refused is settled; what was asked about is not.
            let again = desk.refuse_request(&request, RefusalReason::NotSaid, &reply(vec![preservation()], None));
            assert!(refused(again).contains("answered already"));
            Ok(())
        })
        .unwrap();
    let unit = stage.cast.unit.duplicate();
    stage
        .as_officer(|desk| {
            let answers = desk.answers(report)?;
            let said = |reason| answers.values().find(|answer| answer.reason == reason).unwrap();
            let (no, question) = (said(Some(RefusalReason::TooWide)), said(None));
            assert_eq!((no.request, question.purposes.as_slice()), (id, &[inquiry()][..]));
            let sealed = question.sealed_message.as_deref().unwrap();
            assert_eq!(desk.read_message(sealed, None), None);
            assert_eq!(desk.read_message(sealed, Some(&unit)).as_deref(), Some("Who will hear it?"));
            let inbox = desk.inbox()?;
            assert!(inbox.items.iter().any(|item| matches!(&item.thing, InboxThing::Request(asked) if asked.id == id)));
            // The asking side answers nothing.
            let request = desk.request(id)?;
            assert!(
                refused(desk.refuse_request(&request, RefusalReason::NotSaid, &reply(vec![], None))).contains("own")
            );
            Ok(())
        })
        .unwrap();
    // What was asked back about can still be granted.
    let terms = amana::client::granting::Terms { answers: Some(id), ..stage.terms(report) };
    let grant = stage.grant(&terms);
    let request = stage.as_advocate(|desk| desk.request(id)).unwrap();
    assert_eq!(request.answers.get(&inquiry()), Some(&ItemAnswer::Granted(grant)));
}

#[test]
fn notice_carries_a_reference_that_can_be_asked_with() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let (institution, until) = (stage.cast.institution.party_id(), stage.now().plus(Duration::from_days(90)));
    let message = Some("Interviews.".to_owned());
    let telling = Telling { institution, unit: None, report, message, until };
    let notice = stage.as_advocate(|desk| desk.give_notice(&telling)).unwrap().accepted.id;
    let (unit, owner) = (stage.cast.unit.duplicate(), stage.cast.advocate.recipient());
    stage
        .as_officer(|desk| {
            let found = desk.notices()?.into_iter().find(|found| found.id == notice).unwrap();
            assert_eq!(desk.read_message(&found.notice.sealed_message, None), None);
            let text = desk.read_message(&found.notice.sealed_message, Some(&unit)).unwrap();
            let (reference, message) = read_notice(&text).unwrap();
            assert_eq!((reference.report, &reference.owner, message), (report, &owner, Some("Interviews.")));
            Ok(())
        })
        .unwrap();
    stage.clock.pass(Duration::from_days(91));
    assert!(stage.as_officer(|desk| desk.notices()).unwrap().is_empty());
}

/// A grant that asks for another officer, its header kept back.
fn four_eyes(stage: &mut Stage) -> GrantId {
    let report = stage.report("note.txt", b"what was seen");
    let terms = amana::client::granting::Terms { officer_approvals: 1, ..stage.terms(report) };
    stage
        .as_advocate(|desk| {
            let prepared = desk.prepare_grant(&terms)?;
            let id = GrantId::from(desk.give(&prepared, HeaderGoes::Along)?.id);
            Ok(id)
        })
        .unwrap()
}

#[test]
fn release_waits_for_another_officer_than_the_one_who_collects() {
    let mut stage = Stage::established();
    let until = stage.now().plus(Duration::from_days(100));
    let second = stage.second_officer(until);
    let grant = four_eyes(&mut stage);
    assert!(stage.release(grant).is_err());
    stage.as_officer(|desk| desk.agree_to_collect(grant)).unwrap();
    assert!(stage.release(grant).is_err(), "nobody agrees with themselves");
    stage.as_somebody(&second, |desk| desk.agree_to_collect(grant)).unwrap();
    assert!(stage.as_somebody(&second, |desk| desk.agree_to_collect(grant)).is_err());
    let advocate = stage.as_advocate(|desk| desk.agree_to_collect(grant));
    assert!(refused(advocate).contains("officer"));
    assert_eq!(stage.grant_row(grant).officer_approvals.len(), 2);
    stage.release(grant).unwrap();
}

#[test]
fn withdrawn_information_is_answered_for_and_a_reasoned_cannot_puts_the_answer_off() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let grant = stage.grant(&terms);
    let nothing = stage.as_officer(|desk| {
        let (summary, _) = desk.listed_grant(grant)?;
        desk.say_what_became(&summary, Became::Erased {})
    });
    assert!(refused(nothing).contains("nothing was collected"));
    let released = stage.release(grant).unwrap();
    stage.acknowledge(grant, &released).unwrap();
    stage.revoke(grant).unwrap();
    assert!(!matches!(stage.grant_row(grant).state, GrantState::HeaderReceived {}));
    let due = stage.grant_row(grant).answer.due().unwrap();
    let review = stage.now().plus(Duration::from_days(120));
    let cannot = Became::CannotErase { reason: "part of the record".parse().unwrap(), review };
    for (became, still) in [(cannot, true), (Became::Received {}, true), (Became::Returned {}, false)] {
        stage
            .as_officer(|desk| {
                let (summary, _) = desk.listed_grant(grant)?;
                desk.say_what_became(&summary, became.clone())
            })
            .unwrap();
        let row = stage.grant_row(grant);
        assert_eq!(row.answer.due().is_some(), still, "{became:?}");
        assert_eq!(row.became.unwrap().became, became);
        assert!(row.answer == Answer::NotOwed || row.answer.due() > Some(due));
    }
}

#[test]
fn inbox_is_answered_when_it_changes_and_not_before() {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let before = stage.as_advocate(|desk| desk.inbox()).unwrap();
    assert!(before.items.is_empty());
    let same = stage.as_advocate(|desk| desk.inbox_after(before.tag.as_deref(), 1)).unwrap();
    assert!(same.is_none());
    let id = asked(&mut stage, report);
    let after = stage.as_advocate(|desk| desk.inbox_after(before.tag.as_deref(), 1)).unwrap().unwrap();
    assert!(matches!(&after.items[0].thing, InboxThing::Request(request) if request.id == id));
    assert!(!after.items[0].overdue);
}

#[test]
fn what_an_institution_publishes_is_read_from_the_register() {
    let mut stage = Stage::established();
    let institution = stage.cast.institution.party_id();
    let terms = |response_days| Terms {
        institution,
        retention: Retention::Months(24),
        overriding_duties: vec![OverridingDuty::DisclosureToTheDefence],
        languages: vec!["en".parse().unwrap()],
        response_days,
        cannot_promise: Vec::new(),
    };
    let first = stage.as_root(|desk| desk.publish_terms(&terms(30))).unwrap().id;
    let second = stage.as_root(|desk| desk.publish_terms(&terms(20))).unwrap().id;
    let until = stage.now().plus(Duration::from_days(10));
    let unit = "evidence unit".parse().unwrap();
    let call = Call { institution, about: "Evictions".parse().unwrap(), purposes: vec![inquiry()], unit, until };
    stage.as_root(|desk| desk.call(&call)).unwrap();
    stage
        .as_advocate(|desk| {
            let mirror = desk.mirror();
            assert_eq!(mirror.institution(institution).unwrap().terms.unwrap().statement, second);
            // A grant keeps to the terms it names.
            assert_eq!(mirror.terms(first).unwrap().body.response_days, 30);
            assert_eq!(mirror.running_calls(desk.now()).len(), 1);
            assert!(mirror.running_calls(until).is_empty());
            let found = mirror.last_attestation(institution, AttestationKind::DueDiligence).unwrap();
            assert!(found.body.checklist.unwrap().is_met());
            Ok(())
        })
        .unwrap();
}

#[test]
fn another_record_waits_until_two_administrators_admit_it() {
    let mut stage = Stage::established();
    let institution = stage.cast.institution.party_id();
    let row = stage.as_root(|desk| Ok(desk.mirror().institution(institution).unwrap())).unwrap();
    let mut record = row.record.clone();
    record.name = "Mission, renewed (fictional)".parse().unwrap();
    let digest = stage.as_root(|desk| desk.renew_record(record.clone())).unwrap().id;
    let read = |stage: &mut Stage| {
        stage.as_advocate(|desk| {
            let waiting = desk.mirror().waiting_record(institution).map(|waiting| waiting.statement);
            Ok((desk.mirror().institution(institution).unwrap().record, waiting))
        })
    };
    assert_eq!(read(&mut stage).unwrap(), (row.record, Some(digest)));
    let proposal = stage.as_administrator(0, |desk| desk.admit_record(institution, digest)).unwrap().id;
    stage.as_administrator(1, |desk| desk.approve(proposal)).unwrap();
    assert_eq!(read(&mut stage).unwrap(), (record, None));
}
