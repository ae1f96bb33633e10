//! Granting and withdrawing: consent is checked on the device, the header is re-wrapped on the device, and only the
//! signed statement and the wrapped header leave it.

use super::{
    consent::{self, Asked},
    desk::{Desk, DeskError},
    fetched::grant_of,
    fingerprint,
    identity::to_age,
    relations,
    remote::As,
    rewrap,
};
use crate::{
    model::{
        event::Log,
        grant::{Conditions, Grant, Revocation, Scope, UseMode, WithdrawnBy},
        ids::{AgeRecipient, Digest, GrantId, KeyId, PartyId, ReportId, RequestId},
        purpose::{Identification, Purpose},
        rows::RecipientKeyRow,
        time::{Duration, Timestamp, Window},
    },
    wire::{
        api::{
            Accepted, Bytes, Foreseen, GrantSummary, Revoked, SubmitDraft, SubmitGrant, SubmitHeader, SubmitStatement,
        },
        entry::Happening,
        header::Header,
        receipt,
    },
};

/// A key younger than this was published too recently to have been noticed by anybody.
pub const YOUNG: Duration = Duration::from_days(1);

/// What an advocate decides about a grant.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The report.
    pub report: ReportId,
    /// Whether it must be this version of it.
    pub version: Version,
    /// The institution.
    pub institution: PartyId,
    /// Its unit; needed when it has several.
    pub unit: Option<String>,
    /// What for.
    pub purposes: Vec<Purpose>,
    /// In which way.
    pub use_mode: UseMode,
    /// How far persons may be identified.
    pub identification: Identification,
    /// When it may be collected.
    pub collect: Window,
    /// First second it may no longer be kept.
    pub keep_until: Option<Timestamp>,
    /// How many releases.
    pub max_releases: u32,
    /// How long it can be taken back unopened.
    pub cooling_off: Duration,
    /// Named officers.
    pub officers: Vec<KeyId>,
    /// Conditions.
    pub conditions: Conditions,
    /// The request it answers.
    pub answers: Option<RequestId>,
    /// How many officers other than the one who collects have to agree.
    pub officer_approvals: u32,
    /// First second at which it may be collected, whatever else is over.
    pub embargo_until: Option<Timestamp>,
    /// The grant it takes the place of.
    pub replaces: Option<GrantId>,
    /// The eight words of the institution, typed by hand: needed while its key is young.
    pub confirmed_fingerprint: Option<String>,
}

/// Which version of a report a grant may be about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Version {
    /// From tier 3 on the redacted one, where this device knows one.
    #[default]
    Default,
    /// The report named, whatever other versions there are.
    ThisOne,
}

/// Whether the wrapped header goes along or is kept back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderGoes {
    /// With the grant.
    Along,
    /// Later: uploading it is the second yes.
    Later,
}

/// A grant about to be signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The statement's body.
    pub grant: Grant,
    /// The wrapped header.
    pub header: Vec<u8>,
    /// The institution's eight words.
    pub fingerprint: String,
}

impl Desk {
    /// Checks consent and the institution's key, and wraps the header. Nothing is sent but the request for one's own
    /// header, which is logged.
    ///
    /// # Errors
    /// In words; among them every person whose consent is narrower than the grant.
    pub fn prepare_grant(&mut self, terms: &Terms) -> Result<Prepared, DeskError> {
        let (mut grant, fingerprint) = self.draft_grant(terms)?;
        let header = self.wrap_for(terms.report, &grant.recipient)?;
        grant.header = Digest::from_bytes(header.digest());
        Ok(Prepared { grant, header: header.as_bytes().to_vec(), fingerprint })
    }

    /// What the broker and its policies would say to a grant given now. It learns the terms; nobody signs anything, and
    /// nothing is kept of them.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn foresee(&mut self, terms: &Terms) -> Result<Foreseen, DeskError> {
        let (grant, _) = self.draft_grant(terms)?;
        Ok(self.remote.submit("POST", "/v1/grants/preview", &SubmitDraft { grant }, self.signed_in())?)
    }

    /// The grant as far as it can be written without one's own header, and the institution's eight words.
    fn draft_grant(&mut self, terms: &Terms) -> Result<(Grant, String), DeskError> {
        self.refresh()?;
        let institution = self.known_institution(terms.institution)?;
        if institution.admitted_at.is_none() {
            return Err(DeskError::refused("the institution is not admitted; nobody has examined it yet"));
        }
        relations::may_be_granted(&self.memory, terms.report, terms.version)?;
        let (purposes, class) = (terms.purposes.as_slice(), institution.record.class);
        let asked = Asked { report: terms.report, purposes, class, identification: terms.identification };
        let review_by = consent::allows(&self.memory, &asked, self.now())?;
        let (key_digest, key) = self.recipient_key(terms)?;
        let words = self.institution_fingerprint(terms.institution, &key.recipient)?;
        let urgent = self.confirm_young_key(key_digest, &key, &words, terms)?;
        let fixed = self.genesis.genesis();
        let grant = Grant {
            report: terms.report,
            institution: terms.institution,
            recipient_key: key_digest,
            recipient: key.recipient,
            header: Digest::from_bytes([0; 32]),
            purposes: terms.purposes.clone(),
            use_mode: terms.use_mode,
            identification: terms.identification,
            collect: terms.collect,
            keep_until: terms.keep_until,
            max_releases: terms.max_releases,
            cooling_off_seconds: terms.cooling_off,
            officers: terms.officers.clone(),
            conditions: terms.conditions.clone(),
            // Without a date of its own, consent is reviewed at the latest when the collect window ends.
            consent_review_by: review_by.unwrap_or(terms.collect.until),
            bundle: fixed.bundle,
            taxonomy: fixed.taxonomy,
            answers: terms.answers,
            urgent,
            officer_approvals: terms.officer_approvals,
            embargo_until: terms.embargo_until,
            terms: institution.terms.map(|terms| terms.statement),
            replaces: terms.replaces,
        };
        Ok((grant, words))
    }

    /// Signs and sends a prepared grant.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn give(&mut self, prepared: &Prepared, header: HeaderGoes) -> Result<Accepted, DeskError> {
        let bytes = (header == HeaderGoes::Along).then(|| prepared.header.clone());
        self.submit(&prepared.grant, None, "/v1/grants", |statement| SubmitGrant {
            statement,
            header: bytes.clone().map(Bytes),
        })
    }

    /// The second yes: sends the header of a pending grant.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn send_header(&mut self, grant: GrantId, header: Vec<u8>) -> Result<Accepted, DeskError> {
        self.is_still_agreed_to(grant)?;
        let path = format!("/v1/grants/{grant}/header");
        let body = SubmitHeader { header: Bytes(header) };
        let accepted: Accepted = self.remote.submit("PUT", &path, &body, self.signed_in())?;
        self.confirm_event(&accepted.receipt, &Happening::HeaderReceived { grant })?;
        Ok(accepted)
    }

    /// Days may lie between the two yeses, and a person may have taken consent back in them.
    fn is_still_agreed_to(&mut self, grant: GrantId) -> Result<(), DeskError> {
        // A grant from another device of the same advocate is judged there.
        let Some(signed) = self.memory.receipts.get(&grant.to_string()) else { return Ok(()) };
        let terms = grant_of(&signed.statement)?;
        let class = self.known_institution(terms.institution)?.record.class;
        let (report, purposes, identification) = (terms.report, terms.purposes.as_slice(), terms.identification);
        consent::allows(&self.memory, &Asked { report, purposes, class, identification }, self.now()).map(drop)
    }

    /// Withdraws a grant. Works without signing in.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn revoke(
        &mut self,
        grant: GrantId,
        scopes: Vec<Scope>,
        withdrawn_by: WithdrawnBy,
        answer_due: Timestamp,
    ) -> Result<Revoked, DeskError> {
        let body = Revocation { scopes, withdrawn_by, answer_due };
        let text = self.sign(&body, Some(grant.into()), None)?;
        let submit = SubmitStatement { statement: text.clone() };
        let revoked: Revoked = self.remote.submit("POST", "/v1/revocations", &submit, As::Anybody)?;
        let proof = &revoked.accepted.receipt;
        let receipt =
            self.believed(|trust| receipt::verify_statement(proof, Log::Case, trust, &Happening::Accepted, &text))?;
        // It is withdrawn, whatever the log looks like otherwise: a doubt about the log is told with the next act.
        drop(self.keep_receipt(&receipt, proof, &text));
        Ok(revoked)
    }

    /// Grants given, or made to this officer's institution.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn grants(&self) -> Result<Vec<GrantSummary>, DeskError> {
        Ok(self.remote.fetch_all("/v1/grants", self.signed_in())?)
    }

    /// The eight words of an institution and one of its recipients.
    ///
    /// # Errors
    /// When the register does not know it.
    pub fn institution_fingerprint(&self, id: PartyId, recipient: &AgeRecipient) -> Result<String, DeskError> {
        let party =
            self.mirror.party(id).ok_or_else(|| DeskError::refused("the register knows no such institution"))?;
        Ok(fingerprint::words(&party.enrolment.signing_key, recipient))
    }

    /// The recipient key a grant's header will be wrapped to, with the digest of the statement that published it.
    ///
    /// # Errors
    /// When there is none, or several units and none named.
    pub fn recipient_key(&self, terms: &Terms) -> Result<(Digest, RecipientKeyRow), DeskError> {
        let mut keys = self.mirror.current_recipient_keys(terms.institution);
        if let Some(unit) = &terms.unit {
            keys.retain(|(_, key)| key.unit == *unit);
        }
        match (keys.len(), keys.pop()) {
            (1, Some(key)) => Ok(key),
            (0, _) => Err(DeskError::refused("the institution has published no recipient key for that unit")),
            _ => Err(DeskError::refused("the institution has several units; say which one with --unit")),
        }
    }

    /// A young key needs its fingerprint typed by hand; the grant then says `urgent`.
    fn confirm_young_key(
        &mut self,
        digest: Digest,
        key: &RecipientKeyRow,
        words: &str,
        terms: &Terms,
    ) -> Result<bool, DeskError> {
        let typed = terms.confirmed_fingerprint.as_deref();
        if let Some(typed) = typed {
            fingerprint::matches(words, typed)
                .map_err(|e| DeskError::refused(format!("the fingerprint does not match: {e}. Do not grant")))?;
        }
        let now = self.now();
        let first_seen = *self.memory.first_seen.entry(digest.to_string()).or_insert(now.as_seconds());
        let known_since = if self.trust.quorum() > 0 {
            // Witnesses saw it, by the register this device has checked.
            key.cosigned_at.unwrap_or(Timestamp::FAR_FUTURE)
        } else {
            // The broker's word on when it was published is not enough: this device has to have seen it for a day too.
            key.since.max(Timestamp::from_seconds(first_seen))
        };
        let young = now < known_since.plus(YOUNG);
        if young && typed.is_none() {
            return Err(DeskError::refused(
                "the institution's key is new: published, seen by witnesses, or first seen here, less than a day ago. Ask the institution for its eight words over \
                 another channel, and repeat with --confirm-fingerprint \"…\"",
            ));
        }
        Ok(young)
    }

    /// Fetches one's own header, unwraps the file key and wraps it for a recipient. The payload stays where it is.
    fn wrap_for(&mut self, report: ReportId, recipient: &AgeRecipient) -> Result<Header, DeskError> {
        let words = |e: &dyn std::fmt::Display| DeskError::refused(e.to_string());
        let owner = self.owner_header(report)?;
        let header = Header::parse_exact(&owner.header.0).map_err(|e| words(&e))?;
        self.is_own_header(report, &header)?;
        let recipient = to_age(recipient).map_err(|e| words(&e))?;
        rewrap::rewrap(&header, self.identity.age_identity(), &[&recipient]).map_err(|e| words(&e))
    }

    /// The header must be the one this device signed the digest of.
    pub(in crate::client) fn is_own_header(&self, report: ReportId, header: &Header) -> Result<(), DeskError> {
        let statement = self.own_statement(report)?;
        let newest = self.memory.report(report).and_then(|own| own.owner_header);
        if newest.unwrap_or(statement.owner_header) == Digest::from_bytes(header.digest()) {
            Ok(())
        } else {
            Err(DeskError::refused("the broker sent another header than the one you sealed; nothing was granted"))
        }
    }
}
