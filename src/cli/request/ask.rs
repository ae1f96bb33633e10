//! `request ask`: what has to be known before it can be answered.

use super::reply::{ReplyArguments, listed};
use crate::cli::{
    home::Access,
    output::{Failure, Out},
    words,
};
use clap::Args;

/// Ask back before you answer. The question is sealed; what you asked about can still be granted or refused.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana request ask 3f… --message 'Who will hear the recording?'\n  amana request ask 3f… --purpose criminal-investigation --message 'Is there an open case?'"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    reply: ReplyArguments,
    /// The question. It is sealed to the institution's unit; the broker cannot read it.
    #[arg(long, value_name = "TEXT")]
    message: String,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let request = sitting.desk.request(arguments.reply.request)?;
        let done = sitting.desk.ask_back(&request, &arguments.reply.reply(Some(&arguments.message)))?;
        let unit = done.unit.as_deref().unwrap_or_default();
        out.show(
            format!(
                "Asked back about: {}.\n  statement  {}\n  read by    the unit {unit:?} of the institution, and nobody else\n\
                 The request still runs until {}; the institution answers with another request that says more.",
                listed(&done.purposes),
                done.accepted.id,
                words::moment(request.request.deadline)
            ),
            &serde_json::json!({
                "question": done.accepted.id, "index": done.accepted.index, "request": request.id,
                "purposes": done.purposes, "unit": done.unit,
            }),
        );
        Ok(())
    })
}
