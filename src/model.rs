//! Nouns, their life cycles, and the fold that turns log entries into facts.
//!
//! Pure: no clock, no randomness, no file, no socket, no signature. A signature has been checked by [`crate::wire`]
//! before anything reaches the fold. Start reading at [`fold`], then [`rows`] for what it writes and [`facts`] for
//! what a decision is given.

pub mod ambient;
pub mod answer;
pub mod audit;
pub mod bucket;
pub mod bundle;
pub mod epoch;
pub mod event;
pub mod facts;
pub mod fold;
pub mod freeze;
pub mod genesis;
pub mod grant;
pub mod ids;
pub mod institution;
pub mod keys;
pub mod limits;
pub mod party;
pub mod purpose;
pub mod release;
pub mod report;
pub mod request;
pub mod roster;
pub mod rows;
pub mod statement;
pub mod time;
pub mod view;
pub mod web;
