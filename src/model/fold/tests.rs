//! Rules of consent over a small world: two advocates who own a report together, an institution with three officers.

mod world;

use super::*;
use crate::model::{
    answer::{Became, Status},
    freeze::{Freeze, Lift, Thaw},
    genesis::{Office, Roles},
    grant::{Ask, Conditions, Contact, EndCause, Grant, GrantState, Revocation, Scope, UseMode, WithdrawnBy},
    ids::{AgeRecipient, Jti, KeyId, Nonce, PartyId, PublicKey, ReleaseId},
    institution::{Approval, CaseMatter, InstitutionRecord, OfficerAppointment},
    keys::{Handover, NewKeys, OwnerHeaderChange, PartyKind, Recovery, Rotation},
    limits,
    party::{EnrolmentRole, PartyEnrolment, RecoveryKeys},
    purpose::{Identification, Purpose, RecipientClass},
    release::ReleaseRequest,
    report::{AfterWithdrawal, CoOwners, Report, ReportKind, ReportState, Tier, Withdrawal},
    request::{AccessRequest, Question, RefusalReason, RequestKind, RequestRefusal},
    rows::{ChainRow, InstitutionRow, PartyRow, RecipientKeyRow, RequestRow, pair},
    statement::{Body, Kind, Signed},
    time::{Duration, Window},
};
use world::*;

#[test]
fn row_that_one_entry_writes_twice_is_read_as_it_was_written_last() {
    let mut state = State::default();
    let version = crate::model::event::EntryRef { log: crate::model::event::Log::Case, index: 1 };
    for at in [1, 2].map(Timestamp::from_seconds) {
        let row = ClockRow { unwatched: Some(Unwatched { after: at, until: at }) };
        state.write(ONLY, &row, version).unwrap();
        assert_eq!(state.read::<ClockRow>(ONLY).unwrap().unwrap().row, row);
    }
}

#[test]
fn header_of_tier_three_comes_last_and_of_tier_two_at_once() {
    let sensitive = |grant: &mut Grant| (grant.cooling_off_seconds, grant.officer_approvals) = (HOUR, 1);
    let mut plain = World::with(2, 1);
    let grant = plain.gives(sensitive).unwrap();
    plain.header_comes(grant).unwrap();
    let mut world = World::with(3, 2);
    let grant = world.gives(sensitive).unwrap();
    let early = |world: &mut World| matches!(world.header_comes(grant), Err(Refusal::HeaderTooEarly(_)));
    world.agrees(AGREES, grant).unwrap();
    world.pass(HOUR);
    assert!(early(&mut world), "the other owner has not agreed");
    world.agrees(CO_OWNER, grant).unwrap();
    world.pass(Duration::from_seconds(3_599));
    assert!(early(&mut world), "cooling-off began when the other owner agreed");
    world.pass(Duration::from_seconds(1));
    world.header_comes(grant).unwrap();
}

#[test]
fn officer_who_left_office_agrees_with_nothing() {
    let mut world = World::with(3, 1);
    let grant = world.gives(|grant| grant.officer_approvals = 1).unwrap();
    world.agrees(AGREES, grant).unwrap();
    let mut key: KeyRow = world.read(&kid(AGREES));
    let Holder::Officer(office) = &mut key.holder else { panic!("an officer") };
    office.until = world.now;
    world.put(&kid(AGREES).to_string(), &key);
    assert!(matches!(world.header_comes(grant), Err(Refusal::HeaderTooEarly(_))));
    assert_eq!(world.agrees(AGREES, grant), Err(Refusal::AppointmentEnded));
    world.agrees(ALSO_AGREES, grant).unwrap();
    world.header_comes(grant).unwrap();
}

#[test]
fn nobody_agrees_twice_or_with_themselves_and_each_release_needs_agreement_anew() {
    let mut world = World::with(2, 1);
    let grant = world.gives(|grant| grant.officer_approvals = 1).unwrap();
    world.header_comes(grant).unwrap();
    assert_eq!(world.agrees(OWNER, grant), Err(Refusal::ApprovesOwn));
    assert_eq!(world.agrees(CO_OWNER, grant), Err(Refusal::Unknown("grant")), "another advocate's report");
    world.agrees(COLLECTS, grant).unwrap();
    assert_eq!(world.agrees(COLLECTS, grant), Err(Refusal::ApprovesOwn));
    assert!(matches!(world.collects(COLLECTS, grant), Err(Refusal::OutsideGrant(_))));
    world.agrees(AGREES, grant).unwrap();
    world.collects(COLLECTS, grant).unwrap();
    assert!(matches!(world.collects(AGREES, grant), Err(Refusal::OutsideGrant(_))));
}

#[test]
fn grant_of_two_owners_is_in_force_when_both_agree() {
    let mut world = World::with(2, 2);
    let grant = world.gives(|_| {}).unwrap();
    world.header_comes(grant).unwrap();
    assert!(matches!(world.collects(COLLECTS, grant), Err(Refusal::OutsideGrant(_))));
    assert_eq!(world.agrees(OWNER, grant), Err(Refusal::ApprovesOwn));
    world.agrees(CO_OWNER, grant).unwrap();
    assert_eq!(world.agrees(CO_OWNER, grant), Err(Refusal::ApprovesOwn));
    world.collects(COLLECTS, grant).unwrap();
}

#[test]
fn replacement_narrows_ends_the_older_grant_and_takes_over_what_is_owed() {
    let mut world = World::with(2, 1);
    let old = world.gives(|_| {}).unwrap();
    world.header_comes(old).unwrap();
    let release = world.collects(COLLECTS, old).unwrap();
    let wider = |grant: &mut Grant| (grant.replaces, grant.max_releases) = (Some(old), 4);
    assert_eq!(world.gives(wider), Err(Refusal::GoesBeyond("number of releases")));
    let until = world.now.plus(Duration::from_days(40));
    let new = world.gives(|grant| (grant.replaces, grant.keep_until) = (Some(old), Some(until))).unwrap();
    let (before, after): (GrantRow, GrantRow) = (world.read(&old), world.read(&new));
    assert_eq!(before.state.cause(), Some(EndCause::Replaced));
    assert_eq!((before.exercised, before.awaiting, before.answer.due()), (None, None, None));
    assert_eq!((after.exercised, after.awaiting), (Some(release), Some(release)));
    assert!(after.answer.due().is_some(), "the time to keep holds for what was collected before");
    assert!(world.collects(COLLECTS, old).is_err());
    assert_eq!(world.gives(|grant| grant.replaces = Some(old)), Err(Refusal::Unknown("grant")), "replaced already");
    world.revokes(new).unwrap();
    assert_eq!(world.gives(|grant| grant.replaces = Some(new)), Err(Refusal::WrongGrantState), "taken back");
}

#[test]
fn overdue_answer_stops_every_release_of_the_institution_until_it_is_given() {
    let mut world = World::with(2, 1);
    let (withdrawn, other) = (world.gives(|_| {}).unwrap(), world.gives(|_| {}).unwrap());
    for grant in [withdrawn, other] {
        world.header_comes(grant).unwrap();
    }
    let release = world.collects(COLLECTS, withdrawn).unwrap();
    world.revokes(withdrawn).unwrap();
    let due = world.read::<GrantRow>(&withdrawn).answer.due().unwrap();
    world.now = Timestamp::from_seconds(due.as_seconds() - 1);
    world.collects(COLLECTS, other).unwrap();
    world.now = due;
    assert_eq!(world.collects(COLLECTS, other), Err(Refusal::AnswerOverdue));
    let says = |world: &mut World, became| {
        let status = Body::Status(Status { grant: withdrawn, release, became });
        world.states(AGREES, Kind::Status, Some(withdrawn.into()), status)
    };
    says(&mut world, Became::Received {}).unwrap();
    assert_eq!(world.collects(COLLECTS, other), Err(Refusal::AnswerOverdue), "that it came is no answer");
    let (too_far, far) = (limits::ANSWER_PUT_OFF.as_seconds() + 1, limits::ANSWER_PUT_OFF);
    let until = world.now.plus(Duration::from_seconds(too_far));
    assert!(says(&mut world, Became::CannotSay { until }).is_err());
    let until = world.now.plus(far);
    says(&mut world, Became::CannotSay { until }).unwrap();
    world.collects(COLLECTS, other).unwrap();
}

#[test]
fn withdrawn_report_ends_its_grants_and_is_asked_of_no_more() {
    let mut world = World::with(2, 2);
    let grant = world.gives(|_| {}).unwrap();
    world.agrees(CO_OWNER, grant).unwrap();
    world.header_comes(grant).unwrap();
    assert_eq!(world.withdraws(CO_OWNER, AfterWithdrawal::Erase), Err(Refusal::NotOwner), "only to be kept");
    world.withdraws(CO_OWNER, AfterWithdrawal::Keep).unwrap();
    assert_eq!(world.read::<GrantRow>(&grant).state.cause(), Some(EndCause::ReportWithdrawn));
    assert!(world.collects(COLLECTS, grant).is_err());
    assert_eq!(world.gives(|_| {}), Err(Refusal::ReportWithdrawn));
    assert_eq!(asks(&mut world), Err(Refusal::ReportWithdrawn));
}

#[test]
fn report_is_erased_two_weeks_after_the_recovery_key_agreed_and_not_while_frozen() {
    let mut world = World::with(2, 1);
    let first = world.withdraws(OWNER, AfterWithdrawal::Erase).unwrap();
    let asked = world.withdraws(OWNER, AfterWithdrawal::Erase).unwrap();
    assert_eq!(world.approves(OWNER, asked, CaseMatter::Withdrawal), Err(Refusal::ApprovesOwn));
    assert_eq!(world.approves(CO_OWNER, asked, CaseMatter::Withdrawal), Err(Refusal::NotAsked));
    assert_eq!(world.approves(RECOVERY, first, CaseMatter::Withdrawal), Err(Refusal::Unknown("erasing")));
    world.approves(RECOVERY, asked, CaseMatter::Withdrawal).unwrap();
    let erased = Event::ReportErased(world.report);
    world.now = Timestamp::from_seconds(world.now.plus(limits::ERASE_AFTER).as_seconds() - 1);
    assert!(world.happens(&erased).is_err());
    let freeze = world.freezes(OWNER, Lift::Recovery {}).unwrap();
    world.pass(Duration::from_days(60));
    assert_eq!(world.happens(&erased), Err(Refusal::Frozen));
    world.thaws(RECOVERY, freeze).unwrap();
    assert!(world.happens(&erased).is_err(), "whoever comes out of a freeze has time to call it off");
    let before = world.state.clone();
    world.withdraws(OWNER, AfterWithdrawal::Keep).unwrap();
    assert!(world.happens(&erased).is_err());
    world.state = before;
    world.pass(limits::ERASE_AFTER);
    // From here on it may be gone: nothing says that it is kept, and no freeze keeps the log from saying that it is gone.
    assert_eq!(world.withdraws(OWNER, AfterWithdrawal::Keep), Err(Refusal::BeingErased));
    assert_eq!(world.withdraws(OWNER, AfterWithdrawal::Erase), Err(Refusal::BeingErased));
    let (report, owner_recipient) = (world.report, recipient('q'));
    let change = OwnerHeaderChange { report, owner_header: digest("another"), owner_recipient };
    let another = world.states(RECOVERY, Kind::OwnerHeader, Some(report.into()), Body::OwnerHeader(change));
    assert_eq!(another, Err(Refusal::BeingErased));
    world.freezes(OWNER, Lift::Recovery {}).unwrap();
    world.happens(&erased).unwrap();
    assert!(world.happens(&erased).is_err());
}

#[test]
fn frozen_advocate_withdraws_and_does_nothing_else() {
    let mut world = World::with(2, 1);
    let grant = world.gives(|_| {}).unwrap();
    world.header_comes(grant).unwrap();
    let late = world.gives(|_| {}).unwrap();
    let freeze = world.freezes(OWNER, Lift::Recovery {}).unwrap();
    assert_eq!(world.gives(|_| {}), Err(Refusal::Frozen));
    assert_eq!(world.header_comes(late), Err(Refusal::Frozen));
    assert_eq!(world.collects(COLLECTS, grant), Err(Refusal::Frozen));
    assert_eq!(world.happens(&Event::OwnerHeaderFetched(world.report, kid(OWNER))), Err(Refusal::Frozen));
    assert_eq!(world.withdraws(OWNER, AfterWithdrawal::Keep), Err(Refusal::Frozen));
    world.revokes(grant).unwrap();
    assert!(matches!(world.thaws(OWNER, freeze), Err(Refusal::WrongSigner { .. })));
    world.thaws(RECOVERY, freeze).unwrap();
    world.header_comes(late).unwrap();
    world.collects(COLLECTS, late).unwrap();
}

#[test]
fn freeze_with_a_guardian_is_lifted_by_both_and_an_unknown_guardian_is_none() {
    let mut world = World::with(2, 1);
    let guardian = party(CO_OWNER);
    let freeze = world.freezes(OWNER, Lift::RecoveryAndGuardian { guardian }).unwrap();
    let thaw = world.thaws(RECOVERY, freeze).unwrap();
    assert_eq!(world.gives(|_| {}), Err(Refusal::Frozen));
    world.approves(CO_OWNER, thaw, CaseMatter::Thaw).unwrap();
    world.gives(|_| {}).unwrap();
    for nobody in [party(77), party(OWNER)] {
        let freeze = world.freezes(OWNER, Lift::RecoveryAndGuardian { guardian: nobody }).unwrap();
        world.thaws(RECOVERY, freeze).unwrap();
        world.gives(|_| {}).unwrap();
    }
}

#[test]
fn offer_of_a_report_ends_with_the_ownership_it_was_made_under() {
    let offered_by = |world: &mut World, by, to| {
        let (report, owner_recipient) = (world.report, recipient('q'));
        let body = Body::Handover(Handover { report, to: party(to), owner_header: digest("offered"), owner_recipient });
        world.states(by, Kind::Handover, Some(report.into()), body)
    };
    let offers = |world: &mut World, to| offered_by(world, RECOVERY, to).unwrap();
    let mut world = World::with(2, 1);
    let with_the_device_alone = offered_by(&mut world, OWNER, THIRD);
    assert!(matches!(with_the_device_alone, Err(Refusal::WrongSigner { .. })), "{with_the_device_alone:?}");
    let (first, second) = (offers(&mut world, CO_OWNER), offers(&mut world, THIRD));
    world.approves(CO_OWNER, first, CaseMatter::Handover).unwrap();
    assert!(matches!(world.approves(THIRD, second, CaseMatter::Handover), Err(Refusal::Malformed(_))));
    assert_eq!(world.read::<ReportRow>(&world.report).owner, party(CO_OWNER));

    let mut world = World::with(2, 1);
    let offer = offers(&mut world, THIRD);
    let recovery = Some(RecoveryKeys { signing_key: public(78), recipient: recipient('w') });
    let keys = NewKeys { signing_key: public(NEW_KEY), recipient: recipient('y'), recovery };
    let body = Body::Recovery(Recovery { of: PartyKind::Advocate, keys });
    world.states(RECOVERY, Kind::Recovery, Some(digest(&format!("party {OWNER}"))), body).unwrap();
    // Whoever had the words could have offered the report to themselves.
    assert!(matches!(world.approves(THIRD, offer, CaseMatter::Handover), Err(Refusal::Malformed(_))));
    assert_eq!(world.read::<ReportRow>(&world.report).owner, party(OWNER));
}

#[test]
fn owner_header_is_replaced_by_the_recovery_key_alone() {
    let mut world = World::with(2, 1);
    let (report, before) = (world.report, digest("owner header"));
    let wraps = |world: &mut World, by, to| {
        let change = OwnerHeaderChange { report, owner_header: digest("another"), owner_recipient: recipient(to) };
        world.states(by, Kind::OwnerHeader, Some(report.into()), Body::OwnerHeader(change))
    };
    // Who has the signing key could put a header there that opens for nobody.
    assert!(matches!(wraps(&mut world, OWNER, 'q'), Err(Refusal::WrongSigner { .. })));
    assert!(matches!(wraps(&mut world, RECOVERY, 'y'), Err(Refusal::Malformed(_))), "not the owner's of today");
    assert_eq!(world.read::<ReportRow>(&report).report.owner_header, before);
    wraps(&mut world, RECOVERY, 'q').unwrap();
    assert_eq!(world.read::<ReportRow>(&report).report.owner_header, digest("another"));
}

#[test]
fn old_thaw_lifts_no_later_freeze() {
    let mut world = World::with(2, 1);
    let first = world.freezes(OWNER, Lift::Recovery {}).unwrap();
    let signed = world.signed((RECOVERY, party(OWNER)), Kind::Thaw, Some(first));
    let thaw = Event::Accepted(signed, Body::Thaw(Thaw { party: party(OWNER), freeze: first }));
    world.happens(&thaw).unwrap();
    world.freezes(OWNER, Lift::Recovery {}).unwrap();
    assert_eq!(world.happens(&thaw), Err(Refusal::JtiUsed));
    // Signed anew over the freeze of before, it still is about that one alone.
    assert_eq!(world.thaws(RECOVERY, first), Err(Refusal::Unknown("freeze")));
    assert_eq!(world.gives(|_| {}), Err(Refusal::Frozen));
}

#[test]
fn rotated_key_takes_over_when_the_recovery_key_agrees_and_the_old_one_only_freezes() {
    let mut world = World::with(2, 1);
    let rotate = |world: &mut World, signing_key| {
        let keys = NewKeys { signing_key, recipient: recipient('y'), recovery: None };
        let body = Body::Rotation(Rotation { of: PartyKind::Advocate, keys });
        world.states(OWNER, Kind::Rotation, Some(digest(&format!("party {OWNER}"))), body)
    };
    assert_eq!(rotate(&mut world, public(RECOVERY)), Err(Refusal::KeyTaken));
    let rotation = rotate(&mut world, public(NEW_KEY)).unwrap();
    world.gives(|_| {}).unwrap();
    assert_eq!(world.approves(CO_OWNER, rotation, CaseMatter::Rotation), Err(Refusal::NotAsked));
    world.approves(RECOVERY, rotation, CaseMatter::Rotation).unwrap();
    assert!(matches!(world.gives(|_| {}), Err(Refusal::WrongSigner { .. })));
    let body = Body::Grant(Box::new(terms(world.report, world.now)));
    world.states(NEW_KEY, Kind::Grant, None, body).unwrap();
    world.freezes(OWNER, Lift::Recovery {}).unwrap();
}

fn asks(world: &mut World) -> Result<Digest, Refusal> {
    let request = AccessRequest {
        kind: RequestKind::Access,
        report: world.report,
        grant: None,
        purposes: vec![inquiry()],
        legal_basis: "resolution 1".parse().unwrap(),
        deadline: world.now.plus(Duration::from_days(9)),
        keep_until: None,
        sealed_message: None,
    };
    world.states(COLLECTS, Kind::Request, None, Body::Request(request))
}

#[test]
fn item_is_asked_back_about_and_answered_once() {
    let mut world = World::with(2, 1);
    let id = asks(&mut world).unwrap();
    let question = |world: &mut World| {
        let (request, sealed_message) = (id.into(), "YWdl".to_owned());
        let body = Body::Question(Question { request, purposes: vec![inquiry()], sealed_message });
        world.states(OWNER, Kind::Question, Some(id), body)
    };
    let refuse = |world: &mut World, by, purpose: Purpose| {
        let (request, reason) = (id.into(), RefusalReason::TooWide);
        let body = RequestRefusal { request, purposes: vec![purpose], reason, sealed_message: None };
        world.states(by, Kind::Refusal, Some(id), Body::Refusal(body))
    };
    question(&mut world).unwrap();
    assert_eq!(refuse(&mut world, CO_OWNER, inquiry()), Err(Refusal::NotOwner));
    assert!(refuse(&mut world, OWNER, "court-of-law".parse().unwrap()).is_err(), "not asked for");
    refuse(&mut world, OWNER, inquiry()).unwrap();
    assert_eq!(refuse(&mut world, OWNER, inquiry()), Err(Refusal::AlreadyEffective));
    assert_eq!(question(&mut world), Err(Refusal::AlreadyEffective));
}

#[test]
fn request_is_granted_before_its_deadline_and_not_from_that_second_on() {
    let mut world = World::with(2, 1);
    let (first, second) = (asks(&mut world).unwrap(), asks(&mut world).unwrap());
    let deadline = world.read::<RequestRow>(&first).request.deadline;
    world.now = Timestamp::from_seconds(deadline.as_seconds() - 1);
    world.gives(|grant| grant.answers = Some(first.into())).unwrap();
    world.now = deadline;
    let late = world.gives(|grant| grant.answers = Some(second.into()));
    assert_eq!(late, Err(Refusal::Past("deadline of the request")));
}

#[test]
fn status_speaks_of_a_release_there_was_under_that_grant() {
    let mut world = World::with(2, 1);
    let (collected, other) = (world.gives(|_| {}).unwrap(), world.gives(|_| {}).unwrap());
    for grant in [collected, other] {
        world.header_comes(grant).unwrap();
    }
    let release = world.collects(COLLECTS, collected).unwrap();
    let says = |world: &mut World, by, grant: GrantId, release| {
        let status = Body::Status(Status { grant, release, became: Became::UsedInternally {} });
        world.states(by, Kind::Status, Some(grant.into()), status)
    };
    let never = ReleaseId::from(digest("a release that never was"));
    assert_eq!(says(&mut world, AGREES, collected, never), Err(Refusal::Unknown("release")));
    assert_eq!(says(&mut world, AGREES, other, release), Err(Refusal::Unknown("release")));
    assert!(matches!(says(&mut world, OWNER, collected, release), Err(Refusal::WrongSigner { .. })));
    says(&mut world, AGREES, collected, release).unwrap();
}

#[test]
fn withdrawal_makes_no_answer_overdue_within_two_weeks_whatever_it_asks() {
    let mut world = World::with(2, 1);
    let grant = world.gives(|_| {}).unwrap();
    world.header_comes(grant).unwrap();
    world.collects(COLLECTS, grant).unwrap();
    // It asks for an answer by this very second.
    world.revokes(grant).unwrap();
    let due = world.read::<GrantRow>(&grant).answer.due().unwrap();
    assert!(due >= world.now.plus(limits::ANSWER_LEAST), "{due:?}");
    assert!(due <= world.now.plus(limits::ANSWER_LEAST).plus(Duration::from_days(1)), "{due:?}");
    assert_eq!(due.as_seconds() % 86_400, 0, "a day counts whole, in UTC");
}

#[test]
fn header_is_lost_only_where_one_came() {
    let mut world = World::with(2, 1);
    let grant = world.gives(|_| {}).unwrap();
    assert!(world.happens(&Event::GrantEnded(grant, EndCause::HeaderLost)).is_err());
    assert_eq!(world.read::<GrantRow>(&grant).state, GrantState::HeaderPending {});
    for cause in [EndCause::Revoked, EndCause::Replaced, EndCause::ReportWithdrawn, EndCause::Expired] {
        assert_eq!(world.happens(&Event::GrantEnded(grant, cause)), Err(Refusal::GrantStillRuns), "{cause:?}");
    }
}
