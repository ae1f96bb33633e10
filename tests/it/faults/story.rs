//! The story every run tells: each step is repeated, as a client would, until it is done.

use super::{
    check::{HEADER_BEFORE, header_rows},
    plan::Plan,
    script::{Gift, Player, Script, digest},
};
use crate::stage::{TestClock, opening};
use amana::{
    broker::{
        Broker, BrokerError, Caller, Challenge, Connection, ExportedFacts, PartHead, Parts, Quotas, Rates,
        Registration, Shown, TokenError,
    },
    cli::ambient::SystemEntropy,
    model::{
        ambient::Clock as _,
        bundle::Bundle,
        event::Log,
        grant::GrantState,
        ids::{Digest, KeyId, ReportId, UploadId},
        limits,
        report::ReportState,
        rows::{GrantRow, Row as _},
    },
    store::{Store, blob::Blobs, faults::Faults, faulty::Faulty, sqlite::SqliteStore},
    wire::{
        api::BundleLine,
        genesis::SignedGenesis,
        oauth::{self, Assertion, ProofClaims},
        tus::{Checksum, Length},
    },
};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a client was told, and keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Told {
    /// A step was done.
    Step(usize),
    /// A statement was accepted.
    Accepted(Digest),
    /// A header was handed out for a release.
    Header(Digest),
    /// An owner was handed the own header.
    OwnHeader(KeyId),
    /// An upload was begun.
    Upload(UploadId),
    /// So many bytes of it are safe.
    Offset(u64),
    /// The payload is stored.
    Stored,
    /// The grant is revoked.
    Revoked,
    /// A denial was logged.
    Denied(Digest),
    /// The time has come for what was agreed to be erased.
    Due,
    /// The owner saw that it is.
    Erased,
}

/// What clients know; kept in a file where the broker's process may die.
#[derive(Default)]
pub struct Record {
    pub told: Vec<Told>,
    pub file: Option<fs::File>,
}

impl Record {
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        Self { told: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), file: None }
    }
    fn tell(&mut self, told: Told) {
        if let Some(file) = &mut self.file {
            file.write_all(format!("{}\n", serde_json::to_string(&told).unwrap()).as_bytes()).unwrap();
        }
        self.told.push(told);
    }
    pub fn steps_done(&self) -> usize {
        self.told.iter().filter(|told| matches!(told, Told::Step(_))).count()
    }
    pub fn upload(&self) -> Option<UploadId> {
        self.told.iter().rev().find_map(|told| if let Told::Upload(id) = told { Some(*id) } else { None })
    }
    pub fn offset(&self) -> u64 {
        let offsets = self.told.iter().map(|told| if let Told::Offset(at) = told { *at } else { 0 });
        offsets.max().unwrap_or(0)
    }
}

/// A broker on the folder of one run.
pub struct World {
    pub folder: PathBuf,
    pub script: Script,
    pub plan: Arc<Plan>,
    pub clock: Arc<TestClock>,
    pub record: Record,
    /// Files of uploads that were there before the story.
    pub before: BTreeSet<String>,
    running: Option<(Arc<Broker>, Arc<SqliteStore>)>,
}

/// A step did not do what it was asked.
#[derive(Debug)]
pub enum Trouble {
    Broker(BrokerError),
    /// Something of which a caller would conclude what is not so.
    Lie(String),
}

impl From<BrokerError> for Trouble {
    fn from(error: BrokerError) -> Self {
        Self::Broker(error)
    }
}

pub type Done = Result<(), Trouble>;

/// Reads a payload chunk by chunk, as a download does.
async fn read(payload: &amana::broker::Payload) -> Result<Vec<u8>, BrokerError> {
    let (mut whole, mut index) = (Vec::new(), 0);
    while (whole.len() as u64) < payload.bytes() {
        whole.extend(payload.chunk(index).await.map_err(|error| BrokerError::Internal(error.to_string()))?);
        index += 1;
    }
    Ok(whole)
}

/// How many steps the story has.
pub const STEPS: usize = 30;

const URL: &str = "http://127.0.0.1:1";

impl World {
    pub fn on(folder: &Path, plan: Plan, record: Record) -> Self {
        let (folder, script) = (folder.to_owned(), Script::read(folder));
        let before = script.files_before.clone();
        Self { folder, script, plan: Arc::new(plan), clock: TestClock::new(), record, before, running: None }
    }

    /// Does one step once.
    pub async fn attempt(&mut self, step: usize) -> Done {
        self.step(step).await
    }
    pub fn broker(&self) -> Arc<Broker> {
        self.running.as_ref().unwrap().0.clone()
    }
    /// The store behind its points.
    pub fn store(&self) -> Arc<SqliteStore> {
        self.running.as_ref().unwrap().1.clone()
    }
    pub fn report(&self) -> ReportId {
        digest(&self.script.report).into()
    }

    /// Starts the broker; what breaks while it starts is tried again, as whoever runs it would.
    pub async fn start(&mut self) {
        self.running = None;
        let mut failures = Vec::new();
        for _ in 0..200 {
            match self.open() {
                Ok(running) => {
                    self.running = Some(running);
                    return;
                }
                Err(error) => failures.push(error),
            }
            // A task that was begun to stop something may hold the folder for a moment longer.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the broker does not start: {:?}", failures.last());
    }

    fn open(&self) -> Result<(Arc<Broker>, Arc<SqliteStore>), String> {
        let note = fs::read_to_string(self.folder.join("genesis.note")).unwrap();
        let genesis = SignedGenesis::parse(&note).unwrap();
        let (entropy, data) = (SystemEntropy::new(), self.folder.join("data"));
        let faults: Arc<dyn Faults> = self.plan.clone();
        let opening = opening(&self.folder, &genesis, self.clock.clone(), entropy.clone(), faults.clone());
        let store = Arc::new(SqliteStore::open(&data, opening).map_err(|e| format!("{e:?}"))?);
        let parts = Parts {
            store: Arc::new(Faulty::new(store.clone(), faults.clone())),
            blobs: Blobs::open_with(&data, faults).map_err(|e| format!("{e:?}"))?,
            genesis,
            bundle: Bundle::shipped(),
            clock: self.clock.clone(),
            entropy,
            public_url: URL.to_owned(),
            registration: Registration::Loopback,
            quotas: Quotas::default(),
            rates: Rates::default(),
            publishing: amana::broker::Publishing::default(),
            retention: amana::broker::Retention::default(),
        };
        Ok((Broker::new(parts).map_err(|e| format!("{e:?}"))?, store))
    }

    /// Tells the story from where the record ends. `hit` is called after the attempt in which the fault struck.
    pub async fn tell(&mut self, hit: impl FnMut(&mut Self)) {
        self.tell_until(STEPS, hit).await;
    }

    /// As [`World::tell`], up to a step.
    pub async fn tell_until(&mut self, end: usize, mut hit: impl FnMut(&mut Self)) {
        let mut struck = self.plan.fired();
        for step in self.record.steps_done()..end {
            let mut attempts = Vec::new();
            loop {
                let outcome = self.step(step).await;
                if self.plan.fired() && !struck {
                    struck = true;
                    hit(self);
                }
                match outcome {
                    Ok(()) => break,
                    Err(trouble) => attempts.push(honest(trouble, step)),
                }
                assert!(attempts.len() < 5, "step {step} cannot be done: {attempts:?}");
                if self.broker().revoke_only().is_some() {
                    // As `operations.md` says.
                    self.start().await;
                }
            }
            self.record.tell(Told::Step(step));
        }
    }

    async fn step(&mut self, step: usize) -> Done {
        let script = self.script.clone();
        match step {
            0 => self.sign_in().await,
            1 => {
                let accepted = self.broker().enrol(&script.enrolment, Shown::default()).await?;
                self.accepted(accepted.id, &script.enrolment)
            }
            2 => {
                let (text, header) = (&script.report, script.owner_header.clone());
                let accepted = self.broker().declare_report(text, header, &caller(&script.advocate)).await?;
                self.accepted(accepted.id, text)
            }
            3 => self.begin().await,
            4 => self.send(script.payload.len() / 4, Check::None).await,
            5 => self.send(script.payload.len() / 2, Check::Right).await,
            6 => self.cut().await,
            7 => self.send(script.payload.len(), Check::None).await,
            8 => self.publish().await,
            9 => self.give_up_another().await,
            10 => self.give(&script.given, Some(script.given.header.clone())).await,
            11 => self.give(&script.late, None).await,
            12 => self.complete(&script.late).await,
            13 | 14 => self.release(&script.given).await,
            15 => self.download().await,
            16 => self.state(&script.officer, &script.given.acknowledgement).await,
            17 => self.own_header(&script.advocate, &script.owner_header).await,
            18 => self.release(&script.late).await,
            19 => self.state(&script.officer, &script.late.acknowledgement).await,
            20 => self.look().await,
            21 => self.revoke().await,
            22 => self.ask_too_late().await,
            23 => self.sweep().await,
            24 => self.offer().await,
            25 => self.state(&script.heir.newcomer, &script.heir.taking).await,
            26 => self.own_header(&script.heir.newcomer, &script.heir.header).await,
            27 => self.state(&script.heir.newcomer, &script.heir.withdrawal).await,
            28 => self.state(&script.heir.recovery, &script.heir.agreement).await,
            29 => self.erase().await,
            _ => unreachable!("the story has {STEPS} steps"),
        }
    }

    fn accepted(&mut self, id: Digest, text: &str) -> Done {
        same(id, digest(text), "another statement was accepted")?;
        self.record.tell(Told::Accepted(id));
        Ok(())
    }

    async fn sign_in(&mut self) -> Done {
        let (broker, advocate) = (self.broker(), &self.script.advocate);
        let (now, proof_key) = (self.clock.wall(), SigningKey::from_bytes(&rand::random()));
        let jti = || crate::raw::fresh_jti();
        let assertion = Assertion {
            iss: advocate.key,
            sub: advocate.key,
            aud: URL.to_owned(),
            jti: jti(),
            iat: now,
            exp: now.plus(limits::ASSERTION_LIFE),
        };
        let assertion = oauth::sign_assertion(&assertion, &advocate.signing_key()).unwrap();
        let proof = |path: &str, ath| {
            let (htm, htu, nonce) = ("POST".to_owned(), format!("{URL}{path}"), Some(broker.nonce()));
            oauth::sign_proof(&ProofClaims { jti: jti(), htm, htu, iat: now, nonce, ath }, &proof_key).unwrap()
        };
        let shown = proof("/oauth/token", None);
        let challenge = Challenge { proof: Some(&shown), method: "POST", path: "/oauth/token" };
        let token = broker.issue_token(None, &assertion, &challenge).await.map_err(token_trouble)?;
        let shown = proof("/v1/x", Some(oauth::token_hash(&token.access_token)));
        let challenge = Challenge { proof: Some(&shown), method: "POST", path: "/v1/x" };
        let caller = broker.authenticate(&token.access_token, &challenge).map_err(token_trouble)?;
        same(caller.key, advocate.key, "signed in as somebody else")
    }

    /// Begins the upload, or finds the one whose beginning was not answered.
    async fn begin(&mut self) -> Done {
        let (broker, caller) = (self.broker(), caller(&self.script.advocate));
        let found = broker.uploads(&caller)?.items.into_iter().find(|upload| upload.report == Some(self.report()));
        let id = match found {
            Some(upload) => upload.id,
            None => {
                let length = Length::Bytes(self.script.payload.len() as u64);
                broker.begin_upload(length, Some(self.report()), &caller)?.id
            }
        };
        self.record.tell(Told::Upload(id));
        Ok(())
    }

    async fn standing(&mut self) -> Result<u64, Trouble> {
        let id = self.record.upload().unwrap();
        let standing = self.broker().standing(id, &caller(&self.script.advocate)).await?;
        if standing.offset < self.record.offset() {
            return Err(Trouble::Lie(format!("{} bytes were safe, now {}", self.record.offset(), standing.offset)));
        }
        self.plan.is_durable("bytes");
        self.record.tell(Told::Offset(standing.offset));
        Ok(standing.offset)
    }

    async fn send(&mut self, until: usize, check: Check) -> Done {
        let at = self.standing().await? as usize;
        if at >= until {
            return Ok(());
        }
        let bytes = self.script.payload[at..until].to_vec();
        let checksum = match check {
            Check::None => None,
            Check::Right => Some(Checksum::Sha256(*Digest::of(&bytes).as_bytes())),
        };
        let head = PartHead { offset: at as u64, length: None, checksum };
        let id = self.record.upload().unwrap();
        let mut writer = self.broker().begin_part(id, head, &caller(&self.script.advocate)).await?;
        for piece in bytes.chunks(5000) {
            if let Err(error) = writer.write(piece) {
                // As the handler does.
                writer.cut()?;
                return Err(error.into());
            }
        }
        let standing = writer.finish().await?;
        same(standing.offset, until as u64, "another offset than what was sent")?;
        self.plan.is_durable("bytes");
        self.record.tell(Told::Offset(standing.offset));
        Ok(())
    }

    /// A part with a checksum whose link is cut: nothing of it counts.
    async fn cut(&mut self) -> Done {
        let at = self.standing().await?;
        let head = PartHead { offset: at, length: None, checksum: Some(Checksum::Sha256([0; 32])) };
        let id = self.record.upload().unwrap();
        let mut writer = self.broker().begin_part(id, head, &caller(&self.script.advocate)).await?;
        let written = writer.write(b"damaged on the way");
        writer.cut()?;
        written?;
        let now = self.standing().await?;
        same(now, at, "bytes that were never checked count")
    }

    async fn publish(&mut self) -> Done {
        let id = self.record.upload().unwrap();
        let report = self.report();
        let accepted = self.broker().publish_upload(report, id, &caller(&self.script.advocate)).await?;
        same(ReportId::from(accepted.id), report, "another report was stored")?;
        self.plan.is_durable("name");
        self.record.tell(Told::Stored);
        Ok(())
    }

    /// Another upload is begun and given up; also one whose beginning was not answered.
    async fn give_up_another(&mut self) -> Done {
        let (broker, caller) = (self.broker(), caller(&self.script.advocate));
        for upload in broker.uploads(&caller)?.items {
            broker.end_upload(upload.id, &caller).await?;
        }
        let id = broker.begin_upload(Length::Deferred, None, &caller)?.id;
        match broker.end_upload(id, &caller).await {
            Err(BrokerError::NotFound) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn give(&mut self, gift: &Gift, header: Option<Vec<u8>>) -> Done {
        let caller = caller(&self.script.advocate);
        let accepted = self.broker().give_grant(&gift.grant, header, &caller).await?;
        self.accepted(accepted.id, &gift.grant)
    }

    async fn complete(&mut self, gift: &Gift) -> Done {
        let caller = caller(&self.script.advocate);
        match self.broker().complete_grant(gift.id(), gift.header.clone(), &caller).await {
            Ok(_) => Ok(()),
            // Sent before, and the answer was lost: the list says so.
            Err(BrokerError::Refused(_)) => {
                let grants = self.broker().grants(&caller, None)?.items;
                let stands = grants.into_iter().find(|grant| grant.id == gift.id()).map(|grant| grant.state);
                same(stands, Some(GrantState::HeaderReceived {}), "the header was refused")
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn release(&mut self, gift: &Gift) -> Done {
        let (caller, connection) = (caller(&self.script.officer), Connection::default());
        let released = self.broker().release(gift.id(), &gift.request, &caller, &connection).await;
        connection.closed();
        let released = released?;
        self.record.tell(Told::Header(digest(&gift.request)));
        if released.header.0 == gift.header { Ok(()) } else { Err(Trouble::Lie("another header".to_owned())) }
    }

    async fn download(&mut self) -> Done {
        let (caller, connection) = (caller(&self.script.officer), Connection::default());
        let release = digest(&self.script.given.request);
        let download = self.broker().download(release.into(), &caller, &connection).await;
        connection.closed();
        let download = download?;
        self.record.tell(Told::Header(release));
        let payload = read(&download.payload).await?;
        let whole = download.header == self.script.given.header && payload == self.script.payload;
        if whole { Ok(()) } else { Err(Trouble::Lie("another age file".to_owned())) }
    }

    async fn state(&mut self, who: &Player, text: &str) -> Done {
        let accepted = self.broker().submit(text, &caller(who)).await?;
        self.accepted(accepted.id, text)
    }

    async fn offer(&mut self) -> Done {
        let heir = self.script.heir.clone();
        let (report, giver) = (self.report(), caller(&heir.giver));
        let accepted = self.broker().replace_owner_header(report, &heir.offer, heir.header, &giver).await?;
        self.accepted(accepted.id, &heir.offer)
    }

    /// Two weeks later; whoever asks then is told what is there.
    async fn erase(&mut self) -> Done {
        self.clock.pass(limits::ERASE_AFTER);
        self.record.tell(Told::Due);
        if let [header] = &header_rows(&self.folder.join("data/amana.db"), self.report())[..] {
            fs::write(self.folder.join(HEADER_BEFORE), header).unwrap();
        }
        self.broker().sweep_uploads().await?;
        self.broker().erase_withdrawn().await?;
        let listed = self.broker().reports(&caller(&self.script.heir.newcomer), None)?.items;
        match listed.into_iter().find(|summary| summary.id == self.report()).map(|summary| summary.state) {
            Some(ReportState::Erased {}) => {
                self.record.tell(Told::Erased);
                Ok(())
            }
            Some(_) => Err(Trouble::Broker(BrokerError::Busy)),
            None => Err(Trouble::Lie("a report its owner does not see".to_owned())),
        }
    }

    async fn own_header(&mut self, who: &Player, header: &[u8]) -> Done {
        let caller = caller(who);
        let own = self.broker().owner_header(self.report(), &caller).await?;
        self.record.tell(Told::OwnHeader(caller.key));
        if own.header.0 != header {
            return Err(Trouble::Lie("another owner header".to_owned()));
        }
        let payload = read(&self.broker().own_payload(self.report(), &caller).await?).await?;
        if payload == self.script.payload { Ok(()) } else { Err(Trouble::Lie("another payload".to_owned())) }
    }

    /// Whatever can be asked for without changing anything.
    async fn look(&mut self) -> Done {
        let (broker, advocate) = (self.broker(), caller(&self.script.advocate));
        same(broker.reports(&advocate, None)?.items.len(), 2, "reports")?;
        same(broker.grants(&advocate, None)?.items.len(), 2, "grants")?;
        same(broker.requests(&advocate, None)?.items.len(), 0, "requests")?;
        same(broker.uploads(&advocate)?.items.len(), 0, "uploads")?;
        same(broker.register(0)?.entries.is_empty(), false, "an empty register")?;
        broker.case_head(1)?;
        // A second passes: what was found in this one would be told again.
        self.clock.pass(amana::model::time::Duration::from_seconds(1));
        broker.ready().await.map_err(|problem| BrokerError::Internal(problem.title))?;
        same(broker.disclosure(&advocate, 0, None)?.entries.is_empty(), false, "own entries")?;
        let published = broker.publish().await?;
        same(published.len(), 2, "published logs")?;
        for log in [Log::Register, Log::Case] {
            broker.published_checkpoint(log)?;
            broker.published_tile(log, "tile/0/000.p/1")?;
            broker.published_tile(log, "tile/entries/000.p/1")?;
        }
        let mut ended = false;
        let disclosing = broker.disclose(&caller(&self.script.auditor), (0, 0), ExportedFacts::All).await?;
        broker.audit_bundle(&disclosing, &mut |line| {
            ended |= matches!(line, BundleLine::End);
            ControlFlow::Continue(())
        })?;
        same(ended, true, "a bundle without an end")
    }

    async fn revoke(&mut self) -> Done {
        let revoked = self.broker().revoke(&self.script.revocation).await?;
        self.record.tell(Told::Revoked);
        let text = self.script.revocation.clone();
        self.accepted(revoked.accepted.id, &text)?;
        // The header is destroyed by a task; which points it passes must not hang on what comes next. Where it breaks,
        // the sweeper takes it up.
        for _ in 0..60 {
            if self.is_shredded(&self.script.given) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        Ok(())
    }

    fn is_shredded(&self, gift: &Gift) -> bool {
        let fact = self.store().fact(GrantRow::KIND, &gift.id().to_string()).unwrap();
        fact.is_some_and(|(_, row)| {
            let row: GrantRow = serde_json::from_str(&row).unwrap();
            matches!(row.state, GrantState::Shredded { .. })
        })
    }

    async fn ask_too_late(&mut self) -> Done {
        let (caller, connection) = (caller(&self.script.officer), Connection::default());
        let (text, grant) = (self.script.too_late.clone(), self.script.given.id());
        let asked = self.broker().release(grant, &text, &caller, &connection).await;
        connection.closed();
        match asked {
            Err(BrokerError::Denied { receipt: Some(_), .. }) => {
                self.record.tell(Told::Denied(digest(&text)));
                Ok(())
            }
            // Denied before, and the answer was lost.
            Err(BrokerError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Trouble::Lie("a revoked grant released".to_owned())),
        }
    }

    async fn sweep(&mut self) -> Done {
        self.broker().sweep().await?;
        self.broker().sweep_uploads().await?;
        for gift in [&self.script.given, &self.script.late] {
            if !self.is_shredded(gift) {
                return Err(Trouble::Broker(BrokerError::Busy));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Check {
    None,
    Right,
}

pub fn caller(player: &Player) -> Caller {
    Caller { key: player.key, party: player.party, holder: player.holder.clone() }
}

fn token_trouble(error: TokenError) -> Trouble {
    match error {
        TokenError::Broker(error) => Trouble::Broker(error),
        other => Trouble::Lie(format!("{other:?}")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Done {
    if found == expected { Ok(()) } else { Err(Trouble::Lie(format!("{what}: {found:?}, not {expected:?}"))) }
}

/// What broke is the broker's trouble and told as such: an answer that blames the caller would be a lie.
fn honest(trouble: Trouble, step: usize) -> String {
    match &trouble {
        Trouble::Broker(
            BrokerError::Internal(_) | BrokerError::Full | BrokerError::Busy | BrokerError::RevokeOnly(_),
        ) => format!("{trouble:?}"),
        Trouble::Lie(what) => panic!("step {step} was answered with what is not so: {what}"),
        Trouble::Broker(error) => panic!("step {step} blames the caller: {error:?}"),
    }
}
