//! Amana: the map of the house.
#[cfg(feature = "server")]
pub mod broker;
#[cfg(feature = "server")]
pub mod http;
pub mod model;
#[cfg(feature = "server")]
pub mod policy;
#[cfg(feature = "server")]
pub mod store;
pub mod tlog;
pub mod wire;
