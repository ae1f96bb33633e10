//! The facts: rows the fold writes, each with the entry that last changed it.
//!
//! One fold writes both the verifier's memory and the broker's database, through [`Rows`]. A row's version is its
//! citation: what a decision read is compared against it before the decision is spent.

use super::{
    event::EntryRef,
    ids::{KeyId, Nonce, PartyId},
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};

/// One kind of fact.
pub trait Row: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The kind's name: part of the row's key, and of the seal around it.
    const KIND: &'static str;
    /// Parties in whose listings the row appears.
    fn viewers(&self) -> Vec<PartyId> {
        Vec::new()
    }
    /// When the sweeper has to look at it, if ever.
    fn due(&self) -> Option<Timestamp> {
        None
    }
    /// Whether somebody ever has to do something about rows of this kind.
    const WAITS: bool = false;
    /// Who has to do something about it, and by when; what is most urgent stands first in an inbox.
    fn waits_for(&self) -> Vec<Waiting> {
        Vec::new()
    }
}

/// Somebody has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub party: PartyId,
    /// By when; the far future where nothing happens without it.
    pub by: Timestamp,
}

/// A row and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<R> {
    /// The fact.
    pub row: R,
    /// The entry that last changed it.
    pub version: EntryRef,
}

/// Where facts are kept.
pub trait Rows {
    /// Why a read or write did not happen.
    type Error;
    /// The row under `key`, if there is one.
    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, Self::Error>;
    /// Writes the row under `key`; `version` is the entry that changes it.
    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), Self::Error>;
}

macro_rules! row {
    ($name:ident, $kind:literal) => {
        impl Row for $name {
            const KIND: &'static str = $kind;
        }
    };
}

mod case;
mod log;
mod parties;
mod proposals;

pub use case::*;
pub use log::*;
pub use parties::*;
pub use proposals::*;

/// Key of the rows that exist once.
pub const ONLY: &str = "only";

/// Key of a row that belongs to two things.
pub fn pair(first: &impl std::fmt::Display, second: &impl std::fmt::Display) -> String {
    format!("{first}/{second}")
}

/// The key of an officer's nonce.
pub fn nonce_key(officer: KeyId, nonce: Nonce) -> String {
    pair(&officer, &nonce)
}
