//! Genesis as bytes: a signed note (C2SP) whose text is JSON, and the bootstrap card that pins it.

use super::{
    entry::{Happening, Shared},
    trust::{Trust, note_verifier},
};
use crate::{
    model::{
        genesis::{BadGenesis, Genesis},
        ids::Digest,
        roster::Roster,
        time::Timestamp,
    },
    tlog::{self, CosignatureVerifier, Note, NoteSigner, NoteVerifier},
};
use std::{fmt, str::FromStr};

/// Why a genesis or a card was refused.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Not a signed note.
    #[error("genesis is not a signed note")]
    Note(#[from] tlog::NoteError),
    /// Not the JSON it should hold.
    #[error("genesis is not as documented: {0}")]
    Json(String),
    /// Breaks a rule.
    #[error(transparent)]
    Rule(#[from] BadGenesis),
    /// A key it names is not usable.
    #[error("genesis names a key that is not an Ed25519 key or has no usable name: {0}")]
    Key(String),
    /// A key it names did not sign it.
    #[error("genesis is not signed by {0}")]
    NotSigned(String),
    /// Not the one on the card.
    #[error(
        "this is not the broker on your bootstrap card: the card says {expected}, the broker shows {found}. \
         Do not go on; ask the person who gave you the card"
    )]
    OtherBroker {
        /// On the card.
        expected: Card,
        /// Shown.
        found: Card,
    },
    /// Not a card.
    #[error("a bootstrap card reads ORIGIN#SHA256, with 64 lower-case hexadecimal characters after the last '#'")]
    Card,
}

/// A genesis whose signatures have all been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedGenesis {
    // INVARIANT: `note` parses to `genesis` and is signed by every key it names; made by `parse` alone.
    note: String,
    genesis: Genesis,
}

impl SignedGenesis {
    /// Signs a genesis with every log and role key it names.
    ///
    /// # Errors
    /// When a rule does not hold or a signature is missing.
    pub fn make(genesis: &Genesis, signers: &[&dyn NoteSigner]) -> Result<Self, GenesisError> {
        genesis.check()?;
        let json = serde_json::to_string(genesis).map_err(|e| GenesisError::Json(e.to_string()))?;
        Self::parse(&tlog::sign_note(&format!("{json}\n"), signers)?)
    }

    /// Reads and checks a signed genesis.
    ///
    /// # Errors
    /// [`GenesisError`]; a missing signature of any key it names is one.
    pub fn parse(note: &str) -> Result<Self, GenesisError> {
        let parsed = Note::parse(note)?;
        let genesis: Genesis = serde_json::from_str(parsed.text()).map_err(|e| GenesisError::Json(e.to_string()))?;
        genesis.check()?;
        let mut verifiers = vec![
            note_verifier(&genesis.register_origin(), &genesis.log_keys.register)?,
            note_verifier(&genesis.case_origin(), &genesis.log_keys.case)?,
        ];
        let first = Roster::of(&genesis);
        for (_, named) in first.holders() {
            verifiers.push(note_verifier(&named.name, &named.key)?);
        }
        Trust::of(&genesis.origin, &first)?;
        let signed = parsed.verify(&verifiers)?;
        for verifier in &verifiers {
            if !signed.iter().any(|s| s.name() == verifier.name() && s.key() == verifier.key()) {
                return Err(GenesisError::NotSigned(verifier.name().to_string()));
            }
        }
        Ok(Self { note: note.to_owned(), genesis })
    }

    /// What it fixes.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }
    /// The signed note, verbatim.
    pub fn note(&self) -> &str {
        &self.note
    }
    /// SHA-256 of the note: every statement's `aud`.
    pub fn digest(&self) -> Digest {
        Digest::of(self.note.as_bytes())
    }
    /// The card to hand out.
    pub fn card(&self) -> Card {
        Card { origin: self.genesis.origin.clone(), digest: self.digest() }
    }
    /// Refuses any genesis but the one on the card.
    ///
    /// # Errors
    /// [`GenesisError::OtherBroker`].
    pub fn matching(self, card: &Card) -> Result<Self, GenesisError> {
        let found = self.card();
        if found == *card { Ok(self) } else { Err(GenesisError::OtherBroker { expected: card.clone(), found }) }
    }
    /// Entry 0 of the register. Every client can compute it, so it needs no proof.
    pub fn entry(&self) -> Shared {
        Shared {
            event: Happening::GenesisLaid,
            at: self.genesis.at,
            register_size: None,
            statement: Some(self.note.clone()),
        }
    }
    /// The witnesses whose cosignatures count, in the order of genesis; each key stands in it once.
    ///
    /// # Errors
    /// [`GenesisError::Key`], which a genesis that was read does not have.
    pub fn witness_verifiers(&self) -> Result<Vec<CosignatureVerifier>, GenesisError> {
        Ok(self.trust()?.witnesses().to_vec())
    }
    /// Whose signatures count as long as no roster statement says otherwise.
    ///
    /// # Errors
    /// [`GenesisError::Key`] when a witness's name or key is not usable.
    pub fn trust(&self) -> Result<Trust, GenesisError> {
        Trust::of(&self.genesis.origin, &Roster::of(&self.genesis))
    }
    /// When it was made.
    pub fn at(&self) -> Timestamp {
        self.genesis.at
    }
    /// The key that signs the register's checkpoints.
    pub fn register_verifier(&self) -> Result<NoteVerifier, GenesisError> {
        note_verifier(&self.genesis.register_origin(), &self.genesis.log_keys.register)
    }
    /// The key that signs the case log's checkpoints.
    pub fn case_verifier(&self) -> Result<NoteVerifier, GenesisError> {
        note_verifier(&self.genesis.case_origin(), &self.genesis.log_keys.case)
    }
}

/// What a client is given out of band: `ORIGIN#SHA256(genesis)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    /// The broker's name.
    pub origin: String,
    /// Digest of its genesis.
    pub digest: Digest,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.origin, self.digest)
    }
}
impl FromStr for Card {
    type Err = GenesisError;
    fn from_str(text: &str) -> Result<Self, GenesisError> {
        let (origin, digest) = text.trim().rsplit_once('#').ok_or(GenesisError::Card)?;
        let digest = digest.parse().map_err(|_| GenesisError::Card)?;
        if origin.is_empty() { Err(GenesisError::Card) } else { Ok(Self { origin: origin.to_owned(), digest }) }
    }
}
