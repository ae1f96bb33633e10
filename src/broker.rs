//! One file a verb; the only place that joins policy, store and tree.
//!
//! The way of one release: `release` verifies the officer's statement, loads the view, computes the facts, asks the
//! policies for a permit, has the store spend it (entry first), and hands out the header the store returns. Every
//! other way to header bytes is `redeliver` or `owner_header`, and both end in a `Logged`.

mod audit;
mod bodies;
mod denials;
mod disclose;
mod erase;
mod error;
mod evidence;
mod freeze;
mod grant;
mod inbox;
mod listing;
mod own_keys;
mod owner_header;
mod payload;
mod preview;
mod publish;
mod quota;
mod rates;
mod ready;
mod redeliver;
mod release;
mod report;
mod revoke;
mod scrub;
mod statement;
mod streams;
mod sweep;
mod token;
mod upload;
pub mod witness;
pub mod witnesses;

pub use crate::store::ExportedFacts;
pub use bodies::Retention;
pub use disclose::Disclosing;
pub use error::BrokerError;
pub use payload::Payload;
pub use publish::{Publication, Publishing, Witnesses};
pub use quota::Quotas;
pub use rates::Rates;
pub use redeliver::{Download, Lease};
pub use statement::{Caller, Shown};
pub use streams::Connection;
pub use token::{Challenge, TokenError};
pub use upload::{PartHead, PartWriter, Standing};

use crate::{
    model::{
        ambient::{Clock, Entropy},
        bundle::Bundle,
        limits,
        purpose::Taxonomy,
        time::Clocks,
    },
    policy::Engine,
    store::{Store, StoreError, blob::Blobs},
    wire::{genesis::SignedGenesis, taxonomy, work::Bits},
};
use bodies::Bodies;
use denials::Denials;
use evidence::Roots;
use quota::Quota;
use rates::Gate;
use ready::Readiness;
use std::sync::Arc;
use streams::Streams;
use token::Sessions;
use tokio::sync::Semaphore;
use upload::Uploads;

/// Who may register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody who reaches the broker: it listens on loopback and is known by a loopback address only.
    Loopback,
    /// Whoever shows the invitation printed at start.
    Invitation(String),
    /// Whoever shows the invitation, or a proof of work.
    Work {
        /// How much work.
        bits: Bits,
        /// The invitation, for those whose devices are too slow.
        invitation: String,
    },
}

/// What a broker is made of.
pub struct Parts {
    /// Facts, log and headers.
    pub store: Arc<dyn Store>,
    /// Payloads.
    pub blobs: Blobs,
    /// Trust root.
    pub genesis: SignedGenesis,
    /// Policies, taxonomy, profiles.
    pub bundle: Bundle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The address clients use; OAuth issuer and base of every DPoP `htu`.
    pub public_url: String,
    /// Who may register.
    pub registration: Registration,
    /// What one party may use.
    pub quotas: Quotas,
    /// How often somebody may ask.
    pub rates: Rates,
    /// When and for whom the logs are published.
    pub publishing: Publishing,
    /// What is not kept for ever.
    pub retention: Retention,
}

/// The broker.
pub struct Broker {
    store: Arc<dyn Store>,
    blobs: Blobs,
    genesis: SignedGenesis,
    engine: Engine,
    bundle: Bundle,
    taxonomy: Taxonomy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    public_url: String,
    registration: Registration,
    streams: Streams,
    sessions: Sessions,
    uploads: Uploads,
    roots: Roots,
    readiness: Readiness,
    /// Turns for checking the signature of what stops: false ones are sent without signing in.
    stop_checks: Semaphore,
    quota: Arc<Quota>,
    denials: Denials,
    gate: Gate,
    suspects: scrub::Suspects,
    publishing: Publishing,
    bodies: Bodies,
}

/// A broker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The policy bundle.
    #[error("the policy bundle cannot be used")]
    Policies(#[from] crate::policy::LoadError),
    /// The taxonomy in it.
    #[error("the policy bundle's taxonomy cannot be used")]
    Taxonomy(#[from] taxonomy::BadTaxonomy),
    /// It is not the one genesis names.
    #[error("the policy bundle is not the one in force: genesis names another digest")]
    OtherBundle,
    /// The folder of uploads.
    #[error("the uploads that were on their way cannot be read")]
    Uploads(#[from] StoreError),
}

impl Broker {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`StartError`] when the bundle is not the one in force or cannot be used.
    pub fn new(parts: Parts) -> Result<Arc<Self>, StartError> {
        let Parts {
            store,
            blobs,
            genesis,
            bundle,
            clock,
            entropy,
            public_url,
            registration,
            quotas,
            rates,
            publishing,
            retention,
        } = parts;
        let engine = Engine::load(&bundle)?;
        let fixed = genesis.genesis();
        if engine.bundle() != fixed.bundle || bundle.taxonomy_digest() != Some(fixed.taxonomy) {
            return Err(StartError::OtherBundle);
        }
        let taxonomy = taxonomy::parse(bundle.file("taxonomy.json").unwrap_or_default())?;
        let sessions = Sessions::new(&*entropy);
        let uploads = Uploads::resume(&blobs)?;
        let gate = Gate::new(rates, clock.monotonic(), &*entropy);
        Ok(Arc::new(Self {
            store,
            blobs,
            genesis,
            engine,
            bundle,
            taxonomy,
            clock,
            entropy,
            public_url,
            registration,
            streams: Streams::default(),
            sessions,
            uploads,
            roots: Roots::default(),
            readiness: Readiness::default(),
            stop_checks: Semaphore::new(limits::STOP_CHECKS),
            quota: Arc::new(Quota::new(quotas)),
            denials: Denials::new(quotas.denials),
            gate,
            suspects: scrub::Suspects::default(),
            publishing,
            bodies: Bodies::new(retention),
        }))
    }

    /// The trust root.
    pub fn genesis(&self) -> &SignedGenesis {
        &self.genesis
    }
    /// The address clients use, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }
    /// Why only revocation is possible, if so.
    pub fn revoke_only(&self) -> Option<&'static str> {
        self.store.revoke_only()
    }

    fn clocks(&self) -> Result<Clocks, StoreError> {
        Ok(self.clock.clocks(self.store.last_entry_at()?))
    }
}
