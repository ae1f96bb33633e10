//! `grant create`: consent checked, the words read, then signed and sent.

use super::{preview::Preview, terms::TermsArguments};
use crate::{
    cli::{
        home::{self, Access, Sitting},
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
        let mut tiers = Vec::new();
        for terms in &terms {
            let preview = Preview::of(&sitting.desk, terms)?;
            out.note(preview.text(terms, &taxonomy));
            tiers.push(preview.tier);
        }
        if !arguments.yes {
            home::decide("\nGrant this?", "grant", "not now", out)?;
        }
        let (mut texts, mut rows) = (Vec::new(), Vec::new());
        for (terms, tier) in terms.iter().zip(tiers) {
            let (text, row) = give(sitting, terms, goes(arguments, tier))?;
            texts.push(text);
            rows.push(row);
        }
        match rows.as_slice() {
            [only] => out.show(texts.concat(), only),
            _ => out.show(texts.join("\n\n"), &rows),
        }
        Ok(())
    })
}

/// Signs and sends one grant, and keeps what was kept back before anything else happens.
pub(super) fn give(
    sitting: &mut Sitting,
    terms: &Terms,
    goes: HeaderGoes,
) -> Result<(String, serde_json::Value), Failure> {
    let prepared = sitting.desk.prepare_grant(terms)?;
    let accepted = sitting.desk.give(&prepared, goes)?;
    if goes == HeaderGoes::Later {
        let kept = Bytes(prepared.header.clone());
        sitting.desk.memory_mut().kept_headers.insert(accepted.id.to_string(), kept);
    }
    sitting.keep()?;
    let row = serde_json::json!({
        "grant": accepted.id, "report": terms.report, "index": accepted.index,
        "waits_for_second_yes": goes == HeaderGoes::Later, "words": prepared.fingerprint,
        "urgent": prepared.grant.urgent, "replaces": terms.replaces,
    });
    Ok((text(accepted.id.into(), goes, terms), row))
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
