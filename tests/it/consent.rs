//! Grants: only the owner's signed consent, within what persons agreed to, leads to a release.

use crate::{
    raw::{b64, fresh_jti, jws, problem, reclaimed, rewritten},
    stage::{Stage, inquiry, publish},
};
use amana::{
    cli::demo::cast::copy,
    client::{
        desk::DeskError,
        fetched::Asking,
        granting::{HeaderGoes, Prepared},
        identity::RecoveryKey,
        report::{ManifestDraft, Plan},
    },
    model::{
        grant::Grant,
        ids::{Digest, GrantId},
        institution::SuspensionAct,
        party::EnrolmentRole,
        report::{ReportKind, Tier},
        time::{Duration, Timestamp, Window},
    },
    wire::api::{Accepted, Bytes, SubmitGrant},
};
use serde_json::{Value, json};

/// A stage with a report and a grant ready to be signed.
fn prepared() -> (Stage, Prepared) {
    let mut stage = Stage::established();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let prepared = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
    (stage, prepared)
}

fn give(stage: &mut Stage, grant: &Grant, header: Option<&[u8]>) -> Result<Accepted, DeskError> {
    stage.as_advocate(|desk| {
        desk.submit(grant, None, "/v1/grants", |statement| SubmitGrant {
            statement,
            header: header.map(|bytes| Bytes(bytes.to_vec())),
        })
    })
}

/// The status and detail of a refusal.
fn refusal(outcome: Result<Accepted, DeskError>) -> (u16, String) {
    let error = match outcome {
        Ok(accepted) => panic!("accepted as {}", accepted.id),
        Err(error) => error,
    };
    let problem = problem(&error);
    (problem.status, problem.detail.clone().unwrap_or_default())
}

/// Changed grants are refused with this status and leave nothing; the one they were changed from is accepted.
fn refused(status: u16, changes: &[(&str, &dyn Fn(&mut Grant, &mut Stage))]) {
    let (mut stage, prepared) = prepared();
    for (name, change) in changes {
        let mut grant = prepared.grant.clone();
        change(&mut grant, &mut stage);
        let sizes = stage.sizes();
        let (found, detail) = refusal(give(&mut stage, &grant, Some(&prepared.header)));
        assert_eq!(found, status, "{name}: {detail}");
        assert_eq!(stage.sizes(), sizes, "{name} left an entry");
    }
    give(&mut stage, &prepared.grant, Some(&prepared.header)).unwrap();
}

#[test]
fn a_grant_names_the_current_recipient_key_and_nothing_else() {
    let other = || amana::cli::founding::identity("other", &*chance()).unwrap().recipient();
    refused(
        422,
        &[
            ("an unknown key", &|g, _| g.recipient_key = Digest::of(b"x")),
            ("another statement as key", &|g, _| g.recipient_key = g.report.into()),
            ("another recipient under the right key", &|g, _| g.recipient = other()),
        ],
    );
}

pub(crate) fn chance() -> std::sync::Arc<dyn amana::model::ambient::Entropy> {
    struct Chance;
    impl amana::model::ambient::Entropy for Chance {
        fn fill(&self, bytes: &mut [u8]) {
            rand::RngCore::fill_bytes(&mut rand::thread_rng(), bytes);
        }
    }
    std::sync::Arc::new(Chance)
}

#[test]
fn a_superseded_recipient_key_is_refused_and_releases_nothing() {
    let (mut stage, prepared) = prepared();
    let given: GrantId = give(&mut stage, &prepared.grant, Some(&prepared.header)).unwrap().id.into();
    let next = amana::cli::founding::identity("next", &*chance()).unwrap().recipient();
    stage.as_root(|desk| desk.publish_recipient_key("evidence unit".parse().unwrap(), next)).unwrap();
    let (status, detail) = refusal(give(&mut stage, &prepared.grant, Some(&prepared.header)));
    assert_eq!((status, detail.contains("recipient key")), (422, true), "{detail}");
    let denied = stage.as_officer(|desk| desk.request_release(given, &inquiry())).map(|_| ()).unwrap_err();
    assert_eq!(problem(&denied).reasons[0].id, "recipient-key-not-current");
}

#[test]
fn windows_counts_and_purposes_have_edges() {
    let day = Duration::from_days(1);
    let window = |from: Timestamp, until: Timestamp| Window { from, until };
    let year = Duration::from_days(366);
    refused(
        422,
        &[
            ("window in the past", &|g, s| {
                let now = s.now().as_seconds();
                g.collect = window(Timestamp::from_seconds(now - 9), Timestamp::from_seconds(now));
            }),
            ("empty window", &|g, _| g.collect.from = g.collect.until),
            ("window backwards", &|g, _| g.collect = window(g.collect.until, g.collect.from)),
            ("window too long", &|g, _| {
                g.collect.until = g.collect.from.plus(year).plus(Duration::from_seconds(1));
                g.keep_until = None;
            }),
            ("no release", &|g, _| g.max_releases = 0),
            ("too many releases", &|g, _| g.max_releases = 1001),
            ("no purpose", &|g, _| g.purposes.clear()),
            ("a purpose twice", &|g, _| g.purposes.push(inquiry())),
            ("an unknown purpose", &|g, _| g.purposes = vec!["world-peace".parse().unwrap()]),
            ("a purpose outside the mandate", &|g, _| g.purposes = vec!["criminal-proceedings".parse().unwrap()]),
            ("one of two outside the mandate", &|g, _| g.purposes.push("publication".parse().unwrap())),
            ("keeping ends before collecting", &|g, _| g.keep_until = Some(g.collect.from)),
            ("review date has passed", &|g, s| g.consent_review_by = s.now()),
            ("another bundle", &|g, _| g.bundle = Digest::of(b"x")),
            ("another taxonomy", &|g, _| g.taxonomy = Digest::of(b"x")),
            ("a stranger named as officer", &|g, s| g.officers = vec![s.cast.advocate.key_id()]),
        ],
    );
    let (mut stage, prepared) = prepared();
    let accepted: [&dyn Fn(&mut Grant); 4] = [
        &|g| {
            g.collect.until = g.collect.from.plus(year);
            g.keep_until = None;
            g.consent_review_by = g.collect.until;
        },
        &|g| g.max_releases = 1000,
        &|g| g.purposes.push("preservation-mechanism".parse().unwrap()),
        &|g| g.collect = window(g.collect.from.plus(day), g.collect.until),
    ];
    for change in accepted {
        let mut grant = prepared.grant.clone();
        change(&mut grant);
        give(&mut stage, &grant, Some(&prepared.header)).unwrap();
    }
}

#[test]
fn a_term_the_broker_does_not_know_is_refused_never_ignored() {
    let (mut stage, prepared) = prepared();
    let good = stage.as_advocate(|desk| desk.sign(&prepared.grant, None, None)).unwrap();
    let advocate = copy(&stage.cast.advocate);
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let body = |statement: &str| json!({ "statement": statement, "header": b64(&prepared.header) });
    let key = advocate.signing_key();
    let changed = |change: &dyn Fn(&mut Value)| reclaimed(&good, key, |c| change(&mut c["body"]));
    for (name, statement) in [
        ("an unknown term", changed(&|g| g["embargo"] = json!(1))),
        ("an unknown condition", changed(&|g| g["conditions"]["research"] = json!("no"))),
        ("an unknown level", changed(&|g| g["identification"] = json!("faces"))),
        ("an unknown use mode", changed(&|g| g["use_mode"] = json!("any"))),
        ("a missing term", changed(&|g| drop(g.as_object_mut().unwrap().remove("identification")))),
        ("a missing condition", changed(&|g| drop(g["conditions"].as_object_mut().unwrap().remove("onward")))),
        ("a third end of the window", changed(&|g| g["collect"]["to"] = json!(1))),
        ("urgent as a word", changed(&|g| g["urgent"] = json!("no"))),
        (
            "the count twice",
            rewritten(&good, key, |_, p| {
                *p = p.replacen(r#""max_releases":1"#, r#""max_releases":1000,"max_releases":1"#, 1);
            }),
        ),
    ] {
        assert_eq!(session.post("/v1/grants", &body(&statement)).refused(), (400, "malformed".to_owned()), "{name}");
    }
    let answer = session.post("/v1/grants", &json!({ "statement": good, "header": b64(&prepared.header), "x": 1 }));
    assert_eq!(answer.refused().0, 400);
    let answer = session.post("/v1/grants", &json!({ "statement": good, "header": "AA==" }));
    assert_eq!(answer.refused().0, 400);
    session.post("/v1/grants", &body(&good)).accepted();
}

#[test]
fn only_the_owner_grants_a_report() {
    let (mut stage, prepared) = prepared();
    let other = amana::cli::founding::identity("other", &*chance()).unwrap();
    let keys = RecoveryKey::generate(&*chance()).public_keys();
    stage.as_somebody(&other, |desk| desk.enrol(EnrolmentRole::Advocate {}, keys, None)).unwrap();
    let submit = |stage: &mut Stage, grant: &Grant| {
        refusal(stage.as_somebody(&other, |desk| {
            desk.submit(grant, None, "/v1/grants", |statement| SubmitGrant {
                statement,
                header: Some(Bytes(prepared.header.clone())),
            })
        }))
    };
    let theirs = submit(&mut stage, &prepared.grant);
    let mut unknown = prepared.grant.clone();
    unknown.report = Digest::of(b"no report").into();
    assert_eq!(theirs, submit(&mut stage, &unknown), "existence is secret");
    assert_eq!(theirs.0, 404);
}

#[test]
fn a_report_that_is_not_uploaded_is_not_granted() {
    let mut stage = Stage::established();
    let (source, sealed_at) = (stage.path("note.txt"), stage.path("note.age"));
    std::fs::write(&source, b"what was seen").unwrap();
    let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
    let tier = Tier::try_from(2).unwrap();
    let report = stage
        .as_advocate(|desk| {
            let sealed = desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})?;
            Ok(desk.declare(sealed)?.id.into())
        })
        .unwrap();
    let terms = stage.terms(report);
    let prepare = |desk: &mut amana::client::desk::Desk| desk.prepare_grant(&terms);
    // Whether the header is handed out before the payload is there is the policy's to say; a grant is not taken.
    if let Ok(prepared) = stage.as_advocate(prepare) {
        assert_eq!(refusal(give(&mut stage, &prepared.grant, Some(&prepared.header))).0, 422);
    }
    stage.as_advocate(|desk| desk.upload(report, &sealed_at, &mut |_| {})).unwrap();
    stage.grant(&terms);
}

#[test]
fn an_institution_that_is_not_admitted_or_is_suspended_receives_no_grant() {
    let (mut stage, prepared) = prepared();
    let root = amana::cli::founding::identity("newcomer", &*chance()).unwrap();
    let keys = RecoveryKey::generate(&*chance()).public_keys();
    let record = amana::model::institution::InstitutionRecord {
        name: "Another body (fictional)".parse().unwrap(),
        jurisdiction: "Taranda".parse().unwrap(),
        class: amana::model::purpose::RecipientClass::UnMechanism,
        mandate: vec![inquiry()],
        mandate_until: stage.now().plus(Duration::from_days(30)),
    };
    let recipient = root.recipient();
    let key = stage
        .as_somebody(&root, |desk| {
            desk.enrol_institution(record, keys, None)?;
            desk.publish_recipient_key("unit".parse().unwrap(), recipient.clone())
        })
        .unwrap();
    let mut grant = prepared.grant.clone();
    (grant.institution, grant.recipient_key, grant.recipient) = (root.party_id(), key.id, root.recipient());
    assert_eq!(refusal(give(&mut stage, &grant, Some(&prepared.header))).0, 422);
    let institution = stage.cast.institution.party_id();
    let admin = stage.cast.administrator(0).unwrap();
    let given: GrantId = give(&mut stage, &prepared.grant, Some(&prepared.header)).unwrap().id.into();
    let suspend = |desk: &mut amana::client::desk::Desk| {
        desk.suspend(institution, SuspensionAct::Suspend, "inquiry".parse().unwrap())
    };
    stage.as_somebody(&admin, suspend).unwrap();
    assert_eq!(refusal(give(&mut stage, &prepared.grant, Some(&prepared.header))).0, 422);
    let denied = stage.as_officer(|desk| desk.request_release(given, &inquiry())).map(|_| ()).unwrap_err();
    assert_eq!(problem(&denied).reasons[0].id, "institution-suspended");
}

#[test]
fn a_header_is_the_one_whose_digest_was_signed() {
    let (mut stage, prepared) = prepared();
    let mut other = prepared.header.clone();
    *other.last_mut().unwrap() ^= 1;
    let sizes = stage.sizes();
    assert_eq!(refusal(give(&mut stage, &prepared.grant, Some(&other))).0, 422);
    assert_eq!(refusal(give(&mut stage, &prepared.grant, Some(b""))).0, 422);
    assert_eq!(stage.sizes(), sizes);
    give(&mut stage, &prepared.grant, Some(&prepared.header)).unwrap();
}

#[test]
fn a_grant_without_its_header_releases_nothing_until_the_second_yes() {
    let (mut stage, prepared) = prepared();
    let grant: GrantId = stage.as_advocate(|desk| desk.give(&prepared, HeaderGoes::Later)).unwrap().id.into();
    let denied = stage.as_officer(|desk| desk.request_release(grant, &inquiry())).map(|_| ()).unwrap_err();
    assert_eq!(problem(&denied).reasons[0].id, "grant-not-active");
    let mut wrong = prepared.header.clone();
    wrong[40] ^= 1;
    let refused = stage.as_advocate(|desk| desk.send_header(grant, wrong));
    assert_eq!(refusal(refused).0, 422);
    let other = amana::cli::founding::identity("other", &*chance()).unwrap();
    let keys = RecoveryKey::generate(&*chance()).public_keys();
    stage.as_somebody(&other, |desk| desk.enrol(EnrolmentRole::Advocate {}, keys, None)).unwrap();
    let header = prepared.header.clone();
    assert_eq!(refusal(stage.as_somebody(&other, |desk| desk.send_header(grant, header))).0, 404);
    let header = prepared.header.clone();
    assert_eq!(refusal(stage.as_officer(|desk| desk.send_header(grant, header))).0, 404);
    assert!(stage.as_officer(|desk| desk.request_release(grant, &inquiry())).is_err());
    let header = prepared.header.clone();
    stage.as_advocate(|desk| desk.send_header(grant, header)).unwrap();
    stage.as_officer(|desk| desk.request_release(grant, &inquiry())).unwrap();
    let header = prepared.header.clone();
    assert!(stage.as_advocate(|desk| desk.send_header(grant, header)).is_err(), "a header arrives once");
    stage.audit("audit");
}

#[test]
fn the_same_grant_sent_again_with_its_header_is_completed_by_the_named_header_only() {
    let (mut stage, prepared) = prepared();
    let text = stage.as_advocate(|desk| desk.sign(&prepared.grant, None, None)).unwrap();
    let advocate = copy(&stage.cast.advocate);
    let raw = stage.raw();
    let session = raw.sign_in(&advocate);
    let first = session.post("/v1/grants", &json!({ "statement": text })).accepted();
    let grant: GrantId = first.id.into();
    let other = session.post("/v1/grants", &json!({ "statement": text, "header": b64(b"another header") }));
    assert_eq!(other.status, 422);
    assert!(stage.as_officer(|desk| desk.request_release(grant, &inquiry())).is_err());
    let again = session.post("/v1/grants", &json!({ "statement": text, "header": b64(&prepared.header) })).accepted();
    assert_eq!((first.id, first.index), (again.id, again.index));
    stage.as_officer(|desk| desk.request_release(grant, &inquiry())).unwrap();
}

/// Seals the case of the sample as it is: with a consent register narrower than any grant by name.
fn sample_original(stage: &mut Stage) -> amana::model::ids::ReportId {
    let case = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let today = amana::client::consent::date_of(stage.now()).unwrap();
    let plan = Plan::of(std::slice::from_ref(&case), ManifestDraft::default(), &mut |_| {}).unwrap();
    let plan = plan.rebased(today).unwrap();
    let sealed_at = stage.path("original.age");
    stage.as_advocate(|desk| publish(desk, &plan, &sealed_at)).unwrap()
}

#[test]
fn a_grant_wider_than_the_persons_consent_never_leaves_the_device() {
    let mut stage = Stage::established();
    let report = sample_original(&mut stage);
    let terms = stage.terms(report);
    let sizes = stage.sizes();
    let refused = stage.as_advocate(|desk| desk.prepare_grant(&terms)).map(|_| ()).unwrap_err();
    let words = refused.to_string();
    assert!(words.contains("wider than what the persons"), "{words}");
    assert!(words.contains("V-0"), "the persons are named by their codes: {words}");
    assert_eq!(stage.sizes(), sizes, "not even the own header was fetched");
}

#[test]
fn an_answer_belongs_to_its_request() {
    let (mut stage, prepared) = prepared();
    let other = stage.report("second.txt", b"something else");
    let owner = stage.cast.advocate.recipient();
    let mut ask = |report, days| {
        let (basis, deadline) = ("resolution 1".parse().unwrap(), stage.now().plus(Duration::from_days(days)));
        let asking = Asking::for_access(report, owner.clone(), vec![inquiry()], basis, deadline);
        stage.as_officer(|desk| desk.ask_for_access(&asking)).unwrap().id
    };
    let (about_other, about_this, short) =
        (ask(other, 5), ask(prepared.grant.report, 5), ask(prepared.grant.report, 1));
    let answering = |request: Digest| Grant { answers: Some(request.into()), ..prepared.grant.clone() };
    let header = Some(prepared.header.as_slice());
    assert_eq!(refusal(give(&mut stage, &answering(about_other), header)).0, 422);
    assert_eq!(refusal(give(&mut stage, &answering(Digest::of(b"no request")), header)).0, 404);
    stage.clock.pass(Duration::from_days(2));
    assert_eq!(refusal(give(&mut stage, &answering(short), header)).0, 422);
    give(&mut stage, &answering(about_this), header).unwrap();
}

#[test]
fn consent_due_for_review_releases_nothing() {
    let (mut stage, prepared) = prepared();
    let review = Grant { consent_review_by: stage.now().plus(Duration::from_days(2)), ..prepared.grant.clone() };
    let grant: GrantId = give(&mut stage, &review, Some(&prepared.header)).unwrap().id.into();
    stage.clock.pass(Duration::from_days(2));
    let denied = stage.as_officer(|desk| desk.request_release(grant, &inquiry())).map(|_| ()).unwrap_err();
    assert_eq!(problem(&denied).reasons[0].id, "consent-review-due");
    let longer = give(&mut stage, &prepared.grant, Some(&prepared.header)).unwrap().id.into();
    stage.as_officer(|desk| desk.request_release(longer, &inquiry())).unwrap();
}

/// P2, first half. The other half, that an auditor finds a release without a grant, is in `auditing`.
#[test]
fn promise_02_neither_broker_nor_administrator_can_make_a_grant() {
    let (mut stage, prepared) = prepared();
    let sizes = stage.sizes();
    let admin = stage.cast.administrator(0).unwrap();
    let log_key = std::fs::read_to_string(stage.path("broker/keys/case.key")).unwrap();
    let mut seed = [0; 32];
    hex::decode_to_slice(log_key.trim(), &mut seed).unwrap();
    let broker = ed25519_dalek::SigningKey::from_bytes(&seed);
    let header = b64(&prepared.header);
    let body = json!(prepared.grant);
    let forged_by_admin = stage.statement(&admin, "amana-grant-v1+jwt", None, None, &body);
    let advocate = copy(&stage.cast.advocate);
    let good = stage.statement(&advocate, "amana-grant-v1+jwt", None, None, &body);
    let (jose, claims) = crate::raw::parts(&good);
    // The administrator in the advocate's name: with the advocate's kid, and with the advocate's iss.
    let with_kid = jws(&jose, &claims, admin.signing_key());
    let with_iss = reclaimed(&forged_by_admin, admin.signing_key(), |c| c["iss"] = json!(advocate.party_id()));
    let by_broker = jws(&jose, &claims, &broker);
    let raw = stage.raw();
    for who in [&admin, &advocate] {
        let session = raw.sign_in(who);
        for forged in [&forged_by_admin, &with_kid, &with_iss, &by_broker] {
            let answer = session.post("/v1/grants", &json!({ "statement": forged, "header": header }));
            assert!(matches!(answer.refused().0, 400 | 404 | 422), "{}", answer.text());
        }
        // Nor by another door.
        let answer = session.state(&forged_by_admin);
        assert!(answer.status >= 400);
    }
    assert_eq!(stage.sizes(), sizes);
    let session = raw.sign_in(&advocate);
    let grant = session.post("/v1/grants", &json!({ "statement": good, "header": header })).accepted().id;
    // Nor can an administrator or an auditor collect.
    for who in [stage.cast.administrator(1).unwrap(), stage.cast.auditor().unwrap()] {
        let body = json!({
            "grant": grant, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": grant
        });
        let text = stage.statement(&who, "amana-release-request-v1+jwt", Some(grant), None, &body);
        let answer = raw.sign_in(&who).post(&format!("/v1/grants/{grant}/releases"), &json!({ "statement": text }));
        assert_eq!(answer.refused().0, 404);
    }
}
