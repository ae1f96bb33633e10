//! Amana: a broker that releases sealed reports only under signed consent, and logs every release before it happens.
//!
//! The map of the house; a module uses only modules below it, and the test `architecture` decides.
//!
//! | module | what it is for |
//! |---|---|
//! | [`model`] | nouns, life cycles, the fold; pure |
//! | [`tlog`] | RFC 6962 trees over opaque bytes |
//! | [`wire`] | exact bytes: statements, entries, receipts, headers, JSON |
//! | [`audit`] | checking an exported bundle offline |
#![cfg_attr(feature = "server", doc = "| [`policy`] | facts in, permit or reasons out |")]
#![cfg_attr(feature = "server", doc = "| [`store`] | what is kept, one method one transaction |")]
#![cfg_attr(feature = "server", doc = "| [`broker`] | one file a verb; joins policy, store and tree |")]
#![cfg_attr(feature = "server", doc = "| [`http`] | the route table and its endpoints |")]
#![cfg_attr(feature = "client", doc = "| [`client`] | private keys: sealing, opening, signing, talking to a broker |")]
//! | [`cli`] | one file a subcommand; the only place that makes clocks, chance and sockets |

pub mod audit;
#[cfg(feature = "server")]
pub mod broker;
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod http;
pub mod model;
#[cfg(feature = "server")]
pub mod policy;
#[cfg(feature = "server")]
pub mod store;
pub mod tlog;
pub mod wire;
