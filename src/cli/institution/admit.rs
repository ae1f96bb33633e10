//! `institution admit`: a proposal; one administrator alone cannot admit.

use super::{known, renew};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::desk::Desk,
    model::{
        ids::{Digest, PartyId},
        institution::RecordChange,
    },
};
use clap::Args;

/// Propose the admission of an institution (administrator). It takes effect when another administrator approves.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution admit kPrK… --identity administrator-1.txt\n  amana institution admit kPrK… --record 3f… --identity administrator-1.txt"
)]
pub(super) struct Arguments {
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    institution: PartyId,
    /// Another record it brought, which waits; `institution show` prints its digest.
    #[arg(long, value_name = "DIGEST")]
    record: Option<Digest>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let id = arguments.institution;
    access.at_desk(|sitting| {
        let row = known(&sitting.desk, id)?;
        let (does, accepted) = match arguments.record {
            None => (format!("admit {}", words::institution(&row.record)), sitting.desk.admit(id)?),
            Some(digest) => {
                let does = under_another_record(&sitting.desk, id, digest)?;
                (does, sitting.desk.admit_record(id, digest)?)
            }
        };
        out.show(
            format!(
                "Proposed: {does}.\n  proposal  {id}\n\nIt takes effect when another administrator has examined the same \
                 record and approves:\n  amana institution approve {id}",
                id = accepted.id
            ),
            &serde_json::json!({ "proposal": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}

/// What the admission of a record that waits would change.
pub(super) fn under_another_record(desk: &Desk, id: PartyId, digest: Digest) -> Result<String, Failure> {
    let row = known(desk, id)?;
    let found = desk.mirror().record(digest).filter(|record| record.body.institution == id);
    let RecordChange { record, .. } = found.map(|found| found.body).ok_or_else(|| {
        Failure::refused(format!("{} brought no record {digest}; see `amana institution show {id}`", row.record.name))
    })?;
    let changes = renew::changes(&row.record, &record);
    let changes = if changes.is_empty() { "  nothing of what is in force".to_owned() } else { changes.join("\n") };
    Ok(format!("admit {} under another record, which changes\n{changes}", words::institution(&row.record)))
}
