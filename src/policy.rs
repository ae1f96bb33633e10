//! Policies: given facts, an answer. Fetches none, writes nothing.
//!
//! Proof before power: [`Engine::decide_release`] and its two sisters are the only makers of a [`Permit`], which the
//! store spends. Everything that is not a clean "allow" is a denial: an evaluation error, a missing fact, no permit.

mod engine;
pub mod golden;
mod load;
mod permit;

pub use engine::{Denied, Engine, Reason};
pub use load::LoadError;
pub use permit::{OwnerFetch, Permit, Redelivery, Release};
