//! `report withdraw`: nobody can collect a report any more; and, with the recovery key, it is erased.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        recovery, words,
    },
    model::{ids::ReportId, limits, report::AfterWithdrawal},
};
use clap::Args;
use std::path::PathBuf;

/// Withdraw a report: nobody can collect it or be given it any more, and whatever was granted of it ends.
///
/// What was opened before cannot be taken back; whoever opened it owes an answer. With --erase the sealed file is erased at
/// the broker 14 days after your recovery key agreed; until then --keep calls that off. Backups made before may still hold
/// it and what opens it for you.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana report withdraw 3f…\n  amana report withdraw 3f… --erase\n  amana report withdraw 3f… --keep     # call off an erasing that waits"
)]
pub(super) struct Arguments {
    /// The report.
    report: ReportId,
    /// Erase it as well; takes the 24 words of your recovery key.
    #[arg(long, conflicts_with = "keep")]
    erase: bool,
    /// Keep it for yourself, also if erasing was asked for before. This is the default.
    #[arg(long)]
    keep: bool,
    /// Read the 24 words from a file instead of asking for them.
    #[arg(long, value_name = "FILE", requires = "erase")]
    words_file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let id = arguments.report;
    if !arguments.erase {
        return access.at_desk(|sitting| {
            let accepted = sitting.desk.withdraw_report(id, AfterWithdrawal::Keep)?;
            out.show(
                format!("{WITHDRAWN} The sealed file stays for you."),
                &serde_json::json!({ "report": id, "withdrawal": accepted.id, "erased_from": null }),
            );
            Ok(())
        });
    }
    let recovery = recovery::typed(arguments.words_file.as_deref())?;
    access.at_desk(|sitting| {
        let withdrawal = sitting.desk.withdraw_report(id, AfterWithdrawal::Erase)?.id;
        sitting.keep()?;
        sitting.desk.agree_to_erasing(&recovery, withdrawal)?;
        let from = sitting.desk.now().plus(limits::ERASE_AFTER);
        out.show(
            format!(
                "{WITHDRAWN} It is erased at the broker from {} on. Until then you can call that off:\n  amana report \
                 withdraw {id} --keep\nBackups the operator made before may still hold it and what opens it for you.",
                words::moment(from)
            ),
            &serde_json::json!({ "report": id, "withdrawal": withdrawal, "erased_from": from }),
        );
        Ok(())
    })
}

const WITHDRAWN: &str = "Withdrawn: nobody can collect it or be given it any more, and whatever was granted of it has ended.\n\
     What was opened before cannot be taken back; whoever opened it owes an answer.";
