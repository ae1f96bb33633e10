//! Recording what a person said, where it belongs: in a register's file, or on the device.

use super::{
    answers::{read_day, today},
    propose,
};
use crate::{
    cli::{
        home::{self, Access, Seat},
        output::{Failure, Out},
        words,
    },
    client::consent::{
        self, Recorded, Said, Telling, Whose,
        file::{self, Entry},
    },
    model::ids::ReportId,
};
use clap::Args;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// Where it is recorded, and when it was said.
#[derive(Args)]
pub(super) struct Where {
    /// A register that is not sealed yet, such as `case/consent/consent_register.json`.
    #[arg(long, value_name = "REGISTER.JSON", conflicts_with = "reports")]
    pub(super) file: Option<PathBuf>,
    /// The sealed report it is about; may be given several times.
    #[arg(long = "report", value_name = "REPORT")]
    pub(super) reports: Vec<ReportId>,
    /// The day of the talk [default: today].
    #[arg(long, value_name = "DAY", value_parser = read_day)]
    pub(super) date: Option<Date>,
}

impl Where {
    /// What is recorded on the device.
    pub(super) fn telling(&self, code: &str, said: Said) -> Telling {
        Telling { code: code.to_owned(), said, date: self.date, reports: self.reports.iter().copied().collect() }
    }
}

/// Records in a register's file. What a sealed register would be refused for is not written.
pub(super) fn in_file(
    path: &Path,
    code: &str,
    entry: Entry,
    said: &Said,
    place: &Where,
    out: &Out,
) -> Result<(), Failure> {
    let register = if entry == Entry::New { file::read_or_begin(path)? } else { file::read(path)? };
    let register = file::with(register, code, entry, said, (place.date, today()?))?;
    let bytes = file::bytes(&register, &words::taxonomy()?)?;
    home::replace_private(path, &bytes).map_err(|e| Failure::refused(format!("{}: {e}", path.display())))?;
    let person = register.persons.iter().find(|person| person.code == code);
    out.show(
        format!(
            "Recorded {code} in {}.\n{}\nReports that are sealed already do not change by it: record it for them without \
             --file.",
            path.display(),
            person.map(super::show::person).unwrap_or_default()
        ),
        &serde_json::json!({ "file": path, "code": code, "person": person }),
    );
    Ok(())
}

/// Records an answer on the device and tells which grants are wider than it.
pub(super) fn on_device(access: &Access, telling: Telling, out: &Out) -> Result<(), Failure> {
    let code = telling.code.clone();
    let record = |memory: &mut _| Ok(consent::record(memory, telling, home::now())?);
    access.change_then_sit(record, |seat, recorded: Recorded| {
        let proposed = propose::look(&seat, Whose::Of(&code))?;
        let memory = match &seat {
            Seat::AtDesk(sitting) => sitting.desk.memory(),
            Seat::Alone { memory, .. } => memory,
        };
        let register = recorded.reports.first().and_then(|report| consent::working(memory, *report));
        let person = register.iter().flat_map(|register| &register.persons).find(|person| person.code == code);
        let date = recorded.date;
        out.show(
            format!(
                "Recorded what {code} said on {date}, for:\n  {}\n{}\n{SEALED}\n{}",
                ids(&recorded.reports),
                person.map(super::show::person).unwrap_or_default(),
                proposed.text(),
            ),
            &serde_json::json!({
                "code": code, "date": date.to_string(), "reports": recorded.reports, "changed": recorded.changed,
                "person": person, "broker_asked": proposed.broker_asked(), "proposals": proposed.json(),
            }),
        );
        Ok(())
    })
}

/// Ids, one a line.
pub(super) fn ids(reports: &[ReportId]) -> String {
    reports.iter().map(ReportId::to_string).collect::<Vec<_>>().join("\n  ")
}

/// What a later answer is and is not.
const SEALED: &str = "The register sealed inside a report still shows the earlier answer, and whoever opens it reads that. \
     A grant beyond it stands on your word, recorded on this device; sealing the report anew makes it readable.";
