//! Every endpoint by every caller: what is not theirs is not there.

use crate::{
    raw::{Answer, Raw, Session, b64, fresh_jti},
    stage::{Stage, inquiry},
    uploads::{TUS, Uploader, declared},
};
use amana::{
    cli::demo::cast::copy,
    client::{fetched::Asking, granting::HeaderGoes, identity::Identity},
    http::ROUTES,
    model::{
        ids::{Digest, GrantId, ReleaseId, ReportId, UploadId},
        party::EnrolmentRole,
        time::Duration,
    },
    wire::tus,
};
use serde_json::json;

/// In the order of the columns below.
const CALLERS: [&str; 8] =
    ["anybody", "owner", "other advocate", "officer", "other officer", "administrator", "accreditor", "auditor"];

/// Method, path, and the status each caller gets.
type Line = (&'static str, &'static str, [u16; 8]);

/// The table. A statement by somebody who may not sign it is refused with 422, or 404 where even that would tell.
const TABLE: &[Line] = &[
    ("GET", "/.well-known/oauth-authorization-server", [200; 8]),
    ("GET", "/.well-known/jwks.json", [200; 8]),
    ("POST", "/oauth/token", [401, 401, 401, 401, 401, 401, 401, 401]),
    ("GET", "/healthz", [200; 8]),
    ("GET", "/readyz", [200; 8]),
    ("GET", "/v1/openapi.json", [200; 8]),
    ("GET", "/log/{log}/checkpoint", [200; 8]),
    ("GET", "/log/{log}/tile/{path}", [200; 8]),
    ("GET", "/v1/genesis", [200; 8]),
    ("GET", "/v1/register", [200; 8]),
    ("GET", "/v1/case/checkpoint", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/v1/evidence", [404; 8]),
    ("POST", "/v1/parties", [400; 8]),
    ("POST", "/v1/revocations", [404, 200, 404, 404, 404, 404, 404, 404]),
    ("POST", "/v1/statements", [401, 422, 422, 200, 404, 422, 422, 422]),
    ("GET", "/v1/inbox", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/v1/reports", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/v1/reports", [401, 422, 422, 422, 422, 422, 422, 422]),
    ("PUT", "/v1/reports/{id}/payload", [401, 200, 404, 404, 404, 404, 404, 404]),
    ("GET", "/v1/reports/{id}/payload", [401, 200, 404, 404, 404, 404, 404, 404]),
    ("POST", "/v1/reports/{id}/owner-header", [401, 200, 404, 404, 404, 404, 404, 404]),
    // The owner by the recovery key alone: `statements` tries it.
    ("PUT", "/v1/reports/{id}/owner-header", [401, 422, 404, 404, 404, 404, 404, 404]),
    ("OPTIONS", "/v1/uploads", [204; 8]),
    ("GET", "/v1/uploads", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/v1/uploads", [401, 201, 404, 404, 404, 404, 404, 404]),
    ("OPTIONS", "/v1/uploads/{id}", [204; 8]),
    ("HEAD", "/v1/uploads/{id}", [401, 200, 404, 404, 404, 404, 404, 404]),
    ("PATCH", "/v1/uploads/{id}", [401, 204, 404, 404, 404, 404, 404, 404]),
    ("DELETE", "/v1/uploads/{id}", [401, 204, 404, 404, 404, 404, 404, 404]),
    ("GET", "/v1/requests", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/v1/grants", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/v1/grants", [401, 200, 404, 422, 422, 422, 422, 422]),
    ("POST", "/v1/grants/preview", [401, 200, 404, 422, 422, 422, 422, 422]),
    ("PUT", "/v1/grants/{id}/header", [401, 200, 404, 404, 404, 404, 404, 404]),
    ("POST", "/v1/grants/{id}/releases", [401, 404, 404, 200, 404, 404, 404, 404]),
    ("GET", "/v1/releases/{id}/report.age", [401, 404, 404, 200, 404, 404, 404, 404]),
    ("GET", "/v1/disclosure", [401, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/v1/audit/bundle", [401, 404, 404, 404, 404, 404, 404, 200]),
    // Last: it is the owner who is frozen, and nothing above goes on after it.
    ("POST", "/v1/freezes", [404, 200, 404, 404, 404, 200, 404, 404]),
];

#[test]
fn no_route_is_missing_from_the_table() {
    let mut routes: Vec<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    let mut table: Vec<_> = TABLE.iter().map(|(method, path, _)| (*method, *path)).collect();
    routes.sort_unstable();
    table.sort_unstable();
    assert_eq!(routes, table);
}

/// Somebody else's world, and what to try in it.
struct World {
    stage: Stage,
    callers: Vec<Option<Identity>>,
    report: ReportId,
    pending: GrantId,
    pending_header: Vec<u8>,
    released: ReleaseId,
    uploads: u8,
}

fn world() -> World {
    let mut stage = Stage::established();
    let entropy = stage.cast.entropy();
    let identity = |label: &str| amana::cli::founding::identity(label, &*entropy).unwrap();
    let other_advocate = identity("other-advocate");
    let recovery = || amana::client::identity::RecoveryKey::generate(&*entropy).public_keys();
    let keys = recovery();
    stage.as_somebody(&other_advocate, |desk| desk.enrol(EnrolmentRole::Advocate {}, keys, None)).unwrap();
    let (other_root, other_officer) = (identity("other-root"), identity("other-officer"));
    let record = amana::model::institution::InstitutionRecord {
        name: "Another body (fictional)".parse().unwrap(),
        jurisdiction: "Taranda".parse().unwrap(),
        class: amana::model::purpose::RecipientClass::UnMechanism,
        mandate: vec![inquiry()],
        mandate_until: stage.now().plus(Duration::from_days(30)),
    };
    let (keys, until, officer_key) = (recovery(), stage.now().plus(Duration::from_days(9)), other_officer.public_key());
    let proposal = {
        stage
            .as_somebody(&other_root, |desk| {
                desk.enrol_institution(record, keys, None)?;
                desk.appoint(officer_key, "unit".parse().unwrap(), until)
            })
            .unwrap();
        let first = stage.cast.administrator(0).unwrap();
        stage.as_somebody(&first, |desk| desk.admit(other_root.party_id())).unwrap().id
    };
    let second = stage.cast.administrator(1).unwrap();
    stage.as_somebody(&second, |desk| desk.approve(proposal)).unwrap();
    let report = stage.report("note.txt", b"what was seen");
    let terms = stage.terms(report);
    let collected = stage.grant(&terms);
    let released = stage.as_officer(|desk| desk.request_release(collected, &inquiry())).unwrap().release;
    let (pending, pending_header) = stage
        .as_advocate(|desk| {
            let prepared = desk.prepare_grant(&terms)?;
            Ok((desk.give(&prepared, HeaderGoes::Later)?.id.into(), prepared.header))
        })
        .unwrap();
    let callers = vec![
        None,
        Some(copy(&stage.cast.advocate)),
        Some(other_advocate),
        Some(copy(&stage.cast.officer)),
        Some(other_officer),
        Some(stage.cast.administrator(2).unwrap()),
        Some(copy(&stage.cast.founded.accreditors[0])),
        Some(stage.cast.auditor().unwrap()),
    ];
    stage.broker.as_ref().unwrap().publish().unwrap();
    World { stage, callers, report, pending, pending_header, released, uploads: 0 }
}

impl World {
    /// A grant that can still be collected or withdrawn.
    fn live_grant(&mut self) -> GrantId {
        let terms = self.stage.terms(self.report);
        self.stage.grant(&terms)
    }

    /// The most a caller could try at an endpoint: a request that would succeed if it were theirs.
    fn try_at(&mut self, method: &str, path: &str, who: Option<&Identity>) -> Answer {
        let nobody = amana::cli::founding::identity("nobody", &*self.stage.cast.entropy()).unwrap();
        let signer = copy(who.unwrap_or(&nobody));
        let body = match (method, path) {
            ("POST", "/v1/evidence") => json!({ "checkpoint": "not ours\n" }),
            ("POST", "/v1/revocations") => {
                let grant = self.live_grant();
                let due = self.stage.now().plus(Duration::from_days(9));
                let by = "provider";
                let body = json!({ "scopes": ["all"], "withdrawn_by": by, "answer_due": due });
                self.signed(&signer, "amana-revocation-v1+jwt", Some(grant.into()), &body)
            }
            ("POST", "/v1/statements") => {
                let deadline = self.stage.now().plus(Duration::from_days(9));
                let other = self.callers[4].as_ref().is_some_and(|other| other.key_id() == signer.key_id());
                // The other officer only guesses what the report is called.
                let report = if other { Digest::of(b"a guess").into() } else { self.report };
                let body = json!({
                    "kind": "access", "report": report, "purposes": ["commission-of-inquiry"], "legal_basis": "x",
                    "deadline": deadline,
                });
                self.signed(&signer, "amana-request-v1+jwt", None, &body)
            }
            ("POST", "/v1/reports") => {
                // The same payload once more: one report, one content, whoever declares it.
                let report = self.report;
                let list = self.stage.as_advocate(|desk| desk.reports()).unwrap();
                let report = list.into_iter().find(|summary| summary.id == report).unwrap().report;
                let mut body = self.signed(&signer, "amana-report-v1+jwt", None, &json!(report));
                body["owner_header"] = json!(b64("not that header"));
                body
            }
            ("POST", "/v1/grants") => {
                let terms = self.stage.terms(self.report);
                let prepared = self.stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
                let mut body = self.signed(&signer, "amana-grant-v1+jwt", None, &json!(prepared.grant));
                body["header"] = json!(b64(&prepared.header));
                body
            }
            ("POST", "/v1/grants/preview") => {
                let terms = self.stage.terms(self.report);
                let prepared = self.stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap();
                json!({ "grant": prepared.grant })
            }
            ("POST", "/v1/freezes") => {
                let body = json!({ "party": self.stage.cast.advocate.party_id(), "lift": { "recovery": {} } });
                self.signed(&signer, "amana-freeze-v1+jwt", None, &body)
            }
            ("PUT", "/v1/reports/{id}/owner-header") => self.own_header_anew(&signer),
            ("PUT", "/v1/reports/{id}/payload") => json!({ "upload": UploadId::from_bytes([9; 16]) }),
            ("PUT", "/v1/grants/{id}/header") => json!({ "header": b64(&self.pending_header) }),
            ("POST", "/v1/grants/{id}/releases") => {
                let grant = self.live_grant();
                let body = json!({
                    "grant": grant, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": grant,
                });
                let signed = self.signed(&signer, "amana-release-request-v1+jwt", Some(grant.into()), &body);
                let raw = self.stage.raw();
                return call(&raw, who, method, &format!("/v1/grants/{grant}/releases"), &signed.to_string());
            }
            _ => json!({}),
        };
        if path.starts_with("/v1/uploads") {
            return self.try_upload(method, path, who);
        }
        let id = match path {
            "/v1/grants/{id}/header" => self.pending.to_string(),
            "/v1/releases/{id}/report.age" => self.released.to_string(),
            _ => self.report.to_string(),
        };
        let text = if method == "GET" { String::new() } else { body.to_string() };
        let path = path.replace("{log}", "case").replace("{path}", "entries/000.p/1");
        call(&self.stage.raw(), who, method, &path.replace("{id}", &id), &text)
    }

    /// The owner header as it is, stated once more: nothing but its signature is new.
    fn own_header_anew(&mut self, signer: &Identity) -> serde_json::Value {
        let (report, owner) = (self.report, copy(&self.stage.cast.advocate));
        let raw = self.stage.raw();
        let answer = raw.sign_in(&owner).send_text("POST", &format!("/v1/reports/{report}/owner-header"), "{}");
        let header: amana::wire::api::OwnerHeader = answer.json();
        let digest = Digest::of(&header.header.0);
        let body = json!({ "report": report, "owner_header": digest, "owner_recipient": owner.recipient() });
        let (about, typ) = (Some(report.into()), "amana-owner-header-v1+jwt");
        let text = self.stage.statement(signer, typ, about, about, &body);
        json!({ "statement": text, "owner_header": header.header })
    }

    /// At an upload of the owner's, begun for this try.
    fn try_upload(&mut self, method: &str, path: &str, who: Option<&Identity>) -> Answer {
        self.uploads += 1;
        let declared = declared(&mut self.stage, &format!("upload-{}.txt", self.uploads), &[self.uploads; 2000]);
        let owner = Uploader::advocate(&self.stage);
        // What earlier tries left would come up against the bound on uploads under way.
        let listed = owner.0.ask("GET", "/v1/uploads", "", b"").unwrap().json::<serde_json::Value>();
        for item in listed["items"].as_array().unwrap() {
            let left = format!("/v1/uploads/{}", item["id"].as_str().unwrap());
            assert_eq!(owner.0.ask("DELETE", &left, TUS, b"").unwrap().status, 204);
        }
        let theirs = owner.begin(declared.report, declared.payload.len());
        let path = if path.ends_with("{id}") { theirs } else { path.to_owned() };
        let raw = self.stage.raw();
        let mut headers = match who {
            None => Vec::new(),
            Some(who) => raw.sign_in(who).credentials(method, &path),
        };
        headers.push(("tus-resumable", "1.0.0".to_owned()));
        let body: &[u8] = match method {
            "POST" => {
                headers.push(("upload-length", declared.payload.len().to_string()));
                headers.push(("upload-metadata", tus::metadata(declared.report)));
                b""
            }
            "PATCH" => {
                headers.push(("upload-offset", "0".to_owned()));
                headers.push(("content-type", tus::PART.to_owned()));
                b"some"
            }
            _ => b"",
        };
        raw.send(method, &path, &headers, body)
    }

    fn signed(
        &mut self,
        who: &Identity,
        typ: &str,
        subject: Option<Digest>,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        json!({ "statement": self.stage.statement(who, typ, subject, None, body) })
    }
}

fn call(raw: &Raw, who: Option<&Identity>, method: &str, path: &str, body: &str) -> Answer {
    if path == "/oauth/token" {
        return raw.ask_token("x", &[]).status_of_client(raw);
    }
    match who {
        None => raw.send(method, path, &[crate::raw::json_type()], body.as_bytes()),
        Some(who) => {
            let session: Session<'_> = raw.sign_in(who);
            session.send_text(method, path, body)
        }
    }
}

impl Answer {
    /// Being asked for a nonce says nothing about the client: asks once more, with one.
    fn status_of_client(self, raw: &Raw) -> Self {
        assert_eq!(self.status, 400);
        let key = ed25519_dalek::SigningKey::from_bytes(&rand::random());
        let proof = crate::raw::proof(&raw.proof_claims("POST", "/oauth/token", None), &key);
        raw.ask_token("x", &[proof])
    }
}

#[test]
fn every_caller_gets_the_documented_answer_at_every_endpoint() {
    let mut world = world();
    let callers: Vec<_> = world.callers.iter().map(|who| who.as_ref().map(copy)).collect();
    for (method, path, expected) in TABLE {
        // The owner's turn comes last: it may use up what the others try.
        let mut turns: Vec<usize> = (0..CALLERS.len()).collect();
        turns.sort_by_key(|turn| expected[*turn] < 300);
        for turn in turns {
            let answer = world.try_at(method, path, callers[turn].as_ref());
            let who = CALLERS[turn];
            assert_eq!(answer.status, expected[turn], "{method} {path} by {who}: {}", answer.text());
            let deviation = crate::openapi::deviation(method, path, &answer);
            assert_eq!(deviation, None, "{method} {path} by {who} is not as documented: {}", answer.text());
        }
    }
}

#[test]
fn what_is_not_there_and_what_is_not_theirs_look_the_same() {
    let mut world = world();
    let stranger = copy(world.callers[4].as_ref().unwrap());
    let live = world.live_grant();
    let raw = world.stage.raw();
    let unknown = Digest::of(b"nothing has this name").to_string();
    let upload = UploadId::from_bytes([9; 16]);
    let paths = |id: &str, grant: &str, release: &str| {
        [
            ("PUT", format!("/v1/reports/{id}/payload"), json!({ "upload": upload }).to_string()),
            ("GET", format!("/v1/reports/{id}/payload"), String::new()),
            ("POST", format!("/v1/reports/{id}/owner-header"), "{}".to_owned()),
            (
                "PUT",
                format!("/v1/reports/{id}/owner-header"),
                json!({ "statement": "x", "owner_header": "AAAA" }).to_string(),
            ),
            ("PUT", format!("/v1/grants/{grant}/header"), json!({ "header": "AAAA" }).to_string()),
            ("GET", format!("/v1/releases/{release}/report.age"), String::new()),
        ]
    };
    let theirs = paths(&world.report.to_string(), &live.to_string(), &world.released.to_string());
    let nothing = paths(&unknown, &unknown, &unknown);
    let malformed = paths("x", "x", "x");
    for ((one, two), three) in theirs.iter().zip(&nothing).zip(&malformed) {
        let answers = [one, two, three].map(|(method, path, body)| call(&raw, Some(&stranger), method, path, body));
        for answer in &answers {
            assert_eq!((answer.status, answer.text()), (404, answers[1].text()), "{} {}", one.0, one.1);
        }
    }
    for grant in [live.to_string(), unknown.clone()] {
        let body = json!({
            "grant": grant, "purpose": "commission-of-inquiry", "nonce": fresh_jti(), "conditions_noted": grant
        });
        let subject = grant.parse().unwrap();
        let text = world.stage.statement(&stranger, "amana-release-request-v1+jwt", Some(subject), None, &body);
        let before = world.stage.sizes();
        let text = json!({ "statement": text }).to_string();
        let answer = call(&raw, Some(&stranger), "POST", &format!("/v1/grants/{grant}/releases"), &text);
        assert_eq!(answer.refused(), (404, "not-found".to_owned()));
        assert_eq!(world.stage.sizes(), before, "a stranger's question left an entry");
    }
}

#[test]
fn a_list_shows_only_ones_own() {
    let mut world = world();
    let report = world.report;
    let owner = world.stage.cast.advocate.recipient();
    let request = world.stage.as_officer(|desk| {
        let (basis, deadline) = ("resolution 1".parse().unwrap(), desk.now().plus(Duration::from_days(9)));
        desk.ask_for_access(&Asking::for_access(report, owner.clone(), vec![inquiry()], basis, deadline))
    });
    request.unwrap();
    let callers: Vec<_> = world.callers.iter().flatten().map(copy).collect();
    let raw = world.stage.raw();
    for who in &callers {
        let name = who.label().as_str();
        let session = raw.sign_in(who);
        let count = |path: &str| session.fetch(path).json::<serde_json::Value>()["items"].as_array().unwrap().len();
        let expected = match name {
            "advocate" => (1, 2, 1),
            "officer" => (0, 2, 1),
            _ => (0, 0, 0),
        };
        assert_eq!((count("/v1/reports"), count("/v1/grants"), count("/v1/requests")), expected, "{name}");
    }
}

#[test]
fn other_methods_and_paths_are_not_there() {
    let stage = Stage::founded();
    let raw = stage.raw();
    for (method, path) in [
        ("DELETE", "/v1/reports"),
        ("PATCH", "/v1/grants"),
        ("GET", "/v1/statements"),
        ("POST", "/v1/genesis"),
        ("GET", "/v1"),
        ("POST", "/"),
        ("GET", "/v1/reports/"),
        ("GET", "/admin"),
        ("GET", "/v1/%2e%2e/genesis"),
    ] {
        let answer = raw.send(method, path, &[], b"");
        assert_eq!(answer.refused(), (404, "not-found".to_owned()), "{method} {path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(raw.fetch("/v1/register?from=x").refused().0, 400);
    assert_eq!(raw.fetch("/v1/register?since=1").refused().0, 400);
    assert_eq!(raw.fetch("/v1/register?from=99999999999999").status, 200);
    let auditor = stage.cast.auditor().unwrap();
    let session = raw.sign_in(&auditor);
    let beyond = session.send_text("GET", "/v1/case/checkpoint?from=18446744073709551615", "");
    assert_eq!(beyond.refused().0, 404);
}
