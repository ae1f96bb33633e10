//! `request refuse`: no, with as much of a reason as its owner wants to give.

use super::reply::{ReplyArguments, listed};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    model::request::RefusalReason,
};
use clap::Args;

/// Refuse a request, or some of what it asks for. The reason is a code that the broker sees; a message is sealed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request refuse 3f…\n  amana request refuse 3f… --purpose criminal-investigation --reason no-consent\n  amana request refuse 3f… --reason too-wide --message 'The list of names is not needed for this.'"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    reply: ReplyArguments,
    /// Why: no-consent, danger, too-wide, not-fit or not-said.
    #[arg(long, default_value = "not-said", value_parser = words::read_term::<RefusalReason>)]
    reason: RefusalReason,
    /// More, in words. It is sealed to the institution's unit; the broker cannot read it.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let request = sitting.desk.request(arguments.reply.request)?;
        let reply = arguments.reply.reply(arguments.message.as_deref());
        let done = sitting.desk.refuse_request(&request, arguments.reason, &reply)?;
        let message = done.unit.as_ref().map_or_else(String::new, |unit| {
            format!("\nYour message can be read by the unit {unit:?} of the institution, and by nobody else.")
        });
        out.show(
            format!(
                "Refused: {}.\n  reason     {}\n  statement  {}{message}",
                listed(&done.purposes),
                words::reason(arguments.reason),
                done.accepted.id
            ),
            &serde_json::json!({
                "refusal": done.accepted.id, "index": done.accepted.index, "request": request.id,
                "purposes": done.purposes, "reason": arguments.reason, "unit": done.unit,
            }),
        );
        Ok(())
    })
}
