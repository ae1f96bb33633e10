//! `grant complete`: the second yes.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
    },
    model::ids::GrantId,
};
use clap::Args;

/// The second yes: send what a grant was waiting for. From then on it can be collected.
#[derive(Args)]
#[command(after_help = "Example:\n  amana grant complete 3f…")]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let id = arguments.grant;
    access.at_desk(|sitting| {
        let kept = sitting.desk.memory().kept_headers.get(&id.to_string()).cloned();
        let header = kept.ok_or_else(|| {
            Failure::refused(format!(
                "this device keeps nothing back for a grant {id}: it was completed, or given from another device. If it is \
                 lost, withdraw that grant and give a new one"
            ))
        })?;
        let accepted = sitting.desk.send_header(id, header.0)?;
        sitting.desk.memory_mut().kept_headers.remove(&id.to_string());
        out.show(
            format!("The grant {id} is complete. It can be collected as soon as its waiting time is over."),
            &serde_json::json!({ "grant": id, "index": accepted.index }),
        );
        Ok(())
    })
}
