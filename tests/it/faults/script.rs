//! What everybody will say in the story, signed once: the same texts serve every run and, from a file, every process.

use crate::stage::{self, Stage};
use amana::{
    client::{
        identity::{Identity, RecoveryKey, to_age},
        report::{ManifestDraft, Plan},
        rewrap,
    },
    model::{
        grant::{Grant, Revocation, Scope, WithdrawnBy},
        ids::{Digest, GrantId, Jti, KeyId, Nonce, PartyId, ReportId},
        institution::{Approval, CaseMatter, OfficerAppointment},
        keys::Handover,
        party::{EnrolmentRole, Holder, PartyEnrolment},
        release::{Acknowledgement, Outcome, ReleaseRequest},
        report::{AfterWithdrawal, Report, ReportKind, Tier, Withdrawal},
        time::Duration,
    },
    wire::{
        header::Header,
        statement::{self, Claims, Seen, StatementBody},
    },
};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fs, path::Path};
use tempfile::TempDir;

/// Somebody who plays.
#[derive(Clone, Serialize, Deserialize)]
pub struct Player {
    pub seed: [u8; 32],
    pub key: KeyId,
    pub party: PartyId,
    pub holder: Holder,
}

impl Player {
    fn of(who: &Identity, holder: Holder) -> Self {
        Self { seed: who.signing_key().to_bytes(), key: who.key_id(), party: who.party_id(), holder }
    }
    fn recovery(of: &Identity, key: &RecoveryKey) -> Self {
        let (seed, id) = (key.signing_key().to_bytes(), key.public_keys().signing_key.thumbprint());
        Self { seed, key: id, party: of.party_id(), holder: Holder::Recovery {} }
    }
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.seed)
    }
}

/// A grant, its wrapped header, one release and its acknowledgement.
#[derive(Clone, Serialize, Deserialize)]
pub struct Gift {
    pub grant: String,
    pub header: Vec<u8>,
    pub request: String,
    pub acknowledgement: String,
}

impl Gift {
    pub fn id(&self) -> GrantId {
        digest(&self.grant).into()
    }
}

/// Everything that is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Script {
    pub advocate: Player,
    pub officer: Player,
    pub auditor: Player,
    pub enrolment: String,
    pub report: String,
    pub owner_header: Vec<u8>,
    pub payload: Vec<u8>,
    /// Given with its header, released, revoked.
    pub given: Gift,
    /// Its header comes late; it ends by itself when its one release is acknowledged.
    pub late: Gift,
    pub revocation: String,
    /// Asked for after the revocation.
    pub too_late: String,
    /// At the end the report goes to other hands, and is erased there.
    pub heir: Heir,
    /// Files of uploads that were there before.
    pub files_before: BTreeSet<String>,
}

/// Whoever takes the report over, and erases it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Heir {
    pub newcomer: Player,
    /// Signs that the report is erased.
    pub recovery: Player,
    /// The advocate's recovery key gives the report away.
    pub giver: Player,
    pub offer: String,
    pub header: Vec<u8>,
    pub taking: String,
    pub withdrawal: String,
    pub agreement: String,
}

pub fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A founded folder in which the institution may collect, and what will be said about it.
pub struct Template {
    dir: TempDir,
}

impl Template {
    pub fn make() -> Self {
        let mut stage = Stage::established();
        let base = stage.report("base.txt", b"an earlier report");
        let mut terms = stage.terms(base);
        terms.max_releases = 2;
        let grant = stage.as_advocate(|desk| desk.prepare_grant(&terms)).unwrap().grant;
        let seen = stage.as_advocate(|desk| Ok(desk.seen())).unwrap();
        let sealed_at = stage.path("story.age");
        let source = stage.path("story.txt");
        fs::write(&source, [9; 30_000]).unwrap();
        let plan = Plan::of(&[source], ManifestDraft::default(), &mut |_| {}).unwrap();
        let tier = Tier::try_from(2).unwrap();
        let sealed =
            stage.as_advocate(|desk| desk.seal(&plan, tier, ReportKind::Original, &sealed_at, &mut |_| {})).unwrap();
        let payload = fs::read(&sealed_at).unwrap().split_off(sealed.owner_header.len());
        let mut script = Writer { stage: &stage, seen, grant }.script(&sealed.report, sealed.owner_header, payload);
        stage.stop();
        let uploads = fs::read_dir(stage.path("broker/data/uploads")).unwrap();
        script.files_before = uploads.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let dir = stage.dir;
        fs::write(dir.path().join("broker/script.json"), serde_json::to_vec(&script).unwrap()).unwrap();
        Self { dir }
    }

    /// The same folder again.
    pub fn copy(&self) -> TempDir {
        let to = tempfile::tempdir().unwrap();
        copy_folder(&self.dir.path().join("broker"), to.path());
        to
    }
}

impl Script {
    /// As the folder of a run holds it.
    pub fn read(folder: &Path) -> Self {
        serde_json::from_slice(&fs::read(folder.join("script.json")).unwrap()).unwrap()
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Signs for everybody.
struct Writer<'s> {
    stage: &'s Stage,
    seen: Seen,
    grant: Grant,
}

impl Writer<'_> {
    fn script(&self, report: &Report, owner_header: Vec<u8>, payload: Vec<u8>) -> Script {
        let cast = &self.stage.cast;
        let newcomer = self.stage.somebody("newcomer");
        let recovery = RecoveryKey::generate(&*cast.entropy());
        let enrolment = PartyEnrolment {
            signing_key: newcomer.public_key(),
            recipient: newcomer.recipient(),
            recovery: recovery.public_keys(),
            role: EnrolmentRole::Advocate {},
        };
        let text = self.sign(&cast.advocate, None, None, report.clone());
        let gift = |max| self.gift(digest(&text).into(), report, &owner_header, max);
        let (given, late) = (gift(2), gift(1));
        let heir = self.heir(&newcomer, &recovery, digest(&text).into(), &owner_header);
        let revocation = Revocation {
            scopes: vec![Scope::All],
            withdrawn_by: WithdrawnBy::Provider,
            answer_due: self.stage.now().plus(Duration::from_days(30)),
        };
        let chain = Some(digest(&given.acknowledgement));
        let too_late = self.request(given.id(), chain);
        let appointment = OfficerAppointment {
            institution: cast.institution.party_id(),
            signing_key: cast.officer.public_key(),
            unit: "evidence unit".parse().unwrap(),
            until: self.stage.now().plus(Duration::from_days(365)),
        };
        Script {
            advocate: Player::of(&cast.advocate, Holder::Advocate {}),
            officer: Player::of(&cast.officer, Holder::Officer(appointment)),
            auditor: Player::of(&cast.auditor().unwrap(), Holder::Auditor {}),
            enrolment: self.sign(&newcomer, None, None, enrolment),
            report: text,
            revocation: self.sign(&cast.advocate, Some(given.id().into()), None, revocation),
            owner_header,
            payload,
            given,
            late,
            too_late,
            heir,
            files_before: BTreeSet::new(),
        }
    }

    fn gift(&self, id: ReportId, report: &Report, owner_header: &[u8], max_releases: u32) -> Gift {
        let cast = &self.stage.cast;
        let owner = Header::parse_exact(owner_header).unwrap();
        let recipient = to_age(&cast.unit.recipient()).unwrap();
        let header = rewrap::rewrap(&owner, cast.advocate.age_identity(), &[&recipient]).unwrap();
        let header = header.as_bytes().to_vec();
        let grant = Grant { report: id, header: Digest::of(&header), max_releases, ..self.grant.clone() };
        let grant = self.sign(&cast.advocate, None, None, grant);
        let gift = GrantId::from(digest(&grant));
        let request = self.request(gift, None);
        let release = digest(&request);
        let (payload_sha256, key_commitment) = (report.payload_sha256, report.key_commitment);
        let outcome = Outcome::Opened { payload_sha256, key_commitment };
        let opened = Acknowledgement { grant: gift, release: release.into(), outcome };
        let acknowledgement = self.sign(&cast.officer, Some(gift.into()), Some(release), opened);
        Gift { grant, header, request, acknowledgement }
    }

    fn heir(&self, newcomer: &Identity, own: &RecoveryKey, report: ReportId, owner_header: &[u8]) -> Heir {
        let cast = &self.stage.cast;
        let header = Header::parse_exact(owner_header).unwrap();
        let theirs = [newcomer.recipient(), own.public_keys().recipient].map(|to| to_age(&to).unwrap());
        let header = rewrap::rewrap(&header, cast.advocate.age_identity(), &[&theirs[0], &theirs[1]]).unwrap();
        let header = header.as_bytes().to_vec();
        let (giver, recovery) =
            (Player::recovery(&cast.advocate, &self.stage.recovery()), Player::recovery(newcomer, own));
        let (owner_recipient, newcomer) = (newcomer.recipient(), Player::of(newcomer, Holder::Advocate {}));
        let offered = Handover { report, to: newcomer.party, owner_header: Digest::of(&header), owner_recipient };
        let offer = self.sign_as(&giver, Some(report.into()), Some(report.into()), offered);
        let agrees = |who: &Player, with: &str, matter| {
            let approval = Approval { approves: digest(with), matter: Some(matter) };
            self.sign_as(who, Some(digest(with)), None, approval)
        };
        let taking = agrees(&newcomer, &offer, CaseMatter::Handover);
        let erased = Withdrawal { report, then: AfterWithdrawal::Erase };
        let withdrawal = self.sign_as(&newcomer, Some(report.into()), None, erased);
        let agreement = agrees(&recovery, &withdrawal, CaseMatter::Withdrawal);
        Heir { newcomer, recovery, giver, offer, header, taking, withdrawal, agreement }
    }

    fn request(&self, grant: GrantId, prev: Option<Digest>) -> String {
        let nonce = Nonce::from_bytes(rand::random());
        let body = ReleaseRequest { grant, purpose: stage::inquiry(), nonce, conditions_noted: grant };
        self.sign(&self.stage.cast.officer, Some(grant.into()), prev, body)
    }

    fn sign<B: StatementBody>(&self, who: &Identity, subject: Option<Digest>, prev: Option<Digest>, body: B) -> String {
        self.sign_as(&Player::of(who, Holder::Advocate {}), subject, prev, body)
    }

    fn sign_as<B: StatementBody>(
        &self,
        who: &Player,
        subject: Option<Digest>,
        prev: Option<Digest>,
        body: B,
    ) -> String {
        let now = self.stage.now();
        let ordered = B::KIND != amana::model::statement::Kind::Revocation;
        let claims = Claims {
            iss: who.party,
            aud: self.stage.cast.founded.genesis.digest(),
            jti: Jti::from_bytes(rand::random()),
            iat: now,
            submit_by: now.plus(Duration::from_days(1)),
            subject,
            prev,
            seen: ordered.then_some(self.seen),
            body,
        };
        statement::sign(&claims, &who.signing_key()).unwrap()
    }
}
