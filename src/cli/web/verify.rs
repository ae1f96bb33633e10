//! `web verify`: the page a broker serves, file by file, held against the register.

use super::built;
use crate::{
    cli::{
        ambient::{SystemClock, SystemEntropy},
        home::Access,
        output::{Failure, Out, chain},
    },
    client::{
        desk::{Desk, Opening},
        identity::{Identity, Label},
        memory::Memory,
        served::{self, Served, ServedError},
    },
    model::{ids::Digest, web::WebRelease},
};
use clap::Args;

/// Check that a broker serves a page that administrators vouch for, file by file.
///
/// Needs no identity. It looks at what the broker serves to you, now: a broker can serve somebody else another page. Where
/// lives depend on it, use this command line instead of any page.
#[derive(Args)]
#[command(after_help = "Example:\n  amana web verify https://broker.example --card broker.example#3f…")]
pub(super) struct Arguments {
    /// Address of the broker.
    #[arg(value_name = "URL")]
    url: String,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let card = access.card.clone().ok_or_else(|| {
        Failure::usage("give the broker's card with --card (or AMANA_CARD); without it any page would do")
    })?;
    let (clock, entropy) = (SystemClock::new(), SystemEntropy::new());
    // Whoever passes by: nothing is signed with these keys, and nothing of them is kept.
    let label: Label = "passer-by".parse().map_err(Failure::refused)?;
    let identity = Identity::generate(label, &*entropy);
    let opening = Opening { identity, memory: Memory::default(), clock, entropy };
    let desk = Desk::open(opening, &arguments.url, &card)?;
    let served = served::fetch(desk.remote()).map_err(|e| failure(&e))?;
    let vouched = desk.mirror().vouched_page(served.assets).map(|found| found.body);
    let own = built().ok();
    let value = serde_json::json!({
        "assets": served.assets, "files": served.files,
        "vouched": vouched.as_ref().map(|release| &release.version), "built_here": own == Some(served.assets),
    });
    if vouched.is_none() && own != Some(served.assets) {
        return Err(Failure::does_not_hold(said(&served, None, own)).with(value));
    }
    out.show(said(&served, vouched.as_ref(), own), &value);
    Ok(())
}

fn failure(error: &ServedError) -> Failure {
    match error {
        ServedError::Remote(_) => Failure::from_error(error),
        _ => Failure::does_not_hold(format!("the page does not hold: {}", chain(error))),
    }
}

fn said(served: &Served, vouched: Option<&WebRelease>, own: Option<Digest>) -> String {
    let vouched = vouched.map_or_else(
        || "nobody vouches for it: no statement of enough administrators names it".to_owned(),
        |release| format!("enough administrators vouch for it, as version {}", release.version),
    );
    let own = match own {
        Some(own) if own == served.assets => "the same as the one built into this program",
        Some(_) => "another than the one built into this program",
        None => "not compared: this program was built without the page",
    };
    format!(
        "The page has {} files, each as its list says.\n  list      {}\n  register  {vouched}\n  here      {own}\n\nThis is \
         what was served to you, now. It says nothing about what is served to others.",
        served.files, served.assets
    )
}
