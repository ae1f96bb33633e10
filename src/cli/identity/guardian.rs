//! `identity guardian`: a freeze signed beforehand, to be left with somebody trusted.

use crate::{
    cli::{
        freeze,
        home::{Access, write_private_new},
        output::{Failure, Out},
        words,
    },
    model::ids::PartyId,
};
use clap::Args;
use std::path::PathBuf;

/// Make a file with which somebody you trust can stop everything of yours, once: against arrest, or a device that is taken.
///
/// It can do nothing else. It stays good when you rotate your keys, and ends by itself.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana identity guardian --out guardian.json\n  amana identity guardian --out guardian.json --guardian kPrK… --days 180"
)]
pub(super) struct Arguments {
    /// The file to make.
    #[arg(long)]
    out: PathBuf,
    /// An advocate of this broker whose agreement lifting the freeze takes, beside your recovery key.
    #[arg(long, value_name = "PARTY_ID", allow_hyphen_values = true)]
    guardian: Option<PartyId>,
    /// For how many days it can be used, at most 400.
    #[arg(long, default_value_t = 365)]
    days: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let holds_for = words::days(arguments.days)?;
    access.at_desk(|sitting| {
        let file = sitting.desk.guardian_file(freeze::lift(arguments.guardian), holds_for)?;
        let text = serde_json::to_string_pretty(&file).map_err(|e| Failure::refused(e.to_string()))?;
        write_private_new(&arguments.out, text.as_bytes())?;
        out.show(
            format!(
                "Made {}. It can be used once, until {}.\nGive it to somebody you trust, and keep no copy on this device. \
                 They use it with:\n  amana freeze --file {}",
                arguments.out.display(),
                words::moment(file.until),
                arguments.out.display()
            ),
            &serde_json::json!({ "file": arguments.out, "until": file.until }),
        );
        Ok(())
    })
}
