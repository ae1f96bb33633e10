//! `grant revoke`: withdrawing. One signature, no signing in, and honest words about what it cannot do.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::{desk::Desk, fetched::grant_of},
    model::{
        grant::{Scope, WithdrawnBy},
        ids::GrantId,
        time::Timestamp,
    },
    wire::api::Revoked,
};
use clap::Args;

/// Withdraw a grant. Works at once and without signing in.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana grant revoke 3f…\n  amana grant revoke 3f… --by person --scope identity,onward"
)]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// What is withdrawn: all, collection, further-use, onward, identity or contact. Collection always ends.
    #[arg(long = "scope", default_value = "all", value_delimiter = ',', value_parser = words::read_term::<Scope>)]
    scopes: Vec<Scope>,
    /// Whose wish it is: person, provider, or recipient (an institution hands back).
    #[arg(long, default_value = "provider", value_parser = words::read_term::<WithdrawnBy>)]
    by: WithdrawnBy,
    /// In how many days the institution owes its answer.
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    answer_within: u64,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let due = home::now().plus(words::days(arguments.answer_within)?);
    access.at_desk_to_withdraw(|sitting| {
        let desk = &mut sitting.desk;
        let revoked = desk.revoke(arguments.grant, arguments.scopes.clone(), arguments.by, due)?;
        // What was kept back for it has no use any more.
        desk.memory_mut().kept_headers.remove(&arguments.grant.to_string());
        let text = text(&institution(desk, arguments.grant), &revoked, due);
        out.show(
            text,
            &serde_json::json!({
                "grant": revoked.grant, "revocation": revoked.accepted.id, "index": revoked.accepted.index,
                "releases_used": revoked.releases_used, "streams_reset": revoked.streams_reset, "answer_due": due,
            }),
        );
        Ok(())
    })
}

/// The name from this device's own copies: withdrawing asks the broker for nothing else.
fn institution(desk: &Desk, grant: GrantId) -> String {
    let statement = desk.memory().receipts.get(&grant.to_string()).map(|receipt| receipt.statement.as_str());
    let terms = statement.and_then(|text| grant_of(text).ok());
    let row = terms.and_then(|terms| desk.mirror().institution(terms.institution));
    row.map_or_else(|| "The institution".to_owned(), |row| row.record.name.to_string())
}

fn text(institution: &str, revoked: &Revoked, due: Timestamp) -> String {
    let cut = match revoked.streams_reset {
        0 => String::new(),
        count => format!(" {count} delivery(s) under way were cut."),
    };
    if revoked.releases_used == 0 {
        return format!(
            "Withdrawn before anybody collected it.{cut} Nobody can collect this any more; the broker destroys what would \
             have opened it."
        );
    }
    format!(
        "Nobody can collect this again.{cut} {institution} has collected it {} time(s). What was opened cannot be taken \
         back.\nYou can still ask: no further sharing, no contact, hiding of name and place.\nThe withdrawal asks \
         {institution} what became of it; its answer is due by {}.",
        revoked.releases_used,
        words::moment(due)
    )
}
