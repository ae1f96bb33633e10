//! Integration tests: one binary, a module a subject. Loopback only; everything made is removed.

mod architecture;
#[cfg(all(feature = "client", feature = "server"))]
mod first_walk;
#[cfg(feature = "client")]
mod header;
#[cfg(feature = "client")]
mod identity;
#[cfg(feature = "client")]
mod report_format;
#[cfg(feature = "client")]
mod seal;
#[cfg(all(feature = "client", feature = "server"))]
mod stage;
mod tlog;
#[cfg(feature = "client")]
mod two_faced;
#[cfg(all(feature = "client", feature = "server"))]
mod raw;
#[cfg(all(feature = "client", feature = "server"))]
mod statements;
#[cfg(all(feature = "client", feature = "server"))]
mod sign_in;
#[cfg(all(feature = "client", feature = "server"))]
mod endpoints;
#[cfg(all(feature = "client", feature = "server"))]
mod consent;
#[cfg(all(feature = "client", feature = "server"))]
mod auditing;
