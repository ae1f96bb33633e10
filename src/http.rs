//! HTTP: the route table, callers, problems; one file an endpoint. Knows the broker, not what is under it.
//!
//! `serve` is the accept loop; `routes` says who may call what, and the table of endpoints and callers in the tests
//! is checked against it.

mod after;
mod audit;
mod caller;
mod capacity;
mod connection;
mod download;
mod freezes;
mod grants;
mod health;
mod inbox;
mod json;
mod log;
mod openapi;
mod pace;
mod problem;
mod rates;
mod register;
mod releases;
mod reports;
mod respond;
mod revocations;
mod routes;
mod seats;
mod serve;
mod statements;
mod token;
mod uploads;
mod web;
mod well_known;
mod witness;

pub use openapi::document as openapi;
pub use routes::{Access, ROUTES, Route, router};
pub use serve::{ServeError, Server};
pub use web::{PAGES, digest as page_digest, missing as page_missing};
pub use witness::WitnessServer;
