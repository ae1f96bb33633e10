//! `institution renew`: another record, which waits until it is examined; what is not said stays.

use super::known;
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    model::{
        institution::InstitutionRecord,
        purpose::{Purpose, RecipientClass},
        rows::InstitutionRow,
        statement::Text,
    },
};
use clap::Args;

/// Bring another public record, such as a renewed mandate (institution's root key).
///
/// What is not named stays as it is. The record in force goes on until two administrators admit the new one.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana institution renew --as root --mandate-days 365\n  amana institution renew --as root --mandate commission-of-inquiry,preservation-mechanism"
)]
pub(super) struct Arguments {
    /// Its name as it calls itself.
    #[arg(long, value_parser = words::read_text)]
    name: Option<Text>,
    /// Under whose law it stands.
    #[arg(long, value_parser = words::read_text)]
    jurisdiction: Option<Text>,
    /// What kind of body it is: un-mechanism, international-court, national-prosecutor, state-concerned, ngo or media.
    #[arg(long, value_parser = words::read_term::<RecipientClass>)]
    class: Option<RecipientClass>,
    /// Everything its mandate lets it do from then on; may be given several times.
    #[arg(long, value_name = "PURPOSE", value_delimiter = ',')]
    mandate: Vec<Purpose>,
    /// For how many days from today the mandate holds.
    #[arg(long, value_name = "DAYS")]
    mandate_days: Option<u64>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    words::known_purposes(&arguments.mandate, &words::taxonomy()?)?;
    access.at_desk(|sitting| {
        let id = sitting.desk.party_id();
        let row = known(&sitting.desk, id)?;
        let record = renewed(arguments, &row)?;
        let changes = changes(&row.record, &record);
        if changes.is_empty() {
            return Err(Failure::usage(
                "nothing would change; say what does: --name, --jurisdiction, --class, --mandate or --mandate-days",
            ));
        }
        let accepted = sitting.desk.renew_record(record)?;
        out.show(
            format!(
                "Brought a record that waits.\n{}\n  record    {digest}\n  register  entry {}, proved to this device\n\nThe \
                 record in force stays until two administrators have examined this one:\n  amana institution admit {id} \
                 --record {digest}",
                changes.join("\n"),
                accepted.index,
                digest = accepted.id
            ),
            &serde_json::json!({ "institution": id, "record": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}

fn renewed(arguments: &Arguments, row: &InstitutionRow) -> Result<InstitutionRecord, Failure> {
    let now = &row.record;
    let mandate_until = match arguments.mandate_days {
        Some(days) => home::now().plus(words::days(days)?),
        None => now.mandate_until,
    };
    Ok(InstitutionRecord {
        name: arguments.name.clone().unwrap_or_else(|| now.name.clone()),
        jurisdiction: arguments.jurisdiction.clone().unwrap_or_else(|| now.jurisdiction.clone()),
        class: arguments.class.unwrap_or(now.class),
        mandate: if arguments.mandate.is_empty() { now.mandate.clone() } else { arguments.mandate.clone() },
        mandate_until,
    })
}

/// What one record says otherwise than another, a line each.
pub(super) fn changes(now: &InstitutionRecord, then: &InstitutionRecord) -> Vec<String> {
    let purposes = |record: &InstitutionRecord| {
        let mut purposes: Vec<&str> = record.mandate.iter().map(Purpose::as_str).collect();
        purposes.sort_unstable();
        purposes.join(", ")
    };
    let parts = |record: &InstitutionRecord| {
        [
            ("name", record.name.to_string()),
            ("jurisdiction", record.jurisdiction.to_string()),
            ("class", record.class.as_str().to_owned()),
            ("mandate", purposes(record)),
            ("mandate until", words::moment(record.mandate_until)),
        ]
    };
    let changed = parts(now).into_iter().zip(parts(then)).filter(|((_, now), (_, then))| now != then);
    changed.map(|((what, now), (_, then))| format!("  {what}: {now}\n    becomes {then}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn record(name: &str, mandate: &[&str]) -> InstitutionRecord {
        InstitutionRecord {
            name: name.parse().unwrap(),
            jurisdiction: "Union of Lakes".parse().unwrap(),
            class: RecipientClass::UnMechanism,
            mandate: mandate.iter().map(|purpose| purpose.parse().unwrap()).collect(),
            mandate_until: Timestamp::from_seconds(1_900_000_000),
        }
    }

    #[test]
    fn changes_name_what_differs_and_nothing_else() {
        let now = record("Mission", &["one", "two"]);
        assert!(changes(&now, &record("Mission", &["two", "one"])).is_empty());
        let lines = changes(&now, &record("Mission", &["one", "two", "zoo"]));
        assert_eq!(lines, ["  mandate: one, two\n    becomes one, two, zoo"]);
        assert_eq!(changes(&now, &record("Court", &["one"])).len(), 2);
    }
}
