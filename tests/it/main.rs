//! Integration tests: one binary, a module a subject. Loopback only; everything made is removed.

#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and owns its clock"
)]

#[cfg(all(feature = "client", feature = "server"))]
mod anchor;
#[cfg(all(feature = "client", feature = "server"))]
mod answers;
mod architecture;
#[cfg(all(feature = "client", feature = "server"))]
mod asking;
#[cfg(all(feature = "client", feature = "server"))]
mod auditing;
#[cfg(all(feature = "client", feature = "server"))]
mod backup;
#[cfg(all(feature = "client", feature = "server"))]
mod command_line;
#[cfg(all(feature = "client", feature = "server"))]
mod consent;
#[cfg(feature = "client")]
mod consent_receipts;
#[cfg(all(feature = "client", feature = "server"))]
mod crashes;
#[cfg(all(feature = "client", feature = "server"))]
mod doctor;
#[cfg(all(feature = "client", feature = "server"))]
mod embedded_page;
#[cfg(all(feature = "client", feature = "server"))]
mod endpoints;
#[cfg(all(feature = "client", feature = "server"))]
mod endurance;
#[cfg(all(feature = "client", feature = "server"))]
mod endured;
#[cfg(all(feature = "client", feature = "server"))]
mod evidence;
#[cfg(all(feature = "client", feature = "server"))]
mod faults;
#[cfg(all(feature = "client", feature = "server"))]
mod first_walk;
#[cfg(all(feature = "client", feature = "server"))]
mod formats;
#[cfg(feature = "client")]
mod header;
#[cfg(feature = "client")]
mod identity;
#[cfg(all(feature = "client", feature = "server"))]
mod judged_alike;
mod least_metadata;
#[cfg(all(feature = "client", feature = "server"))]
mod liar;
#[cfg(all(feature = "client", feature = "server"))]
mod lies;
#[cfg(all(feature = "client", feature = "server"))]
mod life;
#[cfg(all(feature = "client", feature = "server"))]
mod log_keys;
#[cfg(all(feature = "client", feature = "server"))]
mod lying;
#[cfg(all(feature = "client", feature = "server"))]
mod openapi;
#[cfg(all(feature = "client", feature = "server"))]
mod overload;
#[cfg(all(feature = "client", feature = "server"))]
mod own_keys;
#[cfg(all(feature = "client", feature = "server"))]
mod persons;
#[cfg(all(feature = "client", feature = "server"))]
mod persons_by_commands;
#[cfg(all(feature = "client", feature = "server"))]
mod process;
#[cfg(all(feature = "client", feature = "server"))]
mod proofs_compile_fail;
#[cfg(all(feature = "client", feature = "server"))]
mod proxy;
#[cfg(all(feature = "client", feature = "server"))]
mod publishing;
#[cfg(all(feature = "client", feature = "server"))]
mod quotas;
#[cfg(all(feature = "client", feature = "server"))]
mod rates;
#[cfg(all(feature = "client", feature = "server"))]
mod raw;
#[cfg(all(feature = "client", feature = "server"))]
mod readiness;
#[cfg(all(feature = "client", feature = "server"))]
mod receiving;
#[cfg(all(feature = "client", feature = "server"))]
mod registration;
#[cfg(all(feature = "client", feature = "server"))]
mod releases;
#[cfg(all(feature = "client", feature = "server"))]
mod replaying;
#[cfg(feature = "client")]
mod report_format;
#[cfg(all(feature = "client", feature = "server"))]
mod resuming;
#[cfg(all(feature = "client", feature = "server"))]
mod retention;
#[cfg(all(feature = "client", feature = "server"))]
mod revocation;
#[cfg(all(feature = "client", feature = "server"))]
mod roll_forward;
#[cfg(all(feature = "client", feature = "server"))]
mod roster;
#[cfg(feature = "client")]
mod seal;
#[cfg(all(feature = "client", feature = "server"))]
mod shutdown;
#[cfg(all(feature = "client", feature = "server"))]
mod sign_in;
#[cfg(all(feature = "client", feature = "server"))]
mod socket;
#[cfg(all(feature = "client", feature = "server"))]
mod stage;
#[cfg(all(feature = "client", feature = "server"))]
mod statements;
mod tlog;
mod tlog_judged;
#[cfg(all(feature = "client", feature = "server"))]
mod transparency;
#[cfg(all(feature = "client", feature = "server"))]
mod twins;
#[cfg(feature = "client")]
mod two_faced;
#[cfg(all(feature = "client", feature = "server"))]
mod uploads;
#[cfg(all(feature = "client", feature = "server"))]
mod watching;
#[cfg(all(feature = "client", feature = "server"))]
mod witness;
#[cfg(all(feature = "client", feature = "server"))]
mod witnessed;
