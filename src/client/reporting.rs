//! Reports: sealing on the device, declaring, fetching back. Sending the payload is [`super::uploading`].

use super::{
    desk::{Desk, DeskError},
    identity::Identity,
    memory::OwnReport,
    open::{Stated, manifest_of},
    receiving::{FetchSteps, Wanted, told_as_progress},
    remote::RemoteError,
    report::{Plan, relation},
    seal::{self, Growth, Sealed},
    uploading::Pace,
};
use crate::{
    model::{
        ambient::{Entropy, random},
        ids::{AgeRecipient, Digest, PartyId, ReportId},
        party::RecoveryKeys,
        report::{CoOwners, Report, ReportKind, Tier},
        statement::{Body, Kind},
    },
    wire::{
        api::{Accepted, Bytes, OwnerHeader, ReportSummary, SubmitReport},
        entry::Happening,
        statement::Unverified,
    },
};
use std::path::Path;

/// Label of the commitment to a sealed consent register.
const CONSENT_LABEL: &[u8] = b"amana/consent-commitment/v1\0";

impl SealedReport {
    /// The same report, owned with others: so many of all owners have to agree with a grant, the one who gives it counted.
    #[must_use]
    pub fn owned_with(mut self, parties: Vec<PartyId>, threshold: u32) -> Self {
        self.report.co_owners = (!parties.is_empty()).then_some(CoOwners { parties, threshold });
        self
    }
}

/// A sealed report that has not been declared yet.
pub struct SealedReport {
    /// What its statement will say.
    pub report: Report,
    /// The owner header.
    pub owner_header: Vec<u8>,
    /// What the device remembers of it.
    pub own: OwnReport,
}

impl Desk {
    /// Seals a plan into a new file for this identity and its recovery key.
    ///
    /// # Errors
    /// In words; nothing is left behind.
    pub fn seal(
        &self,
        plan: &Plan,
        tier: Tier,
        kind: ReportKind,
        out: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<SealedReport, DeskError> {
        let recovery = self.memory.recovery.as_ref();
        Sealer { identity: &self.identity, recovery, entropy: &*self.entropy }.seal(plan, tier, kind, out, progress)
    }

    /// Declares a sealed report: statement and owner header leave the device, no content.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn declare(&mut self, sealed: SealedReport) -> Result<Accepted, DeskError> {
        let SealedReport { report, owner_header, mut own } = sealed;
        let accepted = self.submit(&report, None, "/v1/reports", |statement| SubmitReport {
            statement,
            owner_header: Bytes(owner_header.clone()),
        })?;
        own.statement =
            self.memory.receipts.get(&accepted.id.to_string()).map(|r| r.statement.clone()).unwrap_or_default();
        self.memory.reports.insert(accepted.id.to_string(), own);
        Ok(accepted)
    }

    /// Declares a sealed report with a statement signed before, new or again: repeated after a lost answer, it is the
    /// same declaration.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn send_declaration(&mut self, sealed: SealedReport, text: &str) -> Result<Accepted, DeskError> {
        let SealedReport { owner_header, mut own, .. } = sealed;
        let submit = SubmitReport { statement: text.to_owned(), owner_header: Bytes(owner_header) };
        let sent: Result<Accepted, RemoteError> = self.remote.submit("POST", "/v1/reports", &submit, self.signed_in());
        let accepted = sent.map_err(|error| self.held_against(error))?;
        self.confirm(&accepted, text, None)?;
        text.clone_into(&mut own.statement);
        self.memory.reports.insert(accepted.id.to_string(), own);
        Ok(accepted)
    }

    /// Own reports as the broker has them.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn reports(&self) -> Result<Vec<ReportSummary>, DeskError> {
        Ok(self.remote.fetch_all("/v1/reports", self.signed_in())?)
    }

    /// Fetches one's own header, which is an entry of the log each time.
    pub(in crate::client) fn owner_header(&mut self, report: ReportId) -> Result<OwnerHeader, DeskError> {
        let path = format!("/v1/reports/{report}/owner-header");
        let owner: OwnerHeader = self.remote.submit("POST", &path, &serde_json::json!({}), self.signed_in())?;
        let key = self.identity.key_id();
        self.confirm_new_event(&owner.receipt, &Happening::OwnerHeaderFetched { report, key })?;
        Ok(owner)
    }

    /// Fetches an own report back as the age file it was; the first trouble ends it, and the next attempt goes on from
    /// there.
    ///
    /// # Errors
    /// [`DeskError`]; the digest is checked.
    pub fn download(&mut self, id: ReportId, out: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), DeskError> {
        self.download_with(id, out, &Pace::default(), &mut told_as_progress(progress))
    }

    /// Fetches an own report back as the age file it was, through cuts.
    ///
    /// # Errors
    /// [`DeskError`]; the digest is checked.
    pub fn download_with(
        &mut self,
        id: ReportId,
        out: &Path,
        pace: &Pace,
        steps: FetchSteps<'_>,
    ) -> Result<(), DeskError> {
        let header = self.owner_header(id)?;
        let stated = report_of(&header.report_statement)?;
        let own = self.memory.report(id).and_then(|own| own.owner_header);
        if Digest::of(header.report_statement.as_bytes()) != id.into()
            || Digest::of(&header.header.0) != own.unwrap_or(stated.owner_header)
        {
            return Err(DeskError::refused("the broker sent another report than the one asked for; nothing was kept"));
        }
        let wanted = Wanted {
            path: format!("/v1/reports/{id}/payload"),
            header: &header.header.0,
            payload_at: 0,
            stated: &stated,
        };
        self.receive(&wanted, out, pace, steps)
    }

    /// How sensitive a report of one's own is.
    ///
    /// # Errors
    /// When this device does not know it.
    pub fn tier_of(&self, id: ReportId) -> Result<Tier, DeskError> {
        Ok(self.own_statement(id)?.tier)
    }

    /// Takes title, items and persons' consent out of a sealed file, where this device does not know them: `false` where it
    /// does.
    ///
    /// # Errors
    /// When the file is not the report, or does not open.
    pub fn restore(&mut self, id: ReportId, sealed: &Path) -> Result<bool, DeskError> {
        let known = self.memory.report(id).is_none_or(|own| !own.items.is_empty());
        if known {
            return Ok(false);
        }
        let stated = self.own_statement(id)?;
        let stated = Stated {
            payload_sha256: stated.payload_sha256,
            payload_bytes: stated.payload_bytes,
            key_commitment: stated.key_commitment,
        };
        let manifest = manifest_of(sealed, self.identity.age_identity(), &stated);
        let manifest = manifest.map_err(|e| DeskError::refused(e.to_string()))?;
        if let Some(own) = self.memory.reports.get_mut(&id.to_string()) {
            (own.title, own.consent, own.items) = (manifest.title, manifest.consent_register, manifest.items);
            own.relations = manifest.relations;
            own.sealed_at = sealed.display().to_string();
        }
        Ok(true)
    }

    /// What the device's own statement says of a report.
    pub(in crate::client) fn own_statement(&self, id: ReportId) -> Result<Report, DeskError> {
        let own = self.memory.report(id).ok_or_else(|| {
            DeskError::refused(format!("this device knows no report {id} of yours; see `amana report list`"))
        })?;
        report_of(&own.statement)
    }
}

/// Who seals, without a broker: sealing needs no network.
pub struct Sealer<'a> {
    /// The owner.
    pub identity: &'a Identity,
    /// The owner's recovery key, public halves.
    pub recovery: Option<&'a RecoveryKeys>,
    /// Chance.
    pub entropy: &'a dyn Entropy,
}

impl Sealer<'_> {
    /// Seals a plan into a new file for the owner and the recovery key.
    ///
    /// # Errors
    /// In words; nothing is left behind.
    pub fn seal(
        &self,
        plan: &Plan,
        tier: Tier,
        kind: ReportKind,
        out: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<SealedReport, DeskError> {
        self.seal_growing(plan, tier, kind, out, progress, &Growth::default())
    }

    /// As [`Sealer::seal`], telling `growth` how far it is.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_growing(
        &self,
        plan: &Plan,
        tier: Tier,
        kind: ReportKind,
        out: &Path,
        progress: &mut dyn FnMut(u64),
        growth: &Growth,
    ) -> Result<SealedReport, DeskError> {
        let recovery: &AgeRecipient = match self.recovery {
            Some(keys) => &keys.recipient,
            None => return Err(DeskError::refused("enrol first: a report is sealed for your recovery key as well")),
        };
        // Before a byte is written: a statement cannot be given its commitment afterwards.
        let commitment = relation::commitment_of(plan.manifest()).map_err(|e| DeskError::refused(e.to_string()))?;
        let sealed = seal::seal_growing(plan, self.identity.age_identity(), recovery, out, progress, growth)
            .map_err(|e| DeskError::refused(e.to_string()))?;
        let mut described = self.describe(plan, &sealed, tier, kind, out);
        described.report.predecessor_commitment = commitment.map(|digest| Digest::from_bytes(digest.0));
        Ok(described)
    }

    fn describe(&self, plan: &Plan, sealed: &Sealed, tier: Tier, kind: ReportKind, out: &Path) -> SealedReport {
        let manifest = plan.manifest();
        let consent = manifest.consent_register.clone();
        // The salt stays on the device: without it nobody can try out which register was committed to.
        let consent_salt = Digest::from_bytes(random(self.entropy));
        let consent_commitment = consent
            .as_ref()
            .and_then(|register| register.to_json().ok())
            .map(|json| Digest::of(&[CONSENT_LABEL, consent_salt.as_bytes(), &json].concat()));
        let report = Report {
            payload_sha256: sealed.payload_sha256,
            payload_bytes: sealed.payload_bytes,
            key_commitment: sealed.key_commitment,
            owner_header: sealed.owner_header_digest,
            owner_recipient: self.identity.recipient(),
            tier,
            kind,
            predecessor_commitment: None,
            consent_commitment,
            co_owners: None,
        };
        let own = OwnReport {
            title: manifest.title.clone(),
            consent,
            consent_salt,
            relations: manifest.relations.clone(),
            items: manifest.items.clone(),
            sealed_at: out.display().to_string(),
            statement: String::new(),
            owner_header: None,
        };
        SealedReport { report, owner_header: sealed.owner_header.clone(), own }
    }
}

/// The body of a report statement.
///
/// # Errors
/// When it is not one.
pub fn report_of(statement: &str) -> Result<Report, DeskError> {
    let parsed = Unverified::parse_kind(statement, Kind::Report).map_err(|e| DeskError::refused(e.to_string()))?;
    match parsed.into_unverified_body() {
        Body::Report(report) => Ok(report),
        _ => Err(DeskError::refused("this is not a report statement")),
    }
}
