//! Freezing and thawing, and the guardian file: a freeze signed beforehand and left with somebody trusted.

use super::{
    desk::{Desk, DeskError},
    identity::RecoveryKey,
    remote::As,
};
use crate::{
    model::{
        ambient::random,
        event::Log,
        freeze::{Freeze, Lift, Thaw},
        ids::{Digest, Jti, PartyId},
        institution::{Approval, CaseMatter},
        limits,
        statement::{Body, Kind},
        time::{Duration, Timestamp},
    },
    wire::{
        api::{Accepted, Stopped, SubmitStatement},
        entry::Happening,
        problem::ProblemType,
        receipt,
        statement::{self, Claims, Unverified},
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is left with a guardian: everything that is needed to freeze, and nothing that could do anything else.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardianFile {
    /// What it is, for whoever opens it without knowing.
    pub about: String,
    /// Where to send it.
    pub broker: String,
    /// The broker's bootstrap card.
    pub card: String,
    /// Last moment it can be used.
    pub until: Timestamp,
    /// The signed freeze.
    pub statement: String,
}

/// A freeze of one's own that the log knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnFreeze {
    /// The statement.
    pub freeze: Digest,
    /// Who may lift it.
    pub lift: Lift,
    /// When it was recorded.
    pub at: Timestamp,
}

const ABOUT: &str = "This file stops everything a person shares through this broker, once, at once, and without signing \
                     in. Use it if they are arrested or their device is taken: amana freeze --file THIS_FILE. It cannot \
                     read or share anything.";

impl Desk {
    /// Freezes `party`: everything of one's own, or, as an administrator, of an advocate.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn freeze(&mut self, party: PartyId, lift: Lift) -> Result<Stopped, DeskError> {
        let text = self.sign(&Freeze { party, lift }, None, None)?;
        self.send_freeze(&text)
    }

    /// Signs a freeze of one's own for later.
    ///
    /// # Errors
    /// When it would have to hold longer than a guardian file may.
    pub fn guardian_file(&self, lift: Lift, holds_for: Duration) -> Result<GuardianFile, DeskError> {
        if holds_for > limits::GUARDIAN_WITHIN {
            return Err(DeskError::refused(format!(
                "a guardian file holds for {} days at most; make a new one before it ends",
                limits::GUARDIAN_WITHIN.as_seconds() / 86_400
            )));
        }
        let now = self.now();
        let until = now.plus(holds_for);
        let claims = Claims {
            iss: self.party_id(),
            aud: self.genesis.digest(),
            jti: Jti::from_bytes(random(&*self.entropy)),
            iat: now,
            submit_by: until,
            subject: None,
            prev: None,
            seen: None,
            body: Freeze { party: self.party_id(), lift },
        };
        Ok(GuardianFile {
            about: ABOUT.to_owned(),
            broker: self.remote.address().to_owned(),
            card: self.genesis.card().to_string(),
            until,
            statement: statement::sign(&claims, self.identity.signing_key())?,
        })
    }

    /// Sends a signed freeze, one's own or a guardian file's. Needs no signing in.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn send_freeze(&mut self, text: &str) -> Result<Stopped, DeskError> {
        let submit = SubmitStatement { statement: text.to_owned() };
        let stopped: Stopped = self.remote.submit("POST", "/v1/freezes", &submit, As::Anybody)?;
        let proof = &stopped.accepted.receipt;
        self.believed(|trust| receipt::verify_statement(proof, Log::Case, trust, &Happening::Accepted, text))?;
        Ok(stopped)
    }

    /// The freezes of this party that its owner or a guardian brought and nobody has lifted since, by the log. The recovery
    /// key asks: everything else is refused while they hold.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn own_freezes(&mut self, recovery: &RecoveryKey) -> Result<Vec<OwnFreeze>, DeskError> {
        let party = self.party_id();
        let entries = self.as_recovery(recovery, Self::own_entries)?.entries;
        let mut frozen: Vec<OwnFreeze> = Vec::new();
        let mut proposed: BTreeMap<Digest, Digest> = BTreeMap::new();
        for entry in entries {
            let Ok(Some(statement)) = entry.shared.statement() else { continue };
            let (digest, kid) = (statement.digest(), statement.kid());
            match statement.into_unverified_body() {
                Body::Freeze(freeze) if freeze.party == party && self.mirror.key(kid).is_none() => {
                    frozen.push(OwnFreeze { freeze: digest, lift: freeze.lift, at: entry.shared.at });
                }
                Body::Thaw(thaw) if self.mirror.key(kid).is_none() => {
                    let alone = |freeze: &OwnFreeze| freeze.lift == Lift::Recovery {};
                    frozen.retain(|freeze| freeze.freeze != thaw.freeze || !alone(freeze));
                    proposed.insert(digest, thaw.freeze);
                }
                // Its guardian's, or it would not be there.
                Body::Approval(Approval { approves, matter: Some(CaseMatter::Thaw) }) => {
                    let lifted = proposed.get(&approves);
                    frozen.retain(|freeze| Some(&freeze.freeze) != lifted);
                }
                _ => {}
            }
        }
        Ok(frozen)
    }

    /// Lifts a freeze of one's own with the recovery key, or proposes it where a guardian has to agree.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn thaw(&mut self, recovery: &RecoveryKey, freeze: Digest) -> Result<Accepted, DeskError> {
        let party = self.party_id();
        self.as_recovery(recovery, |desk| desk.state(&Thaw { party, freeze }, Some(freeze)))
    }

    /// Lifts, or proposes to lift, each freeze of one's own, or only one; with the statements that say so. One that the broker
    /// does not know any more is over: another took its place, or it was lifted.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn thaw_each(
        &mut self,
        recovery: &RecoveryKey,
        only: Option<Digest>,
    ) -> Result<Vec<(OwnFreeze, Digest)>, DeskError> {
        let mut freezes = self.own_freezes(recovery)?;
        freezes.retain(|freeze| only.is_none_or(|only| only == freeze.freeze));
        let mut sent = Vec::new();
        for freeze in freezes {
            match self.thaw(recovery, freeze.freeze) {
                Ok(accepted) => sent.push((freeze, accepted.id)),
                Err(DeskError::Remote(error)) if error.is(ProblemType::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// As an administrator: proposes to lift administrators' freeze of `party`.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn propose_thaw(&mut self, party: PartyId, freeze: Digest) -> Result<Accepted, DeskError> {
        self.state(&Thaw { party, freeze }, Some(freeze))
    }

    /// Agrees with a statement of the case log that needs somebody else.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn agree(&mut self, approves: Digest, matter: CaseMatter) -> Result<Accepted, DeskError> {
        self.state(&Approval { approves, matter: Some(matter) }, Some(approves))
    }
}

impl GuardianFile {
    /// Whether it holds a freeze, as far as can be said without the broker.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self) -> Result<(), DeskError> {
        Unverified::parse_kind(&self.statement, Kind::Freeze)
            .map(drop)
            .map_err(|e| DeskError::refused(format!("this is no guardian file: {e}")))
    }
}
