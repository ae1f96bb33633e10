//! Who may have signed for whom: keys that took the place of others, reports that came to belong to others.
//!
//! Whoever collects holds two statements, the report's and the grant's. When their signer's keys were replaced since the
//! first, or the report was handed over, the statements that did it come along and are checked here, from each party's
//! enrolment on. Whether they stood in the log is for auditors; here it is shown that nobody but the owners could have
//! made them.

use super::statement::{StatementError, Unverified};
use crate::model::{
    ids::{Digest, KeyId, PartyId, PublicKey, ReportId},
    keys::NewKeys,
    statement::{Body, Kind},
};
use std::collections::BTreeMap;

/// The statements do not show it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    /// One of them does not verify.
    #[error("a statement about the owner's keys does not verify: {0}")]
    Statement(#[from] StatementError),
    /// A key nobody put in place.
    #[error("a statement is signed by a key that nobody put in its owner's place")]
    UnknownKey,
    /// Another kind than belongs here.
    #[error("a statement of another kind came along")]
    Kind,
    /// It belongs to somebody else.
    #[error("the grant is not signed by the report's owner")]
    NotOwner,
}

/// One party's keys, as far as the statements go.
struct Keys {
    signing: BTreeMap<KeyId, PublicKey>,
    recovery: PublicKey,
    /// Those that were before it.
    earlier_recovery: Vec<PublicKey>,
    /// A rotation that waits for the recovery key.
    proposed: Option<(Digest, NewKeys)>,
}

/// What the statements show.
pub struct Ownership {
    genesis: Digest,
    parties: BTreeMap<PartyId, Keys>,
    handed: Vec<(ReportId, PartyId, PartyId)>,
}

impl Ownership {
    /// Reads statements in their order: each party's enrolment before what changes its keys.
    ///
    /// # Errors
    /// [`OwnershipError`] when one was not made by whoever could.
    pub fn read(statements: &[String], genesis: Digest) -> Result<Self, OwnershipError> {
        let mut ownership = Self { genesis, parties: BTreeMap::new(), handed: Vec::new() };
        for text in statements {
            ownership.take(text)?;
        }
        Ok(ownership)
    }

    fn take(&mut self, text: &str) -> Result<(), OwnershipError> {
        let statement = Unverified::parse(text)?;
        match statement.kind() {
            Kind::Party => self.enrolled(statement),
            Kind::Rotation => {
                let (party, digest, body) = self.signed_by_owner(statement)?;
                let Body::Rotation(rotation) = body else { return Err(OwnershipError::Kind) };
                let keys = self.parties.get_mut(&party).ok_or(OwnershipError::UnknownKey)?;
                keys.proposed = Some((digest, rotation.keys));
                Ok(())
            }
            Kind::Handover => self.handed_over(statement),
            Kind::Recovery | Kind::Approval => self.by_recovery_key(statement),
            _ => Err(OwnershipError::Kind),
        }
    }

    fn enrolled(&mut self, statement: Unverified) -> Result<(), OwnershipError> {
        let key = statement.enclosed_key().ok_or(OwnershipError::Kind)?;
        let verified = statement.verify(&key, self.genesis)?;
        let Body::Party(enrolment) = verified.body() else { return Err(OwnershipError::Kind) };
        let party = key.thumbprint().first_of_party();
        if verified.signed().iss != party {
            return Err(OwnershipError::UnknownKey);
        }
        let signing = BTreeMap::from([(key.thumbprint(), key)]);
        let recovery = enrolment.recovery.signing_key;
        self.parties.insert(party, Keys { signing, recovery, earlier_recovery: Vec::new(), proposed: None });
        Ok(())
    }

    /// By a recovery key the party has or had: the statements that replaced one come before, whenever it was handed over.
    fn handed_over(&mut self, statement: Unverified) -> Result<(), OwnershipError> {
        let kid = statement.kid();
        let found = self.parties.iter().find_map(|(party, keys)| Some((*party, keys.recovery_of(kid)?)));
        let (party, key) = found.ok_or(OwnershipError::UnknownKey)?;
        let verified = statement.verify(&key, self.genesis)?;
        let Body::Handover(handover) = verified.body() else { return Err(OwnershipError::Kind) };
        if verified.signed().iss != party {
            return Err(OwnershipError::UnknownKey);
        }
        self.handed.push((handover.report, party, handover.to));
        Ok(())
    }

    fn by_recovery_key(&mut self, statement: Unverified) -> Result<(), OwnershipError> {
        let kid = statement.kid();
        let found = self.parties.iter_mut().find(|(_, keys)| keys.recovery.thumbprint() == kid);
        let (party, keys) = found.ok_or(OwnershipError::UnknownKey)?;
        let verified = statement.verify(&keys.recovery, self.genesis)?;
        if verified.signed().iss != *party {
            return Err(OwnershipError::UnknownKey);
        }
        match verified.body() {
            Body::Recovery(recovery) => keys.take(recovery.keys.clone()),
            Body::Approval(approval) => match keys.proposed.take() {
                Some((proposed, new)) if proposed == approval.approves => keys.take(new),
                _ => return Err(OwnershipError::Kind),
            },
            _ => return Err(OwnershipError::Kind),
        }
        Ok(())
    }

    /// The recovery key of a party today.
    pub fn recovery_key(&self, party: PartyId) -> Option<PublicKey> {
        self.parties.get(&party).map(|keys| keys.recovery)
    }

    /// Who signed a statement, by the keys known here.
    ///
    /// # Errors
    /// [`OwnershipError::UnknownKey`] when nobody did.
    pub fn signer(&self, text: &str) -> Result<PartyId, OwnershipError> {
        self.signed_by_owner(Unverified::parse(text)?).map(|(party, ..)| party)
    }

    fn signed_by_owner(&self, statement: Unverified) -> Result<(PartyId, Digest, Body), OwnershipError> {
        let kid = statement.kid();
        let found = self.parties.iter().find_map(|(party, keys)| Some((*party, *keys.signing.get(&kid)?)));
        let (party, key) = found.ok_or(OwnershipError::UnknownKey)?;
        let verified = statement.verify(&key, self.genesis)?;
        if verified.signed().iss != party {
            return Err(OwnershipError::UnknownKey);
        }
        Ok((party, verified.signed().digest, verified.body().clone()))
    }

    /// Whether a report that `first` sealed belonged to `signer` at some time. At which is for the log: what an owner gave
    /// before they handed it over still stands.
    ///
    /// # Errors
    /// [`OwnershipError::NotOwner`].
    pub fn leads(&self, report: ReportId, first: PartyId, signer: PartyId) -> Result<(), OwnershipError> {
        let (mut owner, mut owned) = (first, first == signer);
        for (handed, from, to) in &self.handed {
            if *handed == report && *from == owner {
                owner = *to;
                owned |= owner == signer;
            }
        }
        if owned { Ok(()) } else { Err(OwnershipError::NotOwner) }
    }
}

impl Keys {
    fn take(&mut self, new: NewKeys) {
        self.signing.insert(new.signing_key.thumbprint(), new.signing_key);
        if let Some(recovery) = new.recovery {
            self.earlier_recovery.push(std::mem::replace(&mut self.recovery, recovery.signing_key));
        }
    }

    fn recovery_of(&self, kid: KeyId) -> Option<PublicKey> {
        self.earlier_recovery.iter().chain([&self.recovery]).copied().find(|key| key.thumbprint() == kid)
    }
}
