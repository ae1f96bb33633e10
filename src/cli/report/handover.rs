//! `report hand-over` and `report take-over`: a report comes to belong to another advocate, without being uploaded again.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        recovery,
    },
    client::own_keys::Heir,
    model::ids::{AgeRecipient, Digest, PartyId, ReportId},
};
use clap::Args;
use std::{path::PathBuf, str::FromStr};

/// Offer a report to another advocate, such as the organisation that goes on with your work. It is theirs when they agree.
///
/// It takes the 24 words of your recovery key: nobody gives your reports away with your device alone.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana report hand-over 3f… --to 'kPrK….age1….age1…'      # as their `identity show` prints it\n  amana report take-over 7a…                               # they, with the offer you tell them"
)]
pub(super) struct Arguments {
    /// The report.
    report: ReportId,
    /// Who is to own it: PARTY.RECIPIENT.RECOVERY-RECIPIENT, over another channel than the broker.
    #[arg(long, value_name = "HEIR", allow_hyphen_values = true)]
    to: Named,
    /// Read the 24 words of the recovery key from a file instead of asking for them.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
}

/// Agree to own a report that was offered to you.
#[derive(Args)]
#[command(after_help = "Example:\n  amana report take-over 7a…")]
pub(super) struct Taking {
    /// The offer.
    offer: Digest,
}

/// An advocate and what to lock a report for.
#[derive(Clone)]
struct Named(Heir);

impl FromStr for Named {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "an heir reads PARTY.age1….age1…, as their `identity show` prints it".to_owned();
        let words = |e: crate::model::ids::Malformed| e.to_string();
        let mut parts = text.trim().split('.');
        let (Some(party), Some(first), Some(second), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(form());
        };
        let recipient = |text: &str| text.parse::<AgeRecipient>().map_err(words);
        let party: PartyId = party.parse().map_err(words)?;
        Ok(Self(Heir { party, recipient: recipient(first)?, recovery_recipient: recipient(second)? }))
    }
}

pub(super) fn offer(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let words = recovery::typed(arguments.words_file.as_deref())?;
    access.at_desk(|sitting| {
        let offered = sitting.desk.hand_over(arguments.report, &arguments.to.0, &words)?.id;
        out.show(
            format!(
                "Offered. It is theirs when they agree:\n  amana report take-over {offered}\nUntil then it is yours. What you \
                 granted of it goes on."
            ),
            &serde_json::json!({ "report": arguments.report, "offer": offered, "to": arguments.to.0.party }),
        );
        Ok(())
    })
}

pub(super) fn take(arguments: &Taking, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let report = sitting.desk.take_over(arguments.offer)?;
        out.show(
            format!(
                "It is yours. Fetch it back once (amana report download {report} --out FILE): title, persons and their consent \
                 are in it,\nand grants are checked against that."
            ),
            &serde_json::json!({ "offer": arguments.offer, "report": report }),
        );
        Ok(())
    })
}
