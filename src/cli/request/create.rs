//! `request create`: an officer asks, on a legal basis, with a message only the owner can read.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::{fetched::Asking, requests::Reference},
    model::{ids::GrantId, purpose::Purpose, request::RequestKind, statement::Text, time::Timestamp},
};
use clap::Args;

/// Ask for a report whose reference you were given.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request create 3f….age1… --purpose commission-of-inquiry \\\n    --legal-basis 'Resolution 12/34 of the Council' --deadline 30 --message 'Our reference is F-12.'\n  amana request create 3f….age1… --kind onward --grant 7a… --purpose commission-of-inquiry \\\n    --legal-basis 'Resolution 12/34' --deadline 30 --message 'To the court of …'"
)]
pub(super) struct Arguments {
    /// The reference its advocate handed over: ID.age1…
    reference: Reference,
    /// What for: the id of a purpose, such as commission-of-inquiry (a wrong one lists them all); may be given several
    /// times.
    #[arg(long = "purpose", value_name = "PURPOSE", required = true, value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// On which legal basis you ask.
    #[arg(long, value_parser = words::read_text)]
    legal_basis: Text,
    /// In how many days an answer comes too late.
    #[arg(long, value_name = "DAYS")]
    deadline: u64,
    /// What is asked: access, or about a grant you have: lift-lead-only, onward, disclose-to-parties, publish,
    /// contact-source, keep-longer or clarify.
    #[arg(long, default_value = "access", value_parser = words::read_term::<RequestKind>)]
    kind: RequestKind,
    /// The grant it is about; for every kind but access.
    #[arg(long, value_name = "GRANT")]
    grant: Option<GrantId>,
    /// For keep-longer: until when, such as 2030-12-31; the whole day counts, in UTC.
    #[arg(long, value_name = "TIME", value_parser = words::read_last_day)]
    keep_until: Option<Timestamp>,
    /// A message to the owner. It is sealed before it leaves; the broker cannot read it.
    #[arg(long)]
    message: Option<String>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    words::known_purposes(&arguments.purposes, &words::taxonomy()?)?;
    let asking = Asking {
        kind: arguments.kind,
        grant: arguments.grant,
        keep_until: arguments.keep_until,
        message: arguments.message.clone(),
        ..Asking::for_access(
            arguments.reference.report,
            arguments.reference.owner.clone(),
            arguments.purposes.clone(),
            arguments.legal_basis.clone(),
            home::now().plus(words::days(arguments.deadline)?),
        )
    };
    access.at_desk(|sitting| {
        let accepted = sitting.desk.ask_for_access(&asking)?;
        out.show(
            format!(
                "Asked.\n  request  {}\n  answer   due by {}\nThe advocate decides; no answer is a no.",
                accepted.id,
                words::moment(asking.deadline)
            ),
            &serde_json::json!({ "request": accepted.id, "index": accepted.index, "deadline": asking.deadline }),
        );
        Ok(())
    })
}
