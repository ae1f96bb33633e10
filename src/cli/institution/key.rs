//! `institution key`: what reports are opened with, published by the root key.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::identity::to_age,
    model::{ids::AgeRecipient, statement::Text},
};
use clap::Args;

/// Publish the recipient key of a unit (institution's root key). The one before is superseded.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution key --as root --unit 'evidence unit' --recipient age1…")]
pub(super) struct Arguments {
    /// The unit that opens with it.
    #[arg(long, value_parser = words::read_text)]
    unit: Text,
    /// Its age recipient, as `amana identity show` or `age-keygen -y` prints it.
    #[arg(long, value_name = "age1…")]
    recipient: AgeRecipient,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    to_age(&arguments.recipient).map_err(|e| Failure::usage(format!("--recipient: {e}")))?;
    access.at_desk(|sitting| {
        let desk = &mut sitting.desk;
        let accepted = desk.publish_recipient_key(arguments.unit.clone(), arguments.recipient.clone())?;
        let id = desk.party_id();
        let words = desk.institution_fingerprint(id, &arguments.recipient)?;
        out.show(
            format!(
                "Published.\n  statement  {}\n  words      {words}\n\nTell advocates these eight words over another channel: \
                 for a day they have to type them.",
                accepted.id
            ),
            &serde_json::json!({ "statement": accepted.id, "index": accepted.index, "words": words }),
        );
        Ok(())
    })
}
