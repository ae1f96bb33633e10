//! Exact bytes: what is signed, hashed, stored and sent.
//!
//! A value from outside is [`statement::Unverified`] until a key has been applied to it. Nothing here holds a secret,
//! opens a file or decides. Start at [`statement`], then [`entry`], [`receipt`] and [`header`].

pub mod about;
pub mod api;
pub mod backup;
pub mod entry;
pub mod genesis;
pub mod header;
pub mod jws;
pub mod listing;
pub mod oauth;
pub mod ownership;
pub mod problem;
pub mod receipt;
#[cfg(feature = "server")]
mod schema;
pub mod statement;
pub mod taxonomy;
pub mod trust;
pub mod tus;
pub mod work;
