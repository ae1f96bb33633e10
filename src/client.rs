//! The user's side: private keys, sealing, opening, and every request a person makes. The only place that says
//! `age::`.
//!
//! Start at [`desk`]: one person's identity, what their device remembers, and the broker they talk to. Each verb is a
//! file.

pub mod accounting;
pub mod answering;
pub mod auditing;
pub mod consent;
mod contradiction;
pub mod desk;
pub mod disclosed;
pub mod evidence;
pub mod exported;
pub mod fetched;
pub mod fingerprint;
pub mod freezing;
pub mod granting;
pub mod identity;
pub mod inbox;
pub mod institution;
pub mod memory;
pub mod mirror;
pub mod open;
pub mod own_keys;
pub mod published;
pub mod receipt;
pub mod receiving;
pub mod relations;
pub mod remote;
pub mod report;
pub mod reporting;
pub mod requests;
pub mod rewrap;
pub mod seal;
pub mod served;
pub mod uploading;
pub mod watching;
pub mod witnessing;
pub mod work;
