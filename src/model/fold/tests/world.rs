//! The small world: who is in it, what has happened, and how each of them says something.

use super::*;

pub(super) const OWNER: u8 = 1;
pub(super) const RECOVERY: u8 = 2;
pub(super) const CO_OWNER: u8 = 3;
pub(super) const COLLECTS: u8 = 5;
pub(super) const AGREES: u8 = 6;
pub(super) const ALSO_AGREES: u8 = 7;
pub(super) const NEW_KEY: u8 = 8;
pub(super) const THIRD: u8 = 11;
pub(super) const HOUR: Duration = Duration::from_seconds(3_600);

pub(super) fn public(seed: u8) -> PublicKey {
    PublicKey::from_bytes([seed; 32])
}

pub(super) fn kid(seed: u8) -> KeyId {
    public(seed).thumbprint()
}

pub(super) fn party(seed: u8) -> PartyId {
    PartyId::from_bytes([seed; 32])
}

pub(super) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(super) fn recipient(letter: char) -> AgeRecipient {
    format!("age1{}", letter.to_string().repeat(58)).parse().unwrap()
}

pub(super) fn inquiry() -> Purpose {
    "commission-of-inquiry".parse().unwrap()
}

pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Timestamp,
    pub(super) entries: u64,
    pub(super) report: ReportId,
}

impl World {
    /// A stored report of a tier, of which so many of two owners have to agree with a grant.
    pub(super) fn with(tier: u8, owners_needed: u32) -> Self {
        let report = ReportId::from(digest("report"));
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut world = Self { state: State::default(), now, entries: 1, report };
        let office = || Office { keys: Vec::new(), threshold: 2 };
        let genesis = Genesis {
            v: 1,
            origin: "broker.invalid".to_owned(),
            at: now,
            log_keys: crate::model::genesis::LogKeys { register: public(90), case: public(91) },
            witnesses: Vec::new(),
            witness_quorum: 0,
            roles: Roles { administrators: office(), accreditors: office(), auditors: office(), council: office() },
            bundle: digest("bundle"),
            taxonomy: digest("taxonomy"),
        };
        let roster = RosterRow { number: 0, roster: Roster::of(&genesis), earlier: Vec::new() };
        world.put(ONLY, &roster);
        world.put(ONLY, &GenesisRow { digest: digest("genesis"), genesis });
        for (seed, holder) in [(OWNER, Holder::Advocate {}), (RECOVERY, Holder::Recovery {})] {
            world.put(&kid(seed).to_string(), &KeyRow { public: public(seed), party: party(OWNER), holder });
        }
        for seed in [CO_OWNER, THIRD] {
            let holder = Holder::Advocate {};
            world.put(&kid(seed).to_string(), &KeyRow { public: public(seed), party: party(seed), holder });
        }
        for seed in [OWNER, CO_OWNER, THIRD] {
            let enrolment = PartyEnrolment {
                signing_key: public(seed),
                recipient: recipient('q'),
                recovery: RecoveryKeys { signing_key: public(seed.saturating_add(1)), recipient: recipient('p') },
                role: EnrolmentRole::Advocate {},
            };
            world.put(
                &party(seed).to_string(),
                &PartyRow { statement: digest(&format!("party {seed}")), enrolment, keys_by: Vec::new() },
            );
        }
        for seed in [COLLECTS, AGREES, ALSO_AGREES] {
            let holder = Holder::Officer(OfficerAppointment {
                institution: party(9),
                signing_key: public(seed),
                unit: "evidence".parse().unwrap(),
                until: now.plus(Duration::from_days(100)),
            });
            world.put(&kid(seed).to_string(), &KeyRow { public: public(seed), party: party(seed), holder });
        }
        world.put(&party(9).to_string(), &institution(now));
        let key = RecipientKeyRow {
            institution: party(9),
            unit: "evidence".to_owned(),
            recipient: recipient('z'),
            since: now,
            cosigned_at: None,
            superseded_by: None,
        };
        world.put(&digest("recipient key").to_string(), &key);
        let co_owners =
            (owners_needed > 1).then(|| CoOwners { parties: vec![party(CO_OWNER)], threshold: owners_needed });
        world.put(&report.to_string(), &stored_report(tier, co_owners, now));
        world
    }

    pub(super) fn put<R: Row>(&mut self, key: &str, row: &R) {
        let version = self.next().entry;
        self.state.write(key, row, version).unwrap();
    }

    pub(super) fn next(&mut self) -> Recorded {
        self.entries = self.entries.saturating_add(1);
        let entry = crate::model::event::EntryRef { log: crate::model::event::Log::Case, index: self.entries };
        Recorded { entry, at: self.now }
    }

    pub(super) fn read<R: Row>(&self, key: &impl std::fmt::Display) -> R {
        self.state.read::<R>(&key.to_string()).unwrap().unwrap().row
    }

    /// Applies an event; what is refused leaves nothing.
    pub(super) fn happens(&mut self, event: &Event) -> Result<(), Refusal> {
        let (before, at) = (self.state.clone(), self.next());
        apply(&mut self.state, at, event).map_err(|error| {
            self.state = before;
            match error {
                FoldError::Refused(refusal) => refusal,
                FoldError::Rows(error) => panic!("{error}"),
            }
        })
    }

    pub(super) fn signed(&self, (by, of): (u8, PartyId), kind: Kind, subject: Option<Digest>) -> Signed {
        let chain = |subject| self.state.read::<ChainRow>(&pair(&of, &subject)).unwrap().map(|held| held.row.last);
        let mut jti = [0; 16];
        jti[..8].copy_from_slice(&self.entries.to_be_bytes());
        Signed {
            digest: digest(&format!("{kind:?} {}", self.entries)),
            kind,
            kid: kid(by),
            iss: of,
            jti: Jti::from_bytes(jti),
            iat: self.now,
            submit_by: self.now.plus(HOUR),
            subject,
            prev: subject.filter(|_| kind.is_ordered()).and_then(chain),
            seen_register: Some(0),
        }
    }

    pub(super) fn states(
        &mut self,
        by: u8,
        kind: Kind,
        subject: Option<Digest>,
        body: Body,
    ) -> Result<Digest, Refusal> {
        let of = if [RECOVERY, NEW_KEY].contains(&by) { party(OWNER) } else { party(by) };
        let signed = self.signed((by, of), kind, subject);
        let digest = signed.digest;
        self.happens(&Event::Accepted(signed, body)).map(|()| digest)
    }

    pub(super) fn gives(&mut self, change: impl FnOnce(&mut Grant)) -> Result<GrantId, Refusal> {
        let mut grant = terms(self.report, self.now);
        change(&mut grant);
        self.states(OWNER, Kind::Grant, None, Body::Grant(Box::new(grant))).map(GrantId::from)
    }

    pub(super) fn header_comes(&mut self, grant: GrantId) -> Result<(), Refusal> {
        self.happens(&Event::HeaderReceived(grant))
    }

    pub(super) fn agrees(&mut self, by: u8, grant: GrantId) -> Result<Digest, Refusal> {
        let approval = Approval { approves: grant.into(), matter: Some(CaseMatter::Grant) };
        self.states(by, Kind::Approval, Some(grant.into()), Body::Approval(approval))
    }

    pub(super) fn collects(&mut self, by: u8, grant: GrantId) -> Result<ReleaseId, Refusal> {
        let signed = self.signed((by, party(by)), Kind::ReleaseRequest, Some(grant.into()));
        let id = ReleaseId::from(signed.digest);
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.entries.to_be_bytes());
        let nonce = Nonce::from_bytes(nonce);
        let request = ReleaseRequest { grant, purpose: inquiry(), nonce, conditions_noted: grant };
        self.happens(&Event::Released(signed, request)).map(|()| id)
    }

    pub(super) fn revokes(&mut self, grant: GrantId) -> Result<Digest, Refusal> {
        let (scopes, withdrawn_by) = (vec![Scope::All], WithdrawnBy::Provider);
        let body = Body::Revocation(Revocation { scopes, withdrawn_by, answer_due: self.now });
        self.states(OWNER, Kind::Revocation, Some(grant.into()), body)
    }

    pub(super) fn withdraws(&mut self, by: u8, then: AfterWithdrawal) -> Result<Digest, Refusal> {
        let report = self.report;
        let body = Body::Withdrawal(Withdrawal { report, then });
        self.states(by, Kind::Withdrawal, Some(report.into()), body)
    }

    pub(super) fn freezes(&mut self, by: u8, lift: Lift) -> Result<Digest, Refusal> {
        self.states(by, Kind::Freeze, None, Body::Freeze(Freeze { party: party(OWNER), lift }))
    }

    pub(super) fn thaws(&mut self, by: u8, freeze: Digest) -> Result<Digest, Refusal> {
        self.states(by, Kind::Thaw, Some(freeze), Body::Thaw(Thaw { party: party(OWNER), freeze }))
    }

    pub(super) fn approves(&mut self, by: u8, what: Digest, matter: CaseMatter) -> Result<Digest, Refusal> {
        let approval = Approval { approves: what, matter: Some(matter) };
        self.states(by, Kind::Approval, Some(what), Body::Approval(approval))
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }
}

pub(super) fn institution(now: Timestamp) -> InstitutionRow {
    let record = InstitutionRecord {
        name: "mission".parse().unwrap(),
        jurisdiction: "international".parse().unwrap(),
        class: RecipientClass::UnMechanism,
        mandate: vec![inquiry()],
        mandate_until: now.plus(Duration::from_days(500)),
    };
    InstitutionRow {
        statement: digest("party 9"),
        record,
        admitted_at: Some(now),
        admitted_in: Some(1),
        suspended_at: None,
        suspended_by: None,
        due_diligence_until: Some(now.plus(Duration::from_days(500))),
        mandate_attested_until: None,
        record_by: None,
        terms: None,
        closed: None,
    }
}

pub(super) fn stored_report(tier: u8, co_owners: Option<CoOwners>, now: Timestamp) -> ReportRow {
    let report = Report {
        payload_sha256: digest("payload"),
        payload_bytes: 16_400,
        key_commitment: digest("commitment"),
        owner_header: digest("owner header"),
        owner_recipient: recipient('q'),
        tier: Tier::try_from(tier).unwrap(),
        kind: ReportKind::Original,
        predecessor_commitment: None,
        consent_commitment: None,
        co_owners,
    };
    let state = ReportState::Stored {};
    ReportRow { owner: party(OWNER), report, at: now, state, stored_in: None, owner_by: Vec::new() }
}

pub(super) fn terms(report: ReportId, now: Timestamp) -> Grant {
    let until = now.plus(Duration::from_days(30));
    let (onward, publication, external_processing) = (Ask::No, Ask::No, Ask::No);
    Grant {
        report,
        institution: party(9),
        recipient_key: digest("recipient key"),
        recipient: recipient('z'),
        header: digest("header"),
        purposes: vec![inquiry()],
        use_mode: UseMode::Information,
        identification: Identification::Redacted,
        collect: Window { from: now, until },
        keep_until: None,
        max_releases: 3,
        cooling_off_seconds: Duration::from_seconds(0),
        officers: Vec::new(),
        conditions: Conditions { onward, contact: Contact::No, publication, external_processing },
        consent_review_by: until,
        bundle: digest("bundle"),
        taxonomy: digest("taxonomy"),
        answers: None,
        urgent: false,
        officer_approvals: 0,
        embargo_until: None,
        terms: None,
        replaces: None,
    }
}
