//! `institution call` and `institution calls`: asking for information in public.

use super::{known, told};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::{desk::Desk, published::Published},
    model::{institution::Call, purpose::Purpose, statement::Text, time::Timestamp},
};
use clap::{Args, Subcommand};

/// Ask for information, publicly (institution's root key).
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana institution call publish --as root --about 'Evictions in the delta since March' \\\n    --purpose commission-of-inquiry --unit 'evidence unit' --until 2030-06-30"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Publish a call. It stands in the public register: name nobody in it.
    Publish(Publish),
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  amana institution call publish --as root --about 'Evictions in the delta' \\\n    --purpose commission-of-inquiry --unit 'evidence unit' --until 2030-06-30"
)]
struct Publish {
    /// What you look into, in words.
    #[arg(long, value_name = "TEXT", value_parser = words::read_text)]
    about: Text,
    /// What for, within your mandate; may be given several times.
    #[arg(long = "purpose", value_name = "PURPOSE", required = true, value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// The unit to grant to.
    #[arg(long, value_parser = words::read_text)]
    unit: Text,
    /// The last day of it, in UTC.
    #[arg(long, value_name = "DATE", value_parser = words::read_last_day)]
    until: Timestamp,
}

/// List the calls for information that run, of every institution that may receive.
#[derive(Args)]
#[command(after_help = "Example:\n  amana institution calls")]
pub(super) struct Listing {}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let Verb::Publish(verb) = &arguments.verb;
    words::known_purposes(&verb.purposes, &words::taxonomy()?)?;
    access.at_desk(|sitting| {
        let institution = sitting.desk.party_id();
        let row = known(&sitting.desk, institution)?;
        if let Some(outside) = verb.purposes.iter().find(|purpose| !row.record.mandate.contains(purpose)) {
            return Err(Failure::refused(format!("{outside} is outside the mandate in your record")));
        }
        let keys = sitting.desk.mirror().current_recipient_keys(institution);
        if !keys.iter().any(|(_, key)| key.unit == verb.unit.as_str()) {
            return Err(Failure::refused(format!(
                "no unit {:?} has published a recipient key, so nobody could grant to it; see `amana institution key`",
                verb.unit.as_str()
            )));
        }
        let call = Call {
            institution,
            about: verb.about.clone(),
            purposes: verb.purposes.clone(),
            unit: verb.unit.clone(),
            until: verb.until,
        };
        let accepted = sitting.desk.call(&call)?;
        told(out, &format!("Published. It runs until {}.", words::moment(call.until)), &accepted);
        Ok(())
    })
}

/// Lists them.
pub(super) fn list(_: &Listing, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let desk = &sitting.desk;
        let calls = desk.mirror().running_calls(desk.now());
        let texts: Vec<String> = calls.iter().map(|call| text(desk, call)).collect();
        let rows: Vec<_> = calls
            .iter()
            .map(|call| serde_json::json!({ "statement": call.statement, "at": call.at, "call": call.body }))
            .collect();
        out.show(if texts.is_empty() { "No call runs.".to_owned() } else { texts.join("\n\n") }, &rows);
        Ok(())
    })
}

fn text(desk: &Desk, call: &Published<Call>) -> String {
    let body = &call.body;
    let row = desk.mirror().institution(body.institution);
    let name = row.map_or_else(String::new, |row| words::institution(&row.record));
    let purposes: Vec<&str> = body.purposes.iter().map(Purpose::as_str).collect();
    let id = body.institution;
    format!(
        "{}\n  by         {name}\n  for        {}\n  unit       {}\n  until      {}\n  look       amana institution show {id}\n  \
         let know   amana request notice --to {id} --unit '{}' --report REPORT",
        body.about,
        purposes.join(", "),
        body.unit,
        words::moment(body.until),
        body.unit,
    )
}
