//! Who plays: every party with keys of its own, each at its own desk.

use crate::{
    cli::{
        ambient::{SystemClock, SystemEntropy},
        founding::{self, Founded, Watchers},
    },
    client::{
        desk::{Desk, DeskError, Opening},
        identity::{Identity, RecoveryKey},
        institution::Examined,
        memory::Memory,
    },
    model::{
        ambient::{Clock, Entropy},
        institution::{Checklist, Finding, InstitutionRecord},
        purpose::{Purpose, RecipientClass},
        time::{Duration, Timestamp},
    },
    wire::genesis::Card,
};
use std::{path::Path, sync::Arc};

/// Everybody's keys.
pub struct Cast {
    /// Offices and trust root.
    pub founded: Founded,
    /// The advocate.
    pub advocate: Identity,
    /// The advocate's recovery key.
    pub recovery: RecoveryKey,
    /// The institution's root.
    pub institution: Identity,
    /// Its recovery key.
    pub institution_recovery: RecoveryKey,
    /// The unit that opens.
    pub unit: Identity,
    /// An officer of the institution.
    pub officer: Identity,
    /// What each device remembers, by label.
    memories: std::collections::BTreeMap<String, Memory>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Name of the fictional institution.
pub const INSTITUTION: &str = "Fact-Finding Mission on Taranda (fictional)";

impl Cast {
    /// Makes every key, and a broker's folder under `dir/broker`.
    ///
    /// # Errors
    /// In words.
    pub fn found(dir: &Path) -> Result<Self, String> {
        Self::found_with(dir, SystemClock::new())
    }

    /// As [`Cast::found`], by another clock.
    ///
    /// # Errors
    /// In words.
    pub fn found_with(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::found_watched(dir, clock, &Watchers::default())
    }

    /// As [`Cast::found_with`], with witnesses.
    ///
    /// # Errors
    /// In words.
    pub fn found_watched(dir: &Path, clock: Arc<dyn Clock>, watchers: &Watchers) -> Result<Self, String> {
        let entropy: Arc<dyn Entropy> = SystemEntropy::new();
        let (broker, origin, now) = (dir.join("broker"), "demo.amana.invalid", clock.wall());
        founding::make_folder(&broker)?;
        let founded = founding::found_watched(origin, &broker.join("keys"), watchers, now, &*entropy)?;
        founding::write_private(&broker.join("genesis.note"), founded.genesis.note().as_bytes())?;
        Self::around(founded, clock, entropy)
    }

    /// A cast for a broker that was founded before, with the offices' keys that are at hand.
    ///
    /// # Errors
    /// In words.
    pub fn returning(
        genesis: crate::wire::genesis::SignedGenesis,
        administrators: Vec<Identity>,
        accreditors: Vec<Identity>,
    ) -> Result<Self, String> {
        let founded = Founded { genesis, administrators, accreditors, auditors: Vec::new(), council: Vec::new() };
        Self::around(founded, SystemClock::new(), SystemEntropy::new())
    }

    fn around(founded: Founded, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, String> {
        let identity = |label: &str| founding::identity(label, &*entropy);
        Ok(Self {
            advocate: identity("advocate")?,
            recovery: RecoveryKey::generate(&*entropy),
            institution: identity("institution")?,
            institution_recovery: RecoveryKey::generate(&*entropy),
            unit: identity("evidence-unit")?,
            officer: identity("officer")?,
            founded,
            memories: std::collections::BTreeMap::new(),
            clock,
            entropy,
        })
    }

    /// The card everybody was given.
    pub fn card(&self) -> Card {
        self.founded.genesis.card()
    }
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }
    /// Chance.
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        self.entropy.clone()
    }

    /// Sits somebody down at their desk, does something, and keeps what their device remembers.
    ///
    /// # Errors
    /// What the desk says.
    pub fn at_desk<T>(
        &mut self,
        who: &Identity,
        url: &str,
        act: impl FnOnce(&mut Desk) -> Result<T, DeskError>,
    ) -> Result<T, DeskError> {
        let label = who.label().as_str().to_owned();
        let memory = self.memories.remove(&label).unwrap_or_default();
        let opening = Opening { identity: copy(who), memory, clock: self.clock.clone(), entropy: self.entropy.clone() };
        let mut desk = Desk::open(opening, url, &self.card())?;
        let outcome = act(&mut desk);
        self.memories.insert(label, desk.into_memory());
        outcome
    }

    /// Brings the institution to the point where it may collect: enrolment, officer, recipient key, admission by two,
    /// attestation.
    ///
    /// # Errors
    /// What a desk says.
    pub fn establish(&mut self, url: &str) -> Result<(), DeskError> {
        let until = self.now().plus(Duration::from_days(365));
        let record = InstitutionRecord {
            name: text(INSTITUTION)?,
            jurisdiction: text("Assembly of the Union of Lakes (fictional)")?,
            class: RecipientClass::UnMechanism,
            mandate: vec![purpose("commission-of-inquiry")?, purpose("preservation-mechanism")?],
            mandate_until: until,
        };
        let (root, id) = (copy(&self.institution), self.institution.party_id());
        let recovery = self.institution_recovery.public_keys();
        let (officer, unit) = (self.officer.public_key(), self.unit.recipient());
        self.at_desk(&root, url, |desk| {
            desk.enrol_institution(record, recovery, None)?;
            desk.appoint(officer, text("evidence unit")?, until)?;
            desk.publish_recipient_key(text("evidence unit")?, unit)
        })?;
        let first = self.administrator(0)?;
        let proposal = self.at_desk(&first, url, |desk| desk.admit(id))?.id;
        let second = self.administrator(1)?;
        self.at_desk(&second, url, |desk| desk.approve(proposal))?;
        let accreditor =
            self.founded.accreditors.first().map(copy).ok_or_else(|| DeskError::refused("no accreditor"))?;
        self.at_desk(&accreditor, url, |desk| {
            desk.attest(id, Examined::DueDiligence(Checklist::all(Finding::Met)), until)
        })?;
        Ok(())
    }

    /// An administrator.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn administrator(&self, index: usize) -> Result<Identity, DeskError> {
        self.founded.administrators.get(index).map(copy).ok_or_else(|| DeskError::refused("no such administrator"))
    }

    /// The auditor.
    ///
    /// # Errors
    /// When there is none.
    pub fn auditor(&self) -> Result<Identity, DeskError> {
        self.founded.auditors.first().map(copy).ok_or_else(|| DeskError::refused("no auditor"))
    }

    /// Enrols the advocate.
    ///
    /// # Errors
    /// What the desk says.
    pub fn enrol_advocate(&mut self, url: &str) -> Result<(), DeskError> {
        let (advocate, recovery) = (copy(&self.advocate), self.recovery.public_keys());
        let role = crate::model::party::EnrolmentRole::Advocate {};
        self.at_desk(&advocate, url, |desk| desk.enrol(role, recovery, None)).map(|_| ())
    }
}

/// The same identity at another desk: everybody plays on one machine here.
pub fn copy(identity: &Identity) -> Identity {
    identity.duplicate()
}

/// A purpose by its id.
///
/// # Errors
/// When it is none.
pub fn purpose(id: &str) -> Result<Purpose, DeskError> {
    id.parse().map_err(|e: crate::model::ids::Malformed| DeskError::refused(e.to_string()))
}

/// A short text.
///
/// # Errors
/// When it is none.
pub fn text(words: &str) -> Result<crate::model::statement::Text, DeskError> {
    words.parse().map_err(|e: crate::model::ids::Malformed| DeskError::refused(e.to_string()))
}
