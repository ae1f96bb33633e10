//! `web propose`: an administrator vouches for a version of the page.

use super::built;
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
    },
    model::{ids::Digest, statement::Text},
};
use clap::Args;

/// Propose to vouch for a version of the page (administrator). It stands when enough other administrators approve.
///
/// Without a digest it is the page built into this program. Build it from its source yourself; do not take the digest from
/// the broker that serves it.
#[derive(Args)]
#[command(after_help = "Example:\n  amana web propose --identity administrator-1.txt")]
pub(super) struct Arguments {
    /// SHA-256 of the list of the page's files [default: of the page built into this program].
    #[arg(long, value_name = "DIGEST")]
    assets: Option<Digest>,
    /// The version people know it by [default: this program's].
    #[arg(long, value_name = "VERSION", default_value = env!("CARGO_PKG_VERSION"))]
    version_name: Text,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let assets = arguments.assets.map_or_else(built, Ok).map_err(Failure::refused)?;
    out.note(format!("The page: version {}, files {assets}", arguments.version_name));
    if !arguments.yes {
        home::decide("Vouch for this page?", "vouch", "not now", out)?;
    }
    access.at_desk(|sitting| {
        let accepted = sitting.desk.vouch_for_page(assets, arguments.version_name.clone())?;
        out.show(
            format!(
                "Proposed.\n  proposal  {id}\n\nIt stands when enough administrators have signed it, you among them:\n  \
                 amana institution approve {id}",
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index, "assets": assets }),
        );
        Ok(())
    })
}
