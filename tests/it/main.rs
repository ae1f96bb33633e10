//! Integration tests: one binary, a module a subject. Loopback only; everything made is removed.

mod architecture;
#[cfg(all(feature = "client", feature = "server"))]
mod command_line;
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
