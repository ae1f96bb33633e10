//! `openapi`: the description of the HTTP interface, as the broker serves it.

use super::output::{Failure, Out};
use crate::http;
use clap::Args;

/// Print the OpenAPI document of the HTTP interface.
#[derive(Args)]
#[command(after_help = "Example:\n  amana openapi > openapi.json")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, out: &Out) -> Result<(), Failure> {
    let document = http::openapi();
    let text = serde_json::to_string_pretty(&document).map_err(|e| Failure::from_error(&e))?;
    out.show(text, &document);
    Ok(())
}
