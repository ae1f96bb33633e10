//! `grant create`: consent checked, the words read, then signed and sent.

use super::{preview::Preview, terms::TermsArguments};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::granting::{HeaderGoes, Terms},
    model::{ids::GrantId, report::Tier},
    wire::api::Bytes,
};
use clap::Args;

/// Check persons' consent, sign a grant and send it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana grant create 3f… --to kPrK… --purpose commission-of-inquiry --confirm-fingerprint 'eight words …'\n  amana grant create 3f… --to kPrK… --purpose criminal-investigation --cooling-off 72 --keep-header"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    terms: TermsArguments,
    /// Keep back what opens the report until your second yes, `grant complete`. Always so from tier 3 on.
    #[arg(long)]
    keep_header: bool,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let taxonomy = words::taxonomy()?;
    let terms = arguments.terms.terms(&taxonomy)?;
    access.at_desk(|sitting| {
        let preview = Preview::of(&sitting.desk, &terms)?;
        out.note(preview.text(&terms, &taxonomy));
        if !arguments.yes {
            home::decide("\nGrant this?", "grant", "not now", out)?;
        }
        let prepared = sitting.desk.prepare_grant(&terms)?;
        let goes = goes(arguments, preview.tier);
        let accepted = sitting.desk.give(&prepared, goes)?;
        if goes == HeaderGoes::Later {
            let kept = Bytes(prepared.header.clone());
            sitting.desk.memory_mut().kept_headers.insert(accepted.id.to_string(), kept);
        }
        sitting.keep()?;
        out.show(
            text(accepted.id.into(), goes, &terms),
            &serde_json::json!({
                "grant": accepted.id, "index": accepted.index, "waits_for_second_yes": goes == HeaderGoes::Later,
                "words": prepared.fingerprint, "urgent": prepared.grant.urgent,
            }),
        );
        Ok(())
    })
}

/// From tier 3 on nobody at the broker may hold what opens the report before the advocate has said yes twice.
fn goes(arguments: &Arguments, tier: Tier) -> HeaderGoes {
    if arguments.keep_header || u8::from(tier) >= 3 { HeaderGoes::Later } else { HeaderGoes::Along }
}

fn text(id: GrantId, goes: HeaderGoes, terms: &Terms) -> String {
    let next = match goes {
        HeaderGoes::Along => {
            format!("It can be collected once the waiting time ({}) is over.", words::length(terms.cooling_off))
        }
        HeaderGoes::Later => {
            format!("It releases nothing until your second yes, from this device: amana grant complete {id}")
        }
    };
    format!("Granted.\n  grant  {id}\n{next}\nTake it back at any time: amana grant revoke {id}")
}
